"""Exercises that answer back: what a right answer is, and why a likely wrong one is wrong.

>>> from gantut.exercises import check
>>> check("kl-of-a-coin", 0.5108)
✗ kl-of-a-coin: not yet. That is the value in nats; the question asks for bits: divide by log 2.
"""

from gantut.exercises import (
    _lesson_01,
    _lesson_02,
    _lesson_03,
    _lesson_04,
    _lesson_05,
    _lesson_06,
    _lesson_07,
    _lesson_08,
    _lesson_09,
    _lesson_10,
    _lesson_11,
    _lesson_12,
    _lesson_13,
)
from gantut.exercises._marking import Exercise, Mistake, Verdict, mark_answer

EXERCISES: dict[str, Exercise] = {
    exercise.id: exercise
    for lesson in (
        _lesson_01,
        _lesson_02,
        _lesson_03,
        _lesson_04,
        _lesson_05,
        _lesson_06,
        _lesson_07,
        _lesson_08,
        _lesson_09,
        _lesson_10,
        _lesson_11,
        _lesson_12,
        _lesson_13,
    )
    for exercise in lesson.EXERCISES
}

__all__ = ["EXERCISES", "Exercise", "Mistake", "Verdict", "check", "mark"]


def mark(exercise_id: str, answer) -> Verdict:
    """Return whether an answer is right, and what there is to say about it.

    Parameters
    ----------
    exercise_id : str
        As in the lesson, such as ``"kl-of-a-coin"``.
    answer : number, sympy expression, function, or ``...``
        What the exercise asks for; the dots stand for no answer yet.

    Returns
    -------
    Verdict

    Raises
    ------
    ValueError
        If there is no such exercise.
    """
    if exercise_id not in EXERCISES:
        raise ValueError(f"exercise_id must be one of {', '.join(EXERCISES)}, not {exercise_id!r}")
    return mark_answer(EXERCISES[exercise_id], answer)


def check(exercise_id: str, answer) -> None:
    """Print whether an answer is right and, where it is a known mistake, what went wrong."""
    verdict = mark(exercise_id, answer)
    print(f"{ {True: '✓', False: '✗', None: '…'}[verdict.right] } {exercise_id}: {verdict.message}")
