"""The exercises of lesson 12, What the estimate means."""

import itertools
import math

import sympy
import torch

from gantut.lessons import Exercise, Mistake
from gantut.lessons._answers import NotAnAnswer, kind, number
from gantut.transport import emd_points

_N = sympy.Symbol("n", positive=True)


def _standard_error(f_x, f_y, correction=1):
    return (f_x.var(correction=correction) / len(f_x) + f_y.var(correction=correction) / len(f_y)).sqrt().item()


def _one_batch(f_x, f_y):
    return (f_x.std() / len(f_x) ** 0.5).item()


def _of_one_sample(f_x, f_y):
    return (f_x.var() + f_y.var()).sqrt().item()


def _added(f_x, f_y):
    return (f_x.std() / len(f_x) ** 0.5 + f_y.std() / len(f_y) ** 0.5).item()


def _is_standard_error(given):
    """Whether a function returns the standard error, with either of the two ways to estimate a variance."""
    if not callable(given):
        raise NotAnAnswer(f"The answer should be a function, not {kind(given)}.")
    found = [number(given(f_x, f_y)) for f_x, f_y in _SCORES]
    return any(
        all(
            math.isclose(_standard_error(*pair, way), value, rel_tol=1e-3)
            for pair, value in zip(_SCORES, found, strict=True)
        )
        for way in (0, 1)
    )


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
        id="what-it-proves",
        answer=0.6,
        praise="And they may be much further apart: it is a lower bound.",
        mistakes=(
            Mistake(1.35, "The other way round: a steeper critic reports more, so divide by its slope."),
            Mistake(0.9, "That would be right for a critic of slope 1; this one is steeper."),
        ),
    ),
    Exercise(
        id="standard-error",
        answer=_standard_error,
        praise="An estimate within two of these of 0 cannot be told from that of a perfect generator.",
        mistakes=(
            Mistake(_one_batch, "Both batches are drawn anew: the generated one adds its own variance."),
            Mistake(_of_one_sample, "That is for batches of one: divide each variance by the size of its batch."),
            Mistake(_added, "Variances of independent numbers add up, not standard deviations."),
        ),
        arguments=_SCORES,
        accepts=_is_standard_error,
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
    Exercise(
        id="batches-on-a-line",
        answer=sympy.pi / 8 * sympy.sqrt(2 / _N),
        praise="The true mean is about 0.8 of it for large batches: the root of 2 over pi, as for any normal variable.",
        mistakes=(
            Mistake(sympy.pi / 8 / sympy.sqrt(_N), "Both batches vary: the variances of the two shares add up."),
            Mistake(sympy.Rational(1, 3) / _N, "The root of the variance is to be integrated, not the variance."),
            Mistake(sympy.sqrt(1 / (3 * _N)), "The root comes first, for each x; the integral comes last."),
        ),
    ),
)
