"""Writing values into Excel: cells by their kind, native tables, names that Excel takes.

Which sheets a report has belongs to `excel`; charts belong to `excel_charts`.
"""

import datetime as dt
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from s2p_assets.contracts.report import ReportColumn, ValueFormat
from s2p_assets.publishing.document import wording

MAX_CELL_TEXT = 32_767
MAX_SHEET_ROWS = 1_048_576
FIRST_DAY = dt.date(1900, 3, 1)
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
NUMBER_FORMATS: dict[ValueFormat, str] = {
    "text": "@",
    "code": "@",
    "integer": "#,##0",
    "number": "#,##0.0",
    "money": "#,##0.00",
    "percent": "0.0%",
    "date": "d mmm yyyy",
}
BELOW, ABOVE = "#FDE7E4", "#FFF1CF"
TEXT_WIDTHS: dict[ValueFormat, tuple[int, int]] = {"text": (10, 44), "code": (8, 24), "date": (13, 13)}
NUMBER_WIDTHS = (10, 18)
SMALL_WORDS = ("a", "and", "as", "at", "by", "for", "in", "is", "it", "of", "on", "or", "the", "to", "what", "with")
NUMERIC_FORMATS = ("integer", "number", "money", "percent")


class ReportBook:
    """An open XlsxWriter workbook with its cell formats, which Excel keeps once per file."""

    def __init__(self, workbook: Any, currency: str) -> None:
        self.workbook = workbook
        self.currency = currency
        self._looks: dict[tuple[tuple[str, Any], ...], Any] = {}

    def cell_format(self, **properties: Any) -> Any:
        """A cell format; the same properties give the same one."""
        key = tuple(sorted(properties.items()))
        if key not in self._looks:
            self._looks[key] = self.workbook.add_format({"valign": "top", **properties})
        return self._looks[key]

    def write(self, sheet: Any, row: int, column: int, value: Any, kind: ValueFormat = "text", **look: Any) -> None:
        """One cell, by the kind of its value; what is no value is left blank.

        A text that begins like a formula is written as a text and marked as one, so that editing keeps it a text.
        """
        if wording.is_missing(value):
            sheet.write_blank(row, column, None, self.cell_format(**look))
        elif isinstance(value, str | bool) or kind in ("text", "code"):
            text = wording.format_cell(value, "text", 0)[:MAX_CELL_TEXT]
            guard = {"quote_prefix": True} if text.startswith(FORMULA_STARTS) else {}
            sheet.write_string(row, column, text, self.cell_format(**guard, **look))
        elif isinstance(value, dt.date):
            self._write_day(sheet, row, column, value, look)
        else:
            sheet.write_number(
                row, column, float(value), self.cell_format(**{"num_format": NUMBER_FORMATS[kind], **look})
            )

    def _write_day(self, sheet: Any, row: int, column: int, value: dt.date, look: dict[str, Any]) -> None:
        """A date, with its time of day when it has one; what Excel's calendar does not hold stays a text."""
        if not FIRST_DAY <= dt.date(value.year, value.month, value.day) <= dt.date(9999, 12, 31):
            sheet.write_string(row, column, value.isoformat(), self.cell_format(**look))
            return
        has_time = isinstance(value, dt.datetime) and value.time() != dt.time()
        num_format = "d mmm yyyy hh:mm" if has_time else NUMBER_FORMATS["date"]
        shown = self.cell_format(**{"num_format": num_format, "align": "left", **look})
        sheet.write_datetime(row, column, value, shown)

    def write_table(
        self,
        sheet: Any,
        row: int,
        column: int,
        frame: pd.DataFrame,
        columns: Sequence[ReportColumn],
        widths: Sequence[float],
    ) -> None:
        """A native table with filters and highlights, its headings in `row`. `frame` has at least one row.

        Raises ValueError when the sheet does not hold so many rows.
        """
        last_row, last_column = row + len(frame), column + len(columns) - 1
        if last_row >= MAX_SHEET_ROWS:
            raise ValueError(f"{sheet.get_name()}: {len(frame):,} rows do not fit on a sheet; shorten the section")
        titles = headings(wording.format_column_title(one.title, one.format, self.currency) for one in columns)
        aligned = [_alignment(one, first=not at) for at, one in enumerate(columns)]
        heads = [
            {"header": title, "header_format": self.cell_format(bold=True, text_wrap=True, valign="bottom", **side)}
            for title, side in zip(titles, aligned, strict=True)
        ]
        style = {"columns": heads, "style": "Table Style Light 1"}
        sheet.add_table(row, column, last_row, last_column, style)
        sheet.set_row(
            row,
            16 * max(_lines(title, width) for title, width in zip(titles, widths, strict=True)),
        )
        for at, declared in enumerate(columns, column):
            side = _alignment(declared, first=at == column)
            self._write_column(sheet, row + 1, at, frame[declared.name], declared, side)
        sheet.ignore_errors({"number_stored_as_text": area(row + 1, column, last_row, last_column)})

    def widths(self, frame: pd.DataFrame, columns: Sequence[ReportColumn]) -> list[float]:
        """The columns' widths in characters."""
        titles = [wording.format_column_title(one.title, one.format, self.currency) for one in columns]
        return [width_of(frame[one.name], title, one.format) for one, title in zip(columns, titles, strict=True)]

    def _write_numbers(
        self, sheet: Any, first: int, column: int, values: "pd.Series[Any]", look: dict[str, Any]
    ) -> None:
        """`write` for a column of nothing but numbers, at half its cost: the looks are the same in all rows."""
        shown, blank = (
            self.cell_format(**look),
            self.cell_format(**{name: one for name, one in look.items() if name != "num_format"}),
        )
        numbers = values.to_numpy("float64", na_value=np.nan)
        for row, (value, is_known) in enumerate(zip(numbers.tolist(), np.isfinite(numbers), strict=True), first):
            if is_known:
                sheet.write_number(row, column, value, shown)
            else:
                sheet.write_blank(row, column, None, blank)

    def _write_column(
        self,
        sheet: Any,
        first: int,
        column: int,
        values: "pd.Series[Any]",
        declared: ReportColumn,
        side: dict[str, Any],
    ) -> None:
        look = side | ({"num_format": _decimal_format(values)} if declared.format == "number" else {})
        if _are_numbers(values) and declared.format in NUMERIC_FORMATS:
            self._write_numbers(sheet, first, column, values, {"num_format": NUMBER_FORMATS[declared.format], **look})
        else:
            for row, value in enumerate(values, first):
                self.write(sheet, row, column, value, declared.format, **look)
        last, cell = first + len(values) - 1, area(first, column, first, column)
        for sign, limit, fill in (("<", declared.highlight_below, BELOW), (">", declared.highlight_above, ABOVE)):
            if limit is not None:
                rule = f"=AND(ISNUMBER({cell}),{cell}{sign}{float(limit)!r})"
                shown = self.workbook.add_format({"bold": True, "bg_color": fill})
                sheet.conditional_format(
                    first, column, last, column, {"type": "formula", "criteria": rule, "format": shown}
                )
        if declared.bars:
            bar = {"type": "data_bar", "bar_color": ABOVE, "bar_solid": True}
            sheet.conditional_format(first, column, last, column, bar)


def _alignment(column: ReportColumn, *, first: bool) -> dict[str, Any]:
    """Numbers to the right; words to the left, but not up against a number in the column before."""
    return {"align": "left", "indent": 0 if first else 1} if column.format in TEXT_WIDTHS else {"align": "right"}


def _are_numbers(values: "pd.Series[Any]") -> bool:
    return pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype)


def _decimal_format(values: "pd.Series[Any]") -> str:
    decimals = wording.decimals_for(values, "number")
    return "#,##0" + ("." + "0" * decimals if decimals else "")


def _lines(title: str, width: float) -> int:
    """How many lines a heading takes beside the filter's button."""
    return len(textwrap.wrap(title, max(4, int(width) - 3))) or 1


def width_of(values: "pd.Series[Any]", title: str, kind: ValueFormat) -> float:
    """A column's width in characters, of its heading in two lines, its extreme numbers or its first thousand texts."""
    least, most = TEXT_WIDTHS.get(kind, NUMBER_WIDTHS)
    decimals = wording.decimals_for(values, kind)
    measured = values.agg(["min", "max"]) if _are_numbers(values) else values.head(1000)
    longest = max((len(wording.format_cell(value, kind, decimals)) for value in measured), default=0)
    words = max((len(word) for word in title.split()), default=0)
    return float(min(most, max(least, longest + 2, words + 4, len(title) / 2 + 4)))


def area(first_row: int, first_column: int, last_row: int, last_column: int) -> str:
    """`A1:B2`, or `A1` for one cell; rows and columns count from 0."""
    from xlsxwriter.utility import xl_range

    return str(xl_range(first_row, first_column, last_row, last_column))


def headings(titles: Iterable[str]) -> list[str]:
    """Table headings as Excel takes them: on one line, not empty, each once in any case."""
    return _each_once((" ".join(title.split()) or "Column" for title in titles), set(), 250)


def sheet_names(titles: Iterable[str], taken: Iterable[str]) -> list[str]:
    """Names that Excel takes for sheets beside those `taken`: 31 characters, none of `[]:*?/\\`, each once."""
    plain = ("".join(" " if mark in "[]:*?/\\" else mark for mark in title) for title in titles)
    cleaned = (" ".join(title.split()).strip("' ") or "Section" for title in plain)
    return _each_once(cleaned, {"history", *(name.lower() for name in taken)}, 31)


def _cut(name: str, longest: int) -> str:
    """The name cut after a word, without small words at its end; in mid-word only where its first word is longer."""
    if len(name) <= longest:
        return name.rstrip("' ")
    words = name[: longest + 1].split(" ")[:-1]
    while words and (words[-1].lower() in SMALL_WORDS or not words[-1].strip(",;-–")):
        words.pop()
    return (" ".join(words) or name[:longest]).rstrip("' ,;")


def _each_once(names: Iterable[str], taken: set[str], longest: int) -> list[str]:
    once = []
    for plain in names:
        name, number = _cut(plain, longest), 2
        while name.lower() in taken:
            ending = f" {number}"
            name, number = _cut(plain, longest - len(ending)) + ending, number + 1
        taken.add(name.lower())
        once.append(name)
    return once
