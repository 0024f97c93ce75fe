"""Lipschitz constraints: penalties agree with a loop over samples, and no member feels another's."""

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from gantut import lipschitz
from gantut.lipschitz import (
    Clip,
    GradientPenalty,
    clip_,
    constraint,
    gradient_penalty,
    gradient_penalty_at,
    input_gradient,
    interpolate,
    perturb,
    require_separate_samples,
)
from gantut.networks import ACTIVATIONS, MLP, DCGANCritic, MinibatchLayer

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
    penalty = 3 * gradient_penalty_at(critics, x, one_sided=one_sided)
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
    penalty = 7 * gradient_penalty_at(critics, x)
    for member in range(2):

        def critic(image, member=member):
            return critics.alone[member](image[None]) @ critics.weight[member]

        expected = penalty_of_paper(critic, x[member], 7.0, False)
        torch.testing.assert_close(penalty[member], expected, rtol=1e-12, atol=1e-14)


def test_a_member_feels_its_own_penalty_only(device, rng):
    x = torch.randn(3, 4, 2, generator=rng).to(device)
    critics = MLP([2, 8, 1], members=3, activation="silu", device=device)
    before = gradient_penalty_at(critics, x).detach()
    gradient_penalty_at(critics, x)[1].backward()
    for parameter in critics.weights:
        assert parameter.grad[0].abs().sum() == parameter.grad[2].abs().sum() == 0
        assert parameter.grad[1].abs().sum() > 0
    with torch.no_grad():
        for parameter in critics.parameters():
            parameter[0] += 1
            parameter[2] = torch.nan
    x[2] = torch.inf
    after = gradient_penalty_at(critics, x).detach()
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
    penalty = gradient_penalty_at(critic, x, one_sided=one_sided)
    assert penalty.item() == (0 if one_sided else 1)  # (0 - 1)^2
    for slope in torch.autograd.grad(penalty.sum(), list(critic.parameters()), allow_unused=True):
        assert slope is None or not slope.any()  # neither nan nor anything else


def test_points_lie_between_generated_and_real_samples(device, rng):
    real, fake = (torch.randn(2, 3, 1, 4, 4, dtype=torch.float64, generator=rng).to(device) for _ in range(2))
    mix = torch.rand(2, 3, dtype=torch.float64, generator=rng).to(device)
    points = interpolate(real, fake, mix)
    for member in range(2):
        for sample in range(3):
            t = mix[member, sample]
            expected = t * real[member, sample] + (1 - t) * fake[member, sample]
            torch.testing.assert_close(points[member, sample], expected, rtol=0, atol=1e-14)
    assert torch.equal(interpolate(real, fake, torch.ones_like(mix)), real)
    assert torch.equal(interpolate(real, fake, torch.zeros_like(mix)), fake)


@pytest.mark.parametrize("one_sided", [False, True])
def test_a_plain_convolutional_critic_gets_the_penalty_of_the_paper_as_a_scalar(device, rng, one_sided):
    critic = nn.Sequential(nn.Conv2d(2, 3, 3), nn.Tanh(), nn.Flatten(), nn.Linear(3 * 16, 1)).double().to(device)
    real, fake = torch.randn(2, 5, 2, 6, 6, dtype=torch.float64, generator=rng).to(device)
    mix = torch.rand(5, dtype=torch.float64, generator=rng).to(device)
    x = mix[:, None, None, None] * real + (1 - mix[:, None, None, None]) * fake
    penalty = gradient_penalty(critic, real, fake, one_sided=one_sided, target=0.1, generator=mix)
    assert penalty.shape == ()
    terms = []
    for sample in x:
        sample = sample.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(critic(sample[None]).squeeze(), sample, create_graph=True)
        excess = gradient.square().sum().sqrt() - 0.1
        terms.append((excess.relu() if one_sided else excess) ** 2)
    expected = torch.stack(terms).mean()
    torch.testing.assert_close(penalty, expected, rtol=1e-12, atol=1e-15)
    slopes, theirs = (torch.autograd.grad(loss, list(critic.parameters())[:3]) for loss in (penalty, expected))
    for slope, one in zip(slopes, theirs, strict=True):
        torch.testing.assert_close(slope, one, rtol=1e-9, atol=1e-13)


def test_random_positions_come_from_the_generator_that_is_given_or_from_the_global_one(device, rng):
    critic, x = MLP([3, 8, 1], members=2, device=device), torch.randn(2, 2, 5, 3, generator=rng).to(device)

    def source():
        return torch.Generator().manual_seed(4)

    found = gradient_penalty(critic, *x, generator=source())
    mix = torch.rand(2, 5, generator=source()).to(device)
    assert torch.equal(found, gradient_penalty(critic, *x, generator=mix))
    torch.manual_seed(4)
    assert torch.equal(found, gradient_penalty(critic, *x))
    assert torch.equal(10 * found, GradientPenalty().loss_term(critic, *x, source()))


# ---- Samples that see each other --------------------------------------------------------------------------------


class Attention(nn.Module):
    """Each sample looks at all of its batch."""

    def __init__(self, width):
        super().__init__()
        self.ask, self.answer = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, h):
        return h + (self.ask(h) @ h.transpose(-1, -2)).softmax(-1) @ self.answer(h)


class Spread(nn.Module):
    """Each sample is told how widely its batch is spread (Karras et al. 2018, section 3)."""

    def forward(self, h):
        return torch.cat([h, h.std(0).mean().expand(len(h), 1)], 1)


def rows(*layers, last=4):
    return nn.Sequential(nn.Linear(3, 4), *layers, nn.Tanh(), nn.Linear(last, 1))


COUPLED = {
    "batch norm": lambda: rows(nn.BatchNorm1d(4)),
    "synchronised batch norm": lambda: nn.Sequential(
        nn.Unflatten(1, (3, 1)), nn.Conv1d(3, 2, 1), nn.BatchNorm1d(2), nn.Flatten(), nn.Linear(2, 1)
    ),
    "attention": lambda: rows(Attention(4)),
    "spread of the batch": lambda: rows(Spread(), last=5),
    "population with batch norm": lambda: MLP([3, 4, 1], normalisation="batch"),
    "population with minibatch features": lambda: MLP([3, 4, 1], members=2, minibatch=(2, 2)),
}
SEPARATE = {
    "layer norm": lambda: rows(nn.LayerNorm(4)),
    "group norm": lambda: rows(nn.GroupNorm(2, 4)),
    "dropout": lambda: rows(nn.Dropout(0.5)),
    "spectral normalisation": lambda: rows(nn.utils.parametrizations.spectral_norm(nn.Linear(4, 4))),
    "spectral normalisation of old": lambda: rows(nn.utils.spectral_norm(nn.Linear(4, 4))),
    "batch norm in evaluation": lambda: rows(nn.BatchNorm1d(4)).eval(),
    "population": lambda: MLP([3, 4, 1], members=2),
}


@pytest.mark.parametrize("batch", [2, 64])
@pytest.mark.parametrize("kind", COUPLED)
def test_critics_whose_samples_see_each_other_are_found_whatever_their_class(device, rng, kind, batch):
    torch.manual_seed(0)
    critic, x = COUPLED[kind]().to(device), 3 * torch.randn(batch, 3, generator=rng).to(device)
    with pytest.raises(ValueError, match="critic must score each sample by itself"):
        require_separate_samples(critic, x)
    for ask in (lambda: gradient_penalty(critic, x, x), lambda: input_gradient(critic, x)):
        with pytest.raises(ValueError, match="critic must score each sample by itself"):
            ask()


@pytest.mark.parametrize("kind", SEPARATE)
def test_and_no_others(device, rng, kind):
    torch.manual_seed(0)
    critic = SEPARATE[kind]().to(device)
    for batch in (1, 2, 64):
        require_separate_samples(critic, 3 * torch.randn(batch, 3, generator=rng).to(device))
    assert gradient_penalty(critic, *torch.randn(2, 8, 3, generator=rng).to(device)).isfinite().all()


def test_images_and_minibatch_layers_are_looked_at_in_the_same_way(device, rng):
    pictures = torch.randn(1, 6, 3, 16, 16, generator=rng).to(device)
    require_separate_samples(DCGANCritic(size=16, width=4, norm="layer").to(device), pictures)
    with pytest.raises(ValueError, match="critic must score each sample by itself"):
        require_separate_samples(DCGANCritic(size=16, width=4, norm="batch").to(device), pictures)
    with pytest.raises(ValueError, match="critic must score each sample by itself"):
        require_separate_samples(rows(Attention(4)).to(device), torch.zeros(1, 3, device=device))  # a batch of one
    alone = nn.Sequential(MinibatchLayer(torch.randn(1, 3, 4, generator=rng), 2), nn.Linear(5, 1)).to(device)
    with pytest.raises(ValueError, match="critic must score each sample by itself"):
        require_separate_samples(alone, torch.randn(1, 8, 3, generator=rng).to(device))


@pytest.mark.parametrize("normalised", [nn.utils.spectral_norm, nn.utils.parametrizations.spectral_norm])
def test_a_critic_whose_layers_keep_tensors_of_their_last_pass_can_be_measured(device, rng, normalised):
    critic, x = rows(normalised(nn.Linear(4, 4))).to(device), torch.randn(8, 3, generator=rng).to(device)
    before = lipschitz.max_gradient_norm(critic.eval(), x)
    critic(x).sum().backward()
    assert torch.equal(lipschitz.max_gradient_norm(critic, x), before)
    critic.train()(x)  # and it still can, after another step of the power iteration
    assert lipschitz.max_gradient_norm(critic, x).isfinite()


def test_the_look_leaves_no_trace(device, rng):
    critic = rows(nn.BatchNorm1d(4), nn.Dropout(0.5), nn.utils.spectral_norm(nn.Linear(4, 4))).to(device)
    before = {name: value.clone() for name, value in critic.state_dict().items()}
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    with pytest.raises(ValueError, match="critic must score each sample by itself"):
        require_separate_samples(critic, torch.randn(8, 3, generator=rng).to(device))
    assert torch.equal(torch.rand(3), expected), "no random number is consumed"
    assert critic.training
    for name, value in critic.state_dict().items():
        assert torch.equal(value, before[name])


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
        ("clip", "constraint must be None, .* or a dict with a name, not 'clip'"),
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


def test_a_tensor_alone_is_clipped_and_shrunk_as_a_list_of_it_is(device, rng):
    before = torch.randn(2, 3, 4, generator=rng).to(device)
    for change, bound in ((clip_, 0.3), (lipschitz.project_spectral_norm_, 0.7)):
        for tensor in (before, before[0]):
            alone, listed = tensor.clone(), tensor.clone()
            change(alone, bound)
            change([listed], bound)
            assert torch.equal(alone, listed)
            assert not torch.equal(alone, tensor)


@pytest.mark.parametrize(
    ("change", "last", "message"),
    [
        (clip_, torch.ones(2).long(), "parameters must be floating point tensors, .* not torch.int64"),
        (clip_, "b", "parameters must be floating point tensors, which can be changed in place, not 'b'"),
        (
            lipschitz.project_spectral_norm_,
            torch.ones(3),
            r"weights must have shape \(\.\.\., in, out\), .* not \(3,\)",
        ),
        (
            lipschitz.project_spectral_norm_,
            torch.ones(0, 3),
            r"weights must have shape .* neither of them 0, not \(0, 3\)",
        ),
    ],
)
def test_where_one_cannot_be_changed_none_is(change, last, message):
    first = torch.full((2, 2), 9.0)
    with pytest.raises(ValueError, match=message):
        change(iter([first, last]), 0.5)
    assert (first == 9).all()


# ---- What has no meaning, and what is not looked at -------------------------------------------------------------


class Scores(nn.Module):
    """A critic whose scores are those of a function."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


class WrittenOut(Scores):
    """A critic that writes out a gradient of another shape than x."""

    def input_gradient(self, x):
        return x.sum(-1)


X = torch.zeros(2, 5, 3)
SEVERAL = r"x must have shape \(batch, \*event\) or \(members, batch, \*event\), with no size 0, not "
ONE = r"critic must give every sample one score, .* but gave "


@pytest.mark.parametrize(
    ("critic", "x", "message"),
    [
        (nn.Linear(3, 1), X[0, 0], SEVERAL + r"\(3,\)$"),
        (nn.Linear(3, 1), X[:, :0], SEVERAL + r"\(2, 0, 3\)$"),
        (nn.Linear(3, 1), X.bool(), "x must be floating point, not torch.bool"),
        (nn.Linear(3, 1), X.double(), "x must have the dtype of critic, torch.float32, not torch.float64"),
        (MLP([3, 4, 1], members=2), X.double(), "x must have the dtype of critic, torch.float32, not torch.float64"),
        (nn.Linear(3, 2), X, ONE + r"\(2, 5, 2\) for x of shape \(2, 5, 3\)"),
        (nn.Linear(3, 2), X[0], ONE + r"\(5, 2\) for x of shape \(5, 3\)"),
        (MLP([3, 2], members=2), X, ONE + r"\(2, 5, 2\)"),
        (nn.Sequential(nn.Linear(3, 1), nn.Flatten(0)), X, ONE + r"\(10,\)"),
        (Scores(lambda x: x.sum(-1)), X, ONE + r"\(2, 5\)"),
        (Scores(lambda x: (x, x)), X, ONE + "tuple"),
        (Scores(lambda x: x[..., :1].detach()), X, "critic must be differentiable in x"),
        (Scores(lambda x: torch.zeros(2, 5, 1, requires_grad=True)), X, "critic must be differentiable in x"),
        (
            WrittenOut(lambda x: x[..., :1]),
            X,
            r"critic.input_gradient must return the shape of x, \(2, 5, 3\), not \(2, 5\)",
        ),
        (lambda x: x[..., :1], X, "critic must be a torch.nn.Module, not a function"),
    ],
)
def test_a_gradient_of_what_has_none_is_refused(critic, x, message):
    for ask in (input_gradient, gradient_penalty_at):
        with pytest.raises(ValueError, match=message):
            ask(critic, x)
    with pytest.raises(ValueError, match=message.replace("x must", "real must")):
        gradient_penalty(critic, x, x)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": float("nan")}, "target must be a finite number, not nan"),
        ({"one_sided": "yes"}, "one_sided must be one of True, False, not 'yes'"),
    ],
)
def test_settings_that_no_penalty_has_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        gradient_penalty(nn.Linear(3, 1), X, X, **options)


def test_an_error_of_the_critic_itself_stays_what_it_is():
    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        gradient_penalty(nn.Linear(4, 1), X, X)


@pytest.mark.parametrize("one_sided", [False, True])
def test_samples_without_members_are_those_of_a_plain_critic_or_of_all_members(device, rng, one_sided):
    x = 2 * torch.randn(7, 3, dtype=torch.float64, generator=rng).to(device)
    plainly = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1, bias=False)).double().to(device)
    population = MLP([3, 8, 1], activation="tanh", members=2, gain=2.0, dtype=torch.float64, device=device)
    found = [
        gradient_penalty_at(plainly, x, one_sided=one_sided),
        *gradient_penalty_at(population, x, one_sided=one_sided),
    ]
    critics = [plainly, *(plain(population, member, "tanh") for member in range(2))]
    for penalty, critic in zip(found, critics, strict=True):
        expected = penalty_of_paper(critic, x, 1.0, one_sided)
        torch.testing.assert_close(penalty, expected, rtol=1e-12, atol=1e-14)  # some roundings


def test_where_no_gradients_are_kept_the_penalty_is_the_same_and_has_none(device, rng):
    x = torch.randn(2, 4, 1, 5, 5, dtype=torch.float64, generator=rng).to(device)
    critics = Images(2, 5, device=device)
    with torch.no_grad():
        found = gradient_penalty_at(critics, x)
    assert not found.requires_grad
    assert torch.equal(found, gradient_penalty_at(critics, x).detach())


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_a_member_whose_points_are_not_finite_has_no_penalty_and_the_others_have_theirs(device, rng, activation):
    critics = MLP([3, 8, 1], members=4, activation=activation, device=device)
    x = torch.randn(4, 5, 3, generator=rng).to(device)
    before = gradient_penalty_at(critics, x)
    slopes = torch.autograd.grad(before[::3].sum(), list(critics.weights))
    x[1, 2, 0], x[2, 0, 1] = torch.nan, -torch.inf
    after = gradient_penalty_at(critics, x)
    assert after.isnan().tolist() == [False, True, True, False]
    assert torch.equal(after[::3], before[::3])
    for slope, other in zip(torch.autograd.grad(after[::3].sum(), list(critics.weights)), slopes, strict=True):
        assert torch.equal(slope[::3], other[::3])


@pytest.mark.parametrize(
    ("real", "fake", "mix", "message"),
    [
        (X, X[:, :4], X[..., 0], r"fake must have the shape of real, \(2, 5, 3\), not \(2, 4, 3\)"),
        (X, X.double(), X[..., 0], "real and fake must have one dtype, but have torch.float32 and torch.float64"),
        (X, X, X[..., 0].double(), "real and mix must have one dtype, but have torch.float32 and torch.float64"),
        (X[0, 0], X[0, 0], X[0, 0, 0], r"real must have shape \(batch, \*event\) or .* not \(3,\)"),
        (X, X, torch.tensor([0.3]), r"mix must have a number for every sample of real \(2, 5, 3\), .* not \(1,\)"),
        (X, X, X[:, :1, 0], r"mix must .* not \(2, 1\)"),
        (X, X, X[:1, :, 0], r"not \(1, 5\)"),
        (X, X, X, r"not \(2, 5, 3\)"),
        (X, X, X[..., 0].bool(), "mix must be floating point, not torch.bool"),
    ],
)
def test_samples_and_places_that_do_not_go_together_are_refused(real, fake, mix, message):
    with pytest.raises(ValueError, match=message):
        interpolate(real, fake, mix)
    with pytest.raises(ValueError, match=message):
        GradientPenalty().loss_term(nn.Linear(3, 1), real, fake, mix)


@pytest.mark.parametrize("place", [3.0, -0.001, float("nan")])
def test_a_place_beyond_the_two_samples_is_refused(device, place):
    mix = torch.rand(2, 5, device=device)
    mix[1, 3] = place
    with pytest.raises(ValueError, match=rf"mix must lie in \[0, 1\], but mix\[1, 3\] is {place}"):
        interpolate(X.to(device), X.to(device), mix)


class Unread(TorchDispatchMode):
    """Within this no value of a tensor is read, which a step that is captured in a graph could not do."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        name = function.overloadpacket.__name__
        assert name not in ("_local_scalar_dense", "nonzero", "equal"), f"{name} reads values"
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize("asked", [GradientPenalty(), GradientPenalty(one_sided=True), GradientPenalty(where="data")])
def test_what_training_calls_reads_no_values_and_gives_the_bits_of_what_a_reader_calls(device, rng, asked):
    real, fake = (torch.randn(2, 6, 3, generator=rng).to(device) for _ in range(2))
    mix = torch.rand(2, 6, *asked.draws((3,))[1], generator=rng).to(device)
    for critic in (MLP([3, 8, 1], members=2, device=device), nn.Linear(3, 1).to(device)):
        with Unread():
            ours = asked.loss_term(critic, real, fake, mix)
            slopes = torch.autograd.grad(ours.sum(), next(critic.parameters()))
        x = interpolate(real, fake, mix) if asked.where == "lines" else perturb(real, mix, members=True)
        theirs = asked.weight * gradient_penalty_at(critic, x, one_sided=asked.one_sided)
        assert torch.equal(ours, theirs)
        assert torch.equal(slopes[0], torch.autograd.grad(theirs.sum(), next(critic.parameters()))[0])
    with pytest.raises(AssertionError, match="reads values"), Unread():
        interpolate(real, fake, torch.full((2, 6), 3.0, device=device))


def test_constraints_on_weights_read_no_values_either(device):
    with Unread():
        clip_([torch.ones(2, 3, device=device)], 0.1)
        lipschitz.project_spectral_norm_([torch.ones(2, 3, device=device)], 0.1)
