#!/usr/bin/env python3
"""Make book/images/creatures.gif: twelve pieces of noise, and what the generator of lesson 14 made of them as it learnt.

    python book/tools/film.py [FILE]

The pictures are those of the recorded run. The film is shown once and ends with the last of them, so that nothing goes
on moving beside a text.
"""

import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from gantut.lessons.new_creatures import decode_pictures

BOOK = Path(__file__).resolve().parents[1]
FILM = BOOK / "images" / "creatures.gif"
RECORD = BOOK / "results" / "creatures-modern.json"
ROWS, SCALE, COLOURS = 2, 2, 64
MILLISECONDS = 350  # a picture; less than five seconds in all


def frames(record):
    """Return the pictures of a film from the record of a run: a list of arrays (height, width, 3) of bytes."""
    found = []
    for encoded in json.loads(record.read_text(encoding="utf-8"))["result"]["film"]:
        images = ((decode_pictures(encoded) + 1) * 127.5).round().byte()  # (n, 3, side, side)
        n, channels, side, _ = images.shape
        rows = images.view(ROWS, n // ROWS, channels, side, side).permute(0, 3, 1, 4, 2)
        sheet = rows.reshape(ROWS * side, n // ROWS * side, channels).numpy()
        found.append(np.kron(sheet, np.ones((SCALE, SCALE, 1), np.uint8)))
    return found


def main(file=FILM):
    pictures = [Image.fromarray(frame) for frame in frames(RECORD)]
    first, *rest = (picture.quantize(COLOURS, dither=Image.Dither.NONE) for picture in pictures)
    first.save(file, save_all=True, append_images=rest, duration=MILLISECONDS, optimize=True)
    print(f"{file}: {Path(file).stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
