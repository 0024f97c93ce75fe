r"""Metrics of samples, measured for a whole population at once.

No single number says how good a generator is: each metric sees some failures and is blind to others, and its docstring
says which.

- Modes of a known mixture: :func:`mode_coverage`, with the fields ``covered``, ``high_quality_fraction`` and others.
- Distance to the data: :func:`exact_w1`, what a critic proves of it, :func:`certified_w1`; on features, :func:`fid`
  and :func:`kid`.
- Fidelity and variety, separately: :func:`precision_recall`, :func:`density_coverage`.
- Repetition and copies: :func:`nearest_neighbour_distance`, :func:`mean_distance`,
  :func:`nearest_training_distance`.
- Classes: :func:`effective_classes`, :func:`inception_score`, with a :class:`Classifier` trained on the spot
  (:func:`digit_classifier`), which also provides features.
- Claims about populations: :func:`rank_correlation` of curves; :func:`median_interval`, :func:`binomial_interval` of
  one, and :func:`paired_difference` between two whose members share seeds.

Samples have shape (..., n, d), with the population in front, as (members, n, d); results have shape (...). Tensors,
arrays and lists of any floating point dtype are accepted. Everything is computed in double precision, member by member
where it takes memory, and returned in the dtype of the samples, or the widest of all arguments. No metric carries a
gradient (features and probabilities of a classifier do).

The metric of a member that has diverged, with samples that are not finite (or too large to be squared), is NaN: never a
good number by accident, and no reason to lose the others. A single point cloud or a reference that is not finite raises
a `ValueError`. Of a population without members the metrics have the shape and nothing in it. The unit of the points
does not matter: distances keep their digits down to coordinates of 1e-300.
"""

from gantut.metrics._classes import effective_classes, inception_score
from gantut.metrics._classifier import Classifier, digit_classifier, train_classifier
from gantut.metrics._frechet import fid, frechet_distance
from gantut.metrics._kernel import kid
from gantut.metrics._modes import mode_coverage
from gantut.metrics._neighbours import (
    PrecisionRecall,
    density_coverage,
    mean_distance,
    nearest_neighbour_distance,
    nearest_training_distance,
    precision_recall,
)
from gantut.metrics._paired import PairedDifference, paired_difference
from gantut.metrics._statistics import Interval, binomial_interval, median_interval, rank_correlation
from gantut.metrics._transport import certified_w1, exact_w1

__all__ = [
    "Classifier", "Interval", "PairedDifference", "PrecisionRecall", "binomial_interval", "certified_w1",
    "density_coverage", "digit_classifier", "effective_classes", "exact_w1", "fid", "frechet_distance",
    "inception_score", "kid", "mean_distance", "median_interval", "mode_coverage", "nearest_neighbour_distance",
    "nearest_training_distance", "paired_difference", "precision_recall", "rank_correlation", "train_classifier",
]  # fmt: skip
