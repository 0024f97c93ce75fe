"""What all populations of networks have in common."""

from collections.abc import Sequence

import torch
from torch import nn

from gantut import _inputs


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

    @staticmethod
    def _chosen(hidden: Sequence, layers: Sequence[int]) -> tuple:
        """Return the hidden layers of these numbers, from 0 on, or backwards from -1."""
        count = len(hidden)
        if not all(-count <= layer < count for layer in layers):
            raise ValueError(f"layers must lie in [-{count}, {count - 1}] for {count} hidden layers, but are {layers}")
        return tuple(hidden[layer] for layer in layers)


def sources_of(members: int, seed: int) -> list[torch.Generator]:
    """Return a generator of random numbers for each member, seeded with `seed`, `seed` + 1 and so on."""
    return [torch.Generator().manual_seed(_inputs.count("seed", seed, least=0) + i) for i in range(members)]
