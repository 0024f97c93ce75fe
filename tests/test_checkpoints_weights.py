"""Single files are written whole or not at all; weights come back exactly, and agree with their checksums."""

import contextlib
import hashlib
import itertools
import os
import stat

import pytest
import safetensors
import torch
from checkpoint_cases import assert_same, bits, corrupt, ctrl_c, disk_full, interrupted, posix

from gantut import checkpoints
from gantut.checkpoints import LIMITS, CheckpointError, load, save


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
            with pytest.raises(CheckpointError, match=r"does not agree with its checksum w.safetensors.sha256"):
                function(path)
        corrupt(path, position, 1 << position % 8)
    checksum = tmp_path / "w.safetensors.sha256"
    for text, message in (
        ("", "does not hold a SHA-256: delete it if"),
        ("0" * 64, "was damaged or replaced"),
    ):
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
    with pytest.raises(CheckpointError, match="is not a folder: name a checkpoint"):
        load(path)
