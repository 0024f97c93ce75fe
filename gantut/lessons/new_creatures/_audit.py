"""How new: a search for copies, changed in known ways, and for pictures that are made of two.

`gantut.lessons.new_creatures.cheats` makes such pictures, so that each search shows what it finds and what it does not.
"""

from typing import NamedTuple

import torch
from torch.nn import functional

from gantut import _inputs

MOVES = 4  # pixels by which a copy may be moved and still is one: as far as critics see pictures moved
TRIED = 3  # nearest pictures that are tried as the first half of a blend


class MemorisationAudit(NamedTuple):
    """What :func:`memorisation_audit` finds for each picture: shapes (n,).

    Attributes
    ----------
    distance : tensor
        To the nearest training picture, from 0 to 1.
    index : tensor
        Which one that is.
    ratio : tensor
        That distance divided by the one to the nearest training picture of another group: 0 for a copy, and near 1
        for a picture that resembles no training picture in particular.
    """

    distance: torch.Tensor
    index: torch.Tensor
    ratio: torch.Tensor


@torch.no_grad()
def picture_distances(
    pictures: torch.Tensor, others: torch.Tensor, *, moves: int = MOVES, where: torch.Tensor | None = None
) -> torch.Tensor:
    r"""Return the distances of pictures to others, mirrored or not and shifted by up to `moves` pixels each way.

    With the ink :math:`a = 1 - x` and :math:`b = 1 - y`, which is 0 on white, a picture y that is shifted by s is at

    .. math:: \lVert x - y_s\rVert^2 = \lVert a\rVert^2 + \lVert b_s\rVert^2 - 2\,(a \star b)(s),

    where the correlation :math:`\star` is found for all shifts at once, by Fourier transforms.

    Parameters
    ----------
    pictures, others : tensors, shapes (n, 3, height, width) and (m, 3, height, width)
        From -1 to 1, on white.
    moves : int
    where : tensor, shape (height, width), optional
        1 where pictures are compared, and 0 where they are not.

    Returns
    -------
    tensor of float64, shape (n, m)
        The least root mean square over the whole tile of the differences, in units of the difference of black and
        white.
    """
    moves = _inputs.count("moves", moves, least=0)
    wide = [side + moves for side in others.shape[-2:]]
    mask = torch.ones_like(pictures[0, 0]).double() if where is None else where.to(pictures).double()
    x = (1 - pictures.double()) * mask
    spectra, frame = torch.fft.rfft2(x, wide), torch.fft.rfft2(mask[None, None], wide)
    steps = torch.arange(-moves, moves + 1)
    down, right = torch.cartesian_prod(steps, steps).T  # all shifts; negative ones wrap around to the end
    best = x.new_full((len(x), len(others)), torch.inf)
    for mirrored in (others, others.flip(-1)):
        y = 1 - mirrored.double()
        squares, spectrum = torch.fft.rfft2(y.square().sum(1, keepdim=True), wide), torch.fft.rfft2(y, wide)
        inside = torch.fft.irfft2(frame * squares.conj(), wide)[:, 0][:, down, right]  # (m, shifts)
        for rows, found in zip(spectra.split(16), best.split(16), strict=True):
            both = torch.fft.irfft2(torch.einsum("nchw,mchw->nmhw", rows, spectrum.conj()), wide)[..., down, right]
            torch.minimum(found, (inside - 2 * both).amin(-1), out=found)
    squares = x.square().sum((1, 2, 3))[:, None] + best
    return squares.clamp_min(0).sqrt() / (2 * x[0].numel() ** 0.5)


def memorisation_audit(
    pictures: torch.Tensor, training: torch.Tensor, groups: torch.Tensor, *, moves: int = MOVES
) -> MemorisationAudit:
    """Find the nearest training picture of each picture: mirrored or not, shifted by up to `moves` pixels each way.

    It finds copies that are changed in these ways, with noise on them; not those that are changed in others, such as
    recoloured ones, and not mixtures of two pictures.

    Parameters
    ----------
    pictures, training : tensors, shapes (n, 3, 32, 32) and (m, 3, 32, 32)
    groups : tensor of int, shape (m,)
        The group of similar pictures that each training picture belongs to.
    moves : int

    Returns
    -------
    MemorisationAudit
    """
    if groups.shape != training.shape[:1]:
        raise ValueError(f"groups must have shape ({len(training)},), not {_inputs.shape(groups)}")
    distances = picture_distances(pictures, training, moves=moves)
    nearest = distances.min(1)
    other = distances.masked_fill(groups[nearest.indices, None] == groups, torch.inf).amin(1)
    return MemorisationAudit(nearest.values, nearest.indices, nearest.values / other)


class TwoPartAudit(NamedTuple):
    """What :func:`two_part_audit` finds for each picture: shapes (n,).

    Attributes
    ----------
    distance : tensor
        To the nearest picture that is made of two training pictures.
    ratio : tensor
        That distance divided by the one to the nearest training picture: near 0 where two explain what one does not.
    """

    distance: torch.Tensor
    ratio: torch.Tensor


def two_part_audit(pictures: torch.Tensor, training: torch.Tensor, *, moves: int = MOVES) -> TwoPartAudit:
    """Compare pictures with all that two training pictures make: halves side by side, or equal blends.

    Either of the two may be mirrored, and shifted by up to `moves` pixels each way. Halves are left and right, or upper
    and lower. The first part of a blend is sought among the three nearest pictures, the second among all.

    Parameters
    ----------
    pictures, training : tensors, shapes (n, 3, 32, 32) and (m, 3, 32, 32)
    moves : int

    Returns
    -------
    TwoPartAudit
    """
    single = picture_distances(pictures, training, moves=moves)
    best = _blend_distance(pictures, training, single.topk(TRIED, largest=False).indices, moves)
    for axis in (-2, -1):
        half = torch.ones_like(pictures[0, 0]).cumsum(axis) <= pictures.shape[axis] // 2
        parts = [picture_distances(pictures, training, moves=moves, where=part).amin(1) for part in (half, ~half)]
        best = torch.minimum(best, torch.hypot(*parts))
    return TwoPartAudit(best, best / single.amin(1))


def _blend_distance(pictures, training, tried, moves):
    """Return the distance to the nearest mean of one of the pictures tried and any other, shape (n,)."""
    found = []
    for nearest in tried.unbind(1):
        first = torch.cat([_aligned(x, training[i], moves)[None] for x, i in zip(pictures, nearest, strict=True)])
        rest = 2 * pictures.double() - first  # what the other part would have to be
        found.append(picture_distances(rest, training, moves=moves).amin(1) / 2)
    return torch.stack(found).amin(0)


def _aligned(x, y, moves):
    """Return the picture y, mirrored or not and shifted, that is nearest to x."""
    both = functional.pad(torch.stack([y, y.flip(-1)]).double(), (moves,) * 4, value=1.0)
    windows = both.unfold(-2, x.shape[-2], 1).unfold(-2, x.shape[-1], 1)  # (2, 3, shifts, shifts, height, width)
    windows = windows.permute(0, 2, 3, 1, 4, 5).flatten(0, 2)
    return windows[(windows - x.double()).square().sum((1, 2, 3)).argmin()]
