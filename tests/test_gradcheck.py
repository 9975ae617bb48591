"""The gradient oracles on functions of known gradient, and what a comparison says when it fails."""

import re
from types import SimpleNamespace

import numpy as np
import pytest
from messages import exactly
from strategies import random_batch

import bn_utils as bn

pytestmark = pytest.mark.filterwarnings("error")

POINTS = [np.random.default_rng(0).uniform(-2, 2, shape) for shape in [(), (5,), (2, 3, 4)]]
at_points = pytest.mark.parametrize("x", POINTS, ids=lambda x: str(x.shape))


def sines(x):
    return np.sum(np.sin(x))


# derivatives -------------------------------------------------------------------------


@at_points
def test_complex_step_is_right_to_round_off(x):
    bn.assert_grads_close("dx", bn.complex_step_gradient(sines, x), np.cos(x), tol=4e-16)


def test_complex_step_keeps_its_digits_where_a_difference_cancels():
    gradient = bn.complex_step_gradient(lambda x: np.sum(1e9 + x**2), np.array([1e-3]))
    np.testing.assert_array_equal(gradient, [2e-3])


def test_complex_step_jacobian_is_indexed_by_f_then_x():
    M, x = np.arange(6.0).reshape(2, 3), np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    jacobian = bn.complex_step_jacobian(lambda x: M @ x, x)
    # d(M x)_kl / dx_ij = M_ki delta_lj
    expected = M[:, None, :, None] * np.eye(2)[None, :, None, :]
    bn.assert_grads_close("dMx", jacobian, expected, tol=1e-15)


@pytest.mark.parametrize(("x", "shape"), [(np.array(2.0), (2, 3)), (np.array([2.0]), (2, 3, 1))], ids=str)
def test_complex_step_jacobian_of_one_number_has_the_shape_of_f(x, shape):
    jacobian = bn.complex_step_jacobian(lambda x: x**2 * np.ones((2, 3)), x)
    bn.assert_grads_close("dx", jacobian, np.full(shape, 4.0), tol=0)


@at_points
def test_central_difference_is_right_to_truncation(x):
    bn.assert_grads_close("dx", bn.numerical_gradient(sines, x), np.cos(x), tol=1e-9)


def test_central_difference_is_exact_on_a_quadratic():
    gradient = bn.numerical_gradient(lambda x: np.sum(x * x + 3 * x), np.array([0.0, 1.0, -0.5]), step=0.5)
    np.testing.assert_array_equal(gradient, [3, 5, 2])


def test_central_difference_of_a_cubic_is_off_by_the_step_squared():
    gradient = bn.numerical_gradient(lambda x: np.sum(x**3), np.array([0.0, 1.0]), step=0.25)
    np.testing.assert_array_equal(gradient, [0.25**2, 3 + 0.25**2])


def test_step_is_1e_minus_6_by_default():
    np.testing.assert_allclose(bn.numerical_gradient(lambda x: x**3, np.array(0.0)), 1e-12, rtol=1e-9)


def test_step_grows_with_entries_above_1():
    seen = []

    def total(x):
        seen.append(x.tolist())
        return np.sum(x)

    bn.numerical_gradient(total, np.array([0.5, -8.0]), step=0.25)
    assert seen == [[0.75, -8.0], [0.25, -8.0], [0.5, -6.0], [0.5, -10.0]]


@pytest.mark.parametrize(
    "gradient", [bn.complex_step_gradient, bn.complex_step_jacobian, bn.numerical_gradient]
)
def test_x_is_not_changed(gradient):
    x = np.array([[1.0, 2.0], [3.0, 4.0]])[:, ::-1]
    gradient(sines, x)
    np.testing.assert_array_equal(x, [[2, 1], [4, 3]])


def test_nested_lists_are_accepted():
    np.testing.assert_array_equal(
        bn.complex_step_gradient(lambda x: np.sum(x**2), [[1.0], [2.0]]), [[2], [4]]
    )


# one random direction ----------------------------------------------------------------


@at_points
def test_directional_check_accepts_the_gradient(x):
    bn.directional_check("dx", sines, x, np.cos(x), np.random.default_rng(0), tol=1e-14)


@at_points
def test_directional_check_notices_any_wrong_entry(x):
    for index in np.ndindex(x.shape):
        wrong = np.array(np.cos(x))
        wrong[index] += 1e-3
        with pytest.raises(AssertionError, match=r"^dx along v: relative error"):
            bn.directional_check("dx", sines, x, wrong, np.random.default_rng(0))


def test_directional_check_evaluates_once():
    calls = []
    bn.directional_check(
        "dx", lambda x: calls.append(x) or np.sum(x), np.ones(9), np.ones(9), np.random.default_rng(0)
    )
    assert len(calls) == 1


@pytest.mark.parametrize(("error", "accepted"), [(0.9e-10, True), (1.1e-10, False)])
def test_directional_check_tolerates_1e_minus_10_by_default(error, accepted):
    along_ones = SimpleNamespace(standard_normal=np.ones)
    gradient = np.array([1 + error])
    if accepted:
        bn.directional_check("dx", np.sum, np.zeros(1), gradient, along_ones)
    else:
        message = "dx along v: relative error 1.1e-10 > 1e-10, worst at index (): 1.00000000011, expected 1"
        with pytest.raises(AssertionError, match=exactly(message)):
            bn.directional_check("dx", np.sum, np.zeros(1), gradient, along_ones)


def test_directional_check_compares_shapes_first():
    with pytest.raises(AssertionError, match=exactly("dx: shape (3,), expected (2,)")):
        bn.directional_check("dx", sines, np.ones(2), np.ones(3), np.random.default_rng(0))


# what they refuse ---------------------------------------------------------------------

RNG = np.random.default_rng(0)
TAKES_X = {
    "complex_step_gradient": ("x", lambda x: bn.complex_step_gradient(np.sum, x)),
    "complex_step_jacobian": ("x", lambda x: bn.complex_step_jacobian(np.exp, x)),
    "numerical_gradient": ("x", lambda x: bn.numerical_gradient(np.sum, x)),
    "directional_check, x": ("x", lambda x: bn.directional_check("dx", np.sum, x, np.ones(2), RNG)),
    "directional_check, gradient": (
        "gradient",
        lambda x: bn.directional_check("dx", np.sum, np.ones(2), x, RNG),
    ),
}
takes_x = pytest.mark.parametrize(("name", "function"), TAKES_X.values(), ids=TAKES_X)


@takes_x
@pytest.mark.parametrize(
    ("x", "got"),
    [
        (np.ones(2, np.float32), "an array of float32, shape (2,)"),
        (np.ones((2, 1), np.int64), "an array of int64, shape (2, 1)"),
        (np.ones(2, complex), "an array of complex128, shape (2,)"),
        ([1, 2], "list [1, 2]"),
        (["a", "b"], "list ['a', 'b']"),
        (None, "NoneType None"),
        (True, "bool True"),
    ],
    ids=["float32", "int64", "complex128", "list of integers", "strings", "None", "bool"],
)
def test_x_that_is_not_float64_is_refused(name, function, x, got):
    with pytest.raises(TypeError, match=exactly(f"{name} must be a float64 array, got {got}")):
        function(x)


no_plain_arrays = pytest.mark.parametrize(
    ("value", "message"),
    [
        ([[1.0], [1.0, 2.0]], "must be an array of numbers, got list [[1.0], [1.0, 2.0]]"),
        (
            np.ma.masked_array([1.0, 2.0], [True, False]),
            "must be a plain array, got a masked one; its mask would be lost",
        ),
    ],
    ids=["ragged", "masked"],
)


@takes_x
@no_plain_arrays
def test_x_that_is_no_plain_array_is_refused(name, function, value, message):
    with pytest.raises(TypeError, match=exactly(f"{name} {message}")):
        function(value)


@takes_x
@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.array([[1.0, 2.0], [np.nan, 0.0]]), "must be finite, got nan at index (1, 0)"),
        (np.array([1.0, -np.inf]), "must be finite, got -inf at index (1,)"),
        (np.array(np.inf), "must be finite, got inf at index ()"),
        (np.ones(0), "must have n0 >= 1, got shape (0,)"),
        (np.ones((2, 0)), "must have n1 >= 1, got shape (2, 0)"),
    ],
)
def test_x_that_is_empty_or_not_finite_is_refused(name, function, x, message):
    with pytest.raises(ValueError, match=exactly(f"{name} {message}")):
        function(x)


GRADIENTS = {
    "complex_step_gradient": lambda f: bn.complex_step_gradient(f, np.ones(2)),
    "directional_check": lambda f: bn.directional_check(
        "dx", f, np.ones(2), np.ones(2), np.random.default_rng(0)
    ),
}
JACOBIAN = {"complex_step_jacobian": lambda f: bn.complex_step_jacobian(f, np.ones(2))}
NUMERICAL = {"numerical_gradient": lambda f: bn.numerical_gradient(f, np.ones(2))}


def calls(functions):
    return pytest.mark.parametrize("function", functions.values(), ids=functions)


@calls(GRADIENTS | NUMERICAL)
@pytest.mark.parametrize("shape", [(1,), (2, 1)], ids=str)
def test_f_that_is_no_scalar_is_refused(function, shape):
    message = f"f must return a scalar, got an array of float64, shape {shape}"
    with pytest.raises(TypeError, match=exactly(message)):
        function(lambda x: np.ones(shape))


@calls(GRADIENTS | JACOBIAN)
@pytest.mark.parametrize(
    ("f", "got"),
    [(lambda x: np.sum(x.real), "float64, shape ()"), (lambda x: None, "object, shape ()")],
    ids=["real", "None"],
)
def test_f_that_is_not_complex_is_refused(function, f, got):
    message = (
        f"f must return complex128 numbers, got an array of {got}: "
        "a step inside may have dropped the imaginary part"
    )
    with pytest.raises(TypeError, match=exactly(message)):
        function(f)


@pytest.mark.parametrize(("value", "got"), [(1j, "complex 1j"), (1, "int 1"), (None, "NoneType None")])
def test_f_that_is_not_real_is_refused(value, got):
    with pytest.raises(TypeError, match=exactly(f"f must return a float64 number, got {got}")):
        bn.numerical_gradient(lambda x: value, np.ones(2))


@calls(GRADIENTS | JACOBIAN)
@pytest.mark.parametrize(
    ("value", "got"), [(complex(np.nan, 0), "(nan+0j)"), (complex(0, np.inf), "infj")], ids=["nan", "inf"]
)
def test_complex_f_that_is_not_finite_is_refused(function, value, got):
    with pytest.raises(ValueError, match=exactly(f"f must return finite numbers, got {got}")):
        function(lambda x: value)


def test_complex_array_that_is_not_finite_is_refused():
    with pytest.raises(ValueError, match=r"^f must return finite numbers, got \["):
        bn.complex_step_jacobian(lambda x: np.array([1, complex(np.nan, 0)]), np.ones(2))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_real_f_that_is_not_finite_is_refused(value):
    with pytest.raises(ValueError, match=exactly(f"f must return finite numbers, got {value}")):
        bn.numerical_gradient(lambda x: value, np.ones(2))


@pytest.mark.parametrize("step", [0.0, -1e-6, np.nan, np.inf])
def test_step_that_is_not_positive_is_refused(step):
    with pytest.raises(ValueError, match=exactly(f"step must be finite and > 0, got {step}")):
        bn.numerical_gradient(np.sum, np.ones(2), step)


@pytest.mark.parametrize(("value", "got"), [(None, "NoneType None"), ("x", "str 'x'"), (True, "bool True")])
def test_step_and_tolerance_that_are_no_numbers_are_refused(value, got):
    with pytest.raises(TypeError, match=exactly(f"step must be a real number, got {got}")):
        bn.numerical_gradient(np.sum, np.ones(2), step=value)
    with pytest.raises(TypeError, match=exactly(f"tol must be a real number, got {got}")):
        bn.assert_grads_close("dW", np.ones(2), np.ones(2), tol=value)


def test_step_that_vanishes_beside_x_is_refused():
    message = "step must be large enough to move x = 2.0, got 1e-20"
    with pytest.raises(ValueError, match=exactly(message)):
        bn.numerical_gradient(np.sum, np.array([0.0, 2.0]), step=1e-20)


# the error and the comparison ----------------------------------------------------------


@pytest.mark.parametrize(
    ("actual", "expected", "error"),
    [
        (np.array([1.0, 3.0]), np.array([1.0, 4.0]), 0.25),
        (np.array([9.0, -4.0]), np.array([10.0, -8.0]), 0.4),
        (np.array([3.0]), np.array([-4.0]), 1.75),
        (np.array([0.5]), np.array([0.25]), 0.25),
        (np.array([8.0]), np.array([0.0]), 8.0),
        (np.array([[1.0], [2.0]]), np.array([[1.0], [2.0]]), 0.0),
        (np.array([3 + 4j]), np.array([0j]), 5.0),
        (np.float32(2.5), np.float64(2), 0.25),
        ([1.0, 3.0], [1.0, 2.0], 0.5),
        (1.5, 2.0, 0.25),
        (np.array([np.inf]), np.array([1.0]), np.inf),
        (np.array([1e308]), np.array([-1e308]), np.inf),
    ],
)
def test_relative_error_is_the_largest_difference_over_at_least_1(actual, expected, error):
    result = bn.relative_error(actual, expected)
    assert result == error
    assert type(result) is float


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        ([1.0, np.nan], [1.0, 2.0]),
        ([1.0, 2.0], [np.nan, 2.0]),
        ([np.nan], [np.nan]),
        ([np.inf], [np.inf]),
        ([1.0], [np.inf]),
    ],
)
def test_relative_error_of_what_is_not_finite_passes_no_tolerance(actual, expected):
    assert np.isnan(bn.relative_error(actual, expected))


@pytest.mark.parametrize(
    ("actual", "expected", "message"),
    [
        (
            np.ones((2, 1)),
            np.ones((1, 2)),
            "actual must have the shape of expected, (1, 2), got (2, 1)",
        ),
        (1.0, np.ones(1), "actual must have the shape of expected, (1,), got ()"),
        (np.ones((0, 3)), np.ones((0, 3)), "actual must not be empty, got shape (0, 3)"),
    ],
)
def test_relative_error_refuses_other_shapes(actual, expected, message):
    with pytest.raises(ValueError, match=exactly(message)):
        bn.relative_error(actual, expected)


COMPARISONS = [bn.relative_error, lambda actual, expected: bn.assert_grads_close("dW", actual, expected)]
comparisons = pytest.mark.parametrize("compare", COMPARISONS, ids=["relative_error", "assert_grads_close"])


@comparisons
@pytest.mark.parametrize(
    ("value", "got"),
    [
        (np.ones(2, np.int64), "an array of int64, shape (2,)"),
        (np.ones(2, bool), "an array of bool, shape (2,)"),
        ([1, 2], "list [1, 2]"),
        ("ab", "str 'ab'"),
        (None, "NoneType None"),
    ],
    ids=["int64", "bool", "list of integers", "text", "None"],
)
def test_comparisons_refuse_what_is_not_floating_point(compare, value, got):
    with pytest.raises(TypeError, match=exactly(f"actual must hold floating-point numbers, got {got}")):
        compare(value, np.ones(2))
    with pytest.raises(TypeError, match=exactly(f"expected must hold floating-point numbers, got {got}")):
        compare(np.ones(2), value)


@comparisons
@no_plain_arrays
def test_comparisons_refuse_what_is_no_plain_array(compare, value, message):
    with pytest.raises(TypeError, match=exactly(f"actual {message}")):
        compare(value, np.ones(2))
    with pytest.raises(TypeError, match=exactly(f"expected {message}")):
        compare(np.ones(2), value)


MATRIX = np.array([[1.0, 2.0], [3.0, 4.0]])


@pytest.mark.parametrize(
    ("actual", "expected", "message"),
    [
        (np.ones((2, 1), np.float32), np.ones(2), "dW: shape (2, 1), expected (2,)"),
        (np.full(1, np.nan, np.float32), np.ones(1), "dW: dtype float32, expected float64"),
        ([1.0, np.nan], [1.0, np.nan], "dW: actual is nan at index (1,)"),
        ([1.0, -np.inf], [5.0, 6.0], "dW: actual is -inf at index (1,)"),
        ([[1.0], [2.0]], [[np.inf], [np.nan]], "dW: expected is inf at index (0, 0)"),
        (
            MATRIX + np.array([[0, 0.1], [1, 0]]),
            MATRIX,
            "dW: relative error 0.25 > 1e-12, worst at index (1, 0): 4, expected 3",
        ),
        (
            [0.0, 1 / 3],
            [0.0, -2 / 3],
            "dW: relative error 1 > 1e-12, worst at index (1,): 0.333333333333, expected -0.666666666667",
        ),
        (2.0, 1 + 1 / 8, "dW: relative error 0.778 > 1e-12, worst at index (): 2, expected 1.125"),
    ],
    ids=["shape", "dtype", "NaN in both", "actual inf", "expected inf", "worst entry", "digits", "scalar"],
)
def test_failed_comparison_says_what_differs(actual, expected, message):
    with pytest.raises(AssertionError, match=exactly(message)):
        bn.assert_grads_close("dW", actual, expected)


def test_difference_out_of_range_is_an_assertion_like_any_other():
    with pytest.raises(AssertionError, match=r"^dW: relative error inf > 1e-12, worst at index \(0,\)"):
        bn.assert_grads_close("dW", np.array([1e308]), np.array([-1e308]))


@pytest.mark.parametrize("tol", [0.5, 0])
def test_error_equal_to_the_tolerance_passes(tol):
    bn.assert_grads_close("dW", np.array([float(tol)]), np.array([0.0]), tol)
    with pytest.raises(AssertionError, match=r"^dW: relative error"):
        bn.assert_grads_close("dW", np.array([np.nextafter(tol, 1)]), np.array([0.0]), tol)


def test_tolerance_is_1e_minus_12_by_default():
    bn.assert_grads_close("dW", np.array([1e-12]), np.array([0.0]))
    with pytest.raises(AssertionError, match=r"^dW: relative error 1.1e-12 > 1e-12, worst"):
        bn.assert_grads_close("dW", np.array([1.1e-12]), np.array([0.0]))


@pytest.mark.parametrize("tol", [-1e-12, np.nan, np.inf])
def test_tolerance_that_is_not_finite_and_positive_is_refused(tol):
    with pytest.raises(ValueError, match=exactly(f"tol must be finite and >= 0, got {tol}")):
        bn.assert_grads_close("dW", np.ones(1), np.ones(1), tol)


def test_empty_gradients_are_refused():
    with pytest.raises(ValueError, match=exactly("actual must not be empty, got shape (0,)")):
        bn.assert_grads_close("dW", np.ones(0), np.ones(0))


def test_rng_that_is_no_generator_is_refused():
    with pytest.raises(TypeError, match=exactly("rng must be a numpy.random.Generator, got int 0")):
        bn.directional_check("dx", np.sum, np.ones(2), np.ones(2), 0)


def test_numbers_of_single_precision_from_f_are_refused():
    with pytest.raises(TypeError, match=r"^f must return a float64 number, got float32"):
        bn.numerical_gradient(lambda x: np.float32(x.sum()), np.ones(2))
    with pytest.raises(TypeError, match=r"^f must return complex128 numbers, got an array of complex64"):
        bn.complex_step_gradient(lambda x: np.complex64(x.sum()), np.ones(2))


def test_a_gradient_out_of_range_is_refused():
    with pytest.raises(ValueError, match=exactly("gradient leaves the range of float64: rescale the inputs")):
        bn.numerical_gradient(lambda x: 1.7e308 * np.sign(x[0]), np.zeros(1))


def test_an_expected_value_out_of_range_passes_no_tolerance():
    huge = np.array([1.5e308 + 1.5e308j])
    assert np.isnan(bn.relative_error(huge, huge))


# by rows: for functions whose columns are independent ------------------------------------------


def rows_of(f, x, upstream, seed=0):
    return bn.complex_step_gradient_by_rows(f, x, upstream, np.random.default_rng(seed))


def test_by_rows_equals_the_gradient_by_entries():
    rng = np.random.default_rng(0)
    x, upstream = rng.standard_normal((2, 5, 3))

    def f(z):
        return (z - z.mean(axis=0)) ** 3 * np.arange(1, 4)

    expected = bn.complex_step_gradient(lambda z: np.sum(upstream * f(z)), x)
    bn.assert_grads_close("by rows", rows_of(f, x, upstream), expected)


def test_by_rows_evaluates_once_a_row_and_once_more():
    shapes = []
    x = np.ones((6, 4))
    rows_of(lambda z: shapes.append(z.shape) or z * z, x, x)
    assert shapes == [(6, 4)] * 7


def test_batch_norm_at_64_by_64_matches_the_complex_step_by_rows(backward_of_any_size):
    batch = random_batch(np.random.default_rng(0), 64, 64)
    forward, backward = backward_of_any_size
    expected = rows_of(lambda h: forward(h, batch.gamma, batch.beta)[0], batch.h, batch.dy)
    dh, _, _ = backward(batch.dy, forward(batch.h, batch.gamma, batch.beta)[1])
    bn.assert_grads_close("dh", dh, expected, tol=1e-11)


def test_batch_norm_of_many_rows_matches_along_one_direction(backward_of_any_size):
    batch = random_batch(np.random.default_rng(0), 5000, 100)
    forward, backward = backward_of_any_size
    dh, _, _ = backward(batch.dy, forward(batch.h, batch.gamma, batch.beta)[1])
    bn.directional_check(
        "dh",
        lambda h: np.sum(batch.dy * forward(h, batch.gamma, batch.beta)[0]),
        batch.h,
        dh,
        np.random.default_rng(0),
    )


@pytest.fixture(params=[bn, bn.fused], ids=["readable", "fused"])
def backward_of_any_size(request):
    return request.param.batchnorm_forward, request.param.batchnorm_backward


@pytest.mark.parametrize(
    "f",
    [
        lambda z: z - z.mean(axis=1, keepdims=True),  # layer norm's
        lambda z: z[:, ::-1],
        lambda z: z + 1e-6 * z[:, :1],
        lambda z: 1e-9 * (z + z[:, :1]),
        lambda z: np.stack([1e9 * z[:, 0], z[:, 1] + z[:, 0], z[:, 2]], axis=1),
    ],
)
def test_by_rows_refuses_columns_that_depend_on_each_other(f):
    x = np.random.default_rng(0).standard_normal((5, 3))
    message = "each column of f must depend on that column of x alone: take complex_step_gradient"
    with pytest.raises(ValueError, match=exactly(message)):
        rows_of(f, x, x)


def test_by_rows_accepts_a_derivative_of_almost_0():
    h, one = np.array([[1.0], [3.0]]), np.ones(1)
    gradient = rows_of(lambda z: bn.batchnorm_forward(z, one, one, eps=0)[0], h, np.ones((2, 1)))
    assert np.abs(gradient).max() < 1e-12


def test_by_rows_refuses_a_gradient_out_of_range():
    with pytest.raises(ValueError, match="leaves the range of float64"), np.errstate(over="ignore"):
        rows_of(lambda z: 1e308 * z, np.full((2, 1), 0.1), np.full((2, 1), 10.0))


def test_by_rows_says_what_is_wrong_with_its_arguments():
    x = np.ones((5, 3))
    for call, error, message in (
        (lambda: rows_of(np.sin, x, x[1:]), ValueError, "upstream must have shape (N, H) with N = 5"),
        (lambda: rows_of(np.sin, x[0], x[0]), ValueError, "x must have shape (N, H), got (3,)"),
        (lambda: rows_of(lambda z: z[1:], x, x), ValueError, "f must return an array of shape (5, 3)"),
        (lambda: rows_of(np.abs, x, x), TypeError, "f must return complex128 numbers"),
        (lambda: rows_of(np.sin, x, 1), TypeError, "upstream must be a float64 array"),
        (
            lambda: bn.complex_step_gradient_by_rows(np.sin, x, x, 0),
            TypeError,
            "rng must be a numpy.random.Generator, got int 0",
        ),
    ):
        with pytest.raises(error, match="^" + re.escape(message)):
            call()
