"""The powers of a polynomial: which exist, and which stay whole."""

from fractions import Fraction
from functools import reduce

from bn_utils.proof.duals import rational_power
from bn_utils.proof.expressions import POSITIVE, function_of
from bn_utils.proof.functions import EXP
from bn_utils.proof.polynomials import UndecidedError, reduced, summed_in, times
from bn_utils.proof.readable import WHOLE

HIGHEST = 99  # power


def power(base, exponent, rules):
    """Return a polynomial to a rational power.

    Raises
    ------
    UndecidedError
        What has a negative or half power is not sigma^2 + epsilon or a size, or need not exist.
    """
    degree = max((abs(power) for term in base for _, power in term), default=0) * abs(exponent)
    if degree > HIGHEST:
        raise UndecidedError(f"a power of {degree} is too high to multiply out")
    if exponent.denominator == 1 and exponent >= 0:
        return reduce(lambda p, q: times(p, q, rules), [base] * int(exponent), {(): Fraction(1)})
    if not base:
        raise UndecidedError(f"this is 0, and 0 has no power {exponent}")
    if len(base) != 1:
        raise UndecidedError(
            f"the power {exponent} of a sum is known for sigma^2 + epsilon alone, not for "
            f"{len(base)} terms; multiply both sides by it"
        )
    ((term, coefficient),) = base.items()
    powers = tuple((atom, power * exponent) for atom, power in term)
    for atom, power in powers:
        name = atom[0]
        if summed_in(((atom, power),)):
            raise UndecidedError(f"a sum over {name} has no power {exponent} here; multiply both sides by it")
        if not (name in POSITIVE or name.endswith(WHOLE) or function_of(name)[0] == EXP):
            raise UndecidedError(f"{name} may be 0 or negative, so its power {power} need not exist")
        if power.denominator != 1 and not name.endswith(WHOLE):
            raise UndecidedError(f"only sigma^2 + epsilon has a root here, {name} has the power {power}")
    try:
        return reduced(rational_power(coefficient, exponent), powers, rules=rules)
    except ArithmeticError as error:
        raise UndecidedError(f"the power {exponent} of {coefficient} is not rational") from error
