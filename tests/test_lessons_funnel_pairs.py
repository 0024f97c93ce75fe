"""Funnels: the potential is optimal, the moves attain its bound, and the distance is the one that others find, too."""

import math

import numpy as np
import ot
import pytest
import scipy.integrate
import scipy.stats
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gantut.data import Distribution
from gantut.lessons.better_critics import Funnels, funnels
from gantut.lessons.better_critics import _funnels as module
from gantut.training import Config, train
from gantut.transport import emd_points, wasserstein_1d

B = 2.5


def source(seed=0):
    return torch.Generator().manual_seed(seed)


def array(x):
    return x.detach().cpu().numpy()


def potential_of_loops(centers, bias, x):
    """The definition, a point and a funnel at a time."""
    return min(math.dist(a, x) + b for a, b in zip(centers, bias, strict=True))


def moved_by_bisection(pair, y):
    """The construction of the paper with nothing but u: walk up the ray of y for as long as u rises with slope 1."""
    centers, bias = array(pair.centers.double()), array(pair.bias.double())
    n = int(np.argmin(np.linalg.norm(centers - y, axis=1) + bias))
    away = y - centers[n]
    direction = away / np.linalg.norm(away)

    def on_ray(r):
        point = centers[n] + r * direction
        inside = np.abs(point).max() <= pair.box + 1e-12
        return inside and potential_of_loops(centers, bias, point) > r + bias[n] - 1e-10

    high, beyond = np.linalg.norm(away), 2 * pair.box * math.sqrt(len(y)) + np.linalg.norm(away)
    for _ in range(80):
        middle = (high + beyond) / 2
        high, beyond = (middle, beyond) if on_ray(middle) else (high, middle)
    low, above = 0.0, np.linalg.norm(away)
    if not on_ray(0.0):
        for _ in range(80):
            middle = (low + above) / 2
            low, above = (low, middle) if on_ray(middle) else (middle, above)
        low = above
    t = (np.linalg.norm(away) - low) / (high - low)
    return centers[n] + (low + t**8 * (high - low)) * direction


def some_pairs(device="cpu"):
    """Ordinary ones, and all the awkward ones."""
    like = dict(dtype=torch.float64, device=device)
    corner = torch.tensor([[2.5, -2.5], [0.0, 0.0]], **like)
    return {
        "line": funnels(1, 3, seed=2, device=device),
        "plane": funnels(2, 4, seed=3, device=device),
        "crowd": funnels(2, 64, seed=1, device=device),
        "space": funnels(16, 16, seed=4, device=device),
        "one": Funnels(torch.tensor([[0.5, -1.0]], **like), torch.tensor([0.7], **like)),
        "corner": Funnels(corner, torch.tensor([0.0, 0.1], **like)),
        "coinciding": Funnels(corner[[1, 0, 1, 1]], torch.tensor([0.2, 0.1, 0.2, 0.5], **like)),
        "dominated": Funnels(torch.tensor([[0.0, 0], [1, 0], [0, 1]], **like), torch.tensor([0, 1.5, 1], **like)),
        "outside": Funnels(torch.tensor([[4.0, 0.3], [-1.0, -1.0]], **like), torch.tensor([-2.0, 0.0], **like)),
        "all-outside": Funnels(torch.tensor([[4.0, 0.3], [-7.0, -1.0]], **like), torch.tensor([0.0, 0.0], **like)),
    }  # fmt: skip


PAIRS = tuple(some_pairs())


@pytest.fixture(params=PAIRS)
def pair(request, device):
    return some_pairs(device)[request.param]


# ---- The potential ------------------------------------------------------------------------------------------------


def test_the_potential_is_the_lowest_of_the_cones(pair, rng):
    x = 8 * torch.rand(3, 50, pair.dimension, generator=rng, dtype=torch.float64) - 4  # in the box and out of it
    expected = [
        potential_of_loops(array(pair.centers), array(pair.bias), point) for point in x.reshape(150, -1).numpy()
    ]
    found = pair.potential(x.to(pair.device))
    assert found.shape == (3, 50)
    np.testing.assert_allclose(array(found).ravel(), expected, rtol=0, atol=1e-13)


def test_the_potential_is_one_lipschitz_and_its_gradient_has_norm_one(pair, rng):
    x = 3 * torch.randn(400, pair.dimension, generator=rng, dtype=torch.float64).to(pair.device)
    u = pair.potential(x)
    assert ((u[:, None] - u).abs() <= torch.cdist(x, x) + 1e-7).all()  # cdist rounds to 1e-7 near 0
    x.requires_grad_()
    (through_autograd,) = torch.autograd.grad(pair.potential(x).sum(), x)
    gradient = pair.gradient(x)
    torch.testing.assert_close(gradient, through_autograd, rtol=0, atol=1e-13)
    torch.testing.assert_close(gradient.norm(dim=1), torch.ones_like(u), rtol=0, atol=1e-13)


def test_the_gradient_is_the_slope_of_the_potential(pair, rng):
    x = pair.y.sample(200, generator=rng)
    step, slopes = 1e-6, []
    for i in range(pair.dimension):
        e = step * torch.eye(pair.dimension, dtype=torch.float64, device=pair.device)[i]
        slopes.append((pair.potential(x + e) - pair.potential(x - e)) / (2 * step))
    apart = (torch.stack(slopes, -1) - pair.gradient(x)).abs().amax(1)
    assert (apart < 1e-4).double().mean() > 0.98  # all but those within 1e-6 of a ridge, or very near a centre


def test_at_a_centre_the_gradient_is_zero_and_nothing_is_nan(device):
    pair = Funnels(torch.zeros(1, 3, device=device), torch.ones(1, device=device))
    x = torch.zeros(2, 3, device=device, requires_grad=True)
    u = pair.potential(x)
    assert u.tolist() == [1, 1]
    assert not torch.autograd.grad(u.sum(), x)[0].any()
    assert not pair.gradient(x).any()
    assert not pair.move(x).any()


# ---- The moves ----------------------------------------------------------------------------------------------------


def test_points_go_where_the_paper_moves_them_found_by_bisection_on_the_potential_alone(pair, rng):
    y = pair.y.sample(60, generator=rng)
    expected = np.stack([moved_by_bisection(pair, point) for point in array(y)])
    # bisection sees a kink of u only where u falls 1e-10 short of the slope: near a glancing ridge that is 1e-5 late
    np.testing.assert_allclose(array(pair.move(y)), expected, rtol=0, atol=1e-4)


def test_the_potential_falls_by_exactly_the_distance_moved_so_no_plan_is_cheaper(pair, rng):
    x, y = pair.sample_pairs((4, 500), generator=rng)
    moved = (y - x).norm(dim=-1)
    torch.testing.assert_close(pair.potential(y) - pair.potential(x), moved, rtol=0, atol=1e-13)
    assert (moved >= 0).all()
    assert moved.max() > 0.05
    # Weak duality with the 1-Lipschitz u on the very same samples: the gap of this plan is 0.
    gap = moved.mean() - (pair.potential(y).mean() - pair.potential(x).mean())
    assert abs(gap.item()) < 1e-13


@pytest.mark.parametrize("name", PAIRS)
def test_exact_transport_of_paired_samples_costs_what_the_pairs_cost(name, device, rng):
    x, y = some_pairs(device)[name].sample_pairs(250, generator=rng)
    result = emd_points(x, y)
    assert result.value.item() == pytest.approx((x - y).norm(dim=-1).mean().item(), abs=1e-12)


def test_no_point_leaves_the_box(pair, rng):
    for x in (pair.x.sample(20_000, generator=rng), pair.y.sample(20_000, generator=rng)):
        assert x.abs().max() <= pair.box
    corners = pair.box * torch.tensor([1.0, -1.0], dtype=torch.float64).repeat(pair.dimension)[: pair.dimension]
    edges = torch.stack([corners, -corners, corners.abs(), -corners.abs()]).to(pair.device)
    assert pair.move(edges).abs().max() <= pair.box
    assert pair.move(edges).isfinite().all()


def test_a_funnel_in_the_middle_moves_along_straight_lines_to_the_eighth_power(device):
    pair = Funnels(
        torch.zeros(1, 2, dtype=torch.float64, device=device), torch.zeros(1, dtype=torch.float64, device=device)
    )
    y = torch.tensor([[1.25, 0.0], [0.0, -2.0], [2.5, 2.5], [1.0, 0.5]], dtype=torch.float64, device=device)
    ends = torch.tensor([[2.5, 0.0], [0.0, -2.5], [2.5, 2.5], [2.5, 1.25]], dtype=torch.float64, device=device)
    t = torch.tensor([0.5, 0.8, 1.0, 0.4], dtype=torch.float64, device=device)
    torch.testing.assert_close(pair.move(y), t[:, None] ** 8 * ends, rtol=1e-14, atol=0)  # fmt: skip


def test_two_funnels_on_the_line_meet_in_the_middle_of_their_valley(device):
    """u = min(|x + 1|, |x - 1| + 1/2): they meet at x = 1/4, so the ray of the first upwards is [-1, 1/4]."""
    pair = Funnels(
        torch.tensor([[-1.0], [1.0]], device=device).double(), torch.tensor([0.0, 0.5], device=device).double()
    )
    y = torch.tensor([[-0.375], [0.7], [-1.75], [2.5]], dtype=torch.float64, device=device)
    t = np.array([0.5, 0.4, 0.5, 1.0])
    expected = np.array([-1.0, 1.0, -1.0, 1.0]) + t**8 * np.array([1.25, -0.75, -1.5, 1.5])
    np.testing.assert_allclose(array(pair.move(y))[:, 0], expected, rtol=0, atol=1e-13)
    # Rays of lengths 1.25, 0.75, 1.5 and 1.5: W1 is the integral of t L - t^8 L over each, with density 1/5.
    lengths = np.array([1.25, 0.75, 1.5, 1.5])
    assert pair.w1 == pytest.approx((lengths**2).sum() * (1 / 2 - 1 / 9) / 5, rel=1e-13)
    assert pair.w1_error == 0


@given(
    st.integers(1, 4), st.integers(1, 6), st.integers(0, 2**31), st.floats(0, 3), st.floats(0.3, 2.0),
)  # fmt: skip
@settings(max_examples=60)
def test_whatever_the_centres_the_moves_are_optimal_and_stay_in_the_box(dimension, count, seed, bias_scale, reach):
    generator = source(seed)
    centers = reach * B * (2 * torch.rand(count, dimension, generator=generator, dtype=torch.float64) - 1)
    bias = bias_scale * torch.randn(count, generator=generator, dtype=torch.float64)
    pair = Funnels(centers, bias)
    y = pair.y.sample(50, generator=generator)
    x = pair.move(y)
    assert x.abs().max() <= B
    torch.testing.assert_close(pair.potential(y) - pair.potential(x), (y - x).norm(dim=1), rtol=0, atol=1e-12)
    expected = np.stack([moved_by_bisection(pair, point) for point in array(y[:5])])
    np.testing.assert_allclose(array(x[:5]), expected, rtol=0, atol=1e-3)  # a glancing ridge, seen late by bisection


# ---- Degenerate funnels -------------------------------------------------------------------------------------------


def test_funnels_that_lie_in_another_change_nothing(device, rng):
    like = dict(dtype=torch.float64, device=device)
    centers = torch.tensor([[0.0, 0.0], [2.0, 1.0]], **like)
    bias = torch.tensor([0.0, 0.3], **like)
    plain = Funnels(centers, bias)
    more = torch.tensor([[1.0, 1.0], [0.0, 0.0], [2.0, 1.0], [0.0, 2.0]], **like)  # inside, twice there, on the cone
    crowded = Funnels(torch.cat([more, centers]), torch.cat([torch.tensor([9.0, 0.4, 0.3, 2.0], **like), bias]))
    y = plain.y.sample(500, generator=rng)
    torch.testing.assert_close(crowded.move(y), plain.move(y), rtol=0, atol=1e-13)
    torch.testing.assert_close(crowded.potential(y), plain.potential(y), rtol=0, atol=1e-13)
    assert crowded.w1 == pytest.approx(plain.w1, rel=1e-12)


def test_on_the_line_a_funnel_on_the_ray_of_another_does_not_break_it(device):
    """u = |x| also where |x - 1| + 1 = x ties with it: the ray upwards is all of [0, 2.5]."""
    one, two = (
        Funnels(torch.tensor(c, device=device).double()[:, None], torch.tensor(b, device=device).double())
        for c, b in (([0.0], [0.0]), ([1.0, 0.0], [1.0, 0.0]))
    )
    y = torch.linspace(-2.5, 2.5, 41, dtype=torch.float64, device=device)[:, None]
    torch.testing.assert_close(two.move(y), one.move(y), rtol=0, atol=1e-14)
    assert two.w1 == pytest.approx(one.w1, rel=1e-13)


def test_the_rays_of_a_centre_outside_the_box_begin_where_they_enter_it(device):
    """On the line with a = 4: the ray runs down to 2.5, and y at the fraction t from there moves to t^8."""
    pair = Funnels(torch.tensor([[4.0]], device=device).double(), torch.zeros(1, device=device).double())
    y = torch.tensor([[0.0], [-2.5], [2.5]], dtype=torch.float64, device=device)
    expected = [2.5 - 0.5**8 * 5, -2.5, 2.5]
    np.testing.assert_allclose(array(pair.move(y))[:, 0], expected, rtol=0, atol=1e-13)
    assert pair.w1 == pytest.approx(5 * (1 / 2 - 1 / 9), rel=1e-13)


# ---- The distance -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("half", [2.5, 1.0])
def test_of_one_funnel_in_the_middle_of_a_square_the_distance_is_an_integral(half):
    """In polar coordinates, with the wall at L(phi) = B / cos(phi) for phi up to 45 degrees, eight times over."""

    def per_angle(phi):
        length = half / math.cos(phi)
        return scipy.integrate.quad(lambda r: (r - length * (r / length) ** 8) * r, 0, length)[0]

    expected = 8 * scipy.integrate.quad(per_angle, 0, math.pi / 4)[0] / (2 * half) ** 2
    pair = Funnels(torch.zeros(1, 2).double(), torch.zeros(1).double(), box=half)
    assert pair.w1_error < 2e-4 * expected
    assert abs(pair.w1 - expected) < 5 * pair.w1_error + 1e-9


def test_on_the_line_the_distance_is_the_integral_over_y_and_that_between_quantiles(device, rng):
    for seed in range(4):
        pair = funnels(1, 5, seed=seed, device=device)
        n = 200_000
        y = (2 * (torch.arange(n, dtype=torch.float64) + 0.5) / n - 1)[:, None].to(device) * B  # the midpoint rule
        x = pair.move(y)
        assert pair.w1 == pytest.approx((x - y).abs().mean().item(), rel=1e-6)
        assert pair.w1 == pytest.approx(wasserstein_1d(x[:, 0], y[:, 0]).item(), rel=1e-6)
        assert pair.w1 == pytest.approx(scipy.stats.wasserstein_distance(array(x)[:, 0], array(y)[:, 0]), rel=1e-6)


def test_the_distance_is_the_mean_over_many_pairs_within_its_error(pair, rng):
    x, y = pair.sample_pairs(100_000, generator=rng)
    moved = (x - y).norm(dim=1)
    error = math.hypot(moved.std().item() / math.sqrt(len(moved)), pair.w1_error)
    assert abs(pair.w1 - moved.mean().item()) < 4.5 * error
    assert pair.w1_error < 2e-3 * pair.w1
    assert pair.w1 == type(pair)(pair.centers, pair.bias).w1, "the same number every time"


@pytest.mark.parametrize(("dimension", "count"), [(2, 4), (16, 16)])
def test_the_stated_error_is_that_of_other_scramblings(dimension, count, monkeypatch):
    """The errors of twelve estimates from other points, in units of what each says of itself."""
    pair = funnels(dimension, count, seed=5)
    sobol = torch.quasirandom.SobolEngine
    found = []
    for shift in range(100, 112):
        monkeypatch.setattr(
            torch.quasirandom,
            "SobolEngine",
            lambda d, shift=shift, **k: sobol(d, scramble=True, seed=k["seed"] + 20 * shift),
        )
        other = Funnels(pair.centers, pair.bias)
        found.append((other.w1, other.w1_error))
    values, errors = np.array(found).T
    ratio = values.std(ddof=1) / errors.mean()
    assert 0.5 < ratio < 1.8  # of twelve, a standard deviation is known to about 20 per cent
    assert np.ptp(values) > 0


def test_drawing_does_not_touch_the_global_random_numbers(device):
    before = torch.get_rng_state()
    pair = funnels(2, 3, device=device)
    _ = pair.w1, pair.sample(5, generator=source()), pair.sample_pairs(5, generator=source())
    assert torch.equal(before, torch.get_rng_state())


# ---- Draws --------------------------------------------------------------------------------------------------------


def test_y_is_uniform_and_x_of_pairs_has_the_distribution_of_x_alone(pair):
    together, apart = pair.sample_pairs(4000, generator=source(1)), pair.sample(4000, generator=source(2))
    assert apart._fields == ("x", "y")
    for i in range(min(pair.dimension, 3)):
        uniform = scipy.stats.uniform(-pair.box, 2 * pair.box).cdf
        for y in (together.y, apart.y):
            assert scipy.stats.kstest(array(y)[:, i], uniform).pvalue > 1e-3
        assert scipy.stats.ks_2samp(array(together.x)[:, i], array(apart.x)[:, i]).pvalue > 1e-3
    heights = [array(pair.potential(x)) for x in (together.x, apart.x)]
    assert scipy.stats.ks_2samp(*heights).pvalue > 1e-3


def test_unpaired_draws_are_independent_and_paired_ones_are_not():
    pair = funnels(2, 3, seed=1)
    together, apart = pair.sample_pairs(5000, generator=source(3)), pair.sample(5000, generator=source(3))
    for i in range(2):
        correlations = [np.corrcoef(array(p.x)[:, i], array(p.y)[:, i])[0, 1] for p in (together, apart)]
        assert correlations[0] > 0.6
        assert abs(correlations[1]) < 0.06  # four standard deviations of 1/sqrt(5000)


def test_the_fraction_of_the_ray_has_the_density_that_the_distance_rests_on():
    """With the centre in the box, y lies below the fraction t of its ray with probability t^D."""
    pair = funnels(3, 5, seed=2)
    x, y = pair.sample_pairs(5000, generator=source(4))
    centers = pair.centers[(torch.cdist(y, pair.centers) + pair.bias).argmin(1)]
    fraction = ((x - centers).norm(dim=1) / (y - centers).norm(dim=1)) ** (1 / 7)
    assert scipy.stats.kstest(array(fraction), lambda t: np.clip(t, 0, 1) ** 3).pvalue > 1e-3


def test_the_two_distributions_are_distributions_to_train_on(device):
    pair = funnels(3, 4, dtype=torch.float32, device=device)
    for distribution in (pair.x, pair.y):
        assert isinstance(distribution, Distribution)
        draws = distribution.sample((2, 5), generator=source(1))
        assert (draws.shape, draws.dtype, draws.device.type) == ((2, 5, 3), torch.float32, device.type)
        assert distribution.event_shape == (3,)
        assert torch.equal(draws, distribution.sample((2, 5), generator=source(1)))
        assert distribution.sample(0, generator=source()).shape == (0, 3)
    assert torch.equal(pair.x.sample(7, generator=source(1)), pair.move(pair.y.sample(7, generator=source(1))))
    config = Config(objective="wgan-gp", steps=2, members=2, batch_size=8, n_critic=1, latent_dim=3)
    history = train(config, pair.x, samples=4, progress=False, device=str(device))
    assert history.samples.shape[1:] == (2, 4, 3)


def test_a_seed_means_the_same_points_in_every_precision_and_place(device):
    here, there = funnels(4, 6, seed=9, dtype=torch.float32, device=device), funnels(4, 6, seed=9)
    torch.testing.assert_close(here.centers.cpu().double(), there.centers, rtol=1e-6, atol=1e-6)
    for ours, theirs in zip(here.sample(50, generator=source()), there.sample(50, generator=source()), strict=True):
        # the end of a ray that barely misses a ridge moves by more than the centres do
        assert (ours.cpu().double() - theirs).abs().median() < 1e-6
    assert here.to("cpu").w1 == pytest.approx(there.w1, rel=1e-5)


def test_centres_and_offsets_are_drawn_as_in_the_paper():
    drawn = [funnels(4, 50, seed=seed) for seed in range(40)]
    centers, bias = (torch.cat([getattr(one, name) for one in drawn]).flatten() for name in ("centers", "bias"))
    assert scipy.stats.kstest(array(centers), scipy.stats.uniform(-2.5, 5).cdf).pvalue > 1e-3
    assert scipy.stats.kstest(array(bias), scipy.stats.norm(0, 0.1).cdf).pvalue > 1e-3
    assert torch.equal(drawn[3].centers, funnels(4, 50, seed=3).centers)


def test_many_points_are_moved_in_parts_as_they_are_at_once(monkeypatch, device, rng):
    pair = funnels(3, 7, device=device)
    y = pair.y.sample((4, 25), generator=rng)
    at_once = pair.move(y), pair.potential(y), pair.gradient(y)
    monkeypatch.setattr(module, "ENTRIES", 70)
    for ours, expected in zip((pair.move(y), pair.potential(y), pair.gradient(y)), at_once, strict=True):
        torch.testing.assert_close(ours, expected, rtol=0, atol=1e-13)


@pytest.mark.slow
def test_the_largest_pairs_of_the_paper_stay_in_memory():
    import resource

    pair = funnels(128, 256)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    x, y = pair.sample_pairs(100_000, generator=source())
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 2**20  # GiB
    assert grown < 1.5  # x, y and a copy are 0.3 GiB; one matrix of points x funnels x dimensions would be 26
    torch.testing.assert_close(pair.potential(y) - pair.potential(x), (x - y).norm(dim=1), rtol=0, atol=1e-11)


def test_pot_agrees_that_independent_samples_are_further_apart_than_the_distributions():
    """The exact distance of two samples is above W1 in the mean; with 600 points in the plane by less than 0.15."""
    pair = funnels(2, 4, seed=3)
    found = []
    for seed in range(4):
        x, y = map(array, pair.sample(600, generator=source(seed)))
        found.append(ot.emd2([], [], ot.dist(x, y, metric="euclidean")))
    assert pair.w1 - 0.05 < np.mean(found) < pair.w1 + 0.15


# ---- What is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Funnels([0.0], [0.0]), r"centers must have shape \(funnels, dimension\), not \(1,\)"),
        (lambda: Funnels(torch.zeros(0, 2), torch.zeros(0)), "centers must have shape"),
        (lambda: Funnels([[0.0]], [0.0, 1.0]), r"bias must be 1 numbers, one per funnel, not of shape \(2,\)"),
        (lambda: Funnels([[math.nan]], [0.0]), "centers must be finite"),
        (lambda: Funnels([[0.0]], [math.inf]), "bias must be finite"),
        (lambda: Funnels(torch.zeros(1, 1), torch.zeros(1).double()), "centers and bias must have one dtype"),
        (lambda: Funnels([[0.0]], [0.0], box=0), "box must be a positive finite number, not 0"),
        (lambda: funnels(0, 3), "dimension must be a whole number of at least 1, not 0"),
        (lambda: funnels(2, 0), "count must be a whole number of at least 1, not 0"),
        (lambda: funnels(2, 1, seed=-1), "seed must be a whole number of at least 0"),
        (lambda: funnels(2, 1).potential(torch.zeros(5, 3)), r"x must have shape \(\.\.\., 2\), not \(5, 3\)"),
        (lambda: funnels(2, 1).gradient(torch.tensor(1.0)), r"x must have shape \(\.\.\., 2\), not \(\)"),
        (lambda: funnels(2, 1).move(torch.full((1, 2), 2.6)), r"y must lie in \[-2.5, 2.5\]\^2, but reaches 2.6"),
        (lambda: funnels(2, 1).move(torch.full((1, 2), math.nan)), "y must be finite"),
        (lambda: funnels(2, 1).sample(-1), "shape must be a whole number of at least 0, not -1"),
    ],
)
def test_what_has_no_meaning_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
