"""What needs the addresses of the project, which `_config.yml` gives; while one is empty, it is not rendered.

With the address of the repository: the links to it. With the address of the site: what a link to a
page shows elsewhere, and the sitemap. The page for a dead link, the BibTeX entry and the description
of each page are there in any case.
"""

import re
import shutil
from html import escape, unescape
from pathlib import Path
from textwrap import shorten
from urllib.parse import urlsplit

import yaml
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

BUTTONS = ("use_repository_button", "use_issues_button", "use_edit_page_button")
CARD = ("_static/card.png", 1200, 630)
CARD_ALT = "The gradient of batch normalization: a formula with a direct, a mean and a variance term."
NOT_FOUND = """<section><h1>This page does not exist</h1>
<p>The address may be old, or mistyped. <a href="intro.html">Begin at the first page</a>, look into the
<a href="pages/glossary.html">glossary</a>, or <a href="search.html">search the book</a>.</p></section>"""
RELATIVE = re.compile(r'\b(href|src|action|data-content_root)="(?!#|/|[a-z]+:)(?:\./)?')


def add_buttons(app, config):
    if config.html_theme_options.get("repository_url"):
        config.html_theme_options.update(dict.fromkeys(BUTTONS, True))


def mend_buttons(app, page, template, context, doctree):
    """Lead to what people edit of a chapter, offer it as text too, and show icons that the site has."""
    for group in context["header_buttons"]:
        buttons = group.get("buttons", [])
        for button in [group, *buttons]:
            button["icon"] = re.sub("^fab .*", "fas fa-code-branch", button["icon"])
            if button["label"] == "source-edit-button":
                button["url"] = button["url"].replace(".ipynb", ".md")
            if button.get("text") == ".ipynb":
                text = {"text": ".md", "url": button["url"].replace(".ipynb", ".md")}
                buttons.insert(buttons.index(button) + 1, {**button, **text})


def describe(app, page, template, context, doctree):
    """Give a page its description, and what a link to it shows elsewhere."""
    if doctree is None:
        return
    site = site_address(app)
    image, width, height = CARD
    title = unescape(re.sub("<.*?>", "", context["title"]))
    text = summary(doctree) or f"{title}. {cited(app)['abstract']}"
    context["metatags"] += f'<meta name="description" content="{escape(text)}" />\n'
    if not site:
        return
    properties = {
        "og:type": "website" if page == app.config.root_doc else "article",
        "og:site_name": app.config.html_title,
        "og:title": title,
        "og:description": text,
        "og:url": f"{site}{page}.html",
        "og:image": site + image,
        "og:image:width": width,
        "og:image:height": height,
        "og:image:alt": CARD_ALT,
    }
    for name, value in properties.items():
        context["metatags"] += f'<meta property="{name}" content="{escape(str(value))}" />\n'
    context["metatags"] += '<meta name="twitter:card" content="summary_large_image" />\n'


def summary(doctree):
    """The first paragraph of a page, shortened; "" if it has formulas, or if there is none."""
    section = next(doctree.findall(nodes.section))  # a target stands before it
    first = next((part for part in section if isinstance(part, nodes.paragraph)), None)
    if first is None or next(first.findall(nodes.math), None):
        return ""
    return re.sub(":$", ".", shorten(first.astext(), 200, placeholder=" ..."))


def site_address(app):
    """The address of the site, with a slash at its end; "" while it is not set."""
    address = app.config.html_baseurl
    return f"{address.rstrip('/')}/" if address else ""


def cited(app):
    """What CITATION.cff says of the book."""
    return yaml.safe_load((Path(app.srcdir) / "CITATION.cff").read_text(encoding="utf-8"))


class Citation(SphinxDirective):
    """The BibTeX entry of the book, from CITATION.cff."""

    def run(self):
        book, repository = cited(self.env.app), self.config.html_theme_options.get("repository_url")
        fields = {
            "author": " and ".join(f"{{{in_tex(author['name'])}}}" for author in book["authors"]),
            "title": f"{{{in_tex(book['title'])}}}",
            "year": self.config.copyright,
            "note": f"Version {book['version']}",
            "url": site_address(self.env.app) or repository,
        }
        lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
        entry = "\n".join(["@misc{bn_utils,", *lines, "}"])
        return [nodes.literal_block(entry, entry, language="bibtex")]


def in_tex(text):
    """A text with what TeX takes for commands escaped."""
    return re.sub(r"([_&%#])", r"\\\1", text)


def not_found(app):
    yield "404", {"title": "Page not found", "body": NOT_FOUND}, "page.html"


def finish(app, error):
    """Add what is no page of the book's: its root, its chapters as text; with an address, the sitemap."""
    if error or app.builder.name != "html":
        return
    folder, site = Path(app.outdir), site_address(app)
    shutil.copyfile(folder / f"{app.config.root_doc}.html", folder / "index.html")
    for chapter in Path(app.srcdir).glob("chapters/*.md"):
        shutil.copyfile(chapter, folder / "_sources" / "chapters" / chapter.name)
    if not site:
        return
    page = folder / "404.html"  # shown at any depth: its links must not be relative
    text = RELATIVE.sub(rf'\1="{urlsplit(site).path}', page.read_text(encoding="utf-8"))
    page.write_text(text, encoding="utf-8", newline="\n")
    places = (f"<url><loc>{escape(site + name)}.html</loc></url>" for name in sorted(app.env.found_docs))
    (folder / "sitemap.xml").write_text(
        '<?xml version="1.0" encoding="utf-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
        + "\n".join(places)
        + "\n</urlset>\n",
        encoding="utf-8",
        newline="\n",
    )


def setup(app):
    app.add_directive("citation", Citation)
    app.connect("config-inited", add_buttons, priority=100)  # before the theme reads them
    app.connect("html-page-context", mend_buttons, priority=600)  # after the theme has made them
    app.connect("html-page-context", describe)
    app.connect("html-collect-pages", not_found)
    app.connect("build-finished", finish, priority=800)  # before pages are made light
    return {"version": "1", "parallel_read_safe": True}
