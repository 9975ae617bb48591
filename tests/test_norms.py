"""The family: each member against PyTorch and the complex step, in training and in evaluation."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from messages import exactly

import bn_utils as bn

GROUPS = 3


def in_torch(normalise):
    """The results of a member and its gradients as PyTorch computes them."""

    def results(x, gamma, beta, dy, eps):
        leaves = [torch.tensor(array, requires_grad=True) for array in (x, gamma, beta)]
        y = normalise(*leaves, eps)
        grads = torch.autograd.grad(y, leaves, torch.tensor(dy), allow_unused=True)
        return [tensor.detach().numpy() for tensor in (y, *grads) if tensor is not None]

    return results


# member: the axes of x, those over which it is normalised, the backward pass, PyTorch's
MEMBERS = {
    "layer": (
        "N H",
        (1,),
        bn.layernorm_backward,
        in_torch(lambda x, gamma, beta, eps: F.layer_norm(x, x.shape[1:], gamma, beta, eps)),
    ),
    "rms": (
        "N H",
        (1,),
        bn.rmsnorm_backward,
        in_torch(lambda x, gamma, beta, eps: F.rms_norm(x, x.shape[1:], gamma, eps)),
    ),
    "group": (
        "N C H W",
        (2, 3, 4),
        bn.groupnorm_backward,
        in_torch(lambda x, gamma, beta, eps: F.group_norm(x, GROUPS, gamma, beta, eps)),
    ),
    "instance": (
        "N C H W",
        (2, 3),
        bn.instancenorm_backward,
        in_torch(lambda x, gamma, beta, eps: F.instance_norm(x, None, None, gamma, beta, eps=eps)),
    ),
    "spatial": (
        "N C H W",
        (0, 2, 3),
        bn.spatial_batchnorm_backward,
        in_torch(lambda x, gamma, beta, eps: F.batch_norm(x, None, None, gamma, beta, True, 0.0, eps)),
    ),
}
CENTRED = [name for name in MEMBERS if name != "rms"]
FORWARDS = {
    "layer": bn.layernorm_forward,
    "rms": lambda x, gamma, beta, eps=1e-5: bn.rmsnorm_forward(x, gamma, eps),
    "group": lambda x, gamma, beta, eps=1e-5: bn.groupnorm_forward(x, gamma, beta, GROUPS, eps),
    "instance": bn.instancenorm_forward,
    "spatial": bn.spatial_batchnorm_forward,
}


def split(name, x):
    """The array in the shape in which the member normalises it."""
    return x.reshape(len(x), GROUPS, -1, *x.shape[2:]) if name == "group" else x


def random_input(name, rng):
    """Entries that are normalised together have a std from 0.3 to 3 and |mean| / std up to 30."""
    letters, axes = MEMBERS[name][:2]
    if letters == "N H":
        shape = (int(rng.integers(1, 13)), int(rng.integers(2, 13)))
    else:
        channels = GROUPS * int(rng.integers(1, 4))
        shape = (int(rng.integers(1, 5)), channels, int(rng.integers(2, 6)), int(rng.integers(1, 6)))
    values = split(name, rng.standard_normal(shape))
    over = {"axis": axes, "keepdims": True}
    values = (values - values.mean(**over)) / values.std(**over)
    values = (values + rng.uniform(-30, 30, values.mean(**over).shape)) * rng.uniform(0.3, 3)
    x = values.reshape(shape)
    gamma, beta = rng.standard_normal((2, shape[1]))
    eps = float(rng.choice([1e-5, 1e-3, 0.1, 1.0]))
    return x, gamma, beta, rng.standard_normal(shape), eps


def ours(name, x, gamma, beta, dy, eps):
    y, cache = FORWARDS[name](x, gamma, beta, eps)
    return [y, *MEMBERS[name][2](dy, cache)]


@pytest.mark.parametrize("name", MEMBERS)
def test_two_hundred_shapes_match_pytorch(name):
    shapes = set()
    for seed in range(200):
        arguments = random_input(name, np.random.default_rng(seed))
        shapes.add(arguments[0].shape)
        seen, expected = ours(name, *arguments), MEMBERS[name][3](*arguments)
        for part, actual, oracle in zip(("y", "dx", "dgamma", "dbeta"), seen, expected, strict=False):
            bn.assert_grads_close(f"{part}, seed {seed}", actual, oracle)
        assert len(seen) == len(expected) == (3 if name == "rms" else 4)
    assert len(shapes) > 50


@pytest.mark.parametrize("name", MEMBERS)
def test_gradients_match_the_complex_step(name):
    x, gamma, beta, dy, eps = random_input(name, np.random.default_rng(3))
    arguments = {"x": x, "gamma": gamma, "beta": beta}

    def loss(argument):
        return lambda z: np.sum(dy * FORWARDS[name](**{**arguments, argument: z}, eps=eps)[0])

    for argument, actual in zip(arguments, ours(name, x, gamma, beta, dy, eps)[1:], strict=False):
        expected = bn.complex_step_gradient(loss(argument), arguments[argument])
        bn.assert_grads_close(f"d{argument}", actual, expected)


@pytest.mark.parametrize("name", MEMBERS)
def test_dtypes_and_layouts_are_kept(name):
    *arrays, eps = random_input(name, np.random.default_rng(4))
    expected = ours(name, *arrays, eps)
    for dtype, tol in ((np.float32, 30 * 30 * 2.0**-24), (np.complex128, 1e-12)):
        seen = ours(name, *(array.astype(dtype) for array in arrays), eps)
        for actual, exact in zip(seen, expected, strict=True):
            bn.assert_grads_close(f"{dtype}", actual, exact.astype(dtype), tol)
    other = [np.repeat(array[..., ::-1], 2, axis=-1)[..., ::-2] for array in arrays]
    for array in other:
        array.setflags(write=False)
    for actual, exact in zip(ours(name, *other, eps), expected, strict=True):
        bn.assert_grads_close("strided", actual, exact)


@pytest.mark.parametrize("name", MEMBERS)
def test_eps_is_1e_minus_5_by_default(name):
    x, gamma, beta, *_ = random_input(name, np.random.default_rng(5))
    y, cache = {**FORWARDS, "rms": lambda x, gamma, beta: bn.rmsnorm_forward(x, gamma)}[name](x, gamma, beta)
    explicit, _ = FORWARDS[name](x, gamma, beta, 1e-5)
    np.testing.assert_array_equal(y, explicit)
    assert cache.axes == MEMBERS[name][1]
    assert cache.paths == (("variance",) if name == "rms" else ("mean", "variance"))


@pytest.mark.parametrize("name", CENTRED)
def test_one_entry_or_equal_entries_give_beta(name):
    letters = MEMBERS[name][0]
    for size in (1, 3):
        shape = {"N H": (3, size), "N C H W": (1, 3 * size, 1, 1)}[letters]
        if name in ("instance", "spatial"):
            shape = (1, 3, size, 1)
        x = np.full(shape, 0.1)  # no mean of these is exact without care
        gamma, beta = np.full(shape[1], -2.0), np.arange(1.0, shape[1] + 1)
        y, cache = FORWARDS[name](x, gamma, beta, 0.25)
        np.testing.assert_array_equal(y, np.zeros(shape) + beta.reshape(-1, *(1,) * (len(shape) - 2)))
        dy = np.ones(shape)
        np.testing.assert_array_equal(MEMBERS[name][2](dy, cache)[0], np.zeros(shape))
        with pytest.raises(ValueError, match=r"eps = 0.0 and the variance \+ eps = 0 at index \((0, )+0\)$"):
            FORWARDS[name](x, gamma, beta, 0)


def test_a_row_of_zeros_has_no_root_of_squares():
    x = np.array([[1.0, 2.0], [0.0, 0.0]])
    assert not bn.rmsnorm_forward(x, np.ones(2), 1e-5)[0][1].any()
    message = (
        "eps must be large enough for float64 where the entries normalised together are equal or nearly so "
        "(for RMS norm: 0), got eps = 0.0 and the variance + eps = 0 at index (1, 0)"
    )
    with pytest.raises(ValueError, match=exactly(message)):
        bn.rmsnorm_forward(x, np.ones(2), 0)


def test_members_are_special_cases_of_each_other():
    x, gamma, beta, dy, eps = random_input("group", np.random.default_rng(6))
    channels = x.shape[1]
    y, cache = bn.groupnorm_forward(x, gamma, beta, channels, eps)
    other, other_cache = bn.instancenorm_forward(x, gamma, beta, eps)
    bn.assert_grads_close("GN with a group a channel", y, other)
    for one, two in zip(
        bn.groupnorm_backward(dy, cache), bn.instancenorm_backward(dy, other_cache), strict=True
    ):
        bn.assert_grads_close("GN with a group a channel", one, two)
    flat = x[:, :, 0, 0]
    y, _ = bn.groupnorm_forward(flat[:, :, None, None], gamma, beta, 1, eps)
    bn.assert_grads_close("GN with one group", y[:, :, 0, 0], bn.layernorm_forward(flat, gamma, beta, eps)[0])
    y, cache = bn.spatial_batchnorm_forward(flat[:, :, None, None], gamma, beta, eps)
    expected, batch_cache = bn.batchnorm_forward(flat, gamma, beta, eps)
    bn.assert_grads_close("BN2d of one pixel", y[:, :, 0, 0], expected)
    dx = bn.spatial_batchnorm_backward(dy[:, :, :1, :1].copy(), cache)[0]
    dh = bn.batchnorm_backward(dy[:, :, 0, 0], batch_cache)[0]
    bn.assert_grads_close("BN2d of one pixel, dx", dx[:, :, 0, 0], dh)


@pytest.mark.parametrize(
    ("axes", "same"), [(0, (0,)), (-1, (2,)), ((2, -3), (0, 2)), (np.int64(1), (1,)), ((0, 1, 2), (0, 1, 2))]
)
def test_axes_are_numbers_from_either_end(axes, same):
    x = np.random.default_rng(7).normal(size=(3, 4, 2))
    x_hat, cache = bn.normalize_forward(x, axes, eps=0)
    assert cache.axes == same
    bn.assert_grads_close("mean", x_hat.mean(same), np.zeros_like(x.mean(same)))
    bn.assert_grads_close("variance", x_hat.var(same), np.ones_like(x.mean(same)))
    bn.assert_grads_close("mu", cache.mu, x.mean(same, keepdims=True))
    bn.assert_grads_close("var", cache.var, x.var(same, keepdims=True))


@pytest.mark.parametrize(
    ("x", "axes", "error", "message"),
    [
        (
            np.ones((2, 3)),
            2,
            ValueError,
            "axes must name one or more different axes of x, which has 2, got 2",
        ),
        (
            np.ones((2, 3)),
            (),
            ValueError,
            "axes must name one or more different axes of x, which has 2, got ()",
        ),
        (
            np.ones((2, 3)),
            (1, -1),
            ValueError,
            "axes must name one or more different axes of x, which has 2, got (1, -1)",
        ),
        (np.ones(()), 0, ValueError, "axes must name one or more different axes of x, which has 0, got 0"),
        (np.ones((2, 3)), 1.0, TypeError, "axes must be an integer or a tuple of integers, got float 1.0"),
        (np.ones((2, 3)), True, TypeError, "axes must be an integer or a tuple of integers, got bool True"),
        (np.ones((2, 0)), 1, ValueError, "x must have n1 >= 1, got shape (2, 0)"),
        ([[1.0], [1.0, 2.0]], 1, TypeError, "x must be an array of numbers, got list [[1.0], [1.0, 2.0]]"),
        (np.array([1e200, -1e200]), 0, ValueError, "var leaves the range of float64: rescale the inputs"),
    ],
)
def test_normalize_refuses_what_it_cannot_do(x, axes, error, message):
    with pytest.raises(error, match=exactly(message)):
        bn.normalize_forward(x, axes)


@pytest.mark.parametrize(("center", "got"), [(None, "NoneType None"), (1, "int 1"), ("no", "str 'no'")])
def test_center_is_a_bool(center, got):
    with pytest.raises(TypeError, match=exactly(f"center must be True or False, got {got}")):
        bn.normalize_forward(np.ones((2, 3)), 0, center=center)
    assert bn.normalize_forward(np.ones((2, 3)), 0, center=np.False_)[1].paths == ("variance",)


def test_backward_refuses_what_does_not_belong_to_it():
    x = np.arange(24.0).reshape(2, 6, 2, 1)
    gamma = np.ones(6)
    _, general = bn.normalize_forward(x, 1)
    _, group = bn.groupnorm_forward(x, gamma, gamma, 2)
    cases = [
        (bn.normalize_backward, x[:1], general, ValueError, "with n0 = 2 as in x_hat, got (1, 6, 2, 1)"),
        (bn.normalize_backward, x, None, TypeError, "NormCache that normalize_forward returned"),
        (bn.layernorm_backward, x, None, TypeError, "NormCache that layernorm_forward returned"),
        (
            bn.layernorm_backward,
            x,
            group,
            TypeError,
            "that of layernorm_forward, got that of groupnorm_forward",
        ),
        (bn.groupnorm_backward, x, general, TypeError, "groupnorm_forward, got that of normalize_forward"),
        (bn.groupnorm_backward, x[:, :3], group, ValueError, "dy must have shape (N, C, H, W) with C = 6"),
    ]
    for backward, dy, cache, error, message in cases:
        with pytest.raises(error) as caught:
            backward(dy, cache)
        assert message in str(caught.value)


def test_the_result_that_overflows_is_named():
    x = np.array([[0.0, 1.0, 3.0]])
    large = np.full(3, 1e308)
    with pytest.raises(ValueError, match=r"^y leaves the range of float64"):
        bn.layernorm_forward(x, 1.7 * large, large)
    _, cache = bn.layernorm_forward(x, np.full(3, 100.0), np.zeros(3))
    with pytest.raises(ValueError, match=r"^dx_hat leaves the range of float64"):
        bn.layernorm_backward(large[None], cache)
    _, cache = bn.layernorm_forward(np.vstack([x, -x]), np.full(3, 1e-300), np.zeros(3))  # x_hat, -x_hat
    with pytest.raises(ValueError, match=r"^dbeta leaves the range of float64"):
        bn.layernorm_backward(np.vstack([large, large]), cache)
    with pytest.raises(ValueError, match=r"^dgamma leaves the range of float64"):
        bn.layernorm_backward(np.vstack([large, -large]), cache)
    _, cache = bn.normalize_forward(np.array([0.0, 1e-3]), 0, eps=0)
    with pytest.raises(ValueError, match=r"^dx leaves the range of float64"):
        bn.normalize_backward(np.array([1e308, -1e308]), cache._replace(paths=()))


@pytest.mark.parametrize(
    ("groups", "error", "message"),
    [
        (4, ValueError, "groups must be a divisor of C = 6, got 4"),
        (0, ValueError, "groups must be a divisor of C = 6, got 0"),
        (-2, ValueError, "groups must be a divisor of C = 6, got -2"),
        (2.0, TypeError, "groups must be an integer, got float 2.0"),
        (True, TypeError, "groups must be an integer, got bool True"),
    ],
)
def test_groups_divide_the_channels(groups, error, message):
    with pytest.raises(error, match=exactly(message)):
        bn.groupnorm_forward(np.ones((2, 6, 2, 2)), np.ones(6), np.ones(6), groups)


def test_arguments_are_checked_at_the_door():
    x, six = np.ones((2, 6, 2, 2)), np.ones(6)
    for forward in (bn.spatial_batchnorm_forward, bn.instancenorm_forward):
        with pytest.raises(ValueError, match=exactly("x must have shape (N, C, H, W), got (2, 6)")):
            forward(x[..., 0, 0], six, six)
        with pytest.raises(
            ValueError, match=exactly("beta must have shape (C,) with C = 6 as in x, got (1,)")
        ):
            forward(x, six, six[:1])
    with pytest.raises(ValueError, match=exactly("gamma must have shape (H,) with H = 6 as in x, got (2,)")):
        bn.layernorm_forward(x[..., 0, 0], six[:2], six)
    with pytest.raises(ValueError, match=exactly("gamma must have shape (H,) with H = 6 as in x, got (2,)")):
        bn.rmsnorm_forward(x[..., 0, 0], six[:2])


# evaluation ---------------------------------------------------------------------------


@pytest.mark.parametrize("momentum", [0.1, 0.7, 1.0])
def test_fifty_steps_match_batchnorm2d_in_both_modes_state_included(momentum):
    rng = np.random.default_rng(8)
    channels, eps = 3, 1e-3
    layer = torch.nn.BatchNorm2d(channels, eps, momentum).double()
    gamma, beta = rng.normal(size=(2, channels))
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(gamma))
        layer.bias.copy_(torch.tensor(beta))
    state = np.zeros(channels), np.ones(channels)

    def compare(x, y, cache, note):
        dy, leaf = rng.normal(size=x.shape), torch.tensor(x, requires_grad=True)
        out = layer(leaf)
        right = torch.autograd.grad(out, [leaf, layer.weight, layer.bias], torch.tensor(dy))
        seen = y, *bn.spatial_batchnorm_backward(dy, cache)
        for actual, expected in zip(seen, (out, *right), strict=True):
            bn.assert_grads_close(note, actual, expected.detach().numpy())

    for step in range(50):
        shape = (int(rng.integers(1, 5)), channels, int(rng.integers(2, 5)), int(rng.integers(1, 4)))
        x = rng.normal(rng.uniform(-2, 2), rng.uniform(0.5, 2), size=shape)
        layer.train()
        y, cache = bn.spatial_batchnorm_forward(x, gamma, beta, eps)
        compare(x, y, cache, f"training, step {step}")
        before = state
        state = bn.update_running(*before, cache, momentum)
        assert not any(map(np.shares_memory, before, state))
        bn.assert_grads_close("mean", state[0], layer.running_mean.numpy())
        bn.assert_grads_close("variance", state[1], layer.running_var.numpy())
        layer.eval()
        y, cache = bn.spatial_batchnorm_inference(x, gamma, beta, *state, eps)
        compare(x, y, cache, f"evaluation, step {step}")


def test_eps_is_1e_minus_5_by_default_in_evaluation():
    x, two = np.random.default_rng(9).normal(size=(2, 2, 2, 2)), np.ones(2)
    default, _ = bn.spatial_batchnorm_inference(x, two, two, 0 * two, two)
    explicit, _ = bn.spatial_batchnorm_inference(x, two, two, 0 * two, two, 1e-5)
    np.testing.assert_array_equal(default, explicit)


def test_float32_stays_float32_in_evaluation():
    x, two = np.ones((2, 2, 2, 2), np.float32), np.ones(2, np.float32)
    y, cache = bn.spatial_batchnorm_inference(x, two, two, 0 * two, two)
    state = bn.update_running(0 * two, two, bn.spatial_batchnorm_forward(x, two, two)[1])
    arrays = (y, *state, *bn.spatial_batchnorm_backward(x, cache))
    assert {array.dtype for array in arrays} == {np.dtype(np.float32)}


def test_the_other_convention_keeps_the_biased_variance_of_images():
    x, two = np.arange(8.0).reshape(1, 2, 2, 2), np.ones(2)
    _, cache = bn.spatial_batchnorm_forward(x, two, two)
    mean, var = bn.update_running(two, two, cache, 0.0, weighs="old", correction=0)
    bn.assert_grads_close("mean", mean, x.mean((0, 2, 3)))
    bn.assert_grads_close("variance", var, x.var((0, 2, 3)))


X, TWO = np.arange(8.0).reshape(1, 2, 2, 2), np.ones(2)
NEGATIVE = np.array([1.0, -0.5])


@pytest.mark.parametrize(
    ("mean", "var", "eps", "error", "message"),
    [
        ("a", TWO, 0, TypeError, "running_mean must be an array of numbers, got str 'a'"),
        (TWO, "b", 0, TypeError, "running_var must be an array of numbers, got str 'b'"),
        (TWO[:1], TWO, 0, ValueError, "running_mean must have shape (C,) with C = 2 as in x, got (1,)"),
        (TWO, TWO[:1], 0, ValueError, "running_var must have shape (C,) with C = 2 as in x, got (1,)"),
        (TWO, NEGATIVE, 1, ValueError, "running_var must be >= 0, got -0.5 at index (1,)"),
        (TWO, TWO, None, TypeError, "eps must be a real number, got NoneType None"),
        (
            TWO,
            np.array([1.0, 0.0]),
            0,
            ValueError,
            "eps must be large enough for float64 where running_var is 0, "
            "got eps = 0.0 and running_var + eps = 0 at index (1,)",
        ),
        (TWO, 1.7e308 * TWO, 1e308, ValueError, "var leaves the range of float64: rescale the inputs"),
    ],
)
def test_running_statistics_that_do_not_fit_images_are_refused(mean, var, eps, error, message):
    with pytest.raises(error, match=exactly(message)):
        bn.spatial_batchnorm_inference(X, TWO, TWO, mean, var, eps)


def test_steps_that_do_not_fit_images_are_refused():
    _, cache = bn.spatial_batchnorm_forward(X, TWO, TWO)
    _, evaluated = bn.spatial_batchnorm_inference(X, TWO, TWO, 0 * TWO, TWO)
    _, single = bn.spatial_batchnorm_forward(X[..., :1, :1], TWO, TWO)
    _, instance = bn.instancenorm_forward(X, TWO, TWO)
    cases = [
        (
            TypeError,
            "cache must be that of spatial_batchnorm_forward, got that of instancenorm_forward",
            (TWO, TWO, instance),
        ),
        (
            ValueError,
            "cache must be that of a step of training, got one of evaluation",
            (TWO, TWO, evaluated),
        ),
        (
            ValueError,
            "cache must be of a batch of N >= 2 entries a channel where correction is 1, got N = 1",
            (TWO, TWO, single),
        ),
        (
            ValueError,
            "running_mean must have shape (C,) with C = 2 as in mu, got (1,)",
            (TWO[:1], TWO, cache),
        ),
        (ValueError, "running_var must be >= 0, got -0.5 at index (1,)", (TWO, NEGATIVE, cache)),
    ]
    for error, message, given in cases:
        with pytest.raises(error, match=exactly(message)):
            bn.update_running(*given)
