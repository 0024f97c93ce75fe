"""Perceptrons on images: the same networks, two objectives (after figure 6 of Weng's post, there on photographs)."""

from typing import NamedTuple

import torch

from gantut import metrics
from gantut.data import digits
from gantut.device import at_scale, random_source
from gantut.lessons._records import rounded, rounded_fields
from gantut.training import Architecture, Config, History, Optimizer, train

RATE = 2e-4
ADAMS = {
    "non-saturating": Optimizer("adam", RATE, betas=(0.5, 0.999)),
    "wgan-gp": Optimizer("adam", RATE, betas=(0.0, 0.9)),
}


class Diversity(NamedTuple):
    """How diverse the digits of a population are, each of shape (members,).

    Attributes
    ----------
    classes : tensor
        The effective number of classes, as a classifier sees them.
    apart : tensor
        The mean distance of a sample to its nearest neighbour, in units of that of as many real digits.
    w1 : tensor
        The exact W1 to as many real digits, in pixels from 0 to 1.
    """

    classes: torch.Tensor
    apart: torch.Tensor
    w1: torch.Tensor


def train_on_digits(objective: str, *, members: int, steps: int, width: int) -> History:
    """Train on the 8 x 8 digits, with a generator of four layers and a critic of three, all of one width.

    Critic steps and constraint are those of the objective's paper; there are 500 samples of each member at the end.
    """
    config = Config(
        objective=objective,
        optimizer=ADAMS[objective],
        members=members,
        steps=steps,
        batch_size=64,
        latent_dim=32,
        generator=Architecture((width, width, width)),
        critic=Architecture((width, width)),
    )
    return train(config, shuffled_digits(), samples=500, evaluate_every=steps)


def shuffled_digits() -> torch.Tensor:
    """Return the 1797 digits, shape (1797, 64), in a fixed random order."""
    images = torch.cat(digits(*range(10)))
    return images[torch.randperm(len(images), generator=random_source(0))]


def diversity(samples: torch.Tensor, classifier: metrics.Classifier) -> Diversity:
    """Measure how diverse digits (members, n, 64) are: shapes (members,)."""
    real = shuffled_digits()[: samples.shape[-2]].to(samples)
    apart = metrics.nearest_neighbour_distance(samples) / metrics.nearest_neighbour_distance(real)
    classes = metrics.effective_classes(classifier.labels(samples))
    return Diversity(classes, apart, metrics.exact_w1(samples, real))


def perceptrons_on_digits(**sizes) -> dict:
    """The non-saturating game and WGAN-GP on digits, with the same networks; sizes as :func:`train_on_digits`."""
    classifier, rows = metrics.digit_classifier(), []
    for objective, steps in (("non-saturating", 800), ("wgan-gp", 400)):
        usual = dict(
            members=at_scale(fast=16, full=32), steps=at_scale(fast=steps, full=20 * steps),
            width=at_scale(fast=256, full=512),
        ) | sizes  # fmt: skip
        history = train_on_digits(objective, **usual)
        samples = history.samples[-1]
        found = diversity(samples, classifier)
        typical = found.classes.argsort()[len(samples) // 2]
        row = {"objective": objective, "steps": usual["steps"], "width": usual["width"], "typical": typical.item()}
        row |= rounded_fields(found)
        rows.append(row | {"tiles": rounded(samples[typical, :16].clamp(0, 1), 2)})
    return {"games": rows}
