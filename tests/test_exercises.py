"""`exercises.check`: each stub, common wrong answers and the right one."""

import re
from pathlib import Path

import numpy as np
import pytest
from messages import exactly

import bn_utils as bn
from bn_utils import batchnorm_backward, batchnorm_forward, complex_step_jacobian, exercises
from bn_utils.exercises import EXERCISES, ExerciseError, check
from bn_utils.torch_oracle import torch_gradients

CHAPTERS = Path(__file__).parents[1] / "chapters"


def forward(h, gamma, beta, eps):
    return batchnorm_forward(h, gamma, beta, eps)[0]


def backward(dy, h, gamma, beta, eps):
    return batchnorm_backward(dy, batchnorm_forward(h, gamma, beta, eps)[1])


def detached(dy, h, gamma, beta, eps):
    _, dgamma, dbeta = backward(dy, h, gamma, beta, eps)
    return dy * gamma * (h.var(axis=0) + eps) ** -0.5, dgamma, dbeta


def layer_backward(da, X, W, b, gamma, beta, eps):
    torch = torch_gradients(X, W, b, gamma, beta, da, float(eps))
    return torch.dX, torch.dW, torch.db, torch.dgamma, torch.dbeta


def tempered(z, labels, tau):
    loss, cache = bn.softmax_cross_entropy_forward(z / tau, labels)
    return loss, bn.softmax_cross_entropy_backward(cache) / tau


def variance_path(dy, h, gamma, eps):
    c = h - h.mean(0)
    return -c * (dy * gamma * c).mean(0) * (h.var(0) + eps) ** -1.5


def means_backward(dy, h_hat, inv_std, gamma):
    return gamma * inv_std * (dy - dy.mean(0) - h_hat * (dy * h_hat).mean(0))


def spectral(dy, h_hat, gamma, s, eps):
    along = h_hat * (h_hat * dy).sum(0) / (h_hat**2).sum(0)
    return gamma * eps / s**3 * along + gamma / s * (dy - dy.mean(0) - along)


def merge(n, mean, var, other_n, other_mean, other_var):
    total = n + other_n
    merged = (n * var + other_n * other_var) / total + n * other_n / total**2 * (other_mean - mean) ** 2
    return mean + other_n / total * (other_mean - mean), merged


def merge_one_pass(n, mean, var, other_n, other_mean, other_var):
    total = n + other_n
    merged = (n * mean + other_n * other_mean) / total
    squares = (n * (var + mean**2) + other_n * (other_var + other_mean**2)) / total
    return merged, squares - merged**2


def merge_without_distance(n, mean, var, other_n, other_mean, other_var):
    return merge(n, mean, var, other_n, other_mean, other_var)[0], merge(n, 0, var, other_n, 0, other_var)[1]


def merge_unweighted(n, mean, var, other_n, other_mean, other_var):
    return (mean + other_mean) / 2, merge(n, mean, var, other_n, other_mean, other_var)[1]


def unit(h):
    return np.ones(h.shape[1]), np.zeros(h.shape[1])


def own_forward(x, gamma, beta, eps):
    y, cache = batchnorm_forward(x, gamma, beta, eps)
    return y, (cache.h_hat, x - cache.mu, cache.inv_std, gamma)


def own_backward(dout, cache):
    x_hat, _, ivar, gamma = cache
    dgamma, dbeta = (dout * x_hat).sum(0), dout.sum(0)
    return means_backward(dout, x_hat, ivar, gamma), dgamma, dbeta


def own_with(dx):
    """The own backward pass with another dx."""
    return lambda dout, cache: (dx(dout, *cache), *own_backward(dout, cache)[1:])


DETACHED = own_with(lambda dout, x_hat, xmu, ivar, gamma: dout * gamma * ivar)
NO_GAMMA = own_with(lambda dout, x_hat, xmu, ivar, gamma: means_backward(dout, x_hat, ivar, 1))
SUM_FOR_MEAN = own_with(
    lambda dout, x_hat, xmu, ivar, gamma: gamma * ivar * (dout - dout.sum(0) - x_hat * (dout * x_hat).mean(0))
)
DIRECT_N = own_with(
    lambda dout, x_hat, xmu, ivar, gamma: (
        gamma * ivar * (dout / len(dout) - dout.mean(0) - x_hat * (dout * x_hat).mean(0))
    )
)
COLUMNS = own_with(
    lambda dout, x_hat, xmu, ivar, gamma: means_backward(dout, x_hat, ivar, gamma) * len(dout) / dout.shape[1]
)
OWN_WRONG = [
    (DETACHED, "dx is wrong at index .* are treated as constants"),
    (lambda *args: own_backward(*args)[0], "give 3 results: dx, dgamma, dbeta"),
]


def evaluation_backward(dout, x, gamma, mean, var, eps):
    std = (var + eps) ** 0.5
    return dout * gamma / std, (dout * (x - mean) / std).sum(0), dout.sum(0)


def hessian_vector(u, h, gamma, beta, t, eps):
    """By a complex step through the gradient."""

    def dh(h):
        y, cache = batchnorm_forward(h, gamma, beta, eps)
        return batchnorm_backward(y - t, cache)[0]

    return dh(h + 1e-30j * u).imag / 1e-30


def gauss_newton(u, h, gamma, beta, t, eps):
    cache = batchnorm_forward(h, gamma, beta, eps)[1]
    return batchnorm_backward(batchnorm_backward(u, cache)[0], cache)[0]


def layernorm_backward(dy, h, gamma, eps):
    return bn.layernorm_backward(dy, bn.layernorm_forward(h, gamma, gamma, eps)[1])


def turned_backward(dy, h, gamma, eps):
    """The closed form of batch norm with columns in place of rows."""
    _, cache = bn.normalize_forward(h, 1, eps)
    return gamma * bn.normalize_backward(dy, cache), *layernorm_backward(dy, h, gamma, eps)[1:]


def rmsnorm_backward(dy, h, gamma, eps):
    return bn.rmsnorm_backward(dy, bn.rmsnorm_forward(h, gamma, eps)[1])[0]


def groupnorm_backward(dy, x, gamma, groups, eps):
    shape = len(x), groups, -1
    _, cache = bn.normalize_forward(x.reshape(shape), 2, eps)
    return bn.normalize_backward((dy * gamma[:, None, None]).reshape(shape), cache).reshape(x.shape)


def merge_rows(n, *others):
    return n + others[2], *merge(n, *others)


def forward_in_evaluation(h, gamma, beta, mean, var, eps):
    return gamma * (h - mean) / np.sqrt(var + eps) + beta


def agrees(actual, expected, tol):
    return actual.shape == expected.shape and np.abs(actual - expected).max() <= tol


# name: (the right answer, wrong ones with what the message must say)
ANSWERS = {
    "delta-trace": (5, [(1, "wrong"), (0, "wrong")]),
    "delta-pick": (6.0, [(21, "wrong"), (2, "wrong")]),
    "delta-mean": ((0.25, 0), [((1, 0), "j = l is wrong"), ((0.25, 0.25), "j != l is wrong")]),
    "delta-matrix": (np.eye, [(lambda n: np.ones((n, n)), "wrong"), (np.ones, "shape")]),
    "column-statistics": (
        lambda h: (h.mean(0), h.var(0)),
        [
            (lambda h: (h.mean(0), h.var(0, ddof=1)), "var is wrong"),
            (lambda h: (h.mean(1), h.var(1)), "mu has shape"),
            (lambda h: h.mean(0), "give 2 results: mu, var"),
        ],
    ),
    "normalized-variance": (4 / 5, [(1, "wrong"), (0.25, "wrong")]),
    "undo": (
        np.array([3, 4]),
        [(3, "give 2 results: gamma, beta"), ((4, 3), "gamma is wrong"), ((3, -4), "beta is wrong")],
    ),
    "batchnorm-forward": (
        forward,
        [
            (lambda h, gamma, beta, eps: forward(h, gamma, beta, 0.0), "wrong"),
            (lambda h, gamma, beta, eps: gamma * (h - h.mean(0)) / (h.std(0) + eps) + beta, "wrong"),
        ],
    ),
    "product-node": (
        lambda dout, a, b: (dout * b, (dout * a).sum(0)),
        [
            (lambda dout, a, b: (dout * b, dout * a), "db has shape"),
            (lambda dout, a, b: (a, b), "da is wrong"),
        ],
    ),
    "mean-node": (
        lambda dmu, h: np.zeros_like(h) + dmu / len(h),
        [(lambda dmu, h: dmu / len(h), "has shape"), (lambda dmu, h: np.zeros_like(h) + dmu, "wrong")],
    ),
    "three-numbers": (
        np.array([3, -4, 1]) / 27,
        [([1 / 3, 0, 0], "wrong at index"), (np.array([[3, -4, 1]]) / 27, r"has shape \(1, 3\)")],
    ),
    "staged-backward": (
        backward,
        [(detached, "dh is wrong"), (lambda *args: backward(*args)[0], "give 3 results: dh, dgamma, dbeta")],
    ),
    "centred-cases": (
        (0.75, -0.25, 0),
        [((1, -0.25, 0), "k = i is wrong"), ((0.75, 0.25, 0), "k != i is wrong")],
    ),
    "mean-jacobian": (
        lambda h: complex_step_jacobian(lambda z: z.mean(0), h),
        [(lambda h: np.eye(h.shape[1]) / len(h), "shape"), (lambda h: bn.dmu_dh(h) * len(h), "wrong")],
    ),
    "square-jacobian": (
        lambda h: complex_step_jacobian(lambda z: (z**2).mean(0), h),
        [(bn.dvar_dh, "wrong"), (lambda h: 2 * h / len(h), "shape")],
    ),
    "variance-jacobian": (
        lambda h: complex_step_jacobian(lambda z: ((z - z.mean(0)) ** 2).mean(0), h),
        [(lambda h: bn.dvar_dh(h) / 2, "wrong"), (lambda h: 2 / len(h) * (h - h.mean(0)), "shape")],
    ),
    "three-by-three": (
        bn.dhhat_dh(np.array([[1.0], [3.0], [8.0]]), 1 / 3)[:, 0, :, 0],
        [((np.eye(3) - 1 / 3) / 3, "wrong"), (np.eye(3) / 3, "wrong"), (np.zeros(3), "shape")],
    ),
    "full-jacobian": (
        lambda h, eps: complex_step_jacobian(lambda z: bn.batchnorm_forward(z, *unit(h), eps)[1].h_hat, h),
        [(bn.dhhat_dh_delta, "wrong"), (lambda h, eps: bn.dhhat_dh(h, 0.0), "wrong")],
    ),
    "variance-path": (
        variance_path,
        [
            (lambda *args: -variance_path(*args), "wrong"),
            (lambda dy, h, gamma, eps: variance_path(dy, h, np.ones_like(gamma), eps), "wrong"),
        ],
    ),
    "means-backward": (
        means_backward,
        [
            (lambda dy, h_hat, inv_std, gamma: gamma * inv_std * (dy - dy.mean(0)), "wrong"),
            (lambda dy, h_hat, inv_std, gamma: means_backward(dy, h_hat, inv_std, 1), "wrong"),
        ],
    ),
    "layer-backward": (
        layer_backward,
        [
            (lambda *args: layer_backward(*args)[:4], "give 5 results"),
            (lambda da, *rest: layer_backward(np.ones_like(da), *rest), "dX is wrong"),
        ],
    ),
    "normalised-times-h": (
        r"\frac{N (s_j^2 - \epsilon)}{s_j}",
        [
            (r"N \sigma_j^2 (\sigma_j^2 + \epsilon)^{-1}", r"left - right is .*, not 0\. Write h"),
            (r"\sum_i \hat h_{ij} c_{ij}", r"your line still has \\sum in it\. Write h"),
            (r"\frac{N \sigma_j^2}{s}", r"line 1, column \d+: s has the indices columns"),
            (r"\sigma_j^2 (N - 1)^{-1}", "the power -1 of a sum"),
            (3, 'give the right side as TeX, r"\\.\\.\\.", got int'),
        ],
    ),
    "output-by-variance": (
        r"-\frac{\gamma_l}{2 s_l^2} \hat h_{kl} \delta_{lj}",
        [
            (r"-\frac{\gamma_l}{2 s_l^2} \hat h_{kl}", "left - right is"),
            (r"\gamma_l \frac{\partial \hat h_{kl}}{\partial \sigma_j^2}", "your line still has"),
        ],
    ),
    "gradient-along-hhat": (
        r"\epsilon \gamma_j s_j^{-4} \sum_k g_{kj} (h_{kj} - \mu_j)",
        [("0", "left - right is"), (r"\epsilon \frac{\partial \mathcal L}{\partial \gamma_j}", "still has")],
    ),
    "central-difference": (
        lambda f, x, t: 0.5 * (f(x + t) - f(x - t)) / t,
        [
            (lambda f, x, t: (f(x + t) - f(x)) / t, "wrong"),
            (lambda f, x, t: (np.sin(x + t) - np.sin(x - t)) / t / 2, "wrong"),
            (lambda f, x, t: (f(x + t) - f(x - t)) / t, "wrong"),
        ],
    ),
    "two-rows": ((3 / 16, -3 / 16), [((1 / 4, -1 / 4), "wrong"), ((0, 0), "wrong"), (3 / 16, "shape")]),
    "dy-is-h": (
        r"\gamma_j \frac{\epsilon}{s_j^2} \hat h_{ij}",
        [("0", "left - right is"), (r"\gamma_j \epsilon h_{ij} s_j^{-3}", "left - right is")],
    ),
    "own-forward": (
        own_forward,
        [
            (lambda *args: own_forward(*args)[0], r"Return \(out, cache\) with cache"),
            (lambda *args: (own_forward(*args)[0], *own_forward(*args)[1]), r"Return \(out, cache\)"),
            (lambda *args: (own_forward(*args)[0], own_forward(*args)[1][:3]), "give 5 results: out, x_hat"),
            (lambda *args: (own_forward(*args), None), r"Return \(out, cache\) with cache"),
            (
                lambda *args: (
                    own_forward(*args)[0],
                    (2 * own_forward(*args)[1][0], *own_forward(*args)[1][1:]),
                ),
                r"x_hat is wrong at index .*Return \(out, cache\)",
            ),
            (
                lambda x, gamma, beta, eps: own_forward(x, gamma, beta, 0.0),
                "out is wrong at .* eps is missing under the root.* np.sqrt.var . eps., then x_hat",
            ),
            (
                lambda *args: (own_forward(*args)[0], own_forward(*args)[1][::-1]),
                r"x_hat has shape \(\d,\), it must be \(\d, \d\)\. Return \(out, cache\)",
            ),
        ],
    ),
    "own-parameters": (
        lambda dout, x_hat: ((dout * x_hat).sum(0), dout.sum(0)),
        [
            (lambda dout, x_hat: (dout.sum(0), (dout * x_hat).sum(0)), "dgamma is wrong"),
            (lambda dout, x_hat: ((dout * x_hat).sum(0), dout.mean(0)), "dbeta is wrong"),
        ],
    ),
    "own-statistics": (
        lambda dxhat, xmu, ivar: (-((dxhat * xmu).sum(0)) * ivar**3 / 2, -dxhat.sum(0) * ivar),
        [
            (
                lambda dxhat, xmu, ivar: ((dxhat * xmu).sum(0) * ivar**3 / 2, -dxhat.sum(0) * ivar),
                "dvar is wrong",
            ),
            (
                lambda dxhat, xmu, ivar: (-((dxhat * xmu).sum(0)) * ivar**3 / 2, -dxhat * ivar),
                "dmu has shape",
            ),
        ],
    ),
    "own-staged": (
        own_backward,
        [
            *OWN_WRONG,
            (
                lambda dout, cache: (own_backward(dout, cache)[0], (dout * cache[1]).sum(0), dout.sum(0)),
                "dgamma is wrong at .* np.sum.dout . x_hat, axis=0.",
            ),
        ],
    ),
    "own-alt": (own_backward, OWN_WRONG),
    "own-running": (
        lambda x, mean, var, m: (m * mean + (1 - m) * x.mean(0), m * var + (1 - m) * x.var(0)),
        [
            (
                lambda x, mean, var, m: ((1 - m) * mean + m * x.mean(0), (1 - m) * var + m * x.var(0)),
                "running_mean is wrong",
            ),
            (
                lambda x, mean, var, m: (
                    m * mean + (1 - m) * x.mean(0),
                    m * var + (1 - m) * x.var(0, ddof=1),
                ),
                "running_var is wrong",
            ),
        ],
    ),
    "mend-first": (own_backward, [(DIRECT_N, "direct path is divided by N"), (NO_GAMMA, "gamma is missing")]),
    "mend-second": (own_backward, [(NO_GAMMA, "gamma is missing"), (DETACHED, "treated as constants")]),
    "mend-third": (own_backward, [(SUM_FOR_MEAN, "needs a mean, not a sum"), (DETACHED, "as constants")]),
    "museum-detached": (own_backward, [(DETACHED, "treated as constants"), (NO_GAMMA, "gamma is missing")]),
    "museum-gamma": (own_backward, [(NO_GAMMA, "gamma is missing"), (DETACHED, "treated as constants")]),
    "museum-precedence": (own_backward, [(SUM_FOR_MEAN, "needs a mean"), (DIRECT_N, "divided by N")]),
    "museum-tolerance": (own_backward, [(DIRECT_N, "divided by N"), (DETACHED, "treated as constants")]),
    "museum-square": (own_backward, [(COLUMNS, "number of columns"), (DIRECT_N, "divided by N")]),
    "museum-root": (
        forward,
        [
            (
                lambda x, gamma, beta, eps: gamma * (x - x.mean(0)) / (x.var(0) + eps) ** 2 + beta,
                "A square stands for the root: x - mu is divided",
            ),
            (
                lambda x, gamma, beta, eps: gamma * (x - x.mean(0)) / (x.var(0) + eps) + beta,
                "The root is missing",
            ),
        ],
    ),
    "museum-variance": (
        lambda x: x.var(0),
        [
            (lambda x: (x**2).mean(0) - x.mean(0) ** 2, "the variance is wrong"),
            (lambda x: np.maximum(0, (x**2).mean(0) - x.mean(0) ** 2), "the variance is wrong"),
        ],
    ),
    "museum-kept": (
        lambda x, mean, var, m: ((1 - m) * mean + m * x.mean(0), (1 - m) * var + m * x.var(0, ddof=1)),
        [
            (
                lambda x, mean, var, m: ((1 - m) * mean + m * x.mean(0), (1 - m) * var + m * x.var(0)),
                "running_var is wrong",
            ),
            (
                lambda x, mean, var, m: (m * mean + (1 - m) * x.mean(0), m * var + (1 - m) * x.var(0)),
                "running_mean is wrong",
            ),
        ],
    ),
    "museum-means": (
        lambda arrays: np.vstack(arrays).mean(0),
        [
            (lambda arrays: np.mean([a.mean(0) for a in arrays], axis=0), "the mean is wrong"),
            (lambda arrays: np.vstack(arrays).mean(), "the mean has shape"),
        ],
    ),
    "museum-handed": (
        lambda dout, x_hat: np.einsum("ij,ij->j", dout, x_hat),
        [
            (lambda dout, x_hat: (dout * x_hat).mean(0), "dgamma is wrong"),
            (lambda dout, x_hat: dout.sum(0), "dgamma is wrong"),
        ],
    ),
    "museum-eps": (
        evaluation_backward,
        [
            (lambda *args: evaluation_backward(*args[:-1], 0.0), "dx is wrong"),
            (
                lambda *args: (evaluation_backward(*args)[0], *evaluation_backward(*args[:-1], 0.0)[1:]),
                "dgamma is wrong",
            ),
            (
                lambda dout, x, gamma, mean, var, eps: evaluation_backward(
                    dout, x, gamma, x.mean(0), x.var(0), eps
                ),
                "dx is wrong",
            ),
        ],
    ),
    "museum-compare": (
        agrees,
        [
            (lambda a, e, tol: a.shape == e.shape and (a - e).max() <= tol, "is wrong"),
            (lambda a, e, tol: a.shape == e.shape and np.abs(a - e).min() <= tol, "is wrong"),
            (lambda a, e, tol: a.shape == e.shape and np.abs(a - e).mean() <= tol, "is wrong"),
            (lambda a, e, tol: a.shape == e.shape and np.abs(a - e)[0, 0] <= tol, "is wrong"),
            (lambda a, e, tol: a.shape == e.shape and np.abs(a - e).max() <= 1e-2, "is wrong"),
            (lambda actual, expected, tol: np.allclose(actual, expected, rtol=0, atol=tol), "is wrong"),
            (lambda actual, expected, tol: actual.shape == expected.shape, "is wrong"),
            (lambda actual, expected, tol: False, "is wrong"),
            (lambda actual, expected, tol: np.abs(actual - expected) <= tol, "has shape"),
        ],
    ),
    "three-eigenvalues": (
        np.linalg.eigvalsh(2 * bn.dhhat_dh(np.array([[1.0], [3.0], [8.0]]), 1 / 3)[:, 0, :, 0]),
        [((2 / 3, 2 / 81, 0), "wrong"), ((0, 0, 2 / 3), "wrong"), ((0, 2 / 3), "shape")],
    ),
    "spectral-backward": (
        lambda dy, h_hat, gamma, s, eps: means_backward(dy, h_hat, 1 / s, gamma),
        [
            (lambda dy, h_hat, gamma, s, eps: spectral(dy, h_hat, gamma, s, 0.0), "wrong"),
            (lambda dy, h_hat, gamma, s, eps: spectral(dy - dy.mean(0), h_hat, gamma, s, s**2), "wrong"),
            (lambda dy, h_hat, gamma, s, eps: spectral(dy, h_hat, 1, s, eps), "wrong"),
        ],
    ),
    "gradient-times-h": (
        r"\gamma_j \epsilon s_j^{-2} \frac{\partial \mathcal L}{\partial \gamma_j}",
        [
            (
                r"\frac{\epsilon \gamma_j}{s_j^3} \frac{\partial \mathcal L}{\partial \gamma_j}",
                "left - right is",
            ),
            ("0", "left - right is"),
            (r"\sum_i (h_{ij} - \mu_j) \frac{\partial \mathcal L}{\partial h_{ij}}", "still has"),
        ],
    ),
    "resting-length": (
        lambda G, lr, decay: np.sqrt(lr * G) / (2 * lr * decay - (lr * decay) ** 2) ** 0.25,
        [
            (lambda G, lr, decay: (lr * G**2 / (2 * decay)) ** 0.25, "wrong"),
            (lambda G, lr, decay: (lr**2 * G**2 / (1 - (1 - lr * decay) ** 2)) ** 0.5, "wrong"),
        ],
    ),
    "second-by-hand": (
        (-7 / 243, 1 / 81, 4 / 243),
        [
            ((0, 0, 0), "wrong"),
            (np.array([-20, 6, 14]) / 729, "wrong"),
            ([[-7 / 243], [1 / 81], [4 / 243]], "shape"),
        ],
    ),
    "second-of-s": (
        r"\frac{1}{N s_j} (\delta_{ik} - \frac{1}{N})"
        r" - \frac{1}{N^2 s_j^3} (h_{ij} - \mu_j) (h_{kj} - \mu_j)",
        [
            (r"\frac{1}{N s_j} (\delta_{ik} - \frac{1}{N})", "left - right is"),
            (
                r"\frac{1}{s_j} (\delta_{ik} - \frac{1}{N} - \frac{1}{N} \hat h_{ij} \hat h_{kj})",
                "left - right is",
            ),
            (r"\frac{1}{N} \frac{\partial \hat h_{kj}}{\partial h_{ij}}", r"still has \\partial in it"),
        ],
    ),
    "hessian-vector": (
        hessian_vector,
        [
            (gauss_newton, r"wrong at index .* dh moves for two reasons"),
            (lambda *args: hessian_vector(*args) - gauss_newton(*args), "wrong"),
            (lambda *args: hessian_vector(*args).sum(0), "shape"),
        ],
    ),
    "digits-constant": (
        [0.0001, -0.70710678],
        [
            ((0, 0), "the variance is wrong"),
            ((1e-4, 0.5**0.5), "h_hat is wrong. h - m is -1/100"),
            ((1e-4, -1), "h_hat is wrong"),
            (1e-4, "give 2 results: the variance, h_hat"),
        ],
    ),
    "digits-merge": (
        merge,
        [
            (merge_one_pass, "the variance is wrong"),
            (lambda *args: (merge(*args)[0], merge(*args)[1] / 2), "the variance is wrong"),
            (merge_without_distance, "the variance is wrong"),
            (merge_unweighted, "the mean is wrong"),
        ],
    ),
    "digits-twice": (
        r"\epsilon (\sigma_j^2 + \epsilon)^{-1} \frac{1}{N} \sum_i g_{ij} \hat h_{ij}",
        [
            ("0", "left - right is"),
            (r"\frac{1}{N} \sum_k g_{kj} \hat h_{kj}", "left - right is"),
            (
                r"\frac{1}{N} \sum_i ( g_{ij} - \frac{1}{N} \sum_k g_{kj}"
                r" - \hat h_{ij} \frac{1}{N} \sum_k g_{kj} \hat h_{kj} ) \hat h_{ij}",
                "still has g_{ij} - in it",
            ),
        ],
    ),
    "layernorm-backward": (
        layernorm_backward,
        [
            (turned_backward, "dh is wrong"),
            (lambda *args: layernorm_backward(*args)[0], "give 3 results: dh, dgamma, dbeta"),
            (lambda *args: backward(*args[:3], 0 * args[2], args[3]), "dh is wrong"),
            (lambda dy, *rest: (*layernorm_backward(dy, *rest)[:2], dy.sum(1)), "dbeta has shape"),
        ],
    ),
    "layernorm-by-rms": (
        lambda *args: layernorm_backward(*args)[0],
        [
            (rmsnorm_backward, "dh is wrong"),
            (lambda dy, h, *rest: rmsnorm_backward(dy, h - h.mean(1, keepdims=True), *rest), "dh is wrong"),
        ],
    ),
    "groupnorm-backward": (
        groupnorm_backward,
        [
            (
                lambda dy, x, gamma, groups, eps: (
                    gamma[:, None, None] * groupnorm_backward(dy, x, np.ones_like(gamma), groups, eps)
                ),
                "dx is wrong",
            ),
            (lambda dy, x, gamma, groups, eps: groupnorm_backward(dy, x, gamma, 1, eps), "dx is wrong"),
            (
                lambda dy, x, gamma, groups, eps: groupnorm_backward(dy, x, gamma, len(gamma), eps),
                "dx is wrong",
            ),
        ],
    ),
    "redundant-biases": (
        (32, 8, 32, 1),
        [
            ((32, 32, 32, 32), "GN is wrong"),
            ((32, 8, 32, 0), "LN is wrong"),
            ((0, 24, 0, 31), "BN2d is wrong"),
        ],
    ),
    "evaluation-by-hand": (
        ([0.5, 0], 0.5),
        [
            (([3 / 16, -3 / 16], 0), "dh is wrong"),  # in training mode
            (([0.5, 0], 0), "db is wrong"),
            (([1, 0], 1), "dh is wrong"),
            ([0.5, 0], "dh has shape"),
        ],
    ),
    "evaluation-weights": (
        lambda alpha, T: np.array(
            [(1 - alpha) ** T] + [alpha * (1 - alpha) ** (T - t) for t in range(1, T + 1)]
        ),
        [
            (
                lambda alpha, T: np.array([(1 - alpha) ** T] + [alpha * (1 - alpha) ** t for t in range(T)]),
                "is wrong",  # the newest first
            ),
            (lambda alpha, T: alpha * (1 - alpha) ** np.arange(T, -1, -1), "is wrong at index"),
            (lambda alpha, T: alpha * (1 - alpha) ** np.arange(T - 1, -1, -1), "has shape"),
            (
                lambda alpha, T: np.array(
                    [alpha**T] + [(1 - alpha) * alpha ** (T - t) for t in range(1, T + 1)]
                ),
                "is wrong",  # alpha as the weight of the old value
            ),
        ],
    ),
    "evaluation-start": (
        lambda var, alpha, T: var / sum(alpha * (1 - alpha) ** t for t in range(T)),
        [
            (lambda var, alpha, T: var / (1 - alpha**T), "is wrong"),
            (lambda var, alpha, T: var * (1 - (1 - alpha) ** T), "is wrong"),
            (lambda var, alpha, T: var / (1 - alpha) ** T, "is wrong"),
        ],
    ),
    "evaluation-fold": (
        lambda W, b, gamma, beta, m, var, eps: (
            gamma * W / np.sqrt(var + eps),
            forward_in_evaluation(b, gamma, beta, m, var, eps),
        ),
        [
            (
                lambda W, b, gamma, beta, m, var, eps: (
                    gamma * W / np.sqrt(var),
                    forward_in_evaluation(b, gamma, beta, m, var, eps),
                ),
                "W is wrong",
            ),
            (
                lambda W, b, gamma, beta, m, var, eps: (
                    gamma * W / np.sqrt(var + eps),
                    forward_in_evaluation(0, gamma, beta, m, var, eps),
                ),
                "b is wrong",
            ),
            (lambda W, b, gamma, beta, m, var, eps: gamma * W / np.sqrt(var + eps), "give 2 results: W, b"),
        ],
    ),
    "logits-row": (
        (0.2, -0.7, 0.5),
        [
            ((0.2, 0.3, 0.5), "the row is wrong at index"),
            ((0.2, 1.3, 0.5), "the row is wrong at index"),
            ([[0.2, -0.7, 0.5]], "shape"),
        ],
    ),
    "temperature": (
        tempered,
        [
            (
                lambda z, labels, tau: (tempered(z, labels, tau)[0], tau * tempered(z, labels, tau)[1]),
                "dz is wrong",
            ),
            (lambda z, labels, tau: tempered(z, labels, 1.0), "the loss is wrong"),
            (lambda *args: tempered(*args)[1], "give 2 results: the loss, dz"),
        ],
    ),
    "no-mean-descent": (
        r"\sum_k \left( \frac{\partial \mathcal L}{\partial h_{kj}} \right)^2",
        [
            (
                r"\frac{1}{N} \sum_i \left( \frac{\partial \mathcal L}{\partial h_{ij}} \right)^2",
                "left - right is",
            ),
            (
                r"\frac{\gamma_j}{s_j} \sum_i g_{ij} \frac{\partial \mathcal L}{\partial h_{ij}}",
                "your line still has g_",
            ),
            ("0", "left - right is"),
        ],
    ),
    "workers-by-hand": (
        (4, 16 / 5, 11 / 3),
        [
            ((11 / 3, 16 / 5, 11 / 3), "mu is wrong"),
            ((4, (1 + 2 / 9) / 2, 11 / 3), "var is wrong"),  # the mean of the variances
            ((4, 4, 11 / 3), "var is wrong"),  # N - 1
            ((4, 16 / 5, 4), "M is wrong"),
        ],
    ),
    "workers-merge": (
        merge_rows,
        [
            (lambda n, m, v, k, o, w: (n + k, (m + o) / 2, merge_rows(n, m, v, k, o, w)[2]), "mu is wrong"),
            (
                lambda n, m, v, k, o, w: (*merge_rows(n, m, v, k, o, w)[:2], (n * v + k * w) / (n + k)),
                "var is wrong",
            ),
            (lambda *args: merge_rows(*args)[1:], "give 3 results: N, mu, var"),
        ],
    ),
    "workers-averaged": (
        lambda dy, h_hat, D: (D * (dy * h_hat).sum(0), D * dy.sum(0)),
        [
            (lambda dy, h_hat, D: ((dy * h_hat).sum(0), dy.sum(0)), "dgamma is wrong"),
            (lambda dy, h_hat, D: ((dy * h_hat).sum(0) / D, dy.sum(0) / D), "dgamma is wrong"),
            (lambda dy, h_hat, D: (D * (dy * h_hat).sum(0), dy.sum(0)), "dbeta is wrong"),
        ],
    ),
    "speed-passes": (
        (4, 4),
        [((4, 3), "the two lines is wrong"), ((5, 4), "the first line is wrong")],
    ),
    "speed-columns": (
        lambda dgamma, dbeta, gamma, inv_std, N: (
            gamma * inv_std,
            gamma * inv_std / N * dgamma,
            gamma * inv_std / N * dbeta,
        ),
        [
            (lambda dgamma, dbeta, gamma, inv_std, N: (gamma, dgamma / N, dbeta / N), "a is wrong"),
            (lambda dgamma, dbeta, gamma, s, N: (gamma * s, gamma * s * dgamma, dbeta / N), "b is wrong"),
        ],
    ),
    "speed-blocks": (
        lambda dy, h_hat, rows: (
            sum((dy[k : k + rows] * h_hat[k : k + rows]).sum(0) for k in range(0, len(dy), rows)),
            sum(dy[k : k + rows].sum(0) for k in range(0, len(dy), rows)),
        ),
        [
            (
                lambda dy, h_hat, rows: ((dy * h_hat)[: rows * (9 // rows)].sum(0), dy.sum(0)),
                "dgamma is wrong",
            ),
        ],
    ),
}
WRONG = [(name, *wrong) for name, (_, wrongs) in ANSWERS.items() for wrong in wrongs]


def test_every_exercise_is_posed_in_a_chapter_and_answered_here():
    text = "".join(path.read_text(encoding="utf-8") for path in CHAPTERS.glob("*.md"))
    posed = re.findall(r'exercises\.check\("([^"]+)"', text)
    assert sorted(posed) == sorted(2 * list(EXERCISES))  # a stub and a solution each
    assert list(ANSWERS) == list(EXERCISES)


@pytest.mark.parametrize("name", EXERCISES)
@pytest.mark.parametrize("stub", [None, ...], ids=["None", "Ellipsis"])
def test_a_stub_is_told_what_to_look_at(name, stub):
    message = f"{name}: not answered yet. {EXERCISES[name].hint}"
    with pytest.raises(ExerciseError, match=exactly(message)):
        check(name, stub)


@pytest.mark.parametrize("name", ANSWERS)
def test_the_right_answer_is_right(name):
    verdict = check(name, ANSWERS[name][0])
    draws = 20 if name == "museum-compare" else 3
    suffix = "" if EXERCISES[name].inputs is None else f" on {draws} random inputs"
    suffix = ", proved for every N" if EXERCISES[name].left_side else suffix
    assert repr(verdict) == str(verdict) == f"{name}: correct{suffix}."


@pytest.mark.parametrize(("name", "answer", "message"), WRONG)
def test_a_wrong_answer_is_wrong(name, answer, message):
    with pytest.raises(ExerciseError, match=f"^{name}: .*{message}"):
        check(name, answer)


def bump_in_place(h):
    h += 1
    return h.mean(0), h.var(0)


def change_the_cache(dout, cache):
    cache[0][:] = 0
    return own_backward(dout, cache)


def test_a_cache_must_stay_as_it_is():
    with pytest.raises(ExerciseError, match=r"changes its argument number 2; use a copy\.$"):
        check("own-staged", change_the_cache)


@pytest.mark.parametrize(
    "answer",
    [
        lambda *args: list(own_forward(*args)),
        lambda *args: (own_forward(*args)[0], list(own_forward(*args)[1])),
    ],
)
def test_a_cache_may_be_a_list(answer):
    check("own-forward", answer)


def test_results_may_be_lists_of_numbers():
    check("column-statistics", lambda h: (tuple(h.mean(0)), tuple(h.var(0))))
    with pytest.raises(ExerciseError, match="gamma has shape"):
        check("undo", ((3.0,), 4.0))


def append_to_it(arrays):
    arrays.append(arrays[0])
    return arrays[0].mean(0)


def test_a_list_must_stay_as_long_as_it_is():
    with pytest.raises(ExerciseError, match=r"changes its argument number 1; use a copy\.$"):
        check("museum-means", append_to_it)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (5.0, "give the function itself, got float."),
        (lambda: 1, "your function raised TypeError: "),
        (lambda h: None, "your function returns None; does it end in a return?"),
        (lambda h: ..., "your function returns Ellipsis; does it end in a return?"),
        (bump_in_place, "your function changes its argument number 1; use a copy."),
    ],
)
def test_a_function_that_cannot_be_compared(answer, message):
    with pytest.raises(ExerciseError, match=f"^column-statistics: {re.escape(message)}"):
        check("column-statistics", answer)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("5", "delta-trace: the sum must be real numbers, got str '5'. "),
        (5j, "delta-trace: the sum must be real numbers, got complex 5j. "),
        ([[1], [1, 2]], "delta-trace: the sum must be an array of numbers, got list [[1], [1, 2]]. "),
        (float("nan"), "delta-trace: the sum holds NaN or inf: look for a division by 0. "),
        (float("inf"), "delta-trace: the sum holds NaN or inf: look for a division by 0. "),
        ([5.0], "delta-trace: the sum has shape (1,), it must be (). "),
        (4.0, "delta-trace: the sum is wrong. "),
    ],
)
def test_a_value_that_cannot_be_right(answer, message):
    with pytest.raises(ExerciseError, match=f"^{re.escape(message + EXERCISES['delta-trace'].hint)}$"):
        check("delta-trace", answer)


def test_the_worst_entry_is_named():
    with pytest.raises(ExerciseError, match=re.escape("dh is wrong at index (2,). ")):
        check("three-numbers", np.array([3, -4, 2]) / 27)


@pytest.mark.parametrize(("shift", "right"), [(0.9e-6, True), (1.1e-6, False)])
def test_round_off_is_forgiven_and_nothing_more(shift, right):
    answer = np.array([3, -4, 1]) / 27 + shift
    if right:
        check("three-numbers", answer)
    else:
        with pytest.raises(ExerciseError):
            check("three-numbers", answer)


def test_an_unknown_exercise_is_named():
    with pytest.raises(ValueError, match=r"^name must be one of delta-trace, .*; got 'delta-race'$"):
        check("delta-race", 1)


def test_a_notebook_shows_the_message_alone():
    with pytest.raises(ExerciseError) as error:
        check("delta-trace", None)
    assert error.value._render_traceback_() == [f"ExerciseError: {error.value}"]


def test_the_inputs_are_the_same_every_time():
    seen = []
    for _ in range(2):
        with pytest.raises(ExerciseError):
            check("column-statistics", lambda h: seen.append(h))
    assert np.array_equal(seen[0], seen[1])


@pytest.mark.parametrize("name", [name for name in EXERCISES if EXERCISES[name].inputs])
def test_no_input_is_square(name):
    for argument in EXERCISES[name].inputs(np.random.default_rng(5)):
        for array in argument if isinstance(argument, tuple | list) else (argument,):
            if np.ndim(array) == 2:
                assert min(array.shape) > 1
                assert array.shape[0] != array.shape[1]


def test_the_module_is_the_one_that_chapters_import():
    assert exercises.check is check


def layer_with(**changes):
    """The layer's right backward pass, with some results changed by functions of it."""

    def answer(da, X, W, b, gamma, beta, eps):
        parts = ("dX", "dW", "db", "dgamma", "dbeta")
        right = dict(zip(parts, layer_backward(da, X, W, b, gamma, beta, eps), strict=True))
        return tuple(changes.get(part, lambda value, X: value)(right[part], X) for part in parts)

    return answer


# exercise: an answer, and what the message says of its mistake, in the book's names
KNOWN = [
    ("staged-backward", detached, "are treated as constants: dh = dy * gamma / std"),
    (
        "staged-backward",
        lambda *args: (backward(*args)[0], backward(*args)[1][None], backward(*args)[2]),
        "dgamma has shape (1, 3), it must be (3,). The shape is (1, H): keepdims=True",
    ),
    (
        "staged-backward",
        lambda dy, h, gamma, beta, eps: backward(dy, h, np.ones_like(gamma), beta, eps),
        "dh starts from dy in place of dy * gamma. dh_hat = dy * gamma, and dh from dh_hat.",
    ),
    (
        "batchnorm-forward",
        lambda h, gamma, beta, eps: forward(h, gamma, beta, 0.0),
        "eps is missing under the",
    ),
    (
        "means-backward",
        lambda dy, h_hat, inv_std, gamma: means_backward(dy, h_hat, inv_std, 1),
        "gamma is missing",
    ),
    (
        "means-backward",
        lambda dy, h_hat, inv_std, gamma: gamma * inv_std * (dy - dy.mean(0) - h_hat * (dy * h_hat).sum(0)),
        "The 1/N of the variance path is missing",
    ),
    (
        "variance-path",
        lambda *args: -variance_path(*args),
        "The path through the variance (dvar) has the wrong sign.",
    ),
    ("variance-path", lambda *args: 2 * variance_path(*args), "The path through the variance is double"),
    (
        "variance-path",
        lambda dy, h, gamma, eps: backward(dy, h, gamma, 0 * gamma, eps)[0],
        "That is all of dh. Leave the direct and the mean path out.",
    ),
    (
        "variance-path",
        lambda dy, h, gamma, eps: variance_path(dy, h, gamma, eps)[0],
        "it must be (7, 3). -1/N in front",
    ),
    (
        "layer-backward",
        layer_with(dW=lambda dW, X: dW / len(X)),
        "dW is divided by N: no loss is averaged here. dW = X.T @ dh.",
    ),
    (
        "layer-backward",
        layer_with(dbeta=lambda dbeta, X: -dbeta),
        "No sign changes here: dbeta = np.sum(dy, axis=0).",
    ),
]


@pytest.mark.parametrize(("name", "answer", "message"), KNOWN)
def test_a_known_mistake_is_named(name, answer, message):
    with pytest.raises(ExerciseError, match=re.escape(message)):
        check(name, answer)


def test_where_no_mistake_is_known_the_hint_is_given():
    with pytest.raises(ExerciseError, match=re.escape(EXERCISES["staged-backward"].hint)):
        check("staged-backward", lambda *args: (np.sin(backward(*args)[0]), *backward(*args)[1:]))
    with pytest.raises(ExerciseError, match="must be an array of numbers"):
        check("staged-backward", lambda *args: ([[1.0], [2.0, 3.0]], *backward(*args)[1:]))


def test_what_cannot_stand_in_an_exercise_is_not_named():
    def answer(dy, h_hat, inv_std, gamma):
        c = h_hat / inv_std
        return gamma * inv_std * (dy - dy.mean(0) - c * (dy * h_hat).mean(0))

    with pytest.raises(ExerciseError) as error:
        check("means-backward", answer)
    assert "h - mu stands for h_hat" in str(error.value)
    assert " h stands for" not in str(error.value)
