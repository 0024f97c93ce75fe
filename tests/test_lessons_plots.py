"""The figures that single lessons draw: what is drawn is what was measured."""

import itertools

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from gantut import plots
from gantut.lessons.better_critics.plots import plot_cones, plot_histograms, plot_penalty_points, plot_surfaces
from gantut.lessons.created_equal.plots import plot_interval_rows, plot_polygons, plot_scatter
from gantut.lessons.divergences.plots import plot_integrand
from gantut.lessons.duality.plots import plot_extensions, plot_prices
from gantut.lessons.mode_collapse.plots import plot_mean_turns, plot_mode_clouds
from gantut.lessons.moving_dirt.plots import plot_piles
from gantut.lessons.new_creatures.plots import plot_creatures
from gantut.lessons.no_equilibrium.plots import plot_averages, plot_mixtures, plot_spectrum, plot_vector_field
from gantut.lessons.optimal_discriminator.plots import plot_reliability
from gantut.lessons.seeing_collapse.plots import plot_image_blocks, plot_scorecard
from gantut.lessons.seven_tricks.plots import plot_measure_table
from gantut.lessons.the_estimate.plots import plot_batch_distances, plot_layer_gradients, plot_proofs
from gantut.lessons.the_game.plots import plot_game_diagram
from gantut.lessons.vanishing_gradients.plots import plot_planes, plot_segments
from gantut.metrics import median_interval
from gantut.transport import pile_moves


@pytest.fixture
def panels():
    yield plots.axes(1, 2)
    plt.close("all")


def test_the_area_under_an_integrand_is_shaded_down_to_zero(panels):
    plot_integrand(panels[0], [0.0, 1.0, 2.0], {"f": torch.tensor([1.0, -1.0, 1.0])})
    heights = panels[0].collections[0].get_paths()[0].vertices[:, 1]
    assert {-1.0, 0.0, 1.0} <= set(heights.tolist())


def test_the_diagram_of_the_game_names_its_players(panels):
    words = " ".join(text.get_text() for text in plot_game_diagram(panels[0]).texts)
    assert all(word in words for word in ("noise", "generator", "discriminator", "data", "D(x)", "G(z)"))


def test_on_a_phone_the_diagram_of_the_game_has_the_same_words_and_none_covers_another():
    ax = plot_game_diagram(plots.axes())
    on_a_desk = {" ".join(text.get_text().split()) for text in ax.texts}
    ax.figure.set_size_inches(3.65, ax.figure.for_a_phone())
    assert {" ".join(text.get_text().split()) for text in ax.texts} == on_a_desk
    ax.figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in ax.texts if text.get_text()]
    assert len(boxes) == 5 + 3 + 2
    assert not [pair for pair in itertools.combinations(boxes, 2) if pair[0].overlaps(pair[1])]
    plt.close("all")


def test_reliability_is_drawn_with_the_ends_of_its_intervals(panels):
    plot_reliability(panels[0], [0.2, 0.8], [0.25, 0.7], [0.1, 0.6], [0.4, 0.8], counts=[20, 30])
    bars = panels[0].collections[0].get_segments()
    assert [bar[:, 1].tolist() for bar in bars] == [pytest.approx([0.1, 0.4]), pytest.approx([0.6, 0.8])]
    assert [text.get_text() for text in panels[0].texts] == ["20", "30"]


def test_arrows_of_a_field_are_of_one_length_and_point_its_way(panels):
    plot_vector_field(panels[0], *torch.tensor([[0.0, 1.0], [0.0, 2.0], [0.0, 3.0], [4.0, 0.0]]), circles=(1.0,))
    arrows = panels[0].collections[0]
    assert np.allclose(np.hypot(arrows.U, arrows.V), 1)
    assert np.allclose(np.stack([arrows.U, arrows.V], 1), [[0, 1], [1, 0]])


def test_eigenvalues_are_in_the_complex_plane(panels):
    plot_spectrum(panels[0], {"rotation": torch.tensor([1j, -1j])})
    assert panels[0].get_lines()[-1].get_xydata().tolist() == [[0, 1], [0, -1]]


def test_planes_and_segments_are_in_the_unit_cube():
    ax = plots.axes(subplot_kw={"projection": "3d"})
    plot_segments(ax, [torch.eye(3)[:2]])
    plot_planes(ax, torch.tensor([[0.0, 0.0, 2.0]]), [1.0])
    assert ax.get_zlim() == (0, 1)
    assert np.allclose(ax.get_lines()[0].get_data_3d(), torch.eye(3)[:2].T)
    plt.close("all")


def test_clouds_are_drawn_beside_the_centres_and_every_member_turns(panels):
    points, centres = torch.rand(9, 2), torch.eye(2)
    plot_mode_clouds(panels[:1], {"GAN": points}, centres)
    rings, dots = panels[0].get_lines()
    assert np.allclose(rings.get_xydata(), centres)
    assert np.allclose(dots.get_xydata(), points)
    *snapshots, ax = plot_mean_turns({"early": points, "late": points}, centres, [0, 5], {"GAN": torch.rand(2, 3)})
    assert [snapshot.get_title(loc="left") for snapshot in snapshots] == ["early", "late"]
    assert len(ax.get_lines()) == 3 + 1  # and that of the legend


def test_blocks_of_images_have_a_frame_around_every_image(panels):
    plot_image_blocks(panels[:1], {"digits": torch.ones(8, 64)}, columns=4)
    block = panels[0].images[0].get_array()
    assert block.shape == (2 * 9 + 1, 4 * 9 + 1)
    assert (block == 1).sum() == 8 * 64
    plot_creatures(panels[1:], {"creatures": torch.ones(6, 3, 32, 32)}, columns=3)
    assert panels[1].images[0].get_array().shape == (2 * 33 + 1, 3 * 33 + 1, 3)


def test_alarms_of_a_scorecard_are_bold(panels):
    alarms = np.array([[True, False]])
    plot_scorecard(panels[0], [["0.1", "0.9"]], alarms, rows=["GAN"], columns=["quality", "modes"])
    assert [(text.get_text(), text.get_weight()) for text in panels[0].texts] == [("0.1", "bold"), ("0.9", "normal")]
    assert len(panels[0].patches) == 1
    assert panels[0].figure.for_a_phone() > 0
    assert [text.get_text() for text in panels[0].texts][2:] == ["GAN"]  # above its row, no longer beside it
    assert len(panels[0].get_yticks()) == 0


def test_prices_are_written_beside_their_places_and_used_routes_have_no_excess(panels):
    costs = torch.tensor([[1.0, 3.0], [4.0, 1.0]])
    plot_prices(panels, costs, torch.eye(2) / 2, torch.tensor([1.0, 0.5]), torch.tensor([0.0, 0.5]))
    assert [text.get_text() for text in panels[0].texts] == ["1.00", "0.50", "0.00", "0.50"]
    not_used, used = panels[1].get_lines()[1:]
    assert used.get_ydata().tolist() == [0, 0]
    assert not_used.get_xydata().tolist() == [[3, 1.5], [4, 3.5]]


def test_extensions_go_through_the_prices(panels):
    z = torch.linspace(0, 1, 3)
    plot_extensions(panels[0], z, -z, 1 - z, z[:1], z[:1], z[2:], z[2:])
    greatest, least, source, target = panels[0].get_lines()
    assert (greatest.get_ydata() > least.get_ydata()).all()
    assert (source.get_ydata().tolist(), target.get_ydata().tolist()) == ([0], [-1])


def test_each_player_counts_on_the_worst_and_the_best_mixture_is_marked(panels):
    share = np.linspace(0, 1, 5)
    plot_mixtures(panels, share, [[1 - share, share]] * 2, value=0.5)
    for ax, worst in zip(panels, (np.maximum, np.minimum), strict=True):
        *_, bound, best, _ = ax.get_lines()
        assert np.allclose(bound.get_ydata(), worst(1 - share, share))
        assert best.get_xydata().tolist() == [[0.5, 0.5]]


def test_iterates_lie_on_the_ellipse_that_is_drawn(panels):
    eta, orbit = 0.5, [[1.0, 1.0]]
    for _ in range(9):
        x, y = orbit[-1]
        orbit.append([x - eta * y, y + eta * (x - eta * y)])
    plot_averages(panels, np.array(orbit), [1, 2], [0.1, 0.2], [1, 1], eta=eta)
    x, y = panels[0].get_lines()[0].get_xydata().T
    assert np.allclose(x**2 + y**2 - eta * x * y, 2 - eta)


def test_a_critic_is_drawn_between_its_cones(panels):
    at = torch.linspace(-1, 1, 5)
    plot_cones(panels[:1], {"across": (at, -at.abs(), 0 * at, at.abs())})
    above, critic, below, touch = panels[0].get_lines()
    assert (above.get_ydata() >= critic.get_ydata()).all()
    assert (critic.get_ydata() >= below.get_ydata()).all()
    assert touch.get_xydata().tolist() == [[0, 0]]
    assert panels[0].get_xlabel() == "across"


def test_a_table_of_populations_draws_every_member_and_the_ends_of_its_interval(panels):
    source = torch.Generator().manual_seed(0)
    measures = {name: {row: torch.rand(16, generator=source) for row in ("none", "noise")} for name in ("w1", "modes")}
    plot_measure_table(panels, measures, intervals=median_interval, baseline="none")
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
    plot_measure_table(panels[:1], {"x": {"a": torch.rand(8), "b": torch.rand(8)}}, intervals=median_interval)
    bottom, top = panels[0].get_ylim()
    assert top < 0 < 1 < bottom


def test_only_a_table_with_a_baseline_has_a_band_from_end_to_end_of_its_interval(panels):
    rows = {"a": torch.linspace(0, 1, 16), "b": torch.rand(16, generator=torch.Generator().manual_seed(0))}
    plot_measure_table(panels[:1], {"x": rows}, intervals=median_interval)
    plot_measure_table(panels[1:], {"x": rows}, intervals=median_interval, baseline="b")
    assert not panels[0].patches
    (band,) = panels[1].patches
    low, _, high = map(float, median_interval(rows["b"]))
    assert band.get_extents().transformed(panels[1].transData.inverted()).x0 == pytest.approx(low)
    assert band.get_extents().transformed(panels[1].transData.inverted()).x1 == pytest.approx(high)


def test_piles_end_as_they_are_wanted_and_what_was_moved_stands_on_top():
    walk = pile_moves([3, 2, 1, 4], [1, 2, 4, 3])
    states = [[3, 2, 1, 4]]
    for move in walk.moves:
        states.append([*states[-1]])
        states[-1][move.source - 1] -= move.amount
        states[-1][move.target - 1] += move.amount
    grid = plot_piles(states, [1, 2, 4, 3], moves=walk.moves)
    assert [bar.get_height() for bar in grid[-1].patches[:4]] == [1, 2, 4, 3]
    moved = grid[1].patches[4]
    assert moved.get_y() + moved.get_height() == states[1][walk.moves[0].target - 1]
    plt.close("all")


def test_a_penalty_is_shown_where_it_looks(panels):
    real, generated = torch.zeros(2, 2), torch.ones(2, 2)
    plot_penalty_points(panels[0], real, generated, (real + generated) / 2, joined=torch.stack([real, generated], 1))
    *joins, _, _, points = panels[0].get_lines()
    assert np.allclose(points.get_xydata(), 0.5)
    assert [join.get_xydata().tolist() for join in joins] == [[[0, 0], [1, 1]]] * 2
    plot_surfaces(panels[1:], torch.arange(3.0), {"critic": torch.rand(3, 3)})
    assert panels[1].get_title(loc="left") == "critic"


def test_histograms_have_shares_that_sum_to_one_in_the_same_bins(panels):
    plot_histograms(panels[0], {"a": torch.rand(50), "b": -torch.rand(20)}, bins=5)
    shares = [steps.get_data() for steps in panels[0].patches]
    assert [share.values.sum() for share in shares] == [pytest.approx(1), pytest.approx(1)]
    assert np.array_equal(shares[0].edges, shares[1].edges)


def test_polygons_are_closed_and_intervals_go_from_the_top(panels):
    triangle = torch.tensor([[0.0, 0.0, 1.0, 0.0, 0.0, 1.0]])
    plot_polygons(panels[:1], {"triangle": triangle}, nearest={"triangle": triangle})
    assert all(line.get_xydata().tolist() == [[0, 0], [1, 0], [0, 1], [0, 0]] for line in panels[0].get_lines())
    plot_interval_rows(panels[1], {"a": (0, 1, 2), "b": (-1, 0, 1)})
    assert [label.get_text() for label in panels[1].get_yticklabels()] == ["a", "b"]
    assert panels[1].get_yticks()[0] > panels[1].get_yticks()[1]


def test_groups_of_points_are_told_apart_by_their_markers(panels):
    plot_scatter(panels[0], {"a": ([0, 1], [2, 3]), "b": ([4], [5])})
    first, second = panels[0].get_lines()
    assert first.get_marker() != second.get_marker()
    assert first.get_xydata().tolist() == [[0, 2], [1, 3]]


def test_what_critics_prove_is_drawn_below_the_distance_and_each_correlation_is_a_dot():
    panels, found = plots.axes(1, 2), torch.rand(9)
    w1 = torch.tensor([[2.0, 1.0], [3.0, 1.5], [4.0, 2.0]])
    plot_proofs(panels, [0, 100], {"clipped": {"w1": w1, "proved": w1 / 2}}, {"clip": found}, [(0.1, 0.5, 0.9)])
    exact, proved = (line.get_ydata() for line in panels[0].get_lines()[:2])
    assert exact.tolist() == [3, 1.5]
    assert proved.tolist() == [1.5, 0.75]
    assert panels[1].get_lines()[0].get_ydata().tolist() == found.tolist()
    plt.close("all")


def test_gradients_of_layers_are_powers_of_ten(panels):
    ax = plot_layer_gradients(panels[0], {"c = 1": torch.tensor([2.0, 1.0, 0.0]), "penalty": torch.zeros(3)})
    assert ax.get_yscale() == "log"
    assert [line.get_ydata().tolist() for line in ax.get_lines()] == [[100, 10, 1], [1, 1, 1]]


def test_distances_of_batches_are_drawn_with_the_truth_and_a_bound(panels):
    ax = plot_batch_distances(panels[0], [4, 16], {0.0: [1.0, 0.5], 0.5: [1.1, 0.6]}, [1.2, 0.6])
    drawn = [np.asarray(line.get_ydata(), dtype=float).tolist() for line in ax.get_lines()]
    assert drawn == [[1.0, 0.5], [1.1, 0.6], [0.5, 0.5], [1.2, 0.6]], (
        "curves, the true distance unless it is 0, the bound"
    )
