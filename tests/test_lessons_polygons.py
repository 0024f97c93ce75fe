"""Regular polygons: their distribution, the nearest of them against numpy's Fourier transform and scipy's search;
metrics."""

import itertools
import math

import numpy as np
import pytest
import scipy.optimize
import scipy.stats
import torch

from gantut.data import gaussian
from gantut.lessons.created_equal import polygon_precision_recall, polygons

pytestmark = pytest.mark.filterwarnings("error")

ALPHA = 1e-4  # the level of a test by sampling: the seed is fixed, so that it fails always or never


def complex_corners(x):
    """The corners of polygons (..., 2N) as complex numbers (..., N), in numpy."""
    values = x.detach().cpu().numpy()
    return values[..., 0::2] + 1j * values[..., 1::2]


def modes(x):
    """Fourier modes of the corners: for regular polygons the centre, the first corner seen from it, and zeros."""
    corners = complex_corners(x)
    return np.fft.fft(corners, axis=-1) / corners.shape[-1]


def drawn(corners, centre, radius, angle):
    """The corners of one polygon, by school trigonometry."""
    turns = [angle + 2 * math.pi * k / corners for k in range(corners)]
    return [part for t in turns for part in (centre[0] + radius * math.cos(t), centre[1] + radius * math.sin(t))]


# ----------------------------------------------------------------------------------------------------------------
# distribution


@pytest.mark.parametrize("corners", [3, 4, 7])
def test_what_is_drawn_is_a_regular_polygon_with_its_centre_and_radius_in_bounds(corners, rng, device):
    distribution = polygons(corners, side=2.0, radii=(0.25, 3.0), device=device)
    x = distribution.sample((5, 40), generator=rng)
    assert x.shape == (5, 40, 2 * corners)
    assert x.device.type == device.type
    found = modes(x)
    assert np.abs(found[..., 2:]).max() < 1e-14 * corners
    assert max(np.abs(found[..., 0].real).max(), np.abs(found[..., 0].imag).max()) <= 2
    assert np.abs(found[..., 1]).min() >= 0.25 - 1e-12
    assert np.abs(found[..., 1]).max() <= 3 + 1e-12
    z = complex_corners(x)
    sides = np.abs(z - np.roll(z, -1, axis=-1))
    np.testing.assert_allclose(sides, 2 * np.abs(found[..., 1:2]) * math.sin(math.pi / corners) + 0 * sides, rtol=1e-12)


def test_centre_radius_and_angle_are_uniform_and_a_seed_means_one_sample_on_every_device(rng, device):
    x = polygons().sample(4000, generator=rng)
    centre, arm = modes(x)[:, 0], modes(x)[:, 1]
    parts = ((centre.real + 1) / 2, (centre.imag + 1) / 2, 2 * np.abs(arm) - 1, np.angle(arm) / (2 * np.pi) % 1)
    for part in parts:
        assert scipy.stats.kstest(part, "uniform").pvalue > ALPHA
    for one, other in itertools.combinations(parts, 2):
        assert scipy.stats.spearmanr(one, other).pvalue > ALPHA
    twice = [polygons(device=where).sample(9, generator=torch.Generator().manual_seed(3)) for where in ("cpu", device)]
    torch.testing.assert_close(twice[0], twice[1].cpu(), rtol=0, atol=1e-15)


def test_mean_and_standard_deviation_are_those_of_the_samples(rng):
    distribution = polygons(5, side=0.7, radii=(0.2, 1.5))
    x = distribution.sample(20_000, generator=rng)
    # five standard errors; that of a standard deviation is at most s / sqrt(2 n) for distributions with such light
    # tails
    torch.testing.assert_close(
        x.mean(0), distribution.mean, rtol=0, atol=5 * distribution.stddev.max().item() / 20_000**0.5
    )
    torch.testing.assert_close(x.std(0), distribution.stddev, rtol=5 / 40_000**0.5, atol=0)


# ------------------------------------------------------------------------------------------------------------ nearest


@pytest.mark.parametrize("corners", [3, 5])
def test_the_nearest_polygon_is_the_best_that_a_search_from_many_starts_finds(corners, rng):
    distribution = polygons(corners)
    x = 1.5 * torch.randn(6, 2 * corners, dtype=torch.float64, generator=rng)
    bounds = [(-1, 1), (-1, 1), (0.5, 1), (None, None)]

    def missed(parameters, point):
        return float(np.sum((np.array(drawn(corners, parameters[:2], *parameters[2:])) - point) ** 2))

    for point, distance in zip(x.numpy(), distribution.distance(x).tolist(), strict=True):
        starts = itertools.product([0.0], [0.0], [0.75], 2 * np.pi * np.arange(6) / 6)
        best = min(scipy.optimize.minimize(missed, start, (point,), bounds=bounds).fun for start in starts)
        assert distance == pytest.approx(
            math.sqrt(best), rel=1e-5
        )  # scipy stops when the square gains below 1e-8 of it


@pytest.mark.parametrize("corners", [3, 4, 6])
def test_the_squared_distance_is_the_sum_over_fourier_modes(corners, rng, device):
    x = 2 * torch.randn(50, 2 * corners, dtype=torch.float64, generator=rng).to(device)
    found = modes(x)
    outside = [np.maximum(np.abs(part) - 1, 0) for part in (found[:, 0].real, found[:, 0].imag)]
    radius = np.abs(found[:, 1])
    off = np.maximum(np.maximum(0.5 - radius, radius - 1), 0)
    squared = corners * (sum(o**2 for o in outside) + off**2 + (np.abs(found[:, 2:]) ** 2).sum(1))
    np.testing.assert_allclose(polygons(corners).distance(x).cpu() ** 2, squared, rtol=1e-12, atol=1e-24)


def test_a_polygon_of_the_distribution_is_its_own_nearest_and_the_nearest_of_any_point_is_a_polygon_of_the_distribution(
    rng, device
):
    distribution = polygons(4, device=device)
    x = distribution.sample(100, generator=rng)
    assert distribution.distance(x).max() < 1e-14
    near = distribution.nearest(3 * torch.randn(100, 8, dtype=torch.float64, generator=rng).to(device))
    assert distribution.distance(near).max() < 1e-14


def test_corners_that_go_the_wrong_way_round_are_no_polygon_of_the_distribution_and_neither_is_a_single_point():
    forwards = torch.tensor(drawn(3, (0.3, -0.2), 0.8, 1.0), dtype=torch.float64)
    backwards = forwards.unflatten(0, (3, 2)).flip(0).flatten()
    # modes 1 and N - 1 change places: the whole radius is wrong, and the least radius is missing
    assert polygons().distance(backwards).item() == pytest.approx(math.sqrt(3 * (0.8**2 + 0.5**2)), abs=1e-12)
    point = torch.zeros(6, dtype=torch.float64)
    assert polygons().distance(point).item() == pytest.approx(0.5 * math.sqrt(3), abs=1e-12)
    assert polygons().nearest(point).tolist() == pytest.approx(drawn(3, (0, 0), 0.5, 0.0), abs=1e-15)


def test_the_distance_is_differentiable_off_the_polygons(rng):
    x = torch.randn(4, 6, dtype=torch.float64, generator=rng).requires_grad_()
    assert torch.autograd.gradcheck(polygons().distance, x)
    (slope,) = torch.autograd.grad(polygons().distance(x).sum(), x)
    torch.testing.assert_close(slope.norm(dim=1), torch.ones(4).double(), rtol=1e-9, atol=0)  # of any distance to a set


# -------------------------------------------------------------------------------------------------------------- cells


def test_cells_are_told_by_halves_and_eighths_and_are_all_as_likely(rng, device):
    distribution = polygons(3, device=device)
    assert distribution.cells == 64
    cases = [((-0.5, -0.5), 0.6, 0.1, 0), ((0.5, -0.5), 0.6, 0.1, 32), ((-0.5, 0.5), 0.6, 0.1, 16),
             ((-0.5, -0.5), 0.9, 0.1, 8), ((-0.5, -0.5), 0.6, -0.1, 7), ((0.9, 0.9), 0.99, 6.2, 63)]  # fmt: skip
    for centre, radius, angle, cell in cases:
        x = torch.tensor(drawn(3, centre, radius, angle), dtype=torch.float64, device=device)
        assert distribution.cell(x).item() == cell
    counts = torch.bincount(distribution.cell(distribution.sample(6400, generator=rng)), minlength=64).cpu().numpy()
    assert len(counts) == 64
    assert scipy.stats.chisquare(counts).pvalue > ALPHA


# ------------------------------------------------------------------------------------------------ precision and recall


def test_precision_and_recall_are_those_of_a_plain_loop(rng, device):
    distribution, n = polygons(), 400
    x = distribution.sample((3, n), generator=rng) + torch.tensor([0.0, 0.02, 0.05])[:, None, None] * torch.randn(
        3, n, 6, generator=rng, dtype=torch.float64
    )
    x[1, :, :] = x[1, :1, :]  # one polygon again and again
    found = polygon_precision_recall(x.to(device), distribution, within=0.1, share=0.3)
    for member in range(3):
        cells = [distribution.cell(point).item() for point in x[member] if distribution.distance(point) <= 0.1]
        assert found.precision[member].item() == pytest.approx(len(cells) / n, abs=1e-12)
        covered = sum(cells.count(cell) >= 0.3 * n / 64 for cell in range(64))
        assert found.recall[member].item() == pytest.approx(covered / 64, abs=1e-12)
    assert found.recall[1] == 1 / 64


def test_the_distribution_itself_is_precise_and_covers_every_cell(rng):
    # a cell is missed where a binomial distribution of 3200 and 1/64 is below 10: probability 1e-13
    found = polygon_precision_recall(polygons().sample(3200, generator=rng), polygons())
    assert (found.precision.item(), found.recall.item()) == (1, 1)


def test_a_member_that_diverged_has_no_precision_and_the_others_keep_theirs(rng):
    x = polygons().sample((2, 200), generator=rng)
    x[0, 7, 3] = math.nan
    found = polygon_precision_recall(x, polygons())
    assert found.precision[0].isnan()
    assert found.recall[0].isnan()
    assert found.precision[1] == 1


# ---------------------------------------------------------------------------------------------------------- bad input


def test_bad_input_is_refused_and_named(rng):
    for settings, message in (
        (dict(corners=2), r"corners must be a whole number of at least 3, not 2"),
        (dict(corners=3.0), r"corners must be a whole number"),
        (dict(side=0), r"side must be a positive finite number, not 0"),
        (dict(radii=(1, 0.5)), r"radii must be two finite numbers, the lower first"),
        (dict(radii=(0, 1)), r"radii must be positive, not \(0, 1\)"),
    ):
        with pytest.raises(ValueError, match=message):
            polygons(**settings)
    with pytest.raises(ValueError, match=r"x must have shape \(\.\.\., 6\), not \(4, 8\)"):
        polygons().distance(torch.zeros(4, 8))
    with pytest.raises(ValueError, match=r"x must be floating point, not torch.bool"):
        polygons().cell(torch.zeros(4, 6, dtype=torch.bool))
    x = polygons().sample(10, generator=rng)
    with pytest.raises(ValueError, match="distribution"):
        polygon_precision_recall(x, gaussian())
    with pytest.raises(ValueError, match=r"within must be a positive finite number"):
        polygon_precision_recall(x, polygons(), within=0)
    with pytest.raises(ValueError, match=r"share must be a number between 0 and 1"):
        polygon_precision_recall(x, polygons(), share=1)
    with pytest.raises(ValueError, match=r"x must have shape \(\.\.\., 8\)"):
        polygon_precision_recall(x, polygons(4))
