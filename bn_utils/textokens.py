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
    found = [Token(_plain(match[0]), match.start()) for match in TOKEN.finditer(tex)]
    found = [token for token in found if not SPACE.fullmatch(token.text)]
    found.append(Token(END, len(tex)))
    partner, inside = _matched(tex, found)
    dropped = set()
    for n, token in enumerate(found):
        if token.text == r"\textcolor":
            colour = _expect(tex, found, n + 1, r"\{")
            group = _expect(tex, found, partner[colour] + 1, r"\{")
            dropped |= {*range(n, group + 1), partner[group]}
        elif token.text == r"\underbrace":
            group = _expect(tex, found, n + 1, r"\{")
            below = partner[group] + 1
            for k, text in enumerate(("_", r"\{", r"\\text\{.*\}", r"\}")):
                _expect(tex, found, below + k, text)
            dropped |= {n, group, *range(partner[group], below + 4)}
        elif token.text in (r"\begin{aligned}", r"\end{aligned}"):
            dropped.add(n)
        elif inside[n] == r"\begin{aligned}" and token.text in ("&", r"\\"):
            dropped.add(n)
            after = next(t for t in found[n + 1 :] if t.text != "&")
            if token.text == r"\\" and after.text not in ("=", "+", "-", r"\end{aligned}"):
                advice = "a new equation starts here; give it a display, or start the row with =, + or -"
                raise TexError(tex, after.place, advice)
    return [token for n, token in enumerate(found) if n not in dropped]


def _plain(text):
    if re.fullmatch(r"\\mathcal\W+L\W*", text):
        return r"\mathcal L"
    if text.startswith(r"\text{"):
        return rf"\text{{{text[6:-1].strip()}}}"
    return SYNONYMS.get(text, text)


def _matched(tex, found):
    """Pair the braces and the environments; say of each mark in which environment it stands."""
    partner, inside, opened = {}, [], []
    for n, token in enumerate(found):
        inside.append(next((found[k].text for k in reversed(opened) if found[k].text != "{"), ""))
        if token.text == "{" or token.text.startswith(r"\begin"):
            opened.append(n)
        elif token.text == "}" or token.text.startswith(r"\end"):
            start = "{" if token.text == "}" else token.text.replace(r"\end", r"\begin")
            if not opened or found[opened[-1]].text != start:
                raise TexError(tex, token.place, f"{token.text} closes nothing that is open here")
            partner[opened.pop()] = n
    if opened:
        raise TexError(tex, found[opened[-1]].place, f"{found[opened[-1]].text} is not closed")
    return partner, inside


def _expect(tex, found, n, pattern):
    token = found[min(n, len(found) - 1)]
    if not re.fullmatch(pattern, token.text):
        advice = "write \\textcolor{..}{..} and \\underbrace{..}_{\\text{..}}"
        raise TexError(tex, token.place, f"{token.text} does not fit in here; {advice}")
    return n
