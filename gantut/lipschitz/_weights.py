"""Constraints on weights: what is done to a critic's parameters after each of its steps."""

from collections.abc import Iterable

import torch
from torch import nn

from gantut import _inputs

# Where torch keeps layers that normalise, some of them without parameters.
UNBOUNDED = {f"torch.nn.modules.{name}" for name in ("batchnorm", "instancenorm", "normalization")}


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

    See Also
    --------
    Clip : The same as a setting of a training run.

    References
    ----------
    Arjovsky et al. (2017), Algorithm 1; lesson 11.

    Examples
    --------
    >>> weights = torch.tensor([-3.0, 0.2, 1.0])
    >>> clip_(weights, 0.5)
    >>> weights
    tensor([-0.5000,  0.2000,  0.5000])
    """
    bound = _inputs.positive("bound", bound)
    for parameter in in_place("parameters", parameters):
        most = min(bound, torch.finfo(parameter.dtype).max)  # a larger bound is none, for this dtype
        parameter.clamp_(-most, most)


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
        If one is not a matrix (a bias, for instance), or the bound is not positive; then none is changed.

    See Also
    --------
    SpectralNorm : The same as a setting of a training run.

    References
    ----------
    Gouk et al. (2021), section 4; lesson 13.

    Examples
    --------
    >>> weight = torch.tensor([[4.0, 0.0], [0.0, 1.0]])
    >>> project_spectral_norm_(weight, 2.0)
    >>> weight
    tensor([[2.0000, 0.0000],
            [0.0000, 0.5000]])
    """
    bound = _inputs.positive("bound", bound)
    for weight in in_place("weights", weights, matrices=True):
        norm, unit = _norms(weight)
        too_large = norm > bound / unit  # NaN is not
        for factor in (unit, norm / bound):  # one after the other: their product may leave the range
            weight.div_(factor.where(too_large, 1)[..., None, None])


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
        If it is not a matrix, or not floating point.

    See Also
    --------
    project_spectral_norm_

    Examples
    --------
    >>> spectral_norm(torch.tensor([[3.0, 0.0], [0.0, -5.0]]))
    tensor(5.)
    """
    weight = _inputs.floating("weight", weight)
    require_matrices("weight", weight)
    norm, unit = _norms(weight)
    return (norm * unit).to(weight.dtype)


def _norms(weight):
    """Return the norm of each matrix, NaN if it is not finite, and its unit, 1 unless numbers are tiny or huge."""
    finite = torch.isfinite(weight).all(-1).all(-1)
    known = weight.where(finite[..., None, None], 0)  # LAPACK would refuse NaN for all; it knows two precisions
    known = known.to(torch.promote_types(weight.dtype, torch.float32))
    largest = known.abs().amax((-2, -1))
    unit = torch.where((largest == 0) | (largest > 1e-10) & (largest < 1e10), 1, largest)
    return torch.linalg.matrix_norm(known / unit[..., None, None], 2).where(finite, torch.nan), unit


def weight_matrices(critic: nn.Module) -> list[nn.Parameter]:
    """Return the weight matrices of a critic, which may be changed in place: all that bounds its slope.

    Parameters
    ----------
    critic : Module
        With a list `weights` of parameters of shape (members, in, out), as :class:`gantut.networks.MLP` has; or with no
        parameters but those of layers of class ``torch.nn.Linear``.

    Returns
    -------
    list of parameters, shape (members, in, out) or (out, in)

    Raises
    ------
    ValueError
        If it has parameters that are not those of matrices, such as convolutions, or from which matrices are made, as
        under weight normalisation; or layers whose slope these do not bound, such as batch normalisation.

    See Also
    --------
    project_spectral_norm_ : What may be done to them.

    Examples
    --------
    >>> critic = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.ReLU(), torch.nn.Linear(8, 1))
    >>> [tuple(weight.shape) for weight in weight_matrices(critic)]
    [(8, 2), (1, 8)]
    """
    kinds = {kind.__module__ for module in critic.modules() for kind in type(module).__mro__}
    if getattr(critic, "normalisation", None) or getattr(critic, "minibatch", None) is not None or kinds & UNBOUNDED:
        raise ValueError(
            "critic must have neither normalisation nor minibatch layers, whose slopes weight matrices do not bound"
        )
    weights = list(getattr(critic, "weights", []))
    if weights and all(isinstance(weight, nn.Parameter) and weight.ndim == 3 for weight in weights):
        return weights
    layers = [module for module in critic.modules() if list(module.parameters(recurse=False))]
    if not layers or not all(isinstance(layer, nn.Linear) and "weight" in layer._parameters for layer in layers):
        raise ValueError(
            "critic must have a list `weights` of parameters (members, in, out) for a spectral norm, as an MLP of "
            f"gantut.networks has, or only the parameters of torch.nn.Linear, unlike this {type(critic).__name__}"
        )
    return [layer.weight for layer in layers]


def in_place(name: str, value, *, matrices: bool = False) -> list[torch.Tensor]:
    """Return a tensor, or the tensors of an iterable, that are to be changed in place: all checked before the first."""
    value = [value] if isinstance(value, torch.Tensor) else value
    tensors = list(value) if isinstance(value, Iterable) else [value]
    for tensor in tensors:
        if not isinstance(tensor, torch.Tensor) or not tensor.is_floating_point():
            given = tensor.dtype if isinstance(tensor, torch.Tensor) else repr(tensor)
            raise ValueError(f"{name} must be floating point tensors, which can be changed in place, not {given}")
        if matrices:
            require_matrices(name, tensor)
    return tensors


def require_matrices(name: str, tensor: torch.Tensor) -> None:
    """Require matrices (..., in, out), neither size 0."""
    if tensor.ndim < 2 or 0 in tensor.shape[-2:]:
        raise ValueError(f"{name} must have shape (..., in, out), neither of them 0, not {_inputs.shape(tensor)}")
