"""Precision and recall where the truth is known: on a distribution of polygons."""

import torch

from gantut import _inputs
from gantut.data import Polygons
from gantut.metrics._neighbours import PrecisionRecall
from gantut.metrics._populations import population


@torch.no_grad()
def polygon_precision_recall(samples, distribution, *, within=0.1, share=0.2):
    r"""The share of samples that are polygons, and the share of the polygons that are among the samples.

    .. math:: \text{precision} = \frac1n \#\big\{i : d(x_i, M) \le \varepsilon\big\}, \qquad
        \text{recall} = \frac1K \#\Big\{k : \#\{i : x_i \in C_k,\ d(x_i, M) \le \varepsilon\} \ge \frac{q\,n}{K}\Big\}

    M is all that the distribution can draw, cut into K cells :math:`C_k` of equal probability, and :math:`x_i` counts
    to the cell of its nearest point of M. Distances are exact: no reference sample, no features, no search.

    Parameters
    ----------
    samples : tensor, shape (..., n, 2N), floating point
    distribution : Polygons
    within : float
        The tolerance :math:`\varepsilon`, in the units of the corners: the Euclidean distance of all corners together.
    share : float
        The least share q of its fair share of the samples that covers a cell, strictly between 0 and 1.

    Returns
    -------
    PrecisionRecall
        ``precision`` and ``recall``, shapes (...), each in [0, 1]; NaN for a member with samples that are not finite.

    Raises
    ------
    ValueError
        If there are no samples, a single cloud is not finite, or samples and distribution do not go together.

    Notes
    -----
    It sees samples off the polygons, and polygons that are missing. It does not see how mass is shared among the cells
    that are covered, nor what happens inside a cell. With n samples of the distribution itself a cell is missed by
    chance with probability :math:`P(\mathrm{Bin}(n, \tfrac1K) < \tfrac{qn}K)`: take n at least 20 K.

    References
    ----------
    After Lucic et al. (2018), section 4.2, who search for the nearest triangle by gradient descent; lesson 13.
    """
    if not isinstance(distribution, Polygons):
        raise ValueError(f"distribution must be a gantut.data.Polygons, not {type(distribution).__name__}")
    within, share = _inputs.positive("within", within), _inputs.level("share", share)
    samples = _inputs.cloud("samples", samples)
    clouds = population("samples", samples)
    near = distribution.distance(clouds.values) <= within  # (..., n)
    n, cells = near.shape[-1], distribution.cells
    cell = distribution.cell(clouds.values).masked_fill(~near, cells)  # those far from all polygons go together
    counts = torch.zeros((*clouds.batch, cells + 1), dtype=torch.float64, device=cell.device)
    counts.scatter_add_(-1, cell, torch.ones_like(cell, dtype=torch.float64))
    covered = counts[..., :cells] >= share * n / cells
    return PrecisionRecall(clouds.answer(near.double().mean(-1)), clouds.answer(covered.double().mean(-1)))
