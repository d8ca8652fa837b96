"""An empty workbook made from a contract: headers, formats, drop-downs, and a sheet that explains every column.

What a contract says is decided in its shelf file; reading what people fill in is elsewhere.
"""

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandera.pandas as pa
import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.workbook import Workbook as Book
from xlsxwriter.worksheet import Worksheet

from s2p_assets.contracts.columns import Column, Kind
from s2p_assets.contracts.date_patterns import KIND_NAMES, directives, format_example
from s2p_assets.contracts.findings import GUIDE_SHEET
from s2p_assets.contracts.validation import pandera_schema
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.spreadsheet.grid import column_letters
from s2p_assets.spreadsheet.header import is_required, matches_sheet
from s2p_assets.spreadsheet.patterns import pattern_in_words
from s2p_assets.spreadsheet.periods import examples, first_days_in_year, written_period
from s2p_assets.spreadsheet.rules import pattern_of

_LAST_ROW = 1_048_575
_LONGEST_LIST = 255
_LONGEST_PROMPT = 255
_INK, _PAPER, _REQUIRED, _OPTIONAL, _RULE = "#1F2933", "#FFFFFF", "#243B53", "#D9E2EC", "#D5DAE1"

_FORMATS: dict[Kind, str] = {
    "text": "@",
    "code": "@",
    "number": "General",
    "money": "#,##0.00",
    "percent": "0.0%",
    "integer": "#,##0",
    "date": "yyyy-mm-dd",
    "timestamp": "yyyy-mm-dd hh:mm",
    "boolean": "@",
}
_HOW: dict[Kind, str] = {
    "text": "text",
    "code": "a code, kept as written with its leading zeros",
    "number": "a number",
    "money": "an amount of money, a number",
    "percent": "a share, as 25 %",
    "integer": "a whole number",
    "date": "a date",
    "timestamp": "a date with a time of day",
    "boolean": "yes or no",
}
_EXAMPLES: dict[Kind, str] = {
    "text": "any text",
    "code": "00123",
    "number": "12.5",
    "money": "19.90",
    "percent": "25%",
    "integer": "12",
    "date": "2025-03-31",
    "timestamp": "2025-03-31 14:30",
    "boolean": "yes",
}
_GUIDE = (
    ("Column", 24),
    ("What it means", 46),
    ("Required", 11),
    ("What to write", 36),
    ("Unit", 10),
    ("Rules", 34),
    ("Allowed values", 34),
    ("Example", 16),
)
_BOUNDS = {
    "greater_than_or_equal_to": ("at least {}", "min_value"),
    "greater_than": ("more than {}", "min_value"),
    "less_than_or_equal_to": ("at most {}", "max_value"),
    "less_than": ("less than {}", "max_value"),
    "not_equal_to": ("not {}", "value"),
    "equal_to": ("exactly {}", "value"),
    "str_startswith": ("begins with {}", "string"),
    "str_endswith": ("ends with {}", "string"),
}


@dataclass(frozen=True, slots=True)
class _Bounds:
    """The least and the greatest allowed value of a column; None where the contract sets none."""

    least: Any = None
    greatest: Any = None


def write_template(workbook: Workbook, target: Path, year: int | None = None) -> Path:
    """Writes an empty `.xlsx` for `workbook` to `target` and returns it; filled in sensibly, the reader accepts it.

    `year`: whose periods stand in the header of a wide table, by default this year's. Raises OSError when nothing can
    be written there.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".s2p-{target.name}")
    try:
        with xlsxwriter.Workbook(str(unfinished), {"strings_to_formulas": False, "strings_to_urls": False}) as book:
            book.set_properties({"title": workbook.full_name, "created": dt.datetime(1980, 1, 1, tzinfo=dt.UTC)})
            table = book.add_worksheet(_sheet_name(workbook))
            choices = _write_guide(book, book.add_worksheet(GUIDE_SHEET), workbook)
            _write_table(book, table, workbook, choices, year or dt.datetime.now(dt.UTC).year)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
    return target


def _sheet_name(workbook: Workbook) -> str:
    """A name of the table's sheet that the contract looks into."""
    title = re.sub(r"[\[\]:*?/\\]", " ", workbook.name.replace("_", " ").capitalize())[:31]
    patterns = workbook.sheets.split("|")
    stated = [re.sub(r"\[!?(.)[^\]]*\]", r"\1", pattern).replace("*", "").replace("?", "1") for pattern in patterns]
    usable = [name[:31] for name in (title, *map(str.strip, stated)) if name and matches_sheet(workbook, name[:31])]
    return usable[0] if usable else title


@dataclass(frozen=True, slots=True)
class _SheetColumn:
    """A column of the sheet: `over` are the texts above its own header, the uppermost first, of a wide table."""

    column: Column
    header: str
    over: tuple[str, ...] = ()


def _sheet_columns(workbook: Workbook, year: int) -> list[_SheetColumn]:
    """The contract's columns; those of a wide table that are melted once under each period of the year."""
    period = workbook.period
    if period is None or period.from_header is None:
        return [_SheetColumn(column, column.headers[0]) for column in workbook.columns]
    kind, patterns = period.from_header, period.formats
    years = (str(year),) if patterns and not directives(patterns[0]) & frozenset("YyGg") else ()
    beside = [column for column in workbook.columns if not column.melted and not column.from_header]
    found = [_SheetColumn(column, column.headers[0]) for column in beside]
    for day in first_days_in_year(kind, year, period.fiscal):
        text = written_period(day, kind, patterns, period.fiscal)
        if len(workbook.melted) == 1:
            found.append(_SheetColumn(workbook.melted[0], text, years))
        else:
            found += [_SheetColumn(column, column.headers[0], (*years, text)) for column in workbook.melted]
    return found


def _write_table(book: Book, page: Worksheet, workbook: Workbook, choices: dict[str, str], year: int) -> None:
    required, optional = (_heading(book, colour, ink) for colour, ink in ((_REQUIRED, _PAPER), (_OPTIONAL, _INK)))
    checks = pandera_schema(workbook.rows).columns
    fields = _sheet_columns(workbook, year)
    bottom = max(len(field.over) for field in fields)
    explained: set[str] = set()
    for position, field in enumerate(fields):
        column = field.column
        page.write_string(bottom, position, field.header, required if _must_be_filled(column) else optional)
        note = _note(column, _rules(column, checks[column.name].checks))
        options = {
            "author": "s2p",
            "x_scale": 2.2,
            "height": 36 + 15 * sum(1 + len(line) // 44 for line in note.splitlines()),
        }
        if column.name not in explained:
            page.write_comment(bottom, position, note, options)
        explained.add(column.name)
        page.set_column(position, position, _width(column), book.add_format({"num_format": _FORMATS[column.kind]}))
        rule = _validation(column, _bounds(checks[column.name].checks), choices.get(column.name))
        if rule:
            page.data_validation(bottom + 1, position, _LAST_ROW, position, rule | _messages(column, rule))
    _write_over(page, fields, required)
    page.set_row(bottom, 32)
    page.freeze_panes(bottom + 1, sum(not field.over and not field.column.melted for field in fields) if bottom else 0)
    page.set_landscape()
    page.repeat_rows(0, bottom)
    page.activate()


def _write_over(page: Worksheet, fields: list[_SheetColumn], heading: Format) -> None:
    """The header rows above the last one, each text over all columns that it is about."""
    for level in range(max(len(field.over) for field in fields)):
        start = 0
        while start < len(fields):
            over = fields[start].over[: level + 1]
            stop = start
            while stop + 1 < len(fields) and fields[stop + 1].over[: level + 1] == over:
                stop += 1
            if len(over) > level and stop > start:
                page.merge_range(level, start, level, stop, over[level], heading)
            elif len(over) > level:
                page.write_string(level, start, over[level], heading)
            start = stop + 1


def _heading(book: Book, colour: str, ink: str) -> Format:
    return book.add_format(
        {"bold": True, "font_color": ink, "bg_color": colour, "text_wrap": True, "valign": "vcenter", "border": 1}
        | {"border_color": _RULE, "num_format": "@"}
    )


def _must_be_filled(column: Column) -> bool:
    return is_required(column) and not column.nullable and not column.melted


def _note(column: Column, rules: Iterable[str]) -> str:
    lines = [column.description, f"Write {_what_to_write(column)}{f', in {column.unit}' if column.unit else ''}."]
    lines += [f"Rule: {rule}" for rule in rules]
    if column.allowed_values:
        lines.append(f"One of: {_listed(column.allowed_values)}")
    lines.append(_requirement(column))
    return "\n".join(line for line in lines if line)


def _requirement(column: Column) -> str:
    if column.melted:
        return "Leave it empty where there is none."
    if _must_be_filled(column):
        return "Required in every row."
    if column.value_from:
        return f"Taken from the {' or the '.join(column.value_from)}'s name when the column is not there."
    return "May be left empty."


def _what_to_write(column: Column) -> str:
    if column.from_header:
        shown = examples(column.from_header, column.formats, column.fiscal)
        return f"in the header, over its column: a {KIND_NAMES[column.from_header]}, as {shown}"
    if column.kind == "boolean":
        return f"{column.yes[0]} or {column.no[0]}"
    if column.width and column.kind == "code":
        return f"a code of {column.width} characters, with its leading zeros"
    return _HOW[column.kind]


def _rules(column: Column, checks: Iterable[pa.Check]) -> list[str]:
    """The column's rules in plain words, without the list of allowed values."""
    said = [_in_words(check) for check in checks if check.name != "isin"]
    return [*(rule for rule in said if rule), *(["no value twice"] if column.unique else [])]


def _in_words(check: pa.Check) -> str:
    if check.name == "in_range":
        return f"from {_given(check)['min_value']} to {_given(check)['max_value']}"
    if check.name == "str_length":
        least, greatest = _given(check).get("min_value"), _given(check).get("max_value")
        return f"{least or 0} to {greatest} characters" if greatest else f"at least {least} characters"
    if check.name in ("str_matches", "str_contains"):
        return pattern_in_words(pattern_of(_given(check))) or "in the form that the description shows"
    if check.name in _BOUNDS:
        words, name = _BOUNDS[check.name]
        return words.format(_given(check)[name])
    if check.name == "notin":
        return f"none of {_listed(_given(check)['forbidden_values'])}"
    return str(check.error or check.name or "")


def _given(check: pa.Check) -> dict[str, Any]:
    """What the rule was declared with."""
    return check.statistics or {}


def _listed(values: Iterable[object]) -> str:
    return ", ".join(map(str, values))


def _bounds(checks: Iterable[pa.Check]) -> _Bounds:
    least, greatest = None, None
    for check in checks:
        if check.name in ("greater_than_or_equal_to", "greater_than", "in_range"):
            least = _given(check)["min_value"]
        if check.name in ("less_than_or_equal_to", "less_than", "in_range"):
            greatest = _given(check)["max_value"]
    return _Bounds(least, greatest)


def _validation(column: Column, bounds: _Bounds, choices: str | None) -> dict[str, Any] | None:
    """What Excel is to refuse in the column, as XlsxWriter wants it; None where every text may stand."""
    if column.allowed_values or column.kind == "boolean":
        return {"validate": "list", "source": choices or _words(column)}
    if column.kind in ("date", "timestamp"):
        least, greatest = _bound_date(bounds.least, 1900), _bound_date(bounds.greatest, 9999)
        return {"validate": "date", "criteria": "between", "minimum": least, "maximum": greatest}
    if column.kind == "integer":
        limits = _limits(bounds, 10**15 - 1)
        return {"validate": "integer", "criteria": "between"} | limits
    if column.kind in ("number", "money", "percent"):
        return {"validate": "decimal", "criteria": "between"} | _limits(bounds, 1e15)
    return None


def _words(column: Column) -> list[str]:
    return [*map(str, column.allowed_values or (column.yes[0], column.no[0]))]


def _limits(bounds: _Bounds, furthest: float) -> dict[str, Any]:
    least, greatest = bounds.least, bounds.greatest
    return {"minimum": -furthest if least is None else least, "maximum": furthest if greatest is None else greatest}


def _bound_date(value: Any, year: int) -> dt.datetime:
    if isinstance(value, dt.datetime):
        return value.replace(tzinfo=None)
    if isinstance(value, dt.date):
        return dt.datetime.combine(value, dt.time())
    return dt.datetime(year, 1, 1) if year == 1900 else dt.datetime(year, 12, 31)  # noqa: DTZ001  Excel has no zones


def _messages(column: Column, rule: dict[str, Any]) -> dict[str, Any]:
    what = "one of the listed values" if rule["validate"] == "list" else _what_to_write(column)
    return {
        "error_title": column.headers[0][:32],
        "error_message": f"Please write {what} here. See '{GUIDE_SHEET}'."[:_LONGEST_PROMPT],
    }


def _width(column: Column) -> int:
    widest = max((len(str(value)) for value in column.allowed_values or ()), default=0)
    usual = {"text": 26, "code": 16, "date": 13, "timestamp": 18}.get(column.kind, 13)
    return min(max(usual, widest + 3, len(column.headers[0]) + 3), 42)


def _write_guide(book: Book, page: Worksheet, workbook: Workbook) -> dict[str, str]:
    """Explains the columns one per line; returns where the lists stand that are too long for a drop-down."""
    title = book.add_format({"bold": True, "font_size": 16, "font_color": _INK})
    plain = book.add_format({"font_color": _INK})
    cell = book.add_format({"text_wrap": True, "valign": "top", "border": 1, "border_color": _RULE, "num_format": "@"})
    bold = book.add_format({"text_wrap": True, "valign": "top", "border": 1, "border_color": _RULE, "bold": True})
    heading = _heading(book, _REQUIRED, _PAPER)
    page.write_string(0, 0, f"How to fill in the sheet “{_sheet_name(workbook)}”", title)
    lines = _introduction(workbook)
    for number, text in enumerate(lines, 1):
        page.write_string(number, 0, text, plain)
    top = len(lines) + 2
    for position, (text, width) in enumerate(_GUIDE):
        page.write_string(top, position, text, heading)
        page.set_column(position, position, width)
    checks = pandera_schema(workbook.rows).columns
    for number, column in enumerate(workbook.columns, top + 1):
        texts = _explained(column, _rules(column, checks[column.name].checks))
        page.set_row(number, 15 * max(_lines(text, width) for text, (_, width) in zip(texts, _GUIDE, strict=True)))
        for position, text in enumerate(texts):
            page.write_string(number, position, text, cell if position else bold)
    page.freeze_panes(top + 1, 1)
    page.hide_gridlines(2)
    page.set_landscape()
    page.fit_to_pages(1, 0)
    return _write_choices(page, workbook, top, heading)


def _introduction(workbook: Workbook) -> list[str]:
    rules = [str(check.error) for check in pandera_schema(workbook.rows).checks if check.error]
    key = " and ".join(column.headers[0] for column in workbook.columns if column.name in workbook.key)
    return [
        f"One row: {' '.join(workbook.description.split())}",
        "Dark headings must be filled in every row, light ones may be left empty. Do not rename the headings.",
        *([f"Each {key} stands in one row only."] if key else []),
        *[f"Looked for in every row: {rule}." for rule in rules],
        f"Questions go to {workbook.owner}.",
    ]


def _explained(column: Column, rules: list[str]) -> tuple[str, ...]:
    return (
        column.headers[0],
        column.description,
        "yes" if _must_be_filled(column) else "no",
        _what_to_write(column) + _patterns(column),
        column.unit or "",
        "\n".join(rules),
        _listed(column.allowed_values or ()) if column.kind != "boolean" else _listed(_words(column)),
        _example(column),
    )


def _lines(text: str, width: int) -> int:
    """How many lines a text takes in a column of this width."""
    return max(1, sum(1 + len(line) // (width - 2) for line in text.splitlines()))


def _patterns(column: Column) -> str:
    if column.from_header or not column.formats:
        return ""
    return f"; as text: {', '.join(map(format_example, column.formats))}"


def _example(column: Column) -> str:
    if column.allowed_values:
        return str(column.allowed_values[0])
    if column.kind == "boolean":
        return column.yes[0]
    if column.kind == "code" and column.width:
        return "123".zfill(column.width)
    if column.from_header:
        return examples(column.from_header, column.formats, column.fiscal).strip("'")
    return _EXAMPLES[column.kind]


def _write_choices(page: Worksheet, workbook: Workbook, top: int, heading: Format) -> dict[str, str]:
    """Lists that do not fit into a drop-down's own text stand to the right of the guide."""
    places: dict[str, str] = {}
    position = len(_GUIDE) + 1
    for column in workbook.columns:
        words = _words(column) if column.allowed_values else []
        if not words or (len(",".join(words)) <= _LONGEST_LIST and not any("," in word for word in words)):
            continue
        page.write_string(top, position, f"Choices: {column.headers[0]}", heading)
        page.write_column(top + 1, position, words)
        page.set_column(position, position, min(max(map(len, words)) + 3, 40))
        letter = column_letters(position + 1)
        places[column.name] = f"='{GUIDE_SHEET}'!${letter}${top + 2}:${letter}${top + 1 + len(words)}"
        position += 1
    return places
