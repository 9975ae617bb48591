"""Wrong versions of right backward passes: all are noticed, most explained, right lines left alone."""

from collections import Counter

import numpy as np
import right_backwards as right
from code_mutants import mutants

from bn_utils.diagnose import diagnose
from bn_utils.diagnose.probes import make_probe
from bn_utils.diagnose.subject import LAYERS, Subject

ORIGINALS = [
    (right.graph, right.forward_graph),
    (right.staged, right.forward),
    (right.closed, right.forward),
    (right.closed_in_steps, right.forward),
    (right.in_place, right.forward),
    (right.transposed_steps, right.forward_columns),
]
SAMPLE = 149  # every how many mutants are tried, without --thorough


def changes_the_value(mutant, forward):
    """Whether a mutant is wrong, or raises, on batches that no diagnosis has seen."""
    rng = np.random.default_rng(7)
    probes = [make_probe(rng, N, H) for N, H in ((6, 4), (8, 5))]
    subject = Subject(mutant, forward, LAYERS["batchnorm"], probes)
    for probe in probes:
        try:
            with np.errstate(all="ignore"):
                result = mutant(*subject.arguments(probe))
        except Exception:
            return True
        if not subject.is_right(result, probe):
            return True
    return False


def verdict(report, line):
    """What a report says of a mutant of this line."""
    explained = [
        *report.problems,
        *(mistake for output in report.outputs.values() for mistake in output.mistakes if mistake.label),
    ]
    unexplained = [
        name for name, output in report.outputs.items() if output.ok is False and not output.is_explained
    ]
    named = {mistake.id for mistake in explained} - {"raises", "changes-cache", "changes-dout"}
    found = report.line.number if report.line else None
    return {
        "exact": found == line,
        "early": found is not None and found < line,
        "explained": found == line or bool(named and not unexplained),
    }


def test_mutants_are_noticed_and_explained_and_right_lines_left_alone(request):
    step = 1 if request.config.getoption("--thorough") else SAMPLE
    counts, unnoticed, made = Counter(), [], 0
    for original, forward in ORIGINALS:
        all_of_it = list(mutants(original))
        made += len(all_of_it)
        for mutant, line, source in all_of_it[::step]:
            if not changes_the_value(mutant, forward):
                continue
            report = diagnose(mutant, forward)
            counts["all"] += 1
            if report.ok:
                unnoticed.append(source)
            for what, holds in verdict(report, line).items():
                counts[what] += holds
    assert made >= 1500
    assert unnoticed == []
    assert counts["explained"] >= 0.9 * counts["all"], counts
    assert counts["exact"] >= 0.85 * counts["all"], counts
    assert counts["early"] <= 0.02 * counts["all"], counts
