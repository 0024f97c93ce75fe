"""The ledger as Markdown: what the pages of claims and of errata show."""

from collections import Counter
from collections.abc import Iterable

from gantut.checks import Entry, Ledger

VERDICT_IN_WORDS = {"holds": "holds", "holds-if": "holds under conditions", "imprecise": "imprecise", "wrong": "wrong"}
METHOD_IN_WORDS = {
    "symbolic": "symbolically",
    "exact": "exactly",
    "quadrature": "by quadrature",
    "monte-carlo": "by Monte Carlo",
    "population": "on a population of trainings",
    "reading": "by reading",
}


def where_shown(ledger: Ledger, entry: Entry) -> str:
    """Return a link to the lesson that shows the claim, or a note that it is still to come."""
    title, page = ledger.lessons[entry.lesson]
    if not page:
        return f"to come in lesson {int(entry.lesson)}, {title}"
    name = f"lesson {int(entry.lesson)}" if entry.lesson.isdigit() else title
    return f"shown in [{name}]({page}.ipynb)"


def summary_table(ledger: Ledger) -> str:
    """Return a Markdown table with the number of claims of each lesson, by how they are checked.

    Parameters
    ----------
    ledger : Ledger

    Returns
    -------
    str

    See Also
    --------
    claims_list, errata_list

    Examples
    --------
    >>> from gantut.checks import read_ledger
    >>> summary_table(read_ledger()).splitlines()[0]
    '| Lesson | Claims | Shown | symbolic | exact | quadrature | monte-carlo | population | reading |'
    """
    head = f"| Lesson | Claims | Shown | {' | '.join(METHOD_IN_WORDS)} |\n|---|{'---:|' * (len(METHOD_IN_WORDS) + 2)}\n"
    rows, totals = [], Counter()
    for number, (title, page) in ledger.lessons.items():
        entries = ledger.of_lesson(number)
        counts = Counter(entry.method for entry in entries)
        counts.update(claims=len(entries), shown=len(entries) if page else 0)
        totals += counts
        link = f"[{title}]({page}.ipynb)" if page else title
        name = f"{int(number)} · {link}" if number.isdigit() else link
        rows.append(f"| {name} | {_cells(counts)} |")
    return head + "\n".join(rows) + f"\n| **all** | {_cells(totals)} |"


def _cells(counts: Counter) -> str:
    return " | ".join(str(counts[column]) for column in ("claims", "shown", *METHOD_IN_WORDS))


def claims_list(ledger: Ledger, entries: Iterable[Entry]) -> str:
    """Return claims in Markdown: what is said, whether it is true, how that is checked, and who says it.

    Parameters
    ----------
    ledger : Ledger
    entries : iterable of Entry

    Returns
    -------
    str

    See Also
    --------
    summary_table, errata_list

    Examples
    --------
    >>> from gantut.checks import read_ledger
    >>> ledger = read_ledger()
    >>> claims_list(ledger, [ledger["js-bounded"]]).splitlines()[0].rstrip("\\\\")
    '**`js-bounded`** · theorem · **holds under conditions**'
    """
    return "\n\n".join(
        f"**`{entry.id}`** · {entry.kind} · **{VERDICT_IN_WORDS[entry.verdict]}**\\\n{entry.statement}"
        + (f"\\\n*{_correction_title(entry)}* {entry.correction}" if entry.correction else "")
        + f"\\\n*{_check_title(entry)}* {entry.check}\\\n*{_who(ledger, entry)}*"
        for entry in entries
    )


def errata_list(ledger: Ledger, entries: Iterable[Entry]) -> str:
    """Return errata in Markdown: what the sources say, what is true instead, and the check that shows it.

    Parameters
    ----------
    ledger : Ledger
    entries : iterable of Entry
        Those with ``is_erratum``.

    Returns
    -------
    str

    See Also
    --------
    summary_table, claims_list

    Examples
    --------
    >>> from gantut.checks import read_ledger
    >>> ledger = read_ledger()
    >>> errata = [entry for entry in ledger.entries.values() if entry.is_erratum]
    >>> errata_list(ledger, errata[:1]).count("*What is true.*")
    1
    """
    return "\n\n".join(
        f"**`{entry.id}`** · **{VERDICT_IN_WORDS[entry.verdict]}** · *{_who(ledger, entry)}*\\\n"
        f"*What is said.* {entry.statement}\\\n*What is true.* {entry.correction}\\\n"
        f"*{_check_title(entry)}* {entry.check} ({where_shown(ledger, entry)})"
        for entry in entries
    )


def _correction_title(entry: Entry) -> str:
    return "Instead." if entry.is_erratum else "Conditions." if entry.verdict == "holds-if" else "Note."


def _check_title(entry: Entry) -> str:
    return "Found by reading." if entry.method == "reading" else f"Checked {METHOD_IN_WORDS[entry.method]}."


def _who(ledger: Ledger, entry: Entry) -> str:
    return "; ".join(dict.fromkeys(_source_in_words(ledger, source) for source in entry.sources))


def _source_in_words(ledger: Ledger, source: str) -> str:
    key, _, place = source.partition(":")
    name = ledger.sources[key]["name"]
    return f"{name}, {place.strip()}" if place.strip() else name
