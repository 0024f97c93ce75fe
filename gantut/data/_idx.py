"""IDX files, the format of MNIST and its relatives: a magic number, the sizes of the array, and its bytes.

The magic number is two zero bytes, the type of the numbers, and how many dimensions there are; each size has four
bytes. All numbers are big-endian.
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
        The largest size of the array in bytes, uncompressed.

    Returns
    -------
    tensor
        Of the shape and dtype that the file declares.

    Raises
    ------
    ValueError
        If this is not an IDX file, it declares more than `at_most` bytes, or it is shorter or longer than it declares.
    OSError
        If it cannot be opened.

    See Also
    --------
    mnist, fashion_mnist

    References
    ----------
    LeCun, Cortes and Burges, "The MNIST database of handwritten digits", the section on file formats.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "three-bytes")
    ...     _ = path.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3, 5, 6, 7]))
    ...     read_idx(path)
    tensor([5, 6, 7], dtype=torch.uint8)
    """
    path, at_most = _inputs.path("path", path), _inputs.count("at_most", at_most)
    with open(path, "rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        try:
            return _read(gzip.GzipFile(fileobj=file) if packed else file, path, at_most)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ValueError(f"path must be a complete IDX file, but {path} is damaged ({error})") from None


def _read(file, path, at_most):
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in TYPES or not 1 <= magic[3] <= MOST_DIMENSIONS:
        raise ValueError(f"path must be an IDX file, but {path} begins with {magic.hex(' ') or 'nothing'}")
    number, dimensions = np.dtype(TYPES[magic[2]]), magic[3]
    sizes = file.read(4 * dimensions)
    if len(sizes) < 4 * dimensions:
        raise EOFError(f"it ends before its {dimensions} sizes do")
    shape = tuple(np.frombuffer(sizes, ">u4").tolist())
    wanted = math.prod(shape) * number.itemsize
    if math.prod(max(size, 1) for size in shape) * number.itemsize > at_most:  # of an empty array, the strides
        raise ValueError(f"path must hold at most {at_most} bytes, but {path} declares the shape {shape}")
    data = file.read(wanted + 1)
    if len(data) != wanted:
        found = f"more than {wanted} bytes" if len(data) > wanted else f"only {len(data)} of {wanted} bytes"
        raise EOFError(f"it declares the shape {shape}, but has {found}")
    return torch.from_numpy(np.frombuffer(data, number).reshape(shape).astype(number.newbyteorder("=")))
