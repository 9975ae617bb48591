"""The first wrong line of a learner's function, as a sentence."""

import ast
import builtins
from dataclasses import replace

import numpy as np

from bn_utils.diagnose import calling
from bn_utils.diagnose.first_wrong import first_wrong_line
from bn_utils.diagnose.report import Line
from bn_utils.diagnose.tracing import trace


def wrong_line(subject, wrong, error):
    """The first wrong line, for all wrong outputs at once, or else the first that mends one of them."""
    cases = [lambda probe=probe: subject.arguments(probe) for probe in subject.probes[:2]]
    fine = [name for name in subject.layer.outputs if name not in wrong]
    found = []
    each = [] if error or len(wrong) == 1 else [[name] for name in wrong]
    for goal in (wrong, *each):
        right = [
            lambda result, probe=probe, goal=goal: subject.is_right(result, probe, (*goal, *fine))
            for probe in subject.probes[:2]
        ]
        line = first_wrong_line(subject.backward, cases, subject.probes[:2], right, subject.layer.quantities)
        found += [(line, goal)] if line else []
        if goal is wrong and line is not None and line.name != "return":
            break
    line, goal = min(found, key=lambda pair: pair[0].line, default=(None, wrong))
    if error is not None and (line is None or isinstance(error.error, NameError)):
        return raising_line(subject.backward, error.line)
    mended = "the lines after it are" if goal is wrong else f"{goal[0]} is"
    return found_line(subject.backward, line, mended)


def cache_line(subject):
    """The first line that sets a name: there the cache is taken apart."""
    steps = trace(subject.backward, subject.arguments(subject.probes[0])).steps
    return line_of(subject.backward, steps[0].line, "This line takes the cache apart.") if steps else None


def found_line(function, found, mended="the lines after it are", in_forward=False):
    """What the search has found, as a `Line`; `mended` is what its right value would make right."""
    if found is None:
        return None
    what = found.quantity.split(" = ")[-1]
    called = _called(calling.source_line(function, found.line))
    is_result = found.name == what  # such as dx, of which nothing more can be said
    should = f"{what} comes out wrong here." if is_result else f"{found.name} should be {what}."
    if called:
        sentence = f"The mistake is in this line, or in {called}, which it calls."
    elif found.name == "return":
        more = ", or in a line before" if found.or_before else ""
        sentence = f"The mistake is in what this line returns{more}."
    elif found.or_before:
        sentence = f"The mistake is in this line, or in one that it uses: {should}"
    elif is_result:
        sentence = f"The mistake is in this line: {should}"
    else:
        sentence = f"{should} With that value, {mended} right."
    return line_of(function, found.line, sentence, found.label, in_forward)


def _called(text):
    """The learner's own functions that a line calls; "" where it calls none."""
    try:
        tree = ast.parse(text)
    except SyntaxError:  # one line of several
        return ""
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    own = [ast.unparse(call) for call in calls if not _is_numpys(call)]
    return " or ".join(dict.fromkeys(own))


def _is_numpys(call):
    """Whether what is called is NumPy's or Python's: np.sum, np.linalg.norm, a.sum, len."""
    if isinstance(call, ast.Attribute):
        root = ast.unparse(call).split(".")[0]
        return root in ("np", "numpy") or hasattr(np.ndarray, call.attr)
    return isinstance(call, ast.Name) and hasattr(builtins, call.id)


def raising_line(function, number, in_forward=False):
    """The line of a function that raises an error, or None where it is not known."""
    line = line_of(function, number, "The mistake is in this line, or in one that it uses.", "", in_forward)
    return line and replace(line, raises=True)


def line_of(function, number, sentence, label="", in_forward=False):
    """A line of a function as a `Line`, or None where there is none."""
    if number is None:
        return None
    return Line(number, calling.source_line(function, number), sentence, label, in_forward)
