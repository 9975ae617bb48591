"""Write what _static/book.js shows when a link is pointed at: equations, terms and sources.

Each page's targets go into a script of its own, _static/previews/<page>.js, which is loaded
when a link to that page is first pointed at; a script, because from disk nothing else loads.
"""

import json
import re
from pathlib import Path

from docutils import nodes
from sphinx import addnodes

LINKS = re.compile(r'</?a\b[^>]*>|\sid="[^"]*"|<span class="eqno">.*?</span>', re.DOTALL)


def targets(doctree):
    """Yield the ids of a page that have a preview, each with the node that it shows."""
    for equation in doctree.findall(nodes.math_block):
        if equation.get("label"):
            yield f"equation-{equation['label']}", equation
    for entry in doctree.findall(addnodes.glossary):
        for item in entry.findall(nodes.definition_list_item):
            for term in item.findall(nodes.term):
                yield from ((name, item) for name in term["ids"])
    for source in doctree.findall(nodes.citation):
        yield from ((name, source) for name in source["ids"])


def write(app, pagename, templatename, context, doctree):
    """Write the previews of a page."""
    if doctree is None or app.builder.name != "html":
        return
    parts = {
        name: LINKS.sub("", app.builder.render_partial(node)["fragment"]) for name, node in targets(doctree)
    }
    if parts:
        path = Path(app.outdir, "_static", "previews", f"{pagename}.js")
        path.parent.mkdir(parents=True, exist_ok=True)
        text = f"addPreviews({json.dumps(pagename)}, {json.dumps(parts, ensure_ascii=False)});\n"
        path.write_text(text, encoding="utf-8", newline="\n")


def setup(app):
    app.connect("html-page-context", write)
    return {"version": "1", "parallel_read_safe": True}
