"""A run that was killed, stopped, damaged or extended ends with the very bits of the run that was left in peace."""

import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import warnings

import pytest
import torch

from gantut import checkpoints, data
from gantut.training import Config, Game, OutOfMemory, train
from gantut.training import _groups as groups_module

SETTINGS = dict(
    objective="wgan-gp", members=5, steps=24, batch_size=32, n_critic=2, seed=11,
    generator={"hidden": [16]}, critic={"hidden": [16]}, critic_optimizer={"name": "rmsprop", "lr": 1e-3},
)  # fmt: skip
LOOKS = dict(samples=16, record_every=3, evaluate_every=4, progress=False)


def points():
    return torch.linspace(-1, 1, 240).reshape(120, 2).sin()


def spread(samples):
    return samples.std((1, 2))


def run(folder=None, *, distribution=False, metric=spread, **options):
    settings = SETTINGS | {name: options.pop(name) for name in list(options) if name in Config.__dataclass_fields__}
    keeping = {} if folder is None else {"checkpoints": folder, "checkpoint_every": 4}
    given = data.ring() if distribution else points()
    return train(settings, options.pop("data", given), metrics={"spread": metric}, **LOOKS | keeping | options)


def bits(history):
    """Everything that a history holds, as tensors."""
    tensors = [*history.generator.state_dict().values(), *history.critic.state_dict().values()]
    for group in (history.losses, history.gradient_norms, history.metrics):
        tensors += [group[name] for name in sorted(group)]
    return [*tensors, history.steps, history.evaluated, history.samples, history.diverged]


def assert_same_run(ours, theirs):
    for a, b in zip(bits(ours), bits(theirs), strict=True):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        a, b = (x.detach().cpu().contiguous().reshape(-1).view(torch.uint8) for x in (a, b))
        assert torch.equal(a, b)


@pytest.fixture(scope="module")
def whole(device):
    """The run that nobody disturbs, on a data set and on a distribution."""
    return {distribution: run(distribution=distribution, device=device) for distribution in (False, True)}


@pytest.fixture
def threads():
    """A function that sets the number of threads for the time of a test."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


class Struck(Exception):
    pass


def strike(monkeypatch, at, error, name="critic_loss"):
    """Let the call number `at` of a loss of the game fail, after it has done its work."""
    original, calls = getattr(Game, name), itertools.count()

    def struck(*arguments):
        losses = original(*arguments)
        if next(calls) == at:
            raise error
        return losses

    monkeypatch.setattr(Game, name, struck)


# ---- Killed ----------------------------------------------------------------------------------------------------

PROGRAM = """
import json, sys, time
sys.path.insert(0, sys.argv[1])
from test_training_resume import run, spread

def slow(samples):
    print("looked", flush=True)
    time.sleep(0.04)
    return spread(samples)

run(sys.argv[2], metric=slow, **json.loads(sys.argv[3]))
"""


def start(folder, **options):
    command = [sys.executable, "-c", PROGRAM, os.path.dirname(__file__), str(folder), json.dumps(options)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def wait_for_looks(process, looks):
    for _ in range(looks):
        line = process.stdout.readline()
        assert line == "looked\n", line + process.stderr.read()


posix = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")


@posix
@pytest.mark.slow
def test_a_run_that_is_killed_at_any_moment_and_resumed_ends_with_the_same_bits(tmp_path):
    options = dict(device="cpu", evaluate_every=2, steps=60)
    expected = {distribution: run(distribution=distribution, **options) for distribution in (False, True)}
    moments, children = random.Random(0), []
    for k in range(3):
        children.append(start(tmp_path / str(k), distribution=k == 1, checkpoint_every=2, **options))
    for k, child in enumerate(children):
        wait_for_looks(child, 2 + 5 * k)
        time.sleep(moments.random() * 0.1)
        child.kill()
    for k, child in enumerate(children):
        child.communicate()
        assert child.returncode == -signal.SIGKILL
        steps = checkpoints.saved_steps(tmp_path / str(k))
        assert not steps or steps[-1] < 60
        again = run(tmp_path / str(k), distribution=k == 1, resume=True, checkpoint_every=2, **options)
        assert_same_run(again, expected[k == 1])
    assert steps, "the last one was killed late enough to have saved"


@posix
@pytest.mark.slow
def test_a_run_that_is_stopped_with_ctrl_c_saves_and_goes_on_exactly(tmp_path):
    options = dict(device="cpu", evaluate_every=2, steps=60)
    expected = run(**options)
    child = start(tmp_path, checkpoint_every=1000, **options)
    wait_for_looks(child, 6)
    time.sleep(0.03)
    child.send_signal(signal.SIGINT)
    _, errors = child.communicate()
    assert child.returncode in (1, 130, -signal.SIGINT)
    assert "KeyboardInterrupt" in errors
    (step,) = checkpoints.saved_steps(tmp_path)
    assert 8 <= step < 60
    assert_same_run(run(tmp_path, resume=True, **options), expected)


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("at", [0, 1, 30, 45])
def test_ctrl_c_in_the_middle_of_a_step_saves_a_state_between_steps(
    tmp_path, device, whole, monkeypatch, threads, at, count
):
    monkeypatch.setattr(groups_module, "CACHE_NUMBERS", 2 * 32 * 16 * 2)  # 3 groups of at most 2 members
    threads(count)
    with monkeypatch.context() as patch:
        strike(patch, at, KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path, device=device, checkpoint_every=9)
    assert_same_run(run(tmp_path, resume=True, device=device, checkpoint_every=9), whole[False])


@pytest.mark.parametrize("looks", [1, 2, 4, 7])
def test_ctrl_c_while_a_metric_is_computed_is_no_different(tmp_path, device, whole, looks):
    left = itertools.count(1)

    def interrupted(samples):
        if next(left) == looks:
            raise KeyboardInterrupt
        return spread(samples)

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, metric=interrupted, device=device, checkpoint_every=1000)
    assert checkpoints.saved_steps(tmp_path) == ([4 * (looks - 2)] if looks > 2 else [])
    assert_same_run(run(tmp_path, resume=True, device=device), whole[False])


def test_ctrl_c_just_after_a_checkpoint_was_written_stays_a_ctrl_c(tmp_path, device, whole, monkeypatch):
    original = checkpoints.save

    def then_interrupted(*arguments):
        original(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "save", then_interrupted)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path, device=device)
    assert checkpoints.saved_steps(tmp_path) == [4]
    assert_same_run(run(tmp_path, resume=True, device=device), whole[False])


@pytest.mark.parametrize("distribution", [False, True], ids=["points", "distribution"])
@pytest.mark.parametrize("at", [1, 11, 23])
def test_a_run_that_fails_goes_on_from_its_last_checkpoint(tmp_path, device, whole, monkeypatch, at, distribution):
    with monkeypatch.context() as patch:
        patch.setattr(groups_module, "CACHE_NUMBERS", 2**30)
        strike(patch, at, Struck(), "generator_loss")
        with pytest.raises(Struck):
            run(tmp_path, device=device, distribution=distribution)
    assert_same_run(run(tmp_path, resume=True, device=device, distribution=distribution), whole[distribution])


def test_memory_that_runs_out_is_explained_and_nothing_is_lost(tmp_path, device, whole, monkeypatch):
    no_memory = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB\nmore lines")
    with monkeypatch.context() as patch:
        strike(patch, 9, no_memory, "generator_loss")
        with pytest.raises(OutOfMemory) as caught:
            run(tmp_path, device=device)
    message = str(caught.value)
    for part in ("5 members", "batches of 32", "lower members, batch_size, samples (16)", "of 24 steps", str(tmp_path)):
        assert part in message
    assert "Tried to allocate 2.00 GiB" in message
    assert "more lines" not in message
    assert_same_run(run(tmp_path, resume=True, device=device), whole[False])


def test_memory_that_runs_out_at_the_first_look_is_explained_too(device):
    def greedy(samples):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    with pytest.raises(OutOfMemory, match="lower members, batch_size"):
        run(metric=greedy, device=device)


# ---- Resumed otherwise -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def made(tmp_path_factory, device):
    """A folder with checkpoints of steps 8 and 12 of the run, made once."""
    folder, left = tmp_path_factory.mktemp("made") / "half", itertools.count(1)

    def failing(samples):
        if next(left) == 5:  # after 16 steps, before they are saved
            raise Struck
        return spread(samples)

    with pytest.raises(Struck):
        run(folder, metric=failing, device=device)
    assert checkpoints.saved_steps(folder)[-1] == 12
    return folder


@pytest.fixture
def half(tmp_path, made):
    """A copy of it, to be damaged."""
    return shutil.copytree(made, tmp_path / "half")


def truncate(path):
    path.write_bytes(path.read_bytes()[:-100])


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


def replace(path):
    path.write_bytes(b"something else altogether")


@pytest.mark.parametrize("damage", [truncate, flip, replace, os.unlink])
@pytest.mark.parametrize("file", ["checkpoint.json", "weights.safetensors", "state.safetensors"])
def test_a_damaged_newest_checkpoint_is_passed_over_and_the_end_is_the_same(half, device, whole, damage, file):
    damage(half / "step-00000012" / file)
    with pytest.warns(UserWarning, match="a checkpoint that cannot be used") as warned:
        again = run(half, resume=True, device=device)
    first, second = (str(warning.message) for warning in warned)
    assert "skipped a checkpoint that cannot be used" in first
    assert "is now called step-00000012.set-aside" in second
    assert_same_run(again, whole[False])
    assert checkpoints.saved_steps(half)[-1] == 24


def test_where_all_are_damaged_nothing_is_begun_anew_nor_overwritten(half, device):
    for folder in half.iterdir():
        flip(folder / "weights.safetensors")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(checkpoints.CheckpointError, match="no checkpoint that can be used"):
            run(half, resume=True, device=device)


@pytest.mark.parametrize(("first", "second"), [(1, 2), (2, 1)])
def test_another_number_of_threads_goes_on_with_the_same_bits(
    tmp_path, device, whole, monkeypatch, threads, first, second
):
    threads(first)
    run(tmp_path, steps=12, device=device)
    threads(second)
    monkeypatch.setattr(groups_module, "CACHE_NUMBERS", 2**10)  # and a group for each member
    assert_same_run(run(tmp_path, resume=True, device=device), whole[False])


@pytest.mark.parametrize("evaluate_every", [10, 20])  # 20 does not divide 50: the first run looks once more, at its end
def test_a_run_of_50_steps_that_is_extended_to_100_is_the_run_of_100(tmp_path, device, evaluate_every):
    options = dict(device=device, evaluate_every=evaluate_every, members=2)
    first = run(tmp_path, steps=50, **options)
    assert first.evaluated[-1] == 50
    assert_same_run(run(tmp_path, steps=100, resume=True, **options), run(steps=100, **options))


def test_what_is_not_asked_for_again_goes_on_as_it_was(tmp_path, device):
    first = run(tmp_path, device=device)
    again = train(SETTINGS | {"steps": 32}, points(), metrics={"spread": spread}, checkpoints=tmp_path, resume=True,
                  samples=16, device=device)  # fmt: skip
    assert again.steps.tolist() == [*range(3, 33, 3)]
    assert again.evaluated.tolist() == [*range(0, 33, 4)]
    assert torch.equal(again.samples[:7], first.samples)


def test_a_run_that_is_finished_is_returned_as_it_ended(tmp_path, device, whole):
    run(tmp_path, device=device)
    assert_same_run(run(tmp_path, resume=True, device=device), whole[False])


def test_a_run_that_is_to_be_resumed_but_was_never_saved_begins(tmp_path, device, whole):
    assert_same_run(run(tmp_path / "new", resume=True, device=device), whole[False])


OTHER = {
    "objective": dict(objective="wgan-lp"),
    "members": dict(members=4),
    "seed": dict(seed=12),
    "batch_size": dict(batch_size=16),
    "n_critic": dict(n_critic=3),
    "optimizer": dict(optimizer={"name": "adam", "lr": 1e-3}),
    "critic_optimizer": dict(critic_optimizer={"name": "rmsprop", "lr": 2e-3}),
    "constraint": dict(constraint={"name": "gradient-penalty", "weight": 5.0}),
    "noise": dict(noise="uniform"),
    "latent_dim": dict(latent_dim=3),
    "generator": dict(generator={"hidden": [16], "activation": "tanh"}),
    "critic": dict(critic={"hidden": [17]}),
    "learn_generator": dict(learn_generator=False),
    "samples": dict(samples=17),
    "record_every": dict(record_every=4),
    "evaluate_every": dict(evaluate_every=8),
    "data": dict(data=points() + 1e-6),
}


@pytest.mark.parametrize(("name", "other"), OTHER.items(), ids=OTHER)
def test_a_run_is_not_resumed_with_other_settings_or_data(half, device, name, other):
    before = sorted(half.rglob("*"))
    with pytest.raises(ValueError, match=rf"(?<!\w){name}(?!\w)") as caught:
        run(half, resume=True, device=device, **other)
    assert str(half) in str(caught.value)
    assert sorted(half.rglob("*")) == before


def test_a_run_is_not_resumed_with_other_metrics(half, device):
    with pytest.raises(ValueError, match=r"metrics must be \['spread'\].*, not \['other', 'spread'\]"):
        train(SETTINGS, points(), metrics={"other": spread, "spread": spread}, checkpoints=half, resume=True,
              device=device, **LOOKS)  # fmt: skip


@pytest.mark.parametrize(
    "other", [data.ring(7), data.ring(8, std=0.11), data.ring(8, radius=2.001), data.parallel_lines(1.0)[0], points()]
)
def test_a_run_on_a_distribution_is_not_resumed_on_another(tmp_path, device, other):
    run(tmp_path, distribution=True, steps=4, device=device)
    with pytest.raises(ValueError, match=f"data must be those of the run in {tmp_path}"):
        run(tmp_path, resume=True, data=other, device=device)


def test_a_run_is_not_resumed_for_less(half, device):
    with pytest.raises(ValueError, match=r"steps must be at least 12, which the run in .* has done, not 11"):
        run(half, resume=True, steps=11, device=device)


def test_a_folder_that_holds_a_run_is_not_begun_anew(half, device):
    with pytest.raises(ValueError, match=r"half holds a run of 12 steps: resume=True goes on with it; for a new run"):
        run(half, device=device)


def test_checkpoints_of_something_else_are_refused(tmp_path, device):
    checkpoints.save(tmp_path, 3, {"w": torch.ones(2)})
    with pytest.raises(ValueError, match="step-00000003 is not of a training run: name another folder"):
        run(tmp_path, resume=True, device=device)


@pytest.mark.parametrize("options", [dict(resume=True), dict(checkpoint_every=3)])
def test_keeping_needs_a_folder(options):
    with pytest.raises(ValueError, match="checkpoints must name a folder"):
        run(**options)


def test_a_moved_folder_is_still_the_run(half, device, whole, tmp_path):
    shutil.move(half, tmp_path / "moved")
    assert_same_run(run(tmp_path / "moved", resume=True, device=device), whole[False])


# ---- The best ---------------------------------------------------------------------------------------------------


def falling_and_rising():
    """A metric that is 5, 3, 4, 1 and then 2, in the median of five members, one of which is lost."""
    values = iter([5.0, 3.0, 4.0, 1.0, 2.0])
    seen = []

    def metric(samples):
        seen.append(samples.shape[1])
        value = next(values)
        return torch.tensor([value - 1, value, value, value + 9, torch.nan])

    return metric, seen


def test_the_run_is_kept_as_it_was_when_a_metric_was_least(tmp_path):
    metric, seen = falling_and_rising()
    history = run(tmp_path, metric=metric, metric_samples=20, best="spread", steps=16, device="cpu")
    assert seen == [20] * 5
    assert history.samples.shape[2] == LOOKS["samples"]
    assert checkpoints.saved_steps(tmp_path / "best") == [12]
    best, latest = checkpoints.load_latest(tmp_path / "best"), checkpoints.load_latest(tmp_path)
    assert latest.step == 16
    assert best.config == latest.config
    shorter = run(steps=12, device="cpu")
    ours = {name.removeprefix("generator."): w for name, w in best.weights.items() if name.startswith("generator.")}
    assert all(torch.equal(tensor, ours[name]) for name, tensor in shorter.generator.state_dict().items())


def test_the_best_of_steps_that_are_taken_again_is_kept_once(tmp_path):
    run(tmp_path, best="spread", steps=8, device="cpu")
    kept = checkpoints.saved_steps(tmp_path / "best")
    for step in checkpoints.saved_steps(tmp_path)[1:]:  # as if the process had been killed before it saved these
        shutil.rmtree(tmp_path / f"step-{step:08d}")
    run(tmp_path, best="spread", steps=8, device="cpu", resume=True)
    assert checkpoints.saved_steps(tmp_path / "best") == kept


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(best="spread"), "best must be None without checkpoints"),
        (dict(best="KID"), "best must be"),
        (dict(metric_samples=0), "metric_samples"),
    ],
)
def test_the_best_needs_a_metric_and_a_folder(options, message):
    with pytest.raises(ValueError, match=message):
        run(device="cpu", **options)
