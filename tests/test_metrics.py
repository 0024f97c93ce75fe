"""Metrics of populations, modes, classes and exact W1, against loops over the definitions, closed forms and SciPy."""

import math

import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given
from hypothesis import strategies as st

from gantut import metrics
from gantut.data import gaussian, gaussian_mixture, grid, ring, uniform
from gantut.lessons.linear_program import linear_program
from gantut.metrics import (
    certified_w1,
    effective_classes,
    exact_w1,
    inception_score,
    mode_coverage,
)
from gantut.transport import emd_points

pytestmark = pytest.mark.filterwarnings("error")

NAN, INF = math.nan, math.inf


def tensor(values, device="cpu", dtype=torch.float64):
    return torch.tensor(values, dtype=dtype, device=device)


@pytest.fixture
def normal(rng, device):
    return lambda *shape: torch.randn(shape, dtype=torch.float64, generator=rng).to(device)


# -------------------------------------------------------------------------------------- any metric, any population

REFERENCE = torch.randn(30, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(7))


def against(metric):
    return lambda x: metric(x, REFERENCE.to(x))


def moments(x):
    mean = x.mean(-2)
    away = x - mean[..., None, :]
    cov = away.mT @ away / x.shape[-2]
    return metrics.frechet_distance(mean, cov, REFERENCE.to(x).mean(0), REFERENCE.to(x).T.cov())


def verdicts(x):
    return x.softmax(-1) + 0 * x.square()  # what is not finite, or too large, stays not a number


# each maps samples (..., n, 2) to answers (...)
METRICS = {
    "covered": lambda x: mode_coverage(x, ring(8, device=x.device)).covered,
    "high_quality_fraction": lambda x: mode_coverage(x, ring(8, device=x.device), within=9.0).high_quality_fraction,
    "shares": lambda x: mode_coverage(x, ring(8, device=x.device)).shares[..., 2],
    "leading_share": lambda x: mode_coverage(x, ring(8, device=x.device)).leading_share,
    "exact_w1": against(exact_w1),
    "exact_w1 on the line": lambda x: exact_w1(x[..., :1], REFERENCE.to(x)[:, :1]),
    "certified_w1": lambda x: certified_w1(x, REFERENCE.to(x), x.sum(-1), REFERENCE.to(x).sum(-1)),
    "precision": lambda x: metrics.precision_recall(x, REFERENCE.to(x)).precision,
    "recall": lambda x: metrics.precision_recall(x, REFERENCE.to(x)).recall,
    "density": lambda x: metrics.density_coverage(x, REFERENCE.to(x)).density,
    "coverage": lambda x: metrics.density_coverage(x, REFERENCE.to(x)).coverage,
    "frechet_distance": moments,
    "fid": against(metrics.fid),
    "kid": against(metrics.kid),
    "nearest_neighbour_distance": metrics.nearest_neighbour_distance,
    "mean_distance": metrics.mean_distance,
    "nearest_training_distance": lambda x: metrics.nearest_training_distance(x, REFERENCE.to(x)).distance.mean(-1),
    "effective_classes": lambda x: effective_classes(verdicts(x)),
    "inception_score": lambda x: inception_score(verdicts(x)),
}
everywhere = pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS.keys())


@everywhere
def test_a_member_is_measured_as_it_would_be_alone(metric, normal):
    samples = normal(2, 3, 20, 2)
    together = metric(samples)
    assert together.shape == (2, 3)
    assert together.unique().numel() > 1  # the metric does tell members apart
    alone = torch.stack([torch.stack([metric(x) for x in row]) for row in samples])
    assert alone[0, 0].shape == ()
    torch.testing.assert_close(together, alone, rtol=1e-9, atol=1e-12)  # solvers batch their matrix products


@everywhere
@pytest.mark.parametrize("bad", [NAN, INF, -INF, 1e200])
def test_a_diverged_member_is_nan_and_costs_the_others_nothing(metric, normal, bad):
    samples = normal(3, 20, 2)
    spoilt = samples.clone()
    spoilt[1, 4] = bad
    found, healthy = metric(spoilt), metric(samples)
    assert found.isnan().tolist() == [False, True, False]
    assert not healthy.isnan().any()
    torch.testing.assert_close(found[[0, 2]], healthy[[0, 2]], rtol=1e-12, atol=0)


@everywhere
@pytest.mark.parametrize("bad", [NAN, INF])
def test_a_single_cloud_that_is_not_finite_is_refused(metric, normal, bad):
    samples = normal(20, 2)
    samples[7] = bad
    with pytest.raises(ValueError, match=r"must be finite, but \w+\[.*\] is (nan|inf)"):
        metric(samples)


@everywhere
def test_the_order_of_the_samples_does_not_matter(metric, normal, rng):
    samples = normal(2, 20, 2)
    shuffled = samples[:, torch.randperm(20, generator=rng).to(samples.device)]
    torch.testing.assert_close(metric(shuffled), metric(samples), rtol=1e-9, atol=1e-12)


@everywhere
def test_answers_keep_dtype_and_device_and_carry_no_gradient(metric, normal):
    double = normal(2, 20, 2)
    single = double.float().requires_grad_()
    answer = metric(single)
    assert (answer.dtype, answer.device, answer.requires_grad) == (torch.float32, double.device, False)
    torch.testing.assert_close(answer.double(), metric(single.detach().double()), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", sorted(METRICS.keys() - {"frechet_distance", "exact_w1 on the line"}))
@pytest.mark.parametrize("shape", [(20,), (0, 2), (3, 0, 2), (20, 0)])
def test_clouds_must_have_points(name, shape, device):
    with pytest.raises(ValueError, match=r"\w+ must be points of shape \(\.\.\., n, d\), n and d at least 1, but has"):
        METRICS[name](torch.zeros(shape, dtype=torch.float64, device=device))


PAIRS = {
    "exact_w1": exact_w1,
    "precision_recall": metrics.precision_recall,
    "density_coverage": metrics.density_coverage,
    "fid": metrics.fid,
    "kid": metrics.kid,
    "nearest_training_distance": metrics.nearest_training_distance,
}
pairs = pytest.mark.parametrize("metric", PAIRS.values(), ids=PAIRS.keys())


@pairs
def test_a_reference_must_be_finite_even_in_a_population(metric, normal):
    reference = normal(3, 10, 2)
    reference[2, 3, 1] = NAN
    with pytest.raises(ValueError, match=r"(reference|data) must be finite, but (reference|data)\[2, 3, 1\] is nan"):
        metric(normal(3, 10, 2), reference)
    with pytest.raises(ValueError, match="must be small enough to be squared"):
        metric(normal(3, 10, 2), normal(10, 2) * 1e180)


@pairs
def test_clouds_must_go_together(metric, normal):
    with pytest.raises(ValueError, match="same dimension d, but have 2 and 3"):
        metric(normal(10, 2), normal(10, 3))
    with pytest.raises(ValueError, match="broadcast"):
        metric(normal(3, 10, 2), normal(4, 10, 2))
    with pytest.raises(ValueError, match="floating point"):
        metric(normal(10, 2).bool(), normal(10, 2))


@pairs
def test_dtypes_may_be_mixed_and_arrays_and_lists_are_taken(metric, normal):
    samples, reference = normal(10, 2).float(), normal(10, 2)
    wanted = metric(samples.double(), reference)
    for mixed in ((samples, reference), (samples, reference.cpu().numpy()), (samples, reference.tolist())):
        found = metric(*mixed)
        for one, other in zip(found, wanted, strict=True) if isinstance(found, tuple) else [(found, wanted)]:
            assert torch.equal(one, other)  # in the wider of both dtypes, on the device of the tensor


@pairs
def test_each_member_may_have_a_reference_of_its_own(metric, normal):
    samples, references = normal(3, 12, 2), normal(2, 1, 10, 2)
    samples[1] = NAN
    found = metric(samples, references)  # populations (3,) and (2, 1): all six pairs
    found = found if isinstance(found, torch.Tensor) else found[0]
    assert found.shape[:2] == (2, 3)
    assert found.reshape(2, 3, -1).isnan().all(-1).tolist() == [[False, True, False]] * 2
    for i, reference in enumerate(references[:, 0]):
        for j in (0, 2):
            alone = metric(samples[j], reference)
            alone = alone if isinstance(alone, torch.Tensor) else alone[0]
            torch.testing.assert_close(found[i, j], alone, rtol=1e-9, atol=1e-12)


# ---------------------------------------------------------------------------------------------------------- modes


def modes_by_hand(samples, centres, scales, share, within):
    """The definition, sample by sample, in plain Python."""
    counts, good = [0] * len(centres), [0] * len(centres)
    for point in samples.tolist():
        apart = [math.dist(point, centre) for centre in centres]
        k = apart.index(min(apart))
        counts[k] += 1
        good[k] += apart[k] <= within * scales[k]
    n = len(samples)
    covered = sum(c / n >= share and g > 0 for c, g in zip(counts, good, strict=True))
    return [c / n for c in counts], covered, sum(good) / n, counts.index(max(counts))


@pytest.mark.parametrize("d", [1, 2, 3])
def test_modes_are_counted_as_defined(normal, rng, device, d):
    for share, within in ((0.01, 3.0), (0.07, 1.0), (0.2, 2.0)):
        centres = normal(6, d)
        scales = torch.rand(6, dtype=torch.float64, generator=rng).to(device) / 5 + 0.01
        distribution = gaussian_mixture(centres[:, 0] if d == 1 else centres, scales, device=device)
        samples = normal(4, 100, d)
        found = mode_coverage(samples, distribution, share=share, within=within)
        for member, x in enumerate(samples):
            shares, covered, good, leading = modes_by_hand(x, centres.tolist(), scales.tolist(), share, within)
            assert found.shares[member].tolist() == shares
            assert found.covered[member].item() == covered
            assert found.high_quality_fraction[member].item() == good
            assert (found.leading[member].item(), found.leading_share[member].item()) == (leading, max(shares))


@pytest.mark.parametrize(("distribution", "d"), [(gaussian(0.0, 0.3), 1), (ring(8), 2), (grid(5), 2)])
def test_an_exact_sampler_has_the_chi_squared_share(distribution, d, rng, device):
    samples = distribution.sample((40, 2500), generator=rng).reshape(40, 2500, -1).to(device)
    found = mode_coverage(samples, distribution.to(device))
    exact = scipy.stats.chi2(d).cdf(9)
    if d == 2:
        assert exact == pytest.approx(1 - math.exp(-4.5), rel=1e-14)
    assert (found.covered == len(distribution.means)).all()
    # 100,000 draws: a standard error of at most 0.0004; neighbouring modes add or take less than 1e-5
    assert found.high_quality_fraction.mean().item() == pytest.approx(exact, abs=0.0016)


def test_a_point_mass_covers_one_mode_and_a_point_between_none(device):
    distribution = ring(8, device=device)
    on, off = distribution.means[3].expand(100, 2), torch.zeros(100, 2, dtype=torch.float64, device=device)
    found = mode_coverage(torch.stack([on, off]), distribution)
    assert found.covered.tolist() == [1, 0]
    assert found.high_quality_fraction.tolist() == [1, 0]
    assert found.leading.tolist()[0] == 3
    assert found.leading_share.tolist() == [1, 1]  # from the centre of the ring all are as near: see the next test


def test_the_first_of_equal_modes_leads_and_takes_the_sample_between(device):
    distribution = gaussian_mixture([[0.0], [1.0], [3.0]], 0.1, device=device)
    samples = tensor([[0.5], [2.0], [2.9], [3.0]], device)
    assert mode_coverage(samples, distribution).shares.tolist() == [0.25, 0.25, 0.5]
    assert mode_coverage(samples[:2], distribution).leading.item() == 0


@pytest.mark.parametrize(("few", "n"), [(7, 100), (25, 2500), (3, 300)])
def test_a_mode_at_exactly_the_least_share_is_covered_and_one_sample_less_is_not(few, n, device):
    distribution = gaussian_mixture([[0.0], [1.0]], 0.1, device=device)
    samples = (torch.arange(n, device=device) < few).to(torch.float32)[:, None]
    assert mode_coverage(samples, distribution, share=few / n).covered.item() == 2
    samples[0] = 0
    assert mode_coverage(samples, distribution, share=few / n).covered.item() == 1


def test_standard_deviations_are_closed_and_those_of_the_own_mode(device):
    distribution = gaussian_mixture([[0.0], [10.0]], [0.5, 1.0], device=device)
    samples = tensor([[1.5], [1.5000001], [7.0], [6.9999999]], device)
    assert mode_coverage(samples, distribution).high_quality_fraction.item() == 0.5
    assert mode_coverage(samples, distribution, within=3.1).high_quality_fraction.item() == 1
    assert (
        mode_coverage(samples[:2], distribution).high_quality_fraction.item()
        == mode_coverage(samples[2:], distribution).high_quality_fraction.item()
        == 0.5
    )


def test_far_samples_in_single_precision_still_have_a_nearest_mode(device):
    distribution = ring(4, radius=1e24, std=1.0, device=device)
    samples = (distribution.means * 1.5).float()  # their squares are beyond single precision
    assert mode_coverage(samples, distribution).shares.tolist() == [0.25] * 4


def test_a_diverged_member_has_no_leading_mode(normal, device):
    samples = normal(3, 50, 2)
    samples[1, 0, 0] = INF
    found = mode_coverage(samples, ring(8, device=device))
    assert found.leading[1].item() == -1
    assert (found.leading[[0, 2]] >= 0).all()
    assert found.leading.dtype == torch.int64
    assert found.shares[1].isnan().all()


@given(angle=st.floats(-10, 10), shift=st.floats(-5, 5), factor=st.floats(0.1, 10))
def test_modes_do_not_depend_on_where_and_how_large_the_picture_is(angle, shift, factor):
    distribution, source = ring(8), torch.Generator().manual_seed(1)
    samples = distribution.sample((3, 200), generator=source) * 1.1
    turn = factor * tensor([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    moved = gaussian_mixture(distribution.means @ turn + shift, distribution.stds * factor)
    for one, other in zip(
        mode_coverage(samples, distribution), mode_coverage(samples @ turn + shift, moved), strict=True
    ):
        assert torch.equal(one, other)


def test_modes_need_a_mixture_of_the_same_space(device, normal):
    with pytest.raises(ValueError, match=r"distribution must be a gantut\.data\.GaussianMixture"):
        mode_coverage(normal(10, 2), uniform(0, 1))
    with pytest.raises(ValueError, match="same dimension d, but have 2 and 1"):
        mode_coverage(normal(10, 2), gaussian(0, 1, device=device))
    for name, bad in (("share", 0), ("share", 1.5), ("share", NAN), ("within", 0), ("within", "3")):
        with pytest.raises(ValueError, match=f"{name} must be"):
            mode_coverage(normal(10, 2), ring(device=device), **{name: bad})


# -------------------------------------------------------------------------------------------------------- classes


def test_the_inception_scores_of_the_ledger(device):
    certain = torch.eye(10, dtype=torch.float64, device=device)
    uniform_verdicts = torch.full((50, 10), 0.1, dtype=torch.float64, device=device)
    collapsed = certain[:1].expand(50, 10)
    balanced, one_each = certain.repeat(5, 1), certain.repeat_interleave(5, 0)
    for verdicts, score in ((balanced, 10), (uniform_verdicts, 1), (collapsed, 1), (one_each, 10)):
        assert inception_score(verdicts).item() == pytest.approx(score, abs=1e-12)  # logarithms and back: rounding


def test_the_inception_score_is_the_double_sum_of_its_paper(random_distributions):
    p = random_distributions(3, 40, 5, zeros=0.3)
    score = inception_score(p)
    for member, verdicts in enumerate(p.tolist()):
        mean = [sum(column) / 40 for column in zip(*verdicts, strict=True)]
        total = sum(q * math.log(q / m) for row in verdicts for q, m in zip(row, mean, strict=True) if q > 0)
        assert score[member].item() == pytest.approx(math.exp(total / 40), rel=1e-12)


def test_effective_classes_are_the_exponential_of_scipys_entropy(random_distributions, rng, device):
    p = random_distributions(4, 30, 6, zeros=0.5)
    labels = torch.randint(0, 7, (4, 50), generator=rng).to(device)
    labels[1] = 3
    for member in range(4):
        expected = math.exp(scipy.stats.entropy(p[member].mean(0).cpu()))
        assert effective_classes(p)[member].item() == pytest.approx(expected, rel=1e-12)
        expected = math.exp(scipy.stats.entropy(torch.bincount(labels[member]).double().cpu()))
        assert effective_classes(labels)[member].item() == pytest.approx(expected, rel=1e-12)
    assert effective_classes(labels)[1].item() == 1
    assert effective_classes(torch.arange(20, device=device) * 1000).item() == pytest.approx(20, rel=1e-12)


@given(shares=st.lists(st.integers(1, 20), min_size=1, max_size=8), seed=st.integers(0, 1000))
def test_certain_verdicts_score_their_effective_classes(shares, seed):
    labels = torch.arange(len(shares)).repeat_interleave(torch.tensor(shares))
    labels = labels[torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))]
    certain = torch.nn.functional.one_hot(labels, 9).double()
    classes = effective_classes(labels).item()
    assert inception_score(certain).item() == pytest.approx(classes, rel=1e-12)
    assert effective_classes(certain).item() == pytest.approx(classes, rel=1e-12)
    assert 1 <= classes <= len(shares)


@pytest.mark.parametrize("score", [inception_score, effective_classes])
def test_verdicts_must_be_distributions(score, device):
    for bad, message in (
        ([[1.1, -0.1]], "finite and non-negative"),
        ([[0.5, 0.6]], "add up to 1"),
        ([[[0.5, 0.5]], [[0.5, 0.6]]], "add up to 1"),
        ([[[NAN, 0.5]], [[1.1, -0.1]]], "finite and non-negative"),  # a diverged member does not excuse another
    ):
        with pytest.raises(ValueError, match=message):
            score(tensor(bad, device))


def test_a_diverged_member_has_no_effective_classes(device):
    labels = torch.tensor([[0, 1], [-1, 1], [2, 2]], device=device)
    found = effective_classes(labels)
    assert found.isnan().tolist() == [False, True, False]
    assert found[[0, 2]].tolist() == pytest.approx([2, 1], abs=1e-12)
    with pytest.raises(ValueError, match="from -1 on, but one is -2"):
        effective_classes(labels - 1)


def test_lists_and_arrays_are_read_in_double_precision():
    assert effective_classes([0, 0, 1]).dtype == effective_classes([[0.2, 0.8]]).dtype == torch.float64
    assert effective_classes(np.array([[0.5, 0.5]], dtype=np.float32)).dtype == torch.float32
    assert inception_score([[1.0, 0.0], [0.0, 1.0]]).item() == pytest.approx(2, abs=1e-12)


def test_labels_must_be_whole_numbers_from_zero_on():
    for bad, message in (
        (torch.tensor([0, -1]), "from 0 on, but one is -1"),
        (torch.tensor([True, False]), "whole numbers, not torch.bool"),
        (torch.zeros(3, 0, dtype=torch.int64), "n at least 1"),
        (torch.tensor([0.0, 1.0]), "points of shape"),  # floating point means probabilities
    ):
        with pytest.raises(ValueError, match=message):
            effective_classes(bad)


def test_what_softmax_returns_in_single_precision_is_accepted(normal):
    score = inception_score((5 * normal(3, 500, 1000).float()).softmax(-1))
    assert ((score > 1) & (score < 1000)).all()


# -------------------------------------------------------------------------------------------------------- exact W1


@pytest.mark.parametrize(("n", "m"), [(6, 6), (5, 9), (1, 7)])
def test_w1_is_the_linear_program(normal, n, m):
    samples, reference = normal(3, n, 2), normal(m, 2)
    a, b = (torch.full((k,), 1 / k, dtype=torch.float64, device=samples.device) for k in (n, m))
    for x, value in zip(samples, exact_w1(samples, reference), strict=True):
        cost = (x[:, None] - reference).norm(dim=-1)
        assert value.item() == pytest.approx(linear_program(a, b, cost).value.item(), abs=1e-7)  # HiGHS's tolerance


def test_w1_on_the_line_is_scipys_and_agrees_with_the_plane(normal):
    samples, reference = normal(4, 30, 1), normal(20, 1)
    value = exact_w1(samples, reference)
    for x, found in zip(samples, value, strict=True):
        expected = scipy.stats.wasserstein_distance(x[:, 0].cpu(), reference[:, 0].cpu())
        assert found.item() == pytest.approx(expected, rel=1e-12)
    flat = exact_w1(*(torch.cat([t, torch.ones_like(t)], -1) for t in (samples, reference)))
    torch.testing.assert_close(flat, value, rtol=1e-10, atol=0)


def test_w1_of_a_shift_is_its_length_whatever_the_size_of_a_batch(normal, monkeypatch):
    reference, shifts = normal(25, 3), normal(7, 1, 3)
    lengths = shifts[:, 0].norm(dim=-1)
    torch.testing.assert_close(exact_w1(reference + shifts, reference), lengths, rtol=1e-12, atol=0)
    monkeypatch.setattr("gantut.metrics._transport.ENTRIES", 2 * 25 * 25)  # batches of two, the last one of one
    torch.testing.assert_close(exact_w1(reference + shifts, reference), lengths, rtol=1e-12, atol=0)


def test_w1_of_a_population_that_has_all_diverged_is_nan(normal):
    assert exact_w1(normal(3, 5, 2) * NAN, normal(5, 2)).isnan().tolist() == [True] * 3


# ------------------------------------------------------------------------------------ what a critic proves about it


def steepest(x, y, f, g):
    """The largest slope between two sets of points, by a plain loop over pairs that do not coincide."""
    return max(
        abs(a - b) / math.dist(p, q)
        for p, a in zip(x.tolist(), f.tolist(), strict=True)
        for q, b in zip(y.tolist(), g.tolist(), strict=True)
        if p != q
    )


@pytest.mark.parametrize(("n", "m", "d"), [(1, 1, 1), (7, 7, 2), (5, 9, 3), (12, 4, 1)])
def test_what_scores_prove_lies_between_their_difference_over_the_largest_slope_and_w1(normal, n, m, d):
    for trial in range(20):
        x, y, f, g = normal(n, d), normal(m, d) + trial / 5, normal(n), normal(m)
        proved = certified_w1(x, y, f, g)
        assert proved <= exact_w1(x, y)  # not even by a rounding error
        assert proved >= abs(f.mean() - g.mean()) / steepest(x, y, f, g) - 1e-12


def test_it_takes_the_best_factor_on_either_side(normal):
    """Against a fine grid of factors, in the words of weak duality."""
    s = torch.linspace(-20, 20, 4001, dtype=torch.float64)
    for _ in range(10):
        x, y, f, g = normal(8, 2), normal(6, 2) + 1, normal(8), normal(6)
        cost = (x[:, None] - y).norm(dim=-1)
        from_x = (s * f.mean().cpu()) + (cost - s[:, None, None].to(x) * f[:, None]).amin(1).mean(1).cpu()
        from_y = (s * g.mean().cpu()) + (cost - s[:, None, None].to(x) * g).amin(2).mean(1).cpu()
        assert certified_w1(x, y, f, g).item() >= max(from_x.max().item(), from_y.max().item()) - 1e-12


def test_a_potential_on_one_side_in_any_unit_proves_all_of_w1(normal):
    x, y = normal(15, 2), normal(11, 2) + 1
    solved = emd_points(x, y)
    for f, g in ((-7 * solved.f + 100, normal(11)), (normal(15), 1e-6 * solved.g)):
        assert certified_w1(x, y, f, g).item() == pytest.approx(solved.value.item(), rel=1e-12)


def test_a_constant_critic_proves_no_less_than_the_distance_to_the_nearest_point(normal):
    x, y = normal(3, 9, 2), normal(6, 2)
    cost = (x[:, :, None] - y).norm(dim=-1)
    nearest = torch.maximum(cost.amin(1).mean(-1), cost.amin(2).mean(-1))
    found = certified_w1(x, y, torch.zeros(3, 9).to(x), torch.zeros(6).to(x))
    assert (found >= nearest - 1e-12).all()
    assert (found <= exact_w1(x, y)).all()


def test_points_that_coincide_do_no_harm(normal):
    x, f = normal(12, 3), 1e9 * normal(12)
    assert certified_w1(x, x, f, f) == 0  # W1 is 0, whatever the scores
    assert certified_w1(x[:1].expand(12, 3), x[:1], f, f[:1]) == 0
    y = torch.cat([x[:6], x[6:] + 5.0])
    assert certified_w1(x, y, x[:, 0], y[:, 0]) <= exact_w1(x, y)


@pytest.mark.parametrize("far", [1e4, 1e7])
def test_single_precision_far_from_the_origin_still_proves_all_and_never_more(normal, far):
    x, y = (normal(40, 2) + far).float(), (normal(40, 2) + far + 3).float()
    solved = emd_points(x.double(), y.double())
    proved = certified_w1(x, y, solved.f.float(), -solved.g.float())
    assert proved <= exact_w1(x, y)
    assert proved.item() == pytest.approx(solved.value.item(), rel=1e-5)  # the scores have seven digits


def test_members_with_scores_that_are_not_finite_are_nan_and_others_are_not(normal):
    x, y, f, g = normal(3, 5, 2), normal(4, 2), normal(3, 5), normal(3, 4)
    f[1, 2], g[2, 0] = NAN, INF
    assert certified_w1(x, y, f, g).isnan().tolist() == [False, True, True]
    with pytest.raises(ValueError, match="on_samples must have a score for each of the 5 points of samples"):
        certified_w1(x, y, g, g)
    with pytest.raises(ValueError, match="on_reference must have a score for each of the 4 points of reference"):
        certified_w1(x, y, f, f)
