"""The runs behind lesson 7: what they compare, on what, and that they are recorded."""

import functools

import pytest
import torch

from gantut.data import digits
from gantut.lessons import record, recorded
from gantut.lessons.experiments import EXPERIMENTS
from gantut.lessons.seven_tricks import (
    COMBINATIONS,
    TRICKS,
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


ROWS = {"tricks": 27, "tricks-on-grid": 15, "semi-supervised": 16}


@pytest.mark.parametrize("name", ROWS)
def test_every_experiment_plays_its_games_and_is_plain_data(name, tmp_path):
    run = functools.partial(EXPERIMENTS[name], members=2, steps=2)
    record(name, run, command="a test", seed=0, device="cpu", folder=tmp_path)
    games = recorded(name, folder=tmp_path).result["games"]
    assert len(games) == ROWS[name]
    settings = [{key: value for key, value in game.items() if isinstance(value, str | int)} for game in games]
    assert all(one != other for i, one in enumerate(settings) for other in settings[:i]), "no game twice"


def test_every_trick_changes_the_game_and_without_one_it_is_that_of_all_other_comparisons():
    found = {trick: train_with_trick(trick, 1, members=2, steps=8) for trick in TRICKS | COMBINATIONS}
    plain = coverage(train_toy_gan("non-saturating", 1, members=2, steps=8))
    assert torch.equal(found["none"].w1, plain.w1)
    assert len({tuple(one.w1.tolist()) for one in found.values()}) == len(found)


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
