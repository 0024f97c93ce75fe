"""Random changes of pictures: each exactly what a loop over pixels makes of it, and gradients flow through."""

import itertools

import pytest
import torch

from gantut.data import Augmentation
from gantut.data._augmentation import cut_out, mirrored, recoloured, translated

ALL = Augmentation(mirror=True, colour=1.0, translate=0.25, cutout=0.5, fill=-1.0)


@pytest.fixture
def pictures(rng, device):
    """Six pictures of two members: (2, 3, 3, 4, 5), in double precision."""
    return torch.randn(2, 3, 3, 4, 5, dtype=torch.float64, generator=rng).to(device)


def changed(augmentation, x, rng):
    distribution, shape = augmentation.draws(tuple(x.shape[2:]))
    assert distribution == "unit"
    draws = torch.rand(*x.shape[:2], *shape, dtype=x.dtype, generator=rng).to(x.device)
    return augmentation.apply(x, draws), draws


# ---- Each change, against a loop ------------------------------------------------------------------------------


@pytest.mark.parametrize("fill", [0.0, -1.0])
def test_a_translation_moves_each_pixel_by_its_step_and_fills_what_is_left(pictures, fill):
    steps = torch.tensor([[0, 1, -2], [4, -4, 3]], device=pictures.device)
    across = torch.tensor([[1, -1, 5], [0, 2, -6]], device=pictures.device)
    moved = translated(pictures, steps, across, fill=fill)
    expected = torch.full_like(pictures, fill)
    for m, n, i, j in itertools.product(range(2), range(3), range(4), range(5)):
        row, column = i + steps[m, n].item(), j + across[m, n].item()
        if 0 <= row < 4 and 0 <= column < 5:
            expected[m, n, :, row, column] = pictures[m, n, :, i, j]
    assert torch.equal(moved, expected)


@pytest.mark.parametrize("fill", [0.0, -1.0])
def test_a_cut_out_rectangle_is_filled_as_far_as_it_lies_inside(pictures, fill):
    top = torch.tensor([[0, -1, 3], [-2, 4, 1]], device=pictures.device)
    left = torch.tensor([[0, 4, -2], [2, 0, 1]], device=pictures.device)
    expected = pictures.clone()
    for m, n, i, j in itertools.product(range(2), range(3), range(4), range(5)):
        if top[m, n] <= i < top[m, n] + 2 and left[m, n] <= j < left[m, n] + 3:
            expected[m, n, :, i, j] = fill
    assert torch.equal(cut_out(pictures, top, left, 2, 3, fill=fill), expected)


def test_a_mirror_image_has_its_columns_the_other_way_round(pictures):
    which = torch.tensor([[True, False, True], [False, False, True]], device=pictures.device)
    mirror = mirrored(pictures, which)
    for m, n in itertools.product(range(2), range(3)):
        columns = range(4, -1, -1) if which[m, n] else range(5)
        assert torch.equal(mirror[m, n], torch.stack([pictures[m, n, :, :, j] for j in columns], -1))


def test_colours_change_as_the_paper_has_it(pictures, rng):
    brightness, saturation, contrast = torch.rand(3, 2, 3, dtype=torch.float64, generator=rng).to(pictures.device)
    changed = recoloured(pictures, brightness - 0.5, saturation * 2, contrast + 0.5)
    for m, n in itertools.product(range(2), range(3)):
        x = pictures[m, n] + (brightness[m, n] - 0.5)  # Zhao et al. (2020): brightness, then saturation, then contrast
        x = (x - x.mean(0)) * (saturation[m, n] * 2) + x.mean(0)
        x = (x - x.mean()) * (contrast[m, n] + 0.5) + x.mean()
        torch.testing.assert_close(changed[m, n], x, rtol=0, atol=1e-14)  # rounding


# ---- What is drawn --------------------------------------------------------------------------------------------


def test_every_translation_up_to_the_share_of_the_side_is_as_likely_as_any_other(device):
    # The numbers (i + 1/2) / n meet each of n steps once: 5 in height (2 of 8 pixels each way), 7 in width (3 of 12).
    augmentation = Augmentation(translate=0.25)
    down, right = [((torch.arange(n) + 0.5) / n).to(device) for n in (5, 7)]
    draws = torch.cartesian_prod(down, right)[None]  # (1, 35, 2)
    x = torch.zeros(1, 35, 1, 8, 12, device=device)
    x[..., 4, 6] = 1
    moved = augmentation.apply(x, draws)
    expected = torch.zeros(8, 12, device=device)
    expected[2:7, 3:10] = 1
    assert torch.equal(moved.sum((0, 1, 2)), expected)


@pytest.mark.parametrize("share", [0.25, 0.5, 0.4, 1.0])
def test_a_cut_out_has_its_centre_anywhere_so_that_it_may_stick_out(device, share):
    side, part = 8, round(8 * share)
    places = side + 1 - part % 2
    u = ((torch.arange(places) + 0.5) / places).to(device)
    seen = Augmentation(cutout=share).apply(
        torch.ones(1, places, 1, side, side, device=device), u[None, :, None].expand(1, -1, 2)
    )
    for place, picture in enumerate(seen[0, :, 0]):
        # Zhao et al. (2020), their program: offsets are clamped to the picture
        rows = [min(max(place - part // 2 + k, 0), side - 1) for k in range(part)]
        expected = torch.ones(side, side, device=device)
        for i, j in itertools.product(rows, rows):
            expected[i, j] = 0
        assert torch.equal(picture, expected)


def test_only_a_share_of_the_pictures_is_cut_and_their_places_are_as_before(device):
    u = ((torch.arange(18) + 0.5) / 18).to(device)  # 9 places for the centre, in half of the pictures
    draws = torch.stack([u, torch.full_like(u, 0.5)], -1)[None]
    x = torch.ones(1, 18, 1, 8, 8, device=device)
    some = Augmentation(cutout=0.5, cutout_share=0.5).apply(x, draws)
    assert torch.equal(some[0, 9:], x[0, 9:])
    whole = Augmentation(cutout=0.5).apply(x[:, :9], torch.stack([u[:9] * 2, draws[0, :9, 1]], -1)[None])
    assert torch.equal(some[0, :9], whole[0])
    assert torch.equal(Augmentation(cutout=0.5, cutout_share=0.0).apply(x, draws), x)


def test_colour_draws_span_the_ranges_of_the_paper_and_shrink_with_the_strength(device):
    x = torch.tensor([0.0, 1.0], dtype=torch.float64, device=device).reshape(1, 1, 1, 1, 2).expand(1, 3, 1, 1, 2)
    u = torch.tensor([0.0, 0.5, 1.0], dtype=torch.float64, device=device)[None, :, None].expand(1, 3, 3)
    for strength in (1.0, 0.5):
        brightness, contrast = -0.5 * strength, 1 - 0.5 * strength
        low, same, high = Augmentation(colour=strength).apply(x, u)[0, :, 0, 0]
        torch.testing.assert_close(same, x[0, 0, 0, 0], rtol=0, atol=1e-15)
        assert low.mean().item() == pytest.approx(0.5 + brightness)
        assert high.mean().item() == pytest.approx(0.5 - brightness)
        assert (low[1] - low[0]).item() == pytest.approx(contrast)
        assert (high[1] - high[0]).item() == pytest.approx(2 - contrast)


def test_half_of_the_pictures_are_mirrored(rng, device):
    x = torch.tensor([0.0, 1.0], device=device).expand(1, 4000, 1, 1, 2)
    seen, _ = changed(Augmentation(mirror=True), x, rng)
    assert abs(seen[..., 0].mean().item() - 0.5) < 0.032  # four standard deviations of 4000 coins


def test_changes_are_made_in_their_order_each_from_its_own_numbers(pictures, rng):
    seen, draws = changed(ALL, pictures, rng)
    step_by_step, used = pictures, 0
    for name, numbers in (("mirror", 1), ("colour", 3), ("translate", 2), ("cutout", 2)):
        alone = Augmentation(**{name: getattr(ALL, name)}, fill=-1.0)
        step_by_step = alone.apply(step_by_step, draws[..., used : used + numbers])
        used += numbers
    assert torch.equal(seen, step_by_step)
    assert used == draws.shape[-1]


def test_without_a_change_pictures_stay_as_they_are(pictures, rng):
    seen, draws = changed(Augmentation(), pictures, rng)
    assert torch.equal(seen, pictures)
    assert draws.shape == (2, 3, 0)


def test_each_member_and_each_picture_is_changed_as_it_would_be_alone(pictures, rng):
    seen, draws = changed(ALL, pictures, rng)
    for m, n in itertools.product(range(2), range(3)):
        alone = ALL.apply(pictures[m : m + 1, n : n + 1], draws[m : m + 1, n : n + 1])
        assert torch.equal(alone[0, 0], seen[m, n])


# ---- Gradients ------------------------------------------------------------------------------------------------


def test_gradients_are_those_of_finite_differences(rng):
    x = torch.randn(1, 3, 3, 4, 5, dtype=torch.float64, generator=rng).requires_grad_()
    draws = torch.rand(1, 3, *ALL.draws((3, 4, 5))[1], dtype=torch.float64, generator=rng)
    assert torch.autograd.gradcheck(lambda x: ALL.apply(x, draws), (x,))


def test_no_gradient_comes_from_pixels_that_are_not_shown(device):
    x = torch.zeros(1, 1, 1, 4, 4, device=device, requires_grad=True)
    one = torch.ones(1, 1, dtype=torch.long, device=device)
    translated(x, one, 0 * one).sum().backward()
    expected = torch.ones(4, 4, device=device)
    expected[3] = 0  # the last row was moved out, and the first is filled
    assert torch.equal(x.grad[0, 0, 0], expected)


# ---- What is refused ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"translate": 1.5}, "translate must lie in"),
        ({"cutout": -0.1}, "cutout must lie in .*, not -0.1"),
        ({"colour": float("nan")}, "colour must be a finite number, not nan"),
        ({"mirror": "yes"}, "mirror must be one of True, False, not 'yes'"),
        ({"fill": float("inf")}, "fill must be a finite number, not inf"),
    ],
)
def test_settings_that_there_are_not_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        Augmentation(**settings)


def test_what_does_not_go_together_is_refused():
    with pytest.raises(ValueError, match=r"colour must be 0 for images of 4 channels, not 1\.0"):
        Augmentation(colour=1.0).draws((4, 8, 8))
    with pytest.raises(ValueError, match=r"event must be the shape of an image, .* not \(2,\)"):
        Augmentation(mirror=True).draws((2,))
    with pytest.raises(ValueError, match=r"draws must have shape \(2, 5, 1\), not \(2, 5\)"):
        Augmentation(mirror=True).apply(torch.zeros(2, 5, 3, 8, 8), torch.zeros(2, 5))
    with pytest.raises(ValueError, match=r"x must have shape \(members, batch, channels, height, width\), not \(5, 3"):
        Augmentation(mirror=True).apply(torch.zeros(5, 3, 8, 8), torch.zeros(5, 1))
