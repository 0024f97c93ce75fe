"""Lessons 1 to 3: their exercises take every right answer, and what their praise says is so."""

import math

import pytest
import torch

from gantut.data import gaussian, gaussian_mixture
from gantut.divergences import integrate
from gantut.lessons import mark


@pytest.mark.parametrize(
    "draw",
    [
        torch.sqrt,
        lambda u: (1 - u) ** 0.5,
        lambda u: float(u) ** 0.5,
        lambda u: (2 * u - 1).abs().sqrt(),
        lambda u: ((u + 0.25) % 1).sqrt(),
    ],
    ids=["root", "other end", "a float", "folded", "turned"],
)
def test_whatever_draws_from_the_density_is_right(draw):
    assert mark("inverse-transform", draw).right


@pytest.mark.parametrize(
    "draw",
    [
        lambda u: -u.sqrt(),
        lambda u: 1.001 * u.sqrt(),
        lambda u: 1 - u.sqrt(),
        lambda u: u ** (1 / 3),
        lambda u: u,
        lambda u: torch.maximum(u, 1 - u).sqrt(),
        lambda u: u * math.nan,
    ],
    ids=["negative", "stretched", "falling density", "density 3x²", "uniform", "upper half only", "no number"],
)
def test_whatever_draws_from_another_density_is_wrong(draw):
    assert mark("inverse-transform", draw).right is False


def test_a_number_is_no_function_and_two_numbers_are_no_draw():
    assert mark("inverse-transform", 0.5).message == "not yet. The answer should be a function, not a float."
    assert mark("inverse-transform", lambda u: (u, u)).message == "not yet. A number is wanted, not a tuple."


@pytest.mark.parametrize(
    ("exercise", "printed"),
    [
        ("kl-of-a-coin", 0.737),
        ("js-half-overlap", 0.347),
        ("sure-but-wrong", -2.41),
        ("best-against-collapse", 0.111),
        ("read-dstar", 3),
        ("value-from-loss", -0.9),
        ("samples-drawn", 320_000),
    ],
)
def test_a_number_is_right_as_the_book_prints_it(exercise, printed):
    assert mark(exercise, printed).right


def test_the_praise_of_moment_matching_counts_right():
    data = gaussian_mixture([0.0, 4.0], 1.0, [0.25, 0.75])
    of_fit, of_data = (float(integrate(d.density, 1.0, 3.0)[0]) for d in (gaussian(3.0, 2.0), data))
    assert 1 / 3 < of_fit < 0.35
    assert 0.15 < of_data < 1 / 6
