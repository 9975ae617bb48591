"""Which mistakes can be told apart by what they return, measured on the probes: data for tests and pages."""

from collections import Counter
from typing import NamedTuple

import numpy as np

from bn_utils.diagnose.catalogue import ENTRIES, EQUALS
from bn_utils.diagnose.model import changed, result_of
from bn_utils.diagnose.probes import make_probes
from bn_utils.diagnose.search import pairs_of

SAME = 1e-9  # a relative distance of round-off


class Row(NamedTuple):
    """One mistake: those that return the same, why, and how far off the truth and the nearest other are."""

    id: str
    label: str
    chapter: str
    equals: tuple[str, ...]
    reason: str
    from_truth: float
    from_others: float
    nearest: str


def identifiability(output, probes=None):
    """Say of every mistake of an output from which others it can be told.

    Parameters
    ----------
    output : "dx", "dgamma" or "dbeta"
    probes : list of Probe, optional
        Those of a diagnosis, if none are given.

    Returns
    -------
    list of Row
        A distance is the largest difference of an entry, relative to the larger of the two results;
        inf where the shapes differ, or one of the two cannot be computed.

    Raises
    ------
    ValueError
        There is no catalogue of that output.
    """
    if output not in ENTRIES:
        raise ValueError(f"output must be one of {', '.join(ENTRIES)}; got {output!r}")
    probes = probes or make_probes()
    entries = ENTRIES[output]
    values = [_values(output, changed(output, entry.changes), probes) for entry in entries]
    truth = _values(output, changed(output), probes)
    rows = []
    for number, entry in enumerate(entries):
        distances = [distance(values[number], other) for other in values]
        id = entry.mistake.id
        equals = [entries[k].mistake.id for k, gap in enumerate(distances) if gap <= SAME and k != number]
        gap, k = min((gap, k) for k, gap in enumerate(distances) if gap > SAME)
        reason = next((reason for ids, reason in EQUALS if id in ids), "")
        rows.append(
            Row(
                id,
                entry.mistake.label,
                entry.mistake.chapter,
                tuple(equals),
                reason,
                distance(values[number], truth),
                gap,
                entries[k].mistake.id,
            )
        )
    return rows


def distance(one, other):
    """How far apart two lists of results are: the largest of the relative distances of their items."""
    return max(map(_distance, one, other))


def _distance(one, other):
    if one is None or other is None or np.shape(one) != np.shape(other):
        return 0.0 if one is other else np.inf
    scale = max(np.abs(one).max(initial=0), np.abs(other).max(initial=0))
    return float(np.abs(one - other).max(initial=0) / max(scale, 1e-3))


def _values(output, terms, probes, cache=None):
    return [result_of(output, terms, probe, cache) for probe in probes]


def pairs(output, probes=None):
    """Count the pairs of mistakes that can be told as a pair, by what they return.

    Parameters
    ----------
    output, probes
        As those of `identifiability`.

    Returns
    -------
    Counter
        "pair"; "single" where one mistake alone returns the same; "right" where the two cancel.
    """
    probes = probes or make_probes()
    cache = {}
    truth = _key(_values(output, changed(output), probes))
    singles = {_key(_values(output, changed(output, entry.changes), probes)) for entry in ENTRIES[output]}
    counts = Counter()
    for _, terms in pairs_of(output):
        key = _key(_values(output, terms, probes, cache))
        counts["right" if key == truth else "single" if key in singles else "pair"] += 1
    return counts


def _key(values):
    """Results to seven digits, as something that can be looked up."""
    return tuple(
        None if value is None else (np.shape(value), tuple(np.ravel(np.round(value, 7)) + 0.0))
        for value in values
    )
