"""``claim``: a checked statement that prints one line."""

import math

from gantut.checks._ledger import read_ledger


class ClaimFailed(AssertionError):
    """A claim did not hold; the message gives its identifier, statement, value and bound."""


def claim(claim_id, statement, value, *, equals=None, atol=0.0, rtol=0.0, below=None, above=None, digits=None):
    r"""State a claim: check it, and print one line; raise an error if it does not hold.

    The line shows what was found beside what was wanted. It is the same on every machine: the value is rounded well
    inside the tolerance, or to a tenth of the bound, and never shows the digits that a machine happened to compute.

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
    digits : int, optional
        Significant digits of a bounded value that are shown; by default two, or fewer where the bound is coarser.

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
        If there is no condition, both `equals` and bounds are given, or `digits` is not a positive whole number.

    See Also
    --------
    read_ledger : the claims there are.

    Examples
    --------
    >>> claim("js-bounded", "JS lies in [0, log 2]", [0.0, 0.1, 0.69], above=-1e-12, below=0.6932)
    ✓ js-bounded: JS lies in [0, log 2]  (all 3 between -1e-12 and 0.6932: 0 to 0.69)
    """
    read_ledger()[claim_id]
    if equals is not None and (below is not None or above is not None):
        raise ValueError(f"claim {claim_id!r}: give either equals=, or below= and above=, not both")
    if digits is not None and not (isinstance(digits, int) and digits >= 1):
        raise ValueError(f"claim {claim_id!r}: digits must be a whole number of at least 1, not {digits!r}")
    if _is_symbolic(value) or _is_symbolic(equals):
        holds, found, wanted = _compare_symbols(claim_id, value, equals)
    elif equals is not None:
        holds, found, wanted = _compare_numbers(value, equals, atol, rtol)
    elif below is not None or above is not None:
        holds, found, wanted = _compare_bounds(value, below, above, digits)
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
    if not excess[worst] <= 0:  # nor if the tolerance is NaN
        return False, f"{values[worst]!r} where {expected[worst]!r} was expected", wanted
    seen, hoped = ([_rounded(v, _decade(a)) for v, a in zip(part, allowed, strict=True)] for part in (values, expected))
    agree = seen == hoped or len(values) > 4
    return True, "", wanted if agree else f"found {', '.join(seen)}; wanted {wanted}"


def _compare_bounds(value, below, above, digits):
    values = _numbers(value)
    broken = [v for v in values if not _within(v, below, above)]
    if below is not None and above is not None:
        wanted = f"between {above:.6g} and {below:.6g}"
    else:
        wanted = f"< {below:.6g}" if above is None else f"> {above:.6g}"
    if not values:
        return False, "no values", f"at least one, {wanted}"
    if broken:
        return False, f"{broken[0]!r}", wanted if len(values) == 1 else f"all {len(values)} {wanted}"
    least, most = (_inside(end, below, above, digits) for end in (min(values), max(values)))
    if {least, most} == {"0", "about 0"}:
        least = most = "about 0"
    if len(values) == 1:
        return True, least, f"{least} {wanted}"
    return True, least, f"all {len(values)} {wanted}: {least if least == most else f'{least} to {most}'}"


def _inside(value, below, above, digits):
    """Show a value between bounds so coarsely that machines agree, and so finely that it does not touch a bound."""
    bounds = [bound for bound in (below, above) if bound is not None]
    scale = abs(bounds[0] - bounds[-1]) or abs(bounds[0])
    step = _decade(value) / 10 ** (digits - 1) if digits else max(_decade(value), _decade(scale)) / 10
    shown = _rounded(value, step)
    while not _within(float(shown), below, above) and step > abs(value) * 1e-6:
        step /= 10
        shown = _rounded(value, step)
    return "about 0" if shown == "0" and value else shown


def _within(value, below, above):
    return (below is None or value < below) and (above is None or value > above)


def _decade(number):
    """Return the power of ten at or below a number's size; 0 for 0 and for what is not finite."""
    return 10.0 ** math.floor(math.log10(abs(number))) if number and math.isfinite(number) else 0.0


def _rounded(number, step):
    """Show a number to the nearest multiple of `step`, a power of ten, and to at most six digits."""
    return _shown(round(number / step) * step if step and math.isfinite(number) else number)


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
