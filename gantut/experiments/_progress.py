"""Does the loss say how far training has come? Losses beside the exact distance to the data."""

from typing import NamedTuple

import torch

from gantut import metrics, objectives
from gantut.data import ring
from gantut.device import at_scale, random_source
from gantut.experiments._collapse import play
from gantut.experiments._records import rounded
from gantut.training import History


class Progress(NamedTuple):
    """Losses and distance at every look, each of shape (looks, members).

    Attributes
    ----------
    generator_loss : tensor
        The mean since the look before.
    estimate : tensor
        What the critic's loss says of the distance: an estimate of JS from below in the classical games, of a multiple
        of W1 in the Wasserstein game; the mean since the look before.
    w1 : tensor
        The exact W1 of samples to as many of the data.
    """

    generator_loss: torch.Tensor
    estimate: torch.Tensor
    w1: torch.Tensor


def progress(history: History, *, points: int = 250) -> Progress:
    r"""Set losses beside the exact distance to the ring.

    .. math:: \operatorname{JS} \ge \log 2 - \tfrac12 L_D

    Parameters
    ----------
    history : History
        From :func:`play` on the ring; records must fill the time between two looks.
    points : int
        How many samples, and how many of the data, the distance is between.

    Returns
    -------
    Progress
    """
    looks = len(history.evaluated) - 1
    losses = {name: values.unflatten(0, (looks, -1)).mean(1) for name, values in history.losses.items()}
    estimate = objectives.objective(history.config.objective).estimate(losses["critic"])
    reference = ring().sample(points, generator=random_source(1))
    w1 = metrics.exact_w1(history.samples[1:, :, :points].double(), reference)
    return Progress(losses["generator"].double(), estimate.double(), w1)


def loss_and_distance() -> dict:
    """How the losses of four games go together with the distance to the data, member by member."""
    rows = []
    for objective, n_critic in (("non-saturating", 1), ("non-saturating", 5), ("minimax", 5), ("wgan-gp", 5)):
        history = play(objective, n_critic, members=at_scale(fast=32, full=64), looks=40)
        found = progress(history)
        row = {"objective": objective, "n_critic": n_critic}
        for name in ("generator_loss", "estimate"):
            row[name] = rounded(metrics.rank_correlation(getattr(found, name), found.w1, dim=0))
        row["curves"] = {name: rounded(values[:, :3].T) for name, values in found._asdict().items()}
        rows.append(row)
    return {"steps": history.evaluated[1:].tolist(), "games": rows}
