"""The book's error between an array and its oracle, and the assertion that uses it."""

import numpy as np

from bn_utils._validation import check_number, describe, first_index, plain_array


def relative_error(actual, expected):
    """The book's error: max|actual - expected| / max(1, max|expected|).

    Because of the 1, an expected gradient of exactly 0 does not make round-off large; and
    gradients that are all below the tolerance pass, whatever they are.

    Parameters
    ----------
    actual, expected : arrays of one shape, or scalars

    Returns
    -------
    float
        NaN where either holds a NaN or `expected` an absolute value out of range, so that
        ``relative_error(...) <= tol`` is False.

    Raises
    ------
    TypeError
        One of the two holds no floating-point numbers.
    ValueError
        The shapes differ (nothing is broadcast), or the arrays are empty.
    """
    actual, expected = _as_numbers("actual", actual), _as_numbers("expected", expected)
    if actual.shape != expected.shape:
        raise ValueError(f"actual must have the shape of expected, {expected.shape}, got {actual.shape}")
    if actual.size == 0:
        raise ValueError(f"actual must not be empty, got shape {actual.shape}")
    with np.errstate(invalid="ignore", over="ignore"):
        scale = np.maximum(1.0, np.abs(expected).max())
        return float(_gap(actual, expected).max() / scale) if np.isfinite(scale) else float("nan")


def assert_grads_close(name, actual, expected, tol=1e-12):
    """Raise an AssertionError unless `actual` is `expected`: shape, dtype, finite, then value.

    Parameters
    ----------
    name : str
        What the gradient is called in the message.
    actual, expected : arrays
        Compared without broadcasting.
    tol : float
        Bound of `relative_error`.

    Raises
    ------
    AssertionError
        The message names the gradient, what differs, and the worst entry's two values.
    TypeError
        One of the two holds no floating-point numbers.
    ValueError
        `tol` is not a finite number >= 0, or the arrays are empty.
    """
    tol = check_number("tol", tol)
    actual, expected = _as_numbers("actual", actual), _as_numbers("expected", expected)
    if actual.shape != expected.shape:
        raise AssertionError(f"{name}: shape {actual.shape}, expected {expected.shape}")
    if actual.dtype != expected.dtype:
        raise AssertionError(f"{name}: dtype {actual.dtype}, expected {expected.dtype}")
    for who, array in (("actual", actual), ("expected", expected)):
        if not np.isfinite(array).all():
            where = first_index(~np.isfinite(array))
            raise AssertionError(f"{name}: {who} is {array[where]} at index {where}")
    error = relative_error(actual, expected)
    if not error <= tol:
        gap = _gap(actual, expected)
        where = first_index(gap == gap.max())
        raise AssertionError(
            f"{name}: relative error {error:.3g} > {tol:g}, worst at index {where}: "
            f"{actual[where]:.12g}, expected {expected[where]:.12g}"
        )


def _gap(actual, expected):
    with np.errstate(over="ignore"):
        return np.abs(actual - expected)


def _as_numbers(name, value):
    array = plain_array(name, value)
    if array.dtype.kind not in "fc":
        raise TypeError(f"{name} must hold floating-point numbers, got {describe(value)}")
    return array
