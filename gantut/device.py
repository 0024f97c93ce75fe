"""Where tensors live, where randomness comes from, and how large a run is.

Three optional environment variables control every lesson:

``GANTUT_DEVICE``
    ``cpu``, ``cuda``, ``cuda:1`` ... By default, CUDA where available, otherwise the CPU.
``GANTUT_SCALE``
    ``fast`` (the default: a lesson under a minute on two cores) or ``full`` (the sizes of the papers).
``GANTUT_THREADS``
    The number of CPU threads that PyTorch may use.
"""

import contextlib
import os
import threading

import torch

from gantut import _inputs

SCALES = ("fast", "full")

_GLOBAL = threading.RLock()  # threads share PyTorch's global random numbers

__all__ = [
    "at_scale", "choose_device", "draw_noise", "global_sources", "limit_threads", "random_source", "scale", "seeded",
]  # fmt: skip


def choose_device(name: str | None = None) -> torch.device:
    """Return the device to compute on.

    Parameters
    ----------
    name : str, optional
        Such as ``"cpu"`` or ``"cuda"``; by default, the variable ``GANTUT_DEVICE``, or CUDA where available.

    Returns
    -------
    torch.device

    Raises
    ------
    ValueError
        If there is no such device on this machine.

    Examples
    --------
    >>> choose_device("cpu")
    device(type='cpu')
    """
    name = name or os.environ.get("GANTUT_DEVICE") or "auto"
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(
            f"device (or GANTUT_DEVICE) must be a device of this machine, not {name!r}: {reason}"
        ) from None
    return device


def random_source(seed: int) -> torch.Generator:
    """Return a CPU generator with the given seed.

    Random numbers are drawn on the CPU and then moved, so that a lesson shows the same page on the CPU and on CUDA.

    Parameters
    ----------
    seed : int
        Not negative.

    Returns
    -------
    torch.Generator

    Raises
    ------
    ValueError
        If the seed is not such a number.

    Examples
    --------
    >>> torch.rand(2, generator=random_source(0))
    tensor([0.4963, 0.7682])
    """
    return torch.Generator(device="cpu").manual_seed(_inputs.count("seed", seed, least=0))


def global_sources(*devices: torch.device) -> dict[str, torch.Generator]:
    """Return PyTorch's own generators, from which whatever names no other draws.

    Parameters
    ----------
    *devices : device
        Beside the CPU; each with its index, as the `device` of a tensor has it.

    Returns
    -------
    dict of torch.Generator
        By the name of the device, "cpu" first.

    See Also
    --------
    random_source : One of your own.

    Examples
    --------
    >>> list(global_sources(torch.device("cpu")))
    ['cpu']
    """
    sources = {"cpu": torch.default_generator}
    for device in devices:
        if device.type != "cpu":
            sources[str(device)] = getattr(torch, device.type).default_generators[device.index]
    return sources


@contextlib.contextmanager
def seeded(seed: int, *devices: torch.device):
    """Let PyTorch's own random numbers start from a seed within this, and be afterwards what they were.

    Parameters
    ----------
    seed : int
    *devices : device
        As :func:`global_sources` takes them.

    Yields
    ------
    None

    Examples
    --------
    >>> with seeded(0):
    ...     torch.rand(2)
    tensor([0.4963, 0.7682])
    """
    with _GLOBAL:
        sources = global_sources(*devices).values()
        before = [source.get_state() for source in sources]
        try:
            for source in sources:
                source.manual_seed(seed)
            yield
        finally:
            for source, state in zip(sources, before, strict=True):
                source.set_state(state)


def draw_noise(kind: str, shape: tuple[int, ...], source: torch.Generator | None = None) -> torch.Tensor:
    """Draw independent random numbers of one kind.

    Parameters
    ----------
    kind : {"gaussian", "uniform", "unit"}
        From N(0, 1), from U[-1, 1], or from U[0, 1].
    shape : tuple of int
    source : torch.Generator, optional
        By default, the global one.

    Returns
    -------
    tensor, of that shape
        In single precision, on the device of `source`.

    Raises
    ------
    ValueError
        If there is no such kind.

    See Also
    --------
    random_source

    Examples
    --------
    >>> draw_noise("uniform", (3,), random_source(0))
    tensor([-0.0075,  0.5364, -0.8230])
    """
    _inputs.one_of("kind", kind, ("gaussian", "uniform", "unit"))
    options = {"generator": source, "device": None if source is None else source.device}
    if kind == "gaussian":
        return torch.randn(shape, **options)
    unit = torch.rand(shape, **options)
    return unit if kind == "unit" else unit * 2 - 1


def scale() -> str:
    """Return ``"fast"`` or ``"full"``, as the variable ``GANTUT_SCALE`` says.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If the variable has another value.

    See Also
    --------
    at_scale

    Examples
    --------
    >>> scale() in ("fast", "full")
    True
    """
    return _inputs.one_of("GANTUT_SCALE", os.environ.get("GANTUT_SCALE") or "fast", SCALES)


def at_scale(*, fast, full):
    """Return `fast` or `full`, as :func:`scale` says.

    Parameters
    ----------
    fast, full : object
        For instance the numbers of steps of a short and of a full run.

    Returns
    -------
    object
        One of them.

    See Also
    --------
    scale

    Examples
    --------
    >>> at_scale(fast=500, full=20_000) in (500, 20_000)
    True
    """
    return full if scale() == "full" else fast


def limit_threads() -> int:
    """Limit PyTorch to the number of CPU threads in the variable ``GANTUT_THREADS``, if it is set.

    Returns
    -------
    int
        The number of threads in use.

    Raises
    ------
    ValueError
        If the variable is not a positive integer.

    Examples
    --------
    >>> limit_threads() == torch.get_num_threads()
    True
    """
    if threads := os.environ.get("GANTUT_THREADS"):
        torch.set_num_threads(_inputs.count("GANTUT_THREADS", int(threads) if threads.isdecimal() else threads))
    return torch.get_num_threads()
