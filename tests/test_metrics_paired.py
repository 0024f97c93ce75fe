"""Paired differences: the sign-flip test, its interval, and how often each is wrong."""

import numpy as np
import pytest
import scipy.stats
import torch

from gantut.metrics import PairedDifference, paired_difference

pytestmark = pytest.mark.filterwarnings("error")


def draws(rng, pairs, shift=0.0):
    """Two populations that share what is large in both, and differ by `shift` on average."""
    shared = 5 * torch.randn(pairs, generator=rng, dtype=torch.float64)
    first, second = torch.randn(2, pairs, generator=rng, dtype=torch.float64)
    return shared + first + shift, shared + second


@pytest.mark.parametrize("pairs", [6, 9, 13])
@pytest.mark.parametrize("shift", [0.0, 1.0, 3.0])
def test_with_few_pairs_the_p_value_is_scipys_of_all_signs(rng, pairs, shift):
    first, second = draws(rng, pairs, shift)
    witness = scipy.stats.permutation_test(
        ((first - second).numpy(),), np.mean, permutation_type="samples", n_resamples=np.inf
    )
    found = paired_difference(first, second)
    assert found.p_value == pytest.approx(witness.pvalue, abs=1e-12)
    assert found.difference == pytest.approx(float((first - second).mean()))
    assert found.pairs == pairs


def test_with_many_pairs_it_is_near_the_one_of_students_test(rng):
    """Differences are normal here, where both tests agree up to 1 / pairs; 50,000 signs know .05 to within .001."""
    for shift in (0.1, 0.3, 0.6):
        first, second = draws(rng, 64, shift)
        witness = scipy.stats.ttest_rel(first, second).pvalue
        assert paired_difference(first, second).p_value == pytest.approx(witness, abs=0.01)


def test_the_interval_excludes_0_just_where_the_test_rejects_it(rng):
    apart = []
    for number in range(60):
        found = paired_difference(*draws(rng, 12, shift=number / 30))
        assert found.told_apart == (found.p_value < 0.05)
        apart.append(found.told_apart)
    assert 0 < sum(apart) < len(apart)  # both happened


def test_the_interval_misses_the_true_difference_as_often_as_it_says(rng):
    """400 times at the level 0.9: binomial, with a standard deviation of 6 around 40."""
    found = [paired_difference(*draws(rng, 10, shift=2.0), level=0.9) for _ in range(400)]
    missed = sum(not one.low <= 2.0 <= one.high for one in found)
    assert abs(missed - 40) < 4 * 6


def test_a_correction_for_many_comparisons_is_a_higher_level(rng):
    first, second = draws(rng, 20, shift=0.8)
    corrected, alone = paired_difference(first, second, comparisons=5), paired_difference(first, second)
    assert corrected[1:3] == paired_difference(first, second, level=0.99)[1:3]
    assert corrected.low < alone.low < alone.difference < alone.high < corrected.high
    assert corrected.p_value == alone.p_value


def test_what_pairs_share_does_not_matter(rng):
    """The spread of the seeds is a hundred times the difference: unpaired intervals overlap, the pairs tell it."""
    seeds = 100 * torch.randn(32, generator=rng, dtype=torch.float64)
    better = seeds + 1 + 0.1 * torch.randn(32, generator=rng, dtype=torch.float64)
    found = paired_difference(better, seeds)
    assert found.told_apart
    assert 0.9 < found.low < 1 < found.high < 1.1


def test_exchanged_populations_differ_by_the_opposite(rng):
    first, second = draws(rng, 11, shift=1.0)
    there, back = paired_difference(first, second), paired_difference(second, first)
    assert there.p_value == back.p_value
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low))


def test_populations_that_are_equal_are_not_told_apart():
    assert paired_difference([1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6]) == PairedDifference(0, 0, 0, 1, 6, 0.95)
    assert paired_difference(torch.ones(8), torch.zeros(8)).told_apart


def test_the_same_numbers_have_the_same_interval_whatever_was_drawn_before(rng, device):
    first, second = (values.to(device, torch.float32) for values in draws(rng, 40, shift=0.5))
    found = paired_difference(first, second)
    torch.rand(3)
    assert paired_difference(first, second) == found


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (([1.0] * 6, [1.0] * 7), {}, r"with_ and without must have one shape \(members,\), not \(6,\) and \(7,\)"),
        ((torch.ones(2, 6), torch.ones(2, 6)), {}, r"one shape \(members,\), not \(2, 6\) and \(2, 6\)"),
        (([1.0] * 5, [1.0] * 5), {}, "with_ must have at least 6 members to tell 1 apart, not 5"),
        (([1.0] * 8, [1.0] * 8), dict(comparisons=10), "at least 9 members to tell 10 apart, not 8"),
        (([1.0, float("nan")] * 4, [1.0] * 8), {}, "with_ must be finite"),
        (([1.0] * 8, [1.0] * 8), dict(comparisons=0), "comparisons"),
        (([1.0] * 8, [1.0] * 8), dict(level=1.0), "level"),
    ],
)
def test_wrong_input_is_named(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        paired_difference(*arguments, **options)
