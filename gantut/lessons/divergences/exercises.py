"""The exercises of lesson 1, How far apart are two distributions?"""

import math

import sympy
import torch

from gantut.divergences import js_divergence, kl_divergence
from gantut.lessons import Exercise, Mistake


def _distributions(*rows):
    return tuple(torch.tensor(row, dtype=torch.float64) for row in rows)


_FAIR, _BIASED = _distributions([0.5, 0.5], [0.9, 0.1])
_FIRST, _SECOND = _distributions([0.5, 0.5, 0.0], [0.0, 0.5, 0.5])
_M, _S = sympy.symbols("m s", positive=True)


EXERCISES = (
    Exercise(
        id="kl-of-a-coin",
        answer=kl_divergence(_FAIR, _BIASED, base=2).item(),
        praise="On average, a toss of the fair coin brings three quarters of a bit of evidence against the biased one.",
        mistakes=(
            Mistake(
                kl_divergence(_FAIR, _BIASED).item(),
                "That is the value in nats; the question asks for bits: divide by log 2.",
            ),
            Mistake(
                kl_divergence(_BIASED, _FAIR, base=2).item(),
                "That is KL(biased ‖ fair). The distribution that the data come from stands first.",
            ),
        ),
    ),
    Exercise(
        id="js-half-overlap",
        answer=js_divergence(_FIRST, _SECOND).item(),
        praise="Half of the mass is shared, and the divergence is half of its largest value: here, but not in general.",
        mistakes=(
            Mistake(
                math.log(2), "That is the sum without its two factors 1/2, and the value for disjoint distributions."
            ),
            Mistake(0.5, "That is the value in bits; the question asks for nats: multiply by log 2."),
            Mistake(
                math.inf,
                "That is KL, where q is zero and p is not. The average m is never zero there: compare with m.",
            ),
        ),
        tolerance=2e-3,  # 0.347 is right
    ),
    Exercise(
        id="gaussian-kl-formula",
        answer=(_S**2 + _M**2 - 1) / 2 - sympy.log(_S),
        praise="It vanishes only at m = 0, s = 1, and grows with the square of m: distant distributions are punished "
        "without limit.",
        mistakes=(
            Mistake(
                sympy.log(_S) + (1 + _M**2) / (2 * _S**2) - sympy.Rational(1, 2),
                "That is KL(N(0, 1) ‖ N(m, s)), the other way round.",
            ),
            Mistake(
                (_S**2 + _M**2) / 2 - sympy.log(_S),
                "Put m = 0 and s = 1: the two distributions are equal, and your formula does not give 0.",
            ),
        ),
    ),
    Exercise(
        id="moment-matching",
        answer=2.0,
        praise="More than a third of the fitted Gaussian lies between 1 and 3, where the data have less than a sixth.",
        mistakes=(
            Mistake(4.0, "That is the variance; the standard deviation is its root."),
            Mistake(1.0, "That is the spread within a mode; the distance between the modes counts too."),
            Mistake(math.sqrt(5.0), "That is for weights 1/2 and 1/2; here they are 1/4 and 3/4."),
        ),
    ),
)
