"""Data: toy laws whose densities are known, pairs whose distance and optimal critic are, and small real images."""

from gantut.data._funnels import Funnels, Pair, funnels
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
    "Funnels",
    "GaussianMixture",
    "Law",
    "Pair",
    "Segment",
    "Uniform",
    "digits",
    "funnels",
    "gaussian",
    "gaussian_mixture",
    "grid",
    "parallel_lines",
    "ring",
    "uniform",
]
