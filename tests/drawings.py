"""Compare two SVG drawings: the same elements, every coordinate within half a point."""

import re

import numpy as np

NUMBER = re.compile(r"(?<![#\w.-])-?\d+\.\d+(?![\w.])")  # a coordinate has a decimal point
NAME = re.compile(r"\b[mp][0-9a-f]{10}\b")  # of markers and clips, made from a hash of the numbers
STYLE = re.compile(r'style="[^"]*"')  # colours, widths and opacity: exactly the same


def same_drawing(one, other, atol=0.5):
    """Say whether two SVG texts draw the same: machines differ in the last digits of coordinates."""
    one, other = NAME.sub("", one), NAME.sub("", other)
    if STYLE.findall(one) != STYLE.findall(other):
        return False
    one, other = STYLE.sub("", one), STYLE.sub("", other)
    if NUMBER.sub("", one) != NUMBER.sub("", other):
        return False
    return np.allclose(*(np.array(NUMBER.findall(text), float) for text in (one, other)), rtol=0, atol=atol)
