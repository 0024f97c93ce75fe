"""How good and how new generated pictures are, asked again and again as a run goes on: quickly, and with controls."""

import torch
from torch.nn import functional

from gantut import _inputs, metrics
from gantut.device import random_source
from gantut.lessons.new_creatures._audit import picture_distances
from gantut.lessons.new_creatures._controls import spoilt_pictures
from gantut.lessons.new_creatures._groups import group_similar_images
from gantut.lessons.new_creatures._measures import SIZE, random_features

LEAST, MOST = 40, 2000  # pictures that it takes to measure a distance to them, and of which one is measured
SEARCHED, AUDITED = 1000, 64  # pictures among which copies are looked for at most, and samples of which it is asked
ALIKE, RARE = 0.8, 0.02  # pictures so similar are one; and the share of new pictures that are taken for copies


class Judge:
    r"""Tells how far generated pictures are from the data, and how many of them are copies.

    The distance is the KID on random features (:func:`grouped_kid`), in one group. A picture counts as a copy where its
    distance to the nearest picture of the data, over that to the nearest one of another group, is as small as in 2% of
    the pictures of the data themselves, each of which is compared with those of other groups only: these are new.

    Parameters
    ----------
    pictures : tensor, shape (n, channels, size, size)
        The data, from -1 to 1, of any size and 1, 3 or 4 channels: they are judged on white, in colour and at 32 x 32
        pixels, without mirror images. Of more than 2000, those are taken for the distance.
    held : tensor, shape (m, channels, size, size), optional
        Pictures of the same kind that are not learnt; by default a half of the data is compared with the other.
    groups : tensor of int, shape (n,), optional
        Which pictures show the same; by default, those that are nearly alike.

    Attributes
    ----------
    measures : dict of functions
        "kid" and, where there are from 40 to 1000 pictures, "copies", a share of the samples: from pictures
        (members, n, channels, size, size) to one number a member. Empty for fewer, and where all are the same.
    controls : dict of float
        What "kid" says of pictures that are right and of some that are plainly wrong.

    Raises
    ------
    ValueError
        If there are no pictures, or not of such a shape.

    References
    ----------
    Bińkowski et al. (2018) for the distance; lesson 14 for features, controls and copies.

    Examples
    --------
    >>> pictures = torch.rand(60, 1, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1
    >>> judge = Judge(pictures)
    >>> judge.measures["copies"](pictures[None, :20])
    tensor([1.], dtype=torch.float64)
    """

    def __init__(self, pictures: torch.Tensor, *, held: torch.Tensor | None = None, groups: torch.Tensor | None = None):
        few = len(pictures) <= SEARCHED
        chosen = torch.randperm(len(pictures), generator=random_source(0))[:MOST]
        tiles = as_tiles(pictures if few else pictures[chosen])
        self.tiles, self.groups = tiles, groups
        self.measures, self.controls = {}, {}
        if len(tiles) < LEAST:
            return
        some = tiles[chosen] if few else tiles
        features = random_features(some).double()
        variances, self.means = torch.var_mean(features, dim=0)
        if not variances.any():
            return
        self.scale = (variances + variances.mean()).sqrt()
        self.reference = self._scaled(features)
        self.measures["kid"] = self.kid
        right = self.kid(held[None]) if held is not None else metrics.kid(*self.reference.tensor_split(2))
        name = "held-out pictures" if held is not None else "one half of the data to the other"
        wrong = self.kid(spoilt_pictures(some[: len(some) // 2])["pixel salad"][None])
        self.controls = {name: right.item(), "their pixels in a random order": wrong.item()}
        if few:
            self._learn_what_is_new()

    def kid(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return the KID of pictures (members, n, channels, size, size) to the data, shape (members,)."""
        return metrics.kid(self._scaled(random_features(as_tiles(pictures)).double()), self.reference)

    def copies(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return the share of the first 64 pictures of each member that are copies, shape (members,)."""
        tiles = as_tiles(pictures[:, :AUDITED])
        ratios = [self._ratios(picture_distances(own, self.tiles)) for own in tiles]
        return torch.stack([(ratio < self.threshold).double().mean() for ratio in ratios])

    def _scaled(self, features):
        return (features - self.means) / self.scale

    def _learn_what_is_new(self):
        """Find out how small the ratio is of pictures that are no copies."""
        if self.groups is None:
            self.groups = group_similar_images(self.tiles, threshold=ALIKE)
        if self.groups.unique().numel() < LEAST // 2:
            return
        chosen = torch.randperm(len(self.tiles), generator=random_source(1))[: 2 * AUDITED]
        own = self.groups[chosen, None] == self.groups
        distances = picture_distances(self.tiles[chosen], self.tiles).masked_fill(own, torch.inf)
        self.threshold = self._ratios(distances).quantile(RARE)
        self.measures["copies"] = self.copies

    def _ratios(self, distances):
        """Return the distance to the nearest picture over that to the nearest one of another group, shape (n,)."""
        nearest = distances.min(1)
        other = distances.masked_fill(self.groups[nearest.indices, None] == self.groups, torch.inf).amin(1)
        return nearest.values / other


def as_tiles(pictures: torch.Tensor) -> torch.Tensor:
    """Return pictures (..., channels, size, size) as they are judged: on white, in colour, 32 x 32 pixels.

    Larger ones are averaged over areas, the pixels of smaller ones become blocks.
    """
    shape = pictures.shape
    if len(shape) < 4 or shape[-3] not in (1, 3, 4) or 0 in shape:
        raise ValueError(f"pictures must have shape (..., n, channels, size, size), not {_inputs.shape(pictures)}")
    x = pictures.detach().float().flatten(0, -4)
    if shape[-3] == 4:  # premultiplied colours, and the opacity
        x = x[:, :3] + 1 - x[:, 3:]
    tiles = functional.interpolate(x.expand(-1, 3, -1, -1), size=(SIZE, SIZE), mode="area").clamp(-1, 1)
    return tiles.reshape(*shape[:-3], *tiles.shape[1:])
