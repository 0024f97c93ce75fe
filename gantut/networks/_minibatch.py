"""How a critic sees how close a sample is to the others of its batch: minibatch discrimination, and deviation."""

import torch
from torch import nn

from gantut import _inputs
from gantut.networks._population import product

# Similarities (members x kernels x some rows x batch) that are held at once: as much as stays in a processor's cache,
# or 64 MB in single precision on CUDA, where few large operations are faster than many small ones.
ENTRIES = {"cpu": 1 << 16, "cuda": 1 << 24}


def minibatch_similarity(projected: torch.Tensor) -> torch.Tensor:
    r"""How close every sample is to its batch, by every kernel.

    .. math:: o(x_i)_b = \sum_{j=1}^n c_b(x_i, x_j), \qquad c_b(x_i, x_j) = e^{-\lVert M_{i,b} - M_{j,b}\rVert_1}

    The sum has all n samples of the batch in it, as the paper's has, :math:`x_i` itself included, for which
    :math:`c_b = 1`: without it every number would be less by 1, which the bias of the next layer makes up for.

    Parameters
    ----------
    projected : tensor, shape (members, batch, kernels, dimension)
        The rows :math:`M_{i,b}`.

    Returns
    -------
    tensor, shape (members, batch, kernels)
        Between 1 and n. Pairs are looked at in portions, forwards and backwards, so that memory holds all samples
        against some at a time; how many changes no bit.

    References
    ----------
    Salimans et al. (2016), section 3.2; lesson 8.

    See Also
    --------
    MinibatchLayer : A layer that adds it to features.

    Examples
    --------
    >>> minibatch_similarity(torch.tensor([[[[0.0]], [[0.0]], [[100.0]]]]))  # two samples alike, one far away
    tensor([[[2.],
             [2.],
             [1.]]])
    """
    return _Closeness.apply(projected.permute(0, 2, 3, 1).contiguous()).transpose(1, 2)


class _Closeness(torch.autograd.Function):
    """From (members, kernels, dimension, batch) to (members, kernels, batch)."""

    generate_vmap_rule = True

    @staticmethod
    def forward(projected):
        rows = _portions(projected)
        return torch.cat([_similarities(some, projected).sum(-1) for some in projected.split(rows, -1)], -1)

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx, slope):
        # M_i is in its own sum and, as one of the others, in those of all: hence the slopes of both.
        (projected,) = ctx.saved_tensors
        rows, parts = _portions(projected), []
        for some, own in zip(projected.split(rows, -1), slope.split(rows, -1), strict=True):
            pull = -_similarities(some, projected) * (own[..., None] + slope[..., None, :])  # (..., rows, batch)
            apart = (a[..., None] - b[..., None, :] for a, b in _coordinates(some, projected))
            parts.append(torch.stack([(torch.sign(difference) * pull).sum(-1) for difference in apart], 2))
        return torch.cat(parts, -1)


def _similarities(some, projected):
    """Return c_b of some samples and of all: shape (members, kernels, rows, batch)."""
    first, *others = (a[..., None] - b[..., None, :] for a, b in _coordinates(some, projected))
    distance = first.abs()
    for difference in others:
        distance = distance + difference.abs()
    return torch.exp(-distance)


def _coordinates(some, projected):
    return zip(some.unbind(2), projected.unbind(2), strict=True)


def _portions(projected):
    members, kernels, _, batch = projected.shape
    return max(ENTRIES.get(projected.device.type, ENTRIES["cuda"]) // (members * kernels * batch), 1)


class MinibatchLayer(nn.Module):
    r"""Add to the features of each sample how close it is to the rest of its batch: :math:`[f, o]`.

    .. math:: M_i = f(x_i)\,T \in \mathbb R^{B \times C}

    and :math:`o(x_i) \in \mathbb R^B` as in :func:`minibatch_similarity`. A critic with it does not score each sample
    by itself: real and generated samples must be passed to it in separate batches of the same size.

    Parameters
    ----------
    tensor : tensor, shape (members, features, kernels * dimension)
        What T starts from.
    kernels : int
        The number B of similarities that are added.

    See Also
    --------
    minibatch_similarity

    References
    ----------
    Salimans et al. (2016), section 3.2; lesson 8.

    Examples
    --------
    >>> layer = MinibatchLayer(torch.zeros(1, 4, 6), kernels=2)
    >>> layer(torch.zeros(1, 5, 4)).shape
    torch.Size([1, 5, 6])
    """

    def __init__(self, tensor: torch.Tensor, kernels: int):
        super().__init__()
        self.kernels = _inputs.count("kernels", kernels)
        if tensor.ndim != 3 or tensor.shape[-1] % kernels:
            raise ValueError(
                f"tensor must have shape (members, features, kernels * dimension) with kernels = {kernels}, "
                f"not {_inputs.shape(tensor)}"
            )
        self.tensor = nn.Parameter(tensor)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return [f, o], shape (members, batch, features + kernels), for features (members, batch, features)."""
        projected = product(features, self.tensor).unflatten(-1, (self.kernels, -1))
        return torch.cat([features, minibatch_similarity(projected)], -1)


def minibatch_deviation(features: torch.Tensor, *, group: int = 4) -> torch.Tensor:
    r"""How far features are spread in a small group of samples: one number for each sample, the same in its group.

    .. math:: s = \frac1d\sum_{k=1}^d \sqrt{\tfrac1g\sum_{i=1}^g (h_{ik} - \bar h_k)^2 + 10^{-8}}

    Shown to a critic as one more feature, it tells a generator that draws the same again and again from one that does
    not, with no parameters.

    Parameters
    ----------
    features : tensor, shape (..., batch, d)
    group : int
        The size g of a group. Where it does not divide the batch, it is the next smaller number that does. Of n / g
        groups, sample i is in group i modulo n / g, as in the authors' code.

    Returns
    -------
    tensor, shape (..., batch)
        In the dtype of the features, but computed in single precision at least.

    Raises
    ------
    ValueError
        If the batch is empty, or `group` is not a whole number of at least 1.

    References
    ----------
    Karras et al. (2018), "Progressive growing of GANs", section 3; lesson 14.

    See Also
    --------
    minibatch_similarity : What it simplifies.

    Examples
    --------
    >>> minibatch_deviation(torch.tensor([[0.0], [5.0], [2.0], [5.0]]), group=2)  # 0 and 2 are a group, and 5 and 5
    tensor([1.0000e+00, 1.0000e-04, 1.0000e+00, 1.0000e-04])
    """
    batch, group = _inputs.cloud("features", features).shape[-2], _inputs.count("group", group)
    size = next(size for size in range(min(group, batch), 0, -1) if batch % size == 0)
    exact = features.to(torch.promote_types(features.dtype, torch.float32))
    variances = exact.unflatten(-2, (size, -1)).var(-3, correction=0)  # (..., groups, d)
    spread = (variances + 1e-8).sqrt().mean(-1)  # (..., groups)
    return spread.repeat(*(1,) * (spread.ndim - 1), size).to(features.dtype)
