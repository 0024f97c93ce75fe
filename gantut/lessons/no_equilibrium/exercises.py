"""The exercises of lesson 4, No equilibrium in sight."""

import sympy

from gantut.lessons import Exercise, Mistake

_X, _Y, _ETA = sympy.symbols("x y eta", positive=True)
_A, _B, _C, _D = sympy.symbols("a b c d", real=True)

EXERCISES = (
    Exercise(
        id="mix-two-rows",
        answer=(_D - _C) / (_A - _B - _C + _D),
        praise="It makes the opponent indifferent: your own losses say how to keep the other player from choosing.",
        mistakes=(
            Mistake((_A - _B) / (_A - _B - _C + _D), "That is the probability of the second row."),
            Mistake(
                (_D - _B) / (_A - _B - _C + _D),
                "That is player two's probability of the first column. Player one's makes the *columns* equal.",
            ),
            Mistake((_C - _D) / (_A - _B - _C + _D), "The sign is wrong: for matching pennies it would be −1/2."),
            Mistake(
                sympy.Rational(1, 2), "That is right for matching pennies, and only for games as even as that one."
            ),
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
        id="false-rest",
        answer=0.5,
        praise="|λ|² = 1 − η + 2η². That training comes to rest does not prove that an equilibrium was found.",
        mistakes=(
            Mistake(1.0, "|λ|² = 1 − η + 2η² is 2 there. Is your matrix that of the field, with g = −f for y?"),
            Mistake(0.25, "There |λ|² is smallest; it reaches 1 only at twice that rate."),
            Mistake(
                0.0, "The eigenvalues of the field are (1 ± i√7)/2, with a positive real part: small steps approach."
            ),
        ),
    ),
)
