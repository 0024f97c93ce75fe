"""Under augmentation the critic sees changed pictures only, and the generator learns through the change."""

import pytest
import torch
from training_groups import groups_of

from gantut import checkpoints
from gantut.data import Augmentation, ring
from gantut.networks import DCGANCritic, DCGANGenerator
from gantut.training import Config, train

CHANGES = Augmentation(mirror=True, colour=0.5, translate=0.25, cutout=0.25, fill=1.0)
SETTINGS = dict(
    objective="wgan", constraint=None, optimizer={"name": "sgd", "lr": 0.1}, batch_size=8, latent_dim=4, steps=6
)


def pictures():
    return torch.rand(40, 1, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1


def networks():
    common = dict(size=8, channels=1, width=4, norm="none")
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
