"""What is cheap to find between batches: the mean distance of projections to lines, and partners for straight paths."""

import math

import numpy as np
import torch

from gantut import _inputs
from gantut.transport._batches import all_digits
from gantut.transport._costs import power
from gantut.transport._exact import emd_points
from gantut.transport._line import wasserstein_1d


def sliced_wasserstein(x, y, projections=50, *, p=1, generator=None):
    r"""Sliced Wasserstein distance to the power p: the mean of that of projections to lines, found by sorting.

    .. math:: \mathrm{SW}_p^p = \mathbb E_u\, W_p^p\big(\langle u, x\rangle, \langle u, y\rangle\big),
        \qquad u \text{ uniform on the unit sphere}

    Parameters
    ----------
    x, y : tensors, shapes (..., n, d) and (..., m, d), floating point
        Points of equal mass; leading dimensions broadcast.
    projections : int, or tensor, shape (..., d, k)
        How many directions to draw, the same for the whole batch; or the directions themselves, as columns, which are
        used as they are.
    p : float
        In [1, inf).
    generator : torch.Generator, optional
        On the CPU, for the directions; by default, PyTorch's own.

    Returns
    -------
    tensor, shape (...)
        The *power* :math:`\mathrm{SW}_p^p`, as all values of this module; for the distance take the root.
        Differentiable in `x` and `y`.

    Raises
    ------
    ValueError
        If a coordinate is not finite, ``p`` or the number of directions is not allowed, or shapes, dtypes or devices do
        not match.

    See Also
    --------
    emd_points : the distance itself, which this never exceeds for directions of length 1.
    sinkhorn_divergence : another loss for clouds.

    Notes
    -----
    A projection shortens distances, so for p = 2 the mean over all directions is at most :math:`W_2^2/d`: of
    :math:`\|x-y\|^2` a line sees one coordinate.

    References
    ----------
    Rabin, Peyré, Delon and Bernot (2011); Bonneel, Rabin, Peyré and Pfister (2015), *Sliced and Radon Wasserstein
    barycenters of measures*; lesson 17.

    Examples
    --------
    >>> x = torch.tensor([[0.0, 0.0], [1.0, 0.0]])
    >>> sliced_wasserstein(x, x + torch.tensor([0.0, 3.0]), torch.eye(2))  # 0 along one axis, 3 along the other
    tensor(1.5000)
    """
    p = _inputs.exponent(p)
    x, y = _inputs.points(x=x, y=y)
    if isinstance(projections, torch.Tensor) and projections.is_floating_point():
        projections = _inputs.floating("projections", projections)
    elif np.ndim(projections):
        projections = _inputs.floating("projections", projections).to(x)
    else:
        shape = (x.shape[-1], _inputs.count("projections", projections))
        normal = torch.randn(
            shape, generator=_inputs.generator("generator", generator), dtype=torch.float64, device="cpu"
        )
        projections = (normal / torch.linalg.vector_norm(normal, dim=0)).to(x)
    _inputs.together(x=x, projections=projections)
    if projections.ndim < 2 or projections.shape[-2] != x.shape[-1] or not projections.shape[-1]:
        given = _inputs.shape(projections)
        raise ValueError(f"projections must have shape (..., {x.shape[-1]}, k), k at least 1, but have shape {given}")
    _inputs.finite_entries("projections", projections)
    batches = {"the batches of x": x, "of y": y, "of projections": projections}
    _inputs.broadcast(**{name: each[..., 0, 0] for name, each in batches.items()})
    with all_digits(x.device):
        on_lines, unit = (x @ projections, y @ projections), 1.0
        if not all(torch.isfinite(each.detach()).all() for each in on_lines):  # they are, in a unit of their own
            unit = 2.0 ** (math.frexp(max(each.detach().abs().max().item() for each in (x, y)))[1] - 1)
            on_lines = x / unit @ projections, y / unit @ projections
    found = wasserstein_1d(*(each.mT for each in on_lines), p=p).mean(-1)
    return found if unit == 1 else torch.where(found > 0, found * power(unit, p), found)


def minibatch_coupling(noise, data, *, p=2):
    r"""Order the points of one batch so that each is paired with one of another, at the least total cost.

    .. math:: \min_\pi\; \frac1n \sum_i \|z_i - x_{\pi(i)}\|^p \qquad \text{over permutations } \pi

    Parameters
    ----------
    noise, data : tensors, shape (..., n, d), floating point
        As many points on both sides; leading dimensions, such as members, are batches of their own, and broadcast.
    p : float
        The exponent of the cost, finite and at least 1. For p = 2 no two straight paths between partners meet on their
        way at one time.

    Returns
    -------
    tensor, shape (..., n, d)
        The rows of `data`, so ordered that row i belongs to row i of `noise`.

    Raises
    ------
    ValueError, NotCertified
        As :func:`emd_points`, and if the numbers of points differ.

    See Also
    --------
    emd_points : the plan that this reads off: with equal masses some cheapest plan is a permutation.
    gantut.flows.flow_matching_loss : takes such pairs.

    References
    ----------
    Tong et al. (2024), *Improving and generalizing flow-based generative models with minibatch optimal transport*;
    Pooladian et al. (2023), *Multisample flow matching*; lesson 17.

    Examples
    --------
    >>> minibatch_coupling([[0.0], [1.0], [2.0]], [[12.0], [10.0], [11.0]]).T
    tensor([[10., 11., 12.]], dtype=torch.float64)
    """
    noise, data = _inputs.points(noise=noise, data=data)
    if noise.shape[-2] != data.shape[-2]:
        counts = f"{noise.shape[-2]} and {data.shape[-2]}"
        raise ValueError(f"noise and data must have the same number of points, but have {counts}")
    partner = emd_points(noise.detach(), data.detach(), p=p).plan.argmax(-1)
    return data.expand(*partner.shape, -1).take_along_dim(partner[..., None], -2)
