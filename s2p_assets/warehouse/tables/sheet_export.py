"""Columns written as the rows of an Excel sheet, a batch at a time, by Arrow's own functions: no row is one of Python.

The workbook around the rows (styles, widths, a frozen header) is XlsxWriter's. Which rows are written, and what other
files there are, is in `exports.py`.
"""

import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.compute as pc

from s2p_assets.contracts.columns import Kind
from s2p_assets.contracts.errors import MendableError

SHEET_ROWS, CELL_LETTERS = 1_048_576, 32_767
_ROWS_AT_ONCE = 10_000
_PART = "xl/worksheets/sheet1.xml"
_EPOCH_DAYS, _DAY_MICROSECONDS = 25_569, 86_400_000_000
_FIRST_DAY = -25_508
"""1900-03-01 as days since 1970: before it the calendar of Excel has a day that never was."""
_LARGEST_INTEGER = 10**15
_WIDTHS = {"text": 28, "code": 16, "timestamp": 20}
_FORMATS = {"date": "yyyy-mm-dd", "timestamp": "yyyy-mm-dd hh:mm:ss", "percent": "0.0%", "money": "0.00####"}
_DIMENSION = re.compile(rb"<dimension [^>]*/>")
"""Which names the header alone; readers that find none look for themselves."""
_UNWRITABLE = r"[\x00-\x08\x0b-\x1f\x{fffe}\x{ffff}]"
_LOOKS_ESCAPED = r"_(x[0-9A-Fa-f]{4}_)"


class TooManyRows(MendableError):
    """There are more rows than a sheet can hold."""


def write_sheet(
    batches: Iterable[pyarrow.RecordBatch],
    schema: Sequence[tuple[str, Kind]],
    target: Path,
    most_rows: int = SHEET_ROWS,
) -> None:
    """Write `batches`, whose columns are those of `schema`, to a workbook of one sheet.

    Numbers and days are Excel's where it has them; a day before March 1900 and an integer of more than fifteen digits
    are texts. No text is a formula.
    Raises TooManyRows.
    """
    around, styles = _workbook_around(schema)
    with zipfile.ZipFile(around) as empty, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as book:
        for name in empty.namelist():
            if name != _PART:
                book.writestr(name, empty.read(name))
        before, _, behind = empty.read(_PART).partition(b"</sheetData>")
        with book.open(_PART, "w", force_zip64=True) as sheet:
            sheet.write(_DIMENSION.sub(b"", before))
            first = 2
            for batch in _short(batches):
                if first + batch.num_rows - 1 > most_rows:
                    raise TooManyRows(f"a sheet of Excel has {most_rows:,} rows at most: filter first, or take CSV")
                sheet.write(_rows(batch, schema, styles, first))
                first += batch.num_rows
            sheet.write(b"</sheetData>" + behind)


def _short(batches: Iterable[pyarrow.RecordBatch]) -> Iterator[pyarrow.RecordBatch]:
    for batch in batches:
        yield from (batch.slice(first, _ROWS_AT_ONCE) for first in range(0, batch.num_rows, _ROWS_AT_ONCE))


def _workbook_around(schema: Sequence[tuple[str, Kind]]) -> tuple[io.BytesIO, dict[str, int]]:
    """A workbook with the header alone, and the style of each kind that has one."""
    import xlsxwriter

    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True, "strings_to_formulas": False}) as book:
        sheet, bold = book.add_worksheet(), book.add_format({"bold": True})
        formats = {kind: book.add_format({"num_format": text}) for kind, text in _FORMATS.items()}
        styles = {kind: made._get_xf_index() for kind, made in formats.items()}
        for column, (name, kind) in enumerate(schema):
            sheet.set_column(column, column, max(_WIDTHS.get(kind, 11), min(len(name) + 2, 30)))
            sheet.write_string(0, column, name, bold)
        sheet.freeze_panes(1, 0)
    return content, styles


def _rows(batch: pyarrow.RecordBatch, schema: Sequence[tuple[str, Kind]], styles: dict[str, int], first: int) -> bytes:
    from xlsxwriter.utility import xl_col_to_name

    numbers = pc.cast(pyarrow.array(range(first, first + batch.num_rows)), pyarrow.string())
    parts: list[Any] = ['<row r="', numbers, '">']
    for at, ((_, kind), column) in enumerate(zip(schema, batch.columns, strict=True)):
        place = pc.binary_join_element_wise(f'<c r="{xl_col_to_name(at)}', numbers, '"', "")
        style = f' s="{styles[kind]}"' if kind in styles else ""
        cell = pc.binary_join_element_wise(place, _content(column, style), "", null_handling="replace")
        parts.append(pc.if_else(pc.is_valid(column), cell, ""))
    return b"".join(pc.binary_join_element_wise(*parts, "</row>", "").cast(pyarrow.binary()).to_pylist())


def _content(values: pyarrow.Array, style: str) -> pyarrow.Array:
    """What stands in a cell behind its place: its style, type and value; None for a missing one."""
    kind = values.type
    if pyarrow.types.is_boolean(kind):
        return pc.if_else(values, ' t="b"><v>1</v></c>', ' t="b"><v>0</v></c>')
    if pyarrow.types.is_date(kind):
        days = values.cast(pyarrow.date32()).cast(pyarrow.int32())
        return _dated(values, pc.add(days, _EPOCH_DAYS), pc.greater_equal(days, _FIRST_DAY), style)
    if pyarrow.types.is_timestamp(kind):
        since = values.cast(pyarrow.timestamp("us"), safe=False).cast(pyarrow.int64())
        days = pc.add(pc.divide(pc.cast(since, pyarrow.float64()), float(_DAY_MICROSECONDS)), float(_EPOCH_DAYS))
        return _dated(values, days, pc.greater_equal(since, _FIRST_DAY * _DAY_MICROSECONDS), style)
    if pyarrow.types.is_floating(kind):
        return pc.if_else(pc.is_finite(values), _number(values, style), _text(values.cast(pyarrow.string())))
    if pyarrow.types.is_integer(kind):
        is_exact = pc.less_equal(pc.abs(values), _LARGEST_INTEGER)
        return pc.if_else(is_exact, _number(values, style), _text(values.cast(pyarrow.string())))
    return _text(values.cast(pyarrow.string()))


def _dated(values: pyarrow.Array, days: pyarrow.Array, is_excels: pyarrow.Array, style: str) -> pyarrow.Array:
    return pc.if_else(is_excels, _number(days, style), _text(values.cast(pyarrow.string())))


def _number(values: pyarrow.Array, style: str) -> pyarrow.Array:
    return pc.binary_join_element_wise(f"{style}><v>", values.cast(pyarrow.string()), "</v></c>", "")


def _text(values: pyarrow.Array) -> pyarrow.Array:
    text = pc.utf8_slice_codeunits(values, 0, CELL_LETTERS)
    text = pc.replace_substring_regex(text, _LOOKS_ESCAPED, r"_x005F_\1")
    for mark, word in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\r", "_x000D_")):
        text = pc.replace_substring(text, mark, word)
    text = pc.replace_substring_regex(text, _UNWRITABLE, "\ufffd")
    before = ' t="inlineStr"><is><t xml:space="preserve">'
    return pc.binary_join_element_wise(before, text, "</t></is></c>", "")
