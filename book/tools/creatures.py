#!/usr/bin/env python3
"""Make gantut/data/shipped/creatures.npz from the source of the game Dungeon Crawl Stone Soup.

    python book/tools/creatures.py crawl_0.28.0.orig.tar.xz

The archive is that of Debian's source package `crawl`; gantut/data/shipped/creatures.md says how to get it. Only the
pictures that creatures.txt lists are taken, and each must have the checksum that is written there.
"""

import argparse
import hashlib
import io
import sys
import tarfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from gantut.data import _pixels
from gantut.data._creatures import Tiles, squares
from gantut.lessons.new_creatures import group_similar_images

SHIPPED = Path(__file__).resolve().parents[2] / "gantut" / "data" / "shipped"
ARCHIVE_SHA256 = "5a6be168f8888b84bdb199184ca20bd8636f77ba7e9e0124ebee8850092f2f47"
PLACE = "stone_soup-0.28.0/source/rltiles/"
HEIGHT = 48


def listed(path=SHIPPED / "creatures.txt"):
    """Return the checksum of each picture by its path, in the order of the list."""
    lines = path.read_text(encoding="ascii").splitlines()
    return {name: checksum for checksum, name in (line.split("  ") for line in lines)}


def checksum(tile):
    """Return the SHA-256 of a picture (height, width, 4): of "(width, height)" and then its bytes."""
    height, width, _ = tile.shape
    return hashlib.sha256(str((width, height)).encode() + tile.tobytes()).hexdigest()


def read_tiles(archive):
    """Return the listed pictures by path, their wholly transparent pixels set to zero."""
    wanted, tiles = listed(), {}
    with tarfile.open(archive, "r:xz") as members:
        for member in members:
            name = member.name.removeprefix(PLACE)
            if member.name.startswith(PLACE) and name in wanted:
                tile = np.array(Image.open(io.BytesIO(members.extractfile(member).read())).convert("RGBA"))
                tile[tile[..., 3] == 0] = 0
                if checksum(tile) != wanted[name]:
                    sys.exit(f"{name} is not the picture that the list means")
                tiles[name] = tile
    if missing := wanted.keys() - tiles.keys():
        sys.exit(f"the archive lacks {', '.join(sorted(missing))}")
    return {name: tiles[name] for name in wanted}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path)
    archive = parser.parse_args().archive
    if hashlib.sha256(archive.read_bytes()).hexdigest() != ARCHIVE_SHA256:
        sys.exit(f"{archive} is not crawl_0.28.0.orig.tar.xz as Debian has it")
    tiles = read_tiles(archive)
    names = [name.removesuffix(".png") for name in tiles]
    heights = np.array([len(tile) for tile in tiles.values()], np.uint8)
    pixels = np.stack([np.pad(tile, ((0, HEIGHT - len(tile)), (0, 0), (0, 0))) for tile in tiles.values()])
    images = _pixels.tensor_of(squares(pixels, heights), channels=4, background=1.0, mirrored=False,
                               dtype=torch.float32, device="cpu")  # fmt: skip
    groups = group_similar_images(images, names).numpy().astype(np.int16)
    np.savez_compressed(SHIPPED / "creatures.npz", **Tiles(pixels, heights, np.array(names), groups)._asdict())
    print(f"{len(names)} pictures of {groups.max() + 1} groups")


if __name__ == "__main__":
    main()
