"""Tables of a lesson: a terminal shows columns, a notebook a table that its Markdown reads."""

import re

import pytest

from gantut.lessons import show_table
from gantut.lessons._tables import Table


def test_columns_begin_below_their_headings(capsys):
    show_table(["game", "modes"], [["a long name", 3], ["b", 8]])
    head, *rows = capsys.readouterr().out.splitlines()
    assert [row[: head.index("modes")].strip() for row in rows] == ["a long name", "b"]
    assert [row[head.index("modes") :] for row in rows] == ["3", "8"]


def test_a_notebook_gets_a_markdown_table():
    head, rule, *rows = Table(["a", "$x$"], [["1", "2"]])._repr_markdown_().splitlines()
    assert [re.findall(r"\| ([^|]+?) (?=\|)", line) for line in (head, rule, *rows)] == [
        ["a", "$x$"],
        ["---"] * 2,
        ["1", "2"],
    ]


@pytest.mark.parametrize(
    ("rows", "told"), [([["1"]], "as long as columns"), ([["1", "a|b"]], "no |"), ([["1", "a\nb"]], "line break")]
)
def test_what_would_break_a_table_is_refused(rows, told):
    with pytest.raises(ValueError, match=re.escape(told)):
        show_table(["a", "b"], rows)
