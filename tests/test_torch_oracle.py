"""The oracle against PyTorch's own layers, then the whole layer against the oracle."""

import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from messages import exactly
from strategies import Layer, batches, layers, random_batch, random_layer

import bn_utils as bn
from bn_utils.torch_oracle import TorchGradients, torch_double_backward, torch_gradients, torch_training

pytestmark = pytest.mark.filterwarnings("error")

# Round-off unit, times |mean| / std <= 30, which h_hat loses, times the sum over N <= 30
# rows, times 3 as margin: the worst seen in 6000 layers is 5.2e-5, in db, which is 0.
FLOAT32 = 3 * 30 * 30 * 2.0**-24
TOLERANCE = {np.float32: FLOAT32, np.float64: 1e-12}


def compare(seen, expected, dtype, note=""):
    for name, actual, oracle in zip(TorchGradients._fields, seen, expected, strict=True):
        bn.assert_grads_close(f"{name}{note}", actual, oracle.astype(dtype), TOLERANCE[dtype])


def functional_gradients(layer, normalise):
    X, W, b, gamma, beta = inputs = [torch.tensor(np.array(x), requires_grad=True) for x in layer[:5]]
    h = F.linear(X, W.T, b)
    y = normalise(h, gamma, beta)
    a = F.relu(y)
    h.retain_grad()
    y.retain_grad()
    a.backward(torch.tensor(np.array(layer.da)))
    dX, dW, db, dgamma, dbeta = [x.grad for x in inputs]
    tensors = TorchGradients(h, y, a, y.grad, dgamma, dbeta, h.grad, dX, dW, db)
    return [tensor.detach().numpy() for tensor in tensors]


# `F.batch_norm` refuses one row and eps = 0, the operator below it takes both
@given(layer=layers(rows=st.integers(2, 30)).filter(lambda layer: layer.eps > 0))
def test_oracle_is_the_functional_layer(layer):
    def batch_norm(h, gamma, beta):
        return F.batch_norm(h, None, None, gamma, beta, training=True, eps=layer.eps)

    compare(torch_gradients(*layer), functional_gradients(layer, batch_norm), layer.X.dtype.type)


@given(layer=layers(rows=st.just(1)))
def test_oracle_of_one_row_is_the_formula(layer):
    def formula(h, gamma, beta):
        return gamma * (h - h.mean(0)) / (h.var(0, unbiased=False) + layer.eps).sqrt() + beta

    compare(torch_gradients(*layer), functional_gradients(layer, formula), layer.X.dtype.type)


def seeded_layer(seed):
    rng = np.random.default_rng(seed)
    N, D, H = rng.integers(1, 31, 3)
    return random_layer(rng, N, D, H, eps=float(rng.choice([1e-5, 1e-3, 0.1, 1.0])))


def run_layer(layer, backward):
    h, linear_cache = bn.linear_forward(layer.X, layer.W, layer.b)
    y, batchnorm_cache = bn.batchnorm_forward(h, layer.gamma, layer.beta, layer.eps)
    a, relu_cache = bn.relu_forward(y)
    dy = bn.relu_backward(layer.da, relu_cache)
    dh, dgamma, dbeta = backward(dy, batchnorm_cache)
    dX, dW, db = bn.linear_backward(dh, linear_cache)
    return h, y, a, dy, dgamma, dbeta, dh, dX, dW, db


def test_two_hundred_layers_match_pytorch_and_the_closed_form(backward):
    for seed in range(200):
        layer = seeded_layer(seed)
        seen = run_layer(layer, backward)
        compare(seen, torch_gradients(*layer), np.float64, f", seed {seed}")
        compare(seen, run_layer(layer, bn.batchnorm_backward), np.float64, f", seed {seed}, closed form")


@given(layer=layers())
def test_every_layer_matches_pytorch_in_float64(layer, backward):
    dtype = layer.X.dtype.type
    exact = Layer(*(array.astype(np.float64) for array in layer[:-1]), layer.eps)
    # at the kink of the ReLU, within round-off, y may fall on either side
    kink = np.abs(torch_gradients(*exact).y) <= TOLERANCE[dtype]
    layer, exact = (case._replace(da=np.where(kink, 0, case.da)) for case in (layer, exact))
    compare(run_layer(layer, backward), torch_gradients(*exact), dtype)


def test_eps_is_1e_minus_5_by_default():
    layer = seeded_layer(0)
    default, explicit = torch_gradients(*layer[:-1]), torch_gradients(*layer[:-1], eps=1e-5)
    for one, other in zip(default, explicit, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", ["X", "W", "b", "gamma", "beta", "da"])
def test_complex_arguments_are_refused(name):
    layer = seeded_layer(0)
    layer = layer._replace(**{name: getattr(layer, name).astype(complex)})
    message = f"{name} must be float32 or float64 for PyTorch's batch norm, got complex128"
    with pytest.raises(TypeError, match=exactly(message)):
        torch_gradients(*layer)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_result_that_overflows_is_named(dtype):
    one = np.ones(1, dtype)
    X = np.full((3, 1), np.finfo(dtype).max)
    message = f"h leaves the range of {np.dtype(dtype)}: rescale the inputs"
    with pytest.raises(ValueError, match=exactly(message)):
        torch_gradients(X, np.full((1, 1), 2, dtype), one, one, one, X)


@pytest.mark.parametrize("rows", [1, 3])
def test_constant_column_without_eps_is_refused(rows):
    X, b = np.array([[1.0], [2.0], [4.0]])[:rows], np.array([0.1, 0.2])
    with pytest.raises(ValueError, match=r"^eps must be large enough for float64 where .* got eps = 0\.0"):
        torch_gradients(X, np.array([[1.0, 0.0]]), b, b, b, np.ones((rows, 2)), eps=0)


def test_a_spread_that_underflows_without_eps_is_refused():
    X, one = np.array([[0.0], [1.0], [4.0]]) * 2.0**-600, np.ones(1)
    with pytest.raises(ValueError, match=r"^eps must be large enough for float64"):
        torch_gradients(X, np.ones((1, 1)), np.zeros(1), one, one, np.ones((3, 1)), eps=0)


def test_the_oracle_works_where_gradients_are_switched_off():
    layer = seeded_layer(0)
    with torch.no_grad():
        switched_off = torch_gradients(*layer)
    for one, other in zip(switched_off, torch_gradients(*layer), strict=True):
        np.testing.assert_array_equal(one, other)


def test_constant_column_is_accepted_with_eps():
    X, b = np.array([[1.0], [2.0], [4.0]]), np.array([0.1, 0.2])
    gradients = torch_gradients(X, np.array([[1.0, 0.0]]), b, b, b, np.ones((3, 2)))
    bn.assert_grads_close("y", gradients.y[:, 1], np.full(3, 0.2))


def upstreams(batch, rng):
    """Random u, v, w for a batch, of its dtype."""
    N, H = batch.h.shape
    return [rng.standard_normal(shape).astype(batch.h.dtype) for shape in ((N, H), (H,), (H,))]


@pytest.mark.parametrize("eps", [1e-5, 0.1, 1.0])
def test_two_hundred_double_backward_passes_match_pytorch(eps):
    for seed in range(200):
        rng = np.random.default_rng(seed)
        batch = random_batch(rng, *rng.integers(1, 31, 2), eps=eps)
        u, v, w = upstreams(batch, rng)
        _, cache = bn.batchnorm_forward(batch.h, batch.gamma, batch.beta, eps)
        expected = torch_double_backward(u, v, w, batch.dy, batch.h, batch.gamma, eps)
        seen = bn.batchnorm_double_backward(u, v, w, batch.dy, cache)
        for name, actual, oracle in zip(("phi_dy", "phi_h", "phi_gamma"), seen, expected, strict=True):
            bn.assert_grads_close(f"{name}, seed {seed}", actual, oracle)


@given(batch=batches())
def test_every_double_backward_pass_matches_pytorch_in_float64(batch):
    dtype = batch.h.dtype.type
    u, v, w = upstreams(batch, np.random.default_rng(0))
    _, cache = bn.batchnorm_forward(batch.h, batch.gamma, batch.beta, batch.eps)
    exact = [array.astype(np.float64) for array in (u, v, w, batch.dy, batch.h, batch.gamma)]
    expected = torch_double_backward(*exact, batch.eps)
    for actual, oracle in zip(bn.batchnorm_double_backward(u, v, w, batch.dy, cache), expected, strict=True):
        bn.assert_grads_close("result", actual, oracle.astype(dtype), TOLERANCE[dtype])


class Backward(torch.autograd.Function):
    """The backward pass as a function with a backward pass of its own."""

    @staticmethod
    def forward(ctx, dy, h, gamma):
        ctx.save_for_backward(dy, h, gamma)
        dy, h, gamma = (a.detach().numpy() for a in (dy, h, gamma))
        results = bn.batchnorm_backward(dy, bn.batchnorm_forward(h, gamma, gamma, 0.1)[1])
        return tuple(map(torch.from_numpy, results))

    @staticmethod
    def backward(ctx, *upstream):
        *upstream, dy, h, gamma = (a.detach().numpy() for a in (*upstream, *ctx.saved_tensors))
        cache = bn.batchnorm_forward(h, gamma, gamma, 0.1)[1]
        return tuple(map(torch.from_numpy, bn.batchnorm_double_backward(*upstream, dy, cache)))


class BatchNorm(torch.autograd.Function):
    """Batch norm of `bn_utils`, twice differentiable."""

    @staticmethod
    def forward(ctx, h, gamma, beta):
        ctx.save_for_backward(h, gamma)
        y, _ = bn.batchnorm_forward(*(a.detach().numpy() for a in (h, gamma, beta)), 0.1)
        return torch.from_numpy(y)

    @staticmethod
    def backward(ctx, dy):
        return Backward.apply(dy, *ctx.saved_tensors)


@pytest.mark.parametrize("function", [BatchNorm, Backward])
def test_gradgradcheck_accepts_the_double_backward_pass(function):
    batch = random_batch(np.random.default_rng(0), 5, 3)
    arrays = (batch.h, batch.gamma, batch.beta) if function is BatchNorm else (batch.dy, batch.h, batch.gamma)
    inputs = [torch.tensor(np.array(a), requires_grad=True) for a in arrays]
    check = torch.autograd.gradgradcheck if function is BatchNorm else torch.autograd.gradcheck
    assert check(function.apply, inputs)


@pytest.mark.parametrize("name", ["u", "v", "w", "dy", "h", "gamma"])
def test_complex_arguments_of_the_double_backward_pass_are_refused(name):
    ones = dict.fromkeys(["u", "dy", "h"], np.ones((3, 2))) | dict.fromkeys(["v", "w", "gamma"], np.ones(2))
    message = f"{name} must be float32 or float64 for PyTorch's batch norm, got complex128"
    with pytest.raises(TypeError, match=exactly(message)):
        torch_double_backward(**ones | {name: ones[name].astype(complex)})


def test_double_backward_without_eps_refuses_a_constant_column_and_has_1e_minus_5_by_default():
    h = np.array([[1.0, 2.0], [2.0, 2.0], [4.0, 2.0]])
    given = h, h[0], h[1], h, h, h[2]
    with pytest.raises(ValueError, match=r"^eps must be large enough for float64"):
        torch_double_backward(*given, 0)
    for one, other in zip(torch_double_backward(*given), torch_double_backward(*given, 1e-5), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_double_backward_pass_of_pytorch_names_what_overflows():
    h = np.array([[1.0], [2.0], [4.0]])
    one = np.ones(1)
    with pytest.raises(ValueError, match=r"^phi_dy leaves the range of float64"):
        torch_double_backward(1e308 * (h / 4), one, one, h, h, 1e3 * one)


def test_the_double_backward_oracle_works_where_gradients_are_switched_off():
    batch = random_batch(np.random.default_rng(0), 5, 3)
    given = *upstreams(batch, np.random.default_rng(1)), batch.dy, batch.h, batch.gamma
    with torch.no_grad():
        switched_off = torch_double_backward(*given)
    for one, other in zip(switched_off, torch_double_backward(*given), strict=True):
        np.testing.assert_array_equal(one, other)


# training --------------------------------------------------------------------------------------


def network(dtype=np.float64):
    rng = np.random.default_rng(3)
    shapes = {"W1": (5, 4), "b1": 4, "gamma": 4, "beta": 4, "W2": (4, 3), "b2": 3}
    start = {name: rng.normal(size=shape).astype(dtype) for name, shape in shapes.items()}
    return start, [(rng.normal(size=(6, 5)).astype(dtype), rng.integers(3, size=6)) for _ in range(4)]


def step(p, X, labels, rate, eps):
    """A step as PyTorch's operators do it, without its layers, its loss and its optimiser."""
    p = {name: torch.tensor(array, requires_grad=True) for name, array in p.items()}
    h = torch.tensor(X) @ p["W1"] + p["b1"]
    h_hat = (h - h.mean(0)) / (h.var(0, unbiased=False) + eps).sqrt()
    z = (p["gamma"] * h_hat + p["beta"]).clamp(min=0) @ p["W2"] + p["b2"]
    loss = -torch.log_softmax(z, 1)[torch.arange(len(X)), torch.tensor(labels)].mean()
    loss.backward()
    return loss.item(), {name: (t - rate * t.grad).detach().numpy() for name, t in p.items()}


@pytest.mark.parametrize(("dtype", "tol"), [(np.float64, 1e-12), (np.float32, 1e-5)])
def test_training_is_one_step_for_each_batch(dtype, tol):
    p, data = network(dtype)
    before = {name: array.copy() for name, array in p.items()}
    losses, trained = torch_training(p, iter(data), rate=0.7, eps=0.3)
    assert losses.shape == (4,)
    np.testing.assert_equal(p, before)
    for seen, (X, labels) in zip(losses, data, strict=True):
        loss, p = step(p, X, labels, 0.7, 0.3)
        assert seen == pytest.approx(loss, rel=tol)
    for name in p:
        bn.assert_grads_close(name, trained[name], p[name], tol)
        assert trained[name].dtype == dtype


def test_training_has_the_eps_of_the_book():
    p, data = network()
    losses, _ = torch_training(p, data, 0.1)
    np.testing.assert_array_equal(losses, torch_training(p, data, 0.1, 1e-5)[0])
    assert not np.array_equal(losses, torch_training(p, data, 0.1, 1e-3)[0])


START, DATA = network()
X0, LABELS0 = DATA[0]


@pytest.mark.parametrize(
    ("start", "batch", "rate", "error", "message"),
    [
        ({"W1": START["W1"]}, DATA[0], 0.1, ValueError, "start must be a dictionary with the keys W1, b1"),
        (list(START), DATA[0], 0.1, ValueError, "start must be a dictionary"),
        (START | {"b2": START["b1"]}, DATA[0], 0.1, ValueError, "b2 must have shape (C,) with C = 3"),
        (START | {"b1": 1j * START["b1"]}, DATA[0], 0.1, TypeError, "b1 must be float32 or float64"),
        (START, (X0[:, 1:], LABELS0), 0.1, ValueError, "X must have shape (N, D) with D = 5 as in W1"),
        (START, (X0.astype(np.float32), LABELS0), 0.1, TypeError, "X must have the precision of W1"),
        (START, (X0 + 0j, LABELS0), 0.1, TypeError, "X must be float32 or float64"),
        (START, (X0, LABELS0[1:]), 0.1, ValueError, "labels must have shape (N,) with N = 6"),
        (START, (X0, LABELS0 + 2), 0.1, ValueError, "labels must be >= 0 and < C = 3"),
        (START, DATA[0], 0, ValueError, "rate must be finite and > 0"),
    ],
)
def test_training_says_which_argument_is_wrong(start, batch, rate, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}"):
        torch_training(start, [batch], rate)


@pytest.mark.parametrize("dtype", ["int8", "int32", "uint8", "uint16", "uint64", ">i4"])
def test_labels_of_training_are_integers_of_any_size(dtype):
    losses, _ = torch_training(START, [(X0, LABELS0.astype(dtype))], 0.1)
    np.testing.assert_array_equal(losses, torch_training(START, DATA[:1], 0.1)[0])


@pytest.mark.parametrize("switched_off", [torch.no_grad, torch.inference_mode])
def test_training_works_where_gradients_are_switched_off(switched_off):
    with switched_off():
        losses, trained = torch_training(START, DATA, 0.1)
    expected, parameters = torch_training(START, DATA, 0.1)
    np.testing.assert_array_equal(losses, expected)
    np.testing.assert_equal(trained, parameters)


def test_training_takes_one_row_and_an_eps_of_0_as_the_other_oracles_do():
    losses, trained = torch_training(START, [(X0[:1], LABELS0[:1])], 0.1)
    z = np.maximum(START["beta"], 0) @ START["W2"] + START["b2"]
    assert losses[0] == pytest.approx(np.log(np.exp(z).sum()) - z[LABELS0[0]], rel=1e-12)
    np.testing.assert_array_equal(trained["W1"], START["W1"])
    losses, trained = torch_training(START, DATA[:1], 0.7, 0)
    loss, expected = step(START, X0, LABELS0, 0.7, 0)
    assert losses[0] == pytest.approx(loss, rel=1e-12)
    for name in expected:
        bn.assert_grads_close(name, trained[name], expected[name])


@pytest.mark.parametrize(
    ("start", "scale", "rate", "eps", "message"),
    [
        (START, 1e300, 0.1, 1e-5, "var leaves the range of float64"),
        (START, 1e-200, 0.1, 0, "eps must be large enough for float64 where a column of h is constant"),
        (START | {"W1": 1e300 * START["W1"]}, 1e300, 0.1, 1e-5, "h leaves the range of float64"),
        (START, 1.0, 1e300, 1e-5, "var leaves the range of float64"),  # at the second batch
    ],
)
def test_training_says_what_leaves_the_range(start, scale, rate, eps, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        torch_training(start, [(scale * X, labels) for X, labels in DATA], rate, eps)


def test_training_names_what_the_last_step_makes_too_large():
    with pytest.raises(ValueError, match=r"^losses leaves the range of float64"):
        torch_training(START | {"W2": np.full((4, 3), 1e308)}, DATA[:1], 0.1)
    start = START | {name: 1e3 * START[name] for name in ("gamma", "beta", "W2")}
    with pytest.raises(ValueError, match=r"^W1 leaves the range of float64"):
        torch_training(start, DATA[:1], 1.7e308)
