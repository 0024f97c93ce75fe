"""The measuring parts of lesson 14: passes counted by hand, copies planted, arcs, features, the experiment itself."""

import contextlib
import functools
import itertools
import math
import statistics

import pytest
import torch

from gantut import metrics
from gantut.data import creatures
from gantut.lessons import record, recorded
from gantut.lessons.experiments import EXPERIMENTS
from gantut.lessons.new_creatures import (
    CHANGES,
    GAMES,
    Judge,
    affordable_steps,
    cheats,
    chessboard,
    creatures_modern,
    decode_pictures,
    encode_pictures,
    grouped_kid,
    interpolate_pictures,
    memorisation_audit,
    modern_generator,
    passes_per_picture,
    picture_distances,
    random_features,
    slerp,
    spoilt_pictures,
    train_modern,
    train_on_creatures,
    two_part_audit,
)
from gantut.networks import DCGANGenerator
from gantut.training._precision import multiplies_in_bfloat16

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture
def pictures(device):
    return creatures("train", alive=True, device=device)


def moved(images, down, right, fill=1.0):
    """Move pictures down and to the right, pixel by pixel."""
    result = torch.full_like(images, fill)
    height, width = images.shape[-2:]
    for i in range(height):
        for j in range(width):
            if 0 <= i - down < height and 0 <= j - right < width:
                result[..., i, j] = images[..., i - down, j - right]
    return result


def test_only_tiles_that_show_a_creature_are_alive():
    everything, alive = creatures(), creatures(alive=True)
    left_out = [name for name in everything.names if name not in set(alive.names)]
    assert len(left_out) == 40
    assert not [name for name in alive.names if "statue" in name or "overlay" in name or "-job-" in name]
    assert {name.split("/")[1] for name in left_out} == {"statues", "draco", "fungi_plants", "nonliving", "vault"}
    for part in ("train", "holdout"):
        whole, some = creatures(part), creatures(part, alive=True)
        kept = [index for index, name in enumerate(whole.names) if name in set(some.names)]
        assert torch.equal(whole.images[kept], some.images)
        assert torch.equal(whole.groups[kept], some.groups)
    with pytest.raises(ValueError, match=r"alive must be one of True, False, not 1\.5"):
        creatures(alive=1.5)


def test_an_iteration_costs_what_its_steps_cost_one_by_one():
    for n in (1, 2, 5):
        critic_step = 1 + 2 + 4  # make a picture, judge two, go back through the critic with both
        generator_step = 1 + 2 + 1 + 1  # through the generator and back (twice the cost), through the critic and back
        assert passes_per_picture(n, penalised=False) == n * critic_step + generator_step
        first_gradient = 1 + 1  # forwards, and back to the picture
        assert (
            passes_per_picture(n, penalised=True)
            == n * (critic_step + first_gradient + 2 * first_gradient) + generator_step
        )
    for game, settings in GAMES.items():
        cost = passes_per_picture(settings["n_critic"], penalised=game == "WGAN-GP")
        rounds = affordable_steps(game, 16_800)
        assert rounds % 7 == 0
        assert rounds * cost <= 16_800 < (rounds + 7) * cost
    with pytest.raises(ValueError, match="budget"):
        affordable_steps("DCGAN", 83)
    with pytest.raises(ValueError, match=r"game must be one of .* did you mean 'DCGAN'"):
        affordable_steps("DCGAM", 1000)


def test_picture_distances_are_the_least_over_mirror_images_and_moves(device):
    source = torch.Generator().manual_seed(0)
    x, y = (2 * torch.rand(n, 3, 6, 5, generator=source, dtype=torch.float64) - 1 for n in (3, 4))
    found = picture_distances(x.to(device), y.to(device), moves=1).cpu()
    for i in range(3):
        for j in range(4):
            both, steps = (y[j], y[j].flip(-1)), (-1, 0, 1)
            changed = [moved(z, down, right) for z in both for down in steps for right in steps]
            least = min(((x[i] - z) / 2).square().mean().sqrt().item() for z in changed)
            assert found[i, j].item() == pytest.approx(least, abs=1e-9)
    black, white = -torch.ones(1, 3, 6, 5), torch.ones(1, 3, 6, 5)
    assert picture_distances(black, white, moves=0).item() == pytest.approx(1, abs=1e-12)


def test_only_the_part_that_is_named_is_compared(device):
    source = torch.Generator().manual_seed(0)
    x, y = (2 * torch.rand(n, 3, 6, 4, generator=source, dtype=torch.float64) - 1 for n in (2, 3))
    where = torch.zeros(6, 4)
    where[:, :2] = 1
    found = picture_distances(x.to(device), y.to(device), moves=1, where=where.to(device)).cpu()
    for i in range(2):
        for j in range(3):
            changed = [
                moved(z, down, right) for z in (y[j], y[j].flip(-1)) for down in (-1, 0, 1) for right in (-1, 0, 1)
            ]
            least = min((((x[i] - z) / 2).square() * where).mean().sqrt().item() for z in changed)
            assert found[i, j].item() == pytest.approx(least, abs=1e-9)


def test_pictures_that_are_made_of_two_are_found_and_others_are_not(pictures, device):
    originals, training = pictures.images[::40], pictures.images[::4]
    left, right = moved(originals, 2, 0), originals.roll(3, 0).flip(-1)
    side_by_side, above = (
        torch.cat([left[..., :16], right[..., 16:]], -1),
        torch.cat([right[..., :16, :], left[..., 16:, :]], -2),
    )
    for made in (side_by_side, above, (left + right) / 2):
        found = two_part_audit(made, training)
        assert found.distance.max() < 1e-6  # roundings of Fourier transforms, under a root
        assert found.ratio.max() < 1e-4
    held = two_part_audit(creatures("holdout", alive=True, device=device).images[::8], training)
    assert held.ratio.min() > 0.5
    assert held.ratio.max() <= 1  # a picture whose halves are both the nearest one is as near as that one


def test_the_audit_finds_a_copy_that_is_mirrored_and_moved_and_names_its_original(pictures):
    originals = [3, 50, 200]
    copies = moved(pictures.images[originals].cpu().flip(-1), 1, -2).to(pictures.images)
    found = memorisation_audit(copies, pictures.images, pictures.groups)
    assert found.index.tolist() == originals
    assert found.distance.max() < 1e-5
    assert found.ratio.max() < 1e-4
    plain = memorisation_audit(copies, pictures.images, pictures.groups, moves=0)
    assert plain.distance.median() > 0.05
    with pytest.raises(ValueError, match=r"groups must have shape \(293,\), not \(2,\)"):
        memorisation_audit(copies, pictures.images, pictures.groups[:2])


def test_the_ratio_compares_with_the_nearest_picture_of_another_form(pictures):
    some = slice(0, 60)
    images, groups = pictures.images[some], pictures.groups[some]
    samples = images[::7] * 0.5  # paler than any
    found, table = memorisation_audit(samples, images, groups), picture_distances(samples, images)
    for row, (distance, ratio) in enumerate(zip(found.distance.tolist(), found.ratio.tolist(), strict=True)):
        nearest = int(table[row].argmin())
        others = [table[row, j].item() for j in range(len(images)) if groups[j] != groups[nearest]]
        assert ratio == pytest.approx(distance / min(others), abs=1e-12)


def test_held_out_creatures_are_no_copies(pictures, device):
    held = creatures("holdout", alive=True, device=device)
    assert memorisation_audit(held.images, pictures.images, pictures.groups).ratio.min() > 0.5


def test_random_features_are_those_of_a_convolution_written_out(device):
    source = torch.Generator().manual_seed(12)
    first = torch.randn(32, 3, 5, 5, generator=source) * (2 / 75) ** 0.5
    picture = 2 * torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(0)) - 1
    wide = torch.nn.functional.pad(picture, (2, 2, 2, 2))
    hidden = torch.zeros(32, 16, 16)
    for i in range(16):
        for j in range(16):
            patch = wide[:, 2 * i : 2 * i + 5, 2 * j : 2 * j + 5]
            hidden[:, i, j] = (first * patch).sum((1, 2, 3)).clamp(min=0)
    second = torch.randn(64, 32, 5, 5, generator=source) * (2 / 800) ** 0.5
    top = torch.nn.functional.pad(hidden, (2, 2, 2, 2))
    corner = torch.zeros(64)
    for i in range(2):
        for j in range(2):
            corner += (second * top[:, 2 * i : 2 * i + 5, 2 * j : 2 * j + 5]).sum((1, 2, 3)).clamp(min=0) / 4
    found = random_features(picture.to(device).expand(2, 1, 3, 32, 32)).cpu()
    assert found.shape == (2, 1, 1024)
    assert torch.allclose(found[1, 0, ::16], corner, rtol=1e-4, atol=1e-5)  # single precision
    with pytest.raises(ValueError, match=r"pictures must have shape \(\.\.\., 3, 32, 32\), not \(1, 32, 32\)"):
        random_features(torch.zeros(1, 32, 32))


def test_kernel_distances_are_those_of_features_that_the_reference_has_centred_and_scaled(pictures):
    some, rest = pictures.images[:140], pictures.images[140:]
    y, x = random_features(rest).double(), random_features(some[:20]).double()
    away = (y.var(0) + y.var(0).mean()).sqrt()
    one = metrics.kid((x - y.mean(0)) / away, (y - y.mean(0)) / away)
    assert grouped_kid(some, rest, groups=7)[0].item() == pytest.approx(one.item(), rel=1e-6)
    with pytest.raises(ValueError, match="groups must divide 140, the number of pictures, and 9 does not"):
        grouped_kid(some, rest, groups=9)


def test_kernel_distances_see_whatever_spoils_a_picture_and_are_near_zero_for_other_creatures(pictures, device):
    held = creatures("holdout", alive=True, device=device).images[:70]
    held = held.unflatten(0, (7, 10)).transpose(0, 1).flatten(0, 1)  # dealt: relatives are neighbours in the list
    themselves = grouped_kid(held, pictures.images)
    assert abs(themselves.median()) < 0.05
    for name, spoilt in spoilt_pictures(held).items():
        found = metrics.paired_difference(grouped_kid(spoilt, pictures.images), themselves, comparisons=6)
        assert found.told_apart == (name != "other colours"), name  # which are creatures all the same
        assert found.low > 0 or name == "other colours"


def test_a_judge_measures_the_same_distance_and_has_controls_on_both_sides(pictures, device):
    held, some = creatures("holdout", alive=True, device=device).images, pictures.images[:100]
    judge = Judge(some, held=held, groups=pictures.groups[:100])
    drawn = torch.stack([some[:30].roll(1, -1), some[:30].flip(-2)])
    expected = torch.cat([grouped_kid(own, some, groups=1) for own in drawn])
    torch.testing.assert_close(judge.measures["kid"](drawn), expected, rtol=1e-6, atol=1e-8)
    right, wrong = judge.controls.values()
    assert abs(right) < 0.2 < 0.4 < wrong
    copies = judge.measures["copies"](torch.stack([some[:12].flip(-1), held[:12]]))
    assert copies[0] == 1
    assert copies[1] < 0.1


def test_a_judge_sees_pictures_of_any_size_and_kind_as_on_white_paper(device, rng):
    grey = torch.rand(50, 1, 64, 64, generator=rng).to(device) * 2 - 1
    judge = Judge(grey)
    assert judge.tiles.shape == (50, 3, 32, 32)
    torch.testing.assert_close(judge.tiles[:, 2, 1, 5], grey[:, 0, 2:4, 10:12].mean((1, 2)))
    clear = torch.cat([torch.full((50, 3, 8, 8), -1.0), torch.full((50, 1, 8, 8), -1.0)], 1).to(device)
    clear[:, :, :4] = torch.tensor([1.0, -1.0, -1.0, 1.0], device=device)[:, None, None]  # the upper half is red
    tiles = Judge(clear).tiles
    assert (tiles[:, :, 16:] == 1).all()
    assert (tiles[:, 0, :16] == 1).all()
    assert (tiles[:, 1:, :16] == -1).all()
    assert Judge(grey[:30]).measures == {}, "too few to say anything"
    assert Judge(clear).measures == {}, "all are the same"
    assert "copies" not in Judge(grey, groups=torch.arange(50).to(device) % 8).measures, "too few forms to compare with"
    many = Judge(torch.rand(1200, 1, 8, 8, generator=rng).to(device))
    assert list(many.measures) == ["kid"], "too many to look for copies as often"
    with pytest.raises(ValueError, match="pictures must have shape"):
        Judge(grey[:, :, 0])


def test_spoilt_pictures_have_the_same_pixels_in_another_order(pictures):
    some = pictures.images[:5]
    spoilt = spoilt_pictures(some)
    for name in ("pixel salad", "jigsaw of 16", "jigsaw of 4", "upside down"):
        before, after = (images.flatten(2).sort(-1).values for images in (some, spoilt[name]))
        assert torch.equal(before, after), name
        assert not torch.equal(some, spoilt[name])
    quarters = spoilt["jigsaw of 4"].unfold(2, 16, 16).unfold(3, 16, 16).permute(0, 2, 3, 1, 4, 5).flatten(1, 2)
    own = some.unfold(2, 16, 16).unfold(3, 16, 16).permute(0, 2, 3, 1, 4, 5).flatten(1, 2)  # (5, 4, 3, 16, 16)
    same = (quarters[:, :, None] == own[:, None]).flatten(3).all(-1)
    assert same.any(1).all()
    assert torch.equal(spoilt["other colours"][:, 0], some[:, 1])


def test_copies_that_the_audit_looks_for_are_caught_and_moved_further_or_blended_they_are_not(pictures, device):
    held = creatures("holdout", alive=True, device=device)
    least = memorisation_audit(held.images, pictures.images, pictures.groups).ratio.min()
    caught = {
        name: (memorisation_audit(x, pictures.images, pictures.groups).ratio < least).double().mean().item()
        for name, x in cheats(pictures.images[::8]).items()
    }
    assert caught["mirrored, moved by 2"] == caught["moved by 4"] == 1
    assert caught["blends of two"] < 0.1
    assert caught["moved by 6"] < 0.5


def test_a_chessboard_is_found_and_noise_has_none():
    i, j = torch.meshgrid(torch.arange(8), torch.arange(8), indexing="ij")
    board = (1 - 2 * ((i + j) % 2)).double()[None, None]
    noise = torch.randn(4000, 3, 8, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert chessboard(noise) == pytest.approx(1, abs=0.1)  # 12,000 squares, their mean within a hundredth or so
    # all its power, 64^2, is in one frequency, and noise puts 64 into each
    assert chessboard(noise + board) == pytest.approx(1 + 64, rel=0.1)


def test_an_arc_has_its_ends_and_stays_on_the_sphere():
    first, last = torch.randn(2, 5, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    first, last = (2 * z / z.norm(dim=1, keepdim=True) for z in (first, last))
    t = torch.linspace(0, 1, 9, dtype=torch.float64)
    way = slerp(first, last, t)
    assert torch.allclose(way[:, 0], first, atol=1e-12)
    assert torch.allclose(way[:, -1], last, atol=1e-12)
    assert torch.allclose(way.norm(dim=-1), torch.tensor(2.0).double(), atol=1e-12)
    steps = way.diff(dim=1).norm(dim=-1)
    assert torch.allclose(steps, steps[:, :1].expand_as(steps), atol=1e-12), "at an even pace"
    quarter = slerp(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]]), torch.tensor([1 / 3]))
    assert torch.allclose(quarter[0, 0], torch.tensor([math.cos(math.pi / 6), math.sin(math.pi / 6)]), atol=1e-6)
    with pytest.raises(ValueError, match="first and last"):
        slerp(first, first, t)


def test_pictures_in_between_begin_and_end_with_those_of_the_two_noises():
    generator = DCGANGenerator(width=4, latent_dim=6, deviation=0.2)
    first, last = torch.randn(2, 3, 6, generator=torch.Generator().manual_seed(0))
    ways = interpolate_pictures(generator, first, last, 5)
    assert ways.shape == (3, 5, 3, 32, 32)
    assert generator.training, "as it was before"
    generator.eval()
    with torch.no_grad():
        ends = generator(torch.cat([first, last]))[0]
    assert torch.allclose(torch.cat([ways[:, 0], ways[:, -1]]), ends, atol=1e-5)


def test_pictures_survive_being_written_as_text_well_enough_to_be_looked_at(pictures):
    images = pictures.images[:6].cpu()
    back = decode_pictures(encode_pictures(images))
    assert back.shape == images.shape
    assert (back - images).square().mean().sqrt() < 0.1  # of 2 between black and white
    shades = torch.linspace(-1, 1, 4)[:, None, None, None].expand(4, 3, 32, 32)
    assert (decode_pictures(encode_pictures(shades)) - shades).abs().max() < 0.02


def test_a_game_is_looked_at_seven_times_and_repeats_itself(device, monkeypatch):
    monkeypatch.setenv("GANTUT_DEVICE", str(device))
    one, two = (train_on_creatures("WGAN-GP", steps=7, width=2, samples=3, seed=5) for _ in range(2))
    assert one.evaluated.tolist() == list(range(8))
    assert one.samples.shape == (8, 1, 3, 3, 32, 32)
    assert torch.equal(one.samples, two.samples)
    assert one.config.augmentation == CHANGES
    with pytest.raises(ValueError, match="steps"):
        train_on_creatures("DCGAN", steps=8)


@pytest.mark.slow
def test_the_experiment_keeps_the_pictures_of_the_median_run_of_each_game(tmp_path):
    run = functools.partial(EXPERIMENTS["creatures"], budget=220, width=2, samples=30)  # 220 passes: 7 steps of WGAN-GP
    kept = record("creatures", run, command="a test", seed=0, device="cpu", folder=tmp_path)
    result = recorded("creatures", folder=tmp_path).result
    assert kept.stat().st_size < 400_000
    for game in ("DCGAN", "WGAN", "WGAN-GP"):
        rows = [row for row in result["games"] if row["game"] == game]
        assert [row["seed"] for row in rows] == [0, 1, 2]
        last = [statistics.median(row["kernel"][-1]) for row in rows]
        assert all(len(row["chessboard"]) == 8 for row in rows)
        assert [row["typical"] for row in rows] == [value == sorted(last)[1] for value in last]
        (shown,) = (row for row in rows if "pictures" in row)
        assert shown["typical"]
        assert [decode_pictures(text).shape for text in shown["pictures"]] == [(24, 3, 32, 32)] * 3
        assert decode_pictures(shown["ways"]).shape == (18, 3, 32, 32)


# ---- The longer run --------------------------------------------------------------------------------------------

LITTLE = dict(images=3 * 64 * 32, look=64, first=2, width=2, samples=60)


LOSSES = ("critic", "generator", "penalty")


@pytest.mark.slow
def test_the_longer_run_that_was_interrupted_is_the_run_that_was_not_and_ships_its_generator(tmp_path):
    with pytest.warns(UserWarning, match="bfloat16") if not _in_bfloat16() else contextlib.nullcontext():
        whole = creatures_modern(folder=tmp_path / "whole", **LITTLE)
        creatures_modern(folder=tmp_path / "parts", **LITTLE | {"images": 64 * 32})
        parts = creatures_modern(folder=tmp_path / "parts", **LITTLE)
    assert (whole.pop("continued_at"), parts.pop("continued_at")) == (0, 2048)
    assert whole.pop("a_second") > 0 < parts.pop("a_second")
    assert whole == parts
    assert (whole["images"], whole["ages"], whole["frames"]) == (6144, [1, 1, 3], [1, 2, 3])
    assert (whole["first"], whole["steps"]) == (2, [64, 128, 192])
    assert {name: len(rows) for name, rows in whole["losses"].items()} == dict.fromkeys(LOSSES, 3)
    assert min(whole["losses"]["penalty"]) > 0, "each record is of a step in which R1 is taken"
    assert [len(rows) for rows in whole["kernel"]] == [10, 10, 10]
    assert len(decode_pictures(whole["pictures"][-1])) == 60
    assert [len(audit["ratio"]) for audit in whole["audits"]] == [60, 60]
    options = dict(command="none", seed=0, device="cpu", folder=tmp_path)
    record("creatures-modern", lambda: whole, **options)
    generator = modern_generator(folder=tmp_path)
    assert recorded("creatures-modern", folder=tmp_path).result["film"] == whole["film"]
    noise = torch.randn(68, 64, generator=torch.Generator().manual_seed(1))
    shown = decode_pictures(encode_pictures(generator(noise[:60])[0].detach()))
    assert torch.equal(shown, decode_pictures(whole["pictures"][-1]))
    tmp_path.joinpath("creatures-modern.safetensors").write_bytes(b"another")
    with pytest.raises(ValueError, match="folder must have the weights of its record"):
        modern_generator(folder=tmp_path)


def test_the_longer_run_ends_when_its_time_is_over(tmp_path, monkeypatch):
    hours = itertools.count(step=3600)
    monkeypatch.setattr("gantut.lessons.new_creatures._modern.time.perf_counter", lambda: next(hours))
    monkeypatch.setattr("gantut.lessons.new_creatures._modern.train_modern", pytest.fail)
    with pytest.raises(ValueError, match="minutes must leave time for one stretch"):
        creatures_modern(folder=tmp_path, minutes=1, **LITTLE)
    with pytest.raises(ValueError, match="images must be a multiple of 32, the size of a batch, not 33"):
        train_modern(33)


def _in_bfloat16():
    return multiplies_in_bfloat16(torch.device("cpu"))
