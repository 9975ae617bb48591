"""The linear layer and the ReLU, on examples small enough to work out by hand."""

import numpy as np
import pytest
from messages import exactly

import bn_utils as bn

pytestmark = pytest.mark.filterwarnings("error")


def test_linear_layer_by_hand():
    X = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    W = np.array([[1.0, 0.0, -1.0, 2.0], [2.0, 1.0, 0.0, 0.0]])
    h, cache = bn.linear_forward(X, W, np.array([10.0, 20.0, 30.0, 40.0]))
    np.testing.assert_array_equal(h, [[15, 22, 29, 42], [21, 24, 27, 46], [27, 26, 25, 50]])

    dX, dW, db = bn.linear_backward(
        np.array([[1.0, 0.0, 0.0, 1.0], [0.0, 1.0, 0.0, -1.0], [0.0, 0.0, 2.0, 0.0]]), cache
    )
    np.testing.assert_array_equal(dX, [[3, 2], [-2, 1], [-2, 0]])
    np.testing.assert_array_equal(dW, [[1, 3, 10, -2], [2, 4, 12, -2]])
    np.testing.assert_array_equal(db, [1, 1, 2, 0])


def test_linear_cache_refers_to_the_arguments():
    X, W = np.ones((2, 3)), np.ones((3, 4))
    _, cache = bn.linear_forward(X, W, np.ones(4))
    assert cache.X is X
    assert cache.W is W


def test_bias_column_is_refused_where_it_would_broadcast():
    square = np.ones((2, 2))
    message = "b must have shape (H,), got (2, 1); flatten it with b.ravel()"
    with pytest.raises(ValueError, match=exactly(message)):
        bn.linear_forward(square, square, np.ones((2, 1)))


def test_relu_by_hand():
    y = np.array([[-1.0, -0.0, 0.0, 5e-324, 2.0]])
    a, cache = bn.relu_forward(y)
    np.testing.assert_array_equal(a, [[0, 0, 0, 5e-324, 2]])
    assert cache.y is y
    dy = bn.relu_backward(np.array([[3.0, 4.0, 5.0, 6.0, -7.0]]), cache)
    np.testing.assert_array_equal(dy, [[0, 0, 0, 6, -7]])


def test_relu_judges_a_complex_entry_by_its_real_part():
    a, cache = bn.relu_forward(np.array([[1 - 5j, -1 + 5j, 5j]]))
    np.testing.assert_array_equal(a, [[1 - 5j, 0, 0]])
    np.testing.assert_array_equal(bn.relu_backward(np.array([[2j, 3j, 4j]]), cache), [[2j, 0, 0]])


@pytest.mark.parametrize(("dtype", "large"), [(np.float32, 1e30), (np.float64, 1e200)])
@pytest.mark.parametrize("sign", [1, -1], ids=["inf", "inf - inf"])
def test_linear_forward_names_the_result_that_overflows(dtype, large, sign):
    X = np.full((1, 2), large, dtype)
    W = np.array([[large], [sign * large]], dtype)
    message = f"h leaves the range of {np.dtype(dtype)}: rescale the inputs"
    with pytest.raises(ValueError, match=f"^{message}$"):
        bn.linear_forward(X, W, np.ones(1, dtype))


@pytest.mark.parametrize(
    ("name", "X", "W"), [("dX", 1e-9, 10.0), ("dW", 10.0, 1e-9), ("db", 1e-9, 1e-9)], ids=["dX", "dW", "db"]
)
@pytest.mark.parametrize("sign", [1, -1], ids=["inf", "inf - inf"])
def test_linear_backward_names_the_result_that_overflows(name, X, W, sign):
    signs = np.resize([1.0, sign], 16)  # sums long enough for BLAS to add partial sums of both signs
    cache = bn.LinearCache(X * signs[:, None], W * signs[None])
    with pytest.raises(ValueError, match=f"^{name} leaves the range of float64"):
        bn.linear_backward(np.full((16, 16), 1e308), cache)
