"""Adaptive Gauss-Kronrod quadrature: exact where it is exact in theory, honest about its error, and unable to settle
where there is nothing to settle."""

import math

import numpy as np
import pytest
import scipy.integrate
import torch

from gantut.divergences import IntegrationError, integrate
from gantut.divergences._quadrature import _RULE_GAUSS, _RULE_KRONROD, _points

pytestmark = pytest.mark.filterwarnings("error")

EPS = 2.0**-52


def monomial_error(weights, degree):
    """What a rule on [-1, 1] makes of x^degree, less its integral."""
    points, _ = _points(torch.tensor([[-1.0, 1.0]], dtype=torch.float64))
    return (weights @ points[0] ** degree).item() - (2 / (degree + 1) if degree % 2 == 0 else 0.0)


@pytest.mark.parametrize("degree", range(24))
def test_kronrods_rule_integrates_polynomials_up_to_degree_23(degree):
    assert abs(monomial_error(_RULE_KRONROD, degree)) <= 8 * EPS  # 15 terms of at most 0.21; degree 23 is odd


def test_kronrods_rule_is_not_exact_at_degree_24():
    assert 1e-10 < abs(monomial_error(_RULE_KRONROD, 24)) < 1e-6


@pytest.mark.parametrize("degree", range(14))
def test_the_gauss_rule_inside_it_integrates_polynomials_up_to_degree_13(degree):
    assert abs(monomial_error(_RULE_GAUSS, degree)) <= 8 * EPS


def test_the_gauss_rule_inside_it_is_not_exact_at_degree_14():
    assert 1e-6 < abs(monomial_error(_RULE_GAUSS, 14)) < 1e-3


def test_the_nodes_of_the_gauss_rule_are_numpys():
    nodes, weights = np.polynomial.legendre.leggauss(7)
    points, _ = _points(torch.tensor([[-1.0, 1.0]], dtype=torch.float64))
    np.testing.assert_allclose(points[0, _RULE_GAUSS > 0], nodes, rtol=0, atol=4 * EPS)
    np.testing.assert_allclose(_RULE_GAUSS[_RULE_GAUSS > 0], weights, rtol=0, atol=4 * EPS)


SMOOTH_AND_ROUGH = {
    "one": (lambda x: 1 + 0 * x, -1, 1),
    "polynomial": (lambda x: 3 * x**5 - x + 2, -2, 5),
    "exponential": (np.exp, -3, 3),
    "oscillation": (lambda x: np.sin(60 * x) + 0.1, 0, 3),
    "kink": (lambda x: abs(x - 1 / 3), -1, 1),
    "kink of exp": (lambda x: np.exp(-abs(x - 0.1)), -10, 10),
    "root": (lambda x: x**0.5, 0, 2),
    "inverse root": (lambda x: x**-0.5, 0, 1),
    "entropy": (lambda x: -x * np.log(x), 0, 1),
    "logarithm": (np.log, 0, 1),
    "step": (lambda x: 1.0 * (x > 1 / 3), -1, 1),  # in torch this is single precision
    "two steps": (lambda x: 2.0 * (x > 0.1) - 1.0 * (x > 0.7), 0, 1),
    "bump": (lambda x: 1 / (1e-4 + (x - 0.4) ** 2), -1, 1),
    "peak": (lambda x: np.exp(-(((x - 0.3) / 0.005) ** 2)), -1, 1),
    "nothing": (lambda x: 0 * x, -1, 1),
}
KINKS = {"kink": [1 / 3], "kink of exp": [0.1], "step": [1 / 3], "two steps": [0.1, 0.7], "bump": [0.4], "peak": [0.3]}


def in_torch(function):
    """The same formula over tensors: numpy's functions are replaced by torch's of the same name."""
    scope = {"np": torch, "__builtins__": __builtins__}
    return (
        type(function)(function.__code__, scope) if hasattr(function, "__code__") else getattr(torch, function.__name__)
    )


@pytest.mark.parametrize("name", SMOOTH_AND_ROUGH)
def test_it_agrees_with_quadpack_and_its_error_is_honest(device, name):
    function, low, high = SMOOTH_AND_ROUGH[name]
    witness, doubt = scipy.integrate.quad(
        function, low, high, epsabs=1e-14, epsrel=1e-13, limit=500, points=KINKS.get(name)
    )
    value, error, points = integrate(in_torch(function), low, high, device=device)
    assert abs(value.item() - witness) <= max(1e-9 * abs(witness), 1e-12) + doubt  # the tolerance that was asked for
    assert abs(value.item() - witness) <= max(error.item(), 1e-12) + doubt
    assert error.item() <= max(1e-9 * abs(witness), 1e-12)
    assert points % 15 == 0


@pytest.mark.parametrize("kind", ["jump", "kink", "plateau"])
def test_a_jump_or_kink_anywhere_is_seen(device, kind):
    # the first point of a panel lies 0.4 % inside: what happens before must be seen all the same, at every halving
    random = np.random.default_rng(0)
    edges = np.linspace(-1, 1, 33)
    near_edges = edges[:-1:4, None] + (edges[1] - edges[0]) * np.array([1e-9, 1e-6, 1e-4, 0.002, 0.004, 0.996, 0.999])
    for place in [*near_edges.ravel(), *random.uniform(-1, 1, 60)]:
        if kind == "jump":
            value, error, _ = integrate(lambda x, place=place: (x > place).double(), -1, 1, device=device)
            truth = 1 - place
        elif kind == "kink":
            value, error, _ = integrate(lambda x, place=place: (x - place).abs(), -1, 1, device=device)
            truth = (1 + place**2).item()
        else:
            value, error, _ = integrate(
                lambda x, place=place: 1 + ((x - place).abs() < 0.2).double(), -1, 1, device=device
            )
            truth = 2 + min(1, place + 0.2) - max(-1, place - 0.2)
        assert value.item() == pytest.approx(truth, rel=1e-9, abs=1e-12)
        assert abs(value.item() - truth) <= max(error.item(), 1e-12)


def test_many_integrals_are_computed_at_once(device):
    degrees = torch.arange(6, dtype=torch.float64, device=device)
    value, error, _ = integrate(lambda x: x[:, None] ** degrees, 0, 2, device=device)
    torch.testing.assert_close(value, 2 ** (degrees + 1) / (degrees + 1), rtol=64 * EPS, atol=0)  # of 480 terms
    assert error.shape == (6,)
    table, errors, _ = integrate(lambda x: (x[:, None] ** degrees).reshape(-1, 2, 3), 0, 2, device=device)
    torch.testing.assert_close(table, value.reshape(2, 3), rtol=0, atol=0)
    assert errors.shape == (2, 3)


def test_each_of_many_integrals_meets_the_tolerance_of_its_own_size(device):
    # a huge integral beside a tiny one must not swallow its digits
    scales = torch.tensor([1e12, 1.0, 1e-6], dtype=torch.float64, device=device)
    value, _, _ = integrate(lambda x: scales * (x[:, None] - 1 / 3).abs(), -1, 1, device=device, atol=0.0)
    torch.testing.assert_close(value, scales * 10 / 9, rtol=1e-9, atol=0)


def test_a_needle_is_found_at_its_landmark(device):
    def needle(x):
        return (-(((x - 0.123456) / 1e-7) ** 2)).exp() / (1e-7 * math.sqrt(math.pi))

    marks = 0.123456 + torch.tensor([-8e-7, 0.0, 8e-7], dtype=torch.float64)
    value, _, _ = integrate(needle, -1, 1, landmarks=marks, device=device)
    assert value.item() == pytest.approx(1, rel=1e-9)


def test_landmarks_outside_the_interval_change_nothing(device):
    plain = integrate(torch.cos, 0, 1, device=device)
    marked = integrate(torch.cos, 0, 1, landmarks=torch.tensor([-3.0, 0.0, 1.0, 7.0]), device=device)
    assert (plain[0].item(), plain[2]) == (marked[0].item(), marked[2])


def test_a_looser_tolerance_costs_fewer_points_and_is_met(device):
    costs = []
    for rtol in (1e-3, 1e-6, 1e-9, 1e-12):
        value, _, points = integrate(torch.sqrt, 0, 1, rtol=rtol, atol=0.0, device=device)
        assert value.item() == pytest.approx(2 / 3, rel=rtol)
        costs.append(points)
    assert costs == sorted(costs)
    assert costs[0] < costs[-1]


@pytest.mark.parametrize(
    ("integrand", "low", "high"),
    [
        pytest.param(lambda x: 1 / x, 0, 1, id="1/x"),
        pytest.param(lambda x: 1 / x.abs(), -1, 1, id="1/|x| inside"),
        pytest.param(lambda x: (x - 1 / 3).abs() ** -1.0, 0, 1, id="1/|x - 1/3|"),
        pytest.param(lambda x: x**-2, 0, 1, id="1/x^2"),
        pytest.param(lambda x: (1 / x).sin() / x, 0, 1, id="sin(1/x)/x"),
    ],
)
def test_an_integral_that_does_not_exist_does_not_settle(device, integrand, low, high):
    with pytest.raises(IntegrationError, match="may be infinite"):
        integrate(integrand, low, high, device=device)


def test_integrals_are_differentiable_in_what_the_integrand_depends_on(device):
    rate = torch.tensor(1.7, dtype=torch.float64, device=device, requires_grad=True)
    value, _, _ = integrate(lambda x: (-rate * x).exp(), 0, 2, device=device)
    (slope,) = torch.autograd.grad(value, rate, create_graph=True)
    (bend,) = torch.autograd.grad(slope, rate)
    a, end = 1.7, math.exp(-3.4)  # the integral is (1 - exp(-2a)) / a
    assert value.item() == pytest.approx((1 - end) / a, rel=1e-12)
    assert slope.item() == pytest.approx((2 * a * end - (1 - end)) / a**2, rel=1e-12)
    assert bend.item() == pytest.approx((2 * (1 - end) - 4 * a * end - 4 * a**2 * end) / a**3, rel=1e-11)


def test_the_points_lie_on_the_device_in_double_precision(device):
    seen = []
    integrate(lambda x: (seen.append((x.dtype, x.device.type)), x)[1], 0, 1, device=device)
    assert set(seen) == {(torch.float64, device.type)}
