"""Validation of settings: numbers, names, paths, generators; part of what `gantut._inputs` offers."""

import difflib
import math
import numbers
import os
from collections.abc import Iterable
from pathlib import Path

import torch


def log_base(base):
    """Return the factor 1/ln(base) that turns nats into units of that base."""
    if not 1 < _number(base) < math.inf:
        raise ValueError(f"base must be a finite number above 1 (e for nats, 2 for bits), not {base!r}")
    return 1.0 / math.log(base)


def positive(name, value):
    """Require a positive finite number."""
    number = _number(value)
    if not 0 < number < math.inf:
        raise ValueError(f"{name} must be a positive finite number, not {value!r}")
    return number


def _number(value):
    """A real number as a float: infinite where it is too large for one, NaN where it is no number."""
    if type(value) is float:
        return value  # the rest takes a microsecond
    try:
        return math.nan if isinstance(value, bool) or not isinstance(value, numbers.Real) else float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def finite(name, value):
    """Require a finite number."""
    try:
        number = math.nan if isinstance(value, str | bytes) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{name} must be a finite number, not {value!r}")
    return number


def count(name, value, *, least=1):
    """Require a whole number, at least `least`."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, not {value!r}")
    if value >= 2**63:
        raise ValueError(f"{name} must be a whole number below 2**63, not {value!r}")
    return int(value)


def counts(name, value, *, length=None):
    """Require a sequence of whole numbers, at least 1 each, and `length` of them where it is given."""
    found = [count(name, each) for each in value] if isinstance(value, Iterable) else None
    if found is None or length not in (None, len(found)):
        raise ValueError(f"{name} must be {length or 'a sequence of'} whole numbers, not {value!r}")
    return found


def path(name, value):
    """Require what names a file or a folder."""
    try:
        return Path(os.fsdecode(value))
    except TypeError:
        raise ValueError(f"{name} must be a path, not {value!r}") from None


def generator(name, value):
    """Require a generator on the CPU, or None."""
    given = value.device if isinstance(value, torch.Generator) else repr(value)
    if value is not None and not (isinstance(value, torch.Generator) and value.device.type == "cpu"):
        raise ValueError(f"{name} must be a torch.Generator on the CPU (samples are moved afterwards), not {given}")
    return value


def interval(name, value):
    """Require two finite numbers, the lower first."""
    try:
        low, high = (math.nan if isinstance(each, str | bytes) else float(each) for each in value)
    except (TypeError, ValueError, OverflowError):
        low = high = math.nan
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValueError(f"{name} must be two finite numbers, the lower first, not {value!r}")
    return low, high


def one_of(name, value, allowed):
    """Require one of the allowed values; the message suggests a similar one."""
    if value not in allowed:
        names = [name for name in allowed if isinstance(name, str)]
        near = difflib.get_close_matches(value, names, 1) if isinstance(value, str) else []
        hint = f": did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"{name} must be one of {', '.join(map(repr, allowed))}, not {value!r}{hint}")
    return value


def exponent(p, *, infinite=False):
    """Return the exponent p of a cost ||x-y||^p: a number of at least 1, and infinity only where allowed."""
    allowed = "a number in [1, inf]" if infinite else "a finite number of at least 1"
    number = _number(p)
    if not number >= 1 or (math.isinf(number) and not (infinite and p == math.inf)):
        raise ValueError(f"p must be {allowed}, not {p!r}")
    return number


def level(name, value):
    """Require a number strictly between 0 and 1."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not 0 < value < 1:
        raise ValueError(f"{name} must be a number between 0 and 1, not {value!r}")
    return float(value)
