"""A generator that never comes to rest: narrow modes on a ring, as in Metz et al. (2017)."""

import math
from typing import NamedTuple

import torch

from gantut import metrics
from gantut.data import ring
from gantut.device import at_scale
from gantut.lessons._records import rounded
from gantut.training import Architecture, Config, History, Optimizer, train

_ORTHOGONAL = dict(initialisation="orthogonal", gain=0.8)
METZ = dict(
    latent_dim=256,
    generator=Architecture((128, 128), **_ORTHOGONAL),
    critic=Architecture((128,), input_scale=0.25, **_ORTHOGONAL),
    optimizer=Optimizer("adam", 1e-4, betas=(0.5, 0.999)),
    batch=128,
    n_critic=1,
)
NARROW = 0.02  # standard deviation of the modes


class Wandering(NamedTuple):
    """Where the samples of a population are, at every evaluation.

    Attributes
    ----------
    leading : int tensor, shape (evaluations, members)
        The mode that has most of the samples.
    share : tensor, shape (evaluations, members)
        Its share.
    turns : tensor, shape (evaluations, members)
        How often the mean of the samples has gone round the origin so far, against the clock.
    """

    leading: torch.Tensor
    share: torch.Tensor
    turns: torch.Tensor


def hop(objective: str, *, members: int, steps: int, evaluate_every: int = 25, **settings) -> History:
    """Play on a ring of eight narrow modes with the networks and the optimizer of Metz et al. (2017).

    Parameters
    ----------
    objective : str
    members, steps, evaluate_every : int
    **settings
        Others of `gantut.training.Config` than those of the paper.

    Returns
    -------
    History
        With 400 samples a member at each evaluation.
    """
    config = Config(**METZ | dict(objective=objective, members=members, steps=steps) | settings)
    return train(config, ring(std=NARROW), samples=400, evaluate_every=evaluate_every)


def wandering(samples: torch.Tensor, distribution=None) -> Wandering:
    r"""Follow the leading mode and the angle of the mean sample.

    .. math:: \text{turns}(t) = \frac1{2\pi} \sum_{s \le t} \big(\varphi_s - \varphi_{s-1}\big),
        \qquad \varphi_s = \arg \bar x_s, \quad \text{each difference in } [-\pi, \pi)

    Parameters
    ----------
    samples : tensor, shape (evaluations, members, n, 2)
        Evaluations must be so near each other that the mean goes less than half way round between them.
    distribution : GaussianMixture, optional
        By default the ring of eight narrow modes.

    Returns
    -------
    Wandering
    """
    found = metrics.mode_coverage(samples.double(), ring(std=NARROW) if distribution is None else distribution)
    x, y = samples.double().mean(2).unbind(-1)
    angle = torch.atan2(y, x)  # (evaluations, members)
    moved = torch.remainder(angle.diff(dim=0) + math.pi, 2 * math.pi) - math.pi
    turns = torch.cat([torch.zeros_like(angle[:1]), moved.cumsum(0)]) / (2 * math.pi)
    return Wandering(found.leading, found.leading_share, turns)


def restless(path: Wandering) -> torch.Tensor:
    """Return which members hop: shape (members,), bool.

    They have, over all evaluations given, a median leading share of at least 0.7, at least five different leading
    modes, and a mean sample that goes round at least twice on balance.
    """
    return (path.share.median(0).values >= 0.7) & (leaders(path) >= 5) & (winding(path).abs() >= 2)


def leaders(path: Wandering) -> torch.Tensor:
    """Return how many different modes have led, shape (members,)."""
    return torch.tensor([len(set(own.tolist())) for own in path.leading.T])


def winding(path: Wandering) -> torch.Tensor:
    """Return how often the mean sample has gone round from the first evaluation to the last, shape (members,)."""
    return path.turns[-1] - path.turns[0]


def second_half(path: Wandering) -> Wandering:
    """Return the second half of the evaluations, when the first approach is over."""
    return Wandering(*(values[len(values) // 2 :] for values in path))


def hopping() -> dict:
    """The two losses of the generator on the ring of narrow modes, step by step."""
    rows = []
    members, steps = at_scale(fast=16, full=20), at_scale(fast=3000, full=25_000)
    for objective in ("non-saturating", "minimax"):
        history = hop(objective, members=members, steps=steps)
        rows.append({"objective": objective} | _summary(history))
    return {"steps": history.evaluated.tolist(), "games": rows}


def _summary(history):
    path = wandering(history.samples)
    late = second_half(path)
    found = metrics.mode_coverage(history.samples[-1].double(), ring(std=NARROW))
    typical = late.share.median(0).values.argsort()[history.config.members // 2]
    shown = torch.linspace(0, len(history.evaluated) - 1, 7).round().long()[1:]
    return {
        "share": rounded(late.share.median(0).values),
        "leaders": leaders(late).tolist(),
        "winding": rounded(winding(late)),
        "restless": restless(late).tolist(),
        "occupied": (found.shares >= 0.01).sum(-1).tolist(),
        "quality": rounded(found.high_quality_fraction),
        "turns": rounded(path.turns.T, 3),
        "leading": path.leading.T.tolist(),
        "typical": typical.item(),
        "snapshots": {
            "steps": history.evaluated[shown].tolist(),
            "samples": rounded(history.samples[shown, typical, :200], 3),
        },
    }
