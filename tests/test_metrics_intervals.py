"""Rank correlation and intervals, against SciPy, enumeration and the coverage that they promise."""

import math

import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given
from hypothesis import strategies as st

from gantut.metrics import binomial_interval, median_interval, rank_correlation

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture
def normal(rng, device):
    return lambda *shape: torch.randn(shape, dtype=torch.float64, generator=rng).to(device)


# -------------------------------------------------------------------------------------------------- rank correlation


@pytest.mark.parametrize("steps", [2, 3, 10, 101])
def test_it_is_scipys_with_ties_and_without(normal, steps):
    x, y = normal(5, steps), normal(5, steps)
    for curves in ((x, y), ((2 * x).round(), (2 * y).round())):
        curves = [torch.cat([c, torch.arange(steps).to(c)[None]]) for c in curves]  # at least one pair is not constant
        found = rank_correlation(*curves)
        for one, other, rho in zip(*curves, found, strict=True):
            if one.unique().numel() == 1 or other.unique().numel() == 1:
                assert rho.isnan()
            else:
                assert rho.item() == pytest.approx(scipy.stats.spearmanr(one.cpu(), other.cpu()).statistic, abs=1e-12)


@given(values=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=2, max_size=12))
def test_rising_maps_change_nothing_and_falling_ones_the_sign(values):
    x, y = torch.tensor(values, dtype=torch.float64).T
    if x.unique().numel() == 1 or y.unique().numel() == 1:
        with pytest.raises(ValueError, match="must not be constant"):
            rank_correlation(x, y)
        return
    rho = rank_correlation(x, y).item()
    assert -1 <= rho <= 1
    assert rank_correlation(y, x).item() == pytest.approx(rho, abs=1e-12)
    assert rank_correlation(x.exp(), y**3).item() == pytest.approx(rho, abs=1e-12)
    assert rank_correlation(-x, y).item() == pytest.approx(-rho, abs=1e-12)
    assert rank_correlation(x, x).item() == pytest.approx(1, abs=1e-12)


def test_curves_run_along_any_dimension_and_broadcast(normal):
    x, y = normal(9, 4), normal(9, 1)
    found = rank_correlation(x, y, dim=0)
    assert found.shape == (4,)
    for member in range(4):
        assert found[member].item() == pytest.approx(rank_correlation(x[:, member], y[:, 0]).item(), abs=1e-12)
    assert rank_correlation(x.T, y[:, 0]).tolist() == found.tolist()
    assert rank_correlation(x[:, :1], y, dim=0).shape == (1,)
    assert rank_correlation(x.float(), y.float(), dim=0).dtype == torch.float32


def test_members_without_an_order_are_nan_and_a_single_curve_is_refused(normal):
    x, y = normal(4, 6), normal(4, 6)
    x[1], x[2, 3], y[3, 0] = 5.0, math.nan, math.inf
    assert rank_correlation(x, y).isnan().tolist() == [False, True, True, True]
    for name, pair in (("x", (x[1], y[1])), ("y", (y[1], x[1]))):
        with pytest.raises(ValueError, match=f"{name} must not be constant"):
            rank_correlation(*pair)
    with pytest.raises(ValueError, match=r"x must be finite, but x\[3\] is nan"):
        rank_correlation(x[2], y[2])
    with pytest.raises(ValueError, match=r"y must be finite, but y\[0\] is inf"):
        rank_correlation(x[3], y[3])
    with pytest.raises(ValueError, match="at least 2 values"):
        rank_correlation(x[:, :1], y[:, :1])
    with pytest.raises(ValueError, match="same length"):
        rank_correlation(x, y[:, :5])


# --------------------------------------------------------------------------------------------------------- binomial


@pytest.mark.parametrize(("method", "scipys"), [("clopper-pearson", "exact"), ("wilson", "wilson")])
@pytest.mark.parametrize("level", [0.5, 0.95, 0.999])
def test_the_intervals_are_scipys(method, scipys, level):
    for n in (1, 2, 7, 16, 100):
        for successes in sorted({0, 1, n // 3, n // 2, n - 1, n}):
            low, share, high = binomial_interval(successes, n, level=level, method=method)
            expected = scipy.stats.binomtest(successes, n).proportion_ci(level, method=scipys)
            assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-10)  # SciPy's root finder
            assert share == successes / n
            assert 0 <= low <= share <= high <= 1
            assert (low == 0, high == 1) == (successes == 0, successes == n)


def test_clopper_and_pearson_cover_every_probability():
    n = 12
    intervals = [binomial_interval(s, n, level=0.9) for s in range(n + 1)]
    for p in np.linspace(0, 1, 1001):
        covered = sum(scipy.stats.binom.pmf(s, n, p) for s, (low, _, high) in enumerate(intervals) if low <= p <= high)
        assert covered >= 0.9 - 1e-12


def test_counts_must_be_counts():
    for successes, n in ((5, 4), (-1, 4), (1, 0), (1.5, 4), (True, 4), (math.nan, 4)):
        with pytest.raises(ValueError, match="must be"):
            binomial_interval(successes, n)
    for level in (0, 1, 95, math.nan, "0.95"):
        with pytest.raises(ValueError, match="level must be a number between 0 and 1"):
            binomial_interval(3, 4, level=level)
    with pytest.raises(ValueError, match="method must be one of"):
        binomial_interval(3, 4, method="exact")


# ----------------------------------------------------------------------------------------------------------- median


@pytest.mark.parametrize("level", [0.5, 0.9, 0.95, 0.99])
def test_the_interval_of_the_median_is_the_shortest_that_the_binomial_distribution_allows(device, level):
    for n in range(2, 60):
        # the l-th smallest and largest miss the median if fewer than l values fall to its left, or to its right
        chances = [1 - 2 * scipy.stats.binom.cdf(rank - 1, n, 0.5) for rank in range(1, (n + 1) // 2 + 1)]
        possible = [rank for rank, chance in enumerate(chances, 1) if chance >= level - 1e-13]
        values = torch.arange(1.0, n + 1, dtype=torch.float64, device=device)
        if not possible:
            with pytest.raises(
                ValueError, match=f"must be at least .* for an interval of level {level}, but there are {n}"
            ):
                median_interval(values, level=level)
            continue
        low, estimate, high = (value.item() for value in median_interval(values, level=level))
        assert (low, high) == (max(possible), n + 1 - max(possible))
        assert estimate == np.median(values.cpu())


def test_it_says_how_many_values_it_takes():
    for level, needed in ((0.95, 6), (0.99, 8), (0.5, 2)):
        with pytest.raises(ValueError, match=f"values must be at least {needed} for"):
            median_interval(torch.arange(needed - 1.0), level=level)
        assert median_interval(torch.arange(float(needed)), level=level).low == 0


def test_the_median_is_covered_as_often_as_promised(rng, device):
    values = torch.rand(4000, 15, dtype=torch.float64, generator=rng).to(device) ** 3  # the median is 1/8
    low, _, high = median_interval(values)
    exact = 1 - 2 * scipy.stats.binom.cdf(3, 15, 0.5)
    assert exact == pytest.approx(0.9648, abs=1e-4)
    covered = ((low <= 1 / 8) & (high >= 1 / 8)).double().mean().item()
    assert covered == pytest.approx(exact, abs=4 * math.sqrt(exact * (1 - exact) / 4000))


def test_values_must_be_finite_and_there_must_be_some(normal):
    values = normal(8)
    spoilt = values.clone()
    spoilt[5] = math.nan
    with pytest.raises(ValueError, match=r"values must be finite, but values\[5\] is nan"):
        median_interval(spoilt)
    with pytest.raises(ValueError, match="values must"):
        median_interval(values[:0])
