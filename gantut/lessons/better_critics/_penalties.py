"""How much depends on the weight of a gradient penalty, and on the number of critic steps?"""

import torch

from gantut import metrics
from gantut.data import ring
from gantut.device import at_scale, random_source
from gantut.lessons._records import rounded_fields
from gantut.lessons.toy_gans import coverage, play
from gantut.training import History

WEIGHTS = (0.1, 1.0, 10.0, 100.0)
LOOKS = 50  # at samples on the way, of which the last fifth counts as the end


def late_spread(history: History, *, points: int = 250) -> dict[str, torch.Tensor]:
    """How much a run still varies over its last fifth: standard deviations in time, each of shape (members,).

    Parameters
    ----------
    history : History
        With at least ten evaluations.
    points : int
        How many samples, and how many of the data, the distance is between.

    Returns
    -------
    dict
        ``"estimate"``, of the critic's estimate, the mean over ten stretches of time; ``"w1"``, of the exact distance
        to the ring, at as many times.
    """
    late = len(history.evaluated) // 5
    since = history.steps > history.evaluated[-late - 1]
    estimate = -history.losses["critic"][since].unflatten(0, (late, -1)).mean(1)  # (late, members)
    reference = ring().sample(points, generator=random_source(1))
    w1 = metrics.exact_w1(history.samples[-late:, :, :points].double(), reference)  # (late, members)
    return {"estimate": estimate.std(0), "w1": w1.std(0), "median w1": w1.median(0).values}


def penalty_weights() -> dict:
    """WGAN-GP and WGAN-LP on the ring, with weak and strong penalties."""
    rows = []
    for objective in ("wgan-gp", "wgan-lp"):
        for weight in WEIGHTS:
            constraint = {"name": "gradient-penalty", "weight": weight, "one_sided": objective == "wgan-lp"}
            members = at_scale(fast=16, full=64)
            history = play(objective, 5, members=members, looks=LOOKS, constraint=constraint)
            row = {"objective": objective, "weight": weight}
            row |= rounded_fields(late_spread(history))
            rows.append(row | rounded_fields(coverage(history)))
    return {"games": rows}


def critic_steps_wgan_gp() -> dict:
    """WGAN-GP on the ring with more and more critic steps a round, as `critic_steps` for the non-saturating game."""
    rows = []
    for n_critic in (1, 2, 5, 10):
        found = coverage(play("wgan-gp", n_critic, members=at_scale(fast=32, full=64)))
        row = {"n_critic": n_critic}
        rows.append(row | rounded_fields(found))
    return {"games": rows}
