"""All parameters of a network in one tensor: a row a member, so that an optimiser step is one operation."""

from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import nn

# Rows are filled up to a multiple of this many numbers: then no element is left over at the end of a processor's
# vector, where it would be rounded in another way, and a member gets the same bits whatever its place.
ROW = 64


class Copy(NamedTuple):
    """What a network was at one time: its parameters, shape (members, numbers), and its buffers."""

    values: torch.Tensor
    buffers: list[torch.Tensor]


class Parameters:
    """The parameters of a network and their gradients, each as one tensor, and the network on that memory.

    Attributes
    ----------
    values, gradient : tensors, shape (members, numbers)
        Filled up with zeros at the end of each row.
    network : Module
        Its parameters are views of `values`.
    """

    def __init__(self, network: nn.Module, members: int, values: torch.Tensor | None = None):
        self.network, self.members = network, members
        self.parameters = parameters = [p for p in network.parameters() if p.requires_grad]
        self.sizes = sizes = [parameter.numel() // members for parameter in parameters]
        if values is None:
            like = dict(dtype=parameters[0].dtype, device=parameters[0].device)
            values = torch.zeros(members, -(-sum(sizes) // ROW) * ROW, **like)
            for rows, parameter in zip(self._rows(values, sizes), parameters, strict=True):
                rows.copy_(parameter.detach().reshape(members, -1))
        self.values, self.gradient = values, torch.zeros_like(values)
        for parameter, rows in zip(parameters, self._rows(values, sizes), strict=True):
            parameter.data = rows.view(parameter.shape)
        self.leaf = nn.Parameter(self.values)  # what the optimiser sees
        self.leaf.grad = self.gradient

    @staticmethod
    def _rows(values, sizes):
        """Return the part of each parameter: views of shape (members, size)."""
        return values[:, : sum(sizes)].split(sizes, 1)

    def descend(self, loss: torch.Tensor, optimiser: torch.optim.Optimizer) -> None:
        """Take one step down the sum of the members' losses: each has parameters of its own."""
        slopes = torch.autograd.grad(loss.sum(), self.parameters, materialize_grads=True)
        rows = [slope.reshape(self.members, -1) for slope in slopes]
        torch.cat(rows, 1, out=self.gradient[:, : sum(self.sizes)])
        optimiser.step()

    def named(self, values: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return other values, shape (members, numbers), as the network's parameters by name, for `functional_call`."""
        named = [(name, p) for name, p in self.network.named_parameters() if p.requires_grad]
        return {
            name: rows.reshape(parameter.shape)
            for (name, parameter), rows in zip(named, self._rows(values, self.sizes), strict=True)
        }

    def copy(self) -> "Copy":
        """Return copies of the values and of the network's buffers."""
        return Copy(self.values.clone(), [buffer.clone() for buffer in self.network.buffers()])

    def put_buffers(self, buffers: list[torch.Tensor]) -> None:
        """Put the network's buffers back to what they were."""
        for buffer, before in zip(self.network.buffers(), buffers, strict=True):
            buffer.copy_(before)

    def gradient_norms(self) -> torch.Tensor:
        """Return the norm of each member's last gradient, shape (members,)."""
        return torch.linalg.vector_norm(self.gradient, dim=1)


@contextmanager
def only_looking(*networks: nn.Module):
    """Within this, networks compute without gradients as in evaluation, so that to look at them leaves no trace."""
    modes = [(module, module.training) for network in networks for module in network.modules()]
    for network in networks:
        network.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, mode in modes:
            module.training = mode
