"""Runs a function line by line, and finds the first wrong line by putting right values in.

What a line computes is recognised by its value. A line is wrong if its value is none of the
derivation's quantities and the result is right as soon as one of them takes its place.
"""

import inspect
import sys
from typing import NamedTuple

import numpy as np

from bn_utils.diagnose.quantities import quantities, shapes_of
from bn_utils.diagnose.search import TOLERANCE, matches

MOST_STEPS = 80


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
    names: dict  # what the names hold at the end
    result: object  # None where the function raised


class WrongLine(NamedTuple):
    """The first wrong line: its number, the name that it sets, and the quantity that this should be."""

    line: int
    name: str  # "return" for the line that returns
    quantity: str
    label: str
    suspect: Step | None = (
        None  # an earlier step that is no known quantity, where this one is the output itself
    )


def code_of(function):
    """The code object of a Python function or method, or None."""
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
                if _is_numeric(value) and (name not in before or not _same(before[name], value)):
                    before[name] = np.array(value)
                    if last is not None:
                        plain = isinstance(value, int | float) and not isinstance(value, np.generic)
                        steps.append(Step(last, name, before[name], plain, events))
            last = frame.f_lineno
            events += event == "line"
        return note

    result = _run(function, arguments, note)
    return Trace(steps, last, names, result)


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
        with np.errstate(all="ignore"):
            return function(*arguments)
    except (Exception, SystemExit):
        return None
    finally:
        sys.settrace(old)


def _is_numeric(value):
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "fiu"
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def _same(one, other):  # pragma: no cover (called by a tracer)
    return one.shape == np.shape(other) and np.array_equal(one, other, equal_nan=True)


def recognise(value, probe, known, tolerance=TOLERANCE):
    """The quantity whose value it is, in any shape, or None."""
    for quantity in known:
        if any(matches(value, form, tolerance) for form in shapes_of(quantity.value, probe)):
            return quantity
    return None


def first_wrong_line(function, cases, probes, right, known=quantities, tolerance=TOLERANCE):
    """Find the first wrong line of a function whose result is wrong.

    Parameters
    ----------
    function : callable
    cases : list of functions without arguments
        Each makes the arguments for one probe anew.
    probes : list of Probe
    right : list of functions of a result
        Whether the result for one probe is right, as far as this search goes.
    known : function of a probe
        Its quantities.
    tolerance : float

    Returns
    -------
    WrongLine or None
    """
    if code_of(function) is None:
        return None
    known = [known(probe) for probe in probes]
    traces = [trace(function, case()) for case in cases]
    ends = _at_the_return(traces[0], probes[0], known[0], right[0], tolerance)
    if ends is True:
        return WrongLine(traces[0].last, "return", "", "")
    steps = [_last_steps(one.steps) for one in traces]
    fallback = suspect = None
    for number, step in enumerate(steps[0]):
        meant = recognise(step.value, probes[0], known[0], tolerance)
        for index, quantity in enumerate(known[0]):
            if quantity is not meant and _mends(function, cases, probes, known, steps, right, number, index):
                wrong = WrongLine(step.line, step.name, quantity.text, quantity.label)
                if meant is None:
                    return wrong._replace(suspect=suspect if " = " not in quantity.text else None)
                fallback = wrong
                break
        suspect = suspect or (step if meant is None and not step.plain else None)
    if fallback is None and ends is None:
        return WrongLine(traces[0].last, "return", "", "")
    return fallback


def _last_steps(steps):
    """Of the steps of one line and name, as in a loop, the last."""
    return list({(step.line, step.name): step for step in steps}.values())[-MOST_STEPS:]


def _at_the_return(traced, probe, known, right, tolerance):
    """Whether the last line is wrong: True where it returns another name than it should.

    None where it computes what it returns, so that it may be; False where it returns plain names.
    """
    result = traced.result
    if not isinstance(result, tuple | list):
        return False if result is None else None
    result = list(result)
    held = [value for value in traced.names.values() if isinstance(value, np.ndarray)]
    other = list(result)
    computed = False
    for place, value in enumerate(result):
        is_name = any(value is local for local in traced.names.values())
        computed |= not is_name
        if is_name and not (_is_numeric(value) and recognise(np.array(value), probe, known, tolerance)):
            continue
        for local in held:
            trial = [*other[:place], local, *other[place + 1 :]]
            if right(trial):
                return True
    return None if computed else False


def _mends(function, cases, probes, known, steps, right, number, index):
    """Whether a quantity, in place of what a step computed, makes the result right for every probe."""
    for case, probe, all_known, own, is_right in zip(cases, probes, known, steps, right, strict=True):
        if number >= len(own) or own[number][:2] != steps[0][number][:2]:
            return False
        step, value = own[number], all_known[index].value
        forms = [form for form in shapes_of(value, probe) if form.shape == step.value.shape]
        if step.plain and not forms:
            return False
        if not any(is_right(rerun(function, case(), step, form.copy())) for form in forms or [value]):
            return False
    return True
