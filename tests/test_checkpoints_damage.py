"""Damage is noticed, hostile files are refused, and other formats are named: nothing in a file is ever run."""

import contextlib
import hashlib
import json
import os
import pickle
import random
import shutil
import struct
import warnings
import zipfile

import pytest
from checkpoint_cases import FILES, assert_is, content, corrupt, posix
from hypothesis import given, settings
from hypothesis import strategies as st

from gantut.checkpoints import LIMITS, CheckpointError, CheckpointVersionError, load, load_latest, save, saved_steps


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
            with pytest.raises(CheckpointError, match=r"(?s)step-00000020.*: delete it, or restore"):
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
    assert_falls_back(two, "weights.safetensors is damaged, its SHA-256 is not the recorded one: delete it, or restore")


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


# ---- Hostile files, with checksums that fit ----


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
    "metadata of a number": file_of({"__metadata__": 7, "a": entry(0, 4)}, b"abcd"),
}


@pytest.mark.parametrize("what", [*STRANGE, "a zip archive"])
@pytest.mark.parametrize("part", ["weights", "state"])
def test_a_foreign_file_is_refused_even_where_its_checksum_fits(two, tmp_path, what, part):
    data = STRANGE[what] if what in STRANGE else zipped(tmp_path)
    forge(two / "step-00000020", **{part: data})
    assert_falls_back(two, rf"{part}.safetensors (is not a safetensors file|has truth values).*: delete it, or restore")
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
    "NaN": (lambda r: json.dumps(r).replace("0.1", "NaN").encode(), r"NaN|nan is not a finite number"),
    "a number beyond a double": (
        lambda r: json.dumps(r).replace("0.1", "1e999").encode(),
        "1e999 is not a finite number",
    ),
    "a very long number": (lambda r: json.dumps(r).replace("0.1", "1" * 10_000).encode(), "is not the JSON"),
    "a key twice": (lambda r: json.dumps(r).replace("{", '{"step": 20, ', 1).encode(), "the same key twice"),
    "another format": (changed(format="something"), "is not the record of a checkpoint"),
    "a version that never was": (changed(version="1"), "lacks entries"),
    "an earlier version": (changed(version=0), "lacks entries"),
    "an entry more": (changed(command="rm -rf"), "lacks entries that it must have, or has others"),
    "an entry less": (lambda r: {key: value for key, value in r.items() if key != "state"}, "lacks entries"),
    "a negative step": (changed(step=-20), "a step or versions that are not valid"),
    "a step that is true": (changed(step=True), "a step or versions that are not valid"),
    "no versions": (changed(versions=[]), "a step or versions that are not valid"),
    "a path that leaves the folder": (hole, "must list the files weights.safetensors and state.safetensors, and no"),
    "an absolute path": (elsewhere, "must list the files"),
    "files in a list": (changed(files=["weights.safetensors"]), "must list the files"),
    "files without checksums": (changed(files={"weights.safetensors": 1, "state.safetensors": 2}), "without its size"),
    "a state that misses a tensor": (changed(state=[]), "holds a tensor that nothing refers to"),
    "a tensor twice": (changed(state=[TENSOR, TENSOR]), "a tensor that is missing, or refers to it twice"),
    "a tensor without a name": (changed(state={"$tensor": [1]}), "a tensor that is missing"),
    "a class to call": (changed(state={"$object": "os.system"}), r"an entry of unknown kind, '\$object'"),
    "two kinds at once": (changed(state={"$tuple": [], "$pairs": []}), "an entry of unknown kind"),
    "a kind with company": (changed(state={"$tensor": "a", "b": 1}), "an entry of unknown kind"),
    "a tuple of a number": (changed(config={"$tuple": 3}), "a tuple that is not valid"),
    "pairs of three": (changed(config={"$pairs": [[1, 2, 3]]}), "a dict that is not valid"),
    "a list as a key": (changed(config={"$pairs": [[[], 1]]}), "a key that is not valid"),
    "a tensor as a key": (changed(config={"$pairs": [[TENSOR, 1]]}), "a tensor that is missing"),
    "equal keys": (changed(config={"$pairs": [[1, 1], [True, 2]]}), "the same key twice"),
    "a float of letters": (changed(config={"$float": "xyz"}), "not a valid number"),
    "a float of 3 bytes": (changed(config={"$float": "abcdef"}), "not a valid number"),
    "an integer to run": (changed(config={"$int": "__import__('os')"}), "not a valid number"),
    "an integer that is a list": (changed(config={"$int": []}), "not a valid number"),
    "a deep state": (changed(config=json.loads("[" * 300 + "]" * 300)), "is nested too deeply"),
    "a tensor in the configuration": (changed(config=TENSOR), "a tensor that is missing"),
}


@pytest.mark.parametrize("what", HOSTILE_RECORDS)
def test_a_hostile_record_is_refused_even_where_its_checksum_fits(two, what):
    record, message = HOSTILE_RECORDS[what]
    forge(two / "step-00000020", record=record)
    assert_falls_back(two, f"checkpoint.json {'.*' if message else ''}({message}).*: delete it, or restore it")


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


@pytest.mark.parametrize(
    ("version", "advice"),
    [(1, r"train anew, or use the version that wrote it \(format 1: gantut 0.1\)"), (3, "install")],
)
def test_another_format_is_neither_skipped_nor_written_over(two, version, advice):
    forge(two / "step-00000020", record=changed(version=version, anything={"new": []}))
    for function, path in ((load, two / "step-00000020"), (load_latest, two)):
        with pytest.raises(
            CheckpointVersionError, match=rf"checkpoint.json has format {version}, .* format 2: {advice}"
        ):
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
    folder = tmp_path_factory.getbasetemp() / "any"
    path = folder / "step-00000001" if folder.exists() else save(folder, 1, {})
    forge(path, weights=file_of(data) if framed else data)
    with contextlib.suppress(CheckpointError):
        assert load(path).weights == {}
