"""What a run leaves behind, what it does with members that go astray, and what it refuses."""

import io
import math
import os
import re
import subprocess
import sys
import warnings

import pytest
import torch
from torch import nn

from gantut import data, lipschitz
from gantut.networks import MLP
from gantut.objectives import OBJECTIVES, Objective
from gantut.training import Architecture, Config, DivergenceWarning, Optimizer, train
from gantut.training import _groups as groups_module

SMALL = dict(generator=Architecture((8,)), critic=Architecture((8,)), batch_size=32)
QUIET = dict(samples=8, progress=False)

# ---- History -----------------------------------------------------------------------------------------------------


def test_a_history_says_what_was_recorded_and_when(device):
    config = Config(objective="wgan-gp", members=3, steps=10, n_critic=2, **SMALL)
    metrics = {"first": lambda samples: samples[:, 0, 0], "mean": lambda samples: samples.mean((1, 2))}
    history = train(
        config, data.ring(), metrics=metrics, record_every=3, evaluate_every=4, device=device, samples=16, progress=None
    )
    assert history.config == config
    assert history.steps.tolist() == [3, 6, 9]
    assert history.evaluated.tolist() == [0, 4, 8, 10]
    assert {name: rows.shape for name, rows in history.losses.items()} == dict.fromkeys(
        ("critic", "penalty", "generator"), (3, 3)
    )
    assert {name: rows.shape for name, rows in history.gradient_norms.items()} == dict.fromkeys(
        ("critic", "generator"), (3, 3)
    )
    assert history.samples.shape == (4, 3, 16, 2)
    assert history.samples.device.type == "cpu"
    assert torch.equal(history.metrics["first"], history.samples[:, :, 0, 0])
    torch.testing.assert_close(history.metrics["mean"], history.samples.mean((2, 3)))
    assert history.diverged.tolist() == [-1, -1, -1]
    assert {p.device.type for p in history.generator.parameters()} == {device.type}


def test_the_default_is_to_record_about_200_and_to_look_about_20_times(device):
    history = train(Config(steps=450, **SMALL), data.ring(), device=device, **QUIET)
    assert history.steps.tolist() == [*range(2, 451, 2)]
    assert history.evaluated.tolist() == [*range(0, 441, 22), 450]
    short = train(Config(steps=3, **SMALL), data.ring(), device=device, **QUIET)
    assert short.steps.tolist() == [1, 2, 3]
    assert short.evaluated.tolist() == [0, 1, 2, 3]


def test_how_often_one_looks_does_not_change_what_is_seen(device):
    config = Config(steps=60, members=2, **SMALL)
    often, seldom = (
        train(config, data.ring(), record_every=r, evaluate_every=e, device=device, **QUIET)
        for r, e in ((1, 1), (30, 60))
    )
    assert torch.equal(often.samples[[0, 60]], seldom.samples)
    assert torch.equal(often.losses["critic"][[29, 59]], seldom.losses["critic"])


def test_samples_come_from_noise_that_stays_the_same(device):
    config = Config(steps=4, members=2, learn_generator=False, **SMALL)
    history = train(config, data.ring(), evaluate_every=2, device=device, **QUIET)
    assert torch.equal(history.samples[0], history.samples[-1])
    learnt = train(Config(steps=4, members=2, **SMALL), data.ring(), evaluate_every=2, device=device, **QUIET)
    assert torch.equal(history.samples[0], learnt.samples[0])
    assert not torch.equal(learnt.samples[0], learnt.samples[-1])


def test_fresh_samples_are_made_by_the_networks_of_the_end_from_a_seed(device):
    history = train(Config(steps=4, members=3, **SMALL), data.ring(), device=device, **QUIET)
    fresh = history.sample(50, seed=4)
    assert fresh.shape == (3, 50, 2)
    assert not fresh.requires_grad
    assert torch.equal(fresh, history.sample(50, seed=4))
    assert not torch.equal(fresh[0], history.sample(50, seed=9)[0])
    assert not torch.equal(history.sample(8), history.samples[-1])
    for n in (0, -1, 2.5):
        with pytest.raises(ValueError, match=f"n must be a whole number of at least 1, not {n}"):
            history.sample(n)
    with pytest.raises(ValueError, match="seed must be"):
        history.sample(5, seed=-1)


SHOWN = """
import sys
from gantut import data
from gantut.training import Config, train
small = dict(generator={"hidden": [4]}, critic={"hidden": [4]}, batch_size=8)
for progress in (None, False, True):
    print(f"[{progress}]", file=sys.stderr, flush=True)
    train(Config(steps=4, **small), data.ring(), samples=4, progress=progress, device="cpu")
"""


@pytest.mark.slow
def test_the_progress_bar_is_silent_away_from_a_terminal_unless_it_is_asked_for():
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    result = subprocess.run([sys.executable, "-c", SHOWN], capture_output=True, text=True, env=environment, check=True)
    assert result.stdout == ""
    silent, shown = result.stderr.split("[True]")
    assert silent == "[None]\n[False]\n"
    assert "4/4" in shown
    assert "critic=" in shown


@pytest.mark.parametrize(("progress", "shown"), [(None, True), (True, True), (False, False)])
def test_on_a_terminal_the_progress_bar_is_shown_unless_it_is_not_wanted(monkeypatch, progress, shown):
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", terminal)
    train(Config(steps=2, **SMALL), data.ring(), samples=4, progress=progress, device="cpu")
    assert ("2/2" in terminal.getvalue()) == shown


# ---- Members that go astray -------------------------------------------------------------------------------------


def poisoned(members, which, device):
    """Networks of which one member will come to numbers that are not finite: its critic starts huge."""
    critic = MLP([2, 8, 1], members=members, device=device)
    with torch.no_grad():
        for parameter in critic.parameters():
            parameter[which] *= 1e15
    return critic


@pytest.mark.parametrize("objective", ["wgan-gp", "least-squares"])
@pytest.mark.parametrize("numbers", [1, 2**30])
def test_a_member_that_goes_astray_is_named_and_held_and_the_others_do_not_notice(
    device, monkeypatch, objective, numbers
):
    monkeypatch.setattr(groups_module, "CACHE_NUMBERS", numbers)  # in a group of its own, and among others
    config = Config(
        objective=objective, members=4, steps=60, seed=7, n_critic=1, optimizer={"name": "sgd", "lr": 0.01}, **SMALL
    )
    options = dict(device=device, record_every=1, evaluate_every=60, **QUIET)
    sound = MLP([2, 8, 1], members=4, device=device)
    expected = train(config, data.ring(), critic=sound, **options)
    assert expected.diverged.tolist() == [-1] * 4
    with pytest.warns(DivergenceWarning) as warned:
        history = train(config, data.ring(), critic=poisoned(4, 2, device), **options)
    (message,) = {str(warning.message) for warning in warned}
    assert len(warned) == 1
    assert "member 2 (seed 9) had a loss or a parameter that is not finite by step 50" in message
    assert "Lower the learning rate" in message
    assert warned[0].filename == __file__
    assert history.diverged.tolist() == [-1, -1, 50, -1]
    start = config.generator.build(2, 2, members=4, seed=config.seeds("generator")[0], device=device)
    for ours, beginning in zip(history.generator.parameters(), start.parameters(), strict=True):
        assert torch.equal(ours[2], beginning[2]), "held where it last was good: at its start"
    for ours, beginning in zip(history.critic.parameters(), poisoned(4, 2, device).parameters(), strict=True):
        assert torch.equal(ours[2], beginning[2])
    others = [0, 1, 3]
    for ours, theirs in (
        *zip(history.generator.parameters(), expected.generator.parameters(), strict=True),
        *zip(history.critic.parameters(), expected.critic.parameters(), strict=True),
    ):
        assert torch.equal(ours[others], theirs[others])
    for name in history.losses:
        assert torch.equal(history.losses[name][:, others], expected.losses[name][:, others])
    numbers = torch.stack([*history.losses.values(), *history.gradient_norms.values()])
    assert not numbers[:, :50, 2].isfinite().all(), "the record hides nothing"
    assert torch.equal(history.samples[:, others], expected.samples[:, others])
    assert history.samples.isfinite().all()


def test_a_learning_rate_that_is_far_too_large_is_noticed_in_every_member_and_the_run_stops_early(device, tmp_path):
    config = Config(
        objective="wgan", members=3, steps=1000, constraint=None, optimizer={"name": "sgd", "lr": 1e12}, **SMALL
    )
    with pytest.warns(DivergenceWarning) as warned:
        history = train(config, data.ring(), evaluate_every=100, device=device, checkpoints=tmp_path, **QUIET)
    assert len(warned) == 3
    assert (history.diverged == 50).all()
    assert history.steps[-1] == 50
    for network in (history.generator, history.critic):
        assert all(p.isfinite().all() for p in network.parameters())
    again = train(config, data.ring(), evaluate_every=100, device=device, checkpoints=tmp_path, resume=True, **QUIET)
    assert again.steps[-1] == 50
    assert torch.equal(again.diverged, history.diverged)
    for ours, theirs in zip(again.generator.parameters(), history.generator.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_a_member_that_is_held_stays_held_when_the_run_is_resumed(device, tmp_path):
    def run(steps, **options):
        config = Config(objective="least-squares", members=3, steps=steps, optimizer={"name": "sgd"}, **SMALL)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DivergenceWarning)
            options = dict(device=device, record_every=1, evaluate_every=30, **QUIET) | options
            return train(config, data.ring(), critic=poisoned(3, 1, device), **options)

    expected = run(120)
    run(60, checkpoints=tmp_path)
    again = run(120, checkpoints=tmp_path, resume=True)
    assert again.diverged.tolist() == expected.diverged.tolist() == [-1, 30, -1]
    for ours, theirs in zip(again.critic.parameters(), expected.critic.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    assert torch.equal(again.samples, expected.samples)


# ---- Networks of one's own --------------------------------------------------------------------------------------


class Painter(nn.Module):
    """From noise (1, n, 4) to images (1, n, 1, 8, 8)."""

    def __init__(self):
        super().__init__()
        self.first, self.norm = nn.Linear(4, 6 * 16), nn.BatchNorm2d(6)
        self.last = nn.ConvTranspose2d(6, 1, 4, 2, 1)
        self.seen = []

    def forward(self, z):
        self.seen.append(z.shape[1])
        h = self.norm(self.first(z[0]).unflatten(1, (6, 4, 4))).relu()
        return self.last(h).tanh()[None]


class Judge(nn.Module):
    """From images (1, n, 1, 8, 8) to scores (1, n, 1)."""

    def __init__(self, extra=None):
        super().__init__()
        self.first, self.extra, self.last = nn.Conv2d(1, 6, 4, 2, 1), extra or nn.Identity(), nn.Linear(96, 1)

    def forward(self, x):
        return self.last(self.extra(nn.functional.leaky_relu(self.first(x[0]), 0.2)).flatten(1))[None]


def images():
    grid = torch.linspace(-1, 1, 8)
    return torch.stack([(a * grid[:, None] + grid).sin()[None] for a in torch.linspace(-3, 3, 64)])  # (64, 1, 8, 8)


def paint(steps=8, critic=None, generator=None, **options):
    settings = dict(objective="non-saturating", steps=steps, batch_size=16, latent_dim=4)
    settings |= {name: options.pop(name) for name in list(options) if name in Config.__dataclass_fields__}
    generator, critic = generator or Painter(), critic or Judge()
    options = dict(record_every=1, evaluate_every=4, **QUIET) | options
    return train(Config(**settings), images(), generator=generator, critic=critic, **options)


@pytest.mark.parametrize("extra", [None, nn.BatchNorm2d, lambda _: nn.Dropout(0.5)], ids=["plain", "batch", "dropout"])
def test_convolutional_networks_train_and_are_resumed_exactly_buffers_and_dropout_included(device, tmp_path, extra):
    def run(steps, seed=0, **options):
        torch.manual_seed(1)
        generator, critic = Painter(), Judge(extra and extra(6))
        torch.manual_seed(seed)
        return paint(steps, critic=critic, generator=generator, device=device, **options)

    expected = run(8)
    assert expected.samples.shape == (3, 1, 8, 1, 8, 8)
    assert expected.sample(5).shape == (1, 5, 1, 8, 8)
    run(4, checkpoints=tmp_path)
    again = run(8, seed=999, checkpoints=tmp_path, resume=True)
    for ours, theirs in ((again.generator, expected.generator), (again.critic, expected.critic)):
        states = ours.state_dict(), theirs.state_dict()
        assert states[0].keys() == states[1].keys()
        for name in states[0]:
            assert torch.equal(states[0][name], states[1][name]), name
    assert torch.equal(again.losses["critic"], expected.losses["critic"])
    assert torch.equal(again.samples, expected.samples)
    assert expected.generator.norm.num_batches_tracked == 16  # two a round: looking does not count


def test_a_gradient_penalty_reaches_convolutional_critics(device):
    history = paint(objective="wgan-gp", n_critic=2, device=device)
    assert history.losses["penalty"].isfinite().all()
    assert (history.losses["penalty"] > 0).all()


def test_with_batch_normalisation_each_batch_is_normalised_by_itself(device):
    generator = Painter()
    paint(2, generator=generator, n_critic=3, device=device)
    assert {n for n in generator.seen if n > 8} == {16}
    assert generator.training
    assert generator.norm.training


def test_members_of_ones_own_networks_are_trained_side_by_side(device):
    config = Config(members=3, steps=5, batch_size=32)
    own = [MLP([2, 8, width], members=3, device=device) for width in (2, 1)]

    class Wrapped(nn.Module):
        def __init__(self, network):
            super().__init__()
            self.network = network

        def forward(self, x):
            return self.network(x)

    wrapped = train(config, data.ring(), generator=Wrapped(own[0]), critic=Wrapped(own[1]), device=device, **QUIET)
    alike = [MLP([2, 8, width], members=3, device=device) for width in (2, 1)]
    plain = train(config, data.ring(), generator=alike[0], critic=alike[1], device=device, **QUIET)
    torch.testing.assert_close(wrapped.samples, plain.samples, rtol=1e-5, atol=1e-6)
    assert wrapped.generator.network is own[0], "trained in place"
    assert plain.critic is alike[1]


def test_parameters_that_are_not_to_be_trained_stay(device):
    critic = Judge()
    critic.first.weight.requires_grad_(False)
    before = critic.first.weight.clone()
    history = paint(2, critic=critic, objective="minimax", unrolled=1, device=device)
    assert torch.equal(history.critic.first.weight.cpu(), before)
    assert not torch.equal(history.critic.last.weight.cpu(), torch.zeros(1, 96))


def test_a_network_of_ones_own_that_goes_astray_is_put_back_buffers_included(device):
    with pytest.warns(DivergenceWarning):
        history = paint(60, optimizer={"name": "sgd", "lr": 1e30}, objective="wgan", constraint=None, device=device)
    assert history.diverged.tolist() == [4]
    for network in (history.generator, history.critic):
        assert all(tensor.isfinite().all() for tensor in network.state_dict().values())
    assert history.sample(4).isfinite().all()


def test_an_objective_of_ones_own_is_played_and_kept(device, tmp_path):
    hinge = Objective(
        "my own",
        lambda real, fake: (1 - real).relu().mean(-1) + (1 + fake).relu().mean(-1),
        lambda real, fake: -fake.mean(-1),
        OBJECTIVES["minimax"].defaults,
    )
    config = Config(objective=hinge, steps=4, members=2, **SMALL)
    history = train(config, data.ring(), device=device, checkpoints=tmp_path, **QUIET)
    assert history.losses["critic"].shape == (4, 2)
    assert config.as_dict()["objective"] == "my own"
    bare = Objective("my own", hinge.critic_loss, hinge.generator_loss)
    with pytest.raises(ValueError, match="optimizer must be of type Optimizer, or a dict of its settings, not None"):
        Config(objective=bare)


# ---- Configurations ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OBJECTIVES)
def test_a_config_survives_being_written_down_as_plain_data(name):
    config = Config(objective=name, members=3, optimizer=Optimizer("sgd", 0.1, momentum=0.5), noise="uniform")
    assert Config.from_dict(config.as_dict()) == config
    assert Config.from_dict({"objective": name}) == Config(objective=name)


def test_a_critic_has_the_generators_optimizer_unless_it_has_its_own():
    config = Config(optimizer={"lr": 0.1})
    assert config.critic_optimizer == config.optimizer == Optimizer("adam", 0.1)
    assert Config(optimizer={"lr": 0.1}, critic_optimizer={"lr": 0.2}).critic_optimizer.lr == 0.2
    assert Config(objective="wgan", constraint=None).constraint is None
    assert Config(objective="wgan").constraint == lipschitz.Clip(0.01)


BAD_SETTINGS = {
    "steps": (dict(steps=0), "steps must be a whole number of at least 1, not 0"),
    "members": (dict(members=0), "members must be a whole number of at least 1, not 0"),
    "n_critic": (dict(n_critic=0), "n_critic must be a whole number of at least 1, not 0"),
    "half an n_critic": (dict(n_critic=1.5), "n_critic must be a whole number of at least 1, not 1.5"),
    "batch size": (dict(batch_size=-1), "batch_size must be a whole number of at least 1, not -1"),
    "latent_dim": (dict(latent_dim=0), "latent_dim must be a whole number of at least 1, not 0"),
    "seed": (dict(seed=-1), "seed must be a whole number of at least 0, not -1"),
    "seed too large": (dict(seed=2**28), "seed must leave room for 1 members below 2^28, not be 268435456"),
    "unrolled": (dict(unrolled=-1), "unrolled must be a whole number of at least 0, not -1"),
    "learn_generator": (dict(learn_generator="no"), "learn_generator must be one of True, False, not 'no'"),
    "objective": (dict(objective="wgan_gp"), "not 'wgan_gp': did you mean 'wgan-gp'?"),
    "noise": (dict(noise="gausian"), "noise must be one of 'gaussian', 'uniform', not 'gausian': did you mean"),
    "setting": (dict(n_critics=2), "not 'n_critics': did you mean 'n_critic'?"),
    "optimizer": (dict(optimizer={"name": "adm"}), "optimizer must be one of 'adam', 'rmsprop', 'sgd', not 'adm': did"),
    "optimizer setting": (dict(optimizer={"rate": 1}), "a setting of optimizer must be one of 'name', 'lr'"),
    "optimizer by name": (dict(optimizer="adam"), "optimizer must be of type Optimizer, or a dict of its settings"),
    "lr": (dict(optimizer={"lr": 0}), "lr must be a positive finite number, not 0"),
    "lr NaN": (dict(critic_optimizer={"lr": math.nan}), "lr must be a positive finite number, not nan"),
    "betas": (dict(optimizer={"betas": (0.5, 1)}), "betas must be in [0, 1), not 1"),
    "one beta": (dict(optimizer={"betas": (0.5,)}), "betas must be two numbers in [0, 1), not (0.5,)"),
    "a number for betas": (dict(optimizer={"betas": 0.5}), "betas must be two numbers in [0, 1), not 0.5"),
    "momentum": (dict(optimizer={"momentum": -0.1}), "momentum must be in [0, 1), not -0.1"),
    "momentum of text": (dict(optimizer={"momentum": "a"}), "momentum must be in [0, 1), not 'a'"),
    "hidden": (dict(generator={"hidden": 64}), "hidden must be a tuple of widths, such as (64, 64), not 64"),
    "hidden of 0": (dict(critic={"hidden": [8, 0]}), "hidden must be a whole number of at least 1, not 0"),
    "activation": (dict(generator={"activation": "gelu"}), "activation must be one of 'relu'"),
    "near activation": (dict(critic={"activation": "leakyrelu"}), "not 'leakyrelu': did you mean 'leaky-relu'?"),
    "architecture": (dict(critic={"widths": [8]}), "a setting of critic must be one of 'hidden'"),
    "output": (dict(generator={"output": "sigmoid"}), "output must be one of 'linear', 'tanh', not 'sigmoid'"),
    "gain": (dict(generator={"gain": -1}), "gain must be a positive finite number, not -1"),
    "constraint": (dict(constraint="clip"), "constraint must be None, a gantut.lipschitz.Constraint, or a dict"),
    "constraint setting": (dict(constraint={"name": "clip", "bound": -1}), "bound must be a positive finite number"),
    "looking ahead of a penalty": (
        dict(objective="wgan-gp", unrolled=2),
        "unrolled must be 0 with the constraint 'gradient-penalty', which",
    ),
    "looking ahead of features": (
        dict(objective="feature-matching", unrolled=1),
        "unrolled must be 0 with feature matching",
    ),
}


@pytest.mark.parametrize(("settings", "message"), BAD_SETTINGS.values(), ids=BAD_SETTINGS)
def test_settings_that_there_are_not_are_named(settings, message):
    for attempt in (Config.from_dict, lambda plain: train(plain, data.ring())):
        with pytest.raises(ValueError, match=re.escape(message)):
            attempt(settings)


class NoGenerator:
    """A distribution that draws from PyTorch's own generator only."""

    event_shape = (2,)

    def sample(self, shape):
        return torch.zeros(*shape, 2)


class Wrong(data.Distribution):
    event_shape = (2,)
    device = torch.device("cpu")

    def __init__(self, value):
        self.value = value

    def _draw(self, shape, generator):
        return self.value.expand(*shape, *self.value.shape)


def with_nan():
    points = torch.zeros(64, 2)
    points[3, 1] = math.nan
    return points


class Endless(torch.utils.data.IterableDataset):
    def __iter__(self):
        yield torch.zeros(2)


class Objects(torch.utils.data.Dataset):
    def __len__(self):
        return 64

    def __getitem__(self, index):
        return object(), index


BAD_DATA = {
    "too few": (torch.zeros(20, 2), "batch_size must be at most 20, the number of samples in data, not 32"),
    "numbers": (torch.zeros(64), "data must have shape (n, *event), with no size 0, not (64,)"),
    "none": (torch.zeros(0, 2), "data must have shape (n, *event), with no size 0, not (0, 2)"),
    "whole": (torch.zeros(64, 2, dtype=torch.long), "data must be floating point, not torch.int64"),
    "NaN": (with_nan(), "data must be finite, but data[3, 1] is nan"),
    "too large": (torch.full((64, 2), 1e300, dtype=torch.float64), "data must be finite, but data[0, 0] is inf"),
    "a list": ([[0.0, 1.0]], "data must be a tensor, an array, a Dataset, a DataLoader, or a distribution"),
    "pixels": (torch.zeros(64, 1, 8, 8, dtype=torch.uint8), "scale it, data.float() / 127.5 - 1"),
    "a stream": (Endless(), "data must not be an IterableDataset: wrap it"),
    "several distributions": (torch.distributions.Normal(torch.zeros(3), torch.ones(3)), "torch.distributions.Indep"),
    "no samples": (torch.utils.data.TensorDataset(torch.zeros(0, 2)), "data must have samples, but the Dataset is"),
    "single numbers": (torch.utils.data.TensorDataset(torch.zeros(64)), "single numbers"),
    "pictures of PIL": (Objects(), "data must have tensors as samples"),
    "no generator": (
        NoGenerator(),
        "data must be a distribution that draws from a given generator, as those of gantut.data",
    ),
    "wrong shape": (Wrong(torch.zeros(3)), "data must have samples of shape (2, 3, 2) where (2, 3) are asked for"),
    "a distribution of NaN": (Wrong(torch.full((2,), math.nan)), "data must be finite, but data[0, 0, 0] is nan"),
    "images without networks": (torch.zeros(64, 1, 8, 8), "generator must be given for data of shape (1, 8, 8)"),
}


@pytest.mark.parametrize(("bad", "message"), BAD_DATA.values(), ids=BAD_DATA)
def test_data_that_cannot_be_learnt_from_are_refused(device, bad, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        train(Config(steps=2, **SMALL), bad, device=device, **QUIET)


def module(function, size=3):
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.ones(size))

        def forward(self, x):
            return function(x) * self.scale.mean()

    return Own()


BAD_NETWORKS = {
    "generator of another width": (
        dict(generator=MLP([2, 4, 3])),
        "generator must turn noise (batch, 2) into samples (batch, 2), as data has them, but gave shape (4, 3)",
    ),
    "generator without members": (
        dict(generator=module(lambda z: z[0])),
        "into samples (batch, 2), as data has them, but gave shape",
    ),
    "generator of other noise": (
        dict(generator=nn.Linear(7, 2)),
        "generator must take input of shape (4, 2), (batch, ...), but failed: mat1 and mat2",
    ),
    "generator of other members": (dict(generator=MLP([2, 4, 2], members=3)), "generator must take input of shape"),
    "generator of other noise, an MLP": (dict(generator=MLP([5, 4, 2])), "but failed: x must have shape"),
    "critic without a last dimension": (
        dict(critic=module(lambda x: x.sum(-1), size=(2, 1)), members=2),
        "critic must return scores of shape (members, batch, 1), not (2, 4) for samples of shape (2, 4, 2)",
    ),
    "critic of two scores": (dict(critic=MLP([2, 4, 2])), "critic must return scores of shape (batch, 1), not (4, 2)"),
    "critic of other samples": (dict(critic=nn.Linear(5, 1)), "critic must take input of shape (4, 2)"),
    "nothing to train": (dict(generator=nn.Identity()), "generator must have parameters to train, and Identity has"),
    "no features": (
        dict(critic=module(lambda x: x.sum(-1, keepdim=True)), objective="feature-matching"),
        "critic must have a method `features` for 'feature-matching'",
    ),
    "shared parameters": (
        dict(critic=module(lambda x: x.sum(-1, keepdim=True)), members=2),
        "critic must have parameters of shape (members, ...), each member its own, for 2 members, but scale has shape",
    ),
    "batch norm": (
        dict(critic=nn.Sequential(nn.Flatten(0, 1), nn.BatchNorm1d(2), nn.Linear(2, 1), nn.Unflatten(0, (1, -1))),
             objective="wgan-gp"),
        "critic must score each sample by itself",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("options", "message"), BAD_NETWORKS.values(), ids=BAD_NETWORKS)
def test_networks_that_do_not_fit_are_refused_before_anything_is_trained(device, tmp_path, options, message):
    settings = dict(steps=2, batch_size=32) | {k: v for k, v in options.items() if k in ("objective", "members")}
    networks = {k: v for k, v in options.items() if isinstance(v, nn.Module)}
    with pytest.raises(ValueError, match=re.escape(message)):
        train(settings, data.ring(), device=device, checkpoints=tmp_path, **networks, **QUIET)
    assert not any(tmp_path.iterdir())


OTHERWISE_BAD = {
    "device": (dict(device="cuda:99"), "device (or GANTUT_DEVICE) must be a device of this machine, not 'cuda:99'"),
    "torch device": (dict(device=torch.device("cuda:99")), "must be a device of this machine, not 'cuda:99'"),
    "no device": (dict(device="gpu"), "must be a device of this machine, not 'gpu'"),
    "samples": (dict(samples=0), "samples must be a whole number of at least 1, not 0"),
    "record_every": (dict(record_every=0), "record_every must be a whole number of at least 1, not 0"),
    "evaluate_every": (dict(evaluate_every=1.5), "evaluate_every must be a whole number of at least 1, not 1.5"),
    "checkpoint_every": (dict(checkpoint_every=0), "checkpoint_every must be a whole number of at least 1, not 0"),
    "a metric by itself": (dict(metrics=torch.mean), "metrics must be functions by name"),
    "a metric that is none": (dict(metrics={"a": 3}), "metrics must be functions by name"),
    "one number for all": (
        dict(metrics={"all": torch.mean}), "metrics['all'] must return one number a member, shape (2,), not shape ()",
    ),
    "a number a sample": (
        dict(metrics={"each": lambda x: x.mean(-1)}), "metrics['each'] must return one number a member",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("options", "message"), OTHERWISE_BAD.values(), ids=OTHERWISE_BAD)
def test_what_else_is_asked_of_a_run_is_checked(options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        train(Config(steps=2, members=2, **SMALL), data.ring(), **QUIET | options)
