"""The exercises of lesson 5, Thin supports and vanishing gradients."""

import math

import torch

from gantut.lessons import Exercise, Mistake

_RATIOS = (
    torch.tensor([1.1, 1.25, 1.6, 2.5], dtype=torch.float64),
    torch.tensor([1.02, 1.3, 1.05, 1.8, 1.2], dtype=torch.float64),
)

EXERCISES = (
    Exercise(
        id="meeting-dimension",
        answer=6.0,
        praise="They meet, but in a set too thin to carry any mass of either distribution.",
        mistakes=(
            Mistake(0.0, "With 30 + 40 dimensions in 64 there is room for more than a point: compare d1 + d2 with n."),
            Mistake(30.0, "That would be the whole of the smaller one, as if it lay inside the other."),
            Mistake(70.0, "That is d1 + d2; the n dimensions of the space must be subtracted."),
            Mistake(-6.0, "The sign is wrong: it is d1 + d2 - n, which is positive here, so they do meet."),
        ),
    ),
    Exercise(
        id="likely-dimension",
        answer=lambda mu: len(mu) / mu.log().sum(),
        praise="The same logarithms as in Hill's estimate: both read off the power of a tail.",
        mistakes=(
            Mistake(lambda mu: mu.log().mean(), "That is 1/d: for large d the ratios are near 1 and their logs small."),
            Mistake(lambda mu: 1 / mu.mean().log(), "Take the logarithms first and the mean afterwards."),
            Mistake(
                lambda mu: len(mu) / mu.log().sum() - 1,
                "Differentiate N log d - (d + 1) Σ log μ with respect to d again: the 1 in d + 1 drops out.",
            ),
        ),
        arguments=tuple((mu,) for mu in _RATIOS),
        tolerance=1e-6,
    ),
    Exercise(
        id="bound-in-numbers",
        answer=2 * 0.04 / 0.96,
        praise="Values and slopes together make ε, and M is the root of the mean square.",
        mistakes=(
            Mistake(2 * 0.01 / 0.99, "That takes ε from the values alone; the norm counts slopes as well."),
            Mistake(2 * 0.03 / 0.97, "That takes ε from the slopes alone; the norm adds the values."),
            Mistake(4 * 0.04 / 0.96, "4 is M squared."),
            Mistake(0.04 / 0.96, "M is missing: how fast the samples move with θ."),
        ),
    ),
    Exercise(
        id="slopes-at-minus-eight",
        answer=math.exp(8),
        praise="About three thousand times. And at a = +8, where the generator wins, it is the other way round.",
        mistakes=(
            Mistake(math.exp(-8), "Upside down: the steep one is -log D."),
            Mistake(8.0, "The slopes are σ(a) and 1 - σ(a) in size; their quotient is exponential in a."),
            Mistake(1 / (1 + math.exp(-8)), "That is the slope of -log D itself; divide by that of log(1 - D)."),
        ),
    ),
    Exercise(
        id="far-generator",
        answer=20.0,
        praise="KL pulls like a spring, while JS has long let go.",
        mistakes=(
            Mistake(0.0, "That is the gradient of JS, which log(1 - D) would give. The KL term is still there."),
            Mistake(200.0, "That is the objective, θ²/2; the question asks for its derivative."),
            Mistake(-20.0, "That is the direction in which the generator moves; the gradient points the other way."),
            Mistake(40.0, "The KL of two unit Gaussians is θ²/2, not θ²."),
        ),
    ),
    Exercise(
        id="average-of-cauchy",
        answer=8.0,
        praise="Larger batches do not help; cutting off large gradients would.",
        mistakes=(
            Mistake(0.5, "Dividing by the root of 256 is for distributions with a variance, and this one has none."),
            Mistake(8 / 256, "Even with a variance it would be the root of 256; here there is no division at all."),
            Mistake(128.0, "It does not grow either."),
        ),
    ),
)
