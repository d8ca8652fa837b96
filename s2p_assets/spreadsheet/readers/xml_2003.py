"""Reading Excel's XML of 2003 (SpreadsheetML), which ERP systems and web shops still write under the name `.xls`.

Source: *XML Spreadsheet Reference*, Microsoft, 2001. Office Open XML (`.xlsx`) is another format.
"""

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from s2p_assets.spreadsheet import number_formats
from s2p_assets.spreadsheet.grid import LAST_COLUMN, LAST_ROW, CellKind, Sheet
from s2p_assets.spreadsheet.limits import MAX_TEXT_PAGE_BYTES, WorkbookUnreadable
from s2p_assets.spreadsheet.readers.cell_list import GENERAL, CellList

_NS = "{urn:schemas-microsoft-com:office:spreadsheet}"
_EXCEL = "{urn:schemas-microsoft-com:office:excel}"
_NAMED_FORMATS = {
    "Percent": "0.00%",
    "Fixed": "0.00",
    "Standard": "#,##0.00",
    "Scientific": "0.00E+00",
    "Short Date": "yyyy-mm-dd",
    "Medium Date": "d-mmm-yy",
    "Long Date": "yyyy-mm-dd",
    "General Date": "yyyy-mm-dd",
    "Euro Currency": "#,##0.00 [$€]",
}
_DTD = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_EPOCHS = ("1899-12-31T", "1899-12-30T", "1900-01-00T")


class Xml2003Book:
    """An XML spreadsheet of Excel 2003: its sheets, in one pass over the file."""

    def __init__(self, path: Path) -> None:
        """Raises WorkbookUnreadable for a file that is too large or declares entities."""
        if path.stat().st_size > MAX_TEXT_PAGE_BYTES:
            raise WorkbookUnreadable("the XML spreadsheet is larger than 256 MB; open it in Excel and save as .xlsx")
        self._path = path

    def close(self) -> None:
        """Nothing is held open."""

    def sheets(self) -> Iterator[Sheet]:
        """Every worksheet, in the workbook's order. Raises WorkbookUnreadable."""
        from lxml import etree

        content = self._path.read_bytes().lstrip()
        if _DTD.search(content[:4096]):
            raise WorkbookUnreadable("the file declares XML entities, as no workbook does; it was not read")
        root = _parsed(content)
        if root.tag != f"{_NS}Workbook":
            raise WorkbookUnreadable("this is an XML file, not a workbook; open it in Excel and save as .xlsx")
        formats = _style_formats(root)
        found = False
        for element in root.iterchildren(f"{_NS}Worksheet"):
            found = True
            yield _sheet(element, formats)
        if not found:
            raise WorkbookUnreadable("the XML spreadsheet holds no sheet; export it again")
        etree.clear_error_log()


def _parsed(content: bytes) -> Any:
    from lxml import etree

    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True, remove_comments=True, remove_pis=True
    )
    try:
        return etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        line = f" in line {error.lineno:,}" if error.lineno else ""
        raise WorkbookUnreadable(
            f"the XML is not well-formed{line}, so its cells cannot be told apart; export it again, or open it in "
            "Excel and save as .xlsx"
        ) from error


def _style_formats(root: Any) -> dict[str, str]:
    """Style → number format, styles that stand on another one included."""
    own: dict[str, str] = {}
    parents: dict[str, str] = {}
    for style in root.iterfind(f"{_NS}Styles/{_NS}Style"):
        name = style.get(f"{_NS}ID", "")
        parents[name] = style.get(f"{_NS}Parent", "")
        number_format = style.find(f"{_NS}NumberFormat")
        if number_format is not None:
            code = number_format.get(f"{_NS}Format", "")
            own[name] = _NAMED_FORMATS.get(code, code) or GENERAL
    return {name: own.get(name) or own.get(parents[name], GENERAL) for name in parents}


@dataclass
class _Page:
    """One sheet as its rows come by."""

    formats: dict[str, str]
    cells: CellList = field(default_factory=CellList)
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)
    hidden_rows: list[int] = field(default_factory=list)
    column_styles: dict[int, str] = field(default_factory=dict)

    def take_column(self, element: Any, number: int) -> int:
        """Notes the style of a column, or of several; the number of the next."""
        number = _index(element, number)
        last = min(number + _count(element, "Span"), LAST_COLUMN)
        if style := element.get(f"{_NS}StyleID"):
            self.column_styles |= dict.fromkeys(range(number, last + 1), style)
        return last + 1

    def take_row(self, element: Any, number: int) -> int:
        """Reads one row; the number of the next."""
        number = _index(element, number)
        following = number + 1 + _count(element, "Span")
        if number > LAST_ROW:
            raise WorkbookUnreadable("the file has cells beyond the last row that a sheet can hold; export it again")
        if element.get(f"{_NS}Hidden") == "1":
            self.hidden_rows += range(number, min(following, LAST_ROW + 1))
        row_style, column = element.get(f"{_NS}StyleID"), 1
        for cell in element.iterchildren(f"{_NS}Cell"):
            column = _index(cell, column)
            if column > LAST_COLUMN:
                raise WorkbookUnreadable("the file has cells beyond the last column of a sheet; export it again")
            style = cell.get(f"{_NS}StyleID") or row_style or self.column_styles.get(column, "Default")
            self._take(cell, number, column, self.formats.get(style, GENERAL))
            wide, high = _count(cell, "MergeAcross"), _count(cell, "MergeDown")
            if wide or high:
                self.merged.append((number, column, number + high, column + wide))
            column += 1 + wide
        return following

    def _take(self, cell: Any, row: int, column: int, shown_as: str) -> None:
        data = cell.find(f"{_NS}Data")
        text = "".join(data.itertext()) if data is not None else ""
        if not text and cell.get(f"{_NS}Formula") and (data is None or data.get(f"{_NS}Type") != "String"):
            self.cells.take((row, column), CellKind.UNCALCULATED, cell.get(f"{_NS}Formula"))
        elif text:
            kind, written = _typed(data.get(f"{_NS}Type", "String"), text, shown_as)
            is_number = kind in (CellKind.NUMBER, CellKind.DATE)
            self.cells.take((row, column), kind, written, shown_as if is_number else GENERAL)


def _sheet(element: Any, formats: dict[str, str]) -> Sheet:
    page = _Page(formats)
    row = column = 1
    for table in element.iterchildren(f"{_NS}Table"):
        row, column = _count(table, "TopCell") or row, _count(table, "LeftCell") or column
        for part in table.iterchildren():
            if part.tag == f"{_NS}Column":
                column = page.take_column(part, column)
            elif part.tag == f"{_NS}Row":
                row = page.take_row(part, row)
    visible = element.findtext(f"{_EXCEL}WorksheetOptions/{_EXCEL}Visible", "")
    return Sheet(
        element.get(f"{_NS}Name", ""),
        page.cells.columns(),
        hidden=visible in ("SheetHidden", "SheetVeryHidden"),
        merged=page.merged,
        hidden_rows=page.hidden_rows,
        formats=page.cells.formats,
    )


def _typed(kind: str, text: str, shown_as: str) -> tuple[CellKind, str]:
    if kind == "Number":
        return (CellKind.DATE if number_formats.is_date(shown_as) else CellKind.NUMBER), text.strip()
    if kind == "DateTime":
        return _moment(text.strip())
    if kind == "Boolean":
        return CellKind.BOOL, "1" if text.strip() in ("1", "true") else "0"
    if kind == "Error":
        return CellKind.ERROR, text.strip()
    return CellKind.TEXT, text


def _moment(text: str) -> tuple[CellKind, str]:
    """A date; one of Excel's day nought is a time of day, or a length of time."""
    if text.startswith(_EPOCHS):
        try:
            time = dt.time.fromisoformat(text.partition("T")[2])
        except ValueError:
            return CellKind.ISO, text
        return CellKind.DURATION, str((time.hour + time.minute / 60 + time.second / 3600) / 24)
    return CellKind.ISO, text


def _index(element: Any, otherwise: int) -> int:
    given = element.get(f"{_NS}Index", "")
    return int(given) if given.isdigit() and given != "0" else otherwise


def _count(element: Any, name: str) -> int:
    given = element.get(f"{_NS}{name}", "")
    return min(int(given), LAST_ROW) if given.isdigit() else 0
