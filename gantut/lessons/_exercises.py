"""The exercises of all lessons by name; a room is opened only when an exercise of it is asked for."""

from importlib import import_module

from gantut.lessons._marking import Exercise, Verdict, mark_answer

ROOMS = (
    "divergences", "the_game", "optimal_discriminator", "no_equilibrium", "vanishing_gradients", "mode_collapse",
    "seeing_collapse", "seven_tricks", "moving_dirt", "duality", "wasserstein_gan", "the_estimate", "better_critics",
    "new_creatures", "created_equal", "which_games_converge", "without_a_critic",
)  # fmt: skip


def exercises_of(room: str) -> dict[str, Exercise]:
    """Return the exercises of one lesson's room by name, in the order of the lesson."""
    return {exercise.id: exercise for exercise in import_module(f"gantut.lessons.{room}.exercises").EXERCISES}


def all_exercises() -> dict[str, Exercise]:
    """Return the exercises of all lessons by name, in the order of the book.

    Returns
    -------
    dict of str to Exercise
        The keys are the names that :func:`check` and :func:`mark` take.

    See Also
    --------
    mark : compares an answer with one of them.

    Examples
    --------
    >>> from gantut.lessons import all_exercises
    >>> "kl-of-a-coin" in all_exercises()
    True
    """
    return {name: exercise for room in ROOMS for name, exercise in exercises_of(room).items()}


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
        Whether it is right, and the message.

    Raises
    ------
    ValueError
        If there is no such exercise.

    See Also
    --------
    check : prints the same.

    Examples
    --------
    >>> from gantut.lessons import mark
    >>> verdict = mark("kl-of-a-coin", 0.737)
    >>> verdict.right, verdict.message[:6]
    (True, 'right.')
    """
    for room in ROOMS:
        if exercise := exercises_of(room).get(exercise_id):
            return mark_answer(exercise, answer)
    raise ValueError(f"exercise_id must be one of {', '.join(all_exercises())}, not {exercise_id!r}")


def check(exercise_id: str, answer) -> None:
    """Print whether an answer is right and, where it is a known mistake, what went wrong.

    Parameters
    ----------
    exercise_id : str
        As in the lesson, such as ``"kl-of-a-coin"``.
    answer : number, sympy expression, function, or ``...``
        What the exercise asks for; the dots stand for no answer yet.

    Raises
    ------
    ValueError
        If there is no such exercise.

    See Also
    --------
    mark : returns the same.

    Examples
    --------
    >>> from gantut.lessons import check
    >>> check("kl-of-a-coin", 0.5108)
    ✗ kl-of-a-coin: not yet. That is the value in nats; the question asks for bits: divide by log 2.
    >>> check("kl-of-a-coin", ...)
    … kl-of-a-coin: no answer yet. Replace the dots, then run this cell again.
    """
    verdict = mark(exercise_id, answer)
    print(f"{ {True: '✓', False: '✗', None: '…'}[verdict.right] } {exercise_id}: {verdict.message}")
