"""The ids by which a reader asks for a number of an edition: `F1`, `T2.15.4`, `C1.52.1`.

What a number was made from is kept by `saved_numbers`.
"""

import re

FIGURE_ID = re.compile(r"F([0-9]+)", re.IGNORECASE)
CELL_OR_POINT_ID = re.compile(r"([TC])([0-9]+)\.([0-9]+)\.([0-9]+)", re.IGNORECASE)


def figure_id(position: int) -> str:
    """The id of the headline number at a position that counts from 0: `F1`."""
    return f"F{position + 1}"


def row_id(section: int, row: int) -> str:
    """The first part of the ids of a table's row; section and row count from 0: `T2.15`."""
    return f"T{section + 1}.{row + 1}"


def cell_id(section: int, row: int, column: int) -> str:
    """The id of a table's cell; section, row and column count from 0: `T2.15.4`."""
    return f"{row_id(section, row)}.{column + 1}"


def point_id(section: int, place: int, line: int) -> str:
    """The id of a point of a section's chart, all counted from 0: `C1.52.1`."""
    return f"C{section + 1}.{place + 1}.{line + 1}"
