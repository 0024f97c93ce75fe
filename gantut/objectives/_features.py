"""Feature matching: a generator that is to have the statistics of real features, in place of fooling the critic."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from gantut import _inputs


def _mean(real, fake):
    return (real.mean(-2) - fake.mean(-2)).square().sum(-1)


def _mean_and_std(real, fake):
    return _mean(real, fake) + (real.std(-2, correction=0) - fake.std(-2, correction=0)).square().sum(-1)


def _moments(real, fake):
    return _mean(real, fake) + _mean(real.square(), fake.square())


def _discrepancy(real, fake):
    return _similarity(real, real) - 2 * _similarity(real, fake) + _similarity(fake, fake)


def _similarity(x, y):
    """The mean of the cubic kernel over all pairs."""
    return (x @ y.transpose(-1, -2) / x.shape[-1] + 1).pow(3).mean((-2, -1))


STATISTICS: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "mean": _mean,
    "mean+std": _mean_and_std,
    "moments": _moments,
    "mmd": _discrepancy,
}


Features = torch.Tensor | tuple[torch.Tensor, ...]


def feature_matching_loss(
    real_features: Features, fake_features: Features, *, statistics: str = "mean"
) -> torch.Tensor:
    r"""The squared distance between statistics of the features of real and of generated samples.

    .. math:: \big\|\mathbb E_{p_r}h(x) - \mathbb E_{p_g}h(x)\big\|^2

    Parameters
    ----------
    real_features, fake_features : tensors, shape (..., batch, features), or tuples of such, one for each layer
        What the critic's hidden layers give, :math:`h(x)`. The gradient flows through those of the generated samples
        only. For several layers the distances are added.
    statistics : {"mean", "mean+std", "moments", "mmd"}
        What is compared: means; means and standard deviations of every feature; means and mean squares; or, with the
        kernel :math:`k(h, h') = (h\cdot h'/d + 1)^3`, the squared maximum mean discrepancy of the two batches (each
        sample paired with itself, too), which sees all moments up to the third.

    Returns
    -------
    tensor, shape (...)

    Raises
    ------
    ValueError
        If there are no such statistics, no samples, or real and generated samples have not the same layers of features.

    See Also
    --------
    FeatureMatching : The same as a setting of a training run.

    References
    ----------
    Salimans et al. (2016), section 3.1; Li et al. (2015), equation 3, for the discrepancy; lesson 8.

    Examples
    --------
    >>> real, fake = torch.tensor([[0.0, 0.0], [2.0, 0.0]]), torch.tensor([[0.0, 3.0], [0.0, 1.0]])
    >>> feature_matching_loss(real, fake)  # the means are (1, 0) and (0, 2)
    tensor(5.)
    """
    distance = STATISTICS[_inputs.one_of("statistics", statistics, tuple(STATISTICS))]
    real, fake = _layers("real_features", real_features), _layers("fake_features", fake_features)
    widths = [[h.shape[-1] for h in layers] for layers in (real, fake)]
    if widths[0] != widths[1]:
        raise ValueError(f"real_features and fake_features must have the same widths, not {widths[0]} and {widths[1]}")
    for own, other in zip(real, fake, strict=True):
        _inputs.broadcast(**{"the axes of real_features": own[..., 0, 0], "of fake_features": other[..., 0, 0]})
    return sum(distance(own.detach(), other) for own, other in zip(real, fake, strict=True))


def _layers(name, features):
    """Return features as a tuple of tensors (..., batch, features), one for each layer."""
    layers = tuple(features) if isinstance(features, tuple | list) else (features,)
    for h in layers or (None,):
        if not isinstance(h, torch.Tensor) or not h.is_floating_point() or h.ndim < 2 or 0 in h.shape[-2:]:
            given = f"{h.dtype} of shape {_inputs.shape(h)}" if isinstance(h, torch.Tensor) else type(h).__name__
            raise ValueError(f"{name} must be floating point of shape (..., batch, features), no size 0, not {given}")
    return layers


@dataclass(frozen=True)
class FeatureMatching:
    r"""Have the generator match features of the critic; see :func:`feature_matching_loss`.

    Attributes
    ----------
    layers : tuple of int
        Which hidden layers of the critic, counted from 0 or, backwards, from -1.
    statistics : {"mean", "mean+std", "moments", "mmd"}
    weight : float
        Positive; what the loss is multiplied by.
    added : bool
        Whether it is added to the generator's own loss; otherwise it takes its place, as in the paper.

    See Also
    --------
    feature_matching_loss

    References
    ----------
    Salimans et al. (2016), section 3.1; lesson 8.

    Examples
    --------
    >>> FeatureMatching(weight=2.0).loss(torch.zeros(4, 1), torch.ones(4, 1))
    tensor(2.)
    """

    layers: tuple[int, ...] = (-1,)
    statistics: str = "mean"
    weight: float = 1.0
    added: bool = False

    def __post_init__(self):
        whole = isinstance(self.layers, tuple | list) and all(type(layer) is int for layer in self.layers)
        if not whole or not self.layers or len(set(self.layers)) < len(self.layers):
            raise ValueError(f"layers must be different whole numbers, such as (0, -1), not {self.layers!r}")
        object.__setattr__(self, "layers", tuple(self.layers))
        _inputs.one_of("statistics", self.statistics, tuple(STATISTICS))
        _inputs.positive("weight", self.weight)
        _inputs.one_of("added", self.added, (True, False))

    def loss(self, real_features: Features, fake_features: Features) -> torch.Tensor:
        """Return the weighted :func:`feature_matching_loss` of these settings."""
        return self.weight * feature_matching_loss(real_features, fake_features, statistics=self.statistics)
