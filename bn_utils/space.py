"""A column of three numbers as an arrow in space: the backward pass drawn as a projection."""

import numpy as np

from bn_utils._validation import check_arrays, describe
from bn_utils.plotting import INK, MUTED, PATHS, Path

BACK, UP = 0.55, 0.85  # how long a unit to the back, and along 1, is on paper
TURN = np.exp(-1j)  # of the plane, about the direction 1


def projection(ax, h_hat, g, left):
    """Draw how the backward pass takes from a gradient its parts along 1 and along h_hat.

    The plane is orthogonal to 1, the circle about its origin goes through h_hat. From the tip
    of h_hat: the gradient g, what the mean path and the variance path take away (eq-dh-4, in
    their style), and what is left.

    Parameters
    ----------
    ax : matplotlib Axes
    h_hat, g, left : (3,) arrays of float
        A normalised column, a gradient dy, and s / gamma times its dh.

    Returns
    -------
    matplotlib Axes
        The one that was given.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong dtype, shape or value, or an h_hat whose length is 0.
    """
    arrays = h_hat, g, left = check_arrays(h_hat=(h_hat, "N"), g=(g, "N"), left=(left, "N"))
    for name, array in zip(("h_hat", "g", "left"), arrays, strict=True):
        if np.iscomplexobj(array):
            raise TypeError(f"{name} must be real, got {describe(array)}")
    if len(h_hat) != 3 or np.linalg.norm(h_hat) == 0:
        raise ValueError(f"h_hat must have 3 entries, not all 0, got {h_hat}")
    up = np.ones(3) / 3**0.5
    out = h_hat / np.linalg.norm(h_hat)
    side = np.cross(up, out)

    def place(v):
        flat = complex(v @ out, v @ side) * TURN
        return np.array([flat.real, BACK * flat.imag + UP * (v @ up)])

    def arrow(start, step, path, name="", at=(0, 0)):
        style = {"arrowstyle": "-|>", "shrinkA": 0, "shrinkB": 0, "lw": 1.8, **path._asdict()}
        tip = place(start + step)
        ax.annotate("", tip, place(start), annotation_clip=False, arrowprops=style)
        ax.annotate(name, tip, at, "data", "offset points", ha="center")

    circle = np.exp(1j * np.linspace(0, 2 * np.pi, 100))
    ring = np.array([place(z.real * out + z.imag * side) for z in circle])
    edge = 1.02 * np.linalg.norm(h_hat + g - g.mean())  # of the plane: the first drop ends on it
    ax.fill(*(edge * ring).T, color="#F1F1F1")
    ax.plot(*(np.linalg.norm(h_hat) * ring).T, color=MUTED)
    tangent = [place(h_hat + t * edge * side) for t in (-0.35, 0.85)]
    ax.plot(*np.transpose(tangent), color=MUTED, lw=0.8)

    origin, mean = np.zeros(3), g.mean() * np.ones(3)
    arrow(origin, 2.2 * up, Path(MUTED, "solid"), r"$\mathbf{1}$", (9, -3))
    arrow(origin, h_hat, Path(INK, "solid"), r"$\hat h$", (5, -17))
    arrow(h_hat, g, PATHS["delta"], "$g$", (-7, 0))
    arrow(h_hat + g, -mean, PATHS["mean"])
    arrow(h_hat + g - mean, left - (g - mean), PATHS["variance"])
    arrow(h_hat, left, Path(INK, "solid"), r"$s\,\mathtt{dh}$", (-22, -19))
    ax.set_aspect("equal")
    ax.set_axis_off()
    return ax
