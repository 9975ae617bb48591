"""The checks of the chapters notice a wrong line.

The cell beside each equation is mutated (a sign, a factor, a power, an index), one place
at a time, and run: it must fail, unless the mutant computes the same numbers.
"""

import ast
import copy
import linecache
import re
from itertools import islice
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from code_mutants import changed_trees
from equations import EQUATIONS
from notebooks import read

mpl.use("Agg")


CHAPTERS = Path(__file__).parents[1] / "chapters"
CHECKED = re.compile(r'assert_grads_close\(\s*"(eq-[\w-]+)"')
# What a chapter chooses, and does not compute: sizes, data, the loss, the form of a check.
CHOSEN = re.compile(r"^(N, D, H|eps) = |^[\w, ]+ = (rng|np\.array)|^def (loss|entries)\(")


def cells(chapter):
    """The code cells of a chapter that are no stubs."""
    notebook = read(CHAPTERS / f"{chapter}.md")
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [
        re.sub(r"^ledger\.check\(.*\)$", "", cell.source, flags=re.MULTILINE)
        for cell in code
        if "raises-exception" not in cell.metadata.get("tags", [])
    ]


def execute(source, namespace):
    """Run a cell as a notebook does: a function in it can be asked for its source."""
    name = f"<cell {hash(source)}>"
    linecache.cache[name] = len(source), None, source.splitlines(keepends=True), name
    exec(compile(source, name, "exec"), namespace)


def changes(node):
    """The changes of one node, each a function that makes it."""
    if isinstance(node, ast.BinOp):
        swaps = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult}
        if type(node.op) in swaps:
            yield lambda n: setattr(n, "op", swaps[type(n.op)]())
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield lambda n: setattr(n, "op", ast.UAdd())
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield lambda n: setattr(n, "value", n.value + 1)
    elif isinstance(node, ast.Attribute) and node.attr == "T":
        yield lambda n: setattr(n, "attr", "real")  # the array itself
    elif isinstance(node, ast.Constant) and type(node.value) is str and "->" in node.value:
        letters = set(filter(str.isalpha, node.value))
        for k, letter in enumerate(node.value):
            for other in sorted(letters - {letter}) if letter in letters else ():
                yield lambda n, k=k, other=other: setattr(n, "value", n.value[:k] + other + n.value[k + 1 :])


def run(statements, namespace):
    """Run a cell on a copy of what came before; return what it compared."""
    namespace = {**namespace, "rng": copy.deepcopy(namespace.get("rng"))}
    compared, real = [], namespace["assert_grads_close"]

    def record(name, actual, expected, tol=1e-12):
        compared.append(np.concatenate([np.ravel(actual), np.ravel(expected)]))
        real(name, actual, expected, tol)

    namespace["assert_grads_close"] = record
    with np.errstate(all="ignore"):
        exec(compile(ast.Module(statements, []), "cell", "exec"), namespace)
    return np.concatenate(compared)


def unnoticed(statements, namespace, every=1):
    """The mutants of a cell, one in `every`, that compute something else, unnoticed by its checks."""
    right, passed, tried = run(statements, namespace), [], 0
    for k, statement in enumerate(statements):
        if CHOSEN.match(ast.unparse(statement)):
            continue
        for mutant, _ in islice(changed_trees(statement, changes), 0, None, every):
            tried += 1
            try:
                wrong = run([*statements[:k], mutant, *statements[k + 1 :]], namespace)
            except Exception:  # noticed: that is what a mutant is for
                continue
            if wrong.shape != right.shape or not np.allclose(wrong, right, rtol=1e-9, atol=1e-9):
                passed.append(ast.unparse(mutant))
    assert tried > 0, "nothing in this cell was mutated"
    return passed


LONG = ("10_training_by_hand", "15_many_workers")  # their cells alone take half a minute


@pytest.mark.parametrize(
    "chapter",
    [pytest.param(name, marks=pytest.mark.thorough if name in LONG else []) for name in EQUATIONS],
)
def test_every_equation_has_a_cell_and_its_mutants_are_noticed(chapter, request):
    every = 1 if request.config.getoption("--thorough") else 19
    namespace, checked, passed = {}, [], []
    for source in cells(chapter):
        labels = CHECKED.findall(source)
        if labels:
            passed += unnoticed(ast.parse(source).body, namespace, every)
        checked += labels
        execute(source, namespace)
    plt.close("all")
    assert sorted(set(checked)) == sorted(EQUATIONS[chapter])
    assert passed == []


def test_a_check_that_cannot_fail_is_found():
    cell = "right = 2.0 * x\nassert_grads_close('eq', right, right)"
    namespace = {"x": np.ones(2), "assert_grads_close": lambda *args: None}
    assert "right = 3.0 * x" in unnoticed(ast.parse(cell).body, namespace)
