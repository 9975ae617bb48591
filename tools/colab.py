"""Write a copy of each chapter that Colab and plain Jupyter show well, to _build/colab/chapters.

MyST becomes plain Markdown. What a role stands for, a number or a title, is read off the built
page, where all of them stand in the same order.
"""

import re
import shutil
import sys
from urllib.parse import urljoin, urlsplit

import book
import nbformat
from bs4 import BeautifulSoup

LABEL = re.compile(r"^\([\w-]+\)=\n", re.MULTILINE)
EQUATION = re.compile(r"^\$\$ \((eq-[\w-]+)\)$", re.MULTILINE)
ROLE = re.compile(r"\{([a-z:]+)\}`([^`]+)`|(`+)[^`].*?\3", re.DOTALL)  # or code, which is left alone
CITATIONS, LINKS = ("cite", "cite:t", "cite:p"), ("eq", "ref", "numref", "term")
DIRECTIVE = re.compile(r"^(:{3,}|`{3,})\{([\w-]+)\} *(.*)\n((?:.*\n)*?)\1$", re.MULTILINE)
OPTIONS = re.compile(r"(?::[\w-]+: *.*\n)*")  # at the head of a directive
OPTION = re.compile(r"^:([\w-]+): *(.*)\n", re.MULTILINE)
NOTES = ("admonition", "note", "tip", "hint", "important", "warning", "caution", "attention", "seealso")
GROUP = "[^{}]*"  # what may stand in braces, and braces in it
for _ in range(8):
    GROUP = rf"(?:[^{{}}]|\{{{GROUP}\}})*"
COLOUR = re.compile(rf"\\textcolor(\{{#\w+\}}\{{{GROUP}\}})")  # which not every renderer knows
NEEDS_TORCH = re.compile(r"^(?:from|import) [\w., ]*(?:torch|workers)", re.MULTILINE)
IMAGE = re.compile(r"!\[([^\]]*)\]\((?!\w+:)([^)]+)\)")
INTRODUCTION = """This is a copy of {chapter}, for Colab and Jupyter. Run the set-up first. Some cells \
end in an error on purpose: where *Run all* stops at one of them, go on with the cell after it."""
SET_UP = """# Set-up: the book's module, what draws its figures, and what it compares with
import importlib.util

if importlib.util.find_spec("bn_utils") is None:
    %pip install --quiet {packages} "bn-utils @ git+{url}@{branch}\""""


class Page:
    """The built page of a chapter: its numbers, and its links in the order of their roles."""

    def __init__(self, site, name, settings):
        self.name, self.address = f"chapters/{name}.html", settings["html"]["baseurl"]
        url, self.branch = settings["repository"]["url"], settings["repository"]["branch"]
        self.repository = urlsplit(url).path.strip("/").removesuffix(".git")
        soup = BeautifulSoup((site / self.name).read_text(encoding="utf-8"), "html.parser").article
        for formula in soup.select(".katex"):
            formula.replace_with(f"${formula.annotation.get_text()}$")
        self.title = soup.h1.get_text().rstrip("#")
        self.numbers = {
            equation["id"].removeprefix("equation-"): equation.select_one(".eqno").get_text().strip("()#")
            for equation in soup.select("div.math[id]")
        }
        self.figures = {
            figure["id"]: figure.select_one(".caption-number").get_text().strip()
            for figure in soup.select("figure[id]")
        }
        self.citations = iter([span.extract() for span in soup.select(".bibtex-citation")])
        self.links = iter(soup.select("a.reference.internal:not(.checks a)"))

    def link(self, text, href):
        """Return Markdown: a link to the site if it has an address, else the text."""
        if not self.address:
            return text
        text = text.replace("[", r"\[").replace("]", r"\]")
        return f"[{text}]({urljoin(urljoin(self.address, self.name), href)})"

    def resolve(self, role):
        """Return what the site shows for a role."""
        kind, content, is_code = role.groups()
        if is_code:
            return role[0]
        if kind in CITATIONS:
            found = next(self.citations)
            return self.link(found.get_text(), found.a["href"])
        if kind not in LINKS:
            sys.exit(f"{self.name}: the role {kind} has no plain form, give it one in {__file__}")
        found = next(self.links)
        if kind == "eq" and not found["href"].endswith(f"#equation-{content}"):
            sys.exit(f"{self.name}: found {found['href']} in place of {content}")
        return self.link(found.get_text(), found["href"])

    def plain(self, text):
        """Return Markdown without MyST."""
        text = LABEL.sub("", text)
        text = EQUATION.sub(lambda end: rf"\tag{{{self.numbers[end[1]]}}}" + "\n$$", text)
        text = COLOUR.sub(r"{\\color\1}", text)
        text = DIRECTIVE.sub(self.undirected, text)
        text = IMAGE.sub(lambda found: f"![{found[1]}]({self.raw(found[2])})", text)
        return ROLE.sub(self.resolve, text)

    def undirected(self, directive):
        """Return the plain Markdown of a directive."""
        _, kind, argument, body = directive.groups()
        head = OPTIONS.match(body)[0]
        options, body = dict(OPTION.findall(head)), body.removeprefix(head).strip()
        body = DIRECTIVE.sub(self.undirected, f"{body}\n").strip()
        if kind == "explorable":
            return body
        if kind == "margin":
            return re.sub("^", "> ", body, flags=re.MULTILINE)
        if kind in NOTES:
            text = f"**{argument or kind.capitalize()}**\n\n{body}"
            return re.sub("^", "> ", text, flags=re.MULTILINE)
        if kind == "table":
            return f"*{argument}*\n\n{body}"
        if kind == "figure":
            return f"![{options.get('alt', '')}]({argument})\n\n{self.caption(options.get('name'), body)}"
        sys.exit(f"{self.name}: the directive {kind} has no plain form; give it one in tools/colab.py")

    def caption(self, name, text):
        """Return a figure's number and its caption."""
        return f"*{self.figures[name]}* {text}" if name else text

    def raw(self, path):
        """Return the address of a file of the repository."""
        return urljoin(f"https://raw.githubusercontent.com/{self.repository}/{self.branch}/{self.name}", path)


def convert(notebook, page, url):
    """Return the cells of the copy of a chapter."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    needs_torch = any(NEEDS_TORCH.search(cell.source) for cell in code)
    packages = "matplotlib torch" if needs_torch else "matplotlib"
    yield nbformat.v4.new_markdown_cell(
        INTRODUCTION.format(chapter=page.link(page.title, "")), id="introduction"
    )
    yield nbformat.v4.new_code_cell(
        SET_UP.format(packages=packages, url=url, branch=page.branch), id="set-up"
    )
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = page.plain(cell.source)
        figure = cell.metadata.pop("mystnb", {}).get("figure")
        if "solution" in cell.metadata.get("tags", ()):
            cell.source = f"# @title Solution\n{cell.source}"
            cell.metadata |= {"cellView": "form", "jupyter": {"source_hidden": True}}
        yield cell
        if figure:
            text = page.plain(page.caption(figure["name"], figure["caption"]))
            yield nbformat.v4.new_markdown_cell(text, id=f"{cell.id}-caption")


def write(site, target, source=book.ROOT):
    """Write the copies of all chapters of `source`, whose built site is `site`; return their paths.

    Raises
    ------
    SystemExit
        The address of the repository is not set, or a role or directive has no plain form.
    """
    settings = book.settings(source)
    url = settings["repository"]["url"]
    if urlsplit(url).hostname != "github.com":
        sys.exit("Colab needs the book on GitHub: set repository.url in _config.yml")
    shutil.rmtree(target, ignore_errors=True)  # with the copies of chapters that are gone
    target.mkdir(parents=True)
    paths = []
    for path in sorted((source / "chapters").glob("*.ipynb")):
        notebook, page = nbformat.read(path, as_version=4), Page(site, path.stem, settings)
        notebook.cells = list(convert(notebook, page, url))
        if left := [part.get_text() for part in (*page.links, *page.citations)]:
            sys.exit(f"{path.name}: on the page, not in the chapter: {left}")
        nbformat.validate(notebook)
        paths.append(target / path.name)
        paths[-1].write_text(nbformat.writes(notebook) + "\n", encoding="utf-8", newline="\n")
    return paths


if __name__ == "__main__":
    found = write(book.build().parent, book.ROOT / "_build" / "colab" / "chapters")
    print(f"{len(found)} chapters are copied for Colab: {found[0].parent}")
