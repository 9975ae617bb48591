"""Open JupyterLab on copies of the chapters, in work/.

A chapter that is in work/ already is left alone: it holds the reader's edits.
"""

import os
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def copy_chapters(source, target):
    """Copy the notebooks of `source` that `target` does not have; return their names.

    Raises
    ------
    SystemExit
        `target` is a file.
    """
    if target.exists() and not target.is_dir():
        sys.exit(f"{target} must be a folder for the copies of the chapters, it is a file")
    target.mkdir(exist_ok=True)
    new = [path for path in sorted(source.glob("*.ipynb")) if not os.path.lexists(target / path.name)]
    for path in new:
        part = target / f"{path.name}.part"  # a copy cut short must not pass for the reader's edits
        shutil.copyfile(path, part)
        part.replace(target / path.name)
    return [path.name for path in new]


if __name__ == "__main__":
    from jupyterlab.labapp import LabApp

    work = ROOT / "work"
    new = copy_chapters(ROOT / "chapters", work)
    print(f"{len(new)} chapters copied to {work}; delete one there to get it fresh next time.", flush=True)
    LabApp.launch_instance([*sys.argv[1:], str(work)])
