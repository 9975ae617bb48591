"""The page of the module: all that is public, links to the equations, and nothing raw."""

import argparse
import inspect
import re
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import pytest
from browsing import parse
from extensions import extension
from sphinx.errors import ExtensionError

import bn_utils as bn
from bn_utils.diagnose import __main__ as command

BEHIND = {"proof", "symbolic", "texmath", "TorchWorld"}  # what the ledger is made of: not for its readers


@pytest.fixture
def page(site):
    return parse(site / "pages" / "api.html")


def test_every_public_name_is_on_the_page(page):
    for name in bn.__all__:
        module = inspect.ismodule(getattr(bn, name))
        assert page.find(id=f"module-bn_utils.{name}" if module else f"bn_utils.{name}"), name


def test_every_public_module_is_on_the_page_with_all_that_it_defines(page):
    paths = [path for path in Path(bn.__file__).parent.iterdir() if path.suffix == ".py" or path.is_dir()]
    for name in sorted({path.stem for path in paths if path.stem[0] != "_"} - BEHIND):
        assert page.find(id=f"module-bn_utils.{name}") or name == "torch_oracle", f"{name} has no room"
        module = import_module(f"bn_utils.{name}")
        for public, value in vars(module).items():
            own = getattr(value, "__module__", None) == module.__name__ and callable(value)
            if own and public[0] != "_" and public not in BEHIND:
                assert page.find(id=[f"bn_utils.{public}", f"bn_utils.{name}.{public}"]), public


def test_what_a_package_exports_is_on_the_page(page):
    for name in bn.diagnose.__all__:
        assert page.find(id=f"bn_utils.diagnose.{name}"), name


def test_a_docstring_leads_to_its_equations_its_chapter_and_other_functions(page):
    def links(name):
        found = page.find(id=f"bn_utils.{name}").find_parent("dl").find_all("a", class_="internal")
        return [link["href"] for link in found]

    chapter = "../chapters/04_final_formulas.html"
    assert links("batchnorm_backward") == [
        f"{chapter}#equation-eq-dh-hat",
        chapter,
        "#bn_utils.fused.batchnorm_backward",
        "#bn_utils.BatchNormCache",
        "#bn_utils.batchnorm_forward",
        f"{chapter}#equation-eq-dgamma-3",
        f"{chapter}#equation-eq-dbeta-3",
    ]
    assert "#bn_utils.exercises.ExerciseError" in links("exercises.check")
    assert "#bn_utils.texmath.TexError" in links("ledger.try_line")


def test_a_named_tuple_says_the_shapes_of_its_fields(page):
    fields = page.find(id="bn_utils.BatchNormCache").find_parent("dl").select(".field-list dd dt")
    names, shapes = zip(*(field.stripped_strings for field in fields), strict=True)
    assert names == bn.BatchNormCache._fields
    assert shapes[:-1] == ("(N, H)", "(H,)", "(H,), biased", "(H,)", "(N, H)", "(H,)")


class Incomplete(NamedTuple):
    """Two fields, of which one says nothing."""

    told: int  # (N,)
    untold: int


def test_a_field_that_does_not_say_its_shape_fails_the_build():
    with pytest.raises(ExtensionError, match=r"^a\.B: each field needs a comment with its shape$"):
        extension("api").link(None, "class", "a.B", Incomplete, None, ["Two fields."])


def test_nothing_of_the_markup_is_left(page):
    article = page.find("article")
    for code in article.find_all(["code", "pre"]):
        code.extract()
    for formula in article.select(".katex"):
        formula.extract()
    text = article.get_text()
    assert not re.findall(r"`|\\|:\w+:|\*\*|\bchapter \d\d_|(?<!“)\beq-\w+|Alias for field", text)


def test_the_command_is_described_with_all_of_its_options(page):
    text = page.find(id="the-diagnosis-from-a-shell").get_text()
    actions = [action for action in command._parser()._actions if action.help != argparse.SUPPRESS]
    options = [action.option_strings[-1] for action in actions if action.option_strings]
    assert options == ["--help", "--json", "--timeout"]
    assert [name for name in (*options, *command.USUAL_NAMES) if name not in text] == []
    codes = re.findall(r"(\d) where", text)
    assert [int(code) for code in codes] == [command.RIGHT, command.WRONG, command.NOT_RUN]
