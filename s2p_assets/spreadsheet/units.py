"""Units that a sheet states for a column, in its header or in the row under it, where they contradict the contract.

Units that stand in a cell itself, or in its number format, are read with the cell.
"""

import re
from collections.abc import Iterator

import numpy as np
import pyarrow
import pyarrow.compute as pc

from s2p_assets.contracts.columns import Column
from s2p_assets.contracts.findings import Finding
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.spreadsheet import number_formats
from s2p_assets.spreadsheet.cell_parser import CellError, cell_error
from s2p_assets.spreadsheet.grid import Cells, Sheet, cell_address, parse_cell_address
from s2p_assets.spreadsheet.table_rows import TableRows
from s2p_assets.spreadsheet.text_values import currency_conflict

_NUMERIC = frozenset({"number", "money", "integer"})
_BRACKETED = re.compile(r"\(([^()]*)\)|\[([^\[\]]*)\]")
_CURRENCY = re.compile(r"\b[A-Z]{3}\b|[$€£¥₹₽₩₺]")
_SCALE = re.compile(
    r"\b1[.,' ]?000(?:[.,' ]?000)?s?\b|'000|\b(?:tsd|tausend|thousands?|milliers?|mio|mn|mln|millions?|millionen|"
    r"k€|k\$|keur|kusd|teur|tusd|t€)(?!\w)",
    re.IGNORECASE,
)


def unit_conflicts(rows: TableRows, workbook: Workbook) -> Iterator[Finding]:
    """A finding for each column whose stated unit is another currency, or thousands; all its numbers would be wrong.

    A header that the contract declares word for word is meant as it stands.
    """
    header = rows.header
    below = _row_of_units(rows)
    units = rows.sheet.row(below) if below else {}
    for column in workbook.columns:
        number = header.column_numbers.get(column.name)
        if number is None or column.kind not in _NUMERIC:
            continue
        title = " ".join(header.titles.get(number, "").split())
        stated = [(header.bottom, part) for part in _in_brackets(title) if not _declared(title, column)]
        stated += [(below, units[number])] if below and number in units else []
        for row, text in stated:
            if wrong := _contradiction(text, column.unit):
                message = f"'{' '.join(text.split())}' {wrong}"
                yield Finding(rows.sheet.name, cell_address(row, number), column.name, title, "unit", message)


def ambiguous_percents(
    cells: Cells, values: pyarrow.Array, sheet: Sheet, title: str, column: Column
) -> dict[int, CellError]:
    """The cells, by position, whose column is headed `%` while they bear no sign: 25 may be 25 % or 2,500 %."""
    if column.kind != "percent" or "%" not in title or _declared(" ".join(title.split()), column):
        return {}
    signed = pc.match_substring(cells.texts, "%").to_numpy(zero_copy_only=False)
    if cells.formats is not None:
        percents = [style for style, shown in enumerate(sheet.formats) if number_formats.is_percent(shown)]
        signed |= np.isin(cells.formats, percents)
    bare = pc.fill_null(pc.not_equal(values, 0.0), False).to_numpy(zero_copy_only=False) & ~signed
    texts = {int(place): str(cells.texts[int(place)].as_py()).strip() for place in np.flatnonzero(bare)}
    message = f"is ambiguous under '{' '.join(title.split())}'; format it as a percentage, as in 25 %"
    return {place: cell_error(text, column, message) for place, text in texts.items()}


def _row_of_units(rows: TableRows) -> int | None:
    """The number of the row under the header that holds units, if there is one."""
    places = [parse_cell_address(notice.cell) for notice in rows.notices if notice.rule == "units"]
    return next((place[0] for place in places if place), None)


def _in_brackets(title: str) -> list[str]:
    return [inner for found in _BRACKETED.findall(title) for inner in found if inner]


def _declared(title: str, column: Column) -> bool:
    return title.casefold() in {" ".join(name.split()).casefold() for name in column.headers}


def _contradiction(text: str, unit: str | None) -> str:
    if _SCALE.search(text):
        return "says that the numbers are shortened; write them in full"
    for mark in _CURRENCY.findall(text):
        if wrong := currency_conflict(mark, unit):
            return f"{wrong}; convert the column"
    return ""
