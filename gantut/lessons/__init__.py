"""What the lessons of the book need beyond the library: a room for each lesson, and here what all of them share.

A lesson's room has its experiments, its exercises and its labs, with the labs' scripts. It is a folder that is named
as the lesson is: `from gantut.lessons.moving_dirt import move_dirt`. What several lessons share stands beside the
rooms: small GANs on toy data (`gantut.lessons.toy_gans`), critics trained between two fixed distributions
(`gantut.lessons.fixed_distributions`), transport as a linear program (`gantut.lessons.linear_program`), and what labs
are made of (`gantut.lessons.labs`).

Exercises answer back: they know what a right answer is, and why a likely wrong one is wrong.

>>> from gantut.lessons import check
>>> check("kl-of-a-coin", 0.5108)
✗ kl-of-a-coin: not yet. That is the value in nats; the question asks for bits: divide by log 2.

The large experiments are recorded, with all that it takes to repeat them::

    python -m gantut.lessons mode-collapse

writes ``book/results/mode-collapse.json``, which :func:`recorded` reads.
"""

from gantut.lessons._exercises import all_exercises, check, mark
from gantut.lessons._keys import answer_key
from gantut.lessons._marking import Exercise, Mistake, Verdict
from gantut.lessons._records import Record, record, recorded
from gantut.lessons._tables import in_print, readable, show_table

__all__ = [
    "Exercise", "Mistake", "Record", "Verdict", "all_exercises", "answer_key", "check", "in_print", "mark", "readable",
    "record", "recorded", "show_table",
]  # fmt: skip
