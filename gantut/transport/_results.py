"""What the solvers of `gantut.transport` return, and what they raise where no proof was found."""

from typing import NamedTuple

import torch


class TransportResult(NamedTuple):
    r"""A transport problem solved, with the proof of how well: its value, plan, potentials and duality gap.

    For masses :math:`a` (n of them) and :math:`b` (m) and costs :math:`C`, with leading dimensions for a batch:

    .. math:: \text{value} = \langle P, C\rangle, \qquad P\mathbf 1 = a, \quad P^\top\mathbf 1 = b, \quad P \ge 0,
        \qquad f_i + g_j \le C_{ij}, \qquad \text{gap} = \text{value} - \langle a, f\rangle - \langle b, g\rangle.

    No plan costs less than :math:`\langle a, f\rangle + \langle b, g\rangle` (weak duality), so the optimum lies
    in [value - gap, value], whatever algorithm found the result. (Both are rounded to the dtype of the
    inputs in the end, of which the gap does not tell.) For entropic transport the constraint on `f` and `g` is a soft
    one; :func:`gantut.transport.sinkhorn` says what `value` and `gap` mean there.

    Attributes
    ----------
    value : tensor, shape (...,)
        What the plan costs, in mass x distance (or distance to the power p).
    plan : tensor, shape (..., n, m), or None
        :math:`P`, the mass that goes from each point to each; None where it would not fit into memory.
    f : tensor, shape (..., n), or None
        Potential of the first distribution; fixed up to a constant, here such that both terms of the dual are equal.
    g : tensor, shape (..., m), or None
        Potential of the second distribution: at the optimum :math:`\text{value} = \langle a, f\rangle + \langle b,
        g\rangle`, both signs plus.
    gap : tensor, shape (...,), or None
        Primal minus dual value: how far the value can be from the optimum at most.
    iterations : int or None
        How many it took, where the method has any.
    error : tensor, shape (...,), or None
        The larger relative marginal error: the L1 distance of the plan's row sums from :math:`a`, or of its column
        sums from :math:`b`, whichever is larger, divided by the total mass.

    See Also
    --------
    emd, emd_points : return it for exact transport.
    sinkhorn, sinkhorn_points : return it for entropic transport.

    Examples
    --------
    >>> from gantut.transport import emd
    >>> result = emd([0.5, 0.5], [0.5, 0.5], [[0.0, 1.0], [1.0, 3.0]])
    >>> result.value.item(), result.gap.item(), result.error.item()
    (1.0, 0.0, 0.0)
    """

    value: torch.Tensor
    plan: torch.Tensor | None = None
    f: torch.Tensor | None = None
    g: torch.Tensor | None = None
    gap: torch.Tensor | None = None
    iterations: int | None = None
    error: torch.Tensor | None = None


class NotCertified(ArithmeticError):
    """The solver's answer could not be proved optimal in double precision.

    Costs or masses that differ by too many orders of magnitude are the usual reason, for instance a plan that must pay
    costs of 1e32 and of 1. The attribute ``gap`` holds the difference between the best bounds found.
    """

    def __init__(self, message, gap):
        super().__init__(message)
        self.gap = gap
