"""Steps that are captured and replayed are the steps that were written, or they are not replayed."""

import warnings

import pytest
import torch
from training_groups import groups_of

from gantut import data
from gantut.training import Architecture, Config, train
from gantut.training._replay import WARM, CUDAGraphStep, Recording, tensor_cores

SMALL = dict(members=3, batch_size=8, generator=Architecture((9,)), critic=Architecture((11,)), steps=10)
GAMES = [
    dict(objective="non-saturating"),
    dict(objective="feature-matching", n_critic=2),
    dict(objective="wgan", n_critic=2),
    dict(objective="wgan-gp", n_critic=2),
    dict(objective="minimax", optimizer={"name": "sgd", "lr": 0.1, "momentum": 0.5}),
]


def group_of(config):
    """The members of a small game, all in one group."""
    (group,) = groups_of(config, data.ring())
    return group


def tape_for(group, spoil=None):
    """Let a tape stand in for the CUDA graph of a group's steps."""
    tape = Tape(group.memory, spoil)
    group.step = CUDAGraphStep(group.step, group.memory, tape.record)
    return tape


class Tape:
    """Stands in for a CUDA graph: holds on to the memory it was recorded with, and repeats the work on it.

    Like a graph, it does not run the work while it records, returns the same memory from every replay, and refuses
    a look at the values in between.
    """

    def __init__(self, memory, spoil=None):
        self.memory, self.spoil, self.replays = memory, spoil, 0

    def record(self, step, draws):
        before = [tensor.detach().clone() for tensor in self.memory()]
        places = [tensor.data_ptr() for tensor in self.memory()]
        outputs = {name: loss.clone() for name, loss in step(draws).items()}
        with torch.no_grad():
            for tensor, value in zip(self.memory(), before, strict=True):
                tensor.copy_(value)

        def replay():
            self.replays += 1
            assert places == [tensor.data_ptr() for tensor in self.memory()]
            for name, loss in step(draws).items():
                outputs[name].copy_(loss)
            if self.spoil:
                self.spoil(self.memory(), outputs)

        return Recording(replay, outputs)


@pytest.mark.parametrize("settings", GAMES, ids=lambda settings: settings["objective"])
def test_replayed_steps_are_the_steps_as_written_bit_for_bit(settings):
    written, replayed = (group_of(Config(**SMALL, **settings)) for _ in range(2))
    tape = tape_for(replayed)
    losses = [group.advance(10, record_every=1, done=0) for group in (written, replayed)]
    assert tape.replays == 10 - WARM
    for name, rows in losses[0].items():
        assert torch.equal(torch.stack(rows), torch.stack(losses[1][name])), name
    for one, other in zip(written.memory(), replayed.memory(), strict=True):
        assert torch.equal(one, other)


def test_what_a_step_changes_is_all_in_the_memory_that_is_named():
    """Putting the memory back undoes a step: nothing else remembers it, but the streams that it was given."""
    for settings in GAMES:
        group = group_of(Config(**SMALL, **settings))
        group.advance(2, record_every=1, done=0)
        draws = next(group.draws())
        before, found = [tensor.detach().clone() for tensor in group.memory()], []
        for _ in range(2):
            found.append((group.step(draws), [tensor.detach().clone() for tensor in group.memory()]))
            with torch.no_grad():
                for tensor, value in zip(group.memory(), before, strict=True):
                    tensor.copy_(value)
        (one, values), (other, again) = found
        assert all(torch.equal(one[name], other[name]) for name in one)
        assert all(torch.equal(a, b) for a, b in zip(values, again, strict=True))


def lose_a_gradient(memory, outputs):
    memory[0][0] += 1e-3


def forget_a_loss(memory, outputs):
    outputs["critic"][-1] += 1.0


def come_to_nothing(memory, outputs):
    memory[2].fill_(torch.nan)


@pytest.mark.parametrize("spoil", [lose_a_gradient, forget_a_loss, come_to_nothing])
def test_a_recording_that_does_not_repeat_its_step_is_not_used(spoil):
    written, group = (group_of(Config(**SMALL, objective="wgan-gp")) for _ in range(2))
    tape = tape_for(group, spoil)
    expected = written.advance(10, record_every=1, done=0)
    with pytest.warns(UserWarning, match="without a CUDA graph, .*: replayed, it does not repeat"):
        found = group.advance(10, record_every=1, done=0)
    assert tape.replays == 1
    assert torch.equal(torch.stack(found["critic"]), torch.stack(expected["critic"]))
    assert torch.equal(group.generator.values, written.generator.values)


def test_a_step_that_cannot_be_captured_runs_as_written():
    written, group = (group_of(Config(**SMALL)) for _ in range(2))

    def record(step, draws):
        step(draws)  # changes memory before it fails, as a capture that is broken off may
        raise RuntimeError("operation not permitted when stream is capturing\nand more of the kind")

    group.step = CUDAGraphStep(group.step, group.memory, record)
    written.advance(10, record_every=1, done=0)
    with pytest.warns(UserWarning, match="slower: operation not permitted when stream is capturing$"):
        group.advance(10, record_every=1, done=0)
    assert torch.equal(group.critic.values, written.critic.values)


def test_a_member_that_has_diverged_does_not_stop_the_recording_of_the_others():
    group = group_of(Config(**SMALL))
    group.generator.values[1] = torch.nan
    tape = tape_for(group)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        group.advance(10, record_every=1, done=0)
    assert tape.replays == 10 - WARM


def test_on_the_cpu_steps_are_not_captured_and_asking_for_it_is_refused():
    with pytest.raises(ValueError, match="cuda_graph must be False or None here, not True: the device is cpu"):
        train(Config(steps=1), data.ring(), device="cpu", cuda_graph=True)
    with pytest.raises(ValueError, match="cuda_graph must be False or None here, not True: unrolling and spectral"):
        train(Config(steps=1, unrolled=2), data.ring(), device="cpu", cuda_graph=True)
    lazy = {"name": "zero-centred-penalty", "every": 2}
    with pytest.raises(ValueError, match="in every k-th step only changes"):
        train(Config(steps=1, constraint=lazy), data.ring(), device="cpu", cuda_graph=True)
    with pytest.raises(ValueError, match="cuda_graph must be"):
        train(Config(steps=1), data.ring(), device="cpu", cuda_graph="yes")


def test_products_are_rounded_and_convolutions_ordered_on_cuda_only_and_only_within():
    def settings():
        return torch.get_float32_matmul_precision(), torch.backends.cudnn.deterministic

    before = settings()
    with tensor_cores(torch.device("cpu")):
        assert settings() == before
    with tensor_cores(torch.device("cuda")):
        assert settings() == ("high", True)
    assert settings() == before


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("settings", GAMES, ids=lambda settings: settings["objective"])
def test_on_cuda_a_graph_trains_what_the_steps_as_written_train(settings):
    """A few steps: roundings of other kernels grow from step to step, and Adam's first steps are of full size."""
    config = Config(**SMALL | {"steps": 12}, **settings)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # the graph is used
        graph = train(config, data.ring(), device="cuda", cuda_graph=True, record_every=1)
    written = train(config, data.ring(), device="cuda", cuda_graph=False, record_every=1)
    for name, losses in written.losses.items():
        torch.testing.assert_close(graph.losses[name], losses, rtol=0.02, atol=0.02)
