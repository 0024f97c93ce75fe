"""Figures: what is drawn is what was measured."""

import numpy as np
import pytest
import torch

from gantut import plots
from gantut.metrics import median_interval


@pytest.fixture
def panels():
    yield plots.axes(1, 2, sharey=True)
    plots.plt.close("all")


def test_a_table_of_populations_draws_every_member_and_the_ends_of_its_interval(panels):
    source = torch.Generator().manual_seed(0)
    measures = {name: {row: torch.rand(16, generator=source) for row in ("none", "noise")} for name in ("w1", "modes")}
    plots.measure_table(panels, measures, intervals=median_interval, baseline="none")
    assert [label.get_text() for label in panels[0].get_yticklabels()] == ["none", "noise"]
    for ax, (name, rows) in zip(panels, measures.items(), strict=True):
        assert ax.get_xlabel() == name
        lines = iter(ax.get_lines())
        for place, values in enumerate(rows.values()):
            dots, bar, middle = (next(lines) for _ in range(3))
            low, estimate, high = map(float, median_interval(values))
            assert sorted(dots.get_xdata()) == sorted(values.tolist())
            assert np.abs(dots.get_ydata() - place).max() < 0.5  # in its own row
            assert list(bar.get_xdata()) == [low, high]
            assert list(middle.get_xdata()) == [estimate]


def test_the_first_row_of_a_table_is_at_the_top(panels):
    plots.measure_table(panels[:1], {"x": {"a": torch.rand(8), "b": torch.rand(8)}}, intervals=median_interval)
    bottom, top = panels[0].get_ylim()
    assert top < 0 < 1 < bottom


def test_only_a_table_with_a_baseline_has_a_band_from_end_to_end_of_its_interval(panels):
    rows = {"a": torch.linspace(0, 1, 16), "b": torch.rand(16, generator=torch.Generator().manual_seed(0))}
    plots.measure_table(panels[:1], {"x": rows}, intervals=median_interval)
    plots.measure_table(panels[1:], {"x": rows}, intervals=median_interval, baseline="b")
    assert not panels[0].patches
    (band,) = panels[1].patches
    low, _, high = map(float, median_interval(rows["b"]))
    assert band.get_extents().transformed(panels[1].transData.inverted()).x0 == pytest.approx(low)
    assert band.get_extents().transformed(panels[1].transData.inverted()).x1 == pytest.approx(high)
