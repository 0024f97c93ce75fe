r"""Metrics: what samples have, and what they lack, measured for a whole population at once.

No single number says how good a generator is; each of these sees some failures and is blind to others, and each
docstring says which.

- Modes of a known mixture: :func:`mode_coverage`, and its parts :func:`modes_covered`, :func:`high_quality_fraction`,
  :func:`mode_shares`, :func:`leading_mode`.
- Distance to the data: :func:`exact_w1`; on features, :func:`fid` (FID) and :func:`kid`
  (KID).
- Fidelity and variety apart: :func:`precision_recall`, :func:`density_coverage`; exactly, on polygons:
  :func:`polygon_precision_recall`.
- Repetition and copies: :func:`nearest_neighbour_distance`, :func:`mean_distance`,
  :func:`nearest_training_distance`.
- Classes: :func:`effective_classes`, :func:`inception_score`, with a :class:`Classifier` trained on the spot
  (:func:`digit_classifier`), which also gives the features.
- Critics against a known truth: :func:`gradient_cosine`, :func:`gradient_error`, :func:`critic_distance`.
- Claims about populations: :func:`rank_correlation` of curves; :func:`median_interval`, :func:`binomial_interval`,
  :func:`bootstrap_interval`; what trying k times gives: :func:`expected_best`.

Samples have shape (..., n, d), with the population in front, as (members, n, d); answers have shape (...). All is
measured in double precision, member by member where it takes memory, and answered in the dtype of the samples. Metrics
are for looking: none of them carries a gradient (features and probabilities of a classifier do).

A member that has diverged, with samples that are not finite (or too large for their squares to be), has the metric
NaN: never a good number by accident, and no reason to lose the others. A single cloud that is not finite raises a
`ValueError`, and so does a reference.
"""

from gantut.metrics._best import expected_best
from gantut.metrics._classes import effective_classes, inception_score
from gantut.metrics._classifier import Classifier, digit_classifier, train_classifier
from gantut.metrics._critics import critic_distance, gradient_cosine, gradient_error
from gantut.metrics._frechet import fid, frechet_distance
from gantut.metrics._intervals import Interval, binomial_interval, bootstrap_interval, median_interval
from gantut.metrics._kernel import kid
from gantut.metrics._modes import (
    ModeCoverage,
    high_quality_fraction,
    leading_mode,
    mode_coverage,
    mode_shares,
    modes_covered,
)
from gantut.metrics._neighbours import (
    DensityCoverage,
    NearestTraining,
    PrecisionRecall,
    density_coverage,
    mean_distance,
    nearest_neighbour_distance,
    nearest_training_distance,
    precision_recall,
)
from gantut.metrics._polygons import polygon_precision_recall
from gantut.metrics._ranks import rank_correlation
from gantut.metrics._transport import exact_w1

__all__ = [
    "Classifier",
    "DensityCoverage",
    "Interval",
    "ModeCoverage",
    "NearestTraining",
    "PrecisionRecall",
    "binomial_interval",
    "bootstrap_interval",
    "critic_distance",
    "density_coverage",
    "digit_classifier",
    "effective_classes",
    "exact_w1",
    "expected_best",
    "fid",
    "frechet_distance",
    "gradient_cosine",
    "gradient_error",
    "high_quality_fraction",
    "inception_score",
    "kid",
    "leading_mode",
    "mean_distance",
    "median_interval",
    "mode_coverage",
    "mode_shares",
    "modes_covered",
    "nearest_neighbour_distance",
    "nearest_training_distance",
    "polygon_precision_recall",
    "precision_recall",
    "rank_correlation",
    "train_classifier",
]
