"""The package stays small enough to be read: no file is long, and all but the lessons' rooms has a budget of lines."""

from pathlib import Path

import pytest

import gantut

code_lines = pytest.importorskip("code_lines")

PACKAGE = Path(gantut.__file__).parent
LONGEST = 400  # lines of a file, with all that is in it
BUDGET = 12_150  # lines of code of the package without gantut.lessons


def test_no_file_is_longer_than_a_few_screens():
    files = list(PACKAGE.rglob("*.py"))
    lines = {file.relative_to(PACKAGE).as_posix(): len(file.read_text(encoding="utf-8").splitlines()) for file in files}
    assert {file: count for file, count in lines.items() if count > LONGEST} == {}


def test_the_package_keeps_to_its_budget_of_code():
    counted = code_lines.by_module(PACKAGE)
    assert sum(lines for name, lines in counted.items() if name != "lessons") < BUDGET


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("", 0),
        ('"""A module."""\n\n# a comment\n\nx = 1  # one\n', 1),
        ('def f():\n    """Return a string."""\n    return """of\n    two lines"""\n', 3),
        ("x = (\n    1,\n    # a comment\n    2,\n)\n", 4),
        ('class A:\n    """Two\n    lines."""\n\n    a: int\n', 2),
    ],
)
def test_a_line_of_code_is_neither_docstring_nor_comment_nor_blank(source, lines):
    assert code_lines.code_lines(source) == lines
