"""Sliced distances and pairs of two batches, against POT, SciPy, brute force and closed forms."""

import itertools
import math

import numpy as np
import ot
import pytest
import torch
from scipy.optimize import linear_sum_assignment

from gantut.transport import emd_points, minibatch_coupling, sliced_wasserstein, wasserstein_1d

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture
def normal(rng, device):
    return lambda *shape: torch.randn(shape, dtype=torch.float64, generator=rng).to(device)


def array(values):
    return values.detach().cpu().double().numpy()


# ---------------------------------------------------------------------------------------------- sliced distances


@pytest.mark.parametrize("p", [1, 2, 3])
@pytest.mark.parametrize(("n", "m"), [(20, 20), (20, 13)])
def test_it_is_what_pot_finds_with_the_same_projections(normal, n, m, p):
    x, y, directions = normal(n, 4), normal(m, 4) + 1, normal(4, 7)
    directions = directions / directions.norm(dim=0)
    witness = ot.sliced_wasserstein_distance(array(x), array(y), p=p, projections=array(directions)) ** p
    assert sliced_wasserstein(x, y, directions, p=p).item() == pytest.approx(witness, rel=1e-10)


def test_it_is_a_loop_over_lines(normal):
    x, y, directions = normal(3, 9, 2), normal(9, 2), normal(2, 5)
    found = sliced_wasserstein(x, y, directions)
    for member in range(3):
        lines = [wasserstein_1d(x[member] @ u, y @ u) for u in directions.T]
        torch.testing.assert_close(found[member], torch.stack(lines).mean(), rtol=1e-13, atol=0)


@pytest.mark.parametrize("p", [1, 2])
def test_a_shifted_cloud_is_as_far_as_the_shift_is_long_along_each_direction(normal, p):
    """W_p^p of the projections is |<u, s>|^p, and its mean over the sphere is a ratio of gamma functions."""
    d, shift = 3, torch.tensor([2.0, -1.0, 0.5], dtype=torch.float64)
    x, source = normal(10, d), torch.Generator().manual_seed(0)
    mean = math.gamma((p + 1) / 2) * math.gamma(d / 2) / (math.sqrt(math.pi) * math.gamma((p + d) / 2))
    found = sliced_wasserstein(x, x + shift.to(x), 20_000, p=p, generator=source)
    assert found.item() == pytest.approx(mean * shift.norm().item() ** p, rel=0.02)  # 3 standard errors are 0.013


def test_it_never_exceeds_the_distance(normal):
    x, y = normal(5, 30, 3), normal(5, 30, 3) * 2
    assert (sliced_wasserstein(x, y, 20) <= emd_points(x, y).value).all()


def test_directions_come_from_the_generator_and_are_the_same_for_the_whole_batch(normal):
    x, y = normal(8, 3), normal(8, 3)
    first, again = (sliced_wasserstein(x, y, 6, generator=torch.Generator().manual_seed(3)) for _ in range(2))
    assert first.item() == again.item()
    pair = sliced_wasserstein(torch.stack([x, x]), y, 6)
    assert pair[0].item() == pair[1].item()


def test_its_gradient_is_that_of_finite_differences(rng):
    x, y, directions = (torch.randn(shape, dtype=torch.float64, generator=rng) for shape in ((6, 3), (6, 3), (3, 4)))
    for p in (1, 2):
        assert torch.autograd.gradcheck(lambda x, y, p=p: sliced_wasserstein(x, y, directions, p=p), (
            x.requires_grad_(), y.requires_grad_()))  # fmt: skip


def test_single_precision_is_kept(normal):
    x = normal(5, 2).float()
    assert sliced_wasserstein(x, x + 1, 4).dtype == torch.float32


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(projections=0), "projections must be a whole number of at least 1, not 0"),
        (dict(projections=torch.eye(3)), r"projections must have shape \(\.\.\., 2, k\).* \(3, 3\)"),
        (dict(projections=torch.full((2, 1), math.nan)), "projections must be finite"),
        (dict(projections=torch.eye(2).double()), "x and projections must have one dtype"),
        (dict(y=torch.zeros(4, 3)), "same dimension"),
        (dict(p=0.5), "p must be"),
        (dict(p=math.inf), "p must be"),
        (dict(generator=1), "generator must be"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        sliced_wasserstein(**{"x": torch.zeros(4, 2), "y": torch.ones(4, 2)} | arguments)


# ---------------------------------------------------------------------------------------------- pairs


@pytest.mark.parametrize("p", [1, 2])
def test_pairs_are_those_of_scipy_for_every_member(normal, p):
    noise, data = normal(4, 25, 3), normal(4, 25, 3) + 1
    found = minibatch_coupling(noise, data, p=p)
    for member in range(4):
        cost = np.linalg.norm(array(noise[member])[:, None] - array(data[member])[None], axis=-1) ** p
        _, partner = linear_sum_assignment(cost)
        np.testing.assert_array_equal(array(found[member]), array(data[member])[partner])


def test_no_permutation_of_six_points_is_cheaper(normal):
    noise, data = normal(6, 2), normal(6, 2)
    costs = [(noise - data[list(order)]).square().sum().item() for order in itertools.permutations(range(6))]
    assert (noise - minibatch_coupling(noise, data)).square().sum().item() == pytest.approx(min(costs), rel=1e-12)


def test_they_are_the_plan_from_which_minibatch_flow_matching_draws(normal):
    """torchcfm's OTPlanSampler draws pairs from `ot.emd` of the squared distances: the total cost is the same."""
    noise, data = normal(40, 2), normal(40, 2)
    plan = ot.emd(ot.unif(40), ot.unif(40), ot.dist(array(noise), array(data)))
    partners = array(data)[plan.argmax(1)]
    np.testing.assert_array_equal(array(minibatch_coupling(noise, data)), partners)


def test_on_the_line_it_sorts(normal):
    noise, data = normal(30, 1), normal(30, 1)
    found = minibatch_coupling(noise, data)
    torch.testing.assert_close(found[noise[:, 0].argsort()], data.sort(0).values, rtol=0, atol=0)


def test_optimal_pairs_do_not_meet_on_their_way(normal):
    noise, data = normal(20, 2), normal(20, 2)
    data = minibatch_coupling(noise, data)
    agreeing = (noise[:, None] - noise) * (data[:, None] - data)  # cyclical monotonicity, two by two
    assert agreeing.sum(-1).min().item() >= 0


def test_a_batch_of_noise_is_paired_with_one_set_of_data(normal):
    noise, data = normal(3, 5, 2), normal(5, 2)
    found = minibatch_coupling(noise, data)
    assert found.shape == (3, 5, 2)
    torch.testing.assert_close(found[1], minibatch_coupling(noise[1], data), rtol=0, atol=0)


def test_unequal_numbers_are_refused():
    with pytest.raises(ValueError, match="noise and data must have the same number of points, but have 3 and 4"):
        minibatch_coupling(torch.zeros(3, 2), torch.zeros(4, 2))


def test_projections_may_be_a_list_an_array_or_a_batch(rng):
    x, y = torch.randn(2, 5, 3, generator=rng, dtype=torch.float64), torch.randn(4, 1, 7, 3, generator=rng).double()
    axes = torch.eye(3, dtype=torch.float64)
    witness = sliced_wasserstein(x, y, axes)
    for given in (axes.tolist(), axes.numpy(), axes.long(), axes.expand(2, 3, 3)):
        torch.testing.assert_close(sliced_wasserstein(x, y, given), witness, rtol=0, atol=0)
    torch.testing.assert_close(sliced_wasserstein(x.float(), y.float(), axes.tolist()), witness.float())
    with pytest.raises(ValueError, match=r"must broadcast together.* of projections"):
        sliced_wasserstein(x, y, axes.expand(3, 3, 3))


@pytest.mark.parametrize("p", [1, 2])
def test_projections_of_huge_points_do_not_overflow(p):
    # |<u, x>| <= |x|, of which all but the last sum is a number: what is finite must come out so
    huge = torch.tensor([[1.7e308, 1.7e308]], dtype=torch.float64)
    diagonal = torch.full((2, 1), 0.5, dtype=torch.float64)
    assert sliced_wasserstein(huge, huge, 20, p=p).item() == 0
    expected = math.inf if p == 2 else 1.7e308
    assert sliced_wasserstein(huge, torch.zeros_like(huge), diagonal, p=p).item() == pytest.approx(expected)
