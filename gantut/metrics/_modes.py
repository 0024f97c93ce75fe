"""Modes of a known mixture: which are covered, how well, and which dominates."""

from typing import NamedTuple

import torch

from gantut import _inputs
from gantut.data import GaussianMixture
from gantut.metrics._populations import population, suited_unit


class ModeCoverage(NamedTuple):
    """What :func:`mode_coverage` returns."""

    shares: torch.Tensor
    covered: torch.Tensor
    high_quality_fraction: torch.Tensor
    leading: torch.Tensor
    leading_share: torch.Tensor


@torch.no_grad()
def mode_coverage(samples, distribution, *, share=0.01, within=3.0):
    r"""Return how samples are distributed over the modes of a known mixture.

    Each sample belongs to the nearest centre, and is of high quality if it lies within three standard deviations of it:

    .. math:: k(x) = \arg\min_k \|x - \mu_k\|, \qquad \|x - \mu_{k(x)}\| \le 3\, s_{k(x)}.

    A mode is covered if at least 1% of the samples belong to it and at least one of them is of high quality.

    Parameters
    ----------
    samples : tensor, shape (..., n, d), floating point
        For a population (members, n, d); a distribution on the line has d = 1.
    distribution : GaussianMixture
        On the device of the samples.
    share : float
        The smallest fraction of the samples that covers a mode, strictly between 0 and 1.
    within : float
        How many standard deviations of the mode count as high quality.

    Returns
    -------
    shares : tensor, shape (..., modes)
        The fraction of the samples in each mode; they sum to 1. As the next ones, in the dtype of the samples, and NaN
        for a member whose samples are not finite.
    covered : tensor, shape (...)
        How many modes are covered.
    high_quality_fraction : tensor, shape (...)
        The fraction of samples of high quality.
    leading : tensor of int64, shape (...)
        The mode with the largest share, the first if there are several; -1 for a member that has diverged.
    leading_share : tensor, shape (...)
        Its share. All are fields of a named tuple.

    Raises
    ------
    ValueError
        If there are no samples, a single point cloud is not finite, or samples and distribution differ in dimension or
        device.

    See Also
    --------
    exact_w1, precision_recall : when the modes are not known.
    gantut.data.ring, gantut.data.grid

    Notes
    -----
    It sees which modes are missing, and mass between the modes. It does not see the spread inside a mode: eight points,
    one on each centre, are a perfect score. Of n samples, fewer than ``share`` may be in a mode of weight w by chance
    if n w is small. The distribution itself has a high-quality fraction of :math:`P(\chi^2_d \le 9)` if its modes are
    far apart: 0.99730 for d = 1, :math:`1 - e^{-9/2} = 0.98889` for d = 2, and almost none for large d.

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
    centres, stds = _centres(distribution, samples)
    clouds = population("samples", samples)
    modes, n, d = len(centres), *samples.shape[-2:]
    unit = suited_unit(centres, clouds.values)
    nearest, squared = _nearest(clouds.values.reshape(-1, d) / unit, centres / unit)  # (members n)
    good = squared <= (within * stds[nearest] / unit).square()
    member = torch.arange(len(nearest), device=nearest.device) // n
    cell = member * modes + nearest  # one for each mode of each member
    cells = clouds.alive.numel() * modes
    counts, counts_good = (
        torch.bincount(own, minlength=cells).reshape((*clouds.batch, modes)) for own in (cell, cell[good])
    )
    shares = counts.double() / n  # in double precision: 7 of 100 are 0.07, exactly as the caller writes it
    covered = (shares >= share) & (counts_good > 0)
    highest, leading = _first_largest(shares)
    return ModeCoverage(
        shares=clouds.answer(shares, own=1),
        covered=clouds.answer(covered.sum(-1).double()),
        high_quality_fraction=clouds.answer(counts_good.sum(-1).double() / n),
        leading=leading.masked_fill(~clouds.alive, -1),
        leading_share=clouds.answer(highest),
    )


def _centres(distribution, samples):
    """Return the centres (modes, d) and standard deviations (modes,) of a mixture that matches the samples."""
    if not isinstance(distribution, GaussianMixture):
        raise ValueError(f"distribution must be a gantut.data.GaussianMixture, not {type(distribution).__name__}")
    if distribution.device != samples.device:
        raise ValueError(
            f"samples and distribution must be on one device, but are on {samples.device} and {distribution.device}"
        )
    centres = distribution.means.detach().double().reshape(len(distribution.means), -1)
    _inputs.same_dimension(samples=samples, distribution=centres)
    return centres, distribution.stds.detach().double()


def _nearest(points, centres):
    """Return the nearest centre of each point and the squared distance to it, mode by mode to save memory."""
    points = points.T.contiguous()  # (d, points)
    nearest = torch.zeros(points.shape[1], dtype=torch.int64, device=points.device)
    least = points.new_full(points.shape[1:], torch.inf)
    for k, centre in enumerate(centres):
        squared = (points - centre[:, None]).square_().sum(0)
        nearest.masked_fill_(squared < least, k)
        torch.minimum(least, squared, out=least)
    return nearest, least


def _first_largest(shares):
    """Return the largest share and the first index that has it, the same on every device."""
    largest = shares.amax(-1)
    return largest, (shares == largest[..., None]).long().argmax(-1)
