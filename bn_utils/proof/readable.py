"""Turns a polynomial of the calculus back into an expression, to be read."""

from fractions import Fraction

from bn_utils.proof.expressions import (
    EPSILON,
    LETTERS,
    MINUS_ONE,
    ONE,
    SIZES,
    ZERO,
    Add,
    Case,
    Mul,
    Number,
    Positive,
    Power,
    Sum,
    Symbol,
    add,
    multiply,
)
from bn_utils.proof.polynomials import components, renamed, summed_in

CENTRED = r"h - \mu"  # the name of h - mu as one atom
SWITCH = " > 0]"  # ends the name of the switch of a ReLU, 0 or 1
WHOLE = f"+{EPSILON}"  # ends the name of sigma^2 + epsilon as one atom


def to_expression(polynomial):
    """Return a polynomial as an expression, to be read."""
    letters = {k for term in polynomial for (_, ks), _ in term for k in ks}
    return add(*(_product(term, polynomial[term], letters) for term in sorted(polynomial, key=_order)))


def _order(term):
    """Short products first, and high powers of the sizes before low ones."""
    sizes = [power for (name, _), power in term if name in SIZES]
    return len(term) - len(sizes), -sum(sizes)


def _product(term, coefficient, used):
    if not term:
        return Number(coefficient)
    free, parts = components(term)
    below = [_factor((atom, -power)) for atom, power in free if _divides(atom, power)]
    above = [_factor(factor) for factor in free if not _divides(*factor)]
    sign = (MINUS_ONE,) if coefficient < 0 else ()
    return multiply(*sign, _quotient(abs(coefficient), below), *above, *(_sum(part, used) for part in parts))


def _divides(atom, power):
    return atom[0] in SIZES and power < 0


def _quotient(number, below):
    """A rational number over a product of sizes."""
    if not below:
        return Number(number)
    under = Power(multiply(Number(Fraction(number.denominator)), *below), Fraction(-1))
    return under if number.numerator == 1 else Mul((Number(Fraction(number.numerator)), under))


def _sum(part, used):
    names, taken = {}, set(used)
    for letter in sorted(summed_in(part)):
        spare = [*LETTERS[letter[1]], *(f"{LETTERS[letter[1]][0]}{n}" for n in range(1, 10))]
        names[letter] = next(k for k in spare if k not in taken)
        taken.add(names[letter])
    return Sum(tuple(names.values()), multiply(*map(_factor, renamed(part, names))))


def _factor(factor):
    (name, letters), exponent = factor
    base = Symbol(name.removesuffix(WHOLE), letters)
    if name.endswith(WHOLE):
        base = Add((base, Symbol(EPSILON)))
    if name.startswith("["):  # the switch of a ReLU
        base = Case(Positive(Symbol(name[1:].removesuffix(SWITCH), letters)), ONE, ZERO)
    if name == CENTRED:
        base = Add((Symbol("h", letters), multiply(MINUS_ONE, Symbol(r"\mu", letters[1:]))))
    return base if exponent == 1 else Power(base, Fraction(exponent))
