"""The exercises of all lessons by name; a room is opened only when an exercise of it is asked for."""

from importlib import import_module

from gantut.lessons._marking import Exercise, Verdict, mark_answer

ROOMS = (
    "divergences", "the_game", "optimal_discriminator", "no_equilibrium", "vanishing_gradients", "mode_collapse",
    "seven_tricks", "moving_dirt", "duality", "wasserstein_gan", "better_critics", "new_creatures", "created_equal",
)  # fmt: skip


def exercises_of(room: str) -> dict[str, Exercise]:
    """Return the exercises of one lesson's room by name, in the order of the lesson."""
    return {exercise.id: exercise for exercise in import_module(f"gantut.lessons.{room}.exercises").EXERCISES}


def all_exercises() -> dict[str, Exercise]:
    """Return the exercises of all lessons by name, in the order of the book."""
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

    Raises
    ------
    ValueError
        If there is no such exercise.
    """
    for room in ROOMS:
        if exercise := exercises_of(room).get(exercise_id):
            return mark_answer(exercise, answer)
    raise ValueError(f"exercise_id must be one of {', '.join(all_exercises())}, not {exercise_id!r}")


def check(exercise_id: str, answer) -> None:
    """Print whether an answer is right and, where it is a known mistake, what went wrong."""
    verdict = mark(exercise_id, answer)
    print(f"{ {True: '✓', False: '✗', None: '…'}[verdict.right] } {exercise_id}: {verdict.message}")
