"""The house style of the figures. Each function draws on the `ax` it is given and returns it.

The three paths of the gradient keep one colour and one line style in the whole book.
"""

from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from IPython import get_ipython
from matplotlib.colors import LinearSegmentedColormap
from matplotlib_inline.backend_inline import set_matplotlib_formats

from bn_utils._validation import check_arrays


class Path(NamedTuple):
    """How one path of the gradient looks (colour-blind safe, and told apart in grey)."""

    color: str  # as Matplotlib takes it
    linestyle: str  # as Matplotlib takes it


PATHS = {
    "delta": Path("#0077BB", "solid"),
    "mean": Path("#C25100", "dashed"),
    "variance": Path("#008060", "dotted"),
}
INK, MUTED = "#222222", "#8A8A8A"
COLUMNS = (("#882255", "o"), ("#7A7A1F", "s"), ("#332288", "D"), ("#661100", "^"))


def set_style():
    """Set the house style: SVG with the same bytes on every run, an opaque white ground."""
    plt.rcParams.update(
        {
            "svg.hashsalt": "bn_utils",
            "figure.figsize": (4.8, 3.0),
            "figure.facecolor": "white",
            "figure.constrained_layout.use": True,
            "font.size": 11,
            "text.color": INK,
            "axes.edgecolor": MUTED,
            "axes.labelcolor": INK,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.prop_cycle": plt.cycler(color=[color for color, _ in COLUMNS]),
        }
    )
    if get_ipython():  # elsewhere the caller chooses the format when saving
        set_matplotlib_formats("svg", metadata={"Date": None, "Creator": None})


def matrix(ax, values, row, column, color=INK, fontsize=None):
    """Draw a small matrix as squares with its numbers, darker the larger the absolute value.

    Parameters
    ----------
    ax : matplotlib Axes
    values : (R, C) array of float
        Zeros stay white, their number is grey.
    row, column : str
        What the axes count, for example ``"$i$"``.
    color : str
        The colour of the squares: that of a path where the values are its term.
    fontsize : float, optional
        The size of the numbers in points.
    """
    (values,) = check_arrays(values=(values, "R C"))
    shades = LinearSegmentedColormap.from_list(color, ["white", color])
    R, C = values.shape
    top = 2 * np.abs(values).max() or 1
    ax.pcolormesh(np.abs(values), cmap=shades, vmin=0, vmax=top, edgecolors=MUTED, lw=0.5)
    for (r, c), value in np.ndenumerate(values):
        text = f"{value + 0.0:.2g}".replace("-", "\N{MINUS SIGN}")
        ax.text(
            c + 0.5, r + 0.5, text, ha="center", va="center", color=INK if value else MUTED, fontsize=fontsize
        )
    ax.set_yticks(np.arange(R) + 0.5, [str(k + 1) for k in range(R)])
    ax.set_xticks(np.arange(C) + 0.5, [str(k + 1) for k in range(C)])
    ax.set_ylabel(row)
    ax.set_xlabel(column)
    ax.set_aspect("equal")
    ax.invert_yaxis()
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    return ax


def jacobian_blocks(ax, jacobian, color=INK):
    """Draw a four-index array [k, l, i, j] as one matrix of blocks, a block for each pair of columns.

    Parameters
    ----------
    ax : matplotlib Axes
    jacobian : (N, H, N, H) array of float
        Drawn with the rows kl and the columns ij, both sorted by hidden unit first, so
        that each block belongs to one l and one j.
    color : str
        The colour of the squares.
    """
    (jacobian,) = check_arrays(jacobian=(jacobian, "N H N H"))
    N, H = jacobian.shape[:2]
    matrix(ax, jacobian.transpose(1, 0, 3, 2).reshape(H * N, H * N), "$kl$", "$ij$", color, fontsize=6)
    labels = [f"{row}{column}" for column in range(1, H + 1) for row in range(1, N + 1)]
    ax.set_yticks(ax.get_yticks(), labels, fontsize=7)
    ax.set_xticks(ax.get_xticks(), labels, fontsize=7)
    for edge in range(N, H * N, N):
        ax.axhline(edge, color=INK, lw=1.2)
        ax.axvline(edge, color=INK, lw=1.2)
    return ax


def columns(ax, values, symbol):
    """Draw each column of a batch as points, with its mean and one standard deviation about it.

    Parameters
    ----------
    ax : matplotlib Axes
    values : (N, H) array of float
        One colour and marker a column; more than 4 are a ValueError.
    symbol : str
        The name of the values, for example ``"$h$"``.
    """
    (values,) = check_arrays(values=(values, "N H"))
    N, H = values.shape
    if len(COLUMNS) < H:
        raise ValueError(f"values must have at most {len(COLUMNS)} columns, got shape {values.shape}")
    spread = np.linspace(-0.22, 0.22, N)
    for j in range(H):
        color, marker = COLUMNS[j]
        ax.plot(j + spread, values[:, j], marker, color=color, ms=3, alpha=0.55)
        mean, std = values[:, j].mean(), values[:, j].std()
        ax.errorbar(j + 0.36, mean, std, fmt="_", ms=12, capsize=4, color=INK)
    ax.axhline(0, color=MUTED, lw=0.6, zorder=0)
    ax.set_xticks(range(H), [str(j + 1) for j in range(H)])
    ax.set_xlabel("$j$")
    ax.set_ylabel(symbol)
    return ax


def errors(ax, values, names, bound=1e-12):
    """Draw the errors of several gradients on a logarithmic scale, below the bound they must keep.

    Parameters
    ----------
    ax : matplotlib Axes
    values : (T, G) array of float, >= 0
        One row a trial, one column a gradient; an error of 0 is drawn at 1e-17.
    names : sequence of G str
        The names of the gradients; another number of them is a ValueError.
    bound : float
        Drawn as a dashed line.
    """
    (values,) = check_arrays(values=(values, "T G"))
    T, G = values.shape
    if len(names) != G:
        raise ValueError(f"names must have {G} entries, one a column of values, got {len(names)}")
    places = np.arange(G) + np.linspace(-0.25, 0.25, T)[:, None]
    ax.semilogy(places, np.maximum(values, 1e-17), "o", color=INK, ms=2.5, alpha=0.6)
    ax.axhline(bound, color=MUTED, linestyle="dashed")
    ax.set_xticks(range(G), names)
    ax.set_ylim(5e-18, 10 * bound)
    return ax


NODES = {  # name: (x, y, its symbol)
    "h": (0.0, 0.0, "$h$"),
    "mu": (1.0, 1.0, r"$\mu$"),
    "centred": (2.0, 0.0, r"$h-\mu$"),
    "var": (2.6, -1.0, r"$\sigma^2$"),
    "inv_std": (3.6, -1.0, r"$1/s$"),
    "h_hat": (4.2, 0.0, r"$\hat h$"),
    "y": (5.2, 0.0, "$y$"),
    "gamma": (4.8, 1.0, r"$\gamma$"),
    "beta": (5.6, 1.0, r"$\beta$"),
}
EDGES = {  # (from, to): the path that runs back along it
    ("h", "centred"): "delta",
    ("centred", "h_hat"): "delta",
    ("h", "mu"): "mean",
    ("mu", "centred"): "mean",
    ("centred", "var"): "variance",
    ("var", "inv_std"): "variance",
    ("inv_std", "h_hat"): "variance",
    ("h_hat", "y"): None,
    ("gamma", "y"): None,
    ("beta", "y"): None,
}


def computational_graph(ax):
    """Draw the computational graph of batch norm; the edges of a path have its style.

    Parameters
    ----------
    ax : matplotlib Axes
    """
    for (start, end), path in EDGES.items():
        color, linestyle = PATHS[path] if path else (MUTED, "solid")
        ax.annotate(
            "",
            xy=NODES[end][:2],
            xytext=NODES[start][:2],
            arrowprops={
                "arrowstyle": "-|>",
                "color": color,
                "linestyle": linestyle,
                "lw": 1.8,
                "shrinkA": 17,
                "shrinkB": 17,
            },
        )
    for x, y, symbol in NODES.values():
        box = {"boxstyle": "round,pad=0.35", "facecolor": "white", "edgecolor": MUTED}
        ax.text(x, y, symbol, ha="center", va="center", bbox=box)
    ax.set_xlim(-0.4, 5.9)
    ax.set_ylim(-1.5, 1.5)
    ax.set_axis_off()
    return ax
