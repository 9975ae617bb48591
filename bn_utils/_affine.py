"""What the members of the family share behind `normalize_forward`: gamma and beta, and their gradients."""

import numpy as np

from bn_utils._validation import check_arrays, check_cache, check_overflow
from bn_utils.normalize import NormCache, normalize_backward


def check_images(x, gamma, beta, **others):
    """Images, and arrays of one number a channel, with an axis for each axis of the images."""
    specs = {name: (array, "C") for name, array in {"gamma": gamma, "beta": beta, **others}.items()}
    x, *arrays = check_arrays(x=(x, "N C H W"), **specs)
    return x, *(array[None, :, None, None] for array in arrays)


def check_member(member, cache):
    cache = check_cache(cache, NormCache, f"{member}_forward")
    if cache.member != member:
        raise TypeError(
            f"cache must be that of {member}_forward, got that of {cache.member or 'normalize'}_forward"
        )
    return cache


def scale_forward(member, normalized, gamma, beta, shape):
    x_hat, cache = normalized
    with np.errstate(over="ignore", invalid="ignore"):
        y = (gamma * x_hat + beta).reshape(shape)
    check_overflow(y=y)
    return y, cache._replace(gamma=gamma, shape=shape, member=member)


def scale_backward(member, dy, cache):
    x_hat, *_, gamma, shape, _ = cache = check_member(member, cache)
    letters = "N H" if len(shape) == 2 else "N C H W"
    _, dy = check_arrays(x=(x_hat.reshape(shape), letters), dy=(dy, letters))
    dy = dy.reshape(x_hat.shape)
    shared = tuple(axis for axis, length in enumerate(gamma.shape) if length == 1)
    with np.errstate(over="ignore", invalid="ignore"):
        dbeta = dy.sum(shared).ravel()
        dgamma = (dy * x_hat).sum(shared).ravel()
        dx_hat = dy * gamma
    check_overflow(dx_hat=dx_hat, dgamma=dgamma, dbeta=dbeta)
    return normalize_backward(dx_hat, cache).reshape(shape), dgamma, dbeta
