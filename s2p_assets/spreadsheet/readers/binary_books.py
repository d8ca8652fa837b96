"""Reading `.xlsb`, and an `.xls` that its own reader refuses, through calamine, at true addresses.

What calamine leaves out is put back; what the cells mean is decided elsewhere.
"""

import datetime as dt
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import python_calamine

from s2p_assets.spreadsheet.grid import CellKind, Sheet
from s2p_assets.spreadsheet.limits import DAMAGED, MAX_CELLS, FileFormat, WorkbookUnreadable
from s2p_assets.spreadsheet.readers.biff import SheetDetails, xls_details, xlsb_details
from s2p_assets.spreadsheet.readers.cell_list import GENERAL, PLAIN, CellList, looks_of


class CalamineBook:
    """An open `.xls` or `.xlsb`: its sheets by name, read one at a time."""

    def __init__(self, path: Path, file_format: FileFormat, longest_text: int | None = None) -> None:
        """`longest_text`: characters up to which texts are believed. Raises WorkbookUnreadable."""
        self._longest_text = longest_text
        try:
            self._book = python_calamine.load_workbook(_by_content(path, file_format))
        except python_calamine.PasswordError as error:
            raise WorkbookUnreadable(
                "the workbook is password-protected: remove the password and save it again"
            ) from error
        except (python_calamine.CalamineError, OSError, ValueError) as error:
            raise WorkbookUnreadable(DAMAGED) from error
        worksheet, visible = python_calamine.SheetTypeEnum.WorkSheet, python_calamine.SheetVisibleEnum.Visible
        metadata = self._book.sheets_metadata
        self._unseen = frozenset(("struck", "fills", "comments", "formulas") if file_format == "xls" else ())
        details = xls_details(path) if file_format == "xls" else xlsb_details(path)
        if len(details) != len(metadata):
            raise WorkbookUnreadable("not every cell of the file can be made out; open it in Excel and save as .xlsx")
        self._sheets = [
            (sheet.name, sheet.visible != visible, extra)
            for sheet, extra in zip(metadata, details, strict=True)
            if sheet.typ == worksheet
        ]

    def close(self) -> None:
        self._book.close()

    def sheets(self) -> Iterator[Sheet]:
        """Every worksheet, in the workbook's order. Raises WorkbookUnreadable."""
        for name, hidden, extra in self._sheets:
            yield self._sheet(name, hidden, extra)

    def _sheet(self, name: str, hidden: bool, extra: SheetDetails) -> Sheet:
        try:
            sheet = self._book.get_sheet_by_name(name)
        except (python_calamine.CalamineError, OSError, ValueError) as error:
            raise WorkbookUnreadable(f"sheet {name!r}: {DAMAGED}") from error
        found = CellList()
        if sheet.start is not None:
            if sheet.height * sheet.width > MAX_CELLS:
                raise WorkbookUnreadable(f"sheet {name!r} spans more than {MAX_CELLS:,} cells; clear the far-off ones")
            records = sheet.to_python(skip_empty_area=True)
            _take_records(found, records, (sheet.start[0] + 1, sheet.start[1] + 1), extra)
        extra.marks.unseen |= self._unseen
        if any("\0" in text for text in found.texts):
            raise WorkbookUnreadable(f"sheet {name!r} cannot be decoded; open the file in Excel and save as .xlsx")
        if self._longest_text and any(len(text) > self._longest_text for text in found.texts):
            raise WorkbookUnreadable(f"sheet {name!r} holds a long text of which a part may be lost; save it as .xlsx")
        for place, text in extra.errors.items():
            found.take(place, CellKind.ERROR, text)
        return Sheet(
            name,
            columns=found.columns(),
            hidden=hidden,
            merged=_merged(sheet),
            hidden_rows=extra.hidden_rows,
            formats=found.formats,
            marks=looks_of(found.styles, extra.marks),
        )


def _by_content(path: Path, file_format: FileFormat) -> str | BytesIO:
    """What calamine opens as `file_format`: of a path it believes the suffix, of bytes the content."""
    return str(path) if path.suffix.lower() == f".{file_format}" else BytesIO(path.read_bytes())


def _take_records(found: CellList, records: list[list[Any]], first: tuple[int, int], extra: SheetDetails) -> None:
    """The non-empty values of `records`, the first of which stands at `first`."""
    formats, looks = extra.formats, extra.looks
    for row, record in enumerate(records, first[0]):
        for column, value in enumerate(record, first[1]):
            if value != "":
                kind, text = _cell(value)
                shown = formats.get((row, column), GENERAL) if formats else GENERAL
                found.take((row, column), kind, text, shown, looks.get((row, column), PLAIN) if looks else PLAIN)


def _cell(value: Any) -> tuple[CellKind, str]:
    if isinstance(value, str):
        return CellKind.TEXT, value.encode("utf-8", "replace").decode()
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
