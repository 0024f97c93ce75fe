#!/usr/bin/env python3
"""How long a lesson takes to read: its words, the code that is in sight, its displayed equations, its exercises.

python book/tools/reading_time.py            # a row a lesson: what there is of each, and the minutes
python book/tools/reading_time.py 05 06      # of these

What is folded away (a cell whose input is hidden, a box of class ``dropdown``, a hint, a solution) is not counted: it is
for those who open it. The rates are those of a slow and thorough reader, who stops at every formula.
"""

import argparse
import re
from pathlib import Path
from typing import NamedTuple

BOOK = Path(__file__).resolve().parents[1]
WORDS_A_MINUTE = 130
MINUTES_A_LINE = 0.1
MINUTES_AN_EQUATION = 1.5
MINUTES_AN_EXERCISE = 6
HIDDEN = {"hide-input", "hide-cell", "remove-input", "remove-cell"}
LONGEST = 90  # minutes that a lesson may take
HONEST = 0.15  # by so much of the measured time may what a lesson says of itself be off


class Reading(NamedTuple):
    """What there is to read in a lesson."""

    words: int
    lines: int
    equations: int
    exercises: int

    @property
    def minutes(self):
        """The time that it takes."""
        return (
            self.words / WORDS_A_MINUTE
            + self.lines * MINUTES_A_LINE
            + self.equations * MINUTES_AN_EQUATION
            + self.exercises * MINUTES_AN_EXERCISE
        )


def lessons(book=BOOK):
    """Return the files of the lessons of a book, in order; the first page is none."""
    return [path for path in sorted(book.glob("[0-9][0-9]_*.py")) if not path.name.startswith("00")]


def measure(source):
    """Return what there is to read in a lesson, given as the text of its percent file."""
    text, lines = [], 0
    for cell in re.split(r"(?m)^# %%", source)[1:]:
        head, _, body = cell.partition("\n")
        if "[markdown]" in head:
            text.append(re.sub(r"(?m)^# ?", "", body))
        elif not HIDDEN & set(re.findall(r'"([a-z-]+)"', head)):
            lines += sum(1 for line in body.splitlines() if line.strip())
    shown, exercises = unfolded("\n\n".join(text))
    equations = re.compile(
        r"(?s)\$\$.*?\$\$(?:\s*\([\w-]+\))?|^:::+\{math\}.*?^:::+$|\\begin\{(align\*?)\}.*?\\end\{\1\}", re.M
    )
    words = re.sub(r"(?s)\$[^$]+\$", "formula", equations.sub(" ", shown))
    words = re.sub(r"(?m)^:.*$|\{\w+(?::\w+)?\}|<[^>]*>|\]\([^)]*\)", " ", words)
    return Reading(len(re.findall(r"\w[\w'’-]*", words)), lines, len(equations.findall(shown)), exercises)


def unfolded(text):
    """Return a text without its folded boxes and its exercises, and the number of these."""
    kept, exercises, folded, box = [], 0, 0, []
    rows = text.splitlines()
    for number, row in enumerate(rows):
        opened = re.match(r"(:{3,})\{([\w:-]+)\}", row)
        if opened:
            options = []
            for option in rows[number + 1 :]:
                if not option.startswith(":") or option.startswith(":::"):
                    break
                options.append(option)
            exercises += opened[2] == "exercise"
            fold = opened[2] in ("exercise", "solution", "dropdown") or any("dropdown" in option for option in options)
            box.append((opened[1], fold))
            folded += fold
        elif box and row.strip() == box[-1][0]:
            folded -= box.pop()[1]
        elif not folded:
            kept.append(row)
    return "\n".join(kept), exercises


def promised(source):
    """Return the minutes that a lesson says it takes to read, or None where it does not say."""
    found = re.search(
        r"\*\*It takes\*\*\s+(?:#\s+)?(?:about\s+(?:#\s+)?)?(\d+)\s+(?:#\s+)?minutes\s+(?:#\s+)?to\s+(?:#\s+)?read",
        source,
    )
    return int(found[1]) if found else None


def main():
    parser = argparse.ArgumentParser(description="Measure how long lessons take to read.")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="lessons, such as 05_vanishing_gradients, or 05 (default: all)"
    )
    names = parser.parse_args().names
    print(f"{'lesson':28}{'words':>7}{'lines':>7}{'equations':>11}{'exercises':>11}{'minutes':>9}{'it says':>9}")
    total = 0
    for path in lessons():
        if not names or path.name.startswith(tuple(names)):
            source = path.read_text(encoding="utf-8")
            found = measure(source)
            total += found.minutes
            row = f"{path.stem:28}{found.words:7,}{found.lines:7}{found.equations:11}{found.exercises:11}{found.minutes:9.0f}"
            print(row + f"{promised(source) or '-':>9}")
    print(f"{'all':28}{total:45.0f} minutes, {total / 60:.1f} hours")


if __name__ == "__main__":
    main()
