"""Offer the other forms of the book: each chapter to be run elsewhere, and the whole book to keep.

The chapters run on Colab and on Binder once `_config.yml` gives the address of the repository, if
that is on GitHub. They are links alone: nothing is loaded from those hosts. What can be downloaded
is what lies in the folder that BOOK_DOWNLOADS names; tools/publish.py makes one.
"""

import os
from pathlib import Path
from urllib.parse import urlsplit

PLACES = {
    "Colab": "https://colab.research.google.com/github/{repository}/blob/colab/{page}.ipynb",
    "Binder": "https://mybinder.org/v2/gh/{repository}/{branch}?urlpath=lab/tree/{page}.ipynb",
}
TOOLTIPS = {"book.pdf": "Download the whole book", "book.zip": "Download this site, to be read from disk"}


def downloads():
    folder = os.environ.get("BOOK_DOWNLOADS")
    return [path for path in sorted(Path(folder).iterdir()) if path.name in TOOLTIPS] if folder else []


def add_files(app, config):
    config.html_extra_path += map(str, downloads())


def add_buttons(app, page, template, context, doctree):
    """Add our buttons to those that the theme has made."""
    groups = context["header_buttons"]
    for group in groups:
        if group["label"] == "download-buttons":
            for path in downloads():
                url = context["pathto"](path.name, resource=True)
                group["buttons"].append(button(path.name, url, TOOLTIPS[path.name], "fas fa-download"))
    options = app.config.html_theme_options
    address, branch = urlsplit(options.get("repository_url", "")), options.get("repository_branch")
    if page.startswith("chapters/") and address.hostname == "github.com":
        repository = address.path.strip("/").removesuffix(".git")
        fields = {"repository": repository, "branch": branch, "page": page}
        links = [
            button(place, url.format(**fields), f"Run this chapter on {place}", "fas fa-play")
            for place, url in PLACES.items()
        ]
        group = {"type": "group", "tooltip": "Run this chapter", "icon": "fas fa-rocket", "buttons": links}
        groups.insert(0, {**group, "label": "launch-buttons"})


def button(text, url, tooltip, icon):
    label = f"{text.lower().replace('.', '-')}-button"
    return {"type": "link", "text": text, "url": url, "tooltip": tooltip, "icon": icon, "label": label}


def setup(app):
    app.connect("config-inited", add_files)
    app.connect("html-page-context", add_buttons, priority=700)  # after all others
    return {"version": "1", "parallel_read_safe": True}
