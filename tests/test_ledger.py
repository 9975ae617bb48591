"""Every equation of the book, checked in three ways from its TeX; and the checker, checked."""

import json
import re
import sys
from pathlib import Path

import nbformat
import pytest
from equations import EQUATIONS
from identities import IDENTITIES
from messages import exactly
from mutations import mutations
from notebooks import register_of

from bn_utils import ledger, symbolic
from bn_utils.proof import derivative, sources, verdict
from bn_utils.proof.expressions import Number, Symbol
from bn_utils.proof.texwrite import write_chain
from bn_utils.symbolic import UndecidedError
from bn_utils.texmath import TexError, read, read_expression

CHAPTERS = Path(__file__).parents[1] / "chapters"
REGISTER = json.loads(sources.REGISTER.read_text(encoding="utf-8"))
LABELS = [label for labels in EQUATIONS.values() for label in labels]
DEFINITIONS = {
    "eq-kronecker",
    "eq-linear",
    "eq-mean",
    "eq-var",
    "eq-centred",
    "eq-normalize",
    "eq-std",
    "eq-affine",
    "eq-relu",
    "eq-layout",
    "eq-loss",
    "eq-node-r",
    "eq-loss-layer",
    "eq-tangent",
    "eq-scaled-h",
    "eq-scaled-var",
    "eq-scaled-hat",
    "eq-scaled-loss",
    "eq-flipped-h",
    "eq-second-g-mean",
    "eq-second-g-hat",
    "eq-second-u-mean",
    "eq-second-u-hat",
    "eq-second-covariance",
    "eq-second-phi",
    "eq-family-loss",
    "eq-layernorm-mean",
    "eq-layernorm-var",
    "eq-layernorm-hat",
    "eq-rmsnorm-square",
    "eq-rmsnorm-hat",
    "eq-running-mean",
    "eq-running-var",
    "eq-eval",
    "eq-exp-sum",
    "eq-softmax",
    "eq-shifted",
    "eq-cross-entropy",
    "eq-digits-row",
    "eq-digits-hat",
    "eq-workers-given",
    "eq-workers-share",
    "eq-workers-rows",
    "eq-workers-means",
}
DH = r"\frac{\partial \mathcal L}{\partial h_{ij}}"


@pytest.fixture
def no_chapters(tmp_path, monkeypatch):
    """A working directory without chapters, as beside a notebook opened elsewhere."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_register_has_a_row_for_every_equation_in_order():
    assert list(REGISTER) == LABELS


@pytest.mark.parametrize("chapter", EQUATIONS)
def test_the_register_is_what_the_chapters_printed(chapter):
    rows = register_of(nbformat.read(CHAPTERS / f"{chapter}.ipynb", as_version=4))
    assert {label: REGISTER[label] for label in EQUATIONS[chapter]} == {
        label: rows[label] for label in EQUATIONS[chapter]
    }


@pytest.mark.parametrize("chapter", EQUATIONS)
@pytest.mark.parametrize("ending", ["md", "ipynb"])
def test_the_register_holds_the_tex_of_the_chapters(chapter, ending):
    found = sources.equations_in(CHAPTERS / f"{chapter}.{ending}")
    assert found == {label: REGISTER[label]["tex"] for label in EQUATIONS[chapter]}


@pytest.mark.parametrize("chapter", EQUATIONS)
def test_each_equation_is_checked_in_its_own_chapter_once(chapter):
    text = (CHAPTERS / f"{chapter}.md").read_text(encoding="utf-8")
    calls = re.findall(r"^ledger\.check\((.*)\)$", text, flags=re.MULTILINE)
    checked = [label for call in calls for label in re.findall(r'"(eq-[\w-]+)"', call)]
    own = [label for label in checked if label in EQUATIONS[chapter]]
    assert sorted(own) == sorted(EQUATIONS[chapter])


@pytest.mark.parametrize("label", LABELS)
def test_an_equation_is_what_its_row_says(label, no_chapters):
    (row,) = ledger.check(label)
    assert json.loads(json.dumps(vars(row))) == REGISTER[label]
    assert row.kind == ("definition" if label in DEFINITIONS else "proved")
    assert (row.entries > 0) is (row.kind == "proved")
    assert row.bound == 1e-12


@pytest.mark.parametrize("name", IDENTITIES)
def test_an_identity_is_proved(name, no_chapters):
    tex, given = IDENTITIES[name]
    outcome = ledger.try_line(tex, given)
    assert outcome.proved
    assert outcome.entries > 0 or "eps = 0" in name  # then a root is left in fractions


@pytest.mark.parametrize("label", LABELS)
def test_wrong_versions_are_refused_and_the_three_ways_agree(label, no_chapters, monkeypatch, request):
    given = ledger.given_of(label)
    found = mutations(REGISTER[label]["tex"], ledger.book(given).names)
    every = 1 if request.config.getoption("--thorough") else max(1, min(61, len(found) // 4))
    proved, undecided = [], []
    for mutant in found[::every]:
        try:
            outcome = ledger.try_line(mutant, given)  # raises DisagreementError where they do not
        except TexError:
            continue
        except UndecidedError as error:
            undecided += [mutant] if "no proof and no counterexample" in str(error) else []
            continue
        assert outcome.entries > 0 or outcome.counterexample
        proved += [mutant] if outcome.proved else []
    # what is proved is true in other sizes, too
    monkeypatch.setattr(verdict, "EXACT_SIZES", [{"N": 6, "H": 4, "D": 5}, {"N": 7, "H": 1, "D": 2}])
    assert all(ledger.try_line(mutant, given).entries > 0 for mutant in proved)
    assert undecided == []
    assert len(proved) < len(found[::every])


# a definition changed, and lines that are wrong with it
WRONG_DEFINITIONS = [
    ("eq-mean", r"\mu_j = \frac{2}{N} \sum_i h_{ij}", ["eq-centred-sum", "eq-dmu", "eq-dvar-4", "eq-jac"]),
    ("eq-mean", r"\mu_j = \sum_i h_{ij}", ["eq-dmu", "eq-jac-centred", "eq-dh-5"]),
    ("eq-var", r"\sigma_j^2 = \frac{2}{N} \sum_i (h_{ij} - \mu_j)^2", ["eq-dvar-1", "eq-jac", "eq-dh-hat"]),
    ("eq-var", r"\sigma_j^2 = \frac{1}{N} \sum_i h_{ij}^2", ["eq-dvar-1", "eq-dvar-4", "eq-jac"]),
    ("eq-normalize", r"\hat h_{ij} = (h_{ij} - \mu_j)(\sigma_j^2 + \epsilon)^{-1}", ["eq-jac", "eq-dh-4"]),
    ("eq-affine", r"y_{ij} = \gamma_j \hat h_{ij} - \beta_j", ["eq-dbeta-3", "eq-dh-hat"]),
    ("eq-linear", r"h_{ij} = 2 \sum_d X_{id} W_{dj} + b_j", ["eq-dinput", "eq-dweight"]),
    ("eq-relu", r"a_{ij} = \max(0, y_{ij}) + y_{ij}", ["eq-drelu"]),
    ("eq-tangent", r"v_{ij} = u_{ij} - \frac{1}{N} \sum_k u_{kj}", ["eq-tangent-sums", "eq-eigen-rest"]),
    ("eq-scaled-h", r"x_{ij} = -\sum_d X_{id} \alpha W_{dj}", ["eq-scale-free"]),
    (
        "eq-scaled-hat",
        r"\hat x_{ij} = 2 (x_{ij} - \frac{1}{N} \sum_k x_{kj}) (\tau_j^2 + \alpha^2 \epsilon)^{-1/2}",
        ["eq-scale-free", "eq-scaled-gradient", "eq-flipped"],
    ),
    ("eq-scaled-loss", r"K = \sum_{k,l} g_{kl} \hat x_{kl}", ["eq-scaled-gradient"]),
    ("eq-flipped-h", r"x_{ij} = \sum_d X_{id} \alpha W_{dj}", ["eq-flipped"]),
    ("eq-family-loss", r"\mathcal L = \sum_{k,l} u_{kl} h_{kl}", ["eq-family", "eq-family-sum"]),
    ("eq-layernorm-mean", r"m_i = \sum_j h_{ij}", ["eq-layernorm", "eq-layernorm-bias"]),
    ("eq-layernorm-var", r"\tau_i^2 = \frac{1}{H} \sum_j h_{ij}^2", ["eq-layernorm", "eq-layernorm-bias"]),
    ("eq-layernorm-hat", r"\hat h_{ij} = h_{ij} (\tau_i^2 + \epsilon)^{-1/2}", ["eq-layernorm"]),
    ("eq-rmsnorm-square", r"\rho_i^2 = \sum_j h_{ij}^2", ["eq-rmsnorm"]),
    ("eq-rmsnorm-hat", r"\hat h_{ij} = h_{ij} (\rho_i^2 + \epsilon)^{-1}", ["eq-rmsnorm"]),
    ("eq-digits-row", r"x_j = \mu_j + N (M_j - \mu_j)", ["eq-digits-welford"]),
    (
        "eq-digits-hat",
        r"\hat x_{ij} = \hat h_{ij} w_j",
        ["eq-digits-closed", "eq-digits-first", "eq-digits-last"],
    ),
]


@pytest.mark.parametrize(("label", "wrong", "lines"), WRONG_DEFINITIONS)
def test_a_wrong_definition_is_not_pytorchs_and_its_lines_fall(label, wrong, lines, monkeypatch):
    right = {key: row["tex"] for key, row in REGISTER.items()}
    monkeypatch.setattr(ledger, "book_equations", lambda: {**right, label: wrong})
    with pytest.raises(ledger.RefutedError, match=f"^{label}: PyTorch computes something else"):
        ledger.check(label)
    for line in lines:
        with pytest.raises((ledger.RefutedError, verdict.DisagreementError)):
            ledger.check(line)


def wrong_rule(name, factor):
    """A derivative that takes the one of a name for `factor` times what it is."""
    right = derivative.derivative

    def wrong(expression, by, definitions, taken=frozenset()):
        rate = right(expression, by, definitions, taken)
        if isinstance(expression, Symbol) and expression.name == name != by.name:
            return symbolic.multiply(Number(factor), rate)
        return rate

    return wrong


@pytest.mark.parametrize(
    ("name", "lines"),
    [(r"\mu", ["eq-dmu", "eq-jac-centred"]), (r"\sigma^2", ["eq-dvar-1", "eq-dvar-4", "eq-jac"])],
)
def test_a_wrong_rule_for_the_derivative_is_caught(name, lines, monkeypatch):
    wrong = wrong_rule(name, 2)
    monkeypatch.setattr(derivative, "derivative", wrong)
    monkeypatch.setattr(symbolic, "derivative", wrong)
    for label in lines:
        with pytest.raises((verdict.DisagreementError, UndecidedError), match="the calculus leaves"):
            ledger.check(label)


def test_a_row_is_printed_on_one_line_and_carried_as_data():
    rows = ledger.check("eq-mean", "eq-dmu")
    assert repr(rows).splitlines() == [
        "eq-mean: definition, PyTorch (1e-12)",
        f"eq-dmu: every N, exact ({rows[1].entries} entries), PyTorch (1e-12)",
    ]
    bundle = rows._repr_mimebundle_(include=None, exclude=None)
    assert bundle["text/plain"] == repr(rows)
    assert [row["label"] for row in bundle["application/vnd.bn-utils.ledger+json"]] == ["eq-mean", "eq-dmu"]


def test_a_line_that_is_proved_says_so():
    outcome = ledger.try_line(r"\sum_i \hat h_{ij} = 0")
    assert repr(outcome) == f"proved: every N, exact ({outcome.entries} entries), PyTorch (1e-12)"
    ways = "exact (10 entries); PyTorch agrees, within 1e-12."
    assert outcome._repr_markdown_() == f"**Proved** for every $N$ and $H$; {ways}"
    assert outcome.entries == 10  # three columns, two, three and two


@pytest.mark.parametrize(
    ("line", "left_over"),
    [
        (rf"{DH} = \frac{{\gamma_j}}{{s_j}} g_{{ij}} - \frac{{1}}{{N}} \sum_k g_{{kj}}", None),
        (r"\frac{\partial \mu_l}{\partial h_{ij}} = \delta_{jl}", r"-\delta_{jl} + \frac{1}{N} \delta_{jl}"),
        (r"\sum_i (h_{ij} - \mu_j)^3 = 0", r"\sum_{i} (h_{ij} - \mu_{j})^{3}"),
        (r"\sum_i \hat h_{ij}^2 = N", r"-N \epsilon \frac{1}{\sigma_{j}^2 + \epsilon}"),
        (r"N \mu_j = \sum_i h_{ij} = 0", r"N \mu_{j}"),
        (
            r"\max(0, h_{ij}) = 0",
            r"\begin{cases} 1 & \text{if } h_{ij} > 0, \\ 0 & \text{otherwise.} \end{cases} h_{ij}",
        ),
    ],
)
def test_a_line_that_is_refuted_says_what_is_left_and_where(line, left_over):
    outcome = ledger.try_line(line)
    assert not outcome.proved
    assert re.search(r"^-?\d+(/\d+)? at N = [2-5], .* in a batch of fractions$", outcome.counterexample)
    assert left_over in (None, outcome.residual)
    assert (
        repr(outcome) == f"refuted: left - right = {outcome.residual}, for example {outcome.counterexample}"
    )
    assert f"$${outcome.residual}$$" in outcome._repr_markdown_()
    read_expression(outcome.residual)  # it is TeX of the kind that can be read


@pytest.mark.parametrize(
    "line",
    [
        r"(N - 2) (N - 3) (N - 4) (N - 5) \mu_j = 0",  # true in all fractions that are tried
        r"(H - 2) (H - 3) \mu_j = 0",
        r"\sum_i \hat h_{ij} = \frac{1}{10^9} \cdot \frac{1}{10^5}",  # below PyTorch's bound
        r"D = H + 1",
    ],
)
def test_what_one_way_cannot_see_another_does(line):
    assert not ledger.try_line(line).proved


def test_where_a_root_is_no_fraction_the_other_two_ways_decide():
    given = [r"\tau_i^2 = \frac{1}{H} \sum_j h_{ij}^2"]
    line = r"(\tau_i^2 + \epsilon)^{1/2} (\sigma_j^2 + \epsilon)^{1/2} ="
    same = r"(\sigma_j^2 + \epsilon)^{1/2} (\tau_i^2 + \epsilon)^{1/2}"
    outcome = ledger.try_line(f"{line} {same}", given)
    assert repr(outcome) == "proved: every N, not in fractions, a root is left, PyTorch (1e-12)"
    assert ledger.try_line(f"{line} 2 {same}", given).counterexample.endswith("in float64")


def test_a_definition_takes_the_place_of_the_books():
    line = r"\frac{\partial \mu_l}{\partial h_{ij}} = \frac{2}{N} \delta_{jl}"
    assert ledger.try_line(line, [r"\mu_j = \frac{2}{N} \sum_i h_{ij}"]).proved
    assert not ledger.try_line(line).proved


def test_a_name_alone_stands_for_any_numbers():
    line = r"\frac{\partial \mu_l}{\partial h_{ij}} = 0"
    assert ledger.try_line(line, [r"\mu_j"]).proved
    assert not ledger.try_line(line).proved


@pytest.mark.parametrize(
    ("tex", "given", "error", "message"),
    [
        (3, (), TypeError, "tex must be a string, got int"),
        (r"\mu_j = 0", "z_j", TypeError, 'given must be a list of strings, as in given=["z_j"], got str'),
        (r"\mu_j = 0", None, TypeError, "given must be a list of strings"),
        (r"\mu_j = 0", [3], TypeError, "given must be a list of strings"),
        (f"{9 * '(h_{ij} + 10^9)^5 '} = 0", (), UndecidedError, "too large for float64"),
        (r"z_j = 0", ["z_j = z_j + 1"], ValueError, "z is defined by itself"),
        (r"h_{ij} + z_j = 0", [], TexError, "z is not defined; give its definition in `given`"),
        (r"z_j = 0", ["w_j", "z_j = w_j", "w_j = z_j"], ValueError, "is defined by itself"),
        (r"\mu_j", (), TexError, "an equation has a left and a right side; here is no ="),
        (r"\gamma_j^{-1} = 1", (), UndecidedError, r"\gamma may be 0 or negative"),
    ],
)
def test_a_line_that_cannot_be_judged(tex, given, error, message):
    with pytest.raises(error, match=re.escape(message)):
        ledger.try_line(tex, given)


def test_an_unknown_label_is_named(no_chapters):
    with pytest.raises(ValueError, match=r"^label must be one of eq-kronecker, .*; got 'eq-jacobian'$"):
        ledger.check("eq-jacobian")


DISPLAY = "---\nkernelspec:\n---\n\n$$\n%s\n$$ (eq-dbeta-3)\n"
WRONG = r"\frac{\partial \mathcal L}{\partial \beta_j} = 2 \sum_k g_{kj}"


def notebook(text):
    return nbformat.writes(nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(text)]))


@pytest.mark.parametrize("files", [["md"], ["ipynb"], ["md", "ipynb"]])
def test_the_line_that_is_checked_is_the_one_in_the_chapter(files, no_chapters):
    right = REGISTER["eq-dbeta-3"]["tex"]
    texts = {"md": DISPLAY % WRONG, "ipynb": notebook(DISPLAY % (WRONG if files == ["ipynb"] else right))}
    for ending in files:
        (no_chapters / f"chapter.{ending}").write_text(texts[ending], encoding="utf-8")
    message = r"eq-dbeta-3 is refuted: left - right = -\sum_{i} g_{ij}, for example "
    with pytest.raises(ledger.RefutedError, match=f"^{re.escape(message)}") as error:
        ledger.check("eq-dbeta-3")
    assert error.value._render_traceback_() == [f"RefutedError: {error.value}"]


@pytest.mark.parametrize("label", LABELS)
def test_the_reading_in_the_register_is_the_line(label):
    names = ledger.book(ledger.given_of(label)).names
    assert REGISTER[label]["reading"] == write_chain(read(REGISTER[label]["tex"], names))
    assert read(REGISTER[label]["reading"], names) == read(REGISTER[label]["tex"], names)


def test_a_disagreement_is_no_verdict(monkeypatch):
    monkeypatch.setattr(verdict, "numeric_error", lambda *args: 0.5)
    message = r"\mu_j = \mu_j: the calculus leaves 0; fractions differ nowhere; in float64 the error is 0.5"
    with pytest.raises(verdict.DisagreementError, match=exactly(message)):
        ledger.try_line(r"\mu_j = \mu_j")


@pytest.mark.parametrize(
    ("tex", "given"),
    [
        (
            r"((\tau_j^2 + \epsilon)^2)^{1/2} = \tau_j^2 + \epsilon",
            [r"\tau_j^2 = \frac{1}{N} \sum_i h_{ij}^4"],
        ),
        (r"m_{jl} F_i = F_i m_{jj}", [r"m_{jl} = \sum_i g_{ij}"]),
        (r"\frac{\partial \mathtt{dh}_{kl}}{\partial g_{ij}} = \frac{\partial y_{ij}}{\partial h_{kl}}", []),
        (r"\sum_j \gamma_j \frac{\partial \mathtt{dh}_{kl}}{\partial \gamma_j} = \mathtt{dh}_{kl}", []),
        (
            r"\frac{\partial (\frac{\partial (F_i^3)}{\partial F_k})}{\partial F_m}"
            r" = 6 F_i \delta_{ik} \delta_{im}",
            [],
        ),
        (r"\mu_j^3 \frac{\partial \sigma_j^2}{\partial \mu_j} = 0", []),
        (r"z_j h_{ij}^3 = 0", [r"z_j = \sum_i c_{ij}"]),
        (r"\sum_i 1000 \hat h_{ij} = 0", []),  # round-off is a fraction of what is added up
        (r"(h_{ij} + 1000)^2 - 1000^2 - 2000 h_{ij} = h_{ij}^2", []),
        (r"(\sigma_j^2 + \epsilon) s_j^{-1} = \sqrt{\sigma_j^2}", [r"\epsilon = 0"]),
        (r"\frac{\partial y_{kl}}{\partial \epsilon} = -\frac{1}{2} \gamma_l c_{kl} s_l^{-3}", []),
        (r"\frac{\partial y_{kl}}{\partial \mu_j} = -\frac{\gamma_l}{s_l} \delta_{jl}", []),
        # exp and log
        (r"\log x_i = F_i", [r"x_i = \exp F_i"]),
        (r"\exp x_i = Z_i", [r"Z_i = 2 \sum_l \exp h_{il}", r"x_i = \log Z_i"]),
        (r"\exp x_i = 1", ["x_i = F_i - F_i"]),
        (r"\exp x_i \exp F_i = (\exp t_i)^2", ["t_i = 2 F_i", "x_i = 3 F_i"]),
        (r"\exp x_i \exp F_i = 1", ["x_i = -F_i"]),
        (r"\log x_i = F_i - 2 \log \alpha", [r"x_i = \frac{\exp F_i}{\alpha^2}"]),
        (r"\frac{\partial \log Z_k}{\partial Z_i} = \frac{\delta_{ik}}{Z_k}", ["Z_k"]),
        (r"\frac{\partial \exp h_{kl}}{\partial b_j} = \delta_{jl} \exp h_{kl}", []),
        (
            r"\frac{\partial (\frac{\partial \log Z_k}{\partial Z_i})}{\partial Z_m}"
            r" = -\frac{\delta_{ik} \delta_{km}}{Z_k^2}",
            ["Z_k"],
        ),
    ],
)
def test_unusual_lines_are_proved(tex, given):
    assert ledger.try_line(tex, given).proved


SECOND = [
    r"\Phi = \sum_{i,j} \frac{\partial (\sum_{k,l} \frac{\partial \mathcal L}{\partial h_{kl}})}"
    r"{\partial h_{ij}}"
]


@pytest.mark.parametrize(
    ("tex", "given", "error", "message"),
    [
        (
            r"\sqrt{\alpha^2} = \alpha",
            [r"\alpha = \sum_j r_j"],
            ValueError,
            r"\alpha stands for",
        ),
        (r"\frac{\partial \Phi}{\partial h_{ij}} = 0", SECOND, UndecidedError, "more than two derivatives"),
        (
            r"\tau_j^2 = 0",
            [r"\tau_j^2 = \frac{1}{N} \sum_i h_{ij}^3"],
            ValueError,
            r"\tau^2 must not be negative",
        ),
        (
            r"C_{jl} = C_{lj}",
            [r"C_{jl} = \sum_i c_{ij} c_{il}"],
            UndecidedError,
            "no proof and no counterexample",
        ),
        (
            r"\frac{\partial (\frac{\partial \sigma_l^2}{\partial h_{ij}})}{\partial \mu_n} = 0",
            [],
            UndecidedError,
            r"\mu depends on h: shall it stand still while that varies?",
        ),
        (r"X_j = 0", ["X_j"], TexError, "X is a name of the book"),
        (r"\tau^2 = 0", [r"\tau^2"], TexError, r"\tau^2 must have one index"),
        ("N = 3", ["N = 3"], TexError, "here must stand a name: one letter"),
        (r"\sum_j (\sum_i g_{ij})^9 (\sum_k g_{kj}) = 0", [], UndecidedError, "too many sums in one product"),
        (r"\mathtt{dh}_{ij}^9 = 0", [], UndecidedError, "too long to multiply out"),
        ("t_j = 0", ["z_j", "t_j = z_j", "z_{ij}"], ValueError, "z has other indices where it is used"),
        ("(((N^9)^9)^9)^9 = 0", [], UndecidedError, "a power of 729 is too high"),
        (
            r"(\sum_i (h_{ij} + g_{ij} + u_{ij} + y_{ij})^9)^9 = 0",
            [],
            UndecidedError,
            "too long to multiply out",
        ),
        (
            r"\frac{1}{\sum_j s_j^2} = 1",
            [],
            UndecidedError,
            r"a sum over \sigma^2+\epsilon has no power -1 here",
        ),
        (r"\frac{1}{h_{ij} - h_{ij}} = 1", [], UndecidedError, "this is 0, and 0 has no power -1"),
        (r"\log F_i = F_i", [], UndecidedError, "F may be 0 or negative, or its log is not known"),
        (r"\log s_j = 0", [], UndecidedError, r"\sigma^2+\epsilon may be 0"),
        (r"\log x_i = 0", ["x_i = F_i - F_i"], UndecidedError, "log is known of a product of powers"),
        (r"\log x_i = 0", [r"x_i = 2 \exp F_i"], UndecidedError, "log is known of a product of powers"),
        (r"\log x_i = 0", [r"x_i = \exp F_i + 1"], UndecidedError, "log is known of a product of powers"),
        (r"\log x = 0", [r"x = \sum_i \exp F_i"], UndecidedError, "x may be 0 or negative, or its log"),
        (r"\log x = 0", [r"x = \sum_{i,k} \exp F_i \exp F_k"], UndecidedError, "log is known of a product"),
        (r"\log x = 0", ["x = 1"], UndecidedError, "log is known of a product of powers"),
        (r"\log x = 0", ["x = N"], UndecidedError, "N may be 0 or negative, or its log is not known"),
        (r"\exp x_i = 1", [r"x_i = \frac{1}{2} F_i"], UndecidedError, "exp is known of a sum of names"),
        (r"\exp x_i = 1", ["x_i = F_i^2"], UndecidedError, "exp is known of a sum of names"),
        (r"\exp x_{ij} = 1", [r"x_{ij} = F_i \mu_j"], UndecidedError, "exp is known of a sum of names"),
        (r"\exp x = 1", [r"x = \sum_i F_i + \sum_i F_i^2"], UndecidedError, "exp is known of a sum of names"),
        (r"\exp x = 1", ["x = N"], UndecidedError, "exp of N is not known"),
        (r"\exp x_i = 1", [r"x_i = \exp F_i"], UndecidedError, r"exp of \exp F is not known"),
        (r"\exp x_j = 1", [r"x_j = s_j^2"], UndecidedError, r"exp of \sigma^2+\epsilon is not known"),
        (r"\exp x_{ik} = 1", [r"x_{ik} = \delta_{ik}"], UndecidedError, r"exp of \delta is not known"),
        (r"\exp x_{ij} = 1", ["x_{ij} = a_{ij}"], UndecidedError, "exp is known of a sum of names"),
        ("Z_i = 0", [r"Z_i = -\sum_l \exp h_{il}"], ValueError, "Z stands for any positive number"),
        ("Z_i = 0", [r"Z_i = 1 + \exp F_i"], ValueError, "Z stands for any positive number"),
        ("Z_i = 0", ["Z_i = F_i"], ValueError, "Z stands for any positive number"),
    ],
)
def test_what_cannot_be_decided_is_refused_and_soon(tex, given, error, message):
    with pytest.raises(error, match=re.escape(message)):
        ledger.try_line(tex, given)


@pytest.mark.parametrize("label", sorted(DEFINITIONS))
def test_a_definition_that_is_doubled_is_not_pytorchs(label, monkeypatch):
    equations = {key: row["tex"] for key, row in REGISTER.items()}
    left, right = re.sub(r"\\(begin|end)\{aligned\}|\\\\\n&|&(?==)", "", equations[label]).split("=", 1)
    equations[label] = f"{left} = 2 \\left({right}\\right)"
    monkeypatch.setattr(ledger, "book_equations", lambda: equations)
    with pytest.raises(ledger.RefutedError, match=f"^{label}: PyTorch computes something else"):
        ledger.check(label)


def test_without_pytorch_the_complex_step_compares(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    outcome = ledger.try_line(r"\frac{\partial \mu_l}{\partial h_{ij}} = \frac{1}{N} \delta_{jl}")
    assert repr(outcome).endswith(", complex step; PyTorch is not installed (1e-12)")
    assert not ledger.try_line(r"(N - 2) (N - 3) (N - 4) (N - 5) \mu_j = 0").proved


def test_labels_are_strings():
    with pytest.raises(TypeError, match=r'^labels must be strings, as in check\("eq-mean"\), got list'):
        ledger.check(["eq-mean"])


def test_a_definition_that_is_missing_is_named(monkeypatch):
    monkeypatch.setattr(ledger, "book_equations", lambda: {"eq-mean": r"\mu_j = \mu_j"})
    with pytest.raises(ValueError, match=r"lack eq-linear, eq-centred, .*: run make notebooks$"):
        ledger.try_line(r"\mu_j = 0")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("latin.md", "---\n$$\nµ\n$$ (eq-mean)".encode("latin-1")),
        ("page.md", b"$$\nx\n$$ (eq-mean)\n"),
        ("empty.ipynb", b""),
        ("list.ipynb", b"[]"),
        ("old.ipynb", b'{"worksheets": []}'),
    ],
)
def test_other_files_are_left_alone(name, content, no_chapters):
    (no_chapters / name).write_bytes(content)
    (no_chapters / "folder.md").mkdir()
    assert sources.book_equations() == {label: row["tex"] for label, row in REGISTER.items()}


@pytest.mark.parametrize(
    "text",
    [
        "$$ x = 2 $$ (eq-dbeta-3)",
        "$$\nx = 2 $$ (eq-dbeta-3)",
        f"{DISPLAY % 'x'}\n{DISPLAY % 'x'}",
    ],
)
def test_an_equation_that_is_no_display_of_its_own_is_refused(text, no_chapters):
    (no_chapters / "chapter.md").write_text(f"---\n---\n\n{text}\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"^chapter\.md: eq-dbeta-3 must be one display, on lines"):
        ledger.check("eq-dbeta-3")


def test_ends_of_lines_and_spaces_do_not_matter(no_chapters):
    text = DISPLAY.replace("$$\n", "$$  \n", 1).replace("\n", "\r\n") % "x"
    (no_chapters / "chapter.md").write_bytes(text.encode())
    (no_chapters / "notebook.ipynb").write_text(notebook(text), encoding="utf-8")
    for name in ("chapter.md", "notebook.ipynb"):
        assert sources.equations_in(no_chapters / name) == {"eq-dbeta-3": "x"}


def test_a_proof_with_eps_0_says_on_what_condition():
    outcome = ledger.try_line(r"\frac{1}{N} \sum_i \hat h_{ij}^2 = 1", [r"\epsilon = 0"])
    assert repr(outcome).endswith("PyTorch (1e-12), where nothing is divided by 0")
    assert outcome._repr_markdown_().endswith("within 1e-12, where nothing is divided by 0.")


def test_a_row_claims_no_comparison_with_pytorch_where_there_is_none(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    rows = ledger.check("eq-dmu", "eq-loss-layer")
    assert "complex step; PyTorch is not installed (1e-12)" in str(rows[0])
    assert str(rows[1]) == "eq-loss-layer: definition, complex step; PyTorch is not installed (1e-12)"
