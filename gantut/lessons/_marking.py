"""Marking: numbers up to a tolerance, formulas at random points, functions on test arguments."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from gantut.lessons._answers import NotAnAnswer, is_formula, kind, number, same_formula

UNANSWERED = "no answer yet. Replace the dots, then run this cell again."
ROUNDED = "As far as it goes, your number is right: give more digits."


class Verdict(NamedTuple):
    """The marking of an answer.

    Attributes
    ----------
    right : bool or None
        None where there is no answer yet.
    message : str
        What there is to say about the answer.

    See Also
    --------
    mark : returns it.

    Examples
    --------
    >>> from gantut.lessons import mark
    >>> mark("kl-of-a-coin", ...).right is None
    True
    """

    right: bool | None
    message: str


class Mistake(NamedTuple):
    """A likely wrong answer, and what to say about it.

    Attributes
    ----------
    answer : number, sympy expression or function
        The wrong answer, of the same kind as the right one.
    why : str
        What led there, and what to do instead.

    See Also
    --------
    Exercise : has a tuple of them.

    Examples
    --------
    >>> from gantut.lessons import Mistake
    >>> Mistake(0.69, "That is in nats; the question asks for bits: divide by log 2.").answer
    0.69
    """

    answer: object
    why: str


@dataclass(frozen=True)
class Exercise:
    """An exercise: its right answer, the likely mistakes, and what to say about each.

    Attributes
    ----------
    id : str
        The name by which the lesson asks for it.
    answer : number, sympy expression or function
        A right answer; its type says what kind of answer is wanted.
    praise : str
        What to say about a right answer: one sentence that adds something.
    mistakes : tuple of Mistake
        The likely wrong answers; the first that equals what was given says why it is wrong.
    arguments : tuple of tuple
        For functions: the arguments to try them on.
    tolerance : float
        Relative, and absolute near 0. Where the question says "about", it takes what the lesson itself prints.
    accepts : function, optional
        From an answer to whether it is right, where right answers are many; it may raise, as a reader's function may.
        `answer` is then one of them.

    See Also
    --------
    all_exercises : those of the book.
    mark : compares an answer with one of them.

    Examples
    --------
    >>> from gantut.lessons import Exercise, Mistake
    >>> exercise = Exercise(
    ...     id="entropy-of-a-coin", answer=1.0, praise="One toss, one bit.",
    ...     mistakes=(Mistake(0.69, "That is in nats; the question asks for bits: divide by log 2."),),
    ... )
    >>> exercise.tolerance
    0.001
    """

    id: str
    answer: object
    praise: str
    mistakes: tuple[Mistake, ...]
    arguments: tuple[tuple, ...] = ()
    tolerance: float = 1e-3
    accepts: Callable[[object], bool] | None = None


def mark_answer(exercise: Exercise, given) -> Verdict:
    """Compare an answer with the right one, then with the known mistakes."""
    if given is ...:
        return Verdict(None, UNANSWERED)
    same = _comparison(exercise)
    try:
        if exercise.accepts(given) if exercise.accepts else same(exercise.answer, given):
            return Verdict(True, f"right. {exercise.praise}")
        for mistake in exercise.mistakes:
            if same(mistake.answer, given):
                return Verdict(False, f"not yet. {mistake.why}")
    except NotAnAnswer as error:
        return Verdict(False, f"not yet. {error}")
    except Exception as error:  # whatever a reader's own function may raise is an answer too
        return Verdict(False, f"your answer raised {type(error).__name__}: {error}")
    rounded = not callable(exercise.answer) and not is_formula(exercise.answer) and _is_rounded(exercise.answer, given)
    return Verdict(False, f"not yet. {ROUNDED if rounded else otherwise(exercise)}")


def _comparison(exercise: Exercise) -> Callable:
    if is_formula(exercise.answer):
        symbols = exercise.answer.free_symbols  # a mistake may lack some, and what was given may not
        return lambda right, given: same_formula(right, given, symbols)
    if callable(exercise.answer):
        return lambda right, given: (
            bool(exercise.arguments)
            and all(  # where nothing is tried, nothing is the same
                _same_number(right(*arguments), _called(given, arguments), exercise.tolerance)
                for arguments in exercise.arguments
            )
        )
    return lambda right, given: _same_number(right, given, exercise.tolerance)


def otherwise(exercise: Exercise) -> str:
    """Return what to say about an answer that is neither right nor a known mistake."""
    if is_formula(exercise.answer):
        symbols = ", ".join(sorted(map(str, exercise.answer.free_symbols)))
        return f"The answer should be a formula in {symbols}; yours is not equal to the right one."
    if callable(exercise.answer):
        return "Your function differs from the right one on a test case: try it on cases whose answer you know."
    return f"Your number differs from the right one by more than {100 * exercise.tolerance:g}% of it. See the hint."


def _is_rounded(right, given) -> bool:
    """Whether a number is the right one rounded to fewer digits than are wanted."""
    right, given = float(right), float(given)
    if not (math.isfinite(right) and math.isclose(right, given, rel_tol=0.1)):
        return False
    digits = len(f"{given:.15g}".partition("e")[0].replace(".", "").strip("-0"))
    return float(f"{right:.{max(digits, 1)}g}") == float(f"{given:.{max(digits, 1)}g}")


def _called(function, arguments):
    if not callable(function):
        raise NotAnAnswer(f"The answer should be a function, not {kind(function)}.")
    return function(*arguments)


def _same_number(right, given, tolerance) -> bool:
    return math.isclose(float(right), number(given), rel_tol=tolerance, abs_tol=tolerance * 1e-2)
