"""Loads a learner's file as it is: modules that it imports and that are not here are made up."""

import importlib.abc
import importlib.machinery
import importlib.util
import re
import sys
import types
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

PACKAGE = "learner"  # the file is its module, so that its relative imports are read too
BUILTINS = {
    "range": range,
    "xrange": range,
    "zip": zip,
    "map": map,
    "input": input,
    "object": object,
    "str": str,
}


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
            raise ImportError(f"{self._name} is called, but its module is not here")
        return arguments[0] if len(arguments) == 1 and callable(arguments[0]) else self


class _MissingModules(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """The last finder of all: finds what no other has found, as an empty module."""

    def find_spec(self, name, path=None, target=None):
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        module = types.ModuleType(spec.name)
        module.__getattr__ = lambda name: BUILTINS.get(name) or _attribute(spec.name, name)
        module.__all__ = []
        return module

    def exec_module(self, module):
        pass


def _attribute(module, name):
    if name.startswith("__"):
        raise AttributeError(name)
    return _Missing(f"{module}.{name}")


def load(path):
    """Run a Python file and return its names.

    Its own folder and the one above it are searched for what it imports.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    dict

    Raises
    ------
    LoadError
        The file cannot be read, is no Python, or raises an error.
    """
    path = Path(path)
    code = _compile(path)
    try:
        return _execute(code, path, [str(path.parent), str(path.parent.parent)])
    except (Exception, SystemExit):
        try:  # a module beside it may be what fails
            return _execute(code, path, [])
        except (Exception, SystemExit) as error:
            raise LoadError(
                f"{path.name} cannot be loaded, it raises {type(error).__name__}: {error}"
            ) from error


def _execute(pieces, path, folders):
    module = types.ModuleType(f"{PACKAGE}.{path.stem}")
    module.__package__, module.__file__ = PACKAGE, str(path)
    vars(module)["np"] = np  # where only a part of the file can be read
    with _importing(folders), np.errstate(all="ignore"):
        for code in pieces:
            exec(code, vars(module))
    return vars(module)


@contextmanager
def _importing(folders):
    """While a file is loaded: its folders are searched, and a missing module is made up."""
    before, finder = set(sys.modules), _MissingModules()
    package = types.ModuleType(PACKAGE)
    package.__path__ = folders[:1]
    sys.modules[PACKAGE] = package
    sys.path[:0] = folders
    sys.meta_path.append(finder)
    _Missing.loading = True
    try:
        yield
    finally:
        _Missing.loading = False
        sys.meta_path.remove(finder)
        del sys.path[: len(folders)]
        for name in set(sys.modules) - before:
            if name.split(".")[0] == PACKAGE or isinstance(
                getattr(sys.modules[name], "__loader__", None), _MissingModules
            ):
                del sys.modules[name]


def _compile(path):
    """The code of a file; where it is not all Python 3, of its functions that are."""
    try:
        source = importlib.util.decode_source(path.read_bytes())
    except OSError as error:
        raise LoadError(f"{path} cannot be read: {error.strerror}") from error
    except (SyntaxError, UnicodeDecodeError) as error:
        raise LoadError(f"{path.name} is no text in the encoding that it names: {error}") from error
    source = source.expandtabs(8)  # Python 2 took a tab for eight columns
    for text in (source, re.sub(r"^( *)print\b.*$", r"\1pass", source, flags=re.MULTILINE)):
        try:
            return [compile(text, str(path), "exec", dont_inherit=True)]
        except (SyntaxError, ValueError) as error:
            failure = error
    pieces = []  # the functions and imports that can be read, one by one
    for found in re.finditer(r"^(?:def|import|from) .*\n(?:(?: .*|#.*|)\n)*", text + "\n", re.MULTILINE):
        before = "\n" * text.count("\n", 0, found.start())
        with suppress(SyntaxError, ValueError):
            pieces.append(compile(before + found[0], str(path), "exec", dont_inherit=True))
    if not any("backward" in name for piece in pieces for name in piece.co_names):
        raise LoadError(f"{path.name} is no Python 3: {failure}") from failure
    return pieces
