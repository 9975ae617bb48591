"""The directive `room`: what a module offers, from its docstrings.

    ```{room} bn_utils.ledger
    ```

It shows what the module says of itself, its public functions, then its classes; or those alone that
are named behind it. In a docstring the label of an equation becomes a link to it, a chapter's name
a link to the chapter, and a name in backticks, or where a type stands, a link to what it names.
"""

import inspect
import re
import sys
from importlib import import_module
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.errors import ExtensionError
from sphinx.ext.autodoc.mock import mock
from sphinx.util.docutils import SphinxDirective

PACKAGE = "bn_utils"
FIELD = re.compile(r"^    (\w+): \S.*?  # (.+)$", re.MULTILINE)
TYPE = re.compile(r"^((?:\w[\w, ]* : )?(?:\w+ of )?)([A-Z]\w+)((?: or None)?)$(?!\n--)", re.MULTILINE)
PART = re.compile(
    r"(?P<literal>``.+?``)|\$(?P<math>[^$]+)\$|`(?P<name>\.?\w+(?:\.\w+)*)`|`(?P<code>[^`]+)`"
    r'|(?<![\w"-])(?P<eq>eq-[\w-]*\w)|\bchapter (?P<chapter>\d\d_\w+)|(?P<mark>[|*])',
    re.DOTALL,
)
WRITTEN = {
    "literal": "{}",
    "math": ":math:`{}`",
    "name": ":py:obj:`.{}`",
    "code": "``{}``",
    "eq": ":eq:`{}`",
    "chapter": ":doc:`/chapters/{}`",
    "mark": r"\{}",
}


class Room(SphinxDirective):
    """The functions and classes of a module."""

    required_arguments = 1
    optional_arguments = 20

    def run(self):
        home, *names = self.arguments
        with mock(self.config.autodoc_mock_imports):
            module, package = import_module(home), import_module(PACKAGE)
        lines = ["```{eval-rst}", "" if names else f".. automodule:: {home}", ""]
        for name in names or public_names(module):
            found = getattr(module, name)
            place = PACKAGE if getattr(package, name, None) is found else home
            lines.append(f".. auto{'class' if inspect.isclass(found) else 'function'}:: {place}.{name}")
            lines += ["   :members:", ""] if inspect.isclass(found) else [""]
        parent = nodes.Element()
        self.state.nested_parse(StringList([*lines, "```"], module.__file__), 0, parent)
        return parent.children


def public_names(module):
    """The names that a module exports, or defines without an underscore: functions first."""
    own = [
        name
        for name, value in vars(module).items()
        if name[0] != "_"
        and (inspect.isclass(value) or inspect.isfunction(value))
        and value.__module__ == module.__name__
    ]
    return sorted(getattr(module, "__all__", own), key=lambda name: inspect.isclass(getattr(module, name)))


def link(app, what, name, found, options, lines):
    """Put links into a docstring, and the fields of a named tuple below it."""
    text = "\n".join(lines)
    if what == "class" and hasattr(found, "_fields") and "Attributes\n---" not in text:
        fields = FIELD.findall(inspect.getsource(found))
        if tuple(field for field, _ in fields) != found._fields:
            raise ExtensionError(f"{name}: each field needs a comment with its shape")
        text += "\n\nAttributes\n----------\n" + "\n".join(f"{field} : {shape}" for field, shape in fields)
    text = PART.sub(written, text)
    lines[:] = TYPE.sub(r"\1:py:class:`.\2`\3", text).split("\n")


def written(part):
    """What a part of a docstring is in reStructuredText; a name of the package is that one, in any module."""
    kind, text = part.lastgroup, part[part.lastgroup]
    if kind == "name" and hasattr(import_module(PACKAGE), text):
        return f":py:obj:`~{PACKAGE}.{text}`"
    return WRITTEN[kind].format(text)


def skip(app, what, name, found, skipped, options):
    """Leave out the fields of a named tuple, whose docstrings are their numbers."""
    return True if (inspect.getdoc(found) or "").startswith("Alias for field number") else None


def unlinked(app, env, node, content):
    """A name that the page does not hold is no link."""
    if node["refdomain"] == "py" and node["reftype"] in ("obj", "class"):
        return content if node["reftype"] == "obj" else nodes.Text(node.astext())
    return None


def setup(app):
    root = str(Path(__file__).resolve().parents[1])
    if root not in sys.path:
        sys.path.insert(0, root)  # the book's own module need not be installed
    app.setup_extension("sphinx.ext.autodoc")
    app.setup_extension("numpydoc")
    app.add_directive("room", Room)
    app.connect("autodoc-process-docstring", link, priority=400)  # before numpydoc
    app.connect("autodoc-skip-member", skip)
    app.connect("missing-reference", unlinked)
    return {"version": "1", "parallel_read_safe": True}
