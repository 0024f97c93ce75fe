r"""Toy distributions to sample from, with their densities where they have one.

Their interface is that of `torch.distributions` (``sample``, ``log_prob``, ``mean``, ``stddev``, ``event_shape``), so
that either kind is accepted wherever a distribution is expected; but they draw from an explicit generator, always on
the CPU, and then move the sample, so that a seed gives the same sample on every device.
"""

import math
from collections.abc import Sequence

import torch
from torch.distributions import constraints

from gantut import _inputs


class Distribution:
    """A probability distribution to sample from: the base class of those in this module.

    Subclass it and define ``_draw(shape, generator)`` for one of your own.

    Attributes
    ----------
    event_shape : tuple of int
        () for distributions on the line, (d,) in d dimensions.
    dtype : torch.dtype
        Of the samples.
    device : torch.device
        Of the samples.

    See Also
    --------
    gaussian, gaussian_mixture, ring, grid, uniform, parallel_lines : distributions to start with.

    Examples
    --------
    >>> uniform().sample((2, 3), generator=torch.Generator().manual_seed(0)).shape
    torch.Size([2, 3])
    """

    event_shape: tuple[int, ...] = ()
    batch_shape: tuple[int, ...] = ()
    dtype: torch.dtype
    device: torch.device

    def sample(self, shape, *, generator: torch.Generator | None = None) -> torch.Tensor:
        """Draw independent samples.

        Parameters
        ----------
        shape : int or tuple of int
            How many.
        generator : torch.Generator, optional
            On the CPU; by default, torch's global one.

        Returns
        -------
        tensor, shape (\\*shape, \\*event_shape)

        Raises
        ------
        ValueError
            If a size is negative, or the generator is not on the CPU.
        """
        shape = tuple(shape) if isinstance(shape, Sequence) else (shape,)
        shape = tuple(_inputs.count("shape", size, least=0) for size in shape)
        _inputs.generator("generator", generator)
        return self._draw(shape, generator).to(self.device)

    def _draw(self, shape, generator):
        raise NotImplementedError(f"{type(self).__name__} must define _draw(shape, generator)")


def as_numbers(name, value, *, dtype, device):
    """Return numbers in any form as a tensor of the given dtype on the given device."""
    return _inputs.floating(name, value).to(dtype=_inputs.precision(dtype), device=device)


class GaussianMixture(Distribution):
    r"""A mixture of isotropic Gaussians.

    .. math:: p(x) = \sum_k w_k\, (2\pi s_k^2)^{-d/2} \exp\Big(-\frac{\|x-\mu_k\|^2}{2 s_k^2}\Big)

    Parameters
    ----------
    means : tensor, shape (modes,) on the line or (modes, d)
        Floating point; they set the dtype and device of the samples.
    stds : float or tensor, shape (modes,)
        Standard deviations :math:`s_k > 0`.
    weights : tensor, shape (modes,), optional
        Non-negative, with sum 1; by default, equal.

    Attributes
    ----------
    means : tensor, shape (modes,) or (modes, d)
    stds, weights : tensor, shape (modes,)

    Raises
    ------
    ValueError
        If a number is not finite, a standard deviation is not positive, or shapes do not match.

    See Also
    --------
    gaussian, gaussian_mixture, ring, grid : build one from plain numbers.

    Examples
    --------
    >>> mixture = GaussianMixture(torch.tensor([-1.0, 1.0]), 0.1)
    >>> mixture.mean, mixture.density(torch.tensor(1.0))
    (tensor(0.), tensor(1.9947))
    """

    def __init__(self, means, stds, weights=None):
        self.means = _inputs.floating("means", means)
        if self.means.ndim not in (1, 2) or not self.means.numel():
            raise ValueError(f"means must have shape (modes,) or (modes, d), not {_inputs.shape(self.means)}")
        modes, self.dtype, self.device = len(self.means), self.means.dtype, self.means.device
        like = dict(dtype=self.dtype, device=self.device)
        if not torch.isfinite(self.means).all():
            raise ValueError(f"means must be finite, not {self.means.tolist()}")
        self.stds = as_numbers("stds", stds, **like)
        if self.stds.ndim > 1 or self.stds.numel() not in (1, modes):
            raise ValueError(f"stds must be one number or {modes}, one per mode, not shape {_inputs.shape(self.stds)}")
        self.stds = self.stds.expand(modes)
        if not (torch.isfinite(self.stds) & (self.stds > 0)).all():
            raise ValueError(f"stds must be positive and finite, not {self.stds.tolist()}")
        if weights is None:
            weights = torch.full((modes,), 1 / modes, **like)
        self.weights = _inputs.distribution("weights", as_numbers("weights", weights, **like), 0)
        if self.weights.shape != (modes,):
            raise ValueError(f"weights must be {modes} numbers, one per mode, not shape {_inputs.shape(self.weights)}")
        self.event_shape = tuple(self.means.shape[1:])

    def to(self, device) -> "GaussianMixture":
        """Return this distribution on another device."""
        return GaussianMixture(self.means.to(device), self.stds.to(device), self.weights.to(device))

    def _draw(self, shape, generator):
        means = self.means.detach().cpu()
        total = math.prod(shape)
        mode = torch.multinomial(self.weights.detach().cpu(), max(total, 1), True, generator=generator)[:total]
        noise = torch.randn((total, *self.event_shape), dtype=self.dtype, generator=generator, device="cpu")
        x = means[mode] + self._stds_of_points().detach().cpu()[mode] * noise
        return x.reshape((*shape, *self.event_shape))

    def log_prob(self, x: torch.Tensor) -> torch.Tensor:
        r"""Return :math:`\log p(x)`, shape (...), at points x of shape (..., \*event_shape)."""
        x = _inputs.floating("x", x)
        if x.shape[x.ndim - len(self.event_shape) :] != self.event_shape:
            raise ValueError(f"x must have shape (..., {self.event_shape[0]}), not {_inputs.shape(x)}")
        away = (x[..., None, :] if self.event_shape else x[..., None]) - self.means
        away = away / self._stds_of_points()  # at once: squares of small and of large ones vanish and overflow
        squared = away.square().sum(-1) if self.event_shape else away.square()  # (..., modes)
        dimensions = math.prod(self.event_shape)
        height = self.weights.log() - dimensions * (self.stds.log() + math.log(2 * math.pi) / 2)
        return torch.logsumexp(height - squared / 2, -1)

    def density(self, x: torch.Tensor) -> torch.Tensor:
        r"""Return :math:`p(x)`, shape (...), at points x of shape (..., \*event_shape)."""
        return self.log_prob(x).exp()

    def landmarks(self) -> torch.Tensor:
        """Return points around every mode, on the line, that numerical integration must not miss."""
        return torch.cat([self.means + step * self.stds for step in (-8, -2, 0, 2, 8)])

    @property
    def support(self) -> constraints.Constraint:
        """Where the density is positive: everywhere."""
        return constraints.real_vector if self.event_shape else constraints.real

    @property
    def mean(self) -> torch.Tensor:
        """The expectation, shape event_shape."""
        return self.weights @ self.means

    @property
    def variance(self) -> torch.Tensor:
        """The variance of each coordinate, shape event_shape."""
        return self.stddev.square()

    @property
    def stddev(self) -> torch.Tensor:
        """The standard deviation of each coordinate, shape event_shape."""
        away = torch.hypot(self._stds_of_points(), self.means - self.mean)
        unit = away.detach().amax()  # so that no square vanishes or overflows
        return (self.weights @ (away / unit).square()).sqrt() * unit

    def _stds_of_points(self):
        """The standard deviations, in a shape that goes with the means."""
        return self.stds.reshape(-1, *(1 for _ in self.event_shape))


class Uniform(Distribution):
    """The uniform distribution on an interval of the line."""

    def __init__(self, low: float, high: float, *, dtype=torch.float64, device="cpu"):
        self.low, self.high = _inputs.interval("low and high", (low, high))
        self.dtype, self.device = _inputs.precision(dtype), torch.device(device)
        ends = torch.tensor([self.low, self.high, self.high - self.low], dtype=dtype)
        if not (ends.isfinite().all() and ends[0] < ends[1]):
            raise ValueError(f"low and high must differ, by a finite number, in {dtype}, unlike {low} and {high}")

    def _draw(self, shape, generator):
        unit = torch.rand(shape, dtype=self.dtype, generator=generator, device="cpu")
        return (self.low + (self.high - self.low) * unit).clamp(self.low, self.high)  # a rounding may go beyond

    def log_prob(self, x: torch.Tensor) -> torch.Tensor:
        """Return the log density at points x of any shape; minus infinity outside the interval."""
        x = _inputs.floating("x", x)
        inside = (x >= self.low) & (x <= self.high)
        return torch.full_like(x, -math.log(self.high - self.low)).where(inside, -math.inf)

    def density(self, x: torch.Tensor) -> torch.Tensor:
        """Return the density at points x of any shape."""
        return self.log_prob(x).exp()

    @property
    def support(self) -> constraints.Constraint:
        """The interval, where the density is positive."""
        return constraints.interval(self.low, self.high)

    @property
    def mean(self) -> torch.Tensor:
        """The expectation."""
        return torch.tensor(self.low + (self.high - self.low) / 2, dtype=self.dtype, device=self.device)

    @property
    def stddev(self) -> torch.Tensor:
        """The standard deviation."""
        return torch.tensor((self.high - self.low) / math.sqrt(12), dtype=self.dtype, device=self.device)


class Segment(Distribution):
    r"""The uniform distribution on the vertical segment :math:`\{\theta\}\times[0, 1]` of the plane.

    The segment has no area, so there is no density, and no ``log_prob``.
    """

    event_shape = (2,)

    def __init__(self, theta: float, *, dtype=torch.float64, device="cpu"):
        self.dtype, self.device = _inputs.precision(dtype), torch.device(device)
        self.theta = _inputs.finite("theta", theta)
        _inputs.finite(f"theta in {dtype}", torch.tensor(self.theta, dtype=dtype))

    def _draw(self, shape, generator):
        height = torch.rand(shape, dtype=self.dtype, generator=generator, device="cpu")
        return torch.stack([torch.full_like(height, self.theta), height], -1)
