"""Networks that train a whole population at once.

A population is the ordinary case: every parameter carries a leading ``members`` axis, and one batched matrix product
moves all members together, so that 16 seeds cost little more than one. Members never mix: each is the network that
it would be alone, bit for bit on the CPU where the batch is a multiple of 32 (a processor rounds the elements left
over at the end of a vector in another way).
"""

import itertools
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import torch
from torch import nn

from gantut import _inputs


class Activation(NamedTuple):
    """An activation, its derivative, given the input and the output of the activation, and the largest size of that."""

    function: Callable[[torch.Tensor], torch.Tensor]
    slope: Callable[[torch.Tensor, torch.Tensor], torch.Tensor] | None
    steepest: float = 1.0


def _silu_slope(x, y):
    return torch.sigmoid(x) * (1 - y) + y


# The slopes of the piecewise linear ones are constants almost everywhere: no gradient flows through them.
ACTIVATIONS: dict[str, Activation] = {
    "relu": Activation(torch.relu_, lambda x, y: torch.sign(y.detach())),
    "leaky-relu": Activation(
        lambda x: nn.functional.leaky_relu(x, 0.2), lambda x, y: torch.where(y.detach() > 0, y.new_ones(()), 0.2)
    ),
    "tanh": Activation(torch.tanh, lambda x, y: 1 - y.square()),
    "silu": Activation(nn.functional.silu, _silu_slope, 1.0998393201288669),  # where x tanh(x/2) = 2
}
OUTPUTS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {"linear": lambda x: x, "tanh": torch.tanh}
INITIALISATIONS = ("uniform", "orthogonal")
NARROW = 8  # columns, up to which a product is taken the other way round


class MLP(nn.Module):
    r"""A population of multilayer perceptrons.

    .. math:: h_0 = s\,x, \qquad h_{l+1} = a(h_l W_l + b_l), \qquad \text{the last layer without } a

    Parameters
    ----------
    widths : sequence of int
        Width of the input, of each hidden layer, of the output.
    members : int
        How many networks.
    seed : int
        Member i starts from a generator seeded with `seed` + i, whoever else is in the population.
    activation : {"relu", "leaky-relu", "tanh", "silu"}
    output : {"linear", "tanh"}
        What is applied to the last layer.
    initialisation : {"uniform", "orthogonal"}
        Uniform in :math:`\pm g/\sqrt{\text{fan in}}`, biases too, as in `torch.nn.Linear`; or orthogonal weights times
        g, and biases 0.
    gain : float
        The factor g.
    input_scale : float
        The factor s.
    dtype, device
        Of the parameters.

    Examples
    --------
    >>> discriminator = MLP([1, 32, 32, 1], members=16)
    >>> discriminator(torch.zeros(100, 1)).shape
    torch.Size([16, 100, 1])
    """

    def __init__(
        self,
        widths: Sequence[int],
        *,
        members: int = 1,
        seed: int = 0,
        activation: str = "relu",
        output: str = "linear",
        initialisation: str = "uniform",
        gain: float = 1.0,
        input_scale: float = 1.0,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ):
        super().__init__()
        self.widths = [_inputs.count("widths", width) for width in widths]
        if len(self.widths) < 2:
            raise ValueError(f"widths must give at least the input and the output width, not {self.widths}")
        self.members = _inputs.count("members", members)
        self.activation = ACTIVATIONS[_inputs.one_of("activation", activation, tuple(ACTIVATIONS))]
        self.output = OUTPUTS[_inputs.one_of("output", output, tuple(OUTPUTS))]
        self.input_scale = _inputs.positive("input_scale", input_scale)
        _inputs.one_of("initialisation", initialisation, INITIALISATIONS)
        _inputs.positive("gain", gain)
        generators = [torch.Generator().manual_seed(_inputs.count("seed", seed, least=0) + i) for i in range(members)]
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        for fan_in, fan_out in itertools.pairwise(self.widths):
            layers = [_first_layer(initialisation, fan_in, fan_out, gain, dtype, source) for source in generators]
            for parameters, drawn in zip((self.weights, self.biases), zip(*layers, strict=True), strict=True):
                parameters.append(torch.stack(drawn).to(device))  # (members, fan_in or 1, fan_out)

    def members_between(self, first: int, last: int) -> "MLP":
        """Return members first, ..., last - 1 as a population of their own, on the same memory.

        Train one, and both change.

        Raises
        ------
        ValueError
            If there are no such members.
        """
        number = _number_between(self.members, first, last)
        part = MLP.__new__(MLP)
        nn.Module.__init__(part)
        part.__dict__.update({name: self.__dict__[name] for name in ("widths", "activation", "output", "input_scale")})
        part.members = number
        for name in ("weights", "biases"):
            rows = [nn.Parameter(parameter.detach()[first:last]) for parameter in getattr(self, name)]
            setattr(part, name, nn.ParameterList(rows))
        return part

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Apply every member to its own batch, or all to the same.

        Parameters
        ----------
        x : tensor, shape (members, batch, in) or (batch, in)

        Returns
        -------
        tensor, shape (members, batch, out)
        """
        *_, last = self._layers(x)
        return self.output(last)

    def features(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the output, shape (members, batch, out), and the last hidden layer, shape (members, batch, width)."""
        *_, hidden, last = self._layers(x)
        return self.output(last), hidden

    def input_gradient(self, x: torch.Tensor) -> torch.Tensor:
        r"""Return the gradient of the (single) output in the input, :math:`\nabla_x f(x)`, shape (members, batch, in).

        .. math:: \nabla_x f = s\,(\cdots((W_L^\top \odot a'_{L-1})\, W_{L-1}^\top \odot a'_{L-2}) \cdots) W_1^\top

        The backward pass is written out in matrix products, so that a penalty on this gradient is differentiated like
        any other function of the parameters. `torch.autograd.grad` with ``create_graph`` gives the same, more slowly.
        """
        self._require_single_output()
        slopes = []
        h = self._input(x)
        for weight, bias in zip(list(self.weights)[:-1], list(self.biases)[:-1], strict=True):
            before = _product(h, weight, bias)
            h = self.activation.function(before)
            slopes.append(self.activation.slope(before, h))
        gradient = self.weights[-1].transpose(1, 2).expand(-1, h.shape[1], -1)  # (members, batch, last width)
        for weight, slope in zip(list(self.weights)[-2::-1], slopes[::-1], strict=True):
            gradient = _product(gradient * slope, weight.transpose(1, 2))
        return gradient * self.input_scale if self.input_scale != 1 else gradient

    def _require_single_output(self):
        if self.widths[-1] != 1 or self.output is not OUTPUTS["linear"]:
            raise ValueError(
                f"widths must end in 1, with a linear output, where a gradient is asked for, not in {self.widths[-1]}"
            )

    def _layers(self, x):
        """Yield the input, every hidden layer after its activation, and the last layer before its output."""
        h = self._input(x)
        yield h
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            h = _product(h, weight, bias)  # (members, batch, out)
            if layer < len(self.weights) - 1:
                h = self.activation.function(h)
            yield h

    def _input(self, x):
        fan_in = self.widths[0]
        if x.ndim not in (2, 3) or x.shape[-1] != fan_in or (x.ndim == 3 and len(x) != self.members):
            raise ValueError(
                f"x must have shape (batch, {fan_in}) or ({self.members}, batch, {fan_in}), not {_inputs.shape(x)}"
            )
        x = x.expand(self.members, *x.shape[-2:])
        return x * self.input_scale if self.input_scale != 1 else x


class SortingCritic(MLP):
    r"""A population of critics that are 1-Lipschitz by construction: orthogonal weights, and sorting for activation.

    .. math:: h_0 = s\,x, \qquad h_{l+1} = \operatorname{sort}(h_l W_l + b_l), \qquad
       \text{the last layer without sorting}

    The columns of each :math:`W_l` are orthonormal (or its rows, where it is wider than high), and sorting only changes
    places: neither lengthens anything. A ReLU would shorten gradients on its way; here the norm of the gradient is
    exactly s almost everywhere if no layer is wider than the one before, and at most s always (a layer that widens
    keeps lengths on the way forward, but may shorten gradients on the way back).

    Parameters
    ----------
    widths : sequence of int
        As for :class:`MLP`; `group` must divide the hidden ones.
    members : int
    seed : int
        Member i starts from a generator seeded with `seed` + i, whoever else is in the population.
    group : int
        So many units are sorted among themselves: 2 is called MaxMin.
    input_scale : float
        The factor s, which is the Lipschitz constant.
    dtype, device
        Of the parameters.

    Notes
    -----
    What is trained are matrices M, without a condition on them, in Cayley coordinates around a start Q that is uniform
    among the orthogonal matrices. With :math:`M = \binom{U}{V}`, U square, and :math:`A = U - U^\top + V^\top V`,

    .. math:: W = Q \binom{(I + A)^{-1}(I - A)}{-2 V (I + A)^{-1}}

    has orthonormal columns to rounding (multiply out). It costs one solution of linear equations a layer and pass.

    References
    ----------
    Anil, Lucas and Grosse (2019) for sorting and orthogonal weights; Trockman and Kolter (2021) for the rectangular
    Cayley transform; lesson 11.
    """

    def __init__(
        self,
        widths: Sequence[int],
        *,
        members: int = 1,
        seed: int = 0,
        group: int = 2,
        input_scale: float = 1.0,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ):
        start = MLP(
            widths, members=members, seed=seed, input_scale=input_scale, dtype=dtype, device=device
        )  # for its checks, and for its biases, uniform as those of any network
        nn.Module.__init__(self)
        self._take(start, members)
        self.group = _inputs.count("group", group)
        if any(width % group for width in self.widths[1:-1]):
            raise ValueError(f"widths of hidden layers must be multiples of group = {group}, not {self.widths[1:-1]}")
        self.activation = Activation(partial(_sorted_in_groups, group=group), None)
        self.biases, self.moves = start.biases, nn.ParameterList()
        generators = [torch.Generator().manual_seed(seed + i) for i in range(members)]
        for layer, (fan_in, fan_out) in enumerate(itertools.pairwise(self.widths)):
            rows, columns = max(fan_in, fan_out), min(fan_in, fan_out)
            starts = [_first_layer("orthogonal", rows, rows, 1.0, dtype, source)[0] for source in generators]
            self.register_buffer(f"start_{layer}", torch.stack(starts).to(device))  # Q, (members, rows, rows)
            self.moves.append(torch.zeros(members, rows, columns, dtype=dtype, device=device))  # M

    def _take(self, other, members):
        """Take over what a network is beside its parameters."""
        names = ("widths", "activation", "output", "input_scale", "group")
        self.__dict__.update({name: other.__dict__[name] for name in names if name in other.__dict__})
        self.members = members

    @property
    def weights(self) -> list[torch.Tensor]:
        """The orthogonal matrices, each of shape (members, in, out), differentiable in what is trained."""
        weights = []
        for layer, move in enumerate(self.moves):
            weight = getattr(self, f"start_{layer}") @ _cayley(move)  # (members, rows, columns)
            wide = self.widths[layer] < self.widths[layer + 1]
            weights.append(weight.transpose(1, 2) if wide else weight)
        return weights

    def members_between(self, first: int, last: int) -> "SortingCritic":
        """Return members first, ..., last - 1 as a population of their own, on the same memory."""
        part = SortingCritic.__new__(SortingCritic)
        nn.Module.__init__(part)
        part._take(self, _number_between(self.members, first, last))
        for name in ("biases", "moves"):
            rows = [nn.Parameter(parameter.detach()[first:last]) for parameter in getattr(self, name)]
            setattr(part, name, nn.ParameterList(rows))
        for name, buffer in self.named_buffers():
            part.register_buffer(name, buffer[first:last])
        return part

    def input_gradient(self, x: torch.Tensor) -> torch.Tensor:
        r"""Return the gradient of the (single) output in the input, :math:`\nabla_x f(x)`, shape (members, batch, in).

        On the way back each entry goes to where it was before the sorting.
        """
        self._require_single_output()
        weights, orders = self.weights, []
        h = self._input(x)
        for weight, bias in zip(weights[:-1], list(self.biases)[:-1], strict=True):
            h, order = _product(h, weight, bias).unflatten(-1, (self.group, -1)).sort(-2, descending=True)
            h = h.flatten(2)
            orders.append(order)  # (members, batch, group, width / group)
        gradient = weights[-1].transpose(1, 2).expand(-1, h.shape[1], -1)  # (members, batch, last width)
        for weight, order in zip(weights[-2::-1], orders[::-1], strict=True):
            sorted_ = gradient.unflatten(-1, (self.group, -1))
            gradient = torch.zeros_like(sorted_).scatter(-2, order, sorted_).flatten(2)
            gradient = _product(gradient, weight.transpose(1, 2))
        return gradient * self.input_scale if self.input_scale != 1 else gradient


def _sorted_in_groups(h, group):
    """Sort units (..., width) in groups, the largest first; unit j stands in group j modulo width / group."""
    if group == 2:
        first, second = h.chunk(2, -1)
        swap = torch.relu(first - second)  # unlike maximum and minimum, cheap to differentiate, and a swap even at ties
        return torch.cat([second + swap, first - swap], -1)
    return h.unflatten(-1, (group, -1)).sort(-2, descending=True).values.flatten(-2)


def _cayley(move):
    """Return matrices with orthonormal columns, shape (members, rows, columns), from any of that shape."""
    columns = move.shape[-1]
    upper, lower = move.split([columns, move.shape[1] - columns], 1)
    one = torch.eye(columns, dtype=move.dtype, device=move.device)
    skew = upper - upper.transpose(1, 2) + lower.transpose(1, 2) @ lower
    # No check for singular matrices: there are none, and a member that has diverged shall not stop the others.
    twice = 2 * torch.linalg.inv_ex(one + skew).inverse  # differentiated by products alone
    return torch.cat([twice - one, -lower @ twice], 1)


class _NarrowProduct(torch.autograd.Function):
    """The product x W of matrices (members, batch, in) and (members, in, out) where out is small.

    Libraries of matrix products are ten times slower at a handful of columns than at a handful of rows, so all three
    products are taken the other way round.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(x, weight):
        # Always a copy: the strides of dimensions of size 1 decide how a product is rounded, and differ by members.
        across = weight.transpose(1, 2).clone(memory_format=torch.contiguous_format)
        return torch.bmm(across, x.transpose(1, 2)).transpose(1, 2).contiguous()

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def jvp(ctx, along_x, along_weight):
        x, weight = ctx.saved_tensors
        parts = []
        if along_x is not None:
            parts.append(_NarrowProduct.apply(along_x, weight))
        if along_weight is not None:
            parts.append(_NarrowProduct.apply(x, along_weight))
        return sum(parts)

    @staticmethod
    def backward(ctx, slope):
        x, weight = ctx.saved_tensors
        across = weight.transpose(1, 2)  # (members, out, in)
        for_x = for_weight = None
        if ctx.needs_input_grad[0]:
            for_x = slope * across if across.shape[1] == 1 else torch.bmm(slope, across)
        if ctx.needs_input_grad[1]:
            for_weight = torch.bmm(slope.transpose(1, 2), x).transpose(1, 2)
        return for_x, for_weight


def _number_between(members, first, last):
    """Return how many members first, ..., last - 1 are, and require that there are such."""
    if not 0 <= first < last <= members:
        raise ValueError(f"first and last must satisfy 0 <= first < last <= {members}, not {first} and {last}")
    return last - first


def _product(x, weight, bias=None):
    """Return x W + b, shape (members, batch, out)."""
    if weight.shape[-1] <= NARROW:
        product = _NarrowProduct.apply(x, weight)
        return product if bias is None else product + bias
    return torch.bmm(x, weight) if bias is None else torch.baddbmm(bias, x, weight)


def _first_layer(initialisation, fan_in, fan_out, gain, dtype, source):
    """Draw the weights (fan_in, fan_out) and the biases (1, fan_out) that one layer of one member starts from."""
    if initialisation == "orthogonal":
        normal = torch.randn(max(fan_in, fan_out), min(fan_in, fan_out), dtype=torch.float64, generator=source)
        q, r = torch.linalg.qr(normal)
        q = q * torch.sign(torch.diagonal(r))  # uniform among the orthogonal ones only with these signs
        weight = (q if fan_in >= fan_out else q.T) * gain
        return weight.to(dtype), torch.zeros(1, fan_out, dtype=dtype)
    bound = gain / math.sqrt(fan_in)
    weight, bias = (torch.rand(rows, fan_out, dtype=dtype, generator=source) for rows in (fan_in, 1))
    return (2 * weight - 1) * bound, (2 * bias - 1) * bound
