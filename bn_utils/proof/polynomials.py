"""Sums of products with summed letters, multiplied out: the arithmetic of `symbolic`.

An atom is (name, indices), a product is a sorted tuple of pairs (atom, exponent), and a
polynomial is a dictionary from products to their rational coefficients, none of them 0. A
summed letter is written `#N0`, `#N1`, ... (rows), `#H0` (columns), `#D0` (input features).
"""

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations, product
from math import factorial, prod

from bn_utils._validation import Sentence
from bn_utils.proof.expressions import DELTA, SIZES, size_of

LONGEST = 2_000  # product of two polynomials, in products
MOST_NAMINGS = 20_000  # of the summed letters of one product


class UndecidedError(Sentence, ValueError):
    """An expression that the calculus does not cover, or not in a short time."""


@dataclass(frozen=True)
class Rule:
    """A sum over one letter, and the polynomial that it is equal to."""

    letter: str
    factors: tuple
    value: dict


def plus(*polynomials):
    """Return the sum of polynomials."""
    total = Counter()
    for polynomial in polynomials:
        for term, coefficient in polynomial.items():
            total[term] += coefficient
    return {term: coefficient for term, coefficient in total.items() if coefficient}


def scaled(polynomial, number):
    """Return a polynomial times a rational number that is not 0."""
    return {term: number * coefficient for term, coefficient in polynomial.items()}


def times(left, right, rules):
    """Return the product of two polynomials."""
    if len(left) * len(right) > LONGEST:
        raise UndecidedError("this is too long to multiply out")
    return plus(
        *(
            reduced(a * b, (*term, *_apart(other, term)), rules=rules)
            for (term, a), (other, b) in product(left.items(), right.items())
        )
    )


def summed(polynomial, letter, rules):
    """Return the sum of a polynomial over all values of a letter that is free in it."""
    return plus(*(reduced(c, *_bind(term, letter), rules=rules) for term, c in polynomial.items()))


def _bind(term, letter):
    """Return a product whose free letter is a summed one now, and that letter."""
    size = size_of(letter)
    new = f"#{size}{sum(k.startswith(f'#{size}') for k in _letters(term))}"
    return renamed(term, {letter: new}), (new,)


def reduced(coefficient, factors, over=(), *, rules=()):
    """Return coefficient times a product as a polynomial in normal form.

    Letters that start with # are summed, and those of `over`, even where no factor has one.
    """
    factors, over = _contracted(factors, {*over, *summed_in(factors)})
    powers = Counter()
    for atom, exponent in factors:
        powers[atom] = 1 if _is_switch(atom) else powers[atom] + exponent
    powers = {atom: exponent for atom, exponent in powers.items() if exponent}
    for letter in sorted(over):
        inside = {atom: exponent for atom, exponent in powers.items() if letter in atom[1]}
        outside = tuple((atom, exponent) for atom, exponent in powers.items() if atom not in inside)
        if not inside:
            size = ((letter[1], ()), 1)
            return reduced(coefficient, (*outside, size), over - {letter}, rules=rules)
        for rule in rules:
            letters = _match(rule, inside, letter)
            if letters is not None:
                taken = (*outside, *inside.items())
                values = ((renamed(_apart(term, taken), letters), c) for term, c in rule.value.items())
                return plus(
                    *(
                        reduced(coefficient * c, (*outside, *value), over - {letter}, rules=rules)
                        for value, c in values
                    )
                )
    return {_canonical(tuple(sorted(powers.items()))): coefficient}


def renamed(term, letters):
    """Return a product with its letters replaced, by a dictionary."""
    return tuple(((name, tuple(letters.get(k, k) for k in ks)), e) for (name, ks), e in term)


def summed_in(term):
    """Return the set of the summed letters of a product."""
    return {letter for letter in _letters(term) if letter.startswith("#")}


def is_free_of_sums(term):
    """Say whether nothing is summed in a product."""
    return not summed_in(term)


def components(term):
    """Split a product into the parts that share no summed letter; what has none comes first."""
    free = tuple(factor for factor in term if is_free_of_sums((factor,)))
    parts = []
    for factor in (f for f in term if f not in free):
        own = summed_in((factor,))
        touching = [part for part in parts if own & set(_letters(part))]
        parts = [part for part in parts if part not in touching]
        parts.append((*(f for part in touching for f in part), factor))
    return free, parts


def _letters(term):
    return [letter for (_, letters), _ in term for letter in letters]


def _is_switch(atom):
    return atom[0].startswith("[")  # 0 or 1, as a delta: all its powers are itself


def _apart(term, other):
    """Rename the summed letters of a product so that it shares none with another."""
    shift = 1 + max((int(k[2:]) for k in summed_in(other)), default=-1)
    return renamed(term, {k: f"{k[:2]}{int(k[2:]) + shift}" for k in summed_in(term)})


def _contracted(factors, over):
    """Contract all deltas: of letters that are equal one is kept, a free one where there is one."""
    kept = {}

    def find(letter):
        while letter in kept:
            letter = kept[letter]
        return letter

    for (name, letters), _ in factors:
        if name == DELTA:
            low, high = sorted(map(find, letters))  # "#" sorts before every letter
            if low != high:
                kept[low] = high
    rest = [factor for factor in factors if factor[0][0] != DELTA]
    deltas = [((DELTA, (k, find(k))), 1) for k in kept if not k.startswith("#")]
    return [*renamed(rest, {k: find(k) for k in kept}), *deltas], over - set(kept)


def _match(rule, inside, letter):
    """Return the letters that turn a rule's factors into those that contain a summed letter."""
    if len(inside) != len(rule.factors):
        return None
    for arrangement in permutations(inside.items()):
        letters = {rule.letter: letter}
        for ((name, pattern), exponent), ((found, actual), power) in zip(
            rule.factors, arrangement, strict=True
        ):
            if name != found or exponent != power:
                break
            if any(letters.setdefault(p, k) != k for p, k in zip(pattern, actual, strict=True)):
                break
        else:
            if list(letters.values()).count(letter) == 1:
                return letters
    return None


@lru_cache(maxsize=100_000)
def _canonical(term):
    """Name the summed letters so that products that differ in those names alone are the same."""
    free, parts = components(term)
    found, used = [], Counter()
    for part in sorted(_least(part) for part in parts):
        letters = sorted(summed_in(part))
        names = {k: f"{k[:2]}{int(k[2:]) + used[k[1]]}" for k in letters}
        used.update(k[1] for k in letters)
        found += renamed(part, names)
    return tuple(sorted((*free, *found)))


def _least(part):
    """The least of all namings of the summed letters of a product."""
    by_size = [sorted(k for k in summed_in(part) if k[1] == size) for size in SIZES]
    names = ([f"#{size}{n}" for n in range(len(ks))] for size, ks in zip(SIZES, by_size, strict=True))
    old = [k for ks in by_size for k in ks]
    if prod(factorial(len(ks)) for ks in by_size) > MOST_NAMINGS:
        raise UndecidedError("too many sums in one product")
    return min(
        tuple(sorted(renamed(part, dict(zip(old, (k for ks in choice for k in ks), strict=True)))))
        for choice in product(*map(permutations, names))
    )
