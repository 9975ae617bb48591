"""The derivative of an expression by a symbol, by the rules of differentiation and the definitions."""

from bn_utils.expressions import (
    ONE,
    ZERO,
    Add,
    Case,
    Derivative,
    Mul,
    Number,
    Power,
    Sum,
    Symbol,
    add,
    avoid,
    delta,
    instantiate,
    multiply,
    summed_letters,
)


def differentiate(expression, by, definitions):
    r"""Return the derivative of an expression by a symbol, total below that symbol.

    The names in it are unfolded by their definitions until the symbol appears.

    Parameters
    ----------
    expression : expression
    by : Symbol
    definitions : dict
        `Definition` by name.

    Returns
    -------
    expression

    Raises
    ------
    ValueError
        The expression sums over a letter of `by`. The derivative of $\frac{1}{N} \sum_i h_{ij}$ by
        $h_{ij}$ would then be $\frac{1}{N} \sum_i \delta_{ii}$, which is 1: the sum has captured the letter.
    """
    captured = sorted(summed_letters(expression) & set(by.indices))
    if captured:
        raise ValueError(
            f"expression must not sum over {', '.join(captured)}, an index of {by.name} in `by`: "
            "the sum would capture it; give the summation letter another name"
        )
    return derivative(expression, by, definitions)


def derivative(expression, by, definitions):
    """The same without the guard: a summed letter that would capture one is renamed."""
    match expression:
        case Symbol(name, indices) if name == by.name:
            return delta(*zip(indices, by.indices, strict=True))
        case Symbol(name, indices) if name in definitions:
            return derivative(instantiate(definitions[name], indices), by, definitions)
        case Symbol() | Number():
            return ZERO
        case Add(terms):
            return add(*(derivative(term, by, definitions) for term in terms))
        case Mul(factors):
            rates = [derivative(factor, by, definitions) for factor in factors]
            return add(*(multiply(*factors[:n], rate, *factors[n + 1 :]) for n, rate in enumerate(rates)))
        case Power(base, exponent):
            lowered = Power(base, exponent - 1) if exponent != 1 else ONE
            return multiply(Number(exponent), lowered, derivative(base, by, definitions))
        case Sum():
            total = avoid(expression, set(by.indices))
            body = derivative(total.body, by, definitions)
            return ZERO if body == ZERO else Sum(total.letters, body)
        case Derivative(of, inner):
            return derivative(derivative(of, inner, definitions), by, definitions)
        case Case(condition, then, otherwise):
            return Case(condition, derivative(then, by, definitions), derivative(otherwise, by, definitions))
