"""Flow matching, against the flow between two Gaussians in closed form and a loop straight from the papers."""

import math

import pytest
import torch

from gantut.flows import Velocity, curvature, flow, flow_matching_loss
from gantut.networks import MLP

MEAN, FIRST, LAST = 2.0, 0.5, 3.0  # from N(0, 1/2) to N(2, 3)


def width(t):
    """The standard deviation of x_t with independent ends."""
    return ((1 - t) ** 2 * FIRST**2 + t**2 * LAST**2) ** 0.5


def independent(x, t):
    """E[x_1 - x_0 | x_t = x] of two independent Gaussians: linear regression."""
    t = torch.as_tensor(t, dtype=x.dtype, device=x.device).unsqueeze(-1)
    return MEAN + (t * LAST**2 - (1 - t) * FIRST**2) / width(t) ** 2 * (x - t * MEAN)


def coupled(x, t):
    """The same where x_1 = 2 + 6 x_0, the optimal plan: x_0 is known from x_t."""
    t = torch.as_tensor(t, dtype=x.dtype, device=x.device).unsqueeze(-1)
    return MEAN + (LAST - FIRST) / ((1 - t) * FIRST + t * LAST) * (x - t * MEAN)


def pairs(n, *, optimal):
    source = torch.Generator().manual_seed(0)
    noise, data, times = (torch.randn(n, 1, dtype=torch.float64, generator=source) for _ in range(3))
    times = torch.rand(n, dtype=torch.float64, generator=source)
    return FIRST * noise, MEAN + LAST * (noise if optimal else data), times


@pytest.mark.parametrize("field", [independent, coupled])
def test_both_fields_carry_one_gaussian_to_the_other(field, device):
    x = torch.linspace(-2, 2, 9, dtype=torch.float64, device=device)[:, None]
    end = flow(field, x, steps=400, method="heun")
    torch.testing.assert_close(end, MEAN + LAST / FIRST * x, rtol=0, atol=1e-3)  # of second order: 400^-2 x 100


@pytest.mark.parametrize("field", [independent, coupled])
@pytest.mark.parametrize(("method", "order"), [("euler", 1), ("heun", 2)])
def test_twice_as_many_steps_err_as_the_order_says(field, method, order):
    x = torch.tensor([[1.0]], dtype=torch.float64)
    errors = [abs(flow(field, x, steps=n, method=method).item() - 8.0) for n in (200, 400)]
    assert errors[0] < 1e-9 or math.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.05)


def test_coupled_paths_are_straight_and_one_step_is_enough():
    x = torch.linspace(-2, 2, 9, dtype=torch.float64)[:, None]
    torch.testing.assert_close(flow(coupled, x, steps=1), MEAN + LAST / FIRST * x, rtol=1e-13, atol=1e-13)
    assert curvature(flow(coupled, x, steps=50, path=True)).item() == pytest.approx(0, abs=1e-24)


def test_the_curvature_of_independent_ones_is_an_integral():
    """From x_0 = c the path is 2t + c w(t) / w(0): the integral of (w'(t) - w(1) + w(0))², by the trapezoidal rule."""
    path = flow(independent, torch.tensor([[-1.0], [1.0]], dtype=torch.float64), steps=2000, method="heun", path=True)
    t = torch.linspace(0, 1, 2001, dtype=torch.float64)
    slope = (t * LAST**2 - (1 - t) * FIRST**2) / width(t)
    off = torch.trapezoid((slope - LAST + FIRST).square(), t) / FIRST**2
    straight = MEAN**2 + (LAST / FIRST - 1) ** 2
    assert curvature(path).item() == pytest.approx(off.item() / straight, rel=1e-3)


def test_the_mean_velocity_has_the_least_loss_and_what_is_left_is_a_variance():
    """Of x_1 - x_0 given x_t, for Gaussians: s0² s1² / w(t)², whatever x; its mean over t is an integral."""
    noise, data, times = pairs(100_000, optimal=False)
    best = flow_matching_loss(independent, noise, data, times)
    t = torch.linspace(0, 1, 2001, dtype=torch.float64)
    left = torch.trapezoid((FIRST * LAST / width(t)) ** 2, t)
    assert best.item() == pytest.approx(left.item(), rel=0.03)  # three standard errors
    for field in (coupled, lambda x, t: independent(x, t) + 0.3, lambda x, t: independent(x, t) * 1.1):
        assert flow_matching_loss(field, noise, data, times) > best


def test_nothing_is_left_where_paths_do_not_cross():
    assert flow_matching_loss(coupled, *pairs(1000, optimal=True)).item() == pytest.approx(0, abs=1e-25)


def test_it_is_the_loop_of_the_papers(rng):
    """Lipman et al. (2023), eq. 23, with their smallest width 0; Tong et al. (2024), algorithm 1, with width 0."""
    velocity = Velocity(MLP([3, 8, 2], members=2, dtype=torch.float64))
    noise, data = (torch.randn(2, 5, 2, dtype=torch.float64, generator=rng) for _ in range(2))
    times = torch.rand(2, 5, dtype=torch.float64, generator=rng)
    found = flow_matching_loss(velocity, noise, data, times)
    for member in range(2):
        total = 0.0
        for x0, x1, t in zip(noise[member], data[member], times[member], strict=True):
            place = t * x1 + (1 - t) * x0
            target = (x1 - place) / (1 - t)  # the field that leads from anywhere to x1
            at = torch.cat([place, t[None]]).expand(2, 1, 3)
            total += sum((a - b) ** 2 for a, b in zip(velocity.network(at)[member, 0], target, strict=True)) / 5
        assert found[member].item() == pytest.approx(total.item(), rel=1e-12)


def test_members_do_not_mix(rng):
    both = MLP([3, 8, 2], members=2, dtype=torch.float64)
    x = torch.randn(2, 4, 2, dtype=torch.float64, generator=rng)
    alone = Velocity(both.members_between(1, 2))
    torch.testing.assert_close(flow(Velocity(both), x, steps=3)[1:], flow(alone, x[1:], steps=3), rtol=0, atol=0)


def test_a_path_ends_where_the_flow_does():
    x = torch.ones(3, 1, dtype=torch.float64)
    path = flow(independent, x, steps=7, path=True)
    assert path.shape == (8, 3, 1)
    assert torch.equal(path[0], x)
    assert torch.equal(path[-1], flow(independent, x, steps=7))


def zeros(*shape):
    return torch.zeros(shape)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: flow_matching_loss(independent, zeros(3, 1), zeros(4, 1), zeros(3)), r"\(3, 1\) and \(4, 1\)"),
        (lambda: flow_matching_loss(independent, zeros(3, 1), zeros(3, 1), zeros(4)), r"\(\.\.\., n\).*\(4,\)"),
        (
            lambda: flow_matching_loss(independent, zeros(3, 1), zeros(3, 1), zeros(3) + 2),
            r"times must lie in \[0, 1\]",
        ),
        (lambda: flow_matching_loss(independent, zeros(0, 1), zeros(0, 1), zeros(0)), r"no size 0, not \(0, 1\)"),
        (
            lambda: flow_matching_loss(independent, zeros(3, 1), zeros(3, 1), zeros(3).double()),
            "noise and times must have one dtype",
        ),
        (
            lambda: flow_matching_loss(lambda x, t: x[:, :1], zeros(3, 2), zeros(3, 2), zeros(3)),
            r"velocity must return the shape of the points, \(3, 2\), not \(3, 1\)",
        ),
        (
            lambda: flow(lambda x, t: x[:, :1], zeros(3, 2), steps=1),
            r"velocity must return the shape of the points, \(3, 2\), not \(3, 1\)",
        ),
        (lambda: flow(independent, zeros(3, 1), steps=0), "steps must be a whole number of at least 1, not 0"),
        (lambda: flow(independent, zeros(3, 1), steps=1, method="heuns"), "did you mean 'heun'"),
        (lambda: curvature(zeros(1, 3, 1)), r"path must have shape .* not \(1, 3, 1\)"),
    ],
)
def test_what_makes_no_sense_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
