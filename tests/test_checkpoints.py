"""Checkpoints are exact to the last bit, and what cannot be stored exactly is refused."""

import collections
import json
import math
import shutil
import struct

import numpy as np
import pytest
import standin
import torch
from checkpoint_cases import (
    assert_same,
    run,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from gantut.checkpoints import LIMITS, load, load_latest, save

DTYPES = [
    *(torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2),
    *(torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64),
]


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
    if device.type == standin.NAME:
        pytest.skip("PyTorch makes no generators for a device that is written in Python")
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


# ---- What cannot be stored exactly is refused ----


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
