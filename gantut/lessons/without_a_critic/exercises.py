"""The exercises of lesson 17, Do we need a critic?"""

import sympy

from gantut.lessons import Exercise, Mistake

_M, _X, _T, _B, _S = sympy.symbols("m x t b s", positive=True)
_WIDTH = (1 - _T) ** 2 + _T**2 * _S**2

EXERCISES = (
    Exercise(
        id="energy-bias",
        answer=1 / (_M * sympy.sqrt(sympy.pi)),
        praise="The bias falls like 1/m, and in any dimension: it comes from the m distances of points to themselves.",
        mistakes=(
            Mistake(sympy.Integer(0), "That is the slope without the terms i = j, which are 0 and divide by m² too."),
            Mistake(2 / (_M * sympy.sqrt(sympy.pi)), "The sum over the generator's own pairs has the factor 1/2."),
            Mistake(1 / sympy.sqrt(sympy.pi), "That is the slope of the cross term alone."),
            Mistake(-1 / (_M * sympy.sqrt(sympy.pi)), "The cross term pulls inwards more than the other pushes out."),
        ),
    ),
    Exercise(
        id="spread-of-pairs",
        answer=0.25,
        praise="Batches of two leave a quarter of the spread in the plane, and still less in more dimensions.",
        mistakes=(
            Mistake(0.318, "That is 1/π, for the line. In the plane it is less."),
            Mistake(0.5, "max(a, b) is half the sum plus half the difference: one factor 1/2 is missing."),
            Mistake(0.75, "That is by how much the spread shrinks, not what is left."),
        ),
    ),
    Exercise(
        id="mean-velocity",
        answer=_B + (_T * _S**2 - (1 - _T)) / _WIDTH * (_X - _T * _B),
        praise="At t = 0 it points from x to the mean of the data, and at t = 1 from the mean of the noise to x.",
        mistakes=(
            Mistake((_T * _S**2 - (1 - _T)) / _WIDTH * _X, "That is for b = 0: the line passes through both means."),
            Mistake(_B + (_T * _S**2 + (1 - _T)) / _WIDTH * (_X - _T * _B), "In x₁ − x₀ the noise has the sign minus."),
            Mistake(
                _B + (_S - 1) / (1 - _T + _T * _S) * (_X - _T * _B),
                "That is the field of coupled pairs, b + s x₀.",
            ),
            Mistake(_B, "That is the mean over all pairs, not over those that are at x."),
        ),
    ),
    Exercise(
        id="one-euler-step",
        answer=_S,
        praise="One step is enough where paths are straight; after independent pairs it ends at the mean.",
        mistakes=(
            Mistake(sympy.Integer(0), "That is for independent pairs, which all step to the mean."),
            Mistake(_S - 1, "That is the slope of the velocity; the step adds it to x₀."),
            Mistake(_S + 1, "The velocity is x₁ − x₀, with a minus."),
        ),
    ),
)
