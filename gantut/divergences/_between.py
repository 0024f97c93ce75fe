"""KL, JS and total variation between distributions that have a density."""

import math

from torch.nn.functional import softplus

from gantut import _inputs
from gantut.divergences._discrete import exactly_clamped
from gantut.divergences._expectations import expectation


def _log_ratio(x, log_p, log_q):
    return log_p - log_q


def log_p_over_mean(x, log_p, log_q):
    return math.log(2) - softplus(log_q - log_p)  # log(p/m) = log 2 - log(1 + q/p)


def log_q_over_mean(x, log_p, log_q):
    return math.log(2) - softplus(log_p - log_q)


def _half_share(x, log_p, log_q):
    return ((log_p - log_q) / 2).tanh().abs() / 2  # |p - q| / (p + q) / 2


def _bounded(estimate, highest):
    """Keep what quadrature found within bounds that hold in theory."""
    exact = estimate.method == "quadrature"
    return estimate._replace(value=exactly_clamped(estimate.value, 0.0, highest)) if exact else estimate


def kl_between(p, q, *, base=math.e, method="quadrature", interval=None, rtol=1e-9, samples=100_000, generator=None):
    r"""Return the Kullback–Leibler divergence between distributions with densities.

    .. math:: \mathrm{KL}(p\,\|\,q) = \int p(x)\log\frac{p(x)}{q(x)}\,dx

    Parameters
    ----------
    p, q : distributions on the line or, for Monte Carlo, in any dimension
        Anything with ``log_prob`` (from `torch.distributions` or :mod:`gantut.data`), with any batch shape; or density
        functions from points (n,) to values (n,).
    base : float
        Of the logarithm: e for nats, 2 for bits.
    method : {"quadrature", "monte-carlo"}
        Adaptive Gauss–Kronrod quadrature on the line, in float64; or an average over samples, in any dimension.
    interval : pair of floats, optional
        Quadrature only: where to integrate, instead of over the whole line; the rest is ignored.
    rtol : float
        Quadrature: relative tolerance. Where rounding allows no less, up to 1e-6 will do, and ``error`` says it.
    samples : int
        Monte Carlo: number of samples.
    generator : torch.Generator, optional
        Monte Carlo: the source of randomness, on the CPU.

    Returns
    -------
    Estimate
        ``value`` has the batch shape. By quadrature, it is differentiable in the distributions' parameters, except
        those that move a jump of a density; by Monte Carlo, it is not. It is +inf where `p` has mass outside the
        support of `q`; if `q` declares none, only if that mass exceeds 1e-12, since densities underflow. ``error``
        counts quadrature, rounding, and what lies too near to an end, or too far out, for floating point; the
        parameters of distributions of torch mean the numbers that they hold, also in single precision. Where both lie
        does not matter, nor an invertible transform that both end with.

    Raises
    ------
    ValueError
        If a distribution has no density or its total mass is not 1, or an option is not allowed. One that is periodic,
        as von Mises distributions are, needs an `interval`. By Monte Carlo, if floating point rounds many samples to
        one number, such as an end.
    IntegrationError
        If the integral does not reach the tolerance, as it may be infinite; or if `q` underflows to 0 where `p` has
        mass.

    See Also
    --------
    kl_divergence : for discrete distributions.
    js_between, total_variation_between

    References
    ----------
    Kullback and Leibler (1951); lesson 1.

    Examples
    --------
    >>> from gantut.data import gaussian
    >>> round(float(kl_between(gaussian(0, 1), gaussian(1, 1))), 9)
    0.5
    """
    unit = _inputs.log_base(base)
    options = dict(method=method, interval=interval, rtol=rtol, samples=samples, generator=generator)
    estimate = expectation(_log_ratio, None, p, q, names="pq", **options)
    return (_bounded(estimate, math.inf) if interval is None else estimate).in_units(unit)


def js_between(
    p, q, *, base=math.e, halved=True, method="quadrature", interval=None, rtol=1e-9, samples=100_000, generator=None
):
    r"""Return the Jensen–Shannon divergence between distributions with densities.

    .. math:: \mathrm{JS}(p\,\|\,q) = \tfrac12\int p\log\frac pm\,dx + \tfrac12\int q\log\frac qm\,dx,
        \qquad m = \tfrac{p+q}2

    Parameters
    ----------
    p, q : distributions
        As in :func:`kl_between`.
    base : float
        Of the logarithm: e for nats, 2 for bits.
    halved : bool
        False omits the two factors 1/2, as some authors do; the result is then twice as large.
    method, interval, rtol, samples, generator
        As in :func:`kl_between`.

    Returns
    -------
    Estimate
        As in :func:`kl_between`; always finite.

    Raises
    ------
    ValueError, IntegrationError
        As in :func:`kl_between`.

    See Also
    --------
    js_divergence : for discrete distributions.
    kl_between, total_variation_between

    References
    ----------
    Lin (1991); lesson 1, and lesson 3 on the two conventions.

    Examples
    --------
    >>> from gantut.data import gaussian
    >>> round(float(js_between(gaussian(0, 1), gaussian(1, 1))), 9)
    0.111421482
    """
    unit = _inputs.log_base(base) / (2 if halved else 1)
    options = dict(method=method, interval=interval, rtol=rtol, samples=samples, generator=generator)
    estimate = expectation(log_p_over_mean, log_q_over_mean, p, q, names="pq", **options)
    return _bounded(estimate, 2 * math.log(2)).in_units(unit)


def total_variation_between(p, q, *, method="quadrature", interval=None, rtol=1e-9, samples=100_000, generator=None):
    r"""Return the total variation distance between distributions with densities.

    .. math:: \mathrm{TV}(p, q) = \tfrac12\int |p(x) - q(x)|\,dx \in [0, 1]

    Parameters
    ----------
    p, q : distributions
        As in :func:`kl_between`.
    method, interval, rtol, samples, generator
        As in :func:`kl_between`.

    Returns
    -------
    Estimate
        As in :func:`kl_between`.

    Raises
    ------
    ValueError, IntegrationError
        As in :func:`kl_between`.

    See Also
    --------
    total_variation : for discrete distributions.
    kl_between, js_between

    References
    ----------
    Lesson 1, and lesson 5 for supports that do not overlap.

    Examples
    --------
    >>> from gantut.data import gaussian
    >>> round(float(total_variation_between(gaussian(0, 1), gaussian(1, 1))), 9)
    0.382924923
    """
    options = dict(method=method, interval=interval, rtol=rtol, samples=samples, generator=generator)
    return _bounded(expectation(_half_share, _half_share, p, q, names="pq", **options), 1.0)
