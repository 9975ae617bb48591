"""The first wrong line of a learner's function, as a sentence."""

from bn_utils.diagnose import calling
from bn_utils.diagnose.report import Line
from bn_utils.diagnose.tracing import first_wrong_line


def wrong_line(subject, wrong, error):
    """The first wrong line, for all wrong outputs at once or else for one of them."""
    cases = [lambda probe=probe: subject.arguments(probe) for probe in subject.probes[:2]]
    fine = [name for name in subject.layer.outputs if name not in wrong]
    found = []
    for goal in (wrong, *([name] for name in wrong if len(wrong) > 1)):
        right = [
            lambda result, probe=probe, goal=goal: subject.is_right(result, probe, (*goal, *fine))
            for probe in subject.probes[:2]
        ]
        line = first_wrong_line(subject.backward, cases, subject.probes[:2], right, subject.layer.quantities)
        found += [line] if line else []
        if line is not None and line.name != "return":
            break
    found = min(found, key=lambda line: line.line, default=None)
    if error is not None and (found is None or isinstance(error.error, NameError)):
        return line_of(subject.backward, error.line, "This line raises the error.")
    return found_line(subject.backward, found)


def found_line(function, found):
    if found is None:
        return None
    if found.name == "return":
        return line_of(function, found.line, "What it returns is not what it should return.")
    what = found.quantity
    if found.name == what.split(" = ")[0]:  # "dx should be dx" says nothing
        what = what.split(" = ")[-1] if " = " in what else f"the true {what}"
    sentence = f"{found.name} should be {what}: with that value, the lines after it are right."
    if found.suspect:
        sentence = (
            f"At the latest: {found.name} should be {what}. In line {found.suspect.line}, "
            f"{found.suspect.name} is the first value that is no quantity of the derivation."
        )
    return line_of(function, found.line, sentence, found.label)


def line_of(function, number, sentence, label=""):
    if number is None:
        return None
    return Line(number, calling.source_line(function, number), sentence, label)
