"""The exercises of lesson 7, Seeing collapse."""

import math

import sympy

from gantut.lessons import Exercise, Mistake

_S, _N = sympy.symbols("s n", positive=True)

EXERCISES = (
    Exercise(
        id="quality-of-noise",
        answer=8 * math.pi * 0.3**2 / 36,
        praise="Six per cent, without having learnt anything: compare any share of high quality with that first.",
        mistakes=(
            Mistake(
                8 * math.pi * 0.1**2 / 36, "The discs of high quality reach out to three standard deviations, 0.3."
            ),
            Mistake(math.pi * 0.3**2 / 36, "That is the share of one disc; there are eight modes."),
            Mistake(1 - math.exp(-4.5), "That is the share of the data. Here the samples are uniform: compare areas."),
            Mistake(8 * math.pi * 0.3**2, "That is the area of the discs; divide by that of the square."),
        ),
    ),
    Exercise(
        id="inception-of-four",
        answer=4.0,
        praise="The score is the number of classes if verdicts are certain and balanced, however poor each class is.",
        mistakes=(
            Mistake(10.0, "All ten classes would be needed for that: the mean verdict has only four."),
            Mistake(math.log(4), "That is the mean KL; the score is its exponential."),
            Mistake(1.0, "Each verdict is certain, but they differ: the KL from the mean verdict is log 4, not 0."),
            Mistake(2.5, "That is 10/4. Compute the KL of a certain verdict from (1/4, 1/4, 1/4, 1/4, 0, ...)."),
        ),
    ),
    Exercise(
        id="w1-of-one-mode",
        answer=0.5 / math.tan(math.pi / 16),
        praise="So a W₁ near 2.5 on the ring means one mode, whatever the samples there look like.",
        mistakes=(
            Mistake(2.0, "That is the distance to the centre of the ring. The mass must go to the eight modes."),
            Mistake(4 / 7 / math.tan(math.pi / 16), "One eighth of the mass may stay: take the mean over all eight."),
            Mistake(4.0, "Only one eighth of the mass has to go to the opposite side."),
        ),
        tolerance=2e-3,  # the lesson's own 2.51 is right
    ),
    Exercise(
        id="floor-of-means",
        answer=_S / _N + _S / (4 * _N),
        praise="Many data do not make up for few samples: the floor is still above s/n.",
        mistakes=(
            Mistake(2 * _S / _N, "That is for n draws on both sides; here there are 4n data."),
            Mistake(_S / _N, "That would be for infinitely many data, whose mean is the true one."),
            Mistake(_S / _N - _S / (4 * _N), "Variances of independent means add up, also for their difference."),
            Mistake(_S / (5 * _N), "That is the variance of one mean of all 5n draws, not of a difference of two."),
            Mistake(sympy.Integer(0), "The means are equal in expectation, but the two averages are not."),
        ),
    ),
)
