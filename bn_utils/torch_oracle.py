"""PyTorch as the oracle: the gradients of the whole layer by automatic differentiation."""

from typing import NamedTuple

import numpy as np
import torch

from bn_utils._statistics import batch_statistics, inverse_std
from bn_utils._validation import check_arrays, check_labels, check_number, check_overflow


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
    arrays = _real_arrays(
        X=(X, "N D"), W=(W, "D H"), b=(b, "H"), gamma=(gamma, "H"), beta=(beta, "H"), da=(da, "N H")
    )
    eps = check_number("eps", eps)
    X, W, b = arrays[:3]
    with np.errstate(over="ignore", invalid="ignore"):
        _check_statistics(X @ W + b, eps)
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


def torch_double_backward(u, v, w, dy, h, gamma, eps=1e-5):
    """Run the backward pass of PyTorch's own backward pass of batch norm.

    Arguments, results and errors are those of `batchnorm_double_backward`; nothing is complex.
    """
    arrays = _real_arrays(
        u=(u, "N H"), v=(v, "H"), w=(w, "H"), dy=(dy, "N H"), h=(h, "N H"), gamma=(gamma, "H")
    )
    eps = check_number("eps", eps)
    _check_statistics(arrays[4], eps)
    with torch.inference_mode(False), torch.enable_grad():
        u, v, w, *inputs = (torch.from_numpy(array.copy(order="C")) for array in arrays)
        phi, inputs = double_backward_loss(u, v, w, *inputs, eps)
        results = [tensor.numpy() for tensor in torch.autograd.grad(phi, inputs)]
    return check_overflow(phi_dy=results[0], phi_h=results[1], phi_gamma=results[2])


def double_backward_loss(u, v, w, dy, h, gamma, eps):
    """Phi, and the leaves that it is to be differentiated by."""
    dy, h, gamma = leaves = [tensor.detach().requires_grad_() for tensor in (dy, h, gamma)]
    beta = torch.zeros_like(gamma, requires_grad=True)
    y = torch.batch_norm(h, gamma, beta, None, None, True, 0.0, float(eps), False)
    gradients = torch.autograd.grad(y, (h, gamma, beta), dy, create_graph=True)
    return sum(torch.sum(a * b) for a, b in zip((u, v, w), gradients, strict=True)), leaves


def _real_arrays(**specs):
    arrays = check_arrays(**specs)
    for name, array in zip(specs, arrays, strict=True):
        if np.iscomplexobj(array):
            raise TypeError(f"{name} must be float32 or float64 for PyTorch's batch norm, got {array.dtype}")
    return arrays


def _check_statistics(h, eps):
    """Refuse a batch whose inverse_std is not finite: where it is 1/0 or 1/inf, PyTorch takes 0."""
    with np.errstate(over="ignore", invalid="ignore"):
        check_overflow(h=h)
        inverse_std(batch_statistics(h)[1], eps)


def torch_training(start, batches, rate, eps=1e-5):
    """Train linear -> batch norm -> ReLU -> linear -> softmax and cross-entropy in PyTorch.

    Every batch gives one step of gradient descent, by `torch.optim.SGD`.

    Parameters
    ----------
    start : dict
        The parameters: W1 (D, H), b1, gamma and beta (H,), W2 (H, C), b2 (C,), all float64 or float32.
    batches : iterable of (X, labels)
        For each step a batch, (N, D), and the classes of its rows, (N,) integers.
    rate : float, > 0
        The learning rate.
    eps : float, >= 0

    Returns
    -------
    losses : (T,) array
        Of every batch, before its step.
    parameters : dict
        After the last step.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong dtype, shape or value, a result out of range, as after too
        large a rate, or in some batch a column with sigma^2 + eps = 0.
    """
    shapes = {"W1": "D H", "b1": "H", "gamma": "H", "beta": "H", "W2": "H C", "b2": "C"}
    if not isinstance(start, dict) or start.keys() != shapes.keys():
        raise ValueError(f"start must be a dictionary with the keys {', '.join(shapes)}")
    arrays = _real_arrays(**{name: (start[name], shape) for name, shape in shapes.items()})
    rate, eps = check_number("rate", rate, zero=False), check_number("eps", eps)
    losses = []
    with torch.inference_mode(False), torch.enable_grad():
        p = {name: torch.tensor(array) for name, array in zip(shapes, arrays, strict=True)}
        descent = torch.optim.SGD([tensor.requires_grad_() for tensor in p.values()], lr=rate)
        for X, labels in batches:
            X = _real_arrays(W1=(arrays[0], "D H"), X=(X, "N D"))[1]
            labels = check_labels(labels, len(X), len(p["b2"])).astype(np.int64)
            h = torch.nn.functional.linear(torch.tensor(X), p["W1"].T, p["b1"])
            _check_statistics(h.detach().numpy(), eps)
            y = torch.batch_norm(h, p["gamma"], p["beta"], None, None, True, 0.0, eps, False)
            z = torch.nn.functional.linear(torch.relu(y), p["W2"].T, p["b2"])
            loss = torch.nn.functional.cross_entropy(z, torch.from_numpy(labels))
            descent.zero_grad()
            loss.backward()
            descent.step()
            losses.append(loss.item())
    losses, parameters = np.array(losses), {name: tensor.detach().numpy() for name, tensor in p.items()}
    check_overflow(losses=losses, **parameters)
    return losses, parameters
