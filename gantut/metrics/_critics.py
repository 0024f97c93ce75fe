"""Critics against the truth: their gradients, and the distance they report, on pairs of distributions where both are
known."""

import torch

from gantut import _inputs
from gantut.lipschitz import input_gradient
from gantut.lipschitz._given import answer


def gradient_cosine(critic, pair, x, *, higher="y"):
    r"""The cosine of the angle between a critic's gradient and the optimal one, averaged over points.

    .. math:: \frac1n \sum_i \frac{\langle \nabla f(x_i), \nabla u(x_i)\rangle}
        {\lVert\nabla f(x_i)\rVert\,\lVert\nabla u(x_i)\rVert}

    Parameters
    ----------
    critic : Module
        From (members, n, d) to (members, n, 1), each sample judged by itself.
    pair : Funnels
        Or anything with a method ``gradient``: the optimal critic's, from (..., n, d) to (..., n, d).
    x : tensor, shape (n, d) or (members, n, d)
        Where to look: by the benchmark's rule samples of the distribution of x, which a generator would stand for.
    higher : {"y", "x"}
        Which distribution's samples the critic scores higher: the real ones of its training. For "x" the truth is -u.

    Returns
    -------
    tensor, shape (members,)
        From -1 to 1, in the dtype of the critic's gradient, without gradient. Where a gradient is 0 its cosine counts
        as 0; NaN for a member whose gradients are not finite.

    Raises
    ------
    ValueError
        If x has another shape, the pair has no gradient, or the critic has batch normalisation or gives a sample more
        than one score.

    Notes
    -----
    It sees whether a generator would be sent the right way. It does not see how far: a critic of any Lipschitz constant
    may have cosine 1. In d dimensions two directions drawn at random have a mean cosine of 0, with a standard deviation
    of :math:`d^{-1/2}`.

    References
    ----------
    Korotin, Kolesov and Burnaev (2022), section 5; lesson 11.
    """
    found, truth = _gradients(critic, pair, x, higher)
    lengths = torch.linalg.vector_norm(found, dim=-1) * torch.linalg.vector_norm(truth, dim=-1)  # (members, n)
    cosines = (found * truth).sum(-1) / lengths.where(lengths != 0, 1)
    return cosines.mean(-1)


def gradient_error(critic, pair, x, *, higher="y"):
    r"""The squared distance of a critic's gradient from the optimal one, averaged over points and normalised.

    .. math:: \frac{\sum_i \lVert \nabla f(x_i) - \nabla u(x_i)\rVert^2}{\sum_i \lVert \nabla u(x_i)\rVert^2}

    A critic that is constant has 1; one with gradients of norm 1 whose mean cosine is c has 2 - 2 c.

    Parameters, errors and what is returned (0 or more) are those of :func:`gradient_cosine`.

    Notes
    -----
    It sees direction and length alike: a perfect critic times K has :math:`(K-1)^2`.

    References
    ----------
    Korotin, Kolesov and Burnaev (2022), section 5, where the denominator is 1 as gradients have that norm; lesson 11.
    """
    found, truth = _gradients(critic, pair, x, higher)
    return (found - truth).square().sum(-1).mean(-1) / truth.square().sum(-1).mean(-1)


@torch.no_grad()
def critic_distance(critic, x, y, *, higher="y"):
    r"""The distance that a critic reports between samples of two distributions.

    .. math:: \hat W = \frac1m \sum_{i=1}^{m} f(y_i) - \frac1n \sum_{i=1}^{n} f(x_i)

    Parameters
    ----------
    critic : Module
        From (members, n, d) to (members, n, 1).
    x : tensor, shape (n, d) or (members, n, d)
    y : tensor, shape (m, d) or (members, m, d)
    higher : {"y", "x"}
        Which samples the critic scores higher: the real ones of its training. For "x" the sign is changed.

    Returns
    -------
    tensor, shape (members,)
        In the dtype of the scores.

    Raises
    ------
    ValueError
        If x or y has another shape, or the critic gives a sample more than one score.

    Notes
    -----
    For a K-Lipschitz critic it is at most K times the distance of the samples. A critic under a penalty has no such K,
    and may report too much: divide by its measured steepness (`gantut.lipschitz.max_gradient_norm`) for a bound from
    below.
    """
    _inputs.one_of("higher", higher, ("y", "x"))
    of_x, of_y = (_scores(critic, name, _points(name, points)).mean(-1) for name, points in (("x", x), ("y", y)))
    return of_y - of_x if higher == "y" else of_x - of_y


def _gradients(critic, pair, x, higher):
    """Return the critic's gradients and the optimal ones, (members, n, d) or of a shape that broadcasts to it."""
    _inputs.one_of("higher", higher, ("y", "x"))
    x = _points("x", x).detach()
    if not hasattr(pair, "gradient"):
        raise ValueError(f"pair must have a method `gradient`, as gantut.data.Funnels has, not be {pair!r}")
    found, truth = input_gradient(critic, x).detach(), pair.gradient(x)
    return found, truth.to(found) if higher == "y" else -truth.to(found)


def _scores(critic, name, points):
    """Return a critic's scores (members, n) of points (n, d) or (members, n, d)."""
    scores = answer(critic, critic, points, name=name)
    found, n = _inputs.shape(scores), points.shape[-2]
    alone = found == (n, 1) and points.ndim == 2  # a critic without members
    if not alone and (len(found) != 3 or found[-2:] != (n, 1)):
        raise ValueError(
            f"critic must give every sample one score, and take {name} of shape {_inputs.shape(points)} to "
            f"(members, {n}, 1), not to {found}"
        )
    return scores.reshape(-1, n)


def _points(name, value):
    value = _inputs.floating(name, value)
    if value.ndim not in (2, 3) or not value.numel():
        raise ValueError(
            f"{name} must have shape (n, d) or (members, n, d), with no size 0, not {_inputs.shape(value)}"
        )
    return value
