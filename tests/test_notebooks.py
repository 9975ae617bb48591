"""The guard of the notebooks: what nbval alone lets pass. nbval re-runs chapters/*.ipynb."""

import re
from pathlib import Path

import nbformat
import pytest
import yaml
from notebooks import METADATA, faults, read

ROOT = Path(__file__).parents[1]
CHAPTERS = sorted(path.stem for path in (ROOT / "chapters").glob("*.md"))


def stored(chapter):
    return nbformat.read(ROOT / "chapters" / f"{chapter}.ipynb", as_version=4)


def comparable(notebook):
    return [(cell.id, cell.cell_type, cell.source, cell.metadata) for cell in notebook.cells]


def test_the_table_of_contents_lists_every_chapter_once():
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    files = [entry["file"] for part in toc["parts"] for entry in part["chapters"]]
    assert sorted(file for file in files if file.startswith("chapters/")) == [
        f"chapters/{chapter}" for chapter in CHAPTERS
    ]
    assert all(any((ROOT / file).with_suffix(end).exists() for end in (".md", ".ipynb")) for file in files)


def test_every_notebook_has_its_source():
    assert sorted(path.stem for path in (ROOT / "chapters").glob("*.ipynb")) == CHAPTERS


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
        assert cells[k].outputs[0].ename == "ExerciseError"
        assert "not answered yet" in cells[k].outputs[0].evalue
        assert cells[k + 1].metadata.tags == ["hide-cell", "solution"]
        assert "correct" in cells[k + 1].outputs[0].data["text/plain"]
