"""The book's style: colours, dashes, sizes, and the figures that have them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PAPER, INK, FAINT = "#fdfcf8", "#222222", "#8a8a8a"
REAL, GENERATED, THIRD, FOURTH, FIFTH = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00"
COLOURS = (REAL, GENERATED, THIRD, FOURTH, FIFTH, INK)
DASHES = ("-", (0, (5, 1.5)), (0, (1.2, 1.2)), (0, (6, 1.5, 1.2, 1.5)), (0, (3, 1, 1, 1, 1, 1)), "-")
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
    "grid.color": "#e4e1d8",
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
    first.figure.legend(list(map(tuple, entries.values())), list(entries), loc="outside lower center", ncols=columns)
