"""Arrays in, matplotlib axes out: the book's figures never train and never print.

One style for all: the palette of Okabe and Ito, which colour-blind readers can tell apart, with a line style of its
own for every curve, text that stays readable at half width, and a paper background that holds in dark mode too.

What only one lesson draws is in the `plots` of its room, such as `gantut.lessons.moving_dirt.plots`. matplotlib is
imported by what draws, not by this package.
"""

from gantut.plots._curves import distributions, lines, paths, population, sweep
from gantut.plots._members import member_rows, strips
from gantut.plots._samples import clouds, image_rows
from gantut.plots._style import (
    COLOURS,
    DASHES,
    FAINT,
    FIFTH,
    FOURTH,
    GENERATED,
    INK,
    PAPER,
    REAL,
    THIRD,
    WIDTH,
    as_array,
    axes,
    legend_below,
    show,
    use_style,
)  # fmt: skip

__all__ = [
    "COLOURS", "DASHES", "FAINT", "FIFTH", "FOURTH", "GENERATED", "INK", "PAPER", "REAL", "THIRD", "WIDTH",
    "as_array", "axes", "clouds", "distributions", "image_rows", "legend_below", "lines", "member_rows", "paths",
    "population", "show", "strips", "sweep", "use_style",
]  # fmt: skip
