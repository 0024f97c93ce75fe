"""Log densities of families of `torch.distributions` that torch itself computes to too few digits."""

import math

import torch
from torch import distributions as td
from torch.distributions.relaxed_bernoulli import LogitRelaxedBernoulli
from torch.nn.functional import logsigmoid


def _log_beta(distribution, x, rest):
    a, b = distribution.concentration1, distribution.concentration0
    return torch.xlogy(a - 1, x) + torch.xlogy(b - 1, rest) + (a + b).lgamma() - a.lgamma() - b.lgamma()


def _log_kumaraswamy(distribution, x, rest):
    a, b = distribution.concentration1, distribution.concentration0
    log_x = torch.where(x < 0.5, x.log(), torch.log1p(-rest.clamp_max(0.5)))
    return (a * b).log() + (a - 1) * log_x + torch.xlogy(b - 1, -torch.expm1(a * log_x))


def _log_continuous_bernoulli(distribution, x, rest):
    logits = distribution.logits
    flat = logits.abs() < 1e-2
    size = torch.where(flat, 1, logits.abs())
    height = (size / -torch.expm1(-size)).log() - size / 2  # 1/height: 2 sinh(logits/2) / logits
    return torch.where(flat, logits**4 / 2880 - logits**2 / 24, height) + logits * (x - rest) / 2


def _log_relaxed_bernoulli(distribution, x, rest):
    return _log_logit(distribution.base_dist, x.log() - rest.log()) - x.log() - rest.log()


def _log_logit(distribution, y):
    z = distribution.temperature * y - distribution.logits
    return distribution.temperature.log() + logsigmoid(z) + logsigmoid(-z)


def _log_von_mises(distribution, x):
    sharpness, half = distribution.concentration, (x - distribution.loc) / 2
    return -2 * sharpness * half.sin() ** 2 - (2 * math.pi * torch.special.i0e(sharpness)).log()


def _log_generalized_pareto(distribution, x):
    z, c = (x - distribution.loc) / distribution.scale, distribution.concentration
    power = torch.where(c == 0, 1, c)
    return -distribution.scale.log() - torch.where(c == 0, z, (1 + 1 / power) * torch.log1p(power * z))


def _log_weibull(distribution, x):
    z, k = x / distribution.scale, distribution.concentration
    return (k / distribution.scale).log() + (k - 1) * z.log() - z**k


# What torch 2.13 computes to half of the digits, from single precision, or only so far out.
EXACT = {
    td.VonMises: _log_von_mises,
    td.Weibull: _log_weibull,
    LogitRelaxedBernoulli: _log_logit,
    getattr(td, "GeneralizedPareto", None): _log_generalized_pareto,
}


# What has poles at 1, near which x itself has too few digits; or is computed from a probability that torch cuts off.
ON_UNIT_INTERVAL = {
    td.Beta: _log_beta,
    td.ContinuousBernoulli: _log_continuous_bernoulli,
    td.Kumaraswamy: _log_kumaraswamy,
    td.RelaxedBernoulli: _log_relaxed_bernoulli,
}
