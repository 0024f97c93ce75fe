"""A small GAN that trains in the page."""

from pathlib import Path

from gantut import _inputs
from gantut.data import ring
from gantut.device import random_source
from gantut.lessons.labs import ASSIGNMENT, BESIDE, GAN, Lab, Still

OBJECTIVES = ("minimax", "non-saturating", "wgan", "wgan-gp")


def live_gan(objective: str = "non-saturating") -> Lab:
    r"""Train a small GAN in the page, on a ring or on points that a reader draws.

    Generator and critic are perceptrons 2-32-32-2 and 2-32-32-1 with leaky ReLU, trained by Adam. Each iteration takes
    the critic's steps on fresh batches and then one of the generator, as in Algorithm 1; the objectives are those of
    :data:`gantut.objectives.OBJECTIVES`, with clipping at 0.1, or a gradient penalty of weight 1. The distance shown is
    the exact W1 between 64 generated points and 64 of the data, beside the band in which 95 of 100 pairs of batches of
    the data lie. Objective, data, critic steps and learning rates may be changed while the game goes on. While it does,
    it is played in a worker and the page only draws; where a page may not have workers, it plays the same game itself.

    Parameters
    ----------
    objective : {"minimax", "non-saturating", "wgan", "wgan-gp"}
        What is chosen at the start.

    Returns
    -------
    Lab

    Raises
    ------
    ValueError
        If there is no such objective.

    References
    ----------
    Goodfellow et al. (2014), Algorithm 1; lesson 2.
    """
    _inputs.one_of("objective", objective, OBJECTIVES)
    still = Still("Points on a ring of eight clouds, which a generator is to learn.", (-6, 6), (-2.5, 2.5), square=True)
    still.dots(ring().sample(160, generator=random_source(1)).tolist(), "real", radius=2)
    return Lab(
        Path(__file__).with_name("live_gan.js"),
        "A GAN that trains before your eyes",
        "Two small networks play in this page, in plain JavaScript. Let them play, and change the rules while they do: "
        "what they want, the data (which you may also draw), how fast each learns.",
        still.svg(),
        {"objective": objective},
        (ASSIGNMENT, GAN, BESIDE),
    )
