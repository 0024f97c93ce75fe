"""The exercises of lesson 10, Duality."""

import math

import torch

from gantut.lessons import Exercise, Mistake


def _slopes(x, f):
    return (f[:, None] - f).abs() / torch.cdist(x, x).fill_diagonal_(math.inf)


def _largest_slope(x, f):
    return _slopes(x, f).max().item()


def _neighbours_only(x, f):
    return (f.diff().abs() / x.diff(dim=0).norm(dim=1)).max().item()


def _mean_slope(x, f):
    return _slopes(x, f).mean().item()


def _largest_over_largest(x, f):
    return ((f.max() - f.min()) / torch.cdist(x, x).max()).item()


_X = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.1, 0.1], [2.0, 1.0]], dtype=torch.float64)

EXERCISES = (
    Exercise(
        id="one-lipschitz-bound",
        answer=3,
        praise="And it is the distance itself: all dirt goes right, so f falls by one per step on every route.",
        mistakes=(
            Mistake(-3, "The bound is E_p f - E_q f, and f(x) = -x is larger under p."),
            Mistake(6, "Divide by the number of points: each distribution has total mass 1."),
        ),
    ),
    Exercise(
        id="constant-prices",
        answer=0,
        praise="So potentials are determined only up to a constant; remove it before you compare two of them.",
        mistakes=(
            Mistake(100, "That is what picking up costs more; putting down costs less at the same time."),
            Mistake(200, "The two changes have opposite signs."),
        ),
    ),
    Exercise(
        id="slope-function",
        answer=_largest_slope,
        praise="It is a lower bound for the Lipschitz constant: between the points f may be steeper.",
        mistakes=(
            Mistake(_neighbours_only, "All pairs count, not only points that follow one another in the list."),
            Mistake(_mean_slope, "The question asks for the largest slope, not the mean one."),
            Mistake(
                _largest_over_largest, "The largest difference and the largest distance need not belong to one pair."
            ),
        ),
        arguments=(
            (_X, torch.tensor([0.0, 1.0, 1.0, 0.5], dtype=torch.float64)),
            (_X, _X[:, 0].clone()),
            (_X[:, :1], -3.0 * _X[:, 0].square()),
            (_X, torch.zeros(4, dtype=torch.float64)),
        ),
        tolerance=1e-6,
    ),
    Exercise(
        id="lines-with-slope-three",
        answer=1.5,
        praise="Unless the slope is known, a critic's estimate is a distance in unknown units.",
        mistakes=(
            Mistake(0.5, "That is W_1, which a critic of slope 1 would report. This one may be three times as steep."),
            Mistake(1 / 6, "The other way round: a steeper critic reports more, and must be divided by K."),
        ),
    ),
)
