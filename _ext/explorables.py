"""The directive `explorable`: a place for a script to draw in, with text for readers without scripts.

    :::{explorable} paths
    What it shows, for a reader without scripts or from disk.
    :::

_static/book.js loads the script, _static/explorables/paths.mjs, on the pages that have one.
"""

from docutils import nodes
from sphinx.util.docutils import SphinxDirective


class explorable(nodes.General, nodes.Element):
    """Holds the text that the script replaces."""


class Explorable(SphinxDirective):
    has_content = True
    required_arguments = 1

    def run(self):
        self.assert_has_content()
        place = explorable("", name=self.arguments[0])
        self.state.nested_parse(self.content, self.content_offset, place)
        return [place]


def visit(self, node):
    self.body.append(self.starttag(node, "div", CLASS="explorable", **{"data-explorable": node["name"]}))


def depart(self, node):
    self.body.append("</div>\n")


def setup(app):
    app.add_node(explorable, html=(visit, depart))
    app.add_directive("explorable", Explorable)
    return {"version": "1", "parallel_read_safe": True}
