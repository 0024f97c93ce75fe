"""The book's style: colours, dashes, sizes, and the figures that have them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PAPER, INK, FAINT, GRID = "#fdfcf8", "#222222", "#8a8a8a", "#e4e1d8"
REAL, GENERATED, THIRD, FOURTH, FIFTH = "#0072b2", "#d55e00", "#009e73", "#b0568c", "#e69f00"
INDIGO, SKY, OLIVE = "#332288", "#4aa3cf", "#8a8420"
COLOURS = (THIRD, FOURTH, FIFTH, INDIGO, SKY, OLIVE, INK)  # of what is neither real nor generated
DASHES = ("-", (0, (5, 1.5)), (0, (1.2, 1.2)), (0, (6, 1.5, 1.2, 1.5)), (0, (3, 1, 1, 1, 1, 1)), "-")
MARKERS = "osD^vPX*"
# What each colour is by night: the site draws every figure twice, and labs/lab.css has the same pairs.
DARK = {
    PAPER: "#1b1c1f", INK: "#ececec", FAINT: "#8d9098", GRID: "#3a3c42", REAL: "#56b4e9", GENERATED: "#ff9a4d",
    THIRD: "#3dd6a3", FOURTH: "#e6a3cb", FIFTH: "#f2c14e", INDIGO: "#aaa0f5", SKY: "#9adcf7", OLIVE: "#cfca6a",
}  # fmt: skip
# One colour, dash and marker for each thing, wherever it is drawn. A game has those of what its generator goes down.
LOOKS = (
    dict.fromkeys(("real", "data", "p"), (REAL, "-", "o"))
    | dict.fromkeys(("generated", "generator", "p_g", "q"), (GENERATED, DASHES[1], "s"))
    | dict.fromkeys(("w1", "w₁", "w_1", "wasserstein", "wgan-gp", "penalised"), (THIRD, "-", "^"))
    | dict.fromkeys(("js", "minimax"), (FOURTH, DASHES[2], "D"))
    | dict.fromkeys(("kl", "wgan", "clipping", "clipped"), (FIFTH, DASHES[1], "P"))
    | dict.fromkeys(("reverse kl", "non-saturating", "dcgan"), (OLIVE, DASHES[3], "h"))
    | dict.fromkeys(("discriminator", "critic", "critic's"), (INDIGO, "-", "p"))
    | {"d*": (INK, DASHES[1], "*"), "least-squares": (INK, "-", "X"), "wgan-lp": (SKY, DASHES[4], "v")}
    | {"hinge": (FAINT, DASHES[1], "*"), "dragan": (FOURTH, DASHES[2], "d"), "spectral": (FAINT, "-", "X")}
    | {"sorting": (INDIGO, DASHES[3], "<")}
)
WIDTH = 7.2  # inches: the text column

STYLE = {
    "figure.dpi": 130,
    "figure.facecolor": PAPER,
    "savefig.facecolor": PAPER,
    "figure.constrained_layout.use": True,
    "axes.facecolor": PAPER,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.labelsize": 12,
    "axes.titlesize": 12,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "xtick.labelsize": 11,
    "ytick.labelsize": 11,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
    "lines.linewidth": 2.0,
    "legend.fontsize": 11,
    "legend.frameon": False,
    "font.size": 11,
}


def looks(names: Sequence[str], colours: Sequence | None = None, dashes: Sequence | None = None) -> list[tuple]:
    """Return how each of several things is drawn: in its own colour if it has one, and never as another of them.

    Parameters
    ----------
    names : sequence of str
        A thing is known by its name (real, generated, minimax, WGAN-GP, KL, JS, W1, critic, ...) within these.
    colours, dashes : sequence, optional
        To be taken instead, in turn.

    Returns
    -------
    list of (colour, dash, marker)

    See Also
    --------
    lines : draws curves so.

    Examples
    --------
    >>> looks(["JS", "exact W₁", "a bound"]) == [(FOURTH, DASHES[2], "D"), (THIRD, "-", "^"), (FIFTH, DASHES[1], "o")]
    True
    """
    known = [LOOKS.get(thing_in(name)) for name in names]
    taken = list(zip(*filter(None, known), strict=True)) or [()] * 3
    spare = [
        itertools.cycle([part for part in all_parts if part not in own] or all_parts)
        for all_parts, own in zip((COLOURS, DASHES, MARKERS), taken, strict=True)
    ]
    found: list[tuple] = []
    for place, look in enumerate(known):
        if look is None or look in found:
            look = (look[0] if look else next(spare[0]), next(spare[1]), next(spare[2]))
        colour = colours[place % len(colours)] if colours else look[0]
        found.append((colour, dashes[place % len(dashes)] if dashes else look[1], look[2]))
    return found


def thing_in(name: str) -> str | None:
    """Return that key of LOOKS which comes first in a name, as a word of its own, or None."""
    words = {key: re.search(rf"(?<![^\W_]|-){re.escape(key)}(?![^\W_]|['-])", str(name).lower()) for key in LOOKS}
    return min((key for key in words if words[key]), key=lambda key: (words[key].start(), -len(key)), default=None)


def use_style() -> None:
    """Set the book's style for all figures that follow.

    See Also
    --------
    axes : a figure in this style.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> use_style()
    >>> plt.rcParams["figure.facecolor"] == PAPER
    True
    """
    import matplotlib.pyplot as plt

    plt.rcParams.update(STYLE)


def show() -> None:
    """Show the current figures, then close them.

    See Also
    --------
    axes : begins a figure.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> plt.switch_backend("agg")  # which has no windows; leave this out to see the figure
    >>> ax = axes()
    >>> show()
    >>> plt.get_fignums()
    []
    """
    import matplotlib.pyplot as plt

    plt.show()
    plt.close("all")


def axes(rows: int = 1, columns: int = 1, *, height: float = 3.0, **options) -> Axes | np.ndarray:
    """Make a figure as wide as the text, in the book's style.

    Parameters
    ----------
    rows, columns : int
        How many axes the figure has.
    height : float
        Of a row, in inches.
    **options
        Others of `matplotlib.pyplot.subplots`, such as ``sharey=True``.

    Returns
    -------
    Axes, or array of Axes
        As `matplotlib.pyplot.subplots` returns them.

    See Also
    --------
    show : what to call once the figure is drawn.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> left, right = axes(1, 2, sharey=True)
    >>> left.figure.get_size_inches().tolist()
    [7.2, 3.0]
    >>> plt.close(left.figure)
    """
    import matplotlib.pyplot as plt

    use_style()
    return plt.subplots(rows, columns, figsize=(WIDTH, height * rows), **options)[1]


def as_array(values) -> np.ndarray:
    """Return a tensor, wherever it is, or anything else with numbers, as a NumPy array.

    Parameters
    ----------
    values : tensor, array or sequence

    Returns
    -------
    array
        Without gradients, in main memory.

    Examples
    --------
    >>> import torch
    >>> as_array(torch.ones(2, requires_grad=True))
    array([1., 1.], dtype=float32)
    """
    return np.asarray(values.detach().cpu() if hasattr(values, "detach") else values)


def legend_below(first: Axes, *others: Axes, columns: int = 3) -> None:
    """Put one legend for several axes below their figure.

    Entries of the same name in several axes become one entry, with the handles drawn over each other.

    Parameters
    ----------
    first, *others : Axes
        All of one figure.
    columns : int
        Of the legend.

    See Also
    --------
    lines : draws curves that have names.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> left, right = axes(1, 2)
    >>> handles = [left.plot([0, 1], label="real"), right.plot([1, 0], label="real")]
    >>> legend_below(left, right)
    >>> [text.get_text() for text in left.figure.legends[0].get_texts()]
    ['real']
    >>> plt.close(left.figure)
    """
    entries: dict[str, list] = {}
    for ax in (first, *others):
        for handle, name in zip(*ax.get_legend_handles_labels(), strict=True):
            entries.setdefault(name, []).append(handle)
    handles = list(map(tuple, entries.values()))
    legend = first.figure.legend(handles, list(entries), loc="outside lower center", ncols=columns)
    for mark in legend.findobj(lambda part: hasattr(part, "set_sizes")):
        mark.set(sizes=[36], alpha=0.8)  # the key of a faint cloud can be seen
