"""The rules of the house that can be read off the package itself."""

import ast
import importlib
import inspect
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import bn_utils as bn
from bn_utils import diagnose, exercises, ledger, space, symbolic, texmath
from bn_utils.diagnose.__main__ import diagnose_file
from bn_utils.diagnose.identifiability import identifiability
from bn_utils.diagnose.loading import load
from bn_utils.processes import run
from bn_utils.proof import derivative
from bn_utils.torch_oracle import torch_double_backward, torch_gradients, torch_training
from bn_utils.workers import all_reduce, step, sync_batchnorm_backward, sync_batchnorm_forward

SOURCES = sorted(Path(bn.__file__).parent.rglob("*.py"))
CHECKS = [
    exercises.check,
    ledger.check,
    ledger.try_line,
    texmath.read,
    derivative.differentiate,
    symbolic.residual,
    diagnose.diagnose,
    diagnose_file,
    identifiability,
    load,
]
FUNCTIONS = [
    torch_gradients,
    torch_double_backward,
    torch_training,
    space.projection,
    run,
    all_reduce,
    sync_batchnorm_forward,
    sync_batchnorm_backward,
    step,
    *CHECKS,
    *filter(inspect.isfunction, (getattr(bn, name) for name in bn.__all__)),
]


def test_import_needs_numpy_alone():
    code = "import sys, bn_utils; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"torch", "matplotlib", "sympy"}.isdisjoint(done.stdout.split())


def test_all_names_what_the_package_exports():
    exported = {name for name, value in vars(bn).items() if name[0] != "_" and not inspect.ismodule(value)}
    assert sorted({*exported, "diagnose", "exercises", "fused", "ledger"}) == bn.__all__


@pytest.mark.parametrize(
    "module",
    ["batchnorm", "compare", "gradcheck", "jacobian", "layers", "normalize", "norms", "running", "spatial"],
)
def test_public_functions_and_classes_are_exported(module):
    module = importlib.import_module(f"bn_utils.{module}")
    own = [
        name for name, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__
    ]
    assert {name for name in own if not name.startswith("_")} <= set(bn.__all__)


def sections(function):
    """The sections of a numpydoc docstring by their titles."""
    parts = re.split(r"^(\w+)\n-+\n", inspect.getdoc(function), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_public_functions_say_what_they_take_return_and_raise(function):
    found = sections(function)
    if not found:
        assert re.search(r"Arguments[^.]*\sand\s+errors\s+are\s+those\s+of\s+`\w+`", inspect.getdoc(function))
        return
    silent = {"assert_grads_close", "directional_check"}
    assert {"Parameters", "Raises"} <= set(found)
    assert ("Returns" in found) is (function.__name__ not in silent)
    heads = re.findall(r"^(\w[\w, ]*) :", found["Parameters"], flags=re.MULTILINE)
    assert ", ".join(heads).split(", ") == list(inspect.signature(function).parameters)


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_modules_are_short_and_do_not_print(source):
    text = source.read_text(encoding="utf-8")
    assert (
        len(text.splitlines()) <= 220 or source.name == "_exercises.py" or source.parent.name == "catalogue"
    )
    names = [node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)]
    assert "print" not in names


def test_a_wheel_holds_every_package_and_every_file_of_data():
    root = Path(bn.__file__).parents[1]
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    folders = {path.parent.relative_to(root) for path in SOURCES}
    assert sorted(settings["packages"]) == sorted(".".join(folder.parts) for folder in folders)
    data = [path.name for path in Path(bn.__file__).parent.rglob("*.*") if path.suffix not in (".py", ".pyc")]
    assert settings["package-data"] == {"bn_utils": data}
