r"""Splits TeX into the marks that a reader sees; what spaces, colours or names is dropped.

Dropped are spaces, `\left`, `\big` and the like, `\textcolor{..}{}` around its second argument,
`\underbrace{}_{\text{..}}` around its first, and the alignment of `aligned`.
"""

import re
from typing import NamedTuple

TOKEN = re.compile(
    r"\\text\{[^{}]*\}|\\(?:begin|end)\{[a-z*]+\}|\\mathtt\{[a-zA-Z]+\}|\\mathcal\s*\{\s*L\s*\}|\\mathcal\s+L"
    r"|\\[a-zA-Z]+|\\.|[0-9]+(?:\.[0-9]+)?|\s+|.",
    re.DOTALL,
)
SPACE = re.compile(r"\s+|~|\\[,;:! ]|\\(?:quad|qquad|left|right|displaystyle|(?:big|Big|bigg|Bigg)[lr]?)")
SYNONYMS = {
    r"\varepsilon": r"\epsilon",
    r"\tfrac": r"\frac",
    r"\dfrac": r"\frac",
    r"\ast": "*",
    r"\lbrack": "[",
    r"\rbrack": "]",
}
END = "the end"


class Token(NamedTuple):
    """A mark and where it stands."""

    text: str
    place: int


class TexError(ValueError):
    """TeX that cannot be read as an equation: where, why, and what to write."""

    def __init__(self, tex, place, cause):
        start = tex.rfind("\n", 0, place) + 1
        line, column = tex.count("\n", 0, place) + 1, place - start + 1
        shown = tex[start:].split("\n", 1)[0]
        super().__init__(f"line {line}, column {column}: {cause}\n  {shown}\n  {' ' * (column - 1)}^")
        self.place = place

    def _render_traceback_(self):
        return [f"{type(self).__name__}: {self}"]


def tokens(tex):
    """Return the marks of TeX, the last one being the end.

    Raises
    ------
    TexError
        A brace or an environment is not closed, or a display holds more than one equation.
    """
    found = [Token(SYNONYMS.get(m[0], m[0]), m.start()) for m in TOKEN.finditer(tex)]
    found = [Token(re.sub(r"\\mathcal\W*L\}?", r"\\mathcal L", t.text), t.place) for t in found]
    found = [token for token in found if not SPACE.fullmatch(token.text)]
    kept, open_braces, environments = [], [], []
    position = 0

    def skip(*texts):
        nonlocal position
        for text in texts:
            if position >= len(found) or not re.fullmatch(text, found[position].text):
                place = found[position].place if position < len(found) else len(tex)
                raise TexError(tex, place, f"here must stand {text.replace(chr(92) * 2, chr(92))}")
            position += 1

    while position < len(found):
        token = found[position]
        position += 1
        if token.text == r"\textcolor":
            skip(r"\{")
            while position < len(found) and found[position].text != "}":
                position += 1
            skip(r"\}", r"\{")
            open_braces.append(token)
        elif token.text == r"\underbrace":
            skip(r"\{")
            open_braces.append(token)
        elif token.text == "{":
            open_braces.append(token)
            kept.append(token)
        elif token.text == "}":
            if not open_braces:
                raise TexError(tex, token.place, "this brace closes nothing")
            opened = open_braces.pop().text
            if opened == "{":
                kept.append(token)
            elif opened == r"\underbrace":
                skip("_", r"\{", r"\\text\{.*\}", r"\}")
        elif token.text.startswith(r"\begin"):
            environments.append(token)
            kept += [] if token.text == r"\begin{aligned}" else [token]
        elif token.text.startswith(r"\end"):
            if not environments or environments[-1].text != token.text.replace(r"\end", r"\begin"):
                raise TexError(tex, token.place, f"{token.text} ends nothing that was begun")
            environments.pop()
            kept += [] if token.text == r"\end{aligned}" else [token]
        elif environments and environments[-1].text == r"\begin{aligned}" and token.text in ("&", r"\\"):
            if token.text == r"\\":
                after = next((t for t in found[position:] if t.text != "&"), Token(END, len(tex)))
                if after.text not in ("=", "+", "-", r"\end{aligned}"):
                    raise TexError(
                        tex,
                        after.place,
                        "a new equation starts here; write one in each display, "
                        "or start the row with =, + or -",
                    )
        else:
            kept.append(token)
    for opened in (*open_braces, *environments):
        raise TexError(tex, opened.place, f"{opened.text} is not closed")
    return [*kept, Token(END, len(tex))]
