"""Under augmentation the critic sees changed pictures only, and the generator learns through the change."""

import pytest
import torch
from training_groups import groups_of

from gantut import checkpoints
from gantut.data import Augmentation, ring
from gantut.networks import DCGANCritic, DCGANGenerator
from gantut.training import AdaptiveAugmentation, Config, train
from gantut.training._strength import Strength

CHANGES = Augmentation(mirror=True, colour=0.5, translate=0.25, cutout=0.25, fill=1.0)
SETTINGS = dict(
    objective="wgan", constraint=None, optimizer={"name": "sgd", "lr": 0.1}, batch_size=8, latent_dim=4, steps=6
)


def pictures():
    return torch.rand(40, 1, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1


def networks(**sizes):
    common = dict(size=8, channels=1, width=4, norm="none") | sizes
    return DCGANGenerator(latent_dim=4, deviation=0.2, **common), DCGANCritic(seed=1, deviation=0.2, **common)


def flat(tensors):
    return torch.cat([tensor.flatten() for tensor in tensors])


def critic_slopes(draws, generator, critic):
    """The gradient of a critic step, straight from the definition."""
    change = draws["augmentation"]
    real = CHANGES.apply(draws["data"][:, 0], change[:, 0, 0])
    fake = CHANGES.apply(generator(draws["noise"][:, 0]), change[:, 0, 1])
    return torch.autograd.grad(critic(fake.detach()).mean() - critic(real).mean(), list(critic.parameters()))


def test_both_players_step_down_what_the_critic_says_of_changed_pictures(device):
    config = Config(**SETTINGS, n_critic=1, augmentation=CHANGES)
    generator, critic = (network.to(device) for network in networks())
    (group,) = groups_of(config, pictures(), generator, critic, device=device)
    draws = next(group.draws())
    generator, critic = (network.to(device) for network in networks())
    of_critic = critic_slopes(draws, generator, critic)
    with torch.no_grad():
        for parameter, slope in zip(critic.parameters(), of_critic, strict=True):
            parameter -= 0.1 * slope
    fake = CHANGES.apply(generator(draws["noise"][:, -1]), draws["augmentation"][:, -1, 1])
    of_generator = torch.autograd.grad(-critic(fake).mean(), list(generator.parameters()))
    group.step(draws)
    for learner, slopes in ((group.critic, of_critic), (group.generator, of_generator)):
        expected = flat(slopes)
        assert expected.norm() > 1e-4
        found = learner.gradient[0, : len(expected)]
        assert torch.allclose(found, expected, rtol=1e-4, atol=1e-6)


def run(folder=None, **settings):
    generator, critic = networks()
    keeping = {} if folder is None else {"checkpoints": folder, "resume": True}
    return train(
        SETTINGS | settings, pictures(), generator=generator, critic=critic, samples=4, evaluate_every=2,
        progress=False, device="cpu", **keeping,
    )  # fmt: skip


def test_changes_of_nothing_change_no_bit():
    assert torch.equal(run(augmentation={}).samples, run().samples)


def test_changes_are_drawn_apart_from_all_else():
    one, other = run(augmentation=CHANGES), run()
    assert torch.equal(one.samples[0], other.samples[0])
    assert not torch.equal(one.samples[-1], other.samples[-1])


def test_a_run_that_goes_on_draws_the_same_changes(tmp_path):
    run(tmp_path, augmentation=CHANGES, steps=4)
    assert torch.equal(run(tmp_path, augmentation=CHANGES).samples, run(augmentation=CHANGES).samples)
    config = checkpoints.load_latest(tmp_path).config
    assert Config.from_dict(config) == Config(**SETTINGS, augmentation=CHANGES)


def test_changes_are_of_pictures():
    with pytest.raises(ValueError, match="event must be the shape of an image"):
        train({"augmentation": {"mirror": True}}, ring(), device="cpu")
    with pytest.raises(ValueError, match="did you mean 'mirror'"):
        Config(augmentation={"miror": True})


# ---- Changes whose probability follows from the signs of real logits (ADA) -----------------------------------------

ADAPTIVE = AdaptiveAugmentation(target=0.6, images=320, every=4)
LOGITS = SETTINGS | dict(objective="non-saturating", augmentation=CHANGES, adaptive_augmentation=ADAPTIVE)


def test_the_probability_moves_by_the_rule_of_the_paper(device, rng):
    batches = [torch.randn(3, 10, generator=rng) + torch.tensor([[0.0], [0.8], [2.0]]) for _ in range(200)]
    strength = Strength(ADAPTIVE, 3, 10, device)
    found = []
    for scores in batches:
        strength.follow(scores.to(device))
        found.append(strength.state["probability"].cpu().clone())
    for member in range(3):
        p, signs = 0.0, []
        for step, scores in enumerate(batches, 1):
            signs += [1 if score > 0 else -1 for score in scores[member].tolist()]
            if step % 4 == 0:
                r = sum(signs) / len(signs)
                p = min(max(p + (1 if r > 0.6 else -1 if r < 0.6 else 0) * 4 * 10 / 320, 0), 1)
                signs = []
            assert abs(found[step - 1][member].item() - p) < 1e-5  # of numbers up to 1 in single precision, 50 times
    assert {0.0, 1.0} <= set(torch.stack(found).flatten().tolist())


def test_each_change_is_made_with_its_probability_and_apart_from_the_others(device, rng):
    x = torch.rand(3, 4000, 1, 8, 8, generator=rng).to(device)
    numbers = torch.rand(3, 4000, *CHANGES.draws((1, 8, 8), gated=True)[1], generator=rng).to(device)
    never, sometimes, always = CHANGES.apply(x, numbers, torch.tensor([0.0, 0.5, 1.0], device=device))
    assert torch.equal(never, x[0])
    gates = [1, 5, 8, 11]  # the last number of each change: mirror 1, colour 3, translate 2, cutout 2, and a gate each
    plain = numbers[..., [k for k in range(12) if k not in gates]]
    assert torch.equal(always, CHANGES.apply(x, plain)[2])
    cut = Augmentation(cutout=0.5, fill=9.0), Augmentation(mirror=True, cutout=0.5, fill=9.0)
    for augmentation in cut:
        numbers = torch.rand(1, 4000, *augmentation.draws((1, 8, 8), gated=True)[1], generator=rng).to(device)
        changed = augmentation.apply(x[:1], numbers, torch.tensor([0.5], device=device))
        hidden = (changed == 9).flatten(2).any(-1).double().mean().item()
        assert abs(hidden - 0.5) < 0.04  # five standard deviations
    assert not torch.equal(sometimes, x[1])


def test_a_critic_that_is_sure_is_shown_changed_pictures_and_one_that_is_not_is_not():
    generator, critic = networks(members=2)
    with torch.no_grad():
        critic.biases[-1].copy_(torch.tensor([[100.0], [-100.0]]))
    settings = LOGITS | dict(optimizer={"name": "sgd", "lr": 1e-9}, members=2, steps=10, n_critic=2)
    players = dict(generator=generator, critic=critic)
    history = train(settings, pictures(), **players, samples=4, record_every=1, progress=False, device="cpu")
    moves = [2 * step // 4 * 4 * 8 / 320 for step in range(1, 11)]  # two steps of the critic in each, which all count
    torch.testing.assert_close(history.augmentation, torch.tensor([[move, 0.0] for move in moves]))
    assert set(history.losses) == {"critic", "generator"}


def test_the_critic_and_the_generator_learn_from_what_is_changed_with_that_probability():
    config = Config(**LOGITS | dict(adaptive_augmentation={"start": 0.5, "target": 0.6, "images": 10**6}), n_critic=1)
    generator, critic = networks()
    (group,) = groups_of(config, pictures(), generator, critic)
    draws, half = next(group.draws()), torch.tensor([0.5])
    change = draws["augmentation"]
    generator, critic = networks()
    real = CHANGES.apply(draws["data"][:, 0], change[:, 0, 0], half)
    fake = CHANGES.apply(generator(draws["noise"][:, 0]), change[:, 0, 1], half).detach()
    softplus = torch.nn.functional.softplus
    loss = softplus(-critic(real)).mean() + softplus(critic(fake)).mean()
    expected = flat(torch.autograd.grad(loss, list(critic.parameters())))
    group.step(draws)
    torch.testing.assert_close(group.critic.gradient[0, : len(expected)], expected, rtol=1e-4, atol=1e-6)


def test_a_run_with_a_probability_that_is_stopped_and_resumed_is_one_run(tmp_path):
    half = AdaptiveAugmentation(target=0.0, images=320, start=0.5)
    changing = LOGITS | dict(adaptive_augmentation=half, steps=14)
    run(tmp_path, **changing | dict(steps=6))  # in the middle of four steps of the critic
    one, other = run(tmp_path, **changing), run(**changing)
    assert torch.equal(one.samples, other.samples)
    assert torch.equal(one.augmentation, other.augmentation)
    assert len(set(other.augmentation.flatten().tolist())) > 1
    assert Config.from_dict(checkpoints.load_latest(tmp_path).config).adaptive_augmentation == half


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (dict(augmentation=None), "adaptive_augmentation must be None without an augmentation"),
        (dict(augmentation={}), "adaptive_augmentation must be None without an augmentation"),
        (dict(objective="wgan-gp"), "adaptive_augmentation must be None with 'wgan-gp'"),
        (dict(adaptive_augmentation=1.5), "target must be a mean sign"),
        (dict(adaptive_augmentation={"target": 0.6, "images": 0}), "images"),
        (dict(adaptive_augmentation={"target": 0.6, "start": 2}), "start must be a probability"),
    ],
)
def test_a_probability_that_means_nothing_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        Config(**dict(objective="non-saturating", augmentation=CHANGES, adaptive_augmentation=0.6) | settings)
