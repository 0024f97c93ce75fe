"""Nested Python values as strict JSON and a flat table of tensors, and back, exactly.

What JSON knows stays as it is. All else is an object with a single key that starts with a dollar sign::

    {"$tensor": "state['adam']['state'][0]['exp_avg']"}      its name in the table
    {"$tuple": [...]}
    {"$pairs": [[key, value], ...]}                          a dict whose keys are not all plain strings
    {"$float": "7ff0000000000000"}                           the bits of inf and nan
    {"$int": "0x20000000000000"}                             what other readers of JSON would round
"""

import collections
import json
import math
import struct

import torch

PLAIN = "a dict, list, tuple, tensor, number, bool, str or None"


def flatten(name: str, value, *, depth: int):
    """Return `value` as a JSON-able structure, and the tensors in it by name.

    Raises a ValueError that names the place where a value is of another kind, or nested more than `depth` deep.
    """
    tensors: dict[str, torch.Tensor] = {}
    return _flat(name, value, tensors, depth), tensors


def _flat(where, value, tensors, depth):
    kind = type(value)
    if value is None or kind in (bool, str):
        return value
    if kind is int:
        return value if abs(value) <= 2**53 else {"$int": hex(value)}
    if kind is float:
        return value if math.isfinite(value) else {"$float": struct.pack(">d", value).hex()}
    if isinstance(value, torch.Tensor):
        tensors[where] = value  # no two places have the same description
        return {"$tensor": where}
    if depth == 0:
        raise ValueError(f"{where[:200]} is nested too deeply, or contains itself")
    if kind in (list, tuple):
        items = [_flat(f"{where}[{i}]", item, tensors, depth - 1) for i, item in enumerate(value)]
        return items if kind is list else {"$tuple": items}
    if kind in (dict, collections.OrderedDict):
        items = [(key, _flat(f"{where}[{key!r}]", item, tensors, depth - 1)) for key, item in value.items()]
        if all(type(key) is str and not key.startswith("$") for key in value):
            return dict(items)
        return {"$pairs": [[_flat_key(where, key, depth - 1), item] for key, item in items]}
    raise ValueError(f"{where} must be {PLAIN}, not {kind.__module__}.{kind.__qualname__}: turn it into one of these")


def _flat_key(where, key, depth):
    if not _may_be_key(key):
        raise ValueError(f"{where} must have keys that are strings, numbers, None or tuples of these, not {key!r}")
    return _flat(f"{where}.keys()", key, {}, depth)


def _may_be_key(key):
    if type(key) is tuple:
        return all(map(_may_be_key, key))
    return key is None or (type(key) in (bool, str, int, float) and key == key)  # nan would be a key many times over


def rebuild(structure, tensors: dict[str, torch.Tensor], *, depth: int):
    """Return the value whose structure and tensors :func:`flatten` gave; a ValueError says what is wrong."""
    left = dict(tensors)
    value = _restored(structure, left, depth)
    if left:
        raise ValueError(f"holds a tensor that nothing refers to: {min(left)!r}")
    return value


def _restored(value, tensors, depth):
    if not isinstance(value, dict | list):
        return value
    tag = next((key for key in value if key.startswith("$")), None) if isinstance(value, dict) else None
    if tag in LEAVES and len(value) == 1:
        return LEAVES[tag](value[tag], tensors)
    if depth == 0:
        raise ValueError("is nested too deeply")
    if isinstance(value, list):
        return [_restored(item, tensors, depth - 1) for item in value]
    if tag is None:
        return {key: _restored(item, tensors, depth - 1) for key, item in value.items()}
    if tag not in CONTAINERS or len(value) != 1:
        raise ValueError(f"holds an entry of unknown kind, {tag[:200]!r}")
    return CONTAINERS[tag](value[tag], tensors, depth - 1)


def _tensor(name, tensors):
    if not isinstance(name, str) or name not in tensors:
        raise ValueError(f"refers to a tensor that is missing, or refers to it twice: {str(name)[:200]!r}")
    return tensors.pop(name)


def _tuple(items, tensors, depth):
    if not isinstance(items, list):
        raise ValueError("holds a tuple that is not valid")
    return tuple(_restored(item, tensors, depth) for item in items)


def _pairs(pairs, tensors, depth):
    if not isinstance(pairs, list) or any(not isinstance(pair, list) or len(pair) != 2 for pair in pairs):
        raise ValueError("holds a dict that is not valid")
    try:
        value = {_restored(key, {}, depth): _restored(item, tensors, depth) for key, item in pairs}
    except TypeError:  # unhashable
        raise ValueError("holds a dict with a key that is not valid") from None
    if len(value) != len(pairs):
        raise ValueError("holds a dict with the same key twice")
    return value


def _number(read):
    """Return a reader of numbers that refuses what `read` cannot read."""

    def restored(text, _):
        try:
            return read(text)
        except (TypeError, ValueError, struct.error):
            raise ValueError(f"holds {str(text)[:200]!r}, which is not a valid number") from None

    return restored


LEAVES = {
    "$tensor": _tensor,
    "$float": _number(lambda bits: struct.unpack(">d", bytes.fromhex(bits))[0]),
    "$int": _number(lambda digits: int(digits, 16)),
}
CONTAINERS = {"$tuple": _tuple, "$pairs": _pairs}


def to_json(value) -> bytes:
    """Return `value` as strict JSON, in ASCII."""
    return (json.dumps(value, indent=1, allow_nan=False) + "\n").encode("ascii")


def from_json(data: bytes):
    """Read strict JSON: no key twice, no NaN, no number beyond a double; a ValueError says what is wrong."""

    def once(pairs):
        value = dict(pairs)
        if len(value) != len(pairs):
            raise ValueError("the same key twice")
        return value

    def finite(digits):
        if not math.isfinite(value := float(digits)):
            raise ValueError(f"{digits[:50]} is not a finite number")
        return value

    try:
        return json.loads(data.decode(), object_pairs_hook=once, parse_constant=finite, parse_float=finite)
    except RecursionError:
        raise ValueError("is not the JSON that was expected (it is nested too deeply)") from None
    except ValueError as error:
        raise ValueError(f"is not the JSON that was expected ({error})") from None
