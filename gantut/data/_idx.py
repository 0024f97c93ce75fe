"""IDX files, in which MNIST and its relatives come: a magic number, the sizes of the array, and its bytes.

The magic number is two zero bytes, the type of the numbers, and how many dimensions there are; each size has four
bytes. All numbers are stored with their highest byte first.
"""

import gzip
import math
import os
import zlib

import numpy as np
import torch

from gantut import _inputs

TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
MOST_DIMENSIONS = 8


def read_idx(path: str | os.PathLike, *, at_most: int = 2**30) -> torch.Tensor:
    """Read an IDX file, plain or compressed with gzip.

    Parameters
    ----------
    path : str or path
    at_most : int
        How many bytes the array may have, unpacked.

    Returns
    -------
    tensor
        Of the shape and type of number that the file states.

    Raises
    ------
    ValueError
        If the file is none, asks for more than `at_most` bytes, ends too early or goes on after its end.
    OSError
        If it cannot be opened.

    References
    ----------
    LeCun, Cortes and Burges, "The MNIST database of handwritten digits", the section on file formats.
    """
    at_most = _inputs.count("at_most", at_most)
    with _opened(path) as file:
        try:
            return _read(file, path, at_most)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ValueError(f"path must be a whole IDX file, and {path} is damaged ({error})") from None


def _opened(path):
    with open(path, "rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return gzip.open(path, "rb") if packed else open(path, "rb")


def _read(file, path, at_most):
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in TYPES or not 1 <= magic[3] <= MOST_DIMENSIONS:
        raise ValueError(f"path must be an IDX file, and {path} is not: it begins with {magic.hex(' ') or 'nothing'}")
    number, dimensions = np.dtype(TYPES[magic[2]]), magic[3]
    sizes = file.read(4 * dimensions)
    if len(sizes) < 4 * dimensions:
        raise ValueError(f"path must be a whole IDX file, and {path} ends within its {dimensions} sizes")
    shape = tuple(np.frombuffer(sizes, ">u4").tolist())
    wanted = math.prod(shape) * number.itemsize
    if wanted > at_most:
        raise ValueError(f"path must hold at most {at_most} bytes, and {path}, of shape {shape}, has {wanted}")
    data = file.read(wanted + 1)
    if len(data) != wanted:
        found = f"goes on after its {wanted} bytes" if len(data) > wanted else f"has {len(data)} bytes of {wanted}"
        raise ValueError(f"path must be a whole IDX file and no more, and {path}, of shape {shape}, {found}")
    return torch.from_numpy(np.frombuffer(data, number).reshape(shape).astype(number.newbyteorder("=")))
