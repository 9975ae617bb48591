"""Build the book with every warning an error, say where it is, and open it.

Nothing is executed: the pages show the outputs stored in the notebooks.
"""

import os
import re
import shutil
import subprocess
import sys
import webbrowser
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]


def build(source=ROOT, output=ROOT, downloads=""):
    """Build the book of `source` anew into `output`/_build/html; return its first page.

    The pages offer the files of the folder `downloads`, as the PDF, and the site holds them.

    Raises
    ------
    SystemExit
        The build failed or warned; what it said is on stderr.
    """
    site = output / "_build"
    for folder in ("html", ".doctrees", "jupyter_execute"):
        if (site / folder).exists():
            shutil.rmtree(site / folder)
    program = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()"]
    done = subprocess.run(
        [*program, "build", source, "--path-output", output, "-W", "-n", "--keep-going", "-q"],
        stdout=subprocess.DEVNULL,  # progress; warnings and errors go to stderr
        env={**os.environ, "BOOK_DOWNLOADS": str(downloads)},
    )
    index = site / "html" / "index.html"
    if done.returncode != 0 or not index.exists():
        sys.exit("The book was not built: each warning above is an error, mend its source.")
    return index


def settings(source=ROOT):
    """Return what `_config.yml` says; the address of the site, if it is set, ends in a slash."""
    found = yaml.safe_load((source / "_config.yml").read_text(encoding="utf-8"))
    found["html"]["baseurl"] = re.sub("([^/])$", r"\1/", found["html"]["baseurl"] or "")
    return found


def has_desktop():
    """Say whether a browser window would be seen by somebody."""
    if os.environ.get("CI") or not sys.stdout.isatty():
        return False
    on_display = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return sys.platform in ("darwin", "win32") or bool(on_display)


if __name__ == "__main__":
    index = build()
    if has_desktop():
        webbrowser.open(index.as_uri())
    print(f"The book is built. Open it in a browser: {index.as_uri()}")
