"""Draw the figures that stand where an explorable cannot run: on paper, and on pages opened from disk.

They show the state in which the explorable starts, with the numbers of bn_utils.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from bn_utils import batchnorm_forward, plotting
from bn_utils.plotting import INK, MUTED, PATHS

FOLDER = Path(__file__).resolve().parents[1] / "_static" / "explorables"
H = np.array([-3, -1.6, -0.7, 1.2, 2.6])
G = np.array([-1.4, 1.8, 0.7, 2.4, 1.1])


def arrow(ax, x, start, end, color, style="solid"):
    """Draw an arrow along y; without a length it is a short dash."""
    ax.plot([x, x], [start, end], color=color, linestyle=style, linewidth=2)
    head = "_" if start == end else "^" if end > start else "v"
    ax.plot(x, end, head, color=color, markersize=6)


def column(ax, h, g, mu, sigma):
    """Draw one column as points on a line, with its mean and spread, and a gradient at each point."""
    ax.axvspan(mu - sigma, mu + sigma, color="#EEF0F2")
    ax.axvline(mu, color=MUTED)
    for k, (x, slope) in enumerate(zip(h, g, strict=True), start=1):
        ax.plot([x, x], [-5, 0], color=MUTED, linestyle="dotted", linewidth=1)
        arrow(ax, x, 0, slope, INK)
        ax.plot(x, -5, "o", color=INK, markersize=13)
        ax.text(x, -5.05, str(k), color="white", ha="center", va="center", fontsize=9)
    for x, name in ((mu - sigma, r"$\mu - \sigma$"), (mu, r"$\mu$"), (mu + sigma, r"$\mu + \sigma$")):
        ax.text(x, 3.6, name, ha="center", va="bottom")
    ax.axhline(0, color=MUTED, linewidth=0.8)
    ax.set(xlim=(-5, 5), ylim=(-6, 3.5), xlabel="$h$", ylabel="$g$", yticks=[-3, 0, 3])


def paths(ax, direct, mean, variance):
    """Draw, for each point, how the three paths add up to dh, which stands beside them in black."""
    for k in range(len(direct)):
        level = 0.0
        parts = zip(PATHS.values(), (direct[k], mean[k], variance[k]), strict=True)
        for lane, (path, part) in enumerate(parts):
            arrow(ax, k + 1 - 0.3 + 0.2 * lane, level, level + part, path.color, path.linestyle)
            level += part
        arrow(ax, k + 1 + 0.3, 0, level, INK)
    for name, path in zip(("direct", "mean", "variance"), PATHS.values(), strict=True):
        ax.plot([], [], color=path.color, linestyle=path.linestyle, linewidth=2, label=name)
    ax.plot([], [], color=INK, linewidth=2, label="dh, their sum")
    ax.axhline(0, color=MUTED, linewidth=0.8)
    ax.set(xlabel="point", ylabel="dh")
    ax.legend(
        ncols=4, loc="lower center", bbox_to_anchor=(0.45, 1), frameon=False, fontsize=9, handlelength=1.6
    )


def draw(target):
    """Write the figure of the three paths."""
    one, g = np.ones(1), G[:, None]
    cache = batchnorm_forward(H[:, None], one, one, eps=0.1)[1]
    scale = cache.inv_std * np.ones((len(H), 1))
    direct, mean = scale * g, -scale * g.mean(axis=0)
    variance = -scale * cache.h_hat * (g * cache.h_hat).mean(axis=0)
    plotting.set_style()
    fig, axes = plt.subplots(2, figsize=(4.8, 5.2))
    column(axes[0], H, G, cache.mu[0], cache.var[0] ** 0.5)
    paths(axes[1], *(part[:, 0] for part in (direct, mean, variance)))
    fig.savefig(target, format="svg", metadata={"Date": None, "Creator": None})
    plt.close(fig)


if __name__ == "__main__":
    draw(FOLDER / "paths.svg")
    print(f"{FOLDER / 'paths.svg'} is drawn.")
