"""The fast batch norm: equal to the readable one, right in float32, and careful with `out`."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from messages import exactly
from strategies import batches, random_batch

import bn_utils as bn
from bn_utils import fused

pytestmark = pytest.mark.filterwarnings("error")

LONG, SAMPLE = fused.LONG, fused.SAMPLE


@given(batch=batches())
def test_equals_the_readable_one(batch):
    y, cache = fused.batchnorm_forward(batch.h, batch.gamma, batch.beta, batch.eps)
    expected_y, expected_cache = bn.batchnorm_forward(batch.h, batch.gamma, batch.beta, batch.eps)
    # |mean| / std <= 30, and sums over N <= 30 rows
    tol = 30 * 30 * (2.0**-24 if batch.h.dtype == np.float32 else 2.0**-53)
    bn.assert_grads_close("y", y, expected_y, tol)
    for name in ("mu", "var", "inv_std", "h_hat"):
        expected = getattr(expected_cache, name)
        scale = np.abs(expected).max() or 1
        bn.assert_grads_close(name, getattr(cache, name) / scale, expected / scale, tol)
    assert (cache.h is batch.h, cache.gamma is batch.gamma, cache.eps) == (True, True, batch.eps)
    expected = bn.batchnorm_backward(batch.dy, expected_cache)
    for name, actual, value in zip(
        ("dh", "dgamma", "dbeta"), fused.batchnorm_backward(batch.dy, cache), expected, strict=True
    ):
        bn.assert_grads_close(name, actual, value, tol)


@pytest.mark.parametrize(
    ("N", "H"),
    [
        (LONG, 1),  # one joined row
        (LONG + 1, 1),  # and a row left over
        (3 * LONG // 100, 100),  # the rows do not divide
        (3, LONG),  # no rows joined
        (3, LONG + 1),
        (SAMPLE - 1, 70),
        (SAMPLE + 1, 70),
        (700, 1000),  # several blocks, the last one shorter
        (80, 20_000),
        (5, 70_000),  # strips of columns, the last one narrower
    ],
)
@pytest.mark.parametrize("dtype", [np.float64, np.complex128])
def test_equals_the_readable_one_where_blocks_end(N, H, dtype):
    batch = random_batch(np.random.default_rng(0), N, H, dtype=dtype)
    h = batch.h + 0.3j * batch.dy[::-1] if dtype == np.complex128 else batch.h
    y, cache = fused.batchnorm_forward(h, batch.gamma, batch.beta)
    expected_y, expected_cache = bn.batchnorm_forward(h, batch.gamma, batch.beta)
    bn.assert_grads_close("y", y, expected_y, tol=1e-11)
    expected = bn.batchnorm_backward(batch.dy, expected_cache)
    for name, actual, value in zip(
        ("dh", "dgamma", "dbeta"), fused.batchnorm_backward(batch.dy, cache), expected, strict=True
    ):
        bn.assert_grads_close(name, actual, value, tol=1e-11)


def test_real_rows_go_with_a_complex_gamma():
    batch = random_batch(np.random.default_rng(0), 300, 70)
    gamma = batch.gamma + 0.5j
    y, cache = fused.batchnorm_forward(batch.h, gamma, batch.beta)
    expected_y, expected_cache = bn.batchnorm_forward(batch.h, gamma, batch.beta)
    bn.assert_grads_close("y", y, expected_y)
    assert [x.dtype for x in cache[:-1]] == [x.dtype for x in expected_cache[:-1]]
    expected = bn.batchnorm_backward(batch.dy, expected_cache)[0]
    bn.assert_grads_close("dh", fused.batchnorm_backward(batch.dy, cache)[0], expected)


def test_matches_the_complex_step_through_its_own_forward_pass():
    batch = random_batch(np.random.default_rng(0), 5, 3)
    _, cache = fused.batchnorm_forward(batch.h, batch.gamma, batch.beta)
    expected = bn.complex_step_gradient(
        lambda h: np.sum(batch.dy * fused.batchnorm_forward(h, batch.gamma, batch.beta)[0]), batch.h
    )
    bn.assert_grads_close("dh", fused.batchnorm_backward(batch.dy, cache)[0], expected)


# float32 -------------------------------------------------------------------------------------


def normalised(h):
    """h_hat in float64, its mean taken off twice."""
    centred = h.astype(np.float64)
    for _ in range(2):
        centred -= centred.mean(axis=0)
    return centred * ((centred**2).mean(axis=0) + 1e-5) ** -0.5


@pytest.mark.parametrize(
    ("N", "mean", "bound"), [(10**6, 0, 8e-6), (4096, 1e4, 1e-5), (10**6, 1e4, 3e-5)], ids=str
)
@pytest.mark.parametrize("order", ["random", "sorted"])
def test_forward_keeps_the_digits_of_float32(N, mean, bound, order):
    h = (mean + np.random.default_rng(0).standard_normal((N, 3))).astype(np.float32)
    if order == "sorted":
        h.sort(axis=0)
    one = np.ones(3, np.float32)
    y, _ = fused.batchnorm_forward(h, one, 0 * one)
    assert np.abs(y - normalised(h)).max() < bound


@pytest.mark.parametrize(
    "column",
    [np.arange(4000) % 2, np.where(np.arange(12800) % 100 == 0, 0, 1e6 + np.arange(12800) % 3)],
    ids=["0 and 1", "the sampled rows are others"],
)
def test_the_variance_of_any_rows_keeps_the_digits_of_float32(column):
    h = column[:, None].astype(np.float32)
    _, cache = fused.batchnorm_forward(h, np.ones(1, np.float32), np.zeros(1, np.float32))
    np.testing.assert_allclose(cache.var, h.astype(np.float64).var(axis=0), rtol=1e-5)


@pytest.mark.parametrize("upstream", ["random", "mean 1e3", "along h_hat", "both"])
@pytest.mark.parametrize(("N", "mean"), [(64, 0), (4096, 1e4), (10**6, 0)])
def test_backward_keeps_the_digits_of_float32(N, mean, upstream):
    rng = np.random.default_rng(0)
    h = (mean + rng.standard_normal((N, 3))).astype(np.float32)
    h_hat = normalised(h)
    dy = {"random": 0, "mean 1e3": 1e3, "along h_hat": h_hat, "both": 1e3 + h_hat}[upstream]
    dy = (dy + rng.standard_normal((N, 3)) * (1e-3 if upstream == "along h_hat" else 1)).astype(np.float32)
    one = np.ones(3, np.float32)
    _, cache = fused.batchnorm_forward(h, one, one)
    dh, _, _ = results = fused.batchnorm_backward(dy, cache)
    g = dy.astype(np.float64)
    expected = g - g.mean(axis=0) - h_hat * (g * h_hat).mean(axis=0)
    expected *= (h.astype(np.float64).var(axis=0) + 1e-5) ** -0.5
    assert np.abs(dh - expected).max() < 1e-6 * np.abs(dy * cache.inv_std).max()
    by_columns = cache._replace(h_hat=np.asfortranarray(cache.h_hat))  # as of an h that lies so
    for again, first in zip(fused.batchnorm_backward(dy, by_columns), results, strict=True):
        np.testing.assert_allclose(again, first, rtol=1e-6, atol=1e-6 * np.abs(first).max())


# out, and memory -----------------------------------------------------------------------------


@pytest.fixture
def batch():
    return random_batch(np.random.default_rng(0), 700, 1000)  # several blocks, and rows left over


def test_forward_writes_into_out(batch):
    out = np.full_like(batch.h, np.nan)
    y, cache = fused.batchnorm_forward(batch.h, batch.gamma, batch.beta, out=out)
    assert y is out
    expected, _ = fused.batchnorm_forward(batch.h, batch.gamma, batch.beta)
    np.testing.assert_array_equal(y, expected)
    assert not np.shares_memory(cache.h_hat, out)


@pytest.mark.parametrize("where", ["elsewhere", "dy"])
def test_backward_writes_into_out(batch, where):
    _, cache = fused.batchnorm_forward(batch.h, batch.gamma, batch.beta)
    expected = fused.batchnorm_backward(batch.dy, cache)
    dy = batch.dy.copy()
    out = dy if where == "dy" else np.full_like(dy, np.nan)
    dh, dgamma, dbeta = fused.batchnorm_backward(dy, cache, out=out)
    assert dh is out
    for actual, value in zip((dh, dgamma, dbeta), expected, strict=True):
        np.testing.assert_array_equal(actual, value)


def read_only(array):
    array.setflags(write=False)
    return array


WRONG = [
    ([[0.0] * 1000] * 700, TypeError, "out must be an array of float64, got list [[0.0, 0.0"),
    (
        np.zeros((700, 1000), np.float32),
        TypeError,
        "out must be an array of float64, got an array of float32",
    ),
    (np.ma.zeros((700, 1000)), TypeError, "out must be a plain array, got a masked one"),
    (np.zeros((1000, 700)), ValueError, "out must have shape (700, 1000), got (1000, 700)"),
    (np.zeros((1000, 700)).T, ValueError, "out must be C-contiguous and writeable"),
    (read_only(np.zeros((700, 1000))), ValueError, "out must be C-contiguous and writeable"),
]


@pytest.mark.parametrize(("out", "error", "message"), WRONG)
def test_an_out_that_cannot_hold_the_result_is_refused(batch, out, error, message):
    _, cache = fused.batchnorm_forward(batch.h, batch.gamma, batch.beta)
    for call in (
        lambda: fused.batchnorm_forward(batch.h, batch.gamma, batch.beta, out=out),
        lambda: fused.batchnorm_backward(batch.dy, cache, out=out),
    ):
        with pytest.raises(error, match="^" + exactly(message).strip("^$")):
            call()


def test_an_out_that_overlaps_what_is_still_needed_is_refused():
    memory = np.random.default_rng(0).standard_normal((12, 3))
    out, h, vector = memory[:6], memory[5:11], memory[0]
    one, other = np.ones(3), np.random.default_rng(1).standard_normal((6, 3))
    forward = {"h": h, "gamma": vector, "beta": vector}
    for name, value in forward.items():
        given = {"h": other, "gamma": one, "beta": one} | {name: value}
        with pytest.raises(ValueError, match=exactly(f"out must not overlap {name}, which is still needed")):
            fused.batchnorm_forward(**given, out=out)
    _, cache = fused.batchnorm_forward(other, one, one)
    given = {"h": h, "h_hat": h} | dict.fromkeys(("mu", "var", "inv_std", "gamma"), vector)
    for name, value in given.items():
        with pytest.raises(ValueError, match=exactly(f"out must not overlap {name}, which is still needed")):
            fused.batchnorm_backward(other, cache._replace(**{name: value}), out=out)
    with pytest.raises(ValueError, match=exactly("out must not overlap dy, which is still needed")):
        fused.batchnorm_backward(h, cache, out=out)


@pytest.mark.parametrize(("N", "H", "arrays"), [(4096, 1024, 0.08), (32, 100_000, 0.25)])
def test_backward_into_out_needs_a_block_of_memory(N, H, arrays):
    batch = random_batch(np.random.default_rng(0), N, H, dtype=np.float32)
    _, cache = fused.batchnorm_forward(batch.h, batch.gamma, batch.beta)
    out = np.empty_like(batch.h)
    tracemalloc.start()
    fused.batchnorm_backward(batch.dy, cache, out=out)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < arrays * out.nbytes


# values that are not finite, in a block of its own ---------------------------------------------


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("row", [0, 350, 699])
def test_a_value_that_is_not_finite_is_named(batch, value, row):
    _, cache = fused.batchnorm_forward(batch.h, batch.gamma, batch.beta)
    h, dy = batch.h.copy(), batch.dy.copy()
    h[row, 999] = dy[row, 999] = value
    with pytest.raises(ValueError, match=exactly(f"h must be finite, got {value} at index ({row}, 999)")):
        fused.batchnorm_forward(h, batch.gamma, batch.beta)
    with pytest.raises(ValueError, match=exactly(f"dy must be finite, got {value} at index ({row}, 999)")):
        fused.batchnorm_backward(dy, cache)


def test_a_value_that_is_not_finite_is_named_in_each_strip():
    batch = random_batch(np.random.default_rng(0), 5, 70_000)
    _, cache = fused.batchnorm_forward(batch.h, batch.gamma, batch.beta)
    for column in (0, 30_000, 69_999):
        dy = batch.dy.copy()
        dy[3, column] = np.nan
        with pytest.raises(ValueError, match=exactly(f"dy must be finite, got nan at index (3, {column})")):
            fused.batchnorm_backward(dy, cache, out=dy)
        dy = batch.dy.copy()
        dy[:, column] = 1.5e308
        with pytest.raises(ValueError, match=r"^dh leaves the range of float64"):
            fused.batchnorm_backward(dy, cache)


@pytest.mark.parametrize(("name", "along_h_hat"), [("dgamma", True), ("dbeta", False)])
def test_a_sum_out_of_range_is_named_where_dh_is_not(name, along_h_hat):
    h = np.arange(1000.0)[:, None]
    _, cache = fused.batchnorm_forward(h, np.full(1, 1e-300), np.zeros(1))
    dy = 1e306 * (cache.h_hat if along_h_hat else np.ones((1000, 1)))
    with pytest.raises(ValueError, match=f"^(dh|{name}) leaves the range of float64"):
        fused.batchnorm_backward(dy, cache)


def test_an_overflow_in_dy_itself_is_no_fault_of_dy():
    h, one = np.arange(1, 5, dtype=np.float32)[:, None], np.ones(1, np.float32)
    _, cache = fused.batchnorm_forward(h, one * np.float32(1e10), one)
    dy = np.float32([[1], [-3], [3], [-1]]) * np.float32(1e30)
    for out in (None, dy):
        with pytest.raises(ValueError, match=exactly("dh leaves the range of float32: rescale the inputs")):
            fused.batchnorm_backward(dy, cache, out=out)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_forward_names_what_leaves_the_range(dtype):
    large, h = np.finfo(dtype).max, np.array([[0.0], [0.0], [1.0]], dtype)
    gamma = np.full(1, large, dtype)
    with pytest.raises(ValueError, match=exactly(f"y leaves the range of {h.dtype}: rescale the inputs")):
        fused.batchnorm_forward(h, gamma, gamma)
    with pytest.raises(ValueError, match=exactly(f"var leaves the range of {h.dtype}: rescale the inputs")):
        fused.batchnorm_forward(h * large, gamma, gamma)


def test_a_constant_column_gives_beta_in_float32():
    h = np.full((1000, 2), 1e7 / 3, np.float32)
    beta = np.array([0.7, 0.3], np.float32)
    y, _ = fused.batchnorm_forward(h, np.ones(2, np.float32), beta)
    np.testing.assert_array_equal(y, np.tile(beta, (1000, 1)))
