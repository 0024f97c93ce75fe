"""Tricks as plain data, and what each of them requires of networks and data: lesson 8 derives them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from gantut import _inputs
from gantut.training._streams import noise_stream

SCHEDULES = {
    "constant": lambda share: 1.0,
    "linear": lambda share: 1 - share,
    "cosine": lambda share: (1 + math.cos(math.pi * share)) / 2,
}
NETWORKS = ("generator", "critic", "both")


@dataclass(frozen=True)
class MinibatchDiscrimination:
    """A critic that sees how close a sample is to its batch; see `gantut.networks.MinibatchLayer`.

    Attributes
    ----------
    kernels : int
        The number B of similarities that the last hidden layer gets beside its own features.
    dimension : int
        The number C of coordinates that each compares.

    See Also
    --------
    gantut.networks.MinibatchLayer : The layer that the critic then has.

    References
    ----------
    Salimans et al. (2016), section 3.2; lesson 8.

    Examples
    --------
    >>> MinibatchDiscrimination(kernels=16)
    MinibatchDiscrimination(kernels=16, dimension=4)
    """

    kernels: int = 8
    dimension: int = 4

    def __post_init__(self):
        _inputs.count("kernels", self.kernels)
        _inputs.count("dimension", self.dimension)


@dataclass(frozen=True)
class InstanceNoise:
    r"""Gaussian noise on all samples, real and generated, before the critic sees them.

    .. math:: x + \sigma_t\,\varepsilon, \qquad \sigma_t = \sigma\,s\big(t / (u\,T)\big) \text{ in step }
       t = 0, 1, \dots \text{ of } T, \quad 0 \text{ from } t = u\,T \text{ on}

    Attributes
    ----------
    scale : float
        The standard deviation :math:`\sigma` at the beginning, in the units of the data.
    schedule : {"linear", "cosine", "constant"}
        How it fades: :math:`s(r) = 1 - r`, :math:`(1 + \cos\pi r)/2`, or 1.
    until : float
        The fraction u of all steps after which there is none, at most 1.

    References
    ----------
    Arjovsky and Bottou (2017), section 3; Sønderby et al. (2017), section 2.5, for noise that fades; lesson 8.

    Examples
    --------
    >>> noise = InstanceNoise(0.5, until=0.5)
    >>> [noise.scale_at(done, steps=100) for done in (0, 25, 50)]
    [0.5, 0.25, 0.0]
    """

    scale: float
    schedule: str = "linear"
    until: float = 1.0

    def __post_init__(self):
        _inputs.positive("scale", self.scale)
        _inputs.one_of("schedule", self.schedule, tuple(SCHEDULES))
        if _inputs.positive("until", self.until) > 1:
            raise ValueError(f"until must be a fraction of all steps, at most 1, not {self.until!r}")

    def scale_at(self, done: int, steps: int) -> float:
        """Return the standard deviation in the step after `done` of `steps` steps."""
        share = done / (self.until * steps)
        return self.scale * SCHEDULES[self.schedule](share) if share < 1 else 0.0

    @property
    def fades(self) -> bool:
        """Whether the noise of a step depends on how many steps there are."""
        return self.schedule != "constant" or self.until < 1


def set_references(config, data, generator: nn.Module, critic: nn.Module, device) -> None:
    """Give networks with virtual batch normalisation their reference batches, as large as a batch.

    The generator's are noise, the critic's real samples, drawn once from random numbers of their own.
    """
    if config.normalisation("generator") == "virtual-batch":
        shape = (config.batch_size, config.latent_dim)
        generator.set_reference(noise_stream(config.noise, shape, config.seeds("reference noise"), device).next())
    if config.normalisation("critic") == "virtual-batch":
        stream = data.stream(1, config.batch_size, config.seeds("reference data"), device)
        critic.set_reference(stream.next()[:, 0])


def require_layers(config, generator: nn.Module, critic: nn.Module) -> None:
    """Require that networks have the layers that tricks ask for: those of a caller's own may have none.

    Raises
    ------
    ValueError
    """
    for name, network in (("generator", generator), ("critic", critic)):
        wanted = config.normalisation(name)
        if wanted and getattr(network, "normalisation", None) != wanted:
            raise ValueError(
                f"{wanted.replace('-', '_')}_norm must be None with a {name} of your own, or the {name} an MLP with "
                f"normalisation={wanted!r}: a {type(network).__name__} brings its own layers"
            )
    if config.minibatch_discrimination and not getattr(critic, "minibatch", None):
        raise ValueError(
            "minibatch_discrimination must be None with a critic of your own, or the critic have a MinibatchLayer "
            f"called `minibatch`: a {type(critic).__name__} has none"
        )


def checked_labelled(labelled, config, event: tuple[int, ...], device) -> tuple[torch.Tensor, torch.Tensor] | None:
    r"""Return labelled samples (members, n, \*event) and their labels (members, n), or None.

    Raises
    ------
    ValueError
        If they do not go together with each other, the data and the game.
    """
    if labelled is None:
        return None
    if not isinstance(labelled, Sequence) or len(labelled) != 2:
        raise ValueError(f"labelled must be two tensors, samples and their labels, not {type(labelled).__name__}")
    x, y = _inputs.floating("labelled[0]", labelled[0]).float(), _inputs.class_labels("labelled[1]", labelled[1])
    members = config.members
    if y.ndim > 2 or tuple(x.shape) != (*y.shape, *event):
        raise ValueError(
            f"labelled must have samples of shape (n, {', '.join(map(str, event))}) and labels of shape (n,), or both "
            f"with a leading axis of {members} members, not {_inputs.shape(x)} and {_inputs.shape(y)}"
        )
    if y.ndim == 2 and len(y) != members:
        raise ValueError(f"labelled must have {members} members, not {len(y)}")
    _inputs.finite_entries("labelled[0]", x)
    if y.max() < 1:
        raise ValueError("labelled must have labels of at least two classes, but all are 0")
    _require_game_of_classes(config)
    if y.ndim == 1:
        x, y = x.expand(members, *x.shape), y.expand(members, -1)
    return x.to(device), y.to(device)


def _require_game_of_classes(config):
    if not config.game.classifies:
        raise ValueError(
            f"labelled must be None with {config.game.name!r}, whose score is no logit of a probability: use an "
            "objective that classifies, such as 'non-saturating'"
        )
    if config.penalised:
        raise ValueError("labelled must be None with a gradient penalty, which looks at one score, not at K")
    if config.unrolled:
        raise ValueError("labelled must be None with unrolled steps, which leave the labels out")
