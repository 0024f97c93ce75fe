"""Which games converge? Every table of the Dirac-GAN against loops of plain floats that know nothing of the package."""

import functools
import importlib
import math
import re
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from gantut import plots
from gantut.games import play
from gantut.lessons import record, recorded
from gantut.lessons.experiments import EXPERIMENTS
from gantut.lessons.which_games_converge import (
    KINDS,
    PENALTIES,
    RING_GAMES,
    TUNED,
    compare_tuned_games,
    draw_tuning,
    target,
    train_ring_game,
    tuned_config,
)
from gantut.lessons.which_games_converge.plots import plot_landings, plot_radii
from gantut.metrics import paired_difference

LESSON = Path(__file__).parent.parent / "book" / "16_which_games_converge.py"
ETA = 0.2


@functools.cache
def lesson():
    """What the lesson defines, up to and without whatever it plays, trains or claims."""
    names = {}
    for cell in re.split(r"(?m)^# %%.*$", LESSON.read_text(encoding="utf-8"))[1:]:
        wanted = ("import math", "def dirac_gan(", "def moves(", "def r1(", "RULES = {", "BOUNDED = {",
                  "def play_log_d(", "LOSSES = {", "def cost(")  # fmt: skip
        if any(text in cell for text in wanted) and "claim(\n" not in cell:
            exec(compile(cell, LESSON.name, "exec"), names)
    return names


# ---- Plain loops ------------------------------------------------------------------------------------------------


def sigmoid(t):
    return 1 / (1 + math.exp(-t))


SLOPES = {  # of the losses of generator and critic, in the score t of generated samples
    "minimax": (lambda t: -sigmoid(t), sigmoid),
    "-log D": (lambda t: -sigmoid(-t), sigmoid),
    "Wasserstein": (lambda t: -1.0, lambda t: 1.0),
}


def loop(
    loss, steps, *, in_turns, rates=(ETA, ETA), critic_steps=1, clip=math.inf, noise=0.0, penalty=lambda psi: 0.0,
):  # fmt: skip
    """The path of θ and ψ from (1, 0), by derivatives worked out by hand; `penalty` is that of a penalty."""
    of_g, of_d = SLOPES[loss]
    theta, psi, path = 1.0, 0.0, [(1.0, 0.0)]
    for _ in range(steps):
        gradient = sum(psi * of_g(psi * (theta + shift)) for shift in (-noise, noise)) / 2
        moved = theta - rates[0] * gradient
        seen = moved if in_turns else theta
        for _ in range(critic_steps):
            on_generated = sum((seen + shift) * of_d(psi * (seen + shift)) for shift in (-noise, noise)) / 2
            on_real = -sum(shift * of_d(-psi * shift) for shift in (-noise, noise)) / 2  # -log σ(ψx): slope -σ(-ψx)
            on_real = 0.0 if loss == "Wasserstein" else on_real  # the mean of ±s is 0
            psi -= rates[1] * (on_generated + on_real + penalty(psi))
            psi = min(max(psi, -clip), clip)
        theta = moved
        path.append((theta, psi))
    return np.array(path)


BY_HAND = {
    "minimax": dict(loss="minimax"),
    "$-\\log D$": dict(loss="-log D"),
    "Wasserstein": dict(loss="Wasserstein"),
    "Wasserstein, 5 critic steps": dict(loss="Wasserstein", critic_steps=5),
    "Wasserstein, clipped to 1/2": dict(loss="Wasserstein", clip=0.5),
    "Wasserstein, noise 1": dict(loss="Wasserstein", noise=1.0),
    "minimax, rates 0.02 and 0.2": dict(loss="minimax", rates=(0.02, 0.2)),
    "minimax, noise 1": dict(loss="minimax", noise=1.0),
    "$-\\log D$, $R_1$ of 0.3": dict(loss="-log D", penalty=lambda psi: 0.3 * psi),
    "Wasserstein, $R_1$ of 0.3": dict(loss="Wasserstein", penalty=lambda psi: 0.3 * psi),
}


def away_from_one(psi, least=-math.inf):
    """The slope of (|ψ| - 1)², or of its one-sided version with least = 0."""
    return 2 * max(abs(psi) - 1, least) * np.sign(psi)


BOUNDED_BY_HAND = {
    "clipped to 1/2": dict(clip=0.5),
    "one-sided penalty, λ = 2": dict(penalty=lambda psi: 2.0 * away_from_one(psi, 0.0)),
    "two-sided penalty, λ = 0.3": dict(penalty=lambda psi: 0.3 * away_from_one(psi)),
    "two-sided penalty, λ = 2": dict(penalty=lambda psi: 2.0 * away_from_one(psi)),
}
BOTH_ORDERS = pytest.mark.parametrize("in_turns", [False, True], ids=["at-once", "in-turns"])


def test_no_rule_of_the_tables_is_without_its_loop():
    assert list(lesson()["RULES"]) == list(BY_HAND)
    assert list(lesson()["BOUNDED"]) == list(BOUNDED_BY_HAND)


@BOTH_ORDERS
@pytest.mark.parametrize("rule", BY_HAND)
def test_a_rule_of_the_table_is_played_as_by_a_plain_loop(rule, in_turns):
    game, _, _, how, lr = lesson()["RULES"][rule]
    walk = play(game, (1.0, 0.0), method=lesson()["moves"](in_turns=in_turns, **how), lr=lr, steps=60)
    expected = loop(steps=60, in_turns=in_turns, **BY_HAND[rule])
    assert torch.cat([walk.x, walk.y], -1).numpy() == pytest.approx(expected, abs=1e-12)  # rounding grows with 60 steps


@BOTH_ORDERS
@pytest.mark.parametrize("rule", BOUNDED_BY_HAND)
def test_a_bounded_critic_is_played_as_by_a_plain_loop(rule, in_turns):
    penalty, how = lesson()["BOUNDED"][rule]
    game = lesson()["dirac_gan"]("wgan", penalty)
    walk = play(game, (1.0, 0.0), method=lesson()["moves"](in_turns=in_turns, **how), lr=0.1, steps=60)
    expected = loop("Wasserstein", 60, in_turns=in_turns, rates=(0.1, 0.1), **BOUNDED_BY_HAND[rule])
    assert torch.cat([walk.x, walk.y], -1).numpy() == pytest.approx(expected, abs=1e-12)


@BOTH_ORDERS
def test_the_long_table_of_log_d_is_that_of_a_plain_loop(in_turns):
    found = lesson()["play_log_d"](np.array([0.05, 0.2]), 300, in_turns)
    for column, rate in enumerate((0.05, 0.2)):
        expected = np.hypot(*loop("-log D", 300, in_turns=in_turns, rates=(rate, rate)).T)[1:]
        assert found[:, column] == pytest.approx(expected, abs=1e-12)


def test_log_d_at_once_stops_and_in_turns_goes_on():
    at_once, in_turns = (np.hypot(*loop("-log D", 20_000, in_turns=turns).T) for turns in (False, True))
    assert (round(at_once[300], 2), round(at_once[-1], 2), round(in_turns[-1], 3)) == (0.64, 0.63, 0.045)


def test_consensus_is_a_plain_loop_too():
    """Both players also lower half the squared norm of the minimax field, σ(t)² (θ² + ψ²)/2, with weight 1."""
    theta, psi = 1.0, 0.0
    for _ in range(60):
        s = sigmoid(theta * psi)
        slope = s * s * (1 - s) * (theta**2 + psi**2)  # of half of σ²(θ² + ψ²), in t
        theta, psi = (
            theta - ETA * (-s * psi + slope * psi + s * s * theta),
            psi - ETA * (s * theta + slope * theta + s * s * psi),
        )
    game = lesson()["dirac_gan"]("minimax")
    walk = play(game, (1.0, 0.0), method="consensus", gamma=1.0, lr=ETA, steps=60)
    assert [walk.x[-1].item(), walk.y[-1].item()] == pytest.approx([theta, psi], abs=1e-12)


@pytest.mark.parametrize(("eta", "gamma"), [(0.1, 0.01), (0.1, 0.02), (0.05, 0.005)])
def test_a_weak_penalty_leaves_a_circle_of_the_radius_of_the_exercise(eta, gamma):
    path = loop("-log D", 20_000, in_turns=False, rates=(eta, eta), penalty=lambda psi: gamma * psi)
    radius = np.hypot(*path[-2000:].T)  # some twenty turns
    assert (radius**2).mean() == pytest.approx(2 * eta - 8 * gamma, rel=0.05)  # next terms are of the order of η


@pytest.mark.parametrize(("gamma", "converges"), [(9.85, True), (9.95, False)])
def test_the_penalty_of_the_exercise_is_just_not_too_long(gamma, converges):
    path = loop("Wasserstein", 2000, in_turns=True, penalty=lambda psi: gamma * psi)
    assert (np.hypot(*path[-1]) < 0.5) == converges


# ---- What the generator pays on its way ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["threshold", "fixed pairs", "all pairs"])
@pytest.mark.parametrize(("u", "steepest"), [(0.0, 1.0), (0.3, 1.0), (0.3, 4.0), (0.8, 4.0)])
def test_the_cost_of_a_journey_is_that_of_the_best_of_many_critics(name, u, steepest):
    slopes = np.linspace(-1, 1, 201)
    at_0 = np.linspace(-3, 3, 61)[:, None, None] if name == "threshold" else np.zeros((1, 1, 1))
    at_u = at_0 + steepest * u * slopes[:, None]
    at_1 = at_u + steepest * (1 - u) * slopes
    above = lambda real, made: np.log1p(np.exp(made - real))  # noqa: E731
    losses = {
        "threshold": (above(at_0, 0) + above(at_1, 0) + above(0, at_0) + above(0, at_u)) / 4,
        "fixed pairs": (math.log(2) + above(at_1, at_u)) / 2,
        "all pairs": (math.log(2) + above(at_0, at_u) + above(at_1, at_0) + above(at_1, at_u)) / 4,
    }
    expected = math.log(2) - losses[name].min()
    assert lesson()["cost"](lesson()["LOSSES"][name], u, steepest) == pytest.approx(expected, abs=2e-3)  # of the grid


# ---- The ring, and the figures ------------------------------------------------------------------------------------


def test_members_of_two_games_start_alike_and_differ_in_the_end():
    runs = [train_ring_game(name, members=2, steps=3) for name in RING_GAMES]
    for run in runs[1:]:
        assert torch.equal(run.samples[0], runs[0].samples[0])
    ends = [run.samples[-1] for run in runs]
    assert not any(torch.equal(p, q) for i, p in enumerate(ends) for q in ends[:i])


def test_the_games_differ_in_nothing_else(monkeypatch):
    seen = []
    monkeypatch.setattr("gantut.lessons.which_games_converge._ring.train", lambda config, *_, **__: seen.append(config))
    for name in RING_GAMES:
        train_ring_game(name)
    different = {field for field in vars(seen[0]) if len({repr(getattr(config, field)) for config in seen}) > 1}
    assert different == {"objective", "constraint"}


def test_an_unknown_game_is_named_together_with_the_known_ones():
    with pytest.raises(ValueError, match=r"name must be one of '-log D', .*not 'minimax'"):
        train_ring_game("minimax")


# ---- Tuned with the same tries ------------------------------------------------------------------------------------


def test_tries_fill_the_declared_ranges_evenly():
    """A thousand draws: by Kolmogorov and Smirnov each quantile is where it should be, to five percent."""
    drawn = [draw_tuning(number) for number in range(1000)]
    for name in ("rate", "weight"):
        low, high = TUNED[name].values
        shares = np.sort(np.log([one[name] / low for one in drawn]) / math.log(high / low))
        assert np.abs(shares - (np.arange(1000) + 0.5) / 1000).max() < 0.05
    assert np.bincount([one["n_critic"] for one in drawn])[[1, 2, 5]] == pytest.approx([1000 / 3] * 3, rel=0.15)
    assert draw_tuning(3) == draw_tuning(3) != draw_tuning(4)


@pytest.mark.parametrize("number", range(3))
def test_games_with_one_try_differ_in_objective_and_penalty_alone_and_no_run_makes_more_steps(number):
    sizes = dict(updates=1200, batch_size=64, members=3, seed=7)
    configs = [tuned_config(game, draw_tuning(number), **sizes) for game in PENALTIES]
    different = {name for name in vars(configs[0]) if len({repr(getattr(config, name)) for config in configs}) > 1}
    assert different == {"objective", "constraint"}
    for config in configs:
        assert 1200 <= config.steps * (config.n_critic + 1) < 1200 + config.n_critic + 1
        assert config.constraint is None or config.constraint.weight == draw_tuning(number)["weight"]
    assert configs[0].constraint is None


@pytest.mark.parametrize("kind", ["ring", "funnels"])
def test_distance_is_one_for_the_mean_and_little_for_the_data_themselves(kind):
    here = target(kind)
    mean = torch.as_tensor(here.data.sample(20_000, generator=torch.Generator().manual_seed(0))).double().mean(0)
    assert here.distance(mean.expand(1, 500, -1)).item() == pytest.approx(
        1, abs=0.02
    )  # the held-out mean is a sample's
    floor = here.distance(here.again[None].double()).item()
    assert 0 < floor < 0.35


def test_the_best_try_is_chosen_and_judged_with_other_seeds(tmp_path, monkeypatch):
    seen = []
    room = "gantut.lessons.which_games_converge._study"
    trained = importlib.import_module(room).train
    monkeypatch.setattr(f"{room}.train", lambda config, *a, **k: (seen.append(config), trained(config, *a, **k))[1])
    sizes = dict(tries=2, updates=6, batch_size=8, judged=3, tuning_members=2, kinds=("funnels",))
    run = functools.partial(EXPERIMENTS["which-games-converge"], **sizes)
    record("which-games-converge", run, command="a test", seed=0, device="cpu", folder=tmp_path)
    result = recorded("which-games-converge", folder=tmp_path).result
    assert [(row["game"], row["number"]) for row in result["tuned"]] == [(g, n) for n in range(2) for g in PENALTIES]
    assert [row["game"] for row in result["judged"]] == list(PENALTIES)
    chosen_as_it_says(result)
    seeds = [set(range(config.seed, config.seed + config.members)) for config in seen]
    tuned, judged = seeds[:8], seeds[8:]
    assert all(not a & b for a in tuned for b in judged)
    assert judged == [judged[0]] * 4, "members of two games with one number are a pair"


def chosen_as_it_says(result):
    for row in result["judged"]:
        tries = [t for t in result["tuned"] if (t["kind"], t["game"]) == (row["kind"], row["game"])]
        best = min(tries, key=lambda one: np.mean(one["distance"]))
        assert (row["number"], row["settings"]) == (best["number"], best["settings"])
        assert ("weight" in row["settings"]) == (row["game"] != "-log D")


def test_the_record_holds_every_game_on_every_kind_of_data_with_equal_tries():
    result, provenance = recorded("which-games-converge")
    assert re.match(r"python -m gantut\.lessons which-games-converge\b", provenance["command"])
    sizes = result["sizes"]
    games = [(kind, game) for kind in KINDS for game in PENALTIES]
    assert [(row["kind"], row["game"]) for row in result["judged"]] == games
    assert [(row["kind"], row["game"]) for row in result["tuned"]] == games * sizes["tries"]
    assert {len(row["distance"]) for row in result["tuned"]} == {sizes["tuning_members"]}
    assert {len(row["distance"]) for row in result["judged"]} == {sizes["judged"]}
    for row in result["tuned"]:
        drawn = draw_tuning(row["number"])
        assert row["settings"] == {name: pytest.approx(drawn[name], rel=1e-12) for name in row["settings"]}
    chosen_as_it_says(result)


def test_every_comparison_is_corrected_for_all_that_are_made():
    source = torch.Generator().manual_seed(1)
    rows = [
        {"kind": kind, "game": game, "distance": torch.rand(16, generator=source, dtype=torch.float64).tolist()}
        for kind in ("ring", "digits")
        for game in PENALTIES
    ]
    found = compare_tuned_games({"judged": rows})
    assert len(found) == 6
    distances = {(row["kind"], row["game"]): torch.tensor(row["distance"], dtype=torch.float64) for row in rows}
    pairs = "pairs, R1 and R2"
    for (kind, game), difference in found.items():
        assert difference == paired_difference(distances[kind, pairs], distances[kind, game], comparisons=6)
        assert difference.difference == pytest.approx((distances[kind, pairs] - distances[kind, game]).mean().item())


@pytest.fixture
def ax():
    yield plots.axes()
    plt.close("all")


def test_radii_are_drawn_from_the_first_iteration_on(ax):
    plot_radii(ax, {"a": [1.0, 0.5], "b": torch.tensor([1.0, 0.1, 0.01])}, level=0.3)
    first, second, level = ax.get_lines()
    assert first.get_xydata().tolist() == [[1, 1.0], [2, 0.5]]
    assert list(second.get_xdata()) == [1, 2, 3]
    assert set(level.get_ydata()) == {0.3}


def test_landings_are_beside_the_curve_of_what_is_right(ax):
    plot_landings(ax, torch.tensor([[[0.8, 0.9], [1.2, 1.1]], [[1.0, 1.0], [1.25, 0.8]]]))
    curve, path, start, end = ax.get_lines()[:4]
    assert np.allclose(curve.get_xydata().prod(1), 1)
    assert np.allclose(path.get_xydata(), [[0.8, 0.9], [1.0, 1.0]])
    assert np.allclose([*start.get_xydata(), *end.get_xydata()], path.get_xydata())
