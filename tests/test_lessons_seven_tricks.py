"""The runs behind lesson 8: what they compare, on what, and that they are recorded."""

import functools
import itertools

import pytest
import torch

from gantut.data import digits
from gantut.lessons import record, recorded
from gantut.lessons.experiments import EXPERIMENTS
from gantut.lessons.seven_tricks import (
    TRICKS,
    best_settings,
    draw_labelled,
    error_with_game,
    error_with_labels_alone,
    split_digits,
    train_with_trick,
)
from gantut.lessons.toy_gans import coverage, train_toy_gan

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(autouse=True)
def on_device(device, monkeypatch):
    """Every run here is on the device of the test."""
    monkeypatch.setenv("GANTUT_DEVICE", str(device))
    monkeypatch.delenv("GANTUT_SCALE", raising=False)


ROWS = {"tricks": 24, "tricks-on-grid": 12, "semi-supervised": 16}


@pytest.mark.parametrize("name", ROWS)
def test_every_experiment_plays_its_games_and_is_plain_data(name, tmp_path, monkeypatch):
    for trick in TRICKS:  # one try each and few points will do
        monkeypatch.setitem(TRICKS, trick, TRICKS[trick][:1])
    monkeypatch.setattr("gantut.lessons.seven_tricks._tricks.coverage", functools.partial(coverage, points=20))
    run = functools.partial(EXPERIMENTS[name], members=2, steps=2)
    record(name, run, command="a test", seed=0, device="cpu", folder=tmp_path)
    games = recorded(name, folder=tmp_path).result["games"]
    assert len(games) == ROWS[name]
    settings = [{key: value for key, value in game.items() if isinstance(value, str | int)} for game in games]
    assert all(one != other for i, one in enumerate(settings) for other in settings[:i]), "no game twice"


@pytest.mark.parametrize("trick", TRICKS)
def test_no_two_settings_of_a_trick_are_the_same_game_and_without_one_it_is_that_of_all_other_comparisons(trick):
    found = [train_with_trick(trick, 1, settings=settings, members=2, steps=8).w1 for settings in TRICKS[trick]]
    plain = coverage(train_toy_gan("non-saturating", 1, members=2, steps=8)).w1
    assert torch.equal(train_with_trick(trick, 1, members=2, steps=8).w1, found[0])
    assert len({tuple(w1.tolist()) for w1 in (*found, plain)}) == len(found) + (trick != "none")
    if trick == "none":
        assert torch.equal(found[0], plain)


def test_every_trick_has_as_many_tries_on_seeds_that_are_not_those_of_the_comparison(monkeypatch):
    played = []

    def play(trick, n_critic, *, settings, distribution, members, steps, seed=0):
        played.append((trick, distribution, n_critic, seed, members))
        return {"w1": torch.tensor([float(len(played) % 3)] * members)}  # the second or third try is the best

    monkeypatch.setattr("gantut.lessons.seven_tricks._tricks.train_with_trick", play)
    for name, where in (("tricks", [("ring", 5), ("ring", 1)]), ("tricks-on-grid", [("grid", 5)])):
        played.clear()
        result = EXPERIMENTS[name]()
        tries, compared = ([game for game in played if (game[3] > 0) == few] for few in (True, False))
        assert all(seed >= members for *_, seed, _ in tries for *_, members in compared)
        for place, trick in itertools.product(where, TRICKS):
            assert tries.count((trick, *place, 1000, 4)) == 4
            assert compared.count((trick, *place, 0, 64)) == 1 + (trick == "none")
        for row in result["games"]:
            own = [one for one in result["tuning"] if all(one[key] == row[key] for key in ("n_critic", "trick"))]
            assert row["trick"].startswith("none") or row["settings"] == best_settings(own)


def test_the_best_settings_have_the_smallest_mean_distance():
    rows = [{"settings": name, "w1": w1} for name, w1 in (("a", [0.0, 3.0]), ("b", [1.0, 1.0]), ("c", [2.0, 0.0]))]
    assert best_settings(rows) == "b"


def test_a_trick_that_there_is_not_is_named():
    with pytest.raises(ValueError, match="not 'instance noises': did you mean 'instance noise'"):
        train_with_trick("instance noises", members=1)


def test_the_split_keeps_every_digit_once():
    split = split_digits()
    assert split.images.shape == (1437, 64)
    assert split.test_images.shape == (360, 64)
    assert split.images.aminmax() == (-1, 1)
    everything = torch.cat([split.images, split.test_images]).unique(dim=0)
    again = 2 * torch.cat(digits(*range(10))).unique(dim=0) - 1
    assert torch.equal(everything, again)
    assert split.test_labels.bincount(minlength=10).min() > 20


def test_labels_are_drawn_for_each_member_as_many_of_each_class_and_are_right():
    split = split_digits()
    x, y = draw_labelled(split, 20, members=3)
    assert x.shape == (3, 20, 64)
    for member in range(3):
        assert y[member].bincount().tolist() == [2] * 10
        for image, label in zip(x[member], y[member], strict=True):
            (where,) = (split.images == image).all(1).nonzero().flatten()[:1]
            assert split.labels[where] == label
    assert not torch.equal(x[0], x[1])
    alone = draw_labelled(split, 20, members=1, seed=1002)
    assert torch.equal(alone[0][0], x[2])
    with pytest.raises(ValueError, match="number must be a multiple of 10, as many of each class, not 15"):
        draw_labelled(split, 15, members=1)


def test_labels_teach_both_of_them_something():
    for method in (error_with_game, error_with_labels_alone):
        errors = method(100, members=2, steps=60)
        assert errors.shape == (2,)
        assert errors.max() < 0.5  # 0.9 by guessing
