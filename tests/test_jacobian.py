"""Every entry of every Jacobian against the complex step of the formula it differentiates."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from messages import exactly
from strategies import batches

import bn_utils as bn

pytestmark = pytest.mark.filterwarnings("error")

small_batches = batches(sizes=st.integers(1, 6))


def mean(h):
    return h.sum(axis=0) / len(h)


def variance(h):
    return ((h - mean(h)) ** 2).sum(axis=0) / len(h)


def inv_std(h, eps):
    return 1 / np.sqrt(variance(h) + eps)


STATISTICS = {bn.dmu_dh: mean, bn.dvar_dh: variance, bn.dcentred_dh: lambda h: h - mean(h)}

# hhat = (h - mu) (sigma^2 + eps)^(-1/2) depends on h in three places: a term varies one of them
TERMS = {
    bn.dhhat_dh_delta: lambda h, fixed, eps: (h - mean(fixed)) * inv_std(fixed, eps),
    bn.dhhat_dh_mean: lambda h, fixed, eps: (fixed - mean(h)) * inv_std(fixed, eps),
    bn.dhhat_dh_variance: lambda h, fixed, eps: (fixed - mean(fixed)) * inv_std(h, eps),
    bn.dhhat_dh: lambda h, fixed, eps: (h - mean(h)) * inv_std(h, eps),
}
JACOBIANS = [*STATISTICS, *TERMS]


def named(functions):
    return pytest.mark.parametrize("jacobian", functions)


def check(jacobian, quantity, h, *eps):
    expected = bn.complex_step_jacobian(quantity, h.astype(np.float64)).astype(h.dtype)
    # |mean| / std <= 30, times 10 as margin: the worst seen are 4.3e-6 and 6e-15
    tol = 10 * 30 * 2.0**-24 if h.dtype == np.float32 else 1e-12
    bn.assert_grads_close(jacobian.__name__, jacobian(h, *eps), expected, tol)


@named(STATISTICS)
@given(batch=small_batches)
def test_statistics_match_the_complex_step(jacobian, batch):
    check(jacobian, STATISTICS[jacobian], batch.h)


@named(TERMS)
@given(batch=small_batches)
def test_terms_match_the_complex_step(jacobian, batch):
    fixed = batch.h.astype(np.float64)
    check(jacobian, lambda h: TERMS[jacobian](h, fixed, batch.eps), batch.h, batch.eps)


@given(batch=small_batches)
def test_three_terms_add_up(batch):
    terms = (bn.dhhat_dh_delta, bn.dhhat_dh_mean, bn.dhhat_dh_variance)
    total = sum(term(batch.h, batch.eps) for term in terms)
    np.testing.assert_array_equal(bn.dhhat_dh(batch.h, batch.eps), total)


@named(TERMS)
def test_eps_is_1e_minus_5_by_default(jacobian):
    h = np.array([[0.1, 3.0], [0.5, 1.0], [0.7, 8.0]])
    np.testing.assert_array_equal(jacobian(h), jacobian(h, eps=1e-5))


@named(TERMS)
def test_eps_0_is_refused_with_a_constant_column(jacobian):
    with pytest.raises(ValueError, match=r"^eps must be large enough .* at index \(1,\)$"):
        jacobian(np.array([[1.0, 0.1], [2.0, 0.1]]), eps=0)


@pytest.mark.parametrize(("jacobian", "name"), [(bn.dvar_dh, "dvar_dh"), *((term, "var") for term in TERMS)])
@pytest.mark.parametrize("large", [1e308, 1e308 + 1e308j], ids=["real", "complex"])
def test_overflow_is_named(jacobian, name, large):
    h = np.array([[large], [-large]])
    message = f"{name} leaves the range of {h.dtype}: rescale the inputs"
    with pytest.raises(ValueError, match=f"^{message}$"):
        jacobian(h)


@pytest.mark.parametrize("jacobian", JACOBIANS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_size_limit_is_the_size_of_the_result(jacobian, dtype, monkeypatch):
    h = np.array([[1, 2], [3, 5], [4, 7]], dtype)
    size = jacobian(h).nbytes
    monkeypatch.setattr("bn_utils.jacobian.LARGEST", size)
    jacobian(h)
    monkeypatch.setattr("bn_utils.jacobian.LARGEST", size - 1)
    with pytest.raises(ValueError, match=r"^h must be small enough .* got shape \(3, 2\), which needs"):
        jacobian(h)


def test_size_limit_is_1_GiB():
    message = (
        "h must be small enough for a Jacobian of at most 1 GiB, got shape (20000, 1), "
        "which needs 2.98 GiB; batchnorm_backward does without it"
    )
    with pytest.raises(ValueError, match=exactly(message)):
        bn.dcentred_dh(np.ones((20000, 1)))


@pytest.mark.parametrize("jacobian", [bn.dmu_dh, bn.dvar_dh])
def test_statistics_of_a_tall_batch_need_little_memory(jacobian):
    h = np.ones((2000, 1))  # a result of 16 kB; an (N, N) array would have 32 MB
    tracemalloc.start()
    try:
        jacobian(h)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1e6


@pytest.mark.parametrize("n", [3, np.int64(3)])
def test_kronecker_delta_is_the_identity(n):
    delta = bn.kronecker_delta(n)
    np.testing.assert_array_equal(delta, [[1, 0, 0], [0, 1, 0], [0, 0, 1]])
    assert delta.dtype == np.float64


@pytest.mark.parametrize(
    ("n", "message"),
    [
        (2.0, "n must be an integer, got float 2.0"),
        (True, "n must be an integer, got bool True"),
        ("2", "n must be an integer, got str '2'"),
        (None, "n must be an integer, got NoneType None"),
    ],
)
def test_kronecker_delta_refuses_what_is_no_integer(n, message):
    with pytest.raises(TypeError, match=f"^{message}$"):
        bn.kronecker_delta(n)


def test_kronecker_delta_starts_at_1():
    np.testing.assert_array_equal(bn.kronecker_delta(1), [[1]])
    with pytest.raises(ValueError, match=r"^n must be >= 1, got 0$"):
        bn.kronecker_delta(0)
