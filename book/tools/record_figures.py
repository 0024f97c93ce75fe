"""An IPython extension: each figure that a lesson shows is recorded as drawings, too, for a desk and for a phone.

`notebooks.py` loads it into the kernel that executes a lesson. What a notebook shows stays a picture of pixels, as any
program shows it; beside it, in the metadata of that output, lie two drawings (SVG), from which `drawn_figures.py` makes
what the site shows. Text in them is text, and colours are those of gantut.plots, so that the site can change both.

For a phone, the panels of a figure are stacked, and letters stay as large as those of the page.
"""

import io
import itertools
import re
import textwrap
import warnings

from light_drawings import PIXELS, lighter

PHONE = 3.65  # inches: a column of text on a phone, 350 pixels
MANY = 1500  # points of a figure: beyond, they are pixels inside of the drawing
SHRUNK = 0.87  # letters on a phone: of their size on a desk; and never below
SMALLEST = 8.5  # points


def load_ipython_extension(_shell):
    """Make every picture of a figure carry its drawings with it."""
    from IPython.core import pylabtools

    plain = pylabtools.print_figure

    def print_figure(figure, fmt="png", **options):
        return plain(figure, fmt, **options), {"drawings": drawings(figure)}

    pylabtools.print_figure = print_figure


def drawings(figure):
    """Return a figure as SVG, wide and narrow; it is narrow afterwards."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a layout that does not fit shows in the drawing, and no lesson fails by it
        wide = draw(figure)
        narrow(figure)
        return {"wide": wide, "narrow": without_what_is_in(wide, draw(figure))}


def without_what_is_in(wide, narrow):
    """Return the narrow drawing with the number of each picture of pixels in place of that which the wide one has."""
    numbers = {picture: f"wide:{number}" for number, picture in enumerate(PIXELS.findall(wide))}
    return PIXELS.sub(lambda found: numbers.get(found[0], found[0]), narrow)


def with_what_is_in(wide, narrow):
    """Return the narrow drawing as it was."""
    pictures = PIXELS.findall(wide)
    return re.sub(r"(?<=\")wide:(\d+)(?=\")", lambda found: pictures[int(found[1])], narrow)


def draw(figure):
    """Return a figure as compact SVG."""
    import matplotlib.pyplot as plt
    from matplotlib.collections import PathCollection
    from matplotlib.legend import Legend
    from matplotlib.lines import Line2D

    lines, clouds = figure.findobj(Line2D), figure.findobj(PathCollection)
    named = {mark for legend in figure.findobj(Legend) for mark in legend.findobj()}
    dotted = [line for line in lines if line.get_marker() not in ("None", None, "", " ")]
    together = sum(len(line.get_xdata()) for line in dotted) + sum(len(points.get_offsets()) for points in clouds)
    for points in (*dotted, *clouds):
        points.set_rasterized(together > MANY and points not in named)  # a legend would lose pixels out of its rows
    file = io.StringIO()
    with plt.rc_context({"svg.fonttype": "none", "svg.hashsalt": "gantut"}):
        figure.savefig(file, format="svg", bbox_inches="tight", dpi=200, metadata={"Date": None})
    return lighter(compact(file.getvalue()))


def compact(svg):
    """Return a drawing of matplotlib's without what it does not need: hundredths of a point are enough."""
    svg = re.sub(r"<\?xml.*?\?>|<!DOCTYPE.*?>|<metadata>.*?</metadata>|<!--.*?-->", "", svg, flags=re.S)
    svg = re.sub(r"font-family: [^;\"]*; ?|(?<= )transform=\"rotate\(-0 [^\"]*\"", "", svg)
    # in tags only, not in what is written in the figure; and pictures inside stay as they are
    svg = re.sub(r"<(?!image )[^>]+>", lambda tag: re.sub(r"-?\d+\.\d{3,}(?![\de])", _rounded, tag[0]), svg)
    return re.sub(r"\s+", " ", svg).replace("> <", "><").strip()


def _rounded(number):
    return f"{float(number[0]):.2f}".rstrip("0").rstrip(".")


def narrow(figure):
    """Stack the panels of a figure, and make it as narrow as a phone."""
    width, height = figure.get_size_inches()
    panels = [ax for ax in figure.axes if ax.get_subplotspec() is not None]
    grid = _one_grid(figure, panels)
    if hasattr(figure, "for_a_phone"):  # the one who drew it knows better, and says how high it is then
        figure.set_size_inches(PHONE, figure.for_a_phone())
    elif grid is None:
        figure.set_size_inches(PHONE, height * 0.8)
    elif grid.ncols > 4:  # small pictures: smaller still, and all where they are
        figure.set_size_inches(0.55 * width, 0.55 * height)
    else:
        columns = _columns(grid, panels)
        rows = -(-grid.nrows * grid.ncols // columns)
        share = (PHONE / columns) / (width / grid.ncols)
        row = min(height / grid.nrows * share**0.5, 2.5)
        if all(ax.get_aspect() != "auto" for ax in panels):  # its height follows from its width
            box = panels[0].get_position()
            beside = 0.55 if panels[0].axison and len(panels[0].get_xticks()) else 0.1
            titled = 0.25 if panels[0].get_title(loc="left") else 0
            row = (PHONE / columns - beside) * box.height * height / (box.width * width) + beside + titled
        if columns != grid.ncols:
            _stack(figure, panels, grid, rows, columns)
        figure.set_size_inches(PHONE, row * rows)
    _letters(figure)


def _one_grid(figure, panels):
    """Return the grid that all panels stand in, each in a cell of its own, or None."""
    grids = {ax.get_subplotspec().get_gridspec() for ax in panels}
    cells = [ax.get_subplotspec() for ax in panels]
    plain = len(grids) == 1 and not figure.subfigs and all(cell.num1 == cell.num2 for cell in cells)
    return grids.pop() if plain else None


def _columns(grid, panels):
    """Return how many panels stand beside each other on a phone: two, where they have no numbers on their axes."""
    bare = not any(ax.axison and (len(ax.get_xticks()) or len(ax.get_yticks())) for ax in panels)
    pairs = bare or grid.ncols == 4 or grid.nrows * grid.ncols > 4
    return min(grid.ncols, 2 if pairs else 1)


def _stack(figure, panels, old, rows, columns):
    """Put the panels into another grid: in the order of reading, or where three stand above three, pairs in a row."""
    new = figure.add_gridspec(rows, columns)
    places = {}
    for ax in panels:
        cell = ax.get_subplotspec()
        across, down = cell.colspan.start, cell.rowspan.start
        place = across * old.nrows + down if old.nrows == columns > 1 else down * old.ncols + across
        places[ax] = (down, across)
        ax.set_subplotspec(new[place // columns, place % columns])
    for ax, other in itertools.permutations(panels, 2):  # what they shared with their neighbours they need again
        (down, across), (down_there, across_there) = places[ax], places[other]
        if down == down_there and across_there == 0 and ax.get_shared_y_axes().joined(ax, other):
            ax.tick_params(labelleft=True)
            ax.set_ylabel(ax.get_ylabel() or other.get_ylabel())
        if across == across_there and down_there == old.nrows - 1 and ax.get_shared_x_axes().joined(ax, other):
            ax.tick_params(labelbottom=True)
            ax.set_xlabel(ax.get_xlabel() or other.get_xlabel())


def _letters(figure):
    """Make letters a little smaller, legends narrow, and names below an axis slanted where they would overlap."""
    from matplotlib.text import Text

    _narrow_legends(figure)
    for text in figure.findobj(Text):
        text.set_fontsize(max(SHRUNK * text.get_fontsize(), SMALLEST))
    for ax in figure.axes:
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_tick_params(labelsize=max(SHRUNK * 11, SMALLEST))
    figure.draw_without_rendering()
    for ax in figure.axes:
        box = ax.get_window_extent().transformed(figure.dpi_scale_trans.inverted())
        for label, room in ((ax.xaxis.label, box.width), (ax.yaxis.label, box.height), (ax._left_title, box.width)):
            if "$" not in label.get_text():
                label.set_text(textwrap.fill(label.get_text(), max(14, int(room / 0.075)), break_long_words=False))
        labels = [label for label in ax.get_xticklabels() if label.get_text() and label.get_visible()]
        boxes = [label.get_window_extent() for label in labels]
        if any(left.x1 + 2 > right.x0 for left, right in itertools.pairwise(boxes)) and not hasattr(ax, "zaxis"):
            above = ax.xaxis.get_ticks_position() == "top"
            for label in labels:
                label.set(rotation=50 if above else 35, ha="left" if above else "right", rotation_mode="anchor")


def _narrow_legends(figure):
    """Put what stands beside or below the panels into one legend below all, and give the others fewer columns."""
    inside = [ax.get_legend() for ax in figure.axes if ax.get_legend()]
    long = [legend for legend in inside if len(figure.axes) == 1 and len(_names(legend)) > 3]  # it would hide the data
    beside = [legend for legend in inside if legend._bbox_to_anchor is not None and legend not in long]
    outside = [*figure.legends, *beside, *long]
    entries = {name: marks for legend in outside for name, marks in zip(_names(legend), _marks(legend), strict=True)}
    for legend in outside:
        legend.remove()
    if entries:
        columns = _fitting(entries)
        figure.legend(list(entries.values()), list(entries), loc="outside lower center", ncols=columns)
        figure.set_size_inches(PHONE, figure.get_size_inches()[1] + 0.22 * -(-len(entries) // columns))
    for legend in inside:
        names = _names(legend)
        if legend not in outside and _fitting(names) < legend._ncols:
            style = dict(loc=legend._loc_real, prop=legend.prop, title=legend.get_title().get_text() or None)
            legend.axes.legend(_marks(legend), names, ncols=_fitting(names), **style)


def _names(legend):
    return [text.get_text() for text in legend.get_texts()]


def _marks(legend):
    """Return what stands before each name, all of it: where marks are drawn over each other, a legend tells the first."""
    from matplotlib.offsetbox import DrawingArea

    return [tuple(box.get_children()) for box in legend.findobj(DrawingArea)]


def _fitting(names):
    """Return how many columns of a legend fit on a phone."""
    return max(1, min(len(names), int(PHONE / (0.55 + 0.085 * max(map(len, names))))))
