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

from bn_utils.proof.derivative import derivative, differentiate
from bn_utils.proof.expressions import (
    EPSILON,
    MINUS_ONE,
    POSITIVE,
    SIZES,
    ZERO,
    Add,
    Case,
    Definition,
    Derivative,
    Equal,
    Mul,
    Number,
    Positive,
    Power,
    Sum,
    Symbol,
    add,
    delta,
    function_of,
    is_not_negative,
    multiply,
    names_in,
    rebuild,
)
from bn_utils.proof.functions import function_form, is_sum_of_exps
from bn_utils.proof.letters import instantiate
from bn_utils.proof.polynomials import (
    Rule,
    UndecidedError,
    components,
    is_free_of_sums,
    plus,
    reduced,
    scaled,
    summed,
    summed_in,
    times,
)
from bn_utils.proof.powers import power
from bn_utils.proof.readable import CENTRED, SWITCH, WHOLE, to_expression

__all__ = [
    "Theory",
    "UndecidedError",
    "differentiate",
    "normal_form",
    "residual",
    "theory_of",
    "to_expression",
]


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
        A name is defined by itself, a square by what may be negative, or a name that stands
        for any positive number by anything but 0.
    """
    known = {definition.symbol.name: definition for definition in definitions}
    for name, definition in known.items():
        if name.endswith("^2") and not is_not_negative(definition.meaning):
            raise ValueError(f"{name} must not be negative: define it as a sum of squares")
        if name in POSITIVE and definition.meaning != ZERO and not is_sum_of_exps(definition.meaning):
            raise ValueError(f"{name} stands for any positive number; it can be defined as 0 alone")
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
    """Return left - right multiplied out: `ZERO` if they are equal for every N and H.

    Parameters
    ----------
    left, right : expression
    theory : Theory

    Returns
    -------
    expression

    Raises
    ------
    UndecidedError
        One of them is no polynomial in the names and the powers of sigma^2 + epsilon.
    """
    rest = normal_form(add(left, multiply(MINUS_ONE, right)), theory)
    return to_expression(min(rest, _centred(rest, theory), key=len))


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
            return power(normal_form(base, theory), exponent, rules)
        case Sum(letters, body):
            return reduce(lambda p, letter: summed(p, letter, rules), letters, normal_form(body, theory))
        case Derivative(of, by):
            return normal_form(derivative(of, by, theory.definitions), theory)
        case Case(Equal(left, right)):
            switch = delta((left, right))
        case _:
            of = expression.condition.of
            switch = Symbol(f"[{of.name}{SWITCH}", of.indices)
    difference = add(expression.then, multiply(MINUS_ONE, expression.otherwise))
    return normal_form(add(multiply(switch, difference), expression.otherwise), theory)


def _symbol(symbol, theory):
    """A name is unfolded, unless a rule knows it or nothing defines it."""
    function, name = function_of(symbol.name)
    if function:
        inner = normal_form(Symbol(name, symbol.indices), theory)
        return function_form(function, inner, tuple(theory.rules.values()))
    if symbol.name in theory.definitions and symbol.name not in theory.rules:
        return normal_form(instantiate(theory.definitions[symbol.name], symbol.indices), theory)
    if symbol.name.endswith("^2"):  # sigma^2 = (sigma^2 + epsilon) - epsilon
        whole = reduced(Fraction(1), (((symbol.name + WHOLE, symbol.indices), 1),))
        return plus(whole, scaled(normal_form(Symbol(EPSILON), theory), -1))
    return reduced(Fraction(1), (((symbol.name, symbol.indices), 1),))


def _rule(definition, theory):
    """The rule of a definition, solved for its one sum over one letter; a square for its highest one."""
    try:
        meaning = normal_form(definition.meaning, theory)
    except UndecidedError:
        return None  # it is said where the name is used
    sums = sorted((term for term in meaning if not is_free_of_sums(term)), key=_degree)
    if not sums or (len(sums) > 1 and not definition.symbol.name.endswith("^2")):
        return None
    free, parts = components(sums[-1])
    letters = summed_in(sums[-1])
    if len(letters) != 1 or any(atom[0] not in SIZES for atom, _ in free):
        return None
    if {k for (_, ks), _ in parts[0] for k in ks} != {*letters, *definition.symbol.indices}:
        return None
    opaque = _symbol(definition.symbol, theory)
    rest = {term: -coefficient for term, coefficient in meaning.items() if term != sums[-1]}
    inverse = {tuple((atom, -exponent) for atom, exponent in free): 1 / meaning[sums[-1]]}
    return Rule(*letters, parts[0], times(plus(opaque, rest), inverse, ()))


def _degree(term):
    return sum(factor[1] for factor in term if summed_in((factor,)))


def _centred(polynomial, theory):
    """The same in h - mu in place of h, which is often shorter to read."""
    h, mu = Symbol("h", ("k", "j")), Symbol(r"\mu", ("j",))
    rules = {}
    for degree in (1, 2):  # what the sums of h - mu and of its square are
        total = Sum(("k",), Power(Add((h, multiply(MINUS_ONE, mu))), Fraction(degree)))
        value = normal_form(total, theory)
        if all(map(is_free_of_sums, value)):
            rules[degree] = Rule("#N0", (((CENTRED, ("#N0", "j")), degree),), value)

    def shifted(expression):
        if isinstance(expression, Positive):
            return expression
        if isinstance(expression, Symbol) and expression.name == "h":
            return Add((Symbol(CENTRED, expression.indices), Symbol(r"\mu", expression.indices[1:])))
        return rebuild(expression, shifted)

    return normal_form(shifted(to_expression(polynomial)), Theory({}, theory.rules | rules))
