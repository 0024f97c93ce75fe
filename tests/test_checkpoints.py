"""Checkpoints: whole or not at all, exact to the last bit, and safe to read whatever is in them."""

import collections
import contextlib
import errno
import hashlib
import itertools
import json
import math
import os
import pickle
import random
import shutil
import stat
import struct
import subprocess
import sys
import textwrap
import threading
import warnings
import zipfile

import numpy as np
import pytest
import safetensors
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gantut import checkpoints
from gantut.checkpoints import (
    LIMITS,
    CheckpointError,
    CheckpointTooNew,
    _files,
    _folder,
    load,
    load_latest,
    save,
    saved_steps,
)
from gantut.checkpoints._tensors import DTYPES

FILES = ["checkpoint.json", "checkpoint.json.sha256", "state.safetensors", "weights.safetensors"]
posix = pytest.mark.skipif(os.name == "nt", reason="signals and folder permissions of POSIX")


def bits(tensor):
    """A tensor's bytes in row-major order."""
    return tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()


def assert_same(a, b):
    """The same types, the same order, the same bits."""
    assert type(a) is type(b)
    if isinstance(a, torch.Tensor):
        assert (a.dtype, a.shape, bits(a)) == (b.dtype, b.shape, bits(b))
    elif isinstance(a, dict):
        assert [*map(repr, a)] == [*map(repr, b)]
        for one, other in zip(a.values(), b.values(), strict=True):
            assert_same(one, other)
    elif isinstance(a, list | tuple):
        assert len(a) == len(b)
        for one, other in zip(a, b, strict=True):
            assert_same(one, other)
    elif isinstance(a, float):
        assert struct.pack(">d", a) == struct.pack(">d", b)
    else:
        assert a == b


def content(step):
    """What the tests save at a step: all of it tells which step it was."""
    weights = {"critic.weight": torch.full((50, 40), float(step)), "critic.bias": torch.full((7,), step)}
    return (
        weights,
        {"step": step, "moments": {0: torch.full((300,), step)}, "rng": torch.arange(16) + step},
        {"lr": 0.1},
    )


def assert_is(checkpoint, step):
    """The checkpoint is that of `content(step)`, all of it."""
    weights, state, config = content(step)
    assert checkpoint.step == step
    assert_same(dict(sorted(checkpoint.weights.items())), dict(sorted(weights.items())))
    assert_same(checkpoint.state, state)
    assert_same(checkpoint.config, config)


def corrupt(path, position, mask):
    data = bytearray(path.read_bytes())
    data[position] ^= mask
    path.write_bytes(data)


def run(program, *arguments, timeout=120):
    """Run a program in a new process; return what it printed."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=timeout,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# ---- Exact ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_tensors_of_every_type_come_back_bit_by_bit(tmp_path, device, rng, dtype):
    noise = torch.randint(
        0, 256, (6, 5, 8), dtype=torch.uint8, generator=rng
    )  # all bits, NaNs of every kind among them
    values = noise > 127 if dtype is torch.bool else noise.view(dtype)
    values = values.to(device)
    tensors = {
        "dense": values,
        "transposed": values.transpose(0, 1),
        "strided": values[::2, 1:, ::2] if values.shape[2] > 1 else values[::2, 1:],
        "expanded": values[:1].expand(3, *values.shape[1:]),
        "row of the same memory": values[0],
        "number": values[0, 0, 0],
        "empty": values[:0],
        "": values[0, :1],
        "名前/..\\.": values[1],
    }
    save(tmp_path, 7, tensors, {"nested": [tensors["transposed"], (tensors["number"], tensors["empty"])]})
    back = load_latest(tmp_path, device=device)
    assert back.weights.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert_same(back.weights[name], tensor)
        assert back.weights[name].device.type == device.type
    transposed, (number, empty) = back.state["nested"]
    assert_same([transposed, number, empty], [tensors[name].cpu() for name in ("transposed", "number", "empty")])
    assert number.device.type == "cpu"


DTYPES_OF_NUMPY = st.sampled_from([torch.float64, torch.float32, torch.bfloat16, torch.int64, torch.uint8])
TENSORS = st.builds(
    lambda shape, seed, dtype: (
        torch.randn(shape, generator=torch.Generator().manual_seed(seed)).mul(100).abs().to(dtype)
    ),
    st.lists(st.integers(0, 3), max_size=3),
    st.integers(0, 1000),
    DTYPES_OF_NUMPY,
)
NUMBERS = st.integers() | st.floats(allow_nan=True) | st.booleans() | st.integers(-(2**70), 2**70)
TEXT = st.text(st.characters(), max_size=5) | st.sampled_from(
    ["$tensor", "$", "__metadata__", "\ud800", "a.b", "['a']"]
)
KEYS = st.recursive(
    st.none() | TEXT | st.booleans() | st.integers() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=2).map(tuple),
    max_leaves=3,
)
NESTED = st.recursive(
    st.none() | NUMBERS | TEXT | TENSORS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.lists(inner, max_size=3).map(tuple) | st.dictionaries(KEYS, inner, max_size=3)
    ),
    max_leaves=8,
)


@given(state=NESTED)
@settings(max_examples=150)
def test_every_nested_value_comes_back_with_its_types_its_order_and_its_bits(tmp_path_factory, state):
    folder = tmp_path_factory.mktemp("run")
    back = load(save(folder, 0, {}, state))
    assert_same(back.state, state)
    shutil.rmtree(folder)


def test_numbers_at_the_edges_come_back(tmp_path):
    quiet_nan_with_a_payload = struct.unpack(">d", bytes.fromhex("fff8000000abcdef"))[0]
    state = [math.inf, -math.inf, -0.0, 5e-324, 1.7976931348623157e308, quiet_nan_with_a_payload, 0.1 + 0.2]
    state += [2**53, 2**53 + 1, -(2**53) - 1, 2**200, 10**6000, True, 1, 1.0, {1: "int", "1": "str"}, {}, [], (), ((),)]
    state += [{"$tuple": [1]}, {"$": 1, "a": 2}, {"$tensor": "state"}]  # what the files themselves use
    config = {"clip": math.inf, "widths": (1, 2), "name": "überall", "nested": {"a": [None, False]}}
    save(tmp_path, 0, {}, state, config)
    assert_same(load_latest(tmp_path).state, state)
    assert_same(load_latest(tmp_path).config, config)
    text = (tmp_path / "step-00000000" / "checkpoint.json").read_text()
    assert str(2**53) in text, "and other readers of JSON, that know doubles only, find no number that they must round"
    assert str(2**53 + 1) not in text


def test_a_view_that_negates_what_it_shows_is_stored_as_it_is_seen(tmp_path):
    strided = torch.tensor([1 + 2j, 3 - 4j]).conj().imag
    contiguous = torch.tensor([1 + 2j]).conj().imag
    assert strided.is_neg()
    assert contiguous.is_neg()
    weights = load(save(tmp_path, 0, {"strided": strided, "contiguous": contiguous})).weights
    assert weights["strided"].tolist() == [-2.0, 4.0]
    assert weights["contiguous"].tolist() == [-2.0]


def test_a_plain_configuration_is_stored_as_the_json_that_it_is(tmp_path):
    config = {"lr": 5e-5, "n_critic": 5, "widths": [64, 64], "loss": "wgan", "seed": None}
    record = json.loads((save(tmp_path, 3, {}, None, config) / "checkpoint.json").read_text())
    assert record["config"] == config
    assert record["step"] == 3


def test_a_value_as_deep_as_allowed_can_be_loaded_and_a_deeper_one_is_refused(tmp_path):
    for leaf in (1, math.inf, 2**80, torch.ones(1), (), {}, {1: ()}):
        containers = 0 if not isinstance(leaf, tuple | dict) else 1 if not leaf else 2
        for wrap in (lambda x: [x], lambda x: (x,), lambda x: {"key": x}, lambda x: {1: x}):
            value = leaf
            for _ in range(LIMITS.depth - containers):
                value = wrap(value)
            shutil.rmtree(tmp_path / "run", ignore_errors=True)
            assert_same(load(save(tmp_path / "run", 0, {}, value)).state, value)
            with pytest.raises(ValueError, match="nested too deeply"):
                save(tmp_path / "other", 0, {}, wrap(value))
    loop = []
    loop.append(loop)
    with pytest.raises(ValueError, match="nested too deeply, or contains itself"):
        save(tmp_path / "other", 0, {}, loop)
    key = 0
    for _ in range(LIMITS.depth + 1):
        key = (key,)
    with pytest.raises(ValueError, match="nested too deeply"):
        save(tmp_path / "other", 0, {}, {key: 0})


def test_an_ordered_dict_comes_back_as_a_dict_and_weights_may_be_a_module(tmp_path):
    module = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    module(torch.randn(4, 3))  # moves the running statistics
    state = module.state_dict()
    assert type(state) is collections.OrderedDict
    save(tmp_path, 0, module, {"copy": state})
    back = load_latest(tmp_path)
    assert type(back.state["copy"]) is dict
    other = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    other.load_state_dict(back.weights)
    assert_same(dict(other.state_dict()), dict(state))
    assert list(back.state["copy"]) == list(state)


def test_random_generators_go_on_where_they_were(tmp_path, device):
    sources = [torch.Generator().manual_seed(3), torch.Generator(device=device).manual_seed(4)]
    numpy_source = np.random.default_rng(5)
    for source in sources:
        torch.randn(101, generator=source, device=source.device)  # an odd number: half of a pair may wait inside
    numpy_source.standard_normal(101)
    save(tmp_path, 1, {}, [[source.get_state() for source in sources], numpy_source.bit_generator.state])
    expected = [torch.randn(1000, generator=source, device=source.device) for source in sources]
    expected_of_numpy = numpy_source.standard_normal(1000)

    states, state_of_numpy = load_latest(tmp_path, device=device).state
    for source, state, values in zip(sources, states, expected, strict=True):
        fresh = torch.Generator(device=source.device)
        fresh.set_state(state)
        assert_same(torch.randn(1000, generator=fresh, device=source.device), values)
    fresh = np.random.default_rng()
    fresh.bit_generator.state = state_of_numpy
    assert (fresh.standard_normal(1000) == expected_of_numpy).all()


TRAINING = """
    import hashlib, sys, torch
    from gantut.checkpoints import load_latest, save

    OPTIMIZERS = {
        "Adam": lambda p: torch.optim.Adam(p, lr=1e-2, betas=(0.5, 0.9)),
        "AMSGrad": lambda p: torch.optim.Adam(p, lr=1e-2, amsgrad=True, weight_decay=1e-3),
        "RMSprop": lambda p: torch.optim.RMSprop(p, lr=1e-3, centered=True, momentum=0.5),
        "SGD": lambda p: torch.optim.SGD(p, lr=1e-2, momentum=0.9, nesterov=True),
    }

    def train(name, last, folder, save_at=None, resume=False):
        torch.manual_seed(7)
        net = torch.nn.Sequential(
            torch.nn.Linear(5, 33), torch.nn.BatchNorm1d(33), torch.nn.ReLU(),
            torch.nn.Dropout(0.3), torch.nn.Linear(33, 1),
        )
        optimizer, source, first = OPTIMIZERS[name](net.parameters()), torch.Generator().manual_seed(1), 0
        if resume:
            first, weights, state, *_ = load_latest(folder)
            net.load_state_dict(weights)
            optimizer.load_state_dict(state["optimizer"])
            source.set_state(state["data"])
            torch.set_rng_state(state["dropout"])
        for step in range(first, last):
            x = torch.randn(17, 5, generator=source)
            loss = (net(x) - x.sum(1, keepdim=True)).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if step + 1 == save_at:
                generators = {"data": source.get_state(), "dropout": torch.get_rng_state()}
                save(folder, step + 1, net, {"optimizer": optimizer.state_dict(), **generators})
        parts = [tensor.numpy().tobytes() for tensor in net.state_dict().values()]
        return hashlib.sha256(b"".join(parts)).hexdigest()

    folder, what = sys.argv[1:]
    for name in OPTIMIZERS:
        if what == "whole":
            whole = train(name, 20, f"{folder}/{name}", save_at=10)
            assert whole != train(name, 10, None), "the last ten steps do something"
            print(name, whole)
        else:
            print(name, train(name, 20, f"{folder}/{name}", resume=True))
"""


@pytest.mark.slow
def test_training_that_is_resumed_in_a_new_process_ends_with_the_same_bits(tmp_path):
    whole = run(TRAINING, tmp_path, "whole")
    assert len(whole.splitlines()) == len(set(whole.split())) / 2 == 4
    assert run(TRAINING, tmp_path, "resumed") == whole


# ---- What cannot be stored exactly is refused ---------------------------------------------------------------


class Point(collections.namedtuple("Point", "x y")):
    pass


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"state": {"a": [{1, 2}]}}, r"state\['a'\]\[0\] must be a dict, list, .* not builtins.set"),
        ({"state": np.zeros(3)}, r"state must be .*, not numpy.ndarray"),
        ({"state": [np.float64(1)]}, r"state\[0\] must be .*, not numpy.float64"),
        ({"state": (1, 2j)}, r"state\[1\] must be .*, not builtins.complex"),
        ({"state": Point(1, 2)}, r"state must be .*Point"),
        ({"state": b"bytes"}, r"state must be .*, not builtins.bytes"),
        ({"state": torch.Generator()}, r"state must be .*, not torch.*Generator"),
        ({"state": collections.Counter("aab")}, r"state must be .*, not collections.Counter"),
        ({"state": {math.nan: 1}}, r"state must have keys that are strings, numbers, None .*, not nan"),
        ({"state": {torch.float32: 1}}, r"state must have keys .*, not torch.float32"),
        ({"state": {"a": {(1, frozenset()): 1}}}, r"state\['a'\] must have keys"),
        (
            {"state": {"a": torch.zeros(2, dtype=torch.complex64)}},
            r"state\[\"state\['a'\]\"\] must be .* not torch.complex64",
        ),
        ({"state": torch.eye(3).to_sparse()}, "ordinary dense tensor"),
        ({"weights": {"w": torch.zeros(3, device="meta")}}, r"weights\['w'\] must be an ordinary dense tensor"),
        ({"weights": {"w": 1.0}}, r"weights\['w'\] must be a tensor, not a float"),
        ({"weights": {1: torch.zeros(1)}}, "weights must have names that are text"),
        ({"weights": {"\ud800": torch.zeros(1)}}, "weights must have names that are text"),
        (
            {"weights": {"__metadata__": torch.zeros(1)}},
            "weights must have names that are text, and not '__metadata__'",
        ),
        ({"weights": [torch.zeros(1)]}, "weights must be a module or a mapping"),
        ({"config": {"scale": torch.zeros(1)}}, r"config\['scale'\] must not be a tensor"),
        ({"config": {"activation": torch.relu}}, r"config\['activation'\] must be"),
        ({"step": -1}, "step must be a whole number of at least 0, not -1"),
        ({"step": True}, "step must be a whole number"),
        ({"keep": 0}, "keep must be a whole number of at least 1, not 0"),
        (
            {"limits": LIMITS._replace(tensors=1), "state": [torch.zeros(1), torch.zeros(1)]},
            "limits must be wider: .* 2 t",
        ),
        (
            {"limits": LIMITS._replace(header_bytes=10), "state": torch.zeros(1)},
            "limits must be wider: .* has a header",
        ),
        ({"limits": LIMITS._replace(total_bytes=500), "state": torch.zeros(200)}, "limits must allow for .* only 500"),
        (
            {"limits": LIMITS._replace(json_bytes=900), "state": list(range(100))},
            "state and config must take at most 900 b",
        ),
    ],
)
def test_what_cannot_be_stored_is_named_and_nothing_is_written(tmp_path, arguments, message):
    with pytest.raises(ValueError, match=message):
        save(**{"folder": tmp_path / "run", "step": 1, "weights": {}, **arguments})
    assert not (tmp_path / "run").exists()


# ---- A folder is the history of one run --------------------------------------------------------------------


def test_the_newest_are_kept_and_the_older_ones_deleted(tmp_path):
    for step in range(1, 6):
        save(tmp_path, step, *content(step), keep=3)
    assert saved_steps(tmp_path) == [3, 4, 5]
    assert sorted(os.listdir(tmp_path)) == [f"step-{step:08d}" for step in (3, 4, 5)], "and nothing else is left"
    assert sorted(os.listdir(tmp_path / "step-00000005")) == FILES
    for step in (3, 4, 5):
        assert_is(load(tmp_path / f"step-{step:08d}"), step)
    save(tmp_path, 123_456_789_012, *content(6), keep=None)
    assert saved_steps(tmp_path) == [3, 4, 5, 123_456_789_012]
    assert load_latest(tmp_path).path == tmp_path / "step-123456789012"


def test_damaged_ones_do_not_count_among_those_that_are_kept(tmp_path):
    for step in (1, 2):
        save(tmp_path, step, *content(step))
    corrupt(tmp_path / "step-00000002" / "weights.safetensors", -1, 1)
    save(tmp_path, 3, *content(3))
    assert saved_steps(tmp_path) == [1, 2, 3], "step 1 is the second good one"
    save(tmp_path, 4, *content(4))
    assert saved_steps(tmp_path) == [3, 4]


@pytest.mark.parametrize("step", [0, 10, 20])
def test_a_run_does_not_write_over_another_one(tmp_path, step):
    for earlier in (10, 20):
        save(tmp_path, earlier, *content(earlier))
    with pytest.raises(ValueError, match=f"step must be more than 20, the last one that .* holds, not {step}: go on"):
        save(tmp_path, step, *content(0), keep=1)
    assert saved_steps(tmp_path) == [10, 20]
    assert_is(load_latest(tmp_path), 20)


def test_a_damaged_checkpoint_in_the_way_is_set_aside_and_not_deleted(tmp_path):
    for step in (10, 20, 30):
        save(tmp_path, step, *content(step), keep=3)
    for step in (20, 30):
        corrupt(tmp_path / f"step-{step:08d}" / "state.safetensors", 100, 4)
    damaged = {step: (tmp_path / f"step-{step:08d}" / "state.safetensors").read_bytes() for step in (20, 30)}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        save(tmp_path, 20, *content(20))
    for step, warning in zip((30, 20), caught, strict=True):
        assert f"is now called step-{step:08d}.set-aside-" in str(warning.message)
        assert "state.safetensors is damaged" in str(warning.message)
    assert saved_steps(tmp_path) == [10, 20]
    assert_is(load_latest(tmp_path), 20)
    for step, data in damaged.items():
        (aside,) = tmp_path.glob(f"step-{step:08d}.set-aside-*")
        assert (aside / "state.safetensors").read_bytes() == data


def test_files_that_are_not_ours_are_never_touched(tmp_path):
    save(tmp_path, 1, *content(1), keep=1)
    foreign = ["notes.txt", "step-1", "step-00000000000", ".step-00000001-xyz.unfinished", "step-00000009.safetensors"]
    for name in foreign:
        (tmp_path / name).write_text(name)
    (tmp_path / "step-00000001" / "why-this-one-matters.txt").write_text("samples look sharp")
    mine = tmp_path / ".step-00000002-0123abcd.unfinished"  # a leftover, but somebody put a file into it
    mine.mkdir()
    (mine / "weights.safetensors").write_text("half")
    (mine / "notes.txt").write_text("kept")
    for step in (2, 3):
        save(tmp_path, step, *content(step), keep=1)
    assert saved_steps(tmp_path) == [1, 3], "step 1 holds a file of somebody's"
    assert_is(load(tmp_path / "step-00000001"), 1)
    for name in foreign:
        assert (tmp_path / name).read_text() == name
    assert os.listdir(mine) == ["notes.txt"]


@posix
def test_what_a_save_that_was_killed_left_behind_is_cleaned_up(tmp_path):
    left, elsewhere = tmp_path / "run" / ".step-00000004-0123abcd.unfinished", tmp_path / "elsewhere"
    left.mkdir(parents=True)
    elsewhere.mkdir()
    for folder in (left, elsewhere):
        for name in FILES[:2]:
            (folder / name).write_text("half of it")
    (tmp_path / "run" / ".step-00000005-0123abcd.unfinished").symlink_to(elsewhere)
    save(tmp_path / "run", 1, *content(1))
    assert sorted(os.listdir(tmp_path / "run")) == [".step-00000005-0123abcd.unfinished", "step-00000001"]
    assert sorted(os.listdir(elsewhere)) == FILES[:2]


def test_a_missing_an_empty_and_a_wrong_folder_are_told_apart(tmp_path):
    assert saved_steps(tmp_path / "nowhere") == saved_steps(tmp_path) == []
    with pytest.raises(CheckpointError, match="nowhere does not exist: name a folder"):
        load_latest(tmp_path / "nowhere")
    with pytest.raises(CheckpointError, match="holds no checkpoint: name a folder"):
        load_latest(tmp_path)
    (tmp_path / "file").write_text("")
    for function in (saved_steps, load_latest):
        with pytest.raises(CheckpointError, match=r"file cannot be read \(Not a directory\): name a folder"):
            function(tmp_path / "file")
    with pytest.raises(OSError, match=r"exists|directory"):
        save(tmp_path / "file", 1, {})
    save(tmp_path / "run", 1, {})
    with pytest.raises(CheckpointError, match="is a folder of checkpoints: name one of them, or call load_latest"):
        load(tmp_path / "run")
    with pytest.raises(CheckpointError, match="is no folder: name a checkpoint"):
        load(tmp_path / "run" / "step-00000002")
    with pytest.raises(ValueError, match=r"device .* must be a device of this machine, not 'quantum'"):
        load_latest(tmp_path / "run", device="quantum")


# ---- Damage ----------------------------------------------------------------------------------------------


@pytest.fixture
def two(tmp_path):
    """A folder with good checkpoints of steps 10 and 20."""
    for step in (10, 20):
        save(tmp_path, step, *content(step))
    return tmp_path


def assert_falls_back(folder, message):
    """Step 20 is refused with a message that names the file, and step 10 is used instead."""
    with pytest.raises(CheckpointError, match=message):
        load(folder / "step-00000020")
    with pytest.warns(UserWarning, match="skipped a checkpoint that cannot be used: .*step-00000020"):
        assert_is(load_latest(folder), 10)


@pytest.mark.parametrize("name", FILES)
def test_every_flipped_bit_is_noticed(two, name):
    path, source = two / "step-00000020" / name, random.Random(0)
    size = path.stat().st_size
    everywhere = size <= 100
    positions = range(size) if everywhere else {*range(20), *range(size - 20, size), *source.sample(range(size), 200)}
    for position in positions:
        for mask in [1 << bit for bit in range(8)] if everywhere else [1 << source.randrange(8)]:
            corrupt(path, position, mask)
            with pytest.raises(CheckpointError, match=r"(?s)step-00000020.*: delete it, or take"):
                load(path.parent)
            corrupt(path, position, mask)
    assert_is(load(path.parent), 20)  # all flips were undone
    corrupt(path, size // 2, 16)
    assert_falls_back(two, "step-00000020")


@pytest.mark.parametrize("name", FILES)
def test_every_file_that_is_cut_off_or_grown_is_noticed(two, name):
    path = two / "step-00000020" / name
    whole = path.read_bytes()
    for length in {0, 1, 7, 8, 9, 64, len(whole) - 1, *random.Random(1).sample(range(len(whole)), 20)}:
        path.write_bytes(whole[:length])
        with pytest.raises(CheckpointError, match="step-00000020"):
            load(path.parent)
    path.write_bytes(whole + b"\0")
    assert_falls_back(two, r"step-00000020/.* (more than|does not agree)")
    path.unlink()
    assert_falls_back(two, f"step-00000020/{name} is missing: the checkpoint is not complete")


def test_messages_name_the_file_the_fault_and_the_remedy(two):
    path = two / "step-00000020" / "weights.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    assert_falls_back(
        two, rf"weights.safetensors is cut off after {len(whole) - 5} of {len(whole)} bytes: delete it, or"
    )
    path.write_bytes(whole[:-1] + b"\x55")
    assert_falls_back(two, "weights.safetensors is damaged, its SHA-256 is not the recorded one: delete it, or take")


def test_where_none_is_good_the_error_says_of_each_why(two):
    (two / "step-00000010" / "state.safetensors").unlink()
    (two / "step-00000020" / "checkpoint.json").write_text("{}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(CheckpointError, match=r"(?s)no checkpoint that can be used:.*20.*agree.*10.*is missing"):
            load_latest(two)


def test_files_of_two_checkpoints_do_not_go_together(two):
    shutil.copy(two / "step-00000010" / "weights.safetensors", two / "step-00000020" / "weights.safetensors")
    assert_falls_back(two, "weights.safetensors is damaged")
    shutil.rmtree(two / "step-00000020")
    shutil.copytree(two / "step-00000010", two / "step-00000020")
    assert_falls_back(two, "is of step 10, but its folder is called step-00000020")
    shutil.copytree(two / "step-00000010", two / "best")
    assert_is(load(two / "best"), 10)  # any other name is the reader's own


# ---- Hostile files, with checksums that fit -----------------------------------------------------------------


def forge(path, *, record=None, weights=None, state=None):
    """Replace parts of a checkpoint, and make all sizes and checksums fit."""
    old = json.loads((path / "checkpoint.json").read_bytes())
    for name, data in (("weights.safetensors", weights), ("state.safetensors", state)):
        if data is not None:
            (path / name).write_bytes(data)
            old["files"][name] = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    text = record(old) if record else old
    text = text if isinstance(text, bytes) else json.dumps(text).encode()
    (path / "checkpoint.json").write_bytes(text)
    (path / "checkpoint.json.sha256").write_text(f"{hashlib.sha256(text).hexdigest()}  checkpoint.json\n")


def file_of(header, data=b"", length=None):
    """A safetensors file, of whatever."""
    header = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(header) if length is None else length) + header + data


def entry(begin, end, shape=(1,), dtype="F32"):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}


class Bomb:
    def __reduce__(self):
        return os.system, ("touch exploded",)


def zipped(folder):
    with zipfile.ZipFile(folder / "archive.zip", "w") as archive:
        archive.writestr("../../evil", "evil")
    return (folder / "archive.zip").read_bytes()


STRANGE = {
    "nothing": b"",
    "a few bytes": b"1234567",
    "random bytes": random.Random(2).randbytes(1000),
    "a pickle that runs a command": pickle.dumps(Bomb()),
    "a header of 2^63 bytes": file_of(b"{}", length=2**63),
    "a header a byte too long": file_of(b"{}", length=3),
    "a header without bytes": file_of(b""),
    "a header that is a list": file_of(b"[]"),
    "a header of text": file_of(b"\xff\xfe"),
    "a name twice": file_of(b'{"a":%b,"a":%b}' % (2 * (json.dumps(entry(0, 4)).encode(),)), b"abcd"),
    "overlapping tensors": file_of({"a": entry(0, 4), "b": entry(0, 4)}, b"abcd"),
    "tensors that overlap in part": file_of({"a": entry(0, 4), "b": entry(2, 6)}, b"abcdef"),
    "a hole between tensors": file_of({"a": entry(0, 4), "b": entry(8, 12)}, b"abcdefghijkl"),
    "offsets beyond the end": file_of({"a": entry(0, 400, [100])}, b"abcd"),
    "offsets backwards": file_of({"a": entry(4, 0)}, b"abcd"),
    "negative offsets": file_of({"a": entry(-4, 0)}, b"abcd"),
    "huge offsets": file_of({"a": entry(2**64 - 4, 2**64)}, b"abcd"),
    "bytes that belong to no tensor": file_of({"a": entry(0, 4)}, b"abcdefgh"),
    "a shape that does not fit": file_of({"a": entry(0, 4, [2])}, b"abcd"),
    "a shape that overflows": file_of({"a": entry(0, 4, [2**32, 2**32, 1])}, b"abcd"),
    "a negative shape": file_of({"a": entry(0, 4, [-1])}, b"abcd"),
    "a fractional shape": file_of({"a": entry(0, 4, [1.0])}, b"abcd"),
    "an unknown type": file_of({"a": entry(0, 4, dtype="PY_OBJECT")}, b"abcd"),
    "a type beyond PyTorch": file_of({"a": entry(0, 1, [2], dtype="F4")}, b"a"),
    "a truth value of 7": file_of({"a": entry(0, 1, dtype="BOOL")}, b"\7"),
    "a number that is infinite": file_of(b'{"a":{"dtype":"F32","shape":[1e999],"data_offsets":[0,4]}}', b"abcd"),
    "nested brackets": file_of(b"[" * 100_000),
    "metadata that are none": file_of({"__metadata__": 7, "a": entry(0, 4)}, b"abcd"),
}


@pytest.mark.parametrize("what", [*STRANGE, "a zip archive"])
@pytest.mark.parametrize("part", ["weights", "state"])
def test_a_foreign_file_is_refused_even_where_its_checksum_fits(two, tmp_path, what, part):
    data = STRANGE[what] if what in STRANGE else zipped(tmp_path)
    forge(two / "step-00000020", **{part: data})
    assert_falls_back(two, rf"{part}.safetensors (is no safetensors file|has truth values).*: delete it, or take")
    path = tmp_path / "alone.safetensors"
    path.write_bytes(data)
    with pytest.raises(
        CheckpointError, match=r"alone.safetensors (is no safetensors file|has truth).*: take another copy"
    ):
        checkpoints.load_weights(path)
    assert not os.path.exists("exploded")


def changed(**entries):
    return lambda record: {**record, **entries}


def hole(record):
    return {**record, "files": {**record["files"], "../weights.safetensors": record["files"]["weights.safetensors"]}}


def elsewhere(record):
    return {**record, "files": {"/etc/passwd": {"bytes": 1, "sha256": ""}, "state.safetensors": {}}}


TENSOR = {"$tensor": "state['rng']"}
HOSTILE_RECORDS = {
    "a list": (lambda _: b"[]", "is not the record of a checkpoint"),
    "no JSON": (lambda _: b"\x80\x04.", "is not the JSON that was expected"),
    "brackets": (lambda _: b"[" * 200_000, "nested too deeply"),
    "a string without an end": (lambda _: b'{"' + b'\\"' * 500_000, "is not the JSON"),
    "NaN": (lambda r: json.dumps(r).replace("0.1", "NaN").encode(), r"NaN|nan is no finite number"),
    "a number beyond a double": (lambda r: json.dumps(r).replace("0.1", "1e999").encode(), "1e999 is no finite number"),
    "a very long number": (lambda r: json.dumps(r).replace("0.1", "1" * 10_000).encode(), "is not the JSON"),
    "a key twice": (lambda r: json.dumps(r).replace("{", '{"step": 20, ', 1).encode(), "a key is there twice"),
    "another format": (changed(format="something"), "is not the record of a checkpoint"),
    "a version that never was": (changed(version="1"), "lacks entries"),
    "an earlier version": (changed(version=0), "lacks entries"),
    "an entry more": (changed(command="rm -rf"), "lacks entries that it must have, or has others"),
    "an entry less": (lambda r: {key: value for key, value in r.items() if key != "state"}, "lacks entries"),
    "a negative step": (changed(step=-20), "a step or versions that are none"),
    "a step that is none": (changed(step=True), "a step or versions that are none"),
    "no versions": (changed(versions=[]), "a step or versions that are none"),
    "a path that leaves the folder": (hole, "must list the files weights.safetensors and state.safetensors, and no"),
    "an absolute path": (elsewhere, "must list the files"),
    "files in a list": (changed(files=["weights.safetensors"]), "must list the files"),
    "files without checksums": (changed(files={"weights.safetensors": 1, "state.safetensors": 2}), "without its size"),
    "a state that misses a tensor": (changed(state=[]), "holds a tensor that has no place"),
    "a tensor twice": (changed(state=[TENSOR, TENSOR]), "misses a tensor, or names it twice"),
    "a tensor without a name": (changed(state={"$tensor": [1]}), "misses a tensor"),
    "a class to call": (changed(state={"$object": "os.system"}), r"an entry of an unknown kind, '\$object'"),
    "two kinds at once": (changed(state={"$tuple": [], "$pairs": []}), "an entry of an unknown kind"),
    "a kind with company": (changed(state={"$tensor": "a", "b": 1}), "an entry of an unknown kind"),
    "a tuple that is none": (changed(config={"$tuple": 3}), "a tuple that is none"),
    "pairs that are none": (changed(config={"$pairs": [[1, 2, 3]]}), "a dict that is none"),
    "a list as a key": (changed(config={"$pairs": [[[], 1]]}), "a key that cannot be one"),
    "a tensor as a key": (changed(config={"$pairs": [[TENSOR, 1]]}), "misses a tensor"),
    "equal keys": (changed(config={"$pairs": [[1, 1], [True, 2]]}), "a key that is there twice"),
    "a float that is none": (changed(config={"$float": "xyz"}), "a number that is none"),
    "a float of 3 bytes": (changed(config={"$float": "abcdef"}), "a number that is none"),
    "an integer that is none": (changed(config={"$int": "__import__('os')"}), "a whole number that is none"),
    "an integer that is a list": (changed(config={"$int": []}), "a whole number that is none"),
    "a deep state": (changed(config=json.loads("[" * 300 + "]" * 300)), "is nested too deeply"),
    "a tensor in the configuration": (changed(config=TENSOR), "misses a tensor"),
}


@pytest.mark.parametrize("what", HOSTILE_RECORDS)
def test_a_hostile_record_is_refused_even_where_its_checksum_fits(two, what):
    record, message = HOSTILE_RECORDS[what]
    forge(two / "step-00000020", record=record)
    assert_falls_back(two, f"checkpoint.json {'.*' if message else ''}({message}).*: delete it, or take another copy")


def test_sizes_are_bounded_before_anything_is_read(two):
    def asks_for(size):
        return lambda r: {**r, "files": {name: {**entry, "bytes": size} for name, entry in r["files"].items()}}

    forge(two / "step-00000020", record=asks_for(2**60))
    assert_falls_back(two, r"asks for 2305843009213693952 bytes, and 4294967296 are allowed here")
    forge(two / "step-00000020", record=asks_for(-1))
    assert_falls_back(two, "asks for -2 bytes")
    for limits, message in (
        (LIMITS._replace(json_bytes=100), "checkpoint.json has .* bytes, more than the 100 that it may have here"),
        (LIMITS._replace(total_bytes=100), "asks for .* bytes, and 100 are allowed here"),
        (LIMITS._replace(header_bytes=100), "has a header of .* bytes, more than the 100"),
        (LIMITS._replace(tensors=1), "has 2 tensors, more than the 1"),
        (LIMITS._replace(depth=1), "nested too deeply"),
    ):
        with pytest.raises(CheckpointError, match=message):
            load(two / "step-00000010", limits=limits)


def test_a_later_format_is_neither_skipped_nor_written_over(two):
    forge(two / "step-00000020", record=changed(version=2, anything={"new": []}))
    for function, path in ((load, two / "step-00000020"), (load_latest, two)):
        with pytest.raises(CheckpointTooNew, match=r"checkpoint.json has format 2, .* reads formats up to 1: install"):
            function(path)
    with pytest.raises(ValueError, match="step must be more than 20"):
        save(two, 15, *content(15))
    assert saved_steps(two) == [10, 20]


@posix
@pytest.mark.parametrize("name", FILES)
def test_links_pipes_and_folders_in_place_of_files_are_refused(two, tmp_path, name):
    path = two / "step-00000020" / name
    path.rename(tmp_path / "original")
    path.symlink_to(tmp_path / "original")
    assert_falls_back(two, f"{name} is a symbolic link, which is not followed: put the real file")
    path.unlink()
    os.mkfifo(path)  # whoever opens it naively waits for ever
    assert_falls_back(two, f"{name} is not a plain file")
    path.unlink()
    path.mkdir()
    assert_falls_back(two, rf"{name} cannot be read \(Is a directory\)")


@posix
def test_a_linked_checkpoint_is_skipped_but_may_be_named(two, tmp_path):
    (two / "step-00000020").rename(tmp_path / "far")
    (two / "step-00000020").symlink_to(tmp_path / "far")
    with pytest.warns(UserWarning, match="step-00000020 is a symbolic link, which is not followed: name its target"):
        assert_is(load_latest(two), 10)
    (two / "best").symlink_to(tmp_path / "far")
    assert_is(load(two / "best"), 20)


@given(data=st.binary(max_size=300), framed=st.booleans())
@settings(max_examples=300)
def test_no_bytes_at_all_lead_to_anything_but_weights_or_a_clear_refusal(tmp_path_factory, data, framed):
    path = tmp_path_factory.getbasetemp() / "any.safetensors"
    path.write_bytes(file_of(data) if framed else data)
    with contextlib.suppress(CheckpointError):
        assert checkpoints.load_weights(path) == {}


# ---- Interrupted at any point -------------------------------------------------------------------------------

CALLS = ("open", "mkdir", "fsync", "rename", "replace", "unlink", "rmdir", "chmod", "listdir")


@contextlib.contextmanager
def interrupted(at, strike):
    """Call `strike` in place of the call number `at` among those that touch the disk; gives the calls made so far."""
    made, originals = [], {name: getattr(os, name) for name in CALLS}

    def wrapped(name):
        def call(*arguments, **options):
            made.append(name)
            if len(made) == at + 1:
                strike()
            return originals[name](*arguments, **options)

        return call

    for name in CALLS:
        setattr(os, name, wrapped(name))
    try:
        yield made
    finally:
        for name, function in originals.items():
            setattr(os, name, function)


def disk_full():
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def ctrl_c():
    raise KeyboardInterrupt


@pytest.mark.parametrize("strike", [disk_full, ctrl_c])
@pytest.mark.parametrize("keep", [1, 2])
def test_a_save_that_fails_at_any_point_leaves_what_was_there(tmp_path, strike, keep):
    for at in itertools.count():
        folder = tmp_path / str(at)
        for step in (10, 20):
            save(folder, step, *content(step), keep=2)
        done = False
        with interrupted(at, strike) as made, contextlib.suppress(OSError, KeyboardInterrupt):
            save(folder, 30, *content(30), keep=keep)
            done = True
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # nothing half-done is in sight
            newest = load_latest(folder)
        assert_is(newest, newest.step)
        assert newest.step == 30 if done else newest.step in (20, 30)
        if newest.step == 20:
            assert sorted(os.listdir(folder)) == ["step-00000010", "step-00000020"], "what was begun is cleaned up"
            save(folder, 30, *content(30))  # and the next attempt succeeds
        save(folder, 40, *content(40), keep=keep)
        assert len(os.listdir(folder)) == keep, "nothing is left behind"
        if at >= len(made):
            break
    assert done
    assert {"mkdir", "fsync", "rename", "unlink", "rmdir"} <= set(made)


def test_a_failed_save_says_that_nothing_was_lost(two):
    with interrupted(5, disk_full), pytest.raises(OSError, match="No space left") as caught:
        save(two, 30, *content(30))
    assert "Saving step 30 failed; the checkpoints that were in" in caught.value.__notes__[0]


def test_everything_is_on_the_disk_before_it_gets_its_name(tmp_path, monkeypatch):
    save(tmp_path / "run", 1, *content(1))
    events, original = [], {name: getattr(os, name) for name in ("fsync", "rename")}

    def fsync(handle):
        original["fsync"](handle)
        status = os.fstat(handle)
        kind = "folder" if stat.S_ISDIR(status.st_mode) else "file"
        events.append((kind, status.st_ino, status.st_size if kind == "file" else None))

    def rename(source, target, **options):
        inodes = {os.stat(os.path.join(source, name)).st_ino: os.stat(os.path.join(source, name)) for name in FILES}
        events.append(("rename", os.stat(source).st_ino, {inode: status.st_size for inode, status in inodes.items()}))
        original["rename"](source, target, **options)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "rename", rename)
    save(tmp_path / "run", 2, *content(2))
    *files, new_folder, renamed, parent = events
    kind, inode, sizes = renamed
    assert kind == "rename"
    assert [event[0] for event in files] == ["file"] * 4
    assert {inode: size for _, inode, size in files} == sizes, "all of every file was synced"
    assert new_folder == ("folder", inode, None)
    assert parent == ("folder", os.stat(tmp_path / "run").st_ino, None)


KILLED = """
    import itertools, os, random, signal, sys, time, warnings
    import torch
    sys.path.insert(0, sys.argv[1])
    from test_checkpoints import assert_is, content, interrupted
    from gantut.checkpoints import load_latest, save, saved_steps

    warnings.simplefilter("error")  # a checkpoint that must be skipped is a failure
    torch.set_num_threads(1)
    folder, way = sys.argv[2:]

    def killed():
        os.kill(os.getpid(), signal.SIGKILL)

    def child(work):
        pid = os.fork()
        if not pid:
            try:
                work()
            finally:
                os._exit(0)
        return pid

    def check(saved):
        newest = load_latest(folder)
        assert_is(newest, newest.step)
        assert newest.step >= saved, (newest.step, saved)  # what was saved stays saved
        assert len(saved_steps(folder)) >= 2  # the last two, and perhaps one that was about to be deleted
        return newest.step

    for step in (1, 2):
        save(folder, step, *content(step))
    step, rounds, unfinished = 2, 0, 0
    if way == "calls":  # at each call that touches the disk, in turn
        for at in itertools.count():
            with interrupted(at, killed) as made:
                _, status = os.waitpid(child(lambda: save(folder, step + 1, *content(step + 1))), 0)
            unfinished += any(name.endswith(".unfinished") for name in os.listdir(folder))
            step, rounds = check(step), rounds + 1
            if not os.WIFSIGNALED(status):
                break
    else:  # at random moments
        source = random.Random(int(way))
        for rounds in range(1, 41):
            reader, writer = os.pipe()

            def work():
                os.write(writer, step.to_bytes(8, "big"))  # it begins
                for later in itertools.count(step + 1):
                    save(folder, later, *content(later))
                    os.write(writer, later.to_bytes(8, "big"))

            pid = child(work)
            os.close(writer)
            reported = b"".join(os.read(reader, 8) for _ in range(1 + source.randrange(4)))  # it has saved so often
            time.sleep(0.01 * source.random())
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            while piece := os.read(reader, 65536):
                reported += piece
            os.close(reader)
            unfinished += any(name.endswith(".unfinished") for name in os.listdir(folder))
            step = check(int.from_bytes(reported[-8:], "big"))
    save(folder, step + 1, *content(step + 1))
    assert sorted(os.listdir(folder)) == [f"step-{s:08d}" for s in (step, step + 1)], os.listdir(folder)
    print(rounds, unfinished, step)
"""


@posix
@pytest.mark.slow
def test_kill_9_at_any_call_leaves_the_old_checkpoints_or_the_new_one(tmp_path):
    rounds, unfinished, _ = map(int, run(KILLED, os.path.dirname(__file__), tmp_path, "calls").split())
    assert rounds > 20, "one for each call"
    assert unfinished > 10, "most of them in the middle of writing or deleting"


@posix
@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_kill_9_at_random_moments_never_costs_a_saved_checkpoint(tmp_path, seed):
    rounds, unfinished, last = map(int, run(KILLED, os.path.dirname(__file__), tmp_path, seed).split())
    assert rounds == 40
    assert unfinished > 0, "some were killed in the middle of writing"
    assert last >= 2 + 40, "and they did save before"


@posix
@pytest.mark.slow
def test_a_disk_that_is_really_full_loses_nothing(two):
    program = """
        import resource, sys, torch
        from gantut.checkpoints import save, save_weights
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))  # no file may grow larger
        for attempt in (
            lambda: save(sys.argv[1], 30, {"w": torch.zeros(10_000)}, keep=1),
            lambda: save_weights(sys.argv[2], {"w": torch.zeros(10_000)}, overwrite=True),
        ):
            try:
                attempt()
            except OSError as error:
                print(error.strerror, getattr(error, "__notes__", ""))
    """
    weights = two / "generator.safetensors"
    checkpoints.save_weights(weights, {"w": torch.ones(3)})
    before = sorted(os.listdir(two))
    printed = run(program, two, weights).splitlines()
    assert len(printed) == 2
    assert "File too large" in printed[0]
    assert "Saving step 30 failed" in printed[0]
    assert sorted(os.listdir(two)) == before
    assert_is(load_latest(two), 20)
    assert_same(checkpoints.load_weights(weights)["w"], torch.ones(3))


@posix
@pytest.mark.slow
def test_a_folder_that_must_not_be_written_to_stays_readable(two):
    program = """
        import os, sys, torch
        from gantut.checkpoints import load_latest, save
        if os.geteuid() == 0:  # who may do everything cannot be refused anything
            os.setgroups([]), os.setegid(65534), os.seteuid(65534)
        try:
            save(sys.argv[1], 30, {})
        except PermissionError as error:
            print(error.strerror, error.__notes__)
        print(load_latest(sys.argv[1]).step)
    """
    public = two.parent / "public"
    shutil.copytree(two, public)
    above = [folder for folder in public.parents if folder.stat().st_uid == os.getuid() and folder != folder.parent]
    modes = {folder: folder.stat().st_mode for folder in (public, *above)}
    try:
        for folder in above:
            folder.chmod(modes[folder] | 0o055)  # for others to pass through
        public.chmod(0o555)
        printed = run(program, public).splitlines()
    finally:
        for folder, mode in modes.items():
            folder.chmod(mode)
    assert printed[0].startswith("Permission denied")
    assert "Saving step 30 failed" in printed[0]
    assert printed[1] == "20"


def test_a_folder_that_is_deleted_while_training_is_made_anew_or_reported(two, monkeypatch):
    shutil.rmtree(two)
    save(two, 30, *content(30))
    assert_is(load_latest(two), 30)
    original = os.fsync

    def deleted(handle):  # in the middle of a save
        original(handle)
        shutil.rmtree(two, ignore_errors=True)

    monkeypatch.setattr(os, "fsync", deleted)
    with pytest.raises(FileNotFoundError) as caught:
        save(two, 40, *content(40))
    assert "Saving step 40 failed" in caught.value.__notes__[0]


# ---- Several at once -----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_processes_that_save_into_one_folder_take_turns(tmp_path):
    program = """
        import sys
        sys.path.insert(0, sys.argv[1])
        from test_checkpoints import content
        from gantut.checkpoints import save
        for step in range(1, 21):
            try:
                save(sys.argv[2], step, *content(step), keep=None)
            except ValueError as error:
                assert "step must be more than" in str(error), error
            else:
                print(step)
    """
    printed = []
    here, folder = os.path.dirname(__file__), tmp_path / "run"
    threads = [threading.Thread(target=lambda: printed.append(run(program, here, folder).split())) for _ in range(3)]
    for thread in threads:
        thread.start()
    seen = 0
    while any(thread.is_alive() for thread in threads):  # and a reader always finds a good one
        if saved_steps(folder):
            newest = load_latest(folder)
            assert_is(newest, newest.step)
            assert newest.step >= seen
            seen = newest.step
        threads[0].join(0.01)
    saved = sorted(int(step) for one in printed for step in one)
    assert len(printed) == 3
    assert saved == list(range(1, 21)), "each step was saved by exactly one of them"
    assert saved_steps(folder) == saved
    assert len(os.listdir(folder)) == 20, "nothing unfinished was taken from under another's hands, or left"


@pytest.mark.filterwarnings("error")
def test_a_reader_is_not_disturbed_by_a_writer_that_deletes_old_checkpoints(tmp_path):
    save(tmp_path, 1, *content(1), keep=1)
    stop = threading.Event()

    def write():
        for step in itertools.count(2):
            if stop.is_set():
                return
            save(tmp_path, step, *content(step), keep=1)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(100):
            newest = load_latest(tmp_path)
            assert_is(newest, newest.step)
    finally:
        stop.set()
        writer.join()


@pytest.mark.filterwarnings("error")
def test_a_checkpoint_that_is_deleted_while_it_is_read_gives_way_to_the_newer_one(tmp_path, monkeypatch):
    save(tmp_path, 1, *content(1))
    original = _folder.read

    def read(path, **options):
        if path == tmp_path / "step-00000001" / "weights.safetensors":
            save(tmp_path, 2, *content(2), keep=1)
        return original(path, **options)

    monkeypatch.setattr(_folder, "read", read)
    assert_is(load_latest(tmp_path), 2)


@pytest.mark.parametrize("refuses", [True, False])
def test_where_folders_cannot_be_locked_saving_still_works_and_spares_what_may_be_anothers(
    tmp_path, monkeypatch, refuses
):
    class NoLocks:
        LOCK_EX = 2

        def flock(self, *_):
            raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(_files, "fcntl", NoLocks() if refuses else None)
    maybe = tmp_path / ".step-00000009-0123abcd.unfinished"
    maybe.mkdir()
    for step in (1, 2, 3):
        save(tmp_path, step, *content(step))
    assert saved_steps(tmp_path) == [2, 3]
    assert maybe.is_dir()


# ---- Single files ---------------------------------------------------------------------------------------------


def test_a_file_is_written_from_bytes_text_or_a_function(tmp_path):
    path = tmp_path / "results.json"
    for data, expected in ((b"\0\r\n", b"\0\r\n"), ("é\n", "é\n".encode()), (lambda file: file.write(b"abc"), b"abc")):
        assert checkpoints.write_atomically(path, data) is None
        assert path.read_bytes() == expected
    assert os.listdir(tmp_path) == ["results.json"]


@posix
def test_a_file_that_is_written_again_keeps_its_permissions_and_its_links(tmp_path):
    (tmp_path / "real").mkdir()
    target, link = tmp_path / "real" / "data", tmp_path / "link"
    target.write_text("old")
    target.chmod(0o600)
    link.symlink_to(target)
    checkpoints.write_atomically(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


@pytest.mark.parametrize("strike", [disk_full, ctrl_c])
def test_a_write_that_fails_at_any_point_leaves_the_old_file(tmp_path, strike):
    path = tmp_path / ("名" * 85)  # 255 bytes: a name as long as names may be
    for at in itertools.count():
        path.write_text("old")
        done = False
        with interrupted(at, strike) as made, contextlib.suppress(OSError, KeyboardInterrupt):
            checkpoints.write_atomically(path, lambda file: file.write(b"new"))
            done = True
        assert path.read_text() in (("new",) if done else ("old", "new"))
        for name in os.listdir(tmp_path):  # where deleting it was what failed
            if name != path.name:
                os.unlink(tmp_path / name)
        if at >= len(made):
            break
    assert done


def test_a_function_that_fails_half_way_leaves_the_old_file(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")

    def half(file):
        file.write(b"ne")
        raise RuntimeError("the middle")

    with pytest.raises(RuntimeError, match="the middle"):
        checkpoints.write_atomically(path, half)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]


def test_weights_of_one_model_come_back_exactly(tmp_path, device):
    path = tmp_path / "models" / "generator.safetensors"
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4)).to(device)
    metadata = {"trained on": "8 Gaussians", "seed": "3"}
    assert checkpoints.save_weights(path, model, metadata) == path
    back = checkpoints.load_weights(path, device=device)
    assert_same(dict(sorted(back.items())), dict(sorted(model.state_dict().items())))
    assert {tensor.device.type for tensor in back.values()} == {device.type}
    assert checkpoints.read_metadata(path) == metadata
    with safetensors.safe_open(path, "pt") as independent:
        assert independent.metadata() == metadata
        assert_same(independent.get_tensor("0.weight"), model[0].weight.detach().cpu())
    checkpoints.save_weights(tmp_path / "plain.safetensors", model.state_dict())
    assert checkpoints.read_metadata(tmp_path / "plain.safetensors") == {}


def test_the_checksums_are_those_of_sha256sum(tmp_path):
    path = checkpoints.save_weights(tmp_path / "w.safetensors", {"w": torch.ones(3)})
    step = save(tmp_path, 1, {})
    for file in (path, step / "checkpoint.json"):
        text = file.with_name(file.name + ".sha256").read_text()
        assert text == f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n"


def test_weights_are_not_replaced_by_mistake(tmp_path):
    path = checkpoints.save_weights(tmp_path / "w.safetensors", {"w": torch.ones(3)})
    with pytest.raises(ValueError, match=r"w.safetensors exists: give another one, or overwrite=True"):
        checkpoints.save_weights(path, {"w": torch.zeros(3)})
    assert_same(checkpoints.load_weights(path)["w"], torch.ones(3))
    checkpoints.save_weights(path, {"w": torch.zeros(3)}, overwrite=True)
    assert_same(checkpoints.load_weights(path)["w"], torch.zeros(3))


@pytest.mark.parametrize("strike", [disk_full, ctrl_c])
def test_replacing_weights_that_fails_at_any_point_leaves_old_or_new_ones(tmp_path, strike):
    old, new = {"w": torch.ones(3)}, {"w": torch.zeros(3)}
    for at in itertools.count():
        path = checkpoints.save_weights(tmp_path / "w.safetensors", old, overwrite=True)
        done = False
        with interrupted(at, strike) as made, contextlib.suppress(OSError, KeyboardInterrupt):
            checkpoints.save_weights(path, new, overwrite=True)
            done = True
        weights = checkpoints.load_weights(path)  # never a wrong checksum
        assert bits(weights["w"]) in ({bits(new["w"])} if done else {bits(new["w"]), bits(old["w"])})
        if at >= len(made):
            break
    assert done


def test_weights_that_do_not_agree_with_their_checksum_are_refused(tmp_path):
    path = checkpoints.save_weights(tmp_path / "w.safetensors", {"w": torch.ones(3)}, {"by": "me"})
    for position in range(path.stat().st_size):
        corrupt(path, position, 1 << position % 8)
        for function in (checkpoints.load_weights, checkpoints.read_metadata):
            with pytest.raises(CheckpointError, match=r"is not the file that its checksum w.safetensors.sha256 is of"):
                function(path)
        corrupt(path, position, 1 << position % 8)
    checksum = tmp_path / "w.safetensors.sha256"
    for text, message in (("", "holds no SHA-256: delete it if you trust"), ("0" * 64, "was damaged or replaced")):
        checksum.write_text(text)
        with pytest.raises(CheckpointError, match=message):
            checkpoints.load_weights(path)
    checksum.unlink()
    assert_same(checkpoints.load_weights(path)["w"], torch.ones(3))  # as files from elsewhere, which have none


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"path": "w.pt"}, "path must end in '.safetensors', which is what is written, not 'w.pt'"),
        ({"metadata": {"seed": 3}}, "metadata must be strings by name, .*: write numbers as text"),
        ({"weights": {"w": [1.0]}}, r"weights\['w'\] must be a tensor"),
        ({"limits": LIMITS._replace(total_bytes=10)}, "limits must allow for .* bytes, not only 10"),
    ],
)
def test_bad_arguments_for_weights_are_named(tmp_path, arguments, message):
    with pytest.raises(ValueError, match=message):
        checkpoints.save_weights(**{"path": tmp_path / "w.safetensors", "weights": {"w": torch.ones(1)}, **arguments})
    assert not os.listdir(tmp_path)


def test_missing_weights_and_those_beyond_the_limits_are_refused(tmp_path):
    with pytest.raises(CheckpointError, match=r"w.safetensors is missing"):
        checkpoints.load_weights(tmp_path / "w.safetensors")
    path = checkpoints.save_weights(tmp_path / "w.safetensors", {"w": torch.ones(30)})
    with pytest.raises(CheckpointError, match=r"has .* bytes, more than the 100"):
        checkpoints.load_weights(path, limits=LIMITS._replace(total_bytes=100))
    with pytest.raises(CheckpointError, match="is no folder: name a checkpoint"):
        load(path)
