"""MNIST and Fashion-MNIST: the reader's own files, or else downloaded once; in either case checked."""

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
PARTS = {"train": "train", "test": "t10k"}  # how their files are called
# No file of them has more bytes than this, packed or not.
AT_MOST = 2**26


class Collection(NamedTuple):
    """A data set of images and labels in four IDX files."""

    #: as other software calls its folder
    name: str
    #: the address to download from
    source: str
    #: where a distribution's package puts the files
    place: str
    #: of each file, without .gz, the SHA-256 of what it is when unpacked
    checksums: dict[str, str]


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
    """70,000 handwritten digits of 28 x 28 pixels.

    The files are taken from `folder`, where they may lie as they are published or as torchvision keeps them, plain or
    compressed with gzip. What is not there is downloaded once, and kept. Every file must have the right checksum.

    Parameters
    ----------
    part : "train" or "test"
        60,000 or 10,000 images.
    folder : path, optional
        By default ``~/.cache/gantut/MNIST`` (or in ``XDG_CACHE_HOME``), or where a Debian package has put the files.
    size : 28 or 32
        32: with two pixels of background on every side, as networks for 32 x 32 pixels want it.
    download : bool
        Whether to download what is missing.
    source : str, optional
        The address of another server, to which the names of the files (``train-images-idx3-ubyte.gz``, ...) are added.

    Returns
    -------
    Labelled
        Images of shape (n, 1, size, size) from -1 (paper) to 1 (ink), and labels from 0 to 9. In single precision, the
        60,000 images take 188 MB, or 246 MB with size=32.

    Raises
    ------
    ValueError
        If a file in `folder` is damaged, or another one than that of MNIST: :func:`read_idx` reads any.
    OSError
        If a file is missing and cannot be downloaded; the message says what can be done.

    References
    ----------
    LeCun, Bottou, Bengio and Haffner (1998), "Gradient-based learning applied to document recognition".
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
    """70,000 pieces of clothing of 28 x 28 pixels, in ten classes.

    Everything is as for :func:`mnist`, with the cache in ``FashionMNIST``. Under Debian, ``apt install
    dataset-fashion-mnist`` brings the files to where they are found.

    Returns
    -------
    Labelled
        Images from -1 (background) to 1, and labels: 0 T-shirt, 1 trousers, 2 pullover, 3 dress, 4 coat, 5 sandal,
        6 shirt, 7 sneaker, 8 bag, 9 ankle boot.

    References
    ----------
    Xiao, Rasul and Vollgraf (2017), "Fashion-MNIST: a novel image dataset for benchmarking machine learning
    algorithms"; under the MIT License.
    """
    return _read(FASHION_MNIST, part, folder, size, download, source, dtype, device)


def _read(collection, part, folder, size, download, source, dtype, device):
    prefix = PARTS[_inputs.one_of("part", part, tuple(PARTS))]
    _inputs.one_of("size", size, SIZES)
    options = (folder, download, source)
    images = _array(collection, f"{prefix}-images-idx3-ubyte", *options)
    labels = _array(collection, f"{prefix}-labels-idx1-ubyte", *options)
    images = images[:, None].to(device, dtype).div_(127.5).sub_(1)
    if margin := (size - SIDE) // 2:
        images = functional.pad(images, (margin,) * 4, value=-1.0)
    return Labelled(images, labels.to(device, torch.int64))


def _array(collection, name, folder, download, source):
    """Return the numbers of one file, wherever it is, after a check."""
    home = cache_folder() / collection.name if folder is None else Path(folder)
    places = [home, home / "raw", home / collection.name / "raw"]
    places += [Path(collection.place)] if folder is None else []
    candidates = [place / (name + ending) for place in places for ending in ("", ".gz")]
    path = next((candidate for candidate in candidates if candidate.is_file()), None)
    if path is None:
        path = home / f"{name}.gz"
        if not download:
            raise FileNotFoundError(f"{name} is not in {home}, plain or as .gz: put it there, or pass download=True")
        address = (collection.source if source is None else source).rstrip("/") + f"/{name}.gz"
        fetch(address, path, at_most=AT_MOST, check=lambda file: _checked(collection, name, file))
    return _checked(collection, name, path)


def _checked(collection, name, path):
    """Return the numbers of a file that holds what it should."""
    array = read_idx(path, at_most=AT_MOST)
    header = b"\0\0\x08" + bytes([array.ndim]) + b"".join(length.to_bytes(4, "big") for length in array.shape)
    found = hashlib.sha256(header)
    found.update(array.numpy())
    if array.dtype != torch.uint8 or found.hexdigest() != collection.checksums[name]:
        raise ValueError(f"{path} is not {name} of {collection.name}: its SHA-256, unpacked, is {found.hexdigest()}")
    return array
