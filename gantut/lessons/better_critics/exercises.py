"""The exercises of lesson 13, Better critics."""

import torch

from gantut.lessons import Exercise, Mistake


def _penalty_of_images(gradient):
    return (gradient.flatten(1).norm(dim=1) - 1).clamp(min=0).square().mean().item()


def _over_channels(gradient):
    return (gradient.norm(dim=1) - 1).clamp(min=0).square().mean().item()


def _two_sided(gradient):
    return (gradient.flatten(1).norm(dim=1) - 1).square().mean().item()


def _one_norm_a_batch(gradient):
    return (gradient.norm() - 1).clamp(min=0).square().item()


_STEEP = torch.arange(48, dtype=torch.float64).reshape(2, 3, 2, 4) / 50
_MIXED = torch.cat([_STEEP, _STEEP / 10])

EXERCISES = (
    Exercise(
        id="report-of-point-masses",
        answer=7.8,
        praise="A report that is 30% too large, from a critic that does exactly what it was asked to.",
        mistakes=(
            Mistake(
                6, "That is the distance; a penalised critic can afford to be a little steeper than 1, and will be."
            ),
            Mistake(9.6, "There is a factor 2 in the denominator: the derivative of the square."),
            Mistake(6.3, "The density of x̂ is 1/6, not 1: the excess is Δ²/(2λρ) over a length of 6."),
        ),
    ),
    Exercise(
        id="read-the-log",
        answer=4.4,
        praise="Exact on the line, at the optimum; in more dimensions it may still be too large, but less so.",
        mistakes=(
            Mistake(4.8, "The report exceeds the distance by twice the penalty, not just once."),
            Mistake(5.2, "That is the report. It is too large."),
            Mistake(-4.4, "The critic's loss is minus its report; a distance is not negative."),
            Mistake(6.0, "The excess is subtracted, not added."),
        ),
    ),
    Exercise(
        id="gentle-critic",
        answer=2.5,
        praise="One-sided it is 0. Two-sided, a critic must pay for not being steep, whether or not any mass travels.",
        mistakes=(
            Mistake(0, "That is the one-sided penalty."),
            Mistake(5.625, "The norm is the root: 0.3² + 0.4² is the norm squared."),
            Mistake(0.9, "The norm of (0.3, −0.4) is Euclidean: 1/2, not 0.7."),
        ),
    ),
    Exercise(
        id="penalty-of-images",
        answer=_penalty_of_images,
        praise="And it would pass both checks of the museum.",
        mistakes=(
            Mistake(
                _over_channels, "That is a norm for each pixel, over its channels: flatten all axes but the first."
            ),
            Mistake(_two_sided, "One-sided: norms below 1 cost nothing."),
            Mistake(_one_norm_a_batch, "Each sample has a norm of its own, and the mean is over samples."),
        ),
        arguments=((_STEEP,), (_MIXED,)),
        tolerance=1e-6,
    ),
)
