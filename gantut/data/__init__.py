"""Data: toy laws whose densities are known, and small real images."""

from gantut.data._images import digits
from gantut.data._laws import (
    GaussianMixture,
    Law,
    Segment,
    Uniform,
    gaussian,
    gaussian_mixture,
    grid,
    parallel_lines,
    ring,
    uniform,
)

__all__ = [
    "GaussianMixture",
    "Law",
    "Segment",
    "Uniform",
    "digits",
    "gaussian",
    "gaussian_mixture",
    "grid",
    "parallel_lines",
    "ring",
    "uniform",
]
