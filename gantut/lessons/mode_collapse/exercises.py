"""The exercises of lesson 6, Mode collapse."""

import math

import sympy
import torch

from gantut.lessons import Exercise, Mistake

_X, _Y, _ETA = sympy.symbols("x y eta", positive=True)
_PATHS = tuple(
    torch.remainder(torch.tensor(path, dtype=torch.float64) + math.pi, 2 * math.pi) - math.pi  # as arg gives them
    for path in ([0.0, 1.0, 2.5, 4.0, 5.5, 7.0, 8.0], [3.0, 3.5, 2.9, 3.6], [0.5, -1.5, -3.5, -5.0, -7.0, -6.0])
)


def _turns(angle, size=lambda moved: moved):
    moved = torch.remainder(angle.diff() + math.pi, 2 * math.pi) - math.pi
    return (size(moved).sum() / (2 * math.pi)).item()


EXERCISES = (
    Exercise(
        id="dstar-on-five-modes",
        answer=1 / 6,
        praise="The share of the modes that are covered enters like odds, 5 to 25.",
        mistakes=(
            Mistake(1 / 5, "That is p_r/p_g on a covered mode; D* is p_r/(p_r + p_g)."),
            Mistake(5 / 6, "That is 1 − D*, the probability that the sample is fake."),
            Mistake(1 / 26, "That would be a generator on one mode of 25; this one shares its mass among five."),
            Mistake(0.5, "D* = 1/2 only where the densities are equal; on a covered mode p_g is five times p_r."),
        ),
        tolerance=2.5e-3,  # 0.167 is right
    ),
    Exercise(
        id="slope-for-one-percent",
        answer=100 / math.sqrt(2 * math.pi),
        praise="Forty gaps per standard deviation: half as many stragglers need twice the slope.",
        mistakes=(
            Mistake(math.sqrt(2 * math.pi) / 0.01, "The density of the noise at 0 is 1/√(2π); divide it by the share."),
            Mistake(
                50 / math.sqrt(2 * math.pi), "Count the walks from A to B and those from B to A: 4g/πL, not 2g/πL."
            ),
            Mistake(400 / math.sqrt(2 * math.pi), "Only a quarter of all pairs has z < 0 < z'."),
            Mistake(100.0, "That would be noise of density 1 at 0, as if it were uniform on an interval of length 1."),
            Mistake(1 / math.sqrt(2 * math.pi), "That is the density of the noise at 0. Divide it by the share, 0.01."),
        ),
        tolerance=2e-2,  # 40 is right
    ),
    Exercise(
        id="three-steps-ahead",
        answer=_Y + 6 * _ETA * _X,
        praise="Half of the friction comes from where y will be, half from knowing that x moves it.",
        mistakes=(
            Mistake(_Y, "That is the slope without looking ahead."),
            Mistake(
                _Y + 3 * _ETA * _X, "That is the slope with y at its future position but frozen: y responds to x, too."
            ),
            Mistake(_Y + 2 * _ETA * _X, "That is one step ahead; y takes three."),
            Mistake(_X * (_Y + 3 * _ETA * _X), "That is the function; the question asks for its derivative in x."),
        ),
    ),
    Exercise(
        id="count-turns",
        answer=_turns,
        praise="Unwrapped angles count turns, as long as no step goes more than half way round.",
        mistakes=(
            Mistake(
                lambda angle: ((angle[-1] - angle[0]) / (2 * math.pi)).item(),
                "That cannot exceed one turn: angles jump by 2π where they pass π. Bring each step into [−π, π).",
            ),
            Mistake(
                lambda angle: _turns(angle, torch.abs),
                "Going back and forth is not a turn: add the steps with their signs.",
            ),
            Mistake(lambda angle: 2 * math.pi * _turns(angle), "That is in radians: a turn is 2π."),
        ),
        arguments=tuple((path,) for path in _PATHS),
        tolerance=1e-6,
    ),
)
