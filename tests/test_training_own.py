"""What a torch user has: plain networks on (batch, ...), and data of every kind, trained without a members axis."""

import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

import gantut
from gantut import data
from gantut.training import Config, train

QUIET = dict(samples=16, progress=False, device="cpu")


def points(n=200, d=2):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(5)) + 1


def mlps(latent_dim=3, d=2, last=()):
    torch.manual_seed(1)
    generator = nn.Sequential(nn.Linear(latent_dim, 16), nn.ReLU(), nn.Linear(16, d))
    return generator, nn.Sequential(nn.Linear(d, 16), nn.ReLU(), nn.Linear(16, 1), *last)


class Pictures(nn.Module):
    """A generator of 8 x 8 pictures, with batch normalisation."""

    def __init__(self):
        super().__init__()
        self.first, self.norm, self.last = nn.Linear(3, 4 * 16), nn.BatchNorm2d(4), nn.ConvTranspose2d(4, 1, 4, 2, 1)

    def forward(self, z):
        return torch.tanh(self.last(torch.relu(self.norm(self.first(z).unflatten(1, (4, 4, 4))))))


class Scores(nn.Module):
    """A critic of 8 x 8 pictures, which returns scores of shape (batch,)."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Conv2d(1, 4, 4, 2, 1), nn.Linear(4 * 16, 1)

    def forward(self, x):
        return self.last(nn.functional.leaky_relu(self.first(x)).flatten(1)).squeeze(1)


def settings(objective, **more):
    return dict(objective=objective, steps=4, batch_size=16, latent_dim=3, n_critic=2) | more


def by_hand(generator, critic, real, noise, mix, lr=0.05):
    """WGAN-GP as its paper has it, on given draws: (steps, n_critic or one more, batch, ...)."""
    up, down = (torch.optim.SGD(network.parameters(), lr=lr) for network in (critic, generator))
    for x, z, t in zip(real, noise, mix, strict=True):
        for k in range(len(x)):
            fake = generator(z[k]).detach()
            middle = (t[k][:, None] * x[k] + (1 - t[k][:, None]) * fake).requires_grad_()
            (slope,) = torch.autograd.grad(critic(middle).sum(), middle, create_graph=True)
            loss = critic(fake).mean() - critic(x[k]).mean() + 10 * (slope.norm(dim=1) - 1).square().mean()
            up.zero_grad()
            loss.backward()
            up.step()
        down.zero_grad()
        (-critic(generator(z[-1])).mean()).backward()
        down.step()


def test_plain_networks_take_the_steps_of_the_paper():
    sgd = {"name": "sgd", "lr": 0.05}
    config = Config(**settings("wgan-gp", optimizer=sgd, critic_optimizer=sgd))
    samples, (generator, critic) = points(), mlps()
    train(config, samples, generator=generator, critic=critic, **QUIET)
    from training_groups import groups_of

    draws = groups_of(config, samples, *mlps())[0].draws()
    drawn = [next(draws) for _ in range(4)]
    expected = mlps()
    by_hand(*expected, *([step[name][0] for step in drawn] for name in ("data", "noise", "mixing")))
    for network, other in zip((generator, critic), expected, strict=True):
        for ours, theirs in zip(network.parameters(), other.parameters(), strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)  # single precision, 12 steps


@pytest.mark.parametrize("objective", ["wgan-gp", "hinge", "non-saturating"])
def test_plain_convolutions_are_trained_in_place(objective):
    generator, critic = Pictures(), Scores()
    before = [p.detach().clone() for p in (*generator.parameters(), *critic.parameters())]
    history = train(settings(objective), torch.rand(40, 1, 8, 8), generator=generator, critic=critic, **QUIET)
    assert history.generator is generator
    assert history.samples.shape[1:] == (1, 16, 1, 8, 8)
    assert history.sample(5).shape == (1, 5, 1, 8, 8)
    after = [*generator.parameters(), *critic.parameters()]
    assert any(not torch.equal(a, b) for a, b in zip(before, after, strict=True))
    assert generator(torch.zeros(2, 3)).shape == (2, 1, 8, 8)
    assert all(rows.isfinite().all() for rows in history.losses.values())


class Rows(Dataset):
    """Samples with labels, made one by one, as text books write it; with some noise from the global generator."""

    def __len__(self):
        return 200

    def __getitem__(self, index):
        return points()[index].numpy() + 0.1 * torch.rand(2).numpy(), index


KINDS = {
    "a tensor in double precision": lambda: points().double(),
    "an array": lambda: points().numpy(),
    "an array of halves": lambda: points().numpy().astype(np.float16),
    "a data set": Rows,
    "a loader": lambda: DataLoader(TensorDataset(points(), torch.arange(200)), batch_size=7, shuffle=True),
    "a distribution of torch": lambda: torch.distributions.MultivariateNormal(torch.zeros(2), torch.eye(2)),
    "a distribution of gantut": data.ring,
    "numbers": lambda: torch.distributions.Gumbel(0.0, 1.0),
    "numbers of gantut": data.gaussian,
}


@pytest.mark.parametrize("kind", KINDS)
def test_data_of_every_kind_is_learnt_from_and_a_seed_means_the_same_run(kind):
    found = []
    for state in (1, 2):
        samples = KINDS[kind]()
        torch.manual_seed(state)
        before = torch.get_rng_state()
        history = train(Config(objective="wgan-gp", steps=3, batch_size=16, n_critic=2), samples, **QUIET)
        assert torch.equal(torch.get_rng_state(), before), "the caller's random numbers stay as they were"
        assert history.samples.shape[-1] == (1 if "numbers" in kind else 2)
        found.append(history.losses["critic"])
    assert torch.equal(*found)
    assert found[0].isfinite().all()


@pytest.mark.parametrize("kind", ["a data set", "a distribution of torch", "numbers"])
def test_a_run_on_them_goes_on_bit_for_bit(tmp_path, kind):
    run = dict(objective="wgan-gp", members=2, batch_size=16, n_critic=2)
    whole = train(Config(**run, steps=6), KINDS[kind](), **QUIET)
    train(Config(**run, steps=3), KINDS[kind](), checkpoints=tmp_path, record_every=1, evaluate_every=1, **QUIET)
    resumed = train(Config(**run, steps=6), KINDS[kind](), checkpoints=tmp_path, resume=True, **QUIET)
    assert torch.equal(resumed.samples[-1], whole.samples[-1])


def test_a_loader_is_for_one_member_and_its_place_cannot_be_saved(tmp_path):
    with pytest.raises(ValueError, match=r"loader\.dataset"):
        train(Config(members=2, batch_size=16), KINDS["a loader"](), **QUIET)
    with pytest.raises(ValueError, match="resume must be False"):
        train(Config(batch_size=16), KINDS["a loader"](), checkpoints=tmp_path, resume=True, **QUIET)


@pytest.mark.parametrize("objective", ["non-saturating", "wgan-gp", "hinge"])
def test_a_critic_that_ends_in_a_sigmoid_is_told_that_logits_are_wanted(objective):
    generator, critic = mlps(last=[nn.Sigmoid()])
    with pytest.warns(UserWarning, match="logits"):
        train(settings(objective), points(), generator=generator, critic=critic, **QUIET)


@pytest.mark.parametrize("objective", ["non-saturating", "wgan", "wgan-gp", "hinge", "least-squares"])
def test_critics_that_do_not_are_not(objective):
    last = [nn.Sigmoid()] if objective == "least-squares" else []
    generator, critic = mlps(last=last)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train(settings(objective), points(), generator=generator, critic=critic, **QUIET)
        train(Config(objective=objective, members=4, steps=2, critic={"activation": "tanh"}), points(), **QUIET)


def test_a_penalty_refuses_a_critic_of_whatever_class_whose_samples_see_each_other():
    class Mean(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(2, 1)

        def forward(self, x):
            return self.layer(x - x.mean(0))

    generator, _ = mlps()
    with pytest.raises(ValueError, match="critic must score each sample by itself"):
        train(settings("wgan-gp"), points(), generator=generator, critic=Mean(), **QUIET)
    assert train(settings("wgan"), points(), generator=generator, critic=Mean(), **QUIET).losses


def test_members_in_threads_do_not_take_each_others_steps_for_their_own():
    # Autograd counts changes of memory, and groups of members share the memory of the whole.
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        for constraint in ({"name": "spectral-norm"}, {"name": "clip", "bound": 0.01}):
            history = train(Config(objective="wgan", constraint=constraint, members=3, steps=20), data.ring(), **QUIET)
            assert history.losses["critic"].isfinite().all()
    finally:
        torch.set_num_threads(before)


def test_a_step_of_wgan_gp_is_found_in_few_files():
    package, files, at = str(Path(gantut.__file__).parent), [], []

    def enter(frame, event, argument):
        if event == "call" and frame.f_code.co_filename.startswith(package):
            files.append((frame.f_code.co_filename, frame.f_code.co_qualname))
            if frame.f_code.co_name == "iterate":
                at.append(len(files))

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    sys.setprofile(enter)
    try:
        train(Config(objective="wgan-gp", steps=4, batch_size=16), points(), record_every=9, evaluate_every=4, **QUIET)
    finally:
        sys.setprofile(None)
        torch.set_num_threads(before)
    step = set(files[at[1] : at[2]])  # from one step of the loop to the next
    assert len({file for file, _ in step}) <= 9, sorted(step)
