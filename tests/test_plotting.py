"""The figures: what they draw, not how it looks."""

import io
import itertools
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from drawings import same_drawing

mpl.use("Agg")
import matplotlib.pyplot as plt

from bn_utils import dhhat_dh, plotting, space


@pytest.fixture
def ax():
    """An empty Axes, in the house style."""
    with mpl.rc_context():
        plotting.set_style()
        fig, ax = plt.subplots()
        yield ax
        plt.close(fig)


def texts(ax):
    return [text.get_text() for text in ax.texts]


def svg(figure):
    file = io.BytesIO()
    figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    return file.getvalue()


BASELINE = Path(__file__).parent / "figures"
BATCH = np.array([[1.0, 2.0], [3.0, 0.0], [8.0, 4.0]])
HAT, G, LEFT = np.array([[-1.0, 0, 1], [2, -1, 2], [0.5, -2, 1.5]])  # the mean of G is 1
DRAWINGS = {
    "matrix": lambda ax: plotting.matrix(ax, np.array([[1.0, -2.0], [0.0, 0.5]]), "$i$", "$j$", "#0072B2"),
    "columns": lambda ax: plotting.columns(ax, np.array([[1.0, 5, 0], [3, 5, -1], [8, 9, -2]]), "$h$"),
    "graph": plotting.computational_graph,
    "jacobian": lambda ax: plotting.jacobian_blocks(ax, dhhat_dh(BATCH, 1 / 3)),
    "projection": lambda ax: space.projection(ax, HAT, G, LEFT),
    "errors": lambda ax: plotting.errors(ax, np.array([[1e-16, 0.0], [1e-14, 3e-15]]), ["$X$", "$W$"]),
}


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_figure_looks_as_it_did(ax, name):
    DRAWINGS[name](ax)
    drawn, path = svg(ax.figure).decode(), BASELINE / f"{name}.svg"
    if not path.exists():
        path.write_text(drawn, encoding="utf-8", newline="\n")
        pytest.fail(f"{path} was missing and is written now: look at it, then commit it")
    assert same_drawing(drawn, path.read_text(encoding="utf-8"))


def test_the_style_makes_reproducible_opaque_figures(ax):
    assert mpl.rcParams["svg.hashsalt"] == "bn_utils"
    assert ax.figure.get_facecolor() == (1, 1, 1, 1)
    plotting.computational_graph(ax)
    assert svg(ax.figure) == svg(ax.figure)


def test_a_notebook_shows_svg_without_a_date(monkeypatch):
    calls = []
    monkeypatch.setattr(plotting, "get_ipython", lambda: object())
    monkeypatch.setattr(
        plotting, "set_matplotlib_formats", lambda *args, **options: calls.append((args, options))
    )
    with mpl.rc_context():
        plotting.set_style()
    assert calls == [(("svg",), {"metadata": {"Date": None, "Creator": None}})]


def test_paths_differ_in_colour_and_in_line(ax):
    assert set(plotting.PATHS) == {"delta", "mean", "variance"}
    assert len({path.color for path in plotting.PATHS.values()}) == 3
    assert len({path.linestyle for path in plotting.PATHS.values()}) == 3
    columns = {color for color, _ in plotting.COLUMNS}
    assert columns.isdisjoint(path.color for path in plotting.PATHS.values())


def test_a_matrix_shows_every_number_at_its_place(ax):
    assert plotting.matrix(ax, np.array([[1.0, -2.0, 0.0], [0.25, 1 / 3, 4.0]]), "$i$", "$p$") is ax
    assert texts(ax) == ["1", "\N{MINUS SIGN}2", "0", "0.25", "0.33", "4"]
    assert [text.get_position() for text in ax.texts[:4]] == [(0.5, 0.5), (1.5, 0.5), (2.5, 0.5), (0.5, 1.5)]
    assert ax.texts[2].get_color() == plotting.MUTED
    assert ax.texts[0].get_color() == plotting.INK
    assert (ax.get_ylabel(), ax.get_xlabel()) == ("$i$", "$p$")
    assert [label.get_text() for label in ax.get_xticklabels()] == ["1", "2", "3"]
    assert ax.yaxis_inverted()


def test_a_matrix_is_darker_where_its_numbers_are_larger(ax):
    plotting.matrix(ax, np.array([[1.0, -2.0, 0.0]]), "$i$", "$p$", color="#0072B2")
    mesh = ax.collections[0]
    shades = mesh.cmap(mesh.norm(np.array([1.0, 2.0, 0.0])))[:, :3].sum(axis=1)
    assert shades[1] < shades[0] < shades[2] == 3
    assert mesh.get_array().ravel().tolist() == [1, 2, 0]


def test_a_matrix_of_zeros_is_white(ax):
    plotting.matrix(ax, np.zeros((2, 2)), "$i$", "$p$")
    mesh = ax.collections[0]
    assert np.allclose(mesh.cmap(mesh.norm(0.0)), 1)


def test_columns_draw_every_point_and_the_statistics(ax):
    values = np.array([[1.0, 10.0], [3.0, 10.0], [8.0, 13.0]])
    assert plotting.columns(ax, values, "$h$") is ax
    clouds = [line for line in ax.lines if len(line.get_xdata()) == 3]
    assert [line.get_ydata().tolist() for line in clouds] == [[1, 3, 8], [10, 10, 13]]
    assert [line.get_marker() for line in clouds] == ["o", "s"]
    for j, bar in enumerate(ax.containers):
        (segment,) = bar.lines[2][0].get_segments()
        mean, std = values[:, j].mean(), values[:, j].std()
        assert np.allclose(segment[:, 1], [mean - std, mean + std])
    assert ax.get_ylabel() == "$h$"


def test_blocks_are_sorted_by_hidden_unit(ax):
    jacobian = np.arange(36.0).reshape(3, 2, 3, 2)
    assert plotting.jacobian_blocks(ax, jacobian) is ax
    shown = ax.collections[0].get_array().reshape(6, 6)
    assert shown[1, 5] == jacobian[1, 0, 2, 1]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["11", "21", "31", "12", "22", "32"]
    assert [line.get_xdata()[0] for line in ax.lines if line.get_linestyle() == "-"][1::2] == [3]


def test_errors_are_drawn_one_column_a_gradient(ax):
    assert plotting.errors(ax, np.array([[1e-16, 0.0], [1e-14, 3e-15]]), ["$X$", "$W$"]) is ax
    assert [line.get_ydata().tolist() for line in ax.lines[:2]] == [[1e-16, 1e-14], [1e-17, 3e-15]]
    assert ax.get_yscale() == "log"
    with pytest.raises(ValueError, match=r"^names must have 2 entries, one a column of values, got 1$"):
        plotting.errors(ax, np.zeros((3, 2)), ["$X$"])


def test_too_many_columns_are_refused(ax):
    with pytest.raises(ValueError, match=r"^values must have at most 4 columns, got shape \(3, 5\)$"):
        plotting.columns(ax, np.zeros((3, 5)), "$h$")


@pytest.mark.parametrize("draw", [plotting.matrix, plotting.columns])
def test_values_are_validated(ax, draw):
    with pytest.raises(ValueError, match=r"^values must have shape"):
        draw(ax, np.zeros(3), "$i$", *["$p$"] * (draw is plotting.matrix))


def test_the_graph_has_all_nodes_and_three_paths(ax):
    assert plotting.computational_graph(ax) is ax
    symbols = [text for text in texts(ax) if text]
    assert symbols == [
        "$h$",
        r"$\mu$",
        r"$h-\mu$",
        r"$\sigma^2$",
        "$1/s$",
        r"$\hat h$",
        "$y$",
        r"$\gamma$",
        r"$\beta$",
    ]
    arrows = [child for child in ax.texts if getattr(child, "arrow_patch", None)]
    assert len(arrows) == len(plotting.EDGES) == 10


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("delta", ["h", "centred", "h_hat"]),
        ("mean", ["h", "mu", "centred"]),
        ("variance", ["centred", "var", "inv_std", "h_hat"]),
    ],
)
def test_a_path_is_connected(path, route):
    edges = [edge for edge, style in plotting.EDGES.items() if style == path]
    assert edges == list(itertools.pairwise(route))


def test_a_projection_drops_onto_the_plane_and_to_what_is_left(ax):
    assert space.projection(ax, HAT, G, LEFT) is ax
    arrows = [text for text in ax.texts if getattr(text, "arrow_patch", None)]
    starts, tips = (np.array([getattr(arrow, end) for arrow in arrows]) for end in ("xyann", "xy"))
    one, hat, g, mean, variance, left = range(6)
    assert np.allclose(starts[[hat, g, left]], [starts[one], tips[hat], tips[hat]])
    assert np.allclose(starts[[mean, variance]], tips[[g, mean]])
    assert np.allclose(tips[variance], tips[left])
    drop, up = (tips - starts)[[mean, one]]
    assert np.allclose(drop, [0, -0.85 * 3**0.5])  # three entries of 1 along 1
    assert np.allclose(up, [0, 0.85 * 2.2])
    styles = [arrow.arrow_patch.get_edgecolor() for arrow in arrows]
    expected = [plotting.PATHS[name].color for name in ("delta", "mean", "variance")]
    assert styles[2:5] == [mpl.colors.to_rgba(color) for color in expected]
    assert [text for text in texts(ax) if text] == [r"$\mathbf{1}$", r"$\hat h$", "$g$", r"$s\,\mathtt{dh}$"]


def test_the_circle_goes_through_h_hat_and_the_tangent_touches_it(ax):
    space.projection(ax, HAT, G, LEFT)
    circle, tangent = (np.array(line.get_data()).T for line in ax.lines)
    tip = np.array(ax.texts[2].xy)
    assert np.allclose(circle[0], tip)
    along = tangent[1] - tangent[0]
    for other in (tip - tangent[0], circle[1] - circle[-2]):
        assert np.isclose(np.linalg.det([along, other]), 0)


@pytest.mark.parametrize("h_hat", [np.zeros(3), np.array([1.0, -1]), np.array([1e-200, 0, -1e-200])])
def test_a_projection_needs_a_column_of_three(ax, h_hat):
    with pytest.raises(ValueError, match=r"^h_hat must have 3 entries, not all 0, got \["):
        space.projection(ax, h_hat, 2 * h_hat, h_hat)


@pytest.mark.parametrize("name", ["h_hat", "g", "left"])
def test_a_projection_is_of_real_numbers(ax, name):
    given = {"h_hat": HAT, "g": G, "left": LEFT}
    message = f"^{name} must be real, got an array of complex128, shape \\(3,\\)$"
    with pytest.raises(TypeError, match=message):
        space.projection(ax, **given | {name: given[name] + 0j})
