"""The guard of the notebooks: what nbval alone lets pass. nbval re-runs chapters/*.ipynb."""

import re
from pathlib import Path

import nbformat
import pytest
from notebooks import METADATA, faults, read

ROOT = Path(__file__).parents[1]
CHAPTERS = sorted(path.stem for path in (ROOT / "chapters").glob("*.md"))


def stored(chapter):
    return nbformat.read(ROOT / "chapters" / f"{chapter}.ipynb", as_version=4)


def comparable(notebook):
    return [(cell.id, cell.cell_type, cell.source, cell.metadata) for cell in notebook.cells]


def test_the_table_of_contents_lists_every_chapter_once():
    listed = re.findall(r"(?:file|root): *(\S+)", (ROOT / "_toc.yml").read_text(encoding="utf-8"))
    assert [file for file in listed if file.startswith("chapters/")] == [f"chapters/{c}" for c in CHAPTERS]
    for file in listed:
        if not file.startswith("chapters/"):  # a page holds no code that nothing runs
            assert "{code-cell}" not in (ROOT / f"{file}.md").read_text(encoding="utf-8")


def test_the_folder_of_the_chapters_holds_nothing_else():
    names = [path.name for path in (ROOT / "chapters").iterdir() if not path.name.startswith((".", "__"))]
    assert sorted(names) == sorted(f"{c}{end}" for c in CHAPTERS for end in (".md", ".ipynb"))


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_notebook_is_what_its_source_gives(chapter):
    notebook = stored(chapter)
    assert comparable(notebook) == comparable(read(ROOT / "chapters" / f"{chapter}.md"))
    assert notebook.metadata == METADATA


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_notebook_was_run_once_and_shows_nothing_it_should_not(chapter):
    assert faults(stored(chapter)) == []


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_heading_has_a_label(chapter):
    for cell in stored(chapter).cells:
        if cell.cell_type == "markdown":
            headings = re.findall(r"^#+ ", cell.source, re.MULTILINE)
            labelled = re.findall(r"^\([a-z0-9-]+\)=\n#+ ", cell.source, re.MULTILINE)
            assert len(headings) == len(labelled), cell.source


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_has_three_exercises_each_with_a_hidden_solution(chapter):
    cells = [cell for cell in stored(chapter).cells if cell.cell_type == "code"]
    stubs = [k for k, cell in enumerate(cells) if "raises-exception" in cell.metadata.get("tags", [])]
    assert len(stubs) >= 3
    for k in stubs:
        (error,) = cells[k].outputs
        assert error.ename == "ExerciseError"
        assert "not answered yet" in error.evalue
        assert error.traceback == [f"ExerciseError: {error.evalue}"]
        assert cells[k].source.splitlines()[-1].startswith("exercises.check(")
        assert cells[k + 1].metadata.tags == ["hide-cell", "solution"]
        assert "correct" in cells[k + 1].outputs[0].data["text/plain"]
