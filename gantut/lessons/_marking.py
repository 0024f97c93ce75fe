"""Marking: numbers up to a tolerance, formulas by simplification, functions on test arguments."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

UNANSWERED = "no answer yet. Replace the dots, then run this cell again."


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
        Relative, and absolute near 0.

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


def mark_answer(exercise: Exercise, given) -> Verdict:
    """Compare an answer with the right one, then with the known mistakes."""
    if given is ...:
        return Verdict(None, UNANSWERED)
    same = _comparison(exercise)
    try:
        if same(exercise.answer, given):
            return Verdict(True, f"right. {exercise.praise}")
        for mistake in exercise.mistakes:
            if same(mistake.answer, given):
                return Verdict(False, f"not yet. {mistake.why}")
    except Exception as error:  # whatever a reader's own function may raise is an answer too
        return Verdict(False, f"your answer raised {type(error).__name__}: {error}")
    return Verdict(False, f"not yet. {_wanted(exercise)}")


def _comparison(exercise: Exercise) -> Callable:
    if _is_formula(exercise.answer):
        return _same_formula
    if callable(exercise.answer):
        return lambda right, given: all(
            _same_number(right(*arguments), given(*arguments), exercise.tolerance) for arguments in exercise.arguments
        )
    return lambda right, given: _same_number(right, given, exercise.tolerance)


def _wanted(exercise: Exercise) -> str:
    if _is_formula(exercise.answer):
        symbols = ", ".join(sorted(map(str, exercise.answer.free_symbols)))
        return f"The answer should be a formula in {symbols}; yours is not equal to the right one."
    if callable(exercise.answer):
        return "Your function differs from the right one on a test case: try it on distributions whose answer you know."
    return f"Your number differs from the right one by more than {100 * exercise.tolerance:g}% of it. See the hint."


def _is_formula(thing) -> bool:
    return hasattr(thing, "free_symbols")


def _same_number(right, given, tolerance) -> bool:
    right, given = float(right), float(given)
    return math.isclose(right, given, rel_tol=tolerance, abs_tol=tolerance * 1e-2)


def _same_formula(right, given) -> bool:
    import sympy

    if callable(given) and not _is_formula(given):
        raise TypeError("a sympy expression is wanted, not a function")
    by_name = {str(symbol): symbol for symbol in right.free_symbols}
    given = sympy.sympify(given, locals=by_name)
    same_names = {symbol: by_name.get(str(symbol), symbol) for symbol in given.free_symbols | {sympy.pi}}
    given = given.subs(same_names)  # whatever assumptions a reader's symbols carry; and pi may be a symbol here
    return sympy.simplify(right - given) == 0
