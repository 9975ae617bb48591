"""PyTorch as the oracle: the gradients of the whole layer by automatic differentiation."""

from typing import NamedTuple

import numpy as np
import torch

from bn_utils._statistics import batch_statistics, inverse_std
from bn_utils._validation import check_arrays, check_number, check_overflow
from bn_utils.proof.evaluate import World


class TorchGradients(NamedTuple):
    """Values and gradients as PyTorch computes them, all of the dtype of the inputs."""

    h: np.ndarray  # (N, H)
    y: np.ndarray  # (N, H)
    a: np.ndarray  # (N, H)
    dy: np.ndarray  # (N, H)
    dgamma: np.ndarray  # (H,)
    dbeta: np.ndarray  # (H,)
    dh: np.ndarray  # (N, H)
    dX: np.ndarray  # (N, D)
    dW: np.ndarray  # (D, H)
    db: np.ndarray  # (H,)


def torch_gradients(X, W, b, gamma, beta, da, eps=1e-5):
    """Run linear -> batch norm -> ReLU in PyTorch, forward and backward.

    All arrays are float64, or all float32.

    Parameters
    ----------
    X : (N, D) array
    W : (D, H) array
    b, gamma, beta : (H,) arrays
    da : (N, H) array
        The gradient of the loss with respect to a.
    eps : float, >= 0

    Returns
    -------
    TorchGradients

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong dtype, shape or value, a result out of range, or a column
        with sigma^2 + eps = 0.

    Notes
    -----
    `torch.nn.functional.batch_norm` refuses N = 1; the operator below it, used here,
    returns y = beta, up to the round-off of its mean, and dh = 0.
    """
    arrays = check_arrays(
        X=(X, "N D"), W=(W, "D H"), b=(b, "H"), gamma=(gamma, "H"), beta=(beta, "H"), da=(da, "N H")
    )
    eps = check_number("eps", eps)
    for name, array in zip(("X", "W", "b", "gamma", "beta", "da"), arrays, strict=True):
        if np.iscomplexobj(array):
            raise TypeError(f"{name} must be float32 or float64 for PyTorch's batch norm, got {array.dtype}")
    X, W, b = arrays[:3]
    with np.errstate(over="ignore", invalid="ignore"):
        h = X @ W + b
        check_overflow(h=h)
        inverse_std(batch_statistics(h)[1], eps)  # where this is 1/0, PyTorch takes 0
    with torch.inference_mode(False), torch.enable_grad():
        X, W, b, gamma, beta, da = (torch.from_numpy(array.copy(order="C")) for array in arrays)
        inputs = [tensor.requires_grad_() for tensor in (X, W, b, gamma, beta)]
        h = X @ W + b
        y = torch.batch_norm(h, gamma, beta, None, None, True, 0.0, eps, False)
        a = torch.relu(y)
        dX, dW, db, dgamma, dbeta, dh, dy = torch.autograd.grad(a, [*inputs, h, y], da)
    tensors = TorchGradients(h, y, a, dy, dgamma, dbeta, dh, dX, dW, db)
    results = TorchGradients(*(tensor.detach().numpy() for tensor in tensors))
    check_overflow(**results._asdict())
    return results


def _batch_norm(h, value, gamma=None, beta=None):
    eps = value(r"\epsilon").item()
    return torch.nn.functional.batch_norm(h, None, None, gamma, beta, training=True, eps=eps)


def _output(h, value):
    return _batch_norm(h, value, value(r"\gamma"), value(r"\beta"))


def _gradient(value):
    h = _variable(value("h"))
    return torch.autograd.grad(_output(h, value), h, value("g"), create_graph=True)[0]


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

# Those for one equation alone, by its label.
OPERATORS_OF = {
    "eq-loss-layer": {r"\mathcal L": (lambda value: torch.tensordot(value("u"), value("a"), dims=2), ())}
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
