r"""The costs :math:`\|x_i - y_j\|^p` between points, right to their last places whatever the unit of the points."""

import math

import torch

# From this dimension on a matrix product gives distances sooner; where it leaves less than this share of the largest
# squared norms, digits have cancelled, and differences give them again.
MANY_COORDINATES = 9
CANCELLED = 1e-2
# Squares of coordinates of these sizes, and sums of them, neither overflow nor vanish, in single precision either.
SAFE = 2.0**-30, 2.0**30
TILE = 1 << 17  # entries of a tile of differences that stays in the cache


def costs(x, y, p):
    """The matrix ||x_i - y_j||^p in double precision, right to a few units in the last place."""
    return _by_the_faster_way(x, y, p) if are_safe(x, y) else pairwise(x, y, p)


def are_safe(*points):
    """Whether the squares of all coordinates can be added up as they are."""
    size = max((torch.linalg.vector_norm(z, math.inf).item() for z in points if z.numel()), default=0.0)
    return size == 0 or SAFE[0] < size < SAFE[1]


def length(vectors):
    """The length along the last dimension, whatever the size of the entries; its gradient at 0 is 0, a subgradient."""
    limits = torch.finfo(vectors.dtype)
    size = vectors.detach().abs().amax(-1, keepdim=True).clamp(limits.tiny, limits.max)
    return torch.linalg.vector_norm(vectors / size, dim=-1) * size.squeeze(-1)


def pairwise(x, y, p):
    """The same matrix for coordinates of any size, each pair in a unit of its own."""
    rows = max(1, TILE // max(1, y.shape[-2] * y.shape[-1]))
    parts = [length(some[..., None, :] - y[..., None, :, :]) for some in x.split(rows, -2)]
    return to_the_power(torch.cat(parts, -2), p)


def _by_the_faster_way(x, y, p):
    if x.shape[-1] < MANY_COORDINATES:
        return by_differences(x, y, p)
    middle = y.mean(-2, keepdim=True)
    from_middle, to_middle = x - middle, y - middle
    x_squares, y_squares = from_middle.square().sum(-1)[..., None], to_middle.square().sum(-1)[..., None, :]
    squares = torch.matmul(from_middle * -2, to_middle.mT).add_(x_squares).add_(y_squares)
    near = squares < CANCELLED * (x_squares.amax() + y_squares.amax())
    if not near.sum() < near.numel() / 10:
        return by_differences(x, y, p)
    *problem, i, j = near.nonzero(as_tuple=True)
    x, y = (z.expand(*squares.shape[:-2], *z.shape[-2:]) for z in (x, y))
    squares[near] = (x[(*problem, i)] - y[(*problem, j)]).square().sum(-1)
    return squares if p == 2 else squares.sqrt_() if p == 1 else squares.pow_(p / 2)


def by_differences(x, y, p):
    """The same matrix by differences: through a matrix product close points would lose their digits."""
    result = torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist")
    return result if p == 1 else result.square_() if p == 2 else result.pow_(p)


def to_the_power(distance, p):
    """The distance to the power p; its gradient is one operation less for p = 1."""
    return distance if p == 1 else distance**p


def power(unit, p):
    """A non-negative number to the power p, infinite where it overflows."""
    try:
        return unit**p
    except OverflowError:
        return math.inf
