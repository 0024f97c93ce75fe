"""``claim``: a checked statement that prints one line."""

import math

from gantut.checks._ledger import read_ledger


class ClaimFailed(AssertionError):
    """A claim did not hold; the message gives its identifier, statement, value and bound."""


def claim(claim_id, statement, value, *, equals=None, atol=0.0, rtol=0.0, below=None, above=None):
    r"""State a claim: check it, and print one line; raise an error if it does not hold.

    The line is the same on every machine: it shows the expected value and the tolerance, or only the bound,
    never the digits that a machine happened to compute.

    Parameters
    ----------
    claim_id : str
        An identifier of the ledger ``book/claims.yml``.
    statement : str
        What is claimed, in plain text.
    value : bool, number, array, tensor or sympy expression
        What was found. A single boolean needs no condition. Every entry of an array must satisfy the claim.
    equals : number, array, tensor or sympy expression, optional
        What `value` must be: numbers to within :math:`\text{atol} + \text{rtol}\,|\text{equals}|` (both 0: exactly),
        expressions identically.
    atol, rtol : float
        Absolute and relative tolerance of `equals`.
    below, above : float, optional
        Strict bounds: ``above < value < below``.

    Returns
    -------
    None
        After printing one line.

    Raises
    ------
    ClaimFailed
        If the claim does not hold; a NaN never satisfies a claim.
    UnknownClaim
        If the ledger has no such identifier.
    ValueError
        If there is no condition, or both `equals` and bounds are given.

    See Also
    --------
    read_ledger : the claims there are.

    Examples
    --------
    >>> claim("js-bounded", "JS lies in [0, log 2]", [0.0, 0.1, 0.69], above=-1e-12, below=0.6932)
    ✓ js-bounded: JS lies in [0, log 2]  (all 3 between -1e-12 and 0.6932)
    """
    read_ledger()[claim_id]
    if equals is not None and (below is not None or above is not None):
        raise ValueError(f"claim {claim_id!r}: give either equals=, or below= and above=, not both")
    if _is_symbolic(value) or _is_symbolic(equals):
        holds, found, wanted = _compare_symbols(claim_id, value, equals)
    elif equals is not None:
        holds, found, wanted = _compare_numbers(value, equals, atol, rtol)
    elif below is not None or above is not None:
        holds, found, wanted = _compare_bounds(value, below, above)
    elif _is_truth(value):
        holds, found, wanted = bool(value), "false", ""
    else:
        raise ValueError(f"claim {claim_id!r} has no condition: give equals=, below= or above=, or a boolean value")
    if not holds:
        raise ClaimFailed(f"{claim_id}: {statement}: found {found}" + (f", wanted {wanted}" if wanted else ""))
    print(f"✓ {claim_id}: {statement}" + (f"  ({wanted})" if wanted else ""))


def _is_symbolic(value):
    return hasattr(value, "free_symbols")


def _is_truth(value):
    return isinstance(value, bool) or ("bool" in str(getattr(value, "dtype", "")) and _size(value) == 1)


def _compare_symbols(claim_id, value, equals):
    if equals is None:
        raise ValueError(f"claim {claim_id!r}: a sympy expression needs equals=")
    import sympy

    difference = sympy.simplify(sympy.sympify(value) - sympy.sympify(equals))
    return difference == 0, f"{value}, which differs by {difference}", "identical as formulas"


def _compare_numbers(value, equals, atol, rtol):
    values, expected = _numbers(value), _numbers(equals)
    if len(expected) == 1:
        expected = expected * len(values)
    if len(values) != len(expected) or not values:
        return False, f"{len(values)} values", f"{max(len(expected), 1)}"
    apart = [_distance(v, e) for v, e in zip(values, expected, strict=True)]
    allowed = [atol + rtol * abs(e) if math.isfinite(e) else 0.0 for e in expected]
    excess = [a - b if not math.isnan(a) else math.inf for a, b in zip(apart, allowed, strict=True)]
    worst = max(range(len(values)), key=excess.__getitem__)
    holds, found = excess[worst] <= 0, f"{values[worst]!r} where {expected[worst]!r} was expected"
    tolerance = (
        f"{atol:.2g}" if not rtol else f"{rtol:.2g} relative" if not atol else f"({atol:.2g} + {rtol:.2g} relative)"
    )
    if len(set(expected)) == 1:
        wanted = _shown(expected[0])
    elif len(expected) <= 4:
        wanted = ", ".join(map(_shown, expected))
    else:
        wanted = f"{len(values)} values"
    wanted += " exactly" if not (atol or rtol) else f" ± {tolerance}"
    return holds, found, wanted


def _compare_bounds(value, below, above):
    values = _numbers(value)
    broken = [v for v in values if not ((below is None or v < below) and (above is None or v > above))]
    if below is not None and above is not None:
        wanted = f"between {above:.6g} and {below:.6g}"
    else:
        wanted = f"< {below:.6g}" if above is None else f"> {above:.6g}"
    if not values:
        return False, "no values", f"at least one, {wanted}"
    wanted = wanted if len(values) == 1 else f"all {len(values)} {wanted}"
    return not broken, f"{broken[0]!r}" if broken else "", wanted


def _shown(number):
    return f"{number:.6g}" if number else "0"  # never "-0"


def _distance(value, expected):
    return 0.0 if value == expected else abs(value - expected)  # inf equals inf


def _size(value):
    return value.numel() if hasattr(value, "numel") else getattr(value, "size", 1)


def _numbers(value):
    """Flatten numbers, nested sequences, arrays and tensors on any device into a list of floats."""
    if hasattr(value, "detach"):
        value = value.detach().cpu().double().reshape(-1).tolist()
    elif hasattr(value, "ravel"):
        value = value.ravel().tolist()
    if isinstance(value, (list, tuple)) and not hasattr(value, "__float__"):
        return [number for part in value for number in _numbers(part)]
    return [float(value)]
