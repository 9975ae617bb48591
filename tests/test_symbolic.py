"""The index calculus: what it proves, what it leaves of a wrong line, and what it refuses."""

import json
from fractions import Fraction
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from identities import IDENTITIES
from messages import exactly

from bn_utils import ledger, symbolic
from bn_utils.proof import sources
from bn_utils.proof.derivative import derivative, differentiate
from bn_utils.proof.expressions import (
    MINUS_ONE,
    ONE,
    ZERO,
    Add,
    Case,
    Derivative,
    Equal,
    Mul,
    Number,
    Positive,
    Power,
    Sum,
    Symbol,
    add,
    delta,
    multiply,
    names_in,
    parts,
)
from bn_utils.proof.instances import exact_world
from bn_utils.proof.letters import free_letters, instantiate, letters_of, rename, summed_letters
from bn_utils.proof.texwrite import write
from bn_utils.proof.verdict import context_of
from bn_utils.symbolic import UndecidedError, normal_form, residual, theory_of
from bn_utils.texmath import read, read_definition, read_expression

pytestmark = pytest.mark.filterwarnings("error")

REGISTER = json.loads(sources.REGISTER.read_text(encoding="utf-8"))
BOOK = [REGISTER[label]["tex"] for label in ledger.DEFINITIONS]


@cache
def context(*given):
    return context_of(BOOK, given)


def left_over(tex, *given):
    """What the first link of a chain that does not hold leaves, as TeX; "0" if all hold."""
    known = context(*given)
    links = pairwise(read(tex, known.names))
    rests = (write(residual(left, right, known.theory)) for left, right in links)
    return next((rest for rest in rests if rest != "0"), "0")


def is_left(line, expected):
    """Whether a line leaves these terms, in any order."""
    rest = residual(*read(line), context().theory)
    expected = read_expression(expected)
    terms = [e.terms if isinstance(e, Add) else (e,) for e in (rest, expected)]
    return len(terms[0]) == len(terms[1]) and residual(rest, expected, theory_of([])) == ZERO


def d(above, below):
    return rf"\frac{{\partial {above}}}{{\partial {below}}}"


# the delta's rule ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        r"\delta_{ik} = \delta_{ki}",
        r"\delta_{jj} = 1",
        r"\delta_{ik}^2 = \delta_{ik}^9 = \delta_{ik}",
        r"\delta_{jl} \gamma_l = \delta_{jl} \gamma_j",
        r"\delta_{ik} F_i F_k = \delta_{ik} F_i^2 = \delta_{ik} F_k^2",
        r"\delta_{ik} h_{ij} g_{kj} = \delta_{ki} h_{kj} g_{ij}",
        r"\delta_{ik} \delta_{kp} = \delta_{ip} \delta_{kp} = \delta_{ik} \delta_{ip}",
        r"\delta_{ik} \delta_{kp} = \delta_{ip}^2 \delta_{ik} \delta_{kp}",
        r"\delta_{ik} \delta_{pm} \delta_{kp} F_i = \delta_{im} \delta_{ik} \delta_{ip} F_m",
        r"\delta_{ik} \delta_{jl} h_{ij} = \delta_{jl} \delta_{ik} h_{kl}",
        r"\delta_{ik} (1 - \delta_{ik}) = 0",
        r"\sum_k \delta_{ik} = 1",
        r"\sum_k \delta_{ik} F_k = \sum_k \delta_{ki} F_k = F_i",
        r"\sum_k \delta_{ik} \delta_{kp} = \delta_{ip}",
        r"\sum_{k,l} \delta_{ik} \delta_{jl} h_{kl} = h_{ij}",
        r"\sum_i \sum_k \delta_{ik} = \sum_{i,k} \delta_{ik}^2 = N",
        r"\sum_{i,k} \delta_{ik} F_i F_k = \sum_p F_p^2",
        r"\sum_{i,k,p} \delta_{ik} \delta_{kp} F_p = \sum_m F_m",
        r"\sum_{i,k,p} \delta_{ik} \delta_{kp} \delta_{pi} = N",
        r"\sum_{j,l} \delta_{jl} = \sum_j \delta_{jj} = H",
        r"\sum_{i,k} (1 - \delta_{ik}) = N (N - 1)",
        r"\begin{cases} F_i & \text{if } i = k, \\ F_p & \text{otherwise.} \end{cases}"
        r" = F_p + \delta_{ik} (F_k - F_p)",
        r"\sum_k \begin{cases} F_k & \text{if } i = k, \\ 0 & \text{otherwise.} \end{cases} = F_i",
    ],
)
def test_deltas_are_contracted(line):
    assert left_over(line) == "0"


@pytest.mark.parametrize(
    ("line", "rest"),
    [
        (r"\delta_{ik} F_i = F_k", r"-F_{k} + \delta_{ik} F_{k}"),
        (
            r"\delta_{ik} \delta_{pm} = \delta_{ip} \delta_{km}",
            r"\delta_{ik} \delta_{pm} - \delta_{ip} \delta_{km}",
        ),
        (r"\sum_k \delta_{ik} = N", "1 - N"),
        (r"\sum_{i,k} \delta_{ik} = 1", "-1 + N"),
        (r"F_i = \sum_k F_k", r"F_i - \sum_k F_k"),
        (r"\sum_{j,l} \delta_{jl} = N", "H - N"),
    ],
)
def test_deltas_are_contracted_by_no_other_rule(line, rest):
    assert is_left(line, rest)


# sums ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        r"\sum_i 1 = N",
        r"\sum_j 3 = 3 H",
        r"\sum_d \frac{1}{D} = 1",
        r"\sum_{i,j,d} \alpha = N H D \alpha",
        r"\sum_i \gamma_j = N \gamma_j",
        r"\sum_i 0 = 0",
        r"\sum_i s_j s_j^{-1} = N",
        r"\sum_i g_{ij} = \sum_p g_{pj}",
        r"\sum_i g_{ij} \sum_k u_{kj} = \sum_k u_{kj} \sum_p g_{pj} = \sum_{m,p} g_{mj} u_{pj}",
        r"\left(\sum_i F_i\right)^2 = \sum_{i,k} F_i F_k",
        r"\left(\sum_i F_i\right)^3 = \sum_i F_i \left(\sum_k F_k\right)^2",
        r"\sum_{i,j} g_{ij} = \sum_{l,p} g_{pl} = \sum_j \sum_k g_{kj}",
        r"\sum_{i,k,j} g_{ij} g_{kj} u_{il} = \sum_{n,m,p} g_{mn} u_{pl} g_{pn}",
        r"\sum_{i,k} g_{ij} u_{ij} g_{kj} u_{kj}^2 = \sum_{i,k} g_{kj} u_{kj} g_{ij} u_{ij}^2",
        r"\sum_{j,l} g_{ij} u_{il} g_{kl} u_{kj} = \sum_{j,l} g_{il} u_{ij} g_{kj} u_{kl}",
        r"\sum_{i,k} (\sum_j g_{ij} u_{kj}) = \sum_{k,i} (\sum_j g_{ij} u_{kj}) = \sum_{j,k,i} g_{kj} u_{ij}",
        r"\sum_{j,l} (\sum_i g_{ij} u_{il}) = \sum_{l,j} (\sum_i g_{ij} u_{il}) = \sum_{i,l,j} g_{il} u_{ij}",
        r"\sum_i (g_{ij} + u_{ij}) F_i = \sum_k F_k g_{kj} + \sum_p u_{pj} F_p",
        r"\sum_{i,k} (F_i - F_k)^2 = 2 N \sum_p F_p^2 - 2 (\sum_p F_p)^2",
    ],
)
def test_summed_letters_have_no_names(line):
    assert left_over(line) == "0"


@pytest.mark.parametrize(
    ("line", "rest"),
    [
        (
            r"\sum_i g_{ij} u_{ij} = \sum_{i,k} g_{ij} u_{kj}",
            r"\sum_{i} (g_{ij} u_{ij}) - (\sum_{i} g_{ij}) \sum_{i} u_{ij}",
        ),
        (
            r"\sum_{i,k} g_{ij} u_{kj} F_i = \sum_{i,k} g_{ij} u_{kj} F_k",
            r"(\sum_{i} (F_{i} g_{ij})) \sum_{i} u_{ij} - (\sum_{i} (F_{i} u_{ij})) \sum_{i} g_{ij}",
        ),
        (r"\sum_j g_{ij} = \sum_d X_{id}", r"\sum_{j} g_{ij} - \sum_{d} X_{id}"),
    ],
)
def test_sums_that_differ_in_more_than_names_are_told_apart(line, rest):
    assert is_left(line, rest)


# what the definitions say ------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        r"\sum_i h_{ij} = N \mu_j",
        r"\sum_{i,j} h_{ij} \gamma_j = N \sum_l \gamma_l \mu_l",
        r"\sum_i (h_{ij} - \mu_j) = \sum_i c_{ij} = \sum_i \hat h_{ij} = 0",
        r"\sum_i h_{ij}^2 = N \sigma_j^2 + N \mu_j^2",
        r"\sum_i c_{ij}^2 = \sum_i c_{ij} h_{ij} = N \sigma_j^2",
        r"\sum_d X_{id} W_{dj} = h_{ij} - b_j",
        r"\sum_d W_{dl} X_{kd} F_k = (h_{kl} - b_l) F_k",
        r"\sum_{i,d} X_{id} W_{dj} = N (\mu_j - b_j)",
        r"s_j^2 = \sigma_j^2 + \epsilon",
        r"\hat h_{ij} s_j + \mu_j = h_{ij}",
        r"\sum_i y_{ij} = N \beta_j",
        r"\mathcal L = \sum_{k,l} g_{kl} (\gamma_l \hat h_{kl} + \beta_l)",
        r"a_{ij} = \max(0, y_{ij})",
        r"a_{ij}^2 = y_{ij} a_{ij}",
        r"(\max(0, g_{ij}))^3 = g_{ij}^2 \max(0, g_{ij})",
        r"\mathtt{dh}_{kl} = \frac{\partial \mathcal L}{\partial h_{kl}}",
    ],
)
def test_definitions_are_used(line):
    assert left_over(line) == "0"


@pytest.mark.parametrize(
    ("line", "given"),
    [
        (r"m_j + m_l = \frac{1}{N} \sum_i (g_{ij} + g_{il})", [r"m_j = \frac{1}{N} \sum_i g_{ij}"]),
        (r"\sum_i u_{ij} g_{ij} = 2 p_j - 2 \beta_j", [r"p_j = \frac{1}{2} \sum_i g_{ij} u_{ij} + \beta_j"]),
        (r"K = N \alpha", [r"K = \sum_i \alpha"]),
        (r"\sum_{i,j} g_{ij} = K", [r"K = \sum_{i,j} g_{ij}"]),
        (r"K = \sum_i F_i (\sum_k F_k)", [r"K = \left(\sum_i F_i\right)^2"]),
        (r"p_j = \gamma_j \sum_i g_{ij}", [r"p_j = \gamma_j \sum_i g_{ij}"]),
        (r"p_j = \sum_i (g_{ij} + u_{ij})", [r"p_j = \sum_i g_{ij} + \sum_i u_{ij}"]),
        (r"p_j - \frac{1}{2} K = 0", [r"p_j = \alpha", r"K = 2 \alpha"]),
        (r"m_j = \mu_j", [r"m_j = \frac{1}{N} \sum_i h_{ij}"]),
        (r"x_{ij} = F_i g_{ij} + \mu_j", [r"m_j = \mu_j", r"x_{ij} = F_i g_{ij} + m_j"]),
        (r"\tau_j^2 (\tau_j^2 + \epsilon)^{-1} = 1 - \epsilon (\tau_j^2 + \epsilon)^{-1}", [r"\tau_j^2"]),
        (r"\tau_j^2 = \alpha^2 \sigma_j^2", [r"\tau_j^2 = \alpha^2 \sigma_j^2"]),
        (r"m_{jl} + m_{ln} = m_{jn}", [r"m_{jl} = \mu_j - \mu_l"]),
    ],
)
def test_further_definitions_are_used(line, given):
    assert left_over(line, *given) == "0"


def test_a_rule_is_used_inside_a_sum_that_has_none():
    assert left_over(r"\sum_{i,d} X_{id} W_{dj} F_i = \sum_i F_i (h_{ij} - b_j)") == "0"


def test_a_rule_is_not_used_where_a_further_factor_has_the_letter():
    assert is_left(r"F_k \mu_j = \sum_i h_{ij} F_i", r"F_k \mu_j - \sum_i h_{ij} F_i")


def test_a_rule_is_not_used_for_another_power_or_other_letters():
    assert left_over(r"\sum_i g_{ij} u_{il} = p_j", r"p_j = \sum_i g_{ij} u_{ij}") != "0"
    assert left_over(r"\sum_i h_{ij}^3 = N \mu_j^3") != "0"
    assert left_over(r"\sum_i h_{ij} h_{il} = N \mu_j \mu_l") != "0"
    assert left_over(r"H \mu_j F_i = \sum_l h_{il} F_i \mu_j") != "0"


def test_a_rule_is_not_used_on_a_diagonal():
    given = ("M_{ik}", r"p_k = \sum_i M_{ik}")
    assert left_over(r"\sum_i M_{ik} = \sum_m M_{mk} = p_k", *given) == "0"
    assert left_over(r"F_k p_k = F_k \sum_i M_{ii}", *given) != "0"
    assert left_over(r"F_k p_k = F_k \sum_i M_{ki}", *given) != "0"
    assert left_over(r"\sum_i M_{ii} = \sum_k p_k", *given) == r"\sum_{i} M_{ii} - \sum_{i} p_{i}"


@pytest.mark.parametrize(
    ("definition", "has_rule"),
    [
        (r"p_j = \frac{2}{N} \sum_i g_{ij} - \beta_j", True),
        (r"p_j = \sum_i g_{ij}^2 u_{ij}", True),
        (r"p_j = \sum_i (g_{ij} + u_{ij})", False),
        (r"p_j = \gamma_j \sum_i g_{ij}", False),
        (r"p_j = \left(\sum_i g_{ij}\right)^2", False),
        (r"K = \sum_{i,j} g_{ij}", False),
        (r"p_j = \sum_i F_i \sum_k g_{kj}", False),
        (r"p_j = \frac{1}{N} \sum_i h_{ij}", False),
        (r"p_j = \sum_i \gamma_j", False),
    ],
)
def test_a_definition_with_one_sum_over_one_letter_gives_a_rule(definition, has_rule):
    name = definition.partition(" ")[0].removesuffix("_j")
    assert (name in context(definition).theory.rules) is has_rule


@pytest.mark.parametrize(
    "line",
    [
        r"(\tau_j^2 + \epsilon)^{1/2} (\tau_j^2 + \epsilon)^{1/2} = \tau_j^2 + \epsilon",
        r"\tau_j^2 = \frac{1}{N} \sum_i (g_{ij} - u_{ij})^2",
        r"N \tau_j^2 = \sum_i g_{ij}^2 - 2 \sum_k u_{kj} g_{kj} + \sum_p u_{pj}^2",
        r"(\sum_i g_{ij}^2)^2 = (N \tau_j^2 + 2 \sum_m u_{mj} g_{mj} - \sum_p u_{pj}^2)^2",
        r"\sum_j (\sum_i g_{ij}^2) = \sum_l N \tau_l^2 + \sum_{l,i} u_{il} (2 g_{il} - u_{il})",
    ],
)
def test_a_square_of_several_sums_is_kept_whole(line):
    assert left_over(line, r"\tau_j^2 = \frac{1}{N} \sum_i (g_{ij} - u_{ij})^2") == "0"


def test_a_definition_that_need_not_exist_is_refused_where_it_is_used():
    given = r"x_j = \frac{1}{N - 1} \sum_i c_{ij}^2"
    assert left_over(r"\sum_i c_{ij} = 0", given) == "0"
    with pytest.raises(UndecidedError, match=r"^the power -1 of a sum"):
        left_over(r"\sum_i c_{ij}^2 = (N - 1) x_j", given)


def test_a_definition_is_instantiated_without_capture():
    given = (r"x_{ij} = \sum_k g_{kj} u_{ij}", r"z_{ij} = \sum_k F_k x_{kj}")
    assert left_over(r"z_{ij} = \sum_p F_p u_{pj} \sum_m g_{mj}", *given) == "0"


def test_definitions_may_come_in_any_order():
    definitions = list(context().theory.definitions.values())
    sides = read(REGISTER["eq-dh-hat"]["tex"])
    for order in (definitions, definitions[::-1], definitions[4:] + definitions[:4]):
        theory = theory_of(order)
        assert set(theory.rules) == {"h", r"\mu", r"\sigma^2"}
        assert all(residual(left, right, theory) == ZERO for left, right in pairwise(sides))


def test_the_last_definition_of_a_name_counts():
    first, last = (read_definition(rf"p_j = {n} \mu_j") for n in (2, 3))
    line = read(r"p_j = 3 \mu_j", context(r"p_j").names)
    assert residual(*line, theory_of([first, last])) == ZERO
    assert write(residual(*line, theory_of([last, first]))) == r"-\mu_{j}"


@pytest.mark.parametrize(
    "definitions",
    [
        [r"\mu_j = \mu_j + 1"],
        [r"\mu_j = \frac{1}{N} \sum_i h_{ij}", r"h_{ij} = c_{ij} + \mu_j"],
        [r"\mu_j = \frac{\partial (\alpha^2)}{\partial \alpha} b_j", r"b_j = s_j", r"s_j = \mu_j"],
    ],
)
def test_a_name_defined_by_itself_is_refused(definitions):
    with pytest.raises(ValueError, match=r"^(\\mu|h|b|s) is defined by itself$"):
        theory_of(map(read_definition, definitions))


# powers ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        r"\sigma_j^2 (\sigma_j^2 + \epsilon)^{-1} = 1 - \epsilon (\sigma_j^2 + \epsilon)^{-1}",
        r"(\sigma_j^2 + \epsilon)^{1/2} (\sigma_j^2 + \epsilon)^{-3/2} = (\epsilon + \sigma_j^2)^{-1}",
        r"s_j^{-2} s_j^5 = (\sigma_j^2 + \epsilon) s_j",
        r"\frac{1}{s_j} s_j = s_j^0 = 1",
        r"\sqrt{\sigma_j^2 + \epsilon} = s_j",
        r"\left(s_j^2\right)^{1/2} = s_j",
        r"\sqrt{4 (\sigma_j^2 + \epsilon)} = 2 s_j",
        r"\sqrt{\frac{4}{9} N^2 \alpha^4} = \frac{2}{3} N \alpha^2",
        r"\sqrt{\alpha^2 \sigma_j^2 + \alpha^2 \epsilon} = \alpha s_j",
        r"\left(\sum_i (\sigma_j^2 + \epsilon)\right)^{-1} = \frac{1}{N} s_j^{-2}",
        r"\frac{1}{N H D \epsilon \alpha} N^2 = \frac{N}{H D \alpha \epsilon}",
        r"\sum_k \delta_{jj} \frac{1}{N} = 1",
        r"(g_{ij} + u_{ij})^2 - (g_{ij} - u_{ij})^2 = 4 g_{ij} u_{ij}",
        r"(g_{ij} - u_{ij})^0 = 1",
        r"(g_{ij} - g_{ij})^2 = 0",
        r"\sum_j (\sigma_j^2 + \epsilon)^{-1} \sigma_j^2 = H - \epsilon \sum_j s_j^{-2}",
    ],
)
def test_powers_are_combined(line):
    assert left_over(line) == "0"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (r"\frac{1}{h_{ij}} = 1", "h may be 0 or negative, so its power -1 need not exist"),
        (r"\gamma_j \gamma_j^{-1} = 1", r"\gamma may be 0 or negative, so its power -1 need not exist"),
        (r"\sqrt{\mu_j^2} = \mu_j", r"\mu may be 0 or negative, so its power 1 need not exist"),
        (r"F_i^{1/2} = 1", "F may be 0 or negative, so its power 1/2 need not exist"),
        (r"\delta_{ik}^{-1} = 1", r"\delta may be 0 or negative, so its power -1 need not exist"),
        (r"\sqrt{N} = 1", "only sigma^2 + epsilon has a root here, N has the power 1/2"),
        (r"\epsilon^{3/2} = 1", r"only sigma^2 + epsilon has a root here, \epsilon has the power 3/2"),
        (
            r"(\sigma_j^2)^{-1} = 1",
            "the power -1 of a sum is known for sigma^2 + epsilon alone, not for 2 terms; "
            "multiply both sides by it",
        ),
        (
            r"\frac{1}{N - 1} = 1",
            "the power -1 of a sum is known for sigma^2 + epsilon alone, not for 2 terms; "
            "multiply both sides by it",
        ),
        (
            r"\sqrt{1 + N + H} = 1",
            "the power 1/2 of a sum is known for sigma^2 + epsilon alone, not for 3 terms; "
            "multiply both sides by it",
        ),
        (r"\sqrt{2 \alpha^2} = \alpha", "the power 1/2 of 2 is not rational"),
        (r"\sqrt{-s_j^2} = s_j", "the power 1/2 of -1 is not rational"),
    ],
)
def test_what_need_not_exist_is_refused(line, message):
    with pytest.raises(UndecidedError, match=exactly(message)):
        left_over(line)


@pytest.mark.parametrize(
    "line",
    [
        r"\frac{1}{\sum_j (\sigma_j^2 + \epsilon)} = 1",
        r"\sqrt{\sum_j s_j^2} = 1",
        r"\frac{1}{g_{ij} - g_{ij}} = 1",
    ],
)
def test_no_power_of_a_sum_or_of_0_is_taken(line):
    with pytest.raises(UndecidedError):
        left_over(line)


def test_undecided_is_a_value_error():
    assert issubclass(UndecidedError, ValueError)


# what a wrong line leaves --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "rest"),
    [
        (r"h_{ij} = h_{ij}", "0"),
        (r"g_{ij} = 2 g_{ij}", "-g_{ij}"),
        (r"\sum_i h_{ij} = \mu_j", r"-\mu_{j} + N \mu_{j}"),
        (r"\frac{3}{2 H N^2} N F_i = 0", r"\frac{3}{2 H N} F_{i}"),
        (r"\frac{1}{N} F_i = \frac{1}{N^2}", r"-\frac{1}{N^{2}} + \frac{1}{N} F_{i}"),
        (r"\frac{5}{2} F_i = 0", r"\frac{5}{2} F_{i}"),
        (r"1 = 0", "1"),
        (
            r"h_{ij} h_{kj} - h_{ij} \mu_j - h_{kj} \mu_j + \mu_j^2 = 0",
            r"(h_{ij} - \mu_{j}) (h_{kj} - \mu_{j})",
        ),
        (r"\sum_i \hat h_{ij}^2 = N", r"-N \epsilon \frac{1}{\sigma_{j}^2 + \epsilon}"),
        (
            d(r"\hat h_{kl}", "h_{ij}") + r" = (\delta_{ik} \delta_{jl} - \frac{1}{N} \delta_{jl}) s_l^{-1}",
            r"-\frac{1}{N} \delta_{jl} (\sigma_l^2 + \epsilon)^{-3/2} (h_{il} - \mu_l) (h_{kl} - \mu_l)",
        ),
        (r"\sum_d X_{id} W_{dj} = h_{ij}", "-b_{j}"),
        (r"\sum_i h_{ij} u_{ij} = \mu_j \sum_i u_{ij}", r"\sum_{i} (u_{ij} (h_{ij} - \mu_{j}))"),
        (r"\sum_m g_{mj} F_i F_k F_p = 0", r"F_{i} F_{k} F_{p} \sum_{m} g_{mj}"),
    ],
)
def test_residual_is_left_minus_right_in_few_terms(line, rest):
    assert is_left(line, rest)


@pytest.mark.parametrize(
    ("line", "rest"),
    [
        (r"h_{ij} = h_{ij}", "0"),
        (r"1 = 0", "1"),
        (r"g_{ij} = 2 g_{ij}", "-g_{ij}"),
        (r"\frac{5}{2} F_i = 0", r"\frac{5}{2} F_{i}"),
        (r"\sum_p F_p = 0", r"\sum_{i} F_{i}"),
        (r"\sum_d X_{id} W_{dj} = h_{ij}", "-b_{j}"),
    ],
)
def test_residual_can_be_written(line, rest):
    assert left_over(line) == rest


@pytest.mark.parametrize(
    ("line", "summed"),
    [
        (r"F_i F_k F_p \sum_m F_m^2 = 0", 1),
        (r"\sum_i (\sum_d X_{id})^2 = 0", 3),
        (r"(\sum_j g_{ij})^2 = 0", 1),
    ],
)
def test_residual_sums_over_letters_of_its_own(line, summed):
    left, right = read(line)
    rest = residual(left, right, context().theory)
    assert free_letters(rest) == free_letters(left)
    assert not summed_letters(rest) & free_letters(rest)
    assert len(summed_letters(rest)) == summed
    assert residual(rest, left, theory_of([])) == ZERO


def test_residual_has_letters_where_all_are_taken():
    left = multiply(*(Symbol("F", (k,)) for k in "ikpm"), Sum(("i9",), Symbol("F", ("i9",))))
    rest = residual(left, ZERO, context().theory)
    assert free_letters(rest) == set("ikpm")
    assert residual(rest, left, theory_of([])) == ZERO


# derivatives -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        d("h_{kl}", "h_{ij}") + r" = \delta_{ik} \delta_{jl}",
        d("g_{kl}", "h_{ij}") + " = 0",
        d(r"(\sum_k h_{kl}^2)", "h_{ij}") + r" = 2 h_{il} \delta_{jl}",
        d(r"(g_{kl} h_{kl} \gamma_l h_{pl})", "h_{ij}")
        + r" = g_{kl} \gamma_l \delta_{jl} (\delta_{ik} h_{pl} + \delta_{ip} h_{kl})",
        d(r"(3 h_{kl}^3 - h_{kl} + 5)", "h_{kl}") + " = 9 h_{kl}^2 - 1",
        d(r"((h_{kl} + g_{kl})^2)", "h_{kl}") + " = 2 (h_{kl} + g_{kl})",
        d(r"(h_{kl}^0)", "h_{kl}") + " = 0",
        d("h_{kl}", "X_{id}") + r" = \delta_{ik} W_{dl}",
        d("h_{kl}", "W_{dj}") + r" = X_{kd} \delta_{jl}",
        d(r"\hat h_{kl}", "b_j") + " = 0",
        d("y_{kl}", r"\hat h_{ij}") + r" = \gamma_l \delta_{ik} \delta_{jl}",
        d(r"\mathcal L", r"\hat h_{ij}") + r" = g_{ij} \gamma_j",
        d(r"\mu_l", r"\hat h_{ij}") + " = 0",
        d("c_{kl}", r"\mu_j") + r" = -\delta_{jl}",
        d(r"\sigma_l^2", r"\mu_j") + " = 0",
        d(r"\hat h_{kl}", r"\mu_j") + r" = -\delta_{jl} s_j^{-1}",
        d("h_{kl}", r"\mu_j") + " = 0",
        d(r"(\sum_i h_{il} - N \mu_l)", r"\mu_j") + r" = -N \delta_{jl}",
        d("s_l", r"\sigma_j^2") + r" = \frac{1}{2} \delta_{jl} \frac{1}{s_j}",
        d(r"\hat h_{kl}", r"\sigma_j^2") + r" = -\frac{1}{2} \delta_{jl} \hat h_{kj} s_j^{-2}",
        d(r"(\sigma_l^2 (\sigma_l^2 + \epsilon)^{-1})", r"\sigma_l^2") + r" = \epsilon s_l^{-4}",
        d(r"\mathcal L", r"\gamma_j") + r" = \sum_k g_{kj} \hat h_{kj}",
        d("y_{kl}", r"\beta_j") + r" = \delta_{jl}",
        d(r"(\sum_k c_{kl}^2)", "c_{ij}") + r" = 2 c_{ij} \delta_{jl}",
        d(r"\hat h_{kl}", "c_{ij}") + " = 0",
        d("s_j", r"\epsilon") + r" = \frac{1}{2} s_j^{-1}",
        d(r"\hat h_{kl}", r"\epsilon") + r" = -\frac{1}{2} \hat h_{kl} s_l^{-2}",
        d(r"\sigma_l^2", r"\epsilon") + " = 0",
        d(r"(\alpha^3 \mu_j)", r"\alpha") + r" = 3 \alpha^2 \mu_j",
        d("a_{kl}", "y_{ij}")
        + r" = \delta_{ik} \delta_{jl}"
        + r" \begin{cases} 1 & \text{if } y_{kl} > 0, \\ 0 & \text{otherwise.} \end{cases}",
        d(r"(\begin{cases} F_p^2 & \text{if } i = k, \\ 3 F_p & \text{otherwise.} \end{cases})", "F_p")
        + r" = 3 + \delta_{ik} (2 F_p - 3)",
        d("(" + d("s_j", r"\sigma_j^2") + ")", r"\sigma_j^2") + r" = -\frac{1}{4} s_j^{-3}",
        d("(" + d("(h_{ij}^3)", "h_{kl}") + ")", "h_{mn}")
        + r" = 6 h_{ij} \delta_{ik} \delta_{jl} \delta_{im} \delta_{jn}",
        d("(" + d(r"(\sum_i F_i^2 F_k)", "F_p") + ")", "F_m")
        + r" = 2 F_p \delta_{km} + 2 \delta_{pm} F_k + 2 F_m \delta_{kp}",
        d("(" + d("y_{kl}", r"\gamma_j") + ")", r"\sigma_n^2")
        + r" = -\frac{1}{2} \delta_{jl} \delta_{ln} \hat h_{kl} s_l^{-2}",
        r"\sum_{i,j} " + d("h_{ij}", "h_{ij}") + " = N H",
        r"\sum_i " + d(r"(F_i^2 \sum_k F_k)", "F_i") + r" = 2 (\sum_i F_i)^2 + \sum_i F_i^2",
    ],
)
def test_derivatives_follow_the_rules(line):
    assert left_over(line) == "0"


DEFINING = [*ledger.DEFINITIONS, *(label for label in ledger.GIVEN if label in ledger.GIVEN[label])]


@pytest.mark.parametrize("label", [label for label in REGISTER if label not in DEFINING])
def test_every_equation_of_the_book_is_proved(label):
    assert left_over(REGISTER[label]["tex"], *ledger.given_of(label)) == "0"


@pytest.mark.parametrize("name", IDENTITIES)
def test_every_identity_is_proved(name):
    line, given = IDENTITIES[name]
    assert left_over(line, "m_j", r"\tau_j^2", *given) == "0"


def test_a_letter_of_by_may_not_be_summed():
    message = (
        "expression must not sum over i, j, an index of h in `by`: "
        "the sum would capture it; give the summation letter another name"
    )
    total = read_expression(r"\frac{1}{N} \sum_{i,j} h_{ij}")
    with pytest.raises(ValueError, match=exactly(message)):
        differentiate(total, Symbol("h", ("i", "j")), {})


def test_the_derivative_of_a_mean_is_right_with_another_letter():
    by, theory = Symbol("h", ("i", "j")), context().theory
    found = differentiate(read_expression(r"\frac{1}{N} \sum_p h_{pl}"), by, {})
    assert residual(found, read_expression(r"\frac{1}{N} \delta_{jl}"), theory) == ZERO
    found = differentiate(Symbol(r"\mu", ("l",)), by, theory.definitions)
    assert residual(found, read_expression(r"\frac{1}{N} \delta_{jl}"), theory) == ZERO


@pytest.mark.parametrize(
    ("total", "by", "expected"),
    [
        (r"\sum_i F_i", "F_i", "1"),
        (r"\sum_i F_i^2", "F_i", "2 F_i"),
        (r"\sum_i h_{ij} u_{ij}", "h_{il}", r"\delta_{jl} u_{il}"),
        (r"\sum_i \sum_k g_{ij} g_{kl}", "g_{in}", r"\delta_{jn} \sum_k g_{kl} + \delta_{ln} \sum_k g_{kj}"),
        (r"\sum_{i,k} g_{ij} g_{kj}", "g_{il}", r"2 \delta_{jl} \sum_k g_{kj}"),
        (r"\sum_i F_i \sum_k F_k g_{kj}", "F_k", r"\sum_i F_i g_{ij} + g_{kj} \sum_i F_i"),
    ],
)
def test_a_summed_letter_that_would_capture_one_of_by_is_renamed(total, by, expected):
    found = derivative(read_expression(total), read_expression(by), {})
    assert residual(found, read_expression(expected), context().theory) == ZERO


def sums_twice(expression, taken=frozenset()):
    """Whether a sum stands inside another one over the same letter."""
    own = set(expression.letters) if isinstance(expression, Sum) else set()
    return bool(own & taken) or any(sums_twice(part, taken | own) for part in parts(expression))


@pytest.mark.parametrize(
    "tex",
    [
        r"\sum_k F_k K",
        r"\sum_{k,p} F_k F_p K^2",
        r"\sum_m F_m K \sum_k F_k",
        rf"\sum_k F_k {d('(K F_p)', 'F_m')}",
        rf"\sum_m F_m {d('(K F_p)', 'F_m')}",
    ],
)
def test_a_sum_from_a_definition_takes_no_letter_of_the_sum_around_it(tex):
    known = context(r"K = \sum_k F_k^2")
    found = differentiate(read_expression(tex, known.names), Symbol("F", ("i",)), known.theory.definitions)
    assert not sums_twice(found)
    plainly = Derivative(read_expression(tex.replace("K", "(\\sum_i F_i^2)")), Symbol("F", ("k1",)))
    plainly = rename(plainly, {"k1": "i"})
    assert residual(found, plainly, known.theory) == ZERO


@pytest.mark.parametrize(
    "tex", ["3", "g_{kl}", r"\sum_k F_k \gamma_l", r"(\sum_k F_k)^2 + \alpha", r"\delta_{kp}"]
)
def test_the_derivative_of_what_does_not_depend_is_0(tex):
    assert derivative(read_expression(tex), Symbol("h", ("i", "j")), {}) == ZERO


WRONG = {
    "the mean doubled": ([r"\mu_j = \frac{2}{N} \sum_i h_{ij}"], {"eq-dmu", "eq-dvar-1", "eq-jac"}),
    "the variance of h alone": ([r"\sigma_j^2 = \frac{1}{N} \sum_i h_{ij}^2"], {"eq-dvar-1", "eq-jac"}),
    "the variance doubled": (
        [r"\sigma_j^2 = \frac{2}{N} \sum_i (h_{ij} - \mu_j)^2"],
        {"eq-dvar-1", "eq-jac"},
    ),
    "hhat doubled": ([r"\hat h_{ij} = 2 (h_{ij} - \mu_j) (\sigma_j^2 + \epsilon)^{-1/2}"], {"eq-jac"}),
}


@pytest.mark.parametrize("change", WRONG)
def test_a_changed_definition_makes_its_equations_unprovable(change):
    given, expected = WRONG[change]
    labels = ("eq-dmu", "eq-dvar-1", "eq-jac", "eq-delta")
    assert {label for label in labels if left_over(REGISTER[label]["tex"], *given) != "0"} == expected


@pytest.mark.parametrize(
    ("forgotten", "expected"), [(r"\mu", {"eq-dmu", "eq-jac"}), (r"\sigma^2", {"eq-dvar-1", "eq-jac"})]
)
def test_a_derivative_that_forgets_a_name_is_noticed(monkeypatch, forgotten, expected):
    def forgetful(expression, by, definitions):
        return derivative(expression, by, {n: d for n, d in definitions.items() if n != forgotten})

    monkeypatch.setattr(symbolic, "derivative", forgetful)
    labels = ("eq-dmu", "eq-dvar-1", "eq-jac", "eq-delta")
    assert {label for label in labels if left_over(REGISTER[label]["tex"]) != "0"} == expected


# letters -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "letters", "expected"),
    [
        (r"F_i g_{kj}", {"i": "p", "k": "i"}, r"F_p g_{ij}"),
        (r"\sum_i F_i g_{kj}", {"i": "p", "k": "m"}, r"\sum_i F_i g_{mj}"),
        (r"\max(0, g_{kj})", {"k": "i"}, r"\max(0, g_{ij})"),
        (d(r"\mathcal L", "g_{kj}"), {"k": "i"}, d(r"\mathcal L", "g_{ij}")),
    ],
)
def test_free_letters_are_renamed(expression, letters, expected):
    assert rename(read_expression(expression), letters) == read_expression(expected)


def test_the_letters_of_a_condition_are_renamed():
    case = Case(Equal("i", "k"), Symbol("F", ("k",)), ZERO)
    assert rename(case, {"k": "p"}) == Case(Equal("i", "p"), Symbol("F", ("p",)), ZERO)


def test_renaming_captures_no_letter():
    total = Sum(("k", "p"), Mul((Symbol("F", ("k",)), Symbol("F", ("p",)), Symbol("F", ("i",)))))
    renamed = rename(total, {"i": "k"})
    assert renamed == Sum(("k1", "p"), Mul((Symbol("F", ("k1",)), Symbol("F", ("p",)), Symbol("F", ("k",)))))
    assert rename(renamed, {"k": "k1"}).letters == ("k2", "p")
    assert rename(Sum(("k", "k1"), Symbol("F", ("i",))), {"i": "k"}).letters == ("k2", "k1")
    assert rename(Sum(("k",), Symbol("h", ("k1", "j"))), {"j": "k"}).letters == ("k2",)
    assert rename(Sum(("k", "k1"), Symbol("h", ("i", "j"))), {"i": "k", "j": "k1"}).letters == ("k2", "k3")


def test_letters_and_names_of_an_expression():
    expression = read_expression(
        r"\sum_k F_k \delta_{ik}"
        r" + \begin{cases} g_{pj} & \text{if } i = m, \\ \max(0, \gamma_l) & \text{otherwise.} \end{cases}"
    )
    assert letters_of(expression) == set("kipjml")
    assert free_letters(expression) == set("ipjml")
    assert summed_letters(expression) == {"k"}
    assert names_in(expression) == {"F", r"\delta", "g", r"\gamma"}


def test_a_definition_is_instantiated_at_its_letters():
    definition = read_definition(r"\mu_j = \frac{1}{N} \sum_i h_{ij}")
    assert instantiate(definition, ("l",)) == read_expression(r"\frac{1}{N} \sum_i h_{il}")


def test_sums_and_products_of_nothing_and_of_one():
    x = Symbol("F", ("i",))
    assert (add(), add(x, ZERO), add(x, x)) == (ZERO, x, Add((x, x)))
    assert (multiply(), multiply(ONE, x), multiply(x, ZERO), multiply(x, x)) == (ONE, x, ZERO, Mul((x, x)))
    assert (delta(), delta(("i", "k"))) == (ONE, Symbol(r"\delta", ("i", "k")))


# anything ----------------------------------------------------------------------------------

LETTERS = {"N": ("i", "k"), "H": ("j", "l")}
SPARE = {"N": ("p", "m"), "H": ("n", "q")}
LEAVES = ["h NH", "g NH", r"\mu H", r"\sigma^2 H", r"\gamma H", "F N", r"\delta NN", r"\delta HH", "N "]


@st.composite
def names(draw, scope):
    name, kinds = draw(st.sampled_from(LEAVES)).split(" ")
    return Symbol(
        name,
        tuple(
            draw(st.sampled_from([k for k in scope if k in LETTERS[kind] + SPARE[kind]])) for kind in kinds
        ),
    )


@st.composite
def expressions(draw, scope=("i", "k", "j", "l"), depth=3):
    """Sums, products, deltas and powers, with free letters i k j l and sums over p m n q."""
    spare = [k for letters in SPARE.values() for k in letters if k not in scope]
    kind = draw(
        st.sampled_from(
            ["leaf", "leaf", "number", "add", "mul", "mul", "power", "root", "sum", "sum", "case"]
        )
    )
    if depth == 0 or kind == "leaf" or (kind == "sum" and not spare):
        return draw(names(scope))
    if kind == "number":
        return Number(Fraction(draw(st.integers(-2, 3)), draw(st.integers(1, 2))))
    inner = expressions(scope, depth - 1)
    if kind == "power":
        return Power(draw(inner), Fraction(draw(st.integers(0, 2))))
    if kind == "root":
        whole = Add((Symbol(r"\sigma^2", (draw(st.sampled_from("jl")),)), Symbol(r"\epsilon")))
        return Power(whole, Fraction(draw(st.integers(-3, 3)), 2))
    if kind == "sum":
        letter = draw(st.sampled_from(spare))
        return Sum((letter,), draw(expressions((*scope, letter), depth - 1)))
    if kind == "case":
        condition = draw(st.sampled_from([Equal("i", "k"), Positive(Symbol("g", ("i", "j")))]))
        return Case(condition, draw(inner), draw(inner))
    return (Add if kind == "add" else Mul)((draw(inner), draw(inner)))


def rearranged(expression, random):
    """The same expression: commuted, distributed, split, its summed letters renamed."""
    match expression:
        case Add(terms):
            terms = [rearranged(term, random) for term in terms]
            return Add(tuple(random.sample(terms, len(terms))))
        case Mul((Add(terms), *others)) if random.random() < 0.5:
            return Add(tuple(rearranged(Mul((*others, term)), random) for term in terms))
        case Mul(factors):
            factors = [rearranged(factor, random) for factor in factors]
            return Mul(tuple(random.sample(factors, len(factors))))
        case Power(base, exponent) if exponent == 2:
            return Mul((rearranged(base, random), rearranged(base, random)))
        case Power(base, exponent) if exponent.denominator == 2 and random.random() < 0.5:
            return Mul((Power(base, exponent + 1), Power(base, Fraction(-1))))
        case Sum((outer,), Sum((inner,), body)) if random.random() < 0.5:
            return Sum((inner,), rearranged(Sum((outer,), body), random))
        case Sum((letter,), body):
            new = f"{letter}{random.randint(1, 9)}"
            return Sum((new,), rename(rearranged(body, random), {letter: new}))
        case Symbol(r"\delta", (left, right)):
            return Symbol(r"\delta", (right, left))
        case Case(condition, then, otherwise):
            there = Case(condition, rearranged(then, random), ZERO)
            return Add((there, Case(condition, ZERO, rearranged(otherwise, random))))
    return expression


@cache
def worlds():
    definitions = context().theory.definitions
    sizes = [{"N": n, "H": h, "D": h + 1} for n, h in ((2, 3), (4, 2), (5, 3))]
    found = [exact_world(size, definitions) for size in sizes]
    for world in found:  # what is left may hold the switch of a case
        world.values["[g > 0]"] = (world.value("g") > 0).astype(int).astype(object)
    return found


def agree(left, right):
    letters = ("i", "j", "k", "l")
    return all(np.array_equal(w.evaluate(left, letters), w.evaluate(right, letters)) for w in worlds())


@given(expression=expressions(), random=st.randoms(use_true_random=False))
def test_a_rearranged_expression_has_the_same_normal_form(expression, random):
    theory = context().theory
    assert normal_form(expression, theory) == normal_form(rearranged(expression, random), theory)


@given(left=expressions(), right=expressions())
def test_two_expressions_are_equal_where_their_values_are(left, right):
    assert (residual(left, right, context().theory) == ZERO) == agree(left, right)


@given(
    expression=expressions(),
    factor=expressions(depth=1),
    letters=st.sampled_from([("i", "k"), ("j", "l"), ("l", "j")]),
)
def test_an_expression_and_one_like_it_are_equal_where_their_values_are(expression, factor, letters):
    left, right = (Mul((factor, term)) for term in (expression, rename(expression, dict([letters]))))
    assert (residual(left, right, context().theory) == ZERO) == agree(left, right)


@given(expression=expressions(depth=2))
def test_what_is_left_has_the_value_of_left_minus_right(expression):
    rest = residual(expression, Symbol("h", ("i", "j")), context().theory)
    assert agree(rest, Add((expression, Mul((MINUS_ONE, Symbol("h", ("i", "j")))))))


@given(
    expression=expressions(depth=2),
    by=st.sampled_from(["h_{il}", r"\mu_j", r"\gamma_j", r"\sigma_l^2", "F_k"]),
)
def test_derivatives_are_those_of_dual_numbers(expression, by):
    left = Derivative(expression, read_expression(by))
    rest = residual(left, ZERO, context().theory)
    world = worlds()[1]
    letters = tuple(sorted(free_letters(left)))
    np.testing.assert_array_equal(world.evaluate(left, letters), world.evaluate(rest, letters))


@pytest.mark.parametrize(
    ("meaning", "refused"),
    [
        (r"3 \sigma_j^2 + \epsilon", False),
        (r"(\sum_i h_{ij})^2", False),
        (r"\frac{1}{N} \sum_i (h_{ij}^2)^{1/2}", False),
        (r"\sigma_j^2 - \epsilon", True),
        (r"\mu_j^3", True),
        (r"-\frac{1}{N} \sum_i h_{ij}^2", True),
        (r"\frac{\partial \sigma_j^2}{\partial \epsilon}", True),
    ],
)
def test_a_square_is_defined_by_what_is_seen_not_to_be_negative(meaning, refused):
    definitions = [read_definition(rf"\tau_j^2 = {meaning}")]
    if refused:
        with pytest.raises(ValueError, match=r"^\\tau\^2 must not be negative: define it"):
            theory_of(definitions)
    else:
        theory_of(definitions)
