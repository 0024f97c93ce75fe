"""What the doctor looks at: each diagnostic measures one thing, and says what it means where it is wrong.

The docstring of a diagnostic is what it asks and, after an empty line, what the doctor says where something is wrong.
"""

import copy
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch

from gantut import lipschitz, metrics
from gantut.cli._saved import Saved
from gantut.data import GaussianMixture
from gantut.networks import MLP
from gantut.training import Config

SURE = 4.6  # the logit of D = 0.99
SURE_SHARE = 0.9  # of the samples: then the discriminator tells the two distributions apart
FADED, GROWN = 1e-3, 1e3  # of the norm of a gradient, relative to the first tenth of the run
FAINT, STEEP = 1e-6, 1e4  # change of the generator's loss as a sample crosses the data
HUGE = 1e4  # of a loss
EXCESS = 0.5  # of the gradient norm that a penalty sees, off 1, as a root mean square
AT_BOUND = 0.5  # of the weights that are clipped
ALIKE = 0.5  # of the mean distance between samples, relative to that between real ones
NEAR, COPIED = 0.1, 0.5  # nearer to an image than this part of the mean distance: a copy; and the share of them
SLOPES = 64  # samples of each distribution at which slopes are looked for


class Diagnosis(NamedTuple):
    """What a diagnostic finds.

    Attributes
    ----------
    name : str
        Of the diagnostic.
    wrong : bool
    measured : str
        With numbers.
    meaning : str
        What it means where it is wrong, and what can be done.
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
    """A run, with real and generated samples, shape (members, n, \\*event); `real` is None where there are no data."""

    saved: Saved
    real: torch.Tensor | None
    fake: torch.Tensor
    distribution: object = None

    @property
    def config(self) -> Config:
        """The game."""
        return self.saved.run.config

    @property
    def critic_as_trained(self) -> torch.nn.Module:
        """A copy of the critic in training mode: batch normalisation by the batch at hand."""
        return copy.deepcopy(self.saved.critic).train()


DIAGNOSTICS: list[Callable[[Patient], Diagnosis | None]] = []


def diagnostic(name: str, lesson: int):
    """Make a diagnostic of a function from a patient to None, or to (wrong, measured), or to (..., meaning, lesson).

    What is wrong is a truth value, or one a member, of which it is then said how many there are.
    """

    def register(measure):
        meaning = " ".join(inspect.getdoc(measure).split("\n\n")[-1].split())

        def diagnose(patient: Patient) -> Diagnosis | None:
            if (found := measure(patient)) is None:
                return None
            wrong, measured, *other = found
            if isinstance(wrong, torch.Tensor) and wrong.any() and patient.config.members > 1:
                measured += f" in {int(wrong.sum())} of {patient.config.members} members"
            return Diagnosis(name, bool(torch.as_tensor(wrong).any()), measured, *(other or (meaning, lesson)))

        DIAGNOSTICS.append(diagnose)
        return diagnose

    return register


@diagnostic("numbers", lesson=4)
def finite_numbers(patient):
    """Are all weights and losses finite, and likely to stay so?

    The game diverges. Lower the learning rates, or choose a constraint that keeps the critic in bounds.
    """
    saved = patient.saved
    weights = [value for network in (saved.generator, saved.critic) for value in network.state_dict().values()]
    finite = all(bool(weight.isfinite().all()) for weight in weights if weight.is_floating_point())
    lost = saved.diverged >= 0  # (members,)
    losses = [_late(rows).abs() for name, rows in saved.losses.items() if not name.endswith(" gradient")]
    largest = torch.stack(losses).nan_to_num(nan=torch.inf).max().item() if losses else 0.0
    measured = f"largest loss {largest:.3g}" + ("" if finite else ", weights not finite")
    if lost.any():
        return lost, f"{measured}; a loss or a weight was not finite by step {int(saved.diverged[lost].min())}"
    return not finite or largest > HUGE, measured


@diagnostic("certainty", lesson=5)
def certainty(patient):
    """Is the discriminator so sure that the generator learns nothing from it?

    The discriminator is saturated: it tells the two distributions apart, log(1 - D) has no slope left, and -log D a
    noisy one. Fewer critic steps, instance noise, augmentation of few data, or a Wasserstein objective.
    """
    if not patient.config.game.classifies or patient.real is None:
        return None
    critic = patient.critic_as_trained
    with torch.no_grad():
        real, fake = (_scores(critic, x, patient.config.batch_size) for x in (patient.real, patient.fake))
    share = torch.minimum((real > SURE).float().mean(-1), (fake < -SURE).float().mean(-1))  # (members,)
    return share > SURE_SHARE, f"D is 99% sure of {share.median():.0%} of the samples, real and generated alike"


@diagnostic("gradients", lesson=4)
def gradients(patient):
    """Have the gradients of generator or critic vanished, or exploded, since the run began?

    They have exploded: lower the learning rates, or tighten the constraint on the critic.
    """
    rows = {name: values for name, values in patient.saved.losses.items() if name.endswith(" gradient")}
    if not rows or min(map(len, rows.values())) < 10:
        return None
    norms = [(_early(values).median().item(), _late(values).median().item()) for values in rows.values()]
    parts = [f"{n.removesuffix(' gradient')} {a:.2g}, then {b:.2g}" for n, (a, b) in zip(rows, norms, strict=True)]
    measured = "median norms at the beginning and at the end: " + "; ".join(parts)
    if any(late < FADED * early or late == 0 for early, late in norms):
        see = "See what the discriminator's certainty and the critic's slope say."
        return True, measured, f"They have vanished: a network no longer learns. {see}", 5
    return any(not late <= GROWN * max(early, 1e-12) for early, late in norms), measured


@diagnostic("signal", lesson=13)
def signal(patient):
    """How much does the generator's loss change as a sample crosses the data?

    The critic is far too steep: nothing keeps it in bounds.
    """
    config = patient.config
    if patient.real is None or config.game.features or not config.learn_generator:
        return None
    critic, x = patient.critic_as_trained, patient.fake[:, : config.batch_size].clone().requires_grad_()
    real = critic(patient.real[:, : config.batch_size]).squeeze(-1).detach() if config.game.relative else None
    loss = config.game.generator_loss(real, critic(x).squeeze(-1))
    (slope,) = torch.autograd.grad(loss.sum(), x)
    steepness = slope.flatten(2).norm(dim=-1).mean(-1) * x.shape[1]  # (members,): each loss is a mean over x
    real = patient.real.flatten(2)
    change = steepness * (real - real.mean(1, keepdim=True)).norm(dim=-1).mean(-1)
    measured = f"the generator's loss changes by {change.median():.2g} where a sample crosses the data"
    faint = ~(change > FAINT)
    if not faint.any():
        return change > STEEP, measured
    if config.constraint is not None and config.constraint.saturation(patient.saved.critic) is not None:
        why = "The clip is too tight for a critic this deep, and flattens it. Widen it, or use wgan-gp."
        return faint | (change > STEEP), measured, why, 11
    return faint | (change > STEEP), measured, "The generator is told next to nothing about where to go.", 5


@diagnostic("steepness", lesson=11)
def steepness(patient):
    """How steep is the critic: from below by samples, from above by its weights?

    Nothing keeps the critic Lipschitz, so its loss is not a distance of any kind. Use wgan-gp, or clip.
    """
    config, critic = patient.config, patient.saved.critic
    if config.game.classifies and config.constraint is None:
        return None
    wrong = config.game.name.startswith("wgan") and config.constraint is None
    separate = getattr(critic, "samples_are_separate", True)
    if not separate or patient.real is None:
        why = "there are no data" if separate else "the score of a sample depends on its whole batch"
        return wrong, f"cannot be measured: {why}"
    low = lipschitz.max_gradient_norm(critic, torch.cat([patient.real[:, :SLOPES], patient.fake[:, :SLOPES]], 1))
    measured = f"the critic's Lipschitz constant is at least {low.median():.3g}"
    if isinstance(critic, MLP) and critic.normalisation is None:
        measured += f", at most {lipschitz.lipschitz_bound(critic).median():.3g}"
    return wrong, measured


@diagnostic("penalty", lesson=13)
def penalty(patient):
    """Does the penalty keep the slope where it should be?

    The penalty does not constrain the critic enough: its weight is too small, or the critic's steps are too large.
    """
    constraint, rows = patient.config.constraint, patient.saved.losses.get("penalty")
    if constraint is None or rows is None or not len(rows):
        return None
    excess = constraint.excess(_late(rows).median(0).values)  # (members,)
    if excess is None:
        return None
    return ~(excess < EXCESS), f"slopes miss their target by {excess.median():.2g} on average, under {constraint}"


@diagnostic("clipping", lesson=11)
def clipping(patient):
    """How many weights sit at the bound?

    A clipped critic with its weights at the two ends can represent only very simple functions. Try wgan-gp.
    """
    constraint = patient.config.constraint
    share = None if constraint is None else constraint.saturation(patient.saved.critic)
    if share is None:
        return None
    return share > AT_BOUND, f"{share:.0%} of the critic's weights are at the bound, {constraint.bound:g}"


@diagnostic("modes", lesson=6)
def modes(patient):
    """Which modes of a known mixture are there?

    Modes are missing, or samples lie between them: the generator has collapsed, or has not reached them yet. Train for
    longer, or change the game.
    """
    if not isinstance(patient.distribution, GaussianMixture):
        return None
    found, total = metrics.mode_coverage(patient.fake, patient.distribution), len(patient.distribution.means)
    good = found.high_quality_fraction  # (members,)
    measured = (
        f"{found.covered.median():.0f} of {total} modes covered, {good.median():.0%} of the samples within 3 standard "
        "deviations of one"
    )
    return ~(found.covered >= total) | ~(good > 0.5), measured


@diagnostic("variety", lesson=6)
def variety(patient):
    """Are the images all alike?

    The generator draws nearly the same image again and again: it has collapsed, or has not begun to learn.
    """
    if patient.distribution is not None or patient.real is None:
        return None
    ratio = metrics.mean_distance(patient.fake.flatten(2)) / metrics.mean_distance(patient.real.flatten(2))
    return ~(ratio > ALIKE), f"samples are {ratio.median():.2g} times as far apart as real images are"


@diagnostic("copies", lesson=14)
def copies(patient):
    """Are the samples copies of the training set?

    The generator repeats what it has seen. More data, augmentation, or smaller networks.
    """
    if patient.distribution is not None or patient.real is None:
        return None
    real = patient.real[:1].flatten(2)
    nearest = metrics.nearest_training_distance(patient.fake.flatten(2), real.expand(len(patient.fake), -1, -1))
    share = (nearest.distance < NEAR * metrics.mean_distance(real[0])).float().mean(-1)
    return share > COPIED, f"{share.median():.0%} of the samples are nearly images of the training set"


def _scores(critic, x, batch):
    """Return the scores (members, n) of samples, in batches as in training."""
    return torch.cat([critic(some).squeeze(-1) for some in x.split(batch, 1) if some.shape[1] > 1], 1)


def _early(rows):
    return rows[: max(len(rows) // 10, 1)]


def _late(rows):
    return rows[-max(len(rows) // 10, 1) :]
