"""The order of a diagnosis: the call, the forward pass, the catalogue, the first wrong line, the symptoms."""

from dataclasses import replace

import numpy as np

from bn_utils._validation import describe
from bn_utils.compare import relative_error
from bn_utils.diagnose import calling
from bn_utils.diagnose.catalogue import Mistake
from bn_utils.diagnose.equality import same
from bn_utils.diagnose.forward import judge_forward, wrong_forward_line
from bn_utils.diagnose.lines import cache_line, raising_line, wrong_line
from bn_utils.diagnose.order import cache_count, cache_order, return_order
from bn_utils.diagnose.report import Output, Report
from bn_utils.diagnose.search import explain, matches
from bn_utils.diagnose.subject import LAYERS, TOLERANCE, Subject, how_wrong, tolerance_of
from bn_utils.diagnose.symptoms import symptoms_of

ROUND_OFF = 1e-9
NO_LINE = (
    "no single line could be found that mends the result: a value may be built up in a loop, "
    "or several lines may be wrong."
)


def diagnose(backward, forward=None, layer="batchnorm", seed=0):
    """Say whether a backward pass is right, and if not, which mistake it makes.

    Parameters
    ----------
    backward : callable
        ``backward(dout, cache)``, which returns (dx, dgamma, dbeta): the gradients of eq-dh-hat,
        eq-dgamma-3 and eq-dbeta-3 (chapter 04_final_formulas), of shapes (N, D), (D,) and (D,).
    forward : callable, optional
        Your own forward pass, whose cache ``backward`` reads: ``forward(x, gamma, beta, eps)`` or
        ``forward(x, gamma, beta, bn_param)``, which returns (out, cache); of ``forward(x, gamma, beta)``
        eps is a constant. Without it ``backward`` gets the cache of `batchnorm_forward`.
    layer : "batchnorm", "linear" or "relu"
        The linear layer has ``forward(X, W, b)`` and the results (dX, dW, db) of eq-dinput,
        eq-dweight and eq-dbias; the ReLU ``forward(y)`` and the result dy of eq-drelu.
    seed : int, >= 0
        Of the random float64 batches on which the functions are run.

    Returns
    -------
    Report
        Prints as text; its parts are data.

    Raises
    ------
    TypeError
        ``backward`` or ``forward`` is not callable, or ``seed`` no integer.
    ValueError
        There is no such layer, or ``seed`` is negative.
    """
    for name, function in (("backward", backward), ("forward", forward)):
        if not callable(function) and not (name == "forward" and function is None):
            raise TypeError(f"{name} must be a function, got {describe(function)}")
    if not isinstance(layer, str) or layer not in LAYERS:
        raise ValueError(f"layer must be one of {', '.join(LAYERS)}; got {layer!r}")
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer):
        raise TypeError(f"seed must be an integer, got {describe(seed)}")
    if seed < 0:
        raise ValueError(f"seed must be >= 0, got {seed}")
    probes = LAYERS[layer].make_probes(seed)
    eps = None if forward is None or layer != "batchnorm" else calling.own_eps(forward)
    if eps is not None:
        probes = [replace(probe, eps=eps) for probe in probes]
    subject = Subject(backward, forward, LAYERS[layer], probes)
    try:
        found = None if forward is None else judge_forward(subject)
    except calling.CannotRunError as error:
        line = raising_line(forward, error.line, in_forward=True)
        return _report(subject, None, ran=False, problems=(error.mistake,), line=line)
    if found is not None and not found.ok:
        return _report(subject, found, problems=_call_problems(subject), line=wrong_forward_line(subject))
    return _backward(subject, found)


def _backward(subject, forward):
    """The learner's backward pass, behind a right forward pass."""
    runs, problems, raised = [], [], None
    for probe in subject.probes:
        try:
            results, changes = subject.run_and_watch(probe)
            problems += changes
        except calling.CannotRunError as error:
            results, raised = None, raised or error
        if isinstance(results, Mistake):
            return _report(subject, forward, problems=(results,))
        runs.append(results)
    if all(run is None for run in runs):
        return _could_not_run(subject, forward, raised)
    problems = list(dict.fromkeys(problems))
    if raised is not None:
        problems.append(raised.mistake)
    elif _depends_on_earlier_calls(subject, runs[0]):
        sentence = "Called again with the same dout and cache, your function returns something else."
        fix = "Look for a name from outside that changes, a default such as memory=[], or random numbers."
        problems.append(Mistake("depends-on-earlier-calls", sentence, fix))
        return _report(subject, forward, problems=tuple(problems))
    outputs = {
        name: _judge(name, [None if run is None else run[place] for run in runs], subject.probes)
        for place, name in enumerate(subject.layer.outputs)
    }
    wrong = [name for name, output in outputs.items() if not output.ok]
    if not wrong:
        line = wrong_line(subject, subject.layer.outputs, raised) if raised else None
        return _report(
            subject,
            forward,
            ok=not problems,
            problems=tuple(problems),
            outputs=outputs,
            line=line,
            notes=_notes(runs, subject),
        )
    places, moved, order = return_order(subject, runs) or ((), (), None)
    if order is not None and set(wrong) - set(moved):
        rest = _backward(subject._replace(order=places), forward)
        return replace(rest, problems=(order, *rest.problems))
    if order is None:
        _explain(outputs, wrong, runs, subject)
        unexplained = [name for name in wrong if not outputs[name].is_explained]
        order = cache_order(subject, unexplained) if unexplained else None
    if order is not None:
        line = cache_line(subject) if order.id == "cache-order" else wrong_line(subject, wrong, raised)
        return _report(subject, forward, problems=(*problems, order), outputs=outputs, line=line)
    line = wrong_line(subject, wrong, raised)
    _add_symptoms(outputs, wrong, runs, subject)
    notes = () if line else (NO_LINE,)
    return _report(subject, forward, problems=tuple(problems), outputs=outputs, line=line, notes=notes)


def _call_problems(subject):
    """What is wrong with the call of a backward pass, whatever its forward pass."""
    try:
        results = subject.run(subject.probes[0])
    except calling.CannotRunError as error:
        return (cache_count(subject, error) or error.mistake,)
    return (results,) if isinstance(results, Mistake) else ()


def _report(subject, forward, ok=False, **found):
    """A report on the subject; outputs that are not looked at are said not to be."""
    unknown = {name: Output(None, "not looked at") for name in subject.layer.outputs}
    return Report(subject.name, ok, forward=forward, **{"outputs": unknown, **found})


def _depends_on_earlier_calls(subject, before):
    try:
        return not same(before, subject.run(subject.probes[0]), TOLERANCE)
    except calling.CannotRunError:
        return True


def _could_not_run(subject, forward, error):
    """A backward pass that raises an error for every probe."""
    if isinstance(error.error, RecursionError):
        return _report(subject, forward, ran=False, problems=(error.mistake,))
    order = cache_order(subject, subject.layer.outputs) or cache_count(subject, error)
    if order is not None:
        line = raising_line(subject.backward, error.line)
        return _report(subject, forward, ran=False, problems=(order,), line=line)
    line = wrong_line(subject, subject.layer.outputs, error)
    return _report(subject, forward, ran=False, problems=(error.mistake,), line=line)


def _judge(name, results, probes):
    """One output: right, or how wrong; where the function raises an error for some probes, for the others."""
    unread = [result for result in results if isinstance(result, Mistake)]
    if unread:
        return Output(False, "wrong", ((unread[0],),))
    if all(
        result is None or matches(result, getattr(probe, name), tolerance_of(result))
        for result, probe in zip(results, probes, strict=True)
    ):
        return Output(
            True, "right" if all(result is not None for result in results) else "right where it runs"
        )
    return Output(False, how_wrong(results, name, probes))


def _notes(runs, subject):
    """What is no mistake, but good to know: how many digits are right, where those of float64 are not."""
    error = max(
        relative_error(np.asarray(result, dtype=float), getattr(probe, name))
        for run, probe in zip(runs, subject.probes, strict=True)
        if run is not None
        for name, result in zip(subject.layer.outputs, run, strict=True)
    )
    if error <= ROUND_OFF:
        return ()
    return (
        f"the results are right to {int(-np.log10(error))} digits: "
        "some line computes in float32, or adds a small number of its own.",
    )


def _explain(outputs, wrong, runs, subject):
    """Put the explanations from the catalogue into the wrong outputs."""
    for name in wrong:
        if outputs[name].explanations:
            continue
        place = subject.layer.outputs.index(name)
        results = [None if run is None else run[place] for run in runs]
        tolerance = max(tolerance_of(result) for result in results)
        found = explain(name, results, subject.probes, tolerance)
        outputs[name] = Output(False, outputs[name].sentence, found)


def _add_symptoms(outputs, wrong, runs, subject):
    """Where dx is not explained, say which properties of the true dx it lacks."""
    if "dx" not in wrong or outputs["dx"].explanations or runs[0] is None:
        return
    dx, probe = runs[0][0], subject.probes[0]
    if dx.shape == probe.x.shape:
        found = symptoms_of(subject.dx, probe, dx, 10 * tolerance_of(dx))
        outputs["dx"] = Output(False, outputs["dx"].sentence, symptoms=found)
