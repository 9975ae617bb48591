"""The derivatives behind batch norm as explicit arrays, term by term.

An entry is indexed as its formula is: ``dhhat_dh(h)[k, l, i, j]`` is the derivative of
hhat_kl with respect to h_ij. For an (N, H) batch that array has (N H)^2 entries: these
functions are for seeing and checking, on small batches. Each einsum is its formula,
factor by factor.
"""

import math

import numpy as np

from bn_utils._statistics import batch_statistics, inverse_std
from bn_utils._validation import check_arrays, check_number, check_overflow, describe

LARGEST = 2**30  # bytes


def kronecker_delta(n):
    """Kronecker delta as a matrix, eq-kronecker (chapter 00_notation).

    Parameters
    ----------
    n : int, >= 1

    Returns
    -------
    (n, n) array of float64
        Entry [i, j] is 1 where i = j, else 0.

    Raises
    ------
    TypeError, ValueError
        `n` is no integer, or less than 1.
    """
    if isinstance(n, bool) or not isinstance(n, int | np.integer):
        raise TypeError(f"n must be an integer, got {describe(n)}")
    if n < 1:
        raise ValueError(f"n must be >= 1, got {n}")
    return np.eye(n)


def dmu_dh(h):
    """dmu_l/dh_ij = delta_jl / N, eq-dmu (chapter 03_delta_notation).

    Parameters
    ----------
    h : (N, H) array
        The batch.

    Returns
    -------
    (H, N, H) array
        Indexed [l, i, j], in the dtype of `h`.

    Raises
    ------
    TypeError, ValueError
        `h` has the wrong dtype, shape or value, or the result is out of range or
        larger than 1 GiB.
    """
    h = _check("lij", h)
    N, H = h.shape
    return np.einsum("i,jl->lij", np.ones_like(h[:, 0]), _delta(H, h)) / N


def dvar_dh(h):
    """dsigma_l^2/dh_ij = 2/N (h_il - mu_l) delta_jl, eq-dvar-4 (chapter 03_delta_notation).

    Arguments, result (indexed [l, i, j]) and errors are those of `dmu_dh`.
    """
    h = _check("lij", h)
    N, H = h.shape
    with np.errstate(over="ignore", invalid="ignore"):
        mu, _ = batch_statistics(h)
        result = 2 / N * np.einsum("il,jl->lij", h - mu, _delta(H, h))
    check_overflow(dvar_dh=result)
    return result


def dcentred_dh(h):
    """d(h_kl - mu_l)/dh_ij = delta_ik delta_jl - delta_jl / N, eq-jac-centred (chapter 03_delta_notation).

    Arguments and errors are those of `dmu_dh`; the result is (N, H, N, H), indexed [k, l, i, j].
    """
    h = _check("klij", h)
    N, H = h.shape
    return np.einsum("ik,jl->klij", _delta(N, h) - 1 / N, _delta(H, h))


def dhhat_dh_delta(h, eps=1e-5):
    """The delta term of eq-jac: delta_ik delta_jl (sigma_l^2 + eps)^(-1/2).

    Parameters
    ----------
    h : (N, H) array
        The batch.
    eps : float, >= 0
        Added to the variance, inside the root.

    Returns
    -------
    (N, H, N, H) array
        Indexed [k, l, i, j], in the dtype of `h`.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong dtype, shape or value, sigma^2 + eps = 0 in a column,
        or a result that is out of range or larger than 1 GiB.
    """
    h = _check("klij", h)
    N, H = h.shape
    _, inv_std = _centred_and_inv_std(h, eps)
    return np.einsum("ik,jl,l->klij", _delta(N, h), _delta(H, h), inv_std)


def dhhat_dh_mean(h, eps=1e-5):
    """The mean term of eq-jac: -1/N delta_jl (sigma_l^2 + eps)^(-1/2), the same for every k and i.

    Arguments, result and errors are those of `dhhat_dh_delta`.
    """
    h = _check("klij", h)
    N, H = h.shape
    _, inv_std = _centred_and_inv_std(h, eps)
    return -1 / N * np.einsum("ik,jl,l->klij", np.ones((N, N), h.dtype), _delta(H, h), inv_std)


def dhhat_dh_variance(h, eps=1e-5):
    """The variance term of eq-jac: -1/N (h_kl - mu_l)(h_il - mu_l) delta_jl (sigma_l^2 + eps)^(-3/2).

    Arguments, result and errors are those of `dhhat_dh_delta`.
    """
    h = _check("klij", h)
    N, H = h.shape
    centred, inv_std = _centred_and_inv_std(h, eps)
    h_hat = centred * inv_std  # each bracket with its own root: no overflow in between
    return -1 / N * np.einsum("kl,il,jl,l->klij", h_hat, h_hat, _delta(H, h), inv_std)


def dhhat_dh(h, eps=1e-5):
    """dhhat_kl/dh_ij, eq-jac (chapter 03_delta_notation): the sum of its three terms.

    Arguments, result and errors are those of `dhhat_dh_delta`.
    """
    return dhhat_dh_delta(h, eps) + dhhat_dh_mean(h, eps) + dhhat_dh_variance(h, eps)


def _check(indices, h):
    """Return h as an array, or an error where the result would be too large."""
    (h,) = check_arrays(h=(h, "N H"))
    N, H = h.shape
    entries = math.prod({"k": N, "i": N, "l": H, "j": H}[letter] for letter in indices)
    if entries * h.itemsize > LARGEST:
        raise ValueError(
            f"h must be small enough for a Jacobian of at most {LARGEST / 2**30:.3g} GiB, got "
            f"shape {h.shape}, which needs {entries * h.itemsize / 2**30:.3g} GiB; "
            "batchnorm_backward does without it"
        )
    return h


def _delta(n, h):
    return kronecker_delta(n).astype(h.dtype)


def _centred_and_inv_std(h, eps):
    with np.errstate(over="ignore", invalid="ignore"):
        mu, var = batch_statistics(h)
        return h - mu, inverse_std(var, check_number("eps", eps))
