"""Open JupyterLab on copies of the chapters, in work/.

A chapter that is in work/ already is left alone: it holds the reader's edits.
"""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def copy_chapters(source, target):
    """Copy the notebooks of `source` that `target` does not have; return their names."""
    target.mkdir(exist_ok=True)
    new = [path for path in sorted(source.glob("*.ipynb")) if not (target / path.name).exists()]
    for path in new:
        shutil.copyfile(path, target / path.name)
    return [path.name for path in new]


if __name__ == "__main__":
    work = ROOT / "work"
    new = copy_chapters(ROOT / "chapters", work)
    print(f"{len(new)} chapters copied to {work}; delete one there to get it fresh next time.", flush=True)
    sys.exit(subprocess.call([sys.executable, "-m", "jupyter", "lab", *sys.argv[1:], str(work)]))
