"""All parameters of a network in one tensor: a row a member, so that an optimizer step is one operation."""

from collections.abc import Callable
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
    averages : dict of tensors, shape (members, numbers), and counts, shape (members, 1)
        What is remembered of past values: empty but for :meth:`pull_to_history` and :meth:`average_exponentially`.
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
        self.leaf = nn.Parameter(self.values)  # what the optimizer sees
        self.leaf.grad = self.gradient
        self.averages: dict[str, torch.Tensor] = {}
        self.pull = self.decay = 0.0
        self.exchange: Callable[[torch.Tensor], torch.Tensor] | None = None  # averages gradients over processes

    def pull_to_history(self, weight: float) -> None:
        r"""Add historical averaging to every cost from now on.

        .. math:: \lambda\,\big\|\theta_t - \tfrac1t\textstyle\sum_{i\le t}\theta_i\big\|^2

        The sum includes the present :math:`\theta_t`; the average is held fixed where the cost is differentiated.
        Salimans et al. (2016), section 3.3; lesson 7.
        """
        self.pull = weight
        self.averages["history"] = torch.zeros_like(self.values)
        self.averages["count"] = torch.zeros_like(self.values[:, :1])

    def average_exponentially(self, decay: float) -> None:
        r"""Keep an average of the values from now on, which starts from the present ones.

        .. math:: \bar\theta_t = d\,\bar\theta_{t-1} + (1 - d)\,\theta_t
        """
        self.decay = decay
        self.averages["exponential"] = self.values.clone()

    @staticmethod
    def _rows(values, sizes):
        """Return the part of each parameter: views of shape (members, size)."""
        return values[:, : sum(sizes)].split(sizes, 1)

    def descend(self, loss: torch.Tensor, optimizer: torch.optim.Optimizer) -> None:
        """Take one step down the sum of the members' losses: each has parameters of its own."""
        slopes = torch.autograd.grad(loss.sum(), self.parameters, materialize_grads=True)
        rows = [slope.reshape(self.members, -1) for slope in slopes]
        torch.cat(rows, 1, out=self.gradient[:, : sum(self.sizes)])
        if self.exchange:
            self.exchange(self.gradient)
        if self.pull:
            average, count = self.averages["history"], self.averages["count"].add_(1)
            average.add_((self.values - average) / count)
            self.gradient.add_(self.values - average, alpha=2 * self.pull)
        optimizer.step()

    def follow(self) -> None:
        """Move the exponential average, if there is one, towards the present values."""
        if self.decay:
            self.averages["exponential"].lerp_(self.values, 1 - self.decay)

    def put(self, member: int, values: torch.Tensor) -> None:
        """Put a member, and what is remembered of its past, at these values."""
        self.values[member].copy_(values)
        for name in self.averages.keys() - {"count"}:
            self.averages[name][member].copy_(values)

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
