"""PyTorch as the oracle: the gradients of the whole layer by automatic differentiation."""

from typing import NamedTuple

import numpy as np
import torch

from bn_utils._statistics import batch_statistics, inverse_std
from bn_utils._validation import check_arrays, check_number, check_overflow


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

    Parameters
    ----------
    X : (N, D) array
    W : (D, H) array
    b, gamma, beta : (H,) arrays
    da : (N, H) array
        The gradient of the loss with respect to a.
    eps : float, >= 0

    All arrays are float64, or all float32.

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
