"""Print the book to _build/book.pdf: one page made of all pages of the site, printed by a browser.

The site's own pages are joined, not built anew with Sphinx's `singlehtml`, where links to what
each page numbers for itself, as the sources it cites, lead astray. So all numbers are the web's.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import book
from bs4 import BeautifulSoup

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
PLACES = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    r"%ProgramFiles%\Google\Chrome\Application\chrome.exe",
    r"%ProgramFiles(x86)%\Microsoft\Edge\Application\msedge.exe",
)
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
ALONE = "--host-resolver-rules=MAP * ~NOTFOUND"  # no request leaves the machine
PAPER = ("--no-pdf-header-footer", "--generate-pdf-document-outline")
PAGE = """<!DOCTYPE html>
<html lang="en" data-theme="light" class="from-disk">
<head>
<meta charset="utf-8">
<title>{title}</title>
{styles}
<style>
  html {{ font-size: 10pt; }}
  body {{ width: 170mm; }}
  article {{ break-before: page; }}
  h1, h2, h3 {{ white-space: pre-wrap; }}  /* or the outline loses the space where a line ends */
  .book-title {{ font-size: 3em; font-weight: 600; line-height: 1.2; margin: 20mm 0 8mm; }}
</style>
</head>
<body>
<p class="book-title">{title}</p>
<p>{author}</p>
{contents}
{articles}
<script>  // what is wider than the paper is set smaller, once the fonts are there
  addEventListener("load", () => {{
    for (const part of document.querySelectorAll("div.math > .equation, table, span.math")) {{
      const ratio = Math.min(part.clientWidth, part.parentElement.clientWidth) / part.scrollWidth;
      if (0 < ratio && ratio < 1) part.style.fontSize = `${{98 * ratio}}%`;
    }}
  }});
</script>
</body>
</html>
"""
DATE = re.compile(rb"(/(?:Creation|Mod)Date \(D:)\d{14}")


def find_browser():
    """Return the path of Chromium or of a browser made from it; None if there is none."""
    places = (path for path in map(os.path.expandvars, PLACES) if Path(path).is_file())
    return next(filter(None, map(shutil.which, NAMES)), None) or next(places, None)


def read(page):
    """Return a page as a tree of tags."""
    return BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")


def join(site, source=book.ROOT):
    """Return the HTML of one page that holds all pages of the site of `source`, in their order."""
    settings = book.settings(source)
    address = settings["html"]["baseurl"]
    first = read(site / "intro.html")
    contents = first.select_one("nav.bd-links")
    names = ["intro.html" if link["href"] == "#" else link["href"] for link in contents.select("a[href]")]
    articles = [read(site / name).select_one("article") for name in names]
    for name, article in zip(names, articles, strict=True):
        localise(article, name, names, address)
        article["id"] = name
    for tag in contents.select(".active"):
        del tag["class"]  # on paper nobody is on a page
    for tag in contents.select("[role=heading]"):
        del tag["role"]  # the outline has headings of the text alone
    localise(contents, "intro.html", names, address)
    return PAGE.format(
        title=settings["title"],
        author=settings["author"],
        styles="\n".join(map(str, first.select('link[rel="stylesheet"]'))),
        contents=contents,
        articles="\n".join(map(str, articles)),
    )


def localise(part, name, names, address):
    """Make the ids of a page unique in the whole book and its links lead inside it; open what is folded."""
    for tag in part.find_all(id=True):
        tag["id"] = f"{name}-{tag['id']}"
    for details in part.find_all("details"):
        details["open"] = ""
    for summary in part.select(".tag_solution summary"):
        summary.string = "Solution"
    for image in part.find_all("img"):
        image["src"] = urljoin(name, image["src"])
        del image["loading"]  # all of them are printed
    for link in part.find_all("a", href=True):
        whole = urlsplit(urljoin(name, link["href"]))
        if whole.path in names:
            link["href"] = f"#{whole.path}-{whole.fragment}" if whole.fragment else f"#{whole.path}"
        elif address:
            link["href"] = urljoin(address, whole.geturl())
        elif not whole.scheme:
            del link["href"]  # what is not in the book is nowhere then


def print_book(site, target, source=book.ROOT):
    """Print the site of `source` to a PDF, with the same bytes each time.

    Raises
    ------
    SystemExit
        There is no browser, it did not finish, or it printed nothing; then the message has
        what it said.
    """
    browser = find_browser()
    if browser is None:
        sys.exit(
            "Printing needs a browser, and none was found. Install Chromium (Debian, Ubuntu: apt-get install"
            " chromium; macOS: brew install --cask chromium), Google Chrome or Microsoft Edge, and try again."
        )
    target.unlink(missing_ok=True)
    page = site.resolve() / "book.html"  # beside the styles and figures that it shows
    page.write_text(join(site, source), encoding="utf-8")
    try:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
            own = (ALONE, f"--user-data-dir={profile}", f"--print-to-pdf={target}")
            command = [browser, *FLAGS, *PAPER, *own, page.as_uri()]
            done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    except subprocess.TimeoutExpired:
        sys.exit(f"{browser} did not finish in 300 seconds.")
    finally:
        page.unlink()
    if not target.exists():
        sys.exit(f"{browser} printed nothing:\n{done.stderr}")
    target.write_bytes(DATE.sub(rb"\g<1>20000101000000", target.read_bytes()))


if __name__ == "__main__":
    site, target = book.build().parent, book.ROOT / "_build" / "book.pdf"
    print_book(site, target)
    print(f"The book is printed: {target.as_uri()}")
