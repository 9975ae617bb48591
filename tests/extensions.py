"""How the tests reach what extends Sphinx; some of its modules have the names of modules of tools/."""

from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "_ext"


@cache
def extension(name):
    """The module of that name in _ext/."""
    spec = spec_from_file_location(f"extension_{name}", FOLDER / f"{name}.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
