"""The house style of the figures. Each function draws on the `ax` it is given and returns it.

The three paths of the gradient keep one colour and one line style in the whole book.
"""

from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib_inline.backend_inline import set_matplotlib_formats

from bn_utils._validation import check_arrays


class Path(NamedTuple):
    """How one path of the gradient looks (colour-blind safe, and told apart in grey)."""

    color: str
    linestyle: str


PATHS = {
    "delta": Path("#0072B2", "solid"),
    "mean": Path("#D55E00", "dashed"),
    "variance": Path("#007A5E", "dotted"),
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
    set_matplotlib_formats("svg", metadata={"Date": None, "Creator": None})


def matrix(ax, values, row, column, color=INK):
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

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    TypeError, ValueError
        `values` is no finite two-dimensional array of floats.
    """
    (values,) = check_arrays(values=(values, "R C"))
    shades = LinearSegmentedColormap.from_list(color, ["white", color])
    R, C = values.shape
    top = 2 * np.abs(values).max() or 1
    ax.pcolormesh(np.abs(values), cmap=shades, vmin=0, vmax=top, edgecolors=MUTED, lw=0.5)
    for (r, c), value in np.ndenumerate(values):
        text = f"{value:.2g}".replace("-", "\N{MINUS SIGN}")
        ax.text(c + 0.5, r + 0.5, text, ha="center", va="center", color=INK if value else MUTED)
    ax.set_yticks(np.arange(R) + 0.5, [str(k + 1) for k in range(R)])
    ax.set_xticks(np.arange(C) + 0.5, [str(k + 1) for k in range(C)])
    ax.set_ylabel(row)
    ax.set_xlabel(column)
    ax.set_aspect("equal")
    ax.invert_yaxis()
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    return ax


def columns(ax, values, symbol):
    """Draw each column of a batch as points, with its mean and one standard deviation about it.

    Parameters
    ----------
    ax : matplotlib Axes
    values : (N, H) array of float
        One colour and marker a column, H at most 4.
    symbol : str
        The name of the values, for example ``"$h$"``.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    TypeError, ValueError
        `values` is no finite two-dimensional array of floats, or has more than 4 columns.
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

    Returns
    -------
    matplotlib Axes
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
