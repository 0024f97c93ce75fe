"""Two populations whose members share seeds: by how much do they differ, and can the seeds alone explain it?"""

import math
from typing import NamedTuple

import torch

from gantut import _inputs

TILE = 1 << 22  # signs at a time
FLIPS = 50_000  # so that a p-value of 0.05 / 20 is still known to within a tenth of itself


class PairedDifference(NamedTuple):
    """A mean difference of pairs, the interval of those that the pairs do not reject, and its p-value.

    Attributes
    ----------
    difference, low, high : float
        Mean of the first minus the second; the interval holds at `level` for all comparisons together.
    p_value : float
        Of no difference, in this comparison alone.
    pairs : int
    level : float
    told_apart : bool
        Whether 0 lies outside the interval.

    See Also
    --------
    paired_difference : makes one.

    Examples
    --------
    >>> PairedDifference(difference=0.4, low=0.1, high=0.7, p_value=0.01, pairs=16, level=0.95).told_apart
    True
    """

    difference: float
    low: float
    high: float
    p_value: float
    pairs: int
    level: float

    @property
    def told_apart(self) -> bool:
        """Whether 0 lies outside the interval."""
        return not self.low <= 0 <= self.high


@torch.no_grad()
def paired_difference(with_, without, *, comparisons: int = 1, level: float = 0.95) -> PairedDifference:
    r"""Compare two populations, member by member, by the mean difference of members that share a seed.

    If the two did not differ, each difference :math:`d_i` could as well have had the other sign. Random signs
    :math:`s_i = \pm 1` therefore say how far from 0 a mean gets by chance:

    .. math:: p(\delta) = P\Big(\Big|\sum_i s_i (d_i - \delta)\Big| \ge \Big|\sum_i (d_i - \delta)\Big|\Big),

    the p-value is :math:`p(0)`, and the interval holds the shifts :math:`\delta` with
    :math:`p(\delta) \ge (1 - \text{level}) / \text{comparisons}`: it excludes 0 just where the test rejects it.

    Parameters
    ----------
    with_, without : tensor, array or list, shape (members,)
        Finite numbers; entry i of both comes from the same seed.
    comparisons : int
        How many comparisons are made and told of: the interval is widened so that all of them hold together at
        `level` (Bonferroni).
    level : float
        Strictly between 0 and 1.

    Returns
    -------
    PairedDifference
        The same for the same numbers: the signs come from a generator of their own, and few pairs take all signs.

    Raises
    ------
    ValueError
        If the numbers are not finite, too large to be added up, or do not pair; if they are too few for any outcome to
        be told apart (fewer than 6 pairs for one comparison at 0.95), or comparisons too many for the p-values of
        random signs (some 1000 of 17 pairs and more at 0.95); if `comparisons` or `level` is not allowed.

    See Also
    --------
    median_interval, binomial_interval : of one population.

    Notes
    -----
    Intervals of two populations that overlap are no test: they ignore the pairs, and twice the spread of one is more
    than the spread of a difference.

    References
    ----------
    Fisher (1935), *The Design of Experiments*, section 21.

    Examples
    --------
    >>> seeds = torch.arange(16.0)
    >>> found = paired_difference(seeds + 1.5 + seeds.cos(), seeds)
    >>> round(found.difference, 1), found.told_apart
    (1.5, True)
    """
    comparisons, level = _inputs.count("comparisons", comparisons), _inputs.level("level", level)
    pair = {"with_": with_, "without": without}
    first, second = (_inputs.floating(name, values).detach().cpu().double() for name, values in pair.items())
    for name, values in (("with_", first), ("without", second)):
        _inputs.finite_entries(name, values)
        if not math.isfinite(4 * values.abs().sum()):
            raise ValueError(f"{name} must be small enough to be added up, but reaches {values.abs().max().item():.3g}")
    if first.ndim != 1 or first.shape != second.shape:
        shapes = f"{_inputs.shape(first)} and {_inputs.shape(second)}"
        raise ValueError(f"with_ and without must have one shape (members,), not {shapes}")
    alpha, pairs = (1 - level) / comparisons, len(first)
    if 2.0 ** (1 - pairs) >= alpha:  # a p-value that is as small is none that rejects
        least = math.floor(2 - math.log2(alpha))
        raise ValueError(f"with_ must have at least {least} members to tell {comparisons} apart, not {pairs}")
    differences = first - second
    sums = [(signs @ differences, signs.sum(1)) for signs in _signs(pairs)]
    flipped = tuple(map(torch.cat, zip(*sums, strict=True)))  # for every shift: the first less the shift's multiple
    least = float((flipped[1].abs() == pairs).double().mean())  # p-value, if all differences have one sign
    if least >= alpha:
        raise ValueError(f"comparisons must be fewer: p-values of random signs, {pairs} each, are at least {least:.2g}")
    low, high = (_end(differences, flipped, alpha, side) for side in (-1, 1))
    return PairedDifference(float(differences.mean()), low, high, _p_value(differences, flipped, 0.0), pairs, level)


def _signs(pairs):
    """Yield all signs of few pairs, or random ones, in parts that fit in memory; the first are +1, as observed."""
    if 2**pairs <= FLIPS:
        flips = torch.arange(2**pairs, device="cpu")[:, None]
        yield 1.0 - 2 * (flips >> torch.arange(pairs, device="cpu") & 1).double()  # (flips, pairs)
        return
    source, rows = torch.Generator().manual_seed(0), max(1, TILE // pairs)
    for start in range(0, FLIPS, rows):
        bits = torch.randint(2, (min(rows, FLIPS - start), pairs), generator=source, device="cpu")
        bits[0] *= start > 0
        yield 1.0 - 2 * bits.double()


def _p_value(differences, flipped, shift):
    sums = flipped[0] - shift * flipped[1]
    rounding = 1e-12 * (differences.abs().sum() + abs(shift) * len(differences))
    return float((sums.abs() >= sums[0].abs() - rounding).double().mean())


def _end(differences, flipped, alpha, side):
    """Find where the test begins to reject, on one side of the mean, by halving."""
    kept, rejected = float(differences.mean()), float(differences.max() if side > 0 else differences.min())
    rejected += side * float((differences.max() - differences.min()) + abs(kept) * 1e-9)
    for _ in range(50):
        middle = (kept + rejected) / 2
        if _p_value(differences, flipped, middle) >= alpha:
            kept = middle
        else:
            rejected = middle
    return kept
