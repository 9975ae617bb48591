"""The lines of the ledger in PyTorch: its operators for the names that the book defines, its derivatives."""

import numpy as np
import torch

from bn_utils.proof.evaluate import World
from bn_utils.torch_oracle import double_backward_loss


def _batch_norm(h, value, gamma=None, beta=None):
    eps = value(r"\epsilon").item()
    return torch.nn.functional.batch_norm(h, None, None, gamma, beta, training=True, eps=eps)


def _output(h, value):
    return _batch_norm(h, value, value(r"\gamma"), value(r"\beta"))


def _gradient(value):
    h = _variable(value("h"))
    return torch.autograd.grad(_output(h, value), h, value("g"), create_graph=True)[0]


def _cross_entropy(value):
    """PyTorch's own takes rows of T that add up to 1 alone; here they may be any numbers."""
    z = value("z")
    return (torch.logsumexp(z, 1) - (value("T") * z).sum(1)).mean()


def _variable(tensor):
    """A tensor to differentiate by; what it was computed from still sees it."""
    return tensor.clone() if tensor.requires_grad else tensor.detach().clone().requires_grad_()


# PyTorch's own operators for the names of the book, each with the names inside it that it hides.
STATISTICS = (r"\mu", r"\sigma^2", "s", "r", "c", r"\epsilon")
OPERATORS = {
    "h": (lambda value: torch.nn.functional.linear(value("X"), value("W").T, value("b")), ()),
    r"\mu": (lambda value: value("h").mean(0), ()),
    r"\sigma^2": (lambda value: value("h").var(0, correction=0), (r"\mu", "c")),
    "c": (lambda value: value("h") - value(r"\mu"), ()),
    "s": (lambda value: torch.sqrt(value(r"\sigma^2") + value(r"\epsilon")), ()),
    "r": (lambda value: torch.rsqrt(value(r"\sigma^2") + value(r"\epsilon")), ()),
    r"\hat h": (lambda value: _batch_norm(value("h"), value), STATISTICS),
    "y": (lambda value: _output(value("h"), value), (*STATISTICS, r"\hat h")),
    "a": (lambda value: torch.relu(value("y")), ()),
    r"\mathcal L": (lambda value: torch.tensordot(value("g"), value("y"), dims=2), ()),
    r"\mathtt{dh}": (_gradient, (*STATISTICS, r"\hat h", "y", r"\mathcal L")),
}


def _scaled(value, *affine):
    """Batch norm of x, with alpha^2 eps in place of eps."""
    eps = (value(r"\alpha") ** 2 * value(r"\epsilon")).item()
    return torch.nn.functional.batch_norm(value("x"), None, None, *affine, training=True, eps=eps)


def _tangent(value):
    """What least squares leave of the columns of u without 1 and h_hat, times sigma^2."""
    columns = torch.stack([torch.ones_like(value(r"\hat h")), value(r"\hat h")]).movedim(-1, 0).mT
    u = value("u").T[..., None]
    left = u - columns @ torch.linalg.lstsq(columns, u).solution
    return value(r"\sigma^2") * left[..., 0].T


def _share(value):
    """The rows of xi, moved so that each has the sum 1."""
    xi = value(r"\xi")
    return (xi.T - xi.mean(1)).T + 1 / xi.shape[1]


def _covariance(a, b):
    return ((a - a.mean(0)) * (b - b.mean(0))).mean(0)


def _row_norm(normalise):
    return lambda value: normalise(value("h"), value("h").shape[1:], eps=value(r"\epsilon").item())


def _running(value):
    """The running statistics after one step, as PyTorch's batch norm leaves them."""
    running = value("m").clone(), value(r"\tau^2").clone()
    torch.nn.functional.batch_norm(value("h"), *running, training=True, momentum=value(r"\alpha").item())
    return running


def _evaluation(value):
    running, eps = (value("m"), value(r"\tau^2")), value(r"\epsilon").item()
    return torch.nn.functional.batch_norm(value("h"), *running, value(r"\gamma"), value(r"\beta"), eps=eps)


# Those for one equation alone, by its label.
OPERATORS_OF = {
    "eq-loss-layer": {r"\mathcal L": (lambda value: torch.tensordot(value("u"), value("a"), dims=2), ())},
    "eq-tangent": {"v": (_tangent, ())},
    "eq-scaled-h": {
        "x": (lambda value: torch.nn.functional.linear(value("X"), (value(r"\alpha") * value("W")).T), ())
    },
    "eq-scaled-var": {r"\tau^2": (lambda value: value("x").var(0, correction=0), ())},
    "eq-scaled-hat": {r"\hat x": (_scaled, ())},
    "eq-scaled-loss": {
        "K": (
            lambda value: torch.tensordot(
                value("g"), _scaled(value, value(r"\gamma"), value(r"\beta")), dims=2
            ),
            (),
        )
    },
    "eq-flipped-h": {
        "x": (lambda value: torch.nn.functional.linear(value("X"), -(value(r"\alpha") * value("W")).T), ())
    },
    "eq-second-g-mean": {r"\bar g": (lambda value: value("g").mean(0), ())},
    "eq-second-u-mean": {r"\bar u": (lambda value: value("u").mean(0), ())},
    "eq-second-g-hat": {"G": (lambda value: _covariance(value("g"), value(r"\hat h")), ())},
    "eq-second-u-hat": {"U": (lambda value: _covariance(value("u"), value(r"\hat h")), ())},
    "eq-second-covariance": {"C": (lambda value: _covariance(value("g"), value("u")), ())},
    "eq-second-phi": {
        r"\Phi": (
            lambda value: double_backward_loss(
                *map(value, ("u", "v", "w", "g", "h", r"\gamma", r"\epsilon"))
            )[0],
            (),
        )
    },
    "eq-family-loss": {
        r"\mathcal L": (lambda value: torch.tensordot(value("u"), value(r"\hat h"), dims=2), ())
    },
    "eq-layernorm-mean": {"m": (lambda value: value("h").mean(1), ())},
    "eq-layernorm-var": {r"\tau^2": (lambda value: value("h").var(1, correction=0), ())},
    "eq-layernorm-hat": {r"\hat h": (_row_norm(torch.nn.functional.layer_norm), ())},
    "eq-rmsnorm-square": {r"\rho^2": (lambda value: (value("h") * value("h")).mean(1), ())},
    "eq-rmsnorm-hat": {r"\hat h": (_row_norm(torch.nn.functional.rms_norm), ())},
    "eq-running-mean": {r"\bar m": (lambda value: _running(value)[0], ())},
    "eq-running-var": {r"\bar v": (lambda value: _running(value)[1], ())},
    "eq-eval": {"y": (_evaluation, ())},
    "eq-exp-sum": {"Z": (lambda value: torch.logsumexp(value("z"), 1).exp(), ())},
    "eq-softmax": {"P": (lambda value: torch.softmax(value("z"), 1), ("Z",))},
    "eq-shifted": {"x": (lambda value: torch.sub(value("z").T, value("M")).T, ())},
    "eq-cross-entropy": {r"\mathcal L": (_cross_entropy, ("Z",))},
    "eq-digits-row": {
        "x": (lambda value: torch.lerp(value(r"\mu"), value("M"), len(value("h")) + 1.0), ()),
    },
    "eq-digits-hat": {r"\hat x": (lambda value: torch.add(value(r"\hat h"), value("w")), ())},
    "eq-workers-given": {r"\kappa": (lambda value: value(r"\xi").sum(1), ())},
    "eq-workers-share": {r"\omega": (_share, ())},
    "eq-workers-rows": {r"\nu": (lambda value: value(r"\omega").sum(0), ())},
    "eq-workers-means": {"M": (lambda value: value("m").mean(0), ())},
}


class TorchWorld(World):
    """The numbers of an equation in PyTorch, and autograd for its derivatives.

    Its arguments are those of `World`, the values float64 arrays or tensors.
    """

    def __init__(self, sizes, values, definitions, operators=None, varied=None, depth=0):
        tensors = {name: torch.as_tensor(value) for name, value in values.items()}
        super().__init__(sizes, tensors, definitions, operators, varied, depth)

    def constant(self, number, shape=None):
        """Return a number, or an array of integers, as a float64 tensor."""
        tensor = torch.as_tensor(np.asarray(number, dtype=float))
        return tensor if shape is None else tensor.reshape(()).expand(shape)

    def kronecker(self, size):
        """Return the identity matrix, PyTorch's own."""
        return torch.eye(self.sizes[size], dtype=torch.float64)

    def spread(self, array, shape):
        """Return a tensor repeated along the axes where its length is 1."""
        return array.expand(shape)

    def where(self, condition, then, otherwise):
        """Return one tensor where a condition holds, the other one elsewhere."""
        return torch.where(torch.as_tensor(condition), then, otherwise)

    def positive(self, array):
        """Say where a tensor is positive."""
        return array > 0

    def power(self, array, exponent):
        """Return a tensor to a rational power."""
        return array ** float(exponent)

    def function(self, name, array):
        """Return exp or log of a tensor."""
        return {r"\exp ": torch.exp, r"\log ": torch.log}[name](array)

    def derivative(self, of, by, axes):
        """Return the derivative by each entry of a symbol, by autograd."""
        point = _variable(self.value(by.name))
        array = self.vary(by.name, point).array(of, axes)
        if not array.requires_grad:
            return self.constant(0, len(axes) * (1,))
        slopes = [
            torch.autograd.grad(entry, point, create_graph=True, allow_unused=True, materialize_grads=True)[0]
            for entry in array.flatten()
        ]
        slopes = torch.stack(slopes).reshape(*array.shape, *point.shape)
        first = np.zeros(len(axes) * (1,), dtype=int)
        places = [
            first if size == 1 else self._places(axis, axes)
            for axis, size in zip(axes, array.shape, strict=True)
        ]
        return slopes[(*places, *(self._places(k, axes) for k in by.indices))]
