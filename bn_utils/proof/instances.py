"""The numbers that an equation is tried with: fractions for which no root remains, and random ones."""

import random
from fractions import Fraction
from math import prod, sqrt

import numpy as np

from bn_utils.proof.evaluate import ComplexWorld, World
from bn_utils.proof.expressions import NAMES, POSITIVE, SIZES, size_of

EXACT_SIZES = tuple({"N": n, "H": h, "D": h + 1} for n, h in ((2, 3), (3, 2), (4, 3), (5, 2)))
NUMERIC_SIZES = {"N": 6, "H": 4, "D": 3}
ROOT = Fraction(3, 2)  # of epsilon, in fractions


def exact_world(sizes, definitions, names=NAMES, square=r"\sigma^2"):
    r"""Return a world of fractions in which a square plus epsilon is the square of a fraction.

    Each column of h (each row, where that is what the square belongs to) is scaled by t, so its
    variance is $t^2 v$. With $\epsilon = e^2$ and $t = 2 e m / (v - m^2)$ for any fraction m,
    $t^2 v + \epsilon$ is the square of $e + m t$.

    Parameters
    ----------
    sizes : dict
        "N", "H" and "D"; D must be H + 1.
    definitions : dict
        `Definition` by name.
    names : dict
        What each name is indexed by.
    square : str
        The name of the square; if nothing defines it, h is not scaled.
    """
    numbers = random.Random(sizes["N"])

    def fractions(kinds):
        shape = [sizes[size] for size in kinds]
        drawn = [numbers.choice((-1, 1)) * Fraction(numbers.randint(1, 9), 4) for _ in range(prod(shape))]
        return np.array(drawn, dtype=object).reshape(shape)

    values = {name: fractions(kinds) for name, kinds in names.items() if name not in SIZES}
    values |= {name: abs(values[name]) for name in POSITIVE & values.keys()}
    values |= {
        r"\epsilon": np.array(ROOT**2, dtype=object),
        r"\alpha": np.array(Fraction(5, 3), dtype=object),
    }
    values |= {name: (ROOT + abs(v)) ** 2 - ROOT**2 for name, v in values.items() if name.endswith("^2")}
    h = values["h"] + np.arange(1, sizes["H"] + 1)  # columns with an offset
    if square in definitions:
        scales = np.frompyfunc(_scale, 1, 1)(World(sizes, values, definitions, varied={"h": h}).value(square))
        rows = size_of(definitions[square].symbol.indices[0]) == "N"
        h = h * (scales[:, None] if rows else scales)
    # X and W with X W + b = h: all of X but its last column follows
    extra, last = values["X"][:, -1:], values["W"][-1:]
    values["X"] = np.hstack([h - values["b"] - extra * last, extra])
    values["W"] = np.vstack([np.eye(sizes["H"], dtype=int).astype(object), last])
    return World(sizes, values, definitions)


def _scale(variance):
    nearly = Fraction(round(8 * (sqrt(ROOT**2 + variance) - ROOT)), 8)
    m = nearly if 0 < nearly**2 < variance else min(variance, 1) / 2
    return 2 * ROOT * m / (variance - m**2)


def random_values(sizes, names=NAMES):
    """Return random float64 arrays for all names: gamma of both signs, columns with an offset."""
    rng = np.random.default_rng(0)
    values = {
        name: rng.normal(size=[sizes[size] for size in kinds])
        for name, kinds in names.items()
        if name not in SIZES
    }
    values |= {name: value**2 for name, value in values.items() if name.endswith("^2")}
    values |= {name: abs(values[name]) for name in POSITIVE & values.keys()}
    values |= {r"\epsilon": np.array(0.3), r"\alpha": np.array(1.7)}
    values["b"] = values["b"] + 3 * np.arange(1, sizes["H"] + 1)
    return values


def complex_world(sizes, values, definitions):
    """Return the world of these values in complex numbers."""
    return ComplexWorld(sizes, {name: value.astype(complex) for name, value in values.items()}, definitions)
