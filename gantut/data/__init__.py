"""Data: toy distributions with known densities, and real images."""

from gantut.data._archives import ImageLimits
from gantut.data._augmentation import Augmentation
from gantut.data._creatures import creatures, hold_out_groups
from gantut.data._distributions import Distribution, GaussianMixture
from gantut.data._download import DownloadError
from gantut.data._idx import read_idx
from gantut.data._images import digits, labelled_digits
from gantut.data._mnist import fashion_mnist, mnist
from gantut.data._sprites import sprites
from gantut.data._toys import gaussian, gaussian_mixture, grid, parallel_lines, ring, uniform

__all__ = [
    "Augmentation", "Distribution", "DownloadError", "GaussianMixture", "ImageLimits",
    "creatures", "digits", "fashion_mnist", "gaussian", "gaussian_mixture", "grid", "hold_out_groups",
    "labelled_digits", "mnist", "parallel_lines", "read_idx", "ring", "sprites", "uniform",
]  # fmt: skip
