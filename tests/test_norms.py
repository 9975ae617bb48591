"""The family: each member against PyTorch and the complex step, in training and in evaluation."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import bn_utils as bn

GROUPS = 3


def in_torch(normalise):
    """The results of a member and its gradients as PyTorch computes them."""

    def results(x, gamma, beta, dy, eps):
        leaves = [torch.tensor(array, requires_grad=True) for array in (x, gamma, beta)]
        y = normalise(*leaves, eps)
        grads = torch.autograd.grad(y, leaves, torch.tensor(dy), allow_unused=True)
        return [tensor.detach().numpy() for tensor in (y, *grads) if tensor is not None]

    return results


# member: the axes of x, those over which it is normalised, the backward pass, PyTorch's
MEMBERS = {
    "layer": (
        "N H",
        (1,),
        bn.layernorm_backward,
        in_torch(lambda x, gamma, beta, eps: F.layer_norm(x, x.shape[1:], gamma, beta, eps)),
    ),
    "rms": (
        "N H",
        (1,),
        bn.rmsnorm_backward,
        in_torch(lambda x, gamma, beta, eps: F.rms_norm(x, x.shape[1:], gamma, eps)),
    ),
    "group": (
        "N C H W",
        (2, 3, 4),
        bn.groupnorm_backward,
        in_torch(lambda x, gamma, beta, eps: F.group_norm(x, GROUPS, gamma, beta, eps)),
    ),
    "instance": (
        "N C H W",
        (2, 3),
        bn.instancenorm_backward,
        in_torch(lambda x, gamma, beta, eps: F.instance_norm(x, None, None, gamma, beta, eps=eps)),
    ),
    "spatial": (
        "N C H W",
        (0, 2, 3),
        bn.spatial_batchnorm_backward,
        in_torch(lambda x, gamma, beta, eps: F.batch_norm(x, None, None, gamma, beta, True, 0.0, eps)),
    ),
}
CENTRED = [name for name in MEMBERS if name != "rms"]
FORWARDS = {
    "layer": bn.layernorm_forward,
    "rms": lambda x, gamma, beta, eps=1e-5: bn.rmsnorm_forward(x, gamma, eps),
    "group": lambda x, gamma, beta, eps=1e-5: bn.groupnorm_forward(x, gamma, beta, GROUPS, eps),
    "instance": bn.instancenorm_forward,
    "spatial": bn.spatial_batchnorm_forward,
}


def split(name, x):
    """The array in the shape in which the member normalises it."""
    return x.reshape(len(x), GROUPS, -1, *x.shape[2:]) if name == "group" else x


def random_input(name, rng):
    """Entries that are normalised together have a std from 0.3 to 3 and |mean| / std up to 30."""
    letters, axes = MEMBERS[name][:2]
    if letters == "N H":
        shape = (int(rng.integers(1, 13)), int(rng.integers(2, 13)))
    else:
        channels = GROUPS * int(rng.integers(1, 4))
        shape = (int(rng.integers(1, 5)), channels, int(rng.integers(2, 6)), int(rng.integers(1, 6)))
    values = split(name, rng.standard_normal(shape))
    over = {"axis": axes, "keepdims": True}
    values = (values - values.mean(**over)) / values.std(**over)
    values = (values + rng.uniform(-30, 30, values.mean(**over).shape)) * rng.uniform(0.3, 3)
    x = values.reshape(shape)
    gamma, beta = rng.standard_normal((2, shape[1]))
    eps = float(rng.choice([1e-5, 1e-3, 0.1, 1.0]))
    return x, gamma, beta, rng.standard_normal(shape), eps


def ours(name, x, gamma, beta, dy, eps):
    y, cache = FORWARDS[name](x, gamma, beta, eps)
    return [y, *MEMBERS[name][2](dy, cache)]


@pytest.mark.parametrize("name", MEMBERS)
def test_two_hundred_shapes_match_pytorch(name):
    shapes = set()
    for seed in range(200):
        arguments = random_input(name, np.random.default_rng(seed))
        shapes.add(arguments[0].shape)
        seen, expected = ours(name, *arguments), MEMBERS[name][3](*arguments)
        for part, actual, oracle in zip(("y", "dx", "dgamma", "dbeta"), seen, expected, strict=False):
            bn.assert_grads_close(f"{part}, seed {seed}", actual, oracle)
        assert len(seen) == len(expected) == (3 if name == "rms" else 4)
    assert len(shapes) > 50
