"""Exercises: right answers pass, every listed mistake fails with its own word of help."""

import pytest
import sympy

from gantut.lessons import all_exercises, check, mark

EXERCISES = all_exercises()
EVERY = pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)


@EVERY
def test_the_right_answer_is_right(exercise):
    assert mark(exercise.id, exercise.answer) == (True, f"right. {exercise.praise}")


@EVERY
def test_every_listed_mistake_is_wrong_and_told_why(exercise):
    assert len(exercise.mistakes) >= 2, "an exercise knows two likely mistakes or more"
    for mistake in exercise.mistakes:
        assert mark(exercise.id, mistake.answer) == (False, f"not yet. {mistake.why}")


@EVERY
def test_no_answer_is_neither_right_nor_wrong(exercise):
    verdict = mark(exercise.id, ...)
    assert verdict.right is None
    assert "no answer yet" in verdict.message


@EVERY
def test_nonsense_is_wrong_and_raises_nothing(exercise):
    for nonsense in (None, "what?", 1e9, float("nan"), lambda *_: 1 / 0, sympy.Symbol("u") ** 3):
        assert mark(exercise.id, nonsense).right is False


def test_a_formula_counts_in_any_form_and_whatever_assumptions_its_symbols_carry():
    m, s = sympy.symbols("m s")
    assert mark("gaussian-kl-formula", (s**2 + m**2) / 2 - sympy.Rational(1, 2) - sympy.log(s)).right
    assert mark("prior-dstar", "1 / (1 + (1 - pi) * B / (pi * A))").right


def test_a_number_is_right_within_a_tenth_of_a_per_cent_and_wrong_beyond():
    right = EXERCISES["kl-of-a-coin"].answer
    assert mark("kl-of-a-coin", round(right, 3)).right
    assert not mark("kl-of-a-coin", 1.01 * right).right
    assert "by more than 0.1% of it" in mark("kl-of-a-coin", 1.01 * right).message


def test_an_unknown_exercise_is_named_together_with_the_known_ones():
    with pytest.raises(ValueError, match=r"exercise_id must be one of kl-of-a-coin.*not 'nope'"):
        mark("nope", 1)


def test_check_prints_one_line(capsys):
    check("best-against-collapse", 0.5)
    assert capsys.readouterr().out.startswith("✗ best-against-collapse: not yet. D* = 1/2 only where")
