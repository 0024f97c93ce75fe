"""Two Gaussians on a line, their optimal discriminator and their optimal critic."""

import math
from pathlib import Path

from gantut.lessons.labs import Lab, Still, sampled


def optimal_critic() -> Lab:
    r"""Move two Gaussians on a line, and see what :math:`D^*` and the best critic tell a generated sample.

    The best critic is the Kantorovich potential: its slope is the sign of :math:`F_g - F_r`, the difference of the two
    distribution functions. Under the minimax loss a sample is moved by :math:`D^* a'`, under the non-saturating one by
    :math:`(1 - D^*) a'`, with the logit :math:`a = \log p_r - \log p_g`; under the critic by its slope.

    Returns
    -------
    Lab

    References
    ----------
    Arjovsky et al. (2017), figure 2; lesson 11.
    """
    still = Still("Two Gaussian bumps that hardly overlap; D* falls from 1 to 0 between them.", (-4, 4), (0, 1.1))
    for mean, colour, dash in ((-1.5, "real", ""), (1.5, "generated", "7 3")):
        bump = sampled(
            lambda x, mean=mean: math.exp(-(((x - mean) / 0.6) ** 2) / 2) / (0.6 * math.sqrt(2 * math.pi)), -4, 4
        )
        still.line(bump, colour, dash=dash)
    still.line(sampled(lambda x: 1 / (1 + math.exp(3 * x / 0.36)), -4, 4), "ink")
    return Lab(
        Path(__file__).with_name("optimal_critic.js"),
        "D* and the critic",
        "Move the real and the generated distribution, and a generated sample. See what the best discriminator and "
        "the best "
        "critic say about each point, and how each of them pushes the sample.",
        still.svg(),
    )
