"""c-transforms and Kantorovich potentials, against brute force and the theorems that define them."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gantut.transport import KantorovichPotential, _potentials, c_transform, emd_points

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture
def normal(rng, device):
    return lambda *shape: torch.randn(shape, dtype=torch.float64, generator=rng).to(device)


def brute_force(psi, x, y, p):
    lengths = (x[..., :, None, :] - y[..., None, :, :]).square().sum(-1).sqrt()
    return (lengths**p - psi[..., :, None]).amin(-2)


# ---------------------------------------------------------------------------------------------- c-transforms


@pytest.mark.parametrize("p", [1, 1.5, 2, 3])
@pytest.mark.parametrize("tile", [1, 7, 1 << 17])
def test_it_is_the_minimum_over_all_points_whatever_the_tiles(normal, monkeypatch, p, tile):
    monkeypatch.setattr(_potentials, "TILE", {"cpu": tile, "cuda": tile})
    psi, x, y = normal(11), normal(11, 3), normal(17, 3)
    torch.testing.assert_close(c_transform(psi, x, y, p=p), brute_force(psi, x, y, p), rtol=1e-13, atol=1e-14)


def test_batches_broadcast(normal):
    psi, x, y = normal(2, 1, 5), normal(3, 5, 2), normal(4, 2)
    result = c_transform(psi, x, y)
    assert result.shape == (2, 3, 4)
    torch.testing.assert_close(result, brute_force(psi, x, y, 1), rtol=1e-13, atol=1e-14)
    for i in range(2):
        for j in range(3):
            torch.testing.assert_close(result[i, j], c_transform(psi[i, 0], x[j], y), rtol=1e-14, atol=1e-15)


def test_points_far_from_the_origin_keep_their_digits(normal):
    x, y = normal(40, 2), normal(40, 2)
    shift = 2.0**20  # exact in binary: only the distances are rounded
    x, y = (x * 1024).round() / 1024, (y * 1024).round() / 1024
    psi = torch.zeros(40, dtype=torch.float64, device=x.device)
    torch.testing.assert_close(c_transform(psi, x + shift, y + shift), c_transform(psi, x, y), rtol=0, atol=0)


@pytest.mark.parametrize("p", [1, 1.5, 2])
def test_three_transforms_are_one(normal, p):
    psi, x, y = normal(9), normal(9, 2), normal(12, 2)
    once = c_transform(psi, x, y, p=p)
    twice = c_transform(once, y, x, p=p)
    assert (twice >= psi - 1e-13).all()
    torch.testing.assert_close(c_transform(twice, x, y, p=p), once, rtol=0, atol=1e-13)


numbers = st.floats(-10, 10).map(lambda x: round(x, 2))


@given(st.lists(st.tuples(numbers, numbers, numbers), min_size=1, max_size=6), st.sampled_from([1, 2]), numbers)
def test_it_reverses_order_and_moves_constants_across(device, rows, p, constant):
    rows = torch.tensor(rows, dtype=torch.float64, device=device)
    psi, x = rows[:, 0], rows[:, 1:]
    y = x.flip(0) + 0.5
    transform = c_transform(psi, x, y, p=p)
    assert (psi[:, None] + transform <= torch.cdist(x, y) ** p + 1e-4).all()  # cdist by a matrix product: its roundings
    assert (c_transform(psi + psi.abs(), x, y, p=p) <= transform).all()
    torch.testing.assert_close(c_transform(psi + constant, x, y, p=p), transform - constant, rtol=0, atol=1e-10)


@pytest.mark.parametrize("p", [1, 1.5, 2])
def test_gradients_are_those_of_finite_differences(normal, p):
    psi, x, y = normal(2, 5).requires_grad_(), normal(5, 2).requires_grad_(), normal(2, 4, 2).requires_grad_()
    assert torch.autograd.gradcheck(lambda *given: c_transform(*given, p=p), (psi, x, y))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_dtypes_are_kept(normal, dtype):
    psi, x, y = normal(5).to(dtype), normal(5, 2).to(dtype), normal(4, 2).to(dtype)
    result = c_transform(psi, x, y)
    assert result.dtype == dtype
    exact = c_transform(psi.double(), x.double(), y.double())
    eps = 4 * torch.finfo(dtype).eps
    torch.testing.assert_close(result.double(), exact, rtol=eps, atol=eps)


@pytest.mark.parametrize(
    ("psi", "x", "y", "options", "message"),
    [
        ([math.nan], [[0.0]], [[1.0]], {}, r"^psi\b"),
        ([0.0, 1.0], [[0.0]], [[1.0]], {}, r"^psi\b"),
        ([0.0], [[math.inf]], [[1.0]], {}, r"^x\b"),
        ([0.0], [[0.0]], [[1.0, 2.0]], {}, "same dimension d, but have 1 and 2"),
        ([0.0], [0.0], [[1.0]], {}, r"^x\b"),
        ([0.0], [[0.0]], [[1.0]], {"p": 0.9}, r"^p\b"),
        ([0.0], torch.zeros(1, 1), torch.zeros(1, 1), {}, "one dtype"),
        (torch.zeros(2, 1), torch.zeros(3, 1, 1), torch.zeros(1, 1), {}, "broadcast"),
    ],
)
def test_bad_arguments_are_refused(psi, x, y, options, message):
    with pytest.raises(ValueError, match=message):
        c_transform(psi, x, y, **options)


# ---------------------------------------------------------------------------------------------- potentials


@pytest.fixture
def solved(normal, random_distributions):
    """Two weighted distributions in the plane and how they are transported."""
    x, y, a, b = normal(30, 2), 1 + normal(40, 2), random_distributions(30), random_distributions(40)
    return lambda p: (x, y, a, b, emd_points(x, y, a, b, p=p))


@pytest.mark.parametrize("p", [1, 2])
def test_the_extension_agrees_with_the_potential_it_extends(solved, p):
    x, y, _, _, result = solved(p)
    f = KantorovichPotential.from_result(result, y, p=p)
    torch.testing.assert_close(f(x), result.f, rtol=0, atol=1e-12)
    g = KantorovichPotential(x, result.f, p=p)
    torch.testing.assert_close(g(y), result.g, rtol=0, atol=1e-12)


@pytest.mark.parametrize("p", [1, 2])
def test_it_obeys_the_constraint_in_all_of_space(solved, normal, p):
    _, y, _, _, result = solved(p)
    f = KantorovichPotential.from_result(result, y, p=p)
    z = 3 * normal(500, 2)
    lengths = (z[:, None] - y).square().sum(-1).sqrt()
    assert (f(z)[:, None] + result.g <= lengths**p + 1e-12).all()


def test_for_distances_it_is_the_perfect_critic(solved, normal):
    x, y, a, b, result = solved(1)
    f = KantorovichPotential.from_result(result, y)
    torch.testing.assert_close(a @ f(x) - b @ f(y), result.value, rtol=1e-12, atol=0)  # Kantorovich-Rubinstein
    z = 3 * normal(300, 2)
    distances = (z[:, None] - z).square().sum(-1).sqrt()
    assert ((f(z)[:, None] - f(z)).abs() <= distances + 1e-12).all()  # 1-Lipschitz


def test_along_each_ray_it_falls_with_slope_one(solved):
    x, y, _, _, result = solved(1)
    f = KantorovichPotential.from_result(result, y)
    i, j = result.plan.nonzero(as_tuple=True)
    for share in (0.0, 0.25, 0.9, 1.0):
        along = x[i] + share * (y[j] - x[i])
        fallen = f(x)[i] - share * (x[i] - y[j]).norm(dim=-1)
        torch.testing.assert_close(f(along), fallen, rtol=0, atol=1e-12)
    middle = (x[i] + y[j]) / 2
    towards_x = (x[i] - y[j]) / (x[i] - y[j]).norm(dim=-1, keepdim=True)
    torch.testing.assert_close(f.gradient(middle), towards_x, rtol=0, atol=1e-7)  # up to rays that meet


def test_for_squares_the_gradient_points_back_from_the_target(normal):
    # Brenier: the optimal map is x - grad f(x) / 2
    x = normal(30, 2)
    y = x[torch.randperm(30, generator=torch.Generator().manual_seed(0)).to(x.device)] * 2 + 1
    result = emd_points(x, y, p=2)
    f = KantorovichPotential.from_result(result, y, p=2)
    inside = f.gradient(x)
    target = y[result.plan.argmax(-1)]
    # at x itself two centres tie, along the tree of tight arcs; each of them is a point the plan's tree knows
    slack = (x - target).square().sum(-1) - result.g[result.plan.argmax(-1)] - f(x)
    torch.testing.assert_close(slack, torch.zeros_like(slack), rtol=0, atol=1e-12)
    tight = (x[:, None] - y).square().sum(-1) - result.f[:, None] - result.g < 1e-9
    reached = x - inside / 2
    assert ((reached[:, None] - y).norm(dim=-1).argmin(-1, keepdim=True) == tight.nonzero()[:, 1]).any(-1).all()


@pytest.mark.parametrize("p", [1, 1.5, 2])
def test_gradient_is_that_of_autograd_and_of_finite_differences(solved, normal, p):
    _, y, _, _, result = solved(p)
    f = KantorovichPotential.from_result(result, y, p=p)
    z = normal(6, 4, 2).requires_grad_()
    assert f(z).shape == (6, 4)
    torch.testing.assert_close(f.gradient(z), torch.autograd.grad(f(z).sum(), z)[0], rtol=1e-12, atol=1e-13)
    assert torch.autograd.gradcheck(f, z)
    if p == 1:
        torch.testing.assert_close(f.gradient(z).norm(dim=-1), torch.ones_like(z[..., 0]), rtol=1e-13, atol=0)


@pytest.mark.parametrize("p", [1, 1.5, 2])
def test_at_a_centre_the_gradient_is_finite(device, p):
    centre = torch.tensor([[1.0, 2.0]], dtype=torch.float64, device=device)
    f = KantorovichPotential(centre, centre.new_zeros(1), p=p)
    z = centre.clone().requires_grad_()
    assert f.gradient(z).abs().max() == 0
    assert torch.autograd.grad(f(z).sum(), z)[0].abs().max() == 0


def test_a_single_point_and_no_batch(device):
    f = KantorovichPotential(torch.zeros(1, 2).double().to(device), torch.zeros(1).double().to(device))
    assert f(torch.tensor([3.0, 4.0]).double().to(device)).item() == 5
    assert "1 points in dimension 2" in repr(f)


@pytest.mark.parametrize(
    ("dtype", "unit"),
    [(torch.float32, 1e-25), (torch.float32, 1e25), (torch.float64, 1e-200), (torch.float64, 1e200)],
)
def test_it_has_the_unit_of_the_points_though_their_squares_overflow_or_vanish(device, dtype, unit):
    # the triangle 3, 4, 5
    centre, corner = torch.zeros(1, 2, dtype=dtype, device=device), torch.tensor([[3.0, 4.0]], dtype=dtype)
    value, corner = centre.new_zeros(1), (corner * unit).to(device)
    assert c_transform(value, centre, corner).item() == pytest.approx(5 * unit, rel=1e-6)
    f, z = KantorovichPotential(centre, value), corner.clone().requires_grad_()
    torch.testing.assert_close(f.gradient(corner), corner.new_tensor([[0.6, 0.8]]))
    torch.testing.assert_close(torch.autograd.grad(f(z).sum(), z)[0], corner.new_tensor([[0.6, 0.8]]))


@pytest.mark.parametrize("far", [1e160, 1e200, 1e300])
@pytest.mark.parametrize("p", [1, 2, 3.5])
def test_centres_far_away_hide_nothing_near(device, far, p):
    """With a second centre so far that its cost may overflow, the transform is that of the first one."""
    x = torch.tensor([[0.0, 0.0], [far, -far]], dtype=torch.float64, device=device)
    y = torch.tensor([[3.0, 4.0], [0.3, 0.4]], dtype=torch.float64, device=device)
    psi = y.new_tensor([0.25, 0.5])
    expected = y.norm(dim=1) ** p - 0.25
    torch.testing.assert_close(c_transform(psi, x, y, p=p), expected)
    slope = p * y.norm(dim=1, keepdim=True) ** (p - 2) * y
    torch.testing.assert_close(KantorovichPotential(x, psi, p=p).gradient(y), slope)


def test_lists_and_whole_numbers_are_points_too():
    f = KantorovichPotential([[0, 0]], [0])
    assert f([3, 4]).item() == f(np.array([3, 4])).item() == f(torch.tensor([3, 4])).item() == 5
    assert f.gradient([[3, 4]]).tolist() == [[0.6, 0.8]]


def test_at_no_points_there_are_no_values(device):
    f = KantorovichPotential(torch.zeros(1, 2).double().to(device), torch.zeros(1).double().to(device))
    nowhere = torch.zeros(0, 2).double().to(device)
    assert f(nowhere).shape == (0,)
    assert f.gradient(nowhere).shape == (0, 2)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: KantorovichPotential([0.0], [0.0]), r"^points\b"),
        (lambda: KantorovichPotential([[0.0]], [0.0, 1.0]), r"^values\b"),
        (lambda: KantorovichPotential([[0.0]], [[0.0]]), r"^values\b"),
        (lambda: KantorovichPotential([[0.0]], [math.inf]), r"^values\b"),
        (lambda: KantorovichPotential([[0.0]], [0.0], p=0), r"^p\b"),
        (lambda: KantorovichPotential([[0.0]], [0.0])(torch.zeros(3, 2).double()), r"^x\b"),
        (lambda: KantorovichPotential([[0.0]], [0.0])(torch.zeros(3, 1)), "one dtype"),
        (lambda: KantorovichPotential([[0.0]], [0.0])(torch.full((1, 1), math.nan).double()), r"^x\b"),
    ],
)
def test_bad_potentials_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()
