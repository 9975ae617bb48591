"""Checks an equation in three independent ways, from the TeX that the reader sees.

It is proved for every N and H by the index calculus; evaluated in fractions, where nothing is
rounded; and compared with PyTorch and the complex step in float64.
"""

import json
import re
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from bn_utils.texmath import read
from bn_utils.texwrite import write_chain
from bn_utils.verdict import BOUND, context_of, judge, numeric_error

REGISTER = Path(__file__).with_name("register.json")
DISPLAY = re.compile(r"^\$\$\n((?:(?!\$\$).)*)\n\$\$ \((eq-[a-z0-9-]+)\)", re.DOTALL | re.MULTILINE)
# The equations that define a name. All derivatives come from them.
DEFINITIONS = (
    "eq-linear",
    "eq-mean",
    "eq-centred",
    "eq-var",
    "eq-std",
    "eq-normalize",
    "eq-affine",
    "eq-relu",
    "eq-loss",
    "eq-layout",
    "eq-node-r",
)
# Lines about another way to compute the same, and the definitions of it, by their labels. They
# take the place of the book's: the graph computes the variance from c, and multiplies by r; behind
# the ReLU the loss is a function of a.
GIVEN = {
    **dict.fromkeys(["eq-fold-1", *(f"eq-staged-{n}" for n in range(1, 9))], ("eq-node-var", "eq-node-hat")),
    **dict.fromkeys(["eq-loss-layer", "eq-drelu"], ("eq-loss-layer",)),
}


class RefutedError(AssertionError):
    """A line that is not true; a notebook shows its message alone."""

    def _render_traceback_(self):
        return [f"{type(self).__name__}: {self}"]


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
        return f"{self.label}: {ways}, PyTorch ({self.bound:g})"


class Rows(tuple):
    """Rows of the register; a notebook shows one on a line and stores them all."""

    def __repr__(self):
        return "\n".join(map(str, self))

    def _repr_mimebundle_(self, **_):
        rows = [asdict(row) for row in self]
        return {"text/plain": repr(self), "application/vnd.bn-utils.ledger+json": rows}


def check(*labels):
    """Check equations of the book, by their labels, in three ways.

    The TeX is taken from the chapters (.md, else .ipynb) in the working directory; where no
    file has the label, from the register in the package.

    Parameters
    ----------
    *labels : str
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
    return Rows(map(_row, labels))


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
        The line is not of the kind that the calculus decides, such as a root of $\sigma^2$ alone.
    DisagreementError
        The three ways do not agree.
    """
    if isinstance(given, str):
        raise TypeError("given must be a sequence of definitions, got one string")
    return judge(tex, _context(tuple(given)))


def book():
    """Return the `Context` of the book: its names and the theory of its definitions."""
    return _context()


def tex_of(label):
    """Return the TeX of an equation of the book; sources and errors as `check`."""
    for ending in ("md", "ipynb"):
        for path in sorted(Path.cwd().glob(f"*.{ending}")):
            found = equations_in(path)
            if label in found:
                return found[label]
    register = json.loads(REGISTER.read_text(encoding="utf-8"))
    if label not in register:
        raise ValueError(f"label must be one of {', '.join(register)}; got {label!r}")
    return register[label]["tex"]


def equations_in(path):
    """Return the TeX of every labelled equation of a chapter, by label."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        cells = json.loads(text)["cells"]
        text = "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    return {label: tex for tex, label in DISPLAY.findall(text)}


def _context(given=()):
    return _read_context(tuple(map(tex_of, DEFINITIONS)), given)


_read_context = cache(context_of)


def given_of(label):
    """Return the definitions, as TeX, that an equation takes in place of the book's."""
    return tuple(map(tex_of, GIVEN.get(label, ())))


def _row(label):
    tex, given = tex_of(label), GIVEN.get(label, ())
    if label in (*DEFINITIONS, "eq-kronecker", "eq-loss-layer"):
        context = _context(given_of(label))
        sides = read(tex, context.names)
        error = numeric_error(sides, context)
        if not error <= BOUND:
            raise RefutedError(f"{label}: PyTorch computes something else, the error is {error:.1g}")
        return Row(label, tex, write_chain(sides), given, "definition", 0, BOUND)
    verdict = judge(tex, _context(given_of(label)))
    if not verdict.proved:
        raise RefutedError(f"{label} is {verdict!r}")
    return Row(label, tex, verdict.reading, given, "proved", verdict.entries, BOUND)
