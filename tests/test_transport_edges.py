"""Transport where inputs are odd: parts that nothing connects, torch.func, inference mode, strange arrays."""

import math

import numpy as np
import pytest
import torch
from torch.autograd import forward_ad

from gantut.transport import (
    KantorovichPotential,
    c_transform,
    emd,
    emd_points,
    pile_moves,
    sinkhorn,
    sinkhorn_divergence,
    sinkhorn_points,
    sliced_wasserstein,
    wasserstein_1d,
)

FORBIDDEN = math.inf


def in_two_parts(dtype, seed):
    """Masses in two parts that no arc connects: each part's totals agree to the precision alone."""
    random = np.random.default_rng(seed)
    parts = [[random.dirichlet(np.ones(k)) * share for k in (4, 5)] for share in (0.3, 0.7)]
    a, b = (torch.from_numpy(np.concatenate(side)).to(dtype) for side in zip(*parts, strict=True))
    cost = torch.from_numpy(random.random((8, 10))).to(dtype)
    cost[:4, 5:] = cost[4:, :5] = FORBIDDEN
    return a, b, cost


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_parts_that_nothing_connects_are_two_problems_in_every_precision(dtype):
    a, b, cost = in_two_parts(dtype, 0)
    found = emd(a, b, cost)
    alone = 0.0
    for rows, columns in ((slice(4), slice(5)), (slice(4, None), slice(5, None))):
        some, others = a[rows].double(), b[columns].double()
        alone += emd(some, others * some.sum() / others.sum(), cost[rows, columns].double()).value.item()
    eps = torch.finfo(dtype).eps  # each mass is off by half of it, and costs are at most 1
    assert abs(found.value.item() - alone) <= 18 * eps
    assert not found.plan[torch.isinf(cost)].any()
    assert found.error <= 18 * eps


def test_masses_that_no_precision_explains_are_still_refused():
    a, b, cost = in_two_parts(torch.float32, 0)
    with pytest.raises(ValueError, match=r"every plan puts at least 0\.001"):
        emd(a + torch.tensor([0.001] + 6 * [0.0] + [-0.001]), b, cost)


@pytest.mark.parametrize("mass", [0.3, 1e-7, 1e-12])
@pytest.mark.parametrize("side", [0, 1])
def test_a_point_with_mass_but_without_any_arc_has_no_plan_however_light_it_is(mass, side):
    light, cost = torch.tensor([mass, 1.0]).double(), torch.tensor([[FORBIDDEN, FORBIDDEN], [0.0, 1.0]]).double()
    with pytest.raises(ValueError, match="cost must be finite on enough arcs"):
        emd(light, light, cost.T if side else cost)
    bare = torch.tensor([0.0, 1.0]).double()  # the same point without mass
    assert emd(bare, bare, cost.T if side else cost).value == 1


# ---- What looks at the numbers of tensors cannot be transformed ------------------------------------------------------

HALVES = torch.tensor([0.5, 0.5]).double()
POINTS = torch.tensor([[0.0], [1.0]]).double()
SOLVERS = {
    "emd": lambda x: emd(HALVES, HALVES, x @ x.T).value,
    "emd_points": lambda x: emd_points(x, POINTS).value,
    "sinkhorn": lambda x: sinkhorn(HALVES, HALVES, x @ x.T, 1.0).value,
    "sinkhorn_points": lambda x: sinkhorn_points(x, POINTS, reg=1.0).value,
    "sinkhorn_divergence": lambda x: sinkhorn_divergence(x, POINTS, reg=1.0),
    "wasserstein_1d": lambda x: wasserstein_1d(x[:, 0], POINTS[:, 0]),
    "sliced_wasserstein": lambda x: sliced_wasserstein(x, POINTS, torch.ones(1, 1).double()),
}


@pytest.mark.parametrize("name", SOLVERS)
@pytest.mark.parametrize("transform", ["vmap", "grad", "jacrev"])
def test_solvers_inside_a_transform_say_that_a_batch_has_leading_dimensions(name, transform):
    given = torch.rand(3, 2, 1, dtype=torch.float64) if transform == "vmap" else POINTS + 1
    with pytest.raises(ValueError, match=r"^(a|cost|x|u_values) must be outside of torch\.func: leading dimensions"):
        getattr(torch.func, transform)(SOLVERS[name])(given)


def test_a_batch_of_piles_or_of_transforms_is_no_vmap_either():
    with pytest.raises(ValueError, match=r"must be outside of torch\.func"):
        torch.func.vmap(lambda P: pile_moves(P, HALVES).cost)(HALVES.expand(3, 2))
    with pytest.raises(ValueError, match=r"must be outside of torch\.func"):
        torch.func.vmap(lambda y: c_transform([0.0, 1.0], POINTS, y))(torch.rand(3, 2, 1, dtype=torch.float64))


def test_a_c_transform_may_be_differentiated_by_torch_func():
    y = torch.tensor([[0.3], [2.0]], dtype=torch.float64)
    found = torch.func.grad(lambda y: c_transform(torch.zeros(2).double(), POINTS, y).sum())(y)
    assert torch.equal(found, torch.ones(2, 1).double())  # both go to the right of their nearest point


def test_a_potential_has_its_gradient_in_inference_mode_too():
    potential, x = KantorovichPotential(POINTS, torch.zeros(2).double(), p=2), torch.tensor([[3.0], [-1.0]]).double()
    with torch.inference_mode():
        found, own = potential.gradient(x), potential.gradient(x + 0)  # a tensor of this mode, too
    assert torch.equal(found, torch.tensor([[4.0], [-2.0]]).double())  # 2 (x - y) for the nearest y
    assert torch.equal(own, found)


# ---- Numbers beyond floats, arrays in other orders -------------------------------------------------------------------

HUGE = 10**400  # a whole number, but no float


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: emd_points(POINTS, POINTS, p=HUGE), "p"),
        (lambda: wasserstein_1d(HALVES, HALVES, p=HUGE), "p"),
        (lambda: sinkhorn_points(POINTS, POINTS, reg=HUGE), "reg"),
        (lambda: sinkhorn_points(POINTS, POINTS, reg=-HUGE), "reg"),
        (lambda: sinkhorn_points(POINTS, POINTS, reg=1.0, tol=HUGE), "tol"),
        (lambda: sinkhorn_points(POINTS, POINTS, reg=1.0, max_iter=HUGE), "max_iter"),
    ],
)
def test_whole_numbers_beyond_floats_are_refused_by_name(call, name):
    with pytest.raises(ValueError, match=rf"^{name} must be"):
        call()


def test_arrays_in_the_other_byte_order_are_the_same_numbers():
    cost = np.array([[0.0, 1.0], [1.0, 3.0]])
    found = emd(*(np.array([0.5, 0.5], order) for order in (">f8", "<f8")), cost.astype(">f8"))
    assert found.value == emd([0.5, 0.5], [0.5, 0.5], cost).value == 1


def test_masked_arrays_are_refused_as_their_masks_would_be_lost():
    masked = np.ma.array([0.5, 0.5], mask=[False, True])
    with pytest.raises(ValueError, match=r"^a must be .* masked"):
        emd(masked, [0.5, 0.5], [[0.0, 1.0], [1.0, 0.0]])
    assert wasserstein_1d(np.ma.array([1.0, 2.0]), [1.0, 3.0]) == 0.5  # none is masked


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_no_pile_ever_runs_short_not_even_by_a_rounding(dtype):
    random = np.random.default_rng(0)
    for _ in range(150):
        P, Q = (torch.from_numpy(random.dirichlet(np.full(6, 0.5))).to(dtype) for _ in "PQ")
        walk = pile_moves(P, Q)
        assert walk.states.min() >= 0
        assert (walk.states[-1] - Q).abs().max() <= 12 * torch.finfo(dtype).eps


# ---------------------------------------------------------------------------------------------- forward mode


def test_no_tangent_of_forward_mode_is_lost():
    x, y = torch.rand(2, 20, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    direction, mass = torch.ones_like(x), torch.full((20,), 0.05, dtype=torch.float64)
    with forward_ad.dual_level():
        moved = forward_ad.make_dual(x, direction)
        found = wasserstein_1d(moved[:, 0], y[:, 0])
        tangent = forward_ad.unpack_dual(found).tangent
        assert wasserstein_1d(x[:, 0], y[:, 0]) == found  # what has no tangent is not refused
        for solve in (lambda: emd_points(moved, y), lambda: emd(mass, mass, moved[:, :1] + y[:, 1])):
            with pytest.raises(ValueError, match=r"(x|cost) must not carry the tangent of forward-mode"):
                solve()
    line = x[:, 0].clone().requires_grad_()
    (gradient,) = torch.autograd.grad(wasserstein_1d(line, y[:, 0]), line)
    torch.testing.assert_close(tangent, gradient @ direction[:, 0])  # forward is backward, transposed


# ---------------------------------------------------------------------------------------------- entropic transport


@pytest.mark.parametrize("unit", [2.0**-600, 2.0**-500, 2.0**500, 2.0**600])
@pytest.mark.parametrize("p", [1, 1.5])
def test_the_unit_of_points_scales_entropic_transport(unit, p):
    # homogeneity: S(u x, u y; u^p reg) = u^p S(x, y; reg), to the last digits, as powers of two round nothing
    x, y = torch.rand(2, 30, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    witness, found = (sinkhorn_points(z * x, z * y, reg=0.05 * z**p, p=p, tol=1e-9) for z in (1.0, unit))
    for name in ("value", "f", "g", "gap"):
        ours, theirs = getattr(found, name) / unit**p, getattr(witness, name)
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-11)
    x = (unit * x).requires_grad_()
    value = sinkhorn_divergence(x, unit * y, reg=0.05 * unit**p, p=p, tol=1e-9)
    (slope,) = torch.autograd.grad(value, x)
    plain = (x.detach() / unit).requires_grad_()
    expected = sinkhorn_divergence(plain, y, reg=0.05, p=p, tol=1e-9)
    torch.testing.assert_close(value / unit**p, expected, rtol=1e-9, atol=0)
    torch.testing.assert_close(slope / unit ** (p - 1), torch.autograd.grad(expected, plain)[0], rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize(
    ("cost", "reg", "message"),
    [
        ([[0.0, 1e-320], [1e-320, 3e-320]], 1e-320, "reg must be above 1e-307"),
    ],
)
def test_what_entropic_transport_cannot_add_up_is_refused(cost, reg, message):
    with pytest.raises(ValueError, match=message):
        sinkhorn([0.5, 0.5], [0.5, 0.5], cost, reg)
