"""Numbers of a lesson as readers write them, and tables: on the page as such, in a terminal in columns."""

import math
import re
import sys
from collections.abc import Iterable, Sequence

# What only print can set, by how programs spell it; the longer before the shorter that it begins with.
IN_PRINT = {
    "wgan-gp": "WGAN-GP", "wgan-lp": "WGAN-LP", "wgan": "WGAN", "-log": "−log",
    "R1": "R₁", "R2": "R₂", "W1": "W₁", " = ": "\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}", " x ": " × ",
    "gamma ": "γ = ", "sqrt(reg / 2)": "√(ε/2)", "geomloss": "GeomLoss", "to 0.001": "to 10⁻³", "to 1e-06": "to 10⁻⁶",
}  # fmt: skip


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
        One a row, as long as `columns`. Format numbers as they shall be read; what is no text is shown by ``str``, and
        where nothing is to be said stands a dash.

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
    rows = [[str(cell) or "–" for cell in row] for row in rows]
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


def in_print(name: str) -> str:
    """Return the name of a game, a method or a problem as text has it, with signs and indices that code can only spell.

    Parameters
    ----------
    name : str
        As code or a record has it.

    Returns
    -------
    str

    Examples
    --------
    >>> in_print("wgan-gp"), in_print("pairs, R1 and R2"), in_print("32 x 32")
    ('WGAN-GP', 'pairs, R₁ and R₂', '32 × 32')
    """
    for spelt, printed in IN_PRINT.items():
        name = name.replace(spelt, printed)
    return name


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
