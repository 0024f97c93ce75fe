"""Spectral normalisation: critics whose weight matrices are divided by their largest singular value."""

import torch
from torch import nn
from torch.nn.utils import parametrize

from gantut.networks import MLP


class _OfNormOne(nn.Module):
    """Divide each matrix by its largest singular value; the gradient knows of the division."""

    def forward(self, weight):
        return weight / torch.linalg.matrix_norm(weight, 2)[..., None, None]


def spectral_critic(widths, **settings) -> MLP:
    r"""Return a population of critics whose matrices all have the largest singular value 1: spectral normalisation.

    .. math:: \bar W = \frac{W}{\sigma_1(W)}

    What is trained are the matrices W, through the division.

    Parameters
    ----------
    widths : sequence of int
        As for :class:`gantut.networks.MLP`.
    **settings
        The others of that class.

    Returns
    -------
    MLP
        With `weights` :math:`\bar W`; 1-Lipschitz if its activation is.

    Notes
    -----
    Miyato et al. follow the singular value by one step of a power iteration for each step of the critic; here it is
    exact, which is what that iteration converges to. :class:`gantut.lipschitz.SpectralNorm` is another method, that of
    Gouk et al. (2021): a projection after each step, which leaves smaller matrices as they are.

    References
    ----------
    Miyato, Kataoka, Koyama and Yoshida (2018); lesson 13.

    Examples
    --------
    >>> critic = spectral_critic([2, 8, 1], members=3)
    >>> [[round(norm, 4) for norm in torch.linalg.matrix_norm(w, 2).tolist()] for w in critic.weights]
    [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]
    """
    critic = MLP(widths, **settings)
    for layer in range(len(critic.weights)):
        parametrize.register_parametrization(critic.weights, str(layer), _OfNormOne())
    return critic
