"""The exercises of lesson 8, Seven tricks."""

import math

import sympy
import torch

from gantut.lessons import Exercise, Mistake

_ALPHA = sympy.Symbol("alpha", positive=True)
_RIGHT_LOSS = -_ALPHA * sympy.log(_ALPHA / 2) - (2 - _ALPHA) * sympy.log(1 - _ALPHA / 2)
_BATCHES = tuple(torch.tensor(batch, dtype=torch.float64) for batch in ([0.0, 1.0, 2.0, 5.0], [-1.0, 1.0]))


def _with(reference, x):
    return torch.cat([reference, reference.new_tensor([float(x)])])


def _scaled(x, batch, correction=0):
    return ((x - batch.mean()) / batch.std(correction=correction)).item()


EXERCISES = (
    Exercise(
        id="slow-inwards",
        answer=100 ** (-0.5),
        praise="A hundred times the iterations for a tenth of the distance; with weight 0.1, for nearly a hundredth.",
        mistakes=(
            Mistake(0.01, "That is the power -1. With weight 1/2 the power is -1/(1 + 4 · 1/4)."),
            Mistake(100 ** (-0.2), "That is the power for weight 1: -1/(1 + 4)."),
            Mistake(100 ** (-0.8), "Is it 4 λ², or λ²? The gradient of λ|w - mean|² is 2 λ (w - mean)."),
            Mistake(10.0, "That is how many times closer it gets: the question asks for the ratio of late to early."),
        ),
    ),
    Exercise(
        id="smoothed-loss",
        answer=_RIGHT_LOSS,
        praise="For α = 1 it is the 2 log 2 of lesson 3. Smoothed losses cannot be compared with that number.",
        mistakes=(
            Mistake(2 * sympy.log(2), "That is for D = 1/2. With labels α and 0 the optimum at p_g = p_r is α/2."),
            Mistake(
                -_ALPHA * sympy.log(_ALPHA / 2) - sympy.log(1 - _ALPHA / 2),
                "A real sample also costs (1 - α) times -log(1 - D).",
            ),
            Mistake(-_RIGHT_LOSS, "That is minus the loss: logarithms of probabilities are negative."),
        ),
    ),
    Exercise(
        id="noise-for-three",
        answer=1.221,
        praise="JS knows only θ/σ, so all lengths grow together. Only the data can say how much noise is right.",
        mistakes=(
            Mistake(0.407, "That is the best noise for θ = 1: the data are now three times as far apart."),
            Mistake(0.407 / 3, "JS depends on θ/σ: what must σ be for the same ratio?"),
            Mistake(0.407 * math.sqrt(3), "Lengths scale with θ, not with its square root; σ² is 9 times as large."),
        ),
        tolerance=2e-2,
    ),
    Exercise(
        id="by-reference",
        answer=lambda reference, x: _scaled(x, _with(reference, x)),
        praise="No other sample of the batch is involved, so each comes out as it would alone.",
        mistakes=(
            Mistake(
                lambda reference, x: _scaled(x, reference),
                "Those are the statistics of the reference alone, and an outlier would pass unbounded. Add the sample.",
            ),
            Mistake(
                lambda reference, x: _scaled(x, _with(reference, x), correction=1),
                "Normalisation divides by n, not by n - 1: std(correction=0).",
            ),
            Mistake(
                lambda reference, x: _scaled(x, _with(reference, x)) / _with(reference, x).std(correction=0).item(),
                "That divides by the variance; divide by its square root.",
            ),
        ),
        arguments=tuple((reference, x) for reference in _BATCHES for x in (0.5, -2.0, 30.0)),
        tolerance=1e-4,  # the lesson's own code has a small number under the root
    ),
)
