"""What Numba compiles for the CPU: solvers of exact problems, and what surrounds them.

It takes half a second to import, and each function some seconds more when it is called for the first time on a machine:
`gantut.transport._simplex.compiled` does it where that pays.
"""

from gantut.transport.compiled._augmenting_paths import assign, assign_one, assign_points
from gantut.transport.compiled._distances import distances
from gantut.transport.compiled._network_simplex import solve

__all__ = ["assign", "assign_one", "assign_points", "distances", "solve"]
