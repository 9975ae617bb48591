"""Wrong versions of an equation: its TeX with one sign, factor, power, index or term changed."""

import re
from fractions import Fraction

from bn_utils.proof.expressions import (
    LETTERS,
    MINUS_ONE,
    Add,
    Equal,
    Mul,
    Number,
    Positive,
    Power,
    Symbol,
    parts,
    rebuild,
    size_of,
)
from bn_utils.proof.texwrite import write_chain
from bn_utils.texmath import read

INDICES = re.compile(r"(?<=_\{)[a-z,]+(?=\})|(?<=_)[a-z]")


def mutations(tex, names):
    """Every mutation of an equation, once."""
    found = [*of_signs(tex), *of_numbers(tex), *of_letters(tex)]
    sides = read(tex, names)
    for n, side in enumerate(sides):
        for change in (without_a_part, with_a_factor, with_another_power):
            found += [write_chain([*sides[:n], changed, *sides[n + 1 :]]) for changed in change(side)]
    return [mutant for mutant in dict.fromkeys(found) if mutant != tex]


def of_signs(tex):
    for match in re.finditer(r"[+-]", tex):
        yield tex[: match.start()] + {"+": "-", "-": "+"}[match[0]] + tex[match.end() :]


def of_numbers(tex):
    """Each number, power or not, made larger by one; and each N doubled."""
    shown = re.sub(r"#[0-9A-F]{6}", lambda colour: "x" * 7, tex)
    for match in re.finditer(r"\d", shown):
        yield tex[: match.start()] + str(int(match[0]) + 1) + tex[match.end() :]
    for match in re.finditer(r"(?<![\\a-zA-Z])N(?![a-z])", shown):
        yield tex[: match.start()] + "(2 N)" + tex[match.end() :]


def of_letters(tex):
    """Each index by each other letter of its kind that the equation has, and one that it has not."""
    indices = "".join(INDICES.findall(tex))
    for match in INDICES.finditer(tex):
        for place in range(match.start(), match.end()):
            others = LETTERS.get(size_of(tex[place]), "")
            unused = [k for k in others if k not in indices][:1]
            for other in [k for k in others if k in indices and k != tex[place]] + unused:
                yield tex[:place] + other + tex[place + 1 :]


def everywhere(change):
    """Make a change of one place a change of every place of an expression, one at a time."""

    def changed(expression):
        yield from change(expression)
        for part in parts(expression):
            for new in changed(part):
                if not isinstance(part, Symbol | Equal | Positive):  # no names, no conditions
                    yield rebuild(expression, lambda p, part=part, new=new: new if p is part else p)

    return changed


@everywhere
def without_a_part(expression):
    if isinstance(expression, Add | Mul):
        items = expression.terms if isinstance(expression, Add) else expression.factors
        for n in range(len(items)):
            rest = items[:n] + items[n + 1 :]
            if MINUS_ONE not in (items[n], *rest[:1]) or len(rest) > 1:
                yield rest[0] if len(rest) == 1 else type(expression)(rest)


@everywhere
def with_a_factor(expression):
    if isinstance(expression, Add):
        for n, term in enumerate(expression.terms):
            for factor in (Number(Fraction(2)), Symbol("N"), Power(Symbol("N"), Fraction(-1))):
                yield Add((*expression.terms[:n], Mul((factor, term)), *expression.terms[n + 1 :]))


@everywhere
def with_another_power(expression):
    if isinstance(expression, Power):
        for step in (Fraction(1), Fraction(-1), Fraction(1, 2)):
            yield Power(expression.base, expression.exponent + step)
