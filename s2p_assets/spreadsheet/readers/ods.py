"""Reading `.ods`: the cells of OpenDocument tables with their stored types, error cells among them.

General readers give an error cell as the number 0; so this one is our own. Source: OpenDocument 1.3, part 3.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pyarrow

from s2p_assets.spreadsheet.formulas import other_workbook, summed_up, volatile_function
from s2p_assets.spreadsheet.grid import LAST_COLUMN, LAST_ROW, CellKind, Cells, Marks, Sheet, SheetWriter
from s2p_assets.spreadsheet.limits import MAX_CELLS, WorkbookUnreadable, inflate, open_zip

_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_FO = "{urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0}"
_STYLE = "{urn:oasis:names:tc:opendocument:xmlns:style:1.0}"
_ERROR = re.compile(r"#(?:N/A|REF!|VALUE!|DIV/0!|NAME\?|NULL!|NUM!)|Err:\d{3}")
_DTD = re.compile(rb"(?:\xef\xbb\xbf)?(?>\s+|<\?.*?\?>|<!--.*?-->)*+<!(?:DOCTYPE|ENTITY)", re.DOTALL)
_DURATION = re.compile(r"(-?)P(?:(\d+)D)?T?(?:(\d+)H)?(?:(\d+)M)?(?:([\d.,]+)S)?")
_MARK = re.compile(
    r"[-(\s]*([^\W\d_]{3}|[^\w\s.,'\"()+-])\s*[-\d]|[-(]?\d[\d.,'\s]*([^\W\d_]{3}|[^\w\s.,'\"()+-])[\s)]*$"
)
_TRUTHS = {"of:=TRUE()": "1", "of:=FALSE()": "0"}


class OdsBook:
    """An open `.ods`: its sheets by name, in one pass over the document."""

    def __init__(self, path: Path) -> None:
        """Raises WorkbookUnreadable when the document is missing or damaged."""
        with open_zip(path) as archive:
            member = next((name for name in archive.namelist() if name.lower() == "content.xml"), None)
            if member is None:
                raise WorkbookUnreadable("the file has no content; open it in LibreOffice and save it again")
            self._content = b"".join(inflate(archive, member))
        if _DTD.match(self._content):
            raise WorkbookUnreadable("the file declares XML entities, as no workbook does; it was not read")

    def close(self) -> None:
        """Nothing is held open."""

    def sheets(self) -> Iterator[Sheet]:
        """Every sheet, in the workbook's order. Raises WorkbookUnreadable."""
        looks: dict[str, _Look] = {}
        page: _Page | None = None
        depth = level = 0
        try:
            for event, element in ElementTree.iterparse(BytesIO(self._content), ("start", "end")):  # noqa: S314  `_DTD` is refused above
                if element.tag == f"{_TABLE}table-row-group":
                    level += 1 if event == "start" else -1
                elif event == "start":
                    if element.tag == f"{_TABLE}table":
                        depth += 1
                        page = _Page(element, looks) if depth == 1 else page
                elif element.tag == f"{_STYLE}style":
                    looks[element.get(f"{_STYLE}name", "")] = _look(element)
                elif element.tag == f"{_TABLE}table-row" and depth == 1 and page is not None:
                    page.take_row(element, level)
                    element.clear()
                elif element.tag == f"{_TABLE}table":
                    depth -= 1
                    if depth == 0 and page is not None:
                        yield page.sheet()
                        element.clear()
        except ElementTree.ParseError as error:
            raise WorkbookUnreadable("the document is damaged; open it in LibreOffice and save it again") from error


@dataclass(frozen=True)
class _Look:
    """Of a style, whether its cells are struck through, their fill as `RRGGBB`, and whether its sheet is hidden."""

    struck: bool = False
    fill: str = ""
    hidden: bool = False


_PLAIN = _Look()


def _look(style: ElementTree.Element) -> _Look:
    text, cell = style.find(f"{_STYLE}text-properties"), style.find(f"{_STYLE}table-cell-properties")
    line = text.get(f"{_STYLE}text-line-through-style", "none") if text is not None else "none"
    fill = cell.get(f"{_FO}background-color", "").lstrip("#").upper() if cell is not None else ""
    table = style.find(f"{_STYLE}table-properties")
    is_hidden = table is not None and table.get(f"{_TABLE}display") == "false"
    is_colour = re.fullmatch("[0-9A-F]{6}", fill) and fill != "FFFFFF"
    return _Look(line != "none", fill if is_colour else "", is_hidden)


@dataclass
class _Held:
    """Cells in the lists that `Cells` is made of."""

    rows: list[int] = field(default_factory=list)
    columns: list[int] = field(default_factory=list)
    kinds: list[CellKind] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    formats: list[int] = field(default_factory=list)


class _Page:
    """One sheet as its rows come by."""

    def __init__(self, element: ElementTree.Element, looks: dict[str, _Look]) -> None:
        self._name = element.get(f"{_TABLE}name", "")
        self._hidden = looks.get(element.get(f"{_TABLE}style-name", ""), _PLAIN).hidden
        self._writer = SheetWriter()
        self._held = _Held()
        self._row = 1
        self._count = 0
        self._merged: list[tuple[int, int, int, int]] = []
        self._hidden_rows: list[int] = []
        self._formats: dict[tuple[str, _Look], int] = {("General", _PLAIN): 0}
        self._looks = looks
        self._marks = Marks()
        self._formulas: dict[int, dict[int, str]] = {}

    def take_row(self, element: ElementTree.Element, level: int = 0) -> None:
        """Reads one row element, as often as it is repeated; `level` is that of the outline."""
        repeated = _number(element, "number-rows-repeated")
        cells: list[tuple[int, CellKind, str, int]] = []
        column = 1
        for cell in element:
            if cell.tag not in (f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell"):
                continue
            times = _number(cell, "number-columns-repeated")
            kind, text, shown_as = _read(cell)
            if text.strip():
                self._check(len(cells) + times)
                look = self._looks.get(cell.get(f"{_TABLE}style-name", ""), _PLAIN)
                number = self._formats.setdefault((shown_as, look), len(self._formats))
                self._note(cell, column)
                last = min(column + times, LAST_COLUMN + 1)
                cells += [(place, kind, text, number) for place in range(column, last)]
            self._merge(cell, column)
            column += times
        if cells:
            self._check(len(cells) * min(repeated, LAST_ROW))
            rows = range(self._row, min(self._row + repeated, LAST_ROW + 1))
            for row in rows:
                self._take(row, cells)
            if level:
                self._marks.levels.update(dict.fromkeys(rows, level))
            if element.get(f"{_TABLE}visibility", "visible") != "visible":
                self._hidden_rows += rows
        self._row += repeated

    def _note(self, cell: ElementTree.Element, column: int) -> None:
        """Notes what a cell's formula says of it, and what people noted at it."""
        if formula := cell.get(f"{_TABLE}formula", ""):
            if function := summed_up(formula, column):
                self._marks.summed_up.setdefault(self._row, {})[column] = function
            if function := volatile_function(formula):
                self._marks.volatile.setdefault(column, {}).setdefault(function, []).append(self._row)
            self._formulas.setdefault(column, {})[self._row] = formula
            self._marks.looks_outside |= other_workbook(formula)
        comment = cell.find(f"{_OFFICE}annotation")
        if comment is not None:
            said = " ".join(" ".join(_paragraph(part) for part in comment if part.tag == f"{_TEXT}p").split())
            if said:
                self._marks.comments[self._row, column] = said

    def _check(self, more: int) -> None:
        if self._count + more > MAX_CELLS:
            raise WorkbookUnreadable(f"the file has more than {MAX_CELLS:,} cells; split it into smaller workbooks")

    def _merge(self, cell: ElementTree.Element, column: int) -> None:
        wide, high = _number(cell, "number-columns-spanned"), _number(cell, "number-rows-spanned")
        if wide > 1 or high > 1:
            self._merged.append((self._row, column, self._row + high - 1, column + wide - 1))

    def _take(self, row: int, cells: list[tuple[int, CellKind, str, int]]) -> None:
        self._count += len(cells)
        for column, kind, text, shown_as in cells:
            self._held.rows.append(row)
            self._held.columns.append(column)
            self._held.kinds.append(kind)
            self._held.texts.append(text)
            self._held.formats.append(shown_as)
        if len(self._held.rows) > 100_000:
            self._flush()

    def _flush(self) -> None:
        held, self._held = self._held, _Held()
        texts = pyarrow.array(held.texts, pyarrow.string())
        formats = np.array(held.formats, np.int16)
        cells = Cells(np.array(held.rows, np.int32), np.array(held.kinds, np.int8), texts, formats)
        self._writer.add(np.array(held.columns, np.int32), cells)

    def sheet(self) -> Sheet:
        """The sheet, complete."""
        self._flush()
        columns, formats = self._writer.columns(), [code for code, _ in self._formats]
        marks = self._marks
        marks.struck = frozenset(number for (_, look), number in self._formats.items() if look.struck)
        marks.fills = {number: look.fill for (_, look), number in self._formats.items() if look.fill}
        marks.formulas = {number: _as_cells(formulas) for number, formulas in self._formulas.items()}
        return Sheet(
            self._name,
            columns,
            hidden=self._hidden,
            merged=self._merged,
            hidden_rows=self._hidden_rows,
            formats=formats,
            marks=marks,
        )


def _as_cells(formulas: dict[int, str]) -> Cells:
    rows = np.array(list(formulas), np.int32)
    return Cells(rows, np.full(len(rows), CellKind.TEXT, np.int8), pyarrow.array(list(formulas.values())))


def _number(element: ElementTree.Element, name: str) -> int:
    given = element.get(f"{_TABLE}{name}", "1")
    return max(1, int(given)) if given.isdigit() else 1


def _read(cell: ElementTree.Element) -> tuple[CellKind, str, str]:
    """A cell's type, its text (empty for an empty cell) and, in Excel's words, how its number is shown."""
    kind = cell.get(f"{_OFFICE}value-type", "")
    shown = "\n".join(_paragraph(part) for part in cell if part.tag == f"{_TEXT}p")
    if _ERROR.fullmatch(shown.strip()) and (kind != "string" or cell.get(f"{_TABLE}formula")):
        return CellKind.ERROR, shown.strip(), "General"
    if not kind and not shown and cell.get(f"{_TABLE}formula"):
        return CellKind.UNCALCULATED, cell.get(f"{_TABLE}formula", ""), "General"
    if cell.get(f"{_TABLE}formula") in _TRUTHS:
        return CellKind.BOOL, _TRUTHS[cell.get(f"{_TABLE}formula", "")], "General"
    if kind in ("float", "percentage", "currency"):
        return CellKind.NUMBER, cell.get(f"{_OFFICE}value", ""), _shown_as(cell, kind, shown.strip())
    if kind == "date":
        return CellKind.ISO, cell.get(f"{_OFFICE}date-value", ""), "General"
    if kind == "time":
        return CellKind.DURATION, _days(cell.get(f"{_OFFICE}time-value", "")), "General"
    if kind == "boolean":
        return CellKind.BOOL, "1" if cell.get(f"{_OFFICE}boolean-value") == "true" else "0", "General"
    return CellKind.TEXT, cell.get(f"{_OFFICE}string-value") or shown, "General"


def _shown_as(cell: ElementTree.Element, kind: str, shown: str) -> str:
    """The number format, as far as it changes what the number means: its currency, per cent, leading zeros."""
    currency = cell.get(f"{_OFFICE}currency", "")
    if kind == "currency" and currency:
        return f"[${currency}]"
    if kind == "percentage":
        return "0%"
    if re.fullmatch("0[0-9]{1,29}", shown):
        return "0" * len(shown)
    if re.fullmatch(r"-?[0-9](?:[.,][0-9]+)?E[+-]?[0-9]{1,3}", shown):
        return "0.00E+00"
    mark = _MARK.match(shown)
    return f'"{mark[1] or mark[2]}"' if mark else "General"


def _paragraph(part: ElementTree.Element) -> str:
    texts = [part.text or ""]
    for child in part:
        if child.tag == f"{_TEXT}s":
            count = child.get(f"{_TEXT}c", "1")
            texts.append(" " * min(int(count) if count.isdigit() else 1, 32_767))
        elif child.tag in (f"{_TEXT}line-break", f"{_TEXT}tab"):
            texts.append("\n" if child.tag.endswith("break") else "\t")
        elif child.tag != f"{_OFFICE}annotation":
            texts.append(_paragraph(child))
        texts.append(child.tail or "")
    return "".join(texts)


def _days(duration: str) -> str:
    """`PT36H00M00S` → `1.5`."""
    found = _DURATION.fullmatch(duration)
    if found is None:
        return duration
    days, hours, minutes, seconds = (float((part or "0").replace(",", ".")) for part in found.groups()[1:])
    return f"{found.group(1)}{days + hours / 24 + minutes / 1440 + seconds / 86_400}"
