"""Two players and their gradients, against closed forms, sympy, and the loops of the papers in numpy."""

import math
import re

import numpy as np
import pytest
import sympy
import torch
from hypothesis import given
from hypothesis import strategies as st

from gantut.games import (
    Game,
    best_response_gaps,
    bilinear,
    eigenvalues,
    play,
    quadratic,
    spectral_radius,
    update_matrix,
)

pytestmark = pytest.mark.filterwarnings("error")

ORIGIN = (0.0, 0.0)
METHODS = ("simultaneous", "alternating", "extragradient", "optimistic", "consensus")
WAYS = [(name, {}) for name in METHODS] + [("alternating", {"first": "y"}), ("consensus", {"gamma": 0.3})]
EVERY_WAY = pytest.mark.parametrize(("method", "options"), WAYS)
numbers = st.floats(-3, 3).filter(lambda number: abs(number) > 1e-2)
small_rates = st.floats(0.01, 0.45)


def flat(path):
    """The trajectory of a game of two numbers as an array (steps + 1, 2)."""
    return torch.cat(path, -1).detach().cpu().numpy()


@pytest.fixture
def normal(rng, device):
    return lambda *shape: torch.randn(shape, dtype=torch.float64, generator=rng).to(device)


# ------------------------------------------------------------------ the papers' loops, for any field v(z)


def loop(v, z, eta, steps, method, n, first="x", gamma=1.0, slope=None):
    """Each method as its paper writes it, in numpy: z holds the n numbers of x, then those of y."""
    z, before, path = np.array(z, dtype=float), None, [np.array(z, dtype=float)]
    mine = {"x": slice(None, n), "y": slice(n, None)}
    for _ in range(steps):
        if method == "simultaneous":
            z = z - eta * v(z)
        elif method == "alternating":
            for player in (first, "y" if first == "x" else "x"):
                z = z.copy()
                z[mine[player]] -= eta * v(z)[mine[player]]
        elif method == "extragradient":
            z = z - eta * v(z - eta * v(z))
        elif method == "optimistic":
            now = v(z)
            z, before = z - 2 * eta * now + eta * (now if before is None else before), now
        elif method == "consensus":
            z = z - eta * (v(z) + gamma * slope(z))
        path.append(z)
    return np.array(path)


@EVERY_WAY
@given(x=numbers, y=numbers, eta=small_rates)
def test_every_method_plays_xy_as_its_paper_says(method, options, x, y, eta):
    def v(z):
        return np.array([z[1], -z[0]])

    wanted = loop(v, [x, y], eta, 4, method, 1, slope=lambda z: z, **options)  # half |v|² is half |z|² here
    found = flat(play(bilinear(), (x, y), method=method, lr=eta, steps=4, **options))
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-13)


@EVERY_WAY
def test_every_method_plays_a_game_that_is_neither_zero_sum_nor_linear(method, options, device):
    game = Game(
        lambda x, y: torch.cos(x).sum(-1) * y[..., 0] + x[..., 0] * x[..., 1],
        lambda x, y: (x[..., 0] * y[..., 0] ** 3) / 3 + y[..., 0],
    )

    def v(z):
        a, b, y = z
        return np.array([-math.sin(a) * y + b, -math.sin(b) * y + a, a * y**2 + 1])

    def slope(z):  # the derivative of half |v|², by central differences
        h = 1e-5
        half = [sum(v(z + s * h * e) ** 2) / 2 for e in np.eye(3) for s in (1, -1)]
        return (np.array(half[::2]) - np.array(half[1::2])) / (2 * h)

    start = [0.4, -0.7, 0.5]
    wanted = loop(v, start, 0.05, 20, method, 2, slope=slope, **options)
    xy = torch.tensor(start[:2], dtype=torch.float64, device=device), torch.tensor(start[2:]).double().to(device)
    found = flat(play(game, xy, method=method, lr=0.05, steps=20, **options))
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-8 if method == "consensus" else 1e-13)


# ------------------------------------------------------------------ theorems on the game xy


@given(x=numbers, y=numbers, eta=st.floats(1e-3, 5))
def test_simultaneous_steps_stretch_by_the_root_of_1_plus_eta_squared_and_turn_by_arctan_eta(x, y, eta):
    path = play(bilinear(), (x, y), method="simultaneous", lr=eta, steps=8)
    w = torch.complex(path.x[:, 0], path.y[:, 0])
    ratio = w[1:] / w[:-1]
    torch.testing.assert_close(
        ratio.abs(), torch.full((8,), math.sqrt(1 + eta**2), dtype=torch.float64), rtol=1e-13, atol=0
    )
    torch.testing.assert_close(ratio.angle(), torch.full((8,), math.atan(eta), dtype=torch.float64), rtol=1e-12, atol=0)


@given(x=numbers, y=numbers, eta=st.floats(0.01, 1.99), first=st.sampled_from("xy"))
def test_steps_in_turns_stay_on_an_ellipse(x, y, eta, first):
    path = play(bilinear(), (x, y), method="alternating", lr=eta, steps=30, first=first)
    x, y = path.x, path.y
    q = x**2 + y**2 + (-1 if first == "x" else 1) * eta * x * y
    torch.testing.assert_close(q, q[:1].expand_as(q), rtol=1e-10, atol=0)  # near η = 2 the ellipse is 400 times as long
    bounds = q[0] / (1 + eta / 2), q[0] / (1 - eta / 2)
    assert (path.radius**2 >= bounds[0] * (1 - 1e-9)).all()
    assert (path.radius**2 <= bounds[1] * (1 + 1e-9)).all()


def test_the_average_of_an_orbit_in_turns_goes_to_the_equilibrium_and_the_orbit_does_not():
    path = play(bilinear(), (1.0, 1.0), method="alternating", lr=0.5, steps=800)
    average, M = flat(path.average), np.array([[1, -0.5], [0.5, 0.75]])
    sums = np.cumsum(flat(path), 0)
    np.testing.assert_allclose(average, sums / np.arange(1, 802)[:, None], rtol=1e-12, atol=1e-15)
    exact = np.linalg.solve(M - np.eye(2), M @ flat(path)[-1] - flat(path)[0]) / 801
    np.testing.assert_allclose(average[-1], exact, rtol=1e-9, atol=1e-14)
    assert np.hypot(*average[-1]) < 5 / 801
    assert path.radius.min() > 1


@given(x=numbers, y=numbers, eta=st.floats(0.01, 2))
def test_an_extragradient_step_multiplies_by_the_first_three_terms_of_the_implicit_one(x, y, eta):
    path = play(bilinear(), (x, y), method="extragradient", lr=eta, steps=1)
    one = complex(path.x[1, 0], path.y[1, 0]) / complex(x, y)
    assert one == pytest.approx(1 + 1j * eta + (1j * eta) ** 2, rel=1e-12)
    assert abs(one) ** 2 == pytest.approx((1 - eta**2) ** 2 + eta**2, rel=1e-12)


def test_the_numbers_of_the_ledger():
    path = play(bilinear(), (1.0, 1.0), lr=0.1, steps=1000)
    growth = path.radius[1:] / path.radius[:-1]
    assert (growth - 1.004987562112089).abs().max() < 1e-14
    assert path.radius[100] / path.radius[0] == pytest.approx(1.6446318, rel=1e-7)
    assert path.radius[1000] / path.radius[0] == pytest.approx(144.7728, rel=1e-6)
    x, y = path.x[:101, 0], path.y[:101, 0]
    assert (x[100].item(), y[100].item()) == pytest.approx((-0.5603400541582387, -2.257353911673798), rel=1e-13)
    assert (x * y < 0).nonzero()[0].item() == 8
    assert (x * y < 0).double().mean().item() == pytest.approx(0.475, abs=5e-4)
    for method, factor in (("extragradient", 0.0069108), ("optimistic", 0.0063047)):
        radius = play(bilinear(), (1.0, 1.0), method=method, lr=0.1, steps=1000).radius
        assert radius[-1] / radius[0] == pytest.approx(factor, abs=1e-7)


# ------------------------------------------------------------------ the matrix of a round


@pytest.mark.parametrize("eta", ["1/10", "1/3", "3/5", "1"])
def test_the_eigenvalues_on_xy_are_those_that_sympy_finds(eta, device):
    h = sympy.Rational(eta)
    v = sympy.Matrix([[0, 1], [-1, 0]])
    one, none = sympy.eye(2), sympy.zeros(2)
    matrices = {
        ("simultaneous",): one - h * v,
        ("alternating", "x"): sympy.Matrix([[1, 0], [h, 1]]) * sympy.Matrix([[1, -h], [0, 1]]),
        ("alternating", "y"): sympy.Matrix([[1, -h], [0, 1]]) * sympy.Matrix([[1, 0], [h, 1]]),
        ("extragradient",): one - h * v * (one - h * v),
        ("optimistic",): sympy.Matrix(sympy.BlockMatrix([[one - 2 * h * v, h * one], [v, none]])),
        ("consensus",): one - h * (v + v.T * v),
    }
    at = tuple(torch.zeros(1, dtype=torch.float64, device=device) for _ in "xy")
    for (method, *first), matrix in matrices.items():
        options = {"first": first[0]} if first else {}
        found = update_matrix(bilinear(), at, method=method, lr=float(h), **options)
        np.testing.assert_allclose(found.cpu(), np.array(matrix, dtype=float), rtol=0, atol=1e-15)
        spectrum = eigenvalues(bilinear(), at, method=method, lr=float(h), **options).cpu().numpy()
        wanted = [complex(root) for root, times in matrix.eigenvals().items() for _ in range(times)]
        for root in wanted:
            assert abs(spectrum - root).min() < 1e-7  # eigenvalues that nearly meet keep half of their digits
        assert len(spectrum) == len(wanted)
        largest = spectral_radius(bilinear(), at, method=method, lr=float(h), **options).item()
        assert largest == pytest.approx(max(map(abs, wanted)), abs=1e-7)


def test_optimistic_steps_pass_the_unit_circle_at_one_over_root_three():
    bound = 1 / math.sqrt(3)
    rates = torch.tensor([0.2, 0.5, bound * 0.999, bound * 1.001], dtype=torch.float64)
    found = spectral_radius(bilinear(), ORIGIN, method="optimistic", lr=rates)
    assert (found < 1).tolist() == [True, True, True, False]
    assert found[0].item() ** 2 == pytest.approx((1 + math.sqrt(1 - 4 * 0.04)) / 2, rel=1e-12)


@EVERY_WAY
def test_on_a_linear_game_the_matrix_of_a_round_is_the_whole_of_it(method, options, normal):
    P, A, Q = normal(3, 3), normal(3, 2), normal(2, 2)
    game, x, y = quadratic(P, A, Q), normal(3), normal(2)
    path = flat(play(game, (x, y), method=method, lr=0.1, steps=6, **options))
    at = torch.zeros_like(x), torch.zeros_like(y)
    M = update_matrix(game, at, method=method, lr=0.1, **options).cpu().numpy()
    state = np.concatenate([path[0], *[part.cpu() for part in game.field(x, y)]])[: len(M)]  # with its memory, if any
    for wanted in path[1:]:
        state = M @ state
        np.testing.assert_allclose(state[:5], wanted, rtol=1e-11, atol=1e-12)


def test_the_matrix_of_a_round_is_its_derivative_away_from_equilibria_too(device):
    game = Game(lambda x, y: (torch.sin(x) * y).sum(-1) + (x**2 * y**2).sum(-1))
    at = [torch.tensor([value], dtype=torch.float64, device=device) for value in (0.6, -0.8)]
    for method in ("simultaneous", "alternating", "extragradient", "consensus"):
        M, h = update_matrix(game, at, method=method, lr=0.2), 1e-6
        for column in (0, 1):
            ends = []
            for sign in (1, -1):
                moved = [part + sign * h * (column == player) for player, part in enumerate(at)]
                path = play(game, moved, method=method, lr=0.2, steps=1)
                ends.append(torch.cat([path.x[1], path.y[1]]))
            torch.testing.assert_close(M[:, column], (ends[0] - ends[1]) / (2 * h), rtol=0, atol=1e-8)


def test_an_attractor_need_not_be_an_equilibrium():
    game = quadratic(-1.0, 2.0, 2.0)
    assert play(game, (0.1, 0.1), lr=0.2, steps=500).radius[-1] < 1e-12
    for eta in (0.1, 0.4, 0.6, 1.0):
        assert spectral_radius(game, ORIGIN, lr=eta).item() ** 2 == pytest.approx(1 - eta + 2 * eta**2, rel=1e-12)
    side = torch.linspace(-1, 1, 3).double()[:, None]
    gaps = best_response_gaps(game, ORIGIN, xs=side, ys=side)
    assert (gaps.x.item(), gaps.y.item()) == (0.5, 0.0)


# ------------------------------------------------------------------ games


def test_the_losses_and_the_field_of_a_quadratic_game_are_those_of_its_matrices(normal):
    P, A, Q, x, y = normal(3, 3), normal(3, 2), normal(2, 2), normal(7, 3), normal(7, 2)
    game = quadratic(P, A, Q)
    f = torch.stack([a @ P @ a / 2 + a @ A @ b - b @ Q @ b / 2 for a, b in zip(x, y, strict=True)])
    torch.testing.assert_close(game.losses(x, y)[0], f, rtol=1e-12, atol=1e-13)
    torch.testing.assert_close(game.losses(x, y)[1], -f, rtol=1e-12, atol=1e-13)
    by_x, by_y = game.field(x, y)
    torch.testing.assert_close(by_x, x @ (P + P.T) / 2 + y @ A.T, rtol=1e-12, atol=1e-13)
    torch.testing.assert_close(by_y, -x @ A + y @ (Q + Q.T) / 2, rtol=1e-12, atol=1e-13)
    torch.testing.assert_close(bilinear(A).losses(x, y)[0], ((x @ A) * y).sum(-1), rtol=1e-12, atol=1e-13)
    torch.testing.assert_close(bilinear(2.0).losses(x, x)[0], 2 * x.square().sum(-1), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("g", [None, lambda x, y: (x - y).square().sum(-1)], ids=["zero-sum", "general"])
def test_the_field_of_one_strategy_against_many_is_that_of_each_pair(normal, g):
    game, x, y = Game(lambda x, y: (x * y).sum(-1).sin() + x[..., 0], g), normal(2), normal(5, 2)
    for field in (game.field(x, y), (game.gradient_x(x, y), game.gradient_y(x, y))):
        each = [game.field(x, own) for own in y]
        for found, expected in zip(field, zip(*each, strict=True), strict=True):
            torch.testing.assert_close(found, torch.stack(expected), rtol=1e-12, atol=1e-13)


@given(x=st.floats(-1, 1), y=st.floats(-1, 1))
def test_the_gaps_of_xy_on_a_square_are_those_of_the_lesson(x, y):
    ends = torch.tensor([[-1.0], [1.0]]).double()
    gaps = best_response_gaps(bilinear(), (x, y), xs=ends, ys=ends)
    assert gaps.x.item() == pytest.approx(x * y + abs(y), abs=1e-15)
    assert gaps.y.item() == pytest.approx(abs(x) - x * y, abs=1e-15)


def test_the_gaps_of_a_batch_are_those_of_each_pair_by_trying_everything(normal):
    game = Game(lambda x, y: (x * y).sum(-1).sin() + x[..., 0], lambda x, y: (x - y).square().sum(-1))
    xs, ys = normal(5, 2), normal(4, 2)
    gaps = best_response_gaps(game, (xs[:4], ys), xs=xs, ys=ys)
    for k in range(4):
        loss_x, loss_y = game.losses(xs[k], ys[k])
        torch.testing.assert_close(gaps.x[k], loss_x - min(game.losses(x, ys[k])[0] for x in xs))
        torch.testing.assert_close(gaps.y[k], loss_y - min(game.losses(xs[k], y)[1] for y in ys))


# ------------------------------------------------------------------ batches, dtypes, gradients


@EVERY_WAY
def test_each_member_of_a_batch_plays_as_it_would_alone(method, options, normal):
    A, x, y = normal(2, 2), normal(3, 1, 2), normal(4, 2)
    rates = torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64, device=x.device)
    game = quadratic(0.1, A, 0.2)
    path = play(game, (x, y), method=method, lr=rates, steps=5, **options)
    matrices = update_matrix(game, (x, y), method=method, lr=rates, **options)
    assert path.x.shape == path.y.shape == (6, 3, 4, 2)
    assert path.radius.shape == (6, 3, 4)
    for i, j in np.ndindex(3, 4):
        start, lr = (x[i, 0], y[j]), rates[j].item()
        alone = play(game, start, method=method, lr=lr, steps=5, **options)
        torch.testing.assert_close(path.x[:, i, j], alone.x, rtol=1e-12, atol=1e-13)
        torch.testing.assert_close(path.y[:, i, j], alone.y, rtol=1e-12, atol=1e-13)
        matrix = update_matrix(game, start, method=method, lr=lr, **options)
        torch.testing.assert_close(matrices[i, j], matrix, rtol=1e-12, atol=1e-13)


def test_a_pair_of_rates_is_that_of_x_and_that_of_y():
    M = update_matrix(bilinear(), ORIGIN, lr=(0.1, 0.4))
    assert M.tolist() == [[1.0, -0.1], [0.4, 1.0]]
    M = update_matrix(bilinear(), ORIGIN, method="alternating", lr=(0.5, 0.25))
    assert M.tolist() == [[1.0, -0.5], [0.25, 1 - 0.125]]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@EVERY_WAY
def test_dtype_and_device_are_kept(method, options, dtype, device):
    start = torch.ones(3, dtype=dtype, device=device), torch.ones(3, dtype=dtype, device=device)
    path = play(bilinear(), start, method=method, lr=0.1, steps=2, **options)
    M = update_matrix(bilinear(), start, method=method, lr=0.1, **options)
    for result in (path.x, path.y, path.radius, path.average.x, M):
        assert (result.dtype, result.device.type) == (dtype, device.type)
    assert not path.x.requires_grad


def test_numbers_and_lists_come_in_double_precision():
    path = play(bilinear(), ([1, 2], [3, 4]), lr=0.1, steps=1)
    assert (path.x.dtype, path.x.shape) == (torch.float64, (2, 2))
    assert play(bilinear(), (1, 2), lr=0.1, steps=0).x.tolist() == [[1.0]]


@EVERY_WAY
def test_the_end_of_a_path_is_differentiable_in_the_start_and_the_rate(method, options, normal):
    A = normal(2, 2)

    def end(x, y, lr):
        return torch.cat([part[-1] for part in play(bilinear(A), (x, y), method=method, lr=lr, steps=3, **options)])

    lr = torch.tensor(0.2, dtype=torch.float64, device=A.device, requires_grad=True)
    assert torch.autograd.gradcheck(end, (normal(2).requires_grad_(), normal(2).requires_grad_(), lr))


def test_a_method_of_ones_own_can_have_a_memory():
    def heavy_ball(game, state, lr):  # Polyak's momentum 1/2
        x, y, *speed = state
        u, w = speed or (0 * x, 0 * y)
        a, b = game.field(x, y)
        u, w = u / 2 - lr.x * a, w / 2 - lr.y * b
        return x + u, y + w, u, w

    path, z, speed = play(bilinear(), (1.0, 0.5), method=heavy_ball, lr=0.1, steps=10), np.array([1.0, 0.5]), 0
    for wanted in flat(path)[1:]:
        speed = speed / 2 - 0.1 * np.array([z[1], -z[0]])
        z = z + speed
        np.testing.assert_allclose(wanted, z, rtol=1e-13)
    assert update_matrix(bilinear(), ORIGIN, method=heavy_ball, lr=0.1).shape == (4, 4)


def test_what_runs_away_ends_in_infinity_and_never_in_a_number():
    path = play(bilinear(), (1.0, 1.0), lr=1e30, steps=20)
    assert not torch.isfinite(path.radius[-1])


# ------------------------------------------------------------------ what is refused


ONES = torch.ones(2).double()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"method": "alternate"},
            "method must be one of 'simultaneous', .*not 'alternate': did you mean 'alternating'?",
        ),
        ({"method": "sgd"}, "method must be one of .*not 'sgd'"),
        ({"lr": 0.0}, "lr must be positive and finite, not 0.0"),
        ({"lr": -0.1}, "lr must be positive and finite, not -0.1"),
        ({"lr": math.nan}, "lr must be positive and finite, not nan"),
        ({"lr": math.inf}, "lr must be positive and finite, not inf"),
        ({"lr": (0.1, -2.0)}, "lr must be positive and finite, not -2.0"),
        ({"lr": (0.1, 0.1, 0.1)}, "lr must be .* pair"),
        ({"lr": "fast"}, "lr must be a tensor or an array of numbers, not 'fast'"),
        ({"lr": torch.tensor(0.1)}, "x and lr must have one dtype"),
        ({"start": torch.ones(3, 2).double().split([1, 2]), "lr": [0.1] * 3}, "shapes must broadcast"),
        ({"steps": -1}, "steps must be a whole number of at least 0, not -1"),
        ({"steps": 1.5}, "steps must be a whole number"),
        ({"start": 1.0}, r"start must be a pair \(x, y\), not 1.0"),
        ({"start": (1.0, math.nan)}, r"start's y must be finite, but start's y\[0\] is nan"),
        ({"start": (ONES, ONES.float())}, "x and y must have one dtype"),
        ({"start": (torch.ones(3, 2), torch.ones(4, 2))}, "shapes must broadcast"),
        ({"start": (torch.ones(3, 0), torch.ones(3, 0))}, "d at least 1"),
        ({"start": (torch.ones(2).bool(), ONES)}, "floating point"),
        ({"start": (ONES, torch.ones(3).double())}, "x and y must have 3 and 3 coordinates for A"),
        ({"game": bilinear(torch.ones(2, 3).double())}, r"must have 2 and 3 coordinates for A of shape \(2, 3\)"),
        ({"game": bilinear(torch.ones(2, 2))}, "A and x must have one dtype"),
        ({"game": Game(lambda x, y: x * y)}, r"f must return one loss per member, shape \(\).*not shape \(2,\)"),
        ({"game": Game(lambda x, y: (x * y).sum(-1), lambda x, y: x)}, "g must return one loss"),
        ({"game": Game(lambda x, y: 1.0)}, "f must return one loss per member.*not 1.0"),
        ({"method": "alternating", "first": "z"}, "first must be one of 'x', 'y', not 'z'"),
        ({"method": "consensus", "gamma": 0.0}, "gamma must be positive and finite, not 0.0"),
    ],
)
def test_what_makes_no_sense_is_refused_and_named(change, message):
    call = {"game": bilinear(), "start": (ONES, ONES), "lr": 0.1, "steps": 1, **change}
    with pytest.raises(ValueError) as failure:
        play(call.pop("game"), call.pop("start"), **call)
    assert re.search(message, str(failure.value)), str(failure.value)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bilinear([1.0, 2.0]), r"A must be a number or a matrix \(..., n, m\), but has shape \(2,\)"),
        (lambda: bilinear([[1.0, math.inf]]), r"A must be finite, but A\[0, 1\] is inf"),
        (lambda: quadratic(Q="q"), "Q must be a tensor or an array"),
        (lambda: best_response_gaps(bilinear(), ORIGIN, xs=ONES, ys=ONES[:, None]), r"xs must have shape \(strat"),
        (lambda: best_response_gaps(bilinear(), ORIGIN, xs=ONES[:, None], ys=torch.ones(2, 3).double()), "ys must"),
        (lambda: best_response_gaps(bilinear(), ORIGIN, xs=torch.ones(2, 1), ys=ONES[:, None]), "one dtype"),
        (lambda: update_matrix(bilinear(), ORIGIN, method="newton", lr=0.1), "method must be one of"),
        (lambda: spectral_radius(bilinear(), ORIGIN, lr=-1), "lr must be positive"),
    ],
)
def test_bad_games_and_points_are_refused(call, message):
    with pytest.raises(ValueError) as failure:
        call()
    assert re.search(message, str(failure.value)), str(failure.value)
