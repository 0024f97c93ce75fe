"""Networks that learn: any network by any optimizer, and populations, whose parameters lie in one tensor."""

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import nn

Tensors = Mapping[str, torch.Tensor]

# Rows are filled up to a multiple of this many numbers: then no element is left over at the end of a processor's
# vector, where it would be rounded in another way, and a member gets the same bits whatever its place.
ROW = 64


@dataclass
class Learner:
    """A network that learns.

    Attributes
    ----------
    network : Module
    optimizer : torch.optim.Optimizer
        Of its parameters.
    loss : function of a batch
        Returns the terms whose sum is minimised, by name: tensors of shape () or (members,).
    batches : function of the draws of one step of the loop
        Returns the batches on which it takes its steps, one after another; by default all the draws as one batch.
    after_step : functions without arguments
        Called after each of its steps: a constraint's projection, a schedule of the learning rate.
    weights : mapping
        By what some terms are multiplied in the sum.

    Examples
    --------
    >>> from gantut.objectives import supervised_loss
    >>> from gantut.training import learn
    >>> x, labels = torch.tensor([[-1.0], [1.0]]), torch.tensor([0, 1])
    >>> network = torch.nn.Linear(1, 2)
    >>> classifier = Learner(
    ...     network, torch.optim.SGD(network.parameters(), lr=1.0),
    ...     loss=lambda batch: {"labels": supervised_loss(network(batch["x"])[None], batch["labels"][None])},
    ... )
    >>> learn([classifier], [{"x": x, "labels": labels}] * 20)
    >>> network(x).argmax(-1)
    tensor([0, 1])
    """

    network: nn.Module
    optimizer: torch.optim.Optimizer
    loss: Callable[[Tensors], Tensors]
    batches: Callable[[Tensors], Iterable[Tensors]] = lambda draws: (draws,)
    after_step: Sequence[Callable[[], object]] = ()
    weights: Mapping[str, float] = field(default_factory=dict)

    def descend(self, loss: torch.Tensor) -> None:
        """Take one step of the optimizer down the sum of the members' losses: each has parameters of its own."""
        parameters = [parameter for group in self.optimizer.param_groups for parameter in group["params"]]
        for parameter, slope in zip(parameters, torch.autograd.grad(loss.sum(), parameters), strict=True):
            parameter.grad = slope
        self.optimizer.step()


class Parameters:
    """The parameters of a population in one tensor, a row a member, and the network on that memory.

    Attributes
    ----------
    values : tensor, shape (members, numbers)
        Filled up with zeros at the end of each row. The network's parameters are views of it.
    """

    def __init__(self, network: nn.Module, members: int, values: torch.Tensor | None = None):
        self.network, self.members = network, members
        self.parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
        self.sizes = [parameter.numel() // members for parameter in self.parameters]
        if values is None:
            like = dict(dtype=self.parameters[0].dtype, device=self.parameters[0].device)
            values = torch.zeros(members, -(-sum(self.sizes) // ROW) * ROW, **like)
            for rows, parameter in zip(self._rows(values), self.parameters, strict=True):
                rows.copy_(parameter.detach().reshape(members, -1))
        self.values = values
        for parameter, rows in zip(self.parameters, self._rows(values), strict=True):
            parameter.data = rows.view(parameter.shape)

    def between(self, first: int, last: int) -> "Parameters":
        """Return members first, ..., last - 1 as a population of their own, on the same memory."""
        # `data` counts changes by itself: autograd does not take another thread's step for a change of these members.
        return Parameters(self.network.members_between(first, last), last - first, self.values.data[first:last])

    def _rows(self, values):
        """Return the part of each parameter: views of shape (members, size)."""
        return values[:, : sum(self.sizes)].split(self.sizes, 1)

    def named(self, values: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return other values, shape (members, numbers), as the network's parameters by name, for `functional_call`."""
        named = [(name, p) for name, p in self.network.named_parameters() if p.requires_grad]
        rows = self._rows(values)
        return {name: part.reshape(parameter.shape) for (name, parameter), part in zip(named, rows, strict=True)}

    def copy(self) -> "Copy":
        """Return copies of the values and of the network's buffers."""
        return Copy(self.values.clone(), [buffer.clone() for buffer in self.network.buffers()])


class Copy(NamedTuple):
    """What a network was at one time: its parameters, shape (members, numbers), and its buffers."""

    values: torch.Tensor
    buffers: list[torch.Tensor]


class PopulationLearner(Learner):
    r"""A population that learns: a step of the optimizer is one operation on the parameters of all members.

    Parameters
    ----------
    parameters : Parameters
    optimizer : Optimizer
        Its settings.
    pull : float
        The weight :math:`\lambda` of historical averaging, which is added to every loss:
        :math:`\lambda\,\big\|\theta_t - \tfrac1t\sum_{i\le t}\theta_i\big\|^2`. The sum includes the present
        :math:`\theta_t`; the average is held fixed where this is differentiated. Salimans et al. (2016), section 3.3.
    decay : float
        Of an exponential moving average of the parameters,
        :math:`\bar\theta_t = d\,\bar\theta_{t-1} + (1 - d)\,\theta_t`, which starts from the present ones; 0 for none.
    exchange : function of a tensor, optional
        Averages gradients over processes, in place.
    **options
        Those of :class:`Learner`.

    Attributes
    ----------
    gradient : tensor, shape (members, numbers)
    averages : dict of tensors, shape (members, numbers), and counts, shape (members, 1)
        What is remembered of past values.
    """

    def __init__(self, parameters: Parameters, optimizer, *, pull=0.0, decay=0.0, exchange=None, **options):
        self.parameters, self.pull, self.decay, self.exchange = parameters, pull, decay, exchange
        self.values, self.gradient = parameters.values, torch.zeros_like(parameters.values)
        self.leaf = nn.Parameter(self.values)  # what the optimizer sees
        self.leaf.grad = self.gradient
        self.averages: dict[str, torch.Tensor] = {}
        if pull:
            self.averages |= {"history": torch.zeros_like(self.values), "count": torch.zeros_like(self.values[:, :1])}
        if decay:
            self.averages["exponential"] = self.values.clone()
        super().__init__(parameters.network, optimizer.build([self.leaf]), **options)

    def descend(self, loss: torch.Tensor) -> None:
        """Take one step down the sum of the members' losses, and let the averages follow."""
        parameters, sizes = self.parameters.parameters, self.parameters.sizes
        slopes = torch.autograd.grad(loss.sum(), parameters, materialize_grads=True)
        rows = [slope.reshape(len(self.values), -1) for slope in slopes]
        torch.cat(rows, 1, out=self.gradient[:, : sum(sizes)])
        if self.exchange:
            self.exchange(self.gradient)
        if self.pull:
            average, count = self.averages["history"], self.averages["count"].add_(1)
            average.add_((self.values - average) / count)
            self.gradient.add_(self.values - average, alpha=2 * self.pull)
        self.optimizer.step()
        if self.decay:
            self.averages["exponential"].lerp_(self.values, 1 - self.decay)

    def put(self, member: int, values: torch.Tensor) -> None:
        """Put a member, and what is remembered of its past, at these values."""
        self.values[member].copy_(values)
        for name in self.averages.keys() - {"count"}:
            self.averages[name][member].copy_(values)

    def put_buffers(self, buffers: list[torch.Tensor]) -> None:
        """Put the network's buffers back to what they were."""
        for buffer, before in zip(self.network.buffers(), buffers, strict=True):
            buffer.copy_(before)

    def gradient_norms(self) -> torch.Tensor:
        """Return the norm of each member's last gradient, shape (members,)."""
        return torch.linalg.vector_norm(self.gradient, dim=1)

    def memory(self) -> list[torch.Tensor]:
        """Return all tensors that a step changes in place: on CUDA, steps are replayed on this memory."""
        states = [value for state in self.optimizer.state.values() for value in state.values()]
        tensors = [self.values, self.gradient, *self.network.buffers(), *self.averages.values(), *states]
        return [tensor for tensor in tensors if isinstance(tensor, torch.Tensor)]

    def state_dict(self) -> dict:
        """Return what the next step depends on, beside the network."""
        return {"optimizer": self.optimizer.state_dict()["state"].get(0, {}), "averages": self.averages}

    def load_state_dict(self, state: dict) -> None:
        """Go on from such a state."""
        memory = {0: state["optimizer"]} if state["optimizer"] else {}
        self.optimizer.load_state_dict(self.optimizer.state_dict() | {"state": memory})
        for name, average in self.averages.items():
            average.copy_(state["averages"][name])


def averaged(network: nn.Module, mean: torch.Tensor) -> nn.Module:
    """Return a copy of a network with averages of its parameters, shape (members, numbers)."""
    average = copy.deepcopy(network)
    Parameters(average, len(mean)).values.copy_(mean)
    return average


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
