"""The smallest GAN, to be steered: its loss, its penalty, its rates, and who moves when."""

from pathlib import Path

import torch

from gantut.games import Game, play
from gantut.lessons.labs import TWO_PLAYERS, Lab, Still


def steer_dirac_gan() -> Lab:
    r"""Steer the Dirac-GAN: data at 0, samples at :math:`\theta`, scores :math:`\psi x`.

    The lab shows the path of :math:`(\theta, \psi)`, its distance from the equilibrium, and the eigenvalues of an
    iteration near it, for three losses and all penalties of the lesson.

    Returns
    -------
    Lab

    References
    ----------
    Mescheder, Geiger and Nowozin (2018), "Which training methods for GANs do actually converge?"; lesson 16.
    """
    still = Still(
        "Two paths in the plane of theta and psi: the Wasserstein game goes round, and with R1 it comes to rest.",
        (-2.6, 2.6), (-1.2, 1.2), square=True,
    )  # fmt: skip
    for friction, colour in ((0.0, "generated"), (0.3, "real")):
        path = play(_wasserstein(friction), (1.0, 0.0), method="alternating", lr=0.2, steps=90)
        still.line(list(zip(path.x.squeeze(-1).tolist(), path.y.squeeze(-1).tolist(), strict=True)), colour)
    still.dots([(0, 0), (1, 0)], "ink")
    return Lab(
        Path(__file__).with_name("steer_dirac_gan.js"),
        "The smallest GAN, steered",
        "All data lie at 0, the generator's samples at θ, and the critic scores ψx. Choose the loss, what holds the "
        "critic back, and the rates: do the two come to rest at 0, and do the eigenvalues say so beforehand?",
        still.svg(),
        parts=(TWO_PLAYERS,),
    )


def _wasserstein(friction):
    def loss_of_critic(theta: torch.Tensor, psi: torch.Tensor) -> torch.Tensor:
        return (psi * theta + friction / 2 * psi.square()).sum(-1)

    return Game(lambda theta, psi: -(psi * theta).sum(-1), loss_of_critic)
