"""Oracles for gradients: complex step, central differences, one random direction.

`f` is everywhere a function of one array; where it returns a scalar, the loss, its
gradient has the shape of the array.
"""

import numpy as np

from bn_utils._validation import check_arrays, check_number, check_overflow, describe, plain_array
from bn_utils.compare import assert_grads_close

COMPLEX_STEP = 1e-30


def complex_step_jacobian(f, x):
    """Derivative of an array by the complex step: df/dx_n = Im f(x + i t e_n) / t, with t = 1e-30.

    Nothing is subtracted, so the result is right to the round-off of f itself. `f` must
    be made of analytic functions: `np.var` and `np.abs` of a complex array, ``.real`` and
    comparisons drop the imaginary part, and the derivative with it.

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
    derivatives = []
    for index in np.ndindex(x.shape):
        direction = np.zeros_like(x)
        direction[index] = 1
        derivatives.append(_complex_step(f, x, direction))
    derivatives = np.stack(derivatives, axis=-1)
    return derivatives.reshape(derivatives.shape[:-1] + x.shape)


def complex_step_gradient(f, x):
    """Gradient of a scalar by the complex step.

    Arguments and errors are those of `complex_step_jacobian`, and a TypeError where `f`
    returns no scalar; the result is a float64 array of the shape of `x`.
    """
    return complex_step_jacobian(lambda z: _scalar(f(z)), x)


def complex_step_gradient_by_rows(f, x, upstream, rng):
    """Gradient of sum(upstream f(x)) where each column of f depends on that column of x alone.

    N evaluations of `f` in place of N H: a whole row of `x` takes the step at once. One more,
    along a random direction, checks that the columns are independent.

    Parameters
    ----------
    f : callable
        Takes a complex128 array like `x`, returns a complex array of that shape.
    x, upstream : (N, H) float64 arrays
    rng : numpy.random.Generator

    Returns
    -------
    (N, H) float64 array

    Raises
    ------
    TypeError
        `x` or `upstream` is not float64, or `f` returns no complex numbers.
    ValueError
        A column of `f` depends on another column of `x`, a wrong shape, or NaN or inf.
    """
    x, upstream = _check_point("x", x), _check_point("upstream", upstream)
    x, upstream = check_arrays(x=(x, "N H"), upstream=(upstream, "N H"))
    v = _check_rng(rng).standard_normal(x.shape)
    along_v = _complex_step(f, x, v)
    if along_v.shape != x.shape:
        raise ValueError(f"f must return an array of shape {x.shape}, got {along_v.shape}")
    gradient, expected = np.empty_like(x), np.zeros_like(x)
    for i in range(len(x)):
        row = np.zeros_like(x)
        row[i] = 1
        df_dx = _complex_step(f, x, row)  # (N, H): the derivative of f_kj with respect to x_ij
        gradient[i] = (upstream * df_dx).sum(axis=0)
        expected += df_dx * v[i]
    check_overflow(gradient=gradient)
    tolerance = 1e-8 * np.abs(expected).max(axis=0) + 1e-12
    if not (np.abs(along_v - expected) <= tolerance).all():
        raise ValueError("each column of f must depend on that column of x alone: take complex_step_gradient")
    return gradient


def numerical_gradient(f, x, step=1e-6):
    """Gradient by central differences: df/dx_n = (f(x + t e_n) - f(x - t e_n)) / (2 t).

    For functions that cannot take complex numbers. The step t of an entry is
    ``step * max(1, |x_n|)``. Truncation (t^2) and round-off (1e-16 / t) leave about 1e-9.

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
        `x` is empty or not finite, `step` is not positive and finite or moves no entry,
        or `f` returns NaN or inf.
    """
    x = _check_point("x", x)
    step = check_number("step", step, zero=False)
    gradient = np.empty_like(x)
    for index in np.ndindex(x.shape):
        above, below = x.copy(), x.copy()
        t = step * max(1, abs(x[index]))
        above[index] += t
        below[index] -= t
        if above[index] == below[index]:
            raise ValueError(f"step must be large enough to move x = {x[index]}, got {step}")
        with np.errstate(over="ignore"):
            rise = _real_loss(f, above) - _real_loss(f, below)
        gradient[index] = rise / (above[index] - below[index])
    check_overflow(gradient=gradient)
    return gradient


def directional_check(name, f, x, gradient, rng, tol=1e-10):
    """Check `gradient` along one random direction v: sum(gradient v) against the complex step.

    One evaluation of `f`, whatever the size of `x`. A wrong gradient passes where its
    error is orthogonal to v: for a normal v that has probability 0.

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
    v = _check_rng(rng).standard_normal(x.shape)
    expected = _complex_step(lambda z: _scalar(f(z)), x, v)
    assert_grads_close(f"{name} along v", np.sum(gradient * v), expected, tol)


def _check_point(name, value):
    array = plain_array(name, value)
    if array.dtype != np.float64:
        raise TypeError(f"{name} must be a float64 array, got {describe(value)}")
    axes = " ".join(f"n{axis}" for axis in range(array.ndim))
    return check_arrays(**{name: (array, axes)})[0]


def _check_rng(rng):
    if not hasattr(rng, "standard_normal"):
        raise TypeError(f"rng must be a numpy.random.Generator, got {describe(rng)}")
    return rng


def _real_loss(f, x):
    value = _scalar(f(x))
    if np.asarray(value).dtype != np.float64:
        raise TypeError(f"f must return a float64 number, got {describe(value)}")
    return _finite(value)


def _complex_step(f, x, direction):
    """The derivative of f at x along a direction."""
    value = np.asarray(f(x + 1j * COMPLEX_STEP * direction))
    if value.dtype != np.complex128:
        raise TypeError(
            f"f must return complex128 numbers, got {describe(value)}: "
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
