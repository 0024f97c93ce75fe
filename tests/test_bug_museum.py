"""The bug museum of lesson 13: what is broken there fails our checks, and what the package does passes them.

The exhibits are taken from the lesson itself, so that what is tested is what readers see. Each is put before a check
written here, beside the lesson's own, and each of these checks also judges the package's code.
"""

import math
from pathlib import Path

import pytest
import torch
from lesson_cells import cells_of
from torch import nn
from training_groups import groups_of

from gantut import lipschitz, objectives
from gantut.data import gaussian
from gantut.networks import MLP
from gantut.training import Architecture, Config, Optimizer, train

LESSON = Path(__file__).parent.parent / "book" / "13_better_critics.py"


@pytest.fixture(scope="module")
def museum():
    """The functions of the lesson's cells that are tagged as exhibits, by name."""
    names, cells = {}, [cell for cell in cells_of(LESSON) if cell.cell_type == "code"]
    (imports,) = [cell.source for cell in cells if "import math" in cell.source.splitlines()]
    exec(imports, names)
    for cell in cells:
        if "museum" in cell.metadata.get("tags", []):
            exec(cell.source, names)
    return names


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(11)


# ---- Where the penalty looks ------------------------------------------------------------------------------------


def place_and_distance(mix, *, n=200, d=6):
    """Where each point lies along the line through its two samples, and how far beside that line: shapes (n,)."""
    real, fake = torch.randn(2, n, d, dtype=torch.float64)
    x, way = mix(real, fake), real - fake
    place = ((x - fake) * way).sum(1) / way.square().sum(1)  # 0 at the generated sample, 1 at the real one
    return place, (x - fake - place[:, None] * way).norm(dim=1)


def our_mix(real, fake):
    return lipschitz.interpolate(real, fake, torch.rand(len(real), dtype=real.dtype))


def test_points_lie_between_their_samples_at_places_that_are_uniform(museum):
    place, beside = place_and_distance(our_mix)
    assert beside.max() < 1e-12
    assert place.min() >= 0
    assert place.max() <= 1
    # Kolmogorov and Smirnov: beyond 1.95 / sqrt(n) once in a thousand
    uniform = torch.arange(1, 201, dtype=torch.float64) / 200
    assert (place.sort().values - uniform).abs().max() < 1.95 / math.sqrt(200) + 1 / 200


def test_a_normal_mix_leaves_the_segment_two_times_in_three(museum):
    place, beside = place_and_distance(museum["normal_mix"])
    assert beside.max() < 1e-6  # on the line
    outside = ((place < 0) | (place > 1)).double().mean()
    assert abs(outside - 0.6587) < 4 * math.sqrt(0.6587 * 0.3413 / 200)  # P(Z < 0 or Z > 1)


def test_a_mix_for_every_pixel_leaves_the_line(museum):
    _, beside = place_and_distance(museum["pixel_mix"])
    assert (beside > 1e-3).all()


def test_a_common_mix_has_one_place_for_all(museum):
    place, beside = place_and_distance(museum["common_mix"])
    assert beside.max() < 1e-6
    assert place.std() < 1e-6 < 0.2 < place_and_distance(our_mix)[0].std()


# ---- Which norm -------------------------------------------------------------------------------------------------


class LinearOnImages(nn.Module):
    """A critic of images whose gradient is the same picture everywhere."""

    def __init__(self, slope):
        super().__init__()
        self.slope = nn.Parameter(slope)

    def forward(self, x):
        return (x * self.slope).flatten(1).sum(-1, keepdim=True)


def our_penalty(gradient):
    critic = LinearOnImages(gradient[0])
    return lipschitz.gradient_penalty(critic, *torch.randn(2, *gradient.shape, dtype=gradient.dtype))


@pytest.mark.parametrize("norm", [0.5, 1.0, 3.0])
def test_the_penalty_of_a_linear_critic_of_images_is_the_square_of_its_norm_less_one(norm):
    slope = torch.randn(1, 3, 8, 8, dtype=torch.float64).expand(5, -1, -1, -1)
    gradient = norm * slope / slope[0].norm()
    assert our_penalty(gradient).item() == pytest.approx((norm - 1) ** 2, abs=1e-12)


def test_a_norm_over_channels_wants_critics_eight_times_too_steep_on_eight_by_eight_pixels(museum):
    flat = torch.ones(1, 1, 8, 8, dtype=torch.float64)
    cost = museum["channel_penalty"]
    assert cost(flat / 8) > 0.5  # norm 1, which should be free
    assert cost(flat) == 0  # norm 8
    assert our_penalty(flat / 8) < 1e-12 < our_penalty(flat)


def test_a_root_of_squares_has_no_derivative_at_zero_and_our_norm_has(museum):
    for penalty, finite in ((museum["root_penalty"], False), (museum["right_penalty"], True)):
        gradient = torch.zeros(2, 3, 4, 4, requires_grad=True)
        penalty(gradient).backward()
        assert bool(gradient.grad.isfinite().all()) == finite


def test_a_critic_whose_last_layer_starts_at_zero_still_learns_under_our_penalty():
    critic = MLP([2, 8, 1])
    nn.init.zeros_(critic.weights[-1])
    lipschitz.gradient_penalty_at(critic, torch.randn(1, 16, 2)).sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in critic.parameters())


# ---- Batch normalisation ----------------------------------------------------------------------------------------


def test_batch_norm_makes_a_score_depend_on_its_neighbours_and_is_refused(museum):
    critic = museum["normed_critic"]()
    x = torch.randn(8, 2, requires_grad=True)
    (own,) = torch.autograd.grad(critic(x)[0].sum(), x)
    assert own[1:].abs().max() > 1e-4  # the first score has a gradient in the other samples
    with pytest.raises(ValueError, match="critic must score each sample by itself"):
        lipschitz.gradient_penalty(critic, *torch.randn(2, 8, 2))


def test_our_own_networks_judge_each_sample_by_itself():
    x = torch.randn(1, 8, 2, requires_grad=True)
    (own,) = torch.autograd.grad(MLP([2, 16, 1])(x)[0, 0].sum(), x)
    assert own[0, 1:].abs().max() == 0 < own[0, 0].abs().max()


# ---- Signs ------------------------------------------------------------------------------------------------------


def slopes_of(losses):
    """The derivatives of both losses in a real and in a generated score: critic's two, generator's one."""
    on_real, on_fake = torch.zeros(1, requires_grad=True), torch.zeros(1, requires_grad=True)
    critic, generator = losses(on_real, on_fake)
    slopes = *torch.autograd.grad(critic, (on_real, on_fake)), *torch.autograd.grad(generator, (on_fake,))
    return tuple(int(slope.sign()) for slope in slopes)


def test_signs(museum):
    right = (-1, 1, -1)  # the critic raises real scores and lowers generated ones, which the generator raises
    assert slopes_of(museum["right_losses"]) == right
    assert slopes_of(museum["flipped_losses"]) == (-1, 1, 1)
    assert slopes_of(museum["summed_losses"]) == (-1, -1, -1)


@pytest.mark.parametrize("name", ["wgan", "wgan-gp", "wgan-lp"])
def test_signs_of_the_games_that_the_package_plays(name):
    game = objectives.OBJECTIVES[name]

    def losses(on_real, on_fake):
        return game.critic_loss(on_real, on_fake), game.generator_loss(None, on_fake)

    assert slopes_of(losses) == (-1, 1, -1)


def test_the_penalty_adds_to_the_loss_that_the_critic_descends():
    # from a critic five times too steep, one small step must make it less steep
    critic = MLP([2, 1], dtype=torch.float64)
    critic.weights[0].data.copy_(torch.tensor([[[3.0], [4.0]]]))
    config = Config(
        "wgan-gp", batch_size=32, learn_generator=False, steps=20, critic_optimizer={"name": "sgd", "lr": 1e-3}
    )
    distribution = gaussian([0.0, 0.0], 1.0)
    history = train(config, distribution, critic=critic.float(), progress=False)
    assert history.critic.weights[0].norm() < 4.5


# ---- Where gradients stop ---------------------------------------------------------------------------------------


def rounds_of(museum, step, n_critic):
    """The generator's gradient in its own step after some critic steps, in units of the right one."""
    critic, generator, noise = nn.Linear(2, 1), nn.Linear(3, 2), torch.randn(64, 3)
    (wanted,) = torch.autograd.grad(-critic(generator(noise)).mean(), generator.bias)
    for _ in range(n_critic):
        museum[step](critic, generator, torch.randn(64, 2), noise)
    (-critic(generator(noise)).mean()).backward()
    return (generator.bias.grad / wanted).mean().item()


@pytest.mark.parametrize("n_critic", [1, 2, 5])
def test_without_detach_every_critic_step_takes_a_generator_step_back(museum, n_critic):
    assert rounds_of(museum, "attached_step", n_critic) == pytest.approx(1 - n_critic, abs=1e-4)
    assert rounds_of(museum, "detached_step", n_critic) == pytest.approx(1, abs=1e-4)


def test_in_our_loop_each_player_moves_only_its_own_parameters():
    config = Config("wgan-gp", batch_size=16, latent_dim=2, generator=Architecture((8,)), critic=Architecture((8,)))
    (group,) = groups_of(config, gaussian([0.0, 0.0], 1.0))
    draws, before = next(group.draws()), (group.generator.values.clone(), group.critic.values.clone())
    for batch in group.critic.batches(draws):
        assert not batch["fake"].requires_grad
        group.critic.descend(sum(group.critic.loss(batch).values()))
    assert torch.equal(group.generator.values, before[0])
    assert not torch.equal(group.critic.values, before[1])
    before = group.generator.values.clone(), group.critic.values.clone()
    group.generator.descend(group.generator.loss(draws)["generator"])
    assert not torch.equal(group.generator.values, before[0])
    assert torch.equal(group.critic.values, before[1])


# ---- Momentum against a wall ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("beta", "steps"), [(0.5, 1), (0.9, 6), (0.99, 68)])
def test_momentum_holds_a_clipped_weight_at_its_wall_until_half_of_it_is_forgotten(museum, beta, steps):
    # the sign turns at the first k with beta^k < 1/2; at beta = 1/2 that is k = 2, as m = 0 at k = 1 moves nothing
    def adam(weight):
        return torch.optim.Adam([weight], lr=0.01, betas=(beta, 0.999))

    assert museum["steps_at_the_wall"](adam) == steps
    assert steps == math.floor(math.log(0.5) / math.log(beta))


def test_the_default_optimizer_under_clipping_has_no_momentum(museum):
    settings = objectives.OBJECTIVES["wgan"].defaults["optimizer"]
    assert Optimizer(**settings).name == "rmsprop"
    assert Optimizer(**settings).momentum == 0
    assert museum["steps_at_the_wall"](museum["right_optimizer"], bound=0.005) == 0
    assert museum["steps_at_the_wall"](museum["momentum"]) == 6


@pytest.mark.parametrize("name", ["wgan-gp", "wgan-lp"])
def test_nor_have_the_optimizers_of_the_penalised_games(name):
    assert objectives.OBJECTIVES[name].defaults["optimizer"]["betas"][0] == 0


# ---- The lesson's own checks ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("its_check", "broken", "right"),
    [
        ("stays_on_the_way", "normal_mix", "right_mix"),
        ("stays_on_the_way", "pixel_mix", "right_mix"),
        ("has_places_of_its_own", "common_mix", "right_mix"),
        ("costs_nothing_at_norm_one", "channel_penalty", "right_penalty"),
        ("stays_finite_at_zero", "root_penalty", "right_penalty"),
        ("judges_each_sample_alone", "normed_critic", "right_critic"),
        ("pulls_the_right_way", "flipped_losses", "right_losses"),
        ("pulls_the_right_way", "summed_losses", "right_losses"),
        ("leaves_the_generator_alone", "attached_step", "detached_step"),
        ("leaves_the_wall_at_once", "momentum", "right_optimizer"),
    ],
)
@pytest.mark.parametrize("seed", range(5))
def test_each_check_of_the_lesson_fails_its_exhibit_and_passes_the_right_code(museum, its_check, broken, right, seed):
    torch.manual_seed(seed)
    assert not museum[its_check](museum[broken])
    assert museum[its_check](museum[right])
