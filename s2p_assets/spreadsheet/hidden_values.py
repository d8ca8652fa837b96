"""Values that the sheet does not show: in hidden columns, in letters of their background's colour, by a format `;;;`.

Hidden rows and sheets are told where rows and sheets are read.
"""

import re
from collections.abc import Iterator, Mapping

import numpy as np

from s2p_assets.contracts.columns import Column
from s2p_assets.contracts.findings import Finding
from s2p_assets.spreadsheet.grid import CellKind, Cells, Sheet, cell_address, column_letters
from s2p_assets.spreadsheet.header import Header

_KINDS = ("number", "money", "percent", "integer", "date", "timestamp")
_SHOWS_NOTHING = re.compile(r'(?:\[[^\]]*\]|""|[\s])*;(?:\[[^\]]*\]|""|[\s;])*')
_NUMBERS = (CellKind.NUMBER, CellKind.DATE, CellKind.DURATION)


def hidden_values(
    sheet: Sheet, header: Header, columns: tuple[Column, ...], cells: Mapping[str, Cells]
) -> Iterator[Finding]:
    """Notices about what was read of a table though its sheet does not show it, one of each kind.

    `cells`: contract column → its cells in the table's rows.
    """
    yield from _hidden_columns(sheet, header, cells)
    blank = [style for style, code in enumerate(sheet.formats) if _SHOWS_NOTHING.fullmatch(code)]
    numbers = {one.name: cells[one.name] for one in columns if one.kind in _KINDS and one.name in cells}
    for styles, why in ((sheet.marks.pale, "its letters have the colour of their background, or are tiny"),
                        (blank, "its number format shows nothing")):  # fmt: skip
        for name, held in numbers.items() if styles else ():
            if held.formats is None:
                continue
            here = np.isin(held.formats, list(styles)) & np.isin(held.kinds, _NUMBERS)
            places = np.flatnonzero(here)
            if len(places):
                more = f" ({len(places):,} such cells in its column)" if len(places) > 1 else ""
                message = f"the cell's value is not to be seen, as {why}; it was read{more}"
                where = cell_address(int(held.rows[places[0]]), header.column_numbers[name])
                text = str(held.texts[int(places[0])].as_py())
                yield Finding(sheet.name, where, name, text, "hidden_value", message, "notice")
                break


def _hidden_columns(sheet: Sheet, header: Header, cells: Mapping[str, Cells]) -> Iterator[Finding]:
    ranges = sheet.marks.hidden_columns
    hidden = sorted(
        number
        for name, number in header.column_numbers.items()
        if len(cells.get(name, ())) and any(first <= number <= last for first, last in ranges)
    )
    if hidden:
        letters = ", ".join(map(column_letters, hidden))
        message = f"column {letters} is hidden; it was read" if len(hidden) == 1 else f"columns {letters} are hidden"
        message += "" if len(hidden) == 1 else "; they were read"
        where = cell_address(header.bottom, hidden[0])
        yield Finding(sheet.name, where, None, None, "hidden_column", message, "notice")
