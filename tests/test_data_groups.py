"""The shipped creatures against their checksums, and groups of near-duplicates against a comparison by pixels."""

import hashlib
import io
import sys
import zipfile
from importlib import resources

import creatures as tool
import numpy as np
import pytest
import torch
from torch import nn

from gantut.data import creatures, hold_out_groups
from gantut.data._creatures import tiles_as_published
from gantut.lessons.new_creatures import group_similar_images, image_similarity
from gantut.training import Config, train

pytestmark = pytest.mark.filterwarnings("error")

SHIPPED = resources.files("gantut.data").joinpath("shipped")


def array(values):
    return values.detach().cpu().numpy()


# ---------------------------------------------------------------------------------------------- what is shipped


def test_every_picture_is_bit_by_bit_the_one_that_the_list_confirms():
    tiles = tiles_as_published()
    lines = SHIPPED.joinpath("creatures.txt").read_text(encoding="ascii").splitlines()
    assert len(lines) == len(tiles.names) == 409
    for line, pixels, height, name in zip(lines, tiles.pixels, tiles.heights.tolist(), tiles.names, strict=True):
        checksum = hashlib.sha256(str((32, height)).encode() + pixels[:height].tobytes()).hexdigest()
        assert line == f"{checksum}  {name}.png"
        assert not pixels[height:].any()


def test_the_file_is_small_and_holds_no_pickle():
    data = SHIPPED.joinpath("creatures.npz").read_bytes()
    assert len(data) < 3e5
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for member in archive.namelist():
            array = np.lib.format.read_array(io.BytesIO(archive.read(member)), allow_pickle=False)
            assert array.dtype.kind in "uiU"


def test_licence_and_provenance_lie_beside_it():
    assert "CC0 1.0 Universal" in SHIPPED.joinpath("CC0-1.0.txt").read_text(encoding="utf-8")
    provenance = SHIPPED.joinpath("creatures.md").read_text(encoding="utf-8")
    assert tool.ARCHIVE_SHA256 in provenance
    assert f"| {int(tiles_as_published().groups.max()) + 1}:" in provenance


def test_the_tool_takes_no_other_archive(tmp_path, monkeypatch):
    (tmp_path / "crawl.tar.xz").write_bytes(b"something else")
    monkeypatch.setattr(sys, "argv", ["creatures.py", str(tmp_path / "crawl.tar.xz")])
    with pytest.raises(SystemExit, match="is not crawl"):
        tool.main()


# ---------------------------------------------------------------------------------------------- as tensors


def test_a_picture_is_composited_by_the_formula(device):
    tiles, names = tiles_as_published(), creatures().names
    background = (0.25, 0.5, 1.0)
    images = creatures(background=background, dtype=torch.float64, device=device).images
    assert (images.shape, images.device.type) == ((409, 3, 32, 32), device.type)
    for name in ("mon/nonliving/ball_lightning", "mon/undead/ghost", "mon/undead/drowned_soul"):
        tile, image = tiles.pixels[names.index(name)].tolist(), images[names.index(name)].tolist()
        for row in range(32):
            for column in range(32):
                *colour, opacity = (level / 255 for level in tile[row][column])
                for channel in range(3):
                    seen = opacity * colour[channel] + (1 - opacity) * background[channel]
                    assert image[channel][row][column] == pytest.approx(2 * seen - 1, abs=1e-6)  # single precision


def test_four_channels_are_premultiplied_and_give_every_composite(device):
    images = creatures(channels=4, dtype=torch.float64, device=device).images
    unit = (images + 1) / 2
    assert images.shape == (409, 4, 32, 32)
    assert (unit[:, :3] <= unit[:, 3:] + 1e-7).all()
    assert (images[:, :3].amax(1)[images[:, 3] == -1] == -1).all()
    for grey in (0.0, 0.3, 1.0):
        composite = creatures(background=grey, dtype=torch.float64, device=device).images
        torch.testing.assert_close(unit[:, :3] + (1 - unit[:, 3:]) * grey, (composite + 1) / 2, rtol=0, atol=1e-6)


def test_high_monsters_keep_their_proportions_and_their_mean_colour():
    tiles, images = tiles_as_published(), (creatures(channels=4, dtype=torch.float64).images + 1) / 2
    high = np.flatnonzero(tiles.heights == 48)
    assert len(high) == 19
    for index in high:
        rgba = tiles.pixels[index] / 255.0
        rows, columns = (np.flatnonzero(rgba[..., 3].any(axis)) for axis in (1, 0))
        ratio = 32 / (rows[-1] - rows[0] + 1)
        filled = np.flatnonzero(array(images[index, 3]).any(0))
        assert len(filled) == round((columns[-1] - columns[0] + 1) * ratio)
        published = (rgba[..., :3] * rgba[..., 3:]).sum((0, 1)) / rgba[..., 3].sum()
        found = array(images[index, :3].sum((1, 2)) / images[index, 3].sum())
        np.testing.assert_allclose(found, published, atol=2e-7)  # an area mean keeps it; single precision


def test_mirror_images_follow_their_pictures(device):
    plain, mirrored = creatures("holdout", device=device), creatures("holdout", mirrored=True, device=device)
    n = len(plain.names)
    assert torch.equal(mirrored.images[:n], plain.images)
    assert torch.equal(mirrored.images[n:], plain.images.flip(-1))
    assert mirrored.names == plain.names * 2
    assert torch.equal(mirrored.groups, torch.cat([plain.groups] * 2))
    assert mirrored.groups.device.type == device.type


def test_the_engine_trains_on_them(device):
    generator = nn.Sequential(nn.Linear(4, 4 * 32 * 32), nn.Tanh(), nn.Unflatten(-1, (4, 32, 32)))
    critic = nn.Sequential(nn.Flatten(2), nn.Linear(4 * 32 * 32, 1))
    config = Config(objective="wgan-gp", steps=2, batch_size=8, latent_dim=4)
    images = creatures("train", channels=4).images
    history = train(config, images, generator=generator, critic=critic, samples=4, device=device, progress=False)
    assert history.samples.shape[-3:] == (4, 32, 32)


# ---------------------------------------------------------------------------------------------- groups


def similarity_by_loops(x, y):
    """The definition, one pair and one move after the other; x and y of shape (4, height, width) from -1 to 1."""

    def parts(picture):
        red, green, blue, silhouette = (picture.astype(np.float64) + 1) / 2
        brightness = 0.299 * red + 0.587 * green + 0.114 * blue
        return silhouette, brightness - silhouette * brightness.sum() / silhouette.sum()

    def overlap(a, b, down, right):
        """The inner product of a with b moved down and right."""
        height, width = a.shape
        rows, columns = slice(max(down, 0), height + min(down, 0)), slice(max(right, 0), width + min(right, 0))
        back_rows = slice(max(-down, 0), height + min(-down, 0))
        back_columns = slice(max(-right, 0), width + min(-right, 0))
        return (a[rows, columns] * b[back_rows, back_columns]).sum()

    a, z = parts(x)
    best = 0.0
    for other in (y, y[:, :, ::-1]):
        b, w = parts(other)
        for down in range(-2, 3):
            for right in range(-2, 3):
                common = overlap(a, b, down, right)
                tanimoto = common / ((a * a).sum() + (b * b).sum() - common)
                correlation = overlap(z, w, down, right) / np.sqrt((z * z).sum() * (w * w).sum())
                best = max(best, tanimoto * correlation)
    return best


def test_similarity_is_its_definition(device):
    images = creatures(channels=4).images[::40]
    witness = [[similarity_by_loops(x, y) for y in array(images)] for x in array(images)]
    found = image_similarity(images.to(device))
    np.testing.assert_allclose(array(found), witness, atol=2e-6)  # sums of a thousand numbers in single precision
    np.testing.assert_allclose(
        array(image_similarity(images[:3].to(device), images.to(device))), witness[:3], atol=2e-6
    )


def test_similarity_is_symmetric_and_one_for_mirrored_and_moved_pictures(device):
    images = creatures(channels=4, dtype=torch.float64, device=device).images
    inner = torch.full((20, 4, 40, 40), -1.0, dtype=torch.float64, device=device)
    moved = inner.clone()
    inner[..., 4:36, 4:36] = images[:20]
    moved[..., 6:38, 3:35] = images[:20].flip(-1)
    torch.testing.assert_close(image_similarity(inner, moved).diag(), inner.new_ones(20))
    torch.testing.assert_close(image_similarity(images[:50]), image_similarity(images[:50]).T)


def test_pictures_of_one_colour_are_told_apart_by_their_silhouettes_alone(device):
    images = torch.full((3, 4, 8, 8), -1.0, device=device)
    images[0, :, 2:6, 2:6] = 1  # a white square
    images[1, 3, 2:6, 2:6] = 1  # a black one
    images[2, 3, 2:6, 2:4] = 1  # half of it
    expected = torch.tensor([[1, 1, 0.5], [1, 1, 0.5], [0.5, 0.5, 1]], device=device)
    torch.testing.assert_close(image_similarity(images), expected)


def test_no_group_is_on_both_sides_of_the_split():
    training, holdout, everything = (creatures(part, channels=4) for part in ("train", "holdout", "all"))
    assert sorted(training.names + holdout.names) == sorted(everything.names)
    assert not set(training.groups.tolist()) & set(holdout.groups.tolist())
    # by a comparison of its own: all moves of all pairs, mirrored ones too, as inner products over a larger frame
    best = np.zeros((len(holdout.names), len(training.names)))
    a, z = _flat_parts(holdout.images, (2, 2))
    for flip in (False, True):
        images = training.images.flip(-1) if flip else training.images
        for down in range(5):
            for right in range(5):
                b, w = _flat_parts(images, (down, right))
                common = a @ b.T
                tanimoto = common / ((a * a).sum(1)[:, None] + (b * b).sum(1) - common)
                norms = np.sqrt((z * z).sum(1)[:, None] * (w * w).sum(1))
                best = np.maximum(best, tanimoto * (z @ w.T) / norms)
    assert best.max() < 0.4
    stems = [{name.rstrip("0123456789") for name in part.names} for part in (training, holdout)]
    assert not stems[0] & stems[1]


def _flat_parts(images, corner):
    """Silhouettes and shadings of pictures in a frame of four more pixels a side, flattened."""
    unit = (array(images).astype(np.float64) + 1) / 2
    brightness = np.tensordot([0.299, 0.587, 0.114], unit[:, :3], (0, 1))
    silhouette = unit[:, 3]
    shading = brightness - silhouette * (brightness.sum((1, 2)) / silhouette.sum((1, 2)))[:, None, None]
    (top, left), frames = corner, []
    for part in (silhouette, shading):
        frame = np.zeros((len(part), 36, 36))
        frame[:, top : top + 32, left : left + 32] = part
        frames.append(frame.reshape(len(part), -1))
    return frames


def test_the_shipped_groups_are_what_the_criterion_finds(device):
    everything = creatures(channels=4, device=device)
    assert torch.equal(group_similar_images(everything.images, everything.names), everything.groups)


def test_a_group_comes_in_many_colours():
    found = creatures()
    families = ("butterfly", "draco-base", "tiamat", "lernaean_hydra", "fire_vortex", "elephant_d", "hell_wizard")
    for family in families:
        members = {group for name, group in zip(found.names, found.groups.tolist(), strict=True) if family in name}
        assert len(members) == 1, family


def test_groups_join_chains_and_numbered_names(device):
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(6, 1, 16, 16, generator=generator).to(device) * 2 - 1  # unrelated: noise does not correlate
    assert group_similar_images(images).tolist() == [0, 1, 2, 3, 4, 5]
    images[4] = images[1].flip(-1)
    middle = (images[1] + images[2]) / 2  # like both, which are not like each other
    assert group_similar_images(torch.cat([images, middle[None]]), threshold=0.5).tolist() == [0, 1, 1, 2, 1, 3, 1]
    names = ["a/cat.png", "b/cat1.png", "b/cat2.png", "b/7.png", "x", "b/8.png"]
    assert group_similar_images(images, names).tolist() == [0, 1, 1, 2, 1, 3]


def test_whole_groups_are_held_out_one_in_five_of_every_size(device):
    groups = torch.tensor([*range(10)] + [10 + i // 4 for i in range(40)], device=device)  # 10 of size 1, 10 of size 4
    held = hold_out_groups(groups)
    for group in groups.unique():
        assert held[groups == group].unique().numel() == 1
    assert (held[:10].sum().item(), held[10:].sum().item()) == (2, 8)
    assert hold_out_groups(groups, every=2).sum().item() == 25
    assert torch.equal(held, hold_out_groups(groups + 7))  # the numbers are but names


BAD = {
    "an unknown part": (lambda: creatures("test"), ("part", "'test'", "holdout")),
    "two channels": (lambda: creatures(channels=2), ("channels", "2")),
    "a background beyond white": (lambda: creatures(background=2.0), ("background", "2.0")),
    "a background of two numbers": (lambda: creatures(background=(0.5, 0.5)), ("background", "(0.5, 0.5)")),
    "a background by name": (lambda: creatures(background="white"), ("background", "'white'")),
    "groups of flat vectors": (lambda: group_similar_images(torch.zeros(3, 64)), ("images", "(3, 64)")),
    "groups of bits": (lambda: group_similar_images(torch.zeros(1, 3, 8, 8, dtype=torch.bool)), ("images", "bool")),
    "groups from 0 to 255": (lambda: group_similar_images(torch.full((1, 3, 8, 8), 255.0)), ("images", "255")),
    "groups of no number": (lambda: group_similar_images(torch.full((1, 3, 8, 8), float("nan"))), ("images", "nan")),
    "groups with too few names": (lambda: group_similar_images(torch.zeros(2, 3, 8, 8), ["a"]), ("names", "2", "1")),
    "groups that are more than alike": (
        lambda: group_similar_images(torch.zeros(2, 3, 8, 8), threshold=1.5),
        ("threshold", "1.5"),
    ),
    "groups of all": (lambda: group_similar_images(torch.zeros(2, 3, 8, 8), threshold=0.0), ("threshold", "0")),
    "similarity of two sizes": (
        lambda: image_similarity(torch.zeros(2, 3, 8, 8), torch.zeros(2, 3, 4, 4)),
        ("x", "y", "(2, 3, 8, 8)", "(2, 3, 4, 4)"),
    ),
    "similarity of two precisions": (
        lambda: image_similarity(torch.zeros(2, 3, 8, 8), torch.zeros(2, 3, 8, 8).double()),
        ("x", "y", "dtype"),
    ),
    "groups of a matrix": (lambda: hold_out_groups(torch.zeros(2, 2).long()), ("groups", "(2, 2)")),
    "groups by halves": (lambda: hold_out_groups(torch.zeros(2)), ("groups", "float32")),
    "everything held out": (lambda: hold_out_groups(torch.zeros(2).long(), every=1), ("every", "1")),
}


@pytest.mark.parametrize(("call", "parts"), BAD.values(), ids=BAD.keys())
def test_what_cannot_be_is_refused(call, parts):
    with pytest.raises(ValueError) as refusal:
        call()
    for part in parts:
        assert part in str(refusal.value)
