"""Build all that is published: the site with the book as PDF and zip, and the chapters' copies for Colab.

The site comes to _build/html. The copies come to _build/colab, if _config.yml gives the address of
a repository on GitHub; they are a branch of their own there, named colab.
"""

import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import archive
import book
import colab
import pdf


def publish(source=book.ROOT, output=book.ROOT):
    """Build all forms of the book of `source` into `output`/_build; return the first page of the site."""
    with tempfile.TemporaryDirectory() as folder:
        site = book.build(source, output).parent
        archive.pack(site, Path(folder, "book.zip"))
        pdf.print_book(site, Path(folder, "book.pdf"), source)
        index = book.build(source, output, downloads=folder)
    if urlsplit(book.settings(source)["repository"]["url"]).hostname == "github.com":
        colab.write(index.parent, output / "_build" / "colab" / "chapters", source)
    return index


if __name__ == "__main__":
    print(f"All that is published is built: {publish().as_uri()}")
