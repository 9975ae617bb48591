"""Spatial batch norm: batch norm of images, in training and in evaluation."""

import numpy as np

from bn_utils._affine import check_images, scale_backward, scale_forward
from bn_utils._statistics import inverse_std
from bn_utils._validation import check_number, check_variance
from bn_utils.normalize import NormCache, normalize_forward


def spatial_batchnorm_forward(x, gamma, beta, eps=1e-5):
    """Spatial batch norm in training: each channel, over batch and space (chapter 12_the_family).

    Arguments, results and errors are those of `groupnorm_forward`, but for groups.
    """
    x, gamma, beta = check_images(x, gamma, beta)
    return scale_forward("spatial_batchnorm", normalize_forward(x, (0, 2, 3), eps), gamma, beta, x.shape)


def spatial_batchnorm_inference(x, gamma, beta, running_mean, running_var, eps=1e-5):
    """Spatial batch norm in evaluation: running statistics of each channel (chapter 12_the_family).

    They are constants, so the gradient takes the direct path alone. Arguments, results and
    errors are those of `spatial_batchnorm_forward`, and running_mean and running_var, (C,)
    arrays: what `update_running` gives. `running_var` >= 0.
    """
    x, gamma, beta, mu, var = check_images(x, gamma, beta, running_mean=running_mean, running_var=running_var)
    eps = check_number("eps", eps)
    check_variance(var.ravel())
    with np.errstate(over="ignore", invalid="ignore"):
        inv_std = inverse_std(var.ravel(), eps, "running_var is 0", "running_var").reshape(var.shape)
        x_hat = (x - mu) * inv_std
    cache = NormCache(x_hat, mu, var, inv_std, (0, 2, 3), ())
    return scale_forward("spatial_batchnorm", (x_hat, cache), gamma, beta, x.shape)


def spatial_batchnorm_backward(dy, cache):
    """Spatial batch norm backward, in training and in evaluation (chapter 12_the_family).

    Arguments, results and errors are those of `layernorm_backward`.
    """
    return scale_backward("spatial_batchnorm", dy, cache)
