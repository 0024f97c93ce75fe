"""Metrics where inputs are odd: coordinates of 1e-200, no members at all, features far from the origin, half floats."""

import math
from fractions import Fraction

import numpy as np
import pytest
import scipy.stats
import torch

from gantut.data import gaussian_mixture, ring
from gantut.lipschitz import (
    clip_,
    lipschitz_bound,
    max_gradient_norm,
    project_spectral_norm_,
    spectral_norm,
    weight_matrices,
)
from gantut.metrics import (
    certified_w1,
    density_coverage,
    effective_classes,
    exact_w1,
    fid,
    frechet_distance,
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


# ---- Points of very different sizes ----------------------------------------------------------------------------------


@pytest.mark.filterwarnings("error")  # no point has a copy
def test_tiny_distances_are_kept_beside_ordinary_and_huge_ones():
    samples = torch.tensor([[1e-170, 0.0], [1.0, 0.0], [1e150, 2e-200]], dtype=torch.float64)
    data = torch.tensor([[0.0, 0.0], [1e150, 0.0]], dtype=torch.float64)
    found = nearest_training_distance(samples, data)
    assert found.distance.tolist() == [1e-170, 1.0, 2e-200]
    assert found.index.tolist() == [0, 0, 1]
    reference = torch.tensor([[0.0], [1e-200], [2e-200], [1.0], [1.1]], dtype=torch.float64)
    off = torch.tensor([[5e-199], [7e-199], [3.0], [4.0]], dtype=torch.float64)  # nearer than squares can tell
    assert precision_recall(off, reference, k=1).precision == 0
    assert density_coverage(reference, reference, k=1).coverage == 1


@pytest.mark.parametrize("size", [1e2, 1e4, 1e6])
@pytest.mark.parametrize("where", ["samples", "reference"])
def test_the_kernel_distance_keeps_its_digits_beside_a_point_far_from_all_others(where, size):
    x, y = clouds((8, 3), (9, 3))
    (x if where == "samples" else y)[0] *= size
    truth = kernel_distance(x, y)
    assert abs(Fraction(kid(x, y).item()) - truth) <= abs(truth) * Fraction(1, 10**12)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_a_singular_covariance_is_one_also_as_its_precision_rounds_it(dtype):
    zero = torch.zeros(8, dtype=dtype)
    for seed in range(20):
        few, many = clouds((3, 8), (20, 8), seed=seed)  # three points span two dimensions
        exact = few.T.cov(), many.T.cov()
        found = frechet_distance(zero, exact[0].to(dtype), zero, exact[1].to(dtype))
        truth = frechet_distance(zero.double(), exact[0], zero.double(), exact[1])
        scale = exact[0].trace() + exact[1].trace()
        assert found.item() == pytest.approx(truth.item(), abs=(64 * torch.finfo(dtype).eps) ** 0.5 * scale.item())


# ---- What no p-value can reject, no interval leaves out --------------------------------------------------------------


@pytest.mark.parametrize(
    ("pairs", "settings", "message"),
    [
        (6, dict(level=1 - 2**-5), "with_ must have at least 7 members"),  # the least p-value is alpha itself
        (40, dict(comparisons=2501), "comparisons must be fewer: p-values of random signs, 40 each"),
        (16, dict(comparisons=1200), "comparisons must be fewer"),
    ],
)
def test_an_interval_that_no_signs_can_bound_is_refused(pairs, settings, message):
    shifted = [5 + math.sin(i) / 10 for i in range(pairs)]
    with pytest.raises(ValueError, match=message):
        paired_difference(shifted, [0.0] * pairs, **settings)


def test_an_interval_is_bounded_where_the_outermost_signs_are_rejected():
    found = paired_difference([5 + math.sin(i) / 10 for i in range(40)], [0.0] * 40, comparisons=2000)
    assert 4.9 < found.low < found.difference < found.high < 5.1


# ---- Labels and numbers from elsewhere -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["u1", "u2", "u4", "u8", ">u2", ">i4", "i1", list, tuple])
def test_labels_are_whole_numbers_of_any_kind(kind):
    labels = np.array([0, 1, 1, 2])
    given = kind(labels.tolist()) if isinstance(kind, type) else labels.astype(kind)
    assert effective_classes(given).item() == pytest.approx(math.sqrt(8), rel=1e-15)  # entropy (3/2) log 2
    if not isinstance(kind, type) and kind[0] == "u":
        assert effective_classes(torch.from_numpy(given)).item() == pytest.approx(math.sqrt(8), rel=1e-15)


@pytest.mark.parametrize("value", [None, {}, ["a", "b"], [0, 10**30], [[0, 1], [2]], np.array([None, 1])], ids=repr)
def test_what_are_no_labels_is_refused_by_name(value):
    with pytest.raises(ValueError, match=r"^classes must be a tensor or an array of numbers, not"):
        effective_classes(value)


@pytest.mark.filterwarnings("error")
def test_lists_of_arrays_are_points_and_numbers_too_large_for_a_float_are_none():
    x, y = clouds((6, 2), (5, 2))
    assert torch.equal(fid(list(x.numpy()), list(y.numpy())), fid(x, y))
    with pytest.raises(ValueError, match=r"^samples must be a tensor or an array of numbers"):
        fid([[10**400, 1.0], [0.0, 1.0]], y)


# ---- Slopes and norms at the ends of the range -----------------------------------------------------------------------


def chain(*weights):
    """A critic on the line that multiplies by each of the weights."""
    critic = MLP([1] * (len(weights) + 1)).double()
    for own, weight in zip(critic.weights, weights, strict=True):
        own.data.fill_(weight)
    return critic


@pytest.mark.parametrize(
    "weights", [[1e-200, 1e-200, 1e300], [1e200, 1e200, 1e-300], [1e-30] * 12, [1e-300, 3e-20], [1e-310, 2.0]], ids=str
)
def test_an_upper_bound_is_one_where_products_leave_the_range(weights):
    bound, truth = lipschitz_bound(chain(*weights)).item(), math.prod(map(Fraction, weights))
    smallest = Fraction(5e-324)
    assert truth <= Fraction(bound) <= truth * (1 + Fraction(1, 10**12)) + 2 * smallest
    assert lipschitz_bound(chain(*weights, 0.0)) == 0


def test_an_upper_bound_of_hundreds_of_layers_is_above_all_of_their_roundings():
    random, product, weights = np.random.default_rng(0), 1.0, []
    for _ in range(400):  # each the one of many whose product is rounded down most

        def loss(weight, product=product):
            return Fraction(product) * Fraction(weight) / Fraction(product * weight)

        weights.append(max((0.9 + 0.3 * random.random(20)).tolist(), key=loss))
        product *= weights[-1]
    truth = math.prod(map(Fraction, weights))
    assert Fraction(product) < truth * (1 - Fraction(2) ** -46)  # one product, as it would be rounded
    assert truth <= Fraction(lipschitz_bound(chain(*weights)).item())


def test_roundings_of_large_scores_are_no_slope():
    class Offset(torch.nn.Module):
        def forward(self, x):
            return x + 1e8  # scores near 1e8 are 1.5e-8 apart

    for apart in np.linspace(1.5e-6, 3e-6, 40):
        assert max_gradient_norm(Offset(), torch.tensor([[0.5], [0.5 + apart], [1.0]]).double()) <= 1


@pytest.mark.parametrize(
    ("dtype", "entry", "bound"),
    [(torch.float16, 6e4, 1.0), (torch.float32, 1e38, 1.0), (torch.float32, 1e30, 1e-5), (torch.float64, 1e307, 1.0)],
)
def test_a_matrix_of_the_largest_numbers_is_divided_by_its_norm(dtype, entry, bound):
    weight = torch.full((2, 32, 32), entry, dtype=dtype)
    weight[1] = torch.eye(32) * bound / 2  # and another within the bound stays
    beside = weight[1].clone()
    project_spectral_norm_(weight, bound)
    torch.testing.assert_close(weight[0], torch.full_like(weight[0], bound / 32))  # of 32 e e^T / 32
    assert torch.equal(weight[1], beside)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_a_bound_beyond_the_range_clips_nothing(dtype):
    weight = torch.tensor([-3.0, 2.0], dtype=dtype)
    clip_(weight, 1e39)
    assert weight.tolist() == [-3.0, 2.0]


@pytest.mark.parametrize(
    "layer",
    [
        torch.nn.BatchNorm1d(8, affine=False),
        torch.nn.InstanceNorm1d(8),
        torch.nn.LayerNorm(8, elementwise_affine=False),
        torch.nn.LocalResponseNorm(2),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_layers_that_normalise_without_parameters_are_bounded_by_no_matrix_either(layer):
    with pytest.raises(ValueError, match="critic must have neither normalisation nor"):
        weight_matrices(torch.nn.Sequential(torch.nn.Linear(2, 8), layer, torch.nn.Linear(8, 1)))


@pytest.mark.filterwarnings("ignore::FutureWarning")  # of torch, for the older of the two
def test_matrices_that_are_made_of_others_cannot_be_changed():
    for wrap in (torch.nn.utils.weight_norm, torch.nn.utils.parametrizations.weight_norm):
        with pytest.raises(ValueError, match="only the parameters of torch"):
            weight_matrices(torch.nn.Sequential(wrap(torch.nn.Linear(2, 8)), torch.nn.Linear(8, 1)))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_classifier_in_half_precision_is_the_one_in_single_precision_rounded(dtype):
    (images,) = clouds((40, 3))
    images, labels = images.to(dtype), (images[:, 0] > 0).long()
    half, single = (train_classifier(given, labels, hidden=(4,), epochs=3) for given in (images, images.float()))
    for rounded, exact in zip(half.parameters(), single.parameters(), strict=True):
        assert torch.equal(rounded, exact.to(dtype))
    assert half.probabilities(images).isfinite().all()
