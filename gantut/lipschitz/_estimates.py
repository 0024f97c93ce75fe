"""How steep a critic is: from below by what is found at samples, from above by what its weights allow."""

import copy

import torch
from torch import nn

from gantut import _inputs
from gantut.lipschitz._scores import gradient_norms, layout, require_module, require_separate_samples, samples
from gantut.lipschitz._weights import spectral_norm
from gantut.networks import MLP

# Entries of the matrices of distances that are held at once: 32 MB in double precision.
ENTRIES = 1 << 22
# Pairs nearer to each other than this, relative to the largest coordinate, tell of roundings rather than of slopes.
NEAR = 1e-6
ROUNDING = 2.0**-47  # of a score, or a norm in a product of norms, relative to it: bounds from both sides stay bounds


@torch.inference_mode(False)
def max_gradient_norm(critic: nn.Module, x: torch.Tensor) -> torch.Tensor:
    r"""The steepest that a critic is found to be at samples: a lower bound of its Lipschitz constant.

    .. math:: \max\Big\{ \max_i \lVert\nabla f(x_i)\rVert,\
        \max_{i \ne j} \frac{|f(x_i) - f(x_j)|}{\lVert x_i - x_j\rVert} \Big\}

    Parameters
    ----------
    critic : Module
        From (n, \*event) to (n,) or (n, 1); or a population, from (members, n, \*event) to (members, n, 1). What is
        looked at is a copy in double precision and in evaluation mode, in which it scores each sample by itself.
    x : tensor, shape (n, \*event) or (members, n, \*event)
        Where to look: samples of both distributions, say.

    Returns
    -------
    tensor, shape () or (members,)
        In the dtype of x, without gradient; NaN where scores or slopes are not finite.

    Raises
    ------
    ValueError
        If x is empty or not finite, a score depends on other samples (see :func:`require_separate_samples`), or a
        sample has more than one score.

    See Also
    --------
    lipschitz_bound : An upper bound.

    Notes
    -----
    The supremum of the gradient norms is the Lipschitz constant (on a convex domain), and no pair exceeds it; but
    between the samples the gradient may be steeper than at any of them, and then pairs find more.

    Examples
    --------
    >>> critic = torch.nn.Linear(2, 1)
    >>> _ = critic.weight.data.copy_(torch.tensor([[3.0, 4.0]]))
    >>> max_gradient_norm(critic, torch.randn(16, 2))
    tensor(5.)
    """
    require_module(critic)
    x = samples("x", x)
    _inputs.finite_entries("x", x)
    critic, points = _copied(critic).double().eval(), x.detach().clone().double()
    require_separate_samples(critic, points)
    found = layout(critic, points)
    points = found.arrange(points)
    steepest = gradient_norms(critic, points).detach().amax(-1)  # () or (members,)
    with torch.no_grad():
        scores = critic(points).reshape(steepest.shape + points.shape[found.axes - 1 : found.axes])
        if found.axes == 1:
            pairs = _steepest_pair(points.flatten(1), scores)
        else:
            pairs = torch.stack([_steepest_pair(*member) for member in zip(points.flatten(2), scores, strict=True)])
    return torch.maximum(steepest, pairs).to(x.dtype)


def lipschitz_bound(mlp: MLP) -> torch.Tensor:
    r"""An upper bound of the Lipschitz constant of each member, from its weights.

    .. math:: \operatorname{Lip}(f) \le s\,\ell^{L-1} \prod_{l=1}^{L} \sigma_1(W_l)

    where :math:`\ell` is the largest slope of the activation (1, or 1.0999 for SiLU) and s the input scale.

    Parameters
    ----------
    mlp : MLP

    Returns
    -------
    tensor, shape (members,)
        In the dtype of the weights, rounded up, without gradient; NaN for a member whose weights are not finite.

    Raises
    ------
    ValueError
        If it is not a :class:`gantut.networks.MLP`, or has layers whose slope its weight matrices do not bound.

    See Also
    --------
    max_gradient_norm : A lower bound.

    References
    ----------
    Szegedy et al. (2014), section 4.3; lesson 12.

    Examples
    --------
    >>> from gantut.networks import MLP
    >>> critic = MLP([2, 1], input_scale=0.5)
    >>> _ = critic.weights[0].data.copy_(torch.tensor([[[3.0], [4.0]]]))
    >>> lipschitz_bound(critic)
    tensor([2.5000])
    """
    if not isinstance(mlp, MLP):
        raise ValueError(f"mlp must be a gantut.networks.MLP, not {type(mlp).__name__}")
    if mlp.normalisation or mlp.minibatch is not None:
        raise ValueError("mlp must have neither normalisation nor minibatch layers, whose slopes weights do not bound")
    weights = [weight.detach() for weight in mlp.weights]
    norms = torch.stack([spectral_norm(weight.double()) for weight in weights])  # (layers, members)
    factor = mlp.input_scale * mlp.activation.steepest ** (len(weights) - 1)
    parts, powers = norms.frexp()  # so that no product leaves the range before the last
    bound = (parts.prod(0) * factor * (1 + ROUNDING * len(weights))).ldexp(powers.sum(0).double())
    bound = bound.nextafter(torch.full_like(bound, torch.inf)).where(norms.all(0), 0)  # up, also from 0
    rounded = bound.to(weights[0].dtype)
    return torch.where(rounded < bound, rounded.nextafter(torch.full_like(rounded, torch.inf)), rounded)


def _copied(critic):
    """Return a copy, also of a critic that keeps a tensor of its last forward pass, as nn.utils.spectral_norm does."""
    kept = [value for module in critic.modules() for value in vars(module).values() if isinstance(value, torch.Tensor)]
    return copy.deepcopy(critic, {id(value): value.detach() for value in kept if not value.is_leaf})


def _steepest_pair(points, scores):
    """Return the largest ratio of |f(x_i) - f(x_j)| to the distance of points (n, d); 0 if all coincide."""
    rows = max(ENTRIES // len(points), 1)
    least = NEAR * points.abs().max()
    rounding = ROUNDING * scores.abs().max()  # which is no slope
    found = []
    for some, their in zip(points.split(rows), scores.split(rows), strict=True):
        distance = torch.cdist(some, points, compute_mode="donot_use_mm_for_euclid_dist")  # (rows, n)
        apart = distance > least
        rise = ((their[:, None] - scores).abs() - rounding).clamp(min=0)
        found.append((rise / distance.where(apart, 1)).where(apart, rise * 0).amax())
    return torch.stack(found).amax()
