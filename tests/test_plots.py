"""Figures: what is drawn is what was measured."""

import subprocess
import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from gantut import plots


@pytest.fixture
def panels():
    yield plots.axes(1, 2)
    plt.close("all")


def test_nothing_imports_matplotlib_before_something_is_drawn():
    rooms = "import gantut.lessons._exercises as e; [import_module(f'gantut.lessons.{room}') for room in e.ROOMS]"
    code = f"""import sys; from importlib import import_module
import gantut, gantut.transport, gantut.training, gantut.lessons.experiments, gantut.plots
{rooms}
assert 'matplotlib' not in sys.modules"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_curves_have_the_values_that_were_given_and_only_those_with_a_name_are_in_the_legend(panels):
    x = torch.linspace(0, 1, 5, requires_grad=True)
    plots.lines(panels[0], x, {"square": x**2, "_hidden": -x})
    square, hidden = panels[0].get_lines()
    assert np.allclose(square.get_xydata(), torch.stack([x, x**2], 1).detach())
    assert np.allclose(hidden.get_ydata(), -x.detach())
    assert square.get_linestyle() != hidden.get_linestyle()
    assert [text.get_text() for text in panels[0].get_legend().get_texts()] == ["square"]


def test_a_population_is_its_median_in_a_band_of_all_members(panels):
    members = torch.rand(7, 4, generator=torch.Generator().manual_seed(0))
    plots.population(panels[0], range(4), members, name="seven")
    (median,), (band,) = panels[0].get_lines(), panels[0].collections
    assert np.array_equal(median.get_ydata(), members.median(0).values)
    heights = band.get_paths()[0].vertices[:, 1]
    assert (heights.min(), heights.max()) == (pytest.approx(members.min()), pytest.approx(members.max()))


def test_strips_show_every_member_with_the_interval_of_its_mean_or_one_that_is_given(panels):
    groups = {"a": torch.arange(9.0), "b": torch.arange(4.0)}
    plots.strips(panels[0], groups)
    dots = panels[0].get_lines()[0]
    assert dots.get_ydata().tolist() == groups["a"].tolist()
    bar = panels[0].collections[0].get_segments()[0]
    half = 1.96 * groups["a"].std().item() / 3  # the standard error of a mean of 9
    assert bar[:, 1].tolist() == pytest.approx([4 - half, 4 + half])
    plots.strips(panels[1], groups, intervals=[(1, 2, 3), (0, 1, 2)])
    assert panels[1].collections[1].get_segments()[0][:, 1].tolist() == [0, 2]


def test_rows_of_members_go_from_the_top_and_equal_members_are_stacked(panels):
    plots.member_rows(panels[0], {"first": [1.0, 1.0, 2.0], "second": [5.0]}, intervals={"second": (4, 5, 6)})
    first, second, bar, _ = panels[0].get_lines()
    assert first.get_ydata().min() > second.get_ydata().max()
    assert len(set(first.get_ydata().tolist())) == 2  # one of the equal members is above the other
    assert list(bar.get_xdata()) == [4, 6]


def test_a_sweep_is_drawn_on_a_logarithmic_axis_with_a_tick_for_each_setting(panels):
    plots.sweep(panels[0], [0.1, 1, 10], {"W1": ([0, 1, 2], [1, 2, 3], [2, 3, 4])})
    assert panels[0].get_xscale() == "log"
    assert [label.get_text() for label in panels[0].get_xticklabels()] == ["0.1", "1", "10"]
    assert panels[0].get_lines()[0].get_ydata().tolist() == [1, 2, 3]


def test_samples_and_paths_are_where_they_were_put(panels):
    real, generated = torch.rand(5, 2), torch.rand(3, 2)
    plots.clouds(panels[0], real, generated, limit=2.0)
    assert [
        np.allclose(drawn.get_offsets(), given)
        for drawn, given in zip(panels[0].collections, (real, generated), strict=True)
    ] == [True, True]
    plots.paths(panels[1], {"out": ([0, 1, 2], [0, 1, 0])})
    path, start, end, _ = panels[1].get_lines()
    assert path.get_xydata().tolist() == [[0, 0], [1, 1], [2, 0]]
    assert (start.get_xydata().tolist(), end.get_xydata().tolist()) == ([[0, 0]], [[2, 0]])


def test_images_stand_in_rows_that_are_named():
    grid = plots.image_rows({"real": torch.rand(3, 64), "generated": torch.rand(2, 64)})
    assert grid.shape == (2, 3)
    assert [row[0].texts[0].get_text() for row in grid] == ["real", "generated"]
    assert [len(ax.images) for ax in grid.flat] == [1, 1, 1, 1, 1, 0]
    plt.close("all")


def test_one_legend_has_every_name_of_several_axes_once(panels):
    plots.lines(panels[0], [0, 1], {"a": [0, 1], "b": [1, 0]})
    plots.lines(panels[1], [0, 1], {"a": [0, 1], "c": [1, 0]})
    plots.legend_below(*panels)
    (legend,) = panels[0].figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["a", "b", "c"]
