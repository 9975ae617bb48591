"""Dual numbers, over fractions or complex numbers, and powers that stay exact."""

import cmath
from fractions import Fraction
from math import isqrt
from operator import add, mul


class Dual:
    """A number with the rate at which it changes; a higher level varies outside a lower one."""

    __slots__ = ("level", "slope", "value")

    def __init__(self, value, slope, level):
        self.value, self.slope, self.level = value, slope, level

    def _with(self, other, value, slope):
        level = max(self.level, getattr(other, "level", 0))
        (a, da), (b, db) = split(self, level), split(other, level)
        return Dual(value(a, b), slope(a, da, b, db), level)

    def __add__(self, other):
        return self._with(other, add, lambda a, da, b, db: da + db)

    def __mul__(self, other):
        return self._with(other, mul, lambda a, da, b, db: da * b + a * db)

    __radd__, __rmul__ = __add__, __mul__


def split(number, level):
    """Return the value and the slope of a number at a level."""
    if isinstance(number, Dual) and number.level == level:
        return number.value, number.slope
    return number, 0


def rational_power(number, exponent):
    """Return a rational number to a rational power.

    Raises
    ------
    ArithmeticError
        The result is not rational, or the power of 0 is negative.
    """
    root = Fraction(number)
    if exponent.denominator == 2 and root > 0:
        root = Fraction(isqrt(root.numerator), isqrt(root.denominator))
    if root**exponent.denominator != number:
        raise ArithmeticError(f"{number} to the power {exponent} is not rational")
    return root**exponent.numerator


def power(number, exponent):
    """Return a fraction, a complex number or a dual one to a rational power."""
    if isinstance(number, Dual):
        rate = exponent * power(number.value, exponent - 1)
        return Dual(power(number.value, exponent), rate * number.slope, number.level)
    return number ** float(exponent) if isinstance(number, complex) else rational_power(number, exponent)


def exp(number):
    r"""Return exp of a complex number or of a dual one; of a fraction x, the stand-in $16^x$.

    What is proved of exp uses its laws alone, exp(x + y) = exp(x) exp(y) and exp' = exp, and any
    function with the first law will do for the values, with the second one for the slopes. That of
    16 is a fraction where x is a multiple of 1/4.

    Raises
    ------
    ArithmeticError
        x is no multiple of 1/4, or too large.
    """
    if isinstance(number, Dual):
        value = exp(number.value)
        return Dual(value, value * number.slope, number.level)
    if isinstance(number, complex):
        return cmath.exp(number)
    quarters = 4 * Fraction(number)
    if quarters.denominator != 1 or abs(quarters) > 9999:
        raise ArithmeticError(f"16 to the power {number} is not rational, or too large")
    return Fraction(2) ** int(quarters)


def log(number):
    """Return log of a complex number or of a dual one; of a fraction x, the stand-in that undoes `exp`.

    It counts how often x has the factor 2, divided by 4: log(x y) = log(x) + log(y), and
    log(exp(x)) = x.
    """
    if isinstance(number, Dual):
        return Dual(log(number.value), power(number.value, Fraction(-1)) * number.slope, number.level)
    if isinstance(number, complex):
        return cmath.log(number)
    number = Fraction(number)
    if number <= 0:
        raise ArithmeticError(f"{number} has no log")
    twos = [(n & -n).bit_length() for n in number.as_integer_ratio()]
    return Fraction(twos[0] - twos[1], 4)


def real(number):
    """Return the number that says whether one is positive."""
    return real(number.value) if isinstance(number, Dual) else number.real
