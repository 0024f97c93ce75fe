"""Numbers and tables of a lesson: a terminal shows columns, a notebook a table that its Markdown reads."""

import math
import re

import pytest
import torch

from gantut.lessons import in_print, readable, show_table
from gantut.lessons._tables import Table


def test_columns_begin_below_their_headings(capsys):
    show_table(["game", "modes"], [["a long name", 3], ["b", 8]])
    head, *rows = capsys.readouterr().out.splitlines()
    assert [row[: head.index("modes")].strip() for row in rows] == ["a long name", "b"]
    assert [row[head.index("modes") :] for row in rows] == ["3", "8"]


def test_a_cell_without_a_word_has_a_dash(capsys):
    show_table(["", "a"], [["b", ""]])
    assert capsys.readouterr().out.split() == ["a", "b", "–"]


def test_a_notebook_gets_a_markdown_table():
    head, rule, *rows = Table(["a", "$x$"], [["1", "2"]])._repr_markdown_().splitlines()
    assert [re.findall(r"\| ([^|]+?) (?=\|)", line) for line in (head, rule, *rows)] == [
        ["a", "$x$"],
        ["---"] * 2,
        ["1", "2"],
    ]


@pytest.mark.parametrize(
    ("cell", "seen"),
    [
        ("-0.5 (-1 to -.25)", "−0.5 (−1 to −.25)"), ("N(-2, 0.5)", "N(−2, 0.5)"), ("$-1$ and -1", "$-1$ and −1"),
        ("2-64-1", "2-64-1"), ("2e-09", "2e-09"), ("WGAN-GP", "WGAN-GP"), ("---", "---"),
    ],
)  # fmt: skip
def test_a_notebook_gets_true_minus_signs_before_numbers(cell, seen):
    assert Table(["a"], [[cell]])._repr_markdown_().splitlines()[-1] == f"| {seen} |"


@pytest.mark.parametrize(
    ("rows", "told"), [([["1"]], "as long as columns"), ([["1", "a|b"]], "no |"), ([["1", "a\nb"]], "line break")]
)
def test_what_would_break_a_table_is_refused(rows, told):
    with pytest.raises(ValueError, match=re.escape(told)):
        show_table(["a", "b"], rows)


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (0, "0"), (-0.0, "0"), (0.0357, "0.036"), (-7.04, "−7.0"), (148.78, "149"), (-math.inf, "−∞"),
        (1.9e-7, r"$1.9\cdot10^{-7}$"), (-2.06e-9, r"$-2.1\cdot10^{-9}$"), (123456, r"$1.2\cdot10^{5}$"),
        (0.000996, "0.0010"), (999.7, r"$1.0\cdot10^{3}$"),  # rounded first
    ],
)  # fmt: skip
def test_a_number_has_few_digits_and_a_power_of_ten_where_it_is_long(number, written):
    assert readable(number) == readable(torch.tensor([number])) == written


@pytest.mark.parametrize(
    ("spelt", "printed"),
    [
        ("wgan", "WGAN"), ("wgan-lp", "WGAN-LP"), ("non-saturating", "non-saturating"), ("-log D, R1", "−log D, R₁"),
        ("sliced W1", "sliced W₁"), ("n = 9, to 1e-06", "n\u00a0=\u00a09, to 10⁻⁶"), ("DCGAN, 8 x 8", "DCGAN, 8 × 8"),
    ],
)  # fmt: skip
def test_a_name_has_the_signs_that_a_program_can_only_spell(spelt, printed):
    assert in_print(spelt) == printed == in_print(printed)
