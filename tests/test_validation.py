"""What every public function does with its arguments: accepts, leaves alone, or refuses by name."""

import copy
from fractions import Fraction

import numpy as np
import pytest
from messages import exactly
from strategies import LAYOUTS, random_layer

import bn_utils as bn
from bn_utils import fused
from bn_utils.torch_oracle import torch_double_backward, torch_gradients

pytestmark = pytest.mark.filterwarnings("error")

SIZES = {"N": 4, "D": 3, "H": 2}
SHAPES = dict.fromkeys(["h", "y", "dh", "dy", "da", "u"], "NH")
SHAPES |= dict.fromkeys(["b", "gamma", "beta", "v", "w", "running_mean", "running_var"], "H") | {
    "X": "ND",
    "W": "DH",
}


def calls(dtype=np.float64, layout="C"):
    """Each public function that takes arrays, with read-only arguments that it accepts."""
    rng = np.random.default_rng(0)
    X, W, b, gamma, beta, da, eps = random_layer(rng, *SIZES.values(), dtype=dtype, layout=layout)
    h, linear_cache = bn.linear_forward(X, W, b)
    y, batchnorm_cache = bn.batchnorm_forward(h, gamma, beta, eps)
    _, relu_cache = bn.relu_forward(y)
    upstream = {"u": y, "v": b, "w": beta}
    running = {"running_mean": b, "running_var": b * b}
    _, inference_cache = bn.batchnorm_inference(h, gamma, beta, **running)
    return {
        bn.linear_forward: {"X": X, "W": W, "b": b},
        bn.linear_backward: {"dh": da, "cache": linear_cache},
        bn.batchnorm_forward: {"h": da, "gamma": gamma, "beta": beta},
        bn.batchnorm_backward: {"dy": da, "cache": batchnorm_cache},
        bn.batchnorm_backward_staged: {"dy": da, "cache": batchnorm_cache},
        bn.batchnorm_backward_delta: {"dy": da, "cache": batchnorm_cache},
        fused.batchnorm_forward: {"h": da, "gamma": gamma, "beta": beta},
        fused.batchnorm_backward: {"dy": da, "cache": batchnorm_cache},
        bn.batchnorm_double_backward: upstream | {"dy": da, "cache": batchnorm_cache},
        bn.update_running: {**running, "cache": batchnorm_cache},
        bn.batchnorm_inference: {"h": da, "gamma": gamma, "beta": beta, **running},
        bn.batchnorm_inference_backward: {"dy": da, "cache": inference_cache},
        bn.relu_forward: {"y": da},
        bn.relu_backward: {"da": da, "cache": relu_cache},
        bn.dmu_dh: {"h": da},
        bn.dvar_dh: {"h": da},
        bn.dcentred_dh: {"h": da},
        bn.dhhat_dh_delta: {"h": da},
        bn.dhhat_dh_mean: {"h": da},
        bn.dhhat_dh_variance: {"h": da},
        bn.dhhat_dh: {"h": da},
        torch_gradients: {"X": X, "W": W, "b": b, "gamma": gamma, "beta": beta, "da": da},
        torch_double_backward: upstream | {"dy": da, "h": h, "gamma": gamma},
    }


CALLS = calls()
ARGUMENTS = [(function, name) for function, given in CALLS.items() for name in given if name != "cache"]
MATRICES = [(function, name) for function, name in ARGUMENTS if SHAPES[name] != "H"]
VECTORS = [(function, name) for function, name in ARGUMENTS if SHAPES[name] == "H"]


def shape_of(argument):
    letters = SHAPES[argument]
    return f"({', '.join(letters)}{',' if len(letters) == 1 else ''})"


def arrays(result):
    """The results of a function as a tuple; a cache, which refers to the arguments, is left out."""
    return (
        (result,) if isinstance(result, np.ndarray) else tuple(r for r in result if isinstance(r, np.ndarray))
    )


every_function = pytest.mark.parametrize("function", CALLS)
every_argument = pytest.mark.parametrize(("function", "argument"), ARGUMENTS)


def call_with(function, **changed):
    return function(**(CALLS[function] | changed))


# accepted, and left alone ---------------------------------------------------------------


@every_function
def test_arguments_are_left_alone_and_results_are_new(function):
    given = copy.deepcopy(CALLS[function])  # copies can be written to
    before = copy.deepcopy(given)
    results = arrays(function(**given))
    np.testing.assert_equal(given, before)
    inputs = [array for value in given.values() for array in arrays(value)]
    assert not any(np.shares_memory(result, array) for result in results for array in inputs)


@every_function
@pytest.mark.parametrize("layout", [layout for layout in LAYOUTS if layout != "C"])
def test_memory_layout_does_not_matter(function, layout):
    given = calls(layout=layout)[function]
    for result, expected in zip(arrays(function(**given)), arrays(call_with(function)), strict=True):
        bn.assert_grads_close("result", result, expected)


@every_function
def test_nested_lists_are_accepted(function):
    lists = {
        name: value.tolist() if isinstance(value, np.ndarray) else value
        for name, value in CALLS[function].items()
    }
    for result, expected in zip(arrays(function(**lists)), arrays(call_with(function)), strict=True):
        np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize(
    ("function", "dtype"),
    [(function, np.float32) for function in CALLS]
    + [(function, np.complex128) for function in CALLS if "torch" not in function.__name__],
)
def test_results_have_the_dtype_of_the_arguments(function, dtype):
    given = calls(dtype)[function]
    assert {result.dtype for result in arrays(function(**given))} == {np.dtype(dtype)}


# refused: what is no array of numbers -----------------------------------------------------


class Unreadable:
    def __init__(self, error):
        self.error = error

    def __array__(self, dtype=None, copy=None):
        raise self.error

    def __repr__(self):
        return "unreadable"


@every_argument
@pytest.mark.parametrize(
    ("value", "got"),
    [
        (None, "NoneType None"),
        ("text", "str 'text'"),
        ([["a", "b"]], "list [['a', 'b']]"),
        ([[1.0], [1.0, 2.0]], "list [[1.0], [1.0, 2.0]]"),
        (np.array([["a"]]), "an array of <U1, shape (1, 1)"),
        (np.array([None, 1.0]), "an array of object, shape (2,)"),
        (Unreadable(TypeError()), "Unreadable unreadable"),
        (Unreadable(RuntimeError()), "Unreadable unreadable"),
    ],
    ids=["None", "text", "strings", "ragged", "array of strings", "objects", "TypeError", "RuntimeError"],
)
def test_what_is_no_array_of_numbers_is_refused(function, argument, value, got):
    with pytest.raises(TypeError, match=exactly(f"{argument} must be an array of numbers, got {got}")):
        call_with(function, **{argument: value})


@every_argument
def test_masked_array_is_refused(function, argument):
    masked = np.ma.masked_array(CALLS[function][argument])
    message = f"{argument} must be a plain array, got a masked one; its mask would be lost"
    with pytest.raises(TypeError, match=exactly(message)):
        call_with(function, **{argument: masked})


@pytest.mark.parametrize(
    ("value", "text"), [("a" * 38, f"'{'a' * 38}'"), ("a" * 39, f"'{'a' * 36}...")], ids=["kept", "cut"]
)
def test_message_shows_at_most_40_characters_of_a_value(value, text):
    with pytest.raises(TypeError, match=exactly(f"y must be an array of numbers, got str {text}")):
        bn.relu_forward(value)


# refused: dtypes ----------------------------------------------------------------------------


@every_argument
@pytest.mark.parametrize(
    ("dtype", "wide"),
    [
        (np.int64, "float64"),
        (np.uint8, "float64"),
        (np.bool_, "float64"),
        (np.float16, "float64"),
        (np.complex64, "complex128"),
        pytest.param(
            np.longdouble,
            "float64",
            marks=pytest.mark.skipif(np.dtype(np.longdouble) == np.float64, reason="is float64 here"),
        ),
    ],
)
def test_other_dtypes_are_refused(function, argument, dtype, wide):
    message = (
        f"{argument} must be float32, float64 or complex128, got {np.dtype(dtype)}; "
        f"convert it with .astype(np.{wide})"
    )
    with pytest.raises(TypeError, match=exactly(message)):
        call_with(function, **{argument: np.ones(CALLS[function][argument].shape, dtype)})


# the array, given or in the cache, that the others must agree with
FIRST = {
    bn.linear_forward: "X",
    bn.linear_backward: "X",
    bn.batchnorm_forward: "h",
    bn.batchnorm_backward: "h",
    bn.batchnorm_backward_staged: "h",
    bn.batchnorm_backward_delta: "h",
    fused.batchnorm_forward: "h",
    fused.batchnorm_backward: "h",
    bn.batchnorm_double_backward: "h",
    bn.update_running: "mu",
    bn.batchnorm_inference: "h",
    bn.batchnorm_inference_backward: "h",
    bn.relu_backward: "y",
    torch_gradients: "X",
    torch_double_backward: "u",
}


@pytest.mark.parametrize(
    ("function", "argument"),
    [(function, name) for function, name in ARGUMENTS if FIRST.get(function, name) != name],
)
def test_float32_beside_float64_is_refused(function, argument):
    message = (
        f"{argument} must have the precision of {FIRST[function]}, float64, got float32; "
        "convert one of them with .astype"
    )
    with pytest.raises(TypeError, match=exactly(message)):
        call_with(function, **{argument: CALLS[function][argument].astype(np.float32)})


def test_float64_beside_float32_is_refused():
    message = "W must have the precision of X, float32, got float64; convert one of them with .astype"
    with pytest.raises(TypeError, match=exactly(message)):
        call_with(bn.linear_forward, X=np.ones((4, 3), np.float32))


# refused: values ------------------------------------------------------------------------------


@every_argument
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(function, argument, value):
    array = np.ones(CALLS[function][argument].shape)
    array[1:] = value
    index = (1,) if array.ndim == 1 else (1, 0)
    with pytest.raises(ValueError, match=exactly(f"{argument} must be finite, got {value} at index {index}")):
        call_with(function, **{argument: array})


# refused: shapes ------------------------------------------------------------------------------


@pytest.mark.parametrize(("function", "argument"), MATRICES)
@pytest.mark.parametrize("shape", [(), (4,), (4, 2, 1)], ids=str)
def test_matrix_of_other_axes_is_refused(function, argument, shape):
    message = f"{argument} must have shape {shape_of(argument)}, got {shape}"
    with pytest.raises(ValueError, match=exactly(message)):
        call_with(function, **{argument: np.ones(shape)})


@pytest.mark.parametrize(("function", "argument"), VECTORS)
@pytest.mark.parametrize(
    ("shape", "flat"),
    [((), False), ((2, 1), True), ((1, 2), True), ((2, 2), False), ((2, 1, 1), False)],
    ids=str,
)
def test_vector_of_other_axes_is_refused(function, argument, shape, flat):
    hint = f"; flatten it with {argument}.ravel()" if flat else ""
    with pytest.raises(ValueError, match=exactly(f"{argument} must have shape (H,), got {shape}{hint}")):
        call_with(function, **{argument: np.ones(shape)})


@every_argument
def test_empty_axes_are_refused(function, argument):
    for axis, letter in enumerate(SHAPES[argument]):
        shape = tuple(0 if k == axis else SIZES[other] for k, other in enumerate(SHAPES[argument]))
        message = f"{argument} must have {letter} >= 1, got shape {shape}"
        with pytest.raises(ValueError, match=exactly(message)):
            call_with(function, **{argument: np.ones(shape)})


@pytest.mark.parametrize(
    ("function", "argument", "letter", "setter"),
    [
        (bn.linear_forward, "W", "D", "X"),
        (bn.linear_forward, "b", "H", "W"),
        (bn.linear_backward, "dh", "N", "X"),
        (bn.linear_backward, "dh", "H", "W"),
        (bn.batchnorm_forward, "gamma", "H", "h"),
        (bn.batchnorm_forward, "beta", "H", "h"),
        (bn.batchnorm_backward, "dy", "N", "h"),
        (bn.batchnorm_backward, "dy", "H", "h"),
        (bn.batchnorm_backward_staged, "dy", "N", "h"),
        (bn.batchnorm_backward_staged, "dy", "H", "h"),
        (bn.batchnorm_backward_delta, "dy", "N", "h"),
        (bn.batchnorm_backward_delta, "dy", "H", "h"),
        (fused.batchnorm_forward, "gamma", "H", "h"),
        (fused.batchnorm_forward, "beta", "H", "h"),
        (fused.batchnorm_backward, "dy", "N", "h"),
        (fused.batchnorm_backward, "dy", "H", "h"),
        (bn.batchnorm_double_backward, "dy", "N", "h"),
        (bn.batchnorm_double_backward, "u", "H", "h"),
        (bn.batchnorm_double_backward, "v", "H", "h"),
        (bn.batchnorm_double_backward, "w", "H", "h"),
        (bn.update_running, "running_mean", "H", "mu"),
        (bn.update_running, "running_var", "H", "mu"),
        (bn.batchnorm_inference, "gamma", "H", "h"),
        (bn.batchnorm_inference, "beta", "H", "h"),
        (bn.batchnorm_inference, "running_mean", "H", "h"),
        (bn.batchnorm_inference, "running_var", "H", "h"),
        (bn.batchnorm_inference_backward, "dy", "N", "h"),
        (bn.batchnorm_inference_backward, "dy", "H", "h"),
        (bn.relu_backward, "da", "N", "y"),
        (bn.relu_backward, "da", "H", "y"),
        (torch_gradients, "W", "D", "X"),
        (torch_gradients, "b", "H", "W"),
        (torch_gradients, "gamma", "H", "W"),
        (torch_gradients, "beta", "H", "W"),
        (torch_gradients, "da", "N", "X"),
        (torch_gradients, "da", "H", "W"),
        (torch_double_backward, "h", "N", "u"),
        (torch_double_backward, "gamma", "H", "u"),
    ],
)
@pytest.mark.parametrize("size", [1, 7])
def test_sizes_that_disagree_are_refused(function, argument, letter, setter, size):
    shape = tuple(size if other == letter else SIZES[other] for other in SHAPES[argument])
    message = (
        f"{argument} must have shape {shape_of(argument)} "
        f"with {letter} = {SIZES[letter]} as in {setter}, got {shape}"
    )
    with pytest.raises(ValueError, match=exactly(message)):
        call_with(function, **{argument: np.ones(shape)})


# eps --------------------------------------------------------------------------------------------

takes_eps = pytest.mark.parametrize(
    "function",
    [
        bn.batchnorm_forward,
        bn.batchnorm_inference,
        bn.dhhat_dh_delta,
        bn.dhhat_dh_mean,
        bn.dhhat_dh_variance,
        bn.dhhat_dh,
        torch_gradients,
    ],
)


@takes_eps
@pytest.mark.parametrize(
    "eps", [1, np.float32(1), np.int64(1), Fraction(1)], ids=lambda eps: type(eps).__name__
)
def test_eps_may_be_any_real_number(function, eps):
    for result, expected in zip(
        arrays(call_with(function, eps=eps)), arrays(call_with(function, eps=1.0)), strict=True
    ):
        np.testing.assert_array_equal(result, expected)


@takes_eps
@pytest.mark.parametrize(
    ("eps", "got"),
    [
        (None, "NoneType None"),
        ("1e-5", "str '1e-5'"),
        (True, "bool True"),
        (1j, "complex 1j"),
        (np.array([1e-5]), "an array of float64, shape (1,)"),
    ],
    ids=["None", "text", "bool", "complex", "array"],
)
def test_eps_that_is_no_real_number_is_refused(function, eps, got):
    with pytest.raises(TypeError, match=exactly(f"eps must be a real number, got {got}")):
        call_with(function, eps=eps)


@takes_eps
@pytest.mark.parametrize(
    "eps", [-1e-5, np.nan, np.inf, -np.inf, 10**400], ids=["negative", "nan", "inf", "-inf", "huge"]
)
def test_eps_that_is_negative_or_not_finite_is_refused(function, eps):
    got = "inf" if eps == 10**400 else eps
    with pytest.raises(ValueError, match=exactly(f"eps must be finite and >= 0, got {got}")):
        call_with(function, eps=eps)


# caches -------------------------------------------------------------------------------------------

CACHES = {
    bn.linear_backward: ("LinearCache", "linear_forward"),
    bn.batchnorm_backward: ("BatchNormCache", "batchnorm_forward"),
    bn.batchnorm_backward_staged: ("BatchNormCache", "batchnorm_forward"),
    bn.batchnorm_backward_delta: ("BatchNormCache", "batchnorm_forward"),
    bn.batchnorm_double_backward: ("BatchNormCache", "batchnorm_forward"),
    bn.update_running: ("BatchNormCache", "batchnorm_forward"),
    bn.batchnorm_inference_backward: ("InferenceCache", "batchnorm_inference"),
    bn.relu_backward: ("ReluCache", "relu_forward"),
}


@pytest.mark.parametrize("function", CACHES)
@pytest.mark.parametrize(
    ("cache", "got"),
    [(None, "NoneType None"), (np.ones(2), "an array of float64, shape (2,)"), ((), "tuple ()")],
    ids=["None", "array", "tuple"],
)
def test_what_is_no_cache_is_refused(function, cache, got):
    kind, source = CACHES[function]
    with pytest.raises(
        TypeError, match=exactly(f"cache must be the {kind} that {source} returned, got {got}")
    ):
        call_with(function, cache=cache)


@pytest.mark.parametrize("function", CACHES)
def test_equal_tuple_and_cache_of_another_layer_are_refused(function):
    others = [CALLS[other]["cache"] for other in CACHES if CACHES[other] != CACHES[function]]
    for cache in [tuple(CALLS[function]["cache"]), *others]:
        with pytest.raises(TypeError, match=f" returned, got {type(cache).__name__} "):
            call_with(function, cache=cache)
