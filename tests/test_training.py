"""One step of training is the step of the papers, worked out by hand, by plain loops, and by finite differences."""

import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import softplus

from gantut import data
from gantut.networks import MLP
from gantut.training import Architecture, Config, train
from gantut.training._data import as_data
from gantut.training._groups import Group
from gantut.training._learners import Parameters
from gantut.training._streams import noise_stream

SMALL = dict(generator=Architecture((9,), "tanh"), critic=Architecture((11,), "tanh"), batch_size=8)


class Double:
    """A stream in double precision."""

    def __init__(self, stream):
        self.stream = stream

    def next(self):
        return self.stream.next().double()


def streams(config, device="cpu"):
    """The draws of a whole population, of the purposes and shapes that the loop is documented to take."""
    batches = config.n_critic + (config.objective == "feature-matching" or config.unrolled > 0)
    noise = (config.n_critic + 1, config.batch_size, config.latent_dim)
    return {
        "data": Double(as_data(data.ring(), config).stream(batches, config.batch_size, config.seeds("data"), device)),
        "noise": Double(noise_stream(config.noise, noise, config.seeds("noise"), device)),
        "mixing": Double(noise_stream("unit", (config.n_critic, config.batch_size), config.seeds("mixing"), device)),
    }


def group_of(config, device="cpu"):
    """All members in one group, in double precision, in which roundings cannot hide a mistake."""
    inputs = dict(generator=(config.latent_dim, 2), critic=(2, 1))
    made = []
    for name in ("generator", "critic"):
        style, (first, last) = getattr(config, name), inputs[name]
        options = dict(activation=style.activation, seed=config.seeds(name)[0], dtype=torch.float64, device=device)
        network = MLP([first, *style.hidden, last], members=config.members, **options)
        made.append(Parameters(network, config.members))
    return Group(config, 0, *made, streams(config, device), (True, True))


def learners_step(learner, draws):
    """Let one learner take its steps."""
    for batch in learner.batches(draws):
        (loss,) = (sum(terms.values()) for terms in [learner.loss(batch)])
        learner.descend(loss)


def plain(population, member):
    """A copy of one member, made of the modules of torch.nn."""
    layers = []
    for weight, bias in zip(population.weights, population.biases, strict=True):
        linear = nn.Linear(*weight.shape[1:], dtype=weight.dtype, device=weight.device)
        linear.weight.data, linear.bias.data = weight[member].T.detach().clone(), bias[member, 0].detach().clone()
        layers += [linear, nn.Tanh()]
    return nn.Sequential(*layers[:-1])


def assert_same_network(population, member, alone, **tolerance):
    linear = [layer for layer in alone if isinstance(layer, nn.Linear)]
    for weight, bias, layer in zip(population.weights, population.biases, linear, strict=True):
        torch.testing.assert_close(weight[member].T, layer.weight, **tolerance)
        torch.testing.assert_close(bias[member, 0], layer.bias, **tolerance)


# ---- By hand ---------------------------------------------------------------------------------------------------


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


LINEAR = Config(
    objective="minimax", members=3, batch_size=5, n_critic=2, optimizer={"name": "sgd", "lr": 0.3},
    critic_optimizer={"name": "sgd", "lr": 0.7}, generator=Architecture(()), critic=Architecture(()),
)  # fmt: skip


@pytest.mark.parametrize("objective", ["minimax", "non-saturating", "wgan"])
def test_a_step_of_linear_players_is_algorithm_1_worked_out_by_hand(device, objective):
    settings = LINEAR.as_dict() | {"objective": objective, "constraint": None}
    config = Config.from_dict(settings)
    group = group_of(config, device)
    drawn = streams(config)
    numbers = [drawn[name].next().numpy() for name in ("data", "noise")]
    (A,), (b,), (w,), (c,) = (
        [p.detach().cpu().numpy().copy() for p in part]
        for player in (group.generator, group.critic)
        for part in (player.network.weights, player.network.biases)
    )
    group.advance(1, record_every=1, done=0)
    for i in range(3):
        x, z = (array[i] for array in numbers)  # (2, 5, 2) and (3, 5, 2)
        for k in range(2):  # the discriminator's ascent, on fresh batches, the generator standing still
            fake = z[k] @ A[i] + b[i]
            if objective == "wgan":
                up_real, up_fake = np.full((5, 1), 1 / 5), np.full((5, 1), -1 / 5)
            else:
                up_real = (1 - sigmoid(x[k] @ w[i] + c[i])) / 5  # d/da log sigma(a)
                up_fake = -sigmoid(fake @ w[i] + c[i]) / 5  # d/da log(1 - sigma(a))
            w[i], c[i] = w[i] + 0.7 * (x[k].T @ up_real + fake.T @ up_fake), c[i] + 0.7 * (up_real + up_fake).sum()
        fake = z[2] @ A[i] + b[i]
        score = fake @ w[i] + c[i]
        if objective == "minimax":
            down = -sigmoid(score) / 5  # of log(1 - D)
        else:
            down = (-(1 - sigmoid(score)) if objective == "non-saturating" else -np.ones((5, 1))) / 5
        slope = down @ w[i].T  # (5, 2)
        A[i], b[i] = A[i] - 0.3 * z[2].T @ slope, b[i] - 0.3 * slope.sum(0)
    for ours, theirs in zip(
        (*group.generator.network.parameters(), *group.critic.network.parameters()), (A, b, w, c), strict=True
    ):
        np.testing.assert_allclose(ours.detach().cpu().numpy(), theirs, rtol=0, atol=1e-12)  # roundings


def test_neither_players_parameters_change_during_the_step_of_the_other(device):
    for objective in ("minimax", "wgan", "wgan-gp", "feature-matching"):
        group = group_of(Config(objective=objective, members=2, **SMALL), device)
        draws = next(group.draws())
        before = group.generator.values.clone(), group.critic.values.clone()
        fakes = [batch["fake"] for batch in group.critic.batches(draws)]
        assert not any(fake.requires_grad for fake in fakes)
        learners_step(group.critic, draws)
        assert torch.equal(group.generator.values, before[0])
        assert not torch.equal(group.critic.values, before[1])
        middle = group.critic.values.clone()
        learners_step(group.generator, draws)
        assert torch.equal(group.critic.values, middle)
        assert not torch.equal(group.generator.values, before[0])


# ---- Loops straight from the papers ----------------------------------------------------------------------------


def paper_losses(objective, critic, real, fake):
    """Of the critic, and of the generator, which has no real samples but to compare features."""
    if objective in ("wgan", "wgan-gp", "wgan-lp"):
        return critic(fake).mean() - critic(real).mean(), -critic(fake).mean()
    if objective == "least-squares":
        return (
            ((critic(real) - 1) ** 2).mean() / 2 + (critic(fake) ** 2).mean() / 2,
            ((critic(fake) - 1) ** 2).mean() / 2,
        )
    ones, zeros = torch.ones(len(real), 1, dtype=real.dtype), torch.zeros(len(real), 1, dtype=real.dtype)
    cross_entropy = nn.BCEWithLogitsLoss()
    discriminator = cross_entropy(critic(real), ones) + cross_entropy(critic(fake), zeros)
    generator = {
        "minimax": lambda: -cross_entropy(critic(fake), zeros),
        "non-saturating": lambda: cross_entropy(critic(fake), ones),
        "feature-matching": lambda: ((critic[:-1](real).mean(0) - critic[:-1](fake).mean(0)) ** 2).sum(),
    }
    return discriminator, generator[objective]()


def paper_penalty(critic, real, fake, t, one_sided):
    x = (t[:, None] * real + (1 - t[:, None]) * fake).requires_grad_()
    gradient = torch.autograd.grad(critic(x).sum(), x, create_graph=True)[0]
    excess = gradient.norm(2, dim=1) - 1
    return 10 * ((excess.relu() if one_sided else excess) ** 2).mean()


def paper_run(config, generator, critic, reals, noises, mixes, member):
    """Rounds of one member with modules and optimizers of PyTorch, as the papers' own code writes them."""
    objective = config.objective
    if objective == "wgan":  # Arjovsky et al. (2017), Algorithm 1
        optimizers = [torch.optim.RMSprop(net.parameters(), lr=5e-5) for net in (generator, critic)]
    elif objective in ("wgan-gp", "wgan-lp"):  # Gulrajani et al. (2017), Algorithm 1
        optimizers = [torch.optim.Adam(net.parameters(), lr=1e-4, betas=(0.0, 0.9)) for net in (generator, critic)]
    else:  # Radford et al. (2016)
        optimizers = [torch.optim.Adam(net.parameters(), lr=2e-4, betas=(0.5, 0.999)) for net in (generator, critic)]
    record = []
    for real, noise, mix in zip(reals, noises, mixes, strict=True):
        for k in range(config.n_critic):
            x, fake = real[member, k], generator(noise[member, k]).detach()
            loss = down = paper_losses(objective, critic, x, fake)[0]
            if objective in ("wgan-gp", "wgan-lp"):
                down = loss + paper_penalty(critic, x, fake, mix[member, k], objective == "wgan-lp")
            optimizers[1].zero_grad()
            down.backward()
            optimizers[1].step()
            if objective == "wgan":
                for parameter in critic.parameters():
                    parameter.data.clamp_(-0.01, 0.01)
        optimizers[0].zero_grad()
        last = paper_losses(objective, critic, real[member, -1], generator(noise[member, -1]))[1]
        last.backward()
        optimizers[0].step()
        norm = torch.cat([p.grad.flatten() for p in generator.parameters()]).norm()
        record.append([loss.item(), last.item(), norm.item()])
    return torch.tensor(record, dtype=torch.float64)


OBJECTIVES = ["minimax", "non-saturating", "least-squares", "feature-matching", "wgan", "wgan-gp", "wgan-lp"]


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_steps_are_those_of_a_plain_loop_in_the_style_of_the_paper(device, objective):
    config = Config(objective=objective, members=2, seed=5, **SMALL)
    group, drawn = group_of(config, device), streams(config)
    draws = [[drawn[name].next() for _ in range(6)] for name in ("data", "noise", "mixing")]
    alone = [[plain(player.network, i).cpu() for player in (group.generator, group.critic)] for i in range(2)]
    before = group.critic.values.clone()
    record = group.advance(2, record_every=1, done=0)
    for name, rows in group.advance(4, record_every=1, done=2).items():
        record[name] += rows
    for member in range(2):
        expected = paper_run(config, *alone[member], *draws, member)
        for column, name in enumerate(("critic", "generator", "generator gradient")):
            ours = torch.stack(record[name])[:, member].cpu()
            torch.testing.assert_close(ours, expected[:, column], rtol=1e-8, atol=1e-10)
        for player, network in zip((group.generator, group.critic), alone[member], strict=True):
            assert_same_network(player.network.cpu(), member, network, rtol=0, atol=1e-10)
            player.network.to(device)
    assert (group.critic.values - before).abs().max() > 1e-4
    if objective == "wgan":
        assert group.critic.values.abs().max() == 0.01


def test_train_takes_these_very_steps_on_these_very_draws(device):
    # In single precision, and with gradient descent, which does not blow roundings up as Adam does.
    rates = dict(optimizer={"name": "sgd", "lr": 0.05}, critic_optimizer={"name": "sgd", "lr": 0.02})
    config = Config(objective="wgan-gp", members=3, seed=2, steps=5, n_critic=3, **rates, **SMALL)
    history = train(config, data.ring(), device=device, samples=4, progress=False)
    group = group_of(config, device)
    for ours, theirs in ((history.generator, group.generator), (history.critic, group.critic)):
        with torch.no_grad():  # double precision starts from other draws: give it the beginnings of the other
            fresh = config.generator if theirs is group.generator else config.critic
            seeds = config.seeds("generator" if theirs is group.generator else "critic")
            start = fresh.build(2, ours.widths[-1], members=3, seed=seeds[0], device=device)
            for ours, beginning in zip(theirs.network.parameters(), start.parameters(), strict=True):
                ours.copy_(beginning)
    record = group.advance(5, record_every=1, done=0)
    for ours, theirs in ((history.generator, group.generator), (history.critic, group.critic)):
        for a, b in zip(ours.parameters(), theirs.network.parameters(), strict=True):
            torch.testing.assert_close(a.double(), b, rtol=0, atol=2e-6)
    for name in ("critic", "penalty", "generator"):
        torch.testing.assert_close(history.losses[name].double(), torch.stack(record[name]).cpu(), rtol=1e-4, atol=1e-5)
    for name in ("critic", "generator"):
        expected = torch.stack(record[f"{name} gradient"]).cpu()
        torch.testing.assert_close(history.gradient_norms[name].double(), expected, rtol=1e-4, atol=1e-5)


def test_a_generator_that_does_not_learn_stands_still_while_the_critic_learns(device):
    config = Config(objective="wgan-gp", members=2, steps=3, learn_generator=False, **SMALL)
    history = train(config, data.ring(), device=device, samples=4, progress=False)
    start = config.generator.build(2, 2, members=2, seed=config.seeds("generator")[0], device=device)
    for a, b in zip(history.generator.parameters(), start.parameters(), strict=True):
        assert torch.equal(a, b)
    assert set(history.losses) == {"critic", "penalty"}
    assert set(history.gradient_norms) == {"critic"}
    critic = config.critic.build(2, 1, members=2, seed=config.seeds("critic")[0], device=device)
    assert not torch.equal(history.critic.weights[0], critic.weights[0])


# ---- Looking ahead -----------------------------------------------------------------------------------------------

AHEAD = {
    "gradient descent": ({"name": "sgd", "lr": 0.4}, None),
    "momentum": ({"name": "sgd", "lr": 0.2, "momentum": 0.6}, None),
    "RMSProp": ({"name": "rmsprop", "lr": 0.02}, None),
    "RMSProp with momentum": ({"name": "rmsprop", "lr": 0.01, "momentum": 0.5}, None),
    "Adam": ({"name": "adam", "lr": 0.03, "betas": (0.5, 0.9)}, None),
    "clipping": ({"name": "rmsprop", "lr": 0.02}, {"name": "clip", "bound": 0.2}),
}


@torch.enable_grad()
def answered(group, member, real, fake, unrolled):
    """The generator's loss after the critic's answer, by copies of the critic and of its optimizer of torch.optim."""
    values = nn.Parameter(group.critic.values.detach().clone())
    settings = group.config.critic_optimizer
    if settings.name == "adam":
        optimizer = torch.optim.Adam([values], lr=settings.lr, betas=settings.betas)
    elif settings.name == "rmsprop":
        optimizer = torch.optim.RMSprop([values], lr=settings.lr, momentum=settings.momentum)
    else:
        optimizer = torch.optim.SGD([values], lr=settings.lr, momentum=settings.momentum)
    memory = copy.deepcopy(group.critic.optimizer.state_dict()["state"])
    optimizer.load_state_dict(optimizer.state_dict() | {"state": memory})

    def score(x):
        named = group.critic.parameters.named(values)
        return torch.func.functional_call(group.critic.network, named, (x,)).squeeze(-1)

    def cost():
        return softplus(-score(real)).mean(1) + softplus(score(fake)).mean(1)

    for _ in range(unrolled):
        optimizer.zero_grad()
        cost().sum().backward(inputs=[values])
        optimizer.step()
        if group.config.constraint:
            values.data.clamp_(-0.2, 0.2)
    with torch.no_grad():
        loss = -cost() if group.config.objective == "minimax" else softplus(-score(fake)).mean(1)
    return loss[member].item()


@pytest.mark.parametrize("objective", ["minimax", "non-saturating"])
@pytest.mark.parametrize(("optimizer", "constraint"), AHEAD.values(), ids=AHEAD)
@pytest.mark.parametrize("unrolled", [1, 2, 3])
def test_an_unrolled_loss_and_its_gradient_are_those_of_the_critic_that_answers(
    device, rng, objective, optimizer, constraint, unrolled
):
    config = Config(
        objective=objective, members=2, unrolled=unrolled, constraint=constraint, critic_optimizer=optimizer, **SMALL
    )
    group = group_of(config, device)
    for _ in range(2):  # so that the optimizer remembers something
        learners_step(group.critic, next(group.draws()))
    noise, real = group.streams["noise"].next()[:, 0], group.streams["data"].next()[:, 0]
    before = group.critic.values.clone(), copy.deepcopy(group.critic.optimizer.state_dict())
    parameters = list(group.generator.network.parameters())
    loss = group.config.game.generator_loss(*group.look_ahead(real, group.generator.network(noise)))
    slopes = torch.autograd.grad(loss.sum(), parameters)
    along = [torch.randn(p.shape, dtype=p.dtype, generator=rng).to(p) for p in parameters]
    h = 1e-5
    for member in range(2):
        values = []
        for step in (0, h, -h):
            with torch.no_grad():
                for p, v in zip(parameters, along, strict=True):
                    p.add_(step * v)
                values.append(answered(group, member, real, group.generator.network(noise), unrolled))
                for p, v in zip(parameters, along, strict=True):
                    p.sub_(step * v)
        assert loss[member].item() == pytest.approx(values[0], rel=1e-10)
        directional = sum((s[member] * v[member]).sum() for s, v in zip(slopes, along, strict=True)).item()
        # central differences: errors of order h^2, and of roundings over h
        assert directional == pytest.approx((values[1] - values[2]) / (2 * h), rel=1e-5, abs=1e-8)
    assert torch.equal(group.critic.values, before[0])
    after = group.critic.optimizer.state_dict()["state"]
    for name, value in before[1]["state"].get(0, {}).items():
        assert value is after[0][name] or torch.equal(value, after[0][name]), "the critic's memory stays as it was"


@pytest.mark.parametrize("unrolled", [0, 1])
def test_the_real_half_of_the_value_moves_the_generator_only_through_a_critic_that_answers(device, unrolled):
    group = group_of(Config(objective="minimax", members=2, unrolled=unrolled, **SMALL), device)
    real, noise = (group.streams[name].next()[:, 0] for name in ("data", "noise"))
    scores, _ = group.look_ahead(real, group.generator.network(noise))
    term = softplus(-scores).mean()
    slopes = torch.autograd.grad(term, list(group.generator.network.parameters()), allow_unused=True)
    if unrolled:
        assert all(slope.abs().max() > 0 for slope in slopes)
    else:
        assert all(slope is None for slope in slopes), "there is no path"


def test_a_parameter_without_any_gradient_does_not_spoil_the_look_ahead(device):
    # Dead units: their gradients are exactly 0, and so is the root in Adam's and RMSProp's denominator.
    for name in ("adam", "rmsprop"):
        config = Config(objective="minimax", unrolled=2, members=1, critic_optimizer={"name": name}, batch_size=4,
                        critic=Architecture((6,), "relu"), generator=Architecture((5,), "tanh"))  # fmt: skip
        group = group_of(config, device)
        with torch.no_grad():
            group.critic.network.biases[0][:, :, :3] = -100.0
        real, noise = (group.streams[name].next()[:, 0] for name in ("data", "noise"))
        losses = group.config.game.generator_loss(*group.look_ahead(real, group.generator.network(noise)))
        for slope in torch.autograd.grad(losses.sum(), list(group.generator.network.parameters())):
            assert slope.isfinite().all()
            assert slope.any()


def test_unrolled_steps_train(device):
    config = Config(objective="minimax", members=2, steps=4, unrolled=3, **SMALL)
    history = train(config, data.ring(), device=device, samples=4, progress=False)
    assert history.losses["generator"].isfinite().all()
    other = train(
        Config(objective="minimax", members=2, steps=4, unrolled=2, **SMALL), data.ring(), device=device, samples=4
    )
    assert not torch.equal(history.samples[-1], other.samples[-1])
