"""Validation of what callers pass in: one place, one style of message.

Every message names the argument, says what was given, and what is allowed.
"""

import functools
import math
import numbers

import numpy as np
import torch
from torch.autograd import forward_ad

from gantut._inputs._settings import *  # noqa: F403

FLOATING = {torch.float64, torch.float32, torch.float16, torch.bfloat16}
# How far a total may be from 1: some hundred rounding errors of a sum in that precision.
TOTAL_TOLERANCE = {torch.float64: 1e-9, torch.float32: 1e-5, torch.float16: 1e-2, torch.bfloat16: 5e-2}


def floating(name, value):
    """Return `value` as a floating point tensor; whole numbers of any kind become double precision."""
    value = numbers_of(name, value, lists=torch.float64)
    if value.is_nested or value.is_quantized:
        raise ValueError(f"{name} must be a plain tensor, not a {'nested' if value.is_nested else 'quantized'} one")
    if not (value.is_floating_point() or value.is_complex() or value.dtype == torch.bool):
        value = value.double()
    if value.dtype not in FLOATING:
        raise ValueError(f"{name} must be floating point, not {value.dtype}: write {name}.double()")
    if value.layout != torch.strided:
        raise ValueError(f"{name} must be a dense tensor, not {value.layout}: write {name}.to_dense()")
    if value.is_neg() or value._is_zerotensor():  # marks that NumPy cannot read; a copy has numbers instead
        value = value.clone().resolve_neg()
    return value


def numbers_of(name, value, *, lists=None):
    """Return `value` as a tensor of the kind of numbers that it has; lists of numbers in a dtype that is given."""
    if isinstance(value, torch.Tensor):
        return value
    try:
        rows = isinstance(value, list | tuple) and value and isinstance(value[0], np.ndarray)
        if lists and not rows and not hasattr(value, "dtype"):
            return torch.as_tensor(value, dtype=lists)
        if np.ma.is_masked(value):
            raise ValueError("some entries are masked")
        array = np.array(value)  # a copy: the array may be read-only, or run backwards
        return torch.from_numpy(array.astype(array.dtype.newbyteorder("="), copy=False))
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise ValueError(f"{name} must be a tensor or an array of numbers, not {value!r} ({error})") from None


def precision(dtype):
    """Require a dtype of floating point numbers: whole ones would cut off what they cannot hold."""
    if not isinstance(dtype, torch.dtype) or dtype not in FLOATING:
        raise ValueError(f"dtype must be torch.float64, float32, float16 or bfloat16, not {dtype!r}")
    return dtype


def together(**tensors):
    """Require one dtype and one device of all tensors."""
    (first, reference), *others = tensors.items()
    for name, tensor in others:
        for what in ("dtype", "device"):
            ours, theirs = getattr(reference, what), getattr(tensor, what)
            if ours != theirs:
                raise ValueError(f"{first} and {name} must have one {what}, but have {ours} and {theirs}")


def promoted(**values):
    """Return floating point tensors in their common dtype; arrays and lists move to the device of the tensors."""
    tensors = {name: floating(name, value) for name, value in values.items()}
    device = next((value.device for value in values.values() if isinstance(value, torch.Tensor)), "cpu")
    tensors = {
        name: tensor if isinstance(values[name], torch.Tensor) else tensor.to(device)
        for name, tensor in tensors.items()
    }
    dtype = functools.reduce(torch.promote_types, (tensor.dtype for tensor in tensors.values()))
    tensors = {name: tensor.to(dtype) for name, tensor in tensors.items()}
    together(**tensors)
    return tuple(tensors.values())


def dimension(name, tensor, dim):
    """Require that `dim` is a dimension of the tensor and not empty."""
    if isinstance(dim, bool) or not isinstance(dim, numbers.Integral):
        raise ValueError(f"dim must be a whole number, not {dim!r}")
    if tensor.ndim == 0:
        raise ValueError(f"{name} must have at least one dimension, but is the single number {tensor.item()}")
    if not -tensor.ndim <= dim < tensor.ndim:
        raise ValueError(
            f"dim must lie in [-{tensor.ndim}, {tensor.ndim - 1}] for {name} of shape {shape(tensor)}, not {dim}"
        )
    if tensor.shape[dim] == 0:
        raise ValueError(f"{name} must not be empty along dim {dim}, but has shape {shape(tensor)}")


def same_length(dim, **tensors):
    """Require equal lengths along `dim` and shapes that broadcast elsewhere."""
    (first, p), (second, q) = tensors.items()
    if p.shape[dim] != q.shape[dim] or (dim >= 0 and p.ndim != q.ndim):
        raise ValueError(
            f"{first} and {second} must have the same length along dim {dim}, but have shapes {shape(p)} and {shape(q)}"
        )
    broadcast(**tensors)


def broadcast(**tensors):
    """Require shapes that broadcast together."""
    try:
        np.broadcast_shapes(*(tensor.shape for tensor in tensors.values()))
    except ValueError:
        shapes = " and ".join(f"{name} {shape(tensor)}" for name, tensor in tensors.items())
        raise ValueError(f"shapes must broadcast together, but were {shapes}") from None


def non_negative(name, tensor):
    """Require finite, non-negative entries."""
    values = _plain(tensor.detach())
    bad = ~(torch.isfinite(values) & (values >= 0))
    if bad.any():
        where = tuple(bad.nonzero()[0].tolist())
        raise ValueError(
            f"{name} must be finite and non-negative, but {name}[{_index(where)}] is {values[where].item()}"
        )


def total_one(name, tensor, dim):
    """Require that the entries along `dim` add up to 1."""
    totals = _plain(tensor.detach().double().sum(dim))
    apart = (totals - 1).abs()
    if (apart > TOTAL_TOLERANCE.get(tensor.dtype, 1e-9)).any():
        worst = totals.reshape(-1)[apart.reshape(-1).argmax()].item()
        raise ValueError(
            f"{name} must add up to 1 along dim {dim}, but adds up to {worst:.12g}: divide {name} by its sum"
        )


def distribution(name, value, dim):
    """Return `value` as a tensor of probability distributions along `dim`."""
    value = floating(name, value)
    dimension(name, value, dim)
    non_negative(name, value)
    total_one(name, value, dim)
    return value


def distributions(dim, **values):
    """Return two tensors of distributions along `dim` that match."""
    tensors = {name: floating(name, value) for name, value in values.items()}
    for name, tensor in tensors.items():
        dimension(name, tensor, dim)
    together(**tensors)
    same_length(dim, **tensors)
    for name, tensor in tensors.items():
        distribution(name, tensor, dim)
    return tuple(tensors.values())


def untransformed(*, only_batches=False, **tensors):
    """Require tensors with numbers, not wrapped by torch.func, at all or in a batch: solvers look at them."""
    kinds = torch._C._functorch
    for name, tensor in tensors.items():
        if (kinds.is_batchedtensor if only_batches else kinds.is_functorch_wrapped_tensor)(tensor):
            raise ValueError(f"{name} must be outside of torch.func: leading dimensions make a batch, not vmap")
        if tensor.is_meta:
            raise ValueError(f"{name} must have numbers, and a tensor on the device meta has none")


def only_backward(**tensors):
    """Require tensors without tangents, which a solver would lose."""
    for name, tensor in tensors.items():
        if carry_tangents(tensor):
            raise ValueError(f"{name} must not carry the tangent of forward-mode differentiation: call backward()")


def carry_tangents(*tensors):
    """Whether one of the tensors is to be differentiated in forward mode."""
    return forward_ad._current_level >= 0 and any(forward_ad.unpack_dual(x).tangent is not None for x in tensors)


def _plain(tensor):
    """Return the plain tensor inside one that torch.func.vmap or torch.func.grad has wrapped, to read its values."""
    while torch._C._functorch.is_functorch_wrapped_tensor(tensor):
        tensor = torch._C._functorch.get_unwrapped(tensor)
    return tensor


def shape(tensor):
    """Show a tensor's shape as a plain tuple."""
    return tuple(tensor.shape)


def _index(where):
    return ", ".join(map(str, where))


# For `gantut.transport`, where the total of masses need not be 1, but both must have the same.


def finite_entries(name, tensor):
    """Require finite entries."""
    values = _plain(tensor.detach())
    ends = torch.stack(values.aminmax()).tolist() if values.numel() else ()  # one synchronisation with the device
    if not all(map(math.isfinite, ends)):
        where = tuple((~torch.isfinite(values)).nonzero()[0].tolist())
        raise ValueError(f"{name} must be finite, but {name}[{_index(where)}] is {values[where].item()}")


def mass(name, value):
    """Return `value` as a tensor of masses along its last dimension: finite, non-negative, each total positive."""
    value = floating(name, value)
    dimension(name, value, -1)
    non_negative(name, value)
    totals = _plain(value.detach()).double().sum(-1)
    if not ((totals > 0) & torch.isfinite(totals)).all():
        worst = totals[~((totals > 0) & torch.isfinite(totals))][0].item()
        raise ValueError(f"{name} must have a positive finite total along its last dimension, but adds up to {worst}")
    return value


def masses(**values):
    """Return two matching tensors of masses along their last dimensions, with equal totals."""
    tensors = {name: floating(name, value) for name, value in values.items()}
    untransformed(only_batches=True, **tensors)
    if _match(*tensors.values()):
        return tuple(tensors.values())
    tensors = {name: mass(name, value) for name, value in tensors.items()}
    together(**tensors)
    (first, a), (second, b) = tensors.items()
    broadcast(**{f"the batches of {first}": a[..., 0], f"of {second}": b[..., 0]})
    from_a, from_b = (_plain(tensor.detach()).double().sum(-1) for tensor in (a, b))
    apart = (from_a - from_b).abs() / torch.maximum(from_a, from_b)
    if (apart > TOTAL_TOLERANCE.get(a.dtype, 1e-9)).any():
        worst = apart.reshape(-1).argmax()
        totals = [total.expand(apart.shape).reshape(-1)[worst].item() for total in (from_a, from_b)]
        raise ValueError(
            f"{first} and {second} must have the same total, but add up to {totals[0]:.12g} and {totals[1]:.12g}: "
            "divide each by its sum"
        )
    return a, b


def _match(a, b):
    """Whether two tensors are matching masses, at a glance; where they are not, a closer look is to say why."""
    if not (a.ndim and a.numel() and b.numel()) or (a.dtype, a.device) != (b.dtype, b.device):
        return False
    if a.shape[:-1] != b.shape[:-1]:
        return False
    a, b = _plain(a.detach()), _plain(b.detach())
    from_a, from_b = (each.sum(-1, dtype=torch.float64) for each in (a, b))
    if a.ndim > 1:  # the problem that is farthest off
        worst = ((from_a - from_b).abs() / torch.maximum(from_a, from_b)).argmax()  # NaN is the largest
        from_a, from_b = from_a.view(-1)[worst], from_b.view(-1)[worst]
    from_a, from_b = from_a.item(), from_b.item()
    apart = abs(from_a - from_b) <= TOTAL_TOLERANCE.get(a.dtype, 1e-9) * max(from_a, from_b)
    return 0 < max(from_a, from_b) < math.inf and apart and a.min().item() >= 0 and b.min().item() >= 0


def cost_matrix(name, cost, a, b, *, entries=True):
    """Return `cost` as a tensor (..., n, m) of costs that matches masses (..., n) and (..., m).

    They are finite, unless the caller looks at the `entries`.
    """
    cost = floating(name, cost)
    untransformed(a=a, b=b, **{name: cost})
    only_backward(a=a, b=b, **{name: cost})
    if cost.ndim < 2 or cost.shape[-2:] != (a.shape[-1], b.shape[-1]):
        raise ValueError(
            f"{name} must have shape (..., {a.shape[-1]}, {b.shape[-1]}), a row for each entry of a and a column "
            f"for each of b, but has shape {shape(cost)}"
        )
    together(**{"a": a, name: cost})
    broadcast(**{"the batches of a": a[..., 0], "of b": b[..., 0], f"and of {name}": cost[..., 0, 0]})
    if entries:
        finite_entries(name, cost)
    return cost


def points(**values):
    """Return two matching tensors of points (..., n, d) and (..., m, d)."""
    tensors = {name: cloud(name, value) for name, value in values.items()}
    untransformed(only_batches=True, **tensors)
    together(**tensors)
    same_dimension(**tensors)
    for name, tensor in tensors.items():
        finite_entries(name, tensor)
    return tuple(tensors.values())


def same_dimension(**clouds):
    """Require two clouds of points (..., n, d) and (..., m, d) with the same d, in batches that broadcast."""
    (first, x), (second, y) = clouds.items()
    if x.shape[-1] != y.shape[-1]:
        raise ValueError(
            f"{first} and {second} must have points of the same dimension d, but have {x.shape[-1]} and "
            f"{y.shape[-1]} (shapes {shape(x)} and {shape(y)})"
        )
    broadcast(**{f"the batches of {first}": x[..., 0, 0], f"of {second}": y[..., 0, 0]})


def one_each(name, value, x, *, of, what="value"):
    """Require a number for each of the points `x` (..., n, d): a tensor (..., n) that goes with them."""
    together(**{of: x, name: value})
    if value.ndim == 0 or value.shape[-1] != x.shape[-2]:
        raise ValueError(
            f"{name} must have a {what} for each of the {x.shape[-2]} points of {of}, but has shape {shape(value)}"
        )
    broadcast(**{f"the batches of {of}": x[..., 0, 0], f"of {name}": value[..., 0]})
    return value


def point_masses(name, value, x, *, of):
    """Return the masses (..., n) of points `x` (..., n, d); None stands for 1/n each."""
    if value is None:
        return x.new_full(x.shape[-2:-1], 1 / x.shape[-2])
    return one_each(name, mass(name, value), x, of=of, what="mass")


# For `gantut.games`, where the last dimension holds the coordinates of a player.


def strategy(name, value):
    """Return `value` as finite points (..., d) of one player; a single number is a point on the line."""
    value = floating(name, value)
    value = value[None] if value.ndim == 0 else value
    if value.shape[-1] == 0:
        raise ValueError(f"{name} must have shape (..., d) with d at least 1, but has shape {shape(value)}")
    finite_entries(name, value)
    return value


def step_size(name, value, x):
    """Return positive finite numbers, one or a batch (...), as a tensor (..., 1) to go with points x (..., d)."""
    if isinstance(value, torch.Tensor):
        together(x=x, **{name: floating(name, value)})
    value = floating(name, value).to(x)
    values = _plain(value.detach())
    bad = ~(torch.isfinite(values) & (values > 0))
    if bad.any():
        raise ValueError(f"{name} must be positive and finite, not {values[bad][0].item()}")
    broadcast(**{f"the batches of {name}": value, "of the points": x[..., 0]})
    return value[..., None]


# For `gantut.metrics`, where a member of a population may have diverged.


def cloud(name, value, *, least=1, why=""):
    """Return `value` as a tensor (..., n, d) of at least `least` points, which need not be finite."""
    value = floating(name, value)
    given = f"but has shape {shape(value)}"
    if value.ndim < 2 or 0 in value.shape[-2:]:
        raise ValueError(f"{name} must be points of shape (..., n, d), n and d at least 1, {given}")
    if value.shape[-2] < least:
        raise ValueError(f"{name} must have at least {least} points{why}, {given}")
    return value


def class_labels(name, value, *, least=0):
    """Return `value` as a tensor of class labels: integers from `least` on."""
    value = numbers_of(name, value)
    if value.is_floating_point() or value.is_complex() or value.dtype == torch.bool:
        raise ValueError(f"{name} must be whole numbers, not {value.dtype}: write {name}.long()")
    value = value.long()  # at once: of unsigned ones torch finds no smallest
    if not value.ndim or not value.shape[-1]:
        raise ValueError(f"{name} must be labels of shape (..., n), n at least 1, but has shape {shape(value)}")
    if value.numel() and value.min() < least:
        raise ValueError(f"{name} must be whole numbers from {least} on, but one is {value.min().item()}")
    return value
