"""What must turn `make test` red does: each case breaks a copy of the project and runs its tests."""

import re
import subprocess
import sys

import nbformat
import pytest

GUARD = ["-m", "pytest", "-q", "tests/test_notebooks.py"]
NBVAL = ["-m", "pytest", "-q", "chapters/00_notation.ipynb"]
BUILD = ["tools/book.py"]
CHAPTER = "chapters/00_notation"


def fails(copy, command, reason):
    """Say whether a command fails in the copy, and for this reason."""
    done = subprocess.run([sys.executable, *command], cwd=copy, capture_output=True, text=True, timeout=300)
    output = done.stdout + done.stderr
    assert done.returncode in (0, 1), output  # 2 and more: it was not tested at all
    assert (done.returncode == 0) or re.search(reason, output), output
    return done.returncode == 1


def edit_notebook(copy, change):
    path = copy / f"{CHAPTER}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    change([cell for cell in notebook.cells if cell.cell_type == "code"])
    nbformat.write(notebook, path)


def edit_text(copy, file, old, new):
    path = copy / file
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{file} has {text.count(old)} times {old!r}"
    path.write_text(text.replace(old, new), encoding="utf-8")


def outputs(cells, kind):
    return [output for cell in cells for output in cell.outputs if kind in output.get("data", {})]


@pytest.mark.parametrize("command", [GUARD, NBVAL, BUILD], ids=["guard", "nbval", "build"])
def test_green_as_it_is(copy, command):
    assert not fails(copy, command, "")


def test_red_for_a_changed_digit_in_a_stored_output(copy):
    def change(cells):
        data = outputs(cells, "text/plain")[0].data
        digit = re.search(r"\d", data["text/plain"])
        data["text/plain"] = data["text/plain"].replace(digit[0], str((int(digit[0]) + 1) % 10), 1)

    edit_notebook(copy, change)
    assert fails(copy, NBVAL, "Cell outputs differ")


def test_red_for_a_deleted_figure(copy):
    def change(cells):
        del outputs(cells, "image/svg+xml")[0].data["image/svg+xml"]

    edit_notebook(copy, change)
    assert fails(copy, NBVAL, "image/svg")


def test_red_for_a_stripped_notebook(copy):
    def change(cells):
        for cell in cells:
            cell.outputs, cell.execution_count = [], None

    edit_notebook(copy, change)
    assert fails(copy, GUARD, "not run once each")


def test_red_for_an_output_that_was_deleted(copy):
    def change(cells):
        cells[3].outputs = []

    edit_notebook(copy, change)
    assert fails(copy, NBVAL, "Cell outputs differ|mismatch|missing")


def test_red_for_an_edit_of_the_source_alone(copy):
    edit_text(copy, f"{CHAPTER}.md", "## Its one rule", "## Its only rule")
    assert fails(copy, GUARD, "Its only rule")


def test_red_for_an_edit_of_the_notebook_alone(copy):
    edit_text(copy, f"{CHAPTER}.ipynb", "## Its one rule", "## Its only rule")
    assert fails(copy, GUARD, "Its only rule")


def test_red_for_an_unknown_tag_in_both(copy):
    edit_text(copy, f"{CHAPTER}.md", "---\nmystnb:", "---\ntags: [skip-me]\nmystnb:")
    edit_notebook(copy, lambda cells: cells[5].metadata.update(tags=["skip-me"]))
    assert fails(copy, GUARD, "unknown tag")


@pytest.mark.parametrize("where", ["intro.md", "_toc.yml"])
def test_red_for_a_dead_reference(copy, where):
    old, new = {
        "intro.md": ("{ref}`ch-forward`", "{ref}`ch-missing`"),
        "_toc.yml": ("chapters/01_forward", "chapters/01_backward"),
    }[where]
    edit_text(copy, where, old, new)
    assert fails(copy, BUILD, "ch-missing|01_backward")


def test_red_for_a_chapter_that_nobody_lists(copy):
    edit_text(copy, "_toc.yml", "      - file: chapters/02_chain_rule\n", "")
    assert fails(copy, GUARD, "02_chain_rule")


def test_red_for_a_wrong_sign_in_the_module(copy):
    edit_text(copy, "bn_utils/batchnorm.py", "- h_hat * dgamma)", "+ h_hat * dgamma)")
    assert fails(copy, ["-m", "pytest", "-q", "tests/test_batchnorm.py"], "dh: relative error")


LEDGER = ["-m", "pytest", "-q", "-x", "tests/test_ledger.py", "-k", "chapter or register"]
DERIVATION = "chapters/03_delta_notation"
RUN = ["-m", "pytest", "-q", "-x", f"{DERIVATION}.ipynb"]
VARIANCE = r"\frac{2}{N} (h_{il} - \mu_l) \delta_{jl}"


def edit_both(copy, old, new):
    """Edit the source of the derivation and the cell of its notebook, and none of its outputs."""
    edit_text(copy, f"{DERIVATION}.md", old, new)
    path = copy / f"{DERIVATION}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    (cell,) = (cell for cell in notebook.cells if old in cell.source)
    cell.source = cell.source.replace(old, new)
    nbformat.write(notebook, path)


INDEX, SIGN, FACTOR = VARIANCE.replace("il", "jl"), VARIANCE.replace("-", "+"), VARIANCE.replace("2", "1")


@pytest.mark.parametrize(
    ("command", "wrong"),
    [(LEDGER, INDEX), (LEDGER, SIGN), (LEDGER, FACTOR), (RUN, SIGN), (BUILD, FACTOR)],
    ids=["ledger-index", "ledger-sign", "ledger-factor", "nbval-sign", "build-factor"],
)
def test_red_for_a_wrong_line_in_a_chapter(copy, command, wrong):
    display = r"\frac{\partial \sigma_l^2}{\partial h_{ij}} = %s"
    edit_both(copy, display % VARIANCE, display % wrong)
    assert fails(copy, command, "eq-dvar-4")


@pytest.mark.parametrize("command", [LEDGER, RUN], ids=["ledger", "nbval"])
def test_red_for_an_equation_whose_check_is_removed(copy, command):
    edit_both(copy, '\nledger.check("eq-dmu")', "")
    assert fails(copy, command, "eq-dmu|Cell outputs differ|mismatch")


def test_red_for_a_numbered_equation_without_a_check(copy):
    edit_both(copy, "$$ (eq-centred)", "$$ (eq-centred)\n\n$$\nc_{kl} = h_{kl} - \\mu_l\n$$ (eq-new)")
    assert fails(copy, BUILD, "eq-new is not checked")


def test_red_for_a_register_that_was_typed(copy):
    edit_text(
        copy, "bn_utils/register.json", '"tex": "c_{kl} = h_{kl} - \\\\mu_l"', '"tex": "c_{kl} = h_{kl}"'
    )
    assert fails(copy, LEDGER, "eq-centred")
    assert fails(copy, BUILD, "eq-centred is not the text that was checked")
