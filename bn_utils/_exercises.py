"""The exercises of the chapters: their right values, and hints for wrong ones."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from bn_utils import _known_mistakes
from bn_utils.batchnorm import batchnorm_backward, batchnorm_double_backward, batchnorm_forward
from bn_utils.jacobian import dhhat_dh, dhhat_dh_variance, dmu_dh, dvar_dh, kronecker_delta
from bn_utils.layers import (
    linear_backward,
    linear_forward,
    relu_backward,
    relu_forward,
    softmax_cross_entropy_backward,
    softmax_cross_entropy_forward,
)
from bn_utils.norms import groupnorm_backward, groupnorm_forward, layernorm_backward, layernorm_forward

BOOK_NAMES = {  # of what the diagnosis calls by the names of most learners
    "dx": "dh",
    "x": "h",
    "x_hat": "h_hat",
    "dout": "dy",
    "dxhat": "dh_hat",
    "ivar": "inv_std",
    "xmu": "centred",
    "D": "H",
}


class Exercise(NamedTuple):
    """One exercise: what is right, and what to look at when an answer is not."""

    solution: object  # the right value, or a function that computes it; of a line, what it must do without
    parts: tuple[str, ...]  # the names of the results
    hint: str
    inputs: Callable | None = None  # rng -> arguments, where the answer is a function
    left_side: str = ""  # of the line, as TeX, where the answer is its right side
    diagnose: Callable | None = None  # (part, wrong result, *arguments) -> explanations
    names: dict = BOOK_NAMES  # what the diagnosis' names are called in the exercise
    draws: int = 3  # of the inputs


def _random_batch(rng):
    """An (N, H) batch with an offset, N and H different."""
    return rng.normal(2.0, 1.5, size=(rng.integers(5, 8), rng.integers(2, 5)))


def _batch_inputs(rng):
    return (_random_batch(rng),)


def _forward_inputs(rng):
    h = _random_batch(rng)
    return h, rng.normal(size=h.shape[1]), rng.normal(size=h.shape[1]), 0.3


def _product_inputs(rng):
    a = _random_batch(rng)
    return rng.normal(size=a.shape), a, rng.normal(size=a.shape[1])


def _mean_inputs(rng):
    h = _random_batch(rng)
    return rng.normal(size=h.shape[1]), h


def _backward_inputs(rng):
    h, gamma, beta, eps = _forward_inputs(rng)
    return rng.normal(size=h.shape), h, gamma, beta, eps


def _backward(dy, h, gamma, beta, eps):
    return batchnorm_backward(dy, batchnorm_forward(h, gamma, beta, eps)[1])


def _means_inputs(rng):
    dy, h, gamma, beta, eps = _backward_inputs(rng)
    cache = batchnorm_forward(h, gamma, beta, eps)[1]
    return dy, cache.h_hat, cache.inv_std, gamma


def _spectral_inputs(rng):
    dy, h_hat, inv_std, gamma = _means_inputs(rng)
    return dy, h_hat, gamma, 1 / inv_std, 0.3


def _layer_inputs(rng):
    da, h, gamma, beta, eps = _backward_inputs(rng)
    X, W = rng.normal(size=(len(h), 8)), rng.normal(size=(8, len(gamma)))
    return da, X, W, rng.normal(size=len(gamma)), gamma, beta, eps


def _layer_backward(da, X, W, b, gamma, beta, eps):
    h, linear = linear_forward(X, W, b)
    y, norm = batchnorm_forward(h, gamma, beta, eps)
    dy = relu_backward(da, relu_forward(y)[1])
    dh, dgamma, dbeta = batchnorm_backward(dy, norm)
    return *linear_backward(dh, linear), dgamma, dbeta


def _tempered(z, labels, tau):
    loss, cache = softmax_cross_entropy_forward(z / tau, labels)
    return loss, softmax_cross_entropy_backward(cache) / tau


def _tempered_inputs(rng):
    z = _random_batch(rng)
    return z, rng.integers(z.shape[1], size=len(z)), rng.uniform(0.5, 3.0)


def _merge(n, mean, var, other_n, other_mean, other_var):
    share, distance = other_n / (n + other_n), other_mean - mean
    merged = (1 - share) * var + share * other_var + share * (1 - share) * distance**2
    return mean + share * distance, merged


def _merge_inputs(rng):
    """Two batches of different sizes; in some draws 1e8 is added to both."""
    sizes = int(rng.integers(2, 9)), int(rng.integers(10, 20))
    means = 1e8 * rng.integers(2) + rng.normal(size=(2, 3))
    variances = rng.uniform(0.5, 2.0, size=(2, 3))
    return sum(zip(sizes, means, variances, strict=True), ())


def _own_forward(x, gamma, beta, eps):
    """The forward pass of chapter 07_your_own_backward, in the names of CS231n."""
    y, cache = batchnorm_forward(x, gamma, beta, eps)
    return y, (cache.h_hat, x - cache.mu, cache.inv_std, gamma)


def _own_backward(dout, cache):
    x_hat, _, ivar, gamma = cache
    dgamma, dbeta = (dout * x_hat).sum(axis=0), dout.sum(axis=0)
    return gamma * ivar / len(dout) * (len(dout) * dout - dbeta - x_hat * dgamma), dgamma, dbeta


def _own_inputs(rng):
    """(dout, cache), with the cache of that forward pass."""
    dout, *arguments = _backward_inputs(rng)
    return dout, _own_forward(*arguments)[1]


def _own_parameter_inputs(rng):
    dout, (x_hat, *_) = _own_inputs(rng)
    return dout, x_hat


def _own_statistics_inputs(rng):
    dout, (_, xmu, ivar, gamma) = _own_inputs(rng)
    return dout * gamma, xmu, ivar


def _running_inputs(rng):
    """A batch, running statistics that are not its own, and a momentum."""
    x = _random_batch(rng)
    D = x.shape[1]
    return x, rng.normal(size=D), rng.uniform(0.5, 2, size=D), rng.uniform(0.6, 0.95)


def _evaluation_inputs(rng):
    x, mean, var, _ = _running_inputs(rng)
    return rng.normal(size=x.shape), x, rng.normal(size=x.shape[1]), mean, var, 0.3


def _evaluation_backward(dout, x, gamma, running_mean, running_var, eps):
    ivar = (running_var + eps) ** -0.5
    return dout * gamma * ivar, (dout * (x - running_mean) * ivar).sum(axis=0), dout.sum(axis=0)


def _fold_inputs(rng):
    x, mean, var, _ = _running_inputs(rng)
    W, (b, gamma, beta) = rng.normal(size=(5, x.shape[1])), rng.normal(size=(3, x.shape[1]))
    return W, b, gamma, beta, mean, var, 0.3


def _fold(W, b, gamma, beta, running_mean, running_var, eps):
    scale = gamma * (running_var + eps) ** -0.5
    return W * scale, (b - running_mean) * scale + beta


def _workers_inputs(rng):
    """The rows of two workers, of different numbers."""
    return ([rng.normal(size=(rows, 3)) for rows in rng.permutation(range(4, 9))[:2]],)


def _hessian_inputs(rng):
    u, *arguments, eps = _backward_inputs(rng)
    return u, *arguments, rng.normal(size=u.shape), eps


def _hessian_vector(u, h, gamma, beta, t, eps):
    y, cache = batchnorm_forward(h, gamma, beta, eps)
    phi_dy, phi_h, _ = batchnorm_double_backward(u, 0 * gamma, 0 * gamma, y - t, cache)
    return batchnorm_backward(phi_dy, cache)[0] + phi_h


def _pair_inputs(rng):
    """Two arrays and a bound: within it, beyond it in one entry, or of different shapes."""
    expected, tol = rng.normal(size=(3, 4)), rng.choice([1e-2, 1e-5])
    actual = expected + 0.5 * tol * rng.choice([-1, 1], size=(3, 4))
    kind = rng.integers(4)
    if kind == 1:
        entry = tuple(rng.integers((3, 4)))
        actual[entry] = expected[entry] + 2 * tol * rng.choice([-1, 1])
    elif kind == 2:
        actual, expected = np.tile(expected[0], (3, 1)), expected[0]  # equal rows, for one
    elif kind == 3:
        actual = actual[None]
    return actual, expected, tol


def _layernorm_backward(dy, h, gamma, eps):
    return layernorm_backward(dy, layernorm_forward(h, gamma, 0 * gamma, eps)[1])


def _image_inputs(rng):
    """(dy, x, gamma, groups, eps) of group norm: images of 2 to 4 groups of 2 channels."""
    groups = int(rng.integers(2, 5))
    shape = rng.integers(2, 5), 2 * groups, 3, 2
    return rng.normal(size=shape), rng.normal(2.0, 1.5, size=shape), rng.normal(size=2 * groups), groups, 0.3


OWN_BACKWARD = Exercise(
    _own_backward,
    ("dx", "dgamma", "dbeta"),
    "Run diagnose(your function, batchnorm_forward), mend what it names first, and run it again.",
    _own_inputs,
    diagnose=_known_mistakes.of_cache,
    names={},
)


def _merge_rows(N_1, mu_1, var_1, N_2, mu_2, var_2):
    N = N_1 + N_2
    mu = (N_1 * mu_1 + N_2 * mu_2) / N
    return N, mu, (N_1 * (var_1 + mu_1**2) + N_2 * (var_2 + mu_2**2)) / N - mu**2


def _shards(rng):
    first, second = _random_batch(rng)[:, :2], _random_batch(rng)[:2, :2] + 1
    return (len(first), first.mean(0), first.var(0), len(second), second.mean(0), second.var(0))


EXERCISES = {
    # 00_notation
    "delta-trace": Exercise(
        5.0, ("the sum",), "Write its five terms out: what is delta_11, and what is delta_22?"
    ),
    "delta-pick": Exercise(
        6.0, ("the sum",), "Each delta replaces one summed index: p becomes i = 2, q becomes j = 3."
    ),
    "delta-mean": Exercise(
        (0.25, 0.0),
        ("the value for j = l", "the value for j != l"),
        "Only delta_ip contains p: sum it over p first. The factor 1/4 and delta_jl stay.",
    ),
    "delta-matrix": Exercise(
        kronecker_delta,
        ("delta",),
        "Entry [i, j] is 1 where i = j and 0 elsewhere; compare two index arrays by broadcasting.",
        lambda rng: (int(rng.integers(2, 7)),),
    ),
    # 01_forward
    "column-statistics": Exercise(
        lambda h: (h.mean(axis=0), h.var(axis=0)),
        ("mu", "var"),
        "One number a column: sum over the rows, axis 0, and divide by N both times.",
        _batch_inputs,
    ),
    "normalized-variance": Exercise(
        0.8,
        ("the variance",),
        "It is the mean of the squares of h_hat, and each h_hat is divided by s: s^2 = sigma^2 + eps.",
    ),
    "undo": Exercise(
        (3.0, 4.0),
        ("gamma", "beta"),
        "Solve gamma (h - 4) / 3 + beta = h for every h: s = 3 and mu = 4 are those of the column.",
    ),
    "batchnorm-forward": Exercise(
        lambda h, gamma, beta, eps: batchnorm_forward(h, gamma, beta, eps)[0],
        ("y",),
        "Check mu, sigma^2, h_hat and y in turn: columns, divisor N, eps inside the root.",
        _forward_inputs,
        diagnose=_known_mistakes.of_forward,
    ),
    # 02_chain_rule
    "product-node": Exercise(
        lambda dout, a, b: (dout * b, (dout * a).sum(axis=0)),
        ("da", "db"),
        "Each gradient has the shape of its own variable: b was broadcast over the rows, so sum over them.",
        _product_inputs,
    ),
    "mean-node": Exercise(
        lambda dmu, h: np.ones_like(h) * dmu / h.shape[0],
        ("dh",),
        "Every entry of a column moves its mean by 1/N of its own move: shape (N, H), not (H,).",
        _mean_inputs,
    ),
    "three-numbers": Exercise(
        np.array([3.0, -4.0, 1.0]) / 27,
        ("dh",),
        "Check that your three numbers add up to 0, then the two paths through mu and through sigma^2.",
    ),
    "staged-backward": Exercise(
        _backward,
        ("dh", "dgamma", "dbeta"),
        "Check each line by its shape, then against the eight steps, from y back to h.",
        _backward_inputs,
        diagnose=_known_mistakes.of_backward,
    ),
    # 03_delta_notation
    "centred-cases": Exercise(
        (0.75, -0.25, 0.0),
        ("k = i", "k != i", "the other column"),
        "Put the indices into delta_ik delta_jl - delta_jl / N and read each delta as a switch.",
    ),
    "mean-jacobian": Exercise(
        dmu_dh,
        ("dmu/dh",),
        "Which entry of which column moves the mean of column l, and how much? The axes are l, i, j.",
        _batch_inputs,
    ),
    "square-jacobian": Exercise(
        lambda h: 2 / h.shape[0] * np.einsum("il,jl->lij", h, np.eye(h.shape[1])),
        ("dr/dh",),
        "The derivative of h_pl^2 is 2 h_pl delta_ip delta_jl; then delta_ip contracts the sum over p.",
        _batch_inputs,
    ),
    "variance-jacobian": Exercise(
        dvar_dh,
        ("dvar/dh",),
        "Differentiate the square, contract the sum over p. What does a centred column sum to? Axes l, i, j.",
        _batch_inputs,
    ),
    "three-by-three": Exercise(
        np.array([[9.0, -12.0, 3.0], [-12.0, 17.0, -5.0], [3.0, -5.0, 2.0]]) / 81,
        ("the Jacobian",),
        "Put s = 3 and c = (-3, -1, 4) into the three terms, 1/81 included; each row must sum to 0.",
    ),
    "full-jacobian": Exercise(
        dhhat_dh,
        ("dhhat/dh",),
        "Compare your three terms with bn_utils: dhhat_dh_delta, dhhat_dh_mean, dhhat_dh_variance.",
        lambda rng: (_random_batch(rng), 0.3),
    ),
    # 04_final_formulas
    "variance-path": Exercise(
        lambda dy, h, gamma, eps: np.einsum("kl,l,klij->ij", dy, gamma, dhhat_dh_variance(h, eps)),
        ("the path",),
        "-1/N in front; delta_jl turns l into j; the sum over k stays; (h_ij - mu_j) before it; power -3/2.",
        lambda rng: (*_backward_inputs(rng)[:3], 0.3),
        diagnose=_known_mistakes.of_variance_path,
    ),
    "means-backward": Exercise(
        lambda dy, h_hat, inv_std, gamma: (
            gamma * inv_std * (dy - dy.mean(axis=0) - h_hat * (dy * h_hat).mean(axis=0))
        ),
        ("dh",),
        "Divide the bracket of the closed form by N: each sum over the rows becomes a mean.",
        _means_inputs,
        diagnose=_known_mistakes.of_means,
    ),
    "layer-backward": Exercise(
        _layer_backward,
        ("dX", "dW", "db", "dgamma", "dbeta"),
        "Walk back: the mask y > 0 of the ReLU, batch norm, linear, in this order.",
        _layer_inputs,
        diagnose=_known_mistakes.of_layer,
    ),
    # 05_how_the_checking_works
    "normalised-times-h": Exercise(
        r"\sum",
        ("the line",),
        "Write h = (h - mu) + mu: what does the centred column, divided by s, sum to with each part?",
        left_side=r"\sum_i \hat h_{ij} h_{ij}",
    ),
    "output-by-variance": Exercise(
        r"\partial",
        ("the line",),
        "Only the power of sigma_l^2 + epsilon contains it; h and mu stand still. And if j is not l?",
        left_side=r"\frac{\partial y_{kl}}{\partial \sigma_j^2}",
    ),
    "gradient-along-hhat": Exercise(
        r"\partial",
        ("the line",),
        "Put the closed form in. A column of hhat sums to 0, its squares to N sigma^2 / (sigma^2 + epsilon).",
        left_side=r"\sum_i \frac{\partial \mathcal L}{\partial h_{ij}} \hat h_{ij}",
    ),
    # 06_gradient_checking
    "central-difference": Exercise(
        lambda f, x, t: (f(x + t) - f(x - t)) / (2 * t),
        ("the difference",),
        "Nudge x up and down by t; the two points are 2 t apart.",
        lambda rng: (rng.choice([np.sin, np.exp, np.tanh]), rng.normal(), rng.uniform(0.01, 0.1)),
    ),
    "two-rows": Exercise(
        np.array([3.0, -3.0]) / 16,
        ("dh",),
        "mu = 1, sigma^2 = 1 and s^2 = 4, so h_hat = (-1/2, 1/2). Put them into the closed form.",
    ),
    "dy-is-h": Exercise(
        r"\partial",
        ("the line",),
        "Put g = h into the closed form and write h = mu + (h - mu): mu leaves with the mean.",
        left_side=r"\sum_{k,l} h_{kl} \frac{\partial y_{kl}}{\partial h_{ij}}",
    ),
    # 07_your_own_backward
    "own-forward": Exercise(
        _own_forward,
        ("out", "x_hat", "xmu", "ivar", "gamma"),
        "Return (out, cache) with cache = (x_hat, xmu, ivar, gamma), where ivar = (var + eps) ** -0.5.",
        _forward_inputs,
        diagnose=_known_mistakes.of_forward,
        names={},
    ),
    "own-parameters": Exercise(
        lambda dout, x_hat: ((dout * x_hat).sum(axis=0), dout.sum(axis=0)),
        ("dgamma", "dbeta"),
        "gamma_j and beta_j stand in every row of column j: sum over the rows.",
        _own_parameter_inputs,
    ),
    "own-statistics": Exercise(
        lambda dxhat, xmu, ivar: (-0.5 * (dxhat * xmu).sum(axis=0) * ivar**3, -(dxhat * ivar).sum(axis=0)),
        ("dvar", "dmu"),
        "Check the sum over the rows, the sign and, in dvar, the derivative of (var + eps) ** -0.5 by var.",
        _own_statistics_inputs,
    ),
    "own-staged": OWN_BACKWARD,
    "own-alt": OWN_BACKWARD,
    "own-running": Exercise(
        lambda x, mean, var, momentum: (
            momentum * mean + (1 - momentum) * x.mean(axis=0),
            momentum * var + (1 - momentum) * x.var(axis=0),
        ),
        ("running_mean", "running_var"),
        "CS231n's momentum is the weight of the old value; its variance has the divisor N.",
        _running_inputs,
    ),
    "mend-first": OWN_BACKWARD,
    "mend-second": OWN_BACKWARD,
    "mend-third": OWN_BACKWARD,
    # 08_museum_of_bugs
    **{
        f"museum-{name}": OWN_BACKWARD._replace(hint=hint)
        for name, hint in (
            ("detached", "In training, the mean and the variance depend on every row of x."),
            ("gamma", "Which lines still use what was computed from dout before gamma?"),
            ("precedence", "Which of the two summands does / N divide?"),
            ("tolerance", "Which of the summands in the brackets has no 1/N?"),
            ("square", "The batch has N = len(dout) rows; D counts its columns."),
        )
    },
    "museum-root": Exercise(
        lambda x, gamma, beta, eps: batchnorm_forward(x, gamma, beta, eps)[0],
        ("out",),
        "x - mu is divided by the root of var + eps.",
        _forward_inputs,
        diagnose=_known_mistakes.of_forward,
        names={},
    ),
    "museum-variance": Exercise(
        lambda x: x.var(axis=0),
        ("the variance",),
        "Subtract the mean before you square.",
        lambda rng: (_random_batch(rng) + 1e8,),
    ),
    "museum-kept": Exercise(
        lambda x, mean, var, momentum: (
            (1 - momentum) * mean + momentum * x.mean(axis=0),
            (1 - momentum) * var + momentum * x.var(axis=0, ddof=1),
        ),
        ("running_mean", "running_var"),
        "The variance that is kept has the divisor N - 1; momentum is the weight of the new one.",
        _running_inputs,
    ),
    "museum-means": Exercise(
        lambda arrays: np.concatenate(arrays).mean(axis=0),
        ("the mean",),
        "A worker with more rows must count for more.",
        _workers_inputs,
    ),
    "museum-handed": Exercise(
        lambda dout, x_hat: (dout * x_hat).sum(axis=0),
        ("dgamma",),
        "Hand over what your own rows give; the trainer adds the workers up.",
        _own_parameter_inputs,
    ),
    "museum-eps": Exercise(
        _evaluation_backward,
        ("dx", "dgamma", "dbeta"),
        "Both dx and dgamma divide by the root of running_var + eps.",
        _evaluation_inputs,
    ),
    "museum-compare": Exercise(
        lambda actual, expected, tol: (
            actual.shape == expected.shape and bool(np.all(np.abs(actual - expected) <= tol))
        ),
        ("the verdict",),
        "Compare the shapes first; then every entry, whichever way it is off.",
        _pair_inputs,
        draws=20,
    ),
    # 09_geometry
    "three-eigenvalues": Exercise(
        np.array([0, 2 / 81, 2 / 3]),
        ("the eigenvalues",),
        "s = 3. One is 0, one is gamma eps / s^3, and N - 2 = 1 is gamma / s.",
    ),
    "spectral-backward": Exercise(
        lambda dy, h_hat, gamma, s, eps: (
            gamma / s * (dy - dy.mean(axis=0) - h_hat * (dy * h_hat).mean(axis=0))
        ),
        ("dh",),
        "The mean goes; the part along h_hat has gamma eps / s^3; what is left of dy has gamma / s.",
        _spectral_inputs,
    ),
    "gradient-times-h": Exercise(
        r"\sum",
        ("the line",),
        "Write h = mu + s hhat: the gradient of h sums to 0, and its sum with hhat is known.",
        left_side=r"\sum_i h_{ij} \frac{\partial \mathcal L}{\partial h_{ij}}",
    ),
    "resting-length": Exercise(
        lambda G, lr, decay: (lr**2 * G**2 / (1 - (1 - lr * decay) ** 2)) ** 0.25,
        ("the length",),
        "Put |dW| = G / |W| into lr^2 |dW|^2 = (1 - (1 - lr decay)^2) |W|^2 and solve for |W|.",
        lambda rng: (rng.uniform(0.5, 2), rng.uniform(0.1, 1), rng.uniform(0.1, 0.5)),
    ),
    # 13_second_derivative
    "second-by-hand": Exercise(
        np.array([-7.0, 3.0, 4.0]) / 243,
        ("the derivative",),
        "The means of g and u are 1/3; G = -1/3, U = -1/9 and C = -1/9. Your three numbers must sum to 0.",
    ),
    "second-of-s": Exercise(
        r"\partial",
        ("the line",),
        "The first derivative is hhat_kj / N, so this is the Jacobian of hhat, divided by N.",
        left_side=r"\frac{\partial (\frac{\partial s_j}{\partial h_{kj}})}{\partial h_{ij}}",
    ),
    "hessian-vector": Exercise(
        _hessian_vector,
        ("the product",),
        "dh moves for two reasons: dy does, at the rate of y along u, and h does, at the rate phi_h.",
        _hessian_inputs,
    ),
    # 14_numerics
    "digits-constant": Exercise(
        (1e-4, -(0.5**0.5)),
        ("the variance", "h_hat"),
        "h - m is -1/100 in every row, for the variance and for h_hat.",
    ),
    "digits-merge": Exercise(
        _merge,
        ("the mean", "the variance"),
        "Start from the first mean, and add the share of the distance. The squared distance of the means has "
        "the weight n other_n / (n + other_n)^2.",
        _merge_inputs,
    ),
    "digits-twice": Exercise(
        "g_{ij} -",
        ("the line",),
        "Multiply the bracket out: hhat sums to 0, and its squares to N sigma^2 / s^2.",
        left_side=r"\frac{1}{N} \sum_i \left( g_{ij} - \frac{1}{N} \sum_k g_{kj}"
        r" - \hat h_{ij} \frac{1}{N} \sum_k g_{kj} \hat h_{kj} \right) \hat h_{ij}",
    ),
    # 12_the_family
    "layernorm-backward": Exercise(
        _layernorm_backward,
        ("dh", "dgamma", "dbeta"),
        "The means of dh run along the rows, over dy * gamma; dgamma and dbeta are sums down the columns.",
        lambda rng: (*_backward_inputs(rng)[:3], 0.3),
    ),
    "layernorm-by-rms": Exercise(
        lambda *arguments: _layernorm_backward(*arguments)[0],
        ("dh",),
        "Walk back through the two steps: first RMS norm, then the centring of the row, whose "
        "gradient is centred too.",
        lambda rng: (*_backward_inputs(rng)[:3], 0.3),
    ),
    "groupnorm-backward": Exercise(
        lambda dy, x, gamma, groups, eps: groupnorm_backward(
            dy, groupnorm_forward(x, gamma, 0 * gamma, groups, eps)[1]
        )[0],
        ("dx",),
        "Multiply dy by gamma first; then a set is one row of x.reshape(N, groups, -1).",
        _image_inputs,
    ),
    "redundant-biases": Exercise(
        (32, 8, 32, 1),
        ("BN2d", "GN", "IN", "LN"),
        "A set inside one channel: all 32. Else one direction for each group of channels with a common mean.",
    ),
    # 11_training_and_evaluation
    "evaluation-by-hand": Exercise(
        (np.array([0.5, 0.0]), 0.5),
        ("dh", "db"),
        "The statistics are constants: dh is g, times gamma and 1 / (tau^2 + eps)^(1/2); b is in every row.",
    ),
    "evaluation-weights": Exercise(
        lambda alpha, T: np.r_[(1 - alpha) ** T, alpha * (1 - alpha) ** np.arange(T - 1, -1, -1)],
        ("the array",),
        "Each step multiplies all weights by 1 - alpha, then adds a new one, alpha. They sum to 1.",
        lambda rng: (rng.uniform(0.1, 0.5), int(rng.integers(2, 9))),
    ),
    "evaluation-start": Exercise(
        lambda running_var, alpha, T: running_var / (1 - (1 - alpha) ** T),
        ("the variance",),
        "The T batches have the weight 1 - (1 - alpha)^T together; the rest went to a 0.",
        lambda rng: (_running_inputs(rng)[2], rng.uniform(0.1, 0.5), int(rng.integers(1, 9))),
    ),
    "evaluation-fold": Exercise(
        _fold,
        ("W", "b"),
        "Put h = X W + b into the evaluation mode, and collect what X is multiplied by, column by column.",
        _fold_inputs,
    ),
    # 10_training_by_hand
    "logits-row": Exercise(
        np.array([0.2, -0.7, 0.5]),
        ("the row",),
        "exp of the logits is 2, 3 and 5, and their sum 10. The right class, and it alone, gets a minus 1.",
    ),
    "temperature": Exercise(
        _tempered,
        ("the loss", "dz"),
        "The softmax sees z / tau; on the way back, the chain rule multiplies by its derivative 1 / tau.",
        _tempered_inputs,
    ),
    "no-mean-descent": Exercise(
        "g_",
        ("the line",),
        "Multiply the bracket out. The sum over k has no i in it; what does a column of dh add up to?",
        left_side=r"\sum_i \frac{\partial \mathcal L}{\partial h_{ij}} \left( \frac{\partial \mathcal L}"
        r"{\partial h_{ij}} + \frac{\gamma_j}{N s_j} \sum_k g_{kj} \right)",
    ),
    # 15_many_workers
    "workers-by-hand": Exercise(
        (4.0, 3.2, 11 / 3),
        ("mu", "var", "M"),
        "Add up the five rows, not the two means; the variance is about the mean of all five.",
    ),
    "workers-merge": Exercise(
        _merge_rows,
        ("N", "mu", "var"),
        "A worker's sum of squares about the mean of all is N var + N (its mean - the mean of all)^2.",
        _shards,
    ),
    "workers-averaged": Exercise(
        lambda dy, h_hat, D: (D * (dy * h_hat).sum(axis=0), D * dy.sum(axis=0)),
        ("dgamma", "dbeta"),
        "The average is the sum over the workers, divided by D; the gradient is the sum.",
        lambda rng: (*rng.normal(size=(2, 6, 3)), int(rng.integers(2, 9))),
    ),
    # 16_speed
    "speed-passes": Exercise(
        (4, 4),
        ("the first line", "the two lines"),
        "Each operation of NumPy reads its large arrays and writes one, in place or not; gamma is a row.",
    ),
    "speed-columns": Exercise(
        lambda dgamma, dbeta, gamma, inv_std, N: (
            gamma * inv_std,
            gamma * inv_std * dgamma / N,
            gamma * inv_std * dbeta / N,
        ),
        ("a", "b", "c"),
        "Multiply the closed form out, and sort: what stands before dy, before h_hat, and alone?",
        lambda rng: (*rng.normal(size=(4, 3)), int(rng.integers(2, 9))),
    ),
    "speed-blocks": Exercise(
        lambda dy, h_hat, rows: ((dy * h_hat).sum(axis=0), dy.sum(axis=0)),
        ("dgamma", "dbeta"),
        "A slice that reaches beyond the last row ends there: dy[8:12] of 10 rows has 2.",
        lambda rng: (*rng.normal(size=(2, 10, 3)), int(rng.integers(2, 8))),
    ),
}
