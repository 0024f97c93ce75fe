"""The optimal discriminator, and the value of the game."""

import math
from functools import partial

import torch
from torch.nn.functional import logsigmoid

from gantut import _inputs
from gantut.divergences._between import log_p_over_mean, log_q_over_mean
from gantut.divergences._densities import outputs, see_densities
from gantut.divergences._edges import weighted_log
from gantut.divergences._expectations import expectation


class OptimalDiscriminator:
    r"""The optimal discriminator between two distributions with densities, as a function of :math:`x`.

    .. math:: D^*(x) = \frac{p_r(x)}{p_r(x) + p_g(x)} = \sigma\big(\log p_r(x) - \log p_g(x)\big)

    It is computed from log densities, so that it is right in the far tails, where the densities themselves underflow;
    its rounding error is theirs, and where their difference is smaller than that, it has no digits.
    """

    def __init__(self, p_r, p_g):
        self.between = p_r, p_g
        self.p_r, self.p_g = see_densities(("p_r", "p_g"), (p_r, p_g))

    def logit(self, x):
        r"""Return the log density ratio :math:`\log p_r(x) - \log p_g(x)`, and 0 where both densities vanish.

        At a pole it is that of the nearest number; so far out that one overflows, of a point on the way there.
        """
        x = _inputs.floating("x", x)
        p_r, p_g = (own.in_double() if x.dtype == torch.float64 else own for own in (self.p_r, self.p_g))
        log_r, log_g = p_r.log(x), p_g.log(x)
        lost = _lost(log_r, log_g)
        if x.shape == lost.shape and lost.any():
            x = torch.where(lost, self._nearer(x.detach(), p_r, p_g), x)
            log_r, log_g = p_r.log(x), p_g.log(x)
        pole = torch.isposinf(log_r) | torch.isposinf(log_g)
        if pole.any() and x.shape == pole.shape:
            x = torch.where(pole, torch.nextafter(x.detach(), 0.5 - x.detach().sign() / 4), x)
            log_r, log_g = p_r.log(x), p_g.log(x)
        nowhere = torch.isneginf(log_r) & torch.isneginf(log_g)
        return torch.where(nowhere, 0, log_r) - torch.where(nowhere, 0, log_g)

    def __call__(self, x):
        return self.logit(x).sigmoid()

    @staticmethod
    @torch.no_grad()
    def _nearer(x, p_r, p_g):
        """Return points between the centre of `p_r` and x, as far out as no log density overflows."""
        centre, largest = p_r.window()[0].to(x), torch.finfo(x.dtype).max
        away = x.clamp(-largest, largest) - centre
        near, far = torch.full_like(x, 4096.0), torch.zeros_like(x)  # of how often x is halved
        for _ in range(12):
            times = ((near + far) / 2).floor()
            place = centre + torch.ldexp(away, -times)
            lost = _lost(p_r.log(place), p_g.log(place))
            near, far = torch.where(lost, near, times), torch.where(lost, times, far)
        return centre + torch.ldexp(away, -near)


def optimal_discriminator(p_r, p_g, *, logits=False):
    r"""Return the optimal discriminator against a fixed generator.

    .. math:: D^*(x) = \frac{p_r(x)}{p_r(x) + p_g(x)}, \qquad \tfrac12 \text{ where both vanish}

    Parameters
    ----------
    p_r, p_g : tensors of shapes that broadcast, or two distributions
        Densities or probabilities of the real and the generated distribution at the same points, non-negative and
        finite, normalised or not; or two distributions with ``log_prob`` or as density functions.
    logits : bool
        For tensors: return :math:`\log\frac{D^*}{1-D^*} = \log p_r - \log p_g` instead, in [-inf, inf], which keeps its
        digits where :math:`D^*` is rounded to 0 or 1.

    Returns
    -------
    tensor or callable
        For tensors: :math:`D^*` at those points, in [0, 1]. For distributions: a function of x, with a method ``logit``
        that returns :math:`\log p_r(x) - \log p_g(x)`.

    Raises
    ------
    ValueError
        If an entry is negative, infinite or NaN, or shapes, dtypes or devices do not match.

    See Also
    --------
    value_function : which it maximises.

    References
    ----------
    Goodfellow et al. (2014), Proposition 1; lesson 3, equation (3.4).

    Examples
    --------
    >>> optimal_discriminator([0.3, 0.0, 0.0], [0.1, 0.2, 0.0])
    tensor([0.7500, 0.0000, 0.5000], dtype=torch.float64)
    """
    if _is_distribution(p_r) or _is_distribution(p_g):
        return OptimalDiscriminator(p_r, p_g)
    p_r, p_g = _inputs.floating("p_r", p_r), _inputs.floating("p_g", p_g)
    _inputs.together(p_r=p_r, p_g=p_g)
    _inputs.broadcast(p_r=p_r, p_g=p_g)
    _inputs.non_negative("p_r", p_r)
    _inputs.non_negative("p_g", p_g)
    if logits:
        nowhere = (p_r == 0) & (p_g == 0)
        log_r, log_g = (weighted_log(torch.ones_like(p), torch.where(nowhere, 1, p)) for p in (p_r, p_g))
        return log_r - log_g
    largest = torch.maximum(p_r, p_g).detach()  # only the ratio counts, and 1e-300 and 1e300 both keep their digits
    nowhere = largest == 0
    largest = torch.where(nowhere, 1, largest)
    r, g = p_r / largest, p_g / largest
    return torch.where(nowhere, 0.5, r / torch.where(nowhere, 1, r + g))


def value_function(
    d, p_r, p_g, *, logits=False, base=math.e, dim=-1,
    method="quadrature", interval=None, rtol=1e-9, samples=100_000, generator=None,
):  # fmt: skip
    r"""Return the value of the game, which the discriminator maximises and the generator minimises.

    .. math:: V(D, G) = \mathbb E_{x\sim p_r} \log D(x) + \mathbb E_{x\sim p_g} \log\big(1 - D(x)\big)

    Parameters
    ----------
    d : tensor or callable
        The discriminator: its outputs along `dim`, or a function of x.
    p_r, p_g : tensors or distributions
        The real and the generated distribution: probabilities along `dim` if `d` is a tensor; otherwise distributions
        as in :func:`kl_between`.
    logits : bool
        True if `d` returns :math:`\log\frac D{1-D}` instead of :math:`D`, which keeps its digits near 0 and 1. If `d`
        has a method ``logit``, as an optimal discriminator has, that is used.
    base : float
        Of the logarithm.
    dim : int
        For tensors: the dimension that the distributions run along.
    method, interval, rtol, samples, generator
        For distributions: as in :func:`kl_between`.

    Returns
    -------
    tensor or Estimate
        For tensors, :math:`V` without `dim`; for distributions, an :class:`Estimate`. Never above 0; minus infinity
        where :math:`D` is certain and wrong.

    Raises
    ------
    ValueError
        If `d` leaves [0, 1], or as in :func:`kl_divergence` and :func:`kl_between`.

    See Also
    --------
    optimal_discriminator

    References
    ----------
    Goodfellow et al. (2014), equation (1); lesson 3, equation (3.1).

    Examples
    --------
    >>> value_function([0.5, 0.5], [0.3, 0.7], [0.6, 0.4])
    tensor(-1.3863, dtype=torch.float64)
    """
    unit = _inputs.log_base(base)
    if isinstance(d, type):
        raise ValueError(f"d must be a function of x or a tensor, not the class {d.__name__}")
    if callable(d) and not isinstance(d, torch.Tensor):
        function, logits = (d.logit, True) if hasattr(d, "logit") else (d, logits)

        latest = []  # points, and both logarithms there

        def log_output(which, x, log_r, log_g):
            if not latest or latest[0] is not x:
                nowhere = torch.isneginf(log_r) & torch.isneginf(log_g)
                values = torch.where(nowhere, 0.0 if logits else 0.5, outputs("d", function, x, log_r))
                latest[:] = x, _log_outputs(values, logits)
            return latest[1][which]

        options = dict(method=method, interval=interval, rtol=rtol, samples=samples, generator=generator)
        if method == "quadrature" and getattr(d, "between", None) == (p_r, p_g):  # exact where x has too few digits
            both = (lambda *logs, over=over: over(*logs) - math.log(2) for over in (log_p_over_mean, log_q_over_mean))
            return expectation(*both, p_r, p_g, names=("p_r", "p_g"), **options).in_units(unit)
        both = partial(log_output, 0), partial(log_output, 1)  # log D and log(1 - D)
        return expectation(*both, p_r, p_g, names=("p_r", "p_g"), exact=logits, sees_x=True, **options).in_units(unit)
    d, p_r, p_g = _inputs.floating("d", d), _inputs.floating("p_r", p_r), _inputs.floating("p_g", p_g)
    _inputs.together(p_r=p_r, p_g=p_g, d=d)
    _inputs.distributions(dim, p_r=p_r, p_g=p_g)
    _inputs.dimension("d", d, dim)
    _inputs.untransformed(only_batches=True, d=d)
    _inputs.same_length(dim, d=d, p_r=p_r)
    _inputs.broadcast(d=d, p_r=p_r, p_g=p_g)
    if logits:
        log_d, log_not_d = _log_outputs(d, True)
        never_real, never_made = p_r == 0, p_g == 0  # 0 times a logarithm, even an infinite one, is 0
        terms = p_r * torch.where(never_real, 0, log_d) + p_g * torch.where(never_made, 0, log_not_d)
    else:
        _check_probability(d)
        terms = weighted_log(*torch.broadcast_tensors(p_r, d)) + weighted_log(*torch.broadcast_tensors(p_g, 1 - d))
    return terms.sum(dim) * unit


def _lost(log_r, log_g):
    """Whether a log density overflows, or is not a number, though neither density vanishes."""
    smaller = torch.minimum(log_r, log_g)  # NaN if one is
    return torch.isnan(smaller) | ((smaller <= max(-1e300, torch.finfo(smaller.dtype).min)) & (smaller > -math.inf))


def _is_distribution(thing):
    return not isinstance(thing, torch.Tensor) and (
        hasattr(thing, "log_prob") or hasattr(thing, "event_shape") or callable(thing)
    )


def _log_outputs(d, logits):
    """Return log D and log(1 - D)."""
    if logits:
        if torch.isnan(d).any():
            raise ValueError("d must not be NaN, but is nan somewhere")
        return logsigmoid(d), logsigmoid(-d)
    _check_probability(d)
    return d.log(), torch.log1p(-d)


def _check_probability(d):
    if not ((d >= 0) & (d <= 1)).all():
        worst = d.detach().reshape(-1)[(d.detach() - 0.5).abs().nan_to_num(nan=9e99).argmax()].item()
        raise ValueError(f"d must lie in [0, 1], but is {worst:.6g} somewhere: give probabilities, or set logits=True")
