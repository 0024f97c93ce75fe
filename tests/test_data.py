"""Toy distributions against scipy's, their samples against their densities, and the digits against scikit-learn's."""

import math

import numpy as np
import pytest
import scipy.integrate
import scipy.spatial
import scipy.stats
import sklearn.datasets
import torch

from gantut.data import (
    Distribution,
    GaussianMixture,
    digits,
    gaussian,
    gaussian_mixture,
    grid,
    parallel_lines,
    ring,
    uniform,
)

pytestmark = pytest.mark.filterwarnings("error")

EPS = 2.0**-52
ALPHA = 1e-4  # the level of a test by sampling: the seed is fixed, so that it fails always or never


def source(seed=0):
    return torch.Generator().manual_seed(seed)


def array(values):
    return values.detach().cpu().numpy()


def distributions_of_every_kind(device):
    return {
        "gaussian": gaussian(-1.0, 0.5, device=device),
        "mixture": gaussian_mixture([-2.0, 0.0, 3.0], [0.5, 1.0, 0.1], [0.2, 0.5, 0.3], device=device),
        "gaussian in 3 dimensions": gaussian([0.0, 1.0, -1.0], 2.0, device=device),
        "ring": ring(device=device),
        "grid": grid(3, device=device),
        "uniform": uniform(-1, 3, device=device),
        "segment": parallel_lines(0.5, device=device)[1],
    }


KINDS = tuple(distributions_of_every_kind("cpu"))


# ---------------------------------------------------------------------------------------------- densities and moments


def scipys(means, scales, weights, x):
    """The density of a mixture of round Gaussians, by scipy."""
    return sum(
        w * scipy.stats.multivariate_normal(np.atleast_1d(m), s * s * np.eye(np.atleast_1d(m).size)).pdf(x)
        for m, s, w in zip(means, scales, weights, strict=True)
    )


def test_densities_on_the_line_are_scipys(device):
    x = np.linspace(-8, 8, 200)
    for means, scales, weights in (([0.3], [0.7], [1.0]), ([-2, 0, 3], [0.5, 1, 0.1], [0.2, 0.5, 0.3])):
        distribution = gaussian_mixture(means, scales, weights, device=device)
        found = distribution.density(torch.from_numpy(x).to(device))
        np.testing.assert_allclose(array(found), scipys(means, scales, weights, x[:, None]), rtol=1e-12, atol=1e-300)
        torch.testing.assert_close(distribution.log_prob(torch.from_numpy(x).to(device)).exp(), found, rtol=0, atol=0)


def test_densities_in_the_plane_and_in_space_are_scipys(device):
    random = np.random.default_rng(0)
    for distribution in (ring(device=device), grid(4, device=device), gaussian([0.0, 1.0, -1.0], 2.0, device=device)):
        x = random.uniform(-2.5, 2.5, (100, distribution.event_shape[0]))
        witness = scipys(array(distribution.means), array(distribution.stds), array(distribution.weights), x)
        found = distribution.log_prob(torch.from_numpy(x).to(device))
        np.testing.assert_allclose(array(found.exp()), witness, rtol=1e-11, atol=1e-300)


def test_the_log_density_goes_on_where_the_density_underflows(device):
    distribution = gaussian(0, 1, device=device)
    x = torch.tensor([40.0, -1e5, 1e150], dtype=torch.float64, device=device)
    witness = scipy.stats.norm.logpdf(array(x))
    np.testing.assert_allclose(array(distribution.log_prob(x)), witness, rtol=4 * EPS)
    mixture = gaussian_mixture([-1, 1], 1, device=device)
    assert mixture.log_prob(x)[0].item() == pytest.approx(scipy.stats.norm.logpdf(39) - math.log(2), rel=1e-12)


def test_the_uniform_density_is_scipys_and_includes_both_ends(device):
    x = torch.tensor([-1.5, -1.0, 0.0, 2.9, 3.0, 3.1, math.inf], dtype=torch.float64, device=device)
    found = uniform(-1, 3, device=device).density(x)
    np.testing.assert_allclose(array(found), scipy.stats.uniform(-1, 4).pdf(array(x)), rtol=4 * EPS)
    assert uniform(-1, 3, device=device).log_prob(x)[0].item() == -math.inf


@pytest.mark.parametrize("kind", ["gaussian", "mixture", "uniform"])
def test_on_the_line_densities_integrate_to_one_and_moments_are_integrals(device, kind):
    distribution = distributions_of_every_kind(device)[kind]

    def moment(power):
        density = lambda x: distribution.density(torch.tensor(x, dtype=torch.float64, device=device)).item() * x**power  # noqa: E731
        return scipy.integrate.quad(density, -15, 15, points=[-2, -1, 0, 2.9, 3], limit=500, epsabs=1e-11)[0]

    assert moment(0) == pytest.approx(1, abs=1e-9)
    assert distribution.mean.item() == pytest.approx(moment(1), abs=1e-9)
    assert distribution.stddev.item() ** 2 == pytest.approx(moment(2) - moment(1) ** 2, abs=1e-8)


@pytest.mark.parametrize("make", [ring, grid], ids=["ring", "grid"])
def test_in_the_plane_densities_integrate_to_one_and_moments_are_integrals(device, make):
    distribution = make(device=device)
    step = 0.02  # less than half a standard deviation: sums over equal steps are then exact to 1e-9
    axis = torch.arange(-4, 4, step, dtype=torch.float64, device=device)
    x = torch.cartesian_prod(axis, axis)
    mass = distribution.density(x) * step**2
    assert mass.sum().item() == pytest.approx(1, abs=1e-9)
    torch.testing.assert_close(distribution.mean, mass @ x, rtol=0, atol=1e-9)
    torch.testing.assert_close(distribution.variance, mass @ x**2, rtol=0, atol=1e-9)  # both are centred at 0
    torch.testing.assert_close(distribution.stddev, distribution.variance.sqrt(), rtol=0, atol=0)


def test_gradients_of_the_log_density_are_those_of_finite_differences(device):
    x = torch.tensor([-1.0, 0.2, 4.0], dtype=torch.float64, device=device).requires_grad_()
    means = torch.tensor([-1.0, 2.0], dtype=torch.float64, device=device).requires_grad_()
    scales = torch.tensor([0.5, 1.5], dtype=torch.float64, device=device).requires_grad_()
    assert torch.autograd.gradcheck(lambda x, m, s: GaussianMixture(m, s).log_prob(x), (x, means, scales))


# ---------------------------------------------------------------------------------------------- geometry


def test_a_ring_has_its_modes_evenly_on_a_circle(device):
    distribution = ring(6, radius=3.0, std=0.2, device=device)
    modes = array(distribution.means)
    np.testing.assert_allclose(np.hypot(*modes.T), 3.0, rtol=4 * EPS)
    turns = np.diff(np.unwrap(np.arctan2(modes[:, 1], modes[:, 0])))
    np.testing.assert_allclose(turns, 2 * np.pi / 6, rtol=1e-12)
    assert modes[0].tolist() == [3, 0]
    assert set(distribution.stds.tolist()) == {0.2}
    np.testing.assert_allclose(array(distribution.weights), 1 / 6, rtol=4 * EPS)


@pytest.mark.parametrize("side", [1, 2, 5])
def test_a_grid_has_its_modes_on_a_square_centred_at_zero(device, side):
    distribution = grid(side, spacing=2.0, device=device)
    axis = 2.0 * (np.arange(side) - (side - 1) / 2)
    expected = {(x, y) for x in axis for y in axis}
    assert {tuple(mode) for mode in distribution.means.tolist()} == expected
    assert len(distribution.means) == side**2
    np.testing.assert_allclose(array(distribution.mean), 0, atol=1e-15)


def test_parallel_lines_are_upright_segments_at_zero_and_at_theta(device):
    at_zero, at_theta = parallel_lines(0.7, device=device)
    for distribution, place in ((at_zero, 0.0), (at_theta, 0.7)):
        x = distribution.sample(2000, generator=source())
        assert x.shape == (2000, 2)
        assert (x[:, 0] == place).all()
        assert scipy.stats.kstest(array(x[:, 1]), scipy.stats.uniform.cdf).pvalue > ALPHA


def test_a_segment_has_no_density(device):
    for distribution in parallel_lines(0.5, device=device):
        for name in ("log_prob", "density", "mean", "landmarks"):
            assert not hasattr(distribution, name)
        assert distribution.event_shape == (2,)


# ---------------------------------------------------------------------------------------------- samples


@pytest.mark.parametrize("kind", ["gaussian", "mixture", "uniform"])
def test_samples_on_the_line_follow_their_density(device, kind):
    distribution = distributions_of_every_kind(device)[kind]
    cdf = {
        "gaussian": scipy.stats.norm(-1, 0.5).cdf,
        "mixture": lambda x: scipy.stats.norm.cdf(np.subtract.outer(x, [-2, 0, 3]) / [0.5, 1, 0.1]) @ [0.2, 0.5, 0.3],
        "uniform": scipy.stats.uniform(-1, 4).cdf,
    }[kind]
    assert scipy.stats.kstest(array(distribution.sample(5000, generator=source())), cdf).pvalue > ALPHA


@pytest.mark.parametrize("weights", [None, [0.4, 0.1, 0.1, 0.1, 0.1, 0.1, 0.05, 0.05]])
def test_samples_of_a_ring_choose_its_modes_by_weight_and_scatter_around_them(device, weights):
    distribution = ring(device=device)
    distribution = GaussianMixture(distribution.means, distribution.stds, weights)
    x = array(distribution.sample(5000, generator=source()))
    distance, nearest = scipy.spatial.KDTree(array(distribution.means)).query(
        x
    )  # modes are 15 standard deviations apart
    expected = 5000 * array(distribution.weights)
    assert scipy.stats.chisquare(np.bincount(nearest, minlength=8), expected).pvalue > ALPHA
    assert scipy.stats.kstest(distance / 0.1, scipy.stats.rayleigh.cdf).pvalue > ALPHA


def test_samples_of_a_grid_visit_all_modes_equally(device):
    distribution = grid(device=device)
    x = array(distribution.sample(5000, generator=source()))
    distance, nearest = scipy.spatial.KDTree(array(distribution.means)).query(x)
    assert scipy.stats.chisquare(np.bincount(nearest, minlength=25)).pvalue > ALPHA
    assert scipy.stats.kstest(distance / 0.05, scipy.stats.rayleigh.cdf).pvalue > ALPHA


def test_a_mode_of_weight_zero_is_never_drawn(device):
    distribution = gaussian_mixture([0, 100], 1, [1, 0], device=device)
    assert distribution.sample(1000, generator=source()).max().item() < 50
    assert distribution.log_prob(torch.tensor(0.0, dtype=torch.float64, device=device)).item() == pytest.approx(
        scipy.stats.norm.logpdf(0), rel=1e-12
    )


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_sample_on_every_device(device, kind):
    distribution, on_cpu = distributions_of_every_kind(device)[kind], distributions_of_every_kind("cpu")[kind]
    x = distribution.sample(100, generator=source(3))
    assert x.device.type == device.type
    torch.testing.assert_close(x.cpu(), on_cpu.sample(100, generator=source(3)), rtol=0, atol=0)
    assert not torch.equal(x, distribution.sample(100, generator=source(4)))


@pytest.mark.parametrize("kind", KINDS)
def test_a_generator_keeps_the_global_source_out_of_it_and_moves_on(device, kind):
    distribution, generator = distributions_of_every_kind(device)[kind], source()
    before = torch.random.get_rng_state()
    first, second = distribution.sample(50, generator=generator), distribution.sample(50, generator=generator)
    assert not torch.equal(first, second)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(1)
    unseeded = distribution.sample(50)
    torch.manual_seed(1)
    assert torch.equal(unseeded, distribution.sample(50))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("asked", "shape"),
    [((), ()), (0, (0,)), (5, (5,)), ((2, 3), (2, 3)), ((0, 4), (0, 4)), ([2, 1], (2, 1)), (torch.Size([3]), (3,)),
     (np.int64(4), (4,))],
)  # fmt: skip
def test_samples_have_the_shape_that_was_asked_for(device, kind, asked, shape):
    distribution = distributions_of_every_kind(device)[kind]
    assert tuple(distribution.sample(asked, generator=source()).shape) == shape + distribution.event_shape
    assert distribution.batch_shape == ()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_distributions_keep_the_dtype_and_device_they_are_made_with(device, dtype):
    options = dict(dtype=dtype, device=device)
    for distribution in (
        gaussian(0, 1, **options),
        gaussian([0.0, 1.0], 1, **options),
        gaussian_mixture([0, 1], **options),
        ring(**options),
        grid(**options),
        uniform(0, 1, **options),
        *parallel_lines(1.0, **options),
    ):
        assert isinstance(distribution, Distribution)
        assert distribution.dtype == dtype
        assert distribution.device.type == device.type
        x = distribution.sample(10, generator=source())
        assert (x.dtype, x.device.type) == (dtype, device.type)
        if hasattr(distribution, "log_prob"):  # a segment has no density
            density = distribution.density(x)
            assert (density.dtype, density.device.type, density.shape) == (dtype, device.type, (10,))
            assert (distribution.mean.dtype, distribution.stddev.device.type) == (dtype, device.type)


def test_a_distribution_can_be_moved_to_another_device(device):
    distribution = gaussian_mixture([-2.0, 3.0], [0.5, 1.0], [0.3, 0.7])
    moved = distribution.to(device)
    assert moved.device.type == device.type
    assert torch.equal(moved.sample(10, generator=source()).cpu(), distribution.sample(10, generator=source()))
    assert moved.weights.tolist() == distribution.weights.tolist()


def test_landmarks_lie_on_every_mode_and_the_support_ends_at_every_jump(device):
    distribution = gaussian_mixture([-40, 7], [1e-3, 2], device=device)
    assert {-40.0, 7.0} <= set(distribution.landmarks().tolist())
    support = uniform(-1, 3, device=device).support
    assert (float(support.lower_bound), float(support.upper_bound)) == (-1, 3)


def test_a_mixture_of_one_is_a_gaussian_and_defaults_are_standard(device):
    x = torch.linspace(-3, 3, 7, dtype=torch.float64, device=device)
    np.testing.assert_allclose(array(gaussian(device=device).density(x)), scipy.stats.norm.pdf(array(x)), rtol=1e-13)
    np.testing.assert_allclose(array(uniform(device=device).density(x)), 1.0 * ((array(x) >= 0) & (array(x) <= 1)))
    assert isinstance(uniform(), Distribution)


# ---------------------------------------------------------------------------------------------- digits


def test_digits_are_scikit_learns_from_paper_to_ink(device):
    threes, eights = digits(3, 8, dtype=torch.float64, device=device)
    assert (threes.shape, eights.shape) == ((183, 64), (174, 64))
    witness = sklearn.datasets.load_digits()
    for images, digit in ((threes, 3), (eights, 8)):
        np.testing.assert_array_equal(array(images) * 16, witness.data[witness.target == digit])
        assert images.min().item() == 0
        assert images.max().item() == 1


def test_all_digits_are_there(device):
    classes = digits(*range(10), device=device)
    assert sum(map(len, classes)) == 1797
    assert {x.dtype for x in classes} == {torch.float32}
    assert {x.device.type for x in classes} == {device.type}


def test_one_class_comes_alone():
    assert isinstance(digits(0), torch.Tensor)
    assert torch.equal(digits(0), digits(0, 1)[0])
