r"""How good: the kernel distance on features that know where things are, and chessboards.

No number stands alone: `gantut.lessons.new_creatures.spoilt_pictures` makes pictures that are plainly wrong, and
`gantut.lessons.new_creatures.cheats` makes copies, so that each measure shows what it sees and what it does not.
"""

import itertools

import torch
from torch.nn import functional

from gantut import _inputs, metrics
from gantut.device import random_source

SIZE, GROUPS = 32, 10
CHANNELS, PLACES = (3, 32, 64), 4  # of the untrained network; its last channels are averaged in 4 x 4 places
FEATURES = CHANNELS[-1] * PLACES**2


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
