"""The layers around batch norm: probes and quantities of the linear layer and of the ReLU."""

from dataclasses import dataclass

import numpy as np

from bn_utils.diagnose.quantities import quantities_of

LINEAR_SHAPES = ((7, 5, 3), (5, 3, 4), (4, 4, 4))  # N, D, H


@dataclass(frozen=True, eq=False)
class LinearProbe:
    """One random batch of the linear layer, whose output is x w + b."""

    dout: np.ndarray  # (N, H)
    x: np.ndarray  # (N, D)
    w: np.ndarray  # (D, H)
    b: np.ndarray  # (H,)
    eps: None = None

    @property
    def arguments(self):
        return self.x, self.w, self.b

    @property
    def N(self):
        return self.x.shape[0]

    @property
    def y(self):
        return self.x @ self.w + self.b

    @property
    def dX(self):
        return self.dout @ self.w.T

    @property
    def dW(self):
        return self.x.T @ self.dout

    @property
    def db(self):
        return self.dout.sum(axis=0)


@dataclass(frozen=True, eq=False)
class ReluProbe:
    """One random batch of the ReLU, whose output is max(0, x)."""

    dout: np.ndarray  # (N, H)
    x: np.ndarray  # (N, H)
    eps: None = None

    @property
    def arguments(self):
        return (self.x,)

    @property
    def y(self):
        return np.maximum(0, self.x)

    @property
    def dy(self):
        return self.dout * (self.x > 0)


def make_linear_probes(seed=0):
    """The probes of the linear layer, one a shape."""
    rng = np.random.default_rng(seed)
    return [
        LinearProbe(
            rng.standard_normal((N, H)) + 0.5,
            rng.standard_normal((N, D)) + 0.5,
            rng.standard_normal((D, H)),
            rng.standard_normal(H),
        )
        for N, D, H in LINEAR_SHAPES
    ]


def make_relu_probes(seed=0):
    """The probes of the ReLU; every column of x has entries of both signs."""
    rng = np.random.default_rng(seed)
    shapes = [(N, H) for N, _, H in LINEAR_SHAPES]
    probes = []
    for shape in shapes:
        x = rng.uniform(0.2, 2, shape) * rng.permuted(np.resize([1, -1], shape), axis=1)
        x[:2] = np.abs(x[:2]) * [[1], [-1]]
        probes.append(ReluProbe(rng.standard_normal(shape) + 0.5, x))
    return probes


def linear_quantities(probe):
    """What the lines of a right backward pass of the linear layer compute."""
    p = probe
    return quantities_of(
        (
            ("dout", p.dout, "eq-upstream"),
            ("X", p.x, "eq-linear"),
            ("W", p.w, "eq-linear"),
            ("dX = dout @ W.T", p.dX, "eq-dinput"),
            ("dW = X.T @ dout", p.dW, "eq-dweight"),
            ("db = dout.sum(axis=0)", p.db, "eq-dbias"),
        )
    )


def relu_quantities(probe):
    """What the lines of a right backward pass of the ReLU compute."""
    p = probe
    return quantities_of(
        (
            ("dout", p.dout, "eq-upstream"),
            ("y", p.x, "eq-relu"),
            ("y > 0", p.x > 0, "eq-drelu"),
            ("dy = dout * (y > 0)", p.dy, "eq-drelu"),
        )
    )
