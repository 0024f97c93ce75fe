"""Residual networks of pictures: what PyTorch's own layers compute, for every member of a population."""

import numpy as np
import pytest
import torch
from torch import nn

from gantut import lipschitz
from gantut.networks import ResidualCritic, ResidualGenerator, minibatch_deviation

DOUBLE = dict(dtype=torch.float64)


def shaken(network, rng):
    """Move every parameter away from its start, so that biases matter."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=rng, **DOUBLE).to(parameter) * 0.1)
    return network


class Layers:
    """The layers of one member as modules of PyTorch, in the order in which the paper's figure has them."""

    def __init__(self, network, member):
        self.pairs = iter(zip(network.weights, network.biases, strict=True))
        self.member = member

    def convolution(self):
        weight, bias = (parameter[self.member].detach() for parameter in next(self.pairs))
        out, kernel, _, fan_in = weight.shape
        layer = nn.Conv2d(fan_in, out, kernel, padding=(kernel - 1) // 2)
        layer.weight, layer.bias = nn.Parameter(weight.permute(0, 3, 1, 2)), nn.Parameter(bias)
        return layer

    def linear(self):
        weight, bias = (parameter[self.member].detach() for parameter in next(self.pairs))
        layer = nn.Linear(weight[0].numel(), len(weight))
        layer.weight, layer.bias = nn.Parameter(weight.flatten(1)), nn.Parameter(bias)
        return layer


class Block(nn.Module):
    def __init__(self, layers, change, *, first):
        super().__init__()
        leaky = nn.LeakyReLU(0.2)
        one, two, self.shortcut = layers.convolution(), layers.convolution(), layers.convolution()
        inner = [leaky, change, one, leaky, two] if first else [leaky, one, leaky, two, change]
        self.inner, self.change = nn.Sequential(*inner), change

    def forward(self, h):
        return self.change(self.shortcut(h)) + self.inner(h)  # a shortcut of 1 x 1 may be taken before or after


def generator_of_torch(network, member, blocks):
    layers, up = Layers(network, member), nn.UpsamplingNearest2d(scale_factor=2)
    first = layers.linear()
    body = [Block(layers, up, first=True) for _ in range(blocks)]
    last = [nn.LeakyReLU(0.2), layers.convolution(), nn.Tanh()]

    def picture(z):
        z = z * len(z[0]) ** 0.5 / z.norm(dim=1, keepdim=True)
        h = first(z).reshape(len(z), 4, 4, -1).permute(0, 3, 1, 2)
        return nn.Sequential(*body, *last)(h)

    return picture


def deviation_by_loops(h, group):
    """Karras et al. (2018), section 3, for samples that are (n, d) numbers; groups as in their code: every n/g-th."""
    size = max(g for g in range(1, min(group, len(h)) + 1) if len(h) % g == 0)
    found, groups = np.zeros(len(h)), len(h) // size
    for first in range(groups):
        rows = list(range(first, len(h), groups))
        spreads = [np.sqrt(np.mean((h[rows, k] - h[rows, k].mean()) ** 2) + 1e-8) for k in range(h.shape[1])]
        found[rows] = np.mean(spreads)
    return found


def critic_of_torch(network, member, blocks, group):
    layers, down, leaky = Layers(network, member), nn.AvgPool2d(2), nn.LeakyReLU(0.2)
    body = nn.Sequential(layers.convolution(), *(Block(layers, down, first=False) for _ in range(blocks)))
    convolution, hidden, last = layers.convolution(), layers.linear(), layers.linear()

    def score(x):
        h = body(x)
        if group > 1:
            spread = deviation_by_loops(h.detach().flatten(1).numpy(), group)
            h = torch.cat([h, torch.tensor(spread)[:, None, None, None].expand(-1, 1, 4, 4)], 1)
        h = leaky(convolution(leaky(h))).permute(0, 2, 3, 1).flatten(1)
        return last(leaky(hidden(h)))

    return score


@pytest.mark.parametrize(("size", "blocks", "channels"), [(8, 1, 1), (32, 3, 3), (64, 4, 4)])
def test_a_generator_is_the_one_that_torch_builds(rng, size, blocks, channels):
    sizes = dict(latent_dim=5, size=size, channels=channels, width=3)
    network = shaken(ResidualGenerator(**sizes, members=2, **DOUBLE), rng)
    noise = torch.randn(2, 3, 5, generator=rng, **DOUBLE)
    pictures = network(noise)
    assert pictures.shape == (2, 3, channels, size, size)
    for member in range(2):
        expected = generator_of_torch(network, member, blocks)(noise[member])
        torch.testing.assert_close(pictures[member], expected, rtol=0, atol=1e-13)
    torch.testing.assert_close(network(3 * noise), pictures, rtol=0, atol=1e-13)  # length does not matter


@pytest.mark.parametrize(("size", "blocks", "group"), [(8, 1, 4), (32, 3, 4), (32, 3, 1)])
def test_a_critic_is_the_one_that_torch_builds(rng, size, blocks, group):
    network = shaken(ResidualCritic(size=size, width=3, group=group, members=2, **DOUBLE), rng)
    x = torch.randn(2, 8, 3, size, size, generator=rng, **DOUBLE)
    scores, features = network.features(x)
    assert torch.equal(network(x), scores)
    for member in range(2):
        expected = critic_of_torch(network, member, blocks, group)(x[member])
        torch.testing.assert_close(scores[member], expected, rtol=0, atol=1e-12)
        last = features[member] @ network.weights[-1][member].flatten(1).T + network.biases[-1][member]
        torch.testing.assert_close(scores[member], last, rtol=0, atol=1e-12)
    _, (first, *_) = network.features(x, (0, -1))
    assert first.shape == (2, 8, network.weights[3].shape[1] * (size // 2) ** 2)


@pytest.mark.parametrize(("batch", "group"), [(8, 4), (6, 4), (7, 4), (2, 4), (1, 4), (8, 8)])
def test_the_deviation_of_a_minibatch_is_that_of_loops_over_its_groups(device, rng, batch, group):
    h = torch.randn(3, batch, 5, generator=rng, **DOUBLE)
    found = minibatch_deviation(h.to(device), group=group).cpu()
    for member in range(3):
        np.testing.assert_allclose(found[member], deviation_by_loops(h[member].numpy(), group), rtol=1e-12)


def test_a_batch_of_none_has_no_deviation():
    with pytest.raises(ValueError, match=r"features must be points .* \(0, 3\)"):
        minibatch_deviation(torch.zeros(0, 3))


def test_first_weights_keep_the_size_of_a_signal_however_many_blocks_there_are(rng):
    # Zero padding loses a part of the squares, nearly half at 4 x 4 pixels and less above, and means over 2 x 2 lose
    # what is not smooth. The default weights of torch.nn would lose two thirds in every layer: 1e-4 is left of eight.
    network = ResidualCritic(size=64, width=16, group=1, members=4)
    x = torch.randn(16, 3, 64, 64, generator=rng)
    _, hidden = network.features(x, (0, 1, 2, 3, 4))
    squares = torch.stack([h.square().mean() for h in hidden[:4]])
    assert ((squares > 0.1) & (squares < 1.5)).all()
    assert hidden[4].square().mean() > 0.02
    pictures = ResidualGenerator(size=64, width=16, members=4)(torch.randn(16, 64, generator=rng))
    assert 0.2 < pictures.atanh().square().mean() < 1.5


def test_a_member_is_bit_for_bit_what_it_would_be_alone(rng):
    x = torch.randn(3, 4, 3, 8, 8, generator=rng)
    both, alone = ResidualCritic(size=8, width=8, members=3), ResidualCritic(size=8, width=8, seed=2)
    assert torch.equal(both(x)[2:], alone(x[2:]))
    noise = torch.randn(3, 4, 6, generator=rng)
    sizes = dict(latent_dim=6, size=8, width=8)
    assert torch.equal(ResidualGenerator(**sizes, members=3)(noise)[2:], ResidualGenerator(**sizes, seed=2)(noise[2:]))


def test_a_penalty_between_the_samples_refuses_a_critic_that_sees_its_batch_and_r1_does_not(rng):
    real, fake = torch.randn(2, 1, 8, 3, 8, 8, generator=rng)
    seeing, alone = ResidualCritic(size=8, width=4), ResidualCritic(size=8, width=4, group=1)
    assert (seeing.samples_are_separate, alone.samples_are_separate) == (False, True)
    with pytest.raises(ValueError, match="critic must score each sample by itself"):
        lipschitz.GradientPenalty().require(seeing, real)
    lipschitz.GradientPenalty().require(alone, real)
    for critic in (seeing, alone):
        lipschitz.ZeroCentredPenalty().require(critic, real)
        assert lipschitz.ZeroCentredPenalty(at="both").loss_term(critic, real, fake).item() > 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (dict(size=24), "size must be a power of 2, and at least 8, not 24"),
        (dict(size=4), "size must be a power of 2"),
        (dict(width=0), "width"),
        (dict(members=0), "members"),
    ],
)
def test_sizes_that_there_are_not_are_refused(settings, message):
    for network in (ResidualGenerator, ResidualCritic):
        with pytest.raises(ValueError, match=message):
            network(**settings)
    with pytest.raises(ValueError, match="group"):
        ResidualCritic(group=0)
    with pytest.raises(ValueError, match="group"):
        minibatch_deviation(torch.zeros(4, 2), group=0)
    with pytest.raises(ValueError, match="x must have shape"):
        ResidualGenerator(size=8, width=2)(torch.zeros(3, 5))
