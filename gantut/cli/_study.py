"""``python -m gantut study``: many random settings of every objective, under one budget; lesson 15."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gantut.cli._arguments import read
from gantut.cli._processes import place, told_to_stop
from gantut.device import SCALES
from gantut.lessons.created_equal import ARENAS, study, summary
from gantut.lessons.toy_gans import GAMES


@dataclass
class Study:
    """Give every objective the same number of random settings on the same data, and compare the best (lesson 15).

    Each try is a small file: a study that is stopped goes on where it was, and processes (torchrun) share the work.

    Attributes
    ----------
    out : path
        The folder of the tries (default: study).
    budget : int
        Tries of each objective on each kind of data (default: as the scale says).
    seeds : int
        Runs of each try (default: 3).
    distributions : tuple of str
        The kinds of data (default: all).
    objectives : tuple of str
        The objectives (default: all).
    scale : str
        fast, or full: the sizes of the papers (default: fast).
    updates : int
        Gradient steps of a run, of both networks together (default: as the scale says).
    seed : int
        Seed of the settings and of the runs (default: 0).
    seconds : float
        Begin no further try after so long.
    quiet : bool
        Show no progress.
    """

    out: Path = Path("study")
    budget: int = None
    seeds: int = None
    distributions: tuple[Literal[tuple(ARENAS)], ...] = None
    objectives: tuple[Literal[tuple(GAMES)], ...] = None
    scale: Literal[SCALES] = None
    updates: int = None
    seed: int = None
    seconds: float = None
    quiet: bool = False


def run(words: Sequence[str]) -> int:
    """Make the tries that a study lacks; return the exit status."""
    given, where = read(words, Study), place()
    out, quiet = given.pop("out", Study.out), given.pop("quiet", False) or not where.speaks
    with told_to_stop():
        try:
            found = study(out, **given, progress=False if quiet else None)
        except KeyboardInterrupt:
            if where.speaks:
                again = shlex.join(["python", "-m", "gantut", *words])
                print(f"\nStopped; all finished tries are saved. To resume:\n  {again}")
            return 130
    if where.speaks:
        print(summary(found))
    return 0
