"""Where the study compares: four kinds of data, each with a way to score samples whose meaning is known."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import torch

from gantut import _inputs, metrics
from gantut.data import grid, ring
from gantut.device import random_source
from gantut.lessons.created_equal._polygon_scores import polygon_precision_recall
from gantut.lessons.created_equal._polygons import polygons
from gantut.lessons.seeing_collapse import shuffled_digits

ARENAS = ("ring", "grid", "polygons", "digits")
POINTS = 500  # of samples and of data, between which a distance is measured; and digits held out


class Scores(NamedTuple):
    """How good samples are, each of shape (members,).

    Attributes
    ----------
    precision : tensor
        The share of the samples that is good: within three standard deviations of a mode; a polygon, nearly; within
        reach of held-out digits.
    recall : tensor
        The share of the data that is covered: of the modes, of cells of polygons, of held-out digits.
    distance : tensor
        The exact W1 to the data (for digits, the Fréchet distance of features), in units of the distance that a
        generator has that always shows the mean. Whatever is worse counts as 1.
    """

    precision: torch.Tensor
    recall: torch.Tensor
    distance: torch.Tensor


@dataclass(frozen=True)
class Arena:
    """Data to learn, and how samples of it are scored.

    Attributes
    ----------
    data : Distribution or tensor
        As `gantut.training.train` takes it.
    samples : int
        How many samples a member are scored.
    again : tensor, shape (samples, d)
        As many of the data themselves: how well one can score.
    """

    data: object
    samples: int
    again: torch.Tensor
    precision_recall: Callable
    distance: Callable

    def score(self, samples: torch.Tensor) -> Scores:
        """Score samples (members, n, d).

        A member whose samples are not finite has failed: precision and recall 0, distance 1.
        """
        samples = samples.double().cpu()
        precision, recall = (found.nan_to_num(0.0) for found in self.precision_recall(samples))
        return Scores(precision, recall, self.distance(samples).nan_to_num(1.0).clamp(max=1.0))

    def floor(self) -> Scores:
        """Score fresh data in place of samples, each of shape (1,): no generator is asked to be better."""
        return self.score(self.again[None])


@cache
def arena(name: str) -> Arena:
    """Return one of :data:`ARENAS`: the ring of 8 Gaussians, the grid of 25, regular triangles, and the digits.

    Digits are split: 500 are held out for the scores, and a generator learns from the other 1297.
    """
    _inputs.one_of("distribution", name, ARENAS)
    if name == "digits":
        return _digits()
    if name == "polygons":
        distribution, samples = polygons(3), 2000
        return _with_w1(distribution, samples, lambda x: polygon_precision_recall(x, distribution))
    distribution, samples = {"ring": ring, "grid": grid}[name](), 2000

    def modes(x):
        found = metrics.mode_coverage(x, distribution)
        return found.high_quality_fraction, found.covered / len(distribution.means)

    return _with_w1(distribution, samples, modes)


def _with_w1(distribution, samples, precision_recall):
    """An arena with a distribution to draw from, in which distances are exact."""
    reference = distribution.sample(POINTS, generator=random_source(1))
    worst = (reference - reference.mean(0)).norm(dim=-1).mean()  # W1 to one point, the mean

    def distance(x):
        return metrics.exact_w1(x[..., :POINTS, :], reference) / worst

    return Arena(
        distribution, samples, distribution.sample(samples, generator=random_source(2)), precision_recall, distance
    )


def _digits():
    classifier = metrics.digit_classifier(dtype=torch.float64)
    images = shuffled_digits().double()
    held_out, training = images[:POINTS], images[POINTS:]
    features = classifier.features(held_out)
    point = features.new_zeros(features.shape[1], features.shape[1])
    worst = metrics.frechet_distance(classifier.features(held_out.mean(0)), point, features.mean(0), features.T.cov())

    def distance(x):
        return (metrics.fid(classifier.features(x), features) / worst).sqrt()

    def precision_recall(x):
        return metrics.precision_recall(classifier.features(x), features)

    return Arena(training.float(), POINTS, training[:POINTS], precision_recall, distance)
