"""Figures of merit of critics: what they say of the truth, of its opposite, and of critics known in closed form."""

import itertools
import math

import pytest
import torch
from torch import nn

from gantut.lessons.better_critics import critic_distance, funnels, gradient_cosine, gradient_error
from gantut.networks import MLP


class Potentials(nn.Module):
    """A population of multiples of the truth: member i is c_i u."""

    def __init__(self, pair, factors):
        super().__init__()
        self.pair, self.factors = pair, factors

    def forward(self, x):
        x = x.expand(len(self.factors), *x.shape[-2:])
        factors = torch.tensor(self.factors, dtype=x.dtype, device=x.device)
        return factors[:, None, None] * self.pair.potential(x)[..., None]


@pytest.fixture
def pair(device):
    return funnels(3, 5, seed=1, device=device)


@pytest.mark.parametrize("shape", [(200,), (4, 50)])
def test_the_truth_is_perfect_its_opposite_is_not_and_length_shows_in_the_error_alone(pair, rng, shape):
    critic, x = Potentials(pair, [1.0, -1.0, 3.0, 0.0]), pair.x.sample(shape, generator=rng)
    cosines, errors = gradient_cosine(critic, pair, x), gradient_error(critic, pair, x)
    torch.testing.assert_close(cosines.cpu(), torch.tensor([1, -1, 1, 0]).double(), rtol=0, atol=1e-12)
    torch.testing.assert_close(errors.cpu(), torch.tensor([0, 4, 4, 1]).double(), rtol=0, atol=1e-12)
    assert torch.equal(gradient_cosine(critic, pair, x, higher="x"), -cosines)
    errors = gradient_error(critic, pair, x, higher="x").cpu()
    torch.testing.assert_close(errors, torch.tensor([4, 0, 16, 1]).double(), rtol=0, atol=1e-12)


def test_both_are_the_means_of_loops_over_samples(pair, device, rng):
    critic = MLP([3, 8, 1], members=2, gain=3.0, dtype=torch.float64, device=device)
    x = pair.x.sample((2, 30), generator=rng)
    cosines, errors = gradient_cosine(critic, pair, x), gradient_error(critic, pair, x)
    assert not cosines.requires_grad
    assert not errors.requires_grad
    for member in range(2):
        found = []
        for point in x[member]:
            point = point.clone().requires_grad_()
            score = critic.members_between(member, member + 1)(point[None, None])
            f, u = (torch.autograd.grad(value.sum(), point)[0] for value in (score, pair.potential(point)))
            dot, squares = sum(f * u), [sum(g * g).item() for g in (f, u)]
            cosine = 0 if squares[0] == 0 else dot.item() / math.sqrt(math.prod(squares))  # dead units: no gradient
            found.append((cosine, squares[0] + squares[1] - 2 * dot.item()))
        expected = [sum(column) / len(found) for column in zip(*found, strict=True)]
        assert cosines[member].item() == pytest.approx(expected[0], abs=1e-12)
        assert errors[member].item() == pytest.approx(expected[1], abs=1e-11)


def test_with_gradients_of_norm_one_the_error_is_two_minus_two_cosines(pair, device, rng):
    critic = MLP([3, 1], members=3, dtype=torch.float64, device=device)
    with torch.no_grad():
        critic.weights[0].div_(critic.weights[0].norm(dim=1, keepdim=True))
    x = pair.x.sample(100, generator=rng)
    expected = 2 - 2 * gradient_cosine(critic, pair, x)
    torch.testing.assert_close(gradient_error(critic, pair, x), expected, rtol=0, atol=1e-12)


class Steep:
    """A truth with gradients of other norms: u(x) = 3 |x|^2 / 2."""

    def gradient(self, x):
        return 3 * x


def test_the_error_is_relative_to_the_size_of_the_true_gradients(device, rng):
    critic, x = MLP([3, 1], members=2, dtype=torch.float64, device=device), torch.randn(50, 3, generator=rng).double()
    w = critic.weights[0].detach().squeeze(-1).cpu()  # the gradient everywhere, (members, 3)
    expected = (w[:, None] - 3 * x).square().sum((1, 2)) / (3 * x).square().sum()
    found = gradient_error(critic, Steep(), x.to(device)).cpu()
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=0)


def test_the_truth_reports_the_true_distance(pair, rng):
    critic = Potentials(pair, [1.0, 2.0, -1.0])
    x, y = pair.sample_pairs(400, generator=rng)
    found = critic_distance(critic, x, y)
    expected = torch.tensor([1.0, 2.0, -1.0]).to(found) * (x - y).norm(dim=1).mean()
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=0)
    assert torch.equal(critic_distance(critic, x, y, higher="x"), -found)
    x, y = pair.sample(100_000, generator=rng)
    assert critic_distance(critic, x, y)[0].item() == pytest.approx(pair.w1, abs=0.03)  # five standard errors


def test_members_with_batches_of_their_own_are_judged_on_them(pair, device, rng):
    critic = MLP([3, 6, 1], members=2, dtype=torch.float64, device=device)
    x, y = pair.x.sample((2, 20), generator=rng), pair.y.sample((2, 30), generator=rng)
    both = [gradient_cosine(critic, pair, x), gradient_error(critic, pair, x), critic_distance(critic, x, y)]
    for member, measure in itertools.product(range(2), range(3)):
        one = critic.members_between(member, member + 1)
        own = (one, pair, x[member]) if measure < 2 else (one, x[member], y[member])
        value = (gradient_cosine, gradient_error, critic_distance)[measure](*own)
        torch.testing.assert_close(value[0], both[measure][member], rtol=0, atol=1e-13)


def test_a_critic_in_single_precision_is_answered_in_it_and_a_diverged_one_with_nan(pair, device, rng):
    critic, x = MLP([3, 6, 1], members=3, device=device), pair.x.sample(20, generator=rng).float()
    with torch.no_grad():
        critic.weights[0][1] = torch.nan
    for found in (gradient_cosine(critic, pair, x), gradient_error(critic, pair, x), critic_distance(critic, x, x + 1)):
        assert found.dtype == torch.float32
        assert found.isnan().tolist() == [False, True, False]


def test_a_critic_without_members_is_a_population_of_one(pair, device, rng):
    critic = nn.Linear(3, 1).double().to(device)
    x, y = pair.x.sample(20, generator=rng), pair.y.sample(30, generator=rng)
    expected = (critic.weight[0] * (y.mean(0) - x.mean(0))).sum().detach()
    for points in ((x, y), (x[None], y[None]), (x, y[None])):
        torch.testing.assert_close(critic_distance(critic, *points), expected[None], rtol=1e-12, atol=1e-14)


def test_samples_of_any_dtype_are_given_to_a_critic_in_its_own(pair, device, rng):
    critic = MLP([3, 1], device=device)
    x, y = (distribution.sample(20, generator=rng).to(device) for distribution in (pair.x, pair.y))
    assert x.dtype == torch.float64
    assert torch.equal(critic_distance(critic, x, y), critic_distance(critic, x.float(), y.float()))
    torch.testing.assert_close(gradient_cosine(critic, pair, x), gradient_cosine(critic, pair, x.float()))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda c, p: gradient_cosine(c, p, torch.zeros(3)), r"x must have shape \(n, d\) or \(members, n, d\)"),
        (lambda c, p: gradient_error(c, p, torch.zeros(0, 3)), "with no size 0"),
        (
            lambda c, p: gradient_error(c, p, torch.zeros(4, 3), higher="real"),
            "higher must be one of 'y', 'x', not 're",
        ),
        (lambda c, p: gradient_cosine(nn.BatchNorm1d(3), p, torch.zeros(4, 3)), "one score"),
        (lambda c, p: critic_distance(c, torch.zeros(4, 3), torch.zeros(3)), r"y must have shape"),
        (
            lambda c, p: critic_distance(nn.Linear(3, 2), torch.zeros(1, 4, 3), torch.zeros(1, 5, 3)),
            r"critic must return one score per sample, .* x of shape \(1, 4, 3\) to \(members, 4, 1\), not to ",
        ),
        (
            lambda c, p: critic_distance(nn.Flatten(0), torch.zeros(1, 4, 3), torch.zeros(4, 3)),
            r"one score per sample, .* not to \(12,\)",
        ),
        (
            lambda c, p: gradient_cosine(nn.Linear(3, 2), p, torch.zeros(4, 3)),
            "one score",
        ),
        (lambda c, p: gradient_error(c, None, torch.zeros(4, 3)), "pair must have a method `gradient`, .* is None"),
        (lambda c, p: critic_distance(c, torch.zeros(4, 3), torch.zeros(4, 3), higher="z"), "higher must be one of"),
    ],
)
def test_what_has_no_meaning_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call(MLP([3, 1]), funnels(3, 2))
