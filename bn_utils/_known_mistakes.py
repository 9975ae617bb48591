"""The known mistakes that make a wrong answer to an exercise: (part, result, *arguments) -> explanations."""

import numpy as np

from bn_utils.diagnose.catalogue import Mistake
from bn_utils.diagnose.forward_model import explain_forward
from bn_utils.diagnose.model import PATHS, value_of
from bn_utils.diagnose.other_layers import LinearProbe
from bn_utils.diagnose.probes import Probe
from bn_utils.diagnose.search import explain

CLOSE = 1e-5  # of a match; an answer by hand may be rounded


def of_forward(part, result, h, gamma, beta, eps):
    """Of the forward pass of batch norm: its output."""
    if part not in ("y", "out"):
        return ()
    return explain_forward([result], [Probe(0 * h, h, gamma, beta, eps)], CLOSE)


def of_backward(part, result, dy, h, gamma, beta, eps):
    """Of its backward pass."""
    return explain({"dh": "dx"}.get(part, part), [result], [Probe(dy, h, gamma, beta, eps)], CLOSE)


def of_means(part, result, dy, h_hat, inv_std, gamma):
    """Of its backward pass, from what the forward pass has stored."""
    c = h_hat / inv_std
    eps = (inv_std**-2 - (c**2).mean(axis=0)).mean()  # the same in every column
    found = of_backward(part, result, dy, c, gamma, 0 * gamma, eps)
    # there is no h among the arguments that could stand for h - mu
    return tuple(mistakes for mistakes in found if not any(m.id.endswith("-x") for m in mistakes))


def of_cache(part, result, dout, cache):
    """Of its backward pass from the cache of chapter 07_your_own_backward: (x_hat, xmu, ivar, gamma)."""
    x_hat, _, ivar, gamma = cache
    return of_means(part, result, dout, x_hat, ivar, gamma)


def of_variance_path(part, result, dy, h, gamma, eps):
    """Of the path through the variance: those of dh, with the other two paths added to the answer."""
    probe = Probe(dy, h, gamma, 0 * gamma, eps)
    if result.shape != probe.dx.shape:
        return ()
    if np.allclose(result, probe.dx, atol=CLOSE):
        return ((Mistake("whole", "That is all of dx.", "Leave the direct and the mean path out."),),)
    others = probe.dx - value_of(PATHS["dx"]["variance"], probe)
    return explain("dx", [result + others], [probe], CLOSE)


def of_layer(part, result, da, X, W, b, gamma, beta, eps):
    """Of the backward pass of linear, batch norm and ReLU."""
    h = X @ W + b
    dy = da * (Probe(da, h, gamma, beta, eps).y > 0)
    if part in ("dgamma", "dbeta"):
        return of_backward(part, result, dy, h, gamma, beta, eps)
    return explain(part, [result], [LinearProbe(Probe(dy, h, gamma, beta, eps).dx, X, W, b)], CLOSE)
