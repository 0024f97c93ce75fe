"""Lipschitz constraints: penalties agree with a loop over samples, and no member feels another's."""

import pytest
import torch
from torch import nn

from gantut.lipschitz import Clip, GradientPenalty, between, clip_, constraint, gradient_penalty, input_gradient
from gantut.networks import ACTIVATIONS, MLP

MODULES = {"relu": nn.ReLU(), "leaky-relu": nn.LeakyReLU(0.2), "tanh": nn.Tanh(), "silu": nn.SiLU()}


def plain(population, member, activation):
    """One member as a plain network of torch.nn, with copies of its weights."""
    layers = []
    for weight, bias in zip(population.weights, population.biases, strict=True):
        linear = nn.Linear(*weight.shape[1:], dtype=weight.dtype, device=weight.device)
        linear.weight.data, linear.bias.data = weight[member].T.detach().clone(), bias[member, 0].detach().clone()
        layers += [linear, MODULES[activation]]
    return nn.Sequential(*layers[:-1])


def penalty_of_paper(critic, points, weight, one_sided):
    """Gulrajani et al. (2017), Algorithm 1, a sample at a time."""
    terms = []
    for x in points:
        x = x.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
        excess = gradient.square().sum().sqrt() - 1
        terms.append(weight * (excess.relu() if one_sided else excess) ** 2)
    return torch.stack(terms).mean()


class Images(nn.Module):
    """A population of critics of images that do not write their gradient out."""

    def __init__(self, members, side, *, device="cpu", extra=None):
        super().__init__()
        alone = [nn.Sequential(nn.Conv2d(1, 3, 3), nn.Tanh(), nn.Flatten()) for _ in range(members)]
        self.alone = nn.ModuleList(alone).double().to(device)
        self.weight = nn.Parameter(torch.randn(members, 3 * (side - 2) ** 2, 1, dtype=torch.float64, device=device))
        self.extra = extra

    def forward(self, x):
        h = torch.stack([critic(images) for critic, images in zip(self.alone, x, strict=True)])
        return h @ self.weight


@pytest.mark.parametrize("one_sided", [False, True])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_penalty_and_its_gradient_are_those_of_a_loop_over_samples(device, rng, activation, one_sided):
    options = dict(activation=activation, dtype=torch.float64, device=device)
    critics = MLP([3, 12, 9, 1], members=2, gain=2.5, **options)
    x = torch.randn(2, 6, 3, dtype=torch.float64, generator=rng).to(device)
    penalty = gradient_penalty(critics, x, weight=3.0, one_sided=one_sided)
    norms = input_gradient(critics, x).detach().norm(dim=-1)
    assert (norms > 1).any(), "the two kinds must differ here"
    assert (norms < 1).any()
    slopes = torch.autograd.grad(penalty.sum(), list(critics.weights))
    for member in range(2):
        alone = plain(critics, member, activation)
        expected = penalty_of_paper(alone, x[member], 3.0, one_sided)
        torch.testing.assert_close(penalty[member], expected, rtol=1e-12, atol=1e-14)
        theirs = torch.autograd.grad(expected, [layer.weight for layer in alone[::2]])
        for slope, one in zip(slopes, theirs, strict=True):
            torch.testing.assert_close(slope[member], one.T, rtol=1e-10, atol=1e-13)


def test_the_penalty_of_images_runs_over_all_of_their_pixels(device, rng):
    critics = Images(2, 5, device=device)
    x = torch.randn(2, 4, 1, 5, 5, dtype=torch.float64, generator=rng).to(device)
    gradient = input_gradient(critics, x)
    assert gradient.shape == x.shape
    penalty = gradient_penalty(critics, x, weight=7.0)
    for member in range(2):

        def critic(image, member=member):
            return critics.alone[member](image[None]) @ critics.weight[member]

        expected = penalty_of_paper(critic, x[member], 7.0, False)
        torch.testing.assert_close(penalty[member], expected, rtol=1e-12, atol=1e-14)


def test_a_member_feels_its_own_penalty_only(device, rng):
    x = torch.randn(3, 4, 2, generator=rng).to(device)
    critics = MLP([2, 8, 1], members=3, activation="silu", device=device)
    before = gradient_penalty(critics, x).detach()
    gradient_penalty(critics, x)[1].backward()
    for parameter in critics.weights:
        assert parameter.grad[0].abs().sum() == parameter.grad[2].abs().sum() == 0
        assert parameter.grad[1].abs().sum() > 0
    with torch.no_grad():
        for parameter in critics.parameters():
            parameter[0] += 1
            parameter[2] = torch.nan
    x[2] = torch.inf
    after = gradient_penalty(critics, x).detach()
    assert torch.equal(after[1], before[1])
    assert after[0] != before[0]


@pytest.mark.parametrize("one_sided", [False, True])
@pytest.mark.parametrize("images", [False, True])
def test_where_the_gradient_is_zero_the_penalty_is_its_weight_and_nothing_is_nan(device, one_sided, images):
    critic = Images(1, 5, device=device) if images else MLP([2, 6, 1], dtype=torch.float64, device=device)
    with torch.no_grad():
        for parameter in critic.parameters():
            parameter.zero_()
    x = torch.ones(1, 3, *((1, 5, 5) if images else (2,)), dtype=torch.float64, device=device)
    penalty = gradient_penalty(critic, x, weight=10.0, one_sided=one_sided)
    assert penalty.item() == (0 if one_sided else 10)  # (0 - 1)^2, times 10
    for slope in torch.autograd.grad(penalty.sum(), list(critic.parameters()), allow_unused=True):
        assert slope is None or not slope.any()  # neither nan nor anything else


def test_points_lie_between_generated_and_real_samples(device, rng):
    real, fake = (torch.randn(2, 3, 1, 4, 4, dtype=torch.float64, generator=rng).to(device) for _ in range(2))
    mix = torch.rand(2, 3, dtype=torch.float64, generator=rng).to(device)
    points = between(real, fake, mix)
    for member in range(2):
        for sample in range(3):
            t = mix[member, sample]
            expected = t * real[member, sample] + (1 - t) * fake[member, sample]
            torch.testing.assert_close(points[member, sample], expected, rtol=0, atol=1e-14)
    assert torch.equal(between(real, fake, torch.ones_like(mix)), real)
    assert torch.equal(between(real, fake, torch.zeros_like(mix)), fake)


@pytest.mark.parametrize(
    ("norm", "name"), [(nn.BatchNorm1d(4), "BatchNorm1d"), (nn.Sequential(nn.SyncBatchNorm(4)), "SyncBatchNorm")]
)
def test_batch_normalisation_is_refused_with_the_reason(norm, name):
    message = rf"critic must judge each sample by itself .* extra.* is {name}, .* the whole batch: use layer norm"
    with pytest.raises(ValueError, match=message):
        gradient_penalty(Images(1, 5, extra=norm), torch.zeros(1, 2, 1, 5, 5))
    with pytest.raises(ValueError, match="but it is BatchNorm1d"):
        gradient_penalty(nn.BatchNorm1d(3), torch.zeros(2, 3))


@pytest.mark.parametrize("norm", [nn.LayerNorm(4), nn.InstanceNorm2d(4), nn.GroupNorm(2, 4)])
def test_other_normalisations_are_not(norm):
    penalty = gradient_penalty(Images(1, 5, extra=norm), torch.zeros(1, 2, 1, 5, 5, dtype=torch.float64))
    assert penalty.isfinite()


def test_clipping_moves_parameters_beyond_the_bound_to_it_and_no_others(device):
    parameters = [torch.tensor([-3.0, -0.5, 0.0, 0.49, 0.5, 7.0], device=device), torch.ones(2, 2, device=device)]
    memory = [p.data_ptr() for p in parameters]
    clip_((nn.Parameter(p) for p in parameters), 0.5)
    assert parameters[0].tolist() == [-0.5, -0.5, 0.0, pytest.approx(0.49), 0.5, 0.5]
    assert parameters[1].tolist() == [[0.5, 0.5], [0.5, 0.5]]
    assert [p.data_ptr() for p in parameters] == memory


def test_plain_data_stands_for_a_constraint():
    assert constraint({"name": "clip", "bound": 0.1}) == Clip(0.1)
    lp = constraint({"name": "gradient-penalty", "weight": 2.0, "one_sided": True})
    assert lp == GradientPenalty(2.0, True)
    assert constraint(lp) is lp
    assert constraint(None) is None


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("clip", "constraint must be None, a Clip, a GradientPenalty, or a dict with a name, not 'clip'"),
        ({"bound": 1}, "a dict with a name"),
        ({"name": "clipp"}, "not 'clipp': did you mean 'clip'"),
        ({"name": "clip", "weight": 1}, "constraint 'clip' has no such setting: .*'weight'"),
        ({"name": "clip", "bound": 0}, "bound must be a positive finite number, not 0"),
        ({"name": "clip", "bound": float("nan")}, "bound must be a positive finite number, not nan"),
        ({"name": "gradient-penalty", "weight": -1}, "weight must be a positive finite number, not -1"),
        ({"name": "gradient-penalty", "one_sided": 2}, "one_sided must be one of True, False, not 2"),
    ],
)
def test_constraints_that_there_are_not_are_refused(value, message):
    with pytest.raises(ValueError, match=message):
        constraint(value)


def test_a_bound_must_be_positive():
    for bound in (0, -1, float("inf"), "a", True):
        with pytest.raises(ValueError, match="bound must be a positive finite number"):
            clip_([torch.ones(2)], bound)
