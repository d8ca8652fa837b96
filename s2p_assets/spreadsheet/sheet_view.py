"""A sheet as a person sees it on a page: the rows that matter, their values as text, and whose columns are whose.

Runs in the sandbox's child; what is wrong with which cell is known from reading.
"""

import datetime as dt
import difflib
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from s2p_assets.contracts.columns import Column
from s2p_assets.contracts.findings import OWN_SHEETS
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.spreadsheet.book import read_sheets
from s2p_assets.spreadsheet.child_answers import SHAPES
from s2p_assets.spreadsheet.grid import CellKind, CellPosition, Sheet
from s2p_assets.spreadsheet.header import (
    Header,
    folded,
    folded_names,
    is_required,
    matches_sheet,
    nearest_header,
    wanted_headers,
)
from s2p_assets.spreadsheet.header_search import find_header
from s2p_assets.spreadsheet.limits import WorkbookUnreadable

MOST_COLUMNS = 40
ROWS_BESIDE = 2
FIRST_ROWS_SHOWN = 8
LONGEST_SHOWN = 200
SAMPLES = 3
_NUMBER = re.compile(r"[^\w]{0,3}\d[\d., ']*\s?(?:%|[^\W\d]{0,4}|[€$£])")
_DAY = re.compile(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}")
_EPOCH, _EPOCH_1904 = dt.datetime(1899, 12, 30), dt.datetime(1904, 1, 1)  # noqa: DTZ001  days of a sheet have no zone


@dataclass(frozen=True, slots=True)
class SpareHeader:
    """A column of the sheet that no column of the contract was found in. `samples`: its first values."""

    text: str
    number: int
    samples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LackingColumn:
    """A column of the contract that was not found.

    `likely`: the spare headers that may be it: those under which its kind of values stands, by how much they look like
    one of its names.
    """

    name: str
    title: str
    description: str
    required: bool
    likely: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SheetView:
    """One sheet. `rows`: (row number, column number → text). `header_row`: 0 where no table was found.

    `titles`: column number → header text; `read_as`: column number → column of the contract.
    `bad_rows`: how many rows of this sheet findings are about, of which some may not be shown here.
    """

    name: str
    rows: tuple[tuple[int, dict[int, str]], ...]
    columns: tuple[int, ...]
    header_row: int
    titles: dict[int, str]
    read_as: dict[int, str]
    lacking: tuple[LackingColumn, ...]
    spare: tuple[SpareHeader, ...]
    bad_rows: int


@dataclass(frozen=True, slots=True)
class ViewRequest:
    """What of a file is to be seen. `cells`: sheet → the cells with findings; `first`, `count`: which of their rows.

    `nearest`: the contracts of which the nearest is taken where `workbook` is None.
    """

    display_name: str
    workbook: Workbook | None
    cells: Mapping[str, Sequence[CellPosition]]
    first: int = 0
    count: int = 60
    nearest: Sequence[Workbook] = field(default=())


SHAPES[SpareHeader] = {"text": (str,), "number": (int,), "samples": (tuple,)}
SHAPES[LackingColumn] = dict.fromkeys(("name", "title", "description"), (str,)) | {
    "required": (bool,),
    "likely": (tuple,),
}
SHAPES[SheetView] = {
    "name": (str,),
    "rows": (tuple,),
    "columns": (tuple,),
    "header_row": (int,),
    "titles": (dict,),
    "read_as": (dict,),
    "lacking": (tuple,),
    "spare": (tuple,),
    "bad_rows": (int,),
}


def view_sheets(asked: ViewRequest, at: Path) -> tuple[str | None, list[SheetView]]:
    """The contract that the sheets are seen by, and those with findings or else the first with a table.

    `at`: where the file lies for who reads it. Nothing of a file that cannot be read.
    """
    contracts = [asked.workbook] if asked.workbook else list(asked.nearest)
    name: str | None = asked.workbook.full_name if asked.workbook else None
    encoding = asked.workbook.encoding if asked.workbook else None
    try:
        whole = read_sheets(at, asked.display_name, wanted_headers(contracts), encoding)
    except (WorkbookUnreadable, OSError):
        return name, []
    sheets = [sheet for sheet in whole if sheet.name not in OWN_SHEETS and len(sheet)]
    contract = asked.workbook or _nearest(sheets, asked)
    seen = [(sheet, _header(sheet, contract, asked.display_name)) for sheet in sheets]
    with_table = [sheet.name for sheet, header in seen if header]
    wanted = {*asked.cells, *with_table[:1]} or {sheet.name for sheet in sheets[:1]}
    views = [_view(sheet, header, contract, asked) for sheet, header in seen if sheet.name in wanted]
    return contract.full_name if contract else None, views


def _nearest(sheets: Sequence[Sheet], asked: ViewRequest) -> Workbook | None:
    """The contract of which most required columns are found, if any is."""
    scored = [
        (header.score(workbook), -place, workbook)
        for place, workbook in enumerate(asked.nearest)
        for sheet in sheets
        if (header := _header(sheet, workbook, asked.display_name)) is not None
    ]
    return max(scored, key=lambda found: found[:2])[2] if scored else None


def _header(sheet: Sheet, workbook: Workbook | None, file: str) -> Header | None:
    if workbook is None or not matches_sheet(workbook, sheet.name):
        return None
    return find_header(sheet, workbook, file)


def _view(sheet: Sheet, header: Header | None, workbook: Workbook | None, asked: ViewRequest) -> SheetView:
    bad = sorted({row for row, _ in asked.cells.get(sheet.name, ()) if header is None or row > header.bottom})
    shown = _rows_shown(sheet, header, bad[asked.first : asked.first + asked.count])
    bad_columns = {column for _, column in asked.cells.get(sheet.name, ())}
    read_as = {number: name for name, number in header.column_numbers.items()} if header else {}
    read_as |= {one.number: one.name for one in header.melted} if header else {}
    columns = _columns_shown(sheet, {*bad_columns, *read_as})
    spare = _spare(sheet, header, read_as) if header else ()
    return SheetView(
        name=sheet.name,
        rows=tuple((row, _texts(sheet, row, columns)) for row in shown),
        columns=columns,
        header_row=header.bottom if header else 0,
        titles={number: " ".join(text.split()) for number, text in header.titles.items()} if header else {},
        read_as=read_as,
        lacking=_lacking(header, workbook, spare) if header and workbook else (),
        spare=spare,
        bad_rows=len(bad),
    )


def _rows_shown(sheet: Sheet, header: Header | None, bad: Sequence[int]) -> list[int]:
    """The rows with findings, those beside them, and the first ones of the table."""
    after = header.bottom if header else 0
    first = [row for row in sheet.first_rows(after + FIRST_ROWS_SHOWN) if row > after][: 3 if bad else FIRST_ROWS_SHOWN]
    beside = {row + by for row in bad for by in range(-ROWS_BESIDE, ROWS_BESIDE + 1)} if len(bad) < 20 else set(bad)
    there = {row for row in beside if row > after and (row in bad or sheet.row(row))}
    return sorted({*first, *there})


def _columns_shown(sheet: Sheet, wanted: set[int]) -> tuple[int, ...]:
    """At most MOST_COLUMNS: those that are read or have findings first, then the others from the left."""
    others = [number for number in sorted(sheet.columns) if number not in wanted]
    return tuple(sorted([*sorted(wanted), *others][:MOST_COLUMNS]))


def _texts(sheet: Sheet, row: int, columns: Sequence[int]) -> dict[int, str]:
    found = {}
    for column in columns:
        cells = sheet.columns.get(column)
        place = cells.at(row) if cells is not None else None
        if cells is not None and place is not None:
            kind, text = CellKind(int(cells.kinds[place])), str(cells.texts[place].as_py())
            found[column] = shown_cell(kind, text, starts_1904=sheet.starts_1904)[:LONGEST_SHOWN]
    return found


def shown_cell(kind: CellKind, text: str, *, starts_1904: bool = False) -> str:
    """A cell as Excel shows it, but for its number format: a date as `2026-11-29`, a number with its digits."""
    if kind == CellKind.DATE:
        with suppress(ValueError, OverflowError):
            moment = (_EPOCH_1904 if starts_1904 else _EPOCH) + dt.timedelta(days=float(text))
            whole = moment.replace(microsecond=0)
            return whole.date().isoformat() if whole.time() == dt.time() else whole.isoformat(" ", "minutes")
    if kind == CellKind.NUMBER:
        with suppress(ValueError, OverflowError):
            return f"{float(text):.15g}" if "e" not in f"{float(text):.15g}" else text
    if kind == CellKind.BOOL:
        return "TRUE" if text in ("1", "true", "TRUE") else "FALSE"
    return text


def _lacking(header: Header, workbook: Workbook, spare: Sequence[SpareHeader]) -> tuple[LackingColumn, ...]:
    return tuple(
        LackingColumn(
            column.name,
            " ".join(column.headers[0].split()),
            column.description,
            is_required(column),
            _likely(column, spare),
        )
        for column in header.missing
        if not column.from_header and not column.melted and not (column.left_of or column.right_of)
    )


def _likely(column: Column, spare: Sequence[SpareHeader]) -> tuple[str, ...]:
    nearest = nearest_header(column, [one.text for one in spare])
    names = folded_names(column)

    def looks_like(text: str) -> float:
        words = [folded(word) for word in text.split()]
        short = any(_is_short_for(word, name) for word in words for name in names)
        alike = max(difflib.SequenceMatcher(None, folded(text), name).ratio() for name in names)
        return alike + 2 * (text == nearest) + short

    fitting = [one.text for one in spare if _may_hold(column, one.samples)]
    return tuple(sorted(fitting, key=lambda text: -looks_like(text)))


def _is_short_for(word: str, name: str) -> bool:
    """`qty` for `quantity`: its letters in their order, the first one first."""
    left = iter(name)
    return len(word) >= 2 and word[:1] == name[:1] and all(letter in left for letter in word)


def _may_hold(column: Column, samples: Sequence[str]) -> bool:
    """Whether values such as these may be the column's: numbers for one of numbers, days for one of days."""
    numbers, days = (
        [bool(_NUMBER.fullmatch(one.strip())) for one in samples],
        [bool(_DAY.search(one)) for one in samples],
    )
    if column.kind in ("date", "timestamp"):
        return all(days)
    if column.kind in ("integer", "number", "money", "percent"):
        return any(numbers) and not any(days)
    return not any(days)


def _spare(sheet: Sheet, header: Header, read_as: Mapping[int, str]) -> tuple[SpareHeader, ...]:
    found = []
    for number, text in header.titles.items():
        if number in read_as or not text.strip():
            continue
        cells = sheet.columns.get(number)
        rows = [int(row) for row in cells.rows if row > header.bottom][:SAMPLES] if cells is not None else []
        samples = tuple(one for row in rows for one in _texts(sheet, row, [number]).values())
        found.append(SpareHeader(" ".join(text.split()), number, samples))
    return tuple(found)
