"""Values that may be old: taken from another workbook when the file was saved, or calculated only on demand.

What a formula's own text says is known in `formulas`; nothing is calculated here.
"""

import html
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from s2p_assets.contracts.findings import Finding
from s2p_assets.spreadsheet.formulas import other_workbook
from s2p_assets.spreadsheet.grid import CellKind, Cells, Ints, Sheet, cell_address, column_number
from s2p_assets.spreadsheet.header import Header

_REFERENCE = re.compile(
    r"(?<![\w.!$'])(?:(?:\$?'((?:[^']|'')+)'|\$?([^\W\d]\w*))[!.])?"
    r"\$?([A-Z]{1,3})\$?([0-9]{1,7})(?::\$?([A-Z]{1,3})\$?([0-9]{1,7}))?(?![\w(])"
)
_SHARED = re.compile(r'\bsi="([0-9]+)"')
_TEXT = re.compile(r"<f\b[^>]*>(.*)</f>", re.DOTALL)
_BOOK = re.compile(r"\[([^\[\]]+)\]|(?:file|https?):///?[^']*?([^/']+)'", re.IGNORECASE)
_TABLE_COLUMN = re.compile(r"\[@?([^\[\]@#]+)\]")
_MOST_ROUNDS, _MOST_FORMULAS = 8, 200_000


def stale_values(sheet: Sheet, header: Header, cells: Mapping[str, Cells]) -> Iterator[Finding]:
    """Notices about a table's values that come from another workbook or are calculated by hand, at the first of each.

    `cells`: contract column → its cells in the table's rows.
    """
    marks = sheet.marks
    if not marks.formulas:
        return
    columns = {header.column_numbers[name]: held.rows for name, held in cells.items()}
    if outside := _places(columns, marks.outside):
        row, column = outside[0]
        formula = _formula(sheet, row, column)
        book = _book_of(formula, marks.other_books)
        named = f" '{book}'" if book else ""
        more = f"; {len(outside):,} such cells" if len(outside) > 1 else ""
        message = f"the value comes from another workbook{named} and is as old as this file's last update{more}"
        where = cell_address(row, column)
        yield Finding(sheet.name, where, None, formula or None, "other_workbook", message, "notice")
    if marks.calculated_by_hand:
        calculated = _places(columns, {number: held.rows for number, held in marks.formulas.items()})
        if calculated:
            row, column = calculated[0]
            more = f"; {len(calculated):,} such cells" if len(calculated) > 1 else ""
            message = (
                "the workbook calculates only when it is told to, so that the formula's value may be old"
                f"{more}; press F9 in Excel and save it"
            )
            formula = _formula(sheet, row, column)
            yield Finding(
                sheet.name, cell_address(row, column), None, formula or None, "manual_calculation", message, "notice"
            )


def _places(columns: Mapping[int, Ints], wanted: Mapping[int, Ints]) -> list[tuple[int, int]]:
    """Row and column of the table's cells that are among `wanted`, from above."""
    found = [
        (row, number)
        for number, rows in columns.items()
        if number in wanted
        for row in np.intersect1d(rows, wanted[number]).tolist()
    ]
    return sorted(found)


def _formula(sheet: Sheet, row: int, column: int) -> str:
    held = sheet.marks.formulas.get(column)
    place = held.at(row) if held is not None else None
    text = _bare(str(held.texts[place].as_py())) if held is not None and place is not None else ""
    return f"={text.removeprefix('of:').removeprefix('=')}" if text else ""


def _bare(written: str) -> str:
    """A formula as a person writes it: `<f>A1&amp;B1</f>` → `A1&B1`; empty where it shares that of another cell."""
    if not written.startswith("<"):
        return written
    found = _TEXT.search(written)
    return html.unescape(found[1]) if found else ""


def _book_of(formula: str, books: Mapping[str, str]) -> str:
    """The other workbook that a formula names, by its file's name; of the only one where it names none itself."""
    found = _BOOK.search(formula)
    name = (found[1] or found[2]) if found else ""
    if name in books or not name:
        name = books.get(name) or (next(iter(books.values())) if len(books) == 1 else "")
    return name


def find_outside_values(sheets: Sequence[Sheet]) -> None:
    """Notes in each sheet's marks which cells depend on another workbook, themselves or through other cells."""
    if not any(sheet.marks.looks_outside for sheet in sheets):
        return
    looking = [sheet for sheet in sheets if sheet.marks.formulas]
    new = [_note(sheet, lambda sheet, text: _names_another(text, sheet.marks.outside_names)) for sheet in looking]
    if sum(len(held) for sheet in looking for held in sheet.marks.formulas.values()) > _MOST_FORMULAS:
        return
    by_name = {sheet.name.casefold(): sheet for sheet in sheets}
    for _ in range(_MOST_ROUNDS):
        if not any(new):
            return
        titles = {sheet.name: _titles(sheet) for sheet in looking}
        new = [_note(sheet, lambda sheet, text: _depends(sheet, text, by_name, titles)) for sheet in looking]  # noqa: B023


def _note(sheet: Sheet, is_outside: Callable[[Sheet, str], bool]) -> bool:
    """Adds the cells to `outside` whose formula `is_outside`, those that share it among them; whether any was new."""
    shared = {
        group
        for held in sheet.marks.formulas.values()
        for written in held.texts.to_pylist()
        if (group := _shared_by(written)) and is_outside(sheet, _bare(written))
    }
    any_new = False
    for number, held in sheet.marks.formulas.items():
        known = sheet.marks.outside.get(number, _NO_ROWS)
        written = held.texts.to_pylist()
        open_places = np.flatnonzero(~np.isin(held.rows, known))
        rows = [
            int(held.rows[place])
            for place in open_places.tolist()
            if _shared_by(written[place]) in shared or is_outside(sheet, _bare(written[place]))
        ]
        if rows:
            sheet.marks.outside[number] = np.union1d(known, np.array(rows, np.int32)).astype(np.int32)
            any_new = True
    return any_new


_NO_ROWS = np.zeros(0, np.int32)


def _shared_by(written: str) -> str:
    """The number of the group of cells that share a formula; empty for one that has its own."""
    found = _SHARED.search(written.partition(">")[0]) if written.startswith("<") else None
    return found[1] if found else ""


def _names_another(formula: str, names: Sequence[str]) -> bool:
    return other_workbook(formula) or any(re.search(rf"(?<!\w){re.escape(name)}(?![\w(])", formula) for name in names)


def _depends(sheet: Sheet, formula: str, by_name: Mapping[str, Sheet], titles: Mapping[str, frozenset[str]]) -> bool:
    """Whether a formula refers to a cell that is noted as outside, by its address or its table's column."""
    for quoted, plain, left, top, right, bottom in _REFERENCE.findall(formula.replace("[.", "").replace("]", "")):
        name = (quoted.replace("''", "'") or plain).strip("$").casefold()
        other = by_name.get(name) if name else sheet
        if other is None or not other.marks.outside:
            continue
        first, last = column_number(left), column_number(right or left)
        for number, rows in other.marks.outside.items():
            if first <= number <= last and ((rows >= int(top)) & (rows <= int(bottom or top))).any():
                return True
    every = frozenset().union(*titles.values())
    return bool(every) and any(name.strip().casefold() in every for name in _TABLE_COLUMN.findall(formula))


def _titles(sheet: Sheet) -> frozenset[str]:
    """What stands over the columns that hold outside values."""
    found = set()
    for number, rows in sheet.marks.outside.items():
        above = sheet.columns.get(number)
        place = int(np.searchsorted(above.rows, rows[0])) - 1 if above is not None else -1
        if above is not None and place >= 0 and above.kinds[place] == CellKind.TEXT:
            found.add(str(above.texts[place].as_py()).strip().casefold())
    return frozenset(found)
