"""Break a copy of the project, and say whether its tests turn red, and why."""

import re
import subprocess
import sys

import nbformat
import yaml

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


def only(copy, *pages):
    """Leave these pages in the book, behind a bare first one: it builds in seconds.

    It also fails for what the pages refer to and is gone.
    """
    chapters = {"chapters": [{"file": page} for page in pages]} if pages else {}
    toc = {"format": "jb-book", "root": "intro"} | chapters
    (copy / "intro.md").write_text("# A book\n", encoding="utf-8")
    (copy / "_toc.yml").write_text(yaml.safe_dump(toc), encoding="utf-8")


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
