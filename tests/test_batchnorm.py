"""Batch norm where it is delicate: small and constant batches, large means, overflow."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from messages import exactly
from strategies import batches, random_batch

import bn_utils as bn

pytestmark = pytest.mark.filterwarnings("error")

ROUND_OFF = {np.float32: 2.0**-24, np.float64: 2.0**-53}


@pytest.fixture
def batch():
    return random_batch(np.random.default_rng(0), 5, 3)


@given(batch=batches())
def test_backward_passes_agree(batch, backward):
    _, cache = bn.batchnorm_forward(batch.h, batch.gamma, batch.beta, batch.eps)
    # |mean| / std <= 30, and sums over N <= 30 rows; worst seen 4.5e-6 and 1.1e-14
    tol = 30 * 30 * ROUND_OFF[batch.h.dtype.type]
    for name, actual, expected in zip(
        ("dh", "dgamma", "dbeta"),
        backward(batch.dy, cache),
        bn.batchnorm_backward(batch.dy, cache),
        strict=True,
    ):
        bn.assert_grads_close(name, actual, expected, tol)


def test_backward_matches_the_complex_step_through_forward(batch, backward):
    def loss(h=batch.h, gamma=batch.gamma, beta=batch.beta):
        return np.sum(batch.dy * bn.batchnorm_forward(h, gamma, beta)[0])

    _, cache = bn.batchnorm_forward(batch.h, batch.gamma, batch.beta)
    dh, dgamma, dbeta = backward(batch.dy, cache)
    bn.assert_grads_close("dh", dh, bn.complex_step_gradient(lambda h: loss(h=h), batch.h))
    bn.assert_grads_close("dgamma", dgamma, bn.complex_step_gradient(lambda g: loss(gamma=g), batch.gamma))
    bn.assert_grads_close("dbeta", dbeta, bn.complex_step_gradient(lambda b: loss(beta=b), batch.beta))


def test_eps_is_1e_minus_5_by_default(batch):
    default, cache = bn.batchnorm_forward(batch.h, batch.gamma, batch.beta)
    explicit, _ = bn.batchnorm_forward(batch.h, batch.gamma, batch.beta, eps=1e-5)
    assert cache.eps == 1e-5
    np.testing.assert_array_equal(default, explicit)


def test_cache_holds_the_arguments_and_the_statistics(batch):
    _, cache = bn.batchnorm_forward(batch.h, batch.gamma, batch.beta, eps=1)
    assert cache.h is batch.h
    assert cache.gamma is batch.gamma
    assert isinstance(cache.eps, float)
    bn.assert_grads_close("mu", cache.mu, batch.h.mean(axis=0))
    bn.assert_grads_close("var", cache.var, batch.h.var(axis=0))
    bn.assert_grads_close("inv_std", cache.inv_std, 1 / np.sqrt(batch.h.var(axis=0) + 1))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
def test_cache_has_the_dtype_of_h(dtype):
    batch = random_batch(np.random.default_rng(0), 5, 3, dtype=dtype)
    _, cache = bn.batchnorm_forward(batch.h, batch.gamma, batch.beta)
    assert {array.dtype for array in cache if isinstance(array, np.ndarray)} == {np.dtype(dtype)}


def test_complex_h_goes_with_real_gamma(batch, backward):
    y, cache = bn.batchnorm_forward(batch.h.astype(complex), batch.gamma, batch.beta)
    dh, _, _ = backward(batch.dy, cache)
    assert (y.dtype, dh.dtype) == (np.complex128, np.complex128)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_row_gives_beta_and_no_gradient(backward, dtype):
    h, gamma, beta, dy = np.array([[1e7, -0.1], [2, -3], [0.7, 0.3], [5, -6]], dtype)
    y, cache = bn.batchnorm_forward(h[None], gamma, beta)
    dh, dgamma, dbeta = backward(dy[None], cache)
    np.testing.assert_array_equal(y, beta[None])
    np.testing.assert_array_equal(dh, [[0, 0]])
    np.testing.assert_array_equal(dgamma, [0, 0])
    np.testing.assert_array_equal(dbeta, dy)


@pytest.mark.parametrize("eps", [0, 1e-5, 1.0])
def test_two_rows_depend_on_their_distance_alone(eps):
    h = np.array([[3.0, -7.0, 1e3], [5.0, -7.5, -1e3]])
    _, cache = bn.batchnorm_forward(h, np.ones(3), np.zeros(3), eps)
    distance = np.array([1, 0.25, 1e3])  # sigma
    size = (1 + eps / distance**2) ** -0.5
    bn.assert_grads_close("h_hat", cache.h_hat, np.array([-1, 1, 1]) * np.array([size, -size]))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("constant", [0.0, 0.1, -1e-30, 1e16 + 2])
def test_constant_column_gives_beta(backward, constant, dtype):
    h = np.array([[constant, 1.0], [constant, 2.0], [constant, 4.0]], dtype)
    gamma, beta = np.array([-2.0, 3.0], dtype), np.array([0.7, 0.3], dtype)
    dy = np.array([[4.0, 1.0], [0.0, 1.0], [-1.0, 2.0]], dtype)
    y, cache = bn.batchnorm_forward(h, gamma, beta, eps=0.25)
    np.testing.assert_array_equal(y[:, 0], np.full(3, beta[0]))
    dh, _, _ = backward(dy, cache)
    # gamma eps^(-1/2) (dy - mean of dy), with a mean of 1
    np.testing.assert_allclose(dh[:, 0], [-12, 4, 8], rtol=8 * ROUND_OFF[dtype])


def test_eps_0_is_accepted_without_a_constant_column(batch):
    y, _ = bn.batchnorm_forward(batch.h, np.ones(3), np.zeros(3), eps=0)
    bn.assert_grads_close("variance of y", y.var(axis=0), np.ones(3))


@pytest.mark.parametrize(("rows", "column"), [(4, 1), (1, 0)])
def test_eps_0_is_refused_with_a_constant_column(rows, column):
    h = np.array([[1.0, 0.1, 5.0], [2.0, 0.1, 5.0], [3.0, 0.1, 5.0], [4.0, 0.1, 5.0]])[:rows]
    message = (
        "eps must be large enough for float64 where a column of h is constant or nearly so, "
        f"got eps = 0.0 and sigma^2 + eps = 0 at index ({column},)"
    )
    with pytest.raises(ValueError, match=exactly(message)):
        bn.batchnorm_forward(h, np.ones(3), np.zeros(3), eps=0)


@pytest.mark.parametrize(("dtype", "mean"), [(np.float32, 1e4), (np.float64, 1e8)])
def test_large_mean_costs_no_more_digits_than_documented(dtype, mean):
    h = (mean + np.random.default_rng(0).standard_normal((50, 1))).astype(dtype)
    _, cache = bn.batchnorm_forward(h, np.ones(1, dtype), np.zeros(1, dtype), eps=0)
    rows = [Fraction(float(x)) for x in h[:, 0]]
    mu = sum(rows) / 50
    sigma = float(sum((x - mu) ** 2 for x in rows) / 50) ** 0.5
    exact = np.array([[float(x - mu) / sigma] for x in rows])
    assert np.abs(cache.h_hat - exact).max() <= mean / sigma * ROUND_OFF[dtype]


def test_gradient_does_not_depend_on_the_mean(backward):
    h = np.array([[1.0, -3.0], [2.0, 5.0], [-5.0, 4.0], [6.0, 2.0]])  # shifted and averaged without round-off
    gamma, dy = np.array([2.0, -3.0]), np.array([[1.0, 2.0], [-1.0, 3.0], [0.5, -2.0], [4.0, 0.0]])
    expected, _, _ = backward(dy, bn.batchnorm_forward(h, gamma, gamma)[1])
    dh, _, _ = backward(dy, bn.batchnorm_forward(h + 2.0**40, gamma, gamma)[1])
    bn.assert_grads_close("dh", dh, expected, tol=1e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gradient_scales_with_a_tiny_spread(dtype):
    scale = dtype({np.float32: 2.0**-45, np.float64: 2.0**-360}[dtype])
    h = np.array([[0.0], [1.0], [4.0]], dtype)
    dy = np.array([[1.0], [2.0], [-1.0]], dtype)
    one, zero = np.ones(1, dtype), np.zeros(1, dtype)
    _, wide = bn.batchnorm_forward(h, one, zero, eps=0)
    _, narrow = bn.batchnorm_forward(h * scale, one, zero, eps=0)
    for backward in (bn.batchnorm_backward, bn.batchnorm_backward_delta):
        dh, expected = backward(dy, narrow)[0], backward(dy, wide)[0]
        bn.assert_grads_close("dh", dh * scale, expected, 30 * ROUND_OFF[dtype])
    with pytest.raises(ValueError, match=r"^dh leaves the range"):
        bn.batchnorm_backward_staged(dy, narrow)  # by its power -3/2


@pytest.mark.parametrize(("dtype", "s"), [(np.float32, 1.4e-13), (np.float64, 1.8e-103)])
def test_the_staged_pass_leaves_the_range_where_documented(dtype, s):
    h, one = np.array([[-1.0], [1.0]], dtype), np.ones(1, dtype)
    for spread, accepted in ((1.03 * s, True), (0.97 * s, False)):
        _, cache = bn.batchnorm_forward(h * dtype(spread), one, one, eps=0)
        try:
            bn.batchnorm_backward_staged(h, cache)
        except ValueError:
            assert not accepted
        else:
            assert accepted


@pytest.mark.parametrize(
    ("name", "h", "gamma", "eps"),
    [
        ("var", np.array([[1e200], [-1e200]]), 1.0, 1e-5),
        ("var", np.array([[1e308], [-1e308]]), 1.0, 1e-5),
        ("var", np.array([[1e200 + 1e200j], [0]]), 1.0, 1e-5),
        ("var", np.array([[1e30], [-1e30]], np.float32), 1.0, 1e-5),
        ("var", np.array([[5e153], [-5e153]]), 1.0, 1.7e308),
        ("y", np.array([[0.0], [0.0], [1.0]]), 1.7e308, 1e-5),
        ("y", np.array([[0.0], [0.0], [1.0]], np.float32), 3.4e38, 1e-5),
    ],
)
def test_forward_names_the_result_that_overflows(name, h, gamma, eps):
    gamma = np.full(1, gamma, h.dtype)
    message = f"{name} leaves the range of {h.dtype}: rescale the inputs"
    with pytest.raises(ValueError, match=f"^{message}$"):
        bn.batchnorm_forward(h, gamma, gamma, eps)


@pytest.mark.parametrize(("dtype", "large"), [(np.float32, 3e38), (np.float64, 1e308)])
def test_backward_names_dh_where_it_overflows(backward, dtype, large):
    h = np.array([[1.0], [2.0], [4.0]], dtype)
    _, cache = bn.batchnorm_forward(h, np.full(1, 1e3, dtype), np.zeros(1, dtype))
    message = f"dh leaves the range of {np.dtype(dtype)}: rescale the inputs"
    with pytest.raises(ValueError, match=f"^{message}$"):
        backward(np.full((3, 1), large, dtype), cache)


@pytest.mark.parametrize("backward", [bn.batchnorm_backward_staged, bn.batchnorm_backward_delta])
@pytest.mark.parametrize(("name", "along_h_hat"), [("dgamma", True), ("dbeta", False)])
def test_backward_names_the_parameter_that_overflows(backward, name, along_h_hat):
    # in closed form dh is made of dgamma and dbeta and is always the first to overflow
    h = np.array([[1.0], [2.0], [4.0]])
    _, cache = bn.batchnorm_forward(h, np.full(1, 1e-300), np.zeros(1))
    dy = 1e308 * (cache.h_hat if along_h_hat else np.ones((3, 1)))
    with pytest.raises(ValueError, match=f"^{name} leaves the range of float64"):
        backward(dy, cache)


def phi(u, v, w, dy, h, gamma, eps):
    dh, dgamma, dbeta = bn.batchnorm_backward(dy, bn.batchnorm_forward(h, gamma, gamma, eps)[1])
    return np.sum(u * dh) + np.sum(v * dgamma) + np.sum(w * dbeta)


@pytest.mark.parametrize("eps", [1e-5, 0.1, 1.0])
def test_double_backward_matches_the_complex_step_through_backward(batch, eps):
    rng = np.random.default_rng(1)
    u, v, w = rng.standard_normal((5, 3)), *rng.standard_normal((2, 3))
    _, cache = bn.batchnorm_forward(batch.h, batch.gamma, batch.beta, eps)
    phi_dy, phi_h, phi_gamma = bn.batchnorm_double_backward(u, v, w, batch.dy, cache)
    given = {"dy": batch.dy, "h": batch.h, "gamma": batch.gamma}
    for name, actual in (("dy", phi_dy), ("h", phi_h), ("gamma", phi_gamma)):
        expected = bn.complex_step_gradient(
            lambda z, name=name: phi(u, v, w, **given | {name: z}, eps=eps), given[name]
        )
        bn.assert_grads_close(name, actual, expected)


def test_double_backward_of_complex_numbers_is_a_third_derivative(batch):
    u, x = np.random.default_rng(1).standard_normal((2, 5, 3))
    zero, t = np.zeros(3), 1e-4

    def phi_h(h):
        return bn.batchnorm_double_backward(
            u, zero, zero, batch.dy, bn.batchnorm_forward(h, batch.gamma, zero, 0.1)[1]
        )[1]

    rate = phi_h(batch.h + 1e-30j * x).imag / 1e-30
    bn.assert_grads_close("rate", rate, (phi_h(batch.h + t * x) - phi_h(batch.h - t * x)) / (2 * t), tol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_double_backward_of_one_row_is_w(dtype):
    h, gamma, u, dy, w = np.array([[1e7, -0.1], [2, -3], [0.7, 0.3], [5, -6], [3, 4]], dtype)
    _, cache = bn.batchnorm_forward(h[None], gamma, gamma)
    phi_dy, phi_h, phi_gamma = bn.batchnorm_double_backward(u[None], u, w, dy[None], cache)
    np.testing.assert_array_equal(phi_dy, w[None])
    np.testing.assert_array_equal(phi_h, [[0, 0]])
    np.testing.assert_array_equal(phi_gamma, [0, 0])


@pytest.mark.parametrize(
    ("name", "scale"),
    [
        ("phi_dy", {"u": 1e308, "gamma": 1e3}),
        ("phi_h", {"v": 1e308}),
        ("phi_gamma", {"u": 1e288, "dy": 1e19, "gamma": 1e-300}),
    ],
)
def test_double_backward_names_the_result_that_overflows(name, scale):
    given = {"u": 1.0, "v": 1e-30, "w": 1.0, "dy": 1.0, "gamma": 1e-30} | scale
    h, pattern = np.array([[1.0], [2.0], [4.0]]) / 1e3, np.array([[0.5], [-1.0], [0.25]])
    _, cache = bn.batchnorm_forward(h, np.full(1, given["gamma"]), np.zeros(1), 0.0)
    u, dy = given["u"] * pattern, given["dy"] * pattern
    with pytest.raises(ValueError, match=f"^{name} leaves the range of float64: rescale the inputs$"):
        bn.batchnorm_double_backward(u, np.full(1, given["v"]), np.full(1, given["w"]), dy, cache)


def test_double_backward_of_a_tiny_spread_needs_no_square_of_its_inverse():
    h, pattern = np.array([[0.0], [1.0], [4.0]]), np.array([[0.5], [-1.0], [0.25]])
    one, zero = np.ones(1), np.zeros(1)
    _, wide = bn.batchnorm_forward(h, one, one, eps=0)
    _, narrow = bn.batchnorm_forward(h * 2.0**-515, one, one, eps=0)  # 9e-156
    expected = bn.batchnorm_double_backward(pattern, zero, zero, pattern, wide)[1]
    phi_h = bn.batchnorm_double_backward(pattern * 2.0**-170, zero, zero, pattern, narrow)[1]
    bn.assert_grads_close("phi_h", phi_h * 2.0**-860, expected)
