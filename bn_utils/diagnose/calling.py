"""Calls a learner's functions as they are, and says in a sentence what goes wrong with the call itself."""

import functools
import inspect
import io
import linecache
import re
import textwrap
import traceback
from contextlib import redirect_stdout

import numpy as np

from bn_utils.diagnose.catalogue import Mistake
from bn_utils.diagnose.tracing import code_of

SIGNATURES = {
    "backward": "Give it two parameters, (dout, cache).",
    "forward": "Give it the parameters (x, gamma, beta, eps), or (x, gamma, beta, bn_param).",
}
TRAINING = {"mode": "train", "training": True, "train": True, "is_training": True}
DICTS = re.compile("par|conf|cfg|opt|dict|kw")  # in the name of an argument that holds eps


class CannotRunError(Exception):
    """A function that cannot be run; holds the `Mistake` that says why, and its line."""

    def __init__(self, mistake, line=None, error=None):
        super().__init__(mistake.sentence)
        self.mistake, self.line, self.error = mistake, line, error


def run_forward(forward, probe, arrays=None):
    """Call a forward pass on copies of a probe's arrays, or of others; return (y, cache)."""
    result = call("forward", *forward_call(forward, probe, arrays))
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise CannotRunError(
            Mistake(
                "forward-returns",
                f"Your forward pass returns {_kind(result)}; it must return (out, cache).",
                "End it with: return out, cache.",
            )
        )
    return result


def own_eps(forward):
    """The eps of a forward pass that takes three arrays and nothing else, so that it has its own; or None."""
    if len(_parameters(forward)) != 3:
        return None
    names = getattr(code_of(forward), "co_names", ())
    known = getattr(forward, "__globals__", {})
    values = [known.get(name) for name in names if "eps" in name.lower()]
    found = [value for value in values if isinstance(value, float) and value >= 0]
    return found[0] if found else 1e-5


def forward_call(forward, probe, arrays=None):
    """A forward pass and its arguments, copies: the arrays, then eps as its fourth parameter asks for it.

    That is a number, or CS231n's bn_param, a dict that holds it.
    """
    arguments = [np.array(array) for array in arrays or probe.arguments]
    parameters = _parameters(forward)
    if probe.eps is None or len(parameters) == 3:  # it has an eps of its own, or needs none
        return forward, arguments
    more = {parameter.name for parameter in parameters[4:]}
    more |= {parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY}
    named = {
        name: value
        for name, value in {**TRAINING, "eps": probe.eps, "epsilon": probe.eps}.items()
        if name in more
    }
    if named:
        forward = functools.partial(forward, **named)
    if named.keys() & {"eps", "epsilon"}:
        return forward, arguments
    fourth = parameters[3] if len(parameters) > 3 else None
    if fourth is not None and (isinstance(fourth.default, dict) or DICTS.search(fourth.name.lower())):
        return forward, [
            *arguments,
            {"mode": "train", "momentum": 0.9, "eps": probe.eps, "epsilon": probe.eps},
        ]
    return forward, [*arguments, probe.eps]


def _parameters(function):
    """The parameters of a function; a built-in one may not tell."""
    try:
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return []


def call(what, function, arguments):
    """Call a function of the learner; what it raises becomes a `CannotRunError` that names its line."""
    try:
        with np.errstate(all="ignore"), redirect_stdout(io.StringIO()):
            return function(*arguments)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # exit and the like, too
        raise CannotRunError(*_raised(what, function, arguments, error)) from error


def _raised(what, function, arguments, error):
    """The mistake that an error shows, the line of the function that raises it, and the error."""
    try:
        inspect.signature(function).bind(*arguments)
    except TypeError as refused:
        sentence = f"Your {what} pass cannot be called with {len(arguments)} arguments: {refused}."
        return Mistake("signature", sentence, SIGNATURES[what]), None, error
    except ValueError:  # a built-in function may have no signature
        pass
    code = code_of(function)
    own = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if code and (frame.filename, frame.name) == (code.co_filename, code.co_name)
    ]
    line = own[0] if own else None
    if isinstance(error, NameError):
        later = code is not None and error.name in code.co_varnames
        fix = "Set it in a line before." if later else "Set it, or import it, before it is used."
        sentence = f"You use {error.name or 'a name'}, but no line before has set it."
        return Mistake("unset-name", sentence, fix), line, error
    said = textwrap.shorten(f"{type(error).__name__}: {_said(error)}".rstrip(": "), 200)
    return (
        Mistake(
            "raises",
            f"Your {what} pass raises {said}",
            "Mend what raises this error, then run the diagnosis again.",
        ),
        line,
        error,
    )


def _said(error):
    """What an error says, its beginning; an error may fail to say anything."""
    try:
        return str(error)[:1000]
    except Exception:
        return ""


def source_line(function, number):
    """The text of a line of a function's file, or "" where the file is not at hand."""
    code = code_of(function)
    if code:
        linecache.checkcache(code.co_filename)  # the file may have been edited since
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
            f"Your function returns {_kind(result)}; it must return {len(names)}: {', '.join(names)}.",
            f"End it with: return {', '.join(names)}.",
        )
    if all(value is None for value in result):
        return Mistake(
            "not-written",
            f"Your function is not written yet: it returns None for {', '.join(names)}.",
            f"Compute {', '.join(names)}.",
        )
    return [read_result(name, value) for name, value in zip(names, result, strict=True)]


def read_result(name, value):
    """One result as an array of floats, or the `Mistake` that says why it is none."""
    if value is None:
        return Mistake(f"{name}-none", f"{name} is None: nothing computes it yet.", f"Compute {name}.")
    try:
        array = np.array(value)  # a copy: the function may use its array again
    except Exception:  # whatever stands for an array may raise anything
        array = np.array(None)
    if array.dtype.kind != "f" or array.dtype.itemsize < 4:
        is_array = isinstance(value, np.ndarray)
        what = f"an array of {array.dtype}" if is_array else f"of type {type(value).__name__}"
        return Mistake(
            f"{name}-type",
            f"{name} is {what}; it must be an array of float64 or float32.",
            "Give it dtype=float."
            if array.dtype.kind in "iubf"
            else f"Compute {name} as an array of floats.",
        )
    if not np.isfinite(array).all():
        return Mistake(
            f"{name}-nan", f"{name} holds NaN or inf.", "Look for a division by 0 or a power of a negative."
        )
    return array if array.dtype == np.float32 else array.astype(np.float64)


def _kind(result):
    if isinstance(result, tuple | list):
        return f"{len(result)} results"
    if isinstance(result, np.ndarray):
        return f"an array of shape {result.shape}"
    return f"a {type(result).__name__}"
