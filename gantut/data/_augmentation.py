r"""Differentiable augmentation: random changes of the images that a critic sees, for small training sets.

.. math:: \text{critic: down } L_D\big(T(x), T(G(z))\big), \qquad \text{generator: down } L_G\big(T(G(z))\big)

A critic soon memorises 400 images. If it only ever sees them through random changes T, there is more to learn. If T is
applied to generated images as well, and lets the gradient through to the generator, the generator does not learn to
imitate the changes: for invertible T, :math:`T(x)` and :math:`T(G(z))` have the same distribution if and only if x and
G(z) do.

All functions are pure: they take images and random numbers, U[0, 1), a few for each image.
"""

from dataclasses import dataclass

import torch

from gantut import _inputs

ORDER = ("mirror", "colour", "translate", "cutout")  # of the changes, and of their random numbers
TINY = 1e-9
NUMBERS = {"mirror": 1, "colour": 3, "translate": 2, "cutout": 2}  # that each change takes per image


@dataclass(frozen=True)
class Augmentation:
    """Random changes of images, as plain data; by default, nothing is changed.

    Parameters
    ----------
    mirror : bool
        Whether to swap left and right, with probability 1/2.
    colour : float
        How strongly brightness, saturation and contrast change, from 0 (not at all) to 1 (as in the paper).
    translate : float
        Images are shifted by whole pixels, up or down and left or right, by at most this fraction of the side; the
        paper has 1/8.
    cutout : float
        A square whose side is this fraction of the image's is hidden; the paper has 1/2.
    fill : float
        The value where there is no image: 0 in the paper, which is grey; use -1 for images with opacity.
    cutout_share : float
        The share of the images in which a square is hidden, chosen at random; the paper has 1, all of them.

    Raises
    ------
    ValueError
        If a number is not finite, or a fraction does not lie in [0, 1].

    References
    ----------
    Zhao et al. (2020), "Differentiable augmentation for data-efficient GAN training", section 3; lesson 14.

    Examples
    --------
    >>> augmentation = Augmentation(translate=0.125, mirror=True)
    >>> images = torch.zeros(1, 5, 3, 32, 32)
    >>> distribution, shape = augmentation.draws((3, 32, 32))
    >>> augmentation.apply(images, torch.rand(1, 5, *shape)).shape
    torch.Size([1, 5, 3, 32, 32])
    """

    mirror: bool = False
    colour: float = 0.0
    translate: float = 0.0
    cutout: float = 0.0
    fill: float = 0.0
    cutout_share: float = 1.0

    def __post_init__(self):
        _inputs.one_of("mirror", self.mirror, (True, False))
        for name in ("colour", "translate", "cutout", "cutout_share"):
            value = _inputs.finite(name, getattr(self, name))
            if not 0 <= value <= 1:
                raise ValueError(f"{name} must lie in [0, 1], not {value!r}")
        _inputs.finite("fill", self.fill)

    @property
    def changes(self) -> tuple[str, ...]:
        """The names of the changes, in order."""
        return tuple(name for name in ORDER if getattr(self, name))

    def draws(self, event: tuple[int, ...], *, gated: bool = False) -> tuple[str, tuple[int, ...]]:
        """Return the distribution and shape of the random numbers that :meth:`apply` takes for an image.

        Parameters
        ----------
        event : tuple of int
            The shape of an image, (channels, height, width).
        gated : bool
            Whether each change is made with a probability, which takes one number more for each.

        Returns
        -------
        str
            "unit", for U[0, 1).
        tuple of int
            The shape.

        Raises
        ------
        ValueError
            If `event` is not the shape of an image, or `colour` is set for images with opacity.
        """
        if len(event) != 3:
            raise ValueError(f"event must be the shape of an image, (channels, height, width), not {tuple(event)}")
        if self.colour and event[0] not in (1, 3):
            raise ValueError(
                f"colour must be 0 for images of {event[0]} channels, not {self.colour}: colours can be changed for "
                "grey (1) and for red, green and blue (3), but not with opacity (4)"
            )
        return "unit", (sum(NUMBERS[name] + gated for name in self.changes),)

    def apply(self, x: torch.Tensor, draws: torch.Tensor, probability: torch.Tensor | None = None) -> torch.Tensor:
        r"""Return changed images; gradients flow through to x.

        Parameters
        ----------
        x : tensor, shape (members, batch, channels, height, width)
        draws : tensor, shape (members, batch, numbers)
            Random numbers as :meth:`draws` describes, independent for each image.
        probability : tensor, shape (members,), optional
            With which each change is made, independently of the others and for each image; by default all are made.

        Returns
        -------
        tensor, shape (members, batch, channels, height, width)

        Raises
        ------
        ValueError
            If a shape does not match.
        """
        if x.ndim != 5:
            raise ValueError(f"x must have shape (members, batch, channels, height, width), not {_inputs.shape(x)}")
        gated = probability is not None
        expected = (*x.shape[:2], *self.draws(tuple(x.shape[2:]), gated=gated)[1])
        if tuple(draws.shape) != expected:
            raise ValueError(f"draws must have shape {expected}, not {_inputs.shape(draws)}")
        parts = draws.split([NUMBERS[name] + gated for name in self.changes], -1)
        for name, part in zip(self.changes, parts, strict=True):
            numbers = part.unbind(-1)
            changed = getattr(self, f"_{name}")(x, *numbers[: NUMBERS[name]])
            x = torch.where(_beside(numbers[-1] < probability[:, None], x), changed, x) if gated else changed
        return x

    def _mirror(self, x, whether):
        return mirrored(x, whether < 0.5)

    def _colour(self, x, brightness, saturation, contrast):
        s = self.colour
        return recoloured(x, s * (brightness - 0.5), 1 + s * (2 * saturation - 1), 1 + s * (contrast - 0.5))

    def _translate(self, x, down, right):
        height, width = x.shape[-2:]
        farthest = (round(self.translate * height), round(self.translate * width))
        steps = [_one_of(2 * far + 1, u) - far for far, u in zip(farthest, (down, right), strict=True)]
        return translated(x, *steps, fill=self.fill)

    def _cutout(self, x, top, left):
        hidden = [round(self.cutout * side) for side in x.shape[-2:]]
        # Its centre is drawn, so the square may stick out; with an even side, the centre lies between pixels.
        places = [side + 1 - part % 2 for side, part in zip(x.shape[-2:], hidden, strict=True)]
        where = (top / max(self.cutout_share, TINY), left)  # if top is below the share, uniform again
        first = [_one_of(n, u) - part // 2 for n, u, part in zip(places, where, hidden, strict=True)]
        changed = cut_out(x, *first, *hidden, fill=self.fill)
        return changed if self.cutout_share == 1 else torch.where(_beside(top < self.cutout_share, x), changed, x)


def mirrored(x: torch.Tensor, which: torch.Tensor) -> torch.Tensor:
    """Return images (..., height, width), left and right swapped where `which`, shape (members, batch), is true."""
    return torch.where(_beside(which, x), x.flip(-1), x)


def recoloured(
    x: torch.Tensor, brightness: torch.Tensor, saturation: torch.Tensor, contrast: torch.Tensor
) -> torch.Tensor:
    r"""Return images with changed brightness, saturation and contrast, in this order.

    .. math:: x + b, \qquad \bar x_c + s\,(x - \bar x_c), \qquad \bar x + k\,(x - \bar x)

    with the mean :math:`\bar x_c` over the channels of each pixel, and the mean :math:`\bar x` over an image.

    Parameters
    ----------
    x : tensor, shape (members, batch, channels, height, width)
    brightness, saturation, contrast : tensors, shape (members, batch)
        The numbers b, s and k.
    """
    x = x + _beside(brightness, x)
    grey = x.mean(2, keepdim=True)
    x = torch.lerp(grey, x, _beside(saturation, x))
    mean = x.mean((2, 3, 4), keepdim=True)
    return torch.lerp(mean, x, _beside(contrast, x))


def translated(x: torch.Tensor, down: torch.Tensor, right: torch.Tensor, *, fill: float = 0.0) -> torch.Tensor:
    r"""Return images shifted by whole pixels.

    .. math:: x'_{ij} = x_{i - d,\,j - r} \text{ if there is such a pixel}, \qquad \text{fill elsewhere}

    Parameters
    ----------
    x : tensor, shape (members, batch, channels, height, width)
    down, right : tensors of integers, shape (members, batch)
        The steps d and r, which may be negative.
    fill : float
    """
    height, width = x.shape[-2:]
    rows, columns = _origins(height, down), _origins(width, right)  # (members, batch, height), (members, batch, width)
    inside = _within(rows, height)[..., None] & _within(columns, width)[..., None, :]
    moved = x.gather(3, rows.clamp(0, height - 1)[:, :, None, :, None].expand_as(x))
    moved = moved.gather(4, columns.clamp(0, width - 1)[:, :, None, None, :].expand_as(x))
    return torch.where(inside[:, :, None], moved, fill)


def cut_out(
    x: torch.Tensor, top: torch.Tensor, left: torch.Tensor, height: int, width: int, *, fill: float = 0.0
) -> torch.Tensor:
    """Return images with `fill` in a rectangle, as far as it lies inside.

    Parameters
    ----------
    x : tensor, shape (members, batch, channels, rows, columns)
    top, left : tensors of integers, shape (members, batch)
        The first row and column of the rectangle, which may be negative.
    height, width : int
        Of the rectangle.
    fill : float
    """
    rows, columns = _origins(x.shape[-2], top), _origins(x.shape[-1], left)
    hidden = _within(rows, height)[..., None] & _within(columns, width)[..., None, :]
    return torch.where(hidden[:, :, None], fill, x)


def _one_of(n, u):
    """Return integers from 0 to n - 1, equally likely, given u from U[0, 1)."""
    return (u * n).long().clamp(max=n - 1)  # u * n may be rounded up to n


def _origins(side, step):
    """Return where each of `side` pixels comes from if all move by `step`, shape (members, batch, side)."""
    return torch.arange(side, device=step.device) - step[..., None]


def _within(places, side):
    return (places >= 0) & (places < side)


def _beside(numbers, x):
    """Return one number per image, shape (members, batch), in a shape that broadcasts with images x."""
    return numbers.reshape(*numbers.shape, *(1 for _ in x.shape[numbers.ndim :]))
