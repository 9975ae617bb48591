"""Finds the mistakes that make an output what it is: one, then two, then a factor of each path."""

from functools import lru_cache
from itertools import combinations, product

import numpy as np

from bn_utils.diagnose.catalogue import ENTRIES, LAYER_ENTRIES, Mistake
from bn_utils.diagnose.catalogue.dx import NAMES
from bn_utils.diagnose.model import COUNTS, PATHS, changed, overlap, result_of, value_of

TOLERANCE = 1e-6  # of a match, relative; mistakes are a thousand times further apart
GAMMAS, POWERS = (0, 1, -1, 2, -2), (0, 1, -1, 2, -2, 3, -3, -4)
DIVISORS = {"N": "N", "N - 1": "(N - 1)", "N^2": "(N^2)", "H": "D", "N H": "(N D)", "N/2": "(N/2)"}
PLACES = ("1", "1/N", *DIVISORS)
FORMS = sorted(product(GAMMAS, POWERS, PLACES), key=lambda k: abs(k[0]) + abs(k[1]) + (k[2] != "1"))
LABELS = {"dx": "eq-dh-4", "dgamma": "eq-dgamma-3", "dbeta": "eq-dbeta-3"}


def matches(actual, expected, tolerance=TOLERANCE):
    """Whether two results are the same, in shape and value; None stands for one that cannot be computed."""
    if actual is None or expected is None:
        return actual is expected
    if np.shape(actual) != np.shape(expected):
        return False
    gap, scale = np.abs(actual - expected), np.abs(expected)
    return bool(gap.max(initial=0) <= tolerance * max(1e-3, scale.max(initial=0)))


def explain(output, results, probes, tolerance=TOLERANCE):
    """Find the explanations of a wrong output: mistakes that make exactly what was returned.

    Parameters
    ----------
    output : str
        "dx", "dgamma" or "dbeta"; of the other layers "dX", "dW", "db" or "dy".
    results : list of arrays
        What the function returned for each probe; None where it raised an error.
    probes : list of Probe
    tolerance : float
        Relative.

    Returns
    -------
    tuple of tuples of Mistake
        Several where they make the same result; () where nothing in the catalogue does.
    """
    cases = list(zip(results, probes, strict=True))
    if output in LAYER_ENTRIES:
        return _singles(cases, LAYER_ENTRIES[output], lambda entry, probe: entry.changes(probe), tolerance)
    cache = {}
    return (
        _singles(
            cases,
            ENTRIES[output],
            lambda entry, probe: result_of(output, changed(output, entry.changes), probe, cache),
            tolerance,
        )
        or _pairs(output, cases, tolerance, cache)
        or _factors(output, cases, tolerance)
    )


def _singles(cases, entries, value, tolerance):
    def makes(entry):
        return all(matches(result, _computed(value, entry, probe), tolerance) for result, probe in cases)

    found = [entry.mistake for entry in entries if makes(entry)]
    found.sort(key=lambda mistake: "power" in mistake.id)  # a wrong name is likelier than a wrong power
    return tuple((mistake,) for mistake in found)


def _computed(value, entry, probe):
    """A value, or None where NumPy cannot compute it."""
    try:
        return value(entry, probe)
    except ValueError:
        return None


@lru_cache
def pairs_of(output):
    """Every pair of mistakes of an output that change different parts, each with the paths that it makes."""
    return [
        ((one.mistake, two.mistake), changed(output, one.changes, two.changes))
        for one, two in combinations(ENTRIES[output], 2)
        if not overlap(one.changes, two.changes)
    ]


def _pairs(output, cases, tolerance, cache):
    left = pairs_of(output)
    for result, probe in cases:  # the first probe leaves few
        left = [pair for pair in left if matches(result, result_of(output, pair[1], probe, cache), tolerance)]
    return tuple(pair for pair, _ in left)


def _factors(output, cases, tolerance):
    """The factors k in k_1 direct + k_2 mean + k_3 variance, column by column, as mistakes."""
    paths = [path for path, term in PATHS[output].items() if term.factor]
    columns = []  # the factors of the paths in every column of every probe
    for result, probe in cases:
        terms = [value_of(PATHS[output][path], probe) for path in paths]
        shape = sum(terms).shape
        if np.shape(result) != shape or not np.isfinite(result).all():
            return ()
        terms = np.stack([np.broadcast_to(term, shape) for term in terms])
        for column in range(probe.H):
            basis, target = terms[..., column].reshape(len(paths), -1).T, np.ravel(result[..., column])
            factors = np.linalg.lstsq(basis, target, rcond=None)[0]
            if not matches(basis @ factors, target, tolerance):
                return ()
            columns.append(factors)
    probes = [probe for _, probe in cases]
    forms = {
        path: _form(factors, probes, 100 * tolerance)
        for path, factors in zip(paths, np.transpose(columns), strict=True)
    }
    if None in forms.values():
        return ()
    if len(paths) > 1 and len(set(forms.values())) == 1:
        return ((_factor_mistake(output, output, forms[paths[0]]),),)
    found = tuple(_factor_mistake(output, path, form) for path, form in forms.items() if form != _ONE)
    return (found,) if found else ()


_ONE = (1.0, 0, 0, "1")


def _form(factors, probes, tolerance):
    """What factors are in all columns: (a number, a power of gamma, one of r, a count), or None."""
    if matches(factors, np.ones_like(factors), tolerance):
        return _ONE
    if np.abs(factors).max() <= tolerance:
        return 0.0, 0, 0, "1"
    gamma = np.concatenate([probe.gamma for probe in probes])
    r = np.concatenate([probe.r for probe in probes])
    counts = {
        place: np.concatenate([np.full(probe.H, float(COUNTS[place](probe))) for probe in probes])
        for place in PLACES
    }
    for gamma_power, power, place in FORMS:
        numbers = factors * counts[place] / (gamma**gamma_power * r**power)
        if np.abs(numbers - numbers[0]).max() <= tolerance * abs(numbers[0]):
            return float(f"{numbers[0]:.4g}"), gamma_power, power, place
    return None


def _factor_mistake(output, path, form):
    number, gamma_power, power, place = form
    what = NAMES.get(path, path)
    if number == 0:
        return Mistake(f"{path}-missing", f"{what} is missing.", "Add it.", LABELS[output])
    parts = [f"{number:g}"] if number != 1 else []
    parts += [f"gamma**{gamma_power}".removesuffix("**1")] if gamma_power else []
    parts += [f"ivar**{power}".removesuffix("**1")] if power else []
    parts += ["N"] if place == "1/N" else []
    said = " * ".join(parts) or "1"
    said += f" / {DIVISORS[place]}" if place in DIVISORS else ""
    return Mistake(
        f"{path}-scaled",
        f"{what} is {said} times what it must be.",
        "Compare its factors, one by one, with those of the equation.",
        LABELS[output],
    )
