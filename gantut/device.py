"""Where tensors live, where randomness comes from, and how large a run is.

Three environment variables steer every lesson; all are optional:

``GANTUT_DEVICE``
    ``cpu``, ``cuda``, ``cuda:1`` ... By default CUDA where there is one, otherwise the CPU.
``GANTUT_SCALE``
    ``fast`` (the default: a lesson under a minute on two cores) or ``full`` (the sizes of the papers).
``GANTUT_THREADS``
    How many CPU threads PyTorch may use.
"""

import os

import torch

from gantut import _inputs

SCALES = ("fast", "full")


def choose_device(name: str | None = None) -> torch.device:
    """Return the device to compute on.

    Parameters
    ----------
    name : str, optional
        Such as ``"cpu"`` or ``"cuda"``; by default the variable ``GANTUT_DEVICE``, or else CUDA where there is one.

    Returns
    -------
    torch.device

    Raises
    ------
    ValueError
        If there is no such device on this machine.
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

    Draws come from the CPU and are then moved, so that a lesson shows the same page on the CPU and on CUDA.
    """
    return torch.Generator(device="cpu").manual_seed(_inputs.count("seed", seed, least=0))


def scale() -> str:
    """Return ``"fast"`` or ``"full"``, as the variable ``GANTUT_SCALE`` says."""
    return _inputs.one_of("GANTUT_SCALE", os.environ.get("GANTUT_SCALE") or "fast", SCALES)


def at_scale(*, fast, full):
    """Return `fast` or `full`, as :func:`scale` says: ``steps = at_scale(fast=500, full=20_000)``."""
    return full if scale() == "full" else fast


def limit_threads() -> int:
    """Let PyTorch use as many CPU threads as ``GANTUT_THREADS`` says, if it says so; return the number in use."""
    if os.environ.get("GANTUT_THREADS"):
        try:
            threads = int(os.environ["GANTUT_THREADS"])
        except ValueError:
            threads = os.environ["GANTUT_THREADS"]
        torch.set_num_threads(_inputs.count("GANTUT_THREADS", threads))
    return torch.get_num_threads()
