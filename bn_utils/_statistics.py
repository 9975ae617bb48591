"""The statistics of a batch, shared by the forward pass and the Jacobian (not validated)."""

import numpy as np

from bn_utils._validation import check_overflow


def batch_statistics(h):
    """Mean and biased variance of each column, eq-mean and eq-var: (H,), (H,)."""
    # the first row is taken off and put back: the mean of a constant column is then exact
    mu = h[0] + (h - h[0]).mean(axis=0)
    var = ((h - mu) ** 2).mean(axis=0)
    return mu, var


def inverse_std(var, eps, zero="a column of h is constant or nearly so", symbol="sigma^2"):
    """(var + eps)^(-1/2), the factor of eq-normalize: (H,), or a ValueError where it is not finite.

    `zero` says when the variance is 0, and `symbol` what it is called.
    """
    check_overflow(var=var + eps)
    constant = np.flatnonzero(var + eps == 0).tolist()
    if constant:
        raise ValueError(
            f"eps must be large enough for {var.dtype} where {zero}, "
            f"got eps = {eps} and {symbol} + eps = 0 in column(s) {constant}"
        )
    return (var + eps) ** -0.5


def inverse_root(var, eps):
    """Return (var + eps)^(-1/2), or a ValueError where it is not finite."""
    check_overflow(var=var + eps)
    if (var + eps == 0).any():
        raise ValueError(
            f"eps must be large enough for {var.dtype} where the entries that are normalised together "
            f"are all equal or nearly so (for RMS norm, 0), got eps = {eps} and a variance + eps of 0"
        )
    return (var + eps) ** -0.5
