"""Entropic transport by Sinkhorn's algorithm, in the order in which its parts build on each other.

- `problem`: validation, masses as shares of their total, batches in groups;
- `kernels`: the Gibbs kernel tile by tile, from a cost matrix or from points; `streams` and `triton_kernels`: the same
  on CUDA, in registers;
- `sweeps`: over-relaxed iterations; `mixing`: their acceleration; `newton`: the step that takes over near the solution;
- `start`: where they begin; `solve`: all of it put together, with the certificate;
- `gradients`: derivatives from the potentials alone;
- `entropic` and `divergence`: the public functions.

In `gantut.transport` the name `sinkhorn` is the function of this folder, not the folder.
"""

from gantut.transport.sinkhorn.divergence import sinkhorn_divergence
from gantut.transport.sinkhorn.entropic import sinkhorn, sinkhorn_points
from gantut.transport.sinkhorn.problem import ConvergenceWarning

__all__ = ["ConvergenceWarning", "sinkhorn", "sinkhorn_divergence", "sinkhorn_points"]
