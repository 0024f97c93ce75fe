"""The exercises of lesson 9, Moving dirt."""

import sympy
import torch

from gantut.lessons import Exercise, Mistake


def _distributions(*rows):
    return tuple(torch.tensor(row, dtype=torch.float64) for row in rows)


m = sympy.Symbol("m", real=True)
s = sympy.Symbol("s", positive=True)

EXERCISES = (
    Exercise(
        id="shift-the-piles",
        answer=10,
        praise="Every flow is negative: all the dirt goes left.",
        mistakes=(
            Mistake(-10, "A cost is not negative: add up the absolute values of the flows."),
            Mistake(8, "That is the sum of |P - Q|, as if every pile were one step from where its dirt goes."),
            Mistake(4, "That is how much dirt is moved; how far matters too."),
        ),
    ),
    Exercise(
        id="w2-of-gaussians",
        answer=m**2 + (s - 1) ** 2,
        praise="Means and standard deviations add up like the coordinates of a point. A shift costs its own length.",
        mistakes=(
            Mistake(
                m**2 + s**2 + 1, "That is what it costs to pair x and y independently; quantiles pair equal ranks."
            ),
            Mistake(sympy.sqrt(m**2 + (s - 1) ** 2), "That is the distance; the question asks for its square."),
            Mistake(m**2, "Only the means differ in this formula. The factor s stretches the quantile function."),
            Mistake(m**2 + (s**2 - 1) ** 2, "N(m, s) has the standard deviation s: a sample is m + s z."),
            Mistake((m**2 + s**2 - 1) / 2 - sympy.log(s), "That is KL(q ‖ p). What does it cost to move the mass?"),
        ),
    ),
    Exercise(
        id="area-function",
        answer=lambda p, q: (p - q).cumsum(0).abs().sum().item(),
        praise="A running sum instead of a linear program: that is what one dimension buys.",
        mistakes=(
            Mistake(lambda p, q: (p - q).abs().sum().item(), "That is twice the total variation: no distances in it."),
            Mistake(
                lambda p, q: (p - q).cumsum(0).sum().abs().item(),
                "Take the absolute value of each flow before adding them up.",
            ),
        ),
        arguments=(
            _distributions([1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]),
            _distributions([0.3, 0.2, 0.1, 0.4], [0.1, 0.2, 0.4, 0.3]),
            _distributions([0.25, 0.75], [0.25, 0.75]),
        ),
        tolerance=1e-6,
    ),
    Exercise(
        id="dirt-in-eight-dimensions",
        answer=1000 * 4**8,
        praise="65 million points to come four times as near: the curse of dimensionality, in numbers.",
        mistakes=(
            Mistake(16_000, "That is the rate of averages, one over the root of n. Here the exponent is 1/8."),
            Mistake(32_000, "4 times 8 is not 4 to the power 8: the error falls by 4 when n grows by 4 to the 8."),
        ),
        tolerance=0.1,  # "about": 65 million, or 7e7
    ),
)
