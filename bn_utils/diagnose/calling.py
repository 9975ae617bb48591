"""Calls a learner's functions as they are, and says in a sentence what goes wrong with the call itself."""

import inspect
import linecache
import traceback

import numpy as np

from bn_utils.diagnose.catalogue import Mistake
from bn_utils.diagnose.tracing import code_of


class CannotRunError(Exception):
    """A function that cannot be run; holds the `Mistake` that says why, and its line."""

    def __init__(self, mistake, line=None, error=None):
        super().__init__(mistake.sentence)
        self.mistake, self.line, self.error = mistake, line, error


def run_forward(forward, probe, arguments=None):
    """Call a forward pass on copies of a probe's arguments, or of others; return (y, cache)."""
    result = call("forward", forward, forward_arguments(forward, probe, arguments))
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise CannotRunError(
            Mistake(
                "forward-returns",
                f"Your forward pass returns {_kind(result)}; it must return (out, cache).",
                "End it with: return out, cache.",
            )
        )
    return result


def forward_arguments(forward, probe, arguments=None):
    """Fresh copies of what a forward pass takes."""
    arguments = [np.array(argument) for argument in arguments or probe.arguments]
    if probe.eps is not None:
        arguments.append(_last_argument(forward, probe.eps))
    return arguments


def _last_argument(forward, eps):
    """Eps itself, or CS231n's bn_param, a dict that holds it: as the fourth parameter asks."""
    try:
        parameters = list(inspect.signature(forward).parameters.values())
    except (TypeError, ValueError):
        return eps
    fourth = parameters[3] if len(parameters) > 3 else None
    if fourth is not None and (isinstance(fourth.default, dict) or "par" in fourth.name.lower()):
        return {"mode": "train", "eps": eps, "momentum": 0.9}
    return eps


def call(what, function, arguments):
    """Call a function of the learner; what it raises becomes a `CannotRunError` that names its line."""
    try:
        with np.errstate(all="ignore"):
            return function(*arguments)
    except (Exception, SystemExit) as error:
        raise CannotRunError(*_raised(what, function, arguments, error)) from error


def _raised(what, function, arguments, error):
    code = code_of(function)
    own = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if code and (frame.filename, frame.name) == (code.co_filename, code.co_name)
    ]
    line = own[0].lineno if own else None
    said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if line is None and isinstance(error, TypeError):
        sentence = f"Your {what} cannot be called with {len(arguments)} arguments: {error}."
        fix = {
            "backward": "Give it two parameters, (dout, cache).",
            "forward": "Give it the parameters (x, gamma, beta, eps), or (x, gamma, beta, bn_param).",
        }[what]
        return Mistake("signature", sentence, fix), None, error
    if isinstance(error, NameError):
        return (
            Mistake("unset-name", f"A name is used before any line sets it: {error}.", "Set it before."),
            line,
            error,
        )
    return Mistake("raises", f"Your {what} pass raises {said}", "Make this line run first."), line, error


def source_line(function, number):
    """The text of a line of a function's file, or "" where the file is not at hand."""
    code = code_of(function)
    return linecache.getline(code.co_filename, number).strip() if code and number else ""


def read_results(result, names):
    """The results of a backward pass as arrays, in order, or the `Mistake` that says why they are none.

    Each is an array, or a `Mistake` of its own.
    """
    if result is None:
        return Mistake(
            "returns-none",
            "Your function returns None.",
            f"End it with: return {', '.join(names)}.",
        )
    if len(names) == 1 and not isinstance(result, tuple | list):
        result = (result,)
    if not isinstance(result, tuple | list) or len(result) != len(names):
        return Mistake(
            "returns-count",
            f"Your function returns {_kind(result)}; it must return {len(names)} results.",
            f"End it with: return {', '.join(names)}.",
        )
    if all(value is None for value in result):
        return Mistake(
            "not-written",
            f"Your function is not written yet: it returns None for {' and '.join(names)}.",
            f"Compute {', '.join(names)}.",
        )
    return [_read_result(name, value) for name, value in zip(names, result, strict=True)]


def _read_result(name, value):
    if value is None:
        return Mistake(f"{name}-none", f"{name} is None: nothing computes it yet.", f"Compute {name}.")
    try:
        array = np.asarray(value)
    except (TypeError, ValueError):
        array = np.asarray(None)
    if array.dtype.kind != "f":
        what = (
            f"an array of {array.dtype}"
            if isinstance(value, np.ndarray)
            else f"of type {type(value).__name__}"
        )
        return Mistake(
            f"{name}-type",
            f"{name} is {what}; it must be an array of floats.",
            "np.zeros_like of an integer array is one of integers; give dtype=float.",
        )
    if not np.isfinite(array).all():
        return Mistake(
            f"{name}-nan", f"{name} holds NaN or inf.", "Look for a division by 0 or a power of a negative."
        )
    return array


def _kind(result):
    if isinstance(result, tuple | list):
        return f"{len(result)} results"
    if isinstance(result, np.ndarray):
        return f"an array of shape {result.shape}"
    return f"a {type(result).__name__}"


def same(one, other):
    """Whether two values are equal, arrays entry by entry, within tuples, lists and dicts too."""
    if isinstance(one, np.ndarray):
        return isinstance(other, np.ndarray) and one.shape == other.shape and bool(_equal(one, other))
    if isinstance(one, dict):
        return (
            isinstance(other, dict)
            and one.keys() == other.keys()
            and all(same(one[k], other[k]) for k in one)
        )
    if isinstance(one, tuple | list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, int | float | str | np.generic):
        return one == other or (one != one and other != other)
    return True


def _equal(one, other):
    return np.array_equal(one, other, equal_nan=one.dtype.kind in "fc")
