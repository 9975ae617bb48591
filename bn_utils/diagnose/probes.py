"""The inputs on which a learner's functions are run, and what the derivation makes of them.

In this package x, x_hat, dout and dx, the names of most learners, are the book's h, h_hat, dy, dh.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bn_utils.batchnorm import batchnorm_backward, batchnorm_forward

# N, H and N - 1 differ, so that no wrong count hides; the square one lets a sum over the wrong axis run
SHAPES = ((7, 3), (5, 4), (4, 4))


@dataclass(frozen=True, eq=False)
class Probe:
    """One random batch, with large eps, gamma of both signs and columns far from 0."""

    dout: np.ndarray  # (N, H)
    x: np.ndarray  # (N, H)
    gamma: np.ndarray  # (H,)
    beta: np.ndarray  # (H,)
    eps: float

    @property
    def arguments(self):
        """The arrays that the forward pass takes."""
        return self.x, self.gamma, self.beta

    @property
    def N(self):
        return self.x.shape[0]

    @property
    def H(self):
        return self.x.shape[1]

    @cached_property
    def _forward(self):
        return batchnorm_forward(*self.arguments, self.eps)

    @cached_property
    def _gradients(self):
        return batchnorm_backward(self.dout, self._forward[1])

    @property
    def y(self):
        return self._forward[0]

    @property
    def mu(self):
        return self._forward[1].mu

    @property
    def var(self):
        return self._forward[1].var

    @property
    def r(self):
        """inv_std, (H,)."""
        return self._forward[1].inv_std

    @property
    def x_hat(self):
        return self._forward[1].h_hat

    @cached_property
    def c(self):
        return self.x - self.mu

    @property
    def dx(self):
        return self._gradients[0]

    @property
    def dgamma(self):
        return self._gradients[1]

    @property
    def dbeta(self):
        return self._gradients[2]


def make_probe(rng, N, H):
    """A random `Probe` of one shape, whose columns have standard deviations from 0.7 to 1.5."""
    spread = rng.standard_normal((N, H))
    spread = (spread - spread.mean(axis=0)) / spread.std(axis=0)
    x = rng.uniform(0.7, 1.5, H) * spread + rng.choice([-1, 1], H) * rng.uniform(1, 2.5, H)
    sign = np.where(np.arange(H) % 2, -1, 1) * rng.choice([-1, 1])
    gamma, beta = sign * rng.uniform(0.5, 2, H), rng.uniform(0.5, 1.5, H)
    return Probe(rng.standard_normal((N, H)) + 0.5, x, gamma, beta, float(rng.uniform(0.3, 0.9)))


def make_probes(seed=0):
    """The probes of one diagnosis, one a shape."""
    rng = np.random.default_rng(seed)
    return [make_probe(rng, N, H) for N, H in SHAPES]
