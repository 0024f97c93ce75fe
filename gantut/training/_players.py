"""What a player is made of, as plain data: a small network's architecture, and an optimizer."""

import dataclasses
import numbers
from dataclasses import dataclass

import torch

from gantut import _inputs, networks

OPTIMIZERS = ("adam", "rmsprop", "sgd")


@dataclass(frozen=True)
class Architecture:
    """The architecture of a multilayer perceptron; its input and output widths follow from the data.

    Attributes
    ----------
    hidden : tuple of int
        The widths of the hidden layers.
    activation : {"relu", "leaky-relu", "tanh", "silu"}
    output : {"linear", "tanh"}
        What is applied to the last layer.
    initialisation : {"uniform", "orthogonal"}
    gain : float
        By what the initial weights are multiplied.
    input_scale : float
        By what the input is multiplied.

    See Also
    --------
    gantut.networks.MLP : The network, and what each setting means.

    Examples
    --------
    >>> Architecture(hidden=(128, 128), activation="leaky-relu").hidden
    (128, 128)
    """

    hidden: tuple[int, ...] = (64, 64)
    activation: str = "relu"
    output: str = "linear"
    initialisation: str = "uniform"
    gain: float = 1.0
    input_scale: float = 1.0

    def __post_init__(self):
        if not isinstance(self.hidden, tuple | list):
            raise ValueError(f"hidden must be a tuple of widths, such as (64, 64), not {self.hidden!r}")
        object.__setattr__(self, "hidden", tuple(_inputs.count("hidden", width) for width in self.hidden))
        _inputs.one_of("activation", self.activation, tuple(networks.ACTIVATIONS))
        _inputs.one_of("output", self.output, tuple(networks.OUTPUTS))
        _inputs.one_of("initialisation", self.initialisation, networks.INITIALISATIONS)
        _inputs.positive("gain", self.gain)
        _inputs.positive("input_scale", self.input_scale)

    def build(self, inputs: int, outputs: int, *, members: int, seed: int, device, **tricks) -> networks.MLP:
        """Return the network; `tricks` are further settings of `gantut.networks.MLP`."""
        settings = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name != "hidden"}
        widths = [inputs, *self.hidden, outputs]
        return networks.MLP(widths, members=members, seed=seed, device=device, **settings, **tricks)


@dataclass(frozen=True)
class Optimizer:
    """An optimizer of `torch.optim` and its settings.

    Attributes
    ----------
    name : {"adam", "rmsprop", "sgd"}
    lr : float
        The learning rate.
    betas : (float, float)
        Of Adam.
    momentum : float
        Of SGD and RMSProp.

    References
    ----------
    Kingma and Ba (2015) for Adam; Tieleman and Hinton (2012) for RMSProp.

    Examples
    --------
    >>> layer = torch.nn.Linear(2, 1)
    >>> optimizer = Optimizer("rmsprop", lr=5e-5).build(list(layer.parameters()))
    >>> type(optimizer).__name__, optimizer.param_groups[0]["lr"]
    ('RMSprop', 5e-05)
    """

    name: str = "adam"
    lr: float = 2e-4
    betas: tuple[float, float] = (0.5, 0.999)
    momentum: float = 0.0

    def __post_init__(self):
        _inputs.one_of("optimizer", self.name, OPTIMIZERS)
        _inputs.positive("lr", self.lr)
        if not isinstance(self.betas, tuple | list) or len(self.betas) != 2:
            raise ValueError(f"betas must be two numbers in [0, 1), not {self.betas!r}")
        object.__setattr__(self, "betas", tuple(fraction("betas", beta) for beta in self.betas))
        fraction("momentum", self.momentum)

    def build(self, parameters: list[torch.Tensor]) -> torch.optim.Optimizer:
        """Return the optimizer of these parameters."""
        capturable = parameters[0].device.type != "cpu"  # counts steps on the device, which nobody then waits for
        if self.name == "adam":
            return torch.optim.Adam(parameters, lr=self.lr, betas=self.betas, fused=True, capturable=capturable)
        if self.name == "rmsprop":
            return torch.optim.RMSprop(
                parameters, lr=self.lr, alpha=0.99, momentum=self.momentum, foreach=True, capturable=capturable
            )
        return torch.optim.SGD(parameters, lr=self.lr, momentum=self.momentum, fused=True)


def fraction(name, value):
    """Require a number in [0, 1)."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not 0 <= value < 1:
        raise ValueError(f"{name} must be in [0, 1), not {value!r}")
    return float(value)
