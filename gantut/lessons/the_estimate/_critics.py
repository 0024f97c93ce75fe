"""What critics report beside the exact W1, and what clipping of every size does to it."""

import copy
import math
from typing import NamedTuple

import torch
from torch import nn

from gantut import metrics, objectives
from gantut.data import ring
from gantut.device import at_scale, random_source
from gantut.lessons._records import rounded
from gantut.lessons.fixed_distributions import gaussian_generator, saturated_share
from gantut.lessons.toy_gans import game_config
from gantut.networks import MLP
from gantut.training import Architecture, Config, History, Optimizer, train

DEEP = Architecture((64,) * 8)
PENALTY = {"name": "gradient-penalty", "weight": 10.0}


class CriticTrack(NamedTuple):
    """What critics reported and what was true, at every evaluation, each of shape (evaluations, members).

    Attributes
    ----------
    estimate : tensor
        Of a Wasserstein critic :math:`\\hat{\\mathbb E}_{p_r}f - \\hat{\\mathbb E}_{p_g}f`; of a discriminator the
        estimate of JS that its loss gives.
    slope : tensor
        The largest slope of the critic between a real and a generated sample.
    w1 : tensor
        The exact W1 of the same samples.
    """

    estimate: torch.Tensor
    slope: torch.Tensor
    w1: torch.Tensor


def track_critic(
    objective: str,
    n_critic: int = 5,
    *,
    members: int | None = None,
    steps: int = 1000,
    evaluations: int = 20,
    points: int = 250,
    **settings,
) -> tuple[History, CriticTrack]:
    r"""Train on the ring of eight Gaussians, and compare each critic with the exact W1 while it learns.

    .. math:: \hat{\mathbb E}_{p_r}f - \hat{\mathbb E}_{p_g}f \le K\,W_1, \qquad
        K = \max_{i,j} \frac{|f(x_i) - f(y_j)|}{\|x_i - y_j\|}

    holds for any function f and any samples x_i, y_j, if W1 is that of the samples.

    Parameters
    ----------
    objective : str
        One of :data:`GAMES`.
    n_critic : int
        Critic steps per iteration.
    members : int, optional
        By default 32, and 64 at full scale.
    steps, evaluations : int
    points : int
        How many real and how many generated samples each evaluation takes.
    **settings
        Others of `gantut.training.Config` than those shared by all games.

    Returns
    -------
    History, CriticTrack
        Evaluations are at equal distances; the first is before any step.
    """
    members = at_scale(fast=32, full=64) if members is None else members
    config = game_config(objective, n_critic, members=members, steps=steps, **settings)
    reference = ring().sample(points, generator=random_source(1))
    critic, seen = config.build("critic", 2, 1, "cpu"), []  # made here, so as to look at it on the way

    def look(samples):
        estimate, slope = estimate_and_slope(critic, reference, samples[:, :points], objective=objective)
        w1 = metrics.exact_w1(samples[:, :points].double(), reference.to(samples.device))
        seen.append((estimate.cpu(), slope.cpu(), w1.cpu()))
        return w1

    every = max(steps // evaluations, 1)
    history = train(config, ring(), critic=critic, metrics={"w1": look}, samples=points, evaluate_every=every)
    return history, CriticTrack(*map(torch.stack, zip(*seen, strict=True)))


@torch.no_grad()
def estimate_and_slope(critic: nn.Module, real: torch.Tensor, fake: torch.Tensor, *, objective: str = "wgan"):
    """Return what critics estimate from samples, and their largest slope between real and generated ones.

    Parameters
    ----------
    critic : Module
        From (members, n, d) to (members, n, 1).
    real : tensor, shape (n, d)
    fake : tensor, shape (members, n, d)
    objective : str

    Returns
    -------
    estimate : tensor, shape (members,)
        As in :class:`CriticTrack`.
    slope : tensor, shape (members,)
    """
    critic, fake = copy.deepcopy(critic).double(), fake.double()  # small c: what single precision would round away
    real = real.to(fake).expand(len(fake), -1, -1)
    on_real, on_fake = critic(real).squeeze(-1), critic(fake).squeeze(-1)  # (members, n)
    rise = (on_real[:, :, None] - on_fake[:, None, :]).abs()  # (members, n, n)
    slope = (rise / torch.cdist(real, fake, compute_mode="donot_use_mm_for_euclid_dist")).amax((1, 2))
    rules = objectives.objective(objective)
    loss = rules.critic_loss(on_real, on_fake)
    return rules.estimate(loss), slope


def layer_gradient_norms(critic: MLP, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    r"""Return the norm of the gradient of the critic's loss at each hidden layer.

    .. math:: \big\|\partial L / \partial h_l\big\|, \qquad l = 1, \dots, \text{layers}

    Parameters
    ----------
    critic : MLP
    real, fake : tensors, shape (n, d)

    Returns
    -------
    tensor, shape (members, layers)
    """
    h = torch.cat([real, fake]).expand(critic.members, -1, -1)
    share = torch.cat([torch.full((len(real),), -1 / len(real)), torch.full((len(fake),), 1 / len(fake))]).to(h)
    hidden = []
    for weight, bias in zip(list(critic.weights)[:-1], list(critic.biases)[:-1], strict=True):
        h = critic.activation.function(torch.baddbmm(bias, h, weight))
        hidden.append(h)
    scores = (h @ critic.weights[-1]).squeeze(-1)  # (members, 2 n)
    slopes = torch.autograd.grad((scores * share).sum(), hidden)
    return torch.stack([torch.linalg.vector_norm(slope.double(), dim=(1, 2)) for slope in slopes], 1)


def log_gradient_gain(norms: torch.Tensor) -> torch.Tensor:
    """Return the powers of ten that a gradient gains per layer on its way to the input, by least squares.

    Parameters
    ----------
    norms : tensor, shape (members, layers)
        As :func:`layer_gradient_norms` returns them.

    Returns
    -------
    tensor, shape (members,)

    Examples
    --------
    >>> round(log_gradient_gain(torch.tensor([[0.01, 0.1, 1.0]])).item(), 6)  # from the first layer to the last
    -1.0
    """
    logs = norms.clamp_min(1e-45).log10()
    layers = logs.shape[1]
    way = torch.arange(layers - 1, -1, -1, dtype=logs.dtype) - (layers - 1) / 2  # steps towards the input, centred
    return (logs * way).sum(1) / way.square().sum()


def train_deep_critic(constraint: dict, *, members: int, steps: int, evaluations: int = 1):
    """Train deep critics to tell the ring from a standard Gaussian, which does not change.

    Returns
    -------
    History
    critic : MLP
    saturated : tensor, shape (evaluations + 1, members)
        The share of weights at the bound of a clip; NaN under a penalty.
    """
    config = Config(
        objective="wgan",
        members=members,
        steps=steps,
        n_critic=1,
        batch_size=64,
        latent_dim=2,
        critic=DEEP,
        optimizer=Optimizer("rmsprop", 5e-4),
        constraint=constraint,
        learn_generator=False,
    )
    critic, saturated = config.build("critic", 2, 1, "cpu"), []  # made here, so as to look at it on the way
    bound = constraint.get("bound", math.nan)

    def look(samples):
        saturated.append(saturated_share(critic, bound, within=1e-6).cpu())
        return saturated[-1]

    history = train(
        config, ring(), generator=gaussian_generator(members), critic=critic,
        metrics={"saturated": look}, evaluate_every=max(steps // evaluations, 1),
    )  # fmt: skip
    return history, critic, torch.stack(saturated)


def clip_depth(*, members: int | None = None, steps: int | None = None) -> dict:
    """Clipped critics of eight hidden layers: how gradients grow or vanish in them, and when weights clip."""
    members, steps = members or at_scale(fast=32, full=64), steps or at_scale(fast=1000, full=20_000)
    source = random_source(3)
    real, fake = ring().sample(256, generator=source).float(), torch.randn(256, 2, generator=source)
    rows = []
    for bound in (0.001, 0.01, 0.03, 0.1, 1.0, None):
        constraint = PENALTY if bound is None else {"name": "clip", "bound": bound}
        history, critic, saturated = train_deep_critic(constraint, members=members, steps=steps, evaluations=20)
        norms = layer_gradient_norms(critic, *(x.to(critic.weights[0]) for x in (real, fake))).cpu()
        row = {"bound": bound, "slope": rounded(log_gradient_gain(norms))}
        row["log10_norms"] = rounded(norms.clamp_min(1e-45).log10().median(0).values)
        row["saturated"] = rounded(saturated.median(1).values)
        row["looks"] = history.evaluated.tolist()
        rows.append(row)
    return {"critics": rows, "steps": steps}


def clip_sweep(**sizes) -> dict:
    """The clipped game on the ring with bounds from small to large: how far it gets, and what its critics report."""
    rows = []
    for bound in (0.001, 0.01, 0.03, 0.1, 0.3, 1.0):
        constraint = {"name": "clip", "bound": bound}
        history, found = track_critic("wgan", evaluations=5, constraint=constraint, **sizes)
        row = {"bound": bound, "modes": rounded(metrics.mode_coverage(history.samples[-1].double(), ring()).covered)}
        row |= {name: rounded(values[-1], 15) for name, values in found._asdict().items()}
        rows.append(row)
    return {"games": rows}


def critic_and_distance(**sizes) -> dict:
    """What each game's critic estimates, at every evaluation, beside the exact distance of the same samples."""
    rows = []
    for objective in ("wgan", "wgan-gp", "non-saturating"):
        history, found = track_critic(objective, **sizes)
        values = {name: value[1:] for name, value in found._asdict().items()}  # at the start no critic has learnt
        values["scaled"] = values["estimate"] / values["slope"]
        row = {"objective": objective}
        for name in ("estimate", "scaled"):
            row[f"{name}_correlation"] = rounded(metrics.rank_correlation(values[name], values["w1"], dim=0))
        row |= {name: rounded(value.T) for name, value in values.items()}  # (members, evaluations)
        rows.append(row)
    return {"steps": history.evaluated[1:].tolist(), "games": rows}
