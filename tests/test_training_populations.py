"""A member is the run that it would be alone, whoever is trained beside it; and a seed means the same draws always."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gantut import data
from gantut.training import Architecture, Config, train
from gantut.training import _groups as groups_module
from gantut.training._config import PURPOSES, SEEDS
from gantut.training._data import as_data
from gantut.training._streams import BLOCK_STEPS, EpochStream, Stream, noise_stream

WIDTHS = dict(generator=Architecture((24,)), critic=Architecture((40,), "leaky-relu"))
QUICK = dict(samples=32, record_every=2, evaluate_every=3)


def rows_of(history, first, last):
    """All numbers that belong to members first, ..., last - 1."""
    tensors = [p[first:last] for net in (history.generator, history.critic) for p in net.parameters()]
    for group in (history.losses, history.gradient_norms, history.metrics):
        tensors += [values[:, first:last] for _, values in sorted(group.items())]
    return [*tensors, history.samples[:, first:last], history.diverged[first:last]]


def assert_bits(ours, theirs):
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        assert a.shape == b.shape
        assert torch.equal(torch.nan_to_num(a.detach().cpu()), torch.nan_to_num(b.detach().cpu()))


@pytest.fixture
def threads():
    """A function that sets the number of threads for the time of a test."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def run(config, distributions=None, **options):
    metrics = {"spread": lambda samples: samples.std((1, 2))}
    return train(config, data.ring() if distributions is None else distributions, metrics=metrics, **QUICK | options)


GAMES = {
    "wgan-gp": dict(objective="wgan-gp", batch_size=32, n_critic=2),
    "wgan": dict(objective="wgan", batch_size=64, n_critic=2),
    "features": dict(objective="feature-matching", batch_size=32),
    "unrolled": dict(objective="minimax", batch_size=32, unrolled=2),
}


@pytest.mark.parametrize("game", GAMES.values(), ids=GAMES)
def test_a_member_of_64_is_bit_for_bit_the_run_that_it_would_be_alone(device, game):
    company = run(Config(members=64, steps=7, seed=100, **game, **WIDTHS), device=device)
    for member in (0, 1, 37, 63):
        alone = run(Config(members=1, steps=7, seed=100 + member, **game, **WIDTHS), device=device)
        if device.type == "cpu":
            assert_bits(rows_of(company, member, member + 1), rows_of(alone, 0, 1))
        else:  # a library of matrix products may choose another way for another number of matrices
            for a, b in zip(rows_of(company, member, member + 1), rows_of(alone, 0, 1), strict=True):
                torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("game", GAMES.values(), ids=GAMES)
def test_the_split_into_groups_and_the_threads_change_no_bit(device, monkeypatch, threads, game, rng):
    config, points = Config(members=9, steps=7, seed=3, **game, **WIDTHS), torch.randn(100, 2, generator=rng)
    expected, splits = None, set()
    for numbers in (1, 2 * 64 * 40 * 2, 2**18):
        for count in (1, 2):
            monkeypatch.setattr(groups_module, "CACHE_NUMBERS", numbers)
            threads(count)
            splits.add(groups_module._members_at_once(config, *_widths(), count))
            rows = rows_of(run(config, points, device=device), 0, 9)
            expected = rows if expected is None else expected
            assert_bits(rows, expected)
            assert torch.get_num_threads() == count, "the caller's own number of threads comes back"
    assert len(splits) >= 3, "the splits did differ"


def _widths():
    return WIDTHS["generator"].build(2, 2, members=9, seed=0, device="cpu"), WIDTHS["critic"].build(
        2, 1, members=9, seed=0, device="cpu"
    )


def test_a_single_member_is_the_same_on_one_thread_and_on_two(device, threads):
    wide = dict(generator=Architecture((128, 128)), critic=Architecture((128, 128)))
    config = Config(objective="wgan-gp", members=1, steps=3, batch_size=256, **wide)
    results = []
    for count in (1, 2):
        threads(count)
        results.append(rows_of(run(config, device=device), 0, 1))
    assert_bits(*results)


@pytest.mark.parametrize("batch", [1, 7, 33])
def test_with_odd_batches_company_changes_roundings_only(device, batch):
    # Elements left over at the end of a processor's vector are rounded in another way. Gradient descent passes a
    # rounding on about as it is: after 5 steps parameters of order 1 still agree to some dozens of float32 roundings.
    sgd = {"name": "sgd", "lr": 0.05}
    settings = dict(objective="non-saturating", steps=5, batch_size=batch, optimizer=sgd, **WIDTHS)
    company = run(Config(members=8, seed=0, **settings), device=device)
    for member in (0, 5):
        alone = run(Config(members=1, seed=member, **settings), device=device)
        for a, b in zip(rows_of(company, member, member + 1), rows_of(alone, 0, 1), strict=True):
            torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


def test_members_differ_from_each_other(device):
    history = run(Config(members=3, steps=3, batch_size=32, **WIDTHS), device=device)
    for one, other in ((0, 1), (1, 2)):
        assert not torch.equal(history.samples[0, one], history.samples[0, other])
        assert not torch.equal(history.losses["critic"][:, one], history.losses["critic"][:, other])


# ---- Streams ---------------------------------------------------------------------------------------------------

POINTS = torch.arange(28.0)[:, None] * torch.tensor([1.0, -1.0])  # 5 batches an epoch: blocks end in the midst of one


def make(kind, seeds=(5, 6, 7)):
    return {
        "distribution": lambda: as_data(data.ring(), Config()).stream(2, 4, seeds, "cpu"),
        "points": lambda: EpochStream(POINTS, 3, 5, seeds, "cpu"),
        "gaussian": lambda: noise_stream("gaussian", (2, 4, 3), seeds, "cpu"),
        "uniform": lambda: noise_stream("uniform", (2, 4, 3), seeds, "cpu"),
        "mixing": lambda: noise_stream("unit", (2, 4), seeds, "cpu"),
    }[kind]()


KINDS = ["distribution", "points", "gaussian", "uniform", "mixing"]
SHAPES = {"distribution": (2, 4, 2), "points": (3, 5, 2), "gaussian": (2, 4, 3), "uniform": (2, 4, 3), "mixing": (2, 4)}


@pytest.mark.parametrize("kind", KINDS)
def test_a_member_draws_the_same_alone_and_in_company(kind):
    company, alone = make(kind), make(kind, seeds=(6,))
    for _ in range(BLOCK_STEPS + 3):
        ours, theirs = company.next(), alone.next()
        assert ours.shape == (3, *SHAPES[kind])
        assert torch.equal(ours[1:2], theirs)
        assert not torch.equal(ours[0], ours[1])


@pytest.mark.parametrize("kind", KINDS)
@given(before=st.integers(0, 150), after=st.integers(1, 70))
@settings(max_examples=15)
def test_a_stream_that_is_restored_goes_on_exactly_from_every_position(kind, before, after):
    stream, other = make(kind), make(kind)
    for _ in range(before):
        stream.next()
    state = stream.state_dict()
    expected = [stream.next().clone() for _ in range(after)]
    for _ in range(after % 5):  # wherever the other one was
        other.next()
    other.load_state_dict(state)
    again = other.state_dict()
    assert state.keys() == again.keys()
    for name, value in state.items():
        assert torch.equal(torch.as_tensor(value), torch.as_tensor(again[name]))
    for draws in expected:
        assert torch.equal(other.next(), draws)


@given(
    samples=st.integers(1, 40),
    batch_size=st.integers(1, 40),
    batches=st.integers(1, 4),
    steps=st.integers(1, 30),
)
def test_in_an_epoch_each_sample_is_used_at_most_once_and_in_an_order_of_the_members_own(
    samples, batch_size, batches, steps
):
    batch = min(batch_size, samples)
    stream = EpochStream(torch.arange(float(samples))[:, None], batches, batch, (1, 2), "cpu")
    drawn = torch.cat([stream.next().flatten(1, 2)[..., 0] for _ in range(steps)], 1)  # (2, numbers)
    assert drawn.shape == (2, steps * batches * batch)
    epoch = samples // batch * batch
    for first in range(0, drawn.shape[1], epoch):
        for member in drawn[:, first : first + epoch]:
            assert len(member.unique()) == len(member)
    if drawn.shape[1] >= 2 * epoch and epoch >= 12:  # the same order by chance: at most one in 12!
        assert not torch.equal(drawn[0, :epoch], drawn[0, epoch : 2 * epoch])
        assert not torch.equal(drawn[0, :epoch], drawn[1, :epoch])


def test_left_over_samples_get_their_turn_in_other_epochs():
    stream = EpochStream(torch.arange(7.0)[:, None], 1, 5, (0,), "cpu")
    seen = torch.cat([stream.next().flatten() for _ in range(20)])
    assert len(seen.unique()) == 7


def test_how_many_steps_a_block_has_does_not_depend_on_the_population():
    # A block is drawn in one call, so its length has a say in what is drawn: it must follow from a step's shape alone.
    for kind in KINDS:
        lengths = {make(kind, seeds=tuple(range(members))).steps for members in (1, 2, 9)}
        assert len(lengths) == 1


def test_noise_has_the_distribution_that_it_is_called_after():
    gaussian = torch.cat([noise_stream("gaussian", (1000, 2), (0,), "cpu").next() for _ in range(1)]).flatten()
    uniform = noise_stream("uniform", (1000, 2), (0,), "cpu").next().flatten()
    assert uniform.min() >= -1
    assert uniform.max() <= 1
    # 2000 draws know a mean to 0.022, a standard deviation of 1 to 0.016 and one of 0.577 to 0.006 (standard errors)
    assert abs(gaussian.mean().item()) < 0.1
    assert gaussian.std().item() == pytest.approx(1, abs=0.07)
    assert abs(uniform.mean().item()) < 0.06
    assert uniform.std().item() == pytest.approx(3**-0.5, abs=0.025)


def test_purposes_and_members_have_seeds_of_their_own_that_a_generator_can_tell_apart():
    largest = Config(members=3, seed=SEEDS - 3)
    seeds = [seed for config in (Config(members=3), largest) for purpose in PURPOSES for seed in config.seeds(purpose)]
    assert len(set(seeds)) == len(seeds) == 6 * len(PURPOSES)
    assert max(seeds) < 2**32
    assert [*Config(members=3, seed=4).seeds("noise")] == [*Config(members=9).seeds("noise")][4:7]
    with pytest.raises(ValueError, match=r"seed must leave room for 3 members below 2\^28"):
        Config(members=3, seed=SEEDS - 2)


def test_a_stream_draws_only_what_it_needs_of_memory():
    stream = noise_stream("gaussian", (5, 64, 784), (0,), "cpu")
    assert isinstance(stream, Stream)
    assert stream.steps == 1
    assert stream.next().shape == (1, 5, 64, 784)
