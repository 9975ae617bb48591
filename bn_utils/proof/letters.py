"""The letters of an expression: which are free, which are summed, and how to replace them."""

from dataclasses import replace
from functools import lru_cache

from bn_utils.proof.expressions import Equal, Sum, Symbol, parts, rebuild


@lru_cache(2**14)
def letters_of(expression):
    """Return the set of all letters of an expression, free and summed."""
    own = {
        Symbol: lambda e: e.indices,
        Equal: lambda e: (e.left, e.right),
        Sum: lambda e: e.letters,
    }.get(type(expression), lambda e: ())(expression)
    return frozenset(own).union(*map(letters_of, parts(expression)))


def axes_of(expression, letters):
    """Return the axes of an expression's array: these letters, its others, and one that is always there."""
    return *letters, *sorted(letters_of(expression) - set(letters)), ""


def free_letters(expression):
    """Return the set of the letters of an expression that no sum in it takes."""
    if isinstance(expression, Sum):
        return free_letters(expression.body) - set(expression.letters)
    inside = list(parts(expression))
    return set().union(*map(free_letters, inside)) if inside else letters_of(expression)


def summed_letters(expression):
    """Return the set of the letters that some sum in an expression takes."""
    own = set(expression.letters) if isinstance(expression, Sum) else set()
    return own.union(*map(summed_letters, parts(expression)))


def rename(expression, letters):
    """Replace free letters, by a dictionary; a sum that would capture one gets a fresh letter."""
    if isinstance(expression, Symbol):
        return replace(expression, indices=tuple(letters.get(k, k) for k in expression.indices))
    if isinstance(expression, Equal):
        return Equal(
            letters.get(expression.left, expression.left), letters.get(expression.right, expression.right)
        )
    if isinstance(expression, Sum):
        expression = avoid(expression, set(letters.values()))
        letters = {old: new for old, new in letters.items() if old not in expression.letters}
        return Sum(expression.letters, rename(expression.body, letters))
    return rebuild(expression, lambda part: rename(part, letters))


def avoid(total, taken):
    """Give fresh letters to a `Sum` whose own are among those taken."""
    clash = [letter for letter in total.letters if letter in taken]
    if not clash:
        return total
    fresh = {}
    for letter in clash:
        fresh[letter] = _fresh(letter, taken | letters_of(total) | set(fresh.values()))
    return Sum(tuple(fresh.get(k, k) for k in total.letters), rename(total.body, fresh))


def _fresh(letter, taken):
    number = 1
    while f"{letter[0]}{number}" in taken:
        number += 1
    return f"{letter[0]}{number}"


def instantiate(definition, indices):
    """Return the meaning of a defined name at these indices."""
    return rename(definition.meaning, dict(zip(definition.symbol.indices, indices, strict=True)))
