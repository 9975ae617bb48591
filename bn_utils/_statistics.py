"""The statistics of a batch and the factor that they give (not validated)."""

from bn_utils._validation import check_overflow, first_index


def batch_statistics(h):
    """Mean and biased variance of each column, eq-mean and eq-var: (H,), (H,)."""
    # the first row is taken off and put back: the mean of a constant column is then exact
    mu = h[0] + (h - h[0]).mean(axis=0)
    var = ((h - mu) ** 2).mean(axis=0)
    return mu, var


def inverse_std(var, eps, zero="a column of h is constant or nearly so", symbol="sigma^2"):
    """(var + eps)^(-1/2), the factor of eq-normalize, or a ValueError where it is not finite.

    `zero` says when the variance is 0, and `symbol` what it is called.
    """
    shifted = var + eps
    check_overflow(var=shifted)
    zeros = shifted == 0
    if zeros.any():
        raise ValueError(
            f"eps must be large enough for {var.dtype} where {zero}, "
            f"got eps = {eps} and {symbol} + eps = 0 at index {first_index(zeros)}"
        )
    return shifted**-0.5
