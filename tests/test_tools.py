"""The tools that write notebooks and copies of them."""

from pathlib import Path

import explorables
import lab
import nbformat
import notebooks
import pytest
from drawings import same_drawing
from equations import EQUATIONS

ROOT = Path(__file__).parents[1]
ROUND_OFF = {
    "fig-errors",
    "fig-museum",
    "fig-step-size",
}  # coordinates of round-off, which depends on the processor

SOURCE = """---
kernelspec:
  display_name: Python 3
  name: python3
---

# A page

```{code-cell} ipython3
%s
```
"""


def chapter(folder, code):
    source = folder / "page.md"
    source.write_text(SOURCE % code, encoding="utf-8")
    return source


def executed(copy, name):
    source = copy / "chapters" / f"{name}.md"
    notebooks.main([source])
    return source.with_suffix(".ipynb")


def test_executing_twice_gives_the_same_bytes(copy):
    assert executed(copy, "00_notation").read_bytes() == executed(copy, "00_notation").read_bytes()


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[] if name[:2] == "03" else pytest.mark.thorough) for name in EQUATIONS],
)
def test_a_chapter_is_stored_as_it_executes_now_figures_included(copy, name):
    kept = nbformat.read(ROOT / "chapters" / f"{name}.ipynb", as_version=4)
    fresh = nbformat.read(executed(copy, name), as_version=4)
    for (figure, old), (_, new) in zip(figures(kept), figures(fresh), strict=True):
        assert same_drawing(old, new, atol=1e6 if figure in ROUND_OFF else 0.5), figure
    assert kept == fresh


def test_drawings_are_told_apart_by_a_glyph_a_colour_and_a_coordinate():
    drawing = '<use href="#DejaVuSans-15" x="10.5" style="fill: #0077bb"/><g clip-path="url(#p0123456789)"/>'
    assert same_drawing(drawing, drawing.replace("p0123456789", "pabcdef0123").replace("10.5", "10.6"))
    for old, new in (("-15", "-16"), ("0077bb", "0077bc"), ("10.5", "12.5"), ("<g", "<h")):
        assert not same_drawing(drawing, drawing.replace(old, new))


def figures(notebook):
    """Take the drawings out of a notebook, in order, each with its name."""
    return [
        (cell.metadata.mystnb.figure.name, output.data.pop("image/svg+xml"))
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "image/svg+xml" in output.get("data", {})
    ]


def test_outputs_and_execution_counts_are_stored(tmp_path):
    source = chapter(tmp_path, "1 + 1")
    notebooks.main([source])
    notebook = nbformat.read(source.with_suffix(".ipynb"), as_version=4)
    assert notebook.cells[1].outputs[0].data["text/plain"] == "2"
    assert notebook.cells[1].execution_count == 1
    assert notebook.metadata == notebooks.METADATA


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("import sys; print('x', file=sys.stderr)", "cell 1 writes to stderr"),
        ("object()", "cell 1 shows a path or an address"),
        ("print('/home/me')", "cell 1 shows a path or an address"),
        (":tags: [skip]\n\n1", "cell 1 has the unknown tag"),
        (":tags: [raises-exception]\n\n1", "cell 1 should fail and does not"),
        ("# NBVAL_IGNORE_OUTPUT\n1", "cell 1 switches nbval off"),
        ("# PYTEST_VALIDATE_IGNORE_OUTPUT\n1", "cell 1 switches nbval off"),
        ("%time 1", "cell 1 has a magic or shell command"),
        (":mystnb: {remove_code_source: true}\n\n1", "cell 1 has metadata beside its tags"),
        ("1\n" * 26, "cell 1 has more than 25 lines"),
        ("'" + 80 * "x" + "'", "cell 1 has a line of more than 79"),
    ],
)
def test_a_faulty_chapter_is_refused_and_its_notebook_left_as_it_was(tmp_path, code, reason):
    source = chapter(tmp_path, code)
    target = source.with_suffix(".ipynb")
    target.write_text("before", encoding="utf-8")
    with pytest.raises(SystemExit, match=reason):
        notebooks.main([source])
    assert target.read_text(encoding="utf-8") == "before"


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("page.ipynb", "{}", "must be a chapter: an existing file that ends in .md"),
        ("page.md", None, "must be a chapter: an existing file that ends in .md"),
        ("page.md", "", "must start with the head of a chapter"),
        ("page.md", "# A page without a head\n", "must start with the head of a chapter"),
        ("page.md", "---\nkernelspec: [\n---\n", "cannot be read as a chapter"),
    ],
)
def test_what_is_no_chapter_is_refused(tmp_path, name, text, reason):
    source = tmp_path / name
    if text is not None:
        source.write_text(text, encoding="utf-8")
    with pytest.raises(SystemExit, match=reason):
        notebooks.main([source])


def test_a_block_of_code_in_the_text_is_a_fault():
    cell = nbformat.v4.new_markdown_cell("Run this:\n```python\n1 / 0\n```")
    (fault,) = notebooks.faults(nbformat.v4.new_notebook(cells=[cell]))
    assert "is never run" in fault


def test_cells_out_of_order_are_a_fault():
    cells = [nbformat.v4.new_code_cell("1", execution_count=count) for count in (2, 1)]
    assert notebooks.faults(nbformat.v4.new_notebook(cells=cells)) == [
        "its cells were not run once each, from top to bottom"
    ]


def test_a_figure_that_could_not_be_drawn_is_a_fault():
    failure = nbformat.v4.new_output("error", ename="ValueError", evalue="", traceback=[])
    cell = nbformat.v4.new_code_cell("draw()", execution_count=1, outputs=[failure])
    assert notebooks.faults(nbformat.v4.new_notebook(cells=[cell])) == ["cell 1 fails"]


def test_lab_refuses_a_file_in_place_of_its_folder(tmp_path):
    (tmp_path / "work").write_text("mine", encoding="utf-8")
    with pytest.raises(SystemExit, match="must be a folder for the copies"):
        lab.copy_chapters(tmp_path, tmp_path / "work")


def test_lab_copies_new_chapters_and_keeps_edited_ones(tmp_path):
    chapters, work = tmp_path / "chapters", tmp_path / "work"
    chapters.mkdir()
    for name in ("a.ipynb", "b.ipynb", "a.md"):
        (chapters / name).write_text("original", encoding="utf-8")
    assert lab.copy_chapters(chapters, work) == ["a.ipynb", "b.ipynb"]
    (work / "a.ipynb").write_text("edited", encoding="utf-8")
    (work / "b.ipynb").unlink()
    assert lab.copy_chapters(chapters, work) == ["b.ipynb"]
    assert (work / "a.ipynb").read_text(encoding="utf-8") == "edited"


def test_the_figure_in_place_of_an_explorable_is_what_the_tool_draws(tmp_path):
    explorables.draw(tmp_path / "paths.svg")
    assert (tmp_path / "paths.svg").read_bytes() == (explorables.FOLDER / "paths.svg").read_bytes()
