"""The directive `chapter-map`: the chapters in their order, each with an arc from every chapter it needs.

    :::{chapter-map}
    ch-notation = Notation
    ch-forward = Forward pass < ch-notation
    :::

A line gives a chapter's label, a short name, and the labels of what it needs.
"""

from html import escape

from docutils import nodes
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

ROW, LEFT, WIDTH = 27, 96, 300  # pixels: the height of a row, the room of the arcs, all of it


class chapter_map(nodes.General, nodes.Element):
    """Holds the lines as `rows`: label, name, and the labels of what it needs."""


class ChapterMap(SphinxDirective):
    has_content = True

    def run(self):
        self.assert_has_content()
        rows = []
        for line in self.content:
            label, _, rest = map(str.strip, line.partition("="))
            name, _, needed = map(str.strip, rest.partition("<"))
            if not name or not set(needed.split()) <= {above for above, *_ in rows}:
                raise self.error(f"a line must be: label = name < labels of lines above; got {line!r}")
            rows.append((label, name, needed.split()))
        return [chapter_map("", rows=rows)]


def arc(start, end):
    """Return the path from one row to a later one, to the left of both, the wider the longer."""
    top, bottom = ((row + 0.5) * ROW for row in (start, end))
    width = min(LEFT - 8, 10 + 7 * (end - start))
    return f"M{LEFT - 5} {top}C{LEFT - 5 - width} {top} {LEFT - 5 - width} {bottom} {LEFT - 8} {bottom}"


def visit(self, node):
    env, builder, here = self.builder.env, self.builder, self.builder.current_docname
    order = [label for label, *_ in node["rows"]]
    labels = env.get_domain("std").labels
    drawn, lit = [], []
    for row, (label, name, needs) in enumerate(node["rows"]):
        if label not in labels:
            raise ExtensionError(f"chapter-map: no page has the label {label!r}")
        document = labels[label][0]
        number = env.toc_secnumbers.get(document, {}).get("", (0,))[0]
        for needed in needs:
            ends = f"from-{needed} to-{label}"
            drawn.append(f'<path class="{ends}" d="{arc(order.index(needed), row)}"/>')
        drawn.append(
            f'<a id="map-{label}" href="{builder.get_relative_uri(here, document)}">'
            f'<circle cx="{LEFT}" cy="{(row + 0.5) * ROW}" r="4"/>'
            f'<text x="{LEFT + 14}" y="{(row + 0.5) * ROW + 5}">{number} {escape(name)}</text></a>'
        )
        lit.append(f".chapter-map:has(#map-{label}:is(:hover, :focus)) :is(.from-{label}, .to-{label})")
    self.body.append(
        f"<style>{', '.join(lit)} {{ stroke: var(--accent); stroke-width: 2.5; }}</style>"
        f'<nav class="chapter-map" aria-label="Chapters"><svg viewBox="0 0 {WIDTH} {ROW * len(order)}">'
        f"{''.join(drawn)}</svg></nav>\n"
    )
    raise nodes.SkipNode


def setup(app):
    app.add_node(chapter_map, html=(visit, None))
    app.add_directive("chapter-map", ChapterMap)
    return {"version": "1", "parallel_read_safe": True}
