"""The expressions that an equation is made of, and the letters of their indices."""

from dataclasses import dataclass, fields, replace
from fractions import Fraction
from functools import lru_cache

# The letter says what an index runs over: rows, columns, input features.
LETTERS = {"N": "ikpm", "H": "jlnq", "D": "d"}
SIZES = tuple(LETTERS)

# Running statistics, and what they are after one step.
RUNNING = ("m", r"\tau^2", r"\bar m", r"\bar v")
# What each name is indexed by. Names that are not defined by an equation are free numbers.
NAMES = {
    **dict.fromkeys(["N", "H", "D", r"\epsilon", r"\alpha", r"\mathcal L"], ()),
    **dict.fromkeys(["h", r"\hat h", "c", "y", "a", "g", "u", r"\mathtt{dh}"], ("N", "H")),
    **dict.fromkeys([r"\mu", r"\sigma^2", "s", r"\gamma", r"\beta", "b", "r", "v", "w"], ("H",)),
    "X": ("N", "D"),
    "W": ("D", "H"),
    "F": ("N",),
    **dict.fromkeys([r"\eta", r"\lambda"], ()),
    **dict.fromkeys(RUNNING, ("H",)),
}
FREE = ("F", "r", "u", "v", "w", *RUNNING)  # of which the book defines none
DELTA = r"\delta"
EPSILON = r"\epsilon"
POSITIVE = {*SIZES, EPSILON, r"\alpha", "Z"}  # with squares, such as sigma^2, and exp, all that has a sign
FUNCTIONS = (r"\exp ", r"\log ")  # before a name, they make the name of a function of it


@dataclass(frozen=True)
class Number:
    """A rational number."""

    value: Fraction


@dataclass(frozen=True)
class Symbol:
    r"""A name with its indices: ``Symbol(r"\hat h", ("k", "l"))``."""

    name: str
    indices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Add:
    """A sum of two or more terms."""

    terms: tuple


@dataclass(frozen=True)
class Mul:
    """A product of two or more factors; a term with a minus starts with ``Number(-1)``."""

    factors: tuple


@dataclass(frozen=True)
class Power:
    """A base to a rational exponent."""

    base: object
    exponent: Fraction


@dataclass(frozen=True)
class Sum:
    """The sum of a body over all values of some letters."""

    letters: tuple[str, ...]
    body: object


@dataclass(frozen=True)
class Derivative:
    """The partial derivative of an expression by a symbol, total below that symbol."""

    of: object
    by: Symbol


@dataclass(frozen=True)
class Equal:
    """The condition that two indices are equal."""

    left: str
    right: str


@dataclass(frozen=True)
class Positive:
    """The condition that a symbol is greater than 0."""

    of: Symbol


@dataclass(frozen=True)
class Case:
    """One expression where a condition holds, another one where it does not."""

    condition: object
    then: object
    otherwise: object


@dataclass(frozen=True)
class Definition:
    """A name, its letters all different, and the expression that it stands for."""

    symbol: Symbol
    meaning: object


ZERO, ONE, MINUS_ONE = (Number(Fraction(n)) for n in (0, 1, -1))


@lru_cache
def size_of(letter):
    """Return what a letter runs over: "N", "H" or "D"; None if it is no index letter."""
    return next((size for size, letters in LETTERS.items() if letter[0] in letters), None)


def add(*terms):
    """Return the sum of the terms that are not 0."""
    kept = tuple(term for term in terms if term != ZERO)
    return kept[0] if len(kept) == 1 else Add(kept) if kept else ZERO


def multiply(*factors):
    """Return the product, without ones; 0 if a factor is 0."""
    kept = tuple(factor for factor in factors if factor != ONE)
    if ZERO in kept:
        return ZERO
    return kept[0] if len(kept) == 1 else Mul(kept) if kept else ONE


def delta(*pairs):
    """Return the product of the Kronecker deltas of pairs of letters."""
    return multiply(*(Symbol(DELTA, pair) for pair in pairs))


def parts(expression):
    """Yield the expressions and conditions that an expression is made of."""
    for field in fields(expression):
        value = getattr(expression, field.name)
        items = value if isinstance(value, tuple) else (value,)
        yield from (item for item in items if hasattr(item, "__dataclass_fields__"))


def rebuild(expression, change):
    """Return the expression with each of its parts changed."""

    def changed(value):
        if isinstance(value, tuple):
            return tuple(map(changed, value))
        return change(value) if hasattr(value, "__dataclass_fields__") else value

    return replace(expression, **{f.name: changed(getattr(expression, f.name)) for f in fields(expression)})


def function_of(name):
    """Return the function in a name and the name in it: "" and the name itself where it is none."""
    function = next((function for function in FUNCTIONS if name.startswith(function)), "")
    return function, name.removeprefix(function)


def names_in(expression):
    """Return the set of the names that occur in an expression, those in functions too."""
    own = {function_of(expression.name)[1]} if isinstance(expression, Symbol) else ()
    return set().union(own, *map(names_in, parts(expression)))


def reached(names, definitions):
    """Return the set of all names that some names are defined by, and these themselves."""
    found, new = set(), set(names)
    while new:
        found |= new
        new = set().union(*(names_in(definitions[n].meaning) for n in new if n in definitions)) - found
    return found


def is_not_negative(expression):
    """Say whether an expression is seen to be no negative number."""
    match expression:
        case Number(value):
            return value >= 0
        case Symbol(name):
            return name in POSITIVE or name.endswith("^2")
        case Power(base, exponent):
            return exponent % 2 == 0 or is_not_negative(base)
        case Add(items) | Mul(items):
            return all(map(is_not_negative, items))
        case Sum(_, body):
            return is_not_negative(body)
    return False


def nested_derivatives(expression, definitions):
    """Return how many derivatives stand inside each other, those of the definitions included."""
    below = [nested_derivatives(part, definitions) for part in parts(expression)]
    if isinstance(expression, Symbol) and (name := function_of(expression.name)[1]) in definitions:
        below.append(nested_derivatives(definitions[name].meaning, definitions))
    return isinstance(expression, Derivative) + max(below, default=0)
