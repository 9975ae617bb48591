"""Tell the browser how high each section is, so that it can leave those that are far down for later.

To lay out its formulas is most of the work that a page asks for; what is not yet near is therefore
not laid out (book.css). A height stands in for it, estimated here from what the section holds.
"""

import re

SECTION = re.compile(r'(?=<section id=")')
ANY = re.DOTALL
UNSEEN = re.compile(r'<details.*?</details>|<span class="katex-mathml">.*?</math></span>', ANY)
CODE = re.compile(r"<pre>(?:<span></span>)?(.*?)\s*</pre>", ANY)
PROSE = re.compile(r'<pre>.*?</pre>|<div class="equation">.*?</div>|<(table|figure).*?</\1>|<[^>]*>', ANY)
FIGURE = re.compile(r'<img[^>]*? height="(\d+)"')
# Pixels for each thing of a section, on a wide screen and on a phone's: least squares over the book.
PIXELS = {
    "section": (67, 58),
    "sign of prose": (0.46, 0.73),
    "paragraph": (9, 14),
    "definition": (44, 39),
    "block of code": (80, 92),
    "line of code": (16.2, 15.3),
    "displayed equation": (61, 49),
    "row of a table": (21, 16),
    "pixel of a figure": (1.2, 1),
    "explorable": (390, 680),
}


def say_heights(page):
    """A page whose sections say how high they are on a wide screen and on a phone's."""
    start, *sections = SECTION.split(page)
    return start + "".join(section.replace(" ", style(section), 1) for section in sections)


def style(section):
    held = contents(section)
    wide, phone = (
        sum(n * size for n, size in zip(held, sizes, strict=True))
        for sizes in zip(*PIXELS.values(), strict=True)
    )
    return f' style="--wide: {wide:.0f}px; --phone: {phone:.0f}px" '


def contents(section):
    """How many of each thing of PIXELS the HTML of a section holds."""
    section = UNSEEN.sub("", section.partition("</article>")[0])
    code = CODE.findall(section)
    return (
        1,
        len(PROSE.sub("", section)),
        len(re.findall(r"<(?:p|li)\b", section)),
        section.count("<dt"),
        len(code),
        sum(block.count("\n") + 1 for block in code),
        section.count('<div class="equation">'),
        section.count("<tr"),
        sum(int(height) for height in FIGURE.findall(section)),
        section.count("data-explorable"),
    )
