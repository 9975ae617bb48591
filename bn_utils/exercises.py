"""`check(name, answer)`: tells a reader whether an exercise is solved, or what to look at."""

import copy
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from bn_utils._validation import describe, first_index
from bn_utils.batchnorm import batchnorm_backward_staged, batchnorm_forward
from bn_utils.compare import relative_error
from bn_utils.jacobian import kronecker_delta

TOLERANCE = 1e-6  # an answer by hand may be rounded


class Exercise(NamedTuple):
    """One exercise: what is right, and what to look at when an answer is not."""

    solution: object  # the right value, or a function that computes it
    parts: tuple[str, ...]  # the names of the results
    hint: str
    inputs: Callable | None = None  # rng -> arguments, where the answer is a function


class ExerciseError(AssertionError):
    """An exercise that is not solved yet; a notebook shows its message alone."""

    def _render_traceback_(self):
        return [f"{type(self).__name__}: {self}"]


class Verdict(str):
    """A message that a notebook shows without quotes."""

    __repr__ = str.__str__


def check(name, answer):
    """Check the answer to an exercise: answered at all, then shape, then value.

    Parameters
    ----------
    name : str
        The exercise's name, as the chapter gives it.
    answer : array_like, tuple or function
        The values that the exercise asks for, or the function; a function is called on
        random batches and compared with the book's own.

    Returns
    -------
    Verdict
        A string that says that the answer is right.

    Raises
    ------
    ExerciseError
        Not answered (``None`` or ``...``), wrong shape, NaN, or wrong value; the message
        says what to look at.
    ValueError
        There is no exercise of that name.
    """
    if name not in EXERCISES:
        raise ValueError(f"name must be one of {', '.join(EXERCISES)}; got {name!r}")
    exercise = EXERCISES[name]
    if answer is None or answer is ...:
        raise ExerciseError(f"{name}: not answered yet. {exercise.hint}")
    if exercise.inputs is None:
        _compare(name, exercise, answer, exercise.solution)
        return Verdict(f"{name}: correct.")
    if not callable(answer):
        raise ExerciseError(f"{name}: give the function itself, got {type(answer).__name__}.")
    rng = np.random.default_rng(0)
    for _ in range(3):
        arguments = exercise.inputs(rng)
        _compare(name, exercise, _call(name, answer, arguments), exercise.solution(*arguments))
    return Verdict(f"{name}: correct on 3 random inputs.")


def _call(name, answer, arguments):
    """Call a reader's function; what it raises or overwrites becomes a sentence."""
    given = copy.deepcopy(arguments)
    try:
        result = answer(*given)
    except Exception as error:
        raise ExerciseError(f"{name}: your function raised {type(error).__name__}: {error}") from error
    for number, (before, after) in enumerate(zip(arguments, given, strict=True), start=1):
        if not np.array_equal(before, after):
            raise ExerciseError(f"{name}: your function changes its argument number {number}; use a copy.")
    if result is None or result is ...:
        raise ExerciseError(f"{name}: your function returns {result}; does it end in a return?")
    return result


def _compare(name, exercise, answer, expected):
    if len(exercise.parts) == 1:
        answer, expected = (answer,), (expected,)
    if not hasattr(answer, "__len__") or len(answer) != len(exercise.parts):
        raise ExerciseError(f"{name}: give {len(exercise.parts)} results: {', '.join(exercise.parts)}.")
    for part, mine, right in zip(exercise.parts, answer, expected, strict=True):
        _compare_part(f"{name}: {part}", mine, np.asarray(right, dtype=np.float64), exercise.hint)


def _compare_part(what, mine, right, hint):
    try:
        numbers = np.asarray(mine)
    except ValueError:  # lists of different lengths
        numbers = np.asarray(None)
    if numbers.dtype.kind not in "biuf":
        raise ExerciseError(f"{what} must be real numbers, got {describe(mine)}. {hint}")
    mine = numbers.astype(np.float64)
    if mine.shape != right.shape:
        raise ExerciseError(f"{what} has shape {mine.shape}, it must be {right.shape}. {hint}")
    if not np.isfinite(mine).all():
        raise ExerciseError(f"{what} holds NaN or inf: look for a division by 0. {hint}")
    if relative_error(mine, right) > TOLERANCE:
        gap = np.abs(mine - right)
        where = f" at index {first_index(gap == gap.max())}" if right.shape else ""
        raise ExerciseError(f"{what} is wrong{where}. {hint}")


def _random_batch(rng):
    """An (N, H) batch with an offset, N and H different."""
    return rng.normal(2.0, 1.5, size=(rng.integers(5, 8), rng.integers(2, 5)))


def _forward_inputs(rng):
    h = _random_batch(rng)
    return h, rng.normal(size=h.shape[1]), rng.normal(size=h.shape[1]), 0.3


def _product_inputs(rng):
    a = _random_batch(rng)
    return rng.normal(size=a.shape), a, rng.normal(size=a.shape[1])


def _mean_inputs(rng):
    h = _random_batch(rng)
    return rng.normal(size=h.shape[1]), h


def _backward_inputs(rng):
    h, gamma, beta, eps = _forward_inputs(rng)
    return rng.normal(size=h.shape), h, gamma, beta, eps


def _backward(dy, h, gamma, beta, eps):
    return batchnorm_backward_staged(dy, batchnorm_forward(h, gamma, beta, eps)[1])


EXERCISES = {
    # 00_notation
    "delta-trace": Exercise(
        5.0, ("the sum",), "Write its five terms out: what is delta_11, and what is delta_22?"
    ),
    "delta-pick": Exercise(
        6.0, ("the sum",), "Each delta replaces one summed index: p becomes i = 2, q becomes j = 3."
    ),
    "delta-mean": Exercise(
        (0.25, 0.0),
        ("the value for j = l", "the value for j != l"),
        "Only delta_ip contains p: sum it over p first. The factor 1/4 and delta_jl stay.",
    ),
    "delta-matrix": Exercise(
        kronecker_delta,
        ("delta",),
        "Entry [i, j] is 1 where i = j and 0 elsewhere; compare two index arrays by broadcasting.",
        lambda rng: (int(rng.integers(2, 7)),),
    ),
    # 01_forward
    "column-statistics": Exercise(
        lambda h: (h.mean(axis=0), h.var(axis=0)),
        ("mu", "var"),
        "One number a column: sum over the rows, axis 0, and divide by N both times.",
        lambda rng: (_random_batch(rng),),
    ),
    "normalized-variance": Exercise(
        0.8,
        ("the variance",),
        "It is the mean of the squares of h_hat, and each h_hat is divided by s: s^2 = sigma^2 + eps.",
    ),
    "undo": Exercise(
        (3.0, 4.0),
        ("gamma", "beta"),
        "Solve gamma (h - 4) / 3 + beta = h for every h: s = 3 and mu = 4 are those of the column.",
    ),
    "batchnorm-forward": Exercise(
        lambda h, gamma, beta, eps: batchnorm_forward(h, gamma, beta, eps)[0],
        ("y",),
        "Check mu, sigma^2, h_hat and y in turn: columns, divisor N, eps inside the root.",
        _forward_inputs,
    ),
    # 02_chain_rule
    "product-node": Exercise(
        lambda dout, a, b: (dout * b, (dout * a).sum(axis=0)),
        ("da", "db"),
        "Each gradient has the shape of its own variable: b was broadcast over the rows, so sum over them.",
        _product_inputs,
    ),
    "mean-node": Exercise(
        lambda dmu, h: np.ones_like(h) * dmu / h.shape[0],
        ("dh",),
        "Every entry of a column moves its mean by 1/N of its own move: shape (N, H), not (H,).",
        _mean_inputs,
    ),
    "three-numbers": Exercise(
        np.array([3.0, -4.0, 1.0]) / 27,
        ("dh",),
        "Check that your three numbers add up to 0, then the two paths through mu and through sigma^2.",
    ),
    "staged-backward": Exercise(
        _backward,
        ("dh", "dgamma", "dbeta"),
        "Check each line by its shape, then against the eight steps, from y back to h.",
        _backward_inputs,
    ),
}
