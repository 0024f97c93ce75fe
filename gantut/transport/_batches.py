"""What comes before a solver: it sees one batch dimension, whatever was given, and numbers near 1 in any unit."""

import math


def flattened(tensor, batch, own):
    """Return the tensor in double precision for each problem of the batch, shape (problems, its last `own` dims)."""
    kept = tensor.shape[tensor.ndim - own :]
    return tensor.double().expand(*batch, *kept).reshape(-1, *kept)


def safe_unit(*points):
    """A power of two to divide points by so that their squares neither overflow nor vanish; 1 where they are safe."""
    size = max((z.abs().amax().item() for z in points if z.numel()), default=0.0)
    return 1.0 if size == 0 or 2.0**-30 < size < 2.0**30 else 2.0 ** (math.frexp(size)[1] - 1)


def power(unit, p):
    """A positive number to the power p, infinite where it overflows."""
    try:
        return unit**p
    except OverflowError:
        return math.inf
