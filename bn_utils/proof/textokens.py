r"""Splits TeX into the marks that a reader sees; what spaces, colours or names is dropped.

Dropped are spaces, `\left`, `\big` and the like, `\textcolor{..}{}` around its second argument,
`\underbrace{}_{\text{..}}` around its first, and the alignment of `aligned`.
"""

import re
from itertools import pairwise
from typing import NamedTuple

from bn_utils._validation import Sentence

TOKEN = re.compile(
    r"\\text\{[^{}]*\}|\\(?:begin|end)\{[a-z*]+\}|\\mathtt\{[a-zA-Z]+\}|\\mathcal\s*\{\s*L\s*\}|\\mathcal\s+L"
    r"|\\[a-zA-Z]+|\\.|[0-9]+(?:\.[0-9]+)?|\s+|.",
    re.DOTALL,
)
SPACE = re.compile(r"\s+|~|\\[,;:! ]|\\(?:left|right|limits|displaystyle|(?:big|Big|bigg|Bigg)[lr]?)")
SYNONYMS = {
    r"\varepsilon": r"\epsilon",
    r"\tfrac": r"\frac",
    r"\dfrac": r"\frac",
    r"\ast": "*",
    r"\widehat": r"\hat",
    "L": r"\mathcal L",
    r"\lbrack": "[",
    r"\rbrack": "]",
}
END = "the end"
BRACKETS = {"(": ")", "[": "]", r"\lbrace": r"\rbrace"}
OPENING = (*BRACKETS, "{", r"\begin{cases}")
CLOSING = (*BRACKETS.values(), "}", r"\end{cases}")
ENDING = (END, "=", "+", "-", ".", ",", "&", r"\\", r"\end{aligned}", *CLOSING)  # of a product
GROUPS = (r"\textcolor", r"\underbrace")
ACCENTS = (r"\hat", r"\bar", r"\tilde")
CLINGING = ("_", "^", *ACCENTS)  # what takes the next mark
DIGITS = tuple("0123456789")
ADVICE = {
    "d": r"write a derivative with \partial",
    r"\mathrm": r"write names without \mathrm, and derivatives with \partial",
    r"\top": "a transposed matrix cannot be read; write its indices",
    "'": r"write a derivative as \frac{\partial A}{\partial x}",
    "*": r"write a product without a sign, or with \cdot",
    "{": "braces that belong to no command cannot be seen; write a bracket",
    r"\over": r"write \frac{}{}",
    r"\quad": r"write one equation in each display, and no \quad",
    r"\qquad": r"write one equation in each display, and no \qquad",
    **dict.fromkeys(["$", r"\[", r"\(", r"\]", r"\)"], "write the line without the marks around it"),
    **dict.fromkeys([r"\mathbb", r"\operatorname", r"\nabla"], "write a name, and its definition in `given`"),
}


class Token(NamedTuple):
    """A mark and where it stands."""

    text: str
    place: int


class TexError(Sentence, ValueError):
    """TeX that cannot be read as an equation: where, why, and what to write."""

    def __init__(self, tex, place, cause):
        start = tex.rfind("\n", 0, place) + 1
        line, column = tex.count("\n", 0, place) + 1, place - start + 1
        shown = tex[start:].split("\n", 1)[0]
        super().__init__(f"line {line}, column {column}: {cause}\n  {shown}\n  {' ' * (column - 1)}^")
        self.place = place


def tokens(tex):
    """Return the marks of TeX, the last one being the end.

    Raises
    ------
    TexError
        A brace or an environment is not closed, or a display holds more than one equation.
    """
    if control := re.search(r"[\a\b\t\v\f]", tex):
        raise TexError(tex, control.start(), 'a tab or the like: put r before the string, r"..."')
    found = [Token(_plain(match[0]), match.start()) for match in TOKEN.finditer(tex)]
    found = [token for token in found if not token.text.isspace()]
    for before, token in pairwise(found):
        if before.text in CLINGING and (SPACE.fullmatch(token.text) or token.text in (*GROUPS, "&")):
            raise TexError(tex, token.place, f"after {before.text} stands a letter, a digit or a brace")
    found = [token for token in found if not SPACE.fullmatch(token.text)]
    found.append(Token(END, len(tex)))
    partner = _matched(tex, found)
    dropped = _alignment(tex, found, partner)
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
            _expect(tex, found, below + 4, r"[^_^].*")
            dropped |= {n, group, *range(partner[group], below + 4)}
    for n, token in enumerate(found):
        if token.text == r"\underbrace":
            _one_product(tex, found, range(n, partner[n + 1]), dropped)
    return [token for n, token in enumerate(found) if n not in dropped]


def _alignment(tex, found, partner):
    """The marks of an `aligned` that is the whole display: one equation, its rows going on from `&`."""
    start = next((n for n, token in enumerate(found) if token.text == r"\begin{aligned}"), None)
    if start is None:
        return set()
    end = partner[start]
    behind = [token for token in found[end + 1 : -1] if token.text not in (".", ",")]
    if start or behind:
        place = behind[0].place if behind else found[start].place
        raise TexError(tex, place, "aligned must be the whole display; write a bracket")
    if found[start + 1].text == "[":
        raise TexError(tex, found[start + 1].place, "leave the position in brackets out")
    rows, dropped, cases = [[]], {start, end}, False
    for n in range(start + 1, end):
        cases = {r"\begin{cases}": True, r"\end{cases}": False}.get(found[n].text, cases)
        if not cases and found[n].text in ("&", r"\\"):
            dropped.add(n)
        if not cases and found[n].text == r"\\":
            rows.append([])
        else:
            rows[-1].append(n)
    for number, row in enumerate(rows):
        marks = [n for n in row if n in dropped]
        starts_well = not number or (
            row[:1] == marks[:1] and len(row) > 1 and found[row[1]].text in ("=", "+", "-")
        )
        if len(marks) > 1 or not starts_well:
            second = row[1:2] if row[:1] == marks[:1] else []
            culprit = marks[1] if starts_well else [*second, *row, end][0]
            cause = "a display holds one equation; its rows go on with &=, &+ or &-"
            raise TexError(tex, found[culprit].place, cause)
    return dropped


def _one_product(tex, found, group, dropped):
    """Refuse a sum in a group that stands for a factor, unless brackets show where it ends."""
    seen = [n for n in range(group.stop, len(found)) if n not in dropped]
    depth, behind = 0, found[seen[0]].text
    for token in (found[n] for n in group if n not in dropped):
        depth += token.text in OPENING
        depth -= token.text in CLOSING
        open_sum = token.text == r"\sum" and behind not in ENDING
        if depth == 0 and (open_sum or token.text in ("=", "+", "-")):
            raise TexError(tex, token.place, "a sum over an underbrace needs a bracket around it")


def _plain(text):
    if re.fullmatch(r"\\mathcal\W+L\W*", text):
        return r"\mathcal L"
    if text.startswith((r"\begin", r"\end")):
        return re.sub(r"split|align\*?(?!ed)", "aligned", text)
    if text.startswith(r"\text{"):
        return rf"\text{{{text[6:-1].strip()}}}"
    return SYNONYMS.get(text, text)


def _matched(tex, found):
    """Pair the braces and the environments, by their positions."""
    partner, opened = {}, []
    for n, token in enumerate(found):
        if token.text == "{" or token.text.startswith(r"\begin"):
            opened.append(n)
        elif token.text == "}" or token.text.startswith(r"\end"):
            start = "{" if token.text == "}" else token.text.replace(r"\end", r"\begin")
            if not opened or found[opened[-1]].text != start:
                raise TexError(tex, token.place, f"{token.text} closes nothing that is open here")
            partner[opened.pop()] = n
    if opened:
        raise TexError(tex, found[opened[-1]].place, f"{found[opened[-1]].text} is not closed")
    return partner


def _expect(tex, found, n, pattern):
    token = found[n]
    if not re.fullmatch(pattern, token.text):
        advice = "write \\textcolor{..}{..} and \\underbrace{..}_{\\text{..}}"
        raise TexError(tex, token.place, f"{token.text} does not fit in here; {advice}")
    return n
