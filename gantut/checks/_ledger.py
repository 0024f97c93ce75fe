"""The ledger of claims: reading it, and auditing the lessons against it."""

import ast
import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import NamedTuple

import yaml

KINDS = ("definition", "theorem", "derivation", "example", "erratum", "empirical", "figure", "algorithm", "trick",
         "reference")  # fmt: skip
VERDICTS = ("holds", "holds-if", "imprecise", "wrong")
METHODS = ("symbolic", "exact", "quadrature", "monte-carlo", "population", "reading")
READING = "reading"  # such an entry never runs: a person checks it by reading the sources


class UnknownClaim(ValueError):
    """A claim was made under an identifier that the ledger does not hold."""


@dataclass(frozen=True)
class Entry:
    """One claim of the ledger: what is said, by whom, whether it is so, and how that is checked."""

    id: str
    kind: str
    lesson: str
    sources: tuple[str, ...]
    statement: str
    verdict: str
    method: str
    check: str
    correction: str = ""

    def __post_init__(self):
        for name, value, allowed in (
            ("kind", self.kind, KINDS),
            ("verdict", self.verdict, VERDICTS),
            ("method", self.method, METHODS),
        ):
            if value not in allowed:
                raise ValueError(f"ledger entry {self.id!r}: {name} is {value!r}; allowed are {', '.join(allowed)}")
        if self.verdict != "holds" and not self.correction:
            raise ValueError(f"ledger entry {self.id!r}: verdict {self.verdict!r} needs a correction")


class Lesson(NamedTuple):
    """A lesson of the ledger: its title, and the name of its page once it is finished."""

    title: str
    page: str | None = None


@dataclass(frozen=True)
class Ledger:
    """The claims by identifier, the lessons by number, and the sources by key."""

    entries: dict[str, Entry]
    lessons: dict[str, Lesson]
    sources: dict[str, dict] = field(default_factory=dict)

    def __getitem__(self, claim_id: str) -> Entry:
        try:
            return self.entries[claim_id]
        except KeyError:
            near = difflib.get_close_matches(claim_id, self.entries, n=3)
            hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
            raise UnknownClaim(f"no claim {claim_id!r} in the ledger{hint}") from None

    @property
    def finished(self) -> tuple[str, ...]:
        """The numbers of the lessons that are finished."""
        return tuple(number for number, lesson in self.lessons.items() if lesson.page)

    def of_lesson(self, number: str) -> list[Entry]:
        """The entries that a lesson shows, or is to show."""
        return [entry for entry in self.entries.values() if entry.lesson == number]


def _default_path() -> Path:
    package = Path(__file__).resolve().parent.parent
    in_repository = package.parent / "book" / "claims.yml"
    return in_repository if in_repository.is_file() else package / "claims.yml"  # the wheel carries a copy


def read_ledger(path: str | Path | None = None) -> Ledger:
    """Read a ledger file and check its form.

    Parameters
    ----------
    path : path, optional
        The file; by default the book's own ``book/claims.yml``, or the copy of it that the wheel carries.

    Returns
    -------
    Ledger

    Raises
    ------
    ValueError
        If an identifier occurs twice, a lesson or source is not declared, or a field is not allowed.
    """
    return _read(Path(path) if path is not None else _default_path())


@cache
def _read(path: Path) -> Ledger:
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    lessons, sources, entries = {}, document.get("sources", {}), {}
    for number, fields in document["lessons"].items():
        try:
            lessons[number] = Lesson(**fields)
        except TypeError as error:
            raise ValueError(f"ledger lesson {number!r}: {error}") from None
    for fields in document["claims"]:
        try:
            entry = Entry(**{**fields, "sources": tuple(fields["sources"])})
        except (KeyError, TypeError) as error:  # a field too few, or one too many
            raise ValueError(f"ledger entry {fields.get('id')!r}: {error!r}") from None
        if entry.id in entries:
            raise ValueError(f"ledger: two entries have the id {entry.id!r}")
        if entry.lesson not in lessons:
            raise ValueError(f"ledger entry {entry.id!r}: no lesson {entry.lesson!r}; there are {', '.join(lessons)}")
        for source in entry.sources:
            if source.split(":")[0] not in sources:
                raise ValueError(f"ledger entry {entry.id!r}: no source {source.split(':')[0]!r} is declared")
        entries[entry.id] = entry
    return Ledger(entries, lessons, sources)


def claims_shown(source: str) -> list[tuple[str | None, int]]:
    """List the claims that a piece of Python code makes, as pairs (identifier, line number).

    The identifier is None where it is not written out as a string: such a claim cannot be audited.
    """
    shown = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", None)) == "claim":
            first = node.args[0] if node.args else None
            literal = isinstance(first, ast.Constant) and isinstance(first.value, str)
            shown.append((first.value if literal else None, node.lineno))
    return sorted(shown, key=lambda pair: pair[1])


def audit(ledger: Ledger, lessons: Mapping[str, str]) -> list[str]:
    """Compare the finished lessons with the ledger; an empty answer means that they agree.

    Parameters
    ----------
    ledger : Ledger
    lessons : mapping
        From the number of each finished lesson, such as ``"01"``, to its Python source.

    Returns
    -------
    list of str
        One sentence a problem: an unknown identifier, one shown twice or in the wrong lesson, an entry of a
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
            if claim_id in seen:
                problems.append(f"{place}: claim {claim_id!r} was already shown in {seen[claim_id]}")
            elif entry.lesson != lesson:
                problems.append(f"{place}: claim {claim_id!r} belongs to lesson {entry.lesson}")
            seen.setdefault(claim_id, place)
    for entry in ledger.entries.values():
        if entry.lesson in lessons and entry.id not in seen and entry.method != READING:
            problems.append(f"lesson {entry.lesson} is finished but never shows claim {entry.id!r}")
    return problems
