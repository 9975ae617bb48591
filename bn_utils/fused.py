"""Batch norm at speed: the formulas of `batchnorm`, with few passes over memory.

Rows are joined to rows of some ten thousand numbers and taken in blocks that fit in the
processor's cache: what is computed of a block is still there when it is used. The backward
pass takes a batch of few and long rows in strips of whole columns. float32 keeps its digits:
the forward pass sums distances from a number near the mean, and the sums of a block join the
total in float64. Chapter 16_speed says what each part is for.
"""

from contextlib import contextmanager

import numpy as np

from bn_utils._statistics import inverse_std
from bn_utils._validation import (
    check_arrays,
    check_cache,
    check_layout,
    check_number,
    check_overflow,
    describe,
    plain_array,
)
from bn_utils.batchnorm import BatchNormCache

LONG = 2**13  # numbers of a joined row: NumPy copies a shorter operand before it repeats it
SUMMED = 2**23  # bytes of a block of which only sums are taken
WRITTEN = 2**19  # bytes of a block that is worked on in several steps
STRIP = 10**6  # bytes of a strip of columns (with 2**20 its rows would share places of the cache)
NARROW = 3000  # columns of a strip at least
LEFT = 128  # rows of a block of those that are left over
SAMPLE = 128  # rows that give a number near the mean


def batchnorm_forward(h, gamma, beta, eps=1e-5, out=None):
    """Batch norm with the statistics of the batch, eq-mean to eq-affine (chapter 16_speed).

    The fast one, for large batches; in float32 also the one that keeps its digits over many
    rows and far from 0. `bn_utils.batchnorm_forward` is the one to read. Arguments, results
    and errors are those of that function, and one argument more:

    Parameters
    ----------
    out : (N, H) array, optional
        Where y is written: C-contiguous, of the dtype of y, apart from the memory of the
        arguments (else a TypeError or ValueError). After any other error it may hold anything.

    Returns
    -------
    y : (N, H) array
        `out`, where given.
    cache : BatchNormCache
        As every backward pass of batch norm takes it.
    """
    h, gamma, beta = check_layout(h=(h, "N H"), gamma=(gamma, "H"), beta=(beta, "H"))
    eps = check_number("eps", eps)
    y = _output(out, h.shape, np.result_type(h, gamma, beta), h=h, gamma=gamma, beta=beta)
    h_hat = np.empty(h.shape, h.dtype)
    with np.errstate(over="ignore", invalid="ignore"):
        pilot, rest, var = (v.astype(h.dtype) for v in _shifted_statistics(h))
        if not _finite(var, gamma, beta):
            check_arrays(h=(h, "N H"), gamma=(gamma, "H"), beta=(beta, "H"))
        inv_std = inverse_std(var, eps)
    columns = pilot, rest, inv_std, gamma, beta
    with _overflow_refused("y", y.dtype):
        for (h_k, x, y_k), (p, r, i, g, b) in _blocks(WRITTEN, (h, h_hat, y), columns):
            np.subtract(h_k, p, out=x)  # exact far from 0
            x -= r
            x *= i
            np.multiply(x, g, out=y_k)
            y_k += b
    return y, BatchNormCache(h, pilot + rest, var, inv_std, h_hat, gamma, eps)


def batchnorm_backward(dy, cache, out=None):
    """Batch norm backward in closed form, eq-dh-hat (chapter 16_speed).

    dh = a dy - (b h_hat + c), with three numbers for each column: a = gamma / s,
    b = a dgamma / N and c = a dbeta / N.

    The fast one, for large batches; `bn_utils.batchnorm_backward` is the one to read.
    Arguments, results and errors are those of that function, and one argument more:

    Parameters
    ----------
    out : (N, H) array, optional
        Where dh is written: C-contiguous, of the dtype of dh. It may be dy itself; else it must
        be apart from the memory of dy and of the cache (else a TypeError or ValueError). After
        any other error it may hold anything.

    Returns
    -------
    dh : (N, H) array
        `out`, where given.
    dgamma, dbeta : (H,) arrays
        Of the dtype of dh. The two sums must not leave its range, even where dh would not.
    """
    cache = check_cache(cache, BatchNormCache, "batchnorm_forward")
    h, _, _, inv_std, h_hat, gamma, _ = cache
    _, dy = check_layout(h=(h, "N H"), dy=(dy, "N H"))
    inputs = cache._asdict() | ({} if out is dy else {"dy": dy})
    dh = _output(out, dy.shape, np.result_type(dy, h_hat, gamma), **inputs)
    N, H = dy.shape
    dgamma, dbeta = totals = np.empty((2, H), dh.dtype)
    for strip in _strips(dy):
        part = dy[:, strip], h_hat[:, strip], dh[:, strip]
        with np.errstate(over="ignore", invalid="ignore"):
            totals[:, strip] = sums = _sums(*part[:2])
            a = gamma[strip] * inv_std[strip]
            b_and_c = (a / N * sums).astype(dh.dtype, copy=False)
        if not _finite(totals[:, strip], b_and_c):
            check_arrays(h=(h, "N H"), dy=(dy, "N H"))
            check_overflow(dh=b_and_c, dgamma=dgamma[strip], dbeta=dbeta[strip])
        with _overflow_refused("dh", dh.dtype):
            for (dy_k, x, dh_k), (a_k, b, c) in _blocks(WRITTEN, part, (a, *b_and_c)):
                t = x * b
                t += c
                np.multiply(dy_k, a_k, out=dh_k)
                dh_k -= t
    return dh, dgamma, dbeta


def _shifted_statistics(h):
    """A number near each mean, what it lacks, and the variance, eq-digits-shifted: three (H,)."""
    N, H = h.shape
    sample = h[:: -(-N // SAMPLE)]  # from all over h, which may be sorted
    pilot = sample[0] + (sample - sample[0]).mean(axis=0)  # exact for a constant column
    sums = 0
    for (h_k,), (p,) in _blocks(WRITTEN, (h,), pilot[None]):
        d = h_k - p
        along = np.ones(len(d), d.dtype) @ d, np.einsum("nd,nd->d", d, d)
        sums = sums + _by_column(along, H)
    rest, squares = sums / N
    return pilot, rest, squares - rest**2


def _sums(dy, h_hat):
    """eq-dgamma-3 and eq-dbeta-3: (2, H)."""
    sums = 0
    for (dy_k, x), _ in _blocks(SUMMED, (dy, h_hat)):
        along = np.einsum("nd,nd->d", dy_k, x), np.ones(len(dy_k), dy.dtype) @ dy_k
        sums = sums + _by_column(along, dy.shape[1])
    return sums


def _strips(dy):
    """Strips of columns of a wide batch, all rows of which fit in the cache; of another all columns."""
    H = dy.shape[1]
    width = STRIP // dy[:, 0].nbytes
    if not NARROW <= width < H:
        return [slice(None)]
    return [slice(k, k + width) for k in range(0, H, width)]


def _blocks(size, arrays, columns=()):
    """Blocks of `size` bytes of (N, H) arrays, beside the numbers of columns repeated for their rows.

    Each row of a block is several rows of the arrays joined; in the last blocks, of the rows
    that are left over, one. A strip is one block: its rows lie apart.
    """
    N, H = arrays[0].shape
    if N <= LEFT and not arrays[-1].flags.c_contiguous:
        yield arrays, columns
        return
    joined = -(-LONG // H)
    split = N - N % joined
    if split:
        rows = [array[:split].reshape(-1, joined * H) for array in arrays]
        repeated = [np.tile(column, joined) for column in columns]
        step = max(1, size // rows[0][0].nbytes)
        for k in range(0, len(rows[0]), step):
            yield [array[k : k + step] for array in rows], repeated
    for k in range(split, N, LEFT):
        yield [array[k : k + LEFT] for array in arrays], columns


def _by_column(sums, H):
    """Add the sums of columns that stand several times in a joined row, in float64: (2, H)."""
    sums = np.array(sums, np.promote_types(sums[0].dtype, np.float64))
    return sums if sums.shape[1] == H else sums.reshape(2, -1, H).sum(axis=1)


def _output(out, shape, dtype, **inputs):
    """Return `out`, or a new array; an error where it cannot hold the result or overlaps an input."""
    if out is None:
        return np.empty(shape, dtype)
    if not isinstance(out, np.ndarray) or out.dtype != dtype:
        raise TypeError(f"out must be an array of {dtype}, got {describe(out)}")
    plain_array("out", out)  # a masked one is not
    if out.shape != shape:
        raise ValueError(f"out must have shape {shape}, got {out.shape}")
    if not (out.flags.c_contiguous and out.flags.writeable):
        raise ValueError("out must be C-contiguous and writeable")
    for name, value in inputs.items():
        if isinstance(value, np.ndarray) and np.may_share_memory(out, value):
            raise ValueError(f"out must not overlap {name}, which is still needed")
    return out


def _finite(*arrays):
    return all(np.isfinite(array).all() for array in arrays)


@contextmanager
def _overflow_refused(name, dtype):
    """An error where a result leaves the range: the processor notes it, no pass over the result is needed."""
    try:
        with np.errstate(over="raise", invalid="raise"):
            yield
    except FloatingPointError:
        raise ValueError(f"{name} leaves the range of {dtype}: rescale the inputs") from None
