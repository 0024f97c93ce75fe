"""The figures of this lesson alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gantut.plots import FIFTH, GENERATED, INK, as_array, axes


def plot_piles(states, wanted, *, moves: Sequence) -> np.ndarray:
    """Draw piles of dirt after each move: what is there, what has just been moved there, and what is wanted.

    Parameters
    ----------
    states : array, shape (moves + 1, piles)
        The piles before the first move and after each one.
    wanted : array, shape (piles,)
    moves : sequence of moves
        With `source`, `target` and `amount`, as `gantut.transport.pile_moves` returns them; piles are numbered from 1.

    Returns
    -------
    array of Axes, shape (moves + 1,)
    """
    states, wanted = as_array(states), as_array(wanted)
    grid = axes(1, len(states), height=2.4, sharey=True)
    place = np.arange(1, len(wanted) + 1)
    for number, (ax, piles_now) in enumerate(zip(grid, states, strict=True)):
        ax.bar(place, piles_now, width=0.7, color=GENERATED, alpha=0.75)
        title = "start"
        if number:
            move = moves[number - 1]
            below = piles_now[move.target - 1] - move.amount
            ax.bar(move.target, move.amount, 0.7, below, color=FIFTH, hatch="///", edgecolor=INK, linewidth=0)
            title = f"{move.amount:g} from {move.source} to {move.target}"
        ax.bar(place, wanted, width=0.7, fill=False, edgecolor=INK, linewidth=1.4)
        ax.set_title(title, fontsize=11)
        ax.set(xticks=place, xlabel="pile")
        ax.grid(axis="x", visible=False)
    grid[0].set(ylabel="shovelfuls")
    return grid
