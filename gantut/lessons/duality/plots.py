"""The figures of this lesson alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gantut.plots import FAINT, GENERATED, INK, REAL, THIRD, as_array

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_prices(panels, costs, plan, f, g) -> np.ndarray:
    """Draw which source supplies which target, with their prices, and what each route costs more than is charged.

    Parameters
    ----------
    panels : array of Axes, shape (2,)
    costs, plan : array, shape (n, m)
    f, g : array, shapes (n,) and (m,)
        To pick up at each source, and to put down at each target.

    Returns
    -------
    array of Axes
        The panels.
    """
    costs, plan, f, g = map(as_array, (costs, plan, f, g))
    routes, excess = panels
    used = plan > 1e-9
    heights = [np.linspace(1, 0, len(prices)) for prices in (f, g)]
    for i, j in np.argwhere(used):
        routes.plot([0, 1], [heights[0][i], heights[1][j]], color=INK, linewidth=0.8 + 20 * plan[i, j] / plan.sum())
    for side, (prices, marker, colour) in enumerate(((f, "o", REAL), (g, "s", GENERATED))):
        routes.plot([side] * len(prices), heights[side], marker, color=colour, markersize=9, zorder=3)
        for price, height in zip(prices, heights[side], strict=True):
            beside = dict(xytext=(-10, 10)[side] * np.array([1, 0]), ha=("right", "left")[side], va="center")
            routes.annotate(
                f"{round(float(price), 2) + 0.0:.2f}", (side, height), textcoords="offset points", fontsize=10, **beside
            )
    routes.set(xlim=(-0.35, 1.35), xticks=[0, 1], xticklabels=["sources, f", "targets, g"], yticks=[])
    routes.spines[:].set_visible(False)
    routes.tick_params(length=0)
    routes.grid(False)
    slack = costs - f[:, None] - g
    excess.axhline(0, color=FAINT, linewidth=1.2)
    excess.plot(costs[~used], slack[~used], "o", color=INK, markersize=5, markerfacecolor="none", label="not used")
    excess.plot(costs[used], slack[used], "o", color=INK, markersize=6, label="used")
    excess.set(xlabel="cost of a route", ylabel="cost less charge")
    excess.legend(frameon=True)  # or its marks would look like two more routes
    return panels


def plot_extensions(ax: Axes, z, least, greatest, sources, f, targets, g) -> Axes:
    """Draw the least and the greatest function of slope 1 through prices on a line, and where they must agree.

    Parameters
    ----------
    ax : Axes
    z : array, shape (points,)
    least, greatest : array, shape (points,)
    sources, f : array, shape (n,)
        Where dirt is picked up, and the price there.
    targets, g : array, shape (m,)
        Where it is put down, and the price there: the functions go through -g.

    Returns
    -------
    Axes
        The one that was given.
    """
    z, least, greatest = map(as_array, (z, least, greatest))
    ax.fill_between(z, least, greatest, color=THIRD, alpha=0.25, linewidth=0, label="room for other best functions")
    ax.plot(z, greatest, color=THIRD, linestyle=(0, (5, 1.5)), label="greatest")
    ax.plot(z, least, color=THIRD, label="least: a tent on every source")
    ax.plot(as_array(sources), as_array(f), "o", color=REAL, markersize=8, label="source, f")
    ax.plot(as_array(targets), -as_array(g), "s", color=GENERATED, markersize=7, label="target, −g")
    ax.set(xlabel="z")
    return ax
