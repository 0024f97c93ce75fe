"""Precision and recall where the truth is known: on a distribution of polygons."""

import torch

from gantut import _inputs
from gantut.lessons.created_equal._polygons import Polygons
from gantut.metrics import PrecisionRecall


@torch.no_grad()
def polygon_precision_recall(samples, distribution, *, within=0.1, share=0.2):
    r"""Return the fraction of samples that are polygons, and the fraction of polygons that the samples cover.

    .. math:: \text{precision} = \frac1n \#\big\{i : d(x_i, M) \le \varepsilon\big\}, \qquad
        \text{recall} = \frac1K \#\Big\{k : \#\{i : x_i \in C_k,\ d(x_i, M) \le \varepsilon\} \ge \frac{q\,n}{K}\Big\}

    M is the support of the distribution, cut into K equally probable cells :math:`C_k`, and :math:`x_i` belongs to the
    cell of its nearest point of M. Distances are exact: no reference sample, no features, no search.

    Parameters
    ----------
    samples : tensor, shape (..., n, 2N), floating point
    distribution : Polygons
    within : float
        The tolerance :math:`\varepsilon`, in the units of the corners: the Euclidean distance of all corners together.
    share : float
        A cell is covered if it has at least this fraction q of its expected number of samples; between 0 and 1.

    Returns
    -------
    precision, recall : tensor, shape (...)
        In [0, 1], fields of a named tuple; NaN for a member whose samples are not finite.

    Raises
    ------
    ValueError
        If there are no samples, a single point cloud is not finite, or samples and distribution do not match.

    See Also
    --------
    precision_recall : when the support is not known.
    gantut.data.polygons

    Notes
    -----
    It sees samples off the polygons, and polygons that are missing. It does not see how mass is shared among the cells
    that are covered, nor what happens inside a cell. With n samples of the distribution itself a cell is missed by
    chance with probability :math:`P(\mathrm{Bin}(n, \tfrac1K) < \tfrac{qn}K)`: take n at least 20 K.

    References
    ----------
    After Lucic et al. (2018), section 4.2, who search for the nearest triangle by gradient descent; lesson 15.

    Examples
    --------
    >>> from gantut.lessons.created_equal import polygons
    >>> triangles = polygons(3)
    >>> polygon_precision_recall(triangles.sample(10), triangles).precision
    tensor(1., dtype=torch.float64)
    """
    if not isinstance(distribution, Polygons):
        raise ValueError(f"distribution must be Polygons, not {type(distribution).__name__}")
    within, share = _inputs.positive("within", within), _inputs.level("share", share)
    samples = _inputs.cloud("samples", samples)
    if samples.ndim == 2:
        _inputs.finite_entries("samples", samples)
    alive = torch.isfinite(samples.double().square().sum((-1, -2)))  # (...), the members that have not diverged
    x = samples.double().masked_fill(~alive[..., None, None], 0.0)
    near = distribution.distance(x) <= within  # (..., n)
    n, cells = near.shape[-1], distribution.cells
    cell = distribution.cell(x).masked_fill(~near, cells)  # those far from all polygons go together
    counts = torch.zeros((*alive.shape, cells + 1), dtype=torch.float64, device=cell.device)
    counts.scatter_add_(-1, cell, torch.ones_like(cell, dtype=torch.float64))
    covered = counts[..., :cells] >= share * n / cells
    precision, recall = near.double().mean(-1), covered.double().mean(-1)
    return PrecisionRecall(*(found.masked_fill(~alive, torch.nan).to(samples.dtype) for found in (precision, recall)))
