"""The shared module of the book: batch norm, its backward pass, and the checks of both.

`bn_utils.torch_oracle` and `bn_utils.plotting` are imported by name: they alone need
torch and matplotlib.
"""

from bn_utils import diagnose, exercises, ledger
from bn_utils.batchnorm import (
    BatchNormCache,
    batchnorm_backward,
    batchnorm_backward_delta,
    batchnorm_backward_staged,
    batchnorm_forward,
)
from bn_utils.compare import assert_grads_close, relative_error
from bn_utils.gradcheck import (
    complex_step_gradient,
    complex_step_jacobian,
    directional_check,
    numerical_gradient,
)
from bn_utils.jacobian import (
    dcentred_dh,
    dhhat_dh,
    dhhat_dh_delta,
    dhhat_dh_mean,
    dhhat_dh_variance,
    dmu_dh,
    dvar_dh,
    kronecker_delta,
)
from bn_utils.layers import (
    LinearCache,
    ReluCache,
    SoftmaxCrossEntropyCache,
    linear_backward,
    linear_forward,
    relu_backward,
    relu_forward,
    softmax_cross_entropy_backward,
    softmax_cross_entropy_forward,
)

__version__ = "0.1.0"

__all__ = [
    "BatchNormCache",
    "LinearCache",
    "ReluCache",
    "SoftmaxCrossEntropyCache",
    "assert_grads_close",
    "batchnorm_backward",
    "batchnorm_backward_delta",
    "batchnorm_backward_staged",
    "batchnorm_forward",
    "complex_step_gradient",
    "complex_step_jacobian",
    "dcentred_dh",
    "dhhat_dh",
    "dhhat_dh_delta",
    "dhhat_dh_mean",
    "dhhat_dh_variance",
    "diagnose",
    "directional_check",
    "dmu_dh",
    "dvar_dh",
    "exercises",
    "kronecker_delta",
    "ledger",
    "linear_backward",
    "linear_forward",
    "numerical_gradient",
    "relative_error",
    "relu_backward",
    "relu_forward",
    "softmax_cross_entropy_backward",
    "softmax_cross_entropy_forward",
]
