"""Render mathematics while the book is built, with KaTeX: nothing is left for the reader's browser to do.

The result holds MathML for screen readers, and the TeX, which copying gives. A TeX error is a
warning with its file and line. KaTeX itself is vendor/katex.min.js; its fonts are in _static/katex.
"""

import re
from pathlib import Path

from docutils import nodes
from py_mini_racer import JSEvalException, MiniRacer
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

logger = logging.getLogger(__name__)
LONGEST = 60  # characters of TeX, which fit on one line of a phone
SIGN = re.compile(r"[,.;:?!)\u2019-]+")
OPTIONS = {"output": "htmlAndMathml", "strict": "error", "throwOnError": True}


class Renderer:
    """KaTeX in a JavaScript engine that starts when it is first needed; it remembers what it rendered."""

    def __init__(self):
        self.engine, self.known = None, {}

    def __call__(self, tex, display):
        if self.engine is None:
            self.engine = MiniRacer()
            for script in ("vendor/katex.min.js", "thin.js"):
                self.engine.eval((Path(__file__).parent / script).read_text(encoding="utf-8"))
        if (tex, display) not in self.known:
            options = {**OPTIONS, "displayMode": display}
            self.known[tex, display] = self.engine.call("renderThin", tex, options)
        return self.known[tex, display]


render = Renderer()


def rendered(writer, node, display):
    """The HTML of a formula; a warning and the TeX where KaTeX refuses it."""
    tex = node.astext()
    try:
        return render(tex, display)
    except JSEvalException as error:
        reason = next((line for line in str(error).splitlines() if "KaTeX parse error" in line), str(error))
        logger.warning("%s, in: %s", reason.partition("KaTeX parse error: ")[2], tex, location=node)
        return writer.encode(tex)


class KeepTogether(SphinxPostTransform):
    """Keep a formula and the sign behind it on one line; browsers would break between them.

    A long formula may have to be broken on a phone: it is left as it is.
    """

    default_priority = 900
    formats = ("html",)

    def run(self):
        for formula in list(self.document.findall(nodes.math)):
            behind = formula.next_node(descend=False, siblings=True)
            sign = SIGN.match(behind) if isinstance(behind, nodes.Text) else None
            if sign and len(formula.astext()) < LONGEST:
                parent, place = formula.parent, formula.parent.index(formula)
                together = nodes.inline("", "", formula.deepcopy(), nodes.Text(sign[0]), classes=["nowrap"])
                parent[place : place + 2] = [together, nodes.Text(behind[sign.end() :])]


def visit_inline(self, node):
    self.body.append(self.starttag(node, "span", "", CLASS="math"))
    self.body.append(f"{rendered(self, node, display=False)}</span>")
    raise nodes.SkipNode


def visit_display(self, node):
    self.body.append(self.starttag(node, "div", CLASS="math"))
    self.body.append(f'<div class="equation">{rendered(self, node, display=True)}</div>')
    if node["number"]:
        self.body.append(f'<span class="eqno">({get_node_equation_number(self, node)})')
        self.add_permalink_ref(node, "Link to this equation")
        self.body.append("</span>")
    self.body.append("</div>\n")
    raise nodes.SkipNode


def setup(app):
    app.add_post_transform(KeepTogether)
    app.add_html_math_renderer("katex", (visit_inline, None), (visit_display, None))
    return {"version": "1", "parallel_read_safe": True}
