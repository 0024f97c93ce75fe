"""Critics that are 1-Lipschitz by construction."""

import itertools
from collections.abc import Sequence
from functools import partial

import torch
from torch import nn

from gantut import _inputs
from gantut.networks import MLP


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
        As for :class:`gantut.networks.MLP`; `group` must divide the hidden ones.
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
    Cayley transform; lesson 13.

    See Also
    --------
    gantut.networks.MLP, gantut.lipschitz.max_gradient_norm

    Examples
    --------
    >>> critic = SortingCritic([2, 2, 1])
    >>> gradient = critic.input_gradient(torch.randn(1, 5, 2))
    >>> gradient.norm(dim=-1).sub(1).abs().max().item() < 1e-5  # no layer is wider than the one before
    True
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
        start = MLP(widths, members=members, seed=seed, input_scale=input_scale, dtype=dtype, device=device)
        super(MLP, self).__init__()
        # All but its weights: widths and the like, and the biases, uniform as those of any network.
        vars(self).update({name: value for name, value in vars(start).items() if not name.startswith("_")})
        self.group = _inputs.count("group", group)
        if any(width % group for width in self.widths[1:-1]):
            raise ValueError(f"widths of hidden layers must be multiples of group = {group}, not {self.widths[1:-1]}")
        self.activation = start.activation._replace(function=partial(_sorted_in_groups, group=group), slope=None)
        self.biases, self.moves = start.biases, nn.ParameterList()
        generators = [torch.Generator().manual_seed(seed + i) for i in range(members)]
        for layer, (fan_in, fan_out) in enumerate(itertools.pairwise(self.widths)):
            rows, columns = max(fan_in, fan_out), min(fan_in, fan_out)
            square = torch.empty(rows, rows, dtype=torch.float64)
            starts = [nn.init.orthogonal_(square.clone(), generator=source).to(dtype) for source in generators]
            self.register_buffer(f"start_{layer}", torch.stack(starts).to(device))  # Q, (members, rows, rows)
            self.moves.append(torch.zeros(members, rows, columns, dtype=dtype, device=device))  # M

    @property
    def weights(self) -> list[torch.Tensor]:
        """The orthogonal matrices, each of shape (members, in, out), differentiable in what is trained."""
        weights = []
        for layer, move in enumerate(self.moves):
            weight = getattr(self, f"start_{layer}") @ _cayley(move)  # (members, rows, columns)
            wide = self.widths[layer] < self.widths[layer + 1]
            weights.append(weight.transpose(1, 2) if wide else weight)
        return weights

    def _activated(self, before):
        """Return the sorted layer, and where each unit was before, shape (members, batch, group, width / group)."""
        h, order = before.unflatten(-1, (self.group, -1)).sort(-2, descending=True)
        return h.flatten(2), order

    def _pulled_back(self, gradient, order):
        sorted_ = gradient.unflatten(-1, (self.group, -1))
        return torch.zeros_like(sorted_).scatter(-2, order, sorted_).flatten(2)


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
