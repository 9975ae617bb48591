"""Where the TeX of an equation comes from: the chapters, or the register in the package."""

import json
import re
from pathlib import Path

REGISTER = Path(__file__).parents[1] / "register.json"
DISPLAY = re.compile(r"^\$\$[ \t]*\n((?:(?!\$\$).)*)\n\$\$ *\((eq-[\w-]+)\)", re.DOTALL | re.MULTILINE)


def book_equations():
    """Return the TeX of all equations of the book, by label: of the chapters beside, else of the register."""
    found = {label: row["tex"] for label, row in json.loads(REGISTER.read_text(encoding="utf-8")).items()}
    for ending in ("ipynb", "md"):  # the source counts, where both have a label
        for path in sorted(Path.cwd().glob(f"*.{ending}")):
            found |= equations_in(path)
    return found


def equations_in(path):
    """Return the TeX of every numbered equation of a chapter, by label; none of what is no chapter.

    Raises
    ------
    ValueError
        An equation is not a display of its own, or two have one label.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix == ".ipynb":
            cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "markdown"]
            text = "\n\n".join("".join(cell["source"]) for cell in cells).replace("\r\n", "\n")
        elif not text.startswith("---\n"):  # a page without the head of a chapter
            return {}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}  # no chapter
    found = [(label, tex) for tex, label in DISPLAY.findall(text)]
    labels = re.findall(r"\$\$[ \t]*\((eq-[\w-]+)\)", text)
    if sorted(label for label, _ in found) != sorted(set(labels)):
        wrong = sorted({label for label in labels if [label for label, _ in found].count(label) != 1})
        raise ValueError(f"{path.name}: {', '.join(wrong)} must be one display, on lines of its own")
    return dict(found)
