"""Images from untrusted folders and archives: read in memory, within limits; nothing is extracted.

Only regular files with the extension of an image are read. A single bad file is skipped, and the reason is reported;
exceeding a limit on the whole is an error. No link is followed, unless those in a folder are to be, and no nested
archive opened.
"""

import bz2
import gzip
import lzma
import math
import os
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from gantut import _inputs

ENDINGS = (".png", ".gif", ".jpg", ".jpeg", ".webp", ".bmp", ".avif", ".heic", ".heif")
CHUNK = 1 << 16
# The largest dictionary of an xz archive that is unpacked (`xz -9` needs 65 MiB), and index of a zip archive.
XZ_MEMORY, INDEX_BYTES = 1 << 27, 1 << 23
# What unpacking damaged data raises.
DAMAGED = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, NotImplementedError,
           ValueError, RuntimeError, OverflowError, struct.error)  # fmt: skip
PLAIN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2)
READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)  # and no waiting on a pipe
NOT_LINKS = getattr(os, "O_NOFOLLOW", 0)


class ImageLimits(NamedTuple):
    """How much :func:`sprites` may read from a folder or an archive.

    Attributes
    ----------
    files : int
        Images that are read.
    entries : int
        Files of any kind in the folder or archive.
    picture_bytes : int
        Size of one image file.
    pixels : int
        Width times height of one image.
    total_bytes : int
        Everything that is unpacked of an archive, unless twice its own size is more; a folder may be of any size.

    Examples
    --------
    >>> ImageLimits(files=100_000).files  # for a larger collection; the others keep their defaults
    100000
    """

    files: int = 20_000
    entries: int = 200_000
    picture_bytes: int = 2**25
    pixels: int = 2**25
    total_bytes: int = 2**31


class Found(NamedTuple):
    """A file: its data, or the reason why it was not read; neither where it is not named like an image."""

    name: str
    data: bytes | None
    reason: str = ""


class LimitExceeded(ValueError):
    """A folder or an archive exceeds the limits."""


def pictures_in(path: str | os.PathLike, match: str, limits: ImageLimits, links: bool = False) -> Iterator[Found]:
    """Yield the files in a folder, a zip or a tar archive, by their names; of images that do not match, nothing.

    With `links`, a link in a folder stands for the file or the folder that it leads to; no folder is read twice.

    Raises
    ------
    ValueError
        If `path` is none of these, or exceeds the limits.
    """
    path = _inputs.path("path", path)
    if path.is_dir():
        members, most = _in_folder(path, match, limits, links), math.inf
    elif path.is_file():
        limits = limits._replace(total_bytes=max(limits.total_bytes, 2 * path.stat().st_size))
        members, most = _in_archive(path, match, limits), limits.total_bytes
    else:
        raise ValueError(
            f"path must be a folder, or a zip or tar archive, but {str(path)!r} "
            + ("is neither" if path.exists() else "does not exist")
        )
    files = size = 0
    for found in members:
        if found.data is not None:
            files, size = files + 1, size + len(found.data)
            if files > limits.files:
                _too_much("files", f"more than {limits.files} images: select some with `match`")
            if size > most:
                _too_much("total_bytes", f"more than {limits.total_bytes} bytes of images: select some with `match`")
        yield found._replace(name=_printable(found.name))


def _too_much(limit, found):
    raise LimitExceeded(f"path has {found}, or raise `{limit}` in `limits`")


def _chosen(name, match, read):
    """Yield what is read of a file: nothing of an image that does not match, and the name alone of what is none."""
    path = PurePosixPath(name)
    if path.name.startswith("._"):  # what macOS writes beside files
        return
    if not name.lower().endswith(ENDINGS):
        yield Found(name, None)
    elif path.match(match):  # what is hidden may be a thumbnail of another
        hidden = any(re.match(r"\.(?!\.)", part) for part in path.parts)
        yield Found(name, None, "is hidden") if hidden else read()


def _printable(name):
    """Return a name from an archive that is safe to print: at most 250 characters, no control characters."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in name[-250:])


def _leaves(name):
    """Return whether a name in an archive points outside of it."""
    return PurePosixPath(name).is_absolute() or ".." in re.split(r"[/\\]", name) or name[1:2] == ":" or name[:1] == "\\"


# ---- Folders ----------------------------------------------------------------------------------------------


def _in_folder(folder, match, limits, links):
    unreadable, seen = [], {os.path.realpath(folder)}
    entries = 0
    for place, folders, files in os.walk(folder, onerror=unreadable.append, followlinks=links):
        folders.sort()
        entries += len(folders) + len(files)
        if entries > limits.entries:
            _too_much("entries", f"more than {limits.entries} files")
        for path in [Path(place, name) for name in folders]:
            name, real = path.relative_to(folder).as_posix(), os.path.realpath(path)
            if path.is_symlink() and not links:
                yield Found(name, None, "is a link to a folder")
            elif links and real in seen:  # such as a link to a folder above
                yield Found(name, None, "is a folder that is read already")
                folders.remove(path.name)
            seen.add(real)
        for path in (Path(place, name) for name in sorted(files)):
            name = path.relative_to(folder).as_posix()
            yield from _chosen(name, match, partial(_read_file, path, name, limits, links))
    for error in unreadable:
        yield Found(os.path.relpath(error.filename, folder), None, f"cannot be opened ({error.strerror})")


def _read_file(path, name, limits, links):
    if path.is_symlink() and not links:
        return Found(name, None, "is a link")
    flags = READ if links else READ | NOT_LINKS
    try:
        with open(path, "rb", opener=lambda name, _: os.open(name, flags)) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                return Found(name, None, "is not a regular file")
            data = file.read(min(status.st_size, limits.picture_bytes) + 1)
    except OSError as error:
        return Found(name, None, f"cannot be read ({error.strerror})")
    return Found(name, data) if len(data) <= limits.picture_bytes else Found(name, None, _too_large(len(data), limits))


def _too_large(size, limits):
    return f"has at least {size} bytes, but {limits.picture_bytes} are allowed"


# ---- Archives ---------------------------------------------------------------------------------------------


def _in_archive(path, match, limits):
    with open(path, "rb") as file:
        start = file.read(512)
        file.seek(0)
        kind = next((kind for magic, kind in UNPACKED.items() if start.startswith(magic)), None)
        if start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
            yield from _in_zip(file, match, limits)
        elif kind or start[257:262] == b"ustar" or _is_old_tar(start):
            yield from _in_tar(_Unpacked((kind or _as_it_is)(file), limits), path.name, match, limits)
        else:
            raise ValueError(f"path must be a folder, or a zip or tar archive, but {str(path)!r} is neither")


def _is_old_tar(start):
    try:
        return bool(tarfile.TarInfo.frombuf(start, "utf-8", "surrogateescape").name)
    except tarfile.HeaderError:
        return False


def _in_zip(file, match, limits):
    file = _Sparing(file, INDEX_BYTES)
    try:
        archive = zipfile.ZipFile(file)
    except DAMAGED as error:
        raise _limit_or(error, f"path must be an intact zip archive, but this one is damaged ({error})") from None
    file.at_most = limits.picture_bytes
    with archive:
        members = archive.infolist()
        if len(members) > limits.entries:
            _too_much("entries", f"more than {limits.entries} files")
        for member in members:
            if not member.is_dir():
                yield from _chosen(member.filename, match, partial(_read_zipped, archive, member, limits))


def _read_zipped(archive, member, limits):
    name, mode = member.filename, member.external_attr >> 16
    if _leaves(name):
        return Found(name, None, "its path leaves the archive")
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return Found(name, None, "is a link" if stat.S_ISLNK(mode) else "is not a regular file")
    if member.flag_bits & 1:
        return Found(name, None, "is encrypted")
    if member.compress_type not in PLAIN:
        return Found(name, None, "uses an unsupported compression method")
    if member.file_size > limits.picture_bytes:
        return Found(name, None, _too_large(member.file_size, limits))
    try:
        with archive.open(member) as packed:
            return Found(name, packed.read(member.file_size + 1))  # to its end, where its checksum is verified
    except DAMAGED as error:
        return Found(name, None, f"cannot be unpacked ({error})")


def _in_tar(stream, archive_name, match, limits):
    try:
        archive = tarfile.TarFile(fileobj=stream, errors="surrogateescape")
    except DAMAGED as error:
        raise _limit_or(error, f"path must be an intact tar archive, but this one is damaged ({error})") from None
    entries = 0
    try:
        for member in iter(archive.next, None):
            entries += 1
            if entries > limits.entries:
                _too_much("entries", f"more than {limits.entries} files")
            archive.members.clear()
            if not member.isdir():
                yield from _chosen(member.name, match, partial(_read_tarred, stream, member, limits))
        if stream.last != bytes(tarfile.BLOCKSIZE):  # an archive ends with zeros; tarfile takes damage for its end
            raise EOFError("the end of the archive is missing")
    except LimitExceeded:
        raise
    except DAMAGED as error:
        yield Found(archive_name, None, f"is damaged after {entries} files ({error})")


def _limit_or(error, message):
    return error if isinstance(error, LimitExceeded) else ValueError(message)


def _read_tarred(stream, member, limits):
    name = member.name
    if _leaves(name):
        return Found(name, None, "its path leaves the archive")
    if not member.isreg() or member.issparse():
        return Found(name, None, "is a link" if member.islnk() or member.issym() else "is not a regular file")
    if member.size < 0:
        raise tarfile.ReadError("an entry has a negative size")
    if member.size > limits.picture_bytes:
        return Found(name, None, _too_large(member.size, limits))
    stream.seek(member.offset_data)
    data = stream.read(member.size)
    if len(data) < member.size:
        raise EOFError("it ends in the middle of a file")
    return Found(name, data)


# ---- Files that archives are read from, which bound the memory that is used -------------------------------


class _Sparing:
    """A file that refuses large reads, such as an oversized index of a zip archive."""

    def __init__(self, file, at_most):
        self._file, self.at_most = file, at_most
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size=-1):
        data = self._file.read(self.at_most + 1 if size is None or size < 0 else min(size, self.at_most + 1))
        if len(data) > self.at_most:
            raise LimitExceeded(f"path is a zip archive with a part of more than {self.at_most} bytes")
        return data


class _Unpacked:
    """The unpacked contents of a compressed file, read forwards only, within the limits."""

    def __init__(self, chunks, limits):
        self._chunks, self._limits = chunks, limits
        self._buffer, self._position = bytearray(), 0
        self.last = b""

    def tell(self):
        return self._position

    def seek(self, position):
        if position < self._position:
            raise ValueError("an entry points backwards")
        while self._position < position and self._take(min(CHUNK, position - self._position)):
            pass

    def read(self, size):
        if size > self._limits.picture_bytes:
            raise LimitExceeded(f"path has an entry of {size} bytes: raise `picture_bytes` in `limits`")
        self.last = self._take(size)
        return self.last

    def _take(self, size):
        while len(self._buffer) < size and (chunk := next(self._chunks, b"")):
            self._buffer += chunk
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        self._position += len(taken)
        if self._position > self._limits.total_bytes:
            _too_much("total_bytes", f"more than {self._limits.total_bytes} bytes when unpacked")
        return taken


def _as_it_is(file):
    return iter(lambda: file.read1(CHUNK), b"")  # read would discard what precedes a damaged place


def _un_xz(file):
    unpacker = lzma.LZMADecompressor(memlimit=XZ_MEMORY)
    while not unpacker.eof:
        packed = file.read(CHUNK) if unpacker.needs_input else b""
        if unpacker.needs_input and not packed:
            raise EOFError("the compressed data end too early")
        if chunk := unpacker.decompress(packed, CHUNK):
            yield chunk


UNPACKED = {
    b"\x1f\x8b": lambda file: _as_it_is(gzip.GzipFile(fileobj=file)),
    b"BZh": lambda file: _as_it_is(bz2.BZ2File(file)),
    b"\xfd7zXZ\x00": _un_xz,
}
