"""Evaluation mode and running statistics, against PyTorch's layer in both modes, state included."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from messages import exactly
from strategies import arrange, dtypes, epsilons, generators, layouts, random_batch

import bn_utils as bn

pytestmark = pytest.mark.filterwarnings("error")

CS231N = {"momentum": 0.9, "weighs": "old", "correction": 0}
TOL = {np.float32: 3e-4, np.float64: 1e-12}  # |mean| / std <= 30 costs two digits
momenta = st.sampled_from([0.0, 0.01, 0.1, 0.5, 1.0])


def torch_layer(batch, mean, var, momentum):
    """PyTorch's layer with the parameters of a batch and a given state."""
    H = len(mean)
    layer = torch.nn.BatchNorm1d(H, batch.eps, momentum, dtype=torch.from_numpy(mean.copy()).dtype)
    state = batch.gamma, batch.beta, mean, var, 0
    tensors = (torch.tensor(np.array(value)) for value in state)
    layer.load_state_dict(dict(zip(layer.state_dict(), tensors, strict=True)))
    return layer


def call(layer, h, dy):
    """PyTorch's output and gradients: y, dh, dgamma, dbeta."""
    leaf = torch.tensor(np.array(h), requires_grad=True)
    y = layer(leaf)
    gradients = torch.autograd.grad(y, [leaf, layer.weight, layer.bias], torch.tensor(np.array(dy)))
    return [tensor.detach().numpy() for tensor in (y, *gradients)]


def cs231n(mean, var, h):
    """The two lines of CS231n."""
    return 0.9 * mean + (1 - 0.9) * h.mean(axis=0), 0.9 * var + (1 - 0.9) * h.var(axis=0)


@settings(max_examples=10)  # of 50 steps each
@given(rng=generators, H=st.integers(1, 8), eps=epsilons(1), momentum=momenta, dtype=dtypes, layout=layouts)
def test_fifty_steps_match_pytorch_in_both_modes(rng, H, eps, momentum, dtype, layout):
    mean, var = arrange((rng.standard_normal(H), rng.uniform(0.3, 2, H)), dtype, layout)
    first = random_batch(rng, 2, H, eps, dtype, layout)
    layer, old, theirs = torch_layer(first, mean, var, momentum), (mean, var), (mean, var)
    expected = mean, var
    for _ in range(50):
        batch = random_batch(rng, rng.integers(2, 30), H, eps, dtype, layout)
        y, cache = bn.batchnorm_forward(batch.h, first.gamma, first.beta, eps)
        mean, var = bn.update_running(mean, var, cache, momentum)
        old = bn.update_running(*old, cache, 1 - momentum, weighs="old")
        theirs, expected = bn.update_running(*theirs, cache, **CS231N), cs231n(*expected, batch.h)
        right = call(layer.train(), batch.h, batch.dy)
        bn.assert_grads_close("y in training", y, right[0], TOL[dtype])
        running = layer.running_mean.numpy(), layer.running_var.numpy()
        for state, state_of_torch in (((mean, var), running), (old, running), (theirs, expected)):
            bn.assert_grads_close("running_mean", state[0], state_of_torch[0], TOL[dtype])
            bn.assert_grads_close("running_var", state[1], state_of_torch[1], TOL[dtype])
        y, cache = bn.batchnorm_inference(batch.h, first.gamma, first.beta, mean, var, eps)
        results = y, *bn.batchnorm_inference_backward(batch.dy, cache)
        right = call(layer.eval(), batch.h, batch.dy)
        for name, actual, wanted in zip(("y", "dh", "dgamma", "dbeta"), results, right, strict=True):
            scale = np.abs(wanted).max()  # of the sums that cancel in dgamma
            bn.assert_grads_close(name, actual / (1 + scale), wanted / (1 + scale), 30 * TOL[dtype])


@settings(max_examples=10)
@given(rng=generators, N=st.integers(2, 30), H=st.integers(1, 8))
def test_the_convention_of_cs231n_matches_pytorch_but_for_the_divisor(rng, N, H):
    state = mean, var = np.zeros(H), np.zeros(H)
    layer = torch_layer(random_batch(rng, N, H), mean, var, 0.1)
    for _ in range(50):
        batch = random_batch(rng, N, H)
        state = bn.update_running(*state, bn.batchnorm_forward(batch.h, mean, mean)[1], **CS231N)
        layer(torch.tensor(batch.h))
        bn.assert_grads_close("running_mean", state[0], layer.running_mean.numpy())
        bn.assert_grads_close("running_var", state[1], layer.running_var.numpy() * (N - 1) / N)


@pytest.mark.parametrize("N", [1, 2, 7])
def test_evaluation_matches_the_complex_step(N):
    rng = np.random.default_rng(0)
    batch = random_batch(rng, N, 3, eps=0.3)
    mean, var = rng.normal(size=3), rng.uniform(0.3, 2, 3)

    def loss(h=batch.h, gamma=batch.gamma, beta=batch.beta):
        return np.sum(batch.dy * bn.batchnorm_inference(h, gamma, beta, mean, var, batch.eps)[0])

    _, cache = bn.batchnorm_inference(batch.h, batch.gamma, batch.beta, mean, var, batch.eps)
    dh, dgamma, dbeta = bn.batchnorm_inference_backward(batch.dy, cache)
    bn.assert_grads_close("dh", dh, bn.complex_step_gradient(lambda h: loss(h=h), batch.h))
    bn.assert_grads_close("dgamma", dgamma, bn.complex_step_gradient(lambda g: loss(gamma=g), batch.gamma))
    bn.assert_grads_close("dbeta", dbeta, bn.complex_step_gradient(lambda b: loss(beta=b), batch.beta))


def test_the_defaults_are_those_of_pytorch():
    batch = random_batch(np.random.default_rng(0), 5, 3)
    mean, var = np.zeros(3), np.ones(3)
    layer = torch.nn.BatchNorm1d(3, dtype=torch.float64)
    layer.weight.data, layer.bias.data = torch.tensor(batch.gamma), torch.tensor(batch.beta)
    layer(torch.tensor(batch.h))
    mean, var = bn.update_running(mean, var, bn.batchnorm_forward(batch.h, mean, mean)[1])
    bn.assert_grads_close("running_mean", mean, layer.running_mean.numpy())
    bn.assert_grads_close("running_var", var, layer.running_var.numpy())
    y = layer.eval()(torch.tensor(batch.h)).detach().numpy()
    bn.assert_grads_close("y", bn.batchnorm_inference(batch.h, batch.gamma, batch.beta, mean, var)[0], y)


def step(N=4, mean=(0.0, 0.0), var=(1.0, 1.0), **options):
    h = np.arange(2.0 * N).reshape(N, 2)
    cache = bn.batchnorm_forward(h, np.ones(2), np.ones(2))[1]
    return bn.update_running(np.array(mean), np.array(var), cache, **options)


def test_one_row_has_no_unbiased_variance():
    message = "cache must be of a batch of N >= 2 rows where correction is 1, got N = 1"
    with pytest.raises(ValueError, match=exactly(message)):
        step(N=1)
    mean, var = step(N=1, **CS231N)
    bn.assert_grads_close("running_mean", mean, np.array([0.0, 0.1]))
    bn.assert_grads_close("running_var", var, np.array([0.9, 0.9]))


@pytest.mark.parametrize(
    ("error", "message", "options"),
    [
        (ValueError, "momentum must be from 0 to 1, got 1.5", {"momentum": 1.5}),
        (ValueError, "momentum must be finite and >= 0, got -0.1", {"momentum": -0.1}),
        (TypeError, "momentum must be a real number, got NoneType None", {"momentum": None}),
        (ValueError, "weighs must be one of 'new', 'old'; got str 'running'", {"weighs": "running"}),
        (ValueError, "weighs must be one of 'new', 'old'; got NoneType None", {"weighs": None}),
        (ValueError, "correction must be one of 0, 1; got int 2", {"correction": 2}),
        (ValueError, "correction must be one of 0, 1; got bool True", {"correction": True}),
        (ValueError, "correction must be one of 0, 1; got float 1.0", {"correction": 1.0}),
        (
            ValueError,
            "running_var must be >= 0, got -0.5 at index (1,)",
            {"var": (1.0, -0.5)},
        ),
    ],
)
def test_a_wrong_step_is_refused(error, message, options):
    with pytest.raises(error, match=exactly(message)):
        step(**options)


def test_a_step_out_of_range_is_refused():
    cache = bn.batchnorm_forward(np.array([[-1.0], [1.0]]), np.ones(1), np.ones(1))[1]
    with pytest.raises(ValueError, match=r"^running_var leaves the range of float64: rescale the inputs$"):
        bn.update_running(np.zeros(1), np.ones(1), cache._replace(var=np.array([1e308])), 1.0)


def test_momentum_may_be_0_or_1():
    for weighs, kept in (("new", 0.0), ("old", 1.0)):
        mean, var = step(mean=(5.0, 6.0), momentum=kept, weighs=weighs)
        np.testing.assert_array_equal((mean, var), [(5, 6), (1, 1)])
        mean, var = step(mean=(5.0, 6.0), momentum=1 - kept, weighs=weighs)
        bn.assert_grads_close("mean", mean, np.array([3.0, 4.0]))
        bn.assert_grads_close("var", var, np.array([20 / 3, 20 / 3]))


def test_constant_statistics_are_refused_where_they_divide_by_0():
    h, one = np.ones((2, 3)), np.ones(3)
    message = (
        "eps must be large enough for float64 where running_var is 0, "
        "got eps = 0.0 and running_var + eps = 0 at index (1,)"
    )
    with pytest.raises(ValueError, match=exactly(message)):
        bn.batchnorm_inference(h, one, one, one, np.array([1.0, 0.0, 0.0]), eps=0)
    with pytest.raises(ValueError, match=exactly("running_var must be >= 0, got -1.0 at index (0,)")):
        bn.batchnorm_inference(h, one, one, one, -one[:1].repeat(3) * [1, 0, 0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_results_out_of_range_are_refused(dtype):
    big = np.array([np.finfo(dtype).max], dtype)
    one, h = np.ones(1, dtype), np.ones((2, 1), dtype)
    with pytest.raises(ValueError, match=r"^y leaves the range of float"):
        bn.batchnorm_inference(h, big, one, -one, one / 4, 0.0)
    _, cache = bn.batchnorm_inference(h, one, one, -one, one / 4, 0.0)
    for dy, name in ((big * [[0.4], [0.4]], "dgamma"), (big * [[-0.9], [0.9]], "dh")):
        with pytest.raises(ValueError, match=f"^{name} leaves the range of float"):
            bn.batchnorm_inference_backward(dy.astype(dtype), cache)


def test_a_cache_of_the_other_mode_is_refused():
    batch = random_batch(np.random.default_rng(0), 5, 3)
    training = bn.batchnorm_forward(batch.h, batch.gamma, batch.beta)[1]
    evaluation = bn.batchnorm_inference(batch.h, batch.gamma, batch.beta, np.zeros(3), np.ones(3))[1]
    with pytest.raises(
        TypeError, match=r"^cache must be the InferenceCache that batchnorm_inference returned"
    ):
        bn.batchnorm_inference_backward(batch.dy, training)
    with pytest.raises(TypeError, match=r"^cache must be the BatchNormCache that batchnorm_forward returned"):
        bn.update_running(np.zeros(3), np.ones(3), evaluation)
    with pytest.raises(TypeError, match=r"^cache must be the BatchNormCache that batchnorm_forward returned"):
        bn.batchnorm_backward(batch.dy, evaluation)
