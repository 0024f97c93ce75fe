"""A generator that never settles: narrow modes on a ring, as in Metz et al. (2017)."""

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
    batch_size=128,
    n_critic=1,
)
NARROW_STD = 0.02  # standard deviation of the modes


class ModeTrack(NamedTuple):
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


def train_on_narrow_ring(objective: str, *, members: int, steps: int, evaluate_every: int = 25, **settings) -> History:
    """Train on a ring of eight narrow modes with the networks and the optimizer of Metz et al. (2017).

    Parameters
    ----------
    objective : str
    members, steps, evaluate_every : int
    **settings
        Others of `gantut.training.Config` than those of the paper.

    Returns
    -------
    History
        With 400 samples of each member at each evaluation.
    """
    config = Config(**METZ | dict(objective=objective, members=members, steps=steps) | settings)
    return train(config, ring(std=NARROW_STD), samples=400, evaluate_every=evaluate_every)


def track_modes(samples: torch.Tensor, distribution=None) -> ModeTrack:
    r"""Track the leading mode and the angle of the mean sample.

    .. math:: \text{turns}(t) = \frac1{2\pi} \sum_{s \le t} \big(\varphi_s - \varphi_{s-1}\big),
        \qquad \varphi_s = \arg \bar x_s, \quad \text{each difference in } [-\pi, \pi)

    Parameters
    ----------
    samples : tensor, shape (evaluations, members, n, 2)
        Evaluations must be so close that the mean turns by less than half a circle between them.
    distribution : GaussianMixture, optional
        By default the ring of eight narrow modes.

    Returns
    -------
    ModeTrack
    """
    found = metrics.mode_coverage(samples.double(), ring(std=NARROW_STD) if distribution is None else distribution)
    x, y = samples.double().mean(2).unbind(-1)
    angle = torch.atan2(y, x)  # (evaluations, members)
    moved = torch.remainder(angle.diff(dim=0) + math.pi, 2 * math.pi) - math.pi
    turns = torch.cat([torch.zeros_like(angle[:1]), moved.cumsum(0)]) / (2 * math.pi)
    return ModeTrack(found.leading, found.leading_share, turns)


def hops_between_modes(track: ModeTrack) -> torch.Tensor:
    """Return which members hop between modes: shape (members,), bool.

    They are those that have, over all evaluations given, a median leading share of at least 0.7, at least five
    different leading modes, and a mean sample that turns by two full circles or more.
    """
    return (track.share.median(0).values >= 0.7) & (count_leading_modes(track) >= 5) & (total_turns(track).abs() >= 2)


def count_leading_modes(track: ModeTrack) -> torch.Tensor:
    """Return how many different modes have been the leading one, shape (members,)."""
    return torch.tensor([len(set(own.tolist())) for own in track.leading.T])


def total_turns(track: ModeTrack) -> torch.Tensor:
    """Return by how many circles the mean sample has turned from the first evaluation to the last: (members,)."""
    return track.turns[-1] - track.turns[0]


def second_half(track: ModeTrack) -> ModeTrack:
    """Return the second half of the evaluations, when the first approach is over."""
    return ModeTrack(*(values[len(values) // 2 :] for values in track))


def hopping(**sizes) -> dict:
    """The two losses of the generator on the ring of narrow modes; sizes as :func:`train_on_narrow_ring`."""
    sizes = dict(members=at_scale(fast=16, full=20), steps=at_scale(fast=3000, full=25_000)) | sizes
    rows = []
    for objective in ("non-saturating", "minimax"):
        history = train_on_narrow_ring(objective, **sizes)
        rows.append({"objective": objective} | _summary(history))
    return {"steps": history.evaluated.tolist(), "games": rows}


def _summary(history):
    track = track_modes(history.samples)
    late = second_half(track)
    found = metrics.mode_coverage(history.samples[-1].double(), ring(std=NARROW_STD))
    typical = late.share.median(0).values.argsort()[history.config.members // 2]
    shown = torch.linspace(0, len(history.evaluated) - 1, 7).round().long()[1:]
    return {
        "share": rounded(late.share.median(0).values),
        "leaders": count_leading_modes(late).tolist(),
        "winding": rounded(total_turns(late)),
        "restless": hops_between_modes(late).tolist(),
        "occupied": (found.shares >= 0.01).sum(-1).tolist(),
        "quality": rounded(found.high_quality_fraction),
        "turns": rounded(track.turns.T, 3),
        "leading": track.leading.T.tolist(),
        "typical": typical.item(),
        "snapshots": {
            "steps": history.evaluated[shown].tolist(),
            "samples": rounded(history.samples[shown, typical, :200], 3),
        },
    }
