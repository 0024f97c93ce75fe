"""The study: what is tried, how it is scored, and that it ends in the same numbers however it was run."""

import itertools
import json
import math
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import scipy.stats
import torch

from gantut.data import grid, ring
from gantut.lessons.created_equal import (
    ARENAS,
    SPACE,
    Choice,
    Scores,
    arena,
    best_difference,
    common_budget,
    draw_settings,
    expected_best,
    f1_score,
    held_out_best,
    polygons,
    read_study,
    run_try,
    scores,
    study,
    summary,
    swapped_differences,
    try_config,
)
from gantut.lessons.experiments import EXPERIMENTS
from gantut.lessons.toy_gans import GAMES
from gantut.lipschitz import Clip, GradientPenalty
from gantut.metrics import paired_difference

pytestmark = pytest.mark.filterwarnings("error")

SMALL = dict(budget=2, seeds=2, updates=40, distributions=("ring", "polygons"), objectives=("minimax", "wgan-gp"))


@pytest.fixture(autouse=True)
def on_device(device, monkeypatch):
    """Every run here is on the device of the test, and alone."""
    monkeypatch.setenv("GANTUT_DEVICE", str(device))
    for name in ("GANTUT_SCALE", "RANK", "WORLD_SIZE", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A small study that ran from its beginning to its end, on the CPU."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GANTUT_DEVICE", "cpu")
        return study(tmp_path_factory.mktemp("whole") / "study", **SMALL)


def numbers(result):
    """All that does not depend on how fast a machine is."""
    return {name: part for name, part in result.items() if name != "seconds"}


# ------------------------------------------------------------------------------------------------------- best of k


@pytest.mark.parametrize("largest", [True, False])
@pytest.mark.parametrize("k", [1, 2, 4, 7])
def test_the_expected_best_is_the_mean_over_all_choices_of_k_tries(k, largest, rng, device):
    chosen_by, said = torch.rand(2, 7, dtype=torch.float64, generator=rng)
    best = max if largest else min
    choices = list(itertools.combinations(range(7), k))
    winners = [best(choice, key=lambda i: chosen_by[i].item()) for choice in choices]
    tensors = chosen_by.to(device), said.to(device)
    plain, told = (
        expected_best(tensors[0], k, largest=largest),
        expected_best(*tensors[:1], k, report=tensors[1], largest=largest),
    )
    assert plain.item() == pytest.approx(np.mean([chosen_by[i].item() for i in winners]), abs=1e-12)
    assert told.item() == pytest.approx(np.mean([said[i].item() for i in winners]), abs=1e-12)


def test_the_expected_best_of_uniform_draws_is_without_bias(rng):
    draws = torch.rand(20_000, 10, dtype=torch.float64, generator=rng)
    for k in (1, 3, 10):
        estimates = expected_best(draws, k)
        # E max of k uniform draws is k / (k + 1); five standard errors
        assert abs(estimates.mean() - k / (k + 1)) < 5 * estimates.std() / 20_000**0.5


def test_of_equal_tries_the_first_is_chosen():
    values, said = torch.tensor([1.0, 2.0, 2.0]), torch.tensor([10.0, 20.0, 30.0])
    assert expected_best(values, 3, report=said) == 20
    assert expected_best(-values, 3, report=said, largest=False) == 20


def test_expected_best_refuses_what_has_no_answer():
    with pytest.raises(ValueError, match=r"k must be at most 3, the number of tries, not 4"):
        expected_best([1.0, 2.0, 3.0], 4)
    with pytest.raises(ValueError, match=r"k must be a whole number of at least 1, not 0"):
        expected_best([1.0], 0)
    with pytest.raises(ValueError, match=r"values must be finite, but values\[1\] is nan"):
        expected_best([1.0, math.nan], 1)
    with pytest.raises(ValueError, match=r"values and report must have one shape, but have \(2,\) and \(3,\)"):
        expected_best([1.0, 2.0], 1, report=[1.0, 2.0, 3.0])


# ------------------------------------------------------------------------------------------------------ what is tried


def test_settings_are_drawn_evenly_from_their_ranges():
    drawn = [draw_settings("wgan-gp", number) for number in range(600)]
    for name, (low, high) in (("rate", SPACE["rate"].values), ("weight", SPACE["weight"].values)):
        share = [math.log(row[name] / low) / math.log(high / low) for row in drawn]
        assert scipy.stats.kstest(share, "uniform").pvalue > 1e-4
    assert scipy.stats.kstest([row["beta1"] / 0.9 for row in drawn], "uniform").pvalue > 1e-4
    for name in ("beta2", "n_critic", "width"):
        counts = [sum(row[name] == value for row in drawn) for value in SPACE[name].values]
        assert sum(counts) == 600
        assert scipy.stats.chisquare(counts).pvalue > 1e-4


def test_a_choice_reaches_both_ends_and_the_middle():
    assert [Choice("uniform", (1.0, 3.0)).quantile(u) for u in (0.0, 0.5)] == [1, 2]
    assert [Choice("log-uniform", (0.01, 1.0)).quantile(u) for u in (0.0, 0.5)] == pytest.approx([0.01, 0.1])
    assert [Choice("one of", (1, 2, 5)).quantile(u) for u in (0.0, 0.34, 0.999)] == [1, 2, 5]


def test_every_objective_has_the_same_draws_and_only_its_own_constraint():
    for number in range(5):
        drawn = {name: draw_settings(name, number) for name in GAMES}
        shared = [{k: v for k, v in row.items() if k not in ("bound", "weight")} for row in drawn.values()]
        assert all(row == shared[0] for row in shared)
        assert {name for name, row in drawn.items() if "bound" in row} == {"wgan"}
        assert {name for name, row in drawn.items() if "weight" in row} == {"wgan-gp", "wgan-lp"}
        assert drawn["wgan-gp"] == drawn["wgan-lp"]
    assert draw_settings("wgan", 0) != draw_settings("wgan", 0, seed=1)


def test_a_try_is_the_run_that_its_settings_say_and_takes_as_many_updates_as_any_other():
    for objective, number in itertools.product(GAMES, range(12)):
        drawn = draw_settings(objective, number)
        config = try_config(objective, number, seeds=3, updates=1000, batch_size=64)
        assert config.objective == objective
        assert (config.members, config.batch_size, config.n_critic) == (3, 64, drawn["n_critic"])
        assert 1000 <= config.steps * (config.n_critic + 1) < 1000 + config.n_critic + 1
        assert config.generator.hidden == config.critic.hidden == (drawn["width"],) * 2
        assert config.optimizer == config.critic_optimizer
        assert (config.optimizer.lr, *config.optimizer.betas) == (drawn["rate"], drawn["beta1"], drawn["beta2"])
        if objective == "wgan":
            assert config.constraint == Clip(drawn["bound"])
        elif objective.startswith("wgan-"):
            assert config.constraint == GradientPenalty(drawn["weight"], one_sided=objective == "wgan-lp")
        else:
            assert config.constraint is None


def test_no_two_runs_of_any_two_tries_or_studies_share_a_seed():
    starts = [
        try_config("minimax", number, seeds=1000, updates=1, batch_size=32, seed=seed).seeds("data")
        for seed, number in itertools.product((0, 1, 25), (0, 1, 2, 9999))
    ]
    assert len({seed for seeds in starts for seed in seeds}) == 12 * 1000


# ---------------------------------------------------------------------------------------------------- how it is scored


@pytest.mark.parametrize("distribution", ARENAS)
def test_the_data_themselves_score_best_and_the_mean_alone_scores_worst(distribution):
    here = arena(distribution)
    floor = here.floor()
    # of Gaussian modes 98.9% lies within three standard deviations; two sets of digits differ a little
    assert floor.precision.item() > 0.94
    assert floor.recall.item() > 0.92
    assert floor.distance.item() < 0.3
    mean = here.again.mean(0).expand(1, here.samples, -1)
    found = here.score(mean)
    assert found.recall.item() < 0.05
    assert found.distance.item() > 0.97  # 1 for the mean of the held-out data, and worse for any other point


def test_a_distance_of_one_is_the_distance_to_a_single_point_at_the_mean():
    for distribution, name in ((ring(), "ring"), (grid(), "grid"), (polygons(), "polygons")):
        reference = distribution.sample(500, generator=torch.Generator().manual_seed(1))
        point = reference.mean(0)
        halfway = point + (reference - point) / 2  # each point has half of its way to go, and none can do better
        found = arena(name).distance(torch.stack([point.expand(500, -1), halfway]))
        away = (reference - point).norm(dim=1).mean()
        assert found[0].item() == pytest.approx(1, abs=1e-9)
        assert found[1] <= 0.5 + 1e-9
        lengths = [cloud.norm(dim=1).mean() for cloud in (halfway, reference)]  # means of a 1-Lipschitz function
        assert found[1] * away >= (lengths[0] - lengths[1]).abs() - 1e-9


def test_precision_and_recall_on_mixtures_are_shares_of_samples_and_modes():
    distribution = ring()
    x = torch.cat([distribution.means[:3].repeat(500, 1), torch.full((500, 2), 9.0)]).double()[None]
    found = arena("ring").score(x)
    assert (found.precision.item(), found.recall.item()) == (0.75, 3 / 8)


def test_a_generator_whose_samples_are_not_finite_has_failed_and_takes_no_other_with_it():
    here = arena("ring")
    x = torch.stack([torch.full_like(here.again, math.nan), here.again])
    found = here.score(x)
    assert [part[0].item() for part in found] == [0, 0, 1]
    assert found.recall[1] == 1


def test_no_digit_that_a_generator_learns_from_is_among_those_that_it_is_scored_by():
    from sklearn.datasets import load_digits

    every = torch.tensor(load_digits().data / 16, dtype=torch.float32)
    learnt = {tuple(image.tolist()) for image in arena("digits").data}
    assert len(arena("digits").data) == 1797 - 500
    assert sum(tuple(image.tolist()) not in learnt for image in every) >= 490  # a few digits occur twice


def test_f1_is_the_harmonic_mean_and_0_where_nothing_is_right():
    found = Scores(*(torch.tensor(values).double() for values in ([0.5, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0] * 3)))
    assert f1_score(found).tolist() == pytest.approx([scipy.stats.hmean([0.5, 1.0]), 0, 0])


# ---------------------------------------------------------------------------------------------- run, resumed, shared


def command(folder, **extra):
    """A process that makes the small study in that folder."""
    program = f"from gantut.lessons.created_equal import study; study({str(folder)!r}, progress=False, **{SMALL!r})"
    environment = os.environ | {"OMP_NUM_THREADS": "1", "GANTUT_DEVICE": "cpu"} | extra
    return subprocess.Popen([sys.executable, "-c", program], env=environment)


def tries_in(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.glob("*/*.json"))


def test_a_study_has_made_every_try_once_with_every_seed(whole):
    assert common_budget(whole) == 2
    assert len(whole["tries"]) == 2 * 2 * 2
    for distribution, objective in itertools.product(SMALL["distributions"], SMALL["objectives"]):
        assert all(part.shape == (2, 2) for part in scores(whole, distribution, objective))
    assert set(whole["floor"]) == set(whole["seconds"]) == set(SMALL["distributions"])
    assert whole["common"]["updates"] == 40


@pytest.mark.slow
def test_a_study_that_was_killed_goes_on_and_two_processes_that_share_one_find_the_same(whole, tmp_path):
    killed, shared = tmp_path / "killed", tmp_path / "shared"
    victim = command(killed)
    other = command(shared, RANK="1", WORLD_SIZE="2")
    deadline = time.monotonic() + 240
    while not tries_in(killed) and time.monotonic() < deadline and victim.poll() is None:
        time.sleep(0.002)
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    made = tries_in(killed)
    assert 1 <= len(made) < 8
    before = {path: (killed / path).stat().st_mtime_ns for path in made}
    resumed = study(killed, **SMALL)
    assert numbers(resumed) == numbers(whole)
    assert before == {path: (killed / path).stat().st_mtime_ns for path in made}, "what was there is not made again"
    study(shared, rank=0, world_size=2, **SMALL)
    assert other.wait(timeout=240) == 0
    assert numbers(read_study(shared)) == numbers(whole)


def test_each_process_makes_every_world_size_th_try_and_nobody_makes_one_twice(tmp_path, monkeypatch):
    settings = SMALL | dict(updates=2, seeds=1)
    shares = []
    for rank in range(3):
        study(tmp_path / str(rank), rank=rank, world_size=3, **settings)
        shares.append(tries_in(tmp_path / str(rank)))
    together = sorted(itertools.chain(*shares))
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "1")
    study(tmp_path / "alone", **settings)
    assert together == tries_in(tmp_path / "alone")
    assert [len(share) for share in shares] == [3, 3, 2]


def test_a_study_is_extended_by_more_tries_and_stops_when_its_time_is_over(tmp_path):
    settings = SMALL | dict(updates=2, seeds=1)
    assert study(tmp_path, **settings | dict(seconds=1e-9))["tries"] == []
    first = study(tmp_path, **settings | dict(budget=1))
    assert common_budget(first) == 1
    longer = study(tmp_path, **settings | dict(budget=2))
    assert common_budget(longer) == 2
    assert all(row in longer["tries"] for row in first["tries"])


def test_what_a_try_finds_depends_on_nothing_but_its_name(whole):
    alone = run_try("polygons", "wgan-gp", 1, seeds=2, updates=40, batch_size=64)
    alone.pop("seconds")
    if os.environ["GANTUT_DEVICE"] == "cpu":
        assert alone in whole["tries"]
    assert alone["settings"] == draw_settings("wgan-gp", 1)


def test_the_summary_names_every_objective_with_its_best_try_by_the_first_seed(whole):
    text = summary(whole)
    assert text.startswith("2 tries each")
    found = scores(whole, "polygons", "minimax")
    best = found.distance[:, 0].argmin()
    assert f"{found.distance[best, 0]:.2f} ({found.distance[best, 1]:.2f})" in text
    assert text.count("wgan-gp") == 2


def test_the_record_is_a_study_of_everything(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    result = EXPERIMENTS["created-equal"](seconds=1e-9)  # it begins, and makes no try
    assert (tmp_path / "runs" / "created-equal" / "study.json").exists()
    assert (result["common"]["updates"], result["common"]["batch_size"]) == (2000, 64)
    assert result["tries"] == []


# ---------------------------------------------------------------------------------------------------------- bad input


def test_another_study_in_the_same_folder_is_refused(tmp_path):
    study(tmp_path, **SMALL | dict(seconds=1e-9))
    with pytest.raises(ValueError, match=r"updates must be 40, as in the study that is in .*, not 70: take another"):
        study(tmp_path, **SMALL | dict(updates=70))
    with pytest.raises(ValueError, match=r"seeds must be 2, as in the study"):
        study(tmp_path, **SMALL | dict(seeds=3))


@pytest.mark.parametrize(
    "content", ["", "[1, 2]", "{}", '{"distribution": "grid"}', "x" * 2**21, "[" * 100_000], ids=lambda text: text[:14]
)
def test_a_file_that_is_no_try_is_refused_by_name(tmp_path, content):
    settings = SMALL | dict(budget=1, seeds=1, updates=2, distributions=("ring",), objectives=("minimax",))
    study(tmp_path, **settings)
    (tmp_path / "ring" / "minimax-0000.json").write_text(content)
    with pytest.raises(ValueError, match=r"minimax-0000.json is damaged or foreign: move it away"):
        read_study(tmp_path)


@pytest.mark.parametrize(
    "change", [{"number": 1}, {"distribution": "grid"}, {"distance": [math.nan]}, {"recall": [1, 1]}, {"seconds": "2"}]
)
def test_a_try_under_another_name_or_with_scores_that_are_none_is_refused(tmp_path, change):
    settings = SMALL | dict(budget=1, seeds=1, updates=2, distributions=("ring",), objectives=("minimax",))
    study(tmp_path, **settings)
    path = tmp_path / "ring" / "minimax-0000.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ValueError, match=r"minimax-0000.json is damaged or foreign"):
        study(tmp_path, **settings)


def test_arguments_that_make_no_sense_are_refused_and_named(tmp_path, monkeypatch, whole):
    for given, message in (
        (
            dict(distributions="ring"),
            r"distributions must be a sequence of some of ring, grid, polygons, digits, not 'ring'",
        ),
        (dict(distributions=()), r"distributions must be a sequence"),
        (dict(objectives=["wgan-pg"]), r"objectives must be one of .*, not 'wgan-pg': did you mean"),
        (dict(updates=0), r"updates must be a whole number of at least 1, not 0"),
        (dict(budget=0), r"budget must be a whole number of at least 1, not 0"),
        (dict(scale="huge"), r"scale must be one of 'fast', 'full', not 'huge'"),
        (dict(rank=2, world_size=2), r"rank must be below world_size = 2, not 2"),
        (dict(world_size=0), r"world_size must be a whole number of at least 1, not 0"),
        (dict(seconds=0), r"seconds must be a positive finite number"),
        (dict(seed=26), r"seed must be below 26, not 26"),
        (dict(seeds=1001), r"seeds must be at most 1000, not 1001"),
    ):
        with pytest.raises(ValueError, match=message):
            study(tmp_path / "none", **given)
    assert not (tmp_path / "none").exists()
    monkeypatch.setenv("RANK", "first")
    with pytest.raises(ValueError, match=r"rank must be a whole number of at least 0, not 'first'"):
        study(tmp_path / "none")
    with pytest.raises(ValueError, match=r"folder must hold a study, and there is no .*study.json"):
        read_study(tmp_path / "nowhere")
    with pytest.raises(ValueError, match=r"budget must be at most the number of tries of 'minimax' on 'ring', not 3"):
        scores(whole, "ring", "minimax", budget=3)
    with pytest.raises(
        ValueError, match=r"distribution must be one of 'ring', 'grid', 'polygons', 'digits', not 'squares'"
    ):
        arena("squares")
    with pytest.raises(ValueError, match=r"number must be below 10000, not 10000"):
        draw_settings("wgan", 10_000)


# ------------------------------------------------------------------------------------------------- what a budget buys


@pytest.mark.parametrize("largest", [True, False])
def test_each_seed_chooses_in_turn_and_the_others_report(largest, rng):
    values = torch.rand(6, 3, dtype=torch.float64, generator=rng)
    best, found = max if largest else min, []
    for seed, choice in itertools.product(range(3), itertools.combinations(range(6), 4)):
        winner = best(choice, key=lambda i, seed=seed: values[i, seed].item())
        found.append(np.mean([values[winner, other].item() for other in range(3) if other != seed]))
    assert held_out_best(values, 4, largest=largest).item() == pytest.approx(np.mean(found), abs=1e-12)
    batch = torch.stack([values, 2 * values])
    assert held_out_best(batch, 4, largest=largest).tolist() == pytest.approx([np.mean(found), 2 * np.mean(found)])


def test_where_scores_are_all_luck_the_best_of_many_tries_is_worth_no_more_than_one(rng):
    luck = torch.randn(4000, 8, 3, dtype=torch.float64, generator=rng)
    elsewhere = held_out_best(luck, 8)
    assert elsewhere.mean().abs() < 5 * elsewhere.std() / 4000**0.5  # five standard errors
    assert expected_best(luck[..., 0], 8).mean() > 1.4  # of eight Gaussians it is 1.4236


def test_swapped_differences_are_those_of_all_swaps_made_one_by_one(rng):
    values, rival = torch.rand(2, 2, 5, 3, dtype=torch.float64, generator=rng)  # two kinds of data, five tries
    found = swapped_differences(values, rival, 3)
    witness = []
    for sides in itertools.product((False, True), repeat=5):
        mine, theirs = values.clone(), rival.clone()
        for number, swapped in enumerate(sides):
            if swapped:
                mine[:, number], theirs[:, number] = rival[:, number], values[:, number]
        witness.append((held_out_best(mine, 3) - held_out_best(theirs, 3)).mean().item())
    assert found[0].item() == pytest.approx(witness[0], abs=1e-12)
    assert sorted([*found.tolist(), *(-found).tolist()]) == pytest.approx(sorted(witness), abs=1e-12)


def test_for_one_try_it_is_the_paired_difference(rng):
    values, rival = torch.rand(2, 8, 3, dtype=torch.float64, generator=rng)
    values = values + 0.3
    found = best_difference(values, rival, 1)
    witness = paired_difference(values.mean(1), rival.mean(1))
    assert found.p_value == pytest.approx(witness.p_value, abs=1e-12)
    # ten halvings of a range of at most 4
    assert found[:3] == pytest.approx(witness[:3], abs=0.005)
    assert found.pairs == witness.pairs == 8
    wider = best_difference(values, rival, 1, comparisons=5)
    assert wider.low < found.low < found.difference < found.high < wider.high


def test_equal_games_are_told_apart_no_more_often_than_promised(rng):
    tries = torch.randn(300, 2, 7, 2, dtype=torch.float64, generator=rng) + torch.randn(300, 1, 7, 1, generator=rng)
    swaps = [swapped_differences(*pair, 4).abs() for pair in tries]
    alarms = sum(bool((found >= found[0] - 1e-12).double().mean() <= 0.05) for found in swaps)
    assert scipy.stats.binomtest(alarms, 300, 0.05, alternative="greater").pvalue > 1e-3
    better = tries[:20, 0] + 10  # and games that differ by far more than tries do are
    assert all(best_difference(mine, theirs, 4).told_apart for mine, theirs in zip(better, tries[:20, 1], strict=True))


def test_many_tries_are_swapped_at_random(rng):
    values, rival = torch.rand(2, 20, 2, dtype=torch.float64, generator=rng)
    found = swapped_differences(values, rival, 2)
    assert len(found) == 4096
    assert found[0].item() == pytest.approx((held_out_best(values, 2) - held_out_best(rival, 2)).item(), abs=1e-12)
    assert torch.equal(found, swapped_differences(values, rival, 2))


def test_budgets_refuse_what_has_no_answer():
    with pytest.raises(
        ValueError, match=r"values must have shape \(\.\.\., tries, seeds\), seeds at least 2, not \(5, 1\)"
    ):
        held_out_best(torch.zeros(5, 1), 2)
    with pytest.raises(ValueError, match=r"k must be at most 5, the number of tries, not 6"):
        best_difference(torch.zeros(5, 2), torch.zeros(5, 2), 6)
    with pytest.raises(ValueError, match="values and rival"):
        best_difference(torch.zeros(5, 2), torch.zeros(4, 2), 2)
