"""The exercises of lesson 5, Thin supports and vanishing gradients."""

import sympy

from gantut.lessons import Exercise, Mistake

_K, _THETA = sympy.symbols("k theta", positive=True)
_EXP = sympy.exp(_K * (_THETA - sympy.Rational(1, 2)))  # of minus the logit

EXERCISES = (
    Exercise(
        id="meeting-dimension",
        answer=6.0,
        praise="They meet, but in a set too thin to carry any mass of either distribution.",
        mistakes=(
            Mistake(0.0, "With 30 + 40 dimensions in 64 there is room for more than a point: compare d1 + d2 with n."),
            Mistake(30.0, "That would be the whole of the smaller one, as if it lay inside the other."),
            Mistake(70.0, "That is d1 + d2; the n dimensions of the space must be subtracted."),
            Mistake(-6.0, "The sign is wrong: it is d1 + d2 − n, which is positive here, so they do meet."),
        ),
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
        id="gradient-by-hand",
        answer=_K / (1 + _EXP),
        praise="It is the slope of the logit, times D: only samples that still fool the discriminator count.",
        mistakes=(
            Mistake(-_K / (1 + _EXP), "The size is right, but check the sign: both the logit and log(1 − D) fall."),
            Mistake(1 / (1 + _EXP), "That is D, the slope in the logit. The logit itself has the slope −k."),
            Mistake(_K * _EXP / (1 + _EXP), "That is the slope of −log D: the factor that cancels is 1 − D, not D."),
            Mistake(_K * _EXP / (1 + _EXP) ** 2, "That is k D (1 − D), the slope of −D; divide it by 1 − D."),
        ),
    ),
    Exercise(
        id="far-generator",
        answer=20.0,
        praise="KL pulls like a spring, while JS has long let go.",
        mistakes=(
            Mistake(0.0, "That is the gradient of JS, which log(1 − D) would give. The KL term is still there."),
            Mistake(200.0, "That is the objective, θ²/2; the question asks for its derivative."),
            Mistake(-20.0, "That is the direction in which the generator moves; the gradient points the other way."),
            Mistake(40.0, "The KL of two unit Gaussians is θ²/2, not θ²."),
        ),
    ),
)
