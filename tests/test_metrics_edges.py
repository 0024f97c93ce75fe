"""Metrics where inputs are odd: coordinates of 1e-200, no members at all, features far from the origin, half floats."""

import math
from fractions import Fraction

import numpy as np
import pytest
import scipy.stats
import torch

from gantut.data import gaussian_mixture, ring
from gantut.lipschitz import lipschitz_bound, max_gradient_norm, spectral_norm
from gantut.metrics import (
    certified_w1,
    density_coverage,
    exact_w1,
    fid,
    kid,
    mean_distance,
    median_interval,
    mode_coverage,
    nearest_neighbour_distance,
    nearest_training_distance,
    paired_difference,
    precision_recall,
    rank_correlation,
    train_classifier,
)
from gantut.networks import MLP
from gantut.transport import emd_points


def clouds(*shapes, seed=0):
    source = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=source, dtype=torch.float64) for shape in shapes]


def tensors(found):
    return (found,) if isinstance(found, torch.Tensor) else tuple(found)


# ---- Every unit is as good as another --------------------------------------------------------------------------------

LENGTHS = {  # they are in the units of the points
    "exact_w1": exact_w1,
    "certified_w1": lambda x, y: certified_w1(x, y, x[..., 0], y[..., 0]),
    "nearest_neighbour_distance": lambda x, y: nearest_neighbour_distance(x),
    "mean_distance": lambda x, y: mean_distance(x),
    "nearest_training_distance": lambda x, y: nearest_training_distance(x, y).distance,
}
SHARES = {  # and they have no unit
    "precision_recall": lambda x, y: precision_recall(x, y, k=2),
    "density_coverage": lambda x, y: density_coverage(x, y, k=2),
    "mode_coverage": lambda x, y: mode_coverage(x, gaussian_mixture(y, y.abs().mean())),
    "nearest_training_distance": lambda x, y: nearest_training_distance(x, y).index,
}


@pytest.mark.filterwarnings("error")  # none of these points has copies
@pytest.mark.parametrize("power", [-1000, -660, -520, 480])
@pytest.mark.parametrize("name", {**LENGTHS, **SHARES})
def test_metrics_scale_with_the_points_from_the_smallest_to_the_largest(name, power):
    x, y = clouds((12, 2), (11, 2))
    unit = 2.0**power  # so that no point is rounded
    if name in LENGTHS:
        found, ordinary = LENGTHS[name](x * unit, y * unit), LENGTHS[name](x, y)
        torch.testing.assert_close(found / unit, ordinary, rtol=1e-13, atol=0)
    if name in SHARES:
        for found, ordinary in zip(tensors(SHARES[name](x * unit, y * unit)), tensors(SHARES[name](x, y)), strict=True):
            assert torch.equal(found, ordinary)


def test_modes_are_counted_in_the_tiniest_ring():
    tiny = ring(8, radius=1e-170, std=1e-171)
    assert torch.equal(mode_coverage(tiny.means, tiny).shares, torch.full((8,), 0.125).double())


# ---- A population of none --------------------------------------------------------------------------------------------

OF_TWO = {
    "exact_w1": (exact_w1, [()]),
    "certified_w1": (lambda x, y: certified_w1(x, y, x[..., 0], y[..., 0]), [()]),
    "fid": (fid, [()]),
    "kid": (kid, [()]),
    "precision_recall": (precision_recall, [(), ()]),
    "density_coverage": (lambda x, y: density_coverage(x, y, k=3), [(), ()]),
    "nearest_training_distance": (nearest_training_distance, [(6,), (6,)]),
    "nearest_neighbour_distance": (lambda x, y: nearest_neighbour_distance(x), [()]),
    "mean_distance": (lambda x, y: mean_distance(x), [()]),
}


@pytest.mark.parametrize("members", [(0,), (3, 0), (0, 2)])
@pytest.mark.parametrize("name", OF_TWO)
def test_of_no_members_there_is_nothing_to_say_and_no_error(name, members):
    metric, own = OF_TWO[name]
    (reference,) = clouds((5, 2))
    found = tensors(metric(torch.zeros(*members, 6, 2), reference.float()))
    assert [tuple(each.shape) for each in found] == [(*members, *shape) for shape in own]
    assert found[0].dtype == torch.float32


# ---- The kernel distance ---------------------------------------------------------------------------------------------


def kernel_distance(x, y):
    """The estimate in fractions: no digit is lost."""
    x, y = ([[Fraction(value) for value in point] for point in cloud.tolist()] for cloud in (x, y))

    def kernel(p, q):
        return (sum(s * t for s, t in zip(p, q, strict=True)) / len(p) + 1) ** 3

    def within(points):
        pairs = [(p, q) for i, p in enumerate(points) for j, q in enumerate(points) if i != j]
        return sum(kernel(p, q) for p, q in pairs) / len(pairs)

    return within(x) + within(y) - 2 * sum(kernel(p, q) for p in x for q in y) / (len(x) * len(y))


@pytest.mark.parametrize("away", [0.0, 1.0, 1e2, 1e4, 1e8, -1e12])
def test_the_kernel_distance_keeps_its_digits_wherever_the_origin_is(away):
    x, y = clouds((8, 3), (9, 3))
    x, y = x + away, 1.1 * y + away
    truth = kernel_distance(x, y)
    assert abs(Fraction(kid(x, y).item()) - truth) <= abs(truth) * Fraction(1, 10**13)


@pytest.mark.parametrize("away", [1e3, 1e6, 1e9])
def test_the_frechet_distance_keeps_its_digits_wherever_the_origin_is(away):
    x, y = ((cloud * 1024).round() / 1024 + away for cloud in clouds((8, 2), (9, 2)))  # which rounds none of them
    torch.testing.assert_close(fid(x, y), fid(x - away, y - away), rtol=1e-13, atol=0)


@pytest.mark.parametrize("name", OF_TWO)
def test_metrics_inside_a_transform_say_that_members_have_a_dimension(name):
    x, y = clouds((3, 6, 2), (6, 2))
    with pytest.raises(ValueError, match=r"must be outside of torch\.func: leading dimensions make a batch"):
        torch.func.vmap(lambda x: tensors(OF_TWO[name][0](x, y))[0])(x)


# ---- What is proved is at most what is true, whatever the precision --------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_a_perfect_critic_proves_no_more_than_the_distance_down_to_the_smallest_numbers(dtype):
    limits, random = torch.finfo(dtype), np.random.default_rng(0)
    for _ in range(12):
        unit = math.exp(random.uniform(math.log(limits.tiny), math.log(limits.tiny) / 4))
        x, y = (torch.from_numpy(random.standard_normal((4, 1)) * unit).to(dtype) for _ in "xy")
        solved = emd_points(x.double(), y.double())
        proved = certified_w1(x, y, solved.f.to(dtype), -solved.g.to(dtype))
        in_order = zip(x.flatten().sort().values.tolist(), y.flatten().sort().values.tolist(), strict=True)
        truth = sum(abs(Fraction(u) - Fraction(v)) for u, v in in_order) / 4
        assert 0 <= Fraction(proved.item()) <= truth, (x, y)


# ---- Statistics at the ends of the range -----------------------------------------------------------------------------


@pytest.mark.parametrize(("dtype", "large"), [(torch.float16, 6e4), (torch.float32, 3e38), (torch.float64, 1.7e308)])
def test_the_median_of_large_numbers_is_no_larger(dtype, large):
    values = torch.tensor([large] * 8, dtype=dtype)
    low, median, high = median_interval(values)
    assert low == median == high == values[0]


def test_ranks_do_not_depend_on_the_size_of_numbers():
    x, y = clouds((7,), (7,))
    truth = scipy.stats.spearmanr(x, y).statistic
    for unit in (1e300, 1e-300):
        assert rank_correlation(x * unit, y).item() == pytest.approx(truth, abs=1e-14)
        found = rank_correlation(torch.stack([x * unit, x * math.nan]), y)  # a diverged member beside it
        assert found[0].item() == pytest.approx(truth, abs=1e-14)
        assert found[1].isnan()


def test_differences_too_large_to_be_added_up_are_refused():
    with pytest.raises(ValueError, match=r"^with_ must be small enough to be added up, but reaches 1e\+308"):
        paired_difference([1e308] * 16, [-1e308] * 16)


@pytest.mark.parametrize(
    ("epochs", "hidden", "name"), [(2**63, (4,), "epochs"), (1, 5, "hidden"), (1, ("4",), "hidden")]
)
def test_settings_of_a_classifier_that_there_are_not_are_refused(epochs, hidden, name):
    with pytest.raises(ValueError, match=rf"^{name} must be"):
        train_classifier(torch.zeros(4, 2), [0, 1, 0, 1], epochs=epochs, hidden=hidden)


def test_a_classifier_is_trained_in_inference_mode_as_outside_of_it():
    (images,) = clouds((20, 3))
    labels = torch.arange(20) % 2
    outside = train_classifier(images, labels, hidden=(4,), epochs=2)
    with torch.inference_mode():
        inside = train_classifier(images + 0, labels, hidden=(4,), epochs=2)
    assert all(torch.equal(p, q) for p, q in zip(outside.parameters(), inside.parameters(), strict=True))


# ---- Bounds of slopes are bounds -------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_an_upper_bound_is_rounded_up(dtype):
    for seed in range(8):
        critic = MLP([3, 16, 16, 1], seed=seed).to(dtype)
        norms = [np.linalg.norm(weight[0].detach().double().numpy(), 2) for weight in critic.weights]
        truth = math.prod(Fraction(norm) for norm in norms)
        bound = Fraction(lipschitz_bound(critic).item())
        rounding = 2 * Fraction(torch.finfo(dtype).eps) + Fraction(2) ** -45  # of the answer, and of the product
        assert truth <= bound <= truth * (1 + rounding)


def test_a_spectral_norm_in_half_precision_is_that_of_the_same_matrix():
    (matrix,) = clouds((5, 4))
    for dtype in (torch.float16, torch.bfloat16):
        given = matrix.to(dtype)
        truth = np.linalg.norm(given.double().numpy(), 2)
        assert spectral_norm(given).dtype == dtype
        assert spectral_norm(given).item() == pytest.approx(truth, rel=torch.finfo(dtype).eps)


def test_slopes_are_found_in_inference_mode_too():
    critic, (x,) = torch.nn.Linear(2, 1).double(), clouds((6, 2))
    with torch.inference_mode():
        found = max_gradient_norm(critic, x + 0)
    assert found.item() == pytest.approx(critic.weight.norm().item(), rel=1e-9)
