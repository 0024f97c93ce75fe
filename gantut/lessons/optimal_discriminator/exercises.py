"""The exercises of lesson 3, The optimal discriminator."""

import math

import sympy

from gantut.lessons import Exercise, Mistake

_A, _B, _PI = sympy.symbols("A B pi", positive=True)

EXERCISES = (
    Exercise(
        id="read-dstar",
        answer=3.0,
        praise="A discriminator is a likelihood ratio in disguise: D/(1 − D) reads it off.",
        mistakes=(
            Mistake(0.75, "That is D itself. The ratio p_r/p_g is D/(1 − D)."),
            Mistake(1 / 3, "That is p_g/p_r, upside down."),
            Mistake(math.log(3), "That is the logit, the logarithm of the ratio."),
        ),
    ),
    Exercise(
        id="prior-dstar",
        answer=_PI * _A / (_PI * _A + (1 - _PI) * _B),
        praise="In logits: log(A/B) + log(π/(1 − π)). Unbalanced batches shift every logit by the same amount.",
        mistakes=(
            Mistake(_A / (_A + _B), "That is the answer for π = 1/2; set the derivative of the weighted sum to zero."),
            Mistake(_PI * _A / (_A + _B), "At the maximum, π A (1 − t) = (1 − π) B t: solve that for t again."),
        ),
    ),
    Exercise(
        id="js-from-value",
        answer=lambda v: (v + 2 * math.log(2)) / 2,
        praise="A trained discriminator therefore gives a lower bound for JS: the less trained, the lower.",
        mistakes=(
            Mistake(lambda v: v + 2 * math.log(2), "That is Xu's JS, without the factors 1/2: twice the usual one."),
            Mistake(
                lambda v: (v + math.log(2)) / 2,
                "Try v = −2 log 2, the value for equal distributions: JS must be 0 there.",
            ),
            Mistake(lambda v: v / 2 - math.log(2), "The sign of log 2 is wrong: try v = 0, where JS must be log 2."),
        ),
        arguments=((0.0,), (-2 * math.log(2),), (-1.0,), (-0.3,)),
        tolerance=1e-6,
    ),
    Exercise(
        id="best-against-collapse",
        answer=1 / 9,
        praise="The optimal discriminator sees the collapse at once. Lesson 6 starts from here.",
        mistakes=(
            Mistake(0.5, "D* = 1/2 only where the densities are equal; here p_g is eight times p_r on that mode."),
            Mistake(8 / 9, "That is the probability that a sample from that mode is fake, 1 − D*."),
            Mistake(1 / 8, "That is p_r/p_g; D* is p_r/(p_r + p_g)."),
        ),
        tolerance=2e-3,  # 0.111 is right
    ),
)
