"""A few rows and columns of a sheet around some of its cells, as people see them: what a page shows of a file.

What the cells mean to a contract is decided elsewhere; nothing here judges.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from s2p_assets.spreadsheet.book import read_sheets
from s2p_assets.spreadsheet.child_answers import SHAPES
from s2p_assets.spreadsheet.grid import CellKind, CellPosition, Sheet, cell_address, column_letters, parse_cell_address
from s2p_assets.spreadsheet.limits import WorkbookUnreadable
from s2p_assets.spreadsheet.sheet_view import shown_cell

ROWS_BESIDE, COLUMNS_BESIDE, MOST_COLUMNS = 4, 6, 14
LONGEST_TEXT = 120


@dataclass(frozen=True)
class WindowCell:
    """A cell as it is shown. `kind`: `number` or `text`; `marked`: it is one of those asked for."""

    address: str
    text: str
    kind: str = "text"
    marked: bool = False


@dataclass(frozen=True)
class SheetWindow:
    """Rows of a sheet by number, the header first, with a gap where rows are left out; `letters` name the columns.

    `problem`: why nothing can be shown, in one line; then there are no rows.
    """

    sheet: str
    letters: tuple[str, ...] = ()
    rows: tuple[tuple[int, tuple[WindowCell, ...]], ...] = ()
    problem: str = ""


SHAPES[WindowCell] = {"address": (str,), "text": (str,), "kind": (str,), "marked": (bool,)}
SHAPES[SheetWindow] = {"sheet": (str,), "letters": (tuple,), "rows": (tuple,), "problem": (str,)}


def read_window(
    path: Path, display_name: str, sheet: str, cells: Sequence[str], row: int, encoding: str | None = None
) -> SheetWindow:
    """The window around `cells`, or around `row` where there are none. Never raises for what the file holds."""
    try:
        sheets = read_sheets(path, display_name, (), encoding)
    except (WorkbookUnreadable, OSError) as error:
        return SheetWindow(sheet, problem=str(error))
    found = next((one for one in sheets if one.name == sheet), None)
    if found is None and len(sheets) == 1 and not sheets[0].typed:
        found = sheets[0]  # a text file's only sheet, whose file was called otherwise
    if found is None:
        return SheetWindow(sheet, problem=f"the file has no sheet {sheet!r}")
    places = [place for cell in cells if (place := parse_cell_address(cell))]
    return _window(found, places, row)


def _window(sheet: Sheet, places: Sequence[CellPosition], row: int) -> SheetWindow:
    middle = min((at for at, _ in places), default=row or 1)
    last = min(max((at for at, _ in places), default=row), middle + ROWS_BESIDE)
    rows = list(range(max(1, middle - ROWS_BESIDE), max(last, middle) + ROWS_BESIDE + 1))
    tops = [number for number in sheet.first_rows(2) if number < rows[0]]
    columns = _columns(sheet, [at for _, at in places])
    if not columns:
        return SheetWindow(sheet.name, problem="the sheet is empty")
    marked = set(places)
    shown = [(number, _row(sheet, number, columns, marked)) for number in (*tops, *rows)]
    while shown and shown[-1][0] > max(last, middle) and not any(cell.text for cell in shown[-1][1]):
        shown.pop()
    return SheetWindow(sheet.name, tuple(column_letters(one) for one in columns), tuple(shown))


def _columns(sheet: Sheet, wanted: Sequence[int]) -> list[int]:
    """The columns around those that are wanted; of a sheet that is not wide, all that hold anything."""
    used = sorted({*sheet.columns, *wanted})
    if not used or used[-1] - used[0] < MOST_COLUMNS:
        return list(range(used[0], used[-1] + 1)) if used else []
    first = max(used[0], min(wanted, default=used[0]) - COLUMNS_BESIDE)
    near = [one for one in range(first, first + MOST_COLUMNS) if one <= used[-1]]
    far = [one for one in wanted if one not in near][:MOST_COLUMNS]
    key = [used[0]] if used[0] not in near else []  # what names a row stands at its left
    return [*key, *near, *far]


def _row(sheet: Sheet, number: int, columns: Sequence[int], marked: set[CellPosition]) -> tuple[WindowCell, ...]:
    texts = sheet.row(number)
    return tuple(
        WindowCell(
            cell_address(number, at), *_shown(sheet, number, at, texts.get(at, "")), marked=(number, at) in marked
        )
        for at in columns
    )


def _shown(sheet: Sheet, row: int, column: int, text: str) -> tuple[str, str]:
    """(text, kind) of a cell."""
    kind = sheet.kind(row, column)
    if kind is None:
        return "", "text"
    if kind is CellKind.UNCALCULATED:
        return "(a formula without a value)", "text"
    seen = shown_cell(kind, text, starts_1904=sheet.starts_1904)
    short = seen if len(seen) <= LONGEST_TEXT else f"{seen[: LONGEST_TEXT - 1]}…"
    return short, "number" if kind is CellKind.NUMBER else "text"
