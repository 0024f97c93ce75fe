"""Numba, where it is installed: how functions are compiled, and how modules of compiled functions are found."""

import functools
import importlib

# A minimum may be taken in any order, and there are no NaNs; but infinities there are.
OPTIONS = {"nogil": True, "error_model": "numpy", "fastmath": {"nnan", "nsz", "reassoc"}}


def compiled(function):
    """Compile at the first call, and keep the result beside this file or in the user's folder, where one may write."""
    from numba import njit

    try:
        return njit(cache=True, **OPTIONS)(function)
    except RuntimeError:
        return njit(**OPTIONS)(function)


@functools.cache
def compiled_module(name):
    """A module of compiled functions, which takes half a second to import; None where Numba is missing."""
    try:
        return importlib.import_module(f"gantut.transport.{name}")
    except ImportError:
        return None
