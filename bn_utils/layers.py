"""The layers around batch norm: linear, ReLU and the loss, forward and backward."""

from typing import NamedTuple

import numpy as np

from bn_utils._validation import check_arrays, check_cache, check_labels, check_overflow


class LinearCache(NamedTuple):
    """What the backward pass of the linear layer needs (references, not copies)."""

    X: np.ndarray  # (N, D)
    W: np.ndarray  # (D, H)


class ReluCache(NamedTuple):
    """What the backward pass of the ReLU needs (a reference, not a copy)."""

    y: np.ndarray  # (N, H)


class SoftmaxCrossEntropyCache(NamedTuple):
    """What the backward pass of the loss needs."""

    P: np.ndarray  # (N, C)
    labels: np.ndarray  # (N,), a reference


def linear_forward(X, W, b):
    """Linear layer, eq-linear (chapter 01_forward): h = X W + b.

    All arrays are float32, or each float64 or complex128; the result has their dtype.

    Parameters
    ----------
    X : (N, D) array
        The batch, one sample a row.
    W : (D, H) array
        The weights.
    b : (H,) array
        The bias. A column, shape (H, 1), is refused: for N = H it would be added to
        the rows instead of the columns.

    Returns
    -------
    h : (N, H) array
    cache : LinearCache

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong dtype, shape or value, or a result out of range.
    """
    X, W, b = check_arrays(X=(X, "N D"), W=(W, "D H"), b=(b, "H"))
    with np.errstate(over="ignore", invalid="ignore"):
        h = X @ W + b
    check_overflow(h=h)
    return h, LinearCache(X, W)


def linear_backward(dh, cache):
    """Gradients of the linear layer, eq-dinput, eq-dweight, eq-dbias (chapter 04_final_formulas).

    Parameters
    ----------
    dh : (N, H) array
        The gradient of the loss with respect to h.
    cache : LinearCache
        As returned by `linear_forward`.

    Returns
    -------
    dX : (N, D) array
    dW : (D, H) array
    db : (H,) array

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong dtype, shape or value, or a result out of range.
    """
    X, W = check_cache(cache, LinearCache, "linear_forward")
    X, W, dh = check_arrays(X=(X, "N D"), W=(W, "D H"), dh=(dh, "N H"))
    with np.errstate(over="ignore", invalid="ignore"):
        dX = dh @ W.T
        dW = X.T @ dh
        db = dh.sum(axis=0)
    return check_overflow(dX=dX, dW=dW, db=db)


def relu_forward(y):
    """ReLU, eq-relu (chapter 01_forward): a = max(0, y), entry by entry.

    Parameters
    ----------
    y : (N, H) array
        float32, float64 or complex128; a complex entry is judged by its real part,
        as the complex step needs it.

    Returns
    -------
    a : (N, H) array
    cache : ReluCache

    Raises
    ------
    TypeError, ValueError
        `y` has the wrong dtype, shape or value.
    """
    (y,) = check_arrays(y=(y, "N H"))
    return np.where(y.real > 0, y, 0), ReluCache(y)


def relu_backward(da, cache):
    """Gradient of the ReLU, eq-drelu (chapter 04_final_formulas): dy = da 1[y > 0].

    At y = 0, where the ReLU has no derivative, the gradient is 0, as in PyTorch.

    Parameters
    ----------
    da : (N, H) array
        The gradient of the loss with respect to a.
    cache : ReluCache
        As returned by `relu_forward`.

    Returns
    -------
    dy : (N, H) array

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong dtype, shape or value.
    """
    (y,) = check_cache(cache, ReluCache, "relu_forward")
    y, da = check_arrays(y=(y, "N H"), da=(da, "N H"))
    return np.where(y.real > 0, da, 0)


def softmax_cross_entropy_forward(z, labels):
    """Softmax and cross-entropy, eq-cross-entropy (chapter 10_training_by_hand), mean over the rows.

    Parameters
    ----------
    z : (N, C) array
        The logits, one column a class: float32, float64 or complex128. The largest of a row, by
        its real part, is subtracted first, eq-shift, so that no exp is too large.
    labels : (N,) array of integers
        The class of each row, from 0 to C - 1.

    Returns
    -------
    loss : scalar of the dtype of `z`
    cache : SoftmaxCrossEntropyCache

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong dtype, shape or value, or a result out of range.
    """
    (z,) = check_arrays(z=(z, "N C"))
    labels = check_labels(labels, *z.shape)
    with np.errstate(over="ignore"):
        z = z - z.real.max(axis=1, keepdims=True)  # (N, C), <= 0
        Z = np.exp(z).sum(axis=1, keepdims=True)  # (N, 1)
        P = np.exp(z) / Z  # (N, C)
        loss = (np.log(Z[:, 0]) - z[np.arange(len(z)), labels]).mean()
    check_overflow(loss=loss)
    return loss, SoftmaxCrossEntropyCache(P, labels)


def softmax_cross_entropy_backward(cache):
    """Gradient of the loss by the logits, eq-dlogits (chapter 10_training_by_hand).

    The backward pass of a network starts here, so nothing comes in but the cache.

    Parameters
    ----------
    cache : SoftmaxCrossEntropyCache
        As returned by `softmax_cross_entropy_forward`.

    Returns
    -------
    dz : (N, C) array

    Raises
    ------
    TypeError
        `cache` is something else.
    """
    P, labels = check_cache(cache, SoftmaxCrossEntropyCache, "softmax_cross_entropy_forward")
    dz = P / len(P)
    dz[np.arange(len(P)), labels] -= 1 / len(P)
    return dz
