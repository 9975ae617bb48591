"""Evaluates expressions on arrays, in fractions or in complex numbers.

An expression becomes an array with one axis for each of its letters, of length 1 where a
letter does not occur: its arithmetic is broadcasting. A derivative is computed by nudging one
entry after the other and running the definitions again; no rule of the derivation is used.
"""

from functools import reduce
from operator import add, mul

import numpy as np

from bn_utils.gradcheck import COMPLEX_STEP
from bn_utils.proof.duals import Dual, exp, log, power, real, split
from bn_utils.proof.expressions import (
    DELTA,
    Add,
    Case,
    Derivative,
    Equal,
    Mul,
    Number,
    Power,
    Sum,
    Symbol,
    function_of,
    size_of,
)
from bn_utils.proof.letters import axes_of


class World:
    """Numbers for all names: given, defined, or varied. Its arithmetic is exact, in fractions.

    Parameters
    ----------
    sizes : dict
        The number of rows, columns and input features: "N", "H" and "D".
    values : dict
        An array of `Fraction` for each name that nothing defines.
    definitions : dict
        `Definition` by name.
    operators : dict
        Functions that replace definitions, by name, each with the names that it hides: it takes
        the function `value`, and is left aside where a name that it hides is varied.
    varied : dict
        Names whose values replace their definitions, because something is differentiated by them.
    depth : int
        The number of derivatives inside which this world is nudged.
    """

    def __init__(self, sizes, values, definitions, operators=None, varied=None, depth=0):
        self.sizes, self.values, self.definitions = sizes, values, definitions
        self.operators, self.varied, self.depth = operators or {}, varied or {}, depth
        self._known = {}

    def evaluate(self, expression, letters=()):
        """Return the values of an expression, an array indexed by these letters."""
        array = self.array(expression, axes_of(expression, letters))
        shape = [self._size(letter) for letter in letters]
        return self.spread(array.reshape(array.shape[: len(letters)]), shape)

    def value(self, name):
        """Return the array of a name."""
        if name in self.varied:
            return self.varied[name]
        if name not in self._known:
            self._known[name] = self._computed(name)
        return self._known[name]

    def _computed(self, name):
        operator, hidden = self.operators.get(name, (None, ()))
        if operator and not self.varied.keys() & set(hidden):
            return operator(self.value)
        function, argument = function_of(name)
        if function:
            return self.function(function, self.value(argument))
        if name in self.definitions:
            definition = self.definitions[name]
            return self.evaluate(definition.meaning, definition.symbol.indices)
        return self.values[name]

    def vary(self, name, array):
        """Return the world in which a name has another value, and what depends on it follows."""
        varied = {**self.varied, name: array}
        return type(self)(self.sizes, self.values, self.definitions, self.operators, varied, self.depth + 1)

    def _size(self, letter):
        return self.sizes[size_of(letter)]

    def _places(self, letter, axes):
        """The values 0, 1, ... of a letter, along its axis."""
        shape = [self._size(letter) if axis == letter else 1 for axis in axes]
        return np.arange(self._size(letter)).reshape(shape)

    def array(self, expression, axes):
        """Return the values of an expression, one axis for each of the letters in `axes`."""
        match expression:
            case Number(value):
                return self.constant(value, len(axes) * (1,))
            case Symbol(name, ()) if name in self.sizes:
                return self.constant(self.sizes[name], len(axes) * (1,))
            case Symbol(name, (left, right)) if name == DELTA:
                return self.kronecker(size_of(left))[self._places(left, axes), self._places(right, axes)]
            case Symbol(name, ()):
                return self.value(name).reshape(len(axes) * (1,))
            case Symbol(name, indices):
                return self.value(name)[tuple(self._places(k, axes) for k in indices)]
            case Add(terms):
                return reduce(add, (self.array(term, axes) for term in terms))
            case Mul(factors):
                return reduce(mul, (self.array(factor, axes) for factor in factors))
            case Power(base, exponent):
                return self.power(self.array(base, axes), exponent)
            case Sum(letters, body):
                array = self.array(body, axes)
                for axis in map(axes.index, letters):
                    missing = array.shape[axis] == 1
                    array = array * self._size(axes[axis]) if missing else array.sum(axis, keepdims=True)
                return array
            case Derivative(of, by):
                if (expression, axes) not in self._known:
                    self._known[expression, axes] = self.derivative(of, by, axes)
                return self._known[expression, axes]
            case Case(Equal(left, right)):
                condition = self._equal(left, right, axes)
            case _:
                condition = self.positive(self.array(expression.condition.of, axes))
        return self.where(
            condition, self.array(expression.then, axes), self.array(expression.otherwise, axes)
        )

    def _equal(self, left, right, axes):
        return self._places(left, axes) == self._places(right, axes)

    def constant(self, number, shape=None):
        """Return a number, or an array of integers, as an array of this world."""
        array = np.asarray(number, dtype=object)
        return array if shape is None else np.full(shape, number, dtype=object)

    def kronecker(self, size):
        """Return the deltas of all pairs of two letters that run over the same."""
        return self.constant(np.eye(self.sizes[size], dtype=int))

    def spread(self, array, shape):
        """Return an array repeated along the axes where its length is 1."""
        return np.broadcast_to(array, shape)

    def where(self, condition, then, otherwise):
        """Return one array where a condition holds, the other one elsewhere."""
        return np.where(condition, then, otherwise)

    def positive(self, array):
        """Say where an array is positive."""
        return np.frompyfunc(real, 1, 1)(array) > 0

    def power(self, array, exponent):
        """Return an array to a rational power."""
        return np.frompyfunc(lambda number: power(number, exponent), 1, 1)(array)

    def function(self, name, array):
        """Return exp or log of an array."""
        values = np.frompyfunc({r"\exp ": exp, r"\log ": log}[name], 1, 1)(array)
        return np.asarray(values, dtype=object)  # that of one number is no array

    def derivative(self, of, by, axes):
        """Return the derivative by each entry of a symbol, everything below it following."""
        point = self.value(by.name)
        total = self.constant(0, len(axes) * (1,))
        for index in np.ndindex(point.shape):
            slope = self.slope(of, by.name, point, index, axes)
            places = (self._places(k, axes) == n for k, n in zip(by.indices, index, strict=True))
            total = total + self.where(reduce(mul, places, np.True_), slope, self.constant(0))
        return total

    def slope(self, of, name, point, index, axes):
        """Return the derivative of an expression by one entry, by dual numbers."""
        level = self.depth + 1
        moved = np.array(point, dtype=object)
        moved[index] = Dual(moved[index], 1, level)
        array = self.vary(name, moved).array(of, axes)
        return np.frompyfunc(lambda number: split(number, level)[1], 1, 1)(array)


def magnitude(expression, world, axes):
    """Return the size of what is added up in an expression, of which its round-off is a fraction."""
    match expression:
        case Add(items):
            return reduce(add, (magnitude(item, world, axes) for item in items))
        case Mul(items):
            return reduce(mul, (magnitude(item, world, axes) for item in items))
        case Power(base, exponent) if exponent > 0:
            return magnitude(base, world, axes) ** float(exponent)
        case Sum(letters, body):
            sizes = magnitude(body, world, axes)
            return sizes.sum(tuple(map(axes.index, letters)), keepdims=True)
    return np.maximum(1.0, abs(world.array(expression, axes)))  # it may have cancelled itself


class ComplexWorld(World):
    """The same in complex numbers; the derivative is the complex step's."""

    def constant(self, number, shape=None):
        return super().constant(number, shape).astype(complex)

    def power(self, array, exponent):
        return super().power(array, exponent) if array.dtype == object else array ** float(exponent)

    def function(self, name, array):
        values = super().function(name, array)
        return values if array.dtype == object else values.astype(complex)

    def slope(self, of, name, point, index, axes):
        if self.depth:  # a second derivative: dual numbers inside the complex step
            slope = super().slope(of, name, point, index, axes)
            return slope.astype(complex) if self.depth == 1 else slope
        moved = point.astype(complex)
        moved[index] += 1j * COMPLEX_STEP
        return self.vary(name, moved).array(of, axes).imag / COMPLEX_STEP
