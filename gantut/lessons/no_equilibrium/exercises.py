"""The exercises of lesson 4, No equilibrium in sight."""

import math

import sympy

from gantut.lessons import Exercise, Mistake

_X, _Y, _ETA = sympy.symbols("x y eta", positive=True)

EXERCISES = (
    Exercise(
        id="gap-of-a-pair",
        answer=0.125,
        praise="The other player could gain 0.625; together that is |x| + |y|, as it must be.",
        mistakes=(
            Mistake(0.625, "That is what the other player could gain, |x| - xy."),
            Mistake(0.75, "That is the sum of both gaps; the question is about player one alone."),
            Mistake(-0.25, "That is the loss after the best move. The gain is how much lower it is than before."),
            Mistake(0.25, "That is the gain from a loss of 0, but the pair starts at xy = -0.125."),
        ),
    ),
    Exercise(
        id="smaller-steps",
        answer=1.0025**1000,
        praise="Smaller steps escape more slowly, the exponent being half the rate times the angle; but they escape.",
        mistakes=(
            Mistake(1.01**500, "That is the factor for the full rate: each of the smaller steps stretches by less."),
            Mistake(1.01**500 / 2, "The factor is a power, so it does not halve: it is (1 + η²) to the power t/2."),
            Mistake(1.0025**500, "That is the factor after a thousand iterations; there are two thousand now."),
            Mistake(1.0025**2000, "One iteration multiplies the radius by the square root of 1 + η²."),
        ),
    ),
    Exercise(
        id="y-moves-first",
        answer=_X**2 + _Y**2 + _ETA * _X * _Y,
        praise="It is the same orbit, seen half an iteration earlier or later: the ellipse leans to the other side.",
        mistakes=(
            Mistake(
                2 * (_X**2 + _Y**2 + _ETA * _X * _Y),
                "Conserved it is, but x² itself, not 2x², is to be one of its terms.",
            ),
            Mistake(_X**2 + _Y**2 - _ETA * _X * _Y, "That is conserved when x moves first. What does a swap do?"),
            Mistake(
                _X**2 + _Y**2, "That is conserved along the field, but steps have a length: try η = 1 from (1, 0)."
            ),
        ),
    ),
    Exercise(
        id="best-extragradient",
        answer=1 / math.sqrt(2),
        praise="The factor per iteration is then √3/2; at the rate 1 it would be back at 1.",
        mistakes=(
            Mistake(0.5, "That is η²: take the square root."),
            Mistake(1.0, "There the factor is 1 again, and nothing is gained. The best rate lies between 0 and 1."),
            Mistake(math.sqrt(3) / 2, "That is the best factor; the question asks for the rate."),
        ),
    ),
    Exercise(
        id="false-rest",
        answer=0.5,
        praise="|λ|² = 1 - η + 2η². That training comes to rest does not prove that an equilibrium was found.",
        mistakes=(
            Mistake(1.0, "|λ|² = 1 - η + 2η² is 2 there. Is your matrix that of the field, with g = -f for y?"),
            Mistake(0.25, "There |λ|² is smallest; it reaches 1 only at twice that rate."),
            Mistake(
                0.0, "The eigenvalues of the field are (1 ± i√7)/2, with a positive real part: small steps approach."
            ),
        ),
    ),
)
