"""Expressions as numbers: in fractions, in complex numbers and in PyTorch, and their derivatives."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from identities import LAYER_NORM, RMS_NORM
from messages import exactly

import bn_utils as bn
from bn_utils.proof import instances
from bn_utils.proof.duals import Dual, exp, log, power, rational_power, real, split
from bn_utils.proof.evaluate import ComplexWorld, World
from bn_utils.proof.expressions import NAMES, Case, Derivative, Equal, Number, Symbol
from bn_utils.proof.instances import EXACT_SIZES, complex_world, exact_world, random_values
from bn_utils.proof.torch_operators import OPERATORS, TorchWorld
from bn_utils.proof.verdict import context_of
from bn_utils.texmath import read_definition, read_expression

pytestmark = pytest.mark.filterwarnings("error")

BOOK = [
    r"h_{ij} = \sum_d X_{id} W_{dj} + b_j",
    r"\mu_j = \frac{1}{N} \sum_i h_{ij}",
    r"c_{ij} = h_{ij} - \mu_j",
    r"\sigma_j^2 = \frac{1}{N} \sum_i (h_{ij} - \mu_j)^2",
    r"s_j = (\sigma_j^2 + \epsilon)^{1/2}",
    r"r_j = (\sigma_j^2 + \epsilon)^{-1/2}",
    r"\hat h_{ij} = (h_{ij} - \mu_j) (\sigma_j^2 + \epsilon)^{-1/2}",
    r"y_{ij} = \gamma_j \hat h_{ij} + \beta_j",
    r"a_{ij} = \max(0, y_{ij})",
    r"\mathcal L = \sum_{k,l} g_{kl} y_{kl}",
    r"\mathtt{dh}_{kl} = \frac{\partial \mathcal L}{\partial h_{kl}}",
]
DEFINITIONS = {d.symbol.name: d for d in map(read_definition, BOOK)}
SIZES = {"N": 3, "H": 2, "D": 3}
WORLDS = {"fractions": World, "complex": ComplexWorld, "PyTorch": TorchWorld}
in_every_world = pytest.mark.parametrize("kind", WORLDS)


def d(above, below):
    return rf"\frac{{\partial {above}}}{{\partial {below}}}"


def world_of(kind, values, definitions, sizes):
    """The same numbers in one of the three worlds."""
    dtype = {"fractions": object, "complex": complex, "PyTorch": float}[kind]
    arrays = {name: np.array(value, dtype=dtype) for name, value in values.items()}
    return WORLDS[kind](sizes, arrays, definitions)


def evaluated(world, tex, letters=""):
    """The values of TeX, as an array of float64."""
    values = world.evaluate(read_expression(tex), tuple(letters))
    if isinstance(values, torch.Tensor):
        return values.detach().numpy()
    return np.array(values.real if isinstance(world, ComplexWorld) else values, dtype=float)


# by hand -----------------------------------------------------------------------------------

BATCH = {  # 2 rows, 3 columns, eps = 0: all roots are whole
    "h": [[1, 2, 3], [3, 6, 11]],
    "g": [[1, 0, 2], [-1, 3, 4]],
    r"\gamma": [1, -2, 3],
    r"\beta": [0, 1, 2],
    r"\epsilon": 0,
    r"\alpha": 2,
    "F": [5, 7],
    "X": [[1], [2]],
}
BY_HAND = {
    "2": (2, ""),
    "N": (2, ""),
    "N H - D": (5, ""),
    r"\alpha^3": (8, ""),
    r"\frac{3}{4} N^{-1}": (0.375, ""),
    "F_i": ([5, 7], "i"),
    "F_i + h_{kj}": ([[[6, 7, 8], [8, 11, 16]], [[8, 9, 10], [10, 13, 18]]], "ikj"),
    "X_{id}": ([[1], [2]], "id"),
    r"\delta_{ik}": ([[1, 0], [0, 1]], "ik"),
    r"\delta_{jl}": (np.eye(3), "jl"),
    r"\delta_{jj}": ([1, 1, 1], "j"),
    r"\sum_i 1": (2, ""),
    r"\sum_{i,j,d} \alpha": (12, ""),
    r"\sum_i \gamma_j": ([2, -4, 6], "j"),
    r"\sum_i F_i": (12, ""),
    r"\sum_i F_i \delta_{ik}": ([5, 7], "k"),
    r"\sum_{i,k} F_i F_k": (144, ""),
    r"\sum_{i,j} h_{ij} g_{ij}": (66, ""),
    r"\sum_j h_{ij}": ([6, 20], "i"),
    r"\mu_j": ([2, 4, 7], "j"),
    r"\sigma_j^2": ([1, 4, 16], "j"),
    "s_j": ([1, 2, 4], "j"),
    r"\hat h_{ij}": ([[-1, -1, -1], [1, 1, 1]], "ij"),
    "y_{ij}": ([[-1, 3, -1], [1, -1, 5]], "ij"),
    "a_{ij}": ([[0, 3, 0], [1, 0, 5]], "ij"),
    r"\mathcal L": (13, ""),
    r"(\sigma_j^2 + \epsilon)^{-3/2}": ([1, 1 / 8, 1 / 64], "j"),
    r"(\sigma_j^2)^0": ([1, 1, 1], "j"),
    r"\begin{cases} F_i & \text{if } i = k, \\ -1 & \text{otherwise.} \end{cases}": (
        [[5, -1], [-1, 7]],
        "ik",
    ),
    r"\begin{cases} \alpha & \text{if } \gamma_j > 0, \\ N & \text{otherwise.} \end{cases}": ([2, 2, 2], "j"),
    r"\begin{cases} \gamma_j & \text{if } g_{ij} > 0, \\ \alpha & \text{otherwise.} \end{cases}": (
        [[1, 2, 3], [2, -2, 3]],
        "ij",
    ),
    d(r"\mu_l", "h_{ij}"): (np.eye(3)[:, None, :] * np.ones((3, 2, 3)) / 2, "lij"),
    d(r"\sigma_j^2", "h_{ij}"): ([[-1, -2, -4], [1, 2, 4]], "ij"),
    d(r"\mathcal L", "h_{ij}"): (np.zeros((2, 3)), "ij"),
    d(r"\mathcal L", r"\gamma_j"): ([-2, 3, 2], "j"),
    d(r"\mathcal L", r"\hat h_{ij}"): ([[1, 0, 6], [-1, -6, 12]], "ij"),
    d("F_i", "F_k"): (np.eye(2), "ik"),
    d("(F_i^2 F_k)", "F_i"): ([[75, 70], [70, 147]], "ik"),
    d(r"(\alpha^2 F_i)", r"\alpha"): ([20, 28], "i"),
    d("F_i", r"\gamma_j"): (np.zeros((2, 3)), "ij"),
    r"\sum_i " + d("(F_i^2)", "F_i"): (24, ""),
}


@in_every_world
@pytest.mark.parametrize("tex", BY_HAND)
def test_values_are_those_found_by_hand(kind, tex):
    expected, letters = BY_HAND[tex]
    definitions = {name: meaning for name, meaning in DEFINITIONS.items() if name != "h"}
    world = world_of(kind, BATCH, definitions, {"N": 2, "H": 3, "D": 1})
    values = evaluated(world, tex, letters)
    assert values.shape == np.shape(expected)
    np.testing.assert_allclose(values, expected, rtol=1e-15, atol=1e-15)


@in_every_world
def test_axes_follow_the_order_of_the_letters(kind):
    world = world_of(kind, BATCH, {}, {"N": 2, "H": 3, "D": 1})
    expected = np.array(BATCH["h"])
    np.testing.assert_array_equal(evaluated(world, "h_{ij}", "ij"), expected)
    np.testing.assert_array_equal(evaluated(world, "h_{ij}", "ji"), expected.T)
    np.testing.assert_array_equal(evaluated(world, "h_{ij}", "kij"), [expected, expected])
    np.testing.assert_array_equal(evaluated(world, "N", "k"), [2, 2])


@in_every_world
def test_a_name_with_two_letters_of_one_kind(kind):
    world = world_of(kind, {"M": [[1, 2], [3, 4]]}, {}, {"N": 2, "H": 1, "D": 1})
    names = {**NAMES, "M": ("N", "N")}

    def values(tex, letters):
        result = world.evaluate(read_expression(tex, names), tuple(letters))
        return np.array(result.detach().numpy() if kind == "PyTorch" else result, dtype=complex).real

    np.testing.assert_array_equal(values("M_{ii}", "i"), [1, 4])
    np.testing.assert_array_equal(values(r"\sum_i M_{ii}", ""), 5)
    np.testing.assert_array_equal(values("M_{ki}", "ik"), [[1, 3], [2, 4]])
    np.testing.assert_array_equal(values(r"\sum_p M_{ip} M_{pk}", "ik"), [[7, 10], [15, 22]])
    np.testing.assert_array_equal(values(d("M_{ii}", "M_{kk}"), "ik"), np.eye(2))


# fractions ---------------------------------------------------------------------------------


def is_rational(array):
    return all(isinstance(number, (int, Fraction)) for number in np.ravel(array))


@pytest.mark.parametrize("sizes", EXACT_SIZES, ids=str)
def test_in_fractions_nothing_is_rounded(sizes):
    world = exact_world(sizes, DEFINITIONS)
    for name in ("h", r"\mu", r"\sigma^2", "s", r"\hat h", "y", "a", r"\mathcal L"):
        assert is_rational(world.value(name))
    assert all(s > 0 and s**2 == whole for s, whole in zip(world.value("s"), whole_of(world), strict=True))
    np.testing.assert_array_equal(world.value("h"), world.value("X") @ world.value("W") + world.value("b"))
    assert (world.value(r"\sigma^2") > 0).all()
    assert len(set(world.value("h").ravel())) > sizes["H"]


def whole_of(world, square=r"\sigma^2"):
    return world.value(square) + world.value(r"\epsilon")


@pytest.mark.parametrize("given", [LAYER_NORM, RMS_NORM], ids=["layer norm", "RMS norm"])
@pytest.mark.parametrize("sizes", EXACT_SIZES, ids=str)
def test_the_square_of_a_row_has_a_rational_root_too(sizes, given):
    context = context_of(BOOK, given)
    world = exact_world(sizes, context.theory.definitions, context.names, r"\tau^2")
    assert len(whole_of(world, r"\tau^2")) == sizes["N"]
    assert all(rational_power(whole, Fraction(1, 2)) > 0 for whole in whole_of(world, r"\tau^2"))
    assert is_rational(world.value(r"\hat x"))


def test_a_square_that_nothing_defines_has_a_rational_root():
    world = exact_world(EXACT_SIZES[0], {}, {**NAMES, r"\tau^2": ("N", "H")})
    for name in (r"\sigma^2", r"\tau^2"):
        assert all(rational_power(whole, Fraction(1, 2)) > 1 for whole in np.ravel(whole_of(world, name)))


@given(variance=st.fractions(Fraction(1, 10**4), 10**4, max_denominator=10**4))
def test_the_scale_makes_the_scaled_variance_plus_epsilon_a_square(variance):
    t = instances._scale(variance)
    assert rational_power(t**2 * variance + instances.ROOT**2, Fraction(1, 2)) > 0
    assert t > 0


def test_random_values_are_of_both_signs_and_their_squares_positive():
    values = random_values({"N": 6, "H": 4, "D": 3}, {**NAMES, r"\tau^2": ("H",)})
    assert values["X"].shape == (6, 3)
    assert values[r"\mathcal L"].shape == ()
    assert values[r"\gamma"].min() < 0 < values[r"\gamma"].max()
    assert (values[r"\sigma^2"] > 0).all()
    assert (values[r"\tau^2"] > 0).all()
    assert (values[r"\epsilon"], values[r"\alpha"]) == (0.3, 1.7)
    assert not {"N", "H", "D"} & set(values)
    world = complex_world({"N": 6, "H": 4, "D": 3}, values, {})
    np.testing.assert_array_equal(world.value("X"), values["X"])
    assert world.value("X").dtype == complex


# derivatives -------------------------------------------------------------------------------


def plain(h, gamma, beta, eps):
    """Batch norm as one writes it in NumPy."""
    mu = h.sum(axis=0) / len(h)
    return gamma * (h - mu) / np.sqrt(((h - mu) ** 2).sum(axis=0) / len(h) + eps) + beta


VALUES = random_values(SIZES)
FREE_H = {name: meaning for name, meaning in DEFINITIONS.items() if name != "h"}
PLAIN = {
    "h": lambda h: plain(h, VALUES[r"\gamma"], VALUES[r"\beta"], 0.3),
    r"\gamma": lambda gamma: plain(VALUES["h"], gamma, VALUES[r"\beta"], 0.3),
    r"\beta": lambda beta: plain(VALUES["h"], VALUES[r"\gamma"], beta, 0.3),
    r"\epsilon": lambda eps: plain(VALUES["h"], VALUES[r"\gamma"], VALUES[r"\beta"], eps),
}
LETTERS = {2: "ij", 1: "j", 0: ""}


@pytest.mark.parametrize("kind", ["complex", "PyTorch"])
@pytest.mark.parametrize("name", PLAIN)
def test_derivatives_are_the_complex_step_of_plain_functions(kind, name):
    world = world_of(kind, VALUES, FREE_H, SIZES)
    letters = LETTERS[VALUES[name].ndim]
    by = f"{name}_{{{letters}}}" if letters else name
    expected = bn.complex_step_jacobian(PLAIN[name], VALUES[name])
    bn.assert_grads_close("dy", evaluated(world, d("y_{kl}", by), "kl" + letters), expected)


@pytest.mark.parametrize("kind", ["complex", "PyTorch"])
def test_the_derivative_is_the_jacobian_of_the_book(kind):
    h, eps = VALUES["h"], 0.3
    world = world_of(kind, VALUES, FREE_H, SIZES)
    jacobian = evaluated(world, d(r"\hat h_{kl}", "h_{ij}"), "klij")
    bn.assert_grads_close("dhhat", jacobian, bn.dhhat_dh(h, eps))
    bn.assert_grads_close("dh", evaluated(world, r"\mathtt{dh}_{kl}", "kl"), backward(h, VALUES["g"]))


def backward(h, g):
    _, cache = bn.batchnorm_forward(h, VALUES[r"\gamma"], VALUES[r"\beta"], 0.3)
    return bn.batchnorm_backward(g, cache)[0]


SECOND = {
    d("(" + d(r"\mathcal L", "h_{kl}") + ")", "h_{ij}"): "klij",
    d("(" + d(r"\mathcal L", "h_{kl}") + ")", r"\gamma_j"): "klj",
    d("(" + d("y_{kl}", r"\mu_j") + ")", r"\sigma_j^2"): "klj",
    d(r"\mathtt{dh}_{kl}", "h_{ij}"): "klij",
}


@pytest.mark.parametrize("tex", SECOND)
def test_second_derivatives_agree_in_every_world(tex):
    exact = exact_world(SIZES, DEFINITIONS)
    values = {name: np.array(value, dtype=float) for name, value in exact.values.items()}
    expected = evaluated(exact, tex, SECOND[tex])
    assert np.abs(expected).max() > 1e-3
    for kind in ("complex", "PyTorch"):
        world = world_of(kind, values, DEFINITIONS, SIZES)
        bn.assert_grads_close(kind, evaluated(world, tex, SECOND[tex]), expected)


@in_every_world
def test_second_derivative_of_a_cube(kind):
    world = world_of(kind, {"F": [2, 5]}, {}, {"N": 2, "H": 1, "D": 1})
    found = evaluated(world, d("(" + d("(F_i^3)", "F_k") + ")", "F_p"), "ikp")
    expected = np.zeros((2, 2, 2))
    expected[0, 0, 0], expected[1, 1, 1] = 12, 30
    np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_second_derivative_is_the_complex_step_of_the_backward_pass():
    expected = bn.complex_step_jacobian(complex_backward, VALUES["h"])
    for kind in ("complex", "PyTorch"):
        world = world_of(kind, VALUES, FREE_H, SIZES)
        found = evaluated(world, d("(" + d(r"\mathcal L", "h_{kl}") + ")", "h_{ij}"), "klij")
        bn.assert_grads_close("ddh", found, expected)


def complex_backward(h):
    """The closed form of the derivation, for a complex h."""
    g, gamma, N = VALUES["g"], VALUES[r"\gamma"], len(h)
    centred = h - h.sum(axis=0) / N
    s = np.sqrt((centred**2).sum(axis=0) / N + 0.3)
    hhat = centred / s
    return gamma / (N * s) * (N * g - g.sum(axis=0) - hhat * (g * hhat).sum(axis=0))


TOTAL = {
    d(r"\mathcal L", r"\hat h_{ij}"): r"g_{ij} \gamma_j",
    d("y_{ij}", r"\hat h_{ij}"): r"\gamma_j",
    d(r"\sigma_j^2", r"\mu_j"): "0 F_i",
    d(r"\hat h_{ij}", r"\mu_j"): r"-(\sigma_j^2 + \epsilon)^{-1/2}",
    d("y_{ij}", r"\mu_j"): r"-\gamma_j (\sigma_j^2 + \epsilon)^{-1/2}",
    d(r"\hat h_{ij}", r"\sigma_j^2"): r"-\frac{1}{2} (h_{ij} - \mu_j) (\sigma_j^2 + \epsilon)^{-3/2}",
    d("y_{ij}", r"\sigma_j^2"): r"-\frac{1}{2} \gamma_j (h_{ij} - \mu_j) (\sigma_j^2 + \epsilon)^{-3/2}",
    d("s_j", r"\sigma_j^2"): r"\frac{1}{2} (\sigma_j^2 + \epsilon)^{-1/2}",
    d("h_{ij}", r"\mu_j"): "0 F_i",
    d("y_{ij}", "c_{ij}"): "0 F_i",
    d("y_{ij}", "s_j"): "0 F_i",
    d(r"\sigma_j^2", "c_{ij}"): "0 F_i",
    d("y_{ij}", r"\epsilon"): r"-\frac{1}{2} \gamma_j (h_{ij} - \mu_j) (\sigma_j^2 + \epsilon)^{-3/2}",
    d("s_j", r"\epsilon"): r"\frac{1}{2} (\sigma_j^2 + \epsilon)^{-1/2}",
    d("h_{ij}", "b_j"): "1",
    d(r"\mu_j", "b_j"): "1",
    d("a_{ij}", "y_{ij}"): r"\begin{cases} 1 & \text{if } y_{ij} > 0, \\ 0 & \text{otherwise.} \end{cases}",
    d("a_{ij}", r"\beta_j"): r"\begin{cases} 1 & \text{if } y_{ij} > 0, \\ 0 & \text{otherwise.} \end{cases}",
}


@pytest.mark.parametrize("tex", TOTAL)
def test_a_derivative_is_total_below_the_name_and_no_further(tex):
    exact = exact_world(SIZES, DEFINITIONS)
    expression, expected = read_expression(tex), read_expression(TOTAL[tex])
    np.testing.assert_array_equal(
        exact.evaluate(expression, ("i", "j")), exact.evaluate(expected, ("i", "j"))
    )
    worlds = [world_of(kind, VALUES, DEFINITIONS, SIZES) for kind in ("complex", "PyTorch")]
    worlds.append(TorchWorld(SIZES, VALUES, DEFINITIONS, OPERATORS))
    for world in worlds:
        bn.assert_grads_close("it", evaluated(world, tex, "ij"), evaluated(world, TOTAL[tex], "ij"), 1e-14)


@in_every_world
def test_a_varied_name_is_not_computed_from_its_definition(kind):
    world = world_of(kind, BATCH, FREE_H, {"N": 2, "H": 3, "D": 1})
    zeros = np.zeros(3, dtype=object) if kind == "fractions" else np.zeros(3)
    if kind == "PyTorch":
        zeros = torch.zeros(3, dtype=torch.float64)
    varied = world.vary(r"\mu", zeros)
    assert type(varied) is type(world)
    np.testing.assert_array_equal(evaluated(varied, "c_{ij}", "ij"), BATCH["h"])
    np.testing.assert_array_equal(evaluated(world, r"\mu_j", "j"), [2, 4, 7])


# PyTorch's own operators ---------------------------------------------------------------------


@pytest.mark.parametrize("name", OPERATORS)
def test_each_operator_computes_what_the_definition_says(name):
    letters = "ijd"[: len(NAMES[name])] if NAMES[name] != ("H",) else "j"
    tex = f"{name}_{{{letters}}}" if letters else name
    tex = r"\sigma_j^2" if name == r"\sigma^2" else tex
    operated = TorchWorld(SIZES, VALUES, DEFINITIONS, {name: OPERATORS[name]})
    expected = evaluated(TorchWorld(SIZES, VALUES, DEFINITIONS), tex, letters)
    bn.assert_grads_close(name, evaluated(operated, tex, letters), expected)


@in_every_world
def test_an_operator_takes_the_place_of_a_definition(kind):
    values = world_of(kind, BATCH, {}, {"N": 2, "H": 3, "D": 1}).values
    seven = {r"\mu": (lambda value: value(r"\beta") + 7, ("s",))}
    world = WORLDS[kind]({"N": 2, "H": 3, "D": 1}, values, FREE_H, seven)
    np.testing.assert_array_equal(evaluated(world, r"\mu_j", "j"), [7, 8, 9])
    np.testing.assert_array_equal(evaluated(world.vary(r"\gamma", None), r"\mu_j", "j"), [7, 8, 9])
    np.testing.assert_array_equal(evaluated(world.vary("s", None), r"\mu_j", "j"), [2, 4, 7])


@pytest.mark.parametrize(
    ("name", "hidden"),
    [
        (r"\sigma^2", {r"\mu", "c"}),
        (r"\hat h", {r"\mu", r"\sigma^2", "s", "c", r"\epsilon"}),
        ("y", {r"\mu", r"\sigma^2", "s", "c", r"\epsilon", r"\hat h"}),
    ],
)
def test_operators_name_what_they_hide(name, hidden):
    assert set(OPERATORS[name][1]) >= hidden


@pytest.mark.parametrize(
    "tex",
    [
        d(r"\mathcal L", "h_{ij}"),
        d(r"\mathcal L", r"\mu_j"),
        d(r"\mathcal L", r"\sigma_j^2"),
        d(r"\mathcal L", r"\hat h_{ij}"),
        d(r"\mathcal L", r"\gamma_j"),
        d(r"\mathcal L", r"\epsilon"),
        d("(" + d(r"\mathcal L", "h_{ij}") + ")", r"\gamma_l"),
    ],
)
def test_derivatives_through_operators_are_those_of_the_definitions(tex):
    operated, plainly = (TorchWorld(SIZES, VALUES, DEFINITIONS, o) for o in (OPERATORS, None))
    letters = "ijl" if r"\gamma_l" in tex else "ij" if "ij" in tex else "j" if "_j" in tex else ""
    bn.assert_grads_close("dL", evaluated(operated, tex, letters), evaluated(plainly, tex, letters))


# powers and dual numbers ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "exponent", "expected"),
    [
        (Fraction(9, 4), Fraction(1, 2), Fraction(3, 2)),
        (Fraction(9, 4), Fraction(-3, 2), Fraction(8, 27)),
        (Fraction(-2, 3), Fraction(3), Fraction(-8, 27)),
        (Fraction(-2, 3), Fraction(-2), Fraction(9, 4)),
        (0, Fraction(1, 2), 0),
        (0, Fraction(0), 1),
        (1, Fraction(1, 4), 1),
        (10**60, Fraction(1, 2), 10**30),
    ],
)
def test_rational_powers_are_exact(number, exponent, expected):
    assert rational_power(number, exponent) == expected
    assert power(number, exponent) == expected


@pytest.mark.parametrize("number", [2, Fraction(1, 2), Fraction(4, 3), -4, 10**60 + 1])
def test_a_root_that_is_not_rational_is_refused(number):
    with pytest.raises(ArithmeticError, match=exactly(f"{number} to the power 1/2 is not rational")):
        rational_power(number, Fraction(1, 2))


@pytest.mark.parametrize("exponent", [Fraction(-1), Fraction(-1, 2)])
def test_a_negative_power_of_0_is_refused(exponent):
    with pytest.raises(ArithmeticError):
        rational_power(Fraction(0), exponent)


numbers = st.fractions(-9, 9, max_denominator=9)


@given(a=numbers, da=numbers, b=numbers, db=numbers)
def test_dual_numbers_follow_the_rules_of_sum_and_product(a, da, b, db):
    x, y = Dual(a, da, 1), Dual(b, db, 1)
    assert split(x + y, 1) == (a + b, da + db)
    assert split(x * y, 1) == (a * b, da * b + a * db)
    assert split(b * x, 1) == split(x * b, 1) == (a * b, da * b)
    assert split(b + x, 1) == split(x + b, 1) == (a + b, da)


@given(a=numbers, b=numbers, c=numbers)
def test_levels_are_kept_apart(a, b, c):
    x, y = Dual(a, 1, 1), Dual(b, 1, 2)
    product = x * x * y * c
    for ordered in (product, c * y * x * x, x * (y * x) * c):
        outer, rate = split(ordered, 2)
        assert ordered.level == 2
        assert split(outer, 1) == (a * a * b * c, 2 * a * b * c)
        assert split(rate, 1) == (a * a * c, 2 * a * c)
        assert split(ordered, 1) == (ordered, 0)
        assert real(ordered) == a * a * b * c
    assert split(split(y + x, 2)[0], 1) == (a + b, 1)


@given(a=numbers.filter(bool), da=numbers, n=st.integers(-4, 4))
def test_powers_of_dual_numbers_are_repeated_products(a, da, n):
    value, rate = split(power(Dual(a, da, 1), Fraction(n)), 1)
    assert value == a**n
    assert rate == n * Fraction(a) ** (n - 1) * da


@given(root=numbers.filter(lambda number: number > 0), da=numbers)
def test_roots_of_dual_numbers(root, da):
    value, rate = split(power(Dual(root**2, da, 1), Fraction(1, 2)), 1)
    assert (value, rate) == (root, da / (2 * root))
    inner = split(power(Dual(Dual(root**2, 1, 1), 1, 2), Fraction(-1, 2)), 2)[1]
    assert split(inner, 1) == (-(root**-3) / 2, 3 * root**-5 / 4)


def test_complex_dual_numbers():
    value, rate = split(power(Dual(4 + 0j, 3, 1), Fraction(-1, 2)), 1)
    assert (value, rate) == (0.5, -3 / 16)
    assert split((2 + 0j) * Dual(1 + 0j, 1, 1) + 1, 1) == (3, 2)
    assert real(Dual(Dual(2 + 1j, 0, 1), 0, 2)) == 2


# exp and log ----------------------------------------------------------------------------------


quarters = st.integers(-40, 40).map(lambda n: Fraction(n, 4))
positive = st.fractions(Fraction(1, 99), 99, max_denominator=99)


@given(x=quarters, y=quarters, a=positive, b=positive)
def test_the_stand_ins_obey_the_laws_of_exp_and_log(x, y, a, b):
    assert exp(x + y) == exp(x) * exp(y)
    assert log(exp(x)) == x
    assert log(a * b) == log(a) + log(b)
    assert log(1 / a) == -log(a)


def test_the_stand_ins_by_hand():
    assert [exp(Fraction(n, 4)) for n in (-1, 0, 3)] == [Fraction(1, 2), 1, 8]
    assert [log(n) for n in (Fraction(12, 7), Fraction(7, 8), 1)] == [Fraction(1, 2), Fraction(-3, 4), 0]


@pytest.mark.parametrize("number", [Fraction(1, 3), Fraction(1, 8), 2500, -2500])
def test_exp_of_what_would_be_no_short_fraction_is_refused(number):
    with pytest.raises(
        ArithmeticError, match=exactly(f"16 to the power {number} is not rational, or too large")
    ):
        exp(number)
    assert exp(Fraction(9999, 4)) == 2**9999


@pytest.mark.parametrize("number", [0, Fraction(-3, 2)])
def test_log_is_of_positive_numbers(number):
    with pytest.raises(ArithmeticError, match=exactly(f"{number} has no log")):
        log(number)


def test_exp_and_log_of_dual_numbers():
    assert split(exp(Dual(Fraction(3, 4), 5, 1)), 1) == (8, 40)
    assert split(log(Dual(Fraction(8), 5, 1)), 1) == (Fraction(3, 4), Fraction(5, 8))
    inner = split(log(Dual(Dual(Fraction(4), 1, 1), 1, 2)), 2)[1]
    assert split(inner, 1) == (Fraction(1, 4), Fraction(-1, 16))
    assert split(exp(Dual(0j, 3, 1)), 1) == (1, 3)
    assert split(log(Dual(2 + 0j, 3, 1)), 1) == (pytest.approx(np.log(2)), 1.5)


@pytest.mark.parametrize("kind", ["complex", "PyTorch"])
def test_exp_and_log_of_arrays(kind):
    z = np.array([[0.5, -1.0], [2.0, 0.25]])
    names = {"z": ("N", "H"), "Z": ("N",)}
    defined = read_definition(r"Z_i = \sum_l \exp z_{il}", names)
    world = world_of(kind, {"z": z}, {"Z": defined}, {"N": 2, "H": 2, "D": 1})

    def values(tex, letters):
        found = world.evaluate(read_expression(tex, names), tuple(letters))
        return np.real(found.detach().numpy() if kind == "PyTorch" else found)

    total = np.exp(z).sum(axis=1)
    bn.assert_grads_close("log Z", values(r"\log Z_i", "i"), np.log(total))
    slope = values(d(r"\log Z_k", "z_{ij}"), "kij")
    bn.assert_grads_close("slope", slope, np.einsum("ki,ij->kij", np.eye(2), np.exp(z) / total[:, None]))
    inner = d(r"\log Z_k", "z_{ij}")
    curve = values(d(f"({inner})", "z_{pl}"), "kijpl")[0, 0, :, 0]  # of log Z_1 by z_1j, then by z_1l
    P = (np.exp(z) / total[:, None])[0]
    bn.assert_grads_close("curve", curve, np.diag(P) - np.outer(P, P))


@pytest.mark.parametrize("make", [exact_world, None])
def test_a_name_that_stands_for_positive_numbers_gets_them(make):
    names = {**NAMES, "Z": ("N",)}
    values = exact_world(EXACT_SIZES[1], {}, names).values if make else random_values(SIZES, names)
    assert (values["Z"] > 0).all()


def test_a_condition_on_two_letters_and_a_derivative_by_a_scalar():
    case = Case(Equal("i", "k"), Number(Fraction(2)), Symbol(r"\alpha"))
    world = world_of("fractions", {r"\alpha": 5}, {}, {"N": 2, "H": 1, "D": 1})
    found = world.evaluate(Derivative(case, Symbol(r"\alpha")), ("i", "k"))
    np.testing.assert_array_equal(found, [[0, 1], [1, 0]])
