r"""Divergences between probability distributions, the optimal discriminator, and the value of the GAN game.

For distributions on a finite set, given as tensors of probabilities: :func:`kl_divergence`, :func:`js_divergence`,
:func:`total_variation`. For distributions with a density, given as anything with a ``log_prob`` (from
`torch.distributions` or :mod:`gantut.data`) or as a density function: :func:`kl_between`, :func:`js_between`,
:func:`total_variation_between`, by adaptive quadrature on the line or by Monte Carlo in any dimension.
:func:`optimal_discriminator` and :func:`value_function` take either.

Every quantity here is one expectation under :math:`p` plus one under :math:`q`:

.. math::

    \mathrm{KL} &= \mathbb E_p \log\tfrac pq, \\
    \mathrm{JS} &= \tfrac12\,\mathbb E_p \log\tfrac pm + \tfrac12\,\mathbb E_q \log\tfrac qm,
        \qquad m = \tfrac{p+q}2, \\
    V(D, G) &= \mathbb E_{p_r} \log D + \mathbb E_{p_g} \log(1 - D).
"""

from gantut.divergences._between import js_between, kl_between, total_variation_between
from gantut.divergences._discrete import js_divergence, kl_divergence, total_variation
from gantut.divergences._discriminator import optimal_discriminator, value_function
from gantut.divergences._expectations import Estimate
from gantut.divergences._quadrature import IntegrationError, integrate

__all__ = [
    "Estimate", "IntegrationError", "integrate", "js_between", "js_divergence", "kl_between", "kl_divergence",
    "optimal_discriminator", "total_variation", "total_variation_between", "value_function",
]  # fmt: skip
