"""Mixed-up orders: of what the backward pass returns, and of what it takes out of the cache."""

import re
from itertools import combinations, permutations

from bn_utils.diagnose import calling
from bn_utils.diagnose.catalogue import Mistake
from bn_utils.diagnose.equality import same

SHORT, LONGEST = 5, 12  # entries of a cache
UNPACKING = re.compile(
    r"(?:too many|not enough) values to unpack \(expected (?:at least )?(\d+)(?:, got (\d+))?"
)


def return_order(subject, runs):
    """The order in which results are right, the names that it moves, and the mistake; or None.

    One that it does not move may be wrong.
    """
    names = subject.layer.outputs
    for order in list(permutations(range(len(names))))[1:]:
        ordered = [None if run is None else [run[place] for place in order] for run in runs]
        moved = [name for place, name in enumerate(names) if order[place] != place]
        if _all_right(subject, ordered, moved):
            yours = ", ".join(name for _, name in sorted(zip(order, names, strict=True)))
            what = "the right arrays" if _all_right(subject, ordered, names) else " and ".join(moved)
            return (
                order,
                moved,
                Mistake(
                    "return-order",
                    f"You return {what} in the wrong order: yours is {yours}.",
                    f"End it with: return {', '.join(names)}.",
                ),
            )
    return None


def _all_right(subject, runs, names):
    return all(
        run is not None and subject.are_right(run, probe, names)
        for run, probe in zip(runs, subject.probes, strict=True)
    )


def cache_order(subject, wrong):
    """The mistake of a backward pass that is right once the entries of the cache change places, or None.

    `wrong` names the outputs that must become right.
    """
    _, cache = subject.arguments(subject.probes[0])
    if not isinstance(cache, tuple | list):
        return None
    for order in _orders(len(cache)):
        if all(_right_in_order(subject, probe, order, wrong) for probe in subject.probes):
            return _mixed_up(subject, cache, order)
    return None


def _mixed_up(subject, cache, order):
    moved = [place for place, entry in enumerate(order) if place != entry]
    used = [place for place in moved if _is_used(subject, place)]
    if len(moved) == 2 and len(used) == 1:
        (other,) = set(moved) - set(used)
        return Mistake(
            "cache-entry",
            f"Your function uses entry number {used[0] + 1} of the cache where number {other + 1} belongs.",
            "Look at the line that takes the cache apart, and at where the name is used.",
        )
    fields = getattr(cache, "_fields", None)
    numbers = " and ".join(str(place + 1) for place in moved)
    return Mistake(
        "cache-order",
        f"You take the cache apart in the wrong order: its entries number {numbers} change places."
        + (f" The order is {', '.join(fields)}." if fields else ""),
        "Give the names on the left of = cache the order that the forward pass gave them.",
    )


def _is_used(subject, place):
    """Whether an entry of the cache has any effect: whether the result changes if it is gone."""
    probe = subject.probes[0]
    before = subject.dx(probe)
    dout, cache = subject.arguments(probe)
    without = [None if number == place else entry for number, entry in enumerate(cache)]
    try:
        after = subject.read(calling.call("backward", subject.backward, (dout, _remade(cache, without))))
    except calling.CannotRunError:
        return True
    return before is None or isinstance(after, Mistake) or not same(before, after[0])


def _remade(cache, entries):
    """A cache of the same kind with other entries."""
    return cache._make(entries) if hasattr(cache, "_make") else type(cache)(entries)


def _orders(length):
    """Orders other than the right one: all of a short cache, two or three entries moved in a longer one."""
    if length <= SHORT:
        yield from list(permutations(range(length)))[1:]
        return
    for size in (2, 3) if length <= LONGEST else ():
        for places in combinations(range(length), size):
            for turn in range(1, size):
                order = list(range(length))
                for place, entry in zip(places, places[turn:] + places[:turn], strict=True):
                    order[place] = entry
                yield order


def cache_count(subject, raised):
    """The mistake of taking the cache apart into more or fewer names than it has entries, or None.

    `raised` is the `CannotRunError` of the backward pass.
    """
    _, cache = subject.arguments(subject.probes[0])
    error, line = raised.error, calling.source_line(subject.backward, raised.line)
    taken = UNPACKING.match(str(error.args[0])) if isinstance(error, ValueError) and error.args else None
    if not taken or not isinstance(cache, tuple | list) or len(cache) == int(taken[1]):
        return None
    if "cache" not in line if taken[2] is None else int(taken[2]) != len(cache):
        return None  # something else is taken apart
    return Mistake(
        "cache-count",
        f"You take the cache apart into {taken[1]} names, but it has {len(cache)} entries.",
        "Write one name for each entry to the left of = cache, in the order of the forward pass.",
    )


def _right_in_order(subject, probe, order, wrong):
    dout, cache = subject.arguments(probe)
    entries = [cache[entry] for entry in order]
    try:
        result = calling.call("backward", subject.backward, (dout, _remade(cache, entries)))
    except calling.CannotRunError:
        return False
    return subject.is_right(result, probe, wrong)
