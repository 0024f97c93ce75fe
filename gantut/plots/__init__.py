"""Arrays in, matplotlib axes out: the book's figures never train and never print.

One style for all: the palette of Okabe and Ito and three colours more, which colour-blind readers can tell apart, with
a line style of its own for every curve, and text that stays readable at half width. Whatever has a name in `LOOKS`, as
each objective and each divergence, has one colour, dash and marker in all figures and labs; `DARK` says what each
colour is by night.

What only one lesson draws is in the `plots` of its room, such as `gantut.lessons.moving_dirt.plots`. matplotlib is
imported by what draws, not by this package.
"""

from gantut.plots._curves import distributions, lines, paths, population, sweep
from gantut.plots._members import member_rows, strips
from gantut.plots._samples import clouds, image_rows
from gantut.plots._style import (
    COLOURS,
    DARK,
    DASHES,
    FAINT,
    FIFTH,
    FOURTH,
    GENERATED,
    GRID,
    INDIGO,
    INK,
    LOOKS,
    OLIVE,
    PAPER,
    REAL,
    SKY,
    THIRD,
    WIDTH,
    as_array,
    axes,
    legend_below,
    looks,
    show,
    use_style,
)  # fmt: skip

__all__ = [
    "COLOURS", "DARK", "DASHES", "FAINT", "FIFTH", "FOURTH", "GENERATED", "GRID", "INDIGO", "INK", "LOOKS", "OLIVE",
    "PAPER", "REAL", "SKY", "THIRD", "WIDTH", "as_array", "axes", "clouds", "distributions", "image_rows",
    "legend_below", "lines", "looks", "member_rows", "paths", "population", "show", "strips", "sweep", "use_style",
]  # fmt: skip
