"""R1 and R2: what loops over samples find, in every step or in every k-th, alone and in the relativistic game."""

import pytest
import torch
from torch import nn
from torch.nn.functional import softplus

from gantut import data
from gantut.lipschitz import ZeroCentredPenalty, constraint
from gantut.networks import MLP, DCGANCritic, MinibatchLayer
from gantut.training import Config, train
from gantut.training._data import as_data
from gantut.training._groups import Group
from gantut.training._learners import Parameters
from gantut.training._streams import noise_stream

DOUBLE = dict(dtype=torch.float64)
SMALL = dict(batch_size=6, generator={"hidden": [5]}, critic={"hidden": [5, 4], "activation": "tanh"})


def squares_by_loops(critic, x):
    """The mean square of the slope of one network, one sample after another; differentiable in its parameters."""
    slopes = []
    for sample in x:
        sample = sample.clone().requires_grad_()
        slopes.append(torch.autograd.grad(critic(sample[None]).sum(), sample, create_graph=True)[0])
    return sum(slope.square().sum() for slope in slopes) / len(x)


@pytest.mark.parametrize("activation", ["tanh", "silu", "leaky-relu"])
@pytest.mark.parametrize("at", ["real", "generated", "both"])
def test_the_penalty_and_its_gradient_are_those_of_loops_over_samples(device, rng, activation, at):
    critics = MLP([3, 6, 5, 1], activation=activation, members=2, device=device, **DOUBLE)
    real, fake = (torch.randn(2, 7, 3, generator=rng, **DOUBLE).to(device) for _ in range(2))
    term = ZeroCentredPenalty(0.6, at).loss_term(critics, real, fake)
    assert term.shape == (2,)
    slopes = torch.autograd.grad(term.sum(), list(critics.weights), retain_graph=True)
    for member in range(2):
        alone = critics.members_between(member, member + 1)
        expected = 0
        for samples, where in ((real, ("real", "both")), (fake, ("generated", "both"))):
            if at in where:
                expected = expected + 0.3 * squares_by_loops(lambda x, net=alone: net(x[None])[0], samples[member])
        torch.testing.assert_close(term[member], expected, rtol=1e-10, atol=1e-12)
        own = torch.autograd.grad(expected, list(alone.weights))
        for ours, theirs in zip(slopes, own, strict=True):
            torch.testing.assert_close(ours[member], theirs[0], rtol=1e-9, atol=1e-12)


def test_of_a_plain_critic_it_is_a_scalar(device):
    critic = nn.Linear(2, 1, device=device)
    with torch.no_grad():
        critic.weight.copy_(torch.tensor([[3.0, 4.0]]))
    x = torch.zeros(8, 2, device=device)
    for every in (1, 16):
        penalty = ZeroCentredPenalty(0.2, every=every)
        term = penalty.loss_term(critic, x, x)
        assert term.item() == pytest.approx(every * 0.1 * 25)
        assert penalty.excess(term) is None  # it has no slope for its target
    assert ZeroCentredPenalty(0.2, "both").loss_term(critic, x, x).item() == pytest.approx(5)


def test_where_samples_see_each_other_it_is_the_slope_of_the_sum_of_scores(rng):
    critic = nn.Sequential(MinibatchLayer(torch.randn(1, 3, 4, generator=rng, **DOUBLE), 2), nn.Linear(5, 1, **DOUBLE))
    x, h = torch.randn(1, 5, 3, generator=rng, **DOUBLE), 1e-5
    found, total = ZeroCentredPenalty(2.0).loss_term(critic, x, x), 0.0
    for sample in range(5):
        for k in range(3):
            step = torch.zeros_like(x)
            step[0, sample, k] = h
            total += ((critic(x + step).sum() - critic(x - step).sum()) / (2 * h)).item() ** 2
    assert found.item() == pytest.approx(total / 5, rel=1e-6)  # differences are right to h^2


def test_a_critic_with_batch_normalisation_is_taken_as_it_is(rng):
    critic, x = DCGANCritic(size=8, width=4, norm="batch", deviation=0.2), torch.randn(1, 6, 3, 8, 8, generator=rng)
    penalty = ZeroCentredPenalty()
    penalty.require(critic, x)
    leaf = x.clone().requires_grad_()
    (slope,) = torch.autograd.grad(critic(leaf).sum(), leaf)
    assert penalty.loss_term(critic, x, x).item() == pytest.approx(slope.square().sum().item() / 12, rel=1e-5)


def plain_run(config, generator, critic, reals, noises):
    """Steps of one member, with R1 or R2 in every k-th, straight from the papers."""
    penalty, record = config.constraint, []
    optimizers = [torch.optim.SGD(net.parameters(), lr=0.1) for net in (generator, critic)]
    for step, (real, noise) in enumerate(zip(reals, noises, strict=True), 1):
        x, fake = real[0], generator(noise[0]).detach()
        if config.objective == "relativistic":
            loss = softplus(-(critic(x) - critic(fake))).mean()  # Jolicoeur-Martineau (2018), equation 11
        else:
            loss = softplus(-critic(x)).mean() + softplus(critic(fake)).mean()
        term = torch.zeros((), **DOUBLE)
        if step % penalty.every == 0:
            parts = {"real": [x], "generated": [fake], "both": [x, fake]}[penalty.at]
            term = penalty.every * penalty.weight / 2 * sum(squares_by_loops(critic, part) for part in parts)
        optimizers[1].zero_grad()
        (loss + term).backward()
        optimizers[1].step()
        scores = critic(generator(noise[-1]))
        relative = scores - critic(real[-1]) if config.objective == "relativistic" else scores
        last = softplus(-relative).mean()
        optimizers[0].zero_grad()
        last.backward()
        optimizers[0].step()
        record.append([loss.item(), term.item(), last.item()])
    return torch.tensor(record, **DOUBLE)


class Double:
    """A stream in double precision, in which roundings cannot hide a mistake."""

    def __init__(self, stream):
        self.stream = stream

    def next(self):
        return self.stream.next().double()


def streams(config):
    """The draws of a run: one batch of real samples more where the generator's loss looks at them."""
    batches = 1 + (config.objective == "relativistic")
    noise = (2, config.batch_size, config.latent_dim)
    return {
        "data": Double(as_data(data.ring(), config).stream(batches, config.batch_size, config.seeds("data"), "cpu")),
        "noise": Double(noise_stream(config.noise, noise, config.seeds("noise"), "cpu")),
    }


def plain(network, member):
    """One member of a population of perceptrons in modules of PyTorch."""
    layers = []
    for weight, bias in zip(network.weights, network.biases, strict=True):
        layer = nn.Linear(*weight.shape[1:], **DOUBLE)
        layer.weight.data, layer.bias.data = weight[member].detach().T.clone(), bias[member, 0].detach().clone()
        layers += [layer, nn.Tanh()]
    return nn.Sequential(*layers[:-1])


@pytest.mark.parametrize(
    ("objective", "penalty"),
    [
        ("non-saturating", ZeroCentredPenalty(0.7, every=3)),
        ("relativistic", ZeroCentredPenalty(0.7, "both")),
        ("relativistic", ZeroCentredPenalty(0.4, "generated", every=2)),
    ],
)
def test_steps_are_those_of_a_plain_loop(objective, penalty):
    sgd = {"name": "sgd", "lr": 0.1}
    config = Config(objective=objective, members=2, seed=5, n_critic=1, constraint=penalty, optimizer=sgd, batch_size=6)
    networks = [MLP([2, 5, out], activation="tanh", members=2, seed=9 + out, **DOUBLE) for out in (2, 1)]
    alone = [[plain(network, member) for network in networks] for member in range(2)]
    group = Group(config, 0, *(Parameters(network, 2) for network in networks), streams(config), (True, True))
    drawn = streams(config)
    draws = [[drawn[name].next() for _ in range(7)] for name in ("data", "noise")]
    record = group.advance(4, record_every=1, done=0)
    for name, rows in group.advance(3, record_every=1, done=4).items():  # lazy steps are counted from the beginning
        record[name] += rows
    for member in range(2):
        expected = plain_run(config, *alone[member], *([draw[member] for draw in kind] for kind in draws))
        for column, name in enumerate(("critic", "penalty", "generator")):
            ours = torch.stack(record[name])[:, member]
            torch.testing.assert_close(ours, expected[:, column], rtol=1e-8, atol=1e-10)


def test_a_lazy_run_that_was_stopped_goes_on_in_the_right_step(tmp_path):
    looks = dict(samples=4, record_every=1, evaluate_every=2, progress=False, device="cpu")
    settings = dict(objective="relativistic", constraint=ZeroCentredPenalty(0.5, every=3), n_critic=2, **SMALL)
    whole = train(Config(steps=8, **settings), data.ring(), **looks)
    for steps in (4, 8):
        options = dict(checkpoints=tmp_path, resume=True)
        parts = train(Config(steps=steps, **settings), data.ring(), **looks, **options)
    assert torch.equal(whole.losses["penalty"], parts.losses["penalty"])
    assert torch.equal(whole.samples[-1], parts.samples[-1])
    taken = (whole.losses["penalty"][:, 0] > 0).tolist()  # of the second of two steps of the critic: 2, 4, ..., 16
    assert taken == [step % 3 == 0 for step in range(2, 17, 2)]


def test_plain_data_stands_for_it_and_other_settings_are_refused():
    assert constraint({"name": "zero-centred-penalty", "at": "both", "every": 4}) == ZeroCentredPenalty(1.0, "both", 4)
    plain = Config(objective="relativistic").as_dict()["constraint"]
    assert constraint(plain) == ZeroCentredPenalty(1.0, "both")
    for settings, message in (({"weight": 0}, "weight"), ({"at": "lines"}, "at must be"), ({"every": 0}, "every")):
        with pytest.raises(ValueError, match=message):
            ZeroCentredPenalty(**settings)
