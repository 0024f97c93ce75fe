"""Objectives: each loss is the equation that its page displays, wherever on the line a score may lie."""

import itertools
import math
import re

import mpmath
import pytest
import torch

from gantut import objectives
from gantut.objectives import OBJECTIVES, STATISTICS, feature_matching_loss
from gantut.training import Config


def log_d(a):
    """log D = log sigma(a), as it stands in the papers."""
    return mpmath.log(1 / (1 + mpmath.exp(-a)))


def log_not_d(a):
    return mpmath.log(1 - 1 / (1 + mpmath.exp(-a)))


def mean(function, scores):
    return mpmath.fsum(function(a) for a in scores) / len(scores)


# Per loss: what its paper says of the scores of real samples r and of generated ones g, a number for a member.
PAPERS = {
    "discriminator_loss": lambda r, g: -mean(log_d, r) - mean(log_not_d, g),
    "saturating_generator_loss": lambda r, g: mean(log_d, r) + mean(log_not_d, g),
    "non_saturating_generator_loss": lambda r, g: -mean(log_d, g),
    "wasserstein_critic_loss": lambda r, g: mean(lambda f: f, g) - mean(lambda f: f, r),
    "wasserstein_generator_loss": lambda r, g: mean(lambda f: f, r) - mean(lambda f: f, g),
    "least_squares_critic_loss": lambda r, g: (mean(lambda f: (f - 1) ** 2, r) + mean(lambda f: f**2, g)) / 2,
    "least_squares_generator_loss": lambda r, g: mean(lambda f: (f - 1) ** 2, g) / 2,
    "hinge_critic_loss": lambda r, g: mean(lambda f: max(0, 1 - f), r) + mean(lambda f: max(0, 1 + f), g),
    "hinge_generator_loss": lambda r, g: -mean(lambda f: f, g),
    "relativistic_critic_loss": lambda r, g: -mean(log_d, [a - b for a, b in zip(r, g, strict=True)]),
    "relativistic_generator_loss": lambda r, g: -mean(log_d, [b - a for a, b in zip(r, g, strict=True)]),
}
# What is left of a generator's loss where only generated samples are scored.
HALVES = {
    "saturating_generator_loss": lambda g: mean(log_not_d, g),
    "non_saturating_generator_loss": lambda g: -mean(log_d, g),
    "wasserstein_generator_loss": lambda g: -mean(lambda f: f, g),
    "least_squares_generator_loss": lambda g: mean(lambda f: (f - 1) ** 2, g) / 2,
    "hinge_generator_loss": lambda g: -mean(lambda f: f, g),
}
EXACT = dict(rtol=1e-13, atol=1e-300)  # some roundings in double precision, whatever the size of the loss


def in_high_precision(equation, *scores):
    with mpmath.workdps(120):  # e^-100 beside 1 takes 44 digits
        rows = zip(*(score.tolist() for score in scores), strict=True)
        values = [equation(*([mpmath.mpf(a) for a in row] for row in member)) for member in rows]
        return torch.tensor([float(value) for value in values], dtype=torch.float64)


@pytest.fixture
def scores(rng):
    """Of real and of generated samples, for 4 members: ordinary ones, and all of +-100."""
    ordinary = torch.randn(2, 2, 7, dtype=torch.float64, generator=rng) * 3
    extreme = torch.tensor([[100.0], [-100.0]], dtype=torch.float64).expand(2, 7)
    return torch.cat([ordinary[0], extreme]), torch.cat([ordinary[1], extreme.flip(0)])


@pytest.mark.parametrize("name", PAPERS)
def test_a_loss_is_its_equation_even_where_a_logit_is_100(scores, device, name):
    loss = getattr(objectives, name)(*(score.to(device) for score in scores)).cpu()
    torch.testing.assert_close(loss, in_high_precision(PAPERS[name], *scores), **EXACT)
    assert loss.shape == (4,)


@pytest.mark.parametrize("name", HALVES)
def test_a_generators_loss_needs_no_real_samples(scores, device, name):
    loss = getattr(objectives, name)(None, scores[1].to(device)).cpu()
    torch.testing.assert_close(loss, in_high_precision(HALVES[name], scores[1]), **EXACT)


def test_a_generators_loss_that_a_confident_critic_makes_small_is_not_lost_to_rounding(device):
    sure = torch.full((1, 3), -100.0, device=device)  # log(1 - D) = -e^-100, far below 1's rounding
    assert objectives.saturating_generator_loss(None, sure).item() == pytest.approx(
        -3.7200759760208e-44, rel=0.02
    )  # subnormal
    assert objectives.non_saturating_generator_loss(None, sure).item() == 100


@pytest.mark.parametrize("name", PAPERS)
def test_gradients_of_losses_are_right_and_finite_at_100(scores, name):
    loss = getattr(objectives, name)
    leaves = [score[:2].clone().requires_grad_() for score in scores]
    assert torch.autograd.gradcheck(loss, leaves)
    extreme = [score[2:].clone().requires_grad_() for score in scores]
    loss(*extreme).sum().backward()
    assert all(score.grad is None or score.grad.isfinite().all() for score in extreme)


def test_in_the_zero_sum_games_the_generators_loss_is_minus_the_critics():
    real, fake = torch.randn(2, 3, 5, dtype=torch.float64)
    for name in ("minimax", "wgan", "wgan-gp", "wgan-lp"):
        game = OBJECTIVES[name]
        assert torch.equal(game.generator_loss(real, fake), -game.critic_loss(real, fake))


def test_feature_matching_is_the_squared_distance_of_mean_features_and_real_ones_stand_still(device, rng):
    real, fake = (torch.randn(3, 6, 4, dtype=torch.float64, generator=rng) for _ in range(2))
    expected = []
    for member in range(3):
        apart = [sum(real[member, :, k]) / 6 - sum(fake[member, :, k]) / 6 for k in range(4)]
        expected.append(sum(coordinate**2 for coordinate in apart))
    leaves = [x.to(device).requires_grad_() for x in (real, fake)]
    loss = objectives.feature_matching_loss(*leaves)
    torch.testing.assert_close(loss.detach().cpu(), torch.stack(expected), **EXACT)
    loss.sum().backward()
    assert leaves[0].grad is None
    by_hand = -2 / 6 * (real.mean(1) - fake.mean(1))  # the same for every sample of a member
    torch.testing.assert_close(leaves[1].grad.cpu(), by_hand[:, None].expand(3, 6, 4), rtol=1e-12, atol=1e-15)


def test_each_member_has_a_loss_of_its_own(scores):
    for name in PAPERS:
        loss = getattr(objectives, name)
        together = loss(*scores)
        for member in range(4):
            alone = loss(*(score[member : member + 1] for score in scores))
            assert torch.equal(alone, together[member : member + 1])
            assert torch.equal(loss(*(score[member] for score in scores)), together[member]), "a scalar for a batch"


@pytest.mark.parametrize("name", [name for name in PAPERS if "relativistic" not in name])  # which takes pairs
def test_axes_before_the_batch_are_kept_and_batches_may_differ_in_size(rng, name):
    real, fake = (torch.randn(2, 3, n, dtype=torch.float64, generator=rng) for n in (4, 6))
    loss = getattr(objectives, name)
    found = loss(real, fake)
    assert found.shape == (2, 3)
    for i, j in ((0, 0), (1, 2)):
        torch.testing.assert_close(found[i, j], loss(real[i, j], fake[i, j]), rtol=1e-15, atol=0)


def test_scores_whose_batch_is_not_the_last_axis_are_pointed_out():
    column = torch.randn(5, 1)
    with pytest.warns(UserWarning, match=r"squeeze\(-1\)"):
        objectives.discriminator_loss(column, column)
    with pytest.raises(ValueError, match=r"axes before the batch, not \(5,\) and \(5, 1\)"):
        objectives.wasserstein_critic_loss(column.squeeze(-1), column)
    with pytest.raises(ValueError, match="batch"):
        objectives.hinge_generator_loss(None, torch.tensor(1.0))


@pytest.mark.filterwarnings("error")
def test_a_batch_of_one_is_a_batch():
    for shape in ((1,), (1, 1), (3, 1, 1)):
        assert objectives.hinge_critic_loss(torch.zeros(shape), torch.zeros(shape)).shape == shape[:-1]


@pytest.mark.parametrize(
    "game", [game for game in OBJECTIVES.values() if game.generator_loss], ids=lambda game: game.name
)
def test_a_batch_of_none_has_no_loss(game):
    for loss in (game.critic_loss, game.generator_loss):
        with pytest.raises(
            ValueError, match=r"scores must be .* batch at least 1, not torch.float32 of shape \(2, 0\)"
        ):
            loss(torch.zeros(2, 0), torch.zeros(2, 0))


# Read in the papers, not in the code: critic steps, optimizer of the generator, constraint.
DEFAULTS = {
    "wgan": (5, ("rmsprop", 5e-5), ("clip", {"bound": 0.01})),  # Arjovsky et al. (2017), Algorithm 1
    "wgan-gp": (
        5,
        ("adam", 1e-4, (0.0, 0.9)),
        ("gradient-penalty", {"weight": 10.0, "one_sided": False, "where": "lines"}),
    ),
    "wgan-lp": (
        5,
        ("adam", 1e-4, (0.0, 0.9)),
        ("gradient-penalty", {"weight": 10.0, "one_sided": True, "where": "lines"}),
    ),
    "minimax": (1, ("adam", 2e-4, (0.5, 0.999)), None),
    "non-saturating": (1, ("adam", 2e-4, (0.5, 0.999)), None),
    "least-squares": (1, ("adam", 2e-4, (0.5, 0.999)), None),
    "feature-matching": (1, ("adam", 2e-4, (0.5, 0.999)), None),
    "hinge": (5, ("adam", 2e-4, (0.0, 0.9)), None),  # Miyato et al. (2018), ImageNet
    "relativistic": (1, ("adam", 2e-4, (0.0, 0.99)), ("zero-centred-penalty", {"at": "both"})),  # Huang et al. (2024)
}


@pytest.mark.parametrize("name", DEFAULTS)
def test_a_config_that_says_no_more_is_that_of_the_paper(name):
    n_critic, (optimizer, rate, *betas), constraint = DEFAULTS[name]
    config = Config(objective=name)
    assert config.n_critic == n_critic
    for one in (config.optimizer, config.critic_optimizer):
        assert (one.name, one.lr, one.momentum) == (optimizer, rate, 0)
        assert not betas or one.betas == betas[0]
    if constraint is None:
        assert config.constraint is None
    else:
        kind, settings = constraint
        assert config.constraint.name == kind
        assert settings.items() <= vars(config.constraint).items()


def test_every_objective_has_a_paper_and_says_what_its_score_is():
    assert set(OBJECTIVES) == set(DEFAULTS)
    for name, objective in OBJECTIVES.items():
        assert objective.name == name
        assert "et al. (20" in objective.source
        assert objective.classifies == (name in ("minimax", "non-saturating", "feature-matching"))
        assert objective.features == (name == "feature-matching")
        assert objective.relative == (name == "relativistic")


def test_in_the_relativistic_game_only_differences_count_and_pairs_are_needed():
    real, fake = torch.randn(2, 3, 5, dtype=torch.float64)
    game = OBJECTIVES["relativistic"]
    torch.testing.assert_close(game.critic_loss(real + 7, fake + 7), game.critic_loss(real, fake))
    assert game.estimate(game.critic_loss(real, real)).abs().max() < 1e-15  # log 2 - log 2
    with pytest.raises(ValueError, match=r"to be compared in pairs, not \(3, 5\) and \(3, 4\)"):
        game.critic_loss(real, fake[:, :4])


@pytest.mark.parametrize(("wrong", "meant"), [("wgangp", "wgan-gp"), ("minmax", "minimax"), ("minus", None)])
def test_an_unknown_objective_names_the_nearest(wrong, meant):
    hint = f": did you mean {meant!r}?" if meant else ""
    with pytest.raises(ValueError, match=re.escape(f"not {wrong!r}{hint}") + "$"):
        objectives.objective(wrong)
    assert objectives.objective(OBJECTIVES["wgan"]) is OBJECTIVES["wgan"]


NO_SCORES = (torch.tensor([1, 2]), torch.tensor([True]), torch.tensor([1j]))


@pytest.mark.parametrize("scores", NO_SCORES, ids=lambda scores: str(scores.dtype))
@pytest.mark.parametrize("name", OBJECTIVES)
def test_scores_that_are_no_floating_point_numbers_are_refused(name, scores):
    game = OBJECTIVES[name]
    for loss in filter(None, (game.critic_loss, game.generator_loss)):
        with pytest.raises(ValueError, match=f"^scores must be floating point .*, not {scores.dtype}"):
            loss(scores, scores)


@pytest.mark.parametrize("label", [math.nan, math.inf, "0.9", None])
@pytest.mark.parametrize("name", ["minimax", "least-squares"])
def test_labels_are_numbers_and_of_classes_probabilities(name, label):
    zero = torch.zeros(3)
    for labels in ((label, 0.0), (1.0, label)):
        with pytest.raises(ValueError, match=r"^(real|fake)_label must be a finite number"):
            OBJECTIVES[name].with_labels(*labels).critic_loss(zero, zero)
    with pytest.raises(ValueError, match=r"^real_label must lie in \[0, 1\], not 1.5"):
        OBJECTIVES["minimax"].with_labels(1.5, 0.0).critic_loss(zero, zero)


@pytest.mark.parametrize("name", OBJECTIVES)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_scores_of_ten_thousand_have_the_loss_of_their_equation_and_finite_gradients(name, dtype):
    game = OBJECTIVES[name]
    for loss, ours, theirs in itertools.product((game.critic_loss, game.generator_loss), (1e4, -1e4), (1e4, -1e4)):
        scores = [torch.full((64,), size, dtype=dtype, requires_grad=True) for size in (ours, theirs)]
        if loss is None:
            continue
        value, exact = loss(*scores), loss(*(score.double() for score in scores)).item()
        representable = abs(exact) <= torch.finfo(dtype).max
        if representable:
            assert value.item() == pytest.approx(exact, rel=4 * torch.finfo(dtype).eps)
        else:  # squares in float16
            assert value.item() == math.copysign(math.inf, exact)
        gradients = torch.autograd.grad(value, scores, allow_unused=True)
        assert all(gradient is None or gradient.isfinite().all() for gradient in gradients)


@pytest.mark.parametrize(
    ("real", "fake"),
    [
        (torch.zeros(0, 3), torch.ones(4, 3)),
        (torch.ones(4, 3), torch.zeros(0, 3)),
        (torch.ones(4, 0), torch.ones(4, 0)),
        (torch.ones(3), torch.ones(3)),
        (torch.ones(4, 3).int(), torch.ones(4, 3).int()),
        (None, torch.ones(4, 3)),
        ((), ()),
        (torch.ones(2, 4, 3), torch.ones(3, 4, 3)),
    ],
)
def test_features_of_no_samples_or_of_other_populations_are_refused(real, fake):
    with pytest.raises(ValueError, match=r"(real|fake)_features"):
        feature_matching_loss(real, fake)


@pytest.mark.parametrize("statistics", STATISTICS)
def test_dead_features_have_a_loss_and_a_gradient_of_zero(statistics):
    dead = torch.zeros(4, 3, requires_grad=True)  # no spread: a root without a slope
    loss = feature_matching_loss(torch.zeros(5, 3), dead, statistics=statistics)
    assert loss == 0
    assert torch.equal(torch.autograd.grad(loss, dead)[0], torch.zeros(4, 3))
