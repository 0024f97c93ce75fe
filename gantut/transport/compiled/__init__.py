"""What Numba compiles for the CPU: solvers of exact problems, what surrounds them, and sorting.

It takes half a second to import, and each function some seconds more when it is called for the first time on a machine:
`gantut.transport._simplex.compiled` does it where that pays.
"""

from gantut.transport.compiled._augmenting_paths import assign, assign_one, assign_points
from gantut.transport.compiled._distances import distances
from gantut.transport.compiled._network_simplex import solve
from gantut.transport.compiled._sorting_network import mean_gaps, sorts_sooner

__all__ = ["assign", "assign_one", "assign_points", "distances", "mean_gaps", "solve", "sorts_sooner"]
