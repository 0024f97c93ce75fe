"""A Sphinx extension: the directive ``lesson-times``, a table of how long each lesson takes to read and to execute.

The times to read are those that the lessons give themselves, which book/tools/reading_time.py measures; the times to
execute were noted by book/tools/notebooks.py when it last executed them, in book/results/lesson-times.json. What was not
measured is said not to be.
"""

import json
from pathlib import Path

import yaml
from docutils import nodes
from sphinx import addnodes
from sphinx.util.docutils import SphinxDirective

from reading_time import promised

ROOT = Path(__file__).resolve().parents[2]
UNMEASURED = "not measured"


def rows(root=ROOT):
    """Return a row for each finished lesson: number, title, page, and times: to read, on a CPU, and on CUDA."""
    ledger = yaml.safe_load((root / "book/claims.yml").read_text(encoding="utf-8"))
    noted = root / "book/results/lesson-times.json"
    times = json.loads(noted.read_text(encoding="utf-8")) if noted.is_file() else {}
    for number, lesson in ledger["lessons"].items():
        if number.isdigit() and lesson.get("page"):
            page = lesson["page"]
            source = (root / f"book/{page}.py").read_text(encoding="utf-8")
            measured = [
                times.get("cpu", {}).get(page, {}).get("core seconds"),
                times.get("cuda", {}).get(page, {}).get("seconds"),
            ]
            seconds = [UNMEASURED if value is None else f"{value:.0f} s" for value in measured]
            minutes = promised(source)
            yield int(number), lesson["title"], page, f"{minutes} minutes" if minutes else "", *seconds


class LessonTimes(SphinxDirective):
    """``{lesson-times}``: the table."""

    def run(self):
        for file in ("book/claims.yml", "book/results/lesson-times.json"):
            self.env.note_dependency(str(ROOT / file))
        head = ["Lesson", "To read, with the exercises", "To execute: seconds of one CPU core", "To execute on CUDA"]
        lessons = list(rows())
        if all(cuda == UNMEASURED for *_, cuda in lessons):  # a column that says nothing is left out
            head, lessons = head[:-1], [lesson[:-1] for lesson in lessons]
        table = nodes.table("", nodes.tgroup("", *(nodes.colspec(colwidth=1) for _ in head), cols=len(head)))
        table[0] += nodes.thead("", row(*(nodes.Text(text) for text in head)))
        body = nodes.tbody()
        for number, title, page, *times in lessons:
            link = addnodes.pending_xref(
                "", nodes.inline("", f"{number} · {title}"), refdomain="std", reftype="doc", refexplicit=True,
                reftarget=page, refdoc=self.env.docname, refwarn=True,
            )  # fmt: skip
            body += row(link, *(nodes.Text(text) for text in times))
        table[0] += body
        return [table]


def row(*cells):
    return nodes.row("", *(nodes.entry("", nodes.paragraph("", "", cell)) for cell in cells))


def setup(app):
    app.add_directive("lesson-times", LessonTimes)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
