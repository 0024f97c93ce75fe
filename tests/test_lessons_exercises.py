"""Exercises: right answers pass, every listed mistake fails with its own word of help."""

import dataclasses

import numpy as np
import pytest
import sympy
import torch

from gantut.lessons import Exercise, Mistake, all_exercises, check, mark
from gantut.lessons._marking import mark_answer
from gantut.metrics import certified_w1, exact_w1

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


# ---------------------------------------------------------------------------------------------- every right answer

a, b = sympy.symbols("a b", positive=True)
NUMBER = Exercise(id="n", answer=0.736966, praise="Good.", mistakes=())
FORMULA = Exercise(id="f", answer=-1 / (1 + sympy.exp(-a)), praise="Good.", mistakes=())
FUNCTION = Exercise(id="g", answer=lambda x: 2.0 * x, praise="Good.", mistakes=(), arguments=((1.0,), (3.0,)))
EVEN = Exercise(id="e", answer=2, praise="Good.", mistakes=(), accepts=lambda given: given % 2 == 0)


@pytest.mark.parametrize(
    ("right", "given"),
    [
        (-1 / (1 + sympy.exp(-a)), -sympy.exp(a) / (1 + sympy.exp(a))),
        (-1 / (1 + sympy.exp(-a)), "-(1 + tanh(a/2))/2"),
        (sympy.log(a / (a + b)), sympy.log(a) - sympy.log(a + b)),
        (sympy.log(1 - a), "log((1 - a**2) / (1 + a))"),
        (1 / (1 + sympy.exp(-(a - b))), "exp(a) / (exp(a) + exp(b))"),
        (sympy.sqrt(a**2), abs(sympy.Symbol("a"))),
        (a * 0.1, "a / 10"),
    ],
)
def test_a_formula_is_right_in_every_form(right, given):
    exercise = dataclasses.replace(FORMULA, answer=right)
    assert mark_answer(exercise, given).right
    assert not mark_answer(exercise, sympy.sympify(given) * sympy.Rational(1000001, 1000000)).right


@pytest.mark.parametrize("given", [a, "a", "-1/(1 + exp(-b))", "-1/(1 + exp(-a)) + 1e-6", sympy.nan, 0, "a*c"])
def test_a_formula_that_differs_is_wrong(given):
    verdict = mark_answer(FORMULA, given)
    assert verdict == (False, "not yet. The answer should be a formula in a; yours is not equal to the right one.")


def test_a_mistake_without_one_of_the_symbols_leaves_it_a_symbol():
    """gamma is a function of sympy, but not where the answer has a symbol of this name."""
    eta, gamma = sympy.symbols("eta gamma", positive=True)
    exercise = dataclasses.replace(
        FORMULA, answer=2 * eta - 8 * gamma, mistakes=(Mistake(2 * eta, "No penalty."), Mistake(eta, "Half."))
    )
    assert mark_answer(exercise, "2*eta - 8*gamma").right
    assert mark_answer(exercise, "2*eta").message == "not yet. No penalty."
    assert mark_answer(exercise, "eta*sin(gamma)**2 + eta*cos(gamma)**2").message == "not yet. Half."
    otherwise = "not yet. The answer should be a formula in eta, gamma; yours is not equal to the right one."
    assert mark_answer(exercise, "2*eta - 7*gamma").message == mark_answer(exercise, "gamma").message == otherwise


@pytest.mark.parametrize(
    ("exercise", "given", "message"),
    [
        (NUMBER, (0.7, 0.3), "A number is wanted, not a tuple."),
        (NUMBER, [0.736966, 1], "A number is wanted, not a list."),
        (NUMBER, None, "A number is wanted, not None."),
        (NUMBER, True, "A number is wanted, not True."),
        (NUMBER, "0.737", "A number is wanted, not a str."),
        (NUMBER, torch.ones(2), "A number is wanted, not a Tensor."),
        (NUMBER, lambda x: x, "A number is wanted, not a function."),
        (NUMBER, a + 1, "A number is wanted, not the formula a + 1."),
        (NUMBER, 0.74, "As far as it goes, your number is right: give more digits."),
        (NUMBER, 0.7, "As far as it goes, your number is right: give more digits."),
        (NUMBER, 0.75, "Your number differs from the right one by more than 0.1% of it. See the hint."),
        (NUMBER, 1, "Your number differs from the right one by more than 0.1% of it. See the hint."),
        (FORMULA, (a, b), "A formula in a is wanted, not a tuple."),
        (FORMULA, lambda a: a, "A formula in a is wanted, not a function."),
        (FORMULA, "a +", "It cannot be read as a formula: write products with * and powers with **."),
        (FUNCTION, 2.0, "The answer should be a function, not a float."),
        (FUNCTION, lambda x: (x, x), "A number is wanted, not a tuple."),
        (FUNCTION, lambda x: x, "Your function differs from the right one on a test case"),
    ],
)
def test_what_is_no_right_answer_gets_a_sentence(exercise, given, message):
    verdict = mark_answer(exercise, given)
    assert verdict.right is False
    assert verdict.message.startswith(f"not yet. {message}")


def test_a_function_that_fails_is_told_how():
    verdict = mark_answer(FUNCTION, lambda x: 1 / 0)
    assert verdict == (False, "your answer raised ZeroDivisionError: division by zero")


@pytest.mark.parametrize("given", [0.737, np.float32(0.737), torch.tensor([0.737]), sympy.Rational(737, 1000), 0.73697])
def test_a_number_counts_whatever_holds_it(given):
    assert mark_answer(NUMBER, given).right


def test_where_right_answers_are_many_each_is_right():
    assert [mark_answer(EVEN, given).right for given in (2, 4, 3)] == [True, True, False]


def test_certify_takes_every_bound_that_is_proved_and_no_other():
    def over(slope):
        return lambda x, y, f_x, f_y: (f_x.mean() - f_y.mean()) / slope(x, y, f_x, f_y)

    def between(x, y, f_x, f_y):
        return ((f_x[:, None] - f_y).abs() / torch.cdist(x, y)).max()

    def anywhere(x, y, f_x, f_y):
        points, scores = torch.cat([x, y]), torch.cat([f_x, f_y])
        apart = torch.cdist(points, points)
        return ((scores[:, None] - scores).abs() / apart)[apart > 0].max()

    proved = [
        over(between), over(anywhere), lambda *given: over(between)(*given).abs(), certified_w1,
        lambda *given: 0.9 * over(between)(*given), lambda *given: over(between)(*given).item(),
    ]  # fmt: skip
    assert [mark("certify", answer).right for answer in proved] == [True] * len(proved)
    not_proved = [
        lambda *given: 0.0, lambda *given: 1.01 * over(between)(*given), over(lambda x, y, f_x, f_y: 1.0),
        lambda x, y, f_x, f_y: exact_w1(x, y) * 1.001, lambda x, y, f_x, f_y: f_x, 0.5,
    ]  # fmt: skip
    assert [mark("certify", answer).right for answer in not_proved] == [False] * len(not_proved)


def test_a_wrong_answer_that_is_tried_on_nothing_is_no_known_mistake():
    """Where `accepts` alone judges, a refused function is not the first mistake in the list."""
    exercise = Exercise(
        "x", answer=lambda: 1, praise="", mistakes=(Mistake(lambda: 2, "two"),), accepts=lambda given: given() == 1
    )
    assert mark_answer(exercise, lambda: 1).right
    assert "two" not in mark_answer(exercise, lambda: 3).message
