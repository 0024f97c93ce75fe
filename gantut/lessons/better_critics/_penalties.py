"""How much depends on the weight of a gradient penalty, and on the number of critic steps?"""

import torch

from gantut import metrics
from gantut.data import ring
from gantut.device import at_scale, random_source
from gantut.lessons._records import rounded_fields
from gantut.lessons.toy_gans import coverage, train_toy_gan
from gantut.training import History

WEIGHTS = (0.1, 1.0, 10.0, 100.0)
EVALUATIONS = 50  # on the way, of which the last fifth counts as the end


def late_fluctuation(history: History, *, points: int = 250) -> dict[str, torch.Tensor]:
    """Measure how much a run still fluctuates over its last fifth.

    Parameters
    ----------
    history : History
        With at least ten evaluations.
    points : int
        How many samples, and how many of the data, the distance is between.

    Returns
    -------
    dict
        From a name to a tensor of shape (members,). Standard deviations over time: ``"estimate"``, of the critic's
        estimate, averaged between evaluations; ``"w1"``, of the exact distance to the ring. And ``"median w1"``, the
        median of that distance.
    """
    late = len(history.evaluated) // 5
    since = history.steps > history.evaluated[-late - 1]
    estimate = -history.losses["critic"][since].unflatten(0, (late, -1)).mean(1)  # (late, members)
    reference = ring().sample(points, generator=random_source(1))
    w1 = metrics.exact_w1(history.samples[-late:, :, :points].double(), reference)  # (late, members)
    return {"estimate": estimate.std(0), "w1": w1.std(0), "median w1": w1.median(0).values}


def penalty_weights(**sizes) -> dict:
    """WGAN-GP and WGAN-LP on the ring, with weak and strong penalties."""
    sizes, rows = dict(members=at_scale(fast=16, full=64)) | sizes, []
    for objective in ("wgan-gp", "wgan-lp"):
        for weight in WEIGHTS:
            constraint = {"name": "gradient-penalty", "weight": weight, "one_sided": objective == "wgan-lp"}
            history = train_toy_gan(objective, 5, evaluations=EVALUATIONS, constraint=constraint, **sizes)
            row = {"objective": objective, "weight": weight}
            row |= rounded_fields(late_fluctuation(history))
            rows.append(row | rounded_fields(coverage(history)))
    return {"games": rows}


def critic_steps_wgan_gp(**sizes) -> dict:
    """WGAN-GP on the ring with more and more critic steps per iteration."""
    rows = []
    for n_critic in (1, 2, 5, 10):
        found = coverage(train_toy_gan("wgan-gp", n_critic, **sizes))
        row = {"n_critic": n_critic}
        rows.append(row | rounded_fields(found))
    return {"games": rows}
