"""KL, JS and total variation between distributions on a finite set."""

import math

import torch

from gantut import _inputs
from gantut.divergences._edges import jensen_shannon, relative_entropy


def exactly_clamped(value, lowest, highest):
    """Keep a value within bounds that hold in theory, and leave its gradient unchanged."""
    return value + (value.clamp(lowest, highest) - value).detach().nan_to_num(0.0)  # gradient: of value alone


def kl_divergence(p, q, *, base=math.e, dim=-1):
    r"""Return the Kullback–Leibler divergence between discrete distributions.

    .. math:: \mathrm{KL}(p\,\|\,q) = \sum_i p_i \log\frac{p_i}{q_i},
        \qquad 0\log\tfrac0q = 0, \quad p\log\tfrac p0 = \infty \ (p > 0).

    Parameters
    ----------
    p, q : tensor, shapes (..., n, ...) that broadcast, floating point
        Probabilities along `dim`: finite, non-negative, with sum 1. Arrays and lists become tensors.
    base : float
        Of the logarithm: e for nats, 2 for bits.
    dim : int
        The dimension that the distributions run along.

    Returns
    -------
    tensor, shape of `p` and `q` broadcast, without `dim`
        In the dtype and on the device of the inputs. Never negative, and accurate to a few units in the last place even
        for close distributions. Differentiable; the gradient at a zero probability is that at the smallest normal
        number: large, finite, and of the right sign.

    Raises
    ------
    ValueError
        If an argument is not a distribution, the two do not match in shape, dtype or device, or ``base <= 1``.

    See Also
    --------
    kl_between : for distributions with densities.
    js_divergence : symmetric and bounded.

    References
    ----------
    Kullback and Leibler (1951); lesson 1, equation (1.1).

    Examples
    --------
    >>> kl_divergence([0.5, 0.5], [0.25, 0.75])
    tensor(0.1438, dtype=torch.float64)
    """
    unit = _inputs.log_base(base)
    p, q = _inputs.distributions(dim, p=p, q=q)
    return relative_entropy(*torch.broadcast_tensors(p, q)).sum(dim) * unit


def js_divergence(p, q, *, base=math.e, halved=True, dim=-1):
    r"""Return the Jensen–Shannon divergence between discrete distributions.

    .. math:: \mathrm{JS}(p\,\|\,q) = \tfrac12\,\mathrm{KL}(p\,\|\,m) + \tfrac12\,\mathrm{KL}(q\,\|\,m),
        \qquad m = \tfrac{p+q}2, \qquad 0 \le \mathrm{JS} \le \log 2.

    Parameters
    ----------
    p, q : tensor, shapes (..., n, ...) that broadcast, floating point
        Probabilities along `dim`: finite, non-negative, with sum 1. Arrays and lists become tensors.
    base : float
        Of the logarithm: e for nats, 2 for bits.
    halved : bool
        False omits the two factors 1/2, as some authors do; the result is then twice as large.
    dim : int
        The dimension that the distributions run along.

    Returns
    -------
    tensor, shape of `p` and `q` broadcast, without `dim`
        In the dtype and on the device of the inputs; between 0 and log 2 (or 2 log 2) exactly. Differentiable, as
        :func:`kl_divergence` is.

    Raises
    ------
    ValueError
        If an argument is not a distribution, the two do not match in shape, dtype or device, or ``base <= 1``.

    See Also
    --------
    js_between : for distributions with densities.
    kl_divergence, total_variation

    References
    ----------
    Lin (1991); lesson 1, equation (1.4), and lesson 3 on the two conventions.

    Examples
    --------
    >>> js_divergence([1.0, 0.0], [0.0, 1.0], base=2)
    tensor(1., dtype=torch.float64)
    """
    unit = _inputs.log_base(base)
    p, q = _inputs.distributions(dim, p=p, q=q)
    divergence = exactly_clamped(jensen_shannon(*torch.broadcast_tensors(p, q)).sum(dim), 0.0, math.log(2))
    return divergence * (unit if halved else 2 * unit)


def total_variation(p, q, *, dim=-1):
    r"""Return the total variation distance between discrete distributions: the largest difference over all events.

    .. math:: \mathrm{TV}(p, q) = \sup_A |p(A) - q(A)| = \tfrac12 \sum_i |p_i - q_i| \in [0, 1].

    Parameters
    ----------
    p, q : tensor, shapes (..., n, ...) that broadcast, floating point
        Probabilities along `dim`: finite, non-negative, with sum 1. Arrays and lists become tensors.
    dim : int
        The dimension that the distributions run along.

    Returns
    -------
    tensor, shape of `p` and `q` broadcast, without `dim`
        In the dtype and on the device of the inputs.

    Raises
    ------
    ValueError
        If an argument is not a distribution, or the two do not match in shape, dtype or device.

    See Also
    --------
    total_variation_between : for distributions with densities.

    References
    ----------
    Lesson 1, and lesson 5 for supports that do not overlap.

    Examples
    --------
    >>> total_variation([0.5, 0.5], [0.25, 0.75])
    tensor(0.2500, dtype=torch.float64)
    """
    p, q = _inputs.distributions(dim, p=p, q=q)
    return exactly_clamped((p - q).abs().sum(dim) / 2, 0.0, 1.0)
