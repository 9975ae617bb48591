r"""Reads the TeX of an equation into expressions, and writes expressions as TeX.

The part of TeX that index calculus needs, and these rules where a reader may doubt:

1. A sum takes the rest of its product, up to the next `+`, `-`, `=` or closing bracket.
2. In one chain of equal sides a letter is either summed or free, and never summed twice at one
   place; a free letter occurs on the first side.
3. The letter says what it runs over: i k p m rows, j l n q columns, d input features.
4. `\sigma_l^2` and `\sigma^2_l` are one name; a name with another power is not.
5. Two names side by side are a product, never a function.
6. `\frac{\partial A}{\partial x}` is closed; A is one name, or a bracket.
7. A partial derivative is total below x: names are unfolded until x appears.
8. Derivatives are written `\partial`.
9. A display is one equation; its rows go on with `&=`, `&+` or `&-`.
10. `/` stands between two single factors.
11. `\exp` and `\log` stand before one name, as in `\exp z_{ij}`.
"""

from collections.abc import Mapping

from bn_utils.proof.expressions import DELTA, FREE, NAMES, Definition, function_of, size_of
from bn_utils.proof.texgrammar import Reader
from bn_utils.proof.textokens import END, TexError
from bn_utils.proof.texwrite import write, write_chain

RESERVED = (DELTA, "N", "H", "D")
__all__ = ["TexError", "read", "read_definition", "read_expression", "read_name", "write", "write_chain"]


def read(tex, names: Mapping = NAMES):
    """Return the sides of a chain of equations, in order.

    Parameters
    ----------
    tex : str
        One equation, `A = B`, or a chain `A = B = C`; no `$`.
    names : mapping
        What each name is indexed by, as `expressions.NAMES`.

    Returns
    -------
    list of expressions

    Raises
    ------
    TypeError
        `tex` is no string.
    TexError
        It cannot be read; the message shows where and why.
    """
    sides = Reader(tex, names).sides()
    if len(sides) == 1:
        raise TexError(tex, len(tex), "an equation has a left and a right side; here is no =")
    return sides


def read_expression(tex, names: Mapping = NAMES):
    """Return the expression that TeX without `=` stands for; arguments and errors as `read`."""
    reader = Reader(tex, names)
    side, *more = reader.sides()
    if more:
        raise TexError(tex, reader.equals[0], "here is no place for =")
    return side


def read_definition(tex, names: Mapping = NAMES):
    """Return the `Definition` that an equation `name = meaning` gives.

    The name may be new: its letters say what it is indexed by. Arguments and errors as `read`,
    and a TexError where the left side is no name with different letters, or more sides follow.
    """
    reader = Reader(tex, names)
    symbol = _new_name(reader, "=")
    meaning, *more = reader.sides(symbol)
    if more:
        raise TexError(tex, reader.equals[1], "a definition has two sides")
    return Definition(symbol, meaning)


def read_name(tex):
    """Return the `Symbol` that a name alone gives; it may be new. Errors as `read`."""
    return _new_name(Reader(tex, NAMES), END)


def _new_name(reader, end):
    """The left side of a definition: a name, which may be new, with different letters."""
    start, names = reader.tokens[reader.position], reader.names
    if not reader.at_name() or start.text in RESERVED:
        raise reader.error(f"here must stand a name: one letter, not d, and none of {', '.join(RESERVED)}")
    reader.names = None
    symbol, exponent = reader.name()
    if exponent is not None or reader.next != end or len(set(symbol.indices)) != len(symbol.indices):
        raise reader.error(f"here must stand one name, its letters all different, before {end}", start.place)
    if not symbol.indices and size_of(symbol.name):
        raise reader.error(f"{symbol.name} is an index letter; take another name", start.place)
    if function_of(symbol.name)[0]:
        raise reader.error("here must stand a name, not a function of it", start.place)
    sizes = tuple(map(size_of, symbol.indices))
    if NAMES.get(symbol.name, sizes) != sizes and symbol.name not in FREE:
        raise reader.error(f"{symbol.name} is a name of the book; take another name", start.place)
    if symbol.name.endswith("^2") and len(sizes) != 1:
        raise reader.error(f"{symbol.name} must have one index, of a row or of a column", start.place)
    reader.names = {**names, symbol.name: sizes}
    return symbol
