"""Answers as readers give them: are they numbers, and are two formulas equal?"""

import math
import random


class NotAnAnswer(Exception):
    """What was given is of no kind that can be right; the message says what is wanted."""


def is_formula(thing) -> bool:
    """Whether something is a sympy expression."""
    return hasattr(thing, "free_symbols")


def same_formula(right, given, symbols=frozenset()) -> bool:
    """Whether a reader's formula equals another one, in these symbols and its own, wherever that is a real number.

    Simplification alone refuses right answers: it does not find every identity. Two different formulas, on the other
    hand, agree at a random point with probability 0.
    """
    import sympy

    symbols = right.free_symbols | symbols
    given = _read(given, {str(symbol): symbol for symbol in symbols})
    if not given.free_symbols <= symbols:
        return False
    real = 0
    for point in _points(symbols):
        wanted, found = _values((right, given), point)
        if _is_real(wanted):
            real += 1
            if not (_is_real(found) and abs(wanted - found) <= 1e-9 * (1 + abs(wanted))):
                return False  # at the first point: a wrong answer is compared with every known mistake, too
    return real >= 8 or sympy.simplify(right - given) == 0


def _read(given, symbols):
    """Read an answer as a formula in these symbols, whatever assumptions its own carry; pi may be one of them."""
    import sympy

    if (
        given is None
        or isinstance(given, (bool, tuple, list, set, dict))
        or (callable(given) and not is_formula(given))
    ):
        raise NotAnAnswer(f"A formula in {', '.join(sorted(symbols))} is wanted, not {kind(given)}.")
    try:
        given = sympy.sympify(given, locals=symbols)
    except (sympy.SympifyError, SyntaxError, TypeError, AttributeError):
        raise NotAnAnswer("It cannot be read as a formula: write products with * and powers with **.") from None
    return given.subs({symbol: symbols.get(str(symbol), symbol) for symbol in given.free_symbols | {sympy.pi}})


def _points(symbols):
    """Random values of the symbols: some between 0 and 1, where probabilities are, and some beyond."""
    source = random.Random(0)
    for largest in 12 * (1.0, 3.0):
        signs = {symbol: 1 if symbol.is_positive else source.choice((-1, 1)) for symbol in sorted(symbols, key=str)}
        yield {symbol: sign * source.uniform(0.02, largest) for symbol, sign in signs.items()}


def values_at(right, *others):
    """Return random points at which a formula is real, and the values there of it and of others.

    Points are lists of values, in the order of the symbols' names, of four digits, so that they can be written out. A
    value that is not real is None.
    """
    symbols = sorted(right.free_symbols, key=str)
    points, values = [], []
    for point in _points(symbols):
        point = {symbol: round(where, 4) for symbol, where in point.items()}
        real = [value.real if _is_real(value) else None for value in _values((right, *others), point)]
        if real[0] is not None:
            points.append([point[symbol] for symbol in symbols])
            values.append(real)
    return points, *(list(column) for column in zip(*values, strict=True))


def _values(formulas, point):
    import sympy

    values = []
    for formula in formulas:
        value = formula.subs({symbol: sympy.Float(where, 30) for symbol, where in point.items()}).evalf(20)
        values.append(complex(value) if value.is_number and value.is_finite else complex(math.nan))
    return values


def _is_real(value) -> bool:
    return math.isfinite(value.real) and abs(value.imag) <= 1e-12 * (1 + abs(value.real))


def number(given) -> float:
    """Return what was given, or what a function returned, as a number; a tensor or an array may hold just one."""
    size = given.numel() if hasattr(given, "numel") else getattr(given, "size", 1)
    if isinstance(given, (bool, complex, str)) or callable(given) or size != 1:
        raise NotAnAnswer(f"A number is wanted, not {kind(given)}.")
    try:
        return float(given)
    except (TypeError, ValueError):
        raise NotAnAnswer(f"A number is wanted, not {kind(given)}.") from None


def kind(thing) -> str:
    if thing is None or isinstance(thing, bool):
        return str(thing)
    if is_formula(thing):
        return f"the formula {thing}"
    if callable(thing):
        return "a function"
    name = type(thing).__name__
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
