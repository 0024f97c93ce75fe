"""Metrics of nearest neighbours, against loops over the definitions of their papers and what is expected of them."""

import math
import warnings

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gantut.metrics import (
    _neighbours,
    density_coverage,
    mean_distance,
    nearest_neighbour_distance,
    nearest_training_distance,
    precision_recall,
)

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture
def normal(rng, device):
    return lambda *shape: torch.randn(shape, dtype=torch.float64, generator=rng).to(device)


def reach_by_hand(points, k):
    """The distance of each point to the k-th nearest other one."""
    return [sorted(math.dist(p, q) for j, q in enumerate(points) if j != i)[k - 1] for i, p in enumerate(points)]


def by_hand(samples, reference, k):
    """Precision and recall (Kynkäänniemi et al. 2019) and density and coverage (Naeem et al. 2020), pair by pair."""
    x, y = samples.tolist(), reference.tolist()
    reach_x, reach_y = reach_by_hand(x, k), reach_by_hand(y, k)
    inside = [[math.dist(p, q) <= reach for q, reach in zip(y, reach_y, strict=True)] for p in x]
    precision = sum(map(any, inside)) / len(x)
    recall = sum(any(math.dist(p, q) <= r for p, r in zip(x, reach_x, strict=True)) for q in y) / len(y)
    density = sum(map(sum, inside)) / (k * len(x))
    coverage = sum(map(any, zip(*inside, strict=True))) / len(y)
    return precision, recall, density, coverage


@pytest.mark.parametrize("tile", [7, 100, 1 << 20])
@pytest.mark.parametrize(("n", "m", "d", "k"), [(20, 20, 2, 3), (15, 30, 3, 5), (8, 7, 1, 1), (4, 40, 2, 3)])
def test_they_are_what_their_papers_say(normal, monkeypatch, n, m, d, k, tile):
    monkeypatch.setattr(_neighbours, "TILE", tile)  # rows one by one, a few at once, all at once
    samples, reference = 0.7 * normal(3, n, d) + 0.5, normal(m, d)
    found = (*precision_recall(samples, reference, k=k), *density_coverage(samples, reference, k=k))
    for member, x in enumerate(samples):
        expected = by_hand(x, reference, k)
        assert [values[member].item() for values in found] == pytest.approx(expected, abs=1e-14)


@given(
    x=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=3, max_size=9),
    y=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=3, max_size=9),
    k=st.integers(1, 2),
)
def test_copies_and_ties_count_as_the_closed_balls_say(x, y, k):
    # whole numbers: many points coincide, and many distances are equal
    x, y = (torch.tensor(points, dtype=torch.float64) for points in (x, y))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*whose balls have radius 0")
        found = (*precision_recall(x, y, k=k), *density_coverage(x, y, k=k))
    assert [value.item() for value in found] == pytest.approx(by_hand(x, y, k), abs=1e-14)


def test_the_data_themselves_are_perfect(normal):
    reference = normal(50, 3)
    for precision, recall in (precision_recall(reference, reference), precision_recall(reference.flip(0), reference)):
        assert (precision.item(), recall.item()) == (1, 1)
    density, coverage = density_coverage(reference, reference)
    assert coverage.item() == 1
    assert density.item() == pytest.approx(6 / 5, abs=1e-14)  # each ball holds its centre and k neighbours


@pytest.mark.parametrize("k", [1, 3, 5])
def test_two_draws_of_one_distribution_score_what_is_expected(normal, k):
    n = 60
    density, coverage = density_coverage(normal(2000, n, 2), normal(2000, n, 2), k=k)
    # with data and samples mixed at random, a ball stays empty if the k nearest of 2n - 1 others are all data
    missed = math.prod((n - i) / (2 * n - i) for i in range(1, k + 1))
    assert missed == pytest.approx(2.0**-k, abs=0.03)
    for values, expected in ((density, 1.0), (coverage, 1 - missed)):
        error = values.std() / 2000**0.5
        assert abs(values.mean() - expected) < 4 * error


def test_a_collapsed_generator_is_precise_and_recalls_little(normal):
    data = normal(200, 2)
    collapsed = data[:1] + 1e-9 * normal(200, 2)  # digits that a matrix product in single precision would lose
    precision, recall = precision_recall(collapsed, data)
    assert precision.item() == 1
    assert recall.item() <= 1 / 200
    assert density_coverage(collapsed, data).coverage.item() < 0.1
    assert nearest_neighbour_distance(collapsed).item() < 1e-9


def test_samples_far_off_score_zero(normal):
    data = normal(50, 2)
    assert [float(v) for v in (*precision_recall(data + 100, data), *density_coverage(data + 100, data))] == [0] * 4


def test_an_outlier_of_the_data_takes_in_precision_but_not_density(normal):
    outlier = torch.full((1, 2), 30.0, dtype=torch.float64, device=normal(1).device)
    data = torch.cat([normal(100, 2), outlier])
    between = 15 + normal(100, 2)
    assert precision_recall(between, data).precision.item() == 1
    assert density_coverage(between, data).density.item() == pytest.approx(1 / 5)  # one ball of k = 5


def test_the_nearest_neighbour_and_the_mean_distance_are_double_loops(normal, monkeypatch):
    samples = normal(3, 12, 4)
    for tile in (5, 1 << 20):
        monkeypatch.setattr(_neighbours, "TILE", tile)
        for member, x in enumerate(samples.tolist()):
            nearest = sum(reach_by_hand(x, 1)) / 12
            mean = sum(math.dist(p, q) for p in x for q in x) / (12 * 11)
            assert nearest_neighbour_distance(samples)[member].item() == pytest.approx(nearest, rel=1e-12)
            assert mean_distance(samples)[member].item() == pytest.approx(mean, rel=1e-12)


def test_pairs_of_copies_have_no_distance_to_a_neighbour_but_one_to_each_other(normal):
    two = normal(2, 3).repeat(5, 1)  # ten samples, two pictures
    assert nearest_neighbour_distance(two).item() == 0
    assert mean_distance(two).item() == pytest.approx((two[0] - two[1]).norm().item() * 5 / 9, rel=1e-12)


def test_copies_that_leave_balls_without_a_radius_are_warned_of(normal):
    data, samples = normal(20, 2), normal(30, 2)
    with pytest.warns(UserWarning, match=r"reference has 120 of 120 points with 5 or more copies.*radius 0") as caught:
        assert density_coverage(samples, data.repeat(6, 1)) == (0, 0)
    assert caught[0].filename == __file__  # the line that called, not one of ours
    with pytest.warns(UserWarning, match="reference has 120 of 120 points with 3 or more copies"):
        assert precision_recall(samples, data.repeat(6, 1)).precision == 0
    with warnings.catch_warnings(action="error"):  # of samples that repeat themselves, recall says rightly that they do
        assert precision_recall(data[:3].repeat(10, 1), samples).recall == 0
    # 5 copies are 4 others: the fifth neighbour is another point, and all is well
    few = density_coverage(samples, data.repeat(5, 1))
    assert few.coverage > 0
    torch.testing.assert_close(few.coverage, density_coverage(samples, data, k=1).coverage)


@given(angle=st.floats(-10, 10), shift=st.floats(-5, 5), factor=st.floats(0.1, 10))
def test_distances_scale_and_the_rest_stays_when_the_picture_moves(angle, shift, factor):
    source = torch.Generator().manual_seed(5)
    x, y = torch.randn(2, 40, 2, dtype=torch.float64, generator=source)
    turn = torch.tensor([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]], dtype=torch.float64)
    moved_x, moved_y = (factor * points @ turn + shift for points in (x, y))
    for metric in (precision_recall, density_coverage):
        torch.testing.assert_close(torch.stack(metric(moved_x, moved_y)), torch.stack(metric(x, y)))
    for distance in (nearest_neighbour_distance, mean_distance):
        assert distance(moved_x).item() == pytest.approx(factor * distance(x).item(), rel=1e-9)
    moved, still = nearest_training_distance(moved_x, moved_y), nearest_training_distance(x, y)
    torch.testing.assert_close(moved.distance, factor * still.distance, rtol=1e-9, atol=1e-12)
    assert torch.equal(moved.index, still.index)


def test_copies_of_the_training_data_are_found_and_named(normal, monkeypatch):
    monkeypatch.setattr(_neighbours, "TILE", 40)
    data = normal(25, 6)
    chosen = torch.tensor([[3, 24, 0, 3], [7, 7, 8, 1]], device=data.device)
    samples = data[chosen] + 1e-3 * torch.nn.functional.normalize(normal(2, 4, 6), dim=-1)
    found = nearest_training_distance(samples, data)
    assert torch.equal(found.index, chosen)
    torch.testing.assert_close(found.distance, torch.full_like(found.distance, 1e-3), rtol=1e-9, atol=0)
    samples[1, 2, 0] = math.nan
    found = nearest_training_distance(samples, data)
    assert found.index.tolist() == [chosen[0].tolist(), [-1] * 4]
    assert found.distance[1].isnan().all()


def test_as_many_neighbours_as_points_are_refused(normal):
    for samples, reference, name in ((4, 3, "reference"), (3, 4, "samples")):
        with pytest.raises(ValueError, match=rf"{name} must have at least 4 points for k=3 nearest neighbours"):
            precision_recall(normal(samples, 2), normal(reference, 2), k=3)
    assert precision_recall(normal(4, 2), normal(4, 2), k=3).precision.isfinite()
    assert density_coverage(normal(1, 2), normal(4, 2), k=3).density.isfinite()  # samples need no balls
    with pytest.raises(ValueError, match="reference must have at least 4 points"):
        density_coverage(normal(9, 2), normal(3, 2), k=3)
    for bad in (0, 1.5, True):
        with pytest.raises(ValueError, match="k must be a whole number of at least 1"):
            precision_recall(normal(5, 2), normal(5, 2), k=bad)
    for distance in (nearest_neighbour_distance, mean_distance):
        with pytest.raises(ValueError, match="samples must have at least 2 points"):
            distance(normal(3, 1, 2))
