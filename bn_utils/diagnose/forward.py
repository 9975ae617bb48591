"""A learner's own forward pass: whether it is right, which mistakes it makes, and its first wrong line."""

from functools import partial

import numpy as np

from bn_utils.diagnose import calling
from bn_utils.diagnose.catalogue import Mistake
from bn_utils.diagnose.equality import same
from bn_utils.diagnose.first_wrong import first_wrong_line
from bn_utils.diagnose.forward_model import explain_forward
from bn_utils.diagnose.lines import found_line
from bn_utils.diagnose.report import Forward
from bn_utils.diagnose.search import matches
from bn_utils.diagnose.subject import TOLERANCE, TOLERANCE_32, how_wrong, tolerance_of
from bn_utils.gradcheck import numerical_gradient


def judge_forward(subject):
    """The learner's forward pass: right, or which mistakes it makes."""
    results = []
    for probe in subject.probes:
        y, again = (calling.run_forward(subject.forward, probe)[0] for _ in range(2))
        if not same(y, again, TOLERANCE):
            sentence = "Your forward pass gives two results for the same input."
            fix = "Use nothing but the arguments: no random numbers, no names from outside."
            raise calling.CannotRunError(Mistake("forward-depends-on-earlier-calls", sentence, fix))
        results.append(calling.read_result("out", y))
    unread = [result for result in results if isinstance(result, Mistake)]
    if unread:
        return Forward(False, "wrong", ((unread[0],),))
    tolerance = max(map(tolerance_of, results))
    if all(matches(y, probe.y, tolerance) for y, probe in zip(results, subject.probes, strict=True)):
        return Forward(True, "right")
    found = explain_forward(results, subject.probes, tolerance) if subject.is_batchnorm else ()
    return Forward(False, how_wrong(results, "y", subject.probes), found, _backward_fits(subject))


def wrong_forward_line(subject):
    """The first wrong line of the learner's forward pass."""
    probes = subject.probes[:2]
    function, _ = calling.forward_call(subject.forward, probes[0])
    cases = [lambda probe=probe: calling.forward_call(subject.forward, probe)[1] for probe in probes]
    right = [lambda result, probe=probe: _is_output(result, probe) for probe in probes]
    found = first_wrong_line(function, cases, probes, right, subject.layer.quantities)
    return found_line(subject.forward, found, in_forward=True)


def _is_output(result, probe):
    """Whether a forward pass has returned the right output, and something besides."""
    if not isinstance(result, tuple | list) or len(result) != 2:
        return False
    y = calling.read_result("out", result[0])
    return not isinstance(y, Mistake) and matches(y, probe.y, tolerance_of(y))


def _backward_fits(subject):
    """Whether the backward pass is the gradient of the learner's forward pass, wrong as this is.

    None where it cannot be told: the backward pass does not run, or the forward pass computes in float32.
    """
    probe = subject.probes[0]

    def loss(place, array):
        arrays = [*probe.arguments[:place], array, *probe.arguments[place + 1 :]]
        return float(np.sum(probe.dout * calling.run_forward(subject.forward, probe, arrays)[0]))

    try:
        if tolerance_of(calling.run_forward(subject.forward, probe)[0]) == TOLERANCE_32:
            return None
        results = subject.run(probe)
        if isinstance(results, Mistake):
            return None
        return all(
            isinstance(result, np.ndarray)
            and matches(
                result, numerical_gradient(partial(loss, place), np.array(array)), tolerance_of(result)
            )
            for place, (array, result) in enumerate(zip(probe.arguments, results, strict=True))
        )
    except (calling.CannotRunError, TypeError, ValueError):
        return None
