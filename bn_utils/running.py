"""Batch norm in evaluation mode: running statistics, and the passes that take them as constants.

Running statistics are arguments and results, never hidden state.
"""

from typing import NamedTuple

import numpy as np

from bn_utils._affine import check_member
from bn_utils._statistics import inverse_std
from bn_utils._validation import (
    check_arrays,
    check_cache,
    check_number,
    check_overflow,
    check_variance,
    describe,
)
from bn_utils.batchnorm import BatchNormCache
from bn_utils.normalize import NormCache


class InferenceCache(NamedTuple):
    """What the backward pass of evaluation mode needs; gamma is a reference, not a copy."""

    h_hat: np.ndarray  # (N, H), normalised by the running statistics
    inv_std: np.ndarray  # (H,), (running_var + eps)^(-1/2)
    gamma: np.ndarray  # (H,)


def update_running(running_mean, running_var, cache, momentum=0.1, *, weighs="new", correction=1):
    """One step of the running statistics, eq-running-mean and eq-running-var.

    Chapter 11_training_and_evaluation derives them. The defaults are PyTorch's; CS231n's are
    ``momentum=0.9, weighs="old", correction=0``.

    Parameters
    ----------
    running_mean, running_var : (H,) arrays, or (C,) arrays of images
        The values before the step, in the precision of the batch.
    cache : BatchNormCache or NormCache
        As returned for the new batch by `batchnorm_forward`, or by `spatial_batchnorm_forward`.
    momentum : float, from 0 to 1
        A weight; the other value gets 1 - momentum. 0 or 1 leaves one of the two as it is.
    weighs : {"new", "old"}
        The value that `momentum` is the weight of: that of the batch ("new": PyTorch) or
        the running one ("old": CS231n, Keras, Flax).
    correction : {1, 0}
        The variance of the batch is taken with the divisor N - correction, for images
        N H W - correction: 1 is the unbiased one (PyTorch), 0 the one that normalises the
        batch (CS231n).

    Returns
    -------
    running_mean, running_var : arrays
        The values after the step; the arguments are left alone.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong dtype, shape or value, a negative running variance, a result
        out of range, a cache of evaluation, or a batch of one row, or of one entry a channel,
        where `correction` is 1 (PyTorch refuses it too).
    """
    mu, var, N, letter = _batch(cache)
    mu, var, running_mean, running_var = check_arrays(
        mu=(mu, letter),
        var=(var, letter),
        running_mean=(running_mean, letter),
        running_var=(running_var, letter),
    )
    check_variance(running_var)
    _check_choice("weighs", weighs, ("new", "old"))
    _check_choice("correction", correction, (0, 1))
    momentum = check_number("momentum", momentum)
    if momentum > 1:
        raise ValueError(f"momentum must be from 0 to 1, got {momentum}")
    if correction == N:
        entries = {"H": "rows", "C": "entries a channel"}[letter]
        raise ValueError(f"cache must be of a batch of N >= 2 {entries} where correction is 1, got N = 1")
    new, old = (momentum, 1 - momentum) if weighs == "new" else (1 - momentum, momentum)
    with np.errstate(over="ignore", invalid="ignore"):
        running_mean = old * running_mean + new * mu
        running_var = old * running_var + new * (N / (N - correction)) * var
    return check_overflow(running_mean=running_mean, running_var=running_var)


def batchnorm_inference(h, gamma, beta, running_mean, running_var, eps=1e-5):
    """Batch norm with running statistics, eq-eval (chapter 11_training_and_evaluation).

    Parameters
    ----------
    h : (N, H) array
        Any number of rows; each is normalised without the others.
    gamma, beta : (H,) arrays
        Scale and shift.
    running_mean, running_var : (H,) arrays
        Constants; `running_var` >= 0.
    eps : float, >= 0
        Added to the variance, inside the root.

    Returns
    -------
    y : (N, H) array
    cache : InferenceCache

    All arrays are float32, or each float64 or complex128; the result has their dtype.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong dtype, shape or value, a result out of range, or a
        column with running_var + eps = 0.
    """
    h, gamma, beta, running_mean, running_var = check_arrays(
        h=(h, "N H"),
        gamma=(gamma, "H"),
        beta=(beta, "H"),
        running_mean=(running_mean, "H"),
        running_var=(running_var, "H"),
    )
    check_variance(running_var)
    eps = check_number("eps", eps)
    with np.errstate(over="ignore", invalid="ignore"):
        inv_std = inverse_std(running_var, eps, "running_var is 0", "running_var")
        h_hat = (h - running_mean) * inv_std
        y = gamma * h_hat + beta
    check_overflow(y=y)
    return y, InferenceCache(h_hat, inv_std, gamma)


def batchnorm_inference_backward(dy, cache):
    """Gradients in evaluation mode, eq-eval-dh, eq-eval-dgamma (chapter 11_training_and_evaluation).

    dh = gamma (running_var + eps)^(-1/2) dy: the direct path alone.

    Parameters
    ----------
    dy : (N, H) array
        The gradient of the loss with respect to y; float32 where h was, else float64
        or complex128.
    cache : InferenceCache
        As returned by `batchnorm_inference`.

    Returns
    -------
    dh : (N, H) array
    dgamma, dbeta : (H,) arrays

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong dtype, shape or value, or a result out of range.
    """
    h_hat, inv_std, gamma = check_cache(cache, InferenceCache, "batchnorm_inference")
    h_hat, dy = check_arrays(h=(h_hat, "N H"), dy=(dy, "N H"))
    with np.errstate(over="ignore", invalid="ignore"):
        dbeta = dy.sum(axis=0)
        dgamma = (dy * h_hat).sum(axis=0)
        dh = gamma * inv_std * dy
    return check_overflow(dh=dh, dgamma=dgamma, dbeta=dbeta)


def _batch(cache):
    """The statistics of a batch, over how many entries each is taken, and the letter of their axis."""
    if isinstance(cache, NormCache):
        cache = check_member("spatial_batchnorm", cache)
        if not cache.paths:
            raise ValueError("cache must be that of a step of training, got one of evaluation")
        return cache.mu.ravel(), cache.var.ravel(), cache.x_hat.size // cache.mu.size, "C"
    cache = check_cache(cache, BatchNormCache, "batchnorm_forward")
    return cache.mu, cache.var, len(cache.h), "H"


def _check_choice(name, value, choices):
    if type(value) not in (str, int) or value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, choices))}; got {describe(value)}")
