"""What a diagnosis has found: prints in a terminal, shows in a notebook, and is data."""

from dataclasses import dataclass, field
from html import escape

from bn_utils.diagnose.catalogue import Mistake

FITS = {
    True: "For this forward pass, your backward pass is right; it must change with it.",
    False: "Your backward pass does not match it; mend the forward pass, then run the diagnosis again.",
}


@dataclass(frozen=True)
class Line:
    """The first wrong line of a function, and what it should compute."""

    number: int
    text: str  # "" where the source is not at hand
    sentence: str
    label: str = ""
    in_forward: bool = False  # of the forward pass, not of the backward pass
    raises: bool = False  # it raises an error; the mistake may be before


@dataclass(frozen=True)
class Output:
    """One result of the backward pass."""

    ok: bool | None  # None where what comes before is wrong, so that it was not looked at
    sentence: str  # how far off it is, or of what shape
    explanations: tuple[tuple[Mistake, ...], ...] = ()  # each makes exactly this result
    symptoms: tuple[Mistake, ...] = ()  # properties of the true gradient that it lacks

    @property
    def mistakes(self):
        """Every mistake that an explanation names, once."""
        return tuple(dict.fromkeys(mistake for found in self.explanations for mistake in found))

    @property
    def is_explained(self):
        """Whether the mistakes say what makes it wrong; NaN, or a wrong type, does not."""
        return any(mistake.label for mistake in self.mistakes)


@dataclass(frozen=True)
class Forward:
    """The learner's own forward pass."""

    ok: bool
    sentence: str
    explanations: tuple[tuple[Mistake, ...], ...] = ()
    backward_fits: bool | None = None  # whether the backward pass is right for this forward pass

    mistakes = Output.mistakes


@dataclass(frozen=True)
class Report:
    """The diagnosis of one backward pass.

    Attributes
    ----------
    name : str
    ok : bool
        Whether everything is right.
    ran : bool
        Whether it could be run at all.
    problems : tuple of Mistake
        What is wrong with the call itself: it raises, changes its arguments, ...
    forward : Forward or None
    outputs : dict of Output
        By name: "dx", "dgamma", "dbeta"; of the other layers "dX", "dW", "db" or "dy".
    line : Line or None
        The first wrong line.
    notes : tuple of str
        What is no mistake and good to know.
    """

    name: str
    ok: bool
    ran: bool = True
    problems: tuple[Mistake, ...] = ()
    forward: Forward | None = None
    outputs: dict[str, Output] = field(default_factory=dict)
    line: Line | None = None
    notes: tuple[str, ...] = ()

    def as_dict(self):
        """Return the report as lists, dicts, strings, numbers and None, ready for JSON."""
        return {
            "name": self.name,
            "ok": self.ok,
            "ran": self.ran,
            "problems": _plain(self.problems),
            "forward": None if self.forward is None else _part(self.forward),
            "outputs": {name: _part(output) for name, output in self.outputs.items()},
            "line": None if self.line is None else dict(vars(self.line)),
            "notes": list(self.notes),
        }

    def __str__(self):
        return "\n".join("  " * depth + text for depth, _, text in self._lines())

    __repr__ = __str__

    def _repr_html_(self):
        """The same lines for a notebook, indented, their first words in bold."""
        rows = "".join(
            f'<div style="margin-left: {1.5 * depth}em"><b>{escape(head)}</b>{escape(rest)}</div>'
            for depth, head, rest in ((depth, head, text[len(head) :]) for depth, head, text in self._lines())
        )
        return f'<div class="bn-diagnosis">{rows}</div>'

    def _lines(self):
        """Each line of the text: its depth, the words that stand out, all words."""
        verdict = "right" if self.ok else "wrong" if self.ran else "could not be run"
        if self.forward is not None and not self.forward.ok:
            verdict = "its forward pass is wrong"
        elif self.problems and self.outputs and all(output.ok for output in self.outputs.values()):
            verdict = "wrong, though what it returns is right"
        yield 0, self.name, f"{self.name}: {verdict}"
        for problem in self.problems:
            yield from _mistake(1, problem)
        if self.forward is not None and not self.forward.ok:
            yield 1, "forward pass", f"forward pass: {self.forward.sentence}"
            yield from _explanations(self.forward.explanations)
            if self.forward.backward_fits is not None:
                yield 2, "", FITS[self.forward.backward_fits]
        for name, output in self.outputs.items():
            if output.ok is None:
                continue
            yield 1, name, f"{name}: {output.sentence}"
            yield from _explanations(output.explanations)
            if not output.ok and not output.explanations and not self.problems:
                more = " What can be seen:" if output.symptoms else ""
                yield 2, "", f"It is wrong in a way that has no name here.{more}"
            for symptom in output.symptoms:
                yield from _mistake(2, symptom)
        if self.line is not None:
            where = "The error is raised in line" if self.line.raises else "First wrong line"
            where += " of the forward pass" if self.line.in_forward else ""
            yield 1, where, f"{where}: {self.line.number}" + (f": {self.line.text}" if self.line.text else "")
            yield 2, "", self.line.sentence + (f" ({self.line.label})" if self.line.label else "")
        for note in self.notes:
            yield 1, "Note", f"Note: {note}"


def _explanations(explanations):
    for number, found in enumerate(explanations):
        head = "Or, with the same result: " if number else ""
        if len(found) > 1:
            said = " And: ".join(f"{mistake.sentence} [{mistake.id}]" for mistake in found)
            yield 2, "", f"{head}{said}" if number else f"{len(found)} mistakes; mend them all:"
        for mistake in found if len(found) == 1 or not number else ():
            yield from _mistake(2, mistake, head)


def _mistake(depth, mistake, head=""):
    yield depth, head, f"{head}{mistake.sentence} [{mistake.id}]"
    kind = "Hint" if mistake.id.startswith("symptom-") else "Fix"
    yield depth + 1, kind, f"{kind}: {mistake.fix}"
    if mistake.label:
        yield depth + 1, "See", f"See: {mistake.label}, chapter {mistake.chapter}"


def _plain(mistakes):
    return [{**mistake._asdict(), "chapter": mistake.chapter} for mistake in mistakes]


def _part(part):
    data = {**vars(part), "explanations": [_plain(found) for found in part.explanations]}
    if "symptoms" in data:
        data["symptoms"] = _plain(part.symptoms)
    return data | {"mistakes": _plain(part.mistakes)}
