"""Writes expressions as TeX, every bracket there: `texmath` reads the same expression back."""

from bn_utils.proof.expressions import (
    MINUS_ONE,
    ONE,
    Add,
    Case,
    Derivative,
    Equal,
    Mul,
    Number,
    Power,
    Sum,
    Symbol,
    function_of,
)


def write(expression):
    """Return an expression as TeX."""
    terms = expression.terms if isinstance(expression, Add) else (expression,)
    signed = [_signed(term) for term in terms]
    first = "-" if signed[0][0] == "-" else ""
    return first + signed[0][1] + "".join(f" {sign} {text}" for sign, text in signed[1:])


def write_chain(sides):
    """Return the sides of a chain of equations as TeX."""
    return " = ".join(map(write, sides))


def _signed(term):
    if isinstance(term, Number) and term.value < 0:
        return "-", _number(-term.value)
    if isinstance(term, Mul) and term.factors[0] == MINUS_ONE and not _is_number(term.factors[1:]):
        return "-", _product(term.factors[1:])
    if isinstance(term, Mul):
        return "+", _fraction(*term.factors) if _is_fraction(term) else _product(term.factors)
    return "+", _factor(term)


def _product(factors):
    texts = []
    for place, factor in enumerate(factors):
        inside = isinstance(factor, Sum) and place < len(factors) - 1  # it would take what follows
        text = f"({_factor(factor)})" if inside else _factor(factor)
        two_numbers = place and isinstance(factor, Number) and isinstance(factors[place - 1], Number)
        texts.append(rf"\cdot {text}" if two_numbers else text)
    return " ".join(texts)


def _factor(factor):
    match factor:
        case Number(value) if value >= 0:
            return _number(value)
        case Symbol():
            return _symbol(factor)
        case Power(base, exponent) if exponent == -1:
            return rf"\frac{{1}}{{{write(base)}}}"
        case Power(base, exponent):
            plain = isinstance(base, Symbol) and not (base.name.endswith("^2") or function_of(base.name)[0])
            return f"{_symbol(base) if plain else f'({write(base)})'}^{{{exponent}}}"
        case Sum(letters, body):
            return rf"\sum_{{{','.join(map(_letter, letters))}}} {_factor(body)}"
        case Derivative(of, by):
            above = _symbol(of) if isinstance(of, Symbol) else f"({write(of)})"
            return rf"\frac{{\partial {above}}}{{\partial {_symbol(by)}}}"
        case Case(Equal(left, right), then, otherwise):
            return _cases(f"{left} = {right}", then, otherwise)
        case Case(condition, then, otherwise):
            return _cases(f"{_symbol(condition.of)} > 0", then, otherwise)
    return write(factor) if _is_fraction(factor) else f"({write(factor)})"


def _is_number(factors):
    return len(factors) == 1 and isinstance(factors[0], Number)


def _is_fraction(product):
    """Say whether a product is a over b, a being no number that is written with a sign or left out."""
    if not isinstance(product, Mul) or len(product.factors) != 2:
        return False
    above, below = product.factors
    return above not in (ONE, MINUS_ONE) and isinstance(below, Power) and below.exponent == -1


def _fraction(above, below):
    return rf"\frac{{{write(above)}}}{{{write(below.base)}}}"


def _cases(condition, then, otherwise):
    rows = rf"{write(then)} & \text{{if }} {condition}, \\ {write(otherwise)} & \text{{otherwise.}}"
    return rf"\begin{{cases}} {rows} \end{{cases}}"


def _number(value):
    return str(value) if value.denominator == 1 else rf"\frac{{{value.numerator}}}{{{value.denominator}}}"


def _symbol(symbol):
    if not symbol.indices:
        return symbol.name
    name, square = (symbol.name[:-2], "^2") if symbol.name.endswith("^2") else (symbol.name, "")
    return f"{name}_{{{''.join(map(_letter, symbol.indices))}}}{square}"


def _letter(letter):
    """A letter; a number behind it, which keeps it apart from another, is set below it."""
    return letter if len(letter) == 1 else f"{letter[0]}_{{{letter[1:]}}}"
