"""Whether two values hold the same numbers, within tuples, lists and dicts, and where they do not."""

import numpy as np


def same(one, other, tolerance=0.0):
    """Whether what one holds is in the other too, within arrays, tuples, lists and dicts."""
    return changed_part(one, other, "", tolerance) is None


def changed_part(one, other, name, tolerance=0.0):
    """The name of the first part that is not the same, such as ``cache[2]``, or None.

    A dict may have more entries. What is no number, and no collection of them, is not compared.
    """
    if isinstance(one, np.ndarray) and one.dtype.kind in "fiub":
        is_same = (
            isinstance(other, np.ndarray)
            and one.shape == other.shape
            and np.allclose(one, other, rtol=tolerance, atol=tolerance, equal_nan=True)
        )
        return None if is_same else name
    if isinstance(one, dict):
        if not isinstance(other, dict) or one.keys() - other.keys():
            return name
        parts = [(one[key], other[key], f"{name}[{key!r}]") for key in one]
    elif isinstance(one, tuple | list):
        if not isinstance(other, tuple | list) or len(one) != len(other):
            return name
        parts = [(a, b, f"{name}[{place}]") for place, (a, b) in enumerate(zip(one, other, strict=True))]
    elif isinstance(one, int | float | np.number):
        is_number = isinstance(other, int | float | np.number)
        return None if is_number and (one == other or (one != one and other != other)) else name
    else:
        return None
    return next((part for a, b, n in parts if (part := changed_part(a, b, n, tolerance)) is not None), None)
