"""Keys of exercises: all that is needed to mark an answer in a page, where there is no Python."""

import math

from gantut.lessons._answers import is_formula, values_at
from gantut.lessons._marking import ROUNDED, Exercise, otherwise

ENOUGH = 8  # points at which a formula is a real number: fewer do not tell formulas apart


def answer_key(exercise: Exercise) -> dict | None:
    """Return what a page needs to know to mark an answer as :func:`gantut.lessons.mark` does.

    Numbers are compared by the same tolerance, formulas by their values at the same kind of random points.

    Parameters
    ----------
    exercise : Exercise

    Returns
    -------
    dict or None
        None for functions, which only Python can call. Otherwise, with values that JSON can hold: the ``kind``,
        "number" or "formula"; the right ``answer``, a number or the values of a formula at the ``points``, each a list
        in the order of the ``symbols``; the ``mistakes``, pairs of the wrong answer and why it is wrong; ``praise``,
        ``otherwise`` and, for numbers, ``rounded``, what there is to say; and the ``tolerance`` of numbers.

    Raises
    ------
    ValueError
        If a formula is real at too few of the points to be told from another.

    See Also
    --------
    mark : does this in Python.

    Examples
    --------
    >>> from gantut.lessons import all_exercises, answer_key
    >>> key = answer_key(all_exercises()["kl-of-a-coin"])
    >>> key["kind"], round(key["answer"], 3), key["tolerance"]
    ('number', 0.737, 0.001)
    """
    key = {"praise": exercise.praise, "otherwise": otherwise(exercise)}
    whys = [mistake.why for mistake in exercise.mistakes]
    if is_formula(exercise.answer):
        symbols = sorted(map(str, exercise.answer.free_symbols))
        points, right, *wrong = values_at(exercise.answer, *(mistake.answer for mistake in exercise.mistakes))
        if len(points) < ENOUGH:
            raise ValueError(f"exercise {exercise.id!r}: its answer is real at only {len(points)} of the points")
        key |= {"kind": "formula", "symbols": symbols, "points": points, "answer": right}
    elif callable(exercise.answer):
        return None
    else:
        right, *wrong = (_plain(a) for a in (exercise.answer, *(mistake.answer for mistake in exercise.mistakes)))
        key |= {"kind": "number", "answer": right, "tolerance": exercise.tolerance, "rounded": ROUNDED}
    return key | {"mistakes": [list(pair) for pair in zip(wrong, whys, strict=True)]}


def _plain(number) -> float | str:
    """Return a number as JSON can hold it: what is infinite is written out, as JavaScript writes it."""
    number = float(number)
    return number if math.isfinite(number) else str(number).replace("inf", "Infinity")
