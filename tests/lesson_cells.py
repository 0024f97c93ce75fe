"""The cells of lessons, each lesson read once by all tests of a process: to read one takes a quarter of a second."""

import functools
from pathlib import Path

import jupytext


@functools.cache
def cells_of(path: Path) -> list:
    """Return the cells of a lesson, which nobody changes."""
    return jupytext.read(path).cells
