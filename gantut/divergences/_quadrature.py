r"""Adaptive Gauss–Kronrod quadrature, many integrals at a time, differentiable.

The line is cut into panels. On each, the integral is estimated twice from the same 15 points: by Kronrod's rule
(exact for polynomials up to degree 22) and by the Gauss rule of 7 of the points; their difference bounds the error.
No point lies within 0.4 % of a panel's ends, where a jump or a kink would therefore go unseen; so the integrand at both
ends is compared with the polynomial through the 15 points, and the gap is added to the error.
Panels whose error is too large are halved, all at once, until the total error is small enough.
"""

import torch

from gantut import _inputs

# Half of the symmetric nodes of Kronrod's 15-point rule on [-1, 1], largest first, with both sets of weights
# (Kronrod 1965; the digits of QUADPACK's qk15).
_NODES = (0.991455371120812639206854697526329, 0.949107912342758524526189684047851,
          0.864864423359769072789712788640926, 0.741531185599394439863864773280788,
          0.586087235467691130294144691693570, 0.405845151377397166906606412076961,
          0.207784955007898467600689403773245, 0.000000000000000000000000000000000)  # fmt: skip
_KRONROD = (0.022935322010529224963732008058970, 0.063092092629978553290700663189204,
            0.104790010322250183839876322541518, 0.140653259715525918745189590510238,
            0.169004726639267902826583426598550, 0.190350578064785409913256402421014,
            0.204432940075298892414161999234649, 0.209482141084727828012999174891714)  # fmt: skip
_GAUSS = (0.0, 0.129484966168869693270611432679082, 0.0, 0.279705391489276667901467771423780,
          0.0, 0.381830050505118944950369775488975, 0.0, 0.417959183673469387755102040816327)  # fmt: skip

_FIRST_PANELS = 32
_MOST_PANELS = 8192


class IntegrationError(ArithmeticError):
    """An integral did not reach its tolerance; it may be infinite, or its integrand too rough."""


def _mirrored(half):
    return torch.tensor([*half, *half[-2::-1]], dtype=torch.float64)


_RULE_NODES = torch.cat([-_mirrored(_NODES)[:8], _mirrored(_NODES)[8:]])  # ascending, (15,)
_RULE_KRONROD, _RULE_GAUSS = _mirrored(_KRONROD), _mirrored(_GAUSS)


def _lagrange(x):
    """Return the weights that evaluate the polynomial through the rule's 15 points at `x`, (15,)."""
    apart = _RULE_NODES[:, None] - _RULE_NODES + torch.eye(15, dtype=torch.float64)
    others = (x - _RULE_NODES).expand(15, 15).masked_fill(torch.eye(15, dtype=torch.bool), 1.0)
    return others.prod(1) / apart.prod(1)


_RULE_ENDS = torch.stack([_lagrange(-1.0), _lagrange(1.0)])  # (2, 15)


def _odd_null_rule():
    """Return odd weights that annihilate polynomials up to degree 12, as large as Kronrod's minus Gauss's, (15,)."""
    nodes = _RULE_NODES[8:]
    odd_powers = torch.stack([nodes**power for power in range(1, 13, 2)])  # (6, 7): the null space has one dimension
    weights = torch.linalg.svd(odd_powers).Vh[-1]
    weights = torch.cat([-weights.flip(0), weights.new_zeros(1), weights])
    return weights * ((_RULE_KRONROD - _RULE_GAUSS).abs().sum() / weights.abs().sum())


_RULE_ODD = _odd_null_rule()


def integrate(integrand, low, high, *, landmarks=None, rtol=1e-9, atol=1e-12, device="cpu"):
    r"""Integrate one or many functions over an interval, by adaptive Gauss–Kronrod quadrature.

    Parameters
    ----------
    integrand : callable
        From a tensor of points, shape (points,), float64, to values of shape (points, ...): one column per integral.
    low, high : float
        The ends of the interval, finite.
    landmarks : tensor, optional
        Points where the first panels should begin or end, such as the edges of a narrow peak.
    rtol, atol : float
        Each integral :math:`I` is accepted when its estimated error is at most :math:`\max(\text{atol},
        \text{rtol}\,|I|)`.
    device : device
        Of the points.

    Returns
    -------
    integrals : tensor, shape (...)
        Differentiable with respect to whatever `integrand` depends on, at fixed points.
    errors : tensor, shape (...)
        Estimated absolute errors.
    points : int
        The number of points.

    Raises
    ------
    ValueError
        If the interval is empty or the integrand gives a NaN or an infinite value.
    IntegrationError
        If the tolerance was not reached with the allowed number of panels.

    See Also
    --------
    kl_between, js_between : divergences by this quadrature.

    References
    ----------
    Piessens et al. (1983), QUADPACK, routine QAG.

    Examples
    --------
    >>> value, error, points = integrate(lambda x: x**2, 0.0, 3.0)
    >>> round(value.item(), 12)
    9.0
    """
    panels, errors = adapt(integrand, low, high, landmarks=landmarks, rtol=rtol, atol=atol, device=device)
    points, weights = spread(panels)
    integrals = torch.tensordot(weights, integrand(points).double(), dims=1)
    return integrals, errors.reshape(integrals.shape), points.numel()


def adapt(integrand, low, high, *, landmarks, rtol, atol, device, rough=0.0):
    """Return panels (panels, 2) on which every integral is accurate enough, and the estimated errors.

    Where rounding keeps the errors from falling any further, those up to `rough` times 1 + the integral are enough.
    """
    low, high = _inputs.interval("low and high", (low, high))
    _inputs.positive("rtol", rtol)
    if atol != 0:
        _inputs.positive("atol", atol)
    edges = torch.linspace(low, high, _FIRST_PANELS + 1, dtype=torch.float64, device=device)
    if landmarks is not None:
        landmarks = torch.as_tensor(landmarks).to(edges).reshape(-1)
        edges = torch.cat([edges, landmarks[(landmarks > low) & (landmarks < high)]]).unique()
    return _settle(integrand, torch.stack([edges[:-1], edges[1:]], 1), rtol, atol, rough)


def spread(panels):
    """Return the points and weights of Kronrod's rule on all panels, each of shape (15 panels,)."""
    return tuple(part.reshape(-1) for part in _points(panels))


def _points(panels):
    """Spread the rule's nodes over the panels: points and Kronrod weights, each (panels, 15)."""
    middle, half = panels.mean(1, keepdim=True), (panels[:, 1:] - panels[:, :1]) / 2
    nodes, kronrod = _RULE_NODES.to(panels.device), _RULE_KRONROD.to(panels.device)
    return middle + half * nodes, half * kronrod


@torch.no_grad()
def _settle(integrand, panels, rtol, atol, rough):
    """Halve panels until every integral is accurate enough; return all panels and the total errors."""
    settled, settled_integral, settled_error = [], 0.0, 0.0
    least, rounds = torch.inf, 0  # the smallest error so far, and for how many rounds it has hardly fallen
    while True:
        integral, error = _estimate(integrand, panels, halved=bool(settled))  # (panels, integrals) each
        total, total_error = settled_integral + integral.sum(0), settled_error + error.sum(0)
        allowed = (rtol * total.abs()).clamp_min(atol)
        count = len(panels) + sum(map(len, settled))
        now = (total_error / allowed).max().item()
        least, rounds = min(least, now), 0 if now < 0.75 * least else rounds + 1
        bumpy = (rounds > 5 or count > _MOST_PANELS) and (total_error <= rough * (1 + total.abs())).all()
        if (total_error <= allowed).all() or bumpy:
            return torch.cat([*settled, panels]), total_error
        widest = ((error / allowed) > 1 / (2 * count)).any(1)  # panels that use more than their share of the error
        width = panels[:, 1] - panels[:, 0]
        widest &= width > 1024 * torch.finfo(panels.dtype).eps * panels.abs().amax(1).clamp_min(width.max())
        if not widest.any() or count > _MOST_PANELS:
            worst = (total_error / allowed).argmax()
            raise IntegrationError(
                f"the integral does not converge: after {15 * count} points it is near {total[worst].item():.6g} "
                f"with an error near {total_error[worst].item():.2g}; it may be infinite"
            )
        settled.append(panels[~widest])
        settled_integral = settled_integral + integral[~widest].sum(0)
        settled_error = settled_error + error[~widest].sum(0)
        low, high = panels[widest].unbind(1)
        middle = (low + high) / 2
        panels = torch.cat([torch.stack([low, middle], 1), torch.stack([middle, high], 1)])


def _estimate(integrand, panels, halved):
    """Return Kronrod's estimate and QUADPACK's error bound for every panel and integral."""
    points, kronrod = _points(panels)
    half = (panels[:, 1:] - panels[:, :1]) / 2
    # Just inside the ends, so that a jump at the very end, but for rounding, belongs to the neighbour.
    inset = torch.maximum(half * 2.0**-36, 16 * torch.finfo(panels.dtype).eps * panels.abs())
    inset = torch.minimum(inset, half * (1 - _NODES[0])) * inset.new_tensor([1.0, -1.0])
    points = torch.cat([points, panels + inset], 1)
    values = integrand(points.reshape(-1))
    if not isinstance(values, torch.Tensor) or values.shape[:1] != (points.numel(),) or not values.is_floating_point():
        given = f"{values.dtype} of shape {tuple(values.shape)}" if isinstance(values, torch.Tensor) else repr(values)
        raise ValueError(
            f"integrand must map {points.numel()} points to as many floating point values or rows, not to {given}"
        )
    values = values.double().reshape(len(panels), 17, -1)  # (panels, 15 points and 2 ends, integrals)
    if not torch.isfinite(values).all():
        panel, node, _ = (~torch.isfinite(values)).nonzero()[0].tolist()
        place = f"{points[panel, node].item():.6g}"
        if halved and not torch.isnan(values).any():
            raise IntegrationError(
                f"the integral does not converge: it may be infinite, as the integrand is at {place}"
            )
        raise ValueError(f"the integrand is not finite at {place}")
    values, ends = values[:, :15], values[:, 15:]
    integral = torch.einsum("pn,pni->pi", kronrod, values)
    gauss = half * torch.einsum("n,pni->pi", _RULE_GAUSS.to(values.device), values)
    roughness = torch.einsum("pn,pni->pi", kronrod, (values - integral[:, None] / (2 * half[:, None])).abs())
    odd = half * torch.einsum("n,pni->pi", _RULE_ODD.to(values.device), values)
    # QUADPACK's bound: the difference of the two rules, shrunk where both have nearly converged. On a kink that
    # difference may vanish by accident; a second one, of odd weights, then does not.
    difference = torch.hypot(integral - gauss, odd)
    error = roughness * (200 * difference / roughness.clamp_min(1e-300)).clamp_max(1).pow(1.5)
    error = torch.maximum(error, 0.05 * difference)  # beside a low and narrow peak, the power promises too much
    unseen = (ends - torch.einsum("en,pni->pei", _RULE_ENDS.to(values.device), values)).abs().sum(1)
    return integral, error + half * (1 - _NODES[0]) * unseen
