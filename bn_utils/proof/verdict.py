"""Judges a line three times: by proof, in fractions, and in float64; the three must agree."""

import sys
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import pairwise

import numpy as np

from bn_utils._validation import Sentence
from bn_utils.proof.evaluate import magnitude
from bn_utils.proof.expressions import EPSILON, NAMES, ZERO, names_in, nested_derivatives, reached, size_of
from bn_utils.proof.instances import EXACT_SIZES, NUMERIC_SIZES, complex_world, exact_world, random_values
from bn_utils.proof.letters import axes_of, free_letters
from bn_utils.proof.polynomials import UndecidedError
from bn_utils.proof.texwrite import write, write_chain
from bn_utils.symbolic import Theory, residual, theory_of
from bn_utils.texmath import read, read_definition, read_name

BOUND = 1e-12  # of the error in float64, as everywhere in the book


class DisagreementError(Sentence):
    """The three ways do not agree about a line: the checker itself is wrong."""


@dataclass(frozen=True)
class Context:
    """What a line is read and judged with: names, definitions, and which of them are not the book's."""

    names: dict[str, tuple]
    theory: Theory
    own: frozenset[str]


@dataclass(frozen=True)
class Verdict:
    """What became of a line: proved, or refuted, with what left minus right leaves."""

    reading: str
    residual: str
    entries: int
    counterexample: str
    oracle: str
    condition: str = ""

    @property
    def proved(self):
        """Whether the line holds for every N and H."""
        return self.residual == "0"

    def __repr__(self):
        if self.proved:
            return f"proved: every N, {self._exact}, {self.oracle} ({BOUND:g}){self.condition}"
        return f"refuted: left - right = {self.residual}, for example {self.counterexample}"

    def _repr_markdown_(self):
        if self.proved:
            compared = f"{self.oracle} agrees, within {BOUND:g}{self.condition}"
            return f"**Proved** for every $N$ and $H$; {self._exact}; {compared}."
        return (
            f"**Refuted.** Left minus right is\n\n$${self.residual}$$\n\nfor example {self.counterexample}."
        )

    @property
    def _exact(self):
        return f"exact ({self.entries} entries)" if self.entries else "not in fractions, a root is left"


def context_of(book, given=()):
    """Return the context that definitions give, as TeX: those of the book, then further ones.

    A further one may be a name alone, which then stands for any numbers.
    """
    names, definitions, own = dict(NAMES), {}, set()
    for number, tex in enumerate((*book, *given)):
        if "=" in tex:
            definition = read_definition(tex, names)
            symbol = definition.symbol
            definitions[symbol.name] = definition
        else:
            symbol = read_name(tex)
            definitions.pop(symbol.name, None)
        kinds = tuple(map(size_of, symbol.indices))
        others = (d for name, d in definitions.items() if name != symbol.name)
        if names.get(symbol.name, kinds) != kinds and any(symbol.name in names_in(d.meaning) for d in others):
            raise ValueError(f"{symbol.name} has other indices where it is used; take another name")
        names[symbol.name] = kinds
        own |= {symbol.name} if number >= len(book) else set()
    return Context(names, theory_of(definitions.values()), frozenset(own))


def judge(tex, context):
    """Return the `Verdict` of an equation, or chain of them, given as TeX.

    Raises
    ------
    TexError
        It cannot be read.
    UndecidedError
        The calculus does not cover it, or finds no proof where the other ways find no difference.
    DisagreementError
        The three ways do not agree.
    """
    sides = read(tex, context.names)
    left_over = [residual(left, right, context.theory) for left, right in pairwise(sides)]
    wrong = next((link for link, rest in enumerate(left_over) if rest != ZERO), None)
    if wrong is not None:
        sides = sides[: wrong + 2]
    if max(nested_derivatives(side, context.theory.definitions) for side in sides) > 2:
        raise UndecidedError("more than two derivatives inside each other")
    entries, differing, counterexample = _exact(sides, context)
    error = numeric_error(sides, context)
    if not np.isfinite(error):
        raise UndecidedError("the numbers are too large for float64")
    same = differing is None and error <= BOUND
    if wrong is not None and same:
        raise UndecidedError(
            f"no proof and no counterexample: neither fractions nor PyTorch find a difference, "
            f"but the calculus leaves {write(left_over[wrong])}"
        )
    agree = same if wrong is None else differing in (wrong, None)  # few batches may hide a difference
    if not agree:
        raise DisagreementError(
            f"{tex}: the calculus leaves {', '.join(map(write, left_over))}; fractions differ "
            f"{'nowhere' if differing is None else f'in link {differing + 1}'}; "
            f"in float64 the error is {error:.1g}"
        )
    rest = write(left_over[wrong or 0])
    if wrong is not None and not counterexample:
        counterexample = _float_example(sides[wrong:], context)
    condition = ", where nothing is divided by 0" if EPSILON in context.theory.definitions else ""
    return Verdict(write_chain(sides), rest, entries, counterexample, oracle(), condition)


def has_torch():
    """Say whether PyTorch can be imported."""
    return sys.modules.get("torch", find_spec("torch")) is not None


def oracle():
    """Return the name of what float64 results are compared with."""
    return "PyTorch" if has_torch() else "complex step; PyTorch is not installed"


def numeric_error(sides, context, label=None):
    """Return the largest difference of two sides, in PyTorch and by the complex step.

    It is relative to the largest term that is added up in them, or to 1. The `label` of an
    equation says whether PyTorch has operators for it alone. Without PyTorch there is the
    complex step alone.
    """
    definitions, letters = context.theory.definitions, _letters(sides)
    with np.errstate(all="ignore"):
        values, world = _numeric_world(context)
        results = [world.evaluate(side, letters).real for side in sides]
        scale = max(1.0, *(magnitude(side, world, axes_of(side, letters)).max() for side in sides))
        if has_torch():
            from bn_utils.proof.torch_operators import OPERATORS, OPERATORS_OF, TorchWorld

            book = {
                name: OPERATORS[name] for name in OPERATORS if not reached([name], definitions) & context.own
            }
            in_torch = TorchWorld(NUMERIC_SIZES, values, definitions, book | OPERATORS_OF.get(label, {}))
            results = [in_torch.evaluate(side, letters).detach().numpy() for side in sides] + results
        return float(max(np.abs(result - results[0]).max() for result in results[1:]) / scale)


def _numeric_world(context):
    """The random float64 values, and the world of them in complex numbers."""
    values = random_values(NUMERIC_SIZES, context.names)
    return values, complex_world(NUMERIC_SIZES, values, context.theory.definitions)


def _letters(sides):
    return tuple(sorted(set().union(*map(free_letters, sides))))


def _exact(sides, context):
    """The number of entries compared, the first link that differs, and where, as a sentence."""
    letters, entries = _letters(sides), 0
    for sizes in EXACT_SIZES:
        world = exact_world(sizes, context.theory.definitions, context.names, _square(sides, context.theory))
        try:
            values = [world.evaluate(side, letters) for side in sides]
        except ArithmeticError:  # a root that is not rational
            return 0, None, ""
        for link, (left, right) in enumerate(pairwise(values)):
            differ = np.argwhere(left != right)
            if len(differ):
                place = tuple(differ[0])
                where = _where(sizes, letters, place)
                return 0, link, f"{left[place] - right[place]} at {where} in a batch of fractions"
            entries += left.size
    return entries, None, ""


def _where(sizes, letters, place):
    at = (f"{letter} = {n + 1}" for letter, n in zip(letters, place, strict=True))
    return ", ".join([f"N = {sizes['N']}, H = {sizes['H']}", *at])


def _float_example(sides, context):
    """Where two sides differ most, as a sentence."""
    letters = _letters(sides)
    _, world = _numeric_world(context)
    left, right = (world.evaluate(side, letters).real for side in sides)
    gap = left - right
    place = np.unravel_index(np.abs(gap).argmax(), gap.shape)
    return f"{gap[place]:.3g} at {_where(NUMERIC_SIZES, letters, place)} in float64"


def _square(sides, theory):
    """The square that these sides use, one of a row before one of a column: its root must be a fraction."""
    used = reached(set().union(*map(names_in, sides)), theory.definitions)
    symbols = [theory.definitions[name].symbol for name in used & set(theory.rules) if name.endswith("^2")]
    rows = [symbol.name for symbol in symbols if size_of(symbol.indices[0]) == "N"]
    return rows[0] if rows else r"\sigma^2"
