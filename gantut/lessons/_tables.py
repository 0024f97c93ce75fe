"""Numbers of a lesson as readers write them, and tables: on the page as such, in a terminal in columns."""

import math
import re
import sys
from collections.abc import Iterable, Sequence


class Table:
    """Rows under headings, which a notebook shows as a table and a terminal in columns.

    Parameters
    ----------
    columns : sequence of str
        The headings; Markdown and formulas are read as such on the page.
    rows : iterable of sequences of str
        One a row, as long as `columns`.
    """

    def __init__(self, columns, rows):
        self.columns = columns
        self.rows = rows

    def __repr__(self):
        table = [self.columns, *self.rows]
        widths = [max(len(row[i]) for row in table) for i in range(len(self.columns))]
        return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in table)

    def _repr_markdown_(self):
        rule = ["---"] * len(self.columns)
        rows = [[_with_signs(cell) for cell in row] for row in self.rows]
        return "\n".join("| " + " | ".join(row) + " |" for row in [self.columns, rule, *rows])


def _with_signs(cell):
    """Return a cell with true minus signs before numbers, but for formulas, which have them anyway."""
    parts = cell.split("$")
    return "$".join(part if k % 2 else re.sub(r"(?<![\w.)])-(?=\.?\d)", "−", part) for k, part in enumerate(parts))


def show_table(columns: Sequence[str], rows: Iterable[Sequence]) -> None:
    r"""Show the numbers of a lesson as a table.

    Parameters
    ----------
    columns : sequence of str
        The headings.
    rows : iterable of sequences
        One a row, as long as `columns`. Format numbers as they shall be read; what is no text is shown by ``str``.

    Raises
    ------
    ValueError
        A row is not as long as `columns`, or a cell has a line break or ``|``, which would break the table.

    Examples
    --------
    >>> show_table(["game", "modes of 8"], [["minimax", 3], ["WGAN-GP", 8]])
    game     modes of 8
    minimax  3
    WGAN-GP  8
    """
    columns = [str(column) for column in columns]
    rows = [[str(cell) for cell in row] for row in rows]
    for row in rows:
        if len(row) != len(columns):
            raise ValueError(f"rows must be as long as columns, which are {len(columns)}; given {row}")
    for row in [columns, *rows]:
        for cell in row:
            if "\n" in cell or "|" in cell:
                raise ValueError(rf"a cell may have no line break and no | (in a formula: \vert); given {cell!r}")
    table = Table(columns, rows)
    if "ipykernel" in sys.modules:
        from IPython.display import display

        display(table)
    else:
        print(table)


def readable(number, digits: int = 2) -> str:
    r"""Write a number with few digits, and where it is long with a power of ten, as a formula.

    Parameters
    ----------
    number : float
        What has a value as one, such as a tensor with one element.
    digits : int
        How many digits count; those before the point are all shown.

    Returns
    -------
    str
        For a cell of :func:`show_table`.

    Examples
    --------
    >>> readable(0.0357), readable(148.78), readable(1.9e-7)
    ('0.036', '149', '$1.9\\cdot10^{-7}$')
    """
    number = float(number)
    if not number or not math.isfinite(number):
        return f"{number:.0f}".replace("-0", "0").replace("inf", "∞").replace("-", "−")
    mantissa, power = f"{number:.{digits - 1}e}".split("e")
    places = digits - 1 - int(power)
    if -3 <= int(power) < 3:
        return f"{number:.{max(places, 0)}f}".replace("-", "−")
    return rf"${mantissa}\cdot10^{{{int(power)}}}$"
