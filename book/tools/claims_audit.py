"""Does each finished lesson show all claims of the ledger that are its own, and no others? The tests ask."""

import ast
from collections.abc import Mapping

from gantut.checks import Ledger, UnknownClaim


def claims_shown(source: str) -> list[tuple[str | None, int]]:
    """List the claims that Python code makes, as pairs (identifier, line number); None where it is no literal string."""
    shown = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", None)) == "claim":
            first = node.args[0] if node.args else None
            literal = isinstance(first, ast.Constant) and isinstance(first.value, str)
            shown.append((first.value if literal else None, node.lineno))
    return sorted(shown, key=lambda pair: pair[1])


def audit(ledger: Ledger, lessons: Mapping[str, str]) -> list[str]:
    """Compare the finished lessons with the ledger; an empty list means that they agree.

    Parameters
    ----------
    ledger : Ledger
    lessons : mapping
        From the number of each finished lesson, such as ``"01"``, to its Python source.

    Returns
    -------
    list of str
        One sentence per problem: an unknown identifier, one shown in two lessons or in the wrong one, an entry of a
        finished lesson that is never shown.
    """
    problems, seen = [], {}
    for lesson, source in lessons.items():
        for claim_id, line in claims_shown(source):
            place = f"lesson {lesson}, line {line}"
            if claim_id is None:
                problems.append(f"{place}: the identifier of a claim must be written out as a string")
                continue
            try:
                entry = ledger[claim_id]
            except UnknownClaim as unknown:
                problems.append(f"{place}: {unknown}")
                continue
            if claim_id in seen and not seen[claim_id].startswith(f"lesson {lesson},"):
                problems.append(f"{place}: claim {claim_id!r} was already shown in {seen[claim_id]}")
            elif entry.lesson != lesson:
                problems.append(f"{place}: claim {claim_id!r} belongs to lesson {entry.lesson}")
            seen.setdefault(claim_id, place)
    for entry in ledger.entries.values():
        if entry.lesson in lessons and entry.id not in seen and entry.method != "reading":
            problems.append(f"lesson {entry.lesson} is finished but never shows claim {entry.id!r}")
    return problems
