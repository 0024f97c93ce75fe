"""Constraints on weights: what is done to a critic's parameters after each of its steps."""

from collections.abc import Iterable

import torch
from torch import nn

from gantut import _inputs
from gantut.lipschitz._given import in_place, require_matrices


@torch.no_grad()
def clip_(parameters: torch.Tensor | Iterable[torch.Tensor], bound: float) -> None:
    r"""Clamp parameters to :math:`[-c, c]`, in place.

    Parameters
    ----------
    parameters : tensor, or iterable of tensors
    bound : float
        The bound c > 0.

    Raises
    ------
    ValueError
        If one is not a floating point tensor, or the bound is not positive; then none is changed.
    """
    bound = _inputs.positive("bound", bound)
    for parameter in in_place("parameters", parameters):
        parameter.clamp_(-bound, bound)


@torch.no_grad()
def project_spectral_norm_(weights: torch.Tensor | Iterable[torch.Tensor], bound: float = 1.0) -> None:
    r"""Divide each matrix by :math:`\max(1, \sigma_1(W)/K)`, in place: the projection of :class:`SpectralNorm`.

    A matrix that is not finite stays as it is.

    Parameters
    ----------
    weights : tensor, or iterable of tensors, shape (..., in, out)
    bound : float
        The bound K > 0.

    Raises
    ------
    ValueError
        If one is no matrix, such as a bias, or the bound is not positive; then none is changed.
    """
    bound = _inputs.positive("bound", bound)
    for weight in in_place("weights", weights, matrices=True):
        excess = (spectral_norm(weight) / bound).clamp(min=1).nan_to_num(nan=1.0)
        weight.div_(excess[..., None, None])


@torch.no_grad()
def spectral_norm(weight: torch.Tensor) -> torch.Tensor:
    r"""Return the largest singular value :math:`\sigma_1(W)` of each matrix: no gradient; NaN if it is not finite.

    Parameters
    ----------
    weight : tensor, shape (..., in, out)

    Returns
    -------
    tensor, shape (...)

    Raises
    ------
    ValueError
        If it is no matrix, or not floating point.
    """
    weight = _inputs.floating("weight", weight)
    require_matrices("weight", weight)
    finite = torch.isfinite(weight).all(-1).all(-1)
    norm = torch.linalg.matrix_norm(weight.where(finite[..., None, None], 0), 2)  # LAPACK would refuse NaN for all
    return norm.where(finite, torch.nan)


def weight_matrices(critic: nn.Module) -> list[nn.Parameter]:
    """Return the weight matrices of a critic, each of shape (members, in, out), that may be changed in place.

    Raises
    ------
    ValueError
        If it does not name them: it has no list `weights` of such parameters, as `gantut.networks.MLP` has.
    """
    weights = list(getattr(critic, "weights", []))
    if not weights or not all(isinstance(weight, nn.Parameter) and weight.ndim == 3 for weight in weights):
        raise ValueError(
            "critic must have `weights`, a list of parameters of shape (members, in, out), for a spectral norm, as "
            f"gantut.networks.MLP has, and {type(critic).__name__} has none"
        )
    return weights
