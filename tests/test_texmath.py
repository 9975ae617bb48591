"""TeX is read as the reader sees it, or refused at the right place; what is written reads back the same."""

import json
import re
from fractions import Fraction
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from messages import exactly

import bn_utils
from bn_utils import ledger
from bn_utils.proof.expressions import (
    DELTA,
    LETTERS,
    MINUS_ONE,
    NAMES,
    ONE,
    ZERO,
    Add,
    Case,
    Definition,
    Derivative,
    Equal,
    Mul,
    Number,
    Positive,
    Power,
    Sum,
    Symbol,
)
from bn_utils.proof.letters import free_letters
from bn_utils.proof.texwrite import write, write_chain
from bn_utils.texmath import TexError, read, read_definition, read_expression, read_name

REGISTER = json.loads(Path(bn_utils.__file__).with_name("register.json").read_text(encoding="utf-8"))
BOOK = [row["tex"] for row in REGISTER.values()]
LOSS = Symbol(r"\mathcal L")
ROWS, COLUMNS, FEATURES = (Symbol(size) for size in "NHD")
TWO, THREE, HALF = Number(Fraction(2)), Number(Fraction(3)), Number(Fraction(1, 2))


def symbol(name, letters=""):
    return Symbol(name, tuple(letters))


def inverse(base):
    return Power(base, Fraction(-1))


def minus(*factors):
    return Mul((MINUS_ONE, *factors))


def refusal(marked, reader=read_expression):
    """The cause that a reader gives for refusing TeX, asserted to be where the @ stands in it."""
    tex = marked.replace("@", "")
    with pytest.raises(TexError) as caught:
        reader(tex)
    assert caught.value.place == marked.index("@")
    return str(caught.value)


# what is read ------------------------------------------------------------------------

A, B, C = symbol("h", "ij"), symbol(r"\mu", "j"), symbol("F", "i")
F_K = symbol("F", "k")
READINGS = {
    # products and sums
    r"F_i N H": Mul((C, ROWS, COLUMNS)),
    r"F_i (N H)": Mul((C, Mul((ROWS, COLUMNS)))),
    r"F_i + N - H": Add((C, ROWS, minus(COLUMNS))),
    r"F_i + (N - H)": Add((C, Add((ROWS, minus(COLUMNS))))),
    r"-N H": minus(ROWS, COLUMNS),
    r"-(N H)": minus(Mul((ROWS, COLUMNS))),
    r"-(N + H)": minus(Add((ROWS, COLUMNS))),
    r"+N": ROWS,
    r"N \cdot H \times D": Mul((ROWS, COLUMNS, FEATURES)),
    r"N (-H)": Mul((ROWS, minus(COLUMNS))),
    r"N [H + \lbrace D - 1 \rbrace]": Mul((ROWS, Add((COLUMNS, Add((FEATURES, MINUS_ONE)))))),
    # numbers
    r"2": TWO,
    r"-2": Number(Fraction(-2)),
    r"-2 N": minus(TWO, ROWS),
    r"(-2) N": Mul((Number(Fraction(-2)), ROWS)),
    r"0.75": Number(Fraction(3, 4)),
    r"9876543210987654321": Number(Fraction(9876543210987654321)),
    r"0.12345678901234567": Number(Fraction(12345678901234567, 10**17)),
    r"2 \cdot 3": Mul((TWO, THREE)),
    r"2 \cdot (3)": Mul((TWO, THREE)),
    r"2 \cdot \frac{1}{2}": Mul((TWO, HALF)),
    r"2 N 3": Mul((TWO, ROWS, THREE)),
    r"2^3": Number(Fraction(8)),
    r"-2^2": Number(Fraction(-4)),
    r"(-2)^2": Number(Fraction(4)),
    r"2^{-1}": HALF,
    r"10^9 / 10": Number(Fraction(10**8)),
    r"0.01^9": Number(Fraction(1, 10**18)),
    r"0^2": ZERO,
    r"1^{1/2}": ONE,
    r"\sqrt{1}": ONE,
    r"-\sqrt{\frac{3}{3}}": MINUS_ONE,
    # fractions
    r"\frac{1}{2}": HALF,
    r"-\frac{2}{4}": Number(Fraction(-1, 2)),
    r"\frac{1}{N}": inverse(ROWS),
    r"\frac{2}{N}": Mul((TWO, inverse(ROWS))),
    r"\frac{-1}{N}": minus(inverse(ROWS)),
    r"N (-\frac{1}{H})": Mul((ROWS, minus(inverse(COLUMNS)))),
    r"-(-1) N^{-1}": minus(MINUS_ONE, inverse(ROWS)),
    r"\frac{N}{2}": Mul((ROWS, HALF)),
    r"\frac{N H}{D + 1}": Mul((Mul((ROWS, COLUMNS)), inverse(Add((FEATURES, ONE))))),
    r"\frac{1}{N} H": Mul((inverse(ROWS), COLUMNS)),
    # powers
    r"N^2": Power(ROWS, Fraction(2)),
    r"N^2 3": Mul((Power(ROWS, Fraction(2)), THREE)),
    r"N^2 H": Mul((Power(ROWS, Fraction(2)), COLUMNS)),
    r"N^{-3/2}": Power(ROWS, Fraction(-3, 2)),
    r"N^{-\frac{3}{2}}": Power(ROWS, Fraction(-3, 2)),
    r"N^{\dfrac{1}{2}}": Power(ROWS, Fraction(1, 2)),
    r"N^{0.5}": Power(ROWS, Fraction(1, 2)),
    r"N^0": Power(ROWS, Fraction(0)),
    r"N^{-9}": Power(ROWS, Fraction(-9)),
    r"\sqrt{N + H}": Power(Add((ROWS, COLUMNS)), Fraction(1, 2)),
    r"(N H)^2": Power(Mul((ROWS, COLUMNS)), Fraction(2)),
    r"N H^2": Mul((ROWS, Power(COLUMNS, Fraction(2)))),
    r"h_{ij}^2": Power(A, Fraction(2)),
    r"h^2_{ij}": Power(A, Fraction(2)),
    r"\hat h_{ij}^2": Power(symbol(r"\hat h", "ij"), Fraction(2)),
    r"(\sigma_j^2)^2": Power(symbol(r"\sigma^2", "j"), Fraction(2)),
    # sums
    r"\sum_i F_i": Sum(("i",), C),
    r"\sum_{i,k} F_i F_k": Sum(("i", "k"), Mul((C, F_K))),
    r"\sum_i \sum_k F_i F_k": Sum(("i",), Sum(("k",), Mul((C, F_K)))),
    r"N \sum_i F_i H": Mul((ROWS, Sum(("i",), Mul((C, COLUMNS))))),
    r"(\sum_i F_i) (\sum_i F_i)": Mul((Sum(("i",), C), Sum(("i",), C))),
    r"-\sum_i F_i": minus(Sum(("i",), C)),
    # functions
    r"\exp F_i": symbol(r"\exp F", "i"),
    r"N \log{F}_i H": Mul((ROWS, symbol(r"\log F", "i"), COLUMNS)),
    r"(\exp F_i)^2": Power(symbol(r"\exp F", "i"), Fraction(2)),
    r"\frac{\partial \log F_k}{\partial F_i}": Derivative(symbol(r"\log F", "k"), C),
    # derivatives
    r"\frac{\partial \mathcal L}{\partial h_{ij}}": Derivative(LOSS, A),
    r"\frac{\partial \sigma_j^2}{\partial \mu_j}": Derivative(symbol(r"\sigma^2", "j"), B),
    r"\frac{\partial (F_i N)}{\partial F_i} H": Mul((Derivative(Mul((C, ROWS)), C), COLUMNS)),
    r"\frac{\partial [\frac{\partial \mathcal L}{\partial \mu_j}]}{\partial F_i}": Derivative(
        Derivative(LOSS, B), C
    ),
    # cases
    r"\max(0, h_{ij})": Case(Positive(A), A, ZERO),
    r"N \left(\max\left(0, h_{ij}\right)\right)^2": Mul(
        (ROWS, Power(Case(Positive(A), A, ZERO), Fraction(2)))
    ),
    r"\begin{cases} N & \text{if } h_{ij} > 0, \\ -1 & \text{otherwise.} \end{cases}": Case(
        Positive(A), ROWS, MINUS_ONE
    ),
    r"\max(0, \sigma_j^2) N": Mul(
        (Case(Positive(symbol(r"\sigma^2", "j")), symbol(r"\sigma^2", "j"), ZERO), ROWS)
    ),
    r"\begin{cases} N & \text{if} i = k \\ 0 & \text{otherwise} \end{cases} H": Mul(
        (Case(Equal("i", "k"), ROWS, ZERO), COLUMNS)
    ),
}


@pytest.mark.parametrize(("tex", "expression"), READINGS.items(), ids=READINGS)
def test_tex_is_read_as(tex, expression):
    assert read_expression(tex) == expression


@pytest.mark.parametrize(("tex", "expression"), READINGS.items(), ids=READINGS)
def test_what_is_read_is_written_and_read_again(tex, expression):
    assert read_expression(write(expression)) == expression


def test_chain_is_read_side_by_side():
    assert read(r"F_i = N + H = -1") == [C, Add((ROWS, COLUMNS)), MINUS_ONE]


@pytest.mark.parametrize(
    ("expression", "tex"),
    [
        (Add((minus(C), ROWS, minus(COLUMNS))), r"-F_{i} + N - H"),
        (Mul((C, Add((ROWS, TWO)))), r"F_{i} (N + 2)"),
        (Mul((HALF, TWO, ROWS)), r"\frac{1}{2} \cdot 2 N"),
        (Mul((Sum(("k",), F_K), ROWS)), r"(\sum_{k} F_{k}) N"),
        (Mul((ROWS, Sum(("k", "p"), Mul((F_K, symbol("F", "p")))))), r"N \sum_{k,p} (F_{k} F_{p})"),
        (Mul((ROWS, Number(Fraction(-2)))), r"N (-2)"),
        (Mul((ROWS, inverse(COLUMNS))), r"\frac{N}{H}"),
        (minus(inverse(COLUMNS)), r"-\frac{1}{H}"),
        (Mul((COLUMNS, Mul((ROWS, inverse(COLUMNS))))), r"H \frac{N}{H}"),
        (Power(symbol(r"\sigma^2", "j"), Fraction(-1, 2)), r"(\sigma_{j}^2)^{-1/2}"),
        (Power(symbol(r"\hat h", "kl"), Fraction(3)), r"\hat h_{kl}^{3}"),
        (Derivative(Mul((C, ROWS)), C), r"\frac{\partial (F_{i} N)}{\partial F_{i}}"),
        (Sum(("k1", "p"), symbol("u", ["k1", "l12"])), r"\sum_{k_{1},p} u_{k_{1}l_{12}}"),
        (
            Case(Equal("i", "k"), ONE, ZERO),
            r"\begin{cases} 1 & \text{if } i = k, \\ 0 & \text{otherwise.} \end{cases}",
        ),
        (
            Case(Positive(B), B, ZERO),
            r"\begin{cases} \mu_{j} & \text{if } \mu_{j} > 0, \\ 0 & \text{otherwise.} \end{cases}",
        ),
    ],
)
def test_expression_is_written_as(expression, tex):
    assert write(expression) == tex


def test_chain_is_written_with_equals_signs():
    assert write_chain([C, ROWS, ZERO]) == "F_{i} = N = 0"


# the ten rules -----------------------------------------------------------------------

EQUIVALENT = {
    "1, a sum takes the rest of its product": (
        r"\sum_k F_k N h_{ij} + H - F_i",
        r"(\sum_k (F_k N h_{ij})) + H - F_i",
    ),
    "1, behind a dot too": (r"\sum_k F_k \cdot N", r"\sum_k (F_k N)"),
    "1, up to a closing bracket": (r"(\sum_k F_k) N", r"\left[\sum_k (F_k)\right] N"),
    "1, a quotient too": (r"\sum_k F_k / N", r"\sum_k \frac{F_k}{N}"),
    "3, rows": (r"\sum_{k=1}^N F_k", r"\sum_k F_k"),
    "3, columns": (r"\sum_{j=1}^{H} \mu_j", r"\sum_j \mu_j"),
    "3, input features": (r"\sum_d^D X_{id}", r"\sum_{d} X_{id}"),
    "4, one name": (r"\sigma_l^2", r"\sigma^2_l"),
    "4, in braces": (r"\sigma_{l}^{2}", r"\sigma_l^2"),
    "5, no function": (r"N (H + 1)", r"N \cdot (H + 1)"),
    "6, what follows is not differentiated": (
        r"\frac{\partial \mathcal L}{\partial h_{ij}} F_k",
        r"\left(\frac{\partial \mathcal L}{\partial h_{ij}}\right) \cdot F_k",
    ),
    "6, a bracket": (
        r"\frac{\partial [h_{kl} \mu_l]}{\partial \mu_j}",
        r"\frac{\partial (h_{kl} \mu_l)}{\partial \mu_j}",
    ),
    "6, a name with an exponent": (
        r"\frac{\partial h_{kl}^2}{\partial h_{ij}}",
        r"\frac{\partial (h_{kl}^2)}{\partial (h_{ij})}",
    ),
    "9, rows go on": (r"\begin{aligned} F_i \\ &+ N \\ &- H \end{aligned}", r"F_i + N - H"),
    "9, within a bracket": (r"\begin{aligned} N \Big( F_i \\ & - H \Big) \end{aligned}", r"N (F_i - H)"),
    "9, one row": (r"\begin{aligned} N &+ H \end{aligned}", r"N + H"),
    "9, a full stop behind": (r"\begin{aligned} N \\ &+ H \end{aligned}.", r"N + H"),
    "9, a comma behind": (r"\begin{aligned} N \\ &+ H \end{aligned}\,,", r"N + H"),
    "9, around cases": (
        r"\begin{aligned} &\begin{cases} 1 & \text{if } i = k \\ 0 & \text{otherwise} \end{cases} \\"
        r" &+ N \end{aligned}",
        r"\begin{cases} 1 & \text{if } i = k, \\ 0 & \text{otherwise.} \end{cases} + N",
    ),
    "10, names": (r"N / H", r"\frac{N}{H}"),
    "10, numbers": (r"-3/2", r"-\frac{3}{2}"),
    "10, one over a name": (r"1/N", r"N^{-1}"),
    "10, powers": (r"h_{ij}^2 / N^2", r"\frac{h_{ij}^2}{N^2}"),
    "10, brackets": (r"(N + 1) / (H + 2)", r"\frac{N + 1}{H + 2}"),
    "hat with braces, comma between letters": (r"\hat{h}_{i,j}", r"\hat h_{ij}"),
    "spaces": ("~F_{ i } \\, N\\; \\!\nH\\ ", r"F_i N H"),
    "small and large fractions": (r"\tfrac{1}{N} + \dfrac{2}{N}", r"\frac{1}{N} + \frac{2}{N}"),
    "sizes of brackets": (r"\left( N + \big[ 1 + \Bigl( 2 - H \Bigr) \big] \right)", r"(N + [1 + (2 - H)])"),
    "named brackets": (r"\lbrack N + 1 \rbrack H", r"(N + 1) H"),
    "colour": (r"\textcolor{#0077BB}{N + H} D", r"N + H D"),
    "underbrace": (r"N + \underbrace{H D}_{\text{a name}} + 1", r"N + H D + 1"),
    "underbrace of a bracket": (r"N \underbrace{(H + D)}_{\text{a name}}", r"N (H + D)"),
    "underbrace of named brackets": (
        r"N \underbrace{\lbrace H + \lbrack D - 1 \rbrack \rbrace}_{\text{}}",
        r"N (H + (D - 1))",
    ),
    "underbrace of a power": (r"\underbrace{N^{-1/2} H}_{\text{}} D", r"N^{-1/2} H D"),
    "underbrace of a sum with limits": (r"N \underbrace{\sum_{k=1}^N F_k}_{\text{}}", r"N \sum_k F_k"),
    "underbrace of a fraction": (r"\underbrace{\frac{N + 1}{H - 1}}_{\text{}} D", r"\frac{N + 1}{H - 1} D"),
    "underbrace in colour": (r"N \textcolor{red}{\underbrace{H}_{\text{}}}", r"N H"),
    "script L": (r"\mathcal{L} \mathcal{ L }", r"\mathcal L \mathcal L"),
    "epsilon": (r"\varepsilon", r"\epsilon"),
    "trailing full stop": (r"N + H.", r"N + H"),
    "trailing comma": (r"N + H\,,", r"N + H"),
    "exponent in braces": (r"N^{2}", r"N^2"),
    "exponent as a fraction": (r"N^{-\tfrac{1}{2}}", r"N^{-1/2}"),
    "9, split": (r"\begin{split} N \\ &+ H \end{split}", r"N + H"),
    "9, align": (r"\begin{align*} N \\ &+ H \end{align*}", r"N + H"),
    "wide hat": (r"\widehat{h}_{ij} \widehat h_{kl}", r"\hat h_{ij} \hat h_{kl}"),
    "plain L": (r"\frac{\partial L}{\partial h_{ij}}", r"\frac{\partial \mathcal L}{\partial h_{ij}}"),
    "limits": (r"\sum\limits_{k=1}^N F_k", r"\sum_k F_k"),
    "displaystyle": (r"\displaystyle \sum_k F_k", r"\sum_k F_k"),
    "letters in braces": (r"\mu_{j}", r"\mu_j"),
    "letters under a sum": (r"\sum_{kl} h_{kl}", r"\sum_{k, l} h_{kl}"),
}


@pytest.mark.parametrize(("tex", "other"), EQUIVALENT.values(), ids=EQUIVALENT)
def test_two_ways_to_write_read_the_same(tex, other):
    assert read_expression(tex) == read_expression(other)


KNOWN = ", ".join([DELTA, *NAMES])
REFUSED = {
    # what a mark takes, and groups
    r"F_@\,i": "after _ stands a letter, a digit or a brace",
    r"N^@\textcolor{red}{2 H}": "after ^ stands a letter, a digit or a brace",
    r"\hat@\underbrace{h_{ij}}_{\text{a}}": r"after \hat stands a letter",
    r"\underbrace{@\sum_k F_k}_{\text{a}} F_k": "a sum over an underbrace needs a bracket around it",
    r"\underbrace{\textcolor{red}{N @+ H}}_{\text{a}} D": "a sum over an underbrace needs a bracket",
    r"\textcolor{red}{\underbrace{@\sum_k F_k}_{\text{a}}} F_k": "a sum over an underbrace needs a bracket",
    r"\underbrace{\underbrace{@\sum_k F_k}_{\text{a}}}_{\text{b}} F_k": "a sum over an underbrace needs",
    r"\sum_k@=1^N F_k": "something is missing before =",
    r"N^{@T}": "a transposed matrix cannot be read",
    # 1 and 2: sums
    r"\sum_k F_k + F_@k": "k is summed in one place and free in another; give the sum a letter of its own",
    r"F_k + \sum_@k F_k": "k is summed in one place and free in another",
    r"\sum_k F_k \sum_@k F_k": "k is summed twice at one place; use another letter",
    r"\sum_{k,@k} F_k": "k is summed twice at one place",
    r"\sum @F_k": r"a sum names its letters: \sum_k",
    r"\sum_k @+ N": "something is missing before +",
    r"\sum_k @-F_k": "something is missing before -",
    # 3: what the letters run over
    r"\sum_@x F_k": "x is no index letter (i k p m: rows; j l n q: columns; d: input features)",
    r"\sum_{@}": "} is no index letter",
    r"\sum_{k @\ne i} F_k": r"\ne is no index letter",
    r"\sum_k@^H F_k": "k runs over all rows, not to H",
    r"\sum_{l=1}@^{N} \mu_l": "l runs over all columns, not to N",
    r"\sum_{k=@2}^N F_k": "here must stand 1, not 2",
    r"\sum_{k=1}^{N@-1} F_k": "here must stand a closing brace }",
    r"\sum_{i,k@=1}^{N} F_i F_k": "= is no index letter",
    r"\sum_{i=1@j} F_i": "here must stand }, not j",
    r"\sum_{i=1@,j} F_i": "here must stand }, not ,",
    r"\sum_{ik}@^N F_i F_k": "write a sum with limits for each letter",
    r"@F_j": "F has the indices rows (i k p m): F_{i}",
    r"@h_{ji}": "h has the indices rows (i k p m), columns (j l n q): h_{ij}",
    r"@\sigma_i^2": r"\sigma^2 has the indices columns (j l n q): \sigma^2_{j}",
    r"N @h_ij": "h has the indices rows (i k p m), columns (j l n q)",
    r"@h": "h has the indices rows (i k p m), columns (j l n q)",
    r"@h_{ijk}": "h has the indices",
    r"@W_{jd}": "W has the indices input features (d), columns (j l n q)",
    r"@N_i": "N has no index",
    r"h_{i@1}": "1 is no index letter",
    r"h_{i,@,j}": ", is no index letter",
    r"h_{ij,@}": "} is no index letter",
    r"h_@": "the end is no index letter",
    r"@\delta_{ij}": r"\delta has two letters of one kind, both rows or both columns",
    r"@\delta_{id}": r"\delta has two letters of one kind",
    r"@\delta_ik": r"\delta has two letters of one kind",
    r"@\delta": r"\delta has two letters of one kind",
    # 4: squares
    r"@\sigma_l": r"\sigma is known by its square alone, \sigma^2",
    r"N + @\sigma_l^3": r"\sigma is known by its square alone",
    r"(@\sigma_l)^2": r"\sigma is known by its square alone",
    r"\hat @\sigma_l^2": r"\hat stands over one letter",
    r"\sigma^2_l@^2": "two indices or two exponents at one name",
    r"h_i@_j": "two indices or two exponents at one name",
    # 5: names
    r"@x_{ij}": f"x is not defined; give its definition in `given`, or take one of {KNOWN}",
    r"N @f(H)": "f is not defined",
    r"@\hat y_{ij}": r"\hat y is not defined",
    r"\hat{}@": "here must stand a closing brace }",
    r"\hat @2": r"\hat stands over one letter",
    r"\hat{h@_{ij}}": "here must stand a closing brace }",
    r"@\sin N": r"\sin cannot be read here",
    r"\log @N": r"\log stands before one name, without a bracket",
    r"\exp @(F_i)": r"\exp stands before one name, without a bracket",
    r"\exp @\sigma_j^2": r"\exp stands before one name, without a bracket",
    r"\exp @\delta_{ik}": r"\exp stands before one name, without a bracket",
    r"\exp @\hat h_{ij}": r"\exp stands before one name, without a bracket",
    r"@\exp F_i^2": r"write a bracket around \exp F",
    r"@\exp F_j": "F has the indices rows (i k p m): F_{i}",
    r"\frac{\partial N}@{\partial \exp F_i}": "a derivative is by one name whose value can vary",
    # 6: derivatives
    r"\frac{\partial N @H}{\partial h_{ij}}": "here must stand a closing brace }",
    r"\frac{\partial@}{\partial h_{ij}} N": r"after \partial must stand what is differentiated, one",
    r"\frac{\partial @2}{\partial h_{ij}}": r"after \partial must stand what is differentiated",
    r"\frac{\partial N}{@h_{ij}}": r"here must stand \partial",
    r"\frac{2 @\partial N}{\partial h_{ij}}": r"\partial cannot be read here",
    r"\frac{\partial N}{\partial @\max(0, H)}": r"after \partial must stand the name that it is differ",
    r"\frac{\partial N}@{\partial h_{ij}^2}": "a derivative is by one name whose value can vary",
    r"\frac{\partial N}@{\partial (\mu_j + 1)}": "a derivative is by one name",
    r"\frac{\partial h_{ij}}@{\partial N}": "a derivative is by one name",
    r"\frac{\partial h_{ij}}@{\partial H}": "a derivative is by one name",
    r"\frac{\partial h_{ij}}@{\partial D}": "a derivative is by one name",
    r"\frac{\partial H}@{\partial \mathcal{L}}": "a derivative is by one name",
    r"\frac{\partial H}@{\partial \delta_{ik}}": "a derivative is by one name",
    r"\frac{\partial@^2 N}{\partial h_{ij}}": "a second derivative is the derivative of a bracket",
    r"\frac{\partial N}{\partial@^2 h_{ij}}": "a second derivative is",
    # 8: other derivatives
    r"\frac{@d N}{d h_{ij}}": r"write a derivative with \partial",
    r"@\mathrm{d} N": r"write names without \mathrm, and derivatives with \partial",
    r"N@'": r"write a derivative as \frac{\partial A}{\partial x}",
    # 10: quotients
    r"N / H @D": r"what is divided here, and by what? write \frac{}{}, or brackets",
    r"N / H @\cdot D": r"what is divided here, and by what?",
    r"N / H @/ D": r"what is divided here, and by what?",
    r"N H @/ D": r"/ stands between two single factors; write \frac{}{}",
    r"\sum_k F_k N @/ H": r"/ stands between two single factors",
    r"N / @-H": "something is missing before -",
    r"N /@": "something is missing before the end",
    r"N / 0@": "this divides by 0",
    r"\frac{1}{N}@{2}": "braces that belong to no command cannot be seen; write a bracket",
    r"\frac{N}{-0}@": "this divides by 0",
    r"\frac{0}{0}@": "this divides by 0",
    r"\frac{1}{N}@^2": r"write a bracket around what \frac gives",
    r"\frac{1}{N}@_i": r"write a bracket around what \frac gives",
    r"\frac{\partial H}{\partial h_{ij}}@^2": r"write a bracket around what \frac gives",
    r"\frac@12": r"here must stand a brace {, as in \frac{1}{2}",
    r"\frac{1}@2": "here must stand a brace {",
    r"N @\over H": r"write \frac{}{}",
    # braces and brackets
    r"N + @{H": "{ is not closed",
    r"N + H@}": "} closes nothing that is open here",
    r"@{N}": "braces that belong to no command cannot be seen; write a bracket",
    r"{N @\end{cases}": r"\end{cases} closes nothing that is open here",
    r"@\begin{aligned} N": r"\begin{aligned} is not closed",
    r"\begin{cases} N @\end{aligned}": r"\end{aligned} closes nothing that is open here",
    r"@\begin{gather} N \end{gather}": r"\begin{gather} cannot be read here",
    r"(N + H@": "here must stand ), not the end",
    r"(N + H@]": "here must stand ), not ]",
    r"N + H@)": ") does not fit in here",
    r"(@)": "something is missing before )",
    r"@\{N\}": r"\{ cannot be read here",
    # colours and underbraces
    r"\textcolor@": r"the end does not fit in here; write \textcolor{..}{..} and \underbrace{..}_{\text{..}}",
    r"\textcolor{red}@N": "N does not fit in here; write",
    r"\underbrace{N} @+ 1": "+ does not fit in here; write",
    r"\underbrace{N}_{@H}": "H does not fit in here; write",
    r"\underbrace{N}_{\text{a} @b}": "b does not fit in here; write",
    r"\underbrace{N}@": "the end does not fit in here; write",
    r"\underbrace{N}_{\text{a}}@^2": "^ does not fit in here; write",
    r"\underbrace{F}_{\text{a}}@_i": "_ does not fit in here; write",
    r"N \underbrace{H @+ D}_{\text{a}}": "a sum over an underbrace needs a bracket around it",
    r"N \underbrace{H @- D}_{\text{a}}": "a sum over an underbrace needs a bracket around it",
    r"N \underbrace{@-H}_{\text{a}}": "a sum over an underbrace needs a bracket around it",
    r"N \underbrace{(H - 1) @+ [D]}_{\text{a}}": "a sum over an underbrace",
    r"\underbrace{\underbrace{H @+ D}_{\text{a}} N}_{\text{b}}": "a sum over an underbrace",
    # numbers
    r"2 @3": r"write \cdot between two numbers",
    r"2^2 @3": r"write \cdot between two numbers",
    r"1\textcolor{red}{@2}": r"write \cdot between two numbers",
    r"2@\frac{1}{2}": r"write \cdot between two numbers",
    r"2 @(3)": r"write \cdot between two numbers",
    r"2 @(-3)": r"write \cdot between two numbers",
    r"(3) @2": r"write \cdot between two numbers",
    r"N 2 @3": r"write \cdot between two numbers",
    r"2 \cdot 3 @\sqrt{1}": r"write \cdot between two numbers",
    r"1@,000": ", does not fit in here",
    r"@.5": "something is missing before .",
    r"N + @12345678901234567890": "a number of more than 19 characters",
    r"@0.123456789012345678": "a number of more than 19 characters",
    r"1000^9@": "this number has more than 19 digits",
    r"0.001^9@": "this number has more than 19 digits",
    r"\frac{0.0000000000000001}{1000}@": "this number has more than 19 digits",
    r"9999999999999999999 / 0.1@": "this number has more than 19 digits",
    r"@٣": "٣ cannot be read here",
    r"N @²": "² cannot be read here",
    r"1@٣": "٣ cannot be read here",
    r"0@.٣": ". does not fit in here",
    r"2^{1/2}@": "a root of a number cannot be read",
    r"4^{-3/2}@": "a root of a number cannot be read",
    r"0^{1/2}@": "a root of a number cannot be read",
    r"\sqrt{2}@": "a root of a number cannot be read",
    r"\sqrt{0}@": "a root of a number cannot be read",
    r"\sqrt{-1}@": "a root of a number cannot be read",
    r"0^{-1}@": "0 has no such power",
    r"0^0@": "0 has no such power",
    r"(-0)^{-2}@": "0 has no such power",
    # roots
    r"\sqrt@2": "here must stand a brace {",
    r"\sqrt@[3]{N}": "here must stand a brace {",
    r"\sqrt{N}@^3": r"write a bracket around what \sqrt gives",
    r"\sqrt{N}@_i": r"write a bracket around what \sqrt gives",
    # exponents
    r"N^@23": "write the exponent in braces",
    r"N^@-1": "write the exponent in braces",
    r"N^@\top": "a transposed matrix cannot be read; write its indices",
    r"N^@T": "a transposed matrix cannot be read; write its indices",
    r"N@^{10}": "an exponent must be a whole or a half number, from -9 to 9",
    r"N@^{-19/2}": "an exponent must be a whole or a half number",
    r"N@^{1/3}": "an exponent must be a whole or a half number",
    r"N@^{0.3}": "an exponent must be a whole or a half number",
    r"N^{@H}": "an exponent must be a whole or a half number",
    r"N^{@}": "an exponent must be a whole or a half number",
    r"N^{@+2}": "an exponent must be a whole or a half number",
    r"N^{-@-2}": "an exponent must be a whole or a half number",
    r"N^{@[1]}": "an exponent must be a whole or a half number",
    r"h^{@(2)}": "an exponent must be a whole or a half number",
    r"N^{@\sqrt{1}}": "an exponent must be a whole or a half number",
    r"N^{\frac{@-3}{2}}": "an exponent must be a whole or a half number",
    r"N^{3/@-2}": "an exponent must be a whole or a half number",
    r"N^{@٣}": "an exponent must be a whole or a half number",
    r"N^@٣": "write the exponent in braces",
    r"N^@(2)": "write the exponent in braces",
    r"N^@\frac{1}{2}": "write the exponent in braces",
    r"N^{2 @H}": "here must stand a closing brace }",
    r"N^{1 @- 2}": "here must stand a closing brace }",
    r"N^{1/2@/2}": "here must stand a closing brace }",
    r"N^{2@^2}": "here must stand a closing brace }",
    r"N^{1/0@}": "this divides by 0",
    r"N^{\frac{1}{0}@}": "this divides by 0",
    r"N^{@12345678901234567890}": "a number of more than 19 characters",
    r"N^@{2": "{ is not closed",
    r"N^2@^3": "two indices or two exponents at one name",
    r"(N)^2@^3": "this stands behind nothing that can have it",
    r"2@_i": "this stands behind nothing that can have it",
    r"\sum_k (N)@_k": "this stands behind nothing that can have it",
    r"(N)@_i": "this stands behind nothing that can have it",
    # maxima and cases
    r"\max@_i F_i": "here must stand (, not _",
    r"\max(@N, 0)": "here must stand 0, not N",
    r"\max(0, @2)": "here must stand one name with its indices",
    r"\max(0, N @+ 1)": "here must stand ), not +",
    r"\max(0, N @H)": "here must stand ), not H",
    r"\max(0, @h_{ij}^2)": "here must stand one name with its indices",
    r"\max(0, @(N))": "here must stand one name with its indices",
    r"\max(0, @\max(0, N))": "here must stand one name with its indices",
    r"\max(0, @-N)": "here must stand one name with its indices",
    r"\max(0, N)@^2": r"write a bracket around what \max gives",
    r"\max(0, N)@_i": r"write a bracket around what \max gives",
    r"\begin{cases} 1 & \text{if } N > 0 \\ 0 & \text{otherwise} \end{cases}@^2": "write a bracket around",
    r"\begin{cases} N & \text{if } N > 0 \\ 0 & \text{otherwise} \end{cases}@_i": "write a bracket around",
    r"\begin{cases} 1@, & \text{if } N > 0 \\ 0 & \text{otherwise} \end{cases}": "here must stand &, not ,",
    r"\begin{cases} 1 & @N > 0 \\ 0 & \text{otherwise} \end{cases}": r"here must stand \text{if}, not N",
    r"\begin{cases} 1 & \text{if } N @< 0 \\ 0 & \text{otherwise} \end{cases}": "here must stand >, not <",
    r"\begin{cases} 1 & \text{if } N > @1 \\ 0 & \text{otherwise} \end{cases}": "here must stand 0, not 1",
    r"\begin{cases} 1 & \text{if } @2 > 0 \\ 0 & \text{otherwise} \end{cases}": "here must stand one name",
    r"\begin{cases} 1 & \text{if } @i = j \\ 0 & \text{otherwise} \end{cases}": "two letters of one kind",
    r"\begin{cases} 1 & \text{if } i = @1 \\ 0 & \text{otherwise} \end{cases}": "1 is no index letter",
    r"\begin{cases} 1 & \text{if } N > 0 @\end{cases}": r"here must stand \\, not \end{cases}",
    r"\begin{cases} 1 & \text{if } N > 0 \\ 0 & @\text{else} \end{cases}": r"here must stand \text{other",
    r"\begin{cases} 1 & \text{if } N > 0 \\ 0 & \text{otherwise} @N \end{cases}": r"here must stand \end",
    # marks
    r"@": "something is missing before the end",
    r"N +@": "something is missing before the end",
    r"N \cdot@": "something is missing before the end",
    r"N @* H": r"write a product without a sign, or with \cdot",
    r"N @\ast H": r"write a product without a sign, or with \cdot",
    r"N - @- H": "something is missing before -",
    r"N @& H": "& does not fit in here",
    r"N @\\ + H": r"\\ does not fit in here",
    r"N@. + H": ". does not fit in here",
    r"N@.,": ". does not fit in here",
    r"N @! H": "! cannot be read here",
    r"N @% H": "% cannot be read here",
    r"N @\text{for all} H": r"\text{for all} cannot be read here",
    r"N @\quad H": r"write one equation in each display, and no \quad",
    r"N @\qquad H": r"write one equation in each display, and no \qquad",
    r"@$N$": "write the line without the marks around it",
    r"N @$": "write the line without the marks around it",
    r"@\[ N \]": "write the line without the marks around it",
    r"N @\)": "write the line without the marks around it",
    r"@\mathbb{E} N": "write a name, and its definition in `given`",
    r"@\operatorname{Var} N": "write a name, and its definition in `given`",
    r"N @\nabla": "write a name, and its definition in `given`",
    "N + @\frac{1}{H}": 'a tab or the like: put r before the string, r"..."',
    "N = H @\beta_j": "a tab or the like",
    r"N @= H": "here is no place for =",
    r"\sum_{k=1}^N F_k @= H": "here is no place for =",
    r"F_i @= \sum_{k=1}^N F_k = H": "here is no place for =",
    # 9: aligned
    r"\begin{aligned} N &= H \\ @\end{aligned}": "a display holds one equation",
    r"\begin{aligned} N &= H \\ @& \end{aligned}": "a display holds one equation",
    r"\begin{aligned}@[t] N &= H \end{aligned}": "leave the position in brackets out",
    r"\begin{aligned} N \\ &+ H \end{aligned} @+ D": "aligned must be the whole display; write a bracket",
    r"D @\begin{aligned} N \\ &+ H \end{aligned}": "aligned must be the whole display",
    r"(\begin{aligned} N \\ &+ H \end{aligned}@)": "aligned must be the whole display",
    r"\begin{aligned} N \end{aligned} @\begin{aligned} + H \end{aligned}": "aligned must be the whole",
    r"\begin{aligned} N \end{aligned}@.,": ". does not fit in here",
    r"\begin{aligned} N + @\begin{aligned} H \end{aligned} \end{aligned}": r"\begin{aligned} cannot be read",
    "N @\\": "\\ cannot be read here",
}


@pytest.mark.parametrize(("marked", "cause"), REFUSED.items(), ids=REFUSED)
def test_tex_is_refused_with_its_place_and_cause(marked, cause):
    assert f": {cause}" in refusal(marked)


@pytest.mark.parametrize(
    ("marked", "cause"),
    {
        # 2: one letter is free on all sides or summed, and all free letters stand on the first
        r"F_i = F_@k": "k is free here, and not on the first side; shall it be summed? "
        "A sum ends before the next +, - or =",
        r"N = \frac{1}{H} \sum_i h_{i@j}": "j is free here, and not on the first side",
        r"F_i = \sum_@i F_i": "i is summed in one place and free in another",
        r"\sum_k F_k = F_@k": "k is free here, and not on the first side",
        r"N = \begin{cases} 1 & \text{if } @k = p \\ 0 & \text{otherwise} \end{cases}": "k is free here",
        # 9: one display, one equation
        r"\begin{aligned} F_i &= N \\ &@F_i &= H \end{aligned}": "a display holds one equation; "
        "its rows go on with &=, &+ or &-",
        r"\begin{aligned} F_i &= N \\ &@& H \end{aligned}": "a display holds one equation",
        r"\begin{aligned} F_i &= N \\ & @\cdot H \end{aligned}": "a display holds one equation",
        r"\begin{aligned} F_i &= N \\ & @(H) \end{aligned}": "a display holds one equation",
        r"\begin{aligned} F_i &= N @&+ H \end{aligned}": "a display holds one equation",
        r"F_i = N @\quad F_i = H": "write one equation in each display",
        r"F_i = N @\\ = H": r"\\ does not fit in here",
        r"F_i = N@, F_i = H": ", does not fit in here",
        r"N = H@; D = 1": "; cannot be read here",
        "N = @= H": "something is missing before =",
        "N = H =@": "something is missing before the end",
        r"N @\neq H": r"\neq cannot be read here",
        "N + H@": "an equation has a left and a right side; here is no =",
        "@": "something is missing before the end",
    }.items(),
)
def test_chain_is_refused_with_its_place_and_cause(marked, cause):
    assert f": {cause}" in refusal(marked, read)


@pytest.mark.parametrize("row", ["F_i &= H", "N &= H", "(N) &= H", "[2pt] &= H", "+ H", "= H", "&+ H & - D"])
def test_row_that_does_not_go_on_is_refused(row):
    with pytest.raises(
        TexError, match=": a display holds one equation; its rows go on with &=, &\\+ or &-\n"
    ):
        read(rf"\begin{{aligned}} F_i &= N \\ {row} \end{{aligned}}")


def test_letter_is_summed_once_at_one_place_but_often_in_a_chain():
    twice = Mul((Sum(("k",), F_K), Sum(("k",), F_K)))
    assert read(r"(\sum_k F_k) (\sum_k F_k) = \sum_k F_k") == [twice, Sum(("k",), F_K)]


def test_display_of_rows_is_one_chain():
    tex = r"""\begin{aligned}
    & F_i \\
    &= N \\
    &- H \\
    &= 0.
    \end{aligned}"""
    assert read(tex) == [C, Add((ROWS, minus(COLUMNS))), ZERO]


def test_names_and_what_they_are_indexed_by_can_be_given():
    assert read("x_{id} = 2", {"x": ("N", "D")}) == [symbol("x", "id"), TWO]
    cause = r"N is not defined; give its definition in `given`, or take one of \delta, x"
    assert cause in refusal("@N", lambda tex: read(tex, {"x": ()}))


@pytest.mark.parametrize("reader", [read, read_expression, read_definition, read_name])
@pytest.mark.parametrize(("tex", "kind"), [(None, "NoneType"), (b"N = 1", "bytes"), (["N"], "list")])
def test_what_is_no_string_is_refused(reader, tex, kind):
    with pytest.raises(TypeError, match=exactly(f"tex must be a string, got {kind}")):
        reader(tex)


def test_message_shows_the_line_and_points_at_the_place():
    message = "line 2, column 3: x is no index letter (i k p m: rows; j l n q: columns; d: input features)"
    with pytest.raises(TexError, match=exactly(f"{message}\n  F_x N\n    ^")):
        read("F_i =\nF_x N\n+ H")


def test_notebook_shows_the_message_alone():
    with pytest.raises(TexError) as caught:
        read_expression("N +")
    expected = ["TexError: line 1, column 4: something is missing before the end\n  N +\n     ^"]
    assert caught.value._render_traceback_() == expected


def test_forty_brackets_are_read_and_no_more():
    assert read_expression("(" * 39 + "N" + ")" * 39) == ROWS
    cause = ": more than 40 brackets inside each other"
    assert cause in refusal("(" * 40 + "@N" + ")" * 40)
    assert cause in refusal(r"\sqrt{" * 40 + "@N" + "}" * 40)


# definitions and names ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("tex", "left", "right"),
    [
        (r"h_{ij} = \mu_j", A, B),
        ("x = N", symbol("x"), ROWS),
        (r"\hat{x}_{i,d} = F_i.", symbol(r"\hat x", "id"), C),
        (r"\bar u_j = \sum_i h_{ij}", symbol(r"\bar u", "j"), Sum(("i",), A)),
        (r"\tau^2_i = F_i", symbol(r"\tau^2", "i"), C),
        (r"\Phi = \mathcal{L}", symbol(r"\Phi"), LOSS),
        (r"\mathtt{dx}_{ij} = F_i", symbol(r"\mathtt{dx}", "ij"), C),
        (r"\begin{aligned} x_i &= F_i \\ &+ N \end{aligned}", symbol("x", "i"), Add((C, ROWS))),
        (r"\hat k = 2", symbol(r"\hat k"), TWO),
        ("k_i = F_i", symbol("k", "i"), C),
        ("F_{ij} = h_{ij}", symbol("F", "ij"), A),
        (r"\sigma_l^2 = \mu_l", symbol(r"\sigma^2", "l"), symbol(r"\mu", "l")),
    ],
)
def test_definition_is_a_name_and_its_meaning(tex, left, right):
    assert read_definition(tex) == Definition(left, right)


@pytest.mark.parametrize(
    ("marked", "cause"),
    {
        "x_{ij} = F_@k": "k is free here, and not on the first side",
        r"x_j = \sum_@j \mu_j": "j is summed in one place and free in another",
        "x_i = @x": "x has the indices rows (i k p m)",
        r"x = @z": f"z is not defined; give its definition in `given`, or take one of {KNOWN}, x",
        "@x_{jj} = 2": "here must stand one name, its letters all different, before =",
        "@x_j^2 = 2": "here must stand one name",
        r"@\exp x_i = 2": "here must stand a name, not a function of it",
        "@2 x = 2": r"here must stand a name: one letter, not d, and none of \delta, N, H, D",
        "@-x = 2": "here must stand a name: one letter",
        "@(x) = 2": "here must stand a name: one letter",
        r"@\sum_k F_k = 2": "here must stand a name: one letter",
        "@= 2": "here must stand a name: one letter",
        "@": "here must stand a name: one letter",
        r"@\delta_{ik} = 0": "here must stand a name: one letter",
        "@N = 2": "here must stand a name: one letter",
        "@N_i = 2": "here must stand a name: one letter",
        "@H = 2": "here must stand a name: one letter",
        "@D = 2": "here must stand a name: one letter",
        "@k = 2": "k is an index letter; take another name",
        "@j = 2": "j is an index letter",
        "@h_j = 2": "h is a name of the book; take another name",
        r"@\hat h = 2": r"\hat h is a name of the book",
        r"@\sigma_i^2 = 2": r"\sigma^2 is a name of the book",
        r"@\tau^2 = 2": r"\tau^2 must have one index, of a row or of a column",
        r"@\tau_{ij}^2 = 2": r"\tau^2 must have one index",
        "@x + 1 = 2": "here must stand one name",
        "@x_{ij}": "here must stand one name",
        r"@\tau_j = 2": r"\tau is known by its square alone, \tau^2",
        "x_j = 2 @= 3": "a definition has two sides",
        r"x = \sum_{k=1}^N F_k @= 3": "a definition has two sides",
        "x_j =@": "something is missing before the end",
    }.items(),
)
def test_definition_is_refused_with_its_place_and_cause(marked, cause):
    assert f": {cause}" in refusal(marked, read_definition)


@pytest.mark.parametrize(
    ("tex", "name"),
    [
        ("m_j", symbol("m", "j")),
        (r"\hat{x}_{id}", symbol(r"\hat x", "id")),
        (r"\tau_i^2", symbol(r"\tau^2", "i")),
        (r"\mathcal{L}", LOSS),
        (r"\varepsilon", symbol(r"\epsilon")),
    ],
)
def test_name_is_read_alone(tex, name):
    assert read_name(tex) == name


@pytest.mark.parametrize("marked", ["@m_{jj}", "@m_j^2", "@m_j = 2", "@m n", "@m_j."])
def test_what_is_no_name_alone_is_refused(marked):
    expected = ": here must stand one name, its letters all different, before the end"
    assert expected in refusal(marked, read_name)


@pytest.mark.parametrize(
    "marked", ["@", "@2", "@(m)", "@+m", "@*", r"@\frac{m}{2}", "@N", r"@\delta_{ik}", "@d"]
)
def test_what_starts_with_no_new_name_is_refused(marked):
    expected = r": here must stand a name: one letter, not d, and none of \delta, N, H, D"
    assert expected in refusal(marked, read_name)


def test_index_letter_alone_is_refused_as_a_name():
    assert ": k is an index letter; take another name" in refusal("@k", read_name)


# all that the parser can give, written and read back ---------------------------------

EXPONENTS = st.integers(-18, 18).map(lambda n: Fraction(n, 2))
LARGEST = 10**19 - 1
parts = st.one_of(st.integers(1, 9), st.integers(1, LARGEST))
numbers = st.builds(Fraction, st.one_of(st.integers(-99, 99), parts), parts).map(Number)
INDEXED = {**NAMES, DELTA: ("N", "N"), r"\delta of columns": ("H", "H")}


def of_kind(size, letters):
    return [letter for letter in LETTERS[size] if letter in letters]


@st.composite
def symbols(draw, letters, without=()):
    """Names with letters of the right kinds, where there are letters of these kinds."""
    possible = [
        name
        for name, sizes in INDEXED.items()
        if name not in without and all(of_kind(size, letters) for size in sizes)
    ]
    name = draw(st.sampled_from(possible))
    indices = [draw(st.sampled_from(of_kind(size, letters))) for size in INDEXED[name]]
    return Symbol(name.removesuffix(" of columns"), tuple(indices))


@st.composite
def conditions(draw, letters):
    pairs = [of_kind(size, letters) for size in LETTERS if of_kind(size, letters)]
    if not pairs or draw(st.booleans()):
        return Positive(draw(symbols(letters)))
    pair = st.sampled_from(draw(st.sampled_from(pairs)))
    return Equal(draw(pair), draw(pair))


@st.composite
def products(draw, factor):
    """Products, often with a minus in front."""
    sign = draw(st.sampled_from([[], [MINUS_ONE]]))
    return Mul((*sign, *draw(st.lists(factor, min_size=2 - len(sign), max_size=3))))


@cache
def expressions(free, unused, depth=3):
    """Expressions whose letters are these free ones, or unused ones that a sum around them takes."""
    leaves = st.one_of(numbers, symbols(free))
    if not depth:
        return leaves
    inner = expressions(free, unused, depth - 1)
    varying = symbols(free, without=(DELTA, r"\delta of columns", "N", "H", "D", r"\mathcal L"))
    kinds = [
        leaves,
        st.lists(inner, min_size=2, max_size=3).map(lambda terms: Add(tuple(terms))),
        products(inner),
        st.builds(Power, inner.filter(lambda base: not isinstance(base, Number)), EXPONENTS),
        st.builds(Derivative, inner, varying),
        st.builds(Case, conditions(free), inner, inner),
    ]
    if unused:
        kinds.append(st.sampled_from(takings(unused)).flatmap(lambda new: sums(new, free, unused, depth - 1)))
    return st.one_of(kinds)


def takings(letters):
    """All letters alone, and some together."""
    return [*letters, *{letters[:2], letters[::-2], letters}]


def sums(new, free, unused, depth):
    rest = "".join(letter for letter in unused if letter not in new)
    return st.builds(Sum, st.just(tuple(new)), expressions(free + new, rest, depth))


SPLITS = [("ikjl", "pmnqd"), ("", "ikpmjlnqd"), ("ikpmjlnqd", ""), ("id", "jlkp"), ("j", "ikd")]
splits = st.sampled_from(SPLITS)


@settings(max_examples=200)
@given(splits.flatmap(lambda split: expressions(*split)))
def test_expression_that_is_written_is_read_back(expression):
    assert read_expression(write(expression)) == expression


@settings(max_examples=60)
@given(st.data())
def test_chain_that_is_written_is_read_back(data):
    free, unused = data.draw(splits)
    first = data.draw(expressions(free, unused))
    others = st.lists(expressions("".join(sorted(free_letters(first))), unused, 2), min_size=1, max_size=3)
    sides = [first, *data.draw(others)]
    assert read(write_chain(sides)) == sides


@pytest.mark.parametrize("label", REGISTER)
def test_equation_of_the_book_is_read_written_and_read_again(label):
    names = ledger.book(ledger.given_of(label)).names
    sides = read(REGISTER[label]["tex"], names)
    assert read(write_chain(sides), names) == sides


# all that a reader can type ----------------------------------------------------------

TYPED = r"""
    \frac \frac{ \partial \sum \sum_k _ ^ ^2 ^{-1/2} { } ( ) [ ] = + - / \cdot & \\ . , ' * ! @ > ~ \, N H
    i k j d x 0 1 2 0.5 \hat \hat{h} \delta_{ik} \sigma_j^2 \sigma F_i F_k h_{ij} \mu_j \mathcal \mathcal{L}
    \mathtt{dh} \mathrm \textcolor{red}{ \textcolor \underbrace{ \underbrace }_{\text{a}} \text{if} \max(0,
    \max \begin{aligned} \end{aligned} \begin{cases} \end{cases} \left \right \Big \lbrace \tfrac{1}{2}
    \over \ é \unknown \sqrt{ \sqrt \quad ٣ ² 9876543210987654321 \lbrack \rbrace ^0 ^{-9}
"""
MARKS = [*TYPED.split(), r"& \text{otherwise.}", r"\sum_k ", " ", "\n"]
SENSE = [
    "F_i",
    "h_{ij}",
    r"\mu_j",
    "N",
    "(",
    ")",
    "2",
    "0",
    r"\frac{1}{N}",
    r"\sqrt{",
    "}",
    "^2",
    "^{-1}",
    "/",
]
SENSE += ["+", "-", "=", r"\sum_k ", r"\cdot "]


def assert_points_at_its_place(error, tex):
    assert 0 <= error.place <= len(tex)
    before = tex[: error.place].split("\n")
    message, shown, pointer = str(error).rsplit("\n", 2)
    assert message.startswith(f"line {len(before)}, column {len(before[-1]) + 1}: ")
    assert shown == f"  {tex.split(chr(10))[len(before) - 1]}"
    assert pointer == f"  {' ' * len(before[-1])}^"


def assert_read_or_refused(tex):
    try:
        sides = read(tex)
    except TexError as error:
        assert_points_at_its_place(error, tex)
    else:
        assert read(write_chain(sides)) == sides


@pytest.mark.parametrize(
    ("opening", "closing"),
    {
        "(": ")",
        r"\lbrace ": r"\rbrace ",
        r"\sqrt{": "}",
        r"\frac{": "}{2}",
        r"\frac{2}{": "}",
        r"\frac{\partial (": r")}{\partial h_{ij}}",
        r"\frac{\partial h_{ij}}{\partial (": ")}",
        r"\max(0, ": ")",
        r"\begin{cases} ": r"& \text{if } N > 0 \\ 0 & \text{otherwise} \end{cases}",
        r"\begin{aligned} ": r"\end{aligned}",
        r"\textcolor{red}{": "}",
        r"\underbrace{": r"}_{\text{a}}",
        r"\sum_k ": "",
        r"\hat ": "",
        "N^{": "}",
        "N / ": "",
        "- ": "",
    }.items(),
)
def test_three_hundred_inside_each_other_are_read_or_refused(opening, closing):
    assert_read_or_refused(opening * 300 + "N" + closing * 300)


@settings(max_examples=300)
@given(st.lists(st.sampled_from(MARKS), max_size=12).map("".join))
def test_any_marks_are_read_or_refused(tex):
    assert_read_or_refused(tex)


@settings(max_examples=200)
@given(st.lists(st.sampled_from(SENSE), max_size=9).map(lambda marks: "F_i h_{ij} = " + "".join(marks)))
def test_marks_that_make_some_sense_are_read_or_refused(tex):
    assert_read_or_refused(tex)


@settings(max_examples=60)
@given(st.text(max_size=20))
def test_any_text_is_read_or_refused(tex):
    assert_read_or_refused(tex)


def pieces(tex):
    """Pieces of TeX, each a command, a number, or one character."""
    return re.findall(r"\\[a-zA-Z]+|\\.|[0-9]+|.", tex, re.DOTALL)


@st.composite
def mutants(draw):
    """Equations of the book, pieces or characters of which are deleted, doubled, swapped or replaced."""
    tex = draw(st.sampled_from(BOOK))
    for _ in range(draw(st.integers(1, 3))):
        found = draw(st.sampled_from([list, pieces]))(tex)
        place, other = (draw(st.integers(0, len(found) - 1)) for _ in range(2))
        replacement = draw(st.sampled_from(["", found[place] * 2, found[other], *MARKS, *"ikpmjlnqd"]))
        if draw(st.booleans()):
            replacement, found[other] = found[other], found[place]
        found[place] = replacement
        tex = "".join(found)
    return tex


@settings(max_examples=400)
@given(mutants())
def test_mutated_equation_of_the_book_is_read_or_refused(tex):
    assert_read_or_refused(tex)
