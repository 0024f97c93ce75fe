"""Penalties on any slope of the critic at all, at the real samples (R1), at the generated ones (R2), or at both."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from gantut import _inputs
from gantut.lipschitz._constraints import CONSTRAINTS, Constraint
from gantut.lipschitz._scores import gradient_in, layout

PARTS = {"real": ("real",), "generated": ("fake",), "both": ("real", "fake")}


@dataclass(frozen=True)
class ZeroCentredPenalty(Constraint):
    r"""Punish every slope of the critic at the samples: R1 at real ones, R2 at generated ones.

    .. math:: R_1 = \frac\gamma2\,\mathbb E_{p_r}\lVert\nabla_x f(x)\rVert^2, \qquad
       R_2 = \frac\gamma2\,\mathbb E_{p_g}\lVert\nabla_x f(x)\rVert^2

    Where generated samples are as the real ones, the best critic is flat, and such a penalty costs it nothing: the game
    comes to rest there. A penalty on norms other than 1 would keep the critic steep for ever.

    Attributes
    ----------
    weight : float
        The factor :math:`\gamma > 0`.
    at : {"real", "generated", "both"}
        R1, R2, or their sum.
    every : int
        The term is taken in every k-th step of the critic only, times k: on average over k steps its gradient is the
        same, for a k-th of the price.

    Notes
    -----
    The critic may let samples see each other, as with minibatch statistics. Then :math:`\nabla_x` is taken, as is
    common, of the *sum* of all scores: it says how all scores of the batch change with one sample.

    Where the critic is shown changed samples, by augmentation or noise, these are the samples meant here.

    References
    ----------
    Mescheder, Geiger and Nowozin (2018), "Which training methods for GANs do actually converge?", equations 9 and 10;
    Karras et al. (2020), "Analyzing and improving the image quality of StyleGAN", section 3.1, for `every`; lesson 14.

    See Also
    --------
    GradientPenalty : What punishes norms other than 1, between the samples.

    Examples
    --------
    >>> critic = torch.nn.Linear(2, 1)
    >>> _ = critic.weight.data.copy_(torch.tensor([[3.0, 4.0]]))
    >>> ZeroCentredPenalty(weight=0.1).loss_term(critic, torch.zeros(8, 2), torch.ones(8, 2)).item()  # 0.1/2 * 5^2
    1.25
    """

    weight: float = 1.0
    at: str = "real"
    every: int = 1
    name: ClassVar[str] = "zero-centred-penalty"

    def __post_init__(self):
        _inputs.positive("weight", self.weight)
        _inputs.one_of("at", self.at, tuple(PARTS))
        _inputs.count("every", self.every)

    def loss_term(self, critic, real, fake, generator=None):
        """Return the weighted penalty; no random numbers are drawn."""
        samples = {"real": real, "fake": fake}
        return self.every * self.weight / 2 * sum(_mean_square_slope(critic, samples[part]) for part in PARTS[self.at])


def _mean_square_slope(critic, x):
    """Return the mean of the squared norm of the gradient in a sample, shape () or (members,)."""
    squares: torch.Tensor = gradient_in(critic, x).flatten(layout(critic, x).axes).square()
    return squares.sum(-1).mean(-1)


CONSTRAINTS[ZeroCentredPenalty.name] = ZeroCentredPenalty
