"""Layer, RMS, group and instance norm: `normalize_forward` over their axes, then gamma and beta."""

import numpy as np

from bn_utils._affine import check_images, scale_backward, scale_forward
from bn_utils._validation import check_arrays, describe
from bn_utils.normalize import normalize_forward


def layernorm_forward(x, gamma, beta, eps=1e-5):
    """Layer norm, each row by itself: eq-layernorm-hat (chapter 12_the_family).

    Parameters
    ----------
    x : (N, H) array
    gamma, beta : (H,) arrays
        Scale and shift of each column.
    eps : float, >= 0
        Added to the variance, inside the root.

    Returns
    -------
    y : array
        Of the shape and dtype of x.
    cache : NormCache

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong dtype, shape or value, a result out of range, or entries
        whose variance + eps is 0.
    """
    x, gamma, beta = check_arrays(x=(x, "N H"), gamma=(gamma, "H"), beta=(beta, "H"))
    return scale_forward("layernorm", normalize_forward(x, 1, eps), gamma[None], beta[None], x.shape)


def layernorm_backward(dy, cache):
    """Layer norm backward, eq-layernorm (chapter 12_the_family).

    Parameters
    ----------
    dy : array
        The gradient of the loss with respect to y, of its shape.
    cache : NormCache
        As returned by the forward pass of that name.

    Returns
    -------
    dx : array
    dgamma, dbeta : arrays
        Sums over the entries that share the parameter.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong dtype, shape or value, or a result out of range.
    """
    return scale_backward("layernorm", dy, cache)


def rmsnorm_forward(x, gamma, eps=1e-5):
    """RMS norm, eq-rmsnorm-hat (chapter 12_the_family): neither a mean nor a beta.

    Arguments, results and errors are those of `layernorm_forward`, but for beta.
    """
    x, gamma = check_arrays(x=(x, "N H"), gamma=(gamma, "H"))
    return scale_forward("rmsnorm", normalize_forward(x, 1, eps, center=False), gamma[None], 0, x.shape)


def rmsnorm_backward(dy, cache):
    """RMS norm backward, eq-rmsnorm (chapter 12_the_family).

    Arguments, results and errors are those of `layernorm_backward`, but for dbeta.
    """
    return scale_backward("rmsnorm", dy, cache)[:2]


def groupnorm_forward(x, gamma, beta, groups, eps=1e-5):
    """Group norm: the channels of a group and their space, image by image (chapter 12_the_family).

    Parameters
    ----------
    x : (N, C, H, W) array
        N images of C channels, H high and W wide.
    gamma, beta : (C,) arrays
    groups : int
        The number of groups, a divisor of C; each has neighbouring channels.
    eps : float, >= 0

    Returns
    -------
    y : (N, C, H, W) array
    cache : NormCache

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong dtype, shape or value, a result out of range, or entries
        whose variance + eps is 0.
    """
    x, gamma, beta = check_images(x, gamma, beta)
    N, C, H, W = x.shape
    if isinstance(groups, bool) or not isinstance(groups, int | np.integer):
        raise TypeError(f"groups must be an integer, got {describe(groups)}")
    if groups < 1 or C % groups:
        raise ValueError(f"groups must be a divisor of C = {C}, got {groups}")
    x = x.reshape(N, groups, C // groups, H, W)
    gamma, beta = (array.reshape(1, groups, C // groups, 1, 1) for array in (gamma, beta))
    return scale_forward("groupnorm", normalize_forward(x, (2, 3, 4), eps), gamma, beta, (N, C, H, W))


def groupnorm_backward(dy, cache):
    """Group norm backward, eq-family (chapter 12_the_family).

    Arguments, results and errors are those of `layernorm_backward`.
    """
    return scale_backward("groupnorm", dy, cache)


def instancenorm_forward(x, gamma, beta, eps=1e-5):
    """Instance norm: each channel of each image, over its space (chapter 12_the_family).

    Arguments, results and errors are those of `groupnorm_forward`, but for groups.
    """
    x, gamma, beta = check_images(x, gamma, beta)
    return scale_forward("instancenorm", normalize_forward(x, (2, 3), eps), gamma, beta, x.shape)


def instancenorm_backward(dy, cache):
    """Instance norm backward, eq-family (chapter 12_the_family).

    Arguments, results and errors are those of `layernorm_backward`.
    """
    return scale_backward("instancenorm", dy, cache)
