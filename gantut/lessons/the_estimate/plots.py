"""The figures of this lesson alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from gantut.plots import DASHES, INDIGO, INK, THIRD, as_array, legend_below, looks, population, strips

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_proofs(
    panels, steps, games: Mapping[str, Mapping], correlations: Mapping[str, object], intervals: Sequence
) -> None:
    """Draw the exact distance and what critics prove of it, a panel a game, and rank correlations in the last panel.

    Parameters
    ----------
    panels : array of Axes
        One for each game, and one more.
    steps : array, shape (evaluations,)
    games : mapping
        From the name of a game to its "w1" and its "proved", each of shape (members, evaluations).
    correlations : mapping
        From a name to numbers, shape (members,).
    intervals : sequence
        Of the median of each, as (low, middle, high).
    """
    for ax, (title, own) in zip(panels, games.items(), strict=False):
        population(ax, steps, own["w1"], name="exact W₁", colour=THIRD)
        population(ax, steps, own["proved"], name="proved by the critic", colour=INDIGO, dash=DASHES[1])
        ax.get_legend().remove()
        ax.set(xlabel="iteration", ylim=(-0.2, 2.0))
        ax.set_title(title, fontsize=11)
    strips(panels[-1], correlations, intervals=intervals)
    panels[-1].set_title("rank correlation", fontsize=11)
    panels[-1].set(ylim=(-0.6, 1.05))
    legend_below(panels[0], columns=2)


def plot_layer_gradients(ax: Axes, norms: Mapping[str, object]) -> Axes:
    """Draw the norm of the gradient in each hidden layer on a logarithmic scale, a line a critic.

    Parameters
    ----------
    ax : Axes
    norms : mapping
        From a name to powers of ten, shape (layers,).

    Returns
    -------
    Axes
    """
    for (name, powers), (colour, dash, mark) in zip(norms.items(), looks(norms), strict=True):
        powers = as_array(powers)
        ax.plot(
            range(1, len(powers) + 1), 10.0**powers,
            color=colour, linestyle=dash, marker=mark, markersize=5, label=name,
        )  # fmt: skip
    ax.set(yscale="log", xlabel="hidden layer", ylabel="norm of the gradient")
    _room_below(ax)
    ax.legend(fontsize=9, ncols=2, loc="lower right")
    return ax


def plot_batch_distances(ax: Axes, sizes, means: Mapping[float, object], bound) -> Axes:
    """Draw the mean W1 of two batches against their size, the W1 of the distributions, and a bound, log by log.

    Parameters
    ----------
    ax : Axes
    sizes : array, shape (sizes,)
    means : mapping
        From the W1 of the distributions to that of batches, shape (sizes,).
    bound : array, shape (sizes,)
        For distributions that are the same.

    Returns
    -------
    Axes
    """
    for (truth, values), (colour, dash, mark) in zip(means.items(), looks(list(map(str, means))), strict=True):
        ax.plot(
            as_array(sizes), as_array(values),
            color=colour, linestyle=dash, marker=mark, markersize=5, label=f"{truth:g}",
        )  # fmt: skip
        if truth:
            ax.axhline(truth, color=colour, linestyle=":", linewidth=1.2)
    ax.plot(as_array(sizes), as_array(bound), color=INK, linewidth=1.0, label="bound for 0")
    ax.set(xscale="log", yscale="log", xlabel="samples in a batch", ylabel="mean W₁ of two batches")
    _room_below(ax)
    ax.legend(fontsize=9, title="W₁ of the distributions", title_fontsize=9, loc="lower left")
    return ax


def _room_below(ax):
    """Leave room for a legend below the curves of a logarithmic axis: a third of it."""
    low, high = np.log10(ax.get_ylim())
    ax.set_ylim(10.0 ** (low - 0.5 * (high - low)), 10.0**high)
