"""Random batches and layers for the tests: hypothesis draws the shape, the layout and a seed."""

from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st


class Batch(NamedTuple):
    """What batch norm takes, forward and backward."""

    h: np.ndarray  # (N, H)
    gamma: np.ndarray  # (H,)
    beta: np.ndarray  # (H,)
    dy: np.ndarray  # (N, H)
    eps: float


class Layer(NamedTuple):
    """What the layer linear -> batch norm -> ReLU takes, in the order of `torch_gradients`."""

    X: np.ndarray  # (N, D)
    W: np.ndarray  # (D, H)
    b: np.ndarray  # (H,)
    gamma: np.ndarray  # (H,)
    beta: np.ndarray  # (H,)
    da: np.ndarray  # (N, H)
    eps: float


LAYOUTS = {
    "C": np.ascontiguousarray,
    "Fortran": np.asfortranarray,
    "strided": lambda array: np.repeat(array[..., ::-1], 2, axis=-1)[..., ::-2],
}


def arrange(arrays, dtype, layout):
    """The same values in a dtype and a memory layout; read-only, so that no test can pass by mutation."""
    arranged = [LAYOUTS[layout](np.array(array, dtype)) for array in arrays]
    for array in arranged:
        array.setflags(write=False)
    return arranged


def standardised(rng, N, H):
    """Normal values; each column has mean 0 and std 1 (not for N = 1, which has no spread)."""
    values = rng.standard_normal((N, H))
    return values if N == 1 else (values - values.mean(axis=0)) / values.std(axis=0)


def offsets(rng, N, H):
    """mean / std of each column: up to 30, the digits that batch norm may lose.

    Up to 1 for N = 1, where eps alone stands under the root.
    """
    return rng.uniform(-1, 1, H) * (30 if N > 1 else 1)


def random_batch(rng, N, H, eps=1e-5, dtype=np.float64, layout="C"):
    """A batch whose columns have std from 0.3 to 3 and |mean| / std up to 30."""
    std = rng.uniform(0.3, 3, H)
    h = std * (standardised(rng, N, H) + offsets(rng, N, H))
    arrays = (h, rng.standard_normal(H), rng.standard_normal(H), rng.standard_normal((N, H)))
    return Batch(*arrange(arrays, dtype, layout), eps)


def random_layer(rng, N, D, H, eps=1e-5, dtype=np.float64, layout="C"):
    """A layer whose h has columns of std from 0.3 to 3 and |mean| / std up to 30."""
    std = rng.uniform(0.3, 3, H)
    spread = standardised(rng, N, D)
    X = spread + rng.uniform(-2, 2, D)
    # weights in the span of the samples: others could cancel in X W, for N = 2, and lose digits there
    W = spread.T @ rng.standard_normal((N, H))
    if N > 1:
        W *= std / (X @ W).std(axis=0)
    b = std * offsets(rng, N, H) - (X @ W).mean(axis=0)
    gamma, beta, da = rng.standard_normal(H), rng.standard_normal(H), rng.standard_normal((N, H))
    return Layer(*arrange((X, W, b, gamma, beta, da), dtype, layout), eps)


generators = st.integers(0, 2**32 - 1).map(np.random.default_rng)
sizes = st.integers(1, 30)
dtypes = st.sampled_from([np.float32, np.float64])
layouts = st.sampled_from(list(LAYOUTS))


def epsilons(N):
    """Values of eps; 0 where the columns have a spread."""
    return st.sampled_from([1e-5, 1e-3, 0.1, 1.0] + [0.0] * (N > 1))


@st.composite
def batches(draw, sizes=sizes):
    """Batches of every dtype and layout, of sizes N and H."""
    N, H = draw(sizes), draw(sizes)
    return random_batch(draw(generators), N, H, draw(epsilons(N)), draw(dtypes), draw(layouts))


@st.composite
def layers(draw, rows=sizes):
    """Layers of every dtype and layout, of N rows."""
    N, D, H = draw(rows), draw(sizes), draw(sizes)
    return random_layer(draw(generators), N, D, H, draw(epsilons(N)), draw(dtypes), draw(layouts))
