"""What the search finds by its name: equations, symbols of the notation, terms of the glossary."""

import re
from contextlib import suppress
from typing import ClassVar
from unicodedata import lookup

from docutils import nodes
from sphinx.addnodes import index
from sphinx.domains import Domain, ObjType
from sphinx.transforms import SphinxTransform
from sphinx.transforms.post_transforms import SphinxPostTransform


class Names(Domain):
    """The names; Sphinx lists the objects of a domain in its search index and its inventory."""

    name = label = "book"
    object_types: ClassVar = {kind: ObjType(kind) for kind in ("equation", "symbol", "term")}
    initial_data: ClassVar = {"symbols": {}}

    def get_objects(self):
        for name, (document, _) in self.env.get_domain("math").equations.items():
            if name.startswith("eq-"):
                yield name, name, "equation", document, f"equation-{name}", 1
        for (kind, name), (document, target) in self.env.get_domain("std").objects.items():
            if kind == "term":
                yield name, name, kind, document, target, 0
        for name, (document, target) in self.data["symbols"].items():
            yield name, name, "symbol", document, target, 0

    def get_type_name(self, kind, primary=False):
        return kind.lname

    def clear_doc(self, document):
        kept = {name: place for name, place in self.data["symbols"].items() if place[0] != document}
        self.data["symbols"] = kept

    def merge_domaindata(self, documents, other):
        places = {name: place for name, place in other["symbols"].items() if place[0] in documents}
        self.data["symbols"] = places | self.data["symbols"]


class Symbols(SphinxTransform):
    """Name the rows of a table of symbols: by the code, and by the names of Greek letters."""

    default_priority = 500

    def apply(self):
        found = self.env.get_domain("book").data["symbols"]
        for table in self.document.findall(nodes.tgroup):
            head, *rows = table.findall(nodes.row)
            if [entry.astext() for entry in head[:2]] != ["symbol", "code"]:
                continue
            for row in rows:
                symbol, code = row[:2]
                names = [literal.astext() for literal in code.findall(nodes.literal)]
                row["ids"].append(f"symbol-{names[0]}")
                place = (self.env.docname, f"symbol-{names[0]}")
                for command in re.findall(r"\\([a-z]+)", symbol.astext()):
                    with suppress(KeyError):  # no letter, but a hat
                        names += [letter(command), command]
                for name in names:
                    found.setdefault(name, place)


def letter(command):
    """The Greek letter that a TeX command gives, or a KeyError; Unicode spells lambda without its b."""
    return lookup(f"GREEK SMALL LETTER {command.replace('lambda', 'lamda')}")


class Unindexed(SphinxPostTransform):
    """Keep index entries out of the search: it would show the same places again, as titles of pages."""

    default_priority = 500

    def run(self, **_):
        for entry in list(self.document.findall(index)):
            entry.parent.remove(entry)


def setup(app):
    app.add_domain(Names)
    app.add_transform(Symbols)
    app.add_post_transform(Unindexed)
    return {"version": "1", "parallel_read_safe": True}
