r"""How good, and how new: the kernel distance on features that know where things are, a search for copies, chessboards.

No number stands alone: `gantut.lessons.new_creatures.spoilt_pictures` makes pictures that are plainly wrong, and
`gantut.lessons.new_creatures.cheats` makes copies, so that each measure shows what it sees and what it does not.
"""

import itertools
from typing import NamedTuple

import torch
from torch.nn import functional

from gantut import _inputs, metrics
from gantut.device import random_source

SIZE, GROUPS = 32, 10
CHANNELS, PLACES = (3, 32, 64), 4  # of the untrained network; its last channels are averaged in 4 x 4 places
FEATURES = CHANNELS[-1] * PLACES**2
MOVES = 4  # pixels by which a copy may be moved and still is one: as far as critics see pictures moved


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
def random_features(pictures: torch.Tensor) -> torch.Tensor:
    r"""Return the features of pictures in a small convolutional network that was never trained: 1024 each.

    .. math:: \operatorname{mean}_{2 \times 2}\Big(\operatorname{relu}\big(W_2 * \operatorname{relu}(W_1 * x)\big)\Big),
       \qquad W_1, W_2 \text{ from } N(0, 2/\text{inputs}), \text{ always the same}

    Parameters
    ----------
    pictures : tensor, shape (..., 3, 32, 32)
        From -1 to 1.

    Returns
    -------
    tensor, shape (..., 1024)
        64 channels in each of 4 x 4 places.

    Notes
    -----
    They see colours, edges, textures and in which sixteenth of the tile these are, but not what a picture shows. Two
    distributions that they tell apart are different. That two distributions are close in them says less than it would
    in learnt features.
    """
    if pictures.shape[-3:] != (3, SIZE, SIZE):
        raise ValueError(f"pictures must have shape (..., 3, {SIZE}, {SIZE}), not {_inputs.shape(pictures)}")
    source, h = random_source(12), pictures.flatten(0, -4).float()
    for inputs, outputs in itertools.pairwise(CHANNELS):
        weight = torch.randn(outputs, inputs, 5, 5, generator=source) * (2 / (25 * inputs)) ** 0.5
        h = functional.relu(functional.conv2d(h, weight.to(h), stride=2, padding=2))
    return functional.adaptive_avg_pool2d(h, PLACES).flatten(1).reshape(*pictures.shape[:-3], FEATURES)


def grouped_kid(pictures: torch.Tensor, reference: torch.Tensor, *, groups: int = GROUPS) -> torch.Tensor:
    r"""Return the KID of pictures to a reference on random features, group by group, so that there is an interval.

    Each feature :math:`f_j` is centred and scaled by the reference's means :math:`m_j` and variances :math:`v_j`, so
    that none is drowned by those that are large everywhere, and none that hardly varies is blown up:

    .. math:: \frac{f_j - m_j}{\sqrt{v_j + \operatorname{mean}_i v_i}}

    Parameters
    ----------
    pictures : tensor, shape (n, 3, 32, 32)
    reference : tensor, shape (m, 3, 32, 32)
    groups : int
        Into how many equal groups the pictures are split; n must be a multiple.

    Returns
    -------
    tensor, shape (groups,)
        Without bias but for the scale, which the reference sets.
    """
    if len(pictures) % _inputs.count("groups", groups):
        raise ValueError(f"groups must divide {len(pictures)}, the number of pictures, and {groups} does not")
    y = random_features(reference).double()
    variances, means = torch.var_mean(y, dim=0)
    scale = (variances + variances.mean()).sqrt()
    x = random_features(pictures).double().unflatten(0, (groups, -1))
    return metrics.kid((x - means) / scale, (y - means) / scale)


@torch.no_grad()
def picture_distances(pictures: torch.Tensor, others: torch.Tensor, *, moves: int = MOVES) -> torch.Tensor:
    r"""Return the distances of pictures to others, mirrored or not and shifted by up to `moves` pixels each way.

    With the ink :math:`a = 1 - x` and :math:`b = 1 - y`, which is 0 on white, a picture y that is shifted by s is at

    .. math:: \lVert x - y_s\rVert^2 = \lVert a\rVert^2 + \lVert b_s\rVert^2 - 2\,(a \star b)(s),

    where the correlation :math:`\star` is found for all shifts at once, by Fourier transforms.

    Parameters
    ----------
    pictures, others : tensors, shapes (n, 3, height, width) and (m, 3, height, width)
        From -1 to 1, on white.
    moves : int

    Returns
    -------
    tensor of float64, shape (n, m)
        The least root mean square of the differences, in units of the difference of black and white.
    """
    moves = _inputs.count("moves", moves, least=0)
    x, wide = 1 - pictures.double(), [side + moves for side in others.shape[-2:]]
    spectra, frame = torch.fft.rfft2(x, wide), torch.fft.rfft2(torch.ones_like(x[:1, :1]), wide)
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


def chessboard(pictures: torch.Tensor) -> float:
    r"""Return by how much pictures favour the chessboard: its power over the mean power of its eight neighbours.

    The chessboard is the highest frequency of both axes, at half of each side in the discrete Fourier transform.

    Parameters
    ----------
    pictures : tensor, shape (n, channels, height, width)
        Sides even, at least 4.

    Returns
    -------
    float
        Near 1 where it is a frequency like others.

    Examples
    --------
    >>> noise = torch.randn(2000, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    >>> round(chessboard(noise), 1)
    1.0
    """
    power = torch.fft.fft2(pictures.double()).abs().square().mean((0, 1))
    middle, right = (side // 2 for side in power.shape)
    block = power[middle - 1 : middle + 2, right - 1 : right + 2]
    return float(8 * block[1, 1] / (block.sum() - block[1, 1]))
