"""What the tests of checkpoints share: values that tell where they come from, faults, and exact comparison."""

import contextlib
import errno
import os
import struct
import subprocess
import sys
import textwrap

import pytest
import torch

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


def run(program, *arguments, timeout=600):  # seconds, of a machine that may be busy
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
