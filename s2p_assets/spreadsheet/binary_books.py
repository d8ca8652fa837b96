"""Reading `.xls`, `.xlsb` and `.ods` through calamine, at true addresses.

`.xlsx` and CSV have readers of their own; what the cells mean is decided elsewhere.
"""

import datetime as dt
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import python_calamine

from s2p_assets.spreadsheet.grid import CellKind, Cells, Sheet, SheetWriter
from s2p_assets.spreadsheet.limits import MAX_CELLS, WorkbookUnreadable

_ROWS_AT_ONCE = 5_000
_ERRORS = frozenset({"#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!"})


class CalamineBook:
    """An open `.xls`, `.xlsb` or `.ods`: its sheets by name, read one at a time."""

    def __init__(self, path: Path) -> None:
        """Raises WorkbookUnreadable when calamine cannot open the file."""
        try:
            self._book = python_calamine.load_workbook(str(path))
        except python_calamine.PasswordError as error:
            raise WorkbookUnreadable(
                "the workbook is password-protected: remove the password and save it again"
            ) from error
        except (python_calamine.CalamineError, OSError, ValueError) as error:
            raise WorkbookUnreadable(f"the file is damaged ({_one_line(error)}); open and save it in Excel") from error
        worksheet, visible = python_calamine.SheetTypeEnum.WorkSheet, python_calamine.SheetVisibleEnum.Visible
        self._sheets = [
            (sheet.name, sheet.visible != visible) for sheet in self._book.sheets_metadata if sheet.typ == worksheet
        ]

    def close(self) -> None:
        self._book.close()

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self._sheets]

    def sheets(self) -> Iterator[Sheet]:
        """Every worksheet, in the workbook's order. Raises WorkbookUnreadable."""
        for name, hidden in self._sheets:
            yield self._sheet(name, hidden)

    def _sheet(self, name: str, hidden: bool) -> Sheet:
        try:
            sheet = self._book.get_sheet_by_name(name)
        except (python_calamine.CalamineError, OSError, ValueError) as error:
            raise WorkbookUnreadable(
                f"sheet {name!r} is damaged ({_one_line(error)}); open and save it in Excel"
            ) from error
        if sheet.start is None:
            return Sheet(name, hidden=hidden)
        if sheet.height * sheet.width > MAX_CELLS:
            raise WorkbookUnreadable(f"sheet {name!r} spans more than {MAX_CELLS:,} cells; clear the far-off ones")
        writer = SheetWriter()
        first_row, first_column = sheet.start[0] + 1, sheet.start[1] + 1
        rows = iter(sheet.to_python(skip_empty_area=True))
        for start in range(first_row, first_row + sheet.height, _ROWS_AT_ONCE):
            _write(writer, list(islice(rows, _ROWS_AT_ONCE)), start, first_column, name)
        return Sheet(name, columns=writer.columns(), hidden=hidden, merged=_merged(sheet))


def _write(writer: SheetWriter, records: list[list[Any]], first_row: int, first_column: int, name: str) -> None:
    rows, columns, kinds, texts = [], [], [], []
    for row, record in enumerate(records, first_row):
        for column, value in enumerate(record, first_column):
            if value == "":
                continue
            kind, text = _cell(value)
            if "\0" in text:
                raise WorkbookUnreadable(f"sheet {name!r} cannot be decoded; open the file in Excel and save as .xlsx")
            rows.append(row)
            columns.append(column)
            kinds.append(kind)
            texts.append(text)
    cells = Cells(np.array(rows, np.int32), np.array(kinds, np.int8), pyarrow.array(texts, pyarrow.string()))
    writer.add(np.array(columns, np.int32), cells)


def _cell(value: Any) -> tuple[CellKind, str]:
    if isinstance(value, str):
        text = value.encode("utf-8", "replace").decode()
        return (CellKind.ERROR if text in _ERRORS else CellKind.TEXT), text
    if isinstance(value, bool):
        return CellKind.BOOL, str(int(value))
    if isinstance(value, (int, float)):
        return CellKind.NUMBER, number_text(float(value)) if isinstance(value, float) else str(value)
    if isinstance(value, (dt.datetime, dt.date)):
        return CellKind.ISO, value.isoformat()
    if isinstance(value, dt.timedelta):
        return CellKind.DURATION, str(value.total_seconds() / 86_400)
    return CellKind.DURATION, value.isoformat()


def number_text(value: float) -> str:
    """The shortest digits that give back `value`; whole numbers without a fraction."""
    return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)


def _merged(sheet: python_calamine.CalamineSheet) -> list[tuple[int, int, int, int]]:
    ranges = sheet.merged_cell_ranges or []
    return [(top + 1, left + 1, bottom + 1, right + 1) for (top, left), (bottom, right) in ranges]


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__
