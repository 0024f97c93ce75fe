"""What all populations of networks have in common: samples for all members, and a batched matrix product."""

from collections.abc import Sequence

import torch
from torch import nn

from gantut import _inputs

NARROW = 8  # columns, up to which a product is taken the other way round


class Population(nn.Module):
    """Several networks of one kind, whose parameters carry a leading ``members`` axis."""

    members: int

    def _expanded(self, x: torch.Tensor, *event: int) -> torch.Tensor:
        """Require samples of this shape, and return them with a members axis."""
        axes = x.ndim - len(event)
        if axes not in (1, 2) or tuple(x.shape[axes:]) != event or (axes == 2 and len(x) != self.members):
            shape = ", ".join(map(str, event))
            raise ValueError(
                f"x must have shape (batch, {shape}) or ({self.members}, batch, {shape}), not {_inputs.shape(x)}"
            )
        return x.expand(self.members, *x.shape[axes - 1 :])

    def _gradient_by_autograd(self, x: torch.Tensor) -> torch.Tensor:
        """Return the gradient of each score in its sample x (members, batch, ...); differentiable where grad is on."""
        wanted = torch.is_grad_enabled()
        with torch.enable_grad():
            x = x.detach().clone().requires_grad_()
            return torch.autograd.grad(self(x).sum(), x, create_graph=wanted)[0]

    @staticmethod
    def _chosen(hidden: Sequence, layers: Sequence[int]) -> tuple:
        """Return the hidden layers of these numbers, from 0 on, or backwards from -1."""
        count = len(hidden)
        if not all(-count <= layer < count for layer in layers):
            raise ValueError(f"layers must lie in [-{count}, {count - 1}] for {count} hidden layers, but are {layers}")
        return tuple(hidden[layer] for layer in layers)


class ImageCritic(Population):
    """What critics of images share: scores and hidden layers of pictures, member by member.

    Each kind has a method `_each_member`, which yields what its `_scores` takes; and that returns the scores of one
    member's pictures, shape (batch, 1), and its hidden layers.

    Attributes
    ----------
    event : (int, int, int)
        The channels, height and width of a picture.
    """

    event: tuple[int, int, int]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Score images, every member its own or all the same.

        Parameters
        ----------
        x : tensor, shape (members, batch, channels, size, size) or (batch, channels, size, size)

        Returns
        -------
        tensor, shape (members, batch, 1)
        """
        return self.features(x)[0]

    def features(self, x: torch.Tensor, layers: Sequence[int] | None = None) -> tuple:
        """Return scores and hidden layers, as the class has them.

        Parameters
        ----------
        x : tensor, shape (members, batch, channels, size, size) or (batch, channels, size, size)
        layers : sequence of int, optional
            Which hidden layers, from 0 on, or backwards from -1: those after each halving and, of a residual critic,
            the last before the score.

        Returns
        -------
        tensor, shape (members, batch, 1)
        tensor, shape (members, batch, numbers), or a tuple of such
            The last hidden layer; or a tuple of those that `layers` names.

        Raises
        ------
        ValueError
            If there is no such layer.
        """
        pairs = [self._scores(*own) for own in self._each_member(self._expanded(x, *self.event))]
        wanted = (-1,) if layers is None else tuple(layers)
        found = [[flat(h) for h in self._chosen(hidden, wanted)] for _, hidden in pairs]
        features = tuple(torch.stack(rows) for rows in zip(*found, strict=True))
        return torch.stack([scores for scores, _ in pairs]), features[0] if layers is None else features


def flat(h):
    """Return (batch, channels, height, width) as (batch, numbers), pixel by pixel: as it lies in memory."""
    return h.permute(0, 2, 3, 1).flatten(1) if h.ndim == 4 else h


def sources_of(members: int, seed: int) -> list[torch.Generator]:
    """Return a generator of random numbers for each member, seeded with `seed`, `seed` + 1 and so on."""
    return [torch.Generator().manual_seed(_inputs.count("seed", seed, least=0) + i) for i in range(members)]


def product(x, weight, bias=None):
    """Return x W + b, shape (members, batch, out)."""
    if weight.shape[-1] <= NARROW:
        across = NarrowProduct.apply(x, weight)
        return across if bias is None else across + bias
    return torch.bmm(x, weight) if bias is None else torch.baddbmm(bias, x, weight)


def bmm(left, right):
    """Return the products of matrices (members, n, k) and (members, k, m), of one member as of several.

    A single matrix times a vector is handed to another routine than a batch of them, which on some processors rounds
    otherwise: a member alone would not be the member of a population. It is therefore computed as a batch of two.
    """
    if len(left) == 1 and 1 in (left.shape[1], right.shape[2]):
        return torch.bmm(left.expand(2, -1, -1), right.expand(2, -1, -1))[:1]
    return torch.bmm(left, right)


class NarrowProduct(torch.autograd.Function):
    """The product x W of matrices (members, batch, in) and (members, in, out) where out is small.

    Libraries of matrix products are ten times slower at a handful of columns than at a handful of rows, so all three
    products are taken the other way round.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(x, weight):
        # Always a copy: the strides of dimensions of size 1 decide how a product is rounded, and differ by members.
        across = weight.transpose(1, 2).clone(memory_format=torch.contiguous_format)
        return bmm(across, x.transpose(1, 2)).transpose(1, 2).contiguous()

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def jvp(ctx, along_x, along_weight):
        x, weight = ctx.saved_tensors
        parts = []
        if along_x is not None:
            parts.append(NarrowProduct.apply(along_x, weight))
        if along_weight is not None:
            parts.append(NarrowProduct.apply(x, along_weight))
        return sum(parts)

    @staticmethod
    def backward(ctx, slope):
        x, weight = ctx.saved_tensors
        across = weight.transpose(1, 2)  # (members, out, in)
        for_x = for_weight = None
        if ctx.needs_input_grad[0]:
            for_x = slope * across if across.shape[1] == 1 else bmm(slope, across)
        if ctx.needs_input_grad[1]:
            for_weight = bmm(slope.transpose(1, 2), x).transpose(1, 2)
        return for_x, for_weight
