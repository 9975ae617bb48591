"""The quantities of the derivation: what the lines of a right backward pass compute."""

from typing import NamedTuple

import numpy as np


class Quantity(NamedTuple):
    """A quantity, as a learner would write it, its value for one probe, and its equation."""

    text: str
    value: np.ndarray
    label: str
    # of several terms or factors of dx at once: it could mend much, so it is no likely slip
    is_compound: bool = False


def quantities(probe):
    """The quantities of batch norm's derivation, in its order, for one probe."""
    p, N = probe, probe.N
    dxhat = p.dout * p.gamma
    sum_dxhat, sum_dxhat_xhat = dxhat.sum(axis=0), (dxhat * p.x_hat).sum(axis=0)
    divar = (dxhat * p.c).sum(axis=0)
    dvar = -0.5 * p.r**3 * divar
    dmu = -p.r * sum_dxhat
    direct, through_var = dxhat * p.r, 2 / N * p.c * dvar
    steps = (
        ("N, the number of rows", N, "eq-mean"),
        ("1 / N", 1 / N, "eq-mean"),
        ("D, the number of columns", p.H, "eq-linear"),
        ("eps", p.eps, "eq-normalize"),
        ("x", p.x, "eq-linear"),
        ("dout", p.dout, "eq-upstream"),
        ("gamma", p.gamma, "eq-affine"),
        ("beta", p.beta, "eq-affine"),
        ("mu = x.mean(axis=0)", p.mu, "eq-mean"),
        ("xmu = x - mu", p.c, "eq-centred"),
        ("(x - mu)**2", p.c**2, "eq-var"),
        ("var = ((x - mu)**2).mean(axis=0)", p.var, "eq-var"),
        ("var + eps", p.var + p.eps, "eq-normalize"),
        ("std = np.sqrt(var + eps)", 1 / p.r, "eq-std"),
        ("ivar = 1 / np.sqrt(var + eps)", p.r, "eq-normalize"),
        ("1 / (var + eps)", p.r**2, "eq-jac-product"),
        ("(var + eps)**-1.5", p.r**3, "eq-jac-product"),
        ("x_hat = (x - mu) / np.sqrt(var + eps)", p.x_hat, "eq-normalize"),
        ("gamma * x_hat", p.gamma * p.x_hat, "eq-affine"),
        ("dbeta = dout.sum(axis=0)", p.dbeta, "eq-dbeta-3"),
        ("dout * x_hat", p.dout * p.x_hat, "eq-dgamma-2"),
        ("dgamma = (dout * x_hat).sum(axis=0)", p.dgamma, "eq-dgamma-3"),
        ("dxhat = dout * gamma", dxhat, "eq-staged-3"),
        ("dout * gamma * (x - mu)", dxhat * p.c, "eq-staged-4"),
        ("divar = np.sum(dout * gamma * (x - mu), axis=0)", divar, "eq-staged-4"),
        ("dstd = -np.sum(dout * gamma * (x - mu), axis=0) / (var + eps)", -divar * p.r**2, "eq-staged-5"),
        ("dvar = np.sum(dout * gamma * (x - mu), axis=0) * -0.5 * (var + eps)**-1.5", dvar, "eq-staged-5"),
        ("dout * gamma * (x - mu) * -0.5 * (var + eps)**-1.5", -0.5 * dxhat * p.c * p.r**3, "eq-staged-5"),
        ("dsq = dvar / N", dvar / N, "eq-staged-6"),
        ("dxmu2 = 2 * (x - mu) * dvar / N", through_var, "eq-staged-6"),
        ("dxmu1 = dout * gamma / np.sqrt(var + eps)", direct, "eq-staged-6"),
        ("-dout * gamma / np.sqrt(var + eps)", -direct, "eq-staged-7"),
        ("dmu = -np.sum(dout * gamma, axis=0) / np.sqrt(var + eps)", dmu, "eq-staged-7"),
        ("dx2 = dmu / N", dmu / N, "eq-staged-8"),
        ("np.sum(dout * gamma, axis=0) / np.sqrt(var + eps)", -dmu, "eq-staged-7"),
        ("np.mean(dout * gamma, axis=0) / np.sqrt(var + eps)", -dmu / N, "eq-staged-8"),
        ("np.sum(dout * (x - mu), axis=0)", (p.dout * p.c).sum(axis=0), "eq-dh-5"),
        ("np.mean(dout * (x - mu), axis=0) / (var + eps)", (p.dout * p.c).mean(axis=0) * p.r**2, "eq-dh-5"),
        ("2 * (x - mu) / N", 2 * p.c / N, "eq-dvar-4"),
        ("np.sum(dout * gamma, axis=0)", sum_dxhat, "eq-dh-5"),
        ("dout * gamma * x_hat", dxhat * p.x_hat, "eq-dh-5"),
        ("np.sum(dout * gamma * x_hat, axis=0)", sum_dxhat_xhat, "eq-dh-5"),
        ("x_hat * np.sum(dout * gamma * x_hat, axis=0)", p.x_hat * sum_dxhat_xhat, "eq-dh-5"),
        ("N * dout * gamma", N * dxhat, "eq-dh-5"),
        ("N * dout", N * p.dout, "eq-dh-hat"),
        ("dout.mean(axis=0)", p.dbeta / N, "eq-dh-hat"),
        ("(dout * x_hat).mean(axis=0)", p.dgamma / N, "eq-dh-hat"),
        ("x_hat * (dout * x_hat).mean(axis=0)", p.x_hat * p.dgamma / N, "eq-dh-hat"),
        ("np.mean(dout * gamma, axis=0)", sum_dxhat / N, "eq-dh-hat"),
        ("np.mean(dout * gamma * x_hat, axis=0)", sum_dxhat_xhat / N, "eq-dh-hat"),
        ("x_hat * np.mean(dout * gamma * x_hat, axis=0)", p.x_hat * sum_dxhat_xhat / N, "eq-dh-hat"),
    )
    compounds = (
        ("y = gamma * x_hat + beta", p.y, "eq-affine"),
        ("gamma / np.sqrt(var + eps)", p.gamma * p.r, "eq-dh-5"),
        ("gamma / np.sqrt(var + eps) / N", p.gamma * p.r / N, "eq-dh-5"),
        ("1 / np.sqrt(var + eps) / N", p.r / N, "eq-dh-5"),
        (
            "dxmu = dout * gamma / np.sqrt(var + eps) + 2 * (x - mu) * dvar / N",
            direct + through_var,
            "eq-staged-6",
        ),
        ("dx", p.dx, "eq-dh-hat"),
        ("N * dout * gamma - np.sum(dout * gamma, axis=0)", N * dxhat - sum_dxhat, "eq-dh-5"),
        (
            "(N * dout - dbeta - x_hat * dgamma) * gamma",
            N * dxhat - sum_dxhat - p.x_hat * sum_dxhat_xhat,
            "eq-dh-5",
        ),
        ("N * dout - dbeta", N * p.dout - p.dbeta, "eq-dh-hat"),
        ("x_hat * dgamma", p.x_hat * p.dgamma, "eq-dh-hat"),
        ("N * dout - dbeta - x_hat * dgamma", p.dx / (p.gamma * p.r / N), "eq-dh-hat"),
        ("dout - dout.mean(axis=0)", p.dout - p.dbeta / N, "eq-dh-hat"),
        (
            "dout - dout.mean(axis=0) - x_hat * (dout * x_hat).mean(axis=0)",
            p.dx / (p.gamma * p.r),
            "eq-dh-hat",
        ),
        ("dout * gamma - np.mean(dout * gamma, axis=0)", dxhat - sum_dxhat / N, "eq-dh-hat"),
        ("(dout - dout.mean(axis=0) - x_hat * (dout * x_hat).mean(axis=0)) * gamma", p.dx / p.r, "eq-dh-hat"),
    )
    return quantities_of(steps) + quantities_of(compounds, are_compound=True)


def quantities_of(rows, are_compound=False):
    """Rows of text, value and label as quantities."""
    return [
        Quantity(text, np.asarray(value, dtype=float), label, are_compound) for text, value, label in rows
    ]


def shapes_of(value, probe):
    """A quantity in every shape in which a learner may hold it."""
    forms = [value]
    if value.ndim == 1:
        row = value[None, :]
        forms += [row, row.T, np.repeat(row, probe.N, axis=0), np.repeat(row.T, probe.N, axis=1)]
    elif value.ndim == 2:
        forms.append(value.T)
    return forms
