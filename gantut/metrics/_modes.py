"""Modes of a known mixture: which are covered, how well, and which leads."""

from typing import NamedTuple

import torch

from gantut import _inputs
from gantut.data import GaussianMixture
from gantut.metrics._populations import population


class ModeCoverage(NamedTuple):
    """How samples are spread over the modes of a mixture; each field has the shape of the population in front.

    For a member that has diverged all fields are NaN, and ``leading`` is -1.
    """

    shares: torch.Tensor
    """The share of the samples whose nearest centre is that of mode k, shape (..., modes); they add up to 1."""
    covered: torch.Tensor
    """How many modes are covered: a whole number, kept as a floating point one for the sake of NaN."""
    high_quality_fraction: torch.Tensor
    """The share of the samples within so many standard deviations of their nearest centre."""
    leading: torch.Tensor
    """The index of the mode with the largest share (the first of them if there are several), int64."""
    leading_share: torch.Tensor
    """Its share."""


@torch.no_grad()
def mode_coverage(samples, distribution, *, share=0.01, within=3.0):
    r"""Count how samples are spread over the modes of a known mixture, in one pass.

    Each sample belongs to the nearest centre, and is of high quality if it lies within so many standard deviations:

    .. math:: k(x) = \arg\min_k \|x - \mu_k\|, \qquad \|x - \mu_{k(x)}\| \le 3\, s_{k(x)}.

    A mode is covered if at least 1% of the samples belong to it and some of them are of high quality.

    Parameters
    ----------
    samples : tensor, shape (..., n, d), floating point
        In front the population, as (members, n, d); a distribution on the line has d = 1.
    distribution : GaussianMixture
        On the device of the samples. From centres and a scale: ``gaussian_mixture(centres, scale)``.
    share : float
        The least share of the samples that covers a mode, strictly between 0 and 1.
    within : float
        How many standard deviations of the mode still are high quality.

    Returns
    -------
    ModeCoverage
        ``shares`` (..., modes), ``covered``, ``high_quality_fraction``, ``leading`` and ``leading_share`` (...), in the
        dtype of the samples. A member with samples that are not finite gets NaN, and -1 as the leading mode.

    Raises
    ------
    ValueError
        If there are no samples, a single cloud is not finite, or samples and distribution have different dimensions or
        devices.

    Notes
    -----
    It sees which modes are missing, and mass between the modes. It does not see how mass is shared among covered
    modes (look at ``shares``), nor the spread inside a mode: eight points, one on each centre, are a perfect score.
    With n samples a mode of weight w is found with less than ``share`` by chance if n w is small.
    The distribution itself has a high-quality share of :math:`P(\chi^2_d \le 9)` where its modes lie far apart:
    0.99730 for d = 1, :math:`1 - e^{-9/2} = 0.98889` for d = 2, and hardly any for large d.

    References
    ----------
    Metz et al. (2017) for the picture, Srivastava et al. (2017) and Lin et al. (2018) for counts of this kind;
    lesson 6.

    Examples
    --------
    >>> from gantut.data import ring
    >>> found = mode_coverage(ring(8).means[:2], ring(8))
    >>> found.covered, found.high_quality_fraction
    (tensor(2., dtype=torch.float64), tensor(1., dtype=torch.float64))
    """
    share, within = _inputs.level("share", share), _inputs.positive("within", within)
    samples = _inputs.cloud("samples", samples)
    centres, scales = _centres(distribution, samples)
    clouds = population("samples", samples)
    modes, n, d = len(centres), *samples.shape[-2:]
    nearest, squared = _nearest(clouds.values.reshape(-1, d), centres)  # (members n)
    good = squared <= (within * scales[nearest]).square()
    cell = nearest + modes * (torch.arange(len(nearest), device=nearest.device) // n)  # one for each mode of a member
    members = clouds.alive.numel()
    counts, good = (
        torch.bincount(own, minlength=members * modes).reshape((*clouds.batch, modes)) for own in (cell, cell[good])
    )
    shares = counts.double() / n  # in double precision: 7 of 100 are 0.07, exactly as the caller writes it
    covered = (shares >= share) & (good > 0)
    highest, leading = _first_largest(shares)
    return ModeCoverage(
        shares=clouds.answer(shares, own=1),
        covered=clouds.answer(covered.sum(-1).double()),
        high_quality_fraction=clouds.answer(good.sum(-1).double() / n),
        leading=leading.masked_fill(~clouds.alive, -1),
        leading_share=clouds.answer(highest),
    )


def mode_shares(samples, distribution):
    """Return the share of the samples that is nearest to each mode, shape (..., modes): see :func:`mode_coverage`."""
    return mode_coverage(samples, distribution).shares


def modes_covered(samples, distribution, *, share=0.01, within=3.0):
    """Return how many modes are covered, shape (...): see :func:`mode_coverage`."""
    return mode_coverage(samples, distribution, share=share, within=within).covered


def high_quality_fraction(samples, distribution, *, within=3.0):
    """Return the share of samples near their nearest centre, shape (...): see :func:`mode_coverage`."""
    return mode_coverage(samples, distribution, within=within).high_quality_fraction


def leading_mode(samples, distribution):
    """Return the index of the most populated mode and its share, shapes (...): see :func:`mode_coverage`."""
    found = mode_coverage(samples, distribution)
    return found.leading, found.leading_share


def _centres(distribution, samples):
    """The centres (modes, d) and scales (modes,) of a mixture that goes together with the samples."""
    if not isinstance(distribution, GaussianMixture):
        raise ValueError(
            f"distribution must be a gantut.data.GaussianMixture, whose modes are known, not "
            f"{type(distribution).__name__}"
        )
    if distribution.device != samples.device:
        raise ValueError(
            f"samples and distribution must have one device, but have {samples.device} and {distribution.device}"
        )
    centres = distribution.means.detach().double().reshape(len(distribution.means), -1)
    if centres.shape[1] != samples.shape[-1]:
        raise ValueError(
            f"samples and distribution must have one dimension d, but have {samples.shape[-1]} and {centres.shape[1]} "
            f"(samples of shape {_inputs.shape(samples)})"
        )
    return centres, distribution.stds.detach().double()


def _nearest(points, centres):
    """The nearest centre of each point and the squared distance to it, mode by mode: exact, and nothing large."""
    points = points.T.contiguous()  # (d, points)
    nearest = torch.zeros(points.shape[1], dtype=torch.int64, device=points.device)
    least = points.new_full(points.shape[1:], torch.inf)
    for k, centre in enumerate(centres):
        squared = (points - centre[:, None]).square_().sum(0)
        nearest.masked_fill_(squared < least, k)
        torch.minimum(least, squared, out=least)
    return nearest, least


def _first_largest(shares):
    """The largest share and the first index that has it, on every device alike."""
    largest = shares.amax(-1)
    return largest, (shares == largest[..., None]).long().argmax(-1)
