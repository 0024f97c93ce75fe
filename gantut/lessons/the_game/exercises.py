"""The exercises of lesson 2, The game."""

import sympy
import torch
from torch.nn.functional import softplus

from gantut.lessons import Exercise, Mistake
from gantut.lessons._answers import NotAnAnswer, kind, number

_a = sympy.Symbol("a", real=True)


def _square_root(u):
    return u.sqrt()


def _square(u):
    return u.square()


def _density(u):
    return 2 * u


def _has_the_density(function) -> bool:
    """Whether evenly spaced u become x of the density 2x, in whatever order: then the x², sorted, are evenly spaced."""
    if not callable(function):
        raise NotAnAnswer(f"The answer should be a function, not {kind(function)}.")
    even = (torch.arange(2000, dtype=torch.float64) + 0.5) / 2000
    x = torch.tensor([number(function(u)) for u in even], dtype=torch.float64)
    return bool((x >= 0).all() and ((x**2).sort().values - even).abs().max() < 1 / 1999)


def _value(real, fake):
    return -softplus(-real).mean() - softplus(fake).mean()


def _naive_value(real, fake):
    return real.sigmoid().log().mean() + (1 - fake.sigmoid()).log().mean()


def _loss(real, fake):
    return softplus(-real).mean() + softplus(fake).mean()


def _both_real(real, fake):
    return -softplus(-real).mean() - softplus(-fake).mean()


EXERCISES = (
    Exercise(
        id="samples-drawn",
        answer=320_000,
        praise="It draws more noise, 384,000: the generator's own steps need some, too.",
        mistakes=(
            Mistake(64_000, "Each iteration has five discriminator steps, each with a fresh batch."),
            Mistake(384_000, "The generator's step draws noise only; it never sees a real sample."),
        ),
    ),
    Exercise(
        id="inverse-transform",
        answer=_square_root,
        praise="Large x are more likely, and indeed a square root pushes numbers between 0 and 1 up.",
        mistakes=(
            Mistake(_square, "That is F itself; the question asks for its inverse."),
            Mistake(_density, "That is the density; integrate it first, then invert."),
        ),
        arguments=tuple((torch.tensor(u, dtype=torch.float64),) for u in (0.0, 0.25, 0.6, 1.0)),
        accepts=_has_the_density,
    ),
    Exercise(
        id="value-from-loss",
        answer=-0.9,
        praise="Above the -1.386 of guessing: this discriminator can still tell them apart.",
        mistakes=(
            Mistake(
                -0.45, "V adds two means, one over real and one over generated samples; the script takes one over all."
            ),
            Mistake(0.9, "V is minus the cross-entropies: it is never positive."),
        ),
    ),
    Exercise(
        id="slope-in-the-logit",
        answer=-1 / (1 + sympy.exp(-_a)),
        praise="It is -D itself: a sample that D takes for generated, and is certain, gives the generator no slope.",
        mistakes=(
            Mistake(-1 / (1 + sympy.exp(_a)), "That is the slope of -log D, the other generator loss."),
            Mistake(1 / (1 + sympy.exp(-_a)), "Mind the sign: a larger logit makes 1 - D smaller."),
        ),
    ),
    Exercise(
        id="value-from-logits",
        answer=_value,
        praise="That is minus the package's discriminator loss.",
        mistakes=(
            Mistake(
                _naive_value, "At a logit of 200 the sigmoid is exactly 1, and the logarithm of 1 - 1 is not finite."
            ),
            Mistake(_loss, "V is what the discriminator wants large; this is what it wants small."),
            Mistake(_both_real, "For generated samples it is log(1 - D): the other sign of the logit."),
        ),
        arguments=(
            (torch.tensor([0.5, -1.0, 2.0]), torch.tensor([0.3, -2.0, 1.0])),
            (torch.tensor([200.0, -200.0]), torch.tensor([200.0, -200.0])),
        ),
    ),
)
