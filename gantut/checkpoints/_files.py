"""Files that are written whole or not at all, and read without trust."""

import contextlib
import errno
import hashlib
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from gantut.checkpoints._limits import CheckpointError

# no links, and no waiting for whoever should write into a pipe
READ = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def write_atomically(path: str | os.PathLike, data: bytes | str | Callable[[BinaryIO], None]) -> None:
    """Write a file such that whoever looks, at any time, finds the old one or the new one, and never a part of either.

    The data are written to a new file in the same folder and forced to the disk; that file then takes the place of the
    old one, and the folder, too, is forced to the disk. A symbolic link stays: the file that it points at is replaced.

    Parameters
    ----------
    path : str or path
        Where to; the folder must exist.
    data : bytes, str or function
        What to write, text as UTF-8; or a function that writes into the open binary file that it is given.

    Raises
    ------
    OSError
        If the disk is full, the folder is gone or read-only, ...: the old file is then still there. Only
        a process that is killed while it writes leaves its unfinished file behind, named ``.NAME.xxxxxxxx.unfinished``.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from gantut.checkpoints import write_atomically
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "results.json"
    ...     write_atomically(path, '{"fid": 12.5}')
    ...     print(path.read_text())
    {"fid": 12.5}

    See Also
    --------
    save
    """
    path = Path(os.path.realpath(path))
    unfinished = path.with_name(f".{path.name[:50]}.{secrets.token_hex(4)}.unfinished")
    try:
        mode = stat.S_IMODE(os.stat(path).st_mode) if path.exists() else None  # what was private stays private
        write_new(unfinished, data, mode=mode)
        os.replace(unfinished, path)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(unfinished)
    sync_folder(path.parent)


def write_new(path: Path, data, *, mode: int | None = None) -> None:
    """Write a file that must not exist yet, and force it to the disk."""
    with open(path, "xb") as file:
        if mode is not None:
            os.chmod(path, mode)
        if callable(data):
            data(file)
        else:
            file.write(data.encode() if isinstance(data, str) else data)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Force to the disk which files a folder holds."""
    if os.name == "nt":  # folders cannot be opened there
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network drives know files only
            raise
    finally:
        os.close(handle)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, as far as they are missing, and force their names to the disk."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


@contextlib.contextmanager
def only_writer(folder: Path) -> Iterator[bool]:
    """Wait until no other process or thread writes checkpoints into `folder`, and keep the others waiting.

    Gives whether that is certain: some network drives, and Windows, cannot lock a folder. The lock needs no file, and
    ends with the process that holds it, however that ends.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        yield False
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            locked = True
        except OSError:
            locked = False
        yield locked
    finally:
        os.close(handle)


def read(path: Path, *, at_most: int) -> bytes:
    """Return what a plain file holds, if that is not more than `at_most` bytes."""
    try:
        with open(path, "rb", opener=lambda name, _: os.open(name, READ)) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise CheckpointError(f"{path} is not a plain file, and is not read: put the real file in its place")
            data = file.read(min(status.st_size, at_most) + 1)
    except OSError as error:
        raise CheckpointError(f"{path} {_reason(error)}") from error
    if len(data) > at_most or status.st_size > at_most:
        raise CheckpointError(
            f"{path} has {max(status.st_size, len(data))} bytes, more than the {at_most} that it may have here: "
            "it is damaged or foreign, or `limits` must be wider"
        )
    return data


def _reason(error: OSError) -> str:
    if error.errno == errno.ENOENT:
        return "is missing: the checkpoint is not complete; use another one"
    if error.errno in (errno.ELOOP, errno.EMLINK):
        return "is a symbolic link, which is not followed: put the real file in its place"
    return f"cannot be read ({error.strerror}): fix that, or use another checkpoint"


def sha256(data: bytes) -> str:
    """Return the SHA-256 of the bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()
