"""The exercises of lesson 16, Which games converge?"""

import sympy

from gantut.lessons import Exercise, Mistake

_N, _ETA, _GAMMA = sympy.symbols("n eta gamma", positive=True)

EXERCISES = (
    Exercise(
        id="turns-with-many-steps",
        answer=2 / sympy.sqrt(_N),
        praise="More critic steps do not bring the path inwards; they only leave fewer rates at which it stays.",
        mistakes=(
            Mistake(4 / _N, "That is the square of the rate: nη² = 4."),
            Mistake(2 / _N, "The trace is 2 − nη²: the number of steps enters once, the rate twice."),
            Mistake(sympy.Integer(2), "That is the border for one critic step."),
            Mistake(sympy.sqrt(2 / _N), "There the trace is 0. The eigenvalues remain conjugate until it is −2."),
        ),
    ),
    Exercise(
        id="circle-with-little-friction",
        answer=2 * _ETA - 8 * _GAMMA,
        praise="The circle shrinks to nothing at γ = η/4, just where the eigenvalues enter the unit circle.",
        mistakes=(
            Mistake(2 * _ETA - 16 * _GAMMA, "Over a turn ψ² is half of r², not all of it."),
            Mistake(2 * _ETA - 4 * _GAMMA, "(1 − ηγ)² changes ψ² by 2ηγψ², not by ηγψ²."),
            Mistake(2 * _ETA, "That is the circle without a penalty."),
            Mistake(sympy.sqrt(2 * _ETA - 8 * _GAMMA), "That is the radius; its square was asked for."),
        ),
    ),
    Exercise(
        id="penalty-too-long",
        answer=9.9,
        praise="A penalty is a loss like others: steps too long for its curvature jump over its minimum.",
        mistakes=(
            Mistake(10.0, "Nearly: the game itself takes a little of the room, αβa²."),
            Mistake(10.1, "That is the border for simultaneous steps. The players take turns."),
            Mistake(9.975, "That is for a = 1/2, a logarithmic loss; in the Wasserstein game a = 1."),
            Mistake(0.2, "That is where simultaneous steps *begin* to converge."),
        ),
    ),
    Exercise(
        id="collapse-of-many",
        answer=(1 - 1 / _N) * sympy.log(2),
        praise="Each point that is newly covered lowers the cost by little: the more points there are, the less.",
        mistakes=(
            Mistake(sympy.log(2) / _N, "That is the critic's loss. The cost is log 2 less that."),
            Mistake(sympy.log(2), "That is the cost of samples that match no point; here one pair in n is a tie."),
            Mistake((1 - 1 / _N**2) * sympy.log(2), "All samples lie at the first point: one of n pairs is a tie."),
        ),
    ),
)
