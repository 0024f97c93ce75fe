#!/usr/bin/env python3
"""Do the minutes on the page about teaching still hold? They are those of the lessons, and add up.

    python book/tools/teaching_times.py            # what would change
    python book/tools/teaching_times.py --write    # change it

The first column of its table of lessons names a lesson, and the second has its minutes, rounded to five. In each table
with a column "Read before", the column "Minutes" is the sum over the lessons named there; the row "Together" adds up
the columns above it.
"""

import argparse
import re
import sys
from collections.abc import Mapping
from pathlib import Path

import reading_time

PAGE = Path(__file__).resolve().parents[1] / "teaching.md"
NAMED = re.compile(r"\{doc\}`\d+ <(\w+)>`")


def cells(row: str) -> list[str]:
    """The cells of a row of a table."""
    return [cell.strip() for cell in row.strip().strip("|").split("|")]


def tables(text: str):
    """Find the tables of a page: the headings of each, and the numbers of the lines of its rows."""
    lines, number = text.splitlines(), 0
    while number < len(lines):
        if lines[number].startswith("|") and re.fullmatch(r"\|[-:| ]+\|", lines[number + 1]):
            end = next((n for n in range(number, len(lines)) if not lines[n].startswith("|")), len(lines))
            yield cells(lines[number]), range(number + 2, end)
            number = end
        number += 1


def lesson_minutes(text: str) -> dict[str, int]:
    """Return the minutes that a page about teaching gives each lesson, by the lesson's name."""
    lines = text.splitlines()
    rows = [cells(lines[n]) for headings, rows in tables(text) if headings[0] == "Lesson" for n in rows]
    return {NAMED.fullmatch(row[0])[1]: int(row[1]) for row in rows}


def measured(book: Path) -> dict[str, float]:
    """Measure the minutes of each lesson of a book."""
    sources = {path.stem: path.read_text(encoding="utf-8") for path in reading_time.lessons(book)}
    return {name: reading_time.measure(source).minutes for name, source in sources.items()}


def put_right(text: str, minutes: Mapping[str, float]) -> str:
    """Return a page with these minutes for its lessons, and with the sums that follow from them."""
    lines = text.splitlines()
    told = lesson_minutes(text) | {name: 5 * round(found / 5) for name, found in minutes.items()}
    for headings, rows in tables(text):
        sums = dict.fromkeys(("Minutes", "In class"), 0)
        for n in rows:
            row = cells(lines[n])
            if headings[0] == "Lesson":
                row[1] = str(told[NAMED.fullmatch(row[0])[1]])
            elif "Read before" not in headings:
                continue
            elif row[0] == "Together":
                for name, total in sums.items():
                    row[headings.index(name)] = str(total)
            else:
                read = NAMED.findall(row[headings.index("Read before")])
                row[headings.index("Minutes")] = str(sum(told[name] for name in read))
                for name in sums:
                    sums[name] += int(row[headings.index(name)])
            lines[n] = f"| {' | '.join(row)} |".replace("|  |", "| |").replace("|  |", "| |")
    return "\n".join(lines) + "\n"


def main(arguments=None, page=PAGE):
    parser = argparse.ArgumentParser(description="Put the minutes on the page about teaching right.")
    parser.add_argument("--write", action="store_true", help="write the page")
    options = parser.parse_args(arguments)
    text = page.read_text(encoding="utf-8")
    right = put_right(text, measured(page.parent))
    changes = [pair for pair in zip(text.splitlines(), right.splitlines(), strict=True) if pair[0] != pair[1]]
    for before, after in changes:
        print(f"- {before[:100]}\n+ {after[:100]}")
    if options.write:
        page.write_text(right, encoding="utf-8")
    return bool(changes) and not options.write


if __name__ == "__main__":
    sys.exit(main())
