"""Particles that flow from noise to a drawing, for two ways to pair noise and data."""

import math
from pathlib import Path

import torch

from gantut.device import random_source
from gantut.lessons.labs import ASSIGNMENT, Lab, Still

POINTS = 64  # at most, of a drawing
SIGMA = 0.1  # the width by which each pair's line is blurred


def particle_flow() -> Lab:
    r"""Let particles flow from noise to a target along the exact velocity field of flow matching, in two couplings.

    Noise and target are n points each, z and x. Pair k moves along :math:`c_k(t) = (1-t)z_k + tx_k`, blurred by a
    Gaussian of the width :math:`\sigma = 0.1`, and the field of all pairs is

    .. math:: v(y, t) = \frac{\sum_k w_k\,(x_k - z_k)}{\sum_k w_k}, \qquad w_k = e^{-\|y - c_k(t)\|^2 / 2\sigma^2}.

    Independent: every z with every x, n² pairs. Paired: the n pairs with the least sum of squared distances.

    Returns
    -------
    Lab

    References
    ----------
    Lipman et al. (2023), *Flow matching for generative modeling*; Tong et al. (2024), *Improving and generalizing
    flow-based generative models with minibatch optimal transport*; lesson 17.
    """
    noise, blur = torch.randn(2, POINTS, 2, generator=random_source(17)).tolist()
    targets = drawings()
    still = Still(
        "Points of noise, points of a spiral, and straight lines that pair them.", (-6, 6), (-2.6, 2.6), square=True
    )
    for start, end in zip(noise, targets["a spiral"], strict=False):
        still.line([start, end], "faint")
    still.dots(noise[: len(targets["a spiral"])], "generated").dots(targets["a spiral"], "real")
    return Lab(
        Path(__file__).with_name("particle_flow.js"),
        "Particles that flow to your drawing",
        "Noise points and target points are joined in pairs, at random or at the least total squared distance, each by "
        "a straight line. Particles follow the mean way of the pairs near them: the exact velocity field of flow "
        f"matching for these finitely many pairs, each blurred by {SIGMA:g}. Nothing is trained. At random means all "
        "pairs there are, of which one for each point is shown. Draw a target of your own, and see how many Euler "
        "steps each coupling needs.",
        still.svg(),
        {"noise": _short(noise), "blur": _short(blur), "sigma": SIGMA, "drawings": targets},
        (ASSIGNMENT,),
    )


def drawings() -> dict[str, list[list[float]]]:
    """Return the targets that are there from the start, each a list of 48 points."""
    turns = [i / 47 for i in range(48)]
    return {
        "eight clouds": _short(
            [
                [radius * math.cos(angle), radius * math.sin(angle)]
                for radius, angle in ((2 + 0.06 * (i // 8 - 2.5), math.pi * (i % 8) / 4) for i in range(48))
            ]
        ),
        "a spiral": _short(
            [[(0.4 + 2 * t) * math.cos(4 * math.pi * t), (0.4 + 2 * t) * math.sin(4 * math.pi * t)] for t in turns]
        ),
        "two lines": _short([[2 * t - 1, 2.2 if i % 2 else -2.2] for i, t in enumerate(turns)]),
    }


def _short(points):
    return [[round(value, 3) for value in point] for point in points]
