r"""The index calculus: proves that two expressions are equal for every N and H.

An expression is multiplied out into a sum of products. In every product the deltas are
contracted, by their one rule, and a sum that a definition knows is replaced: the mean says
that $\sum_k h_{kl}$ is $N \mu_l$, the variance what $\sum_k h_{kl}^2$ is. What is left is a
normal form; two expressions that share it are equal for every N and H. A power of
$\sigma^2 + \epsilon$ is kept whole.
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from graphlib import CycleError, TopologicalSorter

from bn_utils.derivative import derivative
from bn_utils.duals import rational_power
from bn_utils.expressions import (
    EPSILON,
    LETTERS,
    MINUS_ONE,
    SIZES,
    Add,
    Case,
    Definition,
    Derivative,
    Equal,
    Mul,
    Number,
    Power,
    Sum,
    Symbol,
    add,
    delta,
    instantiate,
    multiply,
    names_in,
    rebuild,
)
from bn_utils.polynomials import Rule, components, is_free_of_sums, plus, reduced, scaled, summed, times

POSITIVE = {*SIZES, EPSILON, r"\alpha"}  # and sigma^2 + epsilon: what may be divided by
CENTRED = r"h - \mu"  # the name of h - mu as one atom
WHOLE = f"+{EPSILON}"  # ends the name of the atom sigma^2 + epsilon


class UndecidedError(ValueError):
    """An expression that the calculus does not cover."""


@dataclass(frozen=True)
class Theory:
    """What is known: the definitions by name, and the rules that they give."""

    definitions: dict[str, Definition]
    rules: dict[str, Rule]


def theory_of(definitions):
    """Return the theory of some definitions, in any order; the last one of a name counts.

    Raises
    ------
    ValueError
        A name is defined by itself.
    """
    known = {definition.symbol.name: definition for definition in definitions}
    needs = {name: names_in(known[name].meaning) & set(known) for name in known}
    try:
        order = list(TopologicalSorter(needs).static_order())
    except CycleError as error:
        raise ValueError(f"{error.args[1][0]} is defined by itself") from error
    theory = Theory({}, {})
    for name in order:
        rule = _rule(known[name], theory)
        theory = Theory(
            {**theory.definitions, name: known[name]}, theory.rules | ({name: rule} if rule else {})
        )
    return theory


def residual(left, right, theory):
    """Return left - right multiplied out, as an expression: 0 if they are equal for every N and H.

    Raises
    ------
    UndecidedError
        One of them is no polynomial in the names and the powers of sigma^2 + epsilon.
    """
    rest = normal_form(add(left, multiply(MINUS_ONE, right)), theory)
    return to_expression(min(rest, _centred(rest), key=len))


def normal_form(expression, theory):
    """Return the polynomial of an expression."""
    rules = tuple(theory.rules.values())
    match expression:
        case Number(value):
            return {(): value} if value else {}
        case Symbol():
            return _symbol(expression, theory)
        case Add(terms):
            return plus(*(normal_form(term, theory) for term in terms))
        case Mul(factors):
            return reduce(lambda p, q: times(p, q, rules), (normal_form(f, theory) for f in factors))
        case Power(base, exponent):
            return _power(normal_form(base, theory), exponent, rules)
        case Sum(letters, body):
            return reduce(lambda p, letter: summed(p, letter, rules), letters, normal_form(body, theory))
        case Derivative(of, by):
            return normal_form(derivative(of, by, theory.definitions), theory)
        case Case(Equal(left, right), then, otherwise):
            switch = delta((left, right))
        case Case(condition, then, otherwise):
            switch = Symbol(f"[{condition.of.name} > 0]", condition.of.indices)
    difference = add(then, multiply(MINUS_ONE, otherwise))
    return normal_form(add(multiply(switch, difference), otherwise), theory)


def _symbol(symbol, theory):
    """A name is unfolded, unless a rule knows it or nothing defines it."""
    if symbol.name in theory.definitions and symbol.name not in theory.rules:
        return normal_form(instantiate(theory.definitions[symbol.name], symbol.indices), theory)
    if symbol.name.endswith("^2"):  # sigma^2 = (sigma^2 + epsilon) - epsilon
        whole = reduced(Fraction(1), (((symbol.name + WHOLE, symbol.indices), 1),))
        return plus(whole, scaled(normal_form(Symbol(EPSILON), theory), -1))
    return reduced(Fraction(1), (((symbol.name, symbol.indices), 1),))


def _rule(definition, theory):
    """The rule of a definition with one sum, over one letter: solved for that sum. Else None."""
    meaning = normal_form(definition.meaning, theory)
    sums = [term for term in meaning if not is_free_of_sums(term)]
    if len(sums) != 1:
        return None
    free, parts = components(sums[0])
    letters = {k for (_, ks), _ in sums[0] for k in ks if k.startswith("#")}
    if len(letters) != 1 or any(atom[0] not in SIZES for atom, _ in free):
        return None
    opaque = _symbol(definition.symbol, theory)
    rest = {term: -coefficient for term, coefficient in meaning.items() if term != sums[0]}
    inverse = {tuple((atom, -exponent) for atom, exponent in free): 1 / meaning[sums[0]]}
    return Rule(*letters, parts[0], times(plus(opaque, rest), inverse, ()))


def _power(base, exponent, rules):
    if exponent.denominator == 1 and exponent >= 0:
        return reduce(lambda p, q: times(p, q, rules), [base] * int(exponent), {(): Fraction(1)})
    if len(base) != 1:
        raise UndecidedError(
            f"the power {exponent} of a sum is known for sigma^2 + epsilon alone, not for "
            f"{len(base)} terms; multiply both sides by it"
        )
    ((term, coefficient),) = base.items()
    powers = tuple((atom, power * exponent) for atom, power in term)
    for (name, letters), power in powers:
        if not (name in POSITIVE or name.endswith(WHOLE)) or any(k.startswith("#") for k in letters):
            raise UndecidedError(f"{name} may be 0 or negative, so its power {power} need not exist")
        if power.denominator != 1 and not name.endswith(WHOLE):
            raise UndecidedError(f"only sigma^2 + epsilon has a root here, {name} has the power {power}")
    try:
        return reduced(rational_power(coefficient, exponent), powers, rules=rules)
    except ArithmeticError as error:
        raise UndecidedError(f"the power {exponent} of {coefficient} is not rational") from error


def _centred(polynomial):
    """The same in h - mu in place of h, which is often shorter to read."""

    def shifted(expression):
        if isinstance(expression, Symbol) and expression.name == "h":
            return Add((Symbol(CENTRED, expression.indices), Symbol(r"\mu", expression.indices[1:])))
        return rebuild(expression, shifted)

    return normal_form(shifted(to_expression(polynomial)), Theory({}, {}))


def to_expression(polynomial):
    """Return a polynomial as an expression, to be read."""
    return add(*(_product(term, c) for term, c in sorted(polynomial.items(), key=lambda item: len(item[0]))))


def _product(term, coefficient):
    free, parts = components(term)
    used = {k for part in (free, *parts) for (_, ks), _ in part for k in ks}
    below = [Power(Symbol(atom[0]), -power) for atom, power in free if _divides(atom, power)]
    above = [_factor(factor) for factor in free if not _divides(*factor)]
    sign = (MINUS_ONE,) if coefficient < 0 else ()
    front = _quotient(abs(coefficient), [power.base if power.exponent == 1 else power for power in below])
    return multiply(*sign, front, *above, *(_sum(part, used) for part in parts))


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
    for letter in sorted({k for (_, ks), _ in part for k in ks if k.startswith("#")}):
        spare = [*LETTERS[letter[1]], *(f"{LETTERS[letter[1]][0]}{n}" for n in range(1, 10))]
        names[letter] = next(k for k in spare if k not in taken)
        taken.add(names[letter])
    renamed_part = (((name, tuple(names.get(k, k) for k in ks)), e) for (name, ks), e in part)
    return Sum(tuple(names.values()), multiply(*map(_factor, renamed_part)))


def _factor(factor):
    (name, letters), exponent = factor
    base = Symbol(name.removesuffix(WHOLE), letters)
    if name.endswith(WHOLE):
        base = Add((base, Symbol(EPSILON)))
    if name == CENTRED:
        base = Add((Symbol("h", letters), multiply(MINUS_ONE, Symbol(r"\mu", letters[1:]))))
    return base if exponent == 1 else Power(base, Fraction(exponent))
