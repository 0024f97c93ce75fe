"""What a lesson says of the time that it takes to read is what there is to read, and no lesson takes too long."""

import re
import sys
from pathlib import Path

import pytest

BOOK = Path(__file__).resolve().parents[1] / "book"
sys.path.insert(0, str(BOOK / "tools"))

from reading_time import HONEST, LONGEST, Reading, lessons, measure, promised  # noqa: E402

LESSONS = lessons()

LESSON = """# %% [markdown]
# Two words here, $a + b$ and a [link](https://example.org/of-many-words).
#
# $$ x = 1 $$ (eq-one)
#
# :::{admonition} Further
# :class: dropdown
# None of these words counts, and $$ y = 2 $$ does not.
# :::
#
# :::{exercise} A title
# :label: ex-one
# Its words are part of its six minutes.
# :::
#
# :::{solution} ex-one
# :class: dropdown
# Nor do these.
# :::

# %%
x = 1

print(x)

# %% tags=["hide-input"]
import folded
"""


def test_words_lines_equations_and_exercises_are_counted_where_they_are_in_sight():
    assert measure(LESSON) == Reading(words=7, lines=2, equations=1, exercises=1)


def test_the_minutes_are_those_of_a_thorough_reader():
    assert Reading(words=1300, lines=100, equations=4, exercises=5).minutes == pytest.approx(10 + 10 + 6 + 30)


@pytest.mark.parametrize(
    ("box", "minutes"),
    [
        ("# **It takes** about 85 minutes to read with the exercises", 85),
        ("# **It takes** about 85 minutes\n# to read with the exercises", 85),
        ("# **It takes** an hour to read", None),
    ],
)
def test_a_lesson_promises_minutes(box, minutes):
    assert promised(box) == minutes


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_keeps_its_promise(path):
    source = path.read_text(encoding="utf-8")
    minutes = measure(source).minutes
    assert minutes <= LONGEST
    assert promised(source) == pytest.approx(minutes, rel=HONEST)


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_code_in_sight_is_fifteen_lines_a_cell_at_most(path):
    cells = re.split(r"(?m)^# %%", path.read_text(encoding="utf-8"))[1:]
    assert not [cell[:200] for cell in cells if measure("# %%" + cell).lines > 15]
