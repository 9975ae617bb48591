"""Execute chapters/*.md into chapters/*.ipynb, outputs included.

One way only: the Markdown file is what people edit, the notebook is what it gives. Two
runs write the same bytes.
"""

import argparse
import sys
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

ROOT = Path(__file__).resolve().parents[1]
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
        write(notebook, source.with_suffix(".ipynb"))
        print(f"executed {source.stem}")
    print(f"{len(sources)} chapters are executed, their notebooks written.")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Execute the chapters into notebooks.")
    parser.add_argument("chapters", nargs="*", type=Path, help="chapters/NN_name.md (default: all)")
    main(parser.parse_args().chapters or sorted((ROOT / "chapters").glob("*.md")))
