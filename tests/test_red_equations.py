"""What must turn `make test` red for an equation does: a wrong line, a check that is missing."""

import nbformat
import pytest
from breaking import BUILD, edit_text, fails, only

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
    [
        (LEDGER, INDEX),
        pytest.param(LEDGER, SIGN, marks=pytest.mark.thorough),
        pytest.param(LEDGER, FACTOR, marks=pytest.mark.thorough),
        (RUN, SIGN),
        (BUILD, FACTOR),
    ],
    ids=["ledger-index", "ledger-sign", "ledger-factor", "nbval-sign", "build-factor"],
)
def test_red_for_a_wrong_line_in_a_chapter(copy, command, wrong):
    display = r"\frac{\partial \sigma_l^2}{\partial h_{ij}} = %s"
    edit_both(copy, display % VARIANCE, display % wrong)
    if command is BUILD:
        only(copy, DERIVATION)
    assert fails(copy, command, "eq-dvar-4")


@pytest.mark.thorough
@pytest.mark.parametrize("command", [LEDGER, RUN], ids=["ledger", "nbval"])
def test_red_for_an_equation_whose_check_is_removed(copy, command):
    edit_both(copy, '\nledger.check("eq-dmu")', "")
    assert fails(copy, command, "eq-dmu|Cell outputs differ|mismatch")


def test_red_for_a_numbered_equation_without_a_check(copy):
    edit_both(copy, "$$ (eq-centred)", "$$ (eq-centred)\n\n$$\nc_{kl} = h_{kl} - \\mu_l\n$$ (eq-new)")
    only(copy, DERIVATION)
    assert fails(copy, BUILD, "eq-new is not checked")


@pytest.mark.thorough
def test_red_for_a_register_that_was_typed(copy):
    edit_text(
        copy, "bn_utils/register.json", '"tex": "c_{kl} = h_{kl} - \\\\mu_l"', '"tex": "c_{kl} = h_{kl}"'
    )
    assert fails(copy, LEDGER, "eq-centred")
    only(copy, DERIVATION)
    assert fails(copy, BUILD, "eq-centred is not the text that was checked")
