"""Arrays in, matplotlib axes out: the book's figures never train and never print.

One style for all: the palette of Okabe and Ito, which colour-blind readers can tell apart, with a line style of its
own for every curve, text that stays readable at half width, and a paper background that holds in dark mode too.
"""

import itertools
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
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
    """Set the book's style for all figures that follow."""
    plt.rcParams.update(STYLE)


def show() -> None:
    """Show the current figures, and let go of them."""
    plt.show()
    plt.close("all")


def axes(rows: int = 1, columns: int = 1, *, height: float = 3.0, **options) -> Axes | np.ndarray:
    """Make a figure of the text's width, `height` inches a row, and return its axes."""
    use_style()
    return plt.subplots(rows, columns, figsize=(WIDTH, height * rows), **options)[1]


def lines(ax: Axes, x, curves: Mapping[str, object], *, colours: Sequence[str] = COLOURS, dashes=DASHES) -> Axes:
    """Draw curves over one axis, each with a colour and a dash of its own, named in a legend.

    Parameters
    ----------
    ax : Axes
    x : array, shape (points,)
    curves : mapping
        From the name of a curve to its values, shape (points,).
    colours, dashes : sequence
        One an entry of `curves`.
    """
    for (name, y), colour, dash in zip(curves.items(), colours, dashes, strict=False):
        ax.plot(_array(x), _array(y), color=colour, linestyle=dash, label=name)
    if any(name and not name.startswith("_") for name in curves):
        ax.legend()
    return ax


def distributions(ax: Axes, x, densities: Mapping[str, object], *, colours: Sequence[str] = COLOURS) -> Axes:
    """Draw densities as filled curves; the real distribution first, then the generated one."""
    lines(ax, x, densities, colours=colours)
    for y, colour in zip(densities.values(), colours, strict=False):
        ax.fill_between(_array(x), _array(y), color=colour, alpha=0.15, linewidth=0)
    ax.set(xlabel="x", ylabel="density", ylim=(0, None))
    return ax


def integrand(ax: Axes, x, curves: Mapping[str, object], *, colours: Sequence[str] = COLOURS) -> Axes:
    """Draw integrands with the signed area under each, which is the integral, shaded."""
    lines(ax, x, curves, colours=colours)
    for y, colour in zip(curves.values(), colours, strict=False):
        ax.fill_between(_array(x), _array(y), color=colour, alpha=0.15, linewidth=0)
    ax.axhline(0, color=INK, linewidth=0.8)
    ax.set(xlabel="x")
    return ax


def population(ax: Axes, x, members, *, name: str, colour: str = GENERATED, dash="-") -> Axes:
    """Draw a population of curves, shape (members, points): the median, and a band from least to greatest.

    A name that begins with an underscore stays out of the legend.
    """
    x, members = _array(x), _array(members)
    ax.fill_between(x, members.min(0), members.max(0), color=colour, alpha=0.25, linewidth=0)
    ax.plot(x, np.median(members, 0), color=colour, linestyle=dash, label=f"{name} (median, range of {len(members)})")
    if not name.startswith("_"):
        ax.legend()
    return ax


def reliability(ax: Axes, predicted, observed, low, high, *, counts=None) -> Axes:
    """Draw a reliability curve: how often it was so, against how probable it was said to be, one point a bin.

    Parameters
    ----------
    ax : Axes
    predicted, observed : array, shape (bins,)
        Mean prediction and observed frequency.
    low, high : array, shape (bins,)
        The ends of an interval for the observed frequency.
    counts : array, shape (bins,), optional
        How many predictions fell in each bin, written beside the points.
    """
    predicted, observed, low, high = map(_array, (predicted, observed, low, high))
    ax.plot([0, 1], [0, 1], color=FAINT, linestyle="--", linewidth=1.2, label="a probability")
    ax.errorbar(
        predicted, observed, [observed - low, high - observed],
        fmt="o", color=REAL, ecolor=REAL, capsize=3, markersize=5, label="observed, 95% interval",
    )  # fmt: skip
    if counts is not None:
        for x, y, count in zip(predicted, low, _array(counts), strict=True):
            ax.annotate(f"{count:.0f}", (x, y), (0, -11), textcoords="offset points", ha="center", fontsize=9)
    ax.set(xlabel="predicted D(x)", ylabel="share of real images", xlim=(-0.03, 1.03), ylim=(-0.1, 1.05))
    ax.legend(loc="upper left")
    return ax


def image_rows(rows: Mapping[str, object], *, size: int = 8) -> np.ndarray:
    """Draw rows of small grey images, shape (images, size * size), each row named at its left."""
    columns = max(len(images) for images in rows.values())
    grid = axes(len(rows), columns, height=0.95, squeeze=False, gridspec_kw={"wspace": 0.05, "hspace": 0.05})
    for line, (name, images) in zip(grid, rows.items(), strict=True):
        for ax in line:
            ax.axis("off")
        for ax, image in zip(line, _array(images), strict=False):
            ax.imshow(image.reshape(size, size), cmap="Greys", vmin=0, vmax=1)
        line[0].set_title(name, fontsize=11)
    return grid


def piles(states, wanted, *, moves: Sequence) -> np.ndarray:
    """Draw piles of dirt after each move: what is there, what has just been moved there, and what is wanted.

    Parameters
    ----------
    states : array, shape (moves + 1, piles)
        The piles before the first move and after each one.
    wanted : array, shape (piles,)
    moves : sequence of moves, with `source`, `target` and `amount`; piles are numbered from 1
    """
    states, wanted = _array(states), _array(wanted)
    grid = axes(1, len(states), height=2.4, sharey=True)
    place = np.arange(1, len(wanted) + 1)
    for number, (ax, piles_now) in enumerate(zip(grid, states, strict=True)):
        ax.bar(place, piles_now, width=0.7, color=REAL, alpha=0.55)
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


def _array(values) -> np.ndarray:
    return np.asarray(values.detach().cpu() if hasattr(values, "detach") else values)


def vector_field(ax: Axes, x, y, u, v, *, circles: Sequence[float] = ()) -> Axes:
    """Draw arrows (u, v) at the points of a grid, all of one length where the field is not 0, and circles around 0.

    Parameters
    ----------
    ax : Axes
    x, y, u, v : array, one shape
        The points, and the direction at each.
    circles : sequence of float
        Radii.
    """
    x, y, u, v = map(_array, (x, y, u, v))
    length = np.maximum(np.hypot(u, v), 1e-12)
    ax.quiver(x, y, u / length, v / length, color=REAL, pivot="mid", scale=22, width=0.006)
    turn = np.linspace(0, 2 * np.pi, 200)
    for radius in circles:
        ax.plot(radius * np.cos(turn), radius * np.sin(turn), color=FAINT, linestyle="--", linewidth=1.0)
    ax.plot(0, 0, "o", color=INK, markersize=5)
    ax.grid(False)
    ax.set(aspect="equal", xlabel="x", ylabel="y")
    return ax


def paths(ax: Axes, routes: Mapping[str, object], *, colours: Sequence[str] = COLOURS, dashes=DASHES) -> Axes:
    """Draw paths in the plane, each from a ring to a disc; the equilibrium at the origin is a cross.

    Parameters
    ----------
    ax : Axes
    routes : mapping
        From the name of a path to its coordinates, a pair of arrays of shape (steps + 1,).
    colours, dashes : sequence
        One an entry of `routes`.
    """
    for (name, (x, y)), colour, dash in zip(routes.items(), colours, dashes, strict=False):
        x, y = _array(x), _array(y)
        ax.plot(x, y, color=colour, linestyle=dash, linewidth=1.6, label=name)
        ax.plot(x[0], y[0], "o", color=INK, markerfacecolor=PAPER, markersize=7, zorder=3)
        ax.plot(x[-1], y[-1], "o", color=colour, markersize=6, zorder=3)
    ax.plot(0, 0, "+", color=INK, markersize=10, markeredgewidth=1.6, zorder=4)
    ax.set(aspect="equal", xlabel="x", ylabel="y")
    return ax


def spectrum(ax: Axes, eigenvalues: Mapping[str, object], *, colours: Sequence[str] = COLOURS) -> Axes:
    """Draw eigenvalues in the complex plane, a marker for each name, with the unit circle.

    Parameters
    ----------
    ax : Axes
    eigenvalues : mapping
        From a name to complex numbers, an array of any shape.
    colours : sequence
        One an entry of `eigenvalues`.
    """
    turn = np.linspace(0, 2 * np.pi, 400)
    ax.fill(np.cos(turn), np.sin(turn), color=FAINT, alpha=0.12, linewidth=0)
    ax.plot(np.cos(turn), np.sin(turn), color=INK, linewidth=1.0)
    for (name, values), colour, marker in zip(eigenvalues.items(), colours, "os^Dv*", strict=False):
        values = _array(values).reshape(-1)
        ax.plot(values.real, values.imag, marker, color=colour, markersize=8, alpha=0.9, label=name)
    ax.set(aspect="equal", xlabel="real part", ylabel="imaginary part")
    return ax


def legend_below(first: Axes, *others: Axes, columns: int = 3) -> None:
    """Put one legend under the figure; what has one name in several axes shares one entry, drawn over each other."""
    entries: dict[str, list] = {}
    for ax in (first, *others):
        for handle, name in zip(*ax.get_legend_handles_labels(), strict=True):
            entries.setdefault(name, []).append(handle)
    first.figure.legend(list(map(tuple, entries.values())), list(entries), loc="outside lower center", ncols=columns)


def segments(ax: Axes, pairs: Sequence, *, colours: Sequence[str] = COLOURS, dashes=DASHES) -> Axes:
    """Draw straight segments in space on three-dimensional axes: `pairs` of ends, each of shape (2, 3)."""
    for ends, colour, dash in zip(pairs, colours, dashes, strict=False):
        x, y, z = _array(ends).T
        ax.plot(x, y, z, color=colour, linestyle=dash, linewidth=3)
        ax.plot(x, y, z, "o", color=colour, markersize=5)
    return _cube(ax)


def planes(ax: Axes, normals, offsets, *, colours: Sequence[str] = COLOURS) -> Axes:
    """Draw the planes normal · x = offset over the unit square, on three-dimensional axes.

    Parameters
    ----------
    ax : Axes
    normals : array, shape (planes, 3)
        None of them level with the ground.
    offsets : array, shape (planes,)
    """
    x, y = np.meshgrid([0.0, 1.0], [0.0, 1.0])
    for (a, b, c), offset, colour in zip(_array(normals), _array(offsets), colours, strict=False):
        ax.plot_surface(x, y, (offset - a * x - b * y) / c, color=colour, alpha=0.45, edgecolor=colour)
    return _cube(ax)


def _cube(ax: Axes) -> Axes:
    ax.set(xlim=(0, 1), ylim=(0, 1), zlim=(0, 1), xticklabels=[], yticklabels=[], zticklabels=[])
    ax.set_facecolor(PAPER)
    return ax


def strips(ax: Axes, groups: Mapping[str, object], *, intervals: Sequence | None = None, colour: str = REAL) -> Axes:
    """Draw every member of each group as a dot, with an interval beside them.

    Parameters
    ----------
    ax : Axes
    groups : mapping
        From the name of a group to one number a member, shape (members,).
    intervals : sequence, optional
        Low end, estimate and high end for each group; by default the mean with its 95% interval.
    colour : str
    """
    for place, values in enumerate(map(_array, groups.values())):
        spread = np.linspace(-0.18, 0.18, len(values))
        ax.plot(place + spread, values, "o", color=colour, markersize=5, alpha=0.55)
        half = 1.96 * values.std(ddof=1) / np.sqrt(len(values)) if intervals is None else None
        ends = (values.mean() - half, values.mean(), values.mean() + half) if intervals is None else intervals[place]
        low, middle, high = map(float, ends)
        ax.errorbar(
            [place + 0.32], [middle], [[middle - low], [high - middle]], fmt="_", color=INK, capsize=4, markersize=8
        )
    ax.set(xticks=range(len(groups)), xlim=(-0.5, len(groups) - 0.4))
    ax.set_xticklabels(list(groups), fontsize=9)
    ax.grid(axis="x", visible=False)
    return ax


def clouds(ax: Axes, real, generated, *, limit: float, title: str = "") -> Axes:
    """Draw generated samples of the plane over real ones.

    Parameters
    ----------
    ax : Axes
    real, generated : array, shape (n, 2)
    limit : float
        Both axes go from -limit to limit.
    title : str
    """
    ax.scatter(*_array(real).T, s=10, color=REAL, alpha=0.25, linewidths=0, label="real")
    ax.scatter(*_array(generated).T, s=10, color=GENERATED, marker="^", alpha=0.35, linewidths=0, label="generated")
    ax.set(aspect="equal", xlim=(-limit, limit), ylim=(-limit, limit), xticks=[], yticks=[])
    ax.set_title(title, fontsize=11)
    ax.grid(visible=False)
    return ax


def game_diagram(ax: Axes) -> Axes:
    """Draw who makes what and who learns from what in a GAN: samples along full arrows, gradients along dashed ones."""
    ax.set(xlim=(0, 10), ylim=(-0.35, 3.7))
    ax.axis("off")
    boxes = (
        (0.9, 1.0, "noise\nz", FAINT), (3.3, 1.0, "generator\nG", GENERATED), (3.3, 3.2, "data", FAINT),
        (6.1, 2.1, "discriminator\nD", REAL), (8.9, 2.1, "value\nV", FAINT),
    )  # fmt: skip
    for x, y, text, colour in boxes:
        frame = dict(boxstyle="round,pad=0.5", facecolor=PAPER, edgecolor=colour, linewidth=2)
        ax.text(x, y, text, ha="center", va="center", fontsize=12, bbox=frame)
    for start, end, text, place in (
        ((1.4, 1.0), (2.3, 1.0), "", None),
        ((4.35, 1.15), (5.0, 1.65), "G(z)", (4.35, 1.62)),
        ((3.95, 3.1), (5.0, 2.6), "x", (4.6, 3.0)),
        ((7.2, 2.25), (8.3, 2.25), "D(x), D(G(z))", (7.72, 2.5)),
    ):
        ax.annotate("", end, start, arrowprops=dict(arrowstyle="-|>", color=INK, linewidth=1.8))
        if text:
            ax.text(*place, text, ha="center", va="center", fontsize=10)
    for start, end, colour, bend in (
        ((8.75, 1.55), (6.4, 1.45), REAL, -0.3),
        ((8.95, 1.55), (3.6, 0.42), GENERATED, -0.28),
    ):
        style = dict(
            arrowstyle="-|>", color=colour, linewidth=1.8, linestyle=(0, (4, 2)), connectionstyle=f"arc3,rad={bend}"
        )
        ax.annotate("", end, start, arrowprops=style)
    ax.text(7.6, 1.42, "D climbs V", color=REAL, ha="center", va="center", fontsize=10)
    ax.text(4.9, -0.2, "G goes down V, through D", color=GENERATED, ha="center", va="center", fontsize=10)
    return ax


def member_rows(
    ax: Axes, groups: Mapping[str, object], *, intervals: Mapping[str, Sequence[float]] | None = None, colours=COLOURS
) -> Axes:
    """Draw a row for each group, from the top: members as dots, equal ones stacked, and an interval as a bar.

    Parameters
    ----------
    ax : Axes
    groups : mapping
        From the name of a group to one number a member, shape (members,).
    intervals : mapping, optional
        From the name of a group to low end, estimate and high end.
    colours : sequence
        Taken in turn.
    """
    values = [_array(own) for own in groups.values()]
    everything = np.concatenate(values)
    bins = np.linspace(everything.min(), everything.max() + 1e-9, 60)
    for row, (name, own) in enumerate(zip(groups, values, strict=True)):
        colour, place = colours[row % len(colours)], len(values) - 1 - row
        own = np.sort(own)
        cell = np.digitize(own, bins)
        stacked = np.array([np.sum(cell[:i] == cell[i]) for i in range(len(own))])
        rise = 0.55 / max(stacked.max(), 8)
        ax.plot(own, place + 0.06 + rise * stacked, "o", color=colour, markersize=3, alpha=0.7, markeredgewidth=0)
        if intervals and name in intervals:
            low, middle, high = map(float, intervals[name])
            ax.plot([low, high], [place - 0.16] * 2, color=INK, linewidth=2.4, solid_capstyle="butt")
            ax.plot([middle], [place - 0.16], "|", color=INK, markersize=9, markeredgewidth=2)
    ax.set(yticks=range(len(values)), yticklabels=list(groups)[::-1], ylim=(-0.5, len(values) - 0.25))
    ax.grid(axis="y", visible=False)
    return ax


def measure_table(panels, measures: Mapping[str, Mapping[str, object]], *, intervals, baseline: str | None = None):
    """Draw a table of populations: a row each, a panel for each measure, members as faint dots under an interval.

    Parameters
    ----------
    panels : array of Axes
        One a measure, with the vertical axis in common.
    measures : mapping
        From the name of a measure to a mapping from the name of a row to one number a member, shape (members,).
    intervals : callable
        From such numbers to low end, estimate and high end.
    baseline : str, optional
        The row whose interval goes through the whole panel as a band, to compare the others with.

    Returns
    -------
    array of Axes
    """
    for ax, (measure, rows) in zip(np.ravel(panels), measures.items(), strict=True):
        for place, (name, values) in enumerate(rows.items()):
            low, middle, high = map(float, intervals(values))
            if name == baseline:
                ax.axvspan(low, high, color=FAINT, alpha=0.3, linewidth=0)
            colour, spread = INK if name == baseline else REAL, np.linspace(-0.3, 0.3, len(values))
            ax.plot(np.sort(_array(values)), place + spread, ".", color=colour, markersize=4, alpha=0.3)
            ax.plot([low, high], [place] * 2, color=colour, linewidth=2.6, solid_capstyle="butt")
            ax.plot([middle], [place], "D", color=colour, markersize=5)
        ax.set(yticks=range(len(rows)), yticklabels=list(rows), ylim=(len(rows) - 0.4, -0.6), xlabel=measure)
        ax.tick_params(axis="y", length=0)
        ax.grid(axis="y", visible=False)
    return panels


def mode_clouds(panels, samples: Mapping[str, object], centres, *, colours=COLOURS, reach: float = 3.0) -> np.ndarray:
    """Draw clouds of points in the plane side by side, each named, with the centres of the modes as rings.

    Parameters
    ----------
    panels : array of Axes
        One a cloud.
    samples : mapping
        From a name to points, shape (n, 2).
    centres : array, shape (modes, 2)
    colours : sequence
        Taken in turn.
    reach : float
        Half the width of each panel.
    """
    for ax, (name, points), colour in zip(np.ravel(panels), samples.items(), itertools.cycle(colours), strict=False):
        x, y = _array(points).T
        ax.plot(*_array(centres).T, "o", color=FAINT, markerfacecolor="none", markersize=9, markeredgewidth=0.9)
        ax.plot(x, y, ".", color=colour, markersize=3, alpha=0.5, markeredgewidth=0)
        ax.set_title(name, fontsize=10)
        ax.set(xticks=[], yticks=[], xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
        ax.grid(False)
        ax.spines[:].set_visible(False)
    return panels


def tiles(panels, pictures: Mapping[str, object], *, size: int = 8, columns: int = 4) -> np.ndarray:
    """Draw blocks of small grey images side by side, each block named.

    Parameters
    ----------
    panels : array of Axes
        One a block.
    pictures : mapping
        From a name to images, shape (images, size * size), grey from 0 to 1.
    size, columns : int
        Of an image, and of a block.
    """
    for ax, (name, images) in zip(np.ravel(panels), pictures.items(), strict=True):
        images = _array(images).reshape(-1, columns, size, size)
        framed = np.pad(images, ((0, 0), (0, 0), (1, 0), (1, 0)), constant_values=0.25)
        block = framed.transpose(0, 2, 1, 3).reshape(len(images) * (size + 1), -1)
        ax.imshow(np.pad(block, ((0, 1), (0, 1)), constant_values=0.25), cmap="Greys", vmin=0, vmax=1)
        ax.set_title(name, fontsize=10)
        ax.axis("off")
    return panels


def colour_tiles(panels, pictures: Mapping[str, object], *, columns: int = 6) -> np.ndarray:
    """Draw blocks of small colour pictures side by side, each block named.

    Parameters
    ----------
    panels : array of Axes
        One a block.
    pictures : mapping
        From a name to pictures, shape (n, 3, size, size), from -1 to 1; n is a multiple of `columns`.
    columns : int
        Of a block.
    """
    for ax, (name, images) in zip(np.ravel(panels), pictures.items(), strict=True):
        images = np.clip((_array(images) + 1) / 2, 0, 1)
        images = images.reshape(-1, columns, *images.shape[1:])  # (rows, columns, 3, size, size)
        framed = np.pad(images, ((0, 0),) * 3 + ((1, 0), (1, 0)), constant_values=0.85)
        block = framed.transpose(0, 3, 1, 4, 2).reshape(len(images) * framed.shape[3], -1, 3)
        ax.imshow(np.pad(block, ((0, 1), (0, 1), (0, 0)), constant_values=0.85), interpolation="nearest")
        ax.set_title(name, fontsize=10)
        ax.axis("off")
    return panels


def scorecard(ax: Axes, values, alarms, *, rows: Sequence[str], columns: Sequence[str]) -> Axes:
    """Draw a table of numbers; those that raise an alarm are bold on an orange ground.

    Parameters
    ----------
    ax : Axes
    values : array of str, shape (rows, columns)
    alarms : array of bool, shape (rows, columns)
    rows, columns : sequence of str
    """
    alarms = _array(alarms)
    for line, texts in enumerate(values):
        for place, text in enumerate(texts):
            weight = "bold" if alarms[line, place] else "normal"
            ax.text(place, line, text, ha="center", va="center", fontsize=10, weight=weight)
    ground = np.where(alarms[..., None], (0.96, 0.80, 0.62), (0.992, 0.988, 0.973))
    ax.imshow(ground, aspect="auto")
    ax.set_xticks(range(len(columns)), columns, fontsize=9)
    ax.set_yticks(range(len(rows)), rows, fontsize=10)
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    ax.grid(False)
    for edge in range(len(rows)):
        ax.axhline(edge + 0.5, color="#e4e1d8", linewidth=0.7)
    ax.spines[:].set_visible(False)
    return ax


def journey(snapshots: Mapping[str, object], centres, steps, turns: Mapping[str, object], *, height=4.6) -> np.ndarray:
    """Draw where samples were at some times, above how often their mean has gone round at all times.

    Parameters
    ----------
    snapshots : mapping
        From the name of a time to points, shape (n, 2).
    centres : array, shape (modes, 2)
    steps : array, shape (looks,)
    turns : mapping
        From the name of a population to the turns of its members, shape (looks, members).
    height : float
        In inches.
    """
    use_style()
    figure = plt.figure(figsize=(WIDTH, height))
    top, bottom = figure.subfigures(2, 1, height_ratios=(1, 2.4))
    panels = np.append(top.subplots(1, len(snapshots)), bottom.subplots())
    mode_clouds(panels[:-1], snapshots, centres, colours=[GENERATED])
    looks = zip(turns.items(), (GENERATED, REAL, THIRD), ("-", (0, (2, 2)), ":"), strict=False)
    for (name, members), colour, dash in looks:
        members = _array(members)
        panels[-1].plot(_array(steps), members, color=colour, linestyle=dash, linewidth=1.2)
        panels[-1].plot([], [], color=colour, linestyle=dash, label=f"{name} ({members.shape[1]} members)")
    panels[-1].set(xlabel="steps", ylabel="turns of the mean")
    panels[-1].legend(loc="upper left")
    return panels


def surfaces(panels, side, fields: Mapping[str, object], *, levels: int = 14) -> np.ndarray:
    """Draw functions of the plane side by side as maps with level lines, dark where they are high; each on its scale.

    Parameters
    ----------
    panels : array of Axes
        One a function.
    side : array, shape (n,)
        The coordinates of the grid, on both axes.
    fields : mapping
        From a name to values, shape (n, n), the first axis across.
    levels : int
        How many level lines.
    """
    side = _array(side)
    for ax, (name, field) in zip(np.ravel(panels), fields.items(), strict=True):
        field = _array(field).T
        ax.contourf(side, side, field, levels=levels, cmap="Blues", alpha=0.85)
        ax.contour(side, side, field, levels=levels, colors=FAINT, linewidths=0.6, linestyles="-")
        ax.set_title(name, fontsize=10)
        ax.set(xticks=[], yticks=[], aspect="equal")
        ax.grid(False)
        ax.spines[:].set_visible(False)
    return panels


def looked_at(ax: Axes, real, generated, places, *, title: str = "", joined=None, limits=None) -> Axes:
    """Draw where a penalty looks: two clouds of the plane, the places between them, and the lines that they lie on.

    Parameters
    ----------
    ax : Axes
    real, generated, places : array, shape (n, 2)
    title : str
    joined : array of shape (pairs, 2, 2), optional
        Ends of lines, drawn faintly.
    limits : tuple, optional
        Least and greatest coordinate shown, on both axes.
    """
    for start, end in () if joined is None else _array(joined):
        ax.plot([start[0], end[0]], [start[1], end[1]], color=FAINT, linewidth=0.7, alpha=0.7)
    ax.plot(*_array(real).T, "o", color=REAL, markersize=5, label="real")
    ax.plot(*_array(generated).T, "s", color=GENERATED, markersize=4.5, label="generated")
    ax.plot(*_array(places).T, "x", color=INK, markersize=4, markeredgewidth=1.0, label="looked at")
    ax.set_title(title, fontsize=10)
    ax.set(xticks=[], yticks=[], aspect="equal")
    if limits:
        ax.set(xlim=limits, ylim=limits)
    ax.grid(False)
    return ax


def sweep(ax: Axes, x, curves: Mapping[str, Sequence], *, colours: Sequence[str] = COLOURS, dashes=DASHES) -> Axes:
    """Draw what a population does as a setting changes: a marker at each setting with its interval, joined by a line.

    Parameters
    ----------
    ax : Axes
    x : array, shape (settings,)
        On a logarithmic axis.
    curves : mapping
        From a name to low ends, estimates and high ends, each of shape (settings,).
    colours, dashes : sequence
        One an entry of `curves`.
    """
    x = _array(x)
    for (name, ends), colour, dash, marker in zip(curves.items(), colours, dashes, "osD^vP", strict=False):
        low, middle, high = map(_array, ends)
        ax.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
        ax.plot(x, middle, color=colour, linestyle=dash, marker=marker, markersize=6, linewidth=1.7, label=name)
    ax.set_xscale("log")
    ax.set_xticks(x, [f"{place:g}" for place in x])
    ax.minorticks_off()
    return ax


def histograms(ax: Axes, groups: Mapping[str, object], *, bins: int = 41, colours: Sequence[str] = COLOURS) -> Axes:
    """Draw shares of values in bins, as outlines over each other; all groups have the same bins.

    Parameters
    ----------
    ax : Axes
    groups : mapping
        From a name to values, any shape.
    bins : int
    colours : sequence
        One an entry of `groups`.
    """
    values = [_array(group).ravel() for group in groups.values()]
    reach = max(np.abs(group).max() for group in values)
    edges = np.linspace(-reach, reach, bins + 1)
    for name, group, colour, dash in zip(groups, values, colours, DASHES, strict=False):
        share = np.histogram(group, edges)[0] / group.size
        ax.stairs(share, edges, color=colour, linestyle=dash, linewidth=1.8, label=name)
    ax.set(ylabel="share")
    ax.legend()
    return ax


def shapes(
    panels, groups: Mapping[str, object], *, nearest: Mapping[str, object] | None = None, reach: float = 2.2
) -> np.ndarray:
    """Draw polygons by their corners, a panel a group, and dashed beside each one the polygon that is nearest to it.

    Parameters
    ----------
    panels : array of Axes
        One a group.
    groups : mapping
        From a name to corners, shape (polygons, 2 * corners).
    nearest : mapping, optional
        From the same names to as many other polygons.
    reach : float
        Half the width of each panel.
    """
    for ax, (name, corners), colour in zip(np.ravel(panels), groups.items(), itertools.cycle(COLOURS), strict=False):
        others = () if nearest is None else _array(nearest[name])
        for outlines, style in ((others, dict(color=INK, linestyle=(0, (2, 1.5)), linewidth=1.0)),
                                (_array(corners), dict(color=colour, linewidth=1.6))):  # fmt: skip
            for outline in outlines:
                x, y = np.reshape([*outline, *outline[:2]], (-1, 2)).T  # and back to the first corner
                ax.plot(x, y, **style)
        ax.set_title(name, fontsize=10)
        ax.set(xlim=(-reach, reach), ylim=(-reach, reach), xticks=[], yticks=[], aspect="equal")
        ax.grid(False)
        ax.spines[:].set_visible(False)
    return panels


def marks(ax: Axes, groups: Mapping[str, Sequence], *, colours: Sequence[str] = COLOURS) -> Axes:
    """Draw groups of points in the plane, each with a colour and a marker of its own, named in a legend.

    Parameters
    ----------
    ax : Axes
    groups : mapping
        From a name to x and y, each of shape (points,).
    colours : sequence
        One an entry of `groups`.
    """
    for (name, (x, y)), colour, marker in zip(groups.items(), colours, "osD^vP", strict=False):
        ax.plot(_array(x), _array(y), marker, color=colour, markersize=5, alpha=0.75, markeredgewidth=0, label=name)
    ax.legend(fontsize=9)
    return ax


def interval_rows(ax: Axes, rows: Mapping[str, Sequence], *, at: float = 0.0, colours: Sequence[str] = COLOURS) -> Axes:
    """Draw a row for each interval, from the top: a bar from end to end, its estimate as a dot, and a line to compare.

    Parameters
    ----------
    ax : Axes
    rows : mapping
        From a name to low end, estimate and high end.
    at : float
        Where the line is: what an interval that reaches across it does not exclude.
    colours : sequence
        One an entry of `rows`.
    """
    ax.axvline(at, color=INK, linestyle="--", linewidth=1.2)
    for place, ((name, ends), colour, marker) in enumerate(zip(rows.items(), colours, "osD^vP", strict=False)):
        low, middle, high = map(float, ends)
        ax.plot([low, high], [-place] * 2, color=colour, linewidth=2.4, solid_capstyle="butt")
        ax.plot([middle], [-place], marker, color=colour, markersize=6, label=name)
    ax.set(yticks=[-place for place in range(len(rows))], yticklabels=list(rows), ylim=(-len(rows) + 0.4, 0.6))
    ax.locator_params(axis="x", nbins=3)
    ax.grid(axis="y", visible=False)
    return ax
