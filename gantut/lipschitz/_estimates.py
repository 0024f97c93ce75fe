"""How steep a critic is: from below by what is found at samples, from above by what its weights allow."""

import copy
import itertools
import math
from collections.abc import Sequence

import torch
from torch import nn

from gantut import _inputs
from gantut.lipschitz._given import batches, require_one_score
from gantut.lipschitz._penalty import input_gradient, require_separate_samples
from gantut.lipschitz._weights import spectral_norm
from gantut.networks import MLP

# Entries of the matrices of distances that are held at once: 32 MB in double precision.
ENTRIES = 1 << 22
# Pairs nearer to each other than this, relative to the largest coordinate, tell of roundings rather than of slopes.
NEAR = 1e-6


def max_gradient_norm(critic: nn.Module, x: torch.Tensor) -> torch.Tensor:
    r"""The steepest that a critic is found to be at samples: a lower bound of its Lipschitz constant.

    .. math:: \max\Big\{ \max_i \lVert\nabla f(x_i)\rVert,\
        \max_{i \ne j} \frac{|f(x_i) - f(x_j)|}{\lVert x_i - x_j\rVert} \Big\}

    Parameters
    ----------
    critic : Module
        From (members, n, \*event) to (members, n, 1), each sample judged by itself. What is looked at is a copy in
        double precision and in evaluation mode.
    x : tensor, shape (members, n, \*event)
        Where to look: samples of both distributions, say.

    Returns
    -------
    tensor, shape (members,)
        In the dtype of x, without gradient; NaN for a member whose scores or slopes are not finite.

    Raises
    ------
    ValueError
        If x is empty, not finite or has no event dimensions, or the critic has batch normalisation or gives a sample
        more than one score.

    Notes
    -----
    The supremum of the gradient norms is the Lipschitz constant (on a convex domain), and no pair exceeds it; but
    between the samples the gradient may be steeper than at any of them, and then pairs find more.
    """
    x = _samples(x)
    require_separate_samples(critic)
    critic, points = copy.deepcopy(critic).double().eval(), x.detach().double()
    gradients = input_gradient(critic, points).detach().flatten(2)  # (members, n, d)
    steepest = torch.linalg.vector_norm(gradients, dim=-1).amax(-1)  # (members,)
    with torch.no_grad():
        scores = critic(points)  # (members, n, 1)
        require_one_score(scores, points)
        pairs = [_steepest_pair(*member) for member in zip(points.flatten(2), scores.squeeze(-1), strict=True)]
    return torch.maximum(steepest, torch.stack(pairs)).to(x.dtype)


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
        In the dtype of the weights, without gradient; NaN for a member whose weights are not finite.

    Raises
    ------
    ValueError
        If it is no :class:`gantut.networks.MLP`, or has layers whose slope its weight matrices do not bound.

    References
    ----------
    Szegedy et al. (2014), section 4.3; lesson 10.
    """
    if not isinstance(mlp, MLP):
        raise ValueError(f"mlp must be a gantut.networks.MLP, not {type(mlp).__name__}")
    if mlp.normalisation or mlp.minibatch is not None:
        raise ValueError("mlp must have neither normalisation nor minibatch discrimination, which weights do not bound")
    weights = [weight.detach() for weight in mlp.weights]
    norms = torch.stack([spectral_norm(weight.double()) for weight in weights])  # (layers, members)
    factor = mlp.input_scale * mlp.activation.steepest ** (len(weights) - 1)
    return (norms.prod(0) * factor).to(weights[0].dtype)


def clipped_bound(widths: Sequence[int], bound: float) -> float:
    r"""An upper bound of the Lipschitz constant of every MLP of these widths whose weights lie in :math:`[-c, c]`.

    .. math:: \operatorname{Lip}(f) \le \prod_l \sigma_1(W_l) \le \prod_l \lVert W_l\rVert_F
        \le \prod_{l} c \sqrt{n_{l-1} n_l}

    for activations of slope at most 1. A ReLU network with all weights c attains it.

    Parameters
    ----------
    widths : sequence of int
        :math:`n_0, \dots, n_L`: of the input, of each hidden layer, of the output.
    bound : float
        The bound c > 0.

    Returns
    -------
    float
    """
    widths = [_inputs.count("widths", width) for width in widths]
    if len(widths) < 2:
        raise ValueError(f"widths must give at least the input and the output width, not {widths}")
    bound = _inputs.positive("bound", bound)
    return math.prod(bound * math.sqrt(rows * columns) for rows, columns in itertools.pairwise(widths))


def _samples(x):
    x = batches("x", x, number="n")
    _inputs.finite_entries("x", x)
    return x


def _steepest_pair(points, scores):
    """Return the largest ratio of |f(x_i) - f(x_j)| to the distance of points (n, d); 0 if all coincide."""
    rows = max(ENTRIES // len(points), 1)
    least = NEAR * points.abs().max()
    found = []
    for some, their in zip(points.split(rows), scores.split(rows), strict=True):
        distance = torch.cdist(some, points, compute_mode="donot_use_mm_for_euclid_dist")  # (rows, n)
        apart = distance > least
        rise = (their[:, None] - scores).abs()
        found.append((rise / distance.where(apart, 1)).where(apart, rise * 0).amax())
    return torch.stack(found).amax()
