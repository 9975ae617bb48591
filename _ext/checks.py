"""Show beside each equation how it is checked, and the register of all checks.

Both come from bn_utils/register.json, which executing the chapters writes. A labelled equation
without a row there, or with a row about another text, gets no mark and a warning.
"""

import json
import re
from pathlib import Path

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.transforms import SphinxTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

logger = logging.getLogger(__name__)
WAYS = {"proved": ("every N", "exact", "PyTorch"), "definition": ("definition", "PyTorch")}


def read_register(env):
    """Return the register; a page that uses it is read anew when it changes."""
    path = Path(env.srcdir) / "bn_utils" / "register.json"
    env.note_dependency(str(path))
    return json.loads(path.read_text(encoding="utf-8"))


def link(domain, kind, target, content, document):
    """Return a link that Sphinx resolves when all pages are read."""
    options = {"refdomain": domain, "reftype": kind, "reftarget": target, "refdoc": document}
    return pending_xref("", content, refexplicit=kind == "ref", refwarn=True, **options)


class Marks(SphinxTransform):
    """Put the mark of its checks behind each labelled equation of a chapter."""

    default_priority = 500

    def apply(self):
        if not self.env.docname.startswith("chapters/"):
            return
        register = read_register(self.env)
        for equation in list(self.document.findall(nodes.math_block)):
            label = equation.get("label") or ""
            if not label.startswith("eq-"):
                continue
            row = register.get(label)
            if row is None or row["tex"].split() != equation.astext().split():
                fault = "is not checked" if row is None else "is not the text that was checked"
                logger.warning("%s %s: run make notebooks", label, fault, location=equation)
                continue
            marks = (f"\N{CHECK MARK}\N{NO-BREAK SPACE}{way}" for way in WAYS[row["kind"]])
            ways = nodes.inline("", "\u2002".join(marks))
            mark = link("std", "ref", f"check-{label}", ways, self.env.docname)
            place = equation.parent.index(equation) + 1
            equation.parent.insert(place, nodes.paragraph("", "", mark, classes=["checks"]))


class Register(SphinxDirective):
    """All equations and their checks: for each chapter a section with a table."""

    def run(self):
        register, sections = read_register(self.env), []
        for chapter in sorted(Path(self.env.srcdir, "chapters").glob("*.md")):
            self.env.note_dependency(str(chapter))
            text = chapter.read_text(encoding="utf-8")
            labels = [label for label in register if f"$$ ({label})" in text]
            rows = [row for label in labels for row in self.rows(label, register[label])]
            if rows:
                title = f"{int(chapter.name[:2])}. {re.search(r'^# (.+)$', text, re.MULTILINE)[1]}"
                section = nodes.section("", nodes.title("", title), table(rows))
                section["ids"] = [f"register-{chapter.name[:2]}"]
                sections.append(section)
        return sections

    def rows(self, label, found):
        """Yield the row of one equation, which its mark links to, and the line as it was read."""
        target, document = f"check-{label}", self.env.docname
        self.env.get_domain("std").note_hyperlink_target(target, document, target, label)
        name = nodes.inline(
            "", "", self.number(label), nodes.Text(" "), nodes.literal("", label), ids=[target]
        )
        for place, given in enumerate(found["given"]):
            name += [nodes.Text(", " if place else " with "), self.number(given)]
        proved = found["kind"] == "proved"
        entries = str(found["entries"]) if proved else ""
        checks = (found["kind"], entries, f"{found['bound']:.0e}")
        yield table_row(name, *map(nodes.Text, checks))
        reading = nodes.paragraph("", "", nodes.math(found["reading"], found["reading"]))
        yield nodes.row("", nodes.entry("", reading, morecols=3))

    def number(self, label):
        """Return the number of an equation, as a link to it."""
        return nodes.inline("", "", link("math", "eq", label, nodes.inline("", label), self.env.docname))


def table(rows):
    names = ("equation", "every N", "exact", "PyTorch")
    head = nodes.thead("", table_row(*map(nodes.Text, names)))
    columns = [nodes.colspec(colwidth=1) for _ in names]
    group = nodes.tgroup("", *columns, head, nodes.tbody("", *rows), cols=len(names))
    return nodes.table("", group, classes=["register"])


def table_row(*cells):
    return nodes.row("", *(nodes.entry("", nodes.paragraph("", "", cell)) for cell in cells))


def setup(app):
    app.add_transform(Marks)
    app.add_directive("register", Register)
    return {"version": "1", "parallel_read_safe": True}
