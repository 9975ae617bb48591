"""Batch norm on a batch whose rows lie with several workers, on `torch.distributed`.

Each worker calls the two functions with its own rows, as many as it has; what they add up over all
workers makes the result that of the whole batch. `processes.run` starts workers on this machine, and
`torchrun -m bn_utils.workers` on this one or on many.
"""

import sys
from datetime import timedelta
from typing import NamedTuple

import numpy as np

from bn_utils._statistics import batch_statistics, inverse_std
from bn_utils._validation import check_arrays, check_cache, check_number, check_overflow
from bn_utils.batchnorm import batchnorm_backward, batchnorm_forward
from bn_utils.compare import relative_error
from bn_utils.processes import LostWorkerError


class SyncBatchNormCache(NamedTuple):
    """What the backward pass needs of a worker's own rows, and of all; gamma is a reference."""

    N: int  # rows of all workers
    inv_std: np.ndarray  # (H,)
    h_hat: np.ndarray  # (own rows, H)
    gamma: np.ndarray  # (H,)


def all_reduce(array, group=None):
    """Return the sum of the arrays that all workers call this with; each of them gets it.

    Parameters
    ----------
    array : array
        Of one shape on all workers; float32 is added up, and returned, as float64.
    group : torch.distributed.ProcessGroup, optional
        The workers; without it, all.

    Returns
    -------
    array
        float64, or complex128 where that is what came in.

    Raises
    ------
    LostWorkerError
        Another worker has ended, or did not answer within the time limit of the group.
    ValueError
        There is no process group.
    """
    import torch

    array = np.asarray(array)
    total = array.astype(np.result_type(array, np.float64), order="C")
    try:
        torch.distributed.all_reduce(torch.from_numpy(total.reshape(-1).view(np.float64)), group=group)
    except RuntimeError as error:
        raise LostWorkerError("another worker has ended, or did not answer in time") from error
    return total


def sync_batchnorm_forward(h, gamma, beta, eps=1e-5, all_reduce=all_reduce):
    """Batch norm of the rows of all workers, eq-workers-mean, eq-workers-var (chapter 15_many_workers).

    Two sums over the workers, of H + 1 and of H numbers.

    Parameters
    ----------
    h : (N, H) array
        The rows of this worker; their number may differ between workers.
    gamma, beta : (H,) arrays
        The same on all workers, as are H and eps; nothing checks that.
    eps : float, > 0
        Added to the variance, inside the root. A column that is constant over all workers has a
        variance of 0 up to the square of the round-off of its mean: eps must be larger than that.
    all_reduce : function
        Gives the sum over all workers of an array; that of this module unless given.

    Returns
    -------
    y : (N, H) array
        Of the rows of this worker.
    cache : SyncBatchNormCache

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong dtype, shape or value, or a result out of range; the other workers
        then wait for this one, until their time limit.
    LostWorkerError
        Another worker has ended.
    """
    h, gamma, beta = check_arrays(h=(h, "N H"), gamma=(gamma, "H"), beta=(beta, "H"))
    eps = check_number("eps", eps, zero=False)
    wide = h.astype(np.result_type(h, np.float64), copy=False)
    with np.errstate(over="ignore", invalid="ignore"):
        N, *sum_h = all_reduce(np.array([len(h), *len(h) * batch_statistics(wide)[0]]))
        mu = sum_h / N
        var = all_reduce(((wide - mu) ** 2).sum(axis=0)) / N
        mu, var = mu.astype(h.dtype), var.astype(h.dtype)
        inv_std = inverse_std(var, eps)
        h_hat = (h - mu) * inv_std
        y = gamma * h_hat + beta
    check_overflow(y=y)
    return y, SyncBatchNormCache(round(N.real), inv_std, h_hat, gamma)


def sync_batchnorm_backward(dy, cache, all_reduce=all_reduce):
    """Gradients of the rows of all workers, eq-workers-dh (chapter 15_many_workers).

    One sum over the workers, of 2 H numbers: dbeta and dgamma.

    Parameters
    ----------
    dy : (N, H) array
        The gradient of the loss with respect to y, for the rows of this worker.
    cache : SyncBatchNormCache
        As returned by `sync_batchnorm_forward`.
    all_reduce : function
        As in `sync_batchnorm_forward`.

    Returns
    -------
    dh : (N, H) array
        Of the rows of this worker.
    dgamma, dbeta : (H,) arrays
        Of the whole batch, the same on all workers: nobody may add them up again.

    Raises
    ------
    TypeError, ValueError, LostWorkerError
        As `sync_batchnorm_forward`.
    """
    N, inv_std, h_hat, gamma = check_cache(cache, SyncBatchNormCache, "sync_batchnorm_forward")
    _, dy = check_arrays(h=(h_hat, "N H"), dy=(dy, "N H"))
    with np.errstate(over="ignore", invalid="ignore"):
        sums = all_reduce(np.array([dy.sum(axis=0), (dy * h_hat).sum(axis=0)]))
        dbeta, dgamma = sums.astype(dy.dtype)
        dh = gamma * inv_std / N * (N * dy - dbeta - h_hat * dgamma)
    return check_overflow(dh=dh, dgamma=dgamma, dbeta=dbeta)


def step(h, gamma, beta, dy, eps=1e-5, all_reduce=all_reduce):
    """Forward and backward pass of the rows of all workers, and what this worker put into the sums.

    Parameters
    ----------
    h : (N, H) array
        The rows of this worker.
    gamma, beta : (H,) arrays
        The same on all workers.
    dy : (N, H) array
        The gradient of the loss with respect to y, for the rows of this worker.
    eps : float, > 0
    all_reduce : function
        As in `sync_batchnorm_forward`.

    Returns
    -------
    y, dh : (N, H) arrays
    dgamma, dbeta : (H,) arrays
    counts : list of int
        How many numbers went into each sum over the workers, in order.

    Raises
    ------
    TypeError, ValueError, LostWorkerError
        As `sync_batchnorm_forward`.
    """
    counts = []

    def counted(array):
        counts.append(array.size)
        return all_reduce(array)

    y, cache = sync_batchnorm_forward(h, gamma, beta, eps, counted)
    return y, *sync_batchnorm_backward(dy, cache, counted), counts


def main():
    """Compare the workers of a launcher with the whole batch; the first one writes what came out.

    The launcher says by the environment which worker this process is and where the others are.
    """
    import torch.distributed as dist

    dist.init_process_group("gloo", timeout=timedelta(seconds=60))
    rank, workers = dist.get_rank(), dist.get_world_size()
    rng = np.random.default_rng(0)
    sizes = rng.integers(1, 9, size=workers)
    h, dy = rng.normal(3, 2, size=(2, sizes.sum(), 5))
    gamma, beta = rng.normal(size=(2, 5))
    own = np.repeat(np.arange(workers), sizes) == rank
    y, cache = batchnorm_forward(h, gamma, beta)
    dh, dgamma, dbeta = batchnorm_backward(dy, cache)
    *mine, _ = step(h[own], gamma, beta, dy[own])
    errors = map(relative_error, mine, (y[own], dh[own], dgamma, dbeta))
    equal = int(all_reduce(max(errors) < 1e-12))
    said = f"{equal} of {workers} workers have the values of the whole batch\n"
    sys.stdout.write(said if rank == 0 else "")
    dist.destroy_process_group()
    return int(equal < workers)


if __name__ == "__main__":  # pragma: no cover (the chapter runs it as a process of its own)
    sys.exit(main())
