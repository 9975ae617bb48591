"""Execute chapters/*.md into chapters/*.ipynb, outputs included.

One way only: the Markdown file is what people edit, the notebook is what it gives. Two
runs write the same bytes.
"""

import argparse
import re
import sys
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

ROOT = Path(__file__).resolve().parents[1]
ALLOWED_TAGS = re.compile("raises-exception|solution|hide-(input|output|cell)|remove-(input|output|cell)")
MACHINE = re.compile(r"0x[0-9a-f]{6,}|/(home|Users|root|tmp|work|opt)/|[A-Z]:\\\\")
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python", "pygments_lexer": "ipython3"},
}


def read(source):
    """Return the notebook that a Markdown chapter describes, without outputs."""
    notebook = jupytext.read(source, fmt="md:myst")
    notebook.metadata = nbformat.from_dict(METADATA)
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:03d}"
    return notebook


def execute(notebook, folder):
    """Execute a notebook in place, in `folder`, as a reader's Run All would."""
    NotebookClient(
        notebook,
        timeout=120,
        record_timing=False,
        extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": str(folder)}},
    ).execute()
    notebook.metadata = nbformat.from_dict(METADATA)  # the kernel adds its own version


def faults(notebook):
    """Say what is wrong with the outputs of a notebook; an empty list if nothing is."""
    found = []
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    if [cell.execution_count for cell in code] != list(range(1, len(code) + 1)):
        found.append("its cells were not run once each, from top to bottom")
    for cell in code:
        tags = set(cell.metadata.get("tags", []))
        unknown = [tag for tag in tags if not ALLOWED_TAGS.fullmatch(tag)]
        kinds = [output.output_type for output in cell.outputs]
        text = str(cell.outputs)
        rules = {
            f"has the unknown tag(s) {unknown}": unknown,
            "switches nbval off with a comment": "NBVAL_" in cell.source,
            "has more than 25 lines": len(cell.source.splitlines()) > 25,
            "has a line of more than 79 characters": max(map(len, cell.source.splitlines()), default=0) > 79,
            "writes to stderr": any(output.get("name") == "stderr" for output in cell.outputs),
            "fails": "error" in kinds and "raises-exception" not in tags,
            "should fail and does not": "raises-exception" in tags and "error" not in kinds,
            "shows a path or an address of this machine": MACHINE.search(text),
        }
        found += [f"cell {cell.execution_count} {rule}" for rule, broken in rules.items() if broken]
    return found


def write(notebook, target):
    """Write a notebook with the same bytes on every platform."""
    nbformat.validate(notebook)
    target.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8", newline="\n")


def main(sources):
    for source in sources:
        notebook = read(source)
        try:
            execute(notebook, source.parent)
        except CellExecutionError as error:
            sys.exit(f"{source.with_suffix('.ipynb')} is left as it was, a cell failed:\n{error}")
        if found := faults(notebook):
            sys.exit(f"{source.with_suffix('.ipynb')} is left as it was:\n" + "\n".join(found))
        write(notebook, source.with_suffix(".ipynb"))
        print(f"executed {source.stem}")
    print(f"{len(sources)} chapters are executed, their notebooks written.")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Execute the chapters into notebooks.")
    parser.add_argument("chapters", nargs="*", type=Path, help="chapters/NN_name.md (default: all)")
    main(parser.parse_args().chapters or sorted((ROOT / "chapters").glob("*.md")))
