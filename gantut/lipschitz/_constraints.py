"""Constraints on a critic, as plain data that says when it acts and what it needs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from gantut import _inputs
from gantut.device import draw_noise
from gantut.lipschitz._penalty import NOISES, PLACES, perturb, points_on_lines
from gantut.lipschitz._scores import layout, penalty_at, require_module, require_separate_samples
from gantut.lipschitz._weights import clip_, project_spectral_norm_, weight_matrices

AT_BOUND = 0.99  # of the bound: a parameter beyond this counts as clipped


@dataclass(frozen=True)
class Constraint:
    """A constraint on the critic: subclass it to write your own.

    A loop calls :meth:`require` once, adds :meth:`loss_term` to the critic's loss in each step, and calls
    :meth:`after_step` after each step. What else it may need to know is in the attributes.

    Attributes
    ----------
    name : str
        By which :func:`constraint` and files know it.
    separate_samples : bool
        Whether the critic must score each sample by itself.
    whole_batch : bool
        Whether it looks at the whole batch, which processes that share a batch do not see.
    waits_for_device : bool
        Whether the host has to read values, so that a step cannot be captured in a CUDA graph.
    every : int
        In every how many steps of the critic :meth:`loss_term` is added; a loop leaves it out in the others.
    projected : function of a tensor, or None
        Parameters as :meth:`after_step` would leave them, differentiably, where that is all that there is to this
        constraint: then a generator can look ahead past the critic's next steps.

    Examples
    --------
    >>> critic = torch.nn.Linear(2, 1)
    >>> constraint = Clip(0.01)
    >>> constraint.loss_term(critic, torch.zeros(4, 2), torch.ones(4, 2)) is None
    True
    >>> constraint.after_step(critic)
    >>> bool(critic.weight.abs().max() <= 0.01)
    True
    """

    name: ClassVar[str]
    separate_samples: ClassVar[bool] = False
    whole_batch: ClassVar[bool] = False
    waits_for_device: ClassVar[bool] = False
    every = 1  # not annotated: a subclass may have it as a setting, in its own place
    projected: ClassVar[Callable | None] = None

    def require(self, critic: nn.Module, x: torch.Tensor) -> None:
        r"""Check that a critic can be held to this constraint.

        Parameters
        ----------
        critic : Module
        x : tensor, shape (batch, \*event) or (members, batch, \*event)
            Some samples.

        Raises
        ------
        ValueError
            If it cannot.
        """
        require_module(critic)
        if self.separate_samples:
            require_separate_samples(critic, x)

    def draws(self, event: tuple[int, ...]) -> tuple[str, tuple[int, ...]] | None:
        """Return what random numbers :meth:`loss_term` takes for a sample: their distribution, and their shape.

        Parameters
        ----------
        event : tuple of int
            The shape of a sample.

        Returns
        -------
        (str, tuple of int), or None
            "unit" for U[0, 1], "uniform" for U[-1, 1], "gaussian" for N(0, 1); and () for one number a sample, or
            `event` for one a coordinate. None where it takes none.
        """
        return None

    def loss_term(
        self, critic: nn.Module, real: torch.Tensor, fake: torch.Tensor,
        generator: torch.Generator | torch.Tensor | None = None,
    ) -> torch.Tensor | None:  # fmt: skip
        r"""Return what is added to the critic's loss, shape () or (members,), or None.

        Parameters
        ----------
        critic : Module
        real, fake : tensors, shape (batch, \*event) or (members, batch, \*event)
        generator : torch.Generator, tensor or None
            Where random numbers come from: a generator, the global one (None), or these numbers themselves, as
            :meth:`draws` describes them, with the axes of the batch before.
        """
        return None

    def after_step(self, critic: nn.Module) -> None:
        """Change the critic's parameters in place, after a step of its optimizer."""

    def saturation(self, critic: nn.Module) -> float | None:
        """Return the share of the critic's parameters that a bound holds in place; None where there is no bound."""
        return None

    def excess(self, term: torch.Tensor) -> torch.Tensor | None:
        """Return the root mean square of what :meth:`loss_term` punishes, from its value; None where it has none."""
        return None


@dataclass(frozen=True)
class Clip(Constraint):
    r"""Keep every parameter of the critic in :math:`[-c, c]` (Arjovsky et al. 2017, Algorithm 1; lesson 11).

    Attributes
    ----------
    bound : float
        The bound c > 0.

    See Also
    --------
    clip_

    Examples
    --------
    >>> critic = torch.nn.Linear(1, 1, bias=False)
    >>> _ = critic.weight.data.fill_(3.0)
    >>> Clip(0.5).after_step(critic)
    >>> critic.weight.item()
    0.5
    """

    bound: float = 0.01
    name: ClassVar[str] = "clip"

    def __post_init__(self):
        _inputs.positive("bound", self.bound)

    def after_step(self, critic):
        """Clamp all parameters that are trained."""
        clip_([parameter for parameter in critic.parameters() if parameter.requires_grad], self.bound)

    def projected(self, values):
        """Return the values clamped."""
        return values.clamp(-self.bound, self.bound)

    def saturation(self, critic):
        """Return the share of parameters within 1% of a bound."""
        values = torch.cat([p.detach().flatten() for p in critic.parameters() if p.requires_grad])
        return (values.abs() >= AT_BOUND * self.bound).float().mean().item()


@dataclass(frozen=True)
class SpectralNorm(Constraint):
    r"""Keep the largest singular value of every weight matrix at most K: the steepness of each layer.

    .. math:: W \leftarrow \frac{W}{\max(1, \sigma_1(W) / K)} \qquad\text{after each step of the critic}

    An MLP of L layers with activations of slope at most 1 is then :math:`K^L`-Lipschitz. The singular value is exact;
    biases stay free.

    Attributes
    ----------
    bound : float
        The bound K > 0.

    Notes
    -----
    This is a projection, as clipping is, and differs from the reparametrisation of Miyato et al. (2018) in three ways.
    There the forward pass divides by :math:`\sigma_1(W)`, so that every matrix has norm 1 exactly; here a matrix of
    smaller norm is left as it is. There the gradient knows of the division; here the optimizer steps freely, and is
    put back. There :math:`\sigma_1` comes from one step of a power iteration, is too small at first, and the vector of
    the iteration is one more thing to save; here nothing but the weights needs to be kept.

    See Also
    --------
    project_spectral_norm_ : The projection itself.

    Examples
    --------
    >>> critic = torch.nn.Linear(2, 1, bias=False)
    >>> _ = critic.weight.data.copy_(torch.tensor([[3.0, 4.0]]))  # of norm 5
    >>> SpectralNorm(1.0).after_step(critic)
    >>> critic.weight.data
    tensor([[0.6000, 0.8000]])

    References
    ----------
    Gouk et al. (2021), "Regularisation of neural networks by enforcing Lipschitz continuity", section 4, for the
    projection; Miyato et al. (2018) for the reparametrisation; lesson 13.
    """

    bound: float = 1.0
    name: ClassVar[str] = "spectral-norm"
    waits_for_device: ClassVar[bool] = True

    def __post_init__(self):
        _inputs.positive("bound", self.bound)

    def require(self, critic, x):
        """Require a critic whose slope its weight matrices bound."""
        super().require(critic, x)
        weight_matrices(critic)

    def after_step(self, critic):
        """Project all weight matrices."""
        project_spectral_norm_(weight_matrices(critic), self.bound)


@dataclass(frozen=True)
class GradientPenalty(Constraint):
    r"""Punish gradients whose norm is not 1, at points near real and generated samples.

    .. math:: \lambda\,\mathbb E_{\hat x}\big(\lVert\nabla_x f(\hat x)\rVert - 1\big)^2
       \qquad\text{or, one-sided,}\qquad
       \lambda\,\mathbb E_{\hat x}\max\big(0, \lVert\nabla_x f(\hat x)\rVert - 1\big)^2

    Attributes
    ----------
    weight : float
        The factor :math:`\lambda > 0`.
    one_sided : bool
        Only norms above 1 are punished: WGAN-LP instead of WGAN-GP.
    where : {"lines", "data"}
        The points :math:`\hat x`: on straight lines between real and generated samples (:func:`interpolate`), or real
        samples moved at random, as in DRAGAN (:func:`perturb`).
    noise : {"uniform", "gaussian"}
        How those move, in every coordinate: by U[-1, 1] or N(0, 1), times `spread` standard deviations of the data.
    spread : float
        Positive; DRAGAN has 1/2.

    References
    ----------
    Gulrajani et al. (2017), Algorithm 1; Petzka et al. (2018), equation 8; Kodali et al. (2017), section 3.3;
    lesson 13.

    See Also
    --------
    gradient_penalty, gradient_penalty_at

    Examples
    --------
    >>> critic = torch.nn.Linear(2, 1)
    >>> _ = critic.weight.data.copy_(torch.tensor([[3.0, 4.0]]))
    >>> GradientPenalty().loss_term(critic, torch.zeros(8, 2), torch.ones(8, 2)).item()  # 10 (5 - 1)^2
    160.0
    """

    weight: float = 10.0
    one_sided: bool = False
    where: str = "lines"
    noise: str = "uniform"
    spread: float = 0.5
    name: ClassVar[str] = "gradient-penalty"
    separate_samples: ClassVar[bool] = True

    def __post_init__(self):
        _inputs.positive("weight", self.weight)
        _inputs.one_of("one_sided", self.one_sided, (True, False))
        _inputs.one_of("where", self.where, PLACES)
        _inputs.one_of("noise", self.noise, NOISES)
        _inputs.positive("spread", self.spread)

    @property
    def whole_batch(self) -> bool:
        """Around the data, where the noise is as wide as the whole batch."""
        return self.where == "data"

    def draws(self, event):
        """Return "unit" and (), a position on a line; or the noise and `event`, a step in every coordinate."""
        return ("unit", ()) if self.where == "lines" else (self.noise, tuple(event))

    def points(self, critic, real, fake, generator=None):
        r"""Return the points :math:`\hat x` at which :meth:`loss_term` looks, which takes the same arguments."""
        if self.where == "lines" and _go_together(real, fake, generator):  # as a loop draws them: only the mathematics
            return torch.lerp(fake, real, generator.reshape(*generator.shape, *(1,) * (real.ndim - generator.ndim)))
        if self.where == "lines":
            return points_on_lines(critic, real, fake, generator)
        found = layout(critic, real)
        real = found.arrange(real)
        if not isinstance(generator, torch.Tensor):
            generator = draw_noise(self.noise, real.shape, generator).to(real)
        return perturb(real, generator, self.spread, members=found.axes == 2)

    def loss_term(self, critic, real, fake, generator=None):
        """Return the weighted penalty; values are not looked at, nor whether the critic scores samples separately."""
        return self.weight * penalty_at(critic, self.points(critic, real, fake, generator), 1.0, self.one_sided)

    def excess(self, term):
        """Return by how much norms of gradients miss 1 (one-sided: exceed it), as a root mean square."""
        return (term / self.weight).sqrt()


def _go_together(real, fake, mix) -> bool:
    """Whether samples and places are tensors that fit as they are; where they do not, others say why."""
    if not all(isinstance(x, torch.Tensor) and x.is_floating_point() and x.numel() for x in (real, fake, mix)):
        return False
    if len({(x.dtype, x.device) for x in (real, fake, mix)}) > 1 or real.shape != fake.shape:
        return False
    return 1 <= mix.ndim <= 2 and mix.ndim < real.ndim and mix.shape == real.shape[: mix.ndim]


CONSTRAINTS: dict[str, type[Constraint]] = {kind.name: kind for kind in (Clip, GradientPenalty, SpectralNorm)}


def constraint(value) -> Constraint | None:
    """Return the constraint that a dict describes; a constraint or None is returned as it is.

    Parameters
    ----------
    value : dict, Constraint or None
        Such as ``{"name": "clip", "bound": 0.01}``: one of the names in :data:`CONSTRAINTS`, and its settings.

    Returns
    -------
    Constraint or None
        None, and a constraint, as they are.

    Raises
    ------
    ValueError
        If there is no constraint of that name, or it has no such setting.

    Examples
    --------
    >>> constraint({"name": "clip", "bound": 0.01})
    Clip(bound=0.01)
    """
    if value is None or isinstance(value, Constraint):
        return value
    if not isinstance(value, dict) or "name" not in value:
        raise ValueError(
            f"constraint must be None, a gantut.lipschitz.Constraint, or a dict with a name, not {value!r}: the names "
            f"are {', '.join(map(repr, CONSTRAINTS))}"
        )
    kind = CONSTRAINTS[_inputs.one_of("constraint", value["name"], tuple(CONSTRAINTS))]
    try:
        return kind(**{key: entry for key, entry in value.items() if key != "name"})
    except TypeError as error:
        raise ValueError(f"constraint {value['name']!r} has no such setting: {error}") from None
