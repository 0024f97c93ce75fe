"""A save that is interrupted at any point leaves the old checkpoints or the new one, whole."""

import contextlib
import itertools
import os
import shutil
import stat
import warnings

import pytest
from checkpoint_cases import FILES, assert_is, content, ctrl_c, disk_full, interrupted, posix, run

from gantut.checkpoints import load_latest, save


@pytest.fixture
def two(tmp_path):
    """A folder with good checkpoints of steps 10 and 20."""
    for step in (10, 20):
        save(tmp_path, step, *content(step))
    return tmp_path


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
    from checkpoint_cases import assert_is, content, interrupted
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
        from gantut.checkpoints import save, write_atomically
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))  # no file may grow larger
        for attempt in (
            lambda: save(sys.argv[1], 30, {"w": torch.zeros(10_000)}, keep=1),
            lambda: write_atomically(sys.argv[2], bytes(40_000)),
        ):
            try:
                attempt()
            except OSError as error:
                print(error.strerror, getattr(error, "__notes__", ""))
    """
    results = two / "results.json"
    results.write_text("old")
    before = sorted(os.listdir(two))
    printed = run(program, two, results).splitlines()
    assert len(printed) == 2
    assert "File too large" in printed[0]
    assert "Saving step 30 failed" in printed[0]
    assert sorted(os.listdir(two)) == before
    assert_is(load_latest(two), 20)
    assert results.read_text() == "old"


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
