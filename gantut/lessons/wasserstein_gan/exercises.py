"""The exercises of lesson 11, The Wasserstein GAN."""

import itertools

import sympy
import torch

from gantut.lessons import Exercise, Mistake
from gantut.lessons._answers import NotAnAnswer, kind, number
from gantut.transport import emd_points

_MU, _S = sympy.symbols("mu s", positive=True)
_D = 1 / (1 + sympy.exp(2 * _MU**2 / _S**2))


def _delta(x, y, u, b):
    return (torch.relu(u * x + b).mean() - torch.relu(u * y + b).mean()).item()


def _relu_of_the_mean(x, y, u, b):
    return (torch.relu(u * x.mean() + b) - torch.relu(u * y.mean() + b)).item()


def _other_way_round(x, y, u, b):
    return -_delta(x, y, u, b)


def _without_offset(x, y, u, b):
    return _delta(x, y, u, 0 * b)


def _certify(x, y, f_x, f_y):
    apart = torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist")
    steepest = ((f_x[:, None] - f_y).abs() / apart)[apart > 0].max()
    return ((f_x.mean() - f_y.mean()) / steepest).item()


def _mean_slope(x, y, f_x, f_y):
    mean = ((f_x[:, None] - f_y).abs() / torch.cdist(x, y)).mean()
    return ((f_x.mean() - f_y.mean()) / mean).item()


def _in_order(x, y, f_x, f_y):
    n = min(len(x), len(y))
    steepest = ((f_x[:n] - f_y[:n]).abs() / (x[:n] - y[:n]).norm(dim=1)).max()
    return ((f_x.mean() - f_y.mean()) / steepest).item()


def _undivided(x, y, f_x, f_y):
    return (f_x.mean() - f_y.mean()).item()


_NUMBERS = (
    torch.tensor([-1.0, 0.5, 2.0, 0.25], dtype=torch.float64),
    torch.tensor([0.0, 3.0, -2.0], dtype=torch.float64),
)
_X = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]], dtype=torch.float64)
_Y = torch.tensor([[2.0, 1.0], [3.0, 0.0], [1.5, 0.0], [4.0, 4.0]], dtype=torch.float64)
_SCORES = (
    (torch.tensor([1.0, 2.0, 0.5]).double(), torch.tensor([-1.0, 0.0, 0.4, -2.0]).double()),
    (torch.tensor([0.0, 3.0, 1.0]).double(), torch.tensor([1.0, -1.0, 0.0, 0.5]).double()),
)


def _proves(given):
    """Whether a function gives lower bounds of W1 for every critic, and good ones for critics that know it.

    Right answers are many: any slope that is at least the largest between the batches will do, and so does duality. But
    what exceeds W1 proves nothing, and 0 says nothing: a potential, in any unit, is good for more than half of W1.
    """
    if not callable(given):
        raise NotAnAnswer(f"The answer should be a function, not {kind(given)}.")
    solved = emd_points(_X, _Y)
    w1, any_scores = solved.value.item(), [(sign * f_x, sign * f_y) for f_x, f_y in _SCORES for sign in (1, -1)]
    potentials = [(unit * solved.f, -unit * solved.g) for unit in (0.1, 1.0, 20.0)]
    for turn, rows in itertools.product(
        range(4), itertools.permutations(range(3))
    ):  # the order of samples says nothing
        columns = [(turn + j) % 4 for j in range(4)]
        of_any, of_potentials = (
            [number(given(_X[[*rows]], _Y[columns], f_x[[*rows]], f_y[columns])) for f_x, f_y in scores]
            for scores in (any_scores, potentials)
        )
        if max(of_any + of_potentials) > w1 * (1 + 1e-6) or min(of_potentials) < w1 / 2:
            return False
    return True


EXERCISES = (
    Exercise(
        id="clip-bound",
        answer=0.256,
        praise="Most of it comes from the widths: with 512 in place of 32 it would be 65.5.",
        mistakes=(
            Mistake(0.05**3 * 4 * 32 * 32, "The input counts by the square root of its width: the slope is a length."),
            Mistake(0.05**2 * 2 * 32 * 32, "Count the layers of weights, 4-32, 32-32 and 32-1: there are three."),
            Mistake(0.05, "A bound on each weight is not a bound on the slope: slopes add up over units and layers."),
        ),
    ),
    Exercise(
        id="what-it-proves",
        answer=0.6,
        praise="And they may be much further apart: it is a lower bound.",
        mistakes=(
            Mistake(1.35, "The other way round: a steeper critic reports more, so divide by its slope."),
            Mistake(0.9, "That would be right for a critic of slope 1; this one is steeper."),
        ),
    ),
    Exercise(
        id="once-too-often",
        answer=1000 * 6 * 64,
        praise="That is 20% more than was intended; read loops with care, in papers too.",
        mistakes=(
            Mistake(1000 * 5 * 64, "That was the intention. Count t = 0, 1, ..., 5."),
            Mistake(1000 * 7 * 64, "The generator's step draws no real samples."),
        ),
    ),
    Exercise(
        id="gradient-left",
        answer=2 * _MU / _S**2 * _D,
        praise="At mu = 2 it is 0.00134 for s = 1, and 2e-13 for s = 1/2.",
        mistakes=(
            Mistake(
                2 * _MU / _S**2,
                "That is the slope of the logit. The logarithm of 1 - D puts a factor D in front of it.",
            ),
            Mistake(2 * _MU / _S**2 * (1 - _D), "That belongs to the other loss, -log D, whose gradient does not die."),
            Mistake(2 * _MU / _S**2 * _D * (1 - _D), "That is the slope of D itself; log(1 - D) divides it by 1 - D."),
        ),
    ),
    Exercise(
        id="one-unit",
        answer=_delta,
        praise="A linear critic is the case in which the kink lies outside both distributions.",
        mistakes=(
            Mistake(_relu_of_the_mean, "Apply the unit to each sample first, and take the mean last."),
            Mistake(_other_way_round, "Real minus generated: the critic gives real samples the higher scores."),
            Mistake(_without_offset, "The offset b is missing: it decides where the kink is."),
        ),
        arguments=((*_NUMBERS, 1.0, 0.5), (*_NUMBERS, -0.5, 1.0), (*_NUMBERS, 1.0, -1.0)),
    ),
    Exercise(
        id="certify",
        answer=_certify,
        praise="Put it into your loop: it costs one table of distances each time, and it is in the units of the data.",
        mistakes=(
            Mistake(_mean_slope, "The mean slope proves nothing: some route may be steeper. The largest is needed."),
            Mistake(_in_order, "All pairs of a real and a generated sample count, not only the first with the first."),
            Mistake(
                _undivided, "That is the critic's estimate itself. Divide by its largest slope between the batches."
            ),
        ),
        arguments=tuple((_X, _Y, *scores) for scores in _SCORES),
        accepts=_proves,
    ),
)
