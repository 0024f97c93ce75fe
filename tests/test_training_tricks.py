"""Tricks in training: each does what its formula says, goes with every game, and is off where nobody asks for it."""

import functools
import itertools
import math
import re
import warnings

import pytest
import torch
from torch import nn
from training_groups import groups_of

from gantut import checkpoints, data
from gantut.networks import MLP
from gantut.objectives import OBJECTIVES, FeatureMatching
from gantut.training import (
    Architecture,
    Config,
    DivergenceWarning,
    Game,
    InstanceNoise,
    MinibatchDiscrimination,
    Optimizer,
    train,
)
from gantut.training import _groups as groups_module
from gantut.training._algorithm import iterate
from gantut.training._learners import Parameters, PopulationLearner
from gantut.training._streams import EpochStream, FadingStream

SMALL = dict(generator=Architecture((16,)), critic=Architecture((16, 16)), batch_size=32)
QUIET = dict(samples=8, progress=False)
TRICKS = {
    "feature matching": dict(feature_matching={}),
    "more features": dict(feature_matching={"layers": (0, -1), "statistics": "mean+std", "weight": 0.5, "added": True}),
    "minibatch": dict(minibatch_discrimination={"kernels": 4, "dimension": 3}),
    "history": dict(historical_averaging=0.1),
    "smoothing": dict(real_label=0.9),
    "batch norm": dict(batch_norm="both"),
    "virtual batch norm": dict(virtual_batch_norm="both"),
    "noise": dict(instance_noise=0.5),
    "average": dict(ema=0.9),
}
ALL = {
    "feature_matching": {"layers": [0, -1], "added": True},
    "minibatch_discrimination": {"kernels": 4, "dimension": 3},
    "historical_averaging": 0.1,
    "real_label": 0.9,
    "fake_label": 0.1,
    "virtual_batch_norm": "both",
    "instance_noise": {"scale": 0.5, "schedule": "cosine", "until": 0.75},
    "ema": 0.9,
}


def labelled(members=None, n=40, classes=3):
    """Points whose class is a third of the circle, n for all or for each member."""
    source = torch.Generator().manual_seed(8)
    shape = (n,) if members is None else (members, n)
    x = torch.randn(*shape, 2, generator=source)
    return x, ((torch.atan2(x[..., 1], x[..., 0]) + math.pi) / (2 * math.pi) * classes).long().clamp(max=classes - 1)


def play(steps=3, distribution=None, **settings):
    fields = Config.__dataclass_fields__
    networks = {name: value for name, value in settings.items() if isinstance(value, nn.Module)}
    options = {name: value for name, value in settings.items() if name not in fields} | networks
    settings = {name: value for name, value in settings.items() if name not in options}
    config = Config.from_dict(dict(members=2, steps=steps) | SMALL | settings)
    return train(config, data.ring() if distribution is None else distribution, **QUIET | options)


def bits(history, members=slice(None)):
    """All that a history holds of some members."""
    networks = [history.generator, history.critic, history.generator_average]
    tensors = [t[members] for net in networks if net is not None for t in net.state_dict().values()]
    for group in (history.losses, history.gradient_norms):
        tensors += [values[:, members] for _, values in sorted(group.items())]
    return [*tensors, history.samples[:, members], history.diverged[members]]


def assert_bits(ours, theirs):
    for a, b in zip(ours, theirs, strict=True):
        assert torch.equal(a.detach().cpu(), b.detach().cpu())


# ---- Every trick with every game ---------------------------------------------------------------------------------

BY_THEMSELVES = "wgan-gp", "wgan-lp"  # critics that must judge each sample by itself
UNLABELLED = "wgan", "hinge", "relativistic", *BY_THEMSELVES
IMPOSSIBLE = {
    ("more features", "feature-matching"): "feature_matching must not be added to 'feature-matching'",
    **{("smoothing", name): "real_label and fake_label must be 1 and 0" for name in UNLABELLED},
    **{("minibatch", name): "minibatch_discrimination must not be for a critic under" for name in BY_THEMSELVES},
    **{("batch norm", name): "batch_norm must not be for a critic under" for name in BY_THEMSELVES},
}


@functools.cache
def without_tricks(device, objective):
    return play(device=device, objective=objective, n_critic=2)


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("name", TRICKS)
def test_a_trick_goes_with_every_game_or_is_refused_with_a_reason(device, name, objective):
    settings = dict(objective=objective, n_critic=2, **TRICKS[name])
    if (name, objective) in IMPOSSIBLE:
        with pytest.raises(ValueError, match=IMPOSSIBLE[name, objective]):
            play(device=device, **settings)
        return
    with_trick, without = play(device=device, **settings), without_tricks(device, objective)
    assert all(rows.isfinite().all() for rows in with_trick.losses.values())
    assert with_trick.losses.keys() == without.losses.keys()
    same = torch.equal(with_trick.samples[-1], without.samples[-1])
    assert same == (objective == "feature-matching" and name == "feature matching")


def test_all_tricks_go_together(device):
    history = play(device=device, n_critic=2, **ALL, labelled=labelled())
    assert all(rows.isfinite().all() for rows in history.losses.values())
    assert set(history.losses) == {"critic", "generator", "supervised"}


def test_tricks_that_are_off_change_no_bit(device):
    off = dict(feature_matching=None, minibatch_discrimination=None, historical_averaging=0.0, real_label=1.0,
               fake_label=0, batch_norm=None, virtual_batch_norm=None, instance_noise=None, ema=0.0)  # fmt: skip
    assert Config(**off) == Config()
    assert_bits(bits(play(device=device, **off)), bits(play(device=device)))


def test_the_objective_feature_matching_is_the_non_saturating_game_with_that_trick(device):
    ours = play(steps=6, device=device, objective="non-saturating", feature_matching={}, n_critic=2)
    theirs = play(steps=6, device=device, objective="feature-matching", n_critic=2)
    assert_bits(bits(ours), bits(theirs))


@pytest.mark.parametrize("unrolled", [0, 2])
def test_tricks_that_change_neither_players_cost_go_with_looking_ahead(device, unrolled):
    tricks = dict(real_label=0.9, instance_noise=0.3, minibatch_discrimination={}, virtual_batch_norm="generator")
    history = play(device=device, unrolled=unrolled, ema=0.5, **tricks)
    assert history.losses["generator"].isfinite().all()


# ---- Members, checkpoints, configurations ------------------------------------------------------------------------

RUNS = {
    "all": dict(objective="non-saturating", n_critic=2, **ALL),
    "batch norm": dict(objective="wgan", batch_norm="both"),
    "a penalty": dict(objective="wgan-gp", n_critic=2, virtual_batch_norm="both", instance_noise=0.5, ema=0.5),
    "classes": dict(objective="feature-matching", minibatch_discrimination={}, labelled=True),
}


def start(name, device, members, first=0, **options):
    settings = RUNS[name] | dict(members=members, seed=100 + first, device=device) | options
    if settings.pop("labelled", False):
        settings["labelled"] = tuple(part[first : first + members] for part in labelled(64))
    return play(**settings)


@pytest.mark.parametrize("name", RUNS)
def test_a_member_of_64_is_bit_for_bit_the_run_that_it_would_be_alone(device, name):
    company = start(name, device, 64)
    for member in (0, 37, 63):
        alone = start(name, device, 1, member)
        ours, theirs = bits(company, slice(member, member + 1)), bits(alone)
        if device.type == "cpu":
            assert_bits(ours, theirs)
        else:  # a library of matrix products may choose another way for another number of matrices
            for a, b in zip(ours, theirs, strict=True):
                torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", RUNS)
def test_the_split_into_groups_changes_no_bit(device, monkeypatch, name):
    found = []
    for numbers in (1, 2**30):
        monkeypatch.setattr(groups_module, "CACHE_NUMBERS", numbers)
        found.append(bits(start(name, device, 5)))
    assert_bits(*found)


class Struck(Exception):
    pass


@pytest.mark.parametrize(("name", "distribution"), [*((name, False) for name in RUNS), ("all", True)])
def test_a_run_with_tricks_that_fails_goes_on_from_its_last_checkpoint_with_the_same_bits(
    tmp_path, device, monkeypatch, name, distribution
):
    points = torch.linspace(-1, 1, 240).reshape(120, 2).sin()
    options = dict(steps=72, record_every=3, evaluate_every=24, distribution=data.ring() if distribution else points)
    whole = start(name, device, 3, **options)
    original, calls = Game.generator_loss, itertools.count()

    def struck(*arguments):
        if next(calls) == 71:  # in the second block of every stream
            raise Struck
        return original(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(groups_module, "CACHE_NUMBERS", 2**30)
        patch.setattr(Game, "generator_loss", struck)
        with pytest.raises(Struck):
            start(name, device, 3, **options, checkpoints=tmp_path, checkpoint_every=35)
    assert checkpoints.saved_steps(tmp_path)[-1] == 70
    again = start(name, device, 3, **options, checkpoints=tmp_path, checkpoint_every=35, resume=True)
    assert_bits(bits(again), bits(whole))


@pytest.mark.parametrize("name", ["history", "noise", "average", "smoothing", "minibatch"])
def test_a_run_is_not_resumed_with_another_trick(tmp_path, device, name):
    play(device=device, checkpoints=tmp_path, minibatch_discrimination={"kernels": 2})
    with pytest.raises(ValueError, match=f"has {next(iter(TRICKS[name]))} = "):
        play(device=device, checkpoints=tmp_path, resume=True, **{"minibatch_discrimination": {"kernels": 2}}
             | TRICKS[name])  # fmt: skip


def test_noise_that_fades_over_all_steps_does_not_let_their_number_change(tmp_path, device):
    play(steps=4, device=device, instance_noise=0.5, checkpoints=tmp_path / "fades")
    with pytest.raises(ValueError, match="has steps = 4, this one 8"):
        play(steps=8, device=device, instance_noise=0.5, checkpoints=tmp_path / "fades", resume=True)
    constant = dict(instance_noise={"scale": 0.5, "schedule": "constant"}, checkpoints=tmp_path / "stays")
    play(steps=4, device=device, **constant)
    longer = play(steps=8, device=device, **constant, resume=True)
    assert longer.evaluated[-1] == 8


def test_a_run_of_classes_is_not_resumed_with_other_labels(tmp_path, device):
    x, y = labelled()
    play(device=device, labelled=(x, y), checkpoints=tmp_path)
    for other, message in (
        ((x, y.flip(0)), "data must be those of the run"),
        ((x + 1, y), "data must be those of the run"),
        (None, "data must be those of the run"),
    ):
        with pytest.raises(ValueError, match=message):
            play(device=device, labelled=other, checkpoints=tmp_path, resume=True)


def test_a_checkpoint_from_before_there_were_tricks_is_still_resumed(tmp_path, device, monkeypatch):
    whole, original = play(steps=6, device=device), checkpoints.save
    names = {"ema", "supervised_weight", *ALL, "batch_norm"}

    def as_before(folder, step, weights, state, config):
        original(folder, step, weights, state, {k: v for k, v in config.items() if k not in names})

    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "save", as_before)
        play(steps=3, device=device, checkpoints=tmp_path)
    assert torch.equal(play(steps=6, device=device, checkpoints=tmp_path, resume=True).samples[-1], whole.samples[-1])


def test_a_config_with_all_tricks_survives_being_written_down_as_plain_data():
    config = Config.from_dict(ALL)
    assert Config.from_dict(config.as_dict()) == config
    assert config.feature_matching == FeatureMatching((0, -1), added=True)
    assert config.minibatch_discrimination == MinibatchDiscrimination(4, 3)
    assert Config(instance_noise=0.3).instance_noise == InstanceNoise(0.3, "linear", 1.0)
    for name in ("generator", "critic", "both"):
        for trick in ("batch_norm", "virtual_batch_norm"):
            again = Config.from_dict(Config(**{trick: name}).as_dict())
            assert getattr(again, trick) == name


PENALTY = {"name": "gradient-penalty"}
REFUSED = {
    "averaging below 0": (dict(historical_averaging=-1), "historical_averaging must be a positive finite number"),
    "ema of 1": (dict(ema=1.0), "ema must be in [0, 1), not 1.0"),
    "ema below 0": (dict(ema=-0.5), "ema must be in [0, 1), not -0.5"),
    "labels": (dict(real_label=0.3, fake_label=0.4), "must satisfy 0 <= fake_label < real_label <= 1, not be 0.3"),
    "label above 1": (dict(real_label=1.1), "must satisfy 0 <= fake_label < real_label <= 1, not be 1.1"),
    "label of text": (dict(real_label="high"), "real_label must be a finite number, not 'high'"),
    "noise": (dict(instance_noise=0.0), "scale must be a positive finite number, not 0.0"),
    "noise until": (dict(instance_noise=dict(scale=1, until=1.5)), "until must be a fraction of all steps, at most 1"),
    "noise schedule": (dict(instance_noise=dict(scale=1, schedule="lineal")), "not 'lineal': did you mean 'linear'"),
    "noise without scale": (dict(instance_noise={}), "instance_noise lacks a setting"),
    "noise of text": (dict(instance_noise="much"), "instance_noise must be of type InstanceNoise, or a dict"),
    "kernels": (dict(minibatch_discrimination=dict(kernels=0)), "kernels must be a whole number of at least 1, not 0"),
    "batch norm": (dict(batch_norm="generators"), "not 'generators': did you mean 'generator'"),
    "two norms": (
        dict(batch_norm="both", virtual_batch_norm="critic"),
        "batch_norm and virtual_batch_norm must not both be for the critic",
    ),
    "nothing to norm": (dict(generator={"hidden": ()}, batch_norm="generator"), "batch_norm must be None for a gener"),
    "batch of 1": (dict(batch_size=1, batch_norm="generator"), "batch_norm must be None with batches of 1"),
    "similarity in a batch of 1": (dict(batch_size=1, minibatch_discrimination={}), "must be None with batches of 1"),
    "penalised minibatch": (dict(constraint=PENALTY, minibatch_discrimination={}), "under a gradient penalty"),
    "penalised batch norm": (dict(constraint=PENALTY, batch_norm="critic"), "under a gradient penalty"),
    "history ahead": (dict(unrolled=1, historical_averaging=0.1), "historical_averaging must be off with unrolled"),
    "features ahead": (dict(unrolled=1, feature_matching={}), "feature_matching must be off with unrolled steps"),
    "weight of labels": (dict(supervised_weight=0), "supervised_weight must be a positive finite number, not 0"),
    "no such layer": (dict(feature_matching=dict(layers=(2,))), "layers must lie in [-2, 1] for 2 hidden layers"),
}


@pytest.mark.parametrize(("settings", "message"), REFUSED.values(), ids=REFUSED)
def test_tricks_that_make_no_sense_are_refused(settings, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        play(**settings)


X, Y = labelled()
BAD_LABELLED = {
    "one": (X, {}, "labelled must be two tensors, samples and their labels"),
    "other length": ((X, Y[:-1]), {}, "labelled must have samples of shape (n, 2) and labels of shape (n,)"),
    "other members": ((X.expand(3, -1, -1), Y.expand(3, -1)), {}, "labelled must have 2 members, not 3"),
    "other event": ((X[:, :1], Y), {}, "labelled must have samples of shape (n, 2)"),
    "one class": ((X, 0 * Y), {}, "labelled must have labels of at least two classes, but all are 0"),
    "labels as numbers": ((X, Y.float()), {}, "labelled[1] must be whole numbers, not torch.float32"),
    "NaN": ((X * math.nan, Y), {}, "labelled[0] must be finite"),
    "a distance": ((X, Y), dict(objective="wgan"), "labelled must be None with 'wgan', whose score is no logit"),
    "a penalty": ((X, Y), dict(constraint=PENALTY), "labelled must be None with a gradient penalty"),
    "looking ahead": ((X, Y), dict(unrolled=1), "labelled must be None with unrolled steps"),
    "one score": ((X, Y), dict(critic=MLP([2, 4, 1], members=2)), "critic must return scores of shape (members, batc"),
}  # fmt: skip


@pytest.mark.parametrize(("given", "settings", "message"), BAD_LABELLED.values(), ids=BAD_LABELLED)
def test_labelled_samples_that_do_not_fit_are_refused(given, settings, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        play(labelled=given, **settings)


class Own(nn.Module):
    """A critic of a caller's own, with the given method `features`."""

    def __init__(self, features=None):
        super().__init__()
        self.inner = MLP([2, 8, 8, 1], members=2)
        if features:
            self.features = lambda *arguments: features(self.inner, *arguments)

    def forward(self, x):
        return self.inner(x)


def test_networks_of_ones_own_bring_their_own_layers():
    for trick, message in (
        (dict(minibatch_discrimination={}), "minibatch_discrimination must be None with a critic of your own"),
        (dict(virtual_batch_norm="critic"), "virtual_batch_norm must be None with a critic of your own"),
        (dict(batch_norm="both"), "batch_norm must be None with a critic of your own"),
        (dict(feature_matching={}), "must have a method `features` for 'non-saturating' with feature_matching"),
    ):
        with pytest.raises(ValueError, match=message):
            play(critic=Own(), **trick)
    last = Own(lambda network, x: network.features(x))
    assert play(critic=last, feature_matching={}).losses["generator"].isfinite().all()
    with pytest.raises(ValueError, match=r"method `features\(x, layers\)` for feature_matching with layers \(0, -1\)"):
        play(critic=last, feature_matching={"layers": (0, -1)})
    both = Own(lambda network, x, layers=None: network.features(x, layers))
    assert play(critic=both, feature_matching={"layers": (0, -1)}).losses["generator"].isfinite().all()


# ---- What they do, by loops --------------------------------------------------------------------------------------


def test_historical_averaging_descends_the_cost_of_the_paper(device, rng):
    def loss(theta):
        return (theta - 3).square().sum(-1) + theta.sin().sum(-1)

    start = torch.randn(2, 4, dtype=torch.float64, generator=rng).to(device)
    network = nn.Module()
    network.theta = nn.Parameter(start.clone())
    sgd = Optimizer("sgd", 0.1)
    learner = PopulationLearner(Parameters(network, 2), sgd, pull=0.3, loss=lambda _: {"loss": loss(network.theta)})
    theta, past = start.clone(), []
    for _ in range(7):
        iterate([learner], {})
        past.append(theta.clone())
        mean = sum(past) / len(past)
        leaf = theta.clone().requires_grad_()
        cost = loss(leaf) + 0.3 * (leaf - mean).square().sum(-1)
        theta = theta - 0.1 * torch.autograd.grad(cost.sum(), leaf)[0]
        torch.testing.assert_close(network.theta.detach(), theta, rtol=1e-12, atol=1e-13)  # roundings


def test_the_average_generator_is_the_exponential_average_of_all_generators_and_makes_the_samples(device):
    runs = [play(steps, device=device, ema=0.7, evaluate_every=1) for steps in range(1, 6)]
    raw = play(5, device=device)
    config = runs[0].config
    average = [
        p.detach().clone() for p in config.build("generator", 2, 2, device).parameters()
    ]  # the start is the generator's own
    for history in runs:
        for mean, parameter in zip(average, history.generator.parameters(), strict=True):
            mean.mul_(0.7).add_(parameter.detach(), alpha=0.3)
        for ours, theirs in zip(history.generator_average.parameters(), average, strict=True):
            torch.testing.assert_close(ours.detach(), theirs, rtol=1e-6, atol=1e-7)  # float32
    for ours, theirs in zip(runs[-1].generator.parameters(), raw.generator.parameters(), strict=True):
        assert torch.equal(ours, theirs), "the game does not feel the average"
    fresh, average = runs[-1].sample(20), runs[-1].generator_average
    runs[-1].generator, runs[-1].generator_average = average, None
    assert torch.equal(fresh, runs[-1].sample(20))
    runs[-1].generator = raw.generator
    assert not torch.equal(fresh, runs[-1].sample(20))
    assert torch.equal(runs[-1].samples[0], raw.samples[0])
    assert not torch.equal(runs[-1].samples[-1], raw.samples[-1])
    assert raw.generator_average is None


@pytest.mark.parametrize(
    ("schedule", "until", "expected"),
    [
        ("linear", 1.0, [2, 1.6, 1.2, 0.8, 0.4]),
        ("linear", 0.4, [2, 1, 0, 0, 0]),
        ("cosine", 0.8, [2, 1 + math.sqrt(0.5), 1, 1 - math.sqrt(0.5), 0]),
        ("constant", 1.0, [2] * 5),
        ("constant", 0.4, [2, 2, 0, 0, 0]),
    ],
)
def test_instance_noise_fades_as_its_schedule_says(schedule, until, expected):
    noise = InstanceNoise(2.0, schedule, until)
    assert [noise.scale_at(done, 5) for done in range(5)] == pytest.approx(expected, abs=1e-15)


def test_a_fading_stream_is_scaled_step_by_step_and_restored_anywhere():
    def scale(step):
        return 1 / (1 + step)

    stream = FadingStream(scale, (32, 500), (3, 4), "cpu")  # two steps a block
    plain = [torch.Generator().manual_seed(seed) for seed in (3, 4)]
    drawn, states = [], []
    for step in range(9):
        states.append(stream.state_dict())
        drawn.append(stream.next().clone())
        if step % stream.steps == 0:
            block = torch.stack([torch.randn(stream.steps, 32, 500, generator=source) for source in plain], 1)
        torch.testing.assert_close(drawn[-1], block[step % stream.steps] * scale(step), rtol=1e-6, atol=0)
    for step, state in enumerate(states):
        other = FadingStream(scale, (32, 500), (3, 4), "cpu")
        other.next()
        other.load_state_dict(state)
        for expected in drawn[step:]:
            assert torch.equal(other.next(), expected)


def test_noise_is_on_all_that_the_critic_sees_and_not_on_what_the_generator_makes(device):
    class Watched(nn.Module):
        """A critic that notes what it is shown in training."""

        def __init__(self, network):
            super().__init__()
            self.network, self.members = network, network.members

        def noted(self, x):
            if torch.is_grad_enabled():
                seen.append(x.detach())
            return x

        def forward(self, x):
            return self.network(self.noted(x))

        def features(self, x):
            return self.network.features(self.noted(x))

    settings = dict(objective="feature-matching", n_critic=2, members=2, steps=1, optimizer={"name": "sgd", "lr": 1e-9})
    config = Config(instance_noise=InstanceNoise(0.7, "constant"), **settings, **SMALL)
    plain = Config(**settings, **SMALL)
    shown = []
    for one in (config, plain):
        seen, seed = [], one.seeds("critic")[0]
        critic = Watched(MLP([2, 16, 16, 1], members=2, seed=seed, device=device))
        train(one, data.ring(), critic=critic, device=device, **QUIET)
        shown.append(seen)
    assert len(shown[0]) == len(shown[1]) == 6, "real and generated samples, in two steps of the critic and one more"
    shape = (3, 2, 32, 2)
    draws = FadingStream(lambda _: 0.7, shape, config.seeds("instance noise"), device).next()
    for k in range(3):
        for which in range(2):
            noise = shown[0][2 * k + which] - shown[1][2 * k + which]
            torch.testing.assert_close(noise, draws[:, k, which], rtol=0, atol=1e-6)  # float32


def test_references_are_drawn_once_for_each_member_from_noise_and_from_the_data(device):
    points = torch.randn(100, 2, generator=torch.Generator().manual_seed(0))
    start, end = (play(steps, distribution=points, device=device, virtual_batch_norm="both") for steps in (1, 4))
    for name in ("generator", "critic"):
        reference = getattr(start, name).reference
        assert reference.shape == (2, 32, 2)
        assert torch.equal(reference, getattr(end, name).reference)
        assert not torch.equal(reference[0], reference[1])
    same = (end.critic.reference.cpu()[:, :, None] == points).all(-1)
    assert same.any(-1).all(), "real samples"
    assert not torch.equal(end.generator.reference, end.critic.reference)


@pytest.mark.parametrize(
    "trick", [dict(batch_norm="both"), dict(minibatch_discrimination={})], ids=["norm", "minibatch_similarity"]
)
def test_batches_that_see_themselves_are_generated_and_judged_one_by_one(device, trick):
    config = Config(members=2, n_critic=3, **trick, **SMALL)
    networks = [config.build(name, 2, out, device) for name, out in (("generator", 2), ("critic", 1))]
    (group,) = groups_of(config, data.ring(), *networks, device=device)
    draws = next(group.draws())
    for k, batch in enumerate(group.critic.batches(draws)):
        made = networks[0](draws["noise"][:, k]).detach()
        torch.testing.assert_close(batch["fake"], made, rtol=1e-5, atol=1e-6)
        scores = [networks[1](batch[name]).squeeze(-1) for name in ("real", "fake")]
        loss = group.critic.loss(batch)["critic"]
        torch.testing.assert_close(loss, config.game.critic_loss(*scores))
        together = networks[1](torch.cat([batch["real"], batch["fake"]], 1)).squeeze(-1)
        assert (together[:, :32] - scores[0]).abs().max() > 1e-3


def test_a_member_that_goes_astray_leaves_no_trace_in_its_averages(device):
    critic = MLP([2, 8, 1], members=3, device=device)
    with torch.no_grad():
        for parameter in critic.parameters():
            parameter[1] *= 1e15
    settings = dict(objective="least-squares", members=3, optimizer={"name": "sgd", "lr": 0.01}, ema=0.9)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DivergenceWarning)
        history = play(60, device=device, critic=critic, historical_averaging=0.1, **settings)
    assert (history.diverged >= 0).tolist() == [False, True, False]
    for network in (history.generator, history.generator_average):
        assert all(p.isfinite().all() for p in network.parameters())
    assert history.samples.isfinite().all()
    assert history.sample(4).isfinite().all()


# ---- K + 1 classes -----------------------------------------------------------------------------------------------


def test_a_critic_of_classes_learns_them_from_few_labels(device):
    x, y = labelled(2, n=40)
    distribution = data.ring(3)
    history = play(60, device=device, labelled=(x, y), distribution=distribution, optimizer={"lr": 5e-3})
    assert history.critic.widths[-1] == 3
    assert history.losses["supervised"][-1].max() < history.losses["supervised"][0].min() / 2
    found = history.classify(x)
    assert found.shape == (2, 40)
    assert (found == y).double().mean() > 0.9
    assert torch.equal(history.classify(x[0])[0], found[0])
    with pytest.raises(ValueError, match="history must be of a run with labelled samples"):
        play(1, device=device).classify(x)


def test_a_step_of_the_critic_descends_both_costs(device):
    # One step of gradient descent from the same start: the difference to the run with another weight is linear in it.
    starts, ends = {}, {}
    for weight in (1.0, 3.0):
        history = play(
            1, device=device, labelled=labelled(), supervised_weight=weight, optimizer={"name": "sgd", "lr": 0.1},
            record_every=1,
        )  # fmt: skip
        starts[weight] = history.config.build("critic", 2, 3, device).weights[0].detach()
        ends[weight] = history.critic.weights[0].detach()
    x, y = (
        EpochStream(part.expand(2, *part.shape), 1, 32, history.config.seeds("labelled"), device, own=True)
        for part in labelled()
    )
    critic = history.config.build("critic", 2, 3, device)
    logits, labels = critic(x.next()[:, 0]), y.next()[:, 0]
    cost = nn.functional.cross_entropy(logits.transpose(1, 2), labels, reduction="none").mean(1)
    (slope,) = torch.autograd.grad(cost.sum(), critic.weights[0])
    torch.testing.assert_close((ends[3.0] - ends[1.0]) / -0.2, slope, rtol=1e-3, atol=1e-5)  # float32 differences
    torch.testing.assert_close(history.losses["supervised"][0], cost.detach().cpu(), rtol=1e-5, atol=1e-6)


def test_samples_and_labels_come_in_the_same_order_at_every_step():
    x, y = labelled(3, n=23)
    streams = [EpochStream(part, 2, 5, (7, 8, 9), "cpu", own=True) for part in (x, y)]
    for _ in range(70):
        samples, labels = (stream.next() for stream in streams)
        assert samples.shape == (3, 2, 5, 2)
        for member in range(3):
            own = {tuple(point): label for point, label in zip(x[member].tolist(), y[member].tolist(), strict=True)}
            drawn = zip(samples[member].flatten(0, 1).tolist(), labels[member].flatten().tolist(), strict=True)
            assert all(own[tuple(point)] == label for point, label in drawn)
