"""Toy distributions, built from plain numbers."""

import math
from collections.abc import Sequence

import torch

from gantut import _inputs
from gantut.data._distributions import GaussianMixture, Segment, Uniform, as_numbers


def gaussian(mean=0.0, std=1.0, *, dtype=torch.float64, device="cpu") -> GaussianMixture:
    r"""Return the Gaussian :math:`N(\mu, s^2)` on the line, or the isotropic one in d dimensions.

    Parameters
    ----------
    mean : float or sequence of d floats
        :math:`\mu`.
    std : float
        The standard deviation :math:`s > 0` of each coordinate.
    dtype, device
        Of the samples.

    Returns
    -------
    GaussianMixture
        With a single mode.

    Raises
    ------
    ValueError
        If `mean` is not finite, or `std` is not one positive finite number.

    See Also
    --------
    gaussian_mixture

    Examples
    --------
    >>> gaussian(2.0, 0.5).log_prob(torch.tensor(2.0).double())
    tensor(-0.2258, dtype=torch.float64)
    """
    like = dict(dtype=dtype, device=device)
    mean, std = as_numbers("mean", mean, **like), as_numbers("std", std, **like)
    if std.ndim:
        raise ValueError(f"std must be one number, as the Gaussian is isotropic, not shape {_inputs.shape(std)}")
    return GaussianMixture(mean[None], std)


def gaussian_mixture(
    means: Sequence,
    stds: float | Sequence = 1.0,
    weights: Sequence | None = None,
    *,
    dtype=torch.float64,
    device="cpu",
) -> GaussianMixture:
    """Return a mixture of Gaussians on the line (means: numbers) or in d dimensions (means: points).

    Parameters
    ----------
    means : sequence, shape (modes,) or (modes, d)
    stds : float or sequence, shape (modes,)
        Standard deviations, positive.
    weights : sequence, shape (modes,), optional
        Non-negative, with sum 1; by default, equal.
    dtype, device
        Of the samples.

    Returns
    -------
    GaussianMixture

    Raises
    ------
    ValueError
        If a number is not finite, a standard deviation is not positive, or shapes do not match.

    See Also
    --------
    ring, grid : mixtures on which mode collapse is easy to see.

    Examples
    --------
    >>> gaussian_mixture([-1.0, 3.0], 0.1, [0.75, 0.25]).mean
    tensor(0., dtype=torch.float64)
    """
    like = dict(dtype=dtype, device=device)
    return GaussianMixture(as_numbers("means", means, **like), as_numbers("stds", stds, **like), weights)


def ring(
    modes: int = 8, *, radius: float = 2.0, std: float = 0.1, dtype=torch.float64, device="cpu"
) -> GaussianMixture:
    """Return equally weighted Gaussians, evenly spaced on a circle: the classic test for mode collapse.

    Parameters
    ----------
    modes : int
    radius, std : float
        Of the circle, and the standard deviation of each Gaussian.
    dtype, device
        Of the samples.

    Returns
    -------
    GaussianMixture
        In the plane.

    Raises
    ------
    ValueError
        If a number is not positive.

    See Also
    --------
    grid
    gantut.metrics.mode_coverage : counts the modes that samples cover.

    References
    ----------
    Metz et al. (2017), "Unrolled generative adversarial networks"; lesson 6.

    Examples
    --------
    >>> ring(4).means.abs().round(decimals=6).tolist()
    [[2.0, 0.0], [0.0, 2.0], [2.0, 0.0], [0.0, 2.0]]
    """
    wide = torch.promote_types(_inputs.precision(dtype), torch.float32)  # half precision does not count beyond 2048
    angles = 2 * math.pi * torch.arange(_inputs.count("modes", modes), dtype=wide, device=device) / modes
    centres = _inputs.positive("radius", radius) * torch.stack([angles.cos(), angles.sin()], -1)  # (modes, 2)
    return GaussianMixture(centres.to(dtype), _inputs.positive("std", std))


def grid(
    side: int = 5, *, spacing: float = 1.0, std: float = 0.05, dtype=torch.float64, device="cpu"
) -> GaussianMixture:
    """Return equally weighted Gaussians on a square grid of the plane, centred at 0.

    Parameters
    ----------
    side : int
        The grid has side x side modes.
    spacing, std : float
        The distance between neighbouring modes, and the standard deviation of each.
    dtype, device
        Of the samples.

    Returns
    -------
    GaussianMixture
        In the plane.

    Raises
    ------
    ValueError
        If a number is not positive.

    See Also
    --------
    ring

    Examples
    --------
    >>> grid(2).means.tolist()
    [[-0.5, -0.5], [-0.5, 0.5], [0.5, -0.5], [0.5, 0.5]]
    """
    steps = torch.arange(_inputs.count("side", side), dtype=_inputs.precision(dtype), device=device) - (side - 1) / 2
    centres = _inputs.positive("spacing", spacing) * torch.cartesian_prod(steps, steps).reshape(-1, 2)
    return GaussianMixture(centres, _inputs.positive("std", std))


def uniform(low: float = 0.0, high: float = 1.0, *, dtype=torch.float64, device="cpu") -> Uniform:
    """Return the uniform distribution on [low, high].

    Parameters
    ----------
    low, high : float
    dtype, device
        Of the samples.

    Returns
    -------
    Distribution
        On the line, with ``log_prob``, ``density``, ``mean`` and ``stddev``.

    Raises
    ------
    ValueError
        Unless low < high, both finite, also as the dtype rounds them.

    Examples
    --------
    >>> uniform(0.0, 4.0).density(torch.tensor([1.0, 5.0]))
    tensor([0.2500, 0.0000])
    """
    return Uniform(low, high, dtype=dtype, device=device)


def parallel_lines(theta: float, *, dtype=torch.float64, device="cpu") -> tuple[Segment, Segment]:
    r"""Return two uniform distributions on vertical segments of the plane, a distance :math:`|\theta|` apart.

    Their W1 is :math:`|\theta|`, while their JS is log 2 for every :math:`\theta \ne 0`: its gradient says nothing.

    Parameters
    ----------
    theta : float
        Where the second segment stands; the first stands at 0.
    dtype, device
        Of the samples.

    Returns
    -------
    tuple of two Distribution
        Without a density: segments have no area.

    Raises
    ------
    ValueError
        If `theta` is not finite.

    References
    ----------
    Arjovsky, Chintala and Bottou (2017), example 1; lesson 10.

    Examples
    --------
    >>> first, second = parallel_lines(0.5)
    >>> second.sample(3)[:, 0]
    tensor([0.5000, 0.5000, 0.5000], dtype=torch.float64)
    """
    return Segment(0.0, dtype=dtype, device=device), Segment(theta, dtype=dtype, device=device)
