"""One run on two processes is the run of one, up to rounding."""

import contextlib
import os
import socket
import time

import pytest
import torch
from torch import distributed, multiprocessing
from training_groups import groups_of

from gantut.networks import DCGANCritic, DCGANGenerator, ResidualCritic, ResidualGenerator
from gantut.training import Config, train
from gantut.training._networks import Networks
from gantut.training._parallel import DataParallel

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt" or not distributed.is_gloo_available(), reason="needs POSIX and Gloo"),
]
WORLD = 2


def images(n=40):
    source = torch.Generator().manual_seed(0)
    return torch.rand(n, 1, 8, 8, generator=source) * 2 - 1


def networks(norm):
    common = dict(size=8, channels=1, width=4)
    if norm == "residual":
        return ResidualGenerator(latent_dim=6, **common), ResidualCritic(seed=1, **common)
    return DCGANGenerator(latent_dim=6, **common), DCGANCritic(norm=norm, seed=1, **common)


# Games and the normalisation of their critic, that of the generator being batch normalisation; or residual networks.
GAMES = {
    "a penalised critic": (dict(objective="wgan-gp", n_critic=2), "layer"),
    "a one-sided penalty": (dict(objective="wgan-lp", n_critic=1), "none"),
    "batch norm in both networks": (dict(objective="non-saturating"), "batch"),
    "clipping under batch norm": (dict(objective="wgan", n_critic=2, optimizer={"name": "sgd", "lr": 0.1}), "batch"),
    "features of the whole batch": (dict(objective="feature-matching"), "batch"),
    "noise on all samples": (dict(objective="least-squares", instance_noise=0.3), "none"),
    "changed pictures": (
        dict(objective="wgan-gp", n_critic=2, augmentation={"translate": 0.25, "mirror": True}),
        "layer",
    ),
    "pairs of scores, and samples in groups": (
        dict(
            objective="relativistic",
            constraint={"name": "zero-centred-penalty", "every": 2},
            optimizer={"name": "sgd", "lr": 0.1},  # Adam would make much of what is 0 but for rounding: the last bias
        ),
        "residual",
    ),
    "averages of the past": (dict(objective="minimax", historical_averaging=0.1, ema=0.5), "layer"),
}
BATCH = dict(batch_size=16, latent_dim=6)


def first_gradients(game, norm, share):
    """Take one step, and return the gradient of each player, and what its networks remember."""
    config = Config(**game, **BATCH, steps=1)
    generator, critic = networks(norm)
    parallel = DataParallel(config) if share else None
    (group,) = groups_of(config, images(), generator, critic, parallel=parallel)
    networks_ = Networks(generator, critic, (norm == "residual", False), None)
    with parallel.synchronised(networks_) if share else contextlib.nullcontext():
        group.advance(1, record_every=1, done=0)
    buffers = [buffer.clone() for network in (generator, critic) for buffer in network.buffers()]
    return [group.generator.gradient, group.critic.gradient, *buffers]


def whole_run(game, norm, share):
    """Train for some steps, and return weights, losses and samples."""
    generator, critic = networks(norm)
    history = train(
        Config(**game, **BATCH, steps=4), images(), generator=generator, critic=critic, samples=4, record_every=1,
        evaluate_every=2, progress=False, data_parallel=share, device="cpu",
    )  # fmt: skip
    for statistics in getattr(generator, "statistics", ()):
        assert "normalise" not in vars(statistics), "networks are left as they were"
    return [*generator.state_dict().values(), *critic.state_dict().values(), *history.losses.values(), history.samples]


def refusals():
    """Return what is said where a run cannot be shared out."""
    said = {}
    points = torch.rand(40, 2, generator=torch.Generator().manual_seed(0))
    cases = {
        "batch": Config(batch_size=15, steps=1),
        "unrolled": Config(batch_size=16, steps=1, unrolled=1),
        "around": Config(batch_size=16, steps=1, constraint={"name": "gradient-penalty", "where": "data"}),
        "batch norm": Config(batch_size=16, steps=1, batch_norm="critic"),
        "minibatch": Config(batch_size=16, steps=1, minibatch_discrimination={}),
    }
    for name, config in cases.items():
        try:
            train(config, points, data_parallel=True, progress=False, device="cpu")
        except ValueError as error:
            said[name] = str(error)
    return said


def disagreement(rank):
    """Return what is said where a process has another number than the others."""
    try:
        DataParallel(Config(**BATCH)).require_agreement([torch.ones(3) + rank * 1e-7, torch.ones(2)])
    except ValueError as error:
        return str(error)


def worker(rank, port, folder):
    torch.set_num_threads(1)
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    distributed.init_process_group("gloo", rank=rank, world_size=WORLD)
    found = {name: (first_gradients(*game, True), whole_run(*game, True)) for name, game in GAMES.items()}
    said = {"refused": refusals(), "disagreement": disagreement(rank)}
    torch.save({"games": found, **said}, folder / f"{rank}.pt")
    distributed.destroy_process_group()


@pytest.fixture(scope="module")
def together(tmp_path_factory):
    """What each of two processes finds."""
    folder = tmp_path_factory.mktemp("together")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = multiprocessing.spawn(worker, (port, folder), WORLD, join=False)
    end = time.monotonic() + 120
    while not context.join(timeout=1):
        if time.monotonic() > end:
            for process in context.processes:
                process.kill()
            raise AssertionError("took too long")
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(WORLD)]


@pytest.mark.parametrize("name", GAMES)
def test_gradients_of_two_processes_are_those_of_one(together, name):
    expected = first_gradients(*GAMES[name], False)
    # Under the root of small variances roundings grow; and in features under batch normalisation: on one process, too,
    # the same batch in another order moves the gradient by up to 3e-6 of its size.
    rounding = 4e-6 if "in groups" in name or "features" in name else 1e-6
    for found in together:
        for ours, theirs in zip(found["games"][name][0], expected, strict=True):
            assert torch.allclose(ours, theirs, rtol=1e-6, atol=rounding * float(theirs.abs().max()) + 1e-9)


@pytest.mark.parametrize("name", GAMES)
def test_processes_agree_bit_by_bit_and_end_where_a_single_one_does(together, name):
    ours, theirs = (found["games"][name][1] for found in together)
    expected = whole_run(*GAMES[name], False)
    for a, b, single in zip(ours, theirs, expected, strict=True):
        assert torch.equal(a, b)
        assert torch.allclose(a, single, rtol=1e-4, atol=2e-5)  # Adam's first steps grow roundings of small gradients


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("batch", "batch_size must be a multiple of the 2 processes that share it, not 15"),
        ("unrolled", "with unrolled steps"),
        ("around", "with a penalty around the data"),
        ("batch norm", "with a MLP whose samples see each other"),
        ("minibatch", "with a MLP whose samples see each other"),
    ],
)
def test_what_cannot_be_shared_out_is_refused(together, name, message):
    assert all(message in found["refused"][name] for found in together)


def test_processes_that_come_apart_are_stopped(together):
    assert all("must be the same on all processes" in found["disagreement"] for found in together)


def test_without_a_process_group_there_is_nothing_to_share():
    with pytest.raises(ValueError, match=r"data_parallel must be False without a process group"):
        train(Config(batch_size=16, steps=1), torch.rand(40, 2), data_parallel=True)
