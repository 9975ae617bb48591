"""Finds the first wrong line of a function by putting right values in.

What a line computes is recognised by its value. A line is wrong if its value is none of the
derivation's quantities and the result is right as soon as one of them takes its place.
"""

from typing import NamedTuple

import numpy as np

from bn_utils.diagnose.names import is_name_of
from bn_utils.diagnose.quantities import shapes_of
from bn_utils.diagnose.search import matches
from bn_utils.diagnose.tracing import code_of, is_numeric, rerun, trace

MOST_STEPS = 80  # that are looked at
MOST_LINES = 100_000  # of the function that are run in all: less than a second


class WrongLine(NamedTuple):
    """The first wrong line: its number, the name that it sets, and the quantity that this should be."""

    line: int
    name: str  # "return" for the line that returns
    quantity: str
    label: str
    or_before: bool = False  # whether it may be a line before, too


def recognise(value, probe, known):
    """The quantity whose value it is, in any shape, or None."""
    for quantity in known:
        if any(matches(value, form) for form in shapes_of(quantity.value, probe)):
            return quantity
    return None


def first_wrong_line(function, cases, probes, right, quantities):
    """Find the first wrong line of a function whose result is wrong.

    Parameters
    ----------
    function : callable
    cases : list of functions without arguments
        Each makes the arguments for one probe anew.
    probes : list of Probe
    right : list of functions of a result
        Whether the result for one probe is right, as far as this search goes.
    quantities : function of a probe
        What the lines of a right function compute.

    Returns
    -------
    WrongLine or None
    """
    if code_of(function) is None:
        return None
    known = [quantities(probe) for probe in probes]
    traces = [trace(function, case()) for case in cases]
    at_return = WrongLine(traces[0].last, "return", "", "")
    ends = _at_the_return(traces[0], probes[0], known[0], right[0])
    if ends is True:
        return at_return
    mending = _Mending(function, cases, probes, known, traces, right)
    # a step with a value of the derivation, mended by another: it may be wrong, and is likely so if
    # the one can stand for the other by a slip
    fallback = likely = None
    strange = False  # whether a value before is no known quantity
    for number, step in enumerate(mending.steps[0]):
        meant = recognise(step.value, probes[0], known[0])
        if meant is not None and is_name_of(step.name, meant.text) and step.value.shape == meant.value.shape:
            continue  # right by its name and by its value
        if _is_filler(step.value) or step.name.startswith(("running", "moving")):
            continue  # yet to be filled, or a factor of ones; and running means are not of the derivation
        should = mending.quantity(number, meant)
        if should is not None and should.text == "dx" and not _is_returned(traces[0], step.name):
            should = None  # dx itself mends wherever it is put in
        if should is None:
            strange |= meant is None and not step.plain
            continue
        wrong = WrongLine(step.line, step.name, should.text, should.label)
        if meant is not None and not is_name_of(step.name, should.text):
            if _is_at_hand(traces[0], probes[0], step, should):
                continue  # then a later line uses the one name for the other
            fallback = wrong
            takes_cache_apart = step.line == mending.steps[0][0].line
            if likely is None and not takes_cache_apart and _differ(meant, should):
                likely = wrong
        elif likely and (should.is_compound or strange):  # the earlier one explains the values between, too
            return likely
        else:
            return wrong._replace(or_before=strange or fallback is not None)
    return likely or (at_return._replace(or_before=strange) if ends is None else fallback)


def _last_steps(steps):
    """Of the steps of one line and name, as in a loop, the last."""
    return list({(step.line, step.name): step for step in steps}.values())[-MOST_STEPS:]


def _at_the_return(traced, probe, known, right):
    """Whether the last line is wrong: True where it returns another name than it should.

    None where it computes what it returns, so that it may be; False where it returns plain names,
    and what it computes is right.
    """
    result = traced.result
    if not isinstance(result, tuple | list):
        return False if result is None else None
    result = list(result)
    held = [value for value in traced.names.values() if isinstance(value, np.ndarray)]
    computed = []
    for place, value in enumerate(result):
        is_name = any(_is_held(value, local) for local in traced.names.values())
        meant = recognise(np.array(value), probe, known) if is_numeric(value) else None
        if not is_name:
            computed.append(meant)
        if is_name and not meant:
            continue
        for local in held:
            if any(right([*result[:place], form, *result[place + 1 :]]) for form in (local, local.T)):
                return True
    return None if None in computed or len(set(map(id, computed))) < len(computed) else False


def _is_filler(value):
    """Whether it is an array of zeros or of ones."""
    return value.ndim > 0 and (not value.any() or bool((value == 1).all()))


def _is_returned(traced, name):
    """Whether a name holds a result; taken for granted where the function raises."""
    if not isinstance(traced.result, tuple | list):
        return True
    return any(_is_held(value, traced.names[name]) for value in traced.result)


def _is_at_hand(traced, probe, step, quantity):
    """Whether another name than that of the step holds a quantity."""
    return quantity.value.ndim > 0 and any(
        any(matches(value, form) for form in shapes_of(quantity.value, probe))
        for name, value in traced.names.items()
        if name != step.name and isinstance(value, np.ndarray) and value.dtype.kind == "f"
    )


def _is_held(value, local):
    """Whether a value is what a name holds, or its transpose."""
    return value is local or (isinstance(value, np.ndarray) and value.base is local and value.ndim == 2)


def _differ(meant, should):
    """Whether one quantity can stand for another by a slip, more than by a factor or a whole bracket."""
    if should.is_compound or should.value.ndim > meant.value.ndim:
        return False
    if should.value.shape != meant.value.shape or meant is should or not should.value.ndim:
        return True
    ratio = should.value / meant.value
    return not np.allclose(ratio, ratio.flat[0], rtol=1e-6)


class _Mending:
    """Runs of a function with other values in its names, until the lines that may run are used up."""

    def __init__(self, function, cases, probes, known, traces, right):
        self.function, self.cases, self.probes = function, cases, probes
        self.known, self.right = known, right
        self.steps = [_last_steps(traced.steps) for traced in traces]
        self.left = MOST_LINES // max(1, traces[0].events)  # how many runs are left

    def quantity(self, number, meant):
        """The quantity that makes the result right in place of what a step has computed, or None."""
        value = self.steps[0][number].value
        for index, quantity in enumerate(self.known[0]):
            if quantity is meant and quantity.value.shape == value.shape:
                continue
            if all(self._mends(case, number, index) for case in range(len(self.cases))):
                return quantity
        return None

    def _mends(self, case, number, index):
        steps, probe = self.steps[case], self.probes[case]
        if number >= len(steps) or steps[number][:2] != self.steps[0][number][:2]:
            return False
        step, value = steps[number], self.known[case][index].value
        forms = [form for form in shapes_of(value, probe) if form.shape == step.value.shape]
        if step.plain:
            forms = [
                int(form) if step.value.dtype.kind == "i" and form % 1 == 0 else form.item() for form in forms
            ]
        elif value.ndim and value.shape != step.value.shape:
            forms += [value, *shapes_of(value, probe)[1:3]]
        self.left -= len(forms)
        return self.left > 0 and any(
            self.right[case](
                rerun(self.function, self.cases[case](), step, np.copy(form) if step.value.ndim else form)
            )
            for form in forms
        )
