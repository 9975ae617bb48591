"""`check(name, answer)`: tells a reader whether an exercise is solved, or what to look at."""

import copy
import re

import numpy as np

from bn_utils._exercises import EXERCISES
from bn_utils._validation import Sentence, describe, first_index, plain_array
from bn_utils.compare import relative_error
from bn_utils.ledger import try_line
from bn_utils.symbolic import UndecidedError
from bn_utils.texmath import TexError, read_expression

TOLERANCE = 1e-6  # an answer by hand may be rounded


class ExerciseError(Sentence, AssertionError):
    """An exercise that is not solved yet; a notebook shows its message alone."""


class Message(str):
    """A message that a notebook shows without quotes."""

    __repr__ = str.__str__


def check(name, answer):
    """Check the answer to an exercise: answered at all, then shape, then value.

    Parameters
    ----------
    name : str
        The exercise's name, as the chapter gives it.
    answer : array_like, tuple, function or str
        The values that the exercise asks for, or the function, which is called on random
        batches and compared with the book's own; or the right side of a line, as TeX, which
        is proved.

    Returns
    -------
    Message
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
    if exercise.left_side:
        return _prove(name, exercise, answer)
    if exercise.inputs is None:
        _compare(name, exercise, answer, exercise.solution)
        return Message(f"{name}: correct.")
    if not callable(answer):
        raise ExerciseError(f"{name}: give the function itself, got {type(answer).__name__}.")
    rng = np.random.default_rng(0)
    for _ in range(exercise.draws):
        arguments = exercise.inputs(rng)
        _compare(name, exercise, _call(name, answer, arguments), exercise.solution(*arguments), arguments)
    return Message(f"{name}: correct on {exercise.draws} random inputs.")


def _prove(name, exercise, answer):
    if not isinstance(answer, str):
        raise ExerciseError(f'{name}: give the right side as TeX, r"...", got {type(answer).__name__}.')
    if exercise.solution in answer:  # what it must do without
        raise ExerciseError(f"{name}: your line still has {exercise.solution} in it. {exercise.hint}")
    try:
        read_expression(answer)
        verdict = try_line(f"{exercise.left_side} = {answer}")
    except (TexError, UndecidedError) as error:
        raise ExerciseError(f"{name}: {error}") from error
    if not verdict.proved:
        raise ExerciseError(f"{name}: left - right is {verdict.residual}, not 0. {exercise.hint}")
    return Message(f"{name}: correct, proved for every N.")


def _call(name, answer, arguments):
    """Call a reader's function; what it raises or overwrites becomes a sentence."""
    given = copy.deepcopy(arguments)
    try:
        result = answer(*given)
    except Exception as error:
        raise ExerciseError(f"{name}: your function raised {type(error).__name__}: {error}") from error
    for number, (before, after) in enumerate(zip(arguments, given, strict=True), start=1):
        if not _same(before, after):
            raise ExerciseError(f"{name}: your function changes its argument number {number}; use a copy.")
    if result is None or result is ...:
        raise ExerciseError(f"{name}: your function returns {result}; does it end in a return?")
    return result


def _same(before, after):
    """Whether an argument is what it was; a cache is a tuple of arrays."""
    if isinstance(before, tuple | list):
        return len(before) == len(after) and all(map(_same, before, after))
    return np.array_equal(before, after)


def _is_pair(answer):
    return isinstance(answer, tuple | list) and len(answer) == 2


def _compare(name, exercise, answer, expected, arguments=()):
    if len(exercise.parts) == 1:
        answer, expected = (answer,), (expected,)
    elif isinstance(answer, np.ndarray) and answer.ndim:
        answer = tuple(answer)
    if any(isinstance(one, tuple) for one in expected):  # (out, cache)
        if not _is_pair(answer) or not isinstance(answer[1], tuple | list):
            raise ExerciseError(f"{name}: {exercise.hint}")
        answer, expected = ((out, *cache) for out, cache in (answer, expected))
    if not isinstance(answer, tuple | list) or len(answer) != len(exercise.parts):
        raise ExerciseError(f"{name}: give {len(exercise.parts)} results: {', '.join(exercise.parts)}.")
    for part, mine, right in zip(exercise.parts, answer, expected, strict=True):
        _compare_part(name, exercise, part, mine, np.asarray(right, dtype=np.float64), arguments)


def _compare_part(name, exercise, part, mine, right, arguments):
    what, hint = f"{name}: {part}", exercise.hint
    try:
        numbers = plain_array(what, mine)
    except TypeError as error:
        raise ExerciseError(f"{error}. {hint}") from error
    if numbers.dtype.kind not in "biuf":
        raise ExerciseError(f"{what} must be real numbers, got {describe(mine)}. {hint}")
    mine = numbers.astype(np.float64)
    if not np.isfinite(mine).all():
        raise ExerciseError(f"{what} holds NaN or inf: look for a division by 0. {hint}")
    if mine.shape != right.shape:
        advice = _known_mistake(exercise, part, mine, arguments) or hint
        raise ExerciseError(f"{what} has shape {mine.shape}, it must be {right.shape}. {advice}")
    if relative_error(mine, right) > TOLERANCE:
        gap = np.abs(mine - right)
        where = f" at index {first_index(gap == gap.max())}" if right.shape else ""
        advice = _known_mistake(exercise, part, mine, arguments) or hint
        raise ExerciseError(f"{what} is wrong{where}. {advice}")


def _known_mistake(exercise, part, mine, arguments):
    """The mistakes that make a wrong result and what mends them, in the book's names; or ""."""
    explanations = exercise.diagnose(part, mine, *arguments) if exercise.diagnose else ()
    if not explanations:
        return ""
    said = " Or: ".join(" And: ".join(mistake.sentence for mistake in found) for found in explanations)
    fixes = " ".join(dict.fromkeys(mistake.fix for mistake in explanations[0]))
    names = exercise.names | ({"dout": "dh"} if part in ("dX", "dW", "db") else {})
    return re.sub(r"\w+", lambda word: names.get(word[0], word[0]), f"{said} {fixes}")
