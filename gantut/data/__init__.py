"""Data: toy distributions whose densities are known, pairs whose distance and optimal critic are, and real images."""

from gantut.data._archives import IMAGE_LIMITS, ImageLimits
from gantut.data._augmentation import Augmentation
from gantut.data._creatures import Creatures, creatures
from gantut.data._distributions import (
    Distribution,
    GaussianMixture,
    Segment,
    Uniform,
    gaussian,
    gaussian_mixture,
    grid,
    parallel_lines,
    ring,
    uniform,
)
from gantut.data._download import DownloadError
from gantut.data._forms import forms, held_out, likeness
from gantut.data._funnels import Funnels, Pair, funnels
from gantut.data._idx import read_idx
from gantut.data._images import Labelled, digits, labelled_digits
from gantut.data._mnist import fashion_mnist, mnist
from gantut.data._polygons import Polygons, polygons
from gantut.data._sprites import Sprites, sprites

__all__ = [
    "IMAGE_LIMITS",
    "Augmentation",
    "Creatures",
    "Distribution",
    "DownloadError",
    "Funnels",
    "GaussianMixture",
    "ImageLimits",
    "Labelled",
    "Pair",
    "Polygons",
    "Segment",
    "Sprites",
    "Uniform",
    "creatures",
    "digits",
    "fashion_mnist",
    "forms",
    "funnels",
    "gaussian",
    "gaussian_mixture",
    "grid",
    "held_out",
    "labelled_digits",
    "likeness",
    "mnist",
    "parallel_lines",
    "polygons",
    "read_idx",
    "ring",
    "sprites",
    "uniform",
]
