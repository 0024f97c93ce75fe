r"""Toy distributions that can be drawn from and, where they have a density, know it.

They speak the language of `torch.distributions` (``sample``, ``log_prob``, ``mean``, ``stddev``, ``event_shape``), so
that either kind fits wherever a distribution is wanted; but they draw from an explicit generator, always on the CPU,
and then move, so that a seed means the same sample on every device.
"""

import math
from collections.abc import Sequence

import torch

from gantut import _inputs


class Distribution:
    """A probability distribution that can be drawn from.

    Attributes
    ----------
    event_shape : tuple of int
        () for distributions on the line, (d,) in d dimensions.
    dtype, device
        Of its samples.
    """

    event_shape: tuple[int, ...] = ()
    batch_shape: tuple[int, ...] = ()
    dtype: torch.dtype
    device: torch.device

    def sample(self, shape, *, generator: torch.Generator | None = None) -> torch.Tensor:
        """Draw independent points.

        Parameters
        ----------
        shape : int or tuple of int
            How many.
        generator : torch.Generator, optional
            On the CPU; by default torch's global one.

        Returns
        -------
        tensor, shape (\\*shape, \\*event_shape)
        """
        shape = tuple(shape) if isinstance(shape, Sequence) else (shape,)
        shape = tuple(_inputs.count("shape", size, least=0) for size in shape)
        _inputs.generator("generator", generator)
        return self._draw(shape, generator).to(self.device)

    def _draw(self, shape, generator):
        raise AttributeError(f"{type(self).__name__} cannot be drawn from")


def _numbers(name, value, *, dtype, device):
    """Numbers in any form as a tensor of the given dtype on the given device."""
    try:
        return torch.as_tensor(value, dtype=dtype, device=device)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"{name} must be numbers, not {value!r} ({error})") from None


class GaussianMixture(Distribution):
    r"""A mixture of round Gaussians.

    .. math:: p(x) = \sum_k w_k\, (2\pi s_k^2)^{-d/2} \exp\Big(-\frac{\|x-\mu_k\|^2}{2 s_k^2}\Big)

    Parameters
    ----------
    means : tensor, shape (modes,) on the line or (modes, d)
    scales : float or tensor, shape (modes,)
        Standard deviations :math:`s_k > 0`.
    weights : tensor, shape (modes,), optional
        Non-negative, total 1; by default equal.
    """

    def __init__(self, means, scales, weights=None):
        self.means = _inputs.floating("means", means)
        if self.means.ndim not in (1, 2) or not len(self.means):
            raise ValueError(f"means must have shape (modes,) or (modes, d), not {_inputs.shape(self.means)}")
        modes, self.dtype, self.device = len(self.means), self.means.dtype, self.means.device
        like = dict(dtype=self.dtype, device=self.device)
        if not torch.isfinite(self.means).all():
            raise ValueError(f"means must be finite, not {self.means.tolist()}")
        self.scales = _numbers("scales", scales, **like)
        if self.scales.ndim > 1 or self.scales.numel() not in (1, modes):
            raise ValueError(
                f"scales must be one number or {modes}, one a mode, not shape {_inputs.shape(self.scales)}"
            )
        self.scales = self.scales.expand(modes)
        if not (torch.isfinite(self.scales) & (self.scales > 0)).all():
            raise ValueError(f"scales must be positive and finite, not {self.scales.tolist()}")
        if weights is None:
            weights = torch.full((modes,), 1 / modes, **like)
        self.weights = _inputs.distribution("weights", _numbers("weights", weights, **like), 0)
        if self.weights.shape != (modes,):
            raise ValueError(f"weights must be {modes} numbers, one a mode, not shape {_inputs.shape(self.weights)}")
        self.event_shape = tuple(self.means.shape[1:])

    def to(self, device) -> "GaussianMixture":
        """Return the same distribution on another device."""
        return GaussianMixture(self.means.to(device), self.scales.to(device), self.weights.to(device))

    def _draw(self, shape, generator):
        means, scales = self.means.detach().cpu(), self.scales.detach().cpu()
        total = math.prod(shape)
        mode = torch.multinomial(self.weights.detach().cpu(), max(total, 1), True, generator=generator)[:total]
        noise = torch.randn((total, *self.event_shape), dtype=self.dtype, generator=generator)
        x = means[mode] + scales[mode].reshape(-1, *(1 for _ in self.event_shape)) * noise
        return x.reshape((*shape, *self.event_shape))

    def log_prob(self, x: torch.Tensor) -> torch.Tensor:
        r"""Return :math:`\log p(x)` at points x of shape (..., \*event_shape): shape (...)."""
        x = _inputs.floating("x", x)
        if x.shape[x.ndim - len(self.event_shape) :] != self.event_shape:
            raise ValueError(f"x must have shape (..., {self.event_shape[0]}), not {_inputs.shape(x)}")
        away = x[..., None] - self.means if not self.event_shape else x[..., None, :] - self.means
        squared = away.square() if not self.event_shape else away.square().sum(-1)  # (..., modes)
        dimensions = math.prod(self.event_shape)
        height = self.weights.log() - dimensions * (self.scales.log() + math.log(2 * math.pi) / 2)
        return torch.logsumexp(height - squared / (2 * self.scales.square()), -1)

    def density(self, x: torch.Tensor) -> torch.Tensor:
        r"""Return :math:`p(x)` at points x of shape (..., \*event_shape): shape (...)."""
        return self.log_prob(x).exp()

    def landmarks(self) -> torch.Tensor:
        """On the line: points around every mode, which numerical integration must not overlook."""
        return torch.cat([self.means + step * self.scales for step in (-8, -2, 0, 2, 8)])

    @property
    def mean(self) -> torch.Tensor:
        """The expectation, shape event_shape."""
        return self.weights @ self.means

    @property
    def variance(self) -> torch.Tensor:
        """The variance of each coordinate, shape event_shape."""
        spread = self.scales.square().reshape(-1, *(1 for _ in self.event_shape))
        return self.weights @ (spread + (self.means - self.mean).square())

    @property
    def stddev(self) -> torch.Tensor:
        """The standard deviation of each coordinate, shape event_shape."""
        return self.variance.sqrt()


class Uniform(Distribution):
    """The uniform distribution on an interval of the line."""

    def __init__(self, low: float, high: float, *, dtype=torch.float64, device="cpu"):
        self.low, self.high = _inputs.interval("low and high", (low, high))
        self.dtype, self.device = dtype, torch.device(device)

    def _draw(self, shape, generator):
        return self.low + (self.high - self.low) * torch.rand(shape, dtype=self.dtype, generator=generator)

    def log_prob(self, x: torch.Tensor) -> torch.Tensor:
        """Return the log density at points x of any shape; minus infinity outside."""
        x = _inputs.floating("x", x)
        inside = (x >= self.low) & (x <= self.high)
        return torch.full_like(x, -math.log(self.high - self.low)).where(inside, -math.inf)

    def density(self, x: torch.Tensor) -> torch.Tensor:
        """Return the density at points x of any shape."""
        return self.log_prob(x).exp()

    def landmarks(self) -> torch.Tensor:
        """The two jumps of the density."""
        return torch.tensor([self.low, self.high], dtype=self.dtype, device=self.device)

    @property
    def mean(self) -> torch.Tensor:
        """The expectation."""
        return torch.tensor((self.low + self.high) / 2, dtype=self.dtype, device=self.device)

    @property
    def stddev(self) -> torch.Tensor:
        """The standard deviation."""
        return torch.tensor((self.high - self.low) / math.sqrt(12), dtype=self.dtype, device=self.device)


class Segment(Distribution):
    r"""The uniform distribution on the upright segment :math:`\{\theta\}\times[0, 1]` of the plane.

    It has no density: the segment has no area. It therefore has no ``log_prob`` either.
    """

    event_shape = (2,)

    def __init__(self, theta: float, *, dtype=torch.float64, device="cpu"):
        self.theta, self.dtype, self.device = _inputs.finite("theta", theta), dtype, torch.device(device)

    def _draw(self, shape, generator):
        height = torch.rand(shape, dtype=self.dtype, generator=generator)
        return torch.stack([torch.full_like(height, self.theta), height], -1)


def gaussian(mean=0.0, scale=1.0, *, dtype=torch.float64, device="cpu") -> GaussianMixture:
    r"""The Gaussian :math:`N(\mu, s^2)` on the line, or the round one in d dimensions where `mean` has d entries."""
    like = dict(dtype=dtype, device=device)
    mean, scale = _numbers("mean", mean, **like), _numbers("scale", scale, **like)
    if scale.ndim:
        raise ValueError(f"scale must be one number, for a round Gaussian, not shape {_inputs.shape(scale)}")
    return GaussianMixture(mean[None], scale)


def gaussian_mixture(
    means: Sequence,
    scales: float | Sequence = 1.0,
    weights: Sequence | None = None,
    *,
    dtype=torch.float64,
    device="cpu",
) -> GaussianMixture:
    """A mixture of Gaussians on the line (means: numbers) or in d dimensions (means: points)."""
    like = dict(dtype=dtype, device=device)
    return GaussianMixture(_numbers("means", means, **like), _numbers("scales", scales, **like), weights)


def ring(
    modes: int = 8, *, radius: float = 2.0, scale: float = 0.1, dtype=torch.float64, device="cpu"
) -> GaussianMixture:
    """Equal round Gaussians, evenly spaced on a circle of the plane: the classic picture of mode collapse."""
    angles = 2 * math.pi * torch.arange(_inputs.count("modes", modes), dtype=dtype, device=device) / modes
    centres = _inputs.positive("radius", radius) * torch.stack([angles.cos(), angles.sin()], -1)  # (modes, 2)
    return GaussianMixture(centres, _inputs.positive("scale", scale))


def grid(
    side: int = 5, *, spacing: float = 1.0, scale: float = 0.05, dtype=torch.float64, device="cpu"
) -> GaussianMixture:
    """Equal round Gaussians on a square grid of the plane, side by side, centred at 0."""
    steps = torch.arange(_inputs.count("side", side), dtype=dtype, device=device) - (side - 1) / 2
    return GaussianMixture(
        _inputs.positive("spacing", spacing) * torch.cartesian_prod(steps, steps).reshape(-1, 2),
        _inputs.positive("scale", scale),
    )


def uniform(low: float = 0.0, high: float = 1.0, *, dtype=torch.float64, device="cpu") -> Uniform:
    """The uniform distribution on [low, high]."""
    return Uniform(low, high, dtype=dtype, device=device)


def parallel_lines(theta: float, *, dtype=torch.float64, device="cpu") -> tuple[Segment, Segment]:
    r"""Two upright segments of the plane, at :math:`0` and at :math:`\theta`, on which JS fails and W1 does not."""
    return Segment(0.0, dtype=dtype, device=device), Segment(theta, dtype=dtype, device=device)
