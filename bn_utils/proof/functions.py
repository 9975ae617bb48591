r"""The functions exp and log of one name, such as $\exp z_{ij}$ and $\log Z_i$.

A function of a name is an atom of its own, `\exp z`. What is known of it: $\exp' = \exp$ and
$\log' x = 1/x$; exp makes a sum a product, log a product a sum, and each undoes the other.
"""

from fractions import Fraction
from functools import reduce

from bn_utils.proof.expressions import DELTA, POSITIVE, SIZES, Mul, Number, Power, Sum, Symbol, function_of
from bn_utils.proof.polynomials import UndecidedError, plus, reduced, scaled, summed_in, times

EXP, LOG = r"\exp ", r"\log "


def slope(symbol):
    """Return the derivative of a function of a name by that name."""
    function, name = function_of(symbol.name)
    return symbol if function == EXP else Power(Symbol(name, symbol.indices), Fraction(-1))


def is_sum_of_exps(expression):
    """Say whether an expression is made of exp and positive numbers by sums over letters and products."""
    match expression:
        case Symbol(name):
            return function_of(name)[0] == EXP
        case Number(value):
            return value > 0
        case Sum(_, body):
            return is_sum_of_exps(body)
        case Mul(factors):
            return all(map(is_sum_of_exps, factors))
    return False


def function_form(function, inner, rules):
    """Return the polynomial of a function, of what has the polynomial `inner`.

    Raises
    ------
    UndecidedError
        exp of no sum of names; or log of no product of powers of positive names.
    """
    if function == EXP:
        powers = (_exp(term, coefficient) for term, coefficient in inner.items())
        return reduce(lambda p, q: times(p, q, rules), powers, {(): Fraction(1)})
    if len(inner) != 1 or (term := next(iter(inner))) == () or inner[term] != 1 or summed_in(term):
        raise UndecidedError("log is known of a product of powers of names alone")
    return plus(*(scaled(_log(atom), exponent) for atom, exponent in term))


def _exp(term, coefficient):
    """exp of a whole multiple of a name."""
    if len(term) != 1 or term[0][1] != 1 or coefficient.denominator != 1 or summed_in(term):
        raise UndecidedError("exp is known of a sum of names alone")
    ((name, letters), _) = term[0]
    function, argument = function_of(name)
    if function == LOG:
        return reduced(Fraction(1), (((argument, letters), coefficient),))
    if function == EXP or name in (*SIZES, DELTA) or not _is_name(name):
        raise UndecidedError(f"exp of {name} is not known")
    return reduced(Fraction(1), (((EXP + name, letters), coefficient),))


def _log(atom):
    """The log of a name that is seen to be positive."""
    name, letters = atom
    function, argument = function_of(name)
    if function == EXP:
        return reduced(Fraction(1), (((argument, letters), 1),))
    if name not in POSITIVE or name in SIZES:
        raise UndecidedError(f"{name} may be 0 or negative, or its log is not known")
    return reduced(Fraction(1), (((LOG + name, letters), 1),))


def _is_name(name):
    """No atom that stands for more than a name: sigma^2 + epsilon, h - mu, or a switch."""
    return not set("+[") & set(name) and " - " not in name
