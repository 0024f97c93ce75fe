"""Populations of networks: every member is the network that it would be alone."""

import pytest
import torch

from gantut.networks import ACTIVATIONS, MLP


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_each_member_computes_what_a_torch_network_with_its_weights_computes(device, activation):
    population = MLP([3, 7, 5, 2], members=4, activation=activation, dtype=torch.float64, device=device)
    module = {
        "relu": torch.nn.ReLU(),
        "leaky-relu": torch.nn.LeakyReLU(0.2),
        "tanh": torch.nn.Tanh(),
        "silu": torch.nn.SiLU(),
    }
    x = torch.randn(4, 11, 3, dtype=torch.float64).to(device)
    for member in range(4):
        layers = []
        for weight, bias in zip(population.weights, population.biases, strict=True):
            linear = torch.nn.Linear(*weight.shape[1:], dtype=torch.float64, device=device)
            linear.weight.data, linear.bias.data = weight[member].T.detach(), bias[member, 0].detach()
            layers += [linear, module[activation]]
        alone = torch.nn.Sequential(*layers[:-1])
        torch.testing.assert_close(population(x)[member], alone(x[member]), rtol=0, atol=1e-12)  # rounding


def test_a_member_starts_the_same_alone_and_in_company(device):
    company, alone = MLP([2, 8, 1], members=5, seed=3, device=device), MLP([2, 8, 1], members=1, seed=6, device=device)
    for many, one in zip(company.parameters(), alone.parameters(), strict=True):
        assert torch.equal(many[3:4], one)


def test_a_loss_of_one_member_leaves_the_others_alone(device):
    population = MLP([2, 8, 1], members=3, device=device)
    population(torch.ones(4, 2, device=device))[1].sum().backward()
    for parameter in population.parameters():
        assert parameter.grad[0].abs().sum() == parameter.grad[2].abs().sum() == 0
    assert population.weights[0].grad[1].abs().sum() > 0


def test_weights_start_uniform_within_one_over_the_root_of_the_fan_in(device):
    weight = MLP([16, 4000], members=2, device=device).weights[0]
    assert weight.abs().max() <= 0.25
    # a uniform law on [-1/4, 1/4] has standard deviation 1/(4 sqrt 3); 128,000 draws know it to 0.3 %
    assert weight.std().item() == pytest.approx(0.25 / 3**0.5, rel=0.01)


def test_one_batch_for_all_is_the_same_as_a_copy_for_each(device):
    population, x = MLP([3, 4, 1], members=6, device=device), torch.randn(9, 3).to(device)
    assert torch.equal(population(x), population(x.expand(6, 9, 3)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"widths": [3]}, "widths must give"),
        ({"widths": [3, 0]}, "widths must be a whole number of at least 1, not 0"),
        ({"widths": [3, 1], "members": 0}, "members must be a whole number of at least 1, not 0"),
        ({"widths": [3, 1], "activation": "rulu"}, "activation must be one of 'relu'"),
        ({"widths": [3, 1], "seed": -1}, "seed must be a whole number of at least 0, not -1"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        MLP(**arguments)


@pytest.mark.parametrize("shape", [(3,), (5, 4), (2, 5, 3), (1, 4, 5, 3)])
def test_inputs_of_a_wrong_shape_are_refused(shape):
    with pytest.raises(ValueError, match=r"x must have shape \(batch, 3\) or \(4, batch, 3\), not"):
        MLP([3, 1], members=4)(torch.zeros(shape))
