"""Figures as drawings: what the site makes of a figure is the figure, for every reader, one colour for each thing."""

import base64
import io
import json
import re
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.lines import Line2D
from PIL import Image

from gantut import plots

drawn_figures = pytest.importorskip("drawn_figures")
light_drawings = pytest.importorskip("light_drawings")
record_figures = pytest.importorskip("record_figures")

ROOT = Path(__file__).resolve().parents[1]
LAB = (ROOT / "gantut/lessons/labs/lab.css").read_text(encoding="utf-8")
LETTERS_ARE_LARGE_ENOUGH = 8.5 / 0.75  # pixels: 8.5 points


@pytest.fixture
def figure():
    left, right = plots.axes(1, 2, sharey=True)
    plots.lines(left, [0, 1, 2], {"W₁": [0.125, 1, 2], "JS": [0, 0.5, 0.625]})
    plots.clouds(right, [[0, 1]], [[1, 0]], limit=2, title="k = 1")
    left.set(yticks=[0.125, 0.625], yticklabels=["0.125", "0.625"], ylabel="nats")
    yield left.figure
    plt.close("all")


def texts(svg):
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


def test_each_colour_has_another_by_night_that_stands_out_from_its_ground():
    def light(colour):
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    def contrast(colour, ground):
        high, low = sorted((light(colour), light(ground)), reverse=True)
        return (high + 0.05) / (low + 0.05)

    assert len(set(plots.DARK.values())) == len(plots.DARK)
    for day, night in plots.DARK.items():
        if day not in (plots.PAPER, plots.GRID):
            assert contrast(day, plots.PAPER) > 2, day  # every line has a dash and every dot a shape of its own, too
            assert contrast(night, plots.DARK[plots.PAPER]) > 4.5, night


def test_labs_have_the_colours_of_the_figures_by_day_and_by_night():
    day, night = (
        dict(re.findall(r"--([\w-]+): ([^;]+);", block)) for block in re.findall(r":host[^{]*\{([^}]*)\}", LAB)[:2]
    )
    named = dict(real=plots.REAL, generated=plots.GENERATED, third=plots.THIRD, fourth=plots.FOURTH, fifth=plots.FIFTH,
                 indigo=plots.INDIGO, sky=plots.SKY, olive=plots.OLIVE, paper=plots.PAPER, ink=plots.INK,
                 grid=plots.GRID)  # fmt: skip
    assert {name: day[name] for name in named} == named
    assert {name: night[name] for name in named} == {name: plots.DARK[colour] for name, colour in named.items()}
    things = {name: day[re.fullmatch(r"var\(--(\w+)\)", value)[1]] for name, value in day.items() if "var(" in value}
    assert {"kl", "js", "wasserstein", "critic", "minimax", "non-saturating", "wgan", "wgan-gp"} <= set(things)
    for name, colour in things.items():
        assert plots.LOOKS[name if name in plots.LOOKS else name.replace("-", " ")][0] == colour, name


def test_two_things_of_one_figure_never_look_the_same():
    games = ("minimax", "non-saturating", "least-squares", "hinge", "wgan", "wgan-gp", "wgan-lp")
    for names in (games, ("KL", "reverse KL", "JS", "W₁"), ("real", "generated", "D*", "critic"), "abcdefg"):
        found = plots.looks(list(names))
        assert len({look[0] for look in found}) == len(names), names  # and so has each colour one thing
    assert len(set(plots.looks([f"wgan, k = {k}" for k in range(4)]))) == 4
    assert plots.looks(["JS, from q"]) == plots.looks(["JS"])
    assert plots.looks(["x"], ["#123456"], [":"])[0][:2] == ("#123456", ":")


def test_a_drawing_has_the_words_of_its_figure_and_fits_a_phone(figure):
    drawn = record_figures.drawings(figure)
    for svg in drawn.values():
        assert {"0.125", "0.625", "W₁", "JS", "k = 1", "nats"} <= set(texts(svg))
        sizes = [float(size) for size in re.findall(r"font-size: ([\d.]+)px", svg)]  # of an inch that has 72: points
        assert min(sizes) / 0.75 >= LETTERS_ARE_LARGE_ENOUGH
    wide, narrow = (drawn_figures.size(drawn[kind]) for kind in ("wide", "narrow"))
    assert narrow[0] <= 370 < 600 < wide[0]
    assert narrow[1] > 1.5 * wide[1]  # its panels are stacked
    assert texts(drawn["narrow"]).count("nats") == 2  # each has now its own axis


def test_legends_beside_and_across_a_panel_fit_a_phone():
    top, bottom = plots.axes(2, 1, height=2.0)
    for ax in (top, bottom):
        plots.lines(ax, [0, 1], {f"a long name, number {k}": [k, 0] for k in range(3)})
    top.legend(loc="upper left", ncols=3)
    bottom.legend(loc="center left", bbox_to_anchor=(1.02, 0.5))
    record_figures.narrow(top.figure)
    assert top.get_legend()._ncols == 1
    assert bottom.get_legend() is None
    assert [text.get_text()[-1] for text in top.figure.legends[0].get_texts()] == ["0", "1", "2"]
    assert drawn_figures.size(record_figures.draw(top.figure))[0] <= 370
    plt.close("all")


def test_a_legend_on_a_phone_has_the_lines_and_the_points_of_its_names():
    panels = plots.axes(1, 2, height=2.0)
    for look, ax in zip(("--", "o"), panels, strict=True):
        ax.plot([0, 1], [0, 1], look, label="both")
    plots.legend_below(*panels)
    record_figures.narrow(panels[0].figure)
    marks = panels[0].figure.legends[0].findobj(Line2D)
    assert [(mark.get_linestyle(), mark.get_marker()) for mark in marks] == [("--", "None"), ("None", "o")]
    plt.close("all")


def test_three_panels_above_three_become_rows_of_pairs():
    panels = plots.axes(2, 3, height=1.5, sharex=True, sharey="row")
    for number, ax in enumerate(panels.flat):
        ax.plot([0, 1], [0, 1])
        ax.set_title(f"panel {number}")
    record_figures.narrow(panels[0, 0].figure)
    places = {ax.get_title(loc="left")[-1]: ax.get_subplotspec() for ax in panels.flat}
    rows = sorted(places, key=lambda name: (places[name].rowspan.start, places[name].colspan.start))
    assert "".join(rows) == "031425"
    plt.close("all")


def test_what_is_many_is_drawn_as_pixels_and_what_is_few_is_not():
    ax = plots.axes()
    ax.plot(range(3), range(3), "o")
    assert "<image" not in record_figures.draw(ax.figure)
    many = range(record_figures.MANY + 1)
    ax.plot(many, many, "o", label="many")
    ax.figure.legend(loc="outside lower center")
    drawn = record_figures.draw(ax.figure)
    assert "<image" in drawn
    assert "<image" not in drawn[drawn.index('id="legend_1"') :]  # matplotlib would put its pixels somewhere else
    plt.close("all")


def test_by_night_every_colour_is_exchanged_and_order_of_shades_is_kept(figure):
    drawing = record_figures.draw(figure)
    day, night = (drawn_figures.in_letters(drawing, night=night) for night in (False, True))
    assert plots.THIRD in day
    assert not [colour for colour in plots.DARK if f": {colour}" in night]
    assert plots.DARK[plots.THIRD] in night
    shades = [int(drawn_figures.by_night(colour)[1:3], 16) for colour in ("#081d58", "#41b6c4", "#ffffd9")]
    assert shades == sorted(shades)
    assert drawn_figures.by_night("#ffffff") == "#000000"


def test_pixels_that_both_drawings_have_are_kept_once():
    pixels = np.random.default_rng(0).random((90, 90))
    first, second = plots.axes(1, 2, height=2.0)
    first.imshow(pixels, interpolation="none")
    second.imshow(pixels.T, interpolation="none")
    wide = record_figures.draw(first.figure)
    assert len(record_figures.PIXELS.findall(wide)) == 2
    record_figures.narrow(first.figure)
    narrow = record_figures.draw(first.figure)
    kept = record_figures.without_what_is_in(wide, narrow)
    assert not record_figures.PIXELS.search(kept)
    assert len(kept) < len(narrow) / 2
    assert record_figures.with_what_is_in(wide, kept) == narrow


def test_a_figure_becomes_four_files_and_says_what_it_shows(figure, tmp_path):
    drawn = record_figures.drawings(figure)
    shown = drawn_figures.picture(tmp_path, "../_images/", "fig-x", drawn, 'A curve & a "cloud"')
    assert shown.count('alt="A curve &amp; a &quot;cloud&quot;"') == 2  # by day and by night; one of them is shown
    assert shown.count('loading="lazy"') == 2
    named = set(re.findall(r'"\.\./_images/([^"]+)"', shown))
    assert named == {file.name for file in tmp_path.iterdir()}
    assert len(named) == 4


@pytest.mark.parametrize("path", sorted(ROOT.glob("book/*.ipynb")), ids=lambda path: path.stem)
def test_every_figure_of_a_lesson_was_recorded_as_drawings(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    settings = [cell["metadata"].get("mystnb", {}) for cell in cells]
    figures = {own["figure"]["name"] for own in settings if "figure" in own}
    recorded = drawn_figures.drawings_in(path)
    assert set(recorded) == figures, "python book/tools/notebooks.py executes it so"
    for name, drawn in recorded.items():
        assert drawn_figures.size(drawn["narrow"])[0] <= 420, f"{name} is too wide for a phone"
        assert drawn_figures.size(drawn["wide"])[0] <= 800, f"{name} is wider than the text"
        assert max(map(len, drawn.values())) < 800_000, f"{name} is heavy"


def absolute(path):
    """The corners of a path of straight pieces, as a reader of relative steps finds them."""
    corners = []
    for letter, numbers in re.findall(r"([Ml])([^Mlz]*)", path):
        numbers = [float(number) for number in re.findall(r"-?(?:\d+\.?\d*|\.\d+)", numbers)]
        for x, y in zip(numbers[::2], numbers[1::2], strict=True):
            corners.append((x, y) if letter == "M" else (corners[-1][0] + x, corners[-1][1] + y))
    return np.array(corners)


def test_a_light_path_is_the_path_with_all_that_is_needed():
    light = light_drawings.light_path
    assert light("M 0 0 L 1 0 L 2 0 L 2 2 z") == "M0 0l2 0 0 2z"
    assert light("M 1 1 C 1 2 3 4 5 6 L 5 5.5 L 5 5 Q 0 0 1 -.25") == "M1 1c0 1 2 3 4 5l0-1q-5-5-4-5.25"
    assert light("M 0 0 L 3 0 L 3 4 z M 7 7 L 7.25 7") == "M0 0l3 0 0 4zM7 7l.25 0"
    assert light("M 3 3 L 3 3") == "M3 3l0 0"  # a dot stays one
    turns = np.cumsum(np.random.default_rng(0).normal(0, 0.1, (500, 2)), axis=0).cumsum(axis=0)
    path = "M " + " L ".join(f"{x:.2f} {y:.2f}" for x, y in turns)
    corners = absolute(light(path))
    assert len(corners) < 300
    assert len(light(path)) < len(path) / 3
    assert np.allclose(corners[[0, -1]], turns[[0, -1]], atol=0.006)  # steps of whole hundredths add up without loss
    along = np.diff(corners, axis=0)
    for point in turns:
        share = np.clip(((point - corners[:-1]) * along).sum(1) / (along**2).sum(1), 0, 1)
        off = np.hypot(*(corners[:-1] + share[:, None] * along - point).T).min()
        assert off < light_drawings.OFF + 0.01  # and half a hundredth twice for rounding


def test_looks_that_return_are_classes_and_single_ones_stay():
    look = '<path style="fill: #abcdef"/>'
    svg = f'<svg><style>*{{}}</style>{look}{look}<path style="fill: #000000"/></svg>'
    light = light_drawings.with_looks_named(svg)
    assert light.count("#abcdef") == 1
    assert light.count('class="l0"') == 2
    assert '<path style="fill: #000000"/>' in light


def test_a_picture_of_many_colours_keeps_its_commonest_and_moves_no_other_by_more_than_two():
    colours = np.random.default_rng(0).integers(0, 256, (60, 60, 4), dtype=np.uint8)
    colours[..., 3] = 255
    colours[:20] = [253, 252, 248, 255]
    written = io.BytesIO()
    Image.fromarray(colours).save(written, "PNG")
    address = "data:image/png;base64," + base64.b64encode(written.getvalue()).decode()
    light = light_drawings.light_picture(address)
    assert light.startswith("data:image/webp;base64,")
    assert len(light) < 0.8 * len(address)
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(light.split(",")[1]))).convert("RGBA"))
    assert (shown[:20] == colours[:20]).all()
    assert abs(shown.astype(int) - colours).max() <= 2
    assert light_drawings.light_picture(address[:100]) == address[:100]  # too small to be worth it
