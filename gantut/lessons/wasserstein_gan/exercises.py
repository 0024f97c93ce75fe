"""The exercises of lesson 11, The Wasserstein GAN."""

import sympy
import torch

from gantut.lessons import Exercise, Mistake

_MU, _S = sympy.symbols("mu s", positive=True)
_D = 1 / (1 + sympy.exp(2 * _MU**2 / _S**2))
_X = torch.tensor([-1.0, 0.5, 2.0, 0.25], dtype=torch.float64)
_Y = torch.tensor([0.0, 3.0, -2.0], dtype=torch.float64)


def _clipped(w, c):
    return min(max(float(w), -c), c)


def _step(w, x, y, lr, c):
    return _clipped(w + lr * (x.mean() - y.mean()), c)


def _down(w, x, y, lr, c):
    return _clipped(w - lr * (x.mean() - y.mean()), c)


def _never_clipped(w, x, y, lr, c):
    return float(w + lr * (x.mean() - y.mean()))


def _clipped_gradient(w, x, y, lr, c):
    return w + lr * _clipped(x.mean() - y.mean(), c)


def _clipped_before(w, x, y, lr, c):
    return float(_clipped(w, c) + lr * (x.mean() - y.mean()))


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
        id="critic-step",
        answer=_step,
        praise="In the other order the weight could end one step outside the bounds.",
        mistakes=(
            Mistake(_down, "That lowers the estimate. The critic goes up: real samples are to score higher."),
            Mistake(_never_clipped, "Clip the weight after the step: nothing holds it otherwise."),
            Mistake(_clipped_gradient, "It is the weight that is clipped, not its gradient."),
            Mistake(_clipped_before, "Clip after the step, so that the weight that you return lies in [-c, c]."),
        ),
        arguments=(
            (0.09, _X, _Y, 0.5, 0.1),
            (0.0, _X, _Y, 0.01, 0.1),
            (0.0, _Y, _X, 0.5, 0.01),
            (0.5, _Y, _X, 0.1, 0.3),
        ),
    ),
    Exercise(
        id="gradient-left",
        answer=2 * _MU / _S**2 * _D,
        praise="At μ = 2 it is 0.00134 for s = 1, and 2·10⁻¹³ for s = 1/2.",
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
        id="half-of-it",
        answer=(_S - 1) / sympy.sqrt(2 * sympy.pi),
        praise="It is half of W₁ for every s: the critic sees one side of the roof.",
        mistakes=(
            Mistake((_S - 1) * sympy.sqrt(2 / sympy.pi), "That is W₁ itself. One ramp sees one side only."),
            Mistake((_S**2 - 1) / 2, "That is half the difference of the variances: a ramp is no parabola."),
            Mistake((1 - _S) / sympy.sqrt(2 * sympy.pi), "Its size is wanted: the unit may enter with either sign."),
        ),
    ),
)
