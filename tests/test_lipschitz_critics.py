"""Points around the data, spectral norms, sorting critics; and how steep a critic is, from below and from above."""

import copy
import itertools
import math

import numpy as np
import pytest
import scipy.optimize
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from torch import nn

from gantut import data, lipschitz
from gantut.lessons.better_critics import SortingCritic
from gantut.lipschitz import (
    GradientPenalty,
    SpectralNorm,
    constraint,
    lipschitz_bound,
    max_gradient_norm,
    perturb,
    project_spectral_norm_,
    spectral_norm,
)
from gantut.networks import ACTIVATIONS, MLP
from gantut.training import Config, train
from gantut.training import _groups as players_module
from gantut.training._checkpoint import Saver

DOUBLE = dict(dtype=torch.float64)
LOOKS = dict(samples=16, record_every=2, evaluate_every=4, progress=False)
SMALL = dict(objective="wgan", batch_size=32, n_critic=2, generator={"hidden": [16]}, critic={"hidden": [16, 16]})


def play(folder=None, critic=None, **options):
    kept = {} if folder is None else {"checkpoints": folder, "checkpoint_every": 4, "resume": True}
    config = Config(**SMALL | {"members": 5, "steps": 12, "seed": 3} | options)
    return train(config, data.ring(), critic=critic, device="cpu", **LOOKS | kept)


def rows_of(history, first, last):
    """All numbers that belong to members first, ..., last - 1."""
    tensors = [p[first:last] for net in (history.generator, history.critic) for p in net.parameters()]
    tensors += [values[:, first:last] for _, values in sorted(history.losses.items())]
    return [*tensors, history.samples[:, first:last]]


def assert_same(ours, theirs):
    for a, b in zip(ours, theirs, strict=True):
        assert torch.equal(a, b)


# ---- Gradient penalties around the data -------------------------------------------------------------------------


@pytest.mark.parametrize("event", [(2,), (1, 4, 4)])
def test_points_around_the_data_are_those_of_the_paper_a_member_at_a_time(device, rng, event):
    real, noise = (torch.randn(3, 5, *event, generator=rng, **DOUBLE).to(device) for _ in range(2))
    real[1] = 40 + 7 * real[1]
    found = perturb(real, noise, 0.7, members=True).cpu()
    for member in range(3):
        values = real[member].cpu().numpy()
        expected = values + 0.7 * values.std() * noise[member].cpu().numpy()
        np.testing.assert_allclose(found[member].numpy(), expected, rtol=1e-13)
        np.testing.assert_allclose(perturb(real[member], noise[member], 0.7).cpu().numpy(), expected, rtol=1e-13)


def test_a_penalty_makes_its_points_on_lines_or_around_the_data(device, rng):
    real, fake, noise = (torch.randn(2, 6, 3, generator=rng, **DOUBLE).to(device) for _ in range(3))
    mix = torch.rand(2, 6, generator=rng, **DOUBLE).to(device)
    lines, dragan = GradientPenalty(), GradientPenalty(where="data", noise="gaussian", spread=0.2)
    assert (lines.draws((3,)), dragan.draws((3,))) == (("unit", ()), ("gaussian", (3,)))
    assert GradientPenalty(where="data").draws((1, 4, 4)) == ("uniform", (1, 4, 4))
    critics = MLP([3, 4, 1], members=2, device=device, **DOUBLE)
    alone = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)).to(real)
    for critic, r, f, t, e in ((critics, real, fake, mix, noise), (alone, real[0], fake[0], mix[0], noise[0])):
        assert torch.equal(lines.points(critic, r, f, t), lipschitz.interpolate(r, f, t))
        assert torch.equal(dragan.points(critic, r, f, e), perturb(r, e, 0.2, members=r.ndim == 3))


def test_noise_of_another_shape_than_the_data_is_refused():
    with pytest.raises(ValueError, match=r"noise must have the shape of real, \(1, 4, 2\), not \(1, 4\)"):
        perturb(torch.zeros(1, 4, 2), torch.zeros(1, 4))
    with pytest.raises(ValueError, match=r"real and noise must have one dtype, .* torch\.float32 and torch\.float64"):
        perturb(torch.zeros(1, 4, 2), torch.zeros(1, 4, 2, **DOUBLE))
    with pytest.raises(ValueError, match=r"real must have shape \(members, batch, \*event\), .* not \(4, 2\)"):
        perturb(torch.zeros(4, 2), torch.zeros(4, 2), members=True)


@pytest.mark.parametrize("noise", ["uniform", "gaussian"])
def test_training_looks_around_the_real_samples_of_its_own_member(monkeypatch, noise):
    looked, real_ones = [], []
    points = GradientPenalty.points

    def note(self, critic, real, fake, generator):
        real_ones.append(real)
        looked.append(points(self, critic, real, fake, generator))
        return looked[-1]

    monkeypatch.setattr(GradientPenalty, "points", note)
    monkeypatch.setattr(players_module, "CACHE_NUMBERS", 2**30)  # all members in one group
    play(members=2, steps=40, constraint=GradientPenalty(where="data", noise=noise, spread=0.3))
    real, moved = torch.stack(real_ones), torch.stack(looked)  # (steps, members, batch, 2)
    assert len(real) == 80
    deviation = real.flatten(2).std(-1, correction=0)[..., None, None]
    drawn = (moved - real) / (0.3 * deviation)
    assert not torch.equal(drawn[:, 0], drawn[:, 1])
    assert abs(drawn.mean().item()) < 0.05  # 10,240 draws: the mean is known to 0.01
    if noise == "uniform":
        assert drawn.abs().max() <= 1 + 1e-4  # rounding of float32
        assert drawn.std().item() == pytest.approx(3**-0.5, rel=0.03)
    else:
        assert drawn.std().item() == pytest.approx(1, rel=0.03)
        assert drawn.abs().max() > 3


# ---- Spectral norms -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bound", [1.0, 0.3])
@pytest.mark.parametrize("shape", [(3, 5, 7), (3, 7, 5), (2, 6, 6), (4, 9, 1), (2, 1, 3)])
def test_matrices_are_divided_by_what_their_largest_singular_value_exceeds_the_bound(device, rng, shape, bound):
    scales = torch.tensor([0.01, 3.0, 0.2, 1.0], **DOUBLE)[: shape[0], None, None]
    before = torch.randn(shape, generator=rng, **DOUBLE) * scales
    weight = nn.Parameter(before.clone().to(device))
    memory = weight.data_ptr()
    project_spectral_norm_([weight], bound)
    assert weight.data_ptr() == memory
    for ours, matrix in zip(weight.detach().cpu().numpy(), before.numpy(), strict=True):
        largest = np.linalg.svd(matrix, compute_uv=False)[0]
        np.testing.assert_allclose(ours, matrix / max(1, largest / bound), rtol=1e-13)
    assert torch.equal(weight[0].cpu(), before[0]), "one of small norm stays as it is, to the bit"


@given(st.integers(1, 6), st.integers(1, 6), st.floats(1e-6, 1e6), st.floats(1e-3, 1e3), st.integers(0, 99))
def test_after_shrinking_no_norm_is_above_the_bound_and_directions_are_kept(rows, columns, scale, bound, seed):
    before = torch.randn(2, rows, columns, generator=torch.Generator().manual_seed(seed), **DOUBLE) * scale
    after = before.clone()
    project_spectral_norm_([after], bound)
    assert (spectral_norm(after) <= bound * (1 + 1e-12)).all()
    torch.testing.assert_close(nn.functional.normalize(after.flatten(1)), nn.functional.normalize(before.flatten(1)))


def test_a_member_that_is_not_finite_stays_and_does_not_disturb_the_others(device):
    weight = 4 * torch.eye(3, device=device).repeat(4, 1, 1)
    weight[1, 0, 0], weight[2, 1, 2] = torch.nan, torch.inf
    before = weight.clone()
    norms = spectral_norm(weight)
    assert norms.isnan().tolist() == [False, True, True, False]
    project_spectral_norm_([weight])
    for member in (0, 3):
        torch.testing.assert_close(weight[member], torch.eye(3, device=device))
    for member in (1, 2):
        assert torch.equal(weight[member].nan_to_num(), before[member].nan_to_num())


def test_in_training_weights_keep_to_the_bound_and_biases_are_free():
    free = play(constraint=None, critic_optimizer={"name": "adam", "lr": 0.05})
    bound = play(constraint=SpectralNorm(0.8), critic_optimizer={"name": "adam", "lr": 0.05})
    for weight in bound.critic.weights:
        norms = np.linalg.svd(weight.detach().numpy(), compute_uv=False)[:, 0]
        assert norms.max() <= 0.8 * (1 + 1e-5)  # float32
    assert max(bias.abs().max() for bias in bound.critic.biases) > 0.3
    assert (lipschitz_bound(bound.critic) <= 0.8**3 * (1 + 1e-5)).all()
    assert (lipschitz_bound(free.critic) > 1).all()


def test_the_first_step_under_a_spectral_norm_is_a_free_step_and_the_division(monkeypatch):
    once = dict(steps=1, n_critic=1, critic_optimizer={"name": "sgd", "lr": 5.0}, learn_generator=False)
    free, bound = play(constraint=None, **once), play(constraint=SpectralNorm(0.9), **once)
    for ours, theirs in zip(bound.critic.weights, free.critic.weights, strict=True):
        excess = np.linalg.svd(theirs.detach().numpy(), compute_uv=False)[:, :1, None] / 0.9
        expected = theirs.detach().numpy() / np.maximum(1, excess)
        np.testing.assert_allclose(ours.detach().numpy(), expected, rtol=1e-4, atol=1e-7)
    assert_same(bound.critic.biases, free.critic.biases)
    assert (lipschitz_bound(free.critic) > 1).any(), "there was something to divide"


class Plain(nn.Module):
    """A critic of one member with a layer that is no matrix."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Bilinear(2, 2, 1)

    def forward(self, x):
        return self.inner(x, x)


def test_a_critic_without_matrices_to_change_is_refused():
    for critic in (Plain(), SortingCritic([2, 4, 1])):
        with pytest.raises(ValueError, match="critic must have a list `weights`"):
            play(critic=critic, members=1, constraint=SpectralNorm())


@pytest.mark.parametrize("layers", [dict(virtual_batch_norm="critic"), dict(minibatch_discrimination={})])
def test_layers_that_no_spectral_norm_bounds_are_refused(layers):
    with pytest.raises(ValueError, match="critic must have neither normalisation nor minibatch layers"):
        play(members=1, constraint=SpectralNorm(), **layers)


def test_plain_linear_layers_are_projected_as_those_of_a_population_are(rng):
    critic = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 1))
    run = play(critic=critic, members=1, constraint=SpectralNorm(0.5), critic_optimizer={"name": "adam", "lr": 0.05})
    for layer in run.critic[::2]:
        assert np.linalg.norm(layer.weight.detach().numpy(), 2) == pytest.approx(0.5, rel=1e-5)  # pushed, and held
    x = torch.randn(50, 2, generator=rng)
    assert 0 < max_gradient_norm(critic, x) <= 0.25 * (1 + 1e-5)


@pytest.mark.parametrize("asked", [SpectralNorm(), GradientPenalty(where="data")])
def test_what_the_unrolled_steps_leave_out_is_refused(asked):
    with pytest.raises(ValueError, match=rf"unrolled must be 0 with the constraint '{asked.name}', .* not 2"):
        Config(objective="wgan", unrolled=2, constraint=asked)


def test_plain_data_stands_for_the_new_constraints_and_back():
    assert constraint({"name": "spectral-norm"}) == SpectralNorm(1.0)
    dragan = GradientPenalty(where="data", noise="gaussian", spread=0.25)
    for asked in (dragan, SpectralNorm(2.0)):
        config = Config(objective="wgan-gp", constraint=asked)
        assert Config.from_dict(config.as_dict()) == config
        assert config.as_dict()["constraint"]["name"] == asked.name


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"name": "spectral-norm", "bound": 0}, "bound must be a positive finite number, not 0"),
        ({"name": "gradient-penalty", "where": "line"}, "where must be one of .*not 'line': did you mean 'lines'"),
        ({"name": "gradient-penalty", "noise": "normal"}, "noise must be one of 'uniform', 'gaussian', not 'normal'"),
        ({"name": "gradient-penalty", "spread": -1}, "spread must be a positive finite number, not -1"),
        ("spectral", "not 'spectral': the names are 'clip', 'gradient-penalty', 'spectral-norm'"),
    ],
)
def test_settings_that_there_are_not_are_refused(value, message):
    with pytest.raises(ValueError, match=message):
        constraint(value)


# ---- Members on their own, and exact resume ---------------------------------------------------------------------


def sorting(members, seed=0):
    return SortingCritic([2, 16, 16, 1], members=members, seed=seed)


GAMES = {
    "around-the-data": dict(constraint=GradientPenalty(where="data", noise="gaussian")),
    "spectral-norm": dict(constraint=SpectralNorm()),
    "sorting": dict(constraint=None),
}


def critic_for(game, members, seed):
    return sorting(members, Config(seed=seed).seeds("critic")[0]) if game == "sorting" else None


@pytest.mark.parametrize("game", GAMES)
def test_a_member_is_bit_for_bit_the_run_that_it_would_be_alone(monkeypatch, game):
    company = play(critic=critic_for(game, 5, 3), **GAMES[game])
    monkeypatch.setattr(players_module, "CACHE_NUMBERS", 1)  # one member a group
    split = play(critic=critic_for(game, 5, 3), **GAMES[game])
    assert_same(rows_of(company, 0, 5), rows_of(split, 0, 5))
    for member in (0, 3):
        seed = 3 + member
        alone = play(critic=critic_for(game, 1, seed), members=1, **GAMES[game] | {"seed": seed})
        assert_same(rows_of(company, member, member + 1), rows_of(alone, 0, 1))


@pytest.mark.parametrize("game", GAMES)
def test_a_run_that_was_stopped_ends_with_the_bits_of_the_run_that_was_not(monkeypatch, tmp_path, game):
    whole = play(critic=critic_for(game, 5, 3), **GAMES[game])
    write = Saver.write

    def stop(self):
        write(self)
        if self.saved == 8:
            raise OSError("stopped")

    monkeypatch.setattr(Saver, "write", stop)
    with pytest.raises(OSError, match="stopped"):
        play(tmp_path, critic=critic_for(game, 5, 3), **GAMES[game])
    monkeypatch.setattr(Saver, "write", write)
    critic = critic_for(game, 5, 77)  # started elsewhere: all that counts is in the checkpoint
    resumed = play(tmp_path, critic=critic, **GAMES[game])
    assert_same(rows_of(whole, 0, 5), rows_of(resumed, 0, 5))


# ---- How steep a critic is --------------------------------------------------------------------------------------


def slope_of_loops(critic, x):
    """Gradient norms and pairs, one after the other, of one member."""
    found = []
    for point in x:
        point = point.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(critic(point).sum(), point)
        found.append(gradient.square().sum().sqrt())
    for one, other in itertools.combinations(x, 2):
        found.append((critic(one) - critic(other)).abs().sum() / (one - other).square().sum().sqrt())
    return max(value.item() for value in found)


@pytest.mark.parametrize("squeezed", [False, True])
def test_of_a_plain_critic_the_estimate_is_a_scalar_and_what_loops_find(device, rng, squeezed):
    layers = [nn.Conv1d(2, 3, 2), nn.Tanh(), nn.Flatten(), nn.Linear(9, 1)] + [nn.Flatten(0)] * squeezed
    critic, x = nn.Sequential(*layers).double().to(device), torch.randn(7, 2, 4, generator=rng, **DOUBLE).to(device)
    found = max_gradient_norm(critic, x)
    assert found.shape == ()
    assert found.item() == pytest.approx(slope_of_loops(lambda point: critic(point[None]), x), rel=1e-12)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_largest_slope_is_what_loops_find(device, rng, activation):
    critic = MLP([3, 10, 7, 1], members=3, activation=activation, gain=2.0, device=device, **DOUBLE)
    x = torch.randn(3, 9, 3, generator=rng, **DOUBLE).to(device)
    found = max_gradient_norm(critic, x)
    for member in range(3):
        one = critic.members_between(member, member + 1)
        expected = slope_of_loops(lambda point, one=one: one(point[None, None]), x[member])
        assert found[member].item() == pytest.approx(expected, rel=1e-12)


def test_pairs_find_a_cliff_between_samples_where_every_gradient_is_zero(device):
    critic = MLP([1, 2, 1], device=device, **DOUBLE)  # relu(x - 0.4) - relu(x - 0.6)
    values = ([[[1.0, 1.0]]], [[[1.0], [-1.0]]], [[[-0.4, -0.6]]], [[[0.0]]])
    with torch.no_grad():
        for parameter, value in zip([*critic.weights, *critic.biases], values, strict=True):
            parameter.copy_(torch.tensor(value, **DOUBLE))
    x = torch.tensor([[[0.0], [0.25], [0.75], [0.75], [1.0]]], **DOUBLE).to(device)  # two of them coincide
    assert max_gradient_norm(critic, x).item() == pytest.approx(0.2 / 0.5, rel=1e-12)
    assert lipschitz_bound(critic).item() == pytest.approx(2, rel=1e-12)
    alone = max_gradient_norm(critic, x[:, 2:4])
    assert alone.item() == 0


def test_many_points_in_parts_give_what_they_give_at_once(device, rng, monkeypatch):
    critic = MLP([2, 16, 1], members=2, gain=3.0, device=device)
    x = torch.randn(2, 101, 2, generator=rng).to(device)
    at_once = max_gradient_norm(critic, x)
    monkeypatch.setattr("gantut.lipschitz._estimates.ENTRIES", 400)
    torch.testing.assert_close(max_gradient_norm(critic, x), at_once, rtol=1e-6, atol=0)


def test_of_a_linear_critic_all_estimates_are_the_norm_of_its_weights(device, rng):
    critic = MLP([5, 1], members=4, input_scale=0.3, device=device, **DOUBLE)
    x = torch.randn(4, 20, 5, generator=rng, **DOUBLE).to(device)
    expected = 0.3 * critic.weights[0].detach().squeeze(-1).norm(dim=-1)
    torch.testing.assert_close(max_gradient_norm(critic, x), expected, rtol=1e-9, atol=0)
    torch.testing.assert_close(lipschitz_bound(critic), expected, rtol=1e-13, atol=0)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_bound_from_above_is_the_product_of_norms_that_numpy_finds(device, activation):
    critic = MLP([3, 8, 5, 2], members=3, activation=activation, input_scale=1.5, device=device, **DOUBLE)
    steepest = 1.0998393201288670 if activation == "silu" else 1
    for member, found in enumerate(lipschitz_bound(critic).tolist()):
        norms = [np.linalg.norm(weight[member].detach().cpu().numpy(), 2) for weight in critic.weights]
        assert found == pytest.approx(1.5 * steepest**2 * math.prod(norms), rel=1e-12)


def clipped_bound(widths, bound):
    """No singular value exceeds the Frobenius norm: c sqrt(n m) at most, for n x m weights in [-c, c]."""
    return math.prod(bound * math.sqrt(n * m) for n, m in itertools.pairwise(widths))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_no_activation_is_steeper_than_it_says_and_each_is_as_steep(name):
    activation = ACTIVATIONS[name]

    def slope(t):
        x = torch.tensor([t], **DOUBLE)
        return activation.slope(x, activation.function(x.clone())).item()

    best = max(slope(t) for t in np.linspace(-8, 8, 2001))
    if name == "silu":
        best = -scipy.optimize.minimize_scalar(lambda t: -slope(t), bounds=(1, 4), method="bounded").fun
    assert best == pytest.approx(activation.steepest, rel=1e-12)


@given(
    st.lists(st.integers(1, 8), min_size=1, max_size=4), st.sampled_from(sorted(ACTIVATIONS)),
    st.floats(0.05, 20), st.floats(0.05, 20), st.integers(0, 99),
)  # fmt: skip
@example(widths=[8, 8], activation="silu", gain=20.0, input_scale=1.0, seed=0)
def test_what_is_found_at_samples_never_exceeds_what_the_weights_allow(widths, activation, gain, input_scale, seed):
    options = dict(activation=activation, gain=gain, input_scale=input_scale, seed=seed)
    critic = MLP([*widths, 1], members=2, **options)
    x = torch.randn(2, 25, widths[0], generator=torch.Generator().manual_seed(seed))
    x[:, 0] = x[:, 1] + 1e-7  # nearly the same point: a quotient of roundings, were it taken seriously
    assert (max_gradient_norm(critic, x) <= lipschitz_bound(critic) * (1 + 1e-5)).all()  # float32
    most = max(parameter.abs().max().item() for parameter in critic.weights)
    steepest = input_scale * critic.activation.steepest ** (len(widths) - 1)
    assert (lipschitz_bound(critic) <= clipped_bound([*widths, 1], most) * steepest * (1 + 1e-5)).all()


@pytest.mark.parametrize("widths", [[2, 3, 1], [4, 16, 16, 1], [1, 1]])
def test_a_relu_network_with_all_weights_at_the_bound_attains_the_bound_of_clipping(device, widths):
    critic = MLP(widths, device=device, **DOUBLE)
    with torch.no_grad():
        for weight, bias in zip(critic.weights, critic.biases, strict=True):
            weight.fill_(0.3)
            bias.zero_()
    x = torch.rand(1, 6, widths[0], **DOUBLE).to(device) + 0.1  # where all units are active
    expected = clipped_bound(widths, 0.3)
    assert lipschitz_bound(critic).item() == pytest.approx(expected, rel=1e-12)
    assert max_gradient_norm(critic, x).item() == pytest.approx(expected, rel=1e-9)


def test_a_clipped_critic_keeps_below_the_bound_of_clipping():
    run = play(constraint={"name": "clip", "bound": 0.05})
    assert (lipschitz_bound(run.critic) <= clipped_bound([2, 16, 16, 1], 0.05) * (1 + 1e-6)).all()


def test_far_from_the_origin_roundings_are_not_taken_for_slopes(device, rng):
    """In single precision scores near 1e4 are known to 1e-3, and neighbours 1e-2 apart would seem steep."""
    critic = MLP([2, 8, 1], members=2, activation="tanh", device=device)
    with torch.no_grad():
        critic.biases[1].fill_(1e4)
    x = torch.randn(2, 200, 2, generator=rng).to(device)
    shifted = max_gradient_norm(critic, x)
    with torch.no_grad():
        critic.biases[1].zero_()
    torch.testing.assert_close(shifted, max_gradient_norm(critic, x), rtol=1e-5, atol=0)


class Images(nn.Module):
    """Critics of images that do not write their gradient out: two members, each a convolution."""

    def __init__(self):
        super().__init__()
        self.alone = nn.ModuleList(nn.Sequential(nn.Conv2d(1, 2, 3), nn.Tanh(), nn.Flatten()) for _ in range(2))
        self.drop = nn.Dropout(0.5)

    def forward(self, x):
        return torch.stack([self.drop(net(one)).sum(1, keepdim=True) for net, one in zip(self.alone, x, strict=True)])


def test_critics_of_images_are_looked_at_in_evaluation_mode_and_left_as_they_were(device, rng):
    critic = Images().to(device)
    x = torch.randn(2, 5, 1, 4, 4, generator=rng).to(device)
    found = max_gradient_norm(critic, x)
    assert critic.training
    assert next(critic.parameters()).dtype == torch.float32
    assert (found.dtype, found.shape, found.requires_grad) == (torch.float32, (2,), False)
    double = copy.deepcopy(critic).double().eval()
    for member in range(2):
        net = double.alone[member]
        expected = slope_of_loops(lambda image, net=net: net(image[None]).sum(), x[member].double())
        assert found[member].item() == pytest.approx(expected, rel=1e-6)


def test_a_member_that_has_diverged_has_no_slope_and_the_others_have_theirs(device, rng):
    critic, x = MLP([2, 6, 1], members=3, device=device), torch.randn(3, 8, 2, generator=rng).to(device)
    slopes, bounds = max_gradient_norm(critic, x), lipschitz_bound(critic)
    with torch.no_grad():
        critic.weights[1][1, 0] = torch.nan
    for after, before in ((max_gradient_norm(critic, x), slopes), (lipschitz_bound(critic), bounds)):
        assert torch.equal(after[[0, 2]], before[[0, 2]])
        assert after[1].isnan()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: max_gradient_norm(MLP([2, 1]), torch.zeros(2)), r"x must have shape \(batch, \*event\) .* not \(2,\)"),
        (lambda: max_gradient_norm(MLP([2, 1]), torch.zeros(1, 0, 2)), "with no size 0"),
        (lambda: max_gradient_norm(MLP([2, 1]), torch.full((1, 3, 2), torch.nan)), "x must be finite"),
        (
            lambda: max_gradient_norm(MLP([2, 3, 1], normalisation="batch"), torch.zeros(4, 2)),
            "score each sample by itself",
        ),
        (
            lambda: max_gradient_norm(nn.Linear(2, 2), torch.zeros(1, 3, 2)),
            r"one score, .* but gave \(1, 3, 2\)",
        ),
        (lambda: max_gradient_norm(len, torch.zeros(1, 3, 2)), "critic must be a torch.nn.Module"),
        (lambda: spectral_norm(torch.zeros(3)), r"weight must have shape \(\.\.\., in, out\), .* not \(3,\)"),
        (lambda: spectral_norm(torch.zeros(0, 3)), "neither of them 0"),
        (lambda: spectral_norm(torch.zeros(3, 3).bool()), "weight must be floating point, not torch.bool"),
        (lambda: lipschitz_bound(nn.Linear(2, 1)), "mlp must be a gantut.networks.MLP, not Linear"),
    ],
)
def test_questions_without_an_answer_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
