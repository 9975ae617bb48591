"""Loads a learner's file as it is: what fails in it is left out, a module that is not here is made up."""

import __future__

import ast
import importlib.abc
import importlib.machinery
import importlib.util
import re
import sys
import types
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

OUTER = "course"
PACKAGE = f"{OUTER}.learner"  # the file is a module of it, so that relative imports are read too
PYTHON_2 = {"range": range, "xrange": range, "zip": zip, "map": map, "input": input, "str": str}


class LoadError(Exception):
    """A file that cannot be loaded; the message says why, in a sentence."""


class _Missing:
    """Stands for a thing of a module that is not here: it may be named and decorate, but not be used."""

    loading = True

    def __init__(self, name):
        self._name = name

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return _Missing(f"{self._name}.{name}")

    def __call__(self, *arguments, **_):
        if not _Missing.loading:
            name = self._name.removeprefix(f"{PACKAGE}.").removeprefix(f"{OUTER}.")
            raise ImportError(f"{name} is called, but its module is not here")
        return arguments[0] if len(arguments) == 1 and callable(arguments[0]) else self


class _MadeUp(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the modules of these names, and all within them, as empty ones."""

    def __init__(self):
        self.names = set()

    def find_spec(self, name, path=None, target=None):
        parts = name.split(".")
        if any(".".join(parts[:length]) in self.names for length in range(1, len(parts) + 1)):
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec):
        module = types.ModuleType(spec.name)
        missing = _Missing(spec.name)
        module.__getattr__ = lambda name: PYTHON_2.get(name) or getattr(missing, name)
        module.__all__ = []
        return module

    def exec_module(self, module):
        pass


def load(path):
    """Run a Python file and return its names.

    Its own folder and the one above it are searched for what it imports. A statement that fails
    is left out, so that one function can be used where another part of the file does not work.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    names : dict
    failure : str
        What the first statement that failed has raised; "" where none did.

    Raises
    ------
    LoadError
        The file cannot be read, or none of it is Python.
    """
    path = Path(path)
    module = types.ModuleType(f"{PACKAGE}.{path.stem}")
    module.__package__, module.__file__ = PACKAGE, str(path)
    vars(module)["np"] = np  # where the import is what fails
    folders = [str(path.parent.resolve()), str(path.parent.parent.resolve())]
    finder = _MadeUp()
    failure = ""
    with _importing(folders, finder, module), np.errstate(all="ignore"):
        for code, imports in _statements(path):
            try:
                _run(code, imports, finder, vars(module))
            except (Exception, SystemExit) as error:
                failure = failure or f"{type(error).__name__}: {error}".rstrip(": ")
    return vars(module), failure


def _run(code, imports, finder, names):
    """Run a statement; each time that a module is not here, or cannot be loaded, make it up and try again."""
    while True:
        try:
            return exec(code, names)
        except Exception as error:
            missing = {error.name} if isinstance(error, ModuleNotFoundError) else set(imports)
            if not missing - finder.names - {None}:
                raise
            finder.names |= missing - {None}


@contextmanager
def _importing(folders, finder, module):
    """While a file is loaded: its folders are searched, and the finder makes modules up."""
    before = set(sys.modules)
    for depth, name in enumerate((PACKAGE, OUTER)):
        package = sys.modules[name] = types.ModuleType(name)
        package.__path__ = folders[depth : depth + 1]
    sys.modules[module.__name__] = module  # dataclasses look there
    sys.path[:0] = folders
    sys.meta_path.insert(0, finder)
    _Missing.loading = True
    try:
        yield
    finally:
        _Missing.loading = False
        sys.meta_path.remove(finder)
        del sys.path[: len(folders)]
        for name in set(sys.modules) - before:
            file = getattr(sys.modules[name], "__file__", None) or ""
            own = str(Path(file).parent) in folders
            if name.split(".")[0] == OUTER or finder.find_spec(name) or own:
                del sys.modules[name]


def _statements(path):
    """The statements of a file, compiled, each with the modules that it imports."""
    tree = _parse(path)
    future = any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in tree.body)
    flags = __future__.annotations.compiler_flag if future else 0
    for node in tree.body:
        imports = []
        if isinstance(node, ast.Import):
            imports = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            package = f"{(PACKAGE, OUTER)[min(node.level, 2) - 1]}." if node.level else ""
            imports = [package + (node.module or node.names[0].name)]
        with suppress(SyntaxError):
            code = compile(ast.Module([node], []), str(path), "exec", flags=flags, dont_inherit=True)
            yield code, imports


def _parse(path):
    """The syntax tree of a file; where it is not all Python 3, of its functions and imports that are."""
    try:
        source = importlib.util.decode_source(path.read_bytes())
    except OSError as error:
        raise LoadError(f"{path} cannot be read: {error.strerror}") from error
    except (SyntaxError, UnicodeDecodeError) as error:
        raise LoadError(f"{path.name} is no text in the encoding that it names: {error}") from error
    source = source.expandtabs(8)  # Python 2 took a tab for eight columns
    without_print = re.sub(r"^( *)print\b.*$", r"\1pass", source, flags=re.MULTILINE)
    for text in (source, without_print):
        try:
            return ast.parse(text, str(path))
        except (SyntaxError, ValueError) as error:
            failure = error
    body = []
    for found in re.finditer(r"^(?:def|import|from) .*\n(?:(?: .*|#.*|)\n)*", text + "\n", re.MULTILINE):
        with suppress(SyntaxError, ValueError):
            body += ast.parse("\n" * text.count("\n", 0, found.start()) + found[0], str(path)).body
    if not any(isinstance(node, ast.FunctionDef) and "backward" in node.name for node in body):
        raise LoadError(f"{path.name} is no Python 3: {failure}") from failure
    return ast.Module(body, [])
