"""Any file is written whole or not at all, whatever happens meanwhile."""

import contextlib
import hashlib
import itertools
import os
import stat

import pytest
from checkpoint_cases import ctrl_c, disk_full, interrupted, posix

from gantut import checkpoints
from gantut.checkpoints import save


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


def test_the_checksums_are_those_of_sha256sum(tmp_path):
    file = save(tmp_path, 1, {}) / "checkpoint.json"
    text = file.with_name(file.name + ".sha256").read_text()
    assert text == f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n"
