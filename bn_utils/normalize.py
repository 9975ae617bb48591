"""One forward and one backward pass for the whole family of batch norm, over any axes."""

from typing import NamedTuple

import numpy as np

from bn_utils._statistics import inverse_std
from bn_utils._validation import (
    check_arrays,
    check_cache,
    check_number,
    check_overflow,
    describe,
    plain_array,
)

ZERO = "the entries normalised together are equal or nearly so (for RMS norm: 0)"


class NormCache(NamedTuple):
    """What the backward pass needs; x_hat and gamma are references, not copies.

    mu, var and inv_std have length 1 along the axes.
    """

    x_hat: np.ndarray  # of the shape in which x was normalised
    mu: np.ndarray  # of RMS norm, 0
    var: np.ndarray  # biased; of RMS norm, the mean of the squares
    inv_std: np.ndarray  # (var + eps)^(-1/2)
    axes: tuple[int, ...]  # over which the entries were normalised together
    paths: tuple[str, ...]  # that the gradient takes beside the direct one
    gamma: np.ndarray | None = None  # with the axes of x_hat, of length 1 where it is shared
    shape: tuple[int, ...] = ()  # of x
    member: str = ""  # of the family, as layernorm; empty for the general one


def normalize_forward(x, axes, eps=1e-5, center=True):
    """Normalise over some axes: eq-normalize for any set of entries (chapter 12_the_family).

    Parameters
    ----------
    x : array
        float32, float64 or complex128, of any shape.
    axes : int or tuple of int
        They run over the entries that are normalised together.
    eps : float, >= 0
        Added to the variance, inside the root.
    center : bool
        Whether the mean is subtracted; RMS norm does not.

    Returns
    -------
    x_hat : array
        Of the shape and dtype of x. The cache refers to it: changing it in place makes the
        backward pass wrong.
    cache : NormCache

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong dtype, shape or value, a result out of range, or entries
        whose variance + eps is 0.
    """
    (x,) = check_arrays(x=(x, _letters("x", x)))
    axes, eps = _check_axes(axes, x.ndim), check_number("eps", eps)
    if not isinstance(center, bool | np.bool_):
        raise TypeError(f"center must be True or False, got {describe(center)}")
    with np.errstate(over="ignore", invalid="ignore"):
        # a first entry is taken off and put back: the mean of equal entries is then exact
        first = x[tuple(slice(1) if axis in axes else slice(None) for axis in range(x.ndim))]
        mu = first + (x - first).mean(axes, keepdims=True) if center else np.zeros_like(first)
        var = ((x - mu) ** 2).mean(axes, keepdims=True)
        inv_std = inverse_std(var, eps, ZERO, "the variance")
        x_hat = (x - mu) * inv_std
    return x_hat, NormCache(x_hat, mu, var, inv_std, axes, ("mean", "variance") if center else ("variance",))


def normalize_backward(dx_hat, cache):
    """The backward pass of the whole family, eq-family (chapter 12_the_family).

    dx = inv_std (d - mean(d) - x_hat mean(d x_hat)), with d = dx_hat, the means over the axes.

    Parameters
    ----------
    dx_hat : array
        The gradient of the loss with respect to x_hat, of its shape.
    cache : NormCache
        As returned by `normalize_forward`.

    Returns
    -------
    dx : array

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong dtype, shape or value, or a result out of range.
    """
    x_hat, _, _, inv_std, axes, paths, *_ = check_cache(cache, NormCache, "normalize_forward")
    letters = _letters("x_hat", x_hat)
    _, d = check_arrays(x_hat=(x_hat, letters), dx_hat=(dx_hat, letters))
    with np.errstate(over="ignore", invalid="ignore"):
        mean_path = d.mean(axes, keepdims=True) if "mean" in paths else 0
        variance_path = x_hat * (d * x_hat).mean(axes, keepdims=True) if "variance" in paths else 0
        dx = inv_std * (d - mean_path - variance_path)
    return check_overflow(dx=dx)[0]


def _letters(name, value):
    """A letter for each axis, as `check_arrays` takes them."""
    return " ".join(f"n{axis}" for axis in range(plain_array(name, value).ndim))


def _check_axes(axes, ndim):
    """The axes as a tuple of different numbers from 0 on."""
    given = axes if isinstance(axes, tuple) else (axes,)
    if not all(isinstance(axis, int | np.integer) and not isinstance(axis, bool) for axis in given):
        raise TypeError(f"axes must be an integer or a tuple of integers, got {describe(axes)}")
    found = {axis % ndim for axis in given if -ndim <= axis < ndim}
    if not given or len(found) < len(given):
        raise ValueError(f"axes must name one or more different axes of x, which has {ndim}, got {axes}")
    return tuple(sorted(map(int, found)))
