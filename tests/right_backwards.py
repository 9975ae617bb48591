"""Right backward passes of batch norm, as different people write them, each with its forward pass."""

import numpy as np

import bn_utils as bn


def forward(x, gamma, beta, eps):
    """The forward pass of CS231n's readers: cache = (x, mu, var, std, x_hat, gamma, eps)."""
    mu = np.mean(x, axis=0)
    var = np.var(x, axis=0)
    std = np.sqrt(var + eps)
    x_hat = (x - mu) / std
    return gamma * x_hat + beta, (x, mu, var, std, x_hat, gamma, eps)


def forward_bn_param(x, gamma, beta, bn_param):
    eps = bn_param.get("eps", 1e-5)
    momentum = bn_param.get("momentum", 0.9)
    running_mean = bn_param.get("running_mean", np.zeros(x.shape[1], dtype=x.dtype))
    out, cache = forward(x, gamma, beta, eps)
    bn_param["running_mean"] = momentum * running_mean + (1 - momentum) * cache[1]
    return out, {"x": x, "gamma": gamma, "xhat": cache[4], "ivar": 1 / cache[3], "bn_param": bn_param}


def forward_graph(x, gamma, beta, eps):
    """One operation a line, everything in the cache."""
    N, D = x.shape
    mu = 1.0 / N * np.sum(x, axis=0)
    xmu = x - mu
    sq = xmu**2
    var = 1.0 / N * np.sum(sq, axis=0)
    sqrtvar = np.sqrt(var + eps)
    ivar = 1.0 / sqrtvar
    xhat = xmu * ivar
    return gamma * xhat + beta, (xhat, gamma, xmu, ivar, sqrtvar, var, eps)


def forward_columns(x, gamma, beta, eps):
    """Transposed inside: one row a feature."""
    xt = x.T
    mu = xt.mean(1, keepdims=True)
    ivar = (xt.var(1, keepdims=True) + eps) ** -0.5
    hat = (xt - mu) * ivar
    return (gamma[:, None] * hat + beta[:, None]).T, [hat, ivar, gamma]


def graph(dout, cache):
    xhat, gamma, xmu, ivar, sqrtvar, var, eps = cache
    N, D = dout.shape
    dbeta = np.sum(dout, axis=0)
    dgammax = dout
    dgamma = np.sum(dgammax * xhat, axis=0)
    dxhat = dgammax * gamma
    divar = np.sum(dxhat * xmu, axis=0)
    dxmu1 = dxhat * ivar
    dsqrtvar = -1.0 / (sqrtvar**2) * divar
    dvar = 0.5 * 1.0 / np.sqrt(var + eps) * dsqrtvar
    dsq = 1.0 / N * np.ones((N, D)) * dvar
    dxmu2 = 2 * xmu * dsq
    dx1 = dxmu1 + dxmu2
    dmu = -1 * np.sum(dxmu1 + dxmu2, axis=0)
    dx2 = 1.0 / N * np.ones((N, D)) * dmu
    dx = dx1 + dx2
    return dx, dgamma, dbeta


def staged(dout, cache):
    x, mu, var, std, x_hat, gamma, eps = cache
    N = dout.shape[0]
    dbeta = dout.sum(axis=0)
    dgamma = (dout * x_hat).sum(axis=0)
    dx_hat = dout * gamma
    dvar = np.sum(dx_hat * (x - mu) * -0.5 * (var + eps) ** (-1.5), axis=0)
    dmu = np.sum(dx_hat * -1 / std, axis=0) + dvar * np.sum(-2 * (x - mu), axis=0) / N
    dx = dx_hat / std + dvar * 2 * (x - mu) / N + dmu / N
    return dx, dgamma, dbeta


def staged_without_the_vanishing_sum(dout, cache):
    x, mu, var, std, x_hat, gamma, eps = cache
    N = len(dout)
    dxhat = dout * gamma
    dvar = (dxhat * (x - mu)).sum(0) * -0.5 / std**3
    dmean = -(dxhat / std).sum(0)
    return dxhat / std + 2 * dvar * (x - mu) / N + dmean / N, (dout * x_hat).sum(0), dout.sum(0)


def closed(dout, cache):
    x, mu, var, std, x_hat, gamma, eps = cache
    N = dout.shape[0]
    dbeta = np.sum(dout, axis=0)
    dgamma = np.sum(dout * x_hat, axis=0)
    dx = (gamma / (N * std)) * (N * dout - dbeta - x_hat * dgamma)
    return dx, dgamma, dbeta


def closed_by_means(dout, cache):
    _, _, _, std, x_hat, gamma, _ = cache
    g = dout * gamma
    inner = g - g.mean(axis=0) - x_hat * (g * x_hat).mean(axis=0)
    return inner / std, (dout * x_hat).sum(axis=0), dout.sum(axis=0)


def closed_in_steps(dout, cache):
    x, mu, var, std, x_hat, gamma, eps = cache
    N = dout.shape[0]
    ivar = 1.0 / std
    dbeta = np.sum(dout, axis=0)
    dgamma = np.sum(dout * x_hat, axis=0)
    dxhat = dout * gamma
    t1 = N * dxhat
    t2 = np.sum(dxhat, axis=0)
    t3 = x_hat * np.sum(dxhat * x_hat, axis=0)
    dx = ivar / N * (t1 - t2 - t3)
    return dx, dgamma, dbeta


def einsum(dout, cache):
    x, mu, var, std, x_hat, gamma, eps = cache
    N = x.shape[0]
    dgamma = np.einsum("kl,kl->l", dout, x_hat)
    dbeta = np.einsum("kl->l", dout)
    g = np.einsum("kl,l->kl", dout, gamma / std)
    dx = g - np.einsum("kl->l", g) / N - x_hat * np.einsum("kl,kl->l", g, x_hat) / N
    return dx, dgamma, dbeta


def matrix(dout, cache):
    x, mu, var, std, x_hat, gamma, eps = cache
    N, D = x.shape
    dx = np.zeros_like(x)
    for j in range(D):
        v = x_hat[:, j : j + 1]
        J = np.eye(N) - np.ones((N, N)) / N - v @ v.T / N
        dx[:, j] = gamma[j] / std[j] * (J @ dout[:, j])
    return dx, np.diag(x_hat.T @ dout), np.ones(N) @ dout


def loops(dout, cache):
    x, mu, var, std, x_hat, gamma, eps = cache
    N, D = dout.shape
    dx, dgamma, dbeta = np.zeros((N, D)), np.zeros(D), np.zeros(D)
    for j in range(D):
        for k in range(N):
            dbeta[j] += dout[k, j]
            dgamma[j] += dout[k, j] * x_hat[k, j]
        for i in range(N):
            dx[i, j] = gamma[j] / std[j] * (dout[i, j] - dbeta[j] / N - x_hat[i, j] * dgamma[j] / N)
    return dx, dgamma, dbeta


def in_place(dout, cache):
    x, mu, var, std, x_hat, gamma, eps = cache
    N = dout.shape[0]
    dbeta, dgamma = dout.sum(0), (dout * x_hat).sum(0)
    dx = dout.copy()
    dx *= N
    dx -= dbeta
    dx -= x_hat * dgamma
    dx *= gamma
    dx /= std
    dx /= N
    return dx, dgamma, dbeta


def out_arguments(dout, cache):
    x, mu, var, std, x_hat, gamma, eps = cache
    buffer = np.empty_like(dout)
    np.multiply(dout, x_hat, out=buffer)
    dgamma = buffer.mean(axis=0)
    np.multiply(x_hat, dgamma, out=buffer)
    np.subtract(dout, buffer, out=buffer)
    buffer -= dout.mean(axis=0)
    buffer *= gamma / std
    return buffer, dgamma * len(dout), dout.sum(axis=0)


def float32(dout, cache):
    x, mu, var, std, x_hat, gamma, eps = (np.asarray(item, dtype=np.float32) for item in cache)
    dx, dgamma, dbeta = closed(dout.astype(np.float32), (x, mu, var, std, x_hat, gamma, eps))
    return dx.astype(np.float32), dgamma.astype(np.float32), dbeta


def float32_inside(dout, cache):
    return tuple(array.astype(np.float64) for array in float32(dout, cache))


def fortran(dout, cache):
    dx, dgamma, dbeta = closed(np.asfortranarray(dout), cache)
    return np.asfortranarray(dx), dgamma, dbeta


def strided(dout, cache):
    dx, dgamma, dbeta = closed(dout[::-1], (None, None, None, cache[3], cache[4][::-1], cache[5], None))
    return dx[::-1], dgamma, dbeta


def returns_a_list(dout, cache):
    return list(closed(dout, cache))


def with_helpers(dout, cache):
    x, mu, var, std, x_hat, gamma, eps = cache

    def centre(a):
        return a - a.mean(axis=0)

    g = gamma * dout / std
    return centre(g) - x_hat * (g * x_hat).mean(axis=0), (dout * x_hat).sum(0), dout.sum(0)


def one_expression(dout, cache):
    x, mu, var, std, x_hat, gamma, eps = cache
    return (
        gamma * (dout - dout.mean(0) - x_hat * (dout * x_hat).mean(0)) / std,
        np.sum(dout * x_hat, 0),
        np.sum(dout, 0),
    )


def recomputed(dout, cache):
    """From x alone; trusts nothing else that is stored."""
    x, gamma, eps = cache[0], cache[5], cache[6]
    xc = x - x.mean(axis=0)
    s2 = (xc * xc).mean(axis=0) + eps
    dx = gamma * s2**-0.5 * (dout - dout.mean(axis=0) - xc / s2 * (dout * xc).mean(axis=0))
    return dx, (dout * xc).sum(axis=0) * s2**-0.5, dout.sum(axis=0)


def inverse_power(dout, cache):
    x, mu, var, std, x_hat, gamma, eps = cache
    inv = np.power(var + eps, -0.5)
    dx_hat = gamma * dout
    dinv = np.sum(dx_hat * (x - mu), 0)
    dvar = -0.5 * np.power(inv, 3) * dinv
    dcentred = dx_hat * inv + 2.0 / len(x) * (x - mu) * dvar
    return dcentred - dcentred.mean(0), np.sum(dout * x_hat, 0), np.sum(dout, 0)


def vjp_of_a_jacobian(dout, cache):
    x, mu, var, std, x_hat, gamma, eps = cache
    N, D = x.shape
    J = np.eye(N)[:, :, None] - 1 / N - x_hat[:, None, :] * x_hat[None, :, :] / N
    return np.einsum("kl,kil->il", dout * gamma / std, J), (dout * x_hat).sum(0), dout.sum(0)


def projections(dout, cache):
    x, mu, var, std, x_hat, gamma, eps = cache
    N = len(x)
    g = gamma / std * dout
    one = np.full((N, 1), 1 / np.sqrt(N))
    g = g - one @ (one.T @ g)
    return g - x_hat * np.sum(g * x_hat, axis=0) / N, np.sum(dout * x_hat, axis=0), np.sum(dout, axis=0)


def negative_steps(dout, cache):
    x, mu, var, std, x_hat, gamma, eps = cache
    m = dout.shape[0]
    dmu = np.dot(np.ones(m), -gamma * dout / std)
    dvar = -np.sum(gamma * dout * x_hat, axis=0) / (2 * (var + eps))
    dx = gamma * dout / std + (2 * dvar * (x - mu) + dmu) / m
    return dx, np.sum(x_hat * dout, axis=0), np.dot(np.ones(m), dout)


def cs231n(dout, cache):
    dx, dgamma, dbeta = None, None, None
    xhat, gamma, ivar = cache["xhat"], cache["gamma"], cache["ivar"]
    N, D = dout.shape
    dbeta = np.sum(dout, axis=0)
    dgamma = np.sum(xhat * dout, axis=0)
    dxhat = dout * gamma
    dx = (1.0 / N) * ivar * (N * dxhat - np.sum(dxhat, axis=0) - xhat * np.sum(dxhat * xhat, axis=0))
    return dx, dgamma, dbeta


def cs231n_from_x(dout, cache):
    x, gamma, eps = cache["x"], cache["gamma"], cache["bn_param"]["eps"]
    return recomputed(dout, (x, 0, 0, 0, 0, gamma, eps))


def transposed(dout, cache):
    hat, ivar, gamma = cache
    g = dout.T
    dgamma = (g * hat).sum(1)
    dbeta = g.sum(1)
    dx = gamma[:, None] * ivar * (g - g.mean(1, keepdims=True) - hat * (g * hat).mean(1, keepdims=True))
    return dx.T, dgamma, dbeta


def transposed_steps(dout, cache):
    hat, ivar, gamma = cache
    dhat = dout.T * gamma.reshape(-1, 1)
    N = dhat.shape[1]
    s1 = dhat.sum(axis=1, keepdims=True)
    s2 = (dhat * hat).sum(axis=1, keepdims=True)
    dx = (ivar / N) * (N * dhat - s1 - hat * s2)
    return dx.T, (dout.T * hat).sum(axis=1), dout.sum(axis=0)


class Backward:
    """A callable that is no function."""

    def __call__(self, dout, cache):
        return closed(dout, cache)


def by_dots(dout, cache):
    x, mu, var, std, x_hat, gamma, eps = cache
    N, D = dout.shape
    sums = [(dout[:, j] @ x_hat[:, j], dout[:, j].sum()) for j in range(D)]
    dgamma, dbeta = np.array(sums).T
    return gamma / std * (dout - (dbeta + x_hat * dgamma) / N), dgamma, dbeta


def longdouble(dout, cache):
    dx, dgamma, dbeta = closed(dout.astype(np.longdouble), cache)
    return np.float64(dx), np.float64(dgamma), np.float64(dbeta)


def ours(x, gamma, beta, eps):
    return bn.batchnorm_forward(x, gamma, beta, eps)


RIGHT = [
    *(
        (backward, forward)
        for backward in (
            staged,
            staged_without_the_vanishing_sum,
            closed,
            closed_by_means,
            closed_in_steps,
            einsum,
            matrix,
            loops,
            in_place,
            out_arguments,
            float32,
            float32_inside,
            fortran,
            strided,
            returns_a_list,
            with_helpers,
            one_expression,
            recomputed,
            inverse_power,
            vjp_of_a_jacobian,
            projections,
            negative_steps,
            Backward(),
            by_dots,
            longdouble,
        )
    ),
    (graph, forward_graph),
    (cs231n, forward_bn_param),
    (cs231n_from_x, forward_bn_param),
    (transposed, forward_columns),
    (transposed_steps, forward_columns),
    *(
        (backward, made_by)
        for backward in (bn.batchnorm_backward, bn.batchnorm_backward_staged, bn.batchnorm_backward_delta)
        for made_by in (None, ours)
    ),
]
