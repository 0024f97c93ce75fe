"""Batches of problems: whatever the leading dimensions, the solvers see one."""


def flattened(tensor, batch, own):
    """Return the tensor in double precision for each problem of the batch, shape (problems, its last `own` dims)."""
    kept = tensor.shape[tensor.ndim - own :]
    return tensor.double().expand(*batch, *kept).reshape(-1, *kept)
