"""The backward pass with its parts to choose: dx = direct path + mean path + variance path.

A mistake changes parts of it; what a learner's function returns is compared with the results.
"""

from typing import NamedTuple

import numpy as np


class Term(NamedTuple):
    """One path: factor gamma^gamma r^power / count * outer * sum(dout * inner)."""

    factor: float = 1.0
    gamma: int = 1  # the power of gamma
    power: int = 1  # the power of r = (var + eps)^(-1/2)
    count: str = "1"  # what it is divided by
    outer: str = "1"
    inner: str = "1"
    over: str = "none"  # what the sum runs over
    inside: str = ""  # which factors stand inside the sum; matters for a wrong sum alone
    dout: str = "dout"
    std: str = "right"


PATHS = {
    "dx": {
        "direct": Term(),
        "mean": Term(-1, count="N", over="rows"),
        "variance": Term(-1, power=3, count="N", outer="c", inner="c", over="rows"),
        # the mean path of the variance, whose sum over x - mu is 0
        "mean of the variance": Term(0, power=3, count="N", outer="c", inner="c", over="rows"),
    },
    "dgamma": {"dgamma": Term(gamma=0, power=0, inner="x_hat", over="rows")},
    "dbeta": {"dbeta": Term(gamma=0, power=0, over="rows")},
}
RESULT = "result"  # the name of a change of the whole result, not of a path

COUNTS = {
    "1": lambda p: 1,
    "N": lambda p: p.N,
    "N - 1": lambda p: p.N - 1,
    "N^2": lambda p: p.N**2,
    "1/N": lambda p: 1 / p.N,
    "H": lambda p: p.H,
    "N H": lambda p: p.N * p.H,
    "H/N": lambda p: p.H / p.N,
    "(N - 1)/N": lambda p: (p.N - 1) / p.N,
    "N/2": lambda p: p.N / 2,
}
STDS = {
    "right": lambda p: p.r,
    "no eps": lambda p: p.var**-0.5,
    "eps outside": lambda p: 1 / (np.sqrt(p.var) + p.eps),
    "unbiased": lambda p: (p.var * p.N / (p.N - 1) + p.eps) ** -0.5,
    "eps twice": lambda p: (p.var + 2 * p.eps) ** -0.5,
}
FACTORS = {
    "1": lambda p: 1.0,
    "c": lambda p: p.c,
    "x": lambda p: p.x,
    "x_hat": lambda p: p.x_hat,
    "mu": lambda p: p.mu,
    "c^2": lambda p: p.c**2,
    "var": lambda p: p.var,
    "y": lambda p: p.y,
    "gamma x_hat": lambda p: p.gamma * p.x_hat,
    "dout": lambda p: p.dout,
    "x_hat, no eps": lambda p: p.c * STDS["no eps"](p),
    "x_hat, eps outside": lambda p: p.c * STDS["eps outside"](p),
    "x_hat, unbiased": lambda p: p.c * STDS["unbiased"](p),
    "c/var": lambda p: p.c / p.var,
    "c, no eps": lambda p: p.c * STDS["no eps"](p) / p.r,
    "x_hat r": lambda p: p.x_hat * p.r,
}
SUMS = {
    "none": lambda a: a,
    "rows": lambda a: a.sum(axis=0),
    "columns": lambda a: a.sum(axis=1, keepdims=True),
    "axis 1": lambda a: a.sum(axis=1),
    "all": lambda a: a.sum(),
    "mean of rows": lambda a: a.mean(axis=0),
}
DOUTS = {
    "dout": lambda p: p.dout,
    "1": lambda p: np.ones_like(p.dout),
    "relu": lambda p: p.dout * (p.y > 0),
}
RESULTS = {
    "keepdims": lambda a: a.reshape(1, -1),
    "column": lambda a: a.reshape(-1, 1),
    "transposed": lambda a: a.T,
    "summed": lambda a: a.sum(axis=0),
    "averaged": lambda a: a.mean(axis=0),
}


def value_of(term, probe):
    """The value of one path, of any shape; a ValueError where its parts don't fit together."""
    gamma = probe.gamma**term.gamma if term.gamma else 1.0
    power = STDS[term.std](probe) ** term.power if term.power else 1.0
    summed = DOUTS[term.dout](probe) * FACTORS[term.inner](probe)
    outside = term.factor / COUNTS[term.count](probe) * FACTORS[term.outer](probe)
    for name, weight in (("gamma", gamma), ("power", power)):
        if name in term.inside:
            summed = summed * weight
        else:
            outside = outside * weight
    return outside * SUMS[term.over](summed)


def result_of(output, terms, probe, cache=None):
    """The sum of the paths of an output, or None where NumPy cannot add them up.

    `cache` keeps the values of paths, by probe and term, between calls.
    """
    terms = dict(terms)
    change = terms.pop(RESULT, None)
    total = 0.0
    try:
        for term in terms.values():
            if term.factor:
                total = total + _cached(term, probe, cache)
    except ValueError:
        return None
    if not any(term.factor for term in terms.values()):
        total = 0 * getattr(probe, output)
    return RESULTS[change](total) if change else total


def _cached(term, probe, cache):
    if cache is None:
        return value_of(term, probe)
    key = (id(probe), term)
    if key not in cache:
        try:
            cache[key] = value_of(term, probe)
        except ValueError:
            cache[key] = None
    if cache[key] is None:
        raise ValueError
    return cache[key]


def changed(output, *changes):
    """The paths of an output with changes made to them: {path: {part: choice}} each."""
    terms = dict(PATHS[output])
    for change in changes:
        for path, parts in change.items():
            terms[path] = parts if path == RESULT else terms[path]._replace(**parts)
    return terms


def overlap(one, other):
    """Whether two changes touch the same part."""
    return any(
        path == RESULT or parts.keys() & other[path].keys() for path, parts in one.items() if path in other
    )
