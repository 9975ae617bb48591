"""The shared module of the book: batch norm, its backward pass, and the checks of both.

`bn_utils.torch_oracle`, `bn_utils.plotting` and `bn_utils.space` are imported by name: they
alone need torch and matplotlib.
"""

from bn_utils import diagnose, exercises, fused, ledger
from bn_utils.batchnorm import (
    BatchNormCache,
    batchnorm_backward,
    batchnorm_backward_delta,
    batchnorm_backward_staged,
    batchnorm_double_backward,
    batchnorm_forward,
)
from bn_utils.compare import assert_grads_close, relative_error
from bn_utils.gradcheck import (
    complex_step_gradient,
    complex_step_gradient_by_rows,
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
from bn_utils.normalize import NormCache, normalize_backward, normalize_forward
from bn_utils.norms import (
    groupnorm_backward,
    groupnorm_forward,
    instancenorm_backward,
    instancenorm_forward,
    layernorm_backward,
    layernorm_forward,
    rmsnorm_backward,
    rmsnorm_forward,
)
from bn_utils.running import (
    InferenceCache,
    batchnorm_inference,
    batchnorm_inference_backward,
    update_running,
)
from bn_utils.spatial import (
    spatial_batchnorm_backward,
    spatial_batchnorm_forward,
    spatial_batchnorm_inference,
)

__version__ = "0.1.0"

__all__ = [
    "BatchNormCache",
    "InferenceCache",
    "LinearCache",
    "NormCache",
    "ReluCache",
    "SoftmaxCrossEntropyCache",
    "assert_grads_close",
    "batchnorm_backward",
    "batchnorm_backward_delta",
    "batchnorm_backward_staged",
    "batchnorm_double_backward",
    "batchnorm_forward",
    "batchnorm_inference",
    "batchnorm_inference_backward",
    "complex_step_gradient",
    "complex_step_gradient_by_rows",
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
    "fused",
    "groupnorm_backward",
    "groupnorm_forward",
    "instancenorm_backward",
    "instancenorm_forward",
    "kronecker_delta",
    "layernorm_backward",
    "layernorm_forward",
    "ledger",
    "linear_backward",
    "linear_forward",
    "normalize_backward",
    "normalize_forward",
    "numerical_gradient",
    "relative_error",
    "relu_backward",
    "relu_forward",
    "rmsnorm_backward",
    "rmsnorm_forward",
    "softmax_cross_entropy_backward",
    "softmax_cross_entropy_forward",
    "spatial_batchnorm_backward",
    "spatial_batchnorm_forward",
    "spatial_batchnorm_inference",
    "update_running",
]
