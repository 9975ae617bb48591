"""The forward pass y = gamma (x - centre) / root(variance) + beta with its parts to choose."""

from itertools import combinations

import numpy as np

from bn_utils.diagnose.catalogue import FORWARD
from bn_utils.diagnose.search import matches

CENTRES = {
    "mu": lambda p: p.mu,
    "0": lambda p: 0.0,
    "row": lambda p: p.x.mean(axis=1, keepdims=True),
    "axis 1": lambda p: p.x.mean(axis=1),
    "all": lambda p: p.x.mean(),
    "sum": lambda p: p.x.sum(axis=0),
    "median": lambda p: np.median(p.x, axis=0),
    "-mu": lambda p: -p.mu,
    "running": lambda p: 0.1 * p.mu,
    "per feature": lambda p: p.x.sum(axis=0) / p.H,
    "unbiased": lambda p: p.x.sum(axis=0) / (p.N - 1),
    "mu / std": lambda p: p.mu * p.r,
}
ABOUT = "about the centre"  # the variance of x about a centre that is not the mean
VARIANCES = {
    "right": lambda p: p.var,
    "unbiased": lambda p: p.var * p.N / (p.N - 1),
    "not centred": lambda p: (p.x**2).mean(axis=0),
    "sum": lambda p: p.var * p.N,
    "sum of all": lambda p: p.var.sum(),
    "per feature": lambda p: p.var * p.N / p.H,
    "row": lambda p: p.x.var(axis=1, keepdims=True),
    "axis 1": lambda p: p.x.var(axis=1),
    "all": lambda p: p.x.var(),
    "all, centred": lambda p: (p.c**2).mean(),
    "std": lambda p: np.sqrt(p.var),
    "squared": lambda p: p.var**2,
    "absolute": lambda p: np.abs(p.c).mean(axis=0) ** 2,
    "running": lambda p: 0.1 * p.var,
    "running, from 1": lambda p: 0.9 + 0.1 * p.var,
    "1": lambda p: 1.0,
}
ROOTS = {
    "right": lambda var, eps: np.sqrt(var + eps),
    "no eps": lambda var, eps: np.sqrt(var),
    "eps outside": lambda var, eps: np.sqrt(var) + eps,
    "eps twice": lambda var, eps: np.sqrt(var + 2 * eps),
    "eps inside and outside": lambda var, eps: np.sqrt(var + eps) + eps,
    "eps squared": lambda var, eps: np.sqrt(var + eps**2),
    "no root": lambda var, eps: var + eps,
    "no root, no eps": lambda var, eps: var,
    "squared": lambda var, eps: (var + eps) ** 2,
    "multiplied": lambda var, eps: 1 / np.sqrt(var + eps),
    "1": lambda var, eps: 1.0,
}
SCALES = {
    "gamma": lambda p: p.gamma,
    "1": lambda p: 1.0,
    "beta": lambda p: p.beta,
    "gamma^2": lambda p: p.gamma**2,
    "1/gamma": lambda p: 1 / p.gamma,
}
SHIFTS = {
    "beta": lambda p: p.beta,
    "0": lambda p: 0.0,
    "-beta": lambda p: -p.beta,
    "gamma": lambda p: p.gamma,
    "gamma beta": lambda p: p.gamma * p.beta,
}
RIGHT = {"centre": "mu", "variance": "right", "root": "right", "scale": "gamma", "shift": "beta"}


def output_of(parts, probe):
    """What the forward pass returns with these parts, or None where they don't fit together."""
    chosen = {**RIGHT, **parts}
    try:
        centred = probe.x - CENTRES[chosen["centre"]](probe)
        about = chosen["variance"] == ABOUT
        variance = (centred**2).mean(axis=0) if about else VARIANCES[chosen["variance"]](probe)
        x_hat = centred / ROOTS[chosen["root"]](variance, probe.eps)
        return SCALES[chosen["scale"]](probe) * x_hat + SHIFTS[chosen["shift"]](probe)
    except ValueError:
        return None


def explain_forward(results, probes, tolerance):
    """The mistakes, one or two, that make a forward pass return what it returns for each probe."""

    def makes(parts):
        return all(
            matches(result, output_of(parts, probe), tolerance)
            for result, probe in zip(results, probes, strict=True)
        )

    singles = tuple((entry.mistake,) for entry in FORWARD if makes(entry.changes))
    return singles or tuple(
        (one.mistake, two.mistake)
        for one, two in combinations(FORWARD, 2)
        if not one.changes.keys() & two.changes.keys() and makes({**one.changes, **two.changes})
    )
