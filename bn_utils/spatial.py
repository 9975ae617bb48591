"""Spatial batch norm: batch norm of images, in training and in evaluation."""

from typing import NamedTuple

import numpy as np

from bn_utils._affine import check_images, check_member, scale_backward, scale_forward
from bn_utils._statistics import inverse_std
from bn_utils._validation import check_arrays, check_number, describe
from bn_utils.normalize import NormCache, normalize_forward


class RunningState(NamedTuple):
    """The running statistics of spatial batch norm; PyTorch starts with zeros and ones."""

    mean: np.ndarray  # (C,)
    var: np.ndarray  # (C,), unbiased


def spatial_batchnorm_forward(x, gamma, beta, eps=1e-5):
    """Spatial batch norm in training: each channel, over batch and space (chapter 12_the_family).

    Arguments, results and errors are those of `groupnorm_forward`, but for groups.
    """
    x, gamma, beta = check_images(x, gamma, beta)
    return scale_forward("spatial_batchnorm", normalize_forward(x, (0, 2, 3), eps), gamma, beta, x.shape)


def spatial_batchnorm_evaluate(x, gamma, beta, state, eps=1e-5):
    """Spatial batch norm in evaluation: its statistics are a `RunningState` (chapter 12_the_family).

    They are constants, so the gradient takes the direct path alone. Arguments, results and
    errors are those of `spatial_batchnorm_forward`, and the state.
    """
    mu, var = _check_state(state)
    if (np.real(var) < 0).any():
        raise ValueError("state must have a variance >= 0 in each channel")
    x, gamma, beta, mu, var = check_images(x, gamma, beta, mean=mu, var=var)
    eps = check_number("eps", eps)
    with np.errstate(over="ignore", invalid="ignore"):
        inv_std = inverse_std(var, eps, "running_var is 0", "running_var")
        x_hat = (x - mu) * inv_std
    cache = NormCache(x_hat, mu, var, inv_std, (0, 2, 3), ())
    return scale_forward("spatial_batchnorm", (x_hat, cache), gamma, beta, x.shape)


def spatial_batchnorm_backward(dy, cache):
    """Spatial batch norm backward, in training and in evaluation (chapter 12_the_family).

    Arguments, results and errors are those of `layernorm_backward`.
    """
    return scale_backward("spatial_batchnorm", dy, cache)


def spatial_batchnorm_update(state, cache, momentum=0.1):
    """The running statistics after a step of training, as PyTorch keeps them (chapter 12_the_family).

    Parameters
    ----------
    state : RunningState
    cache : NormCache
        As returned by `spatial_batchnorm_forward`.
    momentum : float
        The weight of the new statistics, from 0 to 1.

    Returns
    -------
    RunningState

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong type or value, or one entry a channel, which has no unbiased variance.
    """
    mean, var = _check_state(state)
    cache = check_member("spatial_batchnorm", cache)
    momentum = check_number("momentum", momentum)
    if momentum > 1:
        raise ValueError(f"momentum must be at most 1, got {momentum}")
    if not cache.paths:
        raise ValueError("cache must be that of a step of training, got one of evaluation")
    n = cache.x_hat.size // cache.mu.size
    if n == 1:
        raise ValueError(
            "x must have more than one entry a channel: the unbiased variance divides by N H W - 1"
        )
    mu, mean, var = check_arrays(mu=(cache.mu.ravel(), "C"), mean=(mean, "C"), var=(var, "C"))
    unbiased = cache.var.ravel() * (n / (n - 1))
    return RunningState(
        (1 - momentum) * mean + momentum * mu,
        (1 - momentum) * var + momentum * unbiased,
    )


def _check_state(state):
    if not isinstance(state, RunningState):
        raise TypeError(f"state must be a RunningState, got {describe(state)}")
    return state
