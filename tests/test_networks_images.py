"""Convolutional networks of pictures: what PyTorch's own layers compute, for every member of a population."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from gantut import lipschitz
from gantut.networks import NORMS, DCGANCritic, DCGANGenerator
from gantut.objectives import OBJECTIVES
from gantut.training import Config, train

SEPARATE = ("layer", "none")


def shaken(network, rng):
    """Move every parameter away from its start, so that gains and biases matter."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=rng, dtype=torch.float64).to(parameter) * 0.2)
    return network


def copied(module, network, layer, member):
    """Give a layer of PyTorch the weight of a layer of one member, and its bias, if it has one."""
    module.weight = nn.Parameter(network.weights[layer][member].detach().permute(0, 3, 1, 2).contiguous())
    if module.bias is not None:
        module.bias = nn.Parameter(network.biases[layer][member].detach())
    return module


def normalisation(network, layer, member):
    """Return PyTorch's normalisation with gain and bias of one layer of one member."""
    if layer not in network.normalised:
        return []
    gain = network.gains[network.normalised.index(layer)][member].detach()
    kind = nn.BatchNorm2d(len(gain)) if network.norm == "batch" else nn.GroupNorm(1, len(gain))
    kind.weight, kind.bias = nn.Parameter(gain), nn.Parameter(network.biases[layer][member].detach())
    return [kind.to(gain)]


def generator_of_torch(network, member):
    """Radford et al. (2016), figure 1, for one member."""
    layers = []
    for number, weight in enumerate(network.weights):
        fan_in, fan_out = weight.shape[1], weight.shape[-1]
        how = (1, 0) if number == 0 else (2, 1)
        bias = number not in network.normalised
        layers += [copied(nn.ConvTranspose2d(fan_in, fan_out, 4, *how, bias=bias), network, number, member)]
        layers += [*normalisation(network, number, member), nn.ReLU()]
    return nn.Sequential(nn.Unflatten(1, (network.latent_dim, 1, 1)), *layers[:-1], nn.Tanh())


def critic_of_torch(network, member):
    """The same for a critic."""
    layers, last = [], len(network.weights) - 1
    for number, weight in enumerate(network.weights):
        how = (1, 0) if number == last else (2, 1)
        bias = number not in network.normalised
        convolution = nn.Conv2d(weight.shape[-1], weight.shape[1], 4, *how, bias=bias)
        layers += [copied(convolution, network, number, member)]
        layers += [*normalisation(network, number, member), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers[:-1], nn.Flatten())


def pixel_by_pixel(h):
    """The order in which hidden layers are given as features."""
    return h.permute(0, 2, 3, 1).flatten(1)


def small(kind, device, **settings):
    """A small network in double precision."""
    return kind(**(dict(size=16, width=5, members=2, dtype=torch.float64, device=device) | settings))


# ---- What they compute ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize(("size", "channels"), [(8, 1), (16, 3), (16, 4), (32, 8)])
def test_a_generator_computes_what_the_layers_of_pytorch_compute(device, rng, norm, size, channels):
    population = shaken(small(DCGANGenerator, device, size=size, channels=channels, norm=norm, latent_dim=7), rng)
    z = torch.randn(2, 6, 7, dtype=torch.float64, generator=rng).to(device)
    pictures = population(z)
    assert pictures.shape == (2, 6, channels, size, size)
    for member in range(2):
        alone = generator_of_torch(population, member).to(device)
        torch.testing.assert_close(pictures[member], alone(z[member]), rtol=0, atol=1e-12)  # rounding
        torch.testing.assert_close(population.eval()(z)[member], alone.eval()(z[member]), rtol=0, atol=1e-12)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize(("size", "channels"), [(8, 1), (16, 3), (32, 4)])
def test_a_critic_computes_what_the_layers_of_pytorch_compute(device, rng, norm, size, channels):
    population = shaken(small(DCGANCritic, device, size=size, channels=channels, norm=norm), rng)
    x = torch.randn(2, 6, channels, size, size, dtype=torch.float64, generator=rng).to(device)
    scores, features = population.features(x)
    assert scores.shape == (2, 6, 1)
    for member in range(2):
        alone = critic_of_torch(population, member).to(device)
        torch.testing.assert_close(features[member], pixel_by_pixel(alone[:-2](x[member])), rtol=0, atol=1e-12)
        alone = critic_of_torch(population, member).to(device)  # its running statistics anew
        torch.testing.assert_close(scores[member], alone(x[member]), rtol=0, atol=1e-12)
        torch.testing.assert_close(population.eval()(x)[member], alone.eval()(x[member]), rtol=0, atol=1e-12)


def test_features_are_the_hidden_layers_that_are_asked_for(device, rng):
    critic = shaken(small(DCGANCritic, device, norm="none"), rng)
    x = torch.randn(2, 3, 3, 16, 16, dtype=torch.float64, generator=rng).to(device)
    scores, (first, last, last_again) = critic.features(x, (0, 1, -1))
    assert torch.equal(scores, critic(x))
    for member in range(2):
        alone = critic_of_torch(critic, member).to(device)
        torch.testing.assert_close(first[member], pixel_by_pixel(alone[:2](x[member])), rtol=0, atol=1e-12)
    assert torch.equal(last, last_again)
    assert torch.equal(last, critic.features(x)[1])
    with pytest.raises(ValueError, match=r"layers must lie in \[-2, 1\] for 2 hidden layers, but are \(2,\)"):
        critic.features(x, (2,))


@pytest.mark.parametrize("kind", [DCGANGenerator, DCGANCritic])
@pytest.mark.parametrize("norm", NORMS)
def test_a_member_is_bit_for_bit_what_it_is_alone(device, rng, kind, norm):
    company = kind(size=16, width=8, norm=norm, members=3, seed=4, device=device)
    alone = kind(size=16, width=8, norm=norm, seed=6, device=device)
    for many, one in zip(company.parameters(), alone.parameters(), strict=True):
        assert torch.equal(many[2:], one)
    shape = (3, 5, 100) if kind is DCGANGenerator else (3, 5, 3, 16, 16)
    x = torch.randn(shape, generator=rng).to(device)
    y = company(x)
    assert torch.equal(y[2:], alone(x[2:]))
    y[2].square().sum().backward()
    alone(x[2:]).square().sum().backward()
    for many, one in zip(company.parameters(), alone.parameters(), strict=True):
        assert not many.grad[:2].any()
        assert torch.equal(many.grad[2:], one.grad)


@pytest.mark.parametrize("kind", [DCGANGenerator, DCGANCritic])
def test_one_batch_for_all_is_the_same_as_a_copy_for_each(device, rng, kind):
    population = kind(size=8, width=4, channels=1, members=3, device=device, norm="none")
    x = torch.randn((5, 100) if kind is DCGANGenerator else (5, 1, 8, 8), generator=rng).to(device)
    assert torch.equal(population(x), population(x.expand(3, *x.shape)))


def test_sizes_may_be_numbers_of_numpy():
    widths = [weight.shape for weight in DCGANGenerator(size=np.int64(16), width=np.int64(4)).weights]
    assert widths == [weight.shape for weight in DCGANGenerator(size=16, width=4).weights]


def test_the_widths_are_those_of_the_paper():
    generator, critic = DCGANGenerator(size=64, width=128), DCGANCritic(size=64, width=64)
    # Radford et al. (2016), figure 1: 100 numbers, 1024, 512, 256, 128 channels, then the picture
    assert [tuple(w.shape[1:]) for w in generator.weights] == [
        (*pair[:1], 4, 4, *pair[1:]) for pair in itertools.pairwise([100, 1024, 512, 256, 128, 3])
    ]
    outputs = [64, 128, 256, 512, 1]
    assert [(w.shape[1], w.shape[-1]) for w in critic.weights] == list(zip(outputs, [3, *outputs], strict=False))


@pytest.mark.parametrize("kind", [DCGANGenerator, DCGANCritic])
def test_weights_start_normal_with_the_deviation_of_the_paper(device, kind):
    network = kind(size=32, width=32, members=2, device=device)
    for weight in network.weights:
        numbers = weight.detach().flatten()
        error = 0.02 / len(numbers) ** 0.5  # of the mean; of the deviation it is smaller by the root of 2
        assert abs(numbers.mean().item()) < 4 * error
        assert abs(numbers.std().item() - 0.02) < 4 * error / 2**0.5
        beyond = (numbers.abs() > 0.04).double().mean().item()
        assert abs(beyond - 0.0455) < 4 * (0.0455 / len(numbers)) ** 0.5  # beyond two deviations
        assert not torch.equal(weight[0], weight[1])
    assert all((gain == 1).all() for gain in network.gains)
    assert not any(bias.any() for bias in network.biases)
    wide = kind(size=32, width=32, members=2, deviation=0.1, device=device)
    torch.testing.assert_close(wide.weights[1], network.weights[1] * 5, rtol=1e-6, atol=0)


def test_a_seed_means_the_same_network_in_every_place_and_precision(device):
    for kind in (DCGANGenerator, DCGANCritic):
        here = kind(size=8, width=4, seed=7, device=device, dtype=torch.float64)
        for a, b in zip(here.parameters(), kind(size=8, width=4, seed=7).parameters(), strict=True):
            assert torch.equal(a.float().cpu(), b)
            assert a.device.type == device.type


def test_running_statistics_are_each_members_own_and_belong_to_its_state(device, rng):
    population = small(DCGANGenerator, device, latent_dim=3)
    z = torch.randn(2, 9, 3, dtype=torch.float64, generator=rng).to(device)
    population(z * torch.tensor([1.0, 5.0], device=device)[:, None, None])
    means = population.state_dict()["statistics.0.running_mean"]
    assert means.shape == (2, 10)
    assert means[1].std() > 2 * means[0].std()
    twin = small(DCGANGenerator, device, latent_dim=3)
    twin.load_state_dict(dict(population.state_dict()))
    assert torch.equal(twin.eval()(z), population.eval()(z))
    before = {name: buffer.clone() for name, buffer in population.named_buffers()}
    population(z)
    assert all(torch.equal(buffer, before[name]) for name, buffer in population.named_buffers()), "only in training"


# ---- Gradients in the input -----------------------------------------------------------------------------------


@pytest.mark.parametrize("norm", SEPARATE)
@pytest.mark.parametrize(("size", "channels"), [(8, 1), (16, 3), (8, 6)])
def test_the_gradient_that_is_written_out_is_that_of_autograd(device, rng, norm, size, channels):
    critic = shaken(small(DCGANCritic, device, size=size, channels=channels, norm=norm), rng)
    x = torch.randn(2, 3, channels, size, size, dtype=torch.float64, generator=rng).to(device).requires_grad_()
    (through_autograd,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    written_out = critic.input_gradient(x.detach())
    largest = through_autograd.abs().max().item()
    torch.testing.assert_close(written_out, through_autograd, rtol=0, atol=1e-13 * largest)
    parameters = list(critic.parameters())
    ours, expected = [
        torch.autograd.grad((g.flatten(2).norm(dim=-1) - 1).square().sum(), parameters, materialize_grads=True)
        for g in (written_out, through_autograd)
    ]
    for one, other in zip(ours, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-12 * max(slope.abs().max() for slope in expected))
    assert all(slope.any() for slope in ours[: len(critic.weights)]), "the weights have something to feel"


@pytest.mark.parametrize("one_sided", [False, True])
@pytest.mark.parametrize("norm", SEPARATE)
def test_the_penalty_is_that_of_a_loop_over_samples(device, rng, norm, one_sided):
    critic = shaken(small(DCGANCritic, device, size=8, channels=1, norm=norm), rng)
    x = torch.randn(2, 4, 1, 8, 8, dtype=torch.float64, generator=rng).to(device)
    penalty = 7 * lipschitz.gradient_penalty_at(critic, x, one_sided=one_sided)
    for member in range(2):
        alone, costs = critic_of_torch(critic, member).to(device), []
        for picture in x[member]:
            picture = picture[None].clone().requires_grad_()
            (slope,) = torch.autograd.grad(alone(picture).squeeze(), picture)
            excess = slope.square().sum().sqrt() - 1
            costs.append(max(excess.item(), 0) ** 2 if one_sided else excess.item() ** 2)
        assert penalty[member].item() == pytest.approx(7 * sum(costs) / 4, rel=1e-12)
    assert penalty.max() > 0


@pytest.mark.parametrize("norm", SEPARATE)
def test_samples_do_not_see_each_other(device, rng, norm):
    for kind, shape in ((DCGANGenerator, (1, 6, 100)), (DCGANCritic, (1, 6, 3, 8, 8))):
        network = small(kind, device, size=8, norm=norm, members=1)
        x = torch.randn(shape, dtype=torch.float64, generator=rng).to(device)
        torch.testing.assert_close(network(x)[:, 2:4], network(x[:, 2:4]), rtol=0, atol=1e-15)
        assert network.samples_are_separate


def test_a_critic_with_batch_norm_is_refused_where_samples_must_not_see_each_other(device, rng):
    critic = small(DCGANCritic, device, norm="batch", members=1)
    x = torch.randn(1, 6, 3, 16, 16, dtype=torch.float64, generator=rng).to(device)
    assert not critic.samples_are_separate
    assert (critic(x)[:, 2:4] - critic(x[:, 2:4])).abs().max() > 1e-3
    with pytest.raises(ValueError, match="critic must score each sample by itself"):
        lipschitz.gradient_penalty(critic, x, x)
    with pytest.raises(ValueError, match="norm must be 'layer' or 'none'"):
        critic.input_gradient(x)
    with pytest.raises(ValueError, match="critic must score each sample by itself"):
        train(
            Config(objective="wgan-gp", steps=1, batch_size=4),
            torch.rand(8, 3, 16, 16),
            generator=DCGANGenerator(latent_dim=2, size=16, width=4),
            critic=DCGANCritic(size=16, width=4, norm="batch"),
        )
    assert DCGANCritic(size=8, norm="batch").samples_are_separate, "its only hidden layer is not normalised"


# ---- Training -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_they_train_under_every_objective(device, rng, objective, norm):
    config = Config(objective=objective, steps=2, batch_size=6, latent_dim=5, n_critic=2)
    if norm == "batch" and config.penalised:
        norm = "layer"
    generator = DCGANGenerator(latent_dim=5, size=16, width=4, norm=norm)
    critic = DCGANCritic(size=16, width=4, norm=norm)
    before = [parameter.detach().clone() for parameter in generator.parameters()]
    data = torch.rand(12, 3, 16, 16, generator=rng) * 2 - 1
    history = train(config, data, generator=generator, critic=critic, samples=3, device=device)
    assert history.samples.shape == (3, 1, 3, 3, 16, 16)
    assert history.diverged.item() == -1
    assert all(values.isfinite().all() for values in history.losses.values())
    assert any(not torch.equal(p.cpu(), q) for p, q in zip(generator.parameters(), before, strict=True))


@pytest.mark.parametrize("objective", ["non-saturating", "wgan-gp"])
def test_a_member_trains_in_company_as_it_does_alone(device, rng, objective):
    data = torch.rand(12, 1, 8, 8, generator=rng) * 2 - 1
    norm = "batch" if objective == "non-saturating" else "layer"

    def trained(members, seed):
        settings = dict(size=8, channels=1, width=8, members=members, seed=seed)
        config = Config(
            objective=objective, members=members, seed=seed, steps=3, batch_size=4, latent_dim=5, n_critic=2
        )
        networks = DCGANGenerator(latent_dim=5, **settings), DCGANCritic(norm=norm, **settings)
        return train(config, data, generator=networks[0], critic=networks[1], samples=3, device=device)

    company, alone = trained(2, seed=3), trained(1, seed=4)
    torch.testing.assert_close(company.samples[-1, 1:], alone.samples[-1], rtol=0, atol=1e-5)  # float32


# ---- What is refused ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size": 48}, "size must be a power of 2, and at least 8, not 48"),
        ({"size": 4}, "size must be a power of 2, and at least 8, not 4"),
        ({"size": 32.0}, "size must be a whole number of at least 1, not 32.0"),
        ({"channels": 0}, "channels must be a whole number of at least 1, not 0"),
        ({"width": 0}, "width must be a whole number of at least 1, not 0"),
        ({"norm": "bacth"}, "norm must be one of 'batch', 'layer', 'none', not 'bacth': did you mean 'batch'"),
        ({"members": 0}, "members must be a whole number of at least 1, not 0"),
        ({"seed": -1}, "seed must be a whole number of at least 0, not -1"),
        ({"deviation": 0.0}, "deviation must be a positive finite number, not 0.0"),
    ],
)
@pytest.mark.parametrize("kind", [DCGANGenerator, DCGANCritic])
def test_settings_that_there_are_not_are_refused(kind, settings, message):
    with pytest.raises(ValueError, match=message):
        kind(**settings)


@pytest.mark.parametrize("shape", [(3, 8, 8), (2, 5, 1, 8, 8), (5, 3, 8, 9), (3, 5, 3, 8, 8), (1, 2, 5, 3, 8, 8)])
def test_pictures_of_a_wrong_shape_are_refused(shape):
    critic = DCGANCritic(size=8, width=4, members=2)
    with pytest.raises(ValueError, match=r"x must have shape \(batch, 3, 8, 8\) or \(2, batch, 3, 8, 8\)"):
        critic(torch.zeros(shape))


@pytest.mark.parametrize("shape", [(7,), (5, 8), (3, 5, 7), (5, 7, 1, 1)])
def test_noise_of_a_wrong_shape_is_refused(shape):
    with pytest.raises(ValueError, match=r"x must have shape \(batch, 7\) or \(2, batch, 7\)"):
        DCGANGenerator(latent_dim=7, size=8, width=4, members=2)(torch.zeros(shape))
