"""What the functions of `gantut.transport` return."""

from typing import NamedTuple

import torch


class OTResult(NamedTuple):
    r"""A transport problem solved, with the proof of how well: its value, plan, potentials and duality gap.

    For masses :math:`a` (n of them) and :math:`b` (m) and costs :math:`C`, with leading dimensions for a batch:

    .. math:: \text{value} = \langle P, C\rangle, \qquad P\mathbf 1 = a, \quad P^\top\mathbf 1 = b, \quad P \ge 0,
        \qquad f_i + g_j \le C_{ij}, \qquad \text{gap} = \text{value} - \langle a, f\rangle - \langle b, g\rangle.

    No plan costs less than :math:`\langle a, f\rangle + \langle b, g\rangle` (weak duality), so that the optimum lies
    in [value - gap, value], whatever algorithm found the result. For entropic transport the constraint on `f` and `g`
    is a soft one, and the function that returns the result says what `value` and `gap` mean there.
    """

    #: (...,) what the plan costs, in mass x distance (or distance to the power p)
    value: torch.Tensor
    #: (..., n, m) mass that goes from each point to each; None where it would not fit into memory
    plan: torch.Tensor | None = None
    #: (..., n) potential of the first distribution; fixed up to a constant, here such that both terms of the dual
    #: are equal
    f: torch.Tensor | None = None
    #: (..., m) potential of the second distribution: value = <a, f> + <b, g> at the optimum, both signs plus
    g: torch.Tensor | None = None
    #: (...,) primal minus dual value: how far the value can be from the optimum at most
    gap: torch.Tensor | None = None
    #: how many iterations it took, where the method has any
    iterations: int | torch.Tensor | None = None
    #: (...,) how far the plan's marginals are from a and b, in L1, both together
    error: torch.Tensor | None = None


class Move(NamedTuple):
    """One shovelling: `amount` from pile `source` to the pile `target` beside it; piles are numbered from 1."""

    source: int
    target: int
    amount: float


class PileMoves(NamedTuple):
    r"""How piles on a line are turned into others, shovel by shovel; see :func:`gantut.transport.pile_moves`."""

    #: (..., n + 1) the deltas 0 to n: what is carried across each gap, to the right where positive
    deltas: torch.Tensor
    #: (...,) the cost, the sum of the deltas' absolute values, in mass x distance
    cost: torch.Tensor
    #: list of :class:`Move`, in an order in which no pile ever runs short; None for a batch
    moves: list[Move] | None
    #: (len(moves) + 1, n) the piles before the first move and after each one; None for a batch
    states: torch.Tensor | None


class NotCertified(ArithmeticError):
    """No solution could be proved optimal in double precision; `gap` is what is left between the best bounds.

    The range of the costs or of the masses is too wide: costs of 1e32 beside costs of 1, for instance.
    """

    def __init__(self, message, gap):
        super().__init__(message)
        self.gap = gap
