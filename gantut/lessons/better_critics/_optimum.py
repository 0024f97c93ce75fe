"""Critics against the optimum: their gradients and the distance they report, on pairs where both are known."""

import torch
from torch import nn

from gantut import _inputs
from gantut.lipschitz import input_gradient


def gradient_cosine(critic, pair, x, *, higher="y"):
    r"""Return the mean cosine of the angle between a critic's gradient and the optimal one.

    .. math:: \frac1n \sum_i \frac{\langle \nabla f(x_i), \nabla u(x_i)\rangle}
        {\lVert\nabla f(x_i)\rVert\,\lVert\nabla u(x_i)\rVert}

    Parameters
    ----------
    critic : Module
        From (n, d) to (n,) or (n, 1), or from (members, n, d) to (members, n, 1), scoring each sample independently.
    pair : Funnels
        Or any object with a method ``gradient``, that of the optimal critic, from (..., n, d) to (..., n, d).
    x : tensor, shape (n, d) or (members, n, d)
        Where to compare; in the benchmark, samples of the distribution of x, which a generator would produce.
    higher : {"y", "x"}
        The distribution whose samples the critic scores higher: the real one in its training. For "x", the optimal
        gradient is :math:`-\nabla u`.

    Returns
    -------
    tensor, shape (members,)
        From -1 to 1, in the dtype of the critic's gradient, without gradient. Where a gradient is 0, its cosine counts
        as 0; NaN for a member whose gradients are not finite.

    Raises
    ------
    ValueError
        If x has another shape, the pair has no gradient, or the critic does not score each sample independently.

    See Also
    --------
    gradient_error
    Funnels : such pairs.

    Notes
    -----
    It sees whether a generator would be sent the right way, but not how far: a critic with any Lipschitz constant may
    have cosine 1. In d dimensions, two random directions have a mean cosine of 0, with standard deviation
    :math:`d^{-1/2}`.

    References
    ----------
    Korotin, Kolesov and Burnaev (2022), section 5; lesson 13.

    Examples
    --------
    >>> from gantut.lessons.better_critics import funnels
    >>> from gantut.networks import MLP
    >>> pair, critic = funnels(2, 4), MLP([2, 8, 1], members=3, dtype=torch.float64)
    >>> gradient_cosine(critic, pair, pair.sample(10).x).shape
    torch.Size([3])
    """
    found, truth = _gradients(critic, pair, x, higher)
    lengths = torch.linalg.vector_norm(found, dim=-1) * torch.linalg.vector_norm(truth, dim=-1)  # (members, n)
    cosines = (found * truth).sum(-1) / lengths.where(lengths != 0, 1)
    return cosines.mean(-1)


def gradient_error(critic, pair, x, *, higher="y"):
    r"""Return the mean squared error of a critic's gradient, relative to the optimal one.

    .. math:: \frac{\sum_i \lVert \nabla f(x_i) - \nabla u(x_i)\rVert^2}{\sum_i \lVert \nabla u(x_i)\rVert^2}

    It is 1 for a constant critic, and 2 - 2 c for one with gradients of norm 1 whose mean cosine is c.

    Parameters
    ----------
    critic, pair, x, higher
        As for :func:`gradient_cosine`.

    Returns
    -------
    tensor, shape (members,)
        At least 0, in the dtype of the critic's gradient; NaN for a member whose gradients are not finite.

    Raises
    ------
    ValueError
        As for :func:`gradient_cosine`.

    See Also
    --------
    gradient_cosine

    Notes
    -----
    It sees both direction and length: the optimal critic times K has :math:`(K-1)^2`.

    References
    ----------
    Korotin, Kolesov and Burnaev (2022), section 5, where the denominator is 1, since gradients have norm 1; lesson 13.

    Examples
    --------
    >>> from gantut.lessons.better_critics import funnels
    >>> from gantut.networks import MLP
    >>> pair, constant = funnels(2, 4), MLP([2, 8, 1], gain=1e-30)
    >>> gradient_error(constant, pair, pair.sample(10).x.float())
    tensor([1.])
    """
    found, truth = _gradients(critic, pair, x, higher)
    return (found - truth).square().sum(-1).mean(-1) / truth.square().sum(-1).mean(-1)


@torch.no_grad()
def critic_distance(critic, x, y, *, higher="y"):
    r"""Return the distance that a critic reports between samples of two distributions.

    .. math:: \hat W = \frac1m \sum_{i=1}^{m} f(y_i) - \frac1n \sum_{i=1}^{n} f(x_i)

    Parameters
    ----------
    critic : Module
        From (n, d) to (n,) or (n, 1), or from (members, n, d) to (members, n, 1).
    x : tensor, shape (n, d) or (members, n, d)
    y : tensor, shape (m, d) or (members, m, d)
    higher : {"y", "x"}
        The samples that the critic scores higher: the real ones in its training. For "x", the sign is flipped.

    Returns
    -------
    tensor, shape (members,)
        In the dtype of the scores.

    Raises
    ------
    ValueError
        If x or y has another shape, or the critic returns more than one score per sample.

    See Also
    --------
    gantut.metrics.exact_w1 : the true distance of the samples.

    Notes
    -----
    For a K-Lipschitz critic, it is at most K times the distance of the samples. A critic trained with a penalty has no
    such K and may report too much; divide by its measured slope (`gantut.lipschitz.max_gradient_norm`) for an estimate
    from below.

    References
    ----------
    Arjovsky, Chintala and Bottou (2017), section 3; lessons 11 and 13.

    Examples
    --------
    >>> critic_distance(torch.nn.Identity(), torch.tensor([[0.0], [1.0]]), torch.tensor([[3.0]]))
    tensor([2.5000])
    """
    _inputs.one_of("higher", higher, ("y", "x"))
    of_x, of_y = (
        _scores(critic, name, _points(name, points, critic)).mean(-1) for name, points in (("x", x), ("y", y))
    )
    return of_y - of_x if higher == "y" else of_x - of_y


def _gradients(critic, pair, x, higher):
    """Return the critic's gradients and the optimal ones, (members, n, d) or a shape that broadcasts to it."""
    _inputs.one_of("higher", higher, ("y", "x"))
    x = _points("x", x, critic).detach()
    if not hasattr(pair, "gradient"):
        raise ValueError(f"pair must have a method `gradient`, like Funnels, but is {pair!r}")
    found, truth = input_gradient(critic, x).detach(), pair.gradient(x)
    return found, truth.to(found) if higher == "y" else -truth.to(found)


def _scores(critic, name, points):
    """Return a critic's scores (members, n) of points (n, d) or (members, n, d)."""
    scores = critic(points)
    found, n = _inputs.shape(scores), points.shape[-2]
    alone = found in ((n,), (n, 1)) and points.ndim == 2  # a critic without members
    if not alone and (len(found) != 3 or found[-2:] != (n, 1)):
        raise ValueError(
            f"critic must return one score per sample, and map {name} of shape {_inputs.shape(points)} to "
            f"(members, {n}, 1), not to {found}"
        )
    return scores.reshape(-1, n)


def _points(name, value, critic):
    """Require points (n, d) or (members, n, d); return them in the dtype of the critic's parameters."""
    value = _inputs.floating(name, value)
    if value.ndim not in (2, 3) or not value.numel():
        raise ValueError(
            f"{name} must have shape (n, d) or (members, n, d), with no size 0, not {_inputs.shape(value)}"
        )
    parameter = next(critic.parameters(), None) if isinstance(critic, nn.Module) else None
    if parameter is None:
        return value
    if parameter.device != value.device:
        raise ValueError(f"{name} must be on the device of critic, {parameter.device}, not on {value.device}")
    return value.to(parameter.dtype)
