"""MNIST and Fashion-MNIST: from your own files, or downloaded once; verified in either case."""

import hashlib
import os
from pathlib import Path
from typing import NamedTuple

import torch
from torch.nn import functional

from gantut import _inputs
from gantut.data._download import cache_folder, fetch
from gantut.data._idx import read_idx
from gantut.data._images import Labelled

SIDE, SIZES = 28, (28, 32)
PARTS = {"train": "train", "test": "t10k"}  # the prefixes of their file names
# No file has more bytes than this, compressed or not.
AT_MOST = 2**26


class Collection(NamedTuple):
    """A data set of images and labels in four IDX files."""

    name: str  # of its folder, as other software calls it
    source: str  # the address to download from
    place: str  # where a Debian package puts the files
    checksums: dict[str, str]  # SHA-256 of each file, uncompressed


MNIST = Collection(
    "MNIST",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "/usr/share/datasets/mnist",
    {
        "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    },
)
FASHION_MNIST = Collection(
    "FashionMNIST",
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    "/usr/share/datasets/fashion-mnist",
    {
        "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    },
)


def mnist(
    part: str = "train",
    *,
    folder: str | os.PathLike | None = None,
    size: int = SIDE,
    download: bool = True,
    source: str | None = None,
    dtype=torch.float32,
    device="cpu",
) -> Labelled:
    """Return MNIST: 70,000 handwritten digits of 28 x 28 pixels.

    The files are read from `folder`, laid out as published or as torchvision keeps them, plain or compressed with gzip.
    Missing files are downloaded once and kept. Every file must have the right checksum.

    Parameters
    ----------
    part : {"train", "test"}
        60,000 or 10,000 images.
    folder : path, optional
        By default, ``~/.cache/gantut/MNIST`` (or in ``XDG_CACHE_HOME``), or where a Debian package has put the files.
    size : {28, 32}
        32 adds two pixels of background on every side, for networks that take 32 x 32 pixels.
    download : bool
        Whether to download missing files.
    source : str, optional
        The address of another server, to which the file names (``train-images-idx3-ubyte.gz``, ...) are appended.
    dtype, device
        Of the tensor of images.

    Returns
    -------
    images : tensor, shape (n, 1, size, size)
        From -1 (paper) to 1 (ink). In single precision, the 60,000 images take 188 MB, or 246 MB with size=32.
    labels : tensor of int64, shape (n,)
        From 0 to 9.

    Raises
    ------
    ValueError
        If a file in `folder` is damaged or is not a file of MNIST (:func:`read_idx` reads any IDX file).
    OSError
        If a file is missing and cannot be downloaded (then a `DownloadError`); the message says what to do.

    See Also
    --------
    fashion_mnist, digits

    References
    ----------
    LeCun, Bottou, Bengio and Haffner (1998), "Gradient-based learning applied to document recognition".

    Examples
    --------
    >>> images, labels = mnist("test", size=32)  # doctest: +SKIP
    """
    return _read(MNIST, part, folder, size, download, source, dtype, device)


def fashion_mnist(
    part: str = "train",
    *,
    folder: str | os.PathLike | None = None,
    size: int = SIDE,
    download: bool = True,
    source: str | None = None,
    dtype=torch.float32,
    device="cpu",
) -> Labelled:
    """Return Fashion-MNIST: 70,000 pieces of clothing of 28 x 28 pixels, in ten classes.

    On Debian, ``apt install dataset-fashion-mnist`` puts the files where they are found.

    Parameters
    ----------
    part, folder, size, download, source, dtype, device
        As for :func:`mnist`; files are kept in ``~/.cache/gantut/FashionMNIST``.

    Returns
    -------
    images : tensor, shape (n, 1, size, size)
        From -1 (background) to 1.
    labels : tensor of int64, shape (n,)
        0 T-shirt, 1 trousers, 2 pullover, 3 dress, 4 coat, 5 sandal, 6 shirt, 7 sneaker, 8 bag, 9 ankle boot.

    Raises
    ------
    ValueError, OSError
        As for :func:`mnist`.

    See Also
    --------
    mnist

    References
    ----------
    Xiao, Rasul and Vollgraf (2017), "Fashion-MNIST: a novel image dataset for benchmarking machine learning
    algorithms"; under the MIT License.

    Examples
    --------
    >>> images, labels = fashion_mnist("test")  # doctest: +SKIP
    """
    return _read(FASHION_MNIST, part, folder, size, download, source, dtype, device)


def _read(collection, part, folder, size, download, source, dtype, device):
    prefix = PARTS[_inputs.one_of("part", part, tuple(PARTS))]
    _inputs.one_of("size", size, SIZES)
    options = (folder, download, source)
    images = _array(collection, f"{prefix}-images-idx3-ubyte", *options)
    labels = _array(collection, f"{prefix}-labels-idx1-ubyte", *options)
    images = images[:, None].to(device, _inputs.precision(dtype)).div_(127.5).sub_(1)
    if margin := (size - SIDE) // 2:
        images = functional.pad(images, (margin,) * 4, value=-1.0)
    return Labelled(images, labels.to(device, torch.int64))


def _array(collection, name, folder, download, source):
    """Return the numbers of one file, wherever it is, once verified."""
    home = cache_folder() / collection.name if folder is None else _inputs.path("folder", folder)
    places = [home, home / "raw", home / collection.name / "raw"]
    places += [Path(collection.place)] if folder is None else []
    candidates = [place / (name + ending) for place in places for ending in ("", ".gz")]
    path = next((candidate for candidate in candidates if candidate.is_file()), None)
    if path is None:
        path = home / f"{name}.gz"
        if not download:
            raise FileNotFoundError(f"neither {name} nor {name}.gz is in {home}: put it there, or pass download=True")
        address = (collection.source if source is None else str(source)).rstrip("/") + f"/{name}.gz"
        fetch(address, path, at_most=AT_MOST, check=lambda file: _checked(collection, name, file))
    return _checked(collection, name, path)


def _checked(collection, name, path):
    """Return the numbers of a file with the right checksum."""
    array = read_idx(path, at_most=AT_MOST)
    header = b"\0\0\x08" + bytes([array.ndim]) + b"".join(length.to_bytes(4, "big") for length in array.shape)
    found = hashlib.sha256(header)
    found.update(array.numpy())
    if array.dtype != torch.uint8 or found.hexdigest() != collection.checksums[name]:
        raise ValueError(
            f"{path} is not {name} of {collection.name}: its SHA-256, uncompressed, is {found.hexdigest()}"
        )
    return array
