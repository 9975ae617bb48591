"""Batch norm in training mode: the forward pass, and the backward pass three ways.

The three backward passes take the same arguments and return the same gradients:
`batchnorm_backward_staged` walks the computational graph, one line a node,
`batchnorm_backward_delta` contracts the explicit Jacobian (for small batches),
`batchnorm_backward` is the closed form, the one to use. `batchnorm_double_backward` is the
backward pass of it.
"""

from typing import NamedTuple

import numpy as np

from bn_utils._statistics import batch_statistics, inverse_std
from bn_utils._validation import check_arrays, check_cache, check_number, check_overflow
from bn_utils.jacobian import dhhat_dh


class BatchNormCache(NamedTuple):
    """What the backward passes of batch norm need; h and gamma are references, not copies."""

    h: np.ndarray  # (N, H)
    mu: np.ndarray  # (H,)
    var: np.ndarray  # (H,), biased
    inv_std: np.ndarray  # (H,)
    h_hat: np.ndarray  # (N, H)
    gamma: np.ndarray  # (H,)
    eps: float  # added to var, inside the root


def batchnorm_forward(h, gamma, beta, eps=1e-5):
    """Batch norm with the statistics of the batch, eq-mean to eq-affine (chapter 01_forward).

    All arrays are float32, or each float64 or complex128; the result has their dtype.

    Parameters
    ----------
    h : (N, H) array
        The batch, one sample a row; each column is normalised by itself.
    gamma, beta : (H,) arrays
        Scale and shift.
    eps : float, >= 0
        Added to the variance, inside the root.

    Returns
    -------
    y : (N, H) array
    cache : BatchNormCache

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong dtype, shape or value, a result out of range, or a
        column with sigma^2 + eps = 0.

    Notes
    -----
    N = 1, and a constant column: sigma^2 = 0, so y = beta and, while eps > 0, all is
    finite; for N = 1, dh = 0.

    N = 2: h_hat is +-(1 + eps / sigma^2)^(-1/2), the same for every pair of equal distance.

    A mean far larger than the spread costs digits that h itself does not hold: h_hat
    is right to about |mu| / sigma times the round-off of the dtype, up to some thousand
    rows. Beyond, the sums over the rows lose digits too: take float64, or
    `fused.batchnorm_forward`, which keeps them in both cases, and is faster on large batches.

    The cache refers to h and gamma: changing them in place makes the backward pass wrong.
    """
    h, gamma, beta = check_arrays(h=(h, "N H"), gamma=(gamma, "H"), beta=(beta, "H"))
    eps = check_number("eps", eps)
    with np.errstate(over="ignore", invalid="ignore"):
        mu, var = batch_statistics(h)
        inv_std = inverse_std(var, eps)
        h_hat = (h - mu) * inv_std
        y = gamma * h_hat + beta
    check_overflow(y=y)
    return y, BatchNormCache(h, mu, var, inv_std, h_hat, gamma, eps)


def batchnorm_backward_staged(dy, cache):
    """Batch norm backward through the computational graph (chapter 02_chain_rule).

    One line a node, in the reverse order of the forward pass. Arguments, results and
    errors are those of `batchnorm_backward`; its power -3/2 leaves the range of the dtype
    (a ValueError) before the other two passes do, where s is below about 1.8e-103
    (float32: 1.4e-13).
    """
    dy, (h, mu, var, inv_std, h_hat, gamma, eps) = _check_backward(dy, cache)
    N = dy.shape[0]
    with np.errstate(over="ignore", invalid="ignore"):
        dbeta = dy.sum(axis=0)
        dgamma = (dy * h_hat).sum(axis=0)
        dh_hat = dy * gamma
        dinv_std = (dh_hat * (h - mu)).sum(axis=0)
        dvar = dinv_std * -0.5 * (var + eps) ** -1.5
        dcentred = dh_hat * inv_std + dvar * 2 / N * (h - mu)
        dmu = -dcentred.sum(axis=0)
        dh = dcentred + dmu / N
    return check_overflow(dh=dh, dgamma=dgamma, dbeta=dbeta)


def batchnorm_backward_delta(dy, cache):
    """Batch norm backward by contracting the explicit Jacobian, eq-dh-1 (chapter 04_final_formulas).

    The Jacobian has (N H)^2 entries, so this is for small batches. Arguments, results
    and errors are those of `batchnorm_backward`; a Jacobian of more than 1 GiB is a
    ValueError.
    """
    dy, (h, _, _, _, h_hat, gamma, eps) = _check_backward(dy, cache)
    dh = np.einsum("kl,l,klij->ij", dy, gamma, dhhat_dh(h, eps))
    dgamma = np.einsum("kl,kl->l", dy, h_hat)
    dbeta = np.einsum("kl->l", dy)
    return check_overflow(dh=dh, dgamma=dgamma, dbeta=dbeta)


def batchnorm_backward(dy, cache):
    """Batch norm backward in closed form, eq-dh-hat (chapter 04_final_formulas).

    dh = gamma / (N s) (N dy - dbeta - h_hat dgamma), with s = (var + eps)^(1/2).

    The one to read; `fused.batchnorm_backward` is faster on large batches.

    Parameters
    ----------
    dy : (N, H) array
        The gradient of the loss with respect to y; float32 where h was, else float64
        or complex128.
    cache : BatchNormCache
        As returned by `batchnorm_forward`.

    Returns
    -------
    dh : (N, H) array
    dgamma, dbeta : (H,) arrays
        eq-dgamma-3 and eq-dbeta-3.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong dtype, shape or value, or a result out of range.
    """
    dy, (_, _, _, inv_std, h_hat, gamma, _) = _check_backward(dy, cache)
    N = dy.shape[0]
    with np.errstate(over="ignore", invalid="ignore"):
        dbeta = dy.sum(axis=0)
        dgamma = (dy * h_hat).sum(axis=0)
        dh = gamma * inv_std / N * (N * dy - dbeta - h_hat * dgamma)
    return check_overflow(dh=dh, dgamma=dgamma, dbeta=dbeta)


def batchnorm_double_backward(u, v, w, dy, cache):
    """Backward pass of the backward pass, eq-second-by-g to eq-second-by-h (chapter 13_second_derivative).

    The gradients of Phi = sum(u dh) + sum(v dgamma) + sum(w dbeta) with respect to what
    `batchnorm_backward` computes dh, dgamma and dbeta from.

    Parameters
    ----------
    u : (N, H) array
        The gradient of Phi with respect to dh.
    v, w : (H,) arrays
        The gradients of Phi with respect to dgamma and dbeta.
    dy, cache : as `batchnorm_backward` takes them

    Returns
    -------
    phi_dy, phi_h : (N, H) arrays
    phi_gamma : (H,) array
        beta does not occur in Phi.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong dtype, shape or value, or a result out of range.
    """
    dy, (h, _, _, inv_std, h_hat, gamma, _) = _check_backward(dy, cache)
    _, u, v, w = check_arrays(h=(h, "N H"), u=(u, "N H"), v=(v, "H"), w=(w, "H"))
    N = dy.shape[0]
    with np.errstate(over="ignore", invalid="ignore"):
        dy_centred, u_centred = dy - dy.mean(axis=0), u - u.mean(axis=0)
        G, U = (dy * h_hat).mean(axis=0), (u * h_hat).mean(axis=0)
        C = (dy_centred * u_centred).mean(axis=0)
        phi_dy = gamma * inv_std * (u_centred - U * h_hat) + v * h_hat + w
        phi_gamma = N * inv_std * (C - G * U)
        bracket = U * dy_centred + G * u_centred + (C - 3 * G * U) * h_hat
        dy_left = dy_centred - G * h_hat
        phi_h = v * inv_std * dy_left - gamma * inv_std * bracket * inv_std  # no inv_std**2: it may overflow
    return check_overflow(phi_dy=phi_dy, phi_h=phi_h, phi_gamma=phi_gamma)


def _check_backward(dy, cache):
    cache = check_cache(cache, BatchNormCache, "batchnorm_forward")
    _, dy = check_arrays(h=(cache.h, "N H"), dy=(dy, "N H"))
    return dy, cache
