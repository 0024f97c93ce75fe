"""The ledger of claims: what is claimed, by whom, whether it is true, and how that is checked."""

import difflib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import NamedTuple

import yaml

KINDS = ("definition", "theorem", "derivation", "example", "erratum", "empirical", "figure", "algorithm", "trick",
         "reference")  # fmt: skip
VERDICTS = ("holds", "holds-if", "imprecise", "wrong")
METHODS = ("symbolic", "exact", "quadrature", "monte-carlo", "population", "reading")  # the last: by a person


class UnknownClaim(ValueError):
    """A claim was made under an identifier that is not in the ledger."""


@dataclass(frozen=True)
class Entry:
    """One claim of the ledger.

    Attributes
    ----------
    id, kind, lesson : str
        The identifier, such as "js-bounded"; what it is, such as "theorem"; the number of the lesson that shows it.
    sources : tuple of str
        Who claims it, as "key: place".
    statement : str
        What is claimed.
    verdict : {"holds", "holds-if", "imprecise", "wrong"}
        Whether it is true.
    method : {"symbolic", "exact", "quadrature", "monte-carlo", "population", "reading"}
        How it is checked.
    check, correction : str
        What is checked; what is true instead, required unless the verdict is "holds".

    Raises
    ------
    ValueError
        If a field has a value that is not allowed.

    Examples
    --------
    >>> entry = read_ledger()["js-bounded"]
    >>> entry.verdict, entry.is_erratum
    ('holds-if', False)
    """

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
        for name, allowed in (("kind", KINDS), ("verdict", VERDICTS), ("method", METHODS)):
            if (value := getattr(self, name)) not in allowed:
                raise ValueError(f"ledger entry {self.id!r}: {name} is {value!r}; allowed are {', '.join(allowed)}")
        if self.verdict != "holds" and not self.correction:
            raise ValueError(f"ledger entry {self.id!r}: verdict {self.verdict!r} needs a correction")

    @property
    def is_erratum(self) -> bool:
        """Whether a source is imprecise or wrong about this."""
        return self.verdict in ("imprecise", "wrong")


class Lesson(NamedTuple):
    """A lesson of the ledger: its title, and the name of its page once it is finished."""

    title: str
    page: str | None = None


@dataclass(frozen=True)
class Ledger:
    """The ledger of claims; ``ledger[claim_id]`` is an :class:`Entry`.

    Attributes
    ----------
    entries : dict of str to Entry
        The claims by identifier.
    lessons : dict of str to Lesson
        By number: named tuples (title, page), the page being None until the lesson is finished.
    sources : dict of str to dict
        By key.

    See Also
    --------
    read_ledger

    Examples
    --------
    >>> len(read_ledger().of_lesson("01")) > 10
    True
    """

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
        """Return the entries that a lesson shows."""
        return [entry for entry in self.entries.values() if entry.lesson == number]


def _default_path() -> Path:
    package = Path(__file__).resolve().parent.parent
    in_repository = package.parent / "book" / "claims.yml"
    return in_repository if in_repository.is_file() else package / "claims.yml"  # the copy in the wheel


def read_ledger(path: str | Path | None = None) -> Ledger:
    """Read a ledger file and validate it.

    Parameters
    ----------
    path : path, optional
        The file; by default, the book's own ``book/claims.yml``, or the copy of it in the wheel.

    Returns
    -------
    Ledger

    Raises
    ------
    ValueError
        If an identifier occurs twice, a lesson or source is not declared, or a field is not allowed.

    See Also
    --------
    claim : states a claim of the ledger.

    Examples
    --------
    >>> read_ledger()["js-bounded"].kind
    'theorem'
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
        except (KeyError, TypeError) as error:  # a field is missing, or unknown
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
