r"""Keeping a critic Lipschitz: what the Wasserstein game asks of it, and no other game does.

A constraint is plain data, a small frozen record that knows when it acts (see :class:`Constraint`):

- :class:`Clip` and :class:`SpectralNorm` change the critic's parameters after each of its steps;
- :class:`GradientPenalty` and :class:`ZeroCentredPenalty` (R1 and R2) add a term to the critic's loss.

How steep a critic really is lies between two numbers: from below, what is found at samples (:func:`max_gradient_norm`);
from above, what its weights allow (:func:`lipschitz_bound`).

All of this takes a plain ``torch.nn.Module`` that scores samples (batch, \*event), and answers with a scalar. Where the
critic is a population, whose scores have shape (members, batch, 1), there is one answer a member.
"""

from gantut.lipschitz._constraints import CONSTRAINTS, Clip, Constraint, GradientPenalty, SpectralNorm, constraint
from gantut.lipschitz._estimates import lipschitz_bound, max_gradient_norm
from gantut.lipschitz._penalty import gradient_penalty, gradient_penalty_at, input_gradient, interpolate, perturb
from gantut.lipschitz._scores import require_separate_samples
from gantut.lipschitz._weights import clip_, project_spectral_norm_, spectral_norm, weight_matrices
from gantut.lipschitz._zero_centred import ZeroCentredPenalty

__all__ = [
    "CONSTRAINTS", "Clip", "Constraint", "GradientPenalty", "SpectralNorm", "ZeroCentredPenalty", "clip_", "constraint",
    "gradient_penalty", "gradient_penalty_at", "input_gradient", "interpolate", "lipschitz_bound",
    "max_gradient_norm", "perturb", "project_spectral_norm_", "require_separate_samples", "spectral_norm",
    "weight_matrices",
]  # fmt: skip
