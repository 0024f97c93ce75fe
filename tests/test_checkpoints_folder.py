"""A folder of checkpoints is the history of one run, whoever writes into it or reads from it at the same time."""

import errno
import fcntl
import itertools
import os
import sys
import threading
import warnings

import pytest
from checkpoint_cases import FILES, assert_is, content, corrupt, posix, run

from gantut.checkpoints import CheckpointError, load, load_latest, save, saved_steps


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
    with pytest.raises(CheckpointError, match="is not a folder: name a checkpoint"):
        load(tmp_path / "run" / "step-00000002")
    with pytest.raises(ValueError, match=r"device .* must be a device of this machine, not 'quantum'"):
        load_latest(tmp_path / "run", device="quantum")


# ---- Several at once ----


@pytest.mark.slow
def test_processes_that_save_into_one_folder_take_turns(tmp_path):
    program = """
        import sys
        sys.path.insert(0, sys.argv[1])
        from checkpoint_cases import content
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
    original = os.open

    def open_(path, *options):
        if str(path) == str(tmp_path / "step-00000001" / "weights.safetensors"):
            save(tmp_path, 2, *content(2), keep=1)
        return original(path, *options)

    monkeypatch.setattr(os, "open", open_)
    assert_is(load_latest(tmp_path), 2)


@posix
@pytest.mark.parametrize("refuses", [True, False])
def test_where_folders_cannot_be_locked_saving_still_works_and_spares_what_may_be_anothers(
    tmp_path, monkeypatch, refuses
):
    def no_locks(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    if refuses:
        monkeypatch.setattr(fcntl, "flock", no_locks)
    else:
        monkeypatch.setitem(sys.modules, "fcntl", None)  # as on Windows
    maybe = tmp_path / ".step-00000009-0123abcd.unfinished"
    maybe.mkdir()
    for step in (1, 2, 3):
        save(tmp_path, step, *content(step))
    assert saved_steps(tmp_path) == [2, 3]
    assert maybe.is_dir()
