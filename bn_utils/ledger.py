"""Checks an equation in three independent ways, from the TeX that the reader sees.

It is proved for every N and H by the index calculus; evaluated in fractions, where nothing is
rounded; and compared with PyTorch and the complex step in float64.
"""

from dataclasses import asdict, dataclass
from functools import lru_cache

from bn_utils._validation import Sentence, describe
from bn_utils.proof.given import DEFINITIONS, GIVEN
from bn_utils.proof.sources import book_equations
from bn_utils.proof.texwrite import write_chain
from bn_utils.proof.verdict import BOUND, context_of, judge, numeric_error, oracle
from bn_utils.texmath import read

MIME = "application/vnd.bn-utils.ledger+json"  # of the rows, as data beside what is shown


class RefutedError(Sentence, AssertionError):
    """An equation of the book that is not true."""


@dataclass(frozen=True)
class Row:
    """A row of the register: an equation of the book and its checks."""

    label: str
    tex: str
    reading: str
    given: tuple[str, ...]
    kind: str
    entries: int
    bound: float

    def __str__(self):
        ways = f"every N, exact ({self.entries} entries)" if self.kind == "proved" else "definition"
        return f"{self.label}: {ways}, {oracle()} ({self.bound:g})"


class Rows(tuple):
    """Rows of the register; a notebook shows one on a line and stores them all."""

    def __repr__(self):
        return "\n".join(map(str, self))

    def _repr_mimebundle_(self, **_):
        rows = [asdict(row) for row in self]
        return {"text/plain": repr(self), MIME: rows}


def check(*labels):
    """Check equations of the book, by their labels, in three ways.

    The TeX is taken from the chapters (.md, else .ipynb) in the working directory; where no
    file has the label, from the register in the package.

    Parameters
    ----------
    labels : str
        Such as "eq-jac".

    Returns
    -------
    Rows
        One `Row` for each label.

    Raises
    ------
    RefutedError
        An equation is not true, or a definition is not PyTorch's; the message shows what is
        left of left minus right, and numbers for which it is not 0.
    DisagreementError
        The three ways do not agree.
    ValueError
        There is no equation with that label, or its TeX cannot be read.
    """
    for label in labels:
        if not isinstance(label, str):
            raise TypeError(f'labels must be strings, as in check("eq-mean"), got {describe(label)}')
    equations = book_equations()
    return Rows(_row(label, equations) for label in labels)


def try_line(tex, given=()):
    r"""Prove or refute a line of your own.

    Parameters
    ----------
    tex : str
        An equation, or a chain of them, in the TeX that `texmath` reads.
    given : sequence of str
        Definitions of further names, each `name = meaning`; or a name alone, such as `m_j`, which then
        stands for any numbers. A definition of a name of the book takes the place of the book's.

    Returns
    -------
    Verdict

    Raises
    ------
    TexError
        The TeX cannot be read; the message shows where, why and what to write.
    UndecidedError
        The line is not of the kind that the calculus decides, such as a root of $\sigma^2$ alone; or
        there is neither a proof nor a counterexample.
    TypeError, ValueError
        `tex` or `given` are no strings, or a definition cannot be one.
    DisagreementError
        The three ways do not agree.
    """
    if not isinstance(given, list | tuple) or not all(isinstance(line, str) for line in given):
        raise TypeError(f'given must be a list of strings, as in given=["z_j"], got {describe(given)}')
    return judge(tex, _context(book_equations(), tuple(given)))


def book(given=()):
    """Return the `Context` of the book: its names and the theory of its definitions, and of those given."""
    return _context(book_equations(), tuple(given))


def tex_of(label):
    """Return the TeX of an equation of the book; sources and errors as `check`."""
    return _tex(label, book_equations())


def given_of(label):
    """Return the definitions, as TeX, that an equation takes in place of the book's."""
    return _given(label, book_equations())


def _tex(label, equations):
    if label not in equations:
        raise ValueError(f"label must be one of {', '.join(equations)}; got {label!r}")
    return equations[label]


def _given(label, equations):
    given = GIVEN.get(label, ())
    return tuple(_tex(other, equations) if other.startswith("eq-") else other for other in given)


def _context(equations, given=()):
    missing = [label for label in DEFINITIONS if label not in equations]
    if missing:
        raise ValueError(f"the chapters and the register lack {', '.join(missing)}: run make notebooks")
    return _read_context(tuple(equations[label] for label in DEFINITIONS), given)


_read_context = lru_cache(256)(context_of)


def _row(label, equations):
    tex, context = _tex(label, equations), _context(equations, _given(label, equations))
    others = GIVEN.get(label, ())
    given = tuple(other for other in others if other != label and other.startswith("eq-"))
    if label in (*DEFINITIONS, "eq-kronecker", *others):
        sides = read(tex, context.names)
        error = numeric_error(sides, context, label)
        if not error <= BOUND:
            raise RefutedError(f"{label}: PyTorch computes something else, the error is {error:.1g}")
        return Row(label, tex, write_chain(sides), given, "definition", 0, BOUND)
    verdict = judge(tex, context)
    if not verdict.proved:
        raise RefutedError(f"{label} is {verdict!r}")
    return Row(label, tex, verdict.reading, given, "proved", verdict.entries, BOUND)
