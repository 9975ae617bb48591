"""`diagnose`: right code is right, each mistake is named, and what cannot be run says why."""

import json
from functools import partial

import numpy as np
import pytest
import right_backwards as right
from code_mutants import edited
from equations import EQUATIONS
from messages import exactly

import bn_utils as bn
from bn_utils.diagnose import diagnose
from bn_utils.diagnose.catalogue import ENTRIES, EQUALS, FORWARD, LAYER_ENTRIES
from bn_utils.diagnose.catalogue.mistake import CHAPTERS
from bn_utils.diagnose.forward_model import explain_forward, output_of
from bn_utils.diagnose.identifiability import identifiability, pairs
from bn_utils.diagnose.model import changed, result_of
from bn_utils.diagnose.names import is_name_of
from bn_utils.diagnose.other_layers import make_linear_probes, make_relu_probes
from bn_utils.diagnose.probes import make_probe, make_probes
from bn_utils.diagnose.search import explain, pairs_of
from bn_utils.diagnose.symptoms import symptoms_of

PROBES = make_probes()
SEEDS = 30
CATALOGUE = [(output, entry) for output, entries in ENTRIES.items() for entry in entries]


def ids(found):
    return {mistake.id for mistake in found}


# Right code


def test_there_are_enough_right_variants():
    assert len(right.RIGHT) >= 30
    assert len(right.RIGHT) * SEEDS >= 1000


@pytest.mark.parametrize(("backward", "forward"), right.RIGHT)
def test_right_code_is_never_accused(backward, forward):
    for seed in range(SEEDS):
        report = diagnose(backward, forward, seed=seed)
        assert report.ok, report
        assert report.ran
        assert not report.problems
        assert [output.mistakes for output in report.outputs.values()] == [(), (), ()]
        assert bool(report.notes) == (getattr(backward, "__name__", "") in ("float32", "float32_inside"))


@pytest.mark.parametrize(
    ("layer", "backward"),
    [("linear", bn.linear_backward), ("relu", bn.relu_backward)],
    ids=["linear", "relu"],
)
def test_the_other_layers_of_the_book_are_right(layer, backward):
    for seed in range(SEEDS):
        assert diagnose(backward, layer=layer, seed=seed).ok


# The catalogue


@pytest.mark.parametrize("output", ENTRIES)
def test_mistakes_differ_from_the_truth_and_from_each_other_but_for_proven_equals(output):
    rows = identifiability(output)
    assert len({row.id for row in rows}) == len(rows)
    for row in rows:
        group = next((group for group, _ in EQUALS if row.id in group), (row.id,))
        assert {row.id, *row.equals} == set(group)
        assert bool(row.reason) == (len(group) > 1)
        assert row.from_truth > 0.05
        assert row.from_others > 0.01
        assert row.nearest not in group
        assert row.chapter == CHAPTERS[row.label]


def test_dx_has_enough_mistakes_that_return_different_things():
    assert len({frozenset((row.id, *row.equals)) for row in identifiability("dx")}) >= 100


@pytest.mark.parametrize(
    ("output", "entry"), CATALOGUE, ids=lambda value: getattr(value, "mistake", value)[0]
)
def test_every_mistake_is_named_with_its_equals_alone(output, entry):
    for probes in (PROBES, make_probes(5)):
        results = [result_of(output, changed(output, entry.changes), probe) for probe in probes]
        group = next((group for group, _ in EQUALS if entry.mistake.id in group), (entry.mistake.id,))
        found = explain(output, results, probes)
        assert {mistake.id for (mistake,) in found} == set(group)


# For each group of equals but the trivial ones: the book's calculus proves it, for every N.
G = r"\frac{\partial \mathcal L}{\partial y_{kj}}"
GC = rf"\sum_k {G} (h_{{kj}} - \mu_j)"
PROOFS = {
    "variance-missing": r"\sum_k (h_{kj} - \mu_j) = 0",
    "variance-power-2": rf"\frac{{1}}{{s_j}} \sum_k {G} \hat h_{{kj}} = \frac{{1}}{{s_j^2}} {GC}",
    "variance-power-4": rf"\frac{{1}}{{s_j^3}} \sum_k {G} \hat h_{{kj}} = \frac{{1}}{{s_j^4}} {GC}",
    "variance-power-5": (
        rf"\frac{{1}}{{s_j^3}} \hat h_{{ij}} \sum_k {G} \hat h_{{kj}}"
        rf" = \frac{{1}}{{s_j^5}} (h_{{ij}} - \mu_j) \sum_k {G} (h_{{kj}} - \mu_j)"
    ),
    "variance-outer-x": (
        rf"h_{{ij}} \sum_k {G} (h_{{kj}} - \mu_j)"
        rf" = (h_{{ij}} - \mu_j) \sum_k {G} (h_{{kj}} - \mu_j) + \mu_j \sum_k {G} (h_{{kj}} - \mu_j)"
    ),
    "variance-alone": rf"\frac{{1}}{{N}} \sum_i \frac{{1}}{{N}} \sum_k {G} = \frac{{1}}{{N}} \sum_k {G}",
    "dx-summed": r"\sum_i \frac{\partial \mathcal L}{\partial h_{ij}} = 0",
    "dgamma-zero": r"\sum_k \hat h_{kj} = 0",
    "dgamma-gamma-extra": rf"\sum_k {G} \gamma_j \hat h_{{kj}} = \gamma_j \sum_k {G} \hat h_{{kj}}",
    "dgamma-std-extra": (
        rf"\sum_k {G} \frac{{h_{{kj}} - \mu_j}}{{s_j^2}} = \frac{{1}}{{s_j}} \sum_k {G} \hat h_{{kj}}"
    ),
    "dgamma-std-multiplied": rf"\sum_k {G} (h_{{kj}} - \mu_j) = s_j \sum_k {G} \hat h_{{kj}}",
}


@pytest.mark.parametrize(("group", "reason"), EQUALS, ids=lambda value: value[0])
def test_equals_are_proved_for_every_batch(group, reason):
    assert bn.ledger.try_line(PROOFS[group[0]]).proved, reason


def test_three_pairs_of_four_are_named_as_a_pair():
    for output in ENTRIES:
        counts = pairs(output)
        assert counts["pair"] >= 0.75 * counts.total()
        assert counts.total() == len(pairs_of(output))


def test_pairs_are_found(request):
    tried = 60 if request.config.getoption("--thorough") else 24
    rng = np.random.default_rng(3)
    everything = pairs_of("dx")
    cache = {}
    named = 0
    for number in rng.choice(len(everything), tried, replace=False):
        pair, terms = everything[number]
        found = explain("dx", [result_of("dx", terms, probe, cache) for probe in PROBES], PROBES)
        named += pair in found
        assert all(len(mistakes) == 1 for mistakes in found) or pair in found
    assert named >= 0.75 * tried


def learner_of(changes):
    """What a learner with these mistakes computes: a function of a probe."""
    return lambda probe: result_of("dx", changed("dx", *changes), probe)


@pytest.mark.parametrize("entry", ENTRIES["dx"], ids=lambda entry: entry.mistake.id)
def test_every_wrong_dx_has_a_symptom(entry):
    backward = learner_of([entry.changes])
    for probe in (PROBES[0], make_probe(np.random.default_rng(8), 6, 2)):
        dx = backward(probe)
        if np.shape(dx) == probe.x.shape:
            assert symptoms_of(backward, probe, dx)


def test_the_true_dx_has_no_symptom():
    for seed in range(50):
        for probe in make_probes(seed):
            assert symptoms_of(lambda p: p.dx, probe, probe.dx) == ()


def test_pairs_that_are_not_named_as_pairs_have_a_true_symptom_or_are_right():
    cache = {}
    rng = np.random.default_rng(4)
    everything = pairs_of("dx")
    for number in rng.choice(len(everything), 300, replace=False):
        terms = everything[number][1]
        dx = result_of("dx", terms, PROBES[0], cache)
        if np.shape(dx) == PROBES[0].x.shape and np.abs(dx - PROBES[0].dx).max() > 1e-9:
            assert symptoms_of(partial(result_of, "dx", terms), PROBES[0], dx), everything[number][0]


SYMPTOMS = {
    "mean-missing": {"column-sums"},
    "variance-missing": {"sum-with-x-hat"},
    "statistics-detached": {"column-sums", "sum-with-x-hat", "rows-apart"},
    "variance-dout-missing": {"sum-with-x-hat"},
    "mean-dout-missing": {"not-linear-in-dout", "column-sums"},
    "gamma-doubled": {"not-linear-in-gamma"},
    "variance-sum-all": {"columns-mixed"},
    "variance-outer-x": {"shift"},
    "variance-power-1": {"scale", "sum-with-x-hat"},
    "n-missing": {"doubled-batch"},
}


@pytest.mark.parametrize("id", SYMPTOMS)
def test_symptoms_point_at_the_mistake(id):
    entry = next(entry for entry in ENTRIES["dx"] if entry.mistake.id == id)
    backward = learner_of([entry.changes])
    found = ids(symptoms_of(backward, PROBES[0], backward(PROBES[0])))
    assert {f"symptom-{symptom}" for symptom in SYMPTOMS[id]} <= found


def test_rows_that_are_told_apart_are_a_symptom():
    def backward(probe):
        return probe.dx * np.arange(probe.N)[:, None]

    found = ids(symptoms_of(backward, PROBES[0], backward(PROBES[0])))
    assert "symptom-order-of-rows" in found
    assert "symptom-rows-apart" not in found


def test_labels_are_those_of_the_book():
    for label, chapter in CHAPTERS.items():
        assert label in EQUATIONS[chapter]
    used = [
        entry.mistake
        for entries in (*ENTRIES.values(), *LAYER_ENTRIES.values(), FORWARD)
        for entry in entries
    ]
    assert {mistake.label for mistake in used} <= CHAPTERS.keys()
    for mistake in used:
        assert mistake.sentence.endswith(".")
        assert mistake.fix.endswith(".")


# Mistakes as learners write them: the text of a right function with one place changed

STAGED = [
    ("dx_hat = dout * gamma", "dx_hat = dout", "gamma-missing"),
    ("dx_hat = dout * gamma", "dx_hat = dout / gamma", "gamma-divided"),
    ("* -0.5 *", "* -1 *", "variance-no-half"),
    ("* -0.5 *", "* 0.5 *", "variance-sign"),
    ("* -0.5 *", "* -2 *", "variance-four"),
    ("** (-1.5)", "** (-0.5)", "variance-power-1"),
    ("** (-1.5)", "** (-2.5)", "variance-power-5"),
    ("(var + eps)", "(var)", "variance-eps-missing"),
    ("dx_hat * (x - mu) * -0.5", "dx_hat * x * -0.5", "variance-inner-x"),
    ("dx_hat * (x - mu) * -0.5", "dx_hat * x_hat * -0.5", "variance-inner-xhat"),
    ("dx_hat * (x - mu) * -0.5", "(x - mu) * -0.5", "variance-dout-missing"),
    ("dvar * 2 * (x - mu) / N", "dvar * (x - mu) / N", "variance-no-2"),
    ("dvar * 2 * (x - mu) / N", "dvar * 2 * (x - mu)", "variance-n-missing"),
    ("dvar * 2 * (x - mu) / N", "dvar * 2 * (x - mu) / (N - 1)", "variance-n-minus-1"),
    ("dvar * 2 * (x - mu) / N", "dvar * 2 * x / N", "variance-outer-x"),
    ("dvar * 2 * (x - mu) / N", "0", "variance-missing"),
    (" + dmu / N", "", "mean-missing"),
    (" + dmu / N", " + dmu", "mean-n-missing"),
    (" + dmu / N", " - dmu / N", "mean-sign"),
    (" + dmu / N", " + dmu / N / N", "mean-n-doubled"),
    ("np.sum(dx_hat * -1 / std, axis=0)", "np.sum(dout * -1 / std, axis=0)", "mean-gamma-missing"),
    ("np.sum(dx_hat * -1 / std, axis=0)", "np.sum(dx_hat * -1, axis=0)", "mean-std-missing"),
    ("np.sum(dx_hat * -1 / std, axis=0)", "np.sum(dx_hat * -1 / std)", "mean-sum-all-ivar"),
    ("np.sum(dx_hat * -1 / std, axis=0)", "(dx_hat * -1 / std)", "mean-unsummed"),
    ("np.sum(-2 * (x - mu), axis=0) / N", "(-2 * (x - mu)) / N", "mean-of-variance-unsummed"),
    ("np.sum(-2 * (x - mu), axis=0) / N", "np.sum(-2 * x, axis=0) / N", "mean-of-variance-x"),
    ("dx = dx_hat / std", "dx = dx_hat", "direct-std-missing"),
    ("dx = dx_hat / std", "dx = dx_hat * std", "direct-std-multiplied"),
    ("dx = dx_hat / std", "dx = 0", "direct-missing"),
    ("(dout * x_hat).sum(axis=0)", "(dout * x_hat).sum(axis=0, keepdims=True)", "dgamma-keepdims"),
    ("(dout * x_hat).sum(axis=0)", "dout * x_hat", "dgamma-unsummed"),
    ("(dout * x_hat).sum(axis=0)", "(dout * x).sum(axis=0)", "dgamma-takes-x"),
    ("(dout * x_hat).sum(axis=0)", "(dout * x_hat).mean(axis=0)", "dgamma-mean"),
    ("dbeta = dout.sum(axis=0)", "dbeta = dout.sum(axis=1)", "dbeta-sum-axis-1"),
    ("dbeta = dout.sum(axis=0)", "dbeta = dout.sum()", "dbeta-sum-all"),
    ("dbeta = dout.sum(axis=0)", "dbeta = (dout * gamma).sum(axis=0)", "dbeta-gamma-extra"),
]
CLOSED = [
    ("* (N * dout - dbeta - x_hat * dgamma)", "* N * dout - dbeta - x_hat * dgamma", "parentheses"),
    ("(gamma / (N * std)) *", "(1 / (N * std)) *", "gamma-missing"),
    ("(gamma / (N * std)) *", "(gamma / N) *", "std-missing"),
    ("(gamma / (N * std)) *", "(gamma / (N * std**2)) *", "std-squared"),
    ("(gamma / (N * std)) *", "(gamma / std) *", "n-missing"),
    ("N * dout - dbeta", "dout - dbeta", "direct-n-extra"),
    ("N * dout - dbeta", "N * dout + dbeta", "mean-sign"),
    ("- dbeta - x_hat * dgamma", "- dgamma - x_hat * dbeta", "swapped-sums"),
    ("- x_hat * dgamma", "- dgamma", "variance-hat-outer-missing"),
    ("- x_hat * dgamma", "- x * dgamma", "variance-hat-outer-x"),
    ("- x_hat * dgamma", "- (x - mu) * dgamma", "variance-hat-outer-xmu"),
    ("- x_hat * dgamma", "", "variance-missing"),
]  # fmt: skip
GRAPH = [
    ("dsq = 1.0 / N * np.ones((N, D)) * dvar", "dsq = np.ones((N, D)) * dvar", "variance-n-missing"),
    ("dx2 = 1.0 / N * np.ones((N, D)) * dmu", "dx2 = np.ones((N, D)) * dmu", "mean-n-missing"),
    ("divar = np.sum(dxhat * xmu, axis=0)", "divar = np.sum(dxhat * xhat, axis=0)", "variance-inner-xhat"),
    ("divar = np.sum(dxhat * xmu, axis=0)", "divar = np.sum(dxhat * xmu)", "variance-sum-all-dxhat"),
    ("dxhat = dgammax * gamma", "dxhat = dgammax", "gamma-missing"),
    ("-1.0 / (sqrtvar**2) * divar", "-1.0 / sqrtvar * divar", "variance-power-2"),
    ("-1.0 / (sqrtvar**2) * divar", "1.0 / (sqrtvar**2) * divar", "variance-sign"),
    ("dvar = 0.5 * 1.0", "dvar = 1.0", "variance-no-half"),
    ("dxmu2 = 2 * xmu * dsq", "dxmu2 = xmu * dsq", "variance-no-2"),
    ("dxmu2 = 2 * xmu * dsq", "dxmu2 = 2 * xhat * dsq", "variance-outer-xhat"),
    ("dmu = -1 * np.sum(dxmu1 + dxmu2, axis=0)", "dmu = np.sum(dxmu1 + dxmu2, axis=0)", "mean-sign"),
    ("dxmu1 = dxhat * ivar", "dxmu1 = dxhat * sqrtvar", None),
    ("dx = dx1 + dx2", "dx = dx1", "mean-missing"),
    ("dx = dx1 + dx2", "dx = dx2 + dxmu1", "variance-missing"),
]
EDITS = [(right.staged, *edit) for edit in STAGED] + [(right.closed, *edit) for edit in CLOSED]
EDITS += [(right.graph, *edit) for edit in GRAPH]


@pytest.mark.parametrize(
    ("function", "old", "new", "id"), EDITS, ids=lambda value: str(value).split(" at ")[0]
)
def test_a_mistake_in_the_code_is_named_with_its_line(function, old, new, id):
    wrong, line = edited(function, old, new)
    report = diagnose(wrong, right.forward_graph if function is right.graph else right.forward)
    assert not report.ok
    assert report.ran
    found = [mistakes for output in report.outputs.values() for mistakes in output.explanations]
    assert (id,) in [tuple(mistake.id for mistake in mistakes) for mistakes in found] or id is None
    assert all(len(mistakes) == 1 for mistakes in found) or id is None
    assert report.line.number == line


def test_two_mistakes_are_both_named():
    wrong, _ = edited(right.staged, "* -0.5 * (var + eps) ** (-1.5)", "* 0.5 * (var + eps) ** (-0.5)")
    (found,) = diagnose(wrong, right.forward).outputs["dx"].explanations
    assert ids(found) == {"variance-sign", "variance-power-1"}


def test_a_wrong_factor_is_named_whatever_it_is():
    wrong, line = edited(right.staged, "* -0.5 *", "* -0.7 *")
    report = diagnose(wrong, right.forward)
    (mistake,) = report.outputs["dx"].mistakes
    assert mistake.sentence == "The path through the variance (dvar) is 1.4 times what it must be."
    assert report.line.number == line


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("(gamma / (N * std)) *", "(3 * gamma / (N * std)) *", "dx is 3 times what it must be."),
        ("x_hat * dgamma", "x_hat * dgamma * gamma**2 * std", "gamma**2 * ivar**-1 times what it must be."),
        ("- dbeta", "- dbeta * N * 3", "is 3 * N times"),
        ("np.sum(dout, axis=0)", "np.sum(dout, axis=0) * 7", "dbeta is 7 times what it must be."),
    ],
)
def test_factors_are_read(old, new, said):
    report = diagnose(edited(right.closed, old, new)[0], right.forward)
    assert any(said in m.sentence for output in report.outputs.values() for m in output.mistakes), report


def test_what_no_catalogue_holds_has_symptoms_and_a_line():
    wrong, line = edited(right.closed, "x_hat * dgamma)", "np.sin(x_hat * dgamma))")
    report = diagnose(wrong, right.forward)
    output = report.outputs["dx"]
    assert output.explanations == ()
    assert {"symptom-column-sums", "symptom-sum-with-x-hat"} <= ids(output.symptoms)
    assert report.line.number == line
    assert report.line.sentence == "The mistake is in this line: dx comes out wrong here."


# The call


def closed_but(change):
    """A right backward pass with something done to its results."""
    return lambda dout, cache: change(*right.closed(dout, cache))


def changes_dout(dout, cache):
    dout *= 1
    results = right.closed(dout, cache)
    dout += 1
    return results


def changes_cache(dout, cache):
    results = right.closed(dout, cache)
    cache[4][0] = 0
    return results


CALLS = []


def counts_calls(dout, cache):
    CALLS.append(1)
    return tuple(result * len(CALLS) for result in right.closed(dout, cache))


def remembers(dout, cache, memory=[]):  # noqa: B006 (the mistake)
    memory.append(dout)
    dx, dgamma, dbeta = right.closed(dout, cache)
    return dx + 1e-3 * (len(memory) > 3), dgamma, dbeta


def unset(dout, cache):
    dbeta = dout.sum(axis=0)
    return dx, dbeta, dbeta  # noqa: F821 (the mistake)


def leaves(dout, cache):
    raise SystemExit(3)


def takes_too_many(dout, cache):
    x, _, _ = cache
    return x


CALL = {
    "returns-none": lambda dout, cache: None,
    "not-written": lambda dout, cache: (None, None, None),
    "returns-count": lambda dout, cache: right.closed(dout, cache)[:2],
    "return-order": closed_but(lambda dx, dgamma, dbeta: (dx, dbeta, dgamma)),
    "changes-dout": changes_dout,
    "changes-cache": changes_cache,
    "depends-on-earlier-calls": remembers,
    "unset-name": unset,
    "raises": leaves,
    "cache-count": takes_too_many,
    "signature": lambda dout: dout,
}


@pytest.mark.parametrize("id", CALL)
def test_a_mistake_of_the_call_is_named(id):
    report = diagnose(CALL[id], right.forward)
    assert not report.ok
    assert report.problems[0].id == id
    assert report.ran == (id not in ("unset-name", "raises", "cache-count", "signature"))


@pytest.mark.parametrize(
    ("change", "id"),
    [
        (lambda dx, dgamma, dbeta: (dx, dgamma, None), "dbeta-none"),
        (lambda dx, dgamma, dbeta: (dx.astype(int), dgamma, dbeta), "dx-type"),
        (lambda dx, dgamma, dbeta: (dx + 0j, dgamma, dbeta), "dx-type"),
        (lambda dx, dgamma, dbeta: (dx, "dgamma", dbeta), "dgamma-type"),
        (lambda dx, dgamma, dbeta: (dx, [dgamma, 1], dbeta), "dgamma-type"),
        (lambda dx, dgamma, dbeta: (dx / 0, dgamma, dbeta), "dx-nan"),
        (lambda dx, dgamma, dbeta: (dx.T, dgamma, dbeta), "dx-transposed"),
        (lambda dx, dgamma, dbeta: (dx, dgamma[None], dbeta), "dgamma-keepdims"),
        (lambda dx, dgamma, dbeta: (dx, dgamma, dbeta[:, None]), "dbeta-column"),
    ],
)
def test_a_result_of_the_wrong_kind_or_shape_is_named(change, id):
    report = diagnose(closed_but(change), right.forward)
    assert id in {mistake.id for output in report.outputs.values() for mistake in output.mistakes}
    assert not report.ok


def swapped_cache(dout, cache):
    x, mu, std, var, x_hat, gamma, eps = cache
    return right.staged(dout, (x, mu, var, std, x_hat, gamma, eps))


def turned_cache(dout, cache):
    x_hat, mu, var, std, gamma, x, eps = cache
    return right.closed(dout, (x, mu, var, std, x_hat, gamma, eps))


def short_cache(dout, cache):
    ivar, hat, gamma = cache
    return right.transposed(dout, [hat, ivar, gamma])


@pytest.mark.parametrize(
    ("backward", "forward", "numbers"),
    [
        (swapped_cache, right.forward, "3 and 4"),
        (turned_cache, right.forward, "1 and 5 and 6"),
        (short_cache, right.forward_columns, "1 and 2"),
    ],
)
def test_a_mixed_up_cache_is_named(backward, forward, numbers):
    report = diagnose(backward, forward)
    mistake = next(mistake for mistake in report.problems if mistake.id == "cache-order")
    assert f"entries number {numbers} change places." in mistake.sentence
    assert report.line.text.endswith("= cache")


def test_one_entry_of_the_cache_for_another_is_named():
    wrong, line = edited(right.closed_in_steps, "ivar = 1.0 / std", "ivar = 1.0 / var")
    report = diagnose(wrong, right.forward)
    assert (
        report.problems[0].sentence
        == "Your function uses entry number 3 of the cache where number 4 belongs."
    )
    assert report.line.number == line


def test_the_order_of_our_own_cache_is_told():
    def backward(dout, cache):
        h, mu, var, h_hat, inv_std, gamma, eps = cache
        return right.closed(dout, (h, mu, var, 1 / inv_std, h_hat, gamma, eps))

    mistake = diagnose(backward).problems[0]
    assert "entries number 4 and 5 change places." in mistake.sentence
    assert mistake.sentence.endswith("The order is h, mu, var, inv_std, h_hat, gamma, eps.")


def test_a_function_that_runs_on_square_batches_alone_says_so():
    wrong, line = edited(
        right.graph, "dmu = -1 * np.sum(dxmu1 + dxmu2, axis=0)", "dmu = -1 * np.sum(dxmu1 + dxmu2, axis=1)"
    )
    report = diagnose(wrong, right.forward_graph)
    assert "raises" in ids(report.problems)
    assert report.line.number == line


def test_what_is_not_a_function_is_refused():
    for arguments, message in (
        ((3,), "backward must be a function, got int 3"),
        ((right.closed, 3), "forward must be a function, got int 3"),
    ):
        with pytest.raises(TypeError, match=exactly(message)):
            diagnose(*arguments)
    with pytest.raises(ValueError, match=r"^layer must be one of batchnorm, linear, relu; got 'conv'$"):
        diagnose(right.closed, layer="conv")
    with pytest.raises(TypeError, match=r"^seed must be an integer, got float 0.5$"):
        diagnose(right.closed, seed=0.5)
    with pytest.raises(ValueError, match=r"^seed must be >= 0, got -1$"):
        diagnose(right.closed, seed=-1)
    with pytest.raises(ValueError, match=r"^output must be one of dx, dgamma, dbeta; got 'dy'$"):
        identifiability("dy")


def test_a_builtin_has_no_lines():
    report = diagnose(max, right.forward)
    assert (report.ran, report.line) == (False, None)


def test_a_method_is_traced():
    class Layer:
        def __call__(self, dout, cache):
            dx, dgamma, dbeta = right.closed(dout, cache)
            dbeta = dbeta / 5
            return dx, dgamma, dbeta

    report = diagnose(Layer(), right.forward)
    assert report.name == "Layer"
    assert report.line.text == "dbeta = dbeta / 5"


# The forward pass


@pytest.mark.parametrize("entry", FORWARD, ids=lambda entry: entry.mistake.id)
def test_every_mistake_of_the_forward_pass_is_named(entry):
    results = [output_of(entry.changes, probe) for probe in PROBES]
    assert explain_forward(results, PROBES, 1e-6) == ((entry.mistake,),)


def test_two_mistakes_of_the_forward_pass_are_named():
    results = [output_of({"root": "no eps", "shift": "0"}, probe) for probe in PROBES]
    (found,) = explain_forward(results, PROBES, 1e-6)
    assert ids(found) == {"forward-eps-missing", "forward-beta-missing"}


FORWARD_EDITS = [
    ("np.sqrt(var + eps)", "np.sqrt(var)", "forward-eps-missing", True),
    ("np.sqrt(var + eps)", "np.sqrt(var) + eps", "forward-eps-outside", False),
    ("np.var(x, axis=0)", "np.var(x, axis=0, ddof=1)", "forward-unbiased", False),
    ("(x - mu) / std", "x / std", "forward-not-centred", False),
    ("gamma * x_hat + beta", "x_hat", "forward-affine-missing", False),
]


@pytest.mark.parametrize(("old", "new", "id", "fits"), FORWARD_EDITS)
def test_a_wrong_forward_pass_is_named_with_its_line(old, new, id, fits):
    forward, line = edited(right.forward, old, new)
    report = diagnose(right.recomputed if not fits else no_eps, forward)
    assert not report.ok
    assert report.ran
    assert ids(report.forward.mistakes) == {id}
    assert report.forward.backward_fits is fits
    assert [output.ok for output in report.outputs.values()] == [None] * 3
    assert report.line.number == line


def no_eps(dout, cache):
    return right.recomputed(dout, (*cache[:6], 0.0))


def test_a_forward_pass_of_no_known_mistake_has_its_line_named():
    forward, line = edited(right.forward, "np.var(x, axis=0)", "np.sin(x).mean(axis=0) ** 2")
    report = diagnose(right.closed, forward)
    assert report.forward.explanations == ()
    assert report.line.number == line
    assert report.line.sentence.startswith("var should be ((x - mu)**2).mean(axis=0).")


RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("forward", "id"),
    [
        (lambda x, gamma, beta, eps: x, "forward-returns"),
        (lambda x, gamma, beta, eps: None, "forward-returns"),
        (lambda x, gamma: x, "signature"),
        (lambda x, gamma, beta, eps: (x + RNG.normal(), ()), "forward-depends-on-earlier-calls"),
        (lambda x, gamma, beta, eps: 1 / 0, "raises"),
    ],
)  # fmt: skip
def test_a_forward_pass_that_cannot_be_used_says_why(forward, id):
    report = diagnose(right.closed, forward)
    assert not report.ran
    assert ids(report.problems) == {id}


def test_a_forward_pass_that_returns_no_array_is_wrong():
    report = diagnose(right.closed, lambda x, gamma, beta, eps: ("y", ()))
    assert ids(report.forward.mistakes) == {"out-type"}


def test_a_backward_pass_that_fails_does_not_fit_a_wrong_forward_pass():
    forward, _ = edited(right.forward, "np.sqrt(var + eps)", "np.sqrt(var)")
    for id in ("raises", "returns-none", "not-written", "cache-count"):
        report = diagnose(CALL[id], forward)
        assert report.forward.backward_fits is None
        assert ids(report.problems) == {id}


def test_eps_comes_in_whatever_the_fourth_parameter_asks_for():
    def by_name(x, gamma, beta, params):
        return right.forward(x, gamma, beta, params["eps"])

    def by_default(x, gamma, beta, config={"eps": 1e-5}):  # noqa: B006
        return right.forward(x, gamma, beta, config["eps"])

    for forward in (by_name, by_default, partial(right.forward)):
        assert diagnose(right.closed, forward).ok


# The other layers


@pytest.mark.parametrize("output", LAYER_ENTRIES)
def test_the_mistakes_of_the_other_layers_are_named_alone(output):
    probes = make_relu_probes() if output == "dy" else make_linear_probes()
    for entry in LAYER_ENTRIES[output]:
        results = []
        for probe in probes:
            try:
                results.append(entry.changes(probe))
            except ValueError:
                results.append(None)
        assert explain(output, results, probes) == ((entry.mistake,),)
        assert any(
            result is None or np.shape(result) != getattr(probe, output).shape
            or np.abs(result - getattr(probe, output)).max() > 0.01
            for result, probe in zip(results, probes, strict=True)
        )  # fmt: skip


def test_the_other_layers_are_diagnosed_with_their_lines():
    def linear(dout, cache):
        X, W = cache
        dX = dout @ W.T
        dW = X.T @ dout / len(X)
        return dX, dW, dout.sum(axis=0)

    def affine(X, W, b):
        return X @ W + b, (X, W)

    report = diagnose(linear, affine, layer="linear")
    assert ids(report.outputs["dW"].mistakes) == {"dW-mean"}
    assert report.line.text == "dW = X.T @ dout / len(X)"
    report = diagnose(lambda dout, cache: dout * (dout > 0), layer="relu")
    assert ids(report.outputs["dy"].mistakes) == {"dy-mask-of-dout"}
    forward = diagnose(bn.relu_backward, lambda y: (np.minimum(0, y), bn.ReluCache(y)), layer="relu").forward
    assert not forward.ok


# The report


WRONG = edited(right.staged, "* -0.5 *", "* -1 *")[0]


def test_the_report_is_text_html_and_data():
    report = diagnose(WRONG, right.forward)
    assert str(report) == repr(report)
    assert str(report).splitlines() == [
        "staged: wrong",
        f"  dx: {report.outputs['dx'].sentence}",
        "    The path through the variance is double: "
        "the 1/2 of the derivative of (var + eps)**-0.5 is missing. [variance-no-half]",
        "      Fix: d ivar/dvar is -0.5 * (var + eps)**-1.5: put the 0.5 in, or look for a 2 too many.",
        "      See: eq-jac-product, chapter 03_delta_notation",
        "  dgamma: right",
        "  dbeta: right",
        "  First wrong line: 7",
        "    dvar should be np.sum(dout * gamma * (x - mu), axis=0) * -0.5 * (var + eps)**-1.5. "
        "With that value, the lines after it are right. (eq-staged-5)",
    ]
    html = report._repr_html_()
    assert "<b>staged</b>: wrong" in html
    assert html.count("<div") == html.count("</div>")
    data = json.loads(json.dumps(report.as_dict()))
    assert data["ok"] is False
    assert data["outputs"]["dx"]["mistakes"][0]["id"] == "variance-no-half"
    assert data["outputs"]["dx"]["mistakes"][0]["chapter"] == "03_delta_notation"
    assert data["line"]["number"] == 7
    assert data["forward"]["ok"] is True


def test_the_html_holds_no_text_of_the_learner_as_markup():
    def backward(dout, cache):
        raise ValueError("<script>")

    report = diagnose(backward)
    assert "<script>" not in report._repr_html_()
    assert report.line.text == 'raise ValueError("<script>")'


def test_equals_and_forward_passes_are_in_the_text():
    wrong, _ = edited(right.staged, "dvar * 2 * (x - mu) / N", "0")
    text = str(diagnose(wrong, right.forward))
    assert "Or, with the same result: dout is missing in the sum of the path through the variance" in text
    forward, _ = edited(right.forward, "np.sqrt(var + eps)", "np.sqrt(var)")
    text = str(diagnose(no_eps, forward))
    assert "For this forward pass, your backward pass is right; it must change with it." in text
    assert "Note: the results are right to" in str(diagnose(right.float32, right.forward))


# Functions out of the ordinary


def test_a_function_that_fails_later_depends_on_earlier_calls():
    calls = []

    def backward(dout, cache):
        calls.append(1)
        return right.closed(dout, cache) if len(calls) < 4 else 1 / 0

    assert ids(diagnose(backward, right.forward).problems) == {"depends-on-earlier-calls"}


def test_zeros_are_named_in_their_own_shape():
    zeros = closed_but(lambda dx, dgamma, dbeta: (0 * dx, 0 * dgamma, 0 * dbeta))
    report = diagnose(zeros, right.forward)
    assert ids(report.outputs["dgamma"].mistakes) == {"dgamma-zero", "dgamma-dout-missing"}
    assert ids(report.outputs["dbeta"].mistakes) == {"dbeta-zero"}
    assert ids(report.outputs["dx"].mistakes) == {"zero"}


def test_a_missing_path_is_found_beside_a_factor():
    wrong, _ = edited(right.staged, "* -0.5 *", "* -0.7 *")
    found = diagnose(lambda dout, cache: without_mean(wrong(dout, cache), dout, cache), right.forward)
    assert [m.sentence for m in found.outputs["dx"].mistakes] == [
        "The path through the mean (dmu) is missing.",
        "The path through the variance (dvar) is 1.4 times what it must be.",
    ]


def without_mean(results, dout, cache):
    dx, dgamma, dbeta = results
    return dx + (dout * cache[5] / cache[3]).mean(axis=0), dgamma, dbeta


def test_what_is_taken_apart_and_is_not_the_cache_is_not_called_the_cache():
    def backward(dout, cache):
        _, _, _, _ = dout.shape
        return right.closed(dout, cache)

    assert ids(diagnose(backward, right.forward).problems) == {"raises"}


def test_a_float32_forward_pass_cannot_be_differentiated_by_differences():
    def forward(x, gamma, beta, eps):
        y, cache = right.forward(x.astype(np.float32), gamma.astype(np.float32), beta.astype(np.float32), eps)
        return y - beta.astype(np.float32), cache

    found = diagnose(right.closed, forward).forward
    assert ids(found.mistakes) == {"forward-beta-missing"}
    assert found.backward_fits is None
    assert "backward pass" not in str(diagnose(right.closed, forward))


def test_what_the_functions_print_is_dropped(capsys):
    def backward(dout, cache):
        print("shape", dout.shape)
        dx, dgamma, dbeta = right.closed(dout, cache)
        dx = 2.5 * dx
        return dx, dgamma, dbeta

    assert not diagnose(backward, right.forward).ok
    assert capsys.readouterr().out == ""


def test_a_partial_function_is_called_and_traced():
    def backward(scale, dout, cache):
        dx, dgamma, dbeta = right.closed(dout, cache)
        dx = scale * dx + "x"
        return dx, dgamma, dbeta

    report = diagnose(partial(backward, 2), right.forward)
    assert ids(report.problems) == {"raises"}
    assert report.line.text == 'dx = scale * dx + "x"'


def test_eps_may_be_a_keyword_or_in_a_dict_of_any_name():
    def keyword(x, gamma, beta, *, eps=1e-5):
        return right.forward(x, gamma, beta, eps)

    def config(x, gamma, beta, config):
        return right.forward(x, gamma, beta, config["eps"])

    assert diagnose(right.closed, keyword).ok
    assert diagnose(right.closed, config).ok


def test_long_loops_are_not_run_for_ever():
    def backward(dout, cache):
        dx, dgamma, dbeta = right.closed(dout, cache)
        total = np.zeros(1)
        for _ in range(3000):
            total = total + 0.25
        dx = dx * total
        return dx, dgamma, dbeta

    report = diagnose(backward, right.forward)
    assert report.line is None
    assert ids(report.outputs["dx"].mistakes) == {"dx-scaled"}


def test_the_line_that_takes_the_cache_apart_is_not_accused_for_the_one_that_returns():
    def backward(dout, cache):
        *_, std, x_hat, gamma, _ = cache
        return (
            gamma / std**3 * (dout - dout.mean(0) - x_hat * (dout * x_hat).mean(0)),
            (dout * x_hat).sum(0),
            dout.sum(0),
        )

    line = diagnose(backward, right.forward).line
    assert line.sentence == "The mistake is in what this line returns."


def test_an_edited_file_is_quoted_as_it_is_now(tmp_path):
    path = tmp_path / "mine.py"
    for name in ("first", "second"):
        path.write_text(f"def backward(dout, cache):\n    {name} = 1 / 0\n", encoding="utf-8")
        names = {}
        exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), names)
        assert diagnose(names["backward"]).line.text == f"{name} = 1 / 0"


def test_a_cache_that_is_made_anew_at_every_call_is_not_changed():
    calls = []

    def forward(x, gamma, beta, eps):
        calls.append(1)
        y, cache = right.forward(x, gamma, beta, eps)
        return y, (*cache, {"call": len(calls), "time": 0.5 * len(calls)})

    assert diagnose(lambda dout, cache: right.closed(dout, cache[:7]), forward).ok


def test_a_cache_that_cannot_be_copied_is_not_watched():
    def forward(x, gamma, beta, eps):
        y, cache = right.forward(x, gamma, beta, eps)
        return y, (*cache, (k for k in range(3)))

    assert diagnose(lambda dout, cache: right.closed(dout, cache[:7]), forward).ok


def test_a_cache_may_be_added_to_and_may_hold_anything():
    def forward(x, gamma, beta, eps):
        y, cache = right.forward(x, gamma, beta, eps)
        return y, {"all": cache, "none": None, "nan": float("nan"), "name": "bn"}

    def backward(dout, cache):
        cache["dout"] = dout
        return right.closed(dout, cache["all"])

    assert diagnose(backward, forward).ok

    def spoils(dout, cache):
        results = right.closed(dout, cache["all"])
        cache["nan"] = "gone"
        return results

    assert ids(diagnose(spoils, forward).problems) == {"changes-cache"}


def test_an_array_that_is_used_again_is_read_in_time():
    space = {}

    def backward(dout, cache):
        dx, dgamma, dbeta = right.closed(dout, cache)
        out = space.setdefault(dout.shape, np.empty_like(dout))
        out[:] = dx
        return out, dgamma, dbeta

    assert diagnose(backward, right.forward).ok


def test_round_off_that_changes_is_no_dependence():
    rng = np.random.default_rng(0)

    def backward(dout, cache):
        rows = rng.permutation(len(dout))
        dx, dgamma, dbeta = right.closed(dout[rows], (*cache[:4], cache[4][rows], *cache[5:]))
        return dx[np.argsort(rows)], dgamma, dbeta

    assert diagnose(backward, right.forward).ok


@pytest.mark.parametrize("dtype", [np.longdouble, np.float32])
def test_other_floats_are_compared(dtype):
    report = diagnose(
        closed_but(lambda *results: [2 * result.astype(dtype) for result in results]), right.forward
    )
    assert ids(report.outputs["dx"].mistakes) == {"doubled"}


def test_half_precision_is_refused():
    report = diagnose(
        closed_but(lambda *results: [result.astype(np.float16) for result in results]), right.forward
    )
    assert ids(report.outputs["dx"].mistakes) == {"dx-type"}


class Odd:
    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("call detach first")


def test_what_is_no_array_is_said_to_be_none():
    report = diagnose(closed_but(lambda dx, dgamma, dbeta: (Odd(), dgamma, dbeta)), right.forward)
    assert (
        report.outputs["dx"].mistakes[0].sentence
        == "dx is of type Odd; it must be an array of float64 or float32."
    )


def test_ctrl_c_is_passed_on():
    def backward(dout, cache):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        diagnose(backward)


def test_endless_recursion_is_not_searched():
    def backward(dout, cache):
        return backward(dout, cache)

    report = diagnose(backward, right.forward)
    assert "RecursionError" in report.problems[0].sentence
    assert report.line is None


def test_outputs_are_judged_where_the_function_runs():
    def backward(dout, cache):
        dx, dgamma, dbeta = right.closed(dout, cache)
        return dx, dgamma, dbeta + 0 * dout.sum(axis=1)

    report = diagnose(backward, right.forward)
    assert not report.ok
    assert ids(report.problems) == {"raises"}
    assert [output.sentence for output in report.outputs.values()] == ["right where it runs"] * 3
    assert report.line.text == "return dx, dgamma, dbeta + 0 * dout.sum(axis=1)"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("dx_norm", "dxhat = dout * gamma"),
        ("DXhat", "dxhat = dout * gamma"),
        ("dmean", "dmu = -dxmu.sum(axis=0)"),
        ("m", "N, the number of rows"),
        ("inv_std", "ivar = 1 / np.sqrt(var + eps)"),
        ("dx", "dx"),
        ("dsample_var", "dvar = divar * -0.5 * (var + eps)**-1.5"),
    ],
)
def test_names_are_known(name, text):
    assert is_name_of(name, text)
    assert not is_name_of("t1", text)
    assert not is_name_of(name, "2 * xmu / N")


def test_eps_has_its_name_where_it_is_not_the_fourth_argument():
    def forward(x, gamma, beta, training=True, epsilon=1e-5):
        assert training is True
        return right.forward(x, gamma, beta, epsilon)

    assert diagnose(right.closed, forward).ok
    assert not diagnose(right.closed, max).ran


def test_a_forward_pass_whose_lines_change_what_it_returns():
    def forward(x, gamma, beta, eps):
        y, cache = right.forward(x, gamma, beta, eps)
        both = (2 * y, cache)
        if both[0].shape == np.shape(x):
            y = both
        return y

    report = diagnose(right.closed, forward)
    assert not report.forward.ok
    assert report.line is not None


def test_a_long_cache_and_one_that_is_no_tuple_are_not_reordered():
    def forward(x, gamma, beta, eps):
        y, cache = right.forward(x, gamma, beta, eps)
        return y, (*cache, *range(10))

    def backward(dout, cache):
        dx, dgamma, dbeta = right.closed(dout, cache[:7])
        return np.sin(dx), dgamma, dbeta

    assert not diagnose(backward, forward).problems

    def forward_dict(x, gamma, beta, eps):
        y, cache = right.forward(x, gamma, beta, eps)
        return y, {"all": cache}

    assert not diagnose(lambda dout, cache: backward(dout, cache["all"]), forward_dict).problems


def test_a_wrong_function_may_fail_on_the_probes_of_the_symptoms():
    def backward(dout, cache):
        dx, dgamma, dbeta = right.closed(dout, cache)
        if len(dx) > 10:
            raise MemoryError
        return np.sin(dx), dgamma, dbeta

    assert "symptom-doubled-batch" in ids(diagnose(backward, right.forward).outputs["dx"].symptoms)


def test_a_dx_of_a_wrong_shape_that_nothing_explains_has_no_symptoms():
    report = diagnose(closed_but(lambda dx, dgamma, dbeta: (dx[1:], dgamma, dbeta)), right.forward)
    assert report.outputs["dx"].symptoms == ()
    assert "has shape (6, 3)" in report.outputs["dx"].sentence


def test_a_cache_of_which_an_entry_is_missing_shows_in_the_report():
    text = str(diagnose(lambda dout, cache: (np.sin(dout), dout.sum(0), dout.sum(0)), right.forward))
    assert "Doubling dout does not double dx" in text
    text = str(diagnose(takes_too_many, right.forward))
    assert "You take the cache apart into 3 names, but it has 7 entries. [cache-count]" in text


def test_a_sum_that_is_forgotten_is_found_whatever_its_name():
    def backward(dout, cache):
        *_, std, x_hat, gamma, _ = cache
        t0 = dout * gamma
        t1 = -t0 / std
        t2 = t0 / std - x_hat * (t0 * x_hat).mean(axis=0) / std
        t3 = t2 + t1 / len(t0)
        return t3, (dout * x_hat).sum(axis=0), dout.sum(axis=0)

    assert diagnose(backward, right.forward).line.text == "t1 = -t0 / std"


def test_lines_that_run_for_some_batches_alone_are_not_accused():
    def backward(dout, cache):
        *_, std, x_hat, gamma, _ = cache
        dx = gamma * dout / std
        if len(dout) == 7:
            dx = dx * std
        return dx, (dout * x_hat).sum(axis=0), dout.sum(axis=0)

    assert not diagnose(backward, right.forward).ok


def test_a_forward_pass_that_checks_itself_is_traced():
    def forward(x, gamma, beta, eps):
        t = x.mean(axis=0)
        assert np.allclose(t, x.mean(axis=0))
        std = np.sqrt(x.var(axis=0))
        return gamma * (x - t) / std + beta, (x, t, std)

    assert diagnose(right.closed, forward).line.text == "std = np.sqrt(x.var(axis=0))"


EPS = 1e-3


def test_a_forward_pass_may_have_an_eps_of_its_own():
    def forward(x, gamma, beta):
        return right.forward(x, gamma, beta, EPS)

    def forward_of_its_own(x, gamma, beta):
        return right.forward(x, gamma, beta, 1e-5)

    for made_by in (forward, forward_of_its_own):
        assert diagnose(right.staged, made_by).ok
        report = diagnose(edited(right.staged, "* -0.5 *", "* -1 *")[0], made_by)
        assert ids(report.outputs["dx"].mistakes) == {"variance-no-half"}


def test_a_forward_pass_is_called_for_training():
    def forward(x, gamma, beta, bn_params, mode):
        assert mode == "train"
        return right.forward(x, gamma, beta, bn_params["epsilon"])

    assert diagnose(right.closed, forward).ok


def test_what_is_written_into_is_named():
    def spoils(dout, cache):
        var = cache["statistics"][1]
        results = right.closed(dout, cache["all"])
        var += 1
        return results

    def forward(x, gamma, beta, eps):
        y, cache = right.forward(x, gamma, beta, eps)
        return y, {"all": cache, "statistics": [cache[1].copy(), cache[2].copy()]}

    report = diagnose(spoils, forward)
    assert "writes into cache['statistics'][1]," in report.problems[0].sentence
    assert str(report).startswith("spoils: wrong, though what it returns is right\n")


def test_a_line_before_may_be_wrong_too():
    forward, _ = edited(
        right.forward,
        "mu = np.mean(x, axis=0)\n    var = np.var(x, axis=0)",
        "mu = np.mean(x)\n    var = np.var(x)",
    )
    report = diagnose(right.closed, forward)
    assert ids(report.forward.mistakes) == {"forward-all"}
    assert report.line.sentence.startswith("The mistake is in this line, or in one that it uses: ")
    forward, _ = edited(
        right.forward,
        "var = np.var(x, axis=0)\n    std = np.sqrt(var + eps)",
        "var = np.var(x)\n    std = np.sqrt(var) + eps",
    )
    text = str(diagnose(right.closed, forward))
    assert "    2 mistakes; mend them all:\n" in text


def test_what_is_taken_out_of_the_cache_is_named():
    def forward(x, gamma, beta, eps):
        y, cache = right.forward(x, gamma, beta, eps)
        return y, {"all": list(cache), "more": {"eps": eps}}

    def pops(dout, cache):
        results = right.closed(dout, cache["all"])
        cache["all"].pop()
        return results

    def deletes(dout, cache):
        del cache["more"]["eps"]
        return right.closed(dout, cache["all"])

    for backward, part in ((pops, "cache['all']"), (deletes, "cache['more']")):
        assert f"writes into {part}," in diagnose(backward, forward).problems[0].sentence


def test_a_value_that_can_stand_for_another_by_a_slip_is_accused_before_dx():
    def backward(dout, cache):
        *_, std, x_hat, _, _ = cache
        t0 = dout * x_hat
        t1 = t0 - t0.mean(axis=0) - x_hat * (t0 * x_hat).mean(axis=0)
        dx = t1 / std
        return dx, (dout * x_hat).sum(axis=0), dout.sum(axis=0)

    assert diagnose(backward, right.forward).line.text == "t0 = dout * x_hat"


def test_where_nothing_mends_but_dx_itself_a_line_before_may_be_wrong():
    def backward(dout, cache):
        *_, std, x_hat, gamma, _ = cache
        t0 = np.sin(dout) * gamma
        t1 = np.cos(dout) * gamma
        dx = (t0 - t1.mean(axis=0) - x_hat * (t1 * x_hat).mean(axis=0)) / std
        return dx, (dout * x_hat).sum(axis=0), dout.sum(axis=0)

    line = diagnose(backward, right.forward).line
    assert line.sentence == "The mistake is in this line, or in one that it uses: dx comes out wrong here."


def test_of_two_wrong_lines_the_first_is_said_to_mend_its_own_output():
    wrong, line = edited(
        right.staged,
        "dgamma = (dout * x_hat).sum(axis=0)\n    dx_hat = dout * gamma",
        "dgamma = (dout * x).sum(axis=0)\n    dx_hat = 3 * dout * gamma",
    )
    found = diagnose(wrong, right.forward).line
    assert found.number == line
    assert found.sentence == "dgamma should be (dout * x_hat).sum(axis=0). With that value, dgamma is right."


def test_an_array_of_ones_is_not_accused():
    def backward(dout, cache):
        x, mu, _, std, x_hat, gamma, _ = cache
        N, D = dout.shape
        ones = np.ones((N, D))
        ivar = 1 / std
        q = (dout * gamma * (x - mu)).sum(axis=0)
        tmp = -0.5 * q * ivar * ivar
        t = dout * gamma * ivar + 2 * (x - mu) * ones * tmp / N
        return t - t.mean(axis=0), (dout * x_hat).sum(axis=0), dout.sum(axis=0)

    assert diagnose(backward, right.forward).line.text == "tmp = -0.5 * q * ivar * ivar"


def test_running_statistics_are_not_accused_for_the_line_that_takes_them():
    def forward(x, gamma, beta, bn_param):
        mu, var = x.mean(axis=0), x.var(axis=0)
        running_var = bn_param.get("running_var", np.zeros(x.shape[1]))
        running_var = 0.9 * running_var + 0.1 * var
        x_hat = (x - mu) / np.sqrt(running_var + bn_param["eps"])
        return gamma * x_hat + beta, (x, mu, var, gamma)

    report = diagnose(right.closed, forward)
    assert ids(report.forward.mistakes) == {"forward-running-var"}
    assert report.line.text == 'x_hat = (x - mu) / np.sqrt(running_var + bn_param["eps"])'


def test_a_line_that_uses_one_name_for_another_is_accused_and_not_the_one_that_sets_it():
    def backward(dout, cache):
        x, mu, _, std, x_hat, gamma, _ = cache
        g_unit = dout * gamma
        g_root = -(g_unit * (x - mu)).sum(axis=0) / std**2
        g_spread = g_root / (2 * std)
        g_dev = g_unit / std + 2 * (x - mu) * g_root / len(x)
        return g_dev - g_dev.mean(axis=0), (dout * x_hat).sum(axis=0), dout.sum(axis=0) + 0 * g_spread

    text = diagnose(backward, right.forward).line.text
    assert text == "g_dev = g_unit / std + 2 * (x - mu) * g_root / len(x)"


class Mute(Exception):
    def __str__(self):
        raise ValueError


def test_an_error_that_says_nothing_is_named_by_its_type():
    def backward(dout, cache):
        raise Mute

    assert diagnose(backward).problems[0].sentence == "Your backward pass raises Mute"


def test_where_a_line_raises_the_one_that_mends_it_is_found():
    def backward(dout, cache):
        *_, std, x_hat, gamma, _ = cache
        t0 = (dout * gamma).sum(axis=1)
        dx = (dout * gamma - t0 / len(dout) - x_hat * (dout * gamma * x_hat).mean(axis=0)) / std
        return dx, (dout * x_hat).sum(axis=0), dout.sum(axis=0)

    def wrong_count(dout, cache):
        n = dout.shape[1]
        scale = np.ones(n)[:, None]
        return right.closed(dout * scale, cache)

    assert diagnose(backward, right.forward).line.text == "t0 = (dout * gamma).sum(axis=1)"
    assert diagnose(wrong_count, right.forward).line.text == "n = dout.shape[1]"


def test_a_name_that_is_not_returned_is_not_said_to_be_dx():
    def backward(dout, cache):
        *_, _std, x_hat, gamma, _ = cache
        t0 = np.sin(dout) * gamma
        return t0 * 1.0, (dout * x_hat).sum(axis=0), dout.sum(axis=0)

    line = diagnose(backward, right.forward).line
    assert line.sentence == "The mistake is in what this line returns, or in a line before."


def test_dx_may_mend_a_function_that_raises():
    def backward(dout, cache):
        *_, _std, x_hat, _gamma, _ = cache
        dx = np.sin(dout).sum(axis=1)
        dx = dx * np.ones(dout.shape)
        return dx, (dout * x_hat).sum(axis=0), dout.sum(axis=0)

    assert diagnose(backward, right.forward).line.text == "dx = np.sin(dout).sum(axis=1)"


def test_two_results_in_each_others_place_are_named_though_a_third_is_wrong():
    def backward(dout, cache):
        dx, dgamma, dbeta = bn.batchnorm_backward(dout, cache)
        return 2 * dx, dbeta, dgamma

    report = diagnose(backward)
    assert ids(report.problems) == {"return-order"}
    assert report.problems[0].sentence == (
        "You return dgamma and dbeta in the wrong order: yours is dx, dbeta, dgamma."
    )
    assert ids(report.outputs["dx"].mistakes) == {"doubled"}
    assert report.outputs["dgamma"].ok
    assert report.outputs["dbeta"].ok
    assert "no name here" not in str(report)


def test_a_sum_that_runs_on_into_later_columns_is_seen():
    def backward(dout, cache):
        dx, dgamma, dbeta = bn.batchnorm_backward(dout, cache)
        return dx + 0.1 * np.cumsum(dout, axis=1), dgamma, dbeta

    report = diagnose(backward)
    assert "symptom-columns-mixed" in ids(report.outputs["dx"].symptoms)


def total_of(a):
    return a.sum(axis=1)


def test_a_line_that_calls_a_function_of_the_learner_names_it():
    def backward(dout, cache):
        dx, dgamma, dbeta = bn.batchnorm_backward(dout, cache)
        dbeta = total_of(dout.T) / 3
        return dx, dgamma, dbeta

    line = diagnose(backward).line
    assert line.text == "dbeta = total_of(dout.T) / 3"
    assert line.sentence == "The mistake is in this line, or in total_of, which it calls."


def forgets_to_reset(dout, cache):
    c, r, gamma = cache.h - cache.mu, cache.inv_std, cache.gamma
    N, D = dout.shape
    dx, dmu = np.zeros((N, D)), 0.0
    for j in range(D):
        dvar = 0.0
        for i in range(N):
            g = dout[i, j] * gamma[j]
            dvar += g * c[i, j] * -0.5 * r[j] ** 3
            dmu += -g * r[j]
        for i in range(N):
            g = dout[i, j] * gamma[j]
            dx[i, j] = g * r[j] + dvar * 2 * c[i, j] / N + dmu / N
    return dx, (dout * cache.h_hat).sum(axis=0), dout.sum(axis=0)


def test_where_no_line_mends_the_result_the_report_says_so():
    report = diagnose(forgets_to_reset)
    assert report.line is None
    assert "Note: no single line could be found that mends the result" in str(report)
    assert "symptom-columns-mixed" in ids(report.outputs["dx"].symptoms)
