"""What the doctor looks at: each examination measures one thing, and says what it means where it is wrong."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch

from gantut import lipschitz, metrics
from gantut.commands._runs import Saved
from gantut.data import GaussianMixture
from gantut.networks import MLP
from gantut.training import Config

SURE = 4.6  # the logit of D = 0.99
SURE_SHARE = 0.9  # of the samples: then the discriminator tells the two distributions apart
FADED, GROWN = 1e-3, 1e3  # of the norm of a gradient, against the first tenth of the run
FAINT, STEEP = 1e-6, 1e4  # change of the generator's loss as a sample crosses the data
HUGE = 1e4  # of a loss
EXCESS = 0.5  # of the slope at which a penalty looks, off 1, as a root mean square
AT_BOUND = 0.5  # of the weights that are clipped
ALIKE = 0.5  # of the mean distance between samples, against that between real ones
NEAR, COPIED = 0.1, 0.5  # nearer to a picture than this part of the mean distance: a copy; and the share of them
SLOPES = 64  # samples of each distribution at which slopes are looked for


class Finding(NamedTuple):
    """What an examination finds.

    Attributes
    ----------
    name : str
        Of the examination.
    wrong : bool
    measured : str
        With numbers.
    meaning : str
        What it means, and what can be done; empty where nothing is wrong.
    lesson : int
        That explains it.
    """

    name: str
    wrong: bool
    measured: str
    meaning: str
    lesson: int


@dataclass
class Patient:
    """A run, with samples of both distributions, shape (members, n, \\*event); `real` is None where there are no
    data."""

    saved: Saved
    real: torch.Tensor | None
    fake: torch.Tensor
    distribution: object = None

    @property
    def config(self) -> Config:
        """The game."""
        return self.saved.plan.training

    @property
    def critic_as_trained(self) -> torch.nn.Module:
        """A copy of the critic in training mode: batch normalisation by the batch at hand."""
        return copy.deepcopy(self.saved.critic).train()

    @property
    def separate(self) -> bool:
        """Whether the critic judges each sample by itself."""
        return getattr(self.saved.critic, "samples_are_separate", True)

    def of_members(self, wrong: torch.Tensor) -> str:
        """Return how many members something is wrong with, where there are several."""
        if self.config.members == 1 or not wrong.any():
            return ""
        return f" in {int(wrong.sum())} of {self.config.members} members"


def finite_numbers(patient: Patient) -> Finding:
    """Are all weights and losses numbers, and not on their way to be none?"""
    saved = patient.saved
    weights = [value for network in (saved.generator, saved.critic) for value in network.state_dict().values()]
    sound = all(bool(torch.isfinite(weight).all()) for weight in weights if weight.is_floating_point())
    lost = saved.diverged >= 0
    losses = torch.stack([_late(rows).abs() for name, rows in saved.losses.items() if not name.endswith(" gradient")])
    largest = losses.nan_to_num(nan=torch.inf).max().item() if losses.numel() else 0.0
    wrong = bool(lost.any()) or not sound or largest > HUGE
    measured = f"largest loss {largest:.3g}" + (", weights not finite" if not sound else "")
    if lost.any():
        first = int(saved.diverged[lost].min())
        measured = f"a loss or a weight was not finite by step {first}{patient.of_members(lost)}; {measured}"
    return Finding(
        "numbers", wrong, measured,
        "The game runs away. Lower the learning rates, or take a constraint that keeps the critic tame.", 4,
    )  # fmt: skip


def certainty(patient: Patient) -> Finding | None:
    """Is the discriminator so sure that its verdict teaches nothing?"""
    if not patient.config.game.classifies or patient.real is None:
        return None
    critic = patient.critic_as_trained
    with torch.no_grad():
        real, fake = (_by_batches(critic, x, patient.config.batch) for x in (patient.real, patient.fake))
    share = torch.minimum((real > SURE).float().mean(-1), (fake < -SURE).float().mean(-1))  # (members,)
    wrong = share > SURE_SHARE
    measured = (
        f"D is 99% sure of {share.median():.0%} of real and of generated samples alike{patient.of_members(wrong)}"
    )
    return Finding(
        "certainty", bool(wrong.any()), measured,
        "The discriminator is saturated: it tells the two distributions apart, log(1 - D) has no slope left, and "
        "-log D a noisy "
        "one. Fewer critic steps, instance noise, augmentation of few data, or a Wasserstein objective.", 5,
    )  # fmt: skip


def gradients(patient: Patient) -> Finding | None:
    """Have the gradients of the players vanished, or exploded, since the run began?"""
    rows = {name: values for name, values in patient.saved.losses.items() if name.endswith(" gradient")}
    if not rows or min(len(values) for values in rows.values()) < 10:
        return None
    parts, vanished, exploded = [], False, False
    for name, values in rows.items():
        early, late = _early(values).median().item(), _late(values).median().item()
        parts.append(f"{name.removesuffix(' gradient')} {early:.2g}, then {late:.2g}")
        vanished |= late < FADED * early or late == 0
        exploded |= not late <= GROWN * max(early, 1e-12)
    meaning = (
        "They have vanished: a player learns nothing any more. See what the discriminator's certainty and the critic's "
        "slope say." if vanished else
        "They have exploded: lower the learning rates, or mend the constraint on the critic."
    )  # fmt: skip
    measured = "median norms at the beginning and at the end: " + "; ".join(parts)
    return Finding("gradients", vanished or exploded, measured, meaning, 5 if vanished else 4)


def signal(patient: Patient) -> Finding | None:
    """How much does the generator's loss change as a sample crosses the data?"""
    if patient.real is None or patient.config.game.features or not patient.config.learn_generator:
        return None
    critic, x = patient.critic_as_trained, patient.fake[:, : patient.config.batch].clone().requires_grad_()
    loss = patient.config.game.generator_loss(None, critic(x).squeeze(-1))
    (slope,) = torch.autograd.grad(loss.sum(), x)
    steepness = slope.flatten(2).norm(dim=-1).mean(-1) * x.shape[1]  # (members,): each loss is a mean over x
    real = patient.real.flatten(2)
    change = steepness * (real - real.mean(1, keepdim=True)).norm(dim=-1).mean(-1)
    faint, steep = ~(change > FAINT), change > STEEP
    measured = f"the generator's loss changes by {change.median():.2g} where a sample crosses the data"
    constraint = patient.config.constraint
    clipped = constraint is not None and constraint.saturation(patient.saved.critic) is not None
    why = "The clip is too tight for a critic so deep, which flattens it. Widen it, or use wgan-gp." if clipped else (
        "The generator is told next to nothing about where to go."
    )  # fmt: skip
    meaning = why if faint.any() else "The critic is far too steep: nothing keeps it in bounds."
    wrong = faint | steep
    lesson = (10 if clipped else 5) if faint.any() else 11
    return Finding("signal", bool(wrong.any()), measured + patient.of_members(wrong), meaning, lesson)


def steepness(patient: Patient) -> Finding | None:
    """How steep is the critic: from below by samples, from above by its weights?"""
    if patient.config.game.classifies and patient.config.constraint is None:
        return None
    wasserstein = patient.config.game.name.startswith("wgan")
    wrong = wasserstein and patient.config.constraint is None
    meaning = "Nothing keeps the critic Lipschitz: its loss is no distance of any kind. Use wgan-gp, or clip."
    if not patient.separate or patient.real is None:
        why = "the critic has batch normalisation" if not patient.separate else "there are no data"
        return Finding("steepness", wrong, f"cannot be measured: {why}", meaning, 10)
    x = torch.cat([patient.real[:, :SLOPES], patient.fake[:, :SLOPES]], 1)
    below = lipschitz.max_gradient_norm(patient.saved.critic, x)
    measured = f"the critic's Lipschitz constant is at least {below.median():.3g}"
    critic = patient.saved.critic
    if isinstance(critic, MLP) and critic.normalisation is None:
        measured += f", at most {lipschitz.lipschitz_bound(critic).median():.3g}"
    return Finding("steepness", wrong, measured, meaning, 10)


def separate_samples(patient: Patient) -> Finding | None:
    """Does a critic whose slope is penalised judge each sample by itself?"""
    if not patient.config.penalised:
        return None
    return Finding(
        "norm of the critic", not patient.separate,
        "each sample is judged by itself" if patient.separate else "the score of a sample depends on its whole batch",
        "A gradient penalty asks for the slope of each sample's score, which batch normalisation (or minibatch "
        "discrimination) does not have. Use layer norm or none in the critic.", 11,
    )  # fmt: skip


def penalty(patient: Patient) -> Finding | None:
    """Does the penalty keep the slope where it should be?"""
    constraint, rows = patient.config.constraint, patient.saved.losses.get("penalty")
    off = constraint.excess(_late(rows).median(0).values) if rows is not None and len(rows) else None  # (members,)
    if off is None:
        return None
    wrong = ~(off < EXCESS)
    side = "above" if constraint.one_sided else "off"
    measured = f"weight {constraint.weight:g}: slopes are {off.median():.2g} {side} 1, as a root mean square"
    return Finding(
        "penalty", bool(wrong.any()), measured + patient.of_members(wrong),
        "The penalty does not hold the critic: its weight is too small, or the critic's steps are too large.", 11,
    )  # fmt: skip


def clipping(patient: Patient) -> Finding | None:
    """How many weights sit at the bound?"""
    constraint = patient.config.constraint
    share = None if constraint is None else constraint.saturation(patient.saved.critic)
    if share is None:
        return None
    return Finding(
        "clipping", share > AT_BOUND, f"{share:.0%} of the critic's weights are at the bound, {constraint.bound:g}",
        "A clipped critic with its weights at the two ends can represent only very simple functions. Try wgan-gp.", 10,
    )  # fmt: skip


def modes(patient: Patient) -> Finding | None:
    """Which modes of a known mixture are there?"""
    if not isinstance(patient.distribution, GaussianMixture):
        return None
    found, total = metrics.mode_coverage(patient.fake.double(), patient.distribution), len(patient.distribution.means)
    wrong = ~(found.covered >= total) | ~(found.high_quality_fraction > 0.5)
    measured = (
        f"{found.covered.median():.0f} of {total} modes covered, {found.high_quality_fraction.median():.0%} of the "
        f"samples within 3 standard deviations of one{patient.of_members(wrong)}"
    )
    lost = bool((~(found.covered >= total)).any())
    meaning = (
        "Modes are missing: the generator has collapsed, or has not come to them yet." if lost else
        "Samples lie between the modes."
    )  # fmt: skip
    return Finding("modes", bool(wrong.any()), measured, f"{meaning} Train for longer, or change the game.", 6)


def variety(patient: Patient) -> Finding | None:
    """Are the pictures all alike?"""
    if patient.distribution is not None or patient.real is None:
        return None
    apart = [metrics.mean_distance(x.flatten(2)) for x in (patient.fake, patient.real)]
    ratio = apart[0] / apart[1]
    wrong = ~(ratio > ALIKE)
    measured = f"samples are {ratio.median():.2g} times as far apart as real pictures are{patient.of_members(wrong)}"
    meaning = (
        "The generator draws nearly the same picture again and again: it has collapsed, or has not begun to learn."
    )
    return Finding("variety", bool(wrong.any()), measured, meaning, 6)


def copies(patient: Patient) -> Finding | None:
    """Are the pictures those of the training set?"""
    if patient.distribution is not None or patient.real is None:
        return None
    real = patient.real[:1].flatten(2)
    nearest = metrics.nearest_training_distance(patient.fake.flatten(2), real.expand(len(patient.fake), -1, -1))
    share = (nearest.distance < NEAR * metrics.mean_distance(real[0])).float().mean(-1)
    wrong = share > COPIED
    measured = f"{share.median():.0%} of the samples are nearly pictures of the training set"
    meaning = "The generator repeats what it has seen. More data, augmentation, or smaller networks."
    return Finding("copies", bool(wrong.any()), measured + patient.of_members(wrong), meaning, 12)


EXAMINATIONS: tuple[Callable[[Patient], Finding | None], ...] = (
    finite_numbers,
    certainty,
    gradients,
    signal,
    steepness,
    separate_samples,
    penalty,
    clipping,
    modes,
    variety,
    copies,
)


def _by_batches(critic, x, batch):
    """Return the scores (members, n) of samples, judged in batches as in training."""
    return torch.cat([critic(some).squeeze(-1) for some in x.split(batch, 1) if some.shape[1] > 1], 1)


def _early(rows):
    return rows[: max(len(rows) // 10, 1)]


def _late(rows):
    return rows[-max(len(rows) // 10, 1) :]
