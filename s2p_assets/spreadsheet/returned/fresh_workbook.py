"""The answer to a file that cannot be marked itself: a fresh workbook with the findings and the rows they are about.

What is said is decided in `feedback`; files that can be marked in place are not rewritten here.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from s2p_assets.contracts.columns import Severity
from s2p_assets.contracts.findings import FINDINGS_SHEET, ROWS_SHEET, Finding
from s2p_assets.spreadsheet.book import open_book
from s2p_assets.spreadsheet.child_answers import SHAPES
from s2p_assets.spreadsheet.grid import CellKind, CellPosition, Sheet, column_letters
from s2p_assets.spreadsheet.limits import WorkbookUnreadable
from s2p_assets.spreadsheet.returned.feedback import (
    AUTHOR,
    COLUMN_WIDTHS,
    FILLS,
    HEADING_FILL,
    HEADINGS,
    INKS,
    LABEL_INK,
    LINK_INK,
    RULE_INK,
    TITLE_INK,
    Feedback,
    Note,
    internal_link,
    lines_needed,
)

if TYPE_CHECKING:
    from xlsxwriter.format import Format
    from xlsxwriter.workbook import Workbook
    from xlsxwriter.worksheet import Worksheet

MAX_COPIED_ROWS = 20_000
_EPOCH_1904_DAYS = 1462
_LONGEST_TEXT = 32_767
_WIDEST = 16_000
_VALUE_FORMATS: dict[str, dict[str, Any]] = {
    "text": {"quote_prefix": True},
    "date": {"num_format": "yyyy-mm-dd"},
    "plain": {},
}


@dataclass(slots=True)
class CopiedRows:
    """The rows of one sheet that findings are about, as they stand in the file.

    `header`: column number → text of the header row. `rows`: row number → column number → value;
    `days`: the places whose number is a date.
    """

    header: dict[int, str]
    rows: dict[int, dict[int, Any]]
    days: set[CellPosition] = field(default_factory=set)


SHAPES[CopiedRows] = {"header": (dict,), "rows": (dict,), "days": (set,)}


def copy_rows(
    original: Path, name: str, places: Mapping[str, Iterable[CellPosition]], headers: Mapping[str, list[str]]
) -> dict[str, CopiedRows]:
    """The rows of `original` in which `places` lie, at most MAX_COPIED_ROWS of them; nothing from an
    unreadable file.
    """
    found: dict[str, CopiedRows] = {}
    left = MAX_COPIED_ROWS
    with suppress(WorkbookUnreadable, OSError), open_book(original, name) as book:
        for sheet in book.sheets():
            wanted = sorted({row for row, _ in places.get(sheet.name, ())})[:left]
            if wanted:
                found[sheet.name] = _copied(sheet, wanted, headers.get(sheet.name, []))
                left -= len(wanted)
    return found


def write_fresh_workbook(feedback: Feedback, copied: Mapping[str, CopiedRows], target: Path) -> None:
    """Writes a workbook of two sheets to `target`: the findings, and the rows they are about if there are any."""
    import xlsxwriter

    with xlsxwriter.Workbook(str(target), {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        book.set_properties({"author": AUTHOR, "created": dt.datetime(1980, 1, 1, tzinfo=dt.UTC)})
        findings = book.add_worksheet(FINDINGS_SHEET)
        links: dict[tuple[str, CellPosition], str] = {}
        if copied:
            links = _write_rows(book, book.add_worksheet(ROWS_SHEET), feedback, copied)
        _write_findings(book, findings, feedback, links)
        findings.activate()


def _copied(sheet: Sheet, wanted: list[int], written: list[str]) -> CopiedRows:
    copied = CopiedRows(header=_header(sheet, written, wanted[0]), rows={row: {} for row in wanted})
    for column, cells in sheet.columns.items():
        for row in wanted:
            place = cells.at(row)
            if place is None or column > _WIDEST:
                continue
            kind, text = CellKind(int(cells.kinds[place])), str(cells.texts[place].as_py())
            value, is_day = _value(kind, text, sheet.starts_1904)
            copied.rows[row][column] = value
            if is_day:
                copied.days.add((row, column))
    return copied


def _header(sheet: Sheet, written: list[str], first_row: int) -> dict[int, str]:
    """The row above the findings that holds the header texts as they were read."""
    wanted = {text.strip() for text in written if text.strip()}
    for row in sheet.first_rows(60):
        texts = sheet.row(row)
        if wanted and row <= first_row and len(wanted & {text.strip() for text in texts.values()}) * 2 > len(wanted):
            return texts
    return {}


def _value(kind: CellKind, text: str, starts_1904: bool) -> tuple[Any, bool]:
    """What to write for a cell, and whether it is to be shown as a date."""
    with suppress(ValueError, OverflowError):
        if kind == CellKind.NUMBER and len(text.strip("-").replace(".", "")) <= 15:
            return float(text), False
        if kind == CellKind.DATE:
            return float(text) + (_EPOCH_1904_DAYS if starts_1904 else 0), True
        if kind == CellKind.ISO:
            moment = dt.datetime.fromisoformat(text).replace(tzinfo=None)
            return (moment, True) if moment.year >= 1900 else (text, False)
        if kind == CellKind.BOOL:
            return text in ("1", "true", "TRUE"), False
    return text, False


def _write_rows(
    book: "Workbook", page: "Worksheet", feedback: Feedback, copied: Mapping[str, CopiedRows]
) -> dict[tuple[str, CellPosition], str]:
    """Writes the rows sheet by sheet; returns where each finding's cell has gone."""
    cell_formats = _CellFormats(book)
    links: dict[tuple[str, CellPosition], str] = {}
    line = 0
    for sheet, rows in copied.items():
        columns = sorted({column for cells in rows.rows.values() for column in cells} | set(rows.header))
        places, notes = feedback.severities.get(sheet, {}), feedback.notes.get(sheet, {})
        columns = sorted({*columns, *(column for row, column in places if row in rows.rows and column <= _WIDEST)})
        names = ["Sheet", "Row", *(_column_name(column, rows.header) for column in columns)]
        for position, text in enumerate(names):
            page.write_string(line, position, text, cell_formats.heading)
        for row, cells in rows.rows.items():
            line += 1
            page.write_string(line, 0, sheet, cell_formats.origin)
            page.write_number(line, 1, row, cell_formats.origin)
            for position, column in enumerate(columns, 2):
                place = (row, column)
                cell_format = cell_formats.of(places.get(place), place in rows.days, cells.get(column))
                _write_value(page, line, position, cells.get(column), cell_format)
                if place in places:
                    links[sheet, place] = f"{column_letters(position + 1)}{line + 1}"
                if place in notes:
                    _write_note(page, line, position, notes[place])
        line += 2
    page.freeze_panes(1 if len(copied) == 1 else 0, 2)
    page.set_landscape()
    page.fit_to_pages(1, 0)
    page.set_column(0, 0, 18)
    page.set_column(1, 1, 8)
    page.set_column(2, max(map(_last_column, copied.values()), default=2) + 1, 18)
    return links


def _write_note(page: "Worksheet", line: int, position: int, note: Note) -> None:
    options = {"author": AUTHOR, "color": f"#{FILLS[note.severity]}", "x_scale": 2.2}
    page.write_comment(line, position, note.text, {**options, "height": 30 + 15 * _lines(note.text)})


def _column_name(column: int, header: Mapping[int, str]) -> str:
    return (
        f"{column_letters(column)} · {' '.join(header[column].split())}" if column in header else column_letters(column)
    )


def _last_column(rows: CopiedRows) -> int:
    return max((column for cells in (*rows.rows.values(), rows.header) for column in cells), default=1)


def _lines(text: str) -> int:
    return sum(1 + len(line) // 44 for line in text.splitlines())


def _write_value(page: "Worksheet", line: int, position: int, value: Any, cell_format: "Format | None") -> None:
    if value is None:
        page.write_blank(line, position, None, cell_format)
    elif isinstance(value, str):
        page.write_string(line, position, value[:_LONGEST_TEXT], cell_format)
    elif isinstance(value, bool):
        page.write_boolean(line, position, value, cell_format)
    elif isinstance(value, dt.datetime):
        page.write_datetime(line, position, value, cell_format)
    else:
        page.write_number(line, position, value, cell_format)


class _CellFormats:
    """The looks of copied cells: by severity, with dates shown as dates and texts kept from becoming formulas."""

    def __init__(self, book: "Workbook") -> None:
        self._book = book
        self._made: dict[tuple[Severity | None, str], Format] = {}
        self.heading = book.add_format(
            {"bold": True, "font_color": "#FFFFFF", "bg_color": f"#{HEADING_FILL}", "text_wrap": True, "valign": "top"}
        )
        self.origin = book.add_format({"font_color": f"#{LABEL_INK}", "quote_prefix": True})

    def of(self, severity: Severity | None, is_day: bool, value: Any) -> "Format":
        kind = "text" if isinstance(value, str) else "date" if is_day else "plain"
        if (severity, kind) not in self._made:
            cell_format: dict[str, Any] = {"bg_color": f"#{FILLS[severity]}"} if severity else {}
            cell_format |= _VALUE_FORMATS[kind]
            self._made[severity, kind] = self._book.add_format(cell_format)
        return self._made[severity, kind]


@dataclass(slots=True)
class _ListFormats:
    """The looks of the list of findings."""

    title: "Format"
    label: "Format"
    line: "Format"
    heading: "Format"
    cell: "Format"
    link: "Format"
    severity: dict[Severity, "Format"]

    @classmethod
    def added_to(cls, book: "Workbook") -> "_ListFormats":
        def made(**options: Any) -> "Format":
            return book.add_format({"valign": "top", "font_color": f"#{TITLE_INK}", "quote_prefix": True, **options})

        grid = {"border": 1, "border_color": f"#{RULE_INK}", "text_wrap": True}
        return cls(
            title=made(bold=True, font_size=16),
            label=made(bold=True, font_color=f"#{LABEL_INK}"),
            line=made(),
            heading=made(**{**grid, "bold": True, "font_color": "#FFFFFF", "bg_color": f"#{HEADING_FILL}"}),
            cell=made(**grid),
            link=made(**{**grid, "font_color": f"#{LINK_INK}", "underline": 1}),
            severity={
                severity: made(**{**grid, "bold": True, "font_color": f"#{INKS[severity]}", "bg_color": f"#{fill}"})
                for severity, fill in FILLS.items()
            },
        )


def _write_findings(
    book: "Workbook", page: "Worksheet", feedback: Feedback, links: Mapping[tuple[str, CellPosition], str]
) -> None:
    formats = _ListFormats.added_to(book)
    for column, width in enumerate(COLUMN_WIDTHS):
        page.set_column(column, column, width)
    page.set_row(0, 26)
    page.write_string(0, 0, feedback.title, formats.title)
    for number, (name, text) in enumerate(feedback.lines, 1):
        page.write_string(number, 0, name, formats.label)
        page.write_string(number, 1, text, formats.line)
    top = len(feedback.lines) + 2
    if feedback.listed:
        for column, text in enumerate(HEADINGS):
            page.write_string(top, column, text, formats.heading)
        page.set_row(top, 20)
        page.freeze_panes(top + 1, 0)
    for number, finding in enumerate(feedback.listed, top + 1):
        place = feedback.position_of(finding)
        _write_finding(page, number, feedback.list_row(finding), finding, formats)
        if place and place in links:
            page.write_url(number, 1, f"internal:{internal_link(ROWS_SHEET, links[place])}", formats.link, finding.cell)
    page.hide_gridlines(2)
    page.set_landscape()
    page.fit_to_pages(1, 0)
    page.set_tab_color(f"#{INKS['reject']}")


def _write_finding(
    page: "Worksheet", number: int, texts: tuple[str, ...], finding: Finding, formats: _ListFormats
) -> None:
    page.set_row(number, 15 * lines_needed(texts))
    for column, text in enumerate(texts):
        is_last = column == len(texts) - 1
        page.write_string(number, column, text, formats.severity[finding.severity] if is_last else formats.cell)
