"""Populations of networks: every member is the network that it would be alone."""

import itertools

import pytest
import torch

from gantut.networks import ACTIVATIONS, MLP
from gantut.networks._population import NarrowProduct


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
    # a uniform distribution on [-1/4, 1/4] has standard deviation 1/(4 sqrt 3); 128,000 draws know it to 0.3 %
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


# ---- Gradients ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("input_scale", [1.0, 0.3])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("widths", [[3, 1], [3, 20, 1], [20, 7, 20, 1]])
def test_the_gradient_that_is_written_out_is_that_of_autograd(device, rng, widths, activation, input_scale):
    options = dict(activation=activation, input_scale=input_scale, dtype=torch.float64, device=device)
    population = MLP(widths, members=3, **options)
    x = torch.randn(3, 5, widths[0], dtype=torch.float64, generator=rng).to(device).requires_grad_()
    (expected,) = torch.autograd.grad(population(x).sum(), x)
    torch.testing.assert_close(population.input_gradient(x.detach()), expected, rtol=0, atol=1e-14)  # rounding
    one_for_all = x[0].detach()
    torch.testing.assert_close(population.input_gradient(one_for_all)[0], expected[0], rtol=0, atol=1e-14)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_function_of_that_gradient_has_the_derivatives_in_the_parameters_that_autograd_finds(device, rng, activation):
    population = MLP([3, 9, 20, 1], members=2, activation=activation, dtype=torch.float64, device=device)
    x = torch.randn(2, 5, 3, dtype=torch.float64, generator=rng).to(device).requires_grad_()
    (through_autograd,) = torch.autograd.grad(population(x).sum(), x, create_graph=True)
    parameters = list(population.parameters())
    slopes = [
        torch.autograd.grad(g.square().sum(), parameters, materialize_grads=True)
        for g in (population.input_gradient(x.detach()), through_autograd)
    ]
    for ours, expected in zip(*slopes, strict=True):
        torch.testing.assert_close(ours, expected, rtol=1e-12, atol=1e-14)
    assert all(slope.any() for slope in slopes[0][:3]), "the weights have something to feel"


@pytest.mark.parametrize("outputs", [1, 3])
def test_narrow_products_have_right_first_and_second_derivatives(device, rng, outputs):
    x = torch.randn(2, 4, 5, dtype=torch.float64, generator=rng).to(device).requires_grad_()
    weight = torch.randn(2, 5, outputs, dtype=torch.float64, generator=rng).to(device).requires_grad_()
    torch.testing.assert_close(NarrowProduct.apply(x, weight), x @ weight, rtol=0, atol=1e-14)
    assert torch.autograd.gradcheck(NarrowProduct.apply, (x, weight))
    assert torch.autograd.gradgradcheck(NarrowProduct.apply, (x, weight))


def test_a_gradient_is_only_there_for_a_single_linear_output():
    for options in (dict(widths=[3, 2]), dict(widths=[3, 1], output="tanh")):
        with pytest.raises(ValueError, match="widths must end in 1, and the output must be linear"):
            MLP(**options).input_gradient(torch.zeros(4, 3))


def test_jacobians_and_maps_of_torch_func_go_through(device, rng):
    population = MLP([3, 12, 2], members=2, activation="relu", dtype=torch.float64, device=device)
    x = torch.randn(2, 4, 3, dtype=torch.float64, generator=rng).to(device)
    parameters = {name: p.detach() for name, p in population.named_parameters()}
    doubled = {name: 2 * p for name, p in parameters.items()}

    def apply(parameters, x):
        return torch.func.functional_call(population, parameters, (x,))

    twin = MLP([3, 12, 2], members=2, activation="relu", dtype=torch.float64, device=device)
    twin.load_state_dict(doubled)
    assert torch.equal(apply(doubled, x), twin(x))
    jacobian = torch.func.jacrev(apply)(parameters, x)["weights.1"]  # (2, 4, 2, 2, 12, 2)
    for output in itertools.product(range(2), range(4), range(2)):
        slope = torch.autograd.grad(population(x)[output], population.weights[1])[0]
        torch.testing.assert_close(jacobian[output], slope, rtol=0, atol=1e-14)
    batches = torch.stack([x, x + 1, -x])
    mapped = torch.func.vmap(apply, in_dims=(None, 0))(parameters, batches)
    torch.testing.assert_close(mapped, torch.stack([population(batch) for batch in batches]), rtol=0, atol=1e-14)


# ---- Layers, parts, beginnings ---------------------------------------------------------------------------------


def test_features_are_the_last_hidden_layer(device, rng):
    population = MLP([3, 6, 5, 1], members=2, activation="tanh", output="tanh", dtype=torch.float64, device=device)
    x = torch.randn(2, 4, 3, dtype=torch.float64, generator=rng).to(device)
    output, features = population.features(x)
    h = x
    for weight, bias in list(zip(population.weights, population.biases, strict=True))[:2]:
        h = torch.tanh(h @ weight + bias)
    torch.testing.assert_close(features, h, rtol=0, atol=1e-14)
    assert torch.equal(output, population(x))
    torch.testing.assert_close(output, torch.tanh(h @ population.weights[2] + population.biases[2]), rtol=0, atol=1e-14)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_an_output_of_tanh_is_the_tanh_of_the_linear_one(device, rng, activation):
    options = dict(activation=activation, device=device, dtype=torch.float64, gain=3.0)
    x = torch.randn(2, 4, 3, dtype=torch.float64, generator=rng).to(device)
    bounded, linear = (MLP([3, 6, 2], members=2, output=output, **options)(x) for output in ("tanh", "linear"))
    assert torch.equal(bounded, torch.tanh(linear))
    assert linear.abs().max() > 1


def test_the_input_scale_multiplies_the_input(device, rng):
    x = torch.randn(2, 4, 3, generator=rng).to(device)
    scaled, plain = (MLP([3, 6, 2], members=2, device=device, input_scale=s) for s in (0.25, 1.0))
    assert torch.equal(scaled(x), plain(x / 4))


def test_members_between_are_those_members_on_the_same_memory(device, rng):
    settings = dict(activation="silu", output="tanh", input_scale=0.5, device=device)
    whole, x = MLP([3, 40, 1], members=5, **settings), torch.randn(5, 32, 3, generator=rng).to(device)
    part = whole.members_between(1, 3)
    assert part.members == 2
    torch.testing.assert_close(part(x[1:3]), whole(x)[1:3], rtol=0, atol=1e-6)  # float32
    before = whole(x).detach()
    with torch.no_grad():
        for parameter in part.parameters():
            parameter.mul_(2)
    after = whole(x).detach()
    assert [torch.equal(after[i], before[i]) for i in range(5)] == [True, False, False, True, True]
    for ours, all_ in zip(part.parameters(), whole.parameters(), strict=True):
        assert ours.data_ptr() == all_[1].data_ptr()


@pytest.mark.parametrize(("first", "last"), [(0, 0), (2, 1), (-1, 2), (0, 6), (5, 6)])
def test_members_that_there_are_not_are_refused(first, last):
    with pytest.raises(ValueError, match=f"0 <= first < last <= 5, not {first} and {last}"):
        MLP([3, 1], members=5).members_between(first, last)


@pytest.mark.parametrize("widths", [[7, 4], [4, 7], [5, 5]])
def test_orthogonal_weights_are_orthogonal_times_the_gain_and_biases_zero(device, widths):
    options = dict(initialisation="orthogonal", gain=1.5, dtype=torch.float64, device=device)
    population = MLP(widths, members=3, **options)
    weight = population.weights[0].detach()
    short = weight if widths[0] <= widths[1] else weight.transpose(1, 2)
    identity = torch.eye(min(widths), dtype=torch.float64, device=device)
    torch.testing.assert_close(short @ short.transpose(1, 2), 1.5**2 * identity.expand(3, -1, -1), rtol=0, atol=1e-13)
    assert not population.biases[0].any()
    assert not torch.equal(weight[0], weight[1])


def test_orthogonal_weights_have_no_preferred_direction():
    entries = MLP([3, 3], members=2000, initialisation="orthogonal").weights[0].detach()
    # Under the uniform distribution on the orthogonal matrices each entry has mean 0 and mean square 1/3; its standard
    # deviation is 0.58, so that a mean over 2000 members is known to 0.013.
    assert entries.mean(0).abs().max() < 0.055
    assert (entries.square().mean(0) - 1 / 3).abs().max() < 0.03  # the square's is 0.30
    determinants = torch.linalg.det(entries)
    assert abs((determinants > 0).double().mean().item() - 0.5) < 0.05  # turns as often as mirror images


def test_the_gain_scales_uniform_weights_and_biases():
    one, three = (MLP([16, 30], gain=gain) for gain in (1.0, 3.0))
    for a, b in zip(one.parameters(), three.parameters(), strict=True):
        torch.testing.assert_close(b, 3 * a, rtol=1e-6, atol=0)
    assert one.biases[0].any()


def test_as_long_as_no_one_trains_a_seed_means_the_same_network_in_every_precision_and_place(device):
    here, there = MLP([3, 5, 1], seed=7, device=device), MLP([3, 5, 1], seed=7)
    for a, b in zip(here.parameters(), there.parameters(), strict=True):
        assert torch.equal(a.cpu(), b)
        assert a.device.type == device.type


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"output": "tahn"}, "output must be one of 'linear', 'tanh', not 'tahn': did you mean 'tanh'"),
        ({"initialisation": "orthogonl"}, "not 'orthogonl': did you mean 'orthogonal'"),
        ({"gain": 0}, "gain must be a positive finite number, not 0"),
        ({"input_scale": float("inf")}, "input_scale must be a positive finite number, not inf"),
        ({"seed": 1.5}, "seed must be a whole number of at least 0, not 1.5"),
        ({"members": 2.0}, "members must be a whole number of at least 1, not 2.0"),
    ],
)
def test_settings_that_there_are_not_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        MLP([3, 1], **arguments)
