"""The small workbook in which s2p writes what a person entered: the rows, and who entered them, when and why.

It is read as every workbook is, by the plain contract of `contracts/entered.py`; which rows they are is decided
in the services.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from s2p_assets.contracts.columns import Column
from s2p_assets.contracts.entered import ENTERED_SHEET, WITHDRAWN_SHEET, EnteredRows
from s2p_assets.contracts.findings import ENTRY_SHEET

if TYPE_CHECKING:  # loaded by the process that writes alone
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

HEADER_ROW = 1
MOST_TEXT = 32_767
"""Characters that a cell of Excel can hold."""
NUMERIC = ("number", "money", "percent", "integer")
_EXACT_DIGITS = 15
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d{1,6})?")
_FORMATS = {"code": "@", "text": "@", "percent": "0.0%", "date": "yyyy-mm-dd", "timestamp": "yyyy-mm-dd hh:mm:ss"}


@dataclass(frozen=True)
class EntryNote:
    """What the last sheet says: lines about the whole entry, then for each row what it was made of."""

    lines: Sequence[tuple[str, str]]
    titles: Sequence[str]
    rows: Sequence[Sequence[str]]


def write_entry_workbook(
    target: Path,
    contract: EnteredRows,
    entered: Sequence[Mapping[str, Any]],
    withdrawn: Sequence[Mapping[str, Any]],
    note: EntryNote,
    made_at: dt.datetime,
) -> None:
    """Write the rows, column → value as JSON or PostgreSQL has it, in cells as a person would have typed them.

    Row n of a sheet's list is in row n + 2. Raises OSError when nothing can be written there.
    """
    import xlsxwriter

    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
    with xlsxwriter.Workbook(str(target), options) as book:
        book.set_properties({"title": contract.full_name, "created": made_at.astimezone(dt.UTC).replace(tzinfo=None)})
        formats = {kind: book.add_format({"num_format": text}) for kind, text in _FORMATS.items()}
        bold = book.add_format({"bold": True, "num_format": "@"})
        for name, rows in ((ENTERED_SHEET, entered), (WITHDRAWN_SHEET, withdrawn)):
            if rows:
                _write_rows(book.add_worksheet(name), contract, rows, formats, bold)
        _write_note(book.add_worksheet(ENTRY_SHEET), note, bold)


def import_writer() -> None:
    """So that the first entry does not wait for it."""
    import xlsxwriter  # noqa: F401


def _write_rows(
    page: Worksheet,
    contract: EnteredRows,
    rows: Sequence[Mapping[str, Any]],
    formats: Mapping[str, Format],
    bold: Format,
) -> None:
    for place, column in enumerate(contract.columns):
        page.write_string(0, place, column.headers[0], bold)
        page.set_column(place, place, max(12, min(len(column.headers[0]) + 2, 40)))
        for number, row in enumerate(rows, HEADER_ROW):
            _write_cell(page, number, place, row.get(column.name), column, formats)


def _write_cell(
    page: Worksheet, row: int, place: int, value: Any, column: Column, formats: Mapping[str, Format]
) -> None:
    shown = formats.get(column.kind)
    if value is None or value == "":
        return
    if isinstance(value, bool):
        word = (column.yes if value else column.no)[0] if column.kind == "boolean" else str(value).lower()
        page.write_string(row, place, word, formats["text"])
    elif isinstance(value, dt.date):
        _write_date(page, row, place, value, column, formats)
    elif isinstance(value, int | float | Decimal):
        if not math.isfinite(_as_double(value)):
            page.write_string(row, place, str(value)[:MOST_TEXT], formats["text"])  # which the reader refuses
        elif column.kind in ("code", "text") or not _is_exact(value):
            page.write_string(row, place, _plain_number(value, column), formats["text"])
        else:
            page.write_number(row, place, float(value), formats["percent"] if column.kind == "percent" else None)
    elif column.kind in ("date", "timestamp") and (moment := _iso_moment(str(value))) is not None:
        _write_date(page, row, place, moment, column, formats)
    else:
        page.write_string(row, place, str(value), shown if column.kind in ("code", "text") else formats["text"])


def _write_date(
    page: Worksheet, row: int, place: int, value: dt.date, column: Column, formats: Mapping[str, Format]
) -> None:
    """A date before those of Excel, or a moment finer than its clock, as text."""
    is_fine = isinstance(value, dt.datetime) and value.microsecond % 1000 != 0
    if value.year < 1901 or is_fine or column.kind not in ("date", "timestamp"):
        page.write_string(row, place, value.isoformat(), formats["text"])
        return
    has_time = isinstance(value, dt.datetime) and value.time() != dt.time()
    page.write_datetime(row, place, value, formats["timestamp" if has_time or column.kind == "timestamp" else "date"])


def _iso_moment(text: str) -> dt.date | None:
    try:
        if _DAY.fullmatch(text):
            return dt.date.fromisoformat(text)
        return dt.datetime.fromisoformat(text) if _MOMENT.fullmatch(text) else None
    except ValueError:
        return None


def _as_double(value: float | Decimal) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _is_exact(value: float | Decimal) -> bool:
    """Whether a cell's number, of fifteen digits, is this one."""
    return len(Decimal(str(value)).normalize().as_tuple().digits) <= _EXACT_DIGITS


def _plain_number(value: float | Decimal, column: Column) -> str:
    text = format(Decimal(str(value)), "f")
    return text.replace(".", ",") if column.decimal == "," and column.kind in NUMERIC else text


def _write_note(page: Worksheet, note: EntryNote, bold: Format) -> None:
    page.set_column(0, len(note.titles), 22)
    for number, (label, text) in enumerate(note.lines):
        page.write_string(number, 0, label, bold)
        page.write_string(number, 1, text[:MOST_TEXT])
    top = len(note.lines) + 1
    for place, title in enumerate(note.titles):
        page.write_string(top, place, title, bold)
    for number, row in enumerate(note.rows, top + 1):
        for place, text in enumerate(row):
            page.write_string(number, place, text[:MOST_TEXT])
