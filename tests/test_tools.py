"""The tools that write notebooks and copies of them."""

from pathlib import Path

import lab
import nbformat
import notebooks
import pytest
from drawings import same_drawing

ROOT = Path(__file__).parents[1]

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


@pytest.mark.parametrize("name", sorted(path.stem for path in (ROOT / "chapters").glob("*.md")))
def test_a_chapter_is_stored_as_it_executes_now_figures_included(copy, name):
    kept = nbformat.read(ROOT / "chapters" / f"{name}.ipynb", as_version=4)
    fresh = nbformat.read(executed(copy, name), as_version=4)
    for old, new in zip(figures(kept), figures(fresh), strict=True):
        assert same_drawing(old, new)
    assert kept == fresh


def figures(notebook):
    """Take the drawings out of a notebook, in order."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return [
        output.data.pop("image/svg+xml") for output in outputs if "image/svg+xml" in output.get("data", {})
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


def test_cells_out_of_order_are_a_fault():
    cells = [nbformat.v4.new_code_cell("1", execution_count=count) for count in (2, 1)]
    assert notebooks.faults(nbformat.v4.new_notebook(cells=cells)) == [
        "its cells were not run once each, from top to bottom"
    ]


def test_a_figure_that_could_not_be_drawn_is_a_fault():
    failure = nbformat.v4.new_output("error", ename="ValueError", evalue="", traceback=[])
    cell = nbformat.v4.new_code_cell("draw()", execution_count=1, outputs=[failure])
    assert notebooks.faults(nbformat.v4.new_notebook(cells=[cell])) == ["cell 1 fails"]


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
