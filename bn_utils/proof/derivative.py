"""The derivative of an expression by a symbol, by the rules of differentiation and the definitions."""

from bn_utils.proof.expressions import (
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
    delta,
    function_of,
    multiply,
    reached,
)
from bn_utils.proof.functions import slope
from bn_utils.proof.letters import avoid, instantiate, summed_letters
from bn_utils.proof.polynomials import UndecidedError


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


def derivative(expression, by, definitions, taken=frozenset()):
    """The same without the guard: a sum gets a fresh letter where its own is taken."""

    def rate(part, more=()):
        return derivative(part, by, definitions, taken | set(more))

    match expression:
        case Symbol(name, indices) if name == by.name:
            return delta(*zip(indices, by.indices, strict=True))
        case Symbol(name, indices) if function_of(name)[0]:
            return multiply(slope(expression), rate(Symbol(function_of(name)[1], indices)))
        case Symbol(name, indices) if name in definitions:
            return rate(instantiate(definitions[name], indices))
        case Symbol() | Number():
            return ZERO
        case Add(terms):
            return add(*map(rate, terms))
        case Mul(factors):
            return add(*(multiply(*factors[:n], rate(f), *factors[n + 1 :]) for n, f in enumerate(factors)))
        case Power(base, exponent):
            lowered = {1: ONE, 2: base}.get(exponent, Power(base, exponent - 1))
            return multiply(Number(exponent), lowered, rate(base))
        case Sum():
            total = avoid(expression, taken | set(by.indices))
            body = rate(total.body, total.letters)
            return ZERO if body == ZERO else Sum(total.letters, body)
        case Derivative(of, inner):
            if by.name != inner.name and inner.name in reached([by.name], definitions):
                raise UndecidedError(
                    f"{by.name} depends on {inner.name}: shall it stand still while that varies? "
                    f"Differentiate by {by.name} first, or write the inner derivative out"
                )
            return rate(derivative(of, inner, definitions, taken | set(by.indices)))
    return Case(expression.condition, rate(expression.then), rate(expression.otherwise))
