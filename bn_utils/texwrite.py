"""Writes expressions as TeX, every bracket there: `texmath` reads the same expression back."""

from bn_utils.expressions import (
    MINUS_ONE,
    Add,
    Case,
    Derivative,
    Equal,
    Mul,
    Number,
    Power,
    Sum,
    Symbol,
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
    if isinstance(term, Mul) and term.factors[0] == MINUS_ONE:
        return "-", _product(term.factors[1:])
    return "+", _product(term.factors if isinstance(term, Mul) else (term,))


def _product(factors):
    if _is_fraction(factors):
        return rf"\frac{{{write(factors[0])}}}{{{write(factors[1].base)}}}"
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
            plain = isinstance(base, Symbol) and not base.name.endswith("^2")
            return f"{_symbol(base) if plain else f'({write(base)})'}^{{{exponent}}}"
        case Sum(letters, body):
            text = f"({write(body)})" if isinstance(body, Mul) else _factor(body)
            return rf"\sum_{{{','.join(letters)}}} {text}"
        case Derivative(of, by):
            above = _symbol(of) if isinstance(of, Symbol) else f"({write(of)})"
            return rf"\frac{{\partial {above}}}{{\partial {_symbol(by)}}}"
        case Case(Equal(left, right), then, otherwise):
            return _cases(f"{left} = {right}", then, otherwise)
        case Case(condition, then, otherwise):
            return _cases(f"{_symbol(condition.of)} > 0", then, otherwise)
    text = write(factor)
    return text if isinstance(factor, Mul) and _is_fraction(factor.factors) else f"({text})"


def _is_fraction(factors):
    """Say whether a product is a over b, a being no minus."""
    (first, *rest) = factors
    return first != MINUS_ONE and len(rest) == 1 and isinstance(rest[0], Power) and rest[0].exponent == -1


def _cases(condition, then, otherwise):
    rows = rf"{write(then)} & \text{{if }} {condition}, \\ {write(otherwise)} & \text{{otherwise.}}"
    return rf"\begin{{cases}} {rows} \end{{cases}}"


def _number(value):
    return str(value) if value.denominator == 1 else rf"\frac{{{value.numerator}}}{{{value.denominator}}}"


def _symbol(symbol):
    if not symbol.indices:
        return symbol.name
    name, square = (symbol.name[:-2], "^2") if symbol.name.endswith("^2") else (symbol.name, "")
    return f"{name}_{{{''.join(symbol.indices)}}}{square}"
