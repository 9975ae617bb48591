"""The one validator of the public functions' arguments."""

import math
from numbers import Real

import numpy as np

DTYPES = (np.float32, np.float64, np.complex128)


class Sentence(Exception):
    """An error that a notebook shows as its message alone, without a traceback."""

    def _render_traceback_(self):
        return [f"{type(self).__name__}: {self}"]


def check_arrays(**specs):
    """Return the arguments as arrays, in order, or say which one is wrong.

    Parameters
    ----------
    **specs : (value, shape)
        Each argument by its name, with its value and its shape in letters, for
        example ``X=(X, "N D")``. A letter stands for one size: the first argument
        that has it sets it, all later ones must agree.

    Returns
    -------
    list of ndarray
        The values, not copied where they are arrays already. All float32, or each
        float64 or complex128.

    Raises
    ------
    TypeError
        Not an array of numbers, or of a dtype other than float32, float64 and
        complex128, or float32 beside one of the other two.
    ValueError
        A wrong number of axes, a size that disagrees, an empty axis, NaN or inf.
    """
    arrays = check_layout(**specs)
    for name, array in zip(specs, arrays, strict=True):
        _check_finite(name, array)
    return arrays


def check_layout(**specs):
    """Do what `check_arrays` does, but let NaN and inf pass: nothing is read."""
    sizes, arrays = {}, []
    first = next(iter(specs))
    for name, (value, shape) in specs.items():
        array = _as_array(name, value)
        _check_shape(name, array, shape.split(), sizes)
        arrays.append(array)
        if (array.dtype == np.float32) != (arrays[0].dtype == np.float32):
            raise TypeError(
                f"{name} must have the precision of {first}, {arrays[0].dtype}, "
                f"got {array.dtype}; convert one of them with .astype"
            )
    return arrays


def check_number(name, value, zero=True):
    """Return `value`, which must be a finite number >= 0 (> 0 unless `zero`), as a float.

    Raises
    ------
    TypeError
        `value` is not a real number.
    ValueError
        `value` is negative, NaN, infinite or too large for a float, or 0 where not `zero`.
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a real number, got {describe(value)}")
    try:
        number = float(value)
    except OverflowError:  # a Python integer may be too large
        number = math.inf
    if not 0 <= number < math.inf or (number == 0 and not zero):
        raise ValueError(f"{name} must be finite and {'>=' if zero else '>'} 0, got {number}")
    return number


def check_labels(labels, N, C):
    """Return `labels` as an array: for each of N rows the number of one of C columns.

    Raises
    ------
    TypeError
        Not an array of integers.
    ValueError
        Not one label for each row, or a label that is no column: negative, or too large.
    """
    array = plain_array("labels", labels)
    if array.dtype.kind not in "iu":
        raise TypeError(f"labels must be integers, got {describe(array)}")
    if array.shape != (N,):
        hint = "; of one-hot rows take labels.argmax(axis=1)" if array.shape == (N, C) else ""
        raise ValueError(f"labels must have shape (N,) with N = {N}, got {array.shape}{hint}")
    wrong = (array < 0) | (array >= C)
    if wrong.any():
        where = first_index(wrong)
        raise ValueError(f"labels must be >= 0 and < C = {C}, got {array[where]} at index {where}")
    return array


def check_variance(running_var):
    """Raise a ValueError where a running variance, an array of numbers already, is negative."""
    negative = running_var.real < 0
    if negative.any():
        where = first_index(negative)
        raise ValueError(f"running_var must be >= 0, got {running_var[where]} at index {where}")


def check_cache(cache, kind, source):
    """Return `cache`, or a TypeError that names the function it must come from."""
    if not isinstance(cache, kind):
        raise TypeError(f"cache must be the {kind.__name__} that {source} returned, got {describe(cache)}")
    return cache


def check_overflow(**results):
    """Return the results, or a ValueError that names the first that is not finite.

    The inputs were finite, so a result that is not has left the range of its dtype.
    """
    for name, array in results.items():
        if not np.isfinite(array).all():
            raise ValueError(f"{name} leaves the range of {array.dtype}: rescale the inputs")
    return tuple(results.values())


def describe(value):
    """Say what `value` is, in few words."""
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype}, shape {value.shape}"
    text = repr(value)
    return f"{type(value).__name__} {text if len(text) <= 40 else text[:37] + '...'}"


def plain_array(name, value):
    """Return `value` as an array of any dtype, or a TypeError where that would lose something."""
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{name} must be a plain array, got a masked one; its mask would be lost")
    try:
        return np.asarray(value)
    except (ValueError, TypeError, RuntimeError) as error:
        raise TypeError(f"{name} must be an array of numbers, got {describe(value)}") from error


def first_index(mask):
    """Return the index of the first true entry of a boolean array, as a tuple of int."""
    return tuple(int(k) for k in np.argwhere(mask)[0])


def _as_array(name, value):
    array = plain_array(name, value)
    if array.dtype.type in DTYPES:
        return array
    if array.dtype.kind in "biufc":
        wide = "complex128" if array.dtype.kind == "c" else "float64"
        raise TypeError(
            f"{name} must be float32, float64 or complex128, got {array.dtype}; "
            f"convert it with .astype(np.{wide})"
        )
    raise TypeError(f"{name} must be an array of numbers, got {describe(value)}")


def _check_shape(name, array, letters, sizes):
    if array.ndim != len(letters):
        flat = len(letters) == 1 and array.ndim == 2 and 1 in array.shape
        hint = f"; flatten it with {name}.ravel()" if flat else ""
        raise ValueError(f"{name} must have shape {_tuple(letters)}, got {array.shape}{hint}")
    for letter, size in zip(letters, array.shape, strict=True):
        if size == 0:
            raise ValueError(f"{name} must have {letter} >= 1, got shape {array.shape}")
        known, setter = sizes.setdefault(letter, (size, name))
        if size != known:
            raise ValueError(
                f"{name} must have shape {_tuple(letters)} with {letter} = {known} as in {setter}, "
                f"got {array.shape}"
            )


def _tuple(letters):
    return "(" + ", ".join(letters) + ("," if len(letters) == 1 else "") + ")"


def _check_finite(name, array):
    finite = np.isfinite(array)
    if not finite.all():
        where = first_index(~finite)
        raise ValueError(f"{name} must be finite, got {array[where]} at index {where}")
