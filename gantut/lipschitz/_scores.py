"""A critic's scores, with or without a members axis, and their gradients in the samples."""

from collections.abc import Callable
from typing import NamedTuple
from weakref import WeakKeyDictionary

import torch
from torch import nn
from torch.func import functional_call

from gantut import _inputs
from gantut.device import seeded

ROUNDINGS = 64  # a score that changes by more than so many roundings has changed
# What has been found out about a critic, so that a penalty in every step of a loop costs no more than itself.
_KNOWN: WeakKeyDictionary[nn.Module, dict] = WeakKeyDictionary()


class Layout(NamedTuple):
    """The axes of a critic's scores before that of the single score."""

    axes: int  # 1 for (batch), 2 for (members, batch)
    sharing: int = 0  # how many members look at the same samples, which have no members axis

    def arrange(self, x: torch.Tensor) -> torch.Tensor:
        """Return samples with a members axis where the scores have one."""
        return x.expand(self.sharing, *x.shape) if self.sharing else x


def layout_of(scores, x: torch.Tensor) -> Layout:
    r"""Return the layout of a critic's scores of x.

    (batch,) and (batch, 1) are scores without a members axis; (members, batch, 1) are those of a population, of samples
    (members, batch, \*event), or (batch, \*event) that all members look at.
    """
    given = _inputs.shape(scores) if isinstance(scores, torch.Tensor) else type(scores).__name__
    batch = x.shape[0]
    if given in ((batch,), (batch, 1)):
        return Layout(1)
    if x.ndim > 2 and given == (*x.shape[:2], 1):
        return Layout(2)
    if isinstance(given, tuple) and len(given) == 3 and given[1:] == (batch, 1):
        return Layout(2, sharing=given[0])
    raise ValueError(
        "critic must give every sample one score, shape (batch,), (batch, 1) or, for a population, "
        f"(members, batch, 1), but gave {given} for x of shape {_inputs.shape(x)}"
    )


def layout(critic: nn.Module, x: torch.Tensor) -> Layout:
    """Return the layout of a critic's scores of samples like x, found out once."""
    return _once(critic, x.ndim, lambda: layout_of(_unseen(critic, x), x))


def gradient_in(critic: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Return the gradient of each sample's score in that sample, differentiable in the critic's parameters."""
    return answer(critic, lambda x: _gradient(critic, x), samples("x", x))


def gradient_norms(critic: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Return the norm of the gradient for each sample, shape (batch,) or (members, batch)."""
    gradient = answer(critic, lambda x: _gradient(critic, x), x)
    return torch.linalg.vector_norm(gradient.flatten(layout(critic, x).axes), dim=-1)


def penalty_at(critic: nn.Module, x: torch.Tensor, target: float, one_sided: bool) -> torch.Tensor:
    """Return :func:`gradient_penalty_at` of a critic and settings that are known to be good: no value is looked at."""
    excess = gradient_norms(critic, x) - target  # (batch,) or (members, batch)
    if one_sided:
        excess = excess.clamp(min=0)
    finite = layout(critic, x).arrange(x).isfinite().flatten(excess.ndim - 1).all(-1)  # () or (members,)
    return excess.square().mean(-1).where(finite, torch.nan)


def _gradient(critic, x):
    if hasattr(critic, "input_gradient") and getattr(critic, "samples_are_separate", True):
        gradient = critic.input_gradient(x)
        if x.shape not in (gradient.shape, gradient.shape[1:]):
            raise ValueError(
                f"critic.input_gradient must return the shape of x, {_inputs.shape(x)}, not {_inputs.shape(gradient)}"
            )
        return gradient
    x, wanted = layout(critic, x).arrange(x.detach()), torch.is_grad_enabled()
    with torch.enable_grad():
        x = x.clone().requires_grad_()  # one for each member, or else the gradients of all would be added up
        total, found = critic(x).sum(), [None]
        if total.requires_grad:
            found = torch.autograd.grad(total, x, create_graph=wanted, allow_unused=True)
    if found[0] is None:
        raise ValueError("critic must be differentiable in x, but its scores do not depend on x through autograd")
    return found[0]


# ---- Samples that see each other --------------------------------------------------------------------------------


def require_separate_samples(critic: nn.Module, x: torch.Tensor, *, name: str = "x") -> None:
    r"""Require a critic that scores each sample by itself, as a gradient penalty does.

    One sample of the batch is changed, and the scores of the others are compared with what they were: batch
    normalisation, minibatch statistics or attention over the batch change them, whatever their class.

    Parameters
    ----------
    critic : Module
        In the mode, training or evaluation, in which it is going to be used. Its buffers stay as they are, and no
        random numbers are consumed.
    x : tensor, shape (batch, \*event) or (members, batch, \*event)
        Some samples.
    name : str
        What messages call x.

    Raises
    ------
    ValueError
        If the scores of other samples change, or the critic does not give every sample one score.

    See Also
    --------
    gradient_penalty : Checks this the first time that it is given a critic.

    References
    ----------
    Gulrajani et al. (2017), section 4, "No critic batch normalization"; lesson 13.

    Examples
    --------
    >>> x = torch.randn(8, 2)
    >>> require_separate_samples(torch.nn.Linear(2, 1), x)
    >>> require_separate_samples(torch.nn.Sequential(torch.nn.BatchNorm1d(2), torch.nn.Linear(2, 1)), x)
    Traceback (most recent call last):
    ...
    ValueError: critic must score each sample by itself, but when one sample of a batch changed, ...
    """
    require_module(critic)
    x = samples(name, x).detach()
    before = answer(critic, lambda x: _unseen(critic, x), x, name=name)
    found = layout_of(before, x)
    axis = 0 if found.axes == 1 or found.sharing else 1  # of the batch, in x
    if x.shape[axis] == 1:
        x = torch.cat([x, x], axis)
        before = _unseen(critic, x)
    before = before.movedim(found.axes - 1, 0)[:-1]
    certain = ROUNDINGS * torch.finfo(before.dtype).eps * before.nan_to_num(0, 0, 0).abs().amax()
    for changed in _changed(x, axis):
        after = _unseen(critic, changed).movedim(found.axes - 1, 0)[:-1]
        if ((after - before).abs() > certain).any() or not torch.equal(after.isfinite(), before.isfinite()):
            raise ValueError(
                "critic must score each sample by itself, but when one sample of a batch changed, so did the scores of "
                "others, as with batch normalisation, minibatch statistics or attention over the batch: use layer norm "
                "or none"
            )


def require_once(name: str, critic: nn.Module, x: torch.Tensor) -> None:
    """Require separate samples the first time that a critic is seen in this mode: later calls cost nothing."""
    require_module(critic)
    mode = "training" if critic.training else "evaluation"
    _once(critic, mode, lambda: require_separate_samples(critic, x, name=name))


def _once(critic, key, find):
    known = _KNOWN.setdefault(critic, {})
    if key not in known:
        known[key] = find()
    return known[key]


@torch.no_grad()
def _unseen(critic, x):
    """Return a critic's scores, with buffers and random numbers of their own, so that this leaves no trace."""
    buffers = {name: buffer.clone() for name, buffer in critic.named_buffers()}
    with seeded(0, x.device):
        return functional_call(critic, buffers, (x,))


def _changed(x, axis):
    """Yield the samples with the last one changed: to a copy of the first, and to something far from all."""
    rest, last = x.split([x.shape[axis] - 1, 1], axis)
    scale = x.nan_to_num(0, 0, 0).abs().amax().clamp(min=1)
    noise = torch.randn(last.shape, generator=torch.Generator().manual_seed(0), device="cpu").to(x)
    for other in (x.narrow(axis, 0, 1), last + scale * noise):
        yield torch.cat([rest, other], axis)


# ---- Checks of shapes, dtypes and devices, which cost next to nothing even in training ----------------------------


def samples(name: str, value, *, axes: int = 1) -> torch.Tensor:
    r"""Return `value` as floating point samples with at least so many axes before the event, and no size 0."""
    value = _inputs.floating(name, value)
    if value.ndim <= axes or not value.numel():
        allowed = "(members, batch, *event)" if axes == 2 else "(batch, *event) or (members, batch, *event)"
        raise ValueError(f"{name} must have shape {allowed}, with no size 0, not {_inputs.shape(value)}")
    return value


def alike(**tensors: torch.Tensor) -> None:
    """Require two tensors of one shape, dtype and device."""
    (first, one), (second, other) = tensors.items()
    if one.shape != other.shape:
        raise ValueError(f"{second} must have the shape of {first}, {_inputs.shape(one)}, not {_inputs.shape(other)}")
    _inputs.together(**tensors)


def require_module(critic) -> None:
    """Require a module of torch."""
    if not isinstance(critic, nn.Module):
        raise ValueError(
            f"critic must be a torch.nn.Module, not a {type(critic).__name__}: make a function the `forward` of one"
        )


def answer(critic: Callable, question: Callable, x: torch.Tensor, *, name: str = "x") -> torch.Tensor:
    """Ask something about a critic at x; if that fails, and its dtype or device is not that of x, say so."""
    try:
        return question(x)
    except RuntimeError as error:
        parameters = list(critic.parameters()) if isinstance(critic, nn.Module) else []
        for what in ("dtype", "device"):
            theirs = {getattr(p, what): None for p in parameters if p.is_floating_point()}
            if theirs and getattr(x, what) not in theirs:
                own = " or ".join(map(str, theirs))
                raise ValueError(f"{name} must have the {what} of critic, {own}, not {getattr(x, what)}") from error
        raise
