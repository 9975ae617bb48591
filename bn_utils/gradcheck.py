"""Oracles for gradients, and the comparison that uses them.

`f` is everywhere a function of one array; where it returns a scalar, the loss, its
gradient has the shape of the array.
"""

import numpy as np

from bn_utils._validation import check_arrays, describe, first_index

COMPLEX_STEP = 1e-30


def complex_step_jacobian(f, x):
    """Derivative of an array by the complex step: df/dx_n = Im f(x + i t e_n) / t, with t = 1e-30.

    Nothing is subtracted, so the result is right to the round-off of f itself. `f` must
    be made of arithmetic and analytic functions: `np.var` and `np.abs` of a complex
    array, ``.real``, and a comparison of complex numbers drop the imaginary part, and
    the derivative with it.

    Parameters
    ----------
    f : callable
        Takes a complex128 array like `x`, returns a complex array.
    x : float64 array
        Where to differentiate; any shape.

    Returns
    -------
    float64 array of shape ``f(x).shape + x.shape``
        Indexed as the derivative is written: the indices of f, then those of x.

    Raises
    ------
    TypeError
        `x` is not float64, or `f` returns no complex numbers.
    ValueError
        `x` is empty or not finite, or `f` returns NaN or inf.
    """
    x = _check_point("x", x)
    directions = np.eye(x.size).reshape((x.size, *x.shape))
    derivatives = np.stack([_complex_step(f, x, direction) for direction in directions], axis=-1)
    return derivatives.reshape(derivatives.shape[:-1] + x.shape)


def complex_step_gradient(f, x):
    """Gradient of a scalar by the complex step.

    Arguments and errors are those of `complex_step_jacobian`, and a TypeError where `f`
    returns no scalar; the result is a float64 array of the shape of `x`.
    """
    return complex_step_jacobian(lambda z: _scalar(f(z)), x)


def numerical_gradient(f, x, step=1e-6):
    """Gradient by central differences: df/dx_n = (f(x + t e_n) - f(x - t e_n)) / (2 t).

    For functions that cannot take complex numbers. The step t of an entry is
    ``step * max(1, |x_n|)``. Truncation (t^2) and round-off (1e-16 / t) leave an error
    of about 1e-9 of the loss: a tolerance below that is asking for luck.

    Parameters
    ----------
    f : callable
        Takes a float64 array like `x`, returns a real scalar.
    x : float64 array
        Where to differentiate; any shape.
    step : float, > 0

    Returns
    -------
    float64 array, the shape of `x`

    Raises
    ------
    TypeError
        `x` is not float64, or `f` returns no real scalar.
    ValueError
        `x` is empty or not finite, `step` is not finite and positive, or `f` returns
        NaN or inf.
    """
    x = _check_point("x", x)
    if not 0 < step < np.inf:
        raise ValueError(f"step must be finite and > 0, got {step}")
    gradient = np.empty_like(x)
    for index in np.ndindex(x.shape):
        above, below = x.copy(), x.copy()
        above[index] += step * max(1, abs(x[index]))
        below[index] -= step * max(1, abs(x[index]))
        rise = _real_loss(f, above) - _real_loss(f, below)
        gradient[index] = rise / (above[index] - below[index])
    return gradient


def directional_check(name, f, x, gradient, rng, tol=1e-10):
    """Check `gradient` along one random direction v: sum(gradient v) against the complex step.

    One evaluation of `f`, whatever the size of `x`. A wrong gradient passes only if its
    error is orthogonal to v, which has probability 0 for a normal v.

    Parameters
    ----------
    name : str
        What the gradient is called in the message.
    f : callable
        Takes a complex128 array like `x`, returns a complex scalar.
    x, gradient : float64 arrays of one shape
    rng : numpy.random.Generator
    tol : float
        Bound of the difference, relative to max(1, |expected|).

    Raises
    ------
    AssertionError
        The two derivatives differ, or `gradient` has not the shape of `x`.
    TypeError, ValueError
        As `complex_step_gradient`.
    """
    x, gradient = _check_point("x", x), _check_point("gradient", gradient)
    if gradient.shape != x.shape:
        raise AssertionError(f"{name}: shape {gradient.shape}, expected {x.shape}")
    v = rng.standard_normal(x.shape)
    expected = _complex_step(lambda z: _scalar(f(z)), x, v)
    assert_grads_close(f"{name} along v", np.sum(gradient * v), expected, tol)


def relative_error(actual, expected):
    """The book's error: max|actual - expected| / max(1, max|expected|).

    The 1 keeps an expected gradient of exactly 0 (the bias before batch norm) from
    turning round-off into a large relative error.

    Parameters
    ----------
    actual, expected : arrays of one shape
        Scalars count as arrays of shape ().

    Returns
    -------
    float
        NaN where either holds a NaN, so that ``relative_error(...) <= tol`` is False.

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
        return float(np.max(np.abs(actual - expected)) / np.maximum(1.0, np.max(np.abs(expected))))


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
    if not 0 <= tol < np.inf:
        raise ValueError(f"tol must be finite and >= 0, got {tol}")
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
        where = first_index(np.abs(actual - expected) == np.max(np.abs(actual - expected)))
        raise AssertionError(
            f"{name}: relative error {error:.3g} > {tol:g}, worst at index {where}: "
            f"{actual[where]:.12g}, expected {expected[where]:.12g}"
        )


def _as_numbers(name, value):
    array = np.asarray(value)
    if array.dtype.kind not in "fc":
        raise TypeError(f"{name} must hold floating-point numbers, got {describe(value)}")
    return array


def _check_point(name, value):
    array = np.asarray(value)
    if array.dtype != np.float64:
        raise TypeError(f"{name} must be a float64 array, got {describe(value)}")
    axes = " ".join(f"n{axis}" for axis in range(array.ndim))
    return check_arrays(**{name: (array, axes)})[0]


def _real_loss(f, x):
    value = _scalar(f(x))
    if np.asarray(value).dtype.kind != "f":
        raise TypeError(f"f must return a real number, got {describe(value)}")
    return _finite(value)


def _complex_step(f, x, direction):
    """The derivative of f at x along a direction."""
    value = np.asarray(f(x + 1j * COMPLEX_STEP * direction))
    if value.dtype.kind != "c":
        raise TypeError(
            f"f must return complex numbers, got {describe(value)}: "
            "a step inside may have dropped the imaginary part"
        )
    return _finite(value).imag / COMPLEX_STEP


def _scalar(value):
    if np.shape(value) != ():
        raise TypeError(f"f must return a scalar, got {describe(np.asarray(value))}")
    return value


def _finite(value):
    if not np.isfinite(value).all():
        raise ValueError(f"f must return finite numbers, got {value}")
    return value
