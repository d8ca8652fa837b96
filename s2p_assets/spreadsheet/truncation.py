"""What a file may have lost at the limits of its format: rows behind its last one, columns, the end of a text.

Limits that s2p itself sets are in `limits`.
"""

from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow.compute as pc

from s2p_assets.contracts.columns import Severity
from s2p_assets.contracts.findings import Finding
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.spreadsheet.grid import LAST_COLUMN, LAST_ROW, Cells, Ints, Sheet, cell_address
from s2p_assets.spreadsheet.header import Header

LONGEST_TEXT = 32_767
"""Characters that a cell of Excel can hold; UTF-16 units, to be exact."""
DRIVER_S_LONGEST_TEXT = 255
"""Characters at which old database drivers cut what they read of or write into a workbook."""
_ENDS_A_SENTENCE = (".", "!", "?", ")", "。", "…")
OLD_LAST_ROW, OLD_LAST_COLUMN = 65_536, 256
"""Of `.xls`, and of what was once saved as one."""


def cut_off(
    sheet: Sheet, header: Header, workbook: Workbook, cells: Mapping[str, Cells], numbers: Ints
) -> Iterator[Finding]:
    """Findings about a table that fills its sheet to the last row or column, or a cell to its last character.

    `cells`: contract column → its cells in the rows `numbers`.
    """
    if workbook.where_full != "read" and len(numbers) and int(numbers[-1]) in (OLD_LAST_ROW, LAST_ROW):
        yield _last_row(sheet, header, workbook, int(numbers[-1]))
    last = max(header.titles, default=0)
    if last == (OLD_LAST_COLUMN if sheet.marks.row_limit == OLD_LAST_ROW else LAST_COLUMN):
        message = f"the header reaches the last column that the format has, {last:,}; columns behind it may be missing"
        yield Finding(sheet.name, cell_address(header.bottom, last), None, None, "cut_off", message, "notice")
    for column in workbook.columns:
        if column.kind in ("text", "code") and column.name in cells:
            yield from _longest_texts(sheet, header, column.name, cells[column.name])


def _last_row(sheet: Sheet, header: Header, workbook: Workbook, row: int) -> Finding:
    is_certain = row == sheet.marks.row_limit
    whose = "the last that its format can have" if is_certain else "the last that an older Excel file can have"
    remedy = "export it again as .xlsx or CSV, or in parts" if row == OLD_LAST_ROW else "export it again in parts"
    message = (
        f"the table ends on row {row:,}, {whose}; rows are probably missing. Please {remedy}. "
        'If it is complete, the contract says where_full="read"'
    )
    where = cell_address(row, min(header.column_numbers.values(), default=1))
    severity: Severity = "notice" if not is_certain or workbook.where_full == "notice" else "reject"
    return Finding(sheet.name, where, None, None, "cut_off", message, severity)


def _longest_texts(sheet: Sheet, header: Header, name: str, held: Cells) -> Iterator[Finding]:
    if not len(held):
        return
    offsets = np.frombuffer(held.texts.buffers()[1], np.int32)[held.texts.offset :][: len(held) + 1]
    lengths = np.diff(offsets)
    if DRIVER_S_LONGEST_TEXT <= lengths.max(initial=0) <= 4 * DRIVER_S_LONGEST_TEXT:
        yield from _cut_by_a_driver(sheet, header, name, held)
    for place in np.flatnonzero(lengths >= LONGEST_TEXT).tolist():
        text = str(held.texts[place].as_py())
        if LONGEST_TEXT in (len(text), len(text.encode("utf-16-le")) // 2):
            where = cell_address(int(held.rows[place]), header.column_numbers[name])
            message = f"the text is {LONGEST_TEXT:,} characters long, as many as a cell can hold; its end is missing"
            yield Finding(sheet.name, where, name, f"{text[:60]}…", "cut_off", message, "notice")


def _cut_by_a_driver(sheet: Sheet, header: Header, name: str, held: Cells) -> Iterator[Finding]:
    """Says that the longest texts of a column have just as many characters as an old driver leaves of a text."""
    lengths = pc.utf8_length(held.texts).to_numpy(zero_copy_only=False)
    if lengths.max() != DRIVER_S_LONGEST_TEXT:
        return
    places = np.flatnonzero(lengths == DRIVER_S_LONGEST_TEXT).tolist()
    text = next((text for place in places if not (text := held.texts[place].as_py()).endswith(_ENDS_A_SENTENCE)), "")
    if text:
        where = cell_address(int(held.rows[places[0]]), header.column_numbers[name])
        more = f" ({len(places):,} such cells)" if len(places) > 1 else ""
        message = (
            f"no text of the column is longer than this one with {DRIVER_S_LONGEST_TEXT} characters{more}; "
            "that is where old database drivers cut texts: see whether its end is missing"
        )
        yield Finding(sheet.name, where, name, f"{text[:60]}…", "cut_off", message, "notice")
