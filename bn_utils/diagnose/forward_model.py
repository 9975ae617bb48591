"""The forward pass y = gamma (x - centre) / spread + beta with its parts to choose."""

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
}
SPREADS = {
    "right": lambda p: np.sqrt(p.var + p.eps),
    "no eps": lambda p: np.sqrt(p.var),
    "eps outside": lambda p: np.sqrt(p.var) + p.eps,
    "eps twice": lambda p: np.sqrt(p.var + 2 * p.eps),
    "eps inside and outside": lambda p: np.sqrt(p.var + p.eps) + p.eps,
    "sum of all": lambda p: np.sqrt(p.var.sum() + p.eps),
    "eps squared": lambda p: np.sqrt(p.var + p.eps**2),
    "unbiased": lambda p: np.sqrt(p.var * p.N / (p.N - 1) + p.eps),
    "no root": lambda p: p.var + p.eps,
    "no root, no eps": lambda p: p.var,
    "std as var": lambda p: np.sqrt(np.sqrt(p.var) + p.eps),
    "var squared": lambda p: np.sqrt(p.var**2 + p.eps),
    "not centred": lambda p: np.sqrt((p.x**2).mean(axis=0) + p.eps),
    "sum": lambda p: np.sqrt(p.var * p.N + p.eps),
    "row": lambda p: np.sqrt(p.x.var(axis=1, keepdims=True) + p.eps),
    "axis 1": lambda p: np.sqrt(p.x.var(axis=1) + p.eps),
    "all": lambda p: np.sqrt(p.x.var() + p.eps),
    "per feature": lambda p: np.sqrt(p.var * p.N / p.H + p.eps),
    "absolute": lambda p: np.abs(p.c).mean(axis=0) + p.eps,
    "multiplied": lambda p: 1 / np.sqrt(p.var + p.eps),
    "1": lambda p: 1.0,
    "running": lambda p: np.sqrt(0.1 * p.var + p.eps),
    "running, from 1": lambda p: np.sqrt(0.9 + 0.1 * p.var + p.eps),
    "never updated": lambda p: np.sqrt(1 + p.eps),
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
PARTS = {"centre": CENTRES, "spread": SPREADS, "scale": SCALES, "shift": SHIFTS}
RIGHT = {"centre": "mu", "spread": "right", "scale": "gamma", "shift": "beta"}


def output_of(parts, probe):
    """What the forward pass returns with these parts, or None where they don't fit together."""
    chosen = {name: PARTS[name][choice](probe) for name, choice in {**RIGHT, **parts}.items()}
    try:
        return chosen["scale"] * ((probe.x - chosen["centre"]) / chosen["spread"]) + chosen["shift"]
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
