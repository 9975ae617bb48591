"""Execute chapters/*.md into chapters/*.ipynb, outputs included.

One way only: the Markdown file is what people edit, the notebook is what it gives. The
checks of its equations, which are outputs too, make up bn_utils/register.json. Two runs
write the same bytes.
"""

import argparse
import json
import os
import re
import sys
import tempfile
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from bn_utils.ledger import MIME
from bn_utils.proof.sources import equations_in

ROOT = Path(__file__).resolve().parents[1]
ALLOWED_TAGS = re.compile("raises-exception|solution|hide-(input|output|cell)|remove-(input|output|cell)")
FOLDERS = [ROOT, Path.home(), tempfile.gettempdir(), sys.prefix]
MACHINE = re.compile(
    "|".join([r"\b0x[0-9a-f]{6,}", "/home/", "/Users/", *(re.escape(str(f)) for f in FOLDERS)])
)
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python", "pygments_lexer": "ipython3"},
}


def read(source):
    """Return the notebook that a Markdown chapter describes, without outputs.

    Raises
    ------
    SystemExit
        `source` is no file that starts with the head of a chapter.
    """
    if source.suffix != ".md" or not source.is_file():
        sys.exit(f"{source} must be a chapter: an existing file that ends in .md")
    text = source.read_bytes()
    if not text.startswith((b"---\n", b"---\r\n")) or b"kernelspec" not in text:
        sys.exit(f"{source} must start with the head of a chapter, --- and a kernelspec")
    try:
        notebook = jupytext.reads(text.decode("utf-8"), fmt="md:myst")
    except Exception as error:
        sys.exit(f"{source} cannot be read as a chapter: {error}")
    notebook.metadata = nbformat.from_dict(METADATA)
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:03d}"
    return notebook


def execute(notebook, folder):
    """Execute a notebook in place, in `folder`, as a reader's Run All would.

    The reader's own IPython settings are kept out of it.
    """
    client = NotebookClient(
        notebook,
        timeout=120,
        record_timing=False,
        coalesce_streams=True,  # or what a slow cell prints is split, now here, now there
        extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": str(folder)}},
    )
    with tempfile.TemporaryDirectory() as profile:
        client.execute(env={**os.environ, "IPYTHONDIR": profile})
    notebook.metadata = nbformat.from_dict(METADATA)  # the kernel adds its own version


def faults(notebook):
    """Say what is wrong with the outputs of a notebook; an empty list if nothing is."""
    found = []
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and re.search(r"^\s*(```|~~~)(?!\{)\w", cell.source, re.M):
            found.append("a block of code in its text looks like a cell and is never run")
    if [cell.execution_count for cell in code] != list(range(1, len(code) + 1)):
        found.append("its cells were not run once each, from top to bottom")
    for cell in code:
        tags = set(cell.metadata.get("tags", []))
        unknown = [tag for tag in tags if not ALLOWED_TAGS.fullmatch(tag)]
        kinds = [output.output_type for output in cell.outputs]
        text = str(cell.outputs)
        rules = {
            f"has the unknown tag(s) {unknown}": unknown,
            "switches nbval off with a comment": re.search("NBVAL_|PYTEST_VALIDATE_", cell.source),
            "has a magic or shell command, which need not run": re.search(r"^\s*[%!]", cell.source, re.M),
            "has metadata beside its tags, figure and image": not allowed_metadata(cell.metadata),
            "shows a bitmap, which nothing compares": any(
                "image/png" in o.get("data", {}) for o in cell.outputs
            ),
            "shows a traceback": any(o.get("traceback", [""])[1:] for o in cell.outputs),
            "has more than 25 lines": len(cell.source.splitlines()) > 25,
            "has a line of more than 79 characters": max(map(len, cell.source.splitlines()), default=0) > 79,
            "writes to stderr": any(output.get("name") == "stderr" for output in cell.outputs),
            "fails": "error" in kinds and "raises-exception" not in tags,
            "should fail and does not": "raises-exception" in tags and "error" not in kinds,
            "shows a path or an address of this machine": MACHINE.search(text),
        }
        found += [f"cell {cell.execution_count} {rule}" for rule, broken in rules.items() if broken]
    return found


def allowed_metadata(metadata):
    """Say whether a cell's metadata hides nothing: tags, and a figure's name, caption and text."""
    return set(metadata) <= {"tags", "mystnb"} and set(metadata.get("mystnb", {})) <= {"figure", "image"}


def write(notebook, target):
    """Write a notebook with the same bytes on every platform."""
    nbformat.validate(notebook)
    target.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8", newline="\n")


def register_of(notebook):
    """Return the checks of the equations of a chapter, as its cells printed them, by label."""
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", []))
    rows = [row for output in outputs for row in output.get("data", {}).get(MIME, [])]
    return {row["label"]: row for row in rows}


def write_register(folder):
    """Write the register of all chapters of a project, in the order of their equations."""
    register = {}
    for path in sorted((folder / "chapters").glob("*.ipynb")):
        rows = register_of(nbformat.read(path, as_version=4))
        register |= {label: rows[label] for label in equations_in(path) if label in rows}
    text = json.dumps(register, indent=1) + "\n"
    (folder / "bn_utils" / "register.json").write_text(text, encoding="utf-8", newline="\n")


def main(sources):
    """Execute the chapters and write their notebooks; stop at the first that has a fault."""
    for source in sources:
        notebook = read(source)
        try:
            execute(notebook, source.parent)
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            sys.exit(f"{source.with_suffix('.ipynb')} is left as it was, a cell failed:\n{error}")
        if found := faults(notebook):
            sys.exit(f"{source.with_suffix('.ipynb')} is left as it was:\n" + "\n".join(found))
        write(notebook, source.with_suffix(".ipynb"))
        print(f"executed {source.stem}")
        if source.parent.name == "chapters":
            write_register(source.parent.parent)
    print(f"{len(sources)} chapters are executed, their notebooks written.")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Execute the chapters into notebooks.")
    parser.add_argument("chapters", nargs="*", type=Path, help="chapters/NN_name.md (default: all)")
    main(parser.parse_args().chapters or sorted((ROOT / "chapters").glob("*.md")))
