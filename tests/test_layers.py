"""The linear layer, the ReLU and the loss, on examples small enough to work out by hand."""

import re

import numpy as np
import pytest
import torch
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


LOGITS = np.log([[2.0, 3.0, 5.0], [1.0, 1.0, 2.0]])
LABELS = np.array([1, 2])


def test_softmax_and_cross_entropy_by_hand():
    loss, cache = bn.softmax_cross_entropy_forward(LOGITS, LABELS)
    assert loss == pytest.approx(-np.log(0.3 * 0.5) / 2, rel=1e-15)
    np.testing.assert_allclose(cache.P, [[0.2, 0.3, 0.5], [0.25, 0.25, 0.5]], rtol=1e-15)
    assert cache.labels is LABELS
    before = cache.P.copy()
    dz = bn.softmax_cross_entropy_backward(cache)
    np.testing.assert_allclose(dz, [[0.1, -0.35, 0.25], [0.125, 0.125, -0.25]], rtol=1e-14)
    np.testing.assert_array_equal(cache.P, before)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
@pytest.mark.parametrize("integer", [np.int64, np.uint8])
def test_the_loss_keeps_the_dtype_of_the_logits(dtype, integer):
    z = np.asfortranarray(LOGITS.astype(dtype))
    z.setflags(write=False)
    loss, cache = bn.softmax_cross_entropy_forward(z, LABELS.astype(integer))
    assert loss.dtype == cache.P.dtype == bn.softmax_cross_entropy_backward(cache).dtype == dtype
    assert loss.shape == ()


def test_the_gradient_of_the_loss_is_the_complex_steps_and_pytorchs():
    rng = np.random.default_rng(0)
    z, labels = 5 * rng.normal(size=(7, 4)), rng.integers(4, size=7)
    dz = bn.softmax_cross_entropy_backward(bn.softmax_cross_entropy_forward(z, labels)[1])
    loss = lambda z: bn.softmax_cross_entropy_forward(z, labels)[0]  # noqa: E731
    bn.assert_grads_close("dz", dz, bn.complex_step_gradient(loss, z))
    leaf = torch.tensor(z, requires_grad=True)
    theirs = torch.nn.functional.cross_entropy(leaf, torch.tensor(labels))
    theirs.backward()
    assert loss(z) == pytest.approx(theirs.item(), rel=1e-14)
    bn.assert_grads_close("dz", dz, leaf.grad.numpy())


@pytest.mark.parametrize("far", [800.0, -800.0, 1e300])
def test_large_logits_are_no_matter(far):
    z = np.array([[far, far + 1.0], [0.0, -far]])
    loss, cache = bn.softmax_cross_entropy_forward(z, [1, 0])
    assert np.isfinite(cache.P).all()
    assert loss == pytest.approx(np.mean([np.logaddexp(0, z[0, 0] - z[0, 1]), np.logaddexp(0, -far)]))


def test_a_loss_out_of_range_is_named():
    z = np.array([[3e38, -3e38]], np.float32)
    with pytest.raises(ValueError, match=exactly("loss leaves the range of float32: rescale the inputs")):
        bn.softmax_cross_entropy_forward(z, [1])


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        ([1.0, 2.0], TypeError, "labels must be integers, got an array of float64, shape (2,)"),
        ([True, False], TypeError, "labels must be integers, got an array of bool, shape (2,)"),
        (np.ma.masked_array([1, 2]), TypeError, "labels must be a plain array, got a masked one"),
        ([1], ValueError, "labels must have shape (N,) with N = 2, got (1,)"),
        ([[1], [2]], ValueError, "labels must have shape (N,) with N = 2, got (2, 1)"),
        (
            np.eye(3, dtype=int)[LABELS],
            ValueError,
            "labels must have shape (N,) with N = 2, got (2, 3); of one-hot rows take labels.argmax(axis=1)",
        ),
        ([0, 3], ValueError, "labels must be >= 0 and < C = 3, got 3 at index (1,)"),
        ([-1, 0], ValueError, "labels must be >= 0 and < C = 3, got -1 at index (0,)"),
    ],
)
def test_labels_that_are_none_are_refused(labels, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}"):
        bn.softmax_cross_entropy_forward(LOGITS, labels)


def test_logits_and_cache_are_looked_at():
    with pytest.raises(ValueError, match=exactly("z must have shape (N, C), got (3,)")):
        bn.softmax_cross_entropy_forward(LOGITS[0], [1])
    with pytest.raises(TypeError, match=r"^cache must be the SoftmaxCrossEntropyCache that"):
        bn.softmax_cross_entropy_backward((LOGITS, LABELS))
