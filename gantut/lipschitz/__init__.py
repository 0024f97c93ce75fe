r"""Keeping a critic Lipschitz: what the Wasserstein game asks of it, and no other game does.

A constraint is plain data, a small frozen record, that says when it acts:

- :class:`Clip` and :class:`SpectralNorm` change the critic's parameters after each of its steps;
- :class:`GradientPenalty` adds a term to the critic's loss.

(:class:`gantut.networks.SortingCritic` needs none: it is 1-Lipschitz by construction.)

How steep a critic really is lies between two numbers: from below, what is found at samples (:func:`max_gradient_norm`);
from above, what its weights allow (:func:`lipschitz_bound`, :func:`clipped_bound`).

All of this works on a population: everything carries a leading ``members`` axis, and each sample has a norm of its own.
"""

from gantut.lipschitz._constraints import CONSTRAINTS, Clip, GradientPenalty, SpectralNorm, constraint
from gantut.lipschitz._estimates import clipped_bound, lipschitz_bound, max_gradient_norm
from gantut.lipschitz._penalty import around, between, gradient_penalty, input_gradient, require_separate_samples
from gantut.lipschitz._weights import clip_, project_spectral_norm_, spectral_norm, weight_matrices

__all__ = [
    "CONSTRAINTS",
    "Clip",
    "GradientPenalty",
    "SpectralNorm",
    "around",
    "between",
    "clip_",
    "clipped_bound",
    "constraint",
    "gradient_penalty",
    "input_gradient",
    "lipschitz_bound",
    "max_gradient_norm",
    "project_spectral_norm_",
    "require_separate_samples",
    "spectral_norm",
    "weight_matrices",
]
