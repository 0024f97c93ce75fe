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


def _funnel(x):
    return max(1 - x, 0) + max(x - 3, 0)


def _is_best(given):
    """Whether a function on [0, 5] is nowhere steeper than 1, and its means over {0, 5} and {1, 3} differ by 3/2."""
    if not callable(given):
        return False
    step = 1 / 16
    values = torch.tensor([float(given(step * k)) for k in torch.arange(81, dtype=torch.float64)])
    at = {place: values[round(place / step)] for place in (0, 1, 3, 5)}
    gain = (at[0] + at[5] - at[1] - at[3]) / 2
    return bool((values.diff().abs() <= step * (1 + 1e-3)).all() and abs(gain - 1.5) <= 1e-3)


_X = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.1, 0.1], [2.0, 1.0]], dtype=torch.float64)

EXERCISES = (
    Exercise(
        id="reroute-a-plan",
        answer=6,
        praise="It takes all three sources: exchanges of two cannot mend every plan that is not cheapest.",
        mistakes=(
            Mistake(3, "That is what one shovelful saves that goes round. How many can go round?"),
            Mistake(15, "The route from 2 to 2 carries only 2 shovelfuls, and cannot fall below 0."),
            Mistake(9, "The route from 2 to 2 carries only 2 shovelfuls, and cannot fall below 0."),
            Mistake(34, "That is the cost after rerouting; the question asks by how much it falls."),
        ),
    ),
    Exercise(
        id="best-function-on-a-line",
        answer=_funnel,
        praise="It falls where dirt goes right and rises where dirt goes left. Between 1 and 3 you had a choice.",
        mistakes=(
            Mistake(
                lambda x: -_funnel(x), "With this sign E_p f - E_q f is -3/2: f must be high where p has its mass."
            ),
            Mistake(lambda x: 2 * _funnel(x), "Its slope is 2 on the way; at most 1 is allowed."),
            Mistake(lambda x: -x, "That is best where all dirt goes right. From 5 it goes left."),
        ),
        arguments=tuple((torch.tensor(x, dtype=torch.float64),) for x in (0.0, 1.0, 2.0, 3.0, 5.0)),
        accepts=_is_best,
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
            Mistake(0.5, "That is W₁, which a critic of slope 1 would report. This one may be three times as steep."),
            Mistake(1 / 6, "The other way round: a steeper critic reports more, and must be divided by K."),
        ),
    ),
)
