"""Runs a function line by line: what each line computes, and what comes out if a value is another."""

import functools
import inspect
import io
import sys
from contextlib import redirect_stdout
from typing import NamedTuple

import numpy as np


class Step(NamedTuple):
    """A name that a line has changed."""

    line: int
    name: str
    value: np.ndarray
    plain: bool  # a number of Python's own, which no array can be
    event: int  # how many lines ran before


class Trace(NamedTuple):
    """A call, line by line."""

    steps: list[Step]
    last: int  # the line that ran last
    events: int  # how many lines ran
    names: dict  # what the names hold at the end
    result: object  # None where the function raised


def code_of(function):
    """The code object of a Python function or method, or None."""
    while isinstance(function, functools.partial):
        function = function.func
    if not hasattr(function, "__code__") and not inspect.isroutine(function):
        function = type(function).__call__
    return getattr(inspect.unwrap(function), "__code__", None)


def trace(function, arguments):
    """Call a function and return its `Trace`; what it raises is kept for others to report."""
    steps, before, names = [], {}, {}
    last, events = None, 0

    def note(frame, event, _):  # pragma: no cover (a tracer is not itself traced)
        nonlocal last, events
        if event in ("line", "return"):
            names.update(frame.f_locals)
            for name, value in names.items():
                if is_numeric(value) and (name not in before or not _same(before[name], value)):
                    before[name] = np.array(value)
                    if last is not None:
                        plain = isinstance(value, int | float) and not isinstance(value, np.generic)
                        steps.append(Step(last, name, before[name], plain, events))
            last = frame.f_lineno
            events += event == "line"
        return note

    result = _run(function, arguments, note)
    return Trace(steps, last, events, names, result)


def rerun(function, arguments, step, value):
    """Call a function with one name changed after one step; return its result, None where it raises."""
    events = 0

    def swap(frame, event, _):  # pragma: no cover (a tracer is not itself traced)
        nonlocal events
        if event == "line":
            if events == step.event:
                frame.f_locals[step.name] = value
                sys.settrace(None)
                frame.f_trace = None
                return None
            events += 1
        return swap

    return _run(function, arguments, swap)


def _run(function, arguments, tracer):
    code = code_of(function)

    def enter(frame, event, _):  # pragma: no cover (a tracer is not itself traced)
        return tracer if frame.f_code is code else None

    old = sys.gettrace()
    sys.settrace(enter)
    try:
        with np.errstate(all="ignore"), redirect_stdout(io.StringIO()):
            return function(*arguments)
    except (Exception, SystemExit):
        return None
    finally:
        sys.settrace(old)


def is_numeric(value):
    """Whether a value is a number or an array of numbers."""
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "fiu"
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def _same(one, other):  # pragma: no cover (called by a tracer)
    return one.shape == np.shape(other) and np.array_equal(one, other, equal_nan=True)
