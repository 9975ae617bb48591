"""What must turn `make test` red does: each case breaks a copy of the project and runs its tests."""

import re

import pytest
from breaking import BUILD, CHAPTER, GUARD, NBVAL, edit_notebook, edit_text, fails, only, outputs


@pytest.mark.parametrize("command", [GUARD, NBVAL], ids=["guard", "nbval"])  # the build: fixture `site`
def test_green_as_it_is(copy, command):
    assert not fails(copy, command, "")


def test_red_for_a_changed_digit_in_a_stored_output(copy):
    def change(cells):
        data = outputs(cells, "text/plain")[0].data
        digit = re.search(r"\d", data["text/plain"])
        data["text/plain"] = data["text/plain"].replace(digit[0], str((int(digit[0]) + 1) % 10), 1)

    edit_notebook(copy, change)
    assert fails(copy, NBVAL, "Cell outputs differ")


@pytest.mark.thorough
def test_red_for_a_deleted_figure(copy):
    def change(cells):
        del outputs(cells, "image/svg+xml")[0].data["image/svg+xml"]

    edit_notebook(copy, change)
    assert fails(copy, NBVAL, "image/svg")


@pytest.mark.thorough
def test_red_for_a_stripped_notebook(copy):
    def change(cells):
        for cell in cells:
            cell.outputs, cell.execution_count = [], None

    edit_notebook(copy, change)
    assert fails(copy, GUARD, "not run once each")


@pytest.mark.thorough
def test_red_for_an_output_that_was_deleted(copy):
    def change(cells):
        cells[3].outputs = []

    edit_notebook(copy, change)
    assert fails(copy, NBVAL, "Cell outputs differ|mismatch|missing")


def test_red_for_an_edit_of_the_source_alone(copy):
    edit_text(copy, f"{CHAPTER}.md", "## Its one rule", "## Its only rule")
    assert fails(copy, GUARD, "Its only rule")


@pytest.mark.thorough
def test_red_for_an_edit_of_the_notebook_alone(copy):
    edit_text(copy, f"{CHAPTER}.ipynb", "## Its one rule", "## Its only rule")
    assert fails(copy, GUARD, "Its only rule")


@pytest.mark.thorough
def test_red_for_an_unknown_tag_in_both(copy):
    edit_text(copy, f"{CHAPTER}.md", "---\nmystnb:", "---\ntags: [skip-me]\nmystnb:")
    edit_notebook(copy, lambda cells: cells[5].metadata.update(tags=["skip-me"]))
    assert fails(copy, GUARD, "unknown tag")


def test_red_for_a_dead_reference(copy):
    only(copy)
    edit_text(copy, "intro.md", "A book", "A book, {ref}`ch-missing`")
    assert fails(copy, BUILD, "ch-missing")


@pytest.mark.thorough
def test_red_for_a_chapter_that_is_not_there(copy):
    only(copy, "chapters/01_backward")
    assert fails(copy, BUILD, "01_backward")


@pytest.mark.thorough
def test_red_for_a_chapter_that_nobody_lists(copy):
    edit_text(copy, "_toc.yml", "      - file: chapters/02_chain_rule\n", "")
    assert fails(copy, GUARD, "02_chain_rule")


def test_red_for_a_wrong_sign_in_the_module(copy):
    edit_text(copy, "bn_utils/batchnorm.py", "- h_hat * dgamma)", "+ h_hat * dgamma)")
    assert fails(copy, ["-m", "pytest", "-q", "tests/test_batchnorm.py"], "dh: relative error")
