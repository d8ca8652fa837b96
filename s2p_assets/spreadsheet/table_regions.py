"""Several tables in one sheet, side by side or stacked: which are the contract's, and where each begins and ends.

The first header is found in `header`; what the rows of a table hold is read elsewhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pyarrow
import pyarrow.compute as pc

from s2p_assets.contracts.findings import Finding
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.spreadsheet.grid import LAST_COLUMN, LAST_ROW, CellKind, Sheet, cell_address
from s2p_assets.spreadsheet.header import Header, folded, is_required
from s2p_assets.spreadsheet.header_rows import rows_with_titles
from s2p_assets.spreadsheet.header_search import find_header, header_at

_TYPED = ("number", "money", "percent", "integer", "date", "timestamp")
_ROWS_UNDER_A_GAP = 4
_NAMED_TITLES, _SHORTEST_TITLE = 3, 3


@dataclass(frozen=True)
class TableRegion:
    """One table and the part of its sheet that is its own. `name`: the sheet's, with the header's cell for others."""

    sheet: Sheet
    header: Header
    name: str


@dataclass
class Regions:
    """The contract's tables in a sheet. `unread`: filled cells of other tables; `findings` name these."""

    tables: list[TableRegion]
    findings: list[Finding] = field(default_factory=list)
    unread: int = 0


def table_regions(sheet: Sheet, header: Header, workbook: Workbook, file: str = "") -> Regions:
    """The tables of `workbook` in `sheet`, of which `header` is the first header found.

    `file`: the file's name, from which a wide table may take the year of its periods.
    Several of one header are read when the contract says `tables="all"`; otherwise they are a finding, unless they
    stand below each other in the same columns, where the next is read on as more rows.
    """
    found = Regions([])
    beside = _side_by_side(sheet, header, workbook, file, found)
    for part, first in beside:
        _stacked(part, first, workbook, file, found)
    if len(beside) > 1 and workbook.tables != "all":
        places = " and ".join(cell_address(first.top, _left(first)) for _, first in beside)
        message = f"{len(beside)} tables with this header stand in the sheet, at {places}; give each a sheet of its own"
        found.findings.append(_several(sheet, beside[1][1], message))
    return found


def _several(sheet: Sheet, header: Header, message: str) -> Finding:
    where = cell_address(header.top, _left(header))
    return Finding(sheet.name, where, None, None, "several_tables", f'{message}, or the contract says tables="all"')


def _left(header: Header) -> int:
    return min(_columns_of(header))


def _columns_of(header: Header) -> list[int]:
    """The sheet columns that a table reads."""
    return [*header.column_numbers.values(), *(one.number for one in header.melted)]


def is_complete(header: Header | None, workbook: Workbook) -> bool:
    """Whether every required column was found."""
    return header is not None and bool(_columns_of(header)) and not any(map(is_required, header.missing))


def _side_by_side(
    sheet: Sheet, header: Header, workbook: Workbook, file: str, found: Regions
) -> list[tuple[Sheet, Header]]:
    """The parts of the sheet that hold a table each, from left to right."""
    if header.duplicates:
        return _blocks(sheet, header, workbook, file, found)
    if not is_complete(header, workbook):
        return [(sheet, header)]
    left, right = _left(header), max(_columns_of(header))
    outside = [number for number in sheet.columns if not left <= number <= right]
    needed = max(2, sum(map(is_required, workbook.columns)))
    found_beside = [(sheet, header)]
    for columns in ([n for n in outside if n < left], [n for n in outside if n > right]):
        other = _part(sheet, columns=columns) if len(columns) >= needed else None
        second = find_header(other, workbook, file) if other is not None else None
        if other is not None and second is not None and is_complete(second, workbook):
            first_number = min(second.titles)
            own = [n for n in columns if n >= first_number] if first_number > right else columns
            found_beside.append((_part(sheet, columns=own), second))
    if len(found_beside) == 1:
        return found_beside
    taken = {number for part, _ in found_beside[1:] for number in part.columns}
    rest = _part(sheet, columns=[number for number in sheet.columns if number not in taken])
    titles = {number: title for number, title in header.titles.items() if number not in taken}
    return [(rest, replace(header, titles=titles)), *found_beside[1:]]


def _blocks(sheet: Sheet, header: Header, workbook: Workbook, file: str, found: Regions) -> list[tuple[Sheet, Header]]:
    """The tables of one header row that names columns twice; the sheet as it is when they make no tables."""
    starts = _block_starts(header)
    if len(starts) < 2:
        return [(sheet, header)]
    parts = []
    for place, start in enumerate(starts):
        first = 1 if place == 0 else start
        last = starts[place + 1] - 1 if place + 1 < len(starts) else LAST_COLUMN
        part = _part(sheet, columns=[number for number in sheet.columns if first <= number <= last])
        parts.append((part, find_header(part, workbook, file)))
    complete = [(part, own) for part, own in parts if own is not None and is_complete(own, workbook)]
    others = [(part, own) for part, own in parts if not is_complete(own, workbook)]
    if not complete or not all(_may_be_table(part, header) for part, _ in others):
        return [(sheet, header)]
    for part, _ in others:
        titles = {number: text for number, text in header.titles.items() if number in part.columns}
        rows = sum(int((cells.rows > header.bottom).sum()) for cells in part.columns.values())
        found.unread += rows
        found.findings.append(_other_table(sheet, header.bottom, titles, rows, "beside it"))
    return complete


def _block_starts(header: Header) -> list[int]:
    """The sheet columns at which a table may begin: after an empty column, or where the titles begin again."""
    starts: list[int] = []
    seen: set[str] = set()
    previous = None
    for number in sorted(header.titles):
        title = folded(header.titles[number])
        if previous is None or number - previous > 1 or title in seen:
            starts.append(number)
            seen = set()
        seen.add(title)
        previous = number
    return starts


def _may_be_table(part: Sheet, header: Header) -> bool:
    """Whether a part has titles of its own, apart from what stands left of it; one column named twice is no table."""
    numbers = sorted(number for number in header.titles if number in part.columns)
    return len(numbers) > 1 and numbers[0] - 1 not in header.titles


def _stacked(sheet: Sheet, header: Header, workbook: Workbook, file: str, found: Regions) -> None:
    """Adds the tables that stand below each other in `sheet`, the first under `header`, to `found`."""
    top, current = 1, header
    within = set() if workbook.period else rows_with_titles(sheet, header, workbook)
    after_gaps = _rows_after_gaps(sheet, header, workbook) if is_complete(header, workbook) else []
    within = within - set(after_gaps) if is_complete(header, workbook) else set()
    for row in sorted({*after_gaps, *within}):
        if row <= current.bottom:
            continue
        other = _header_at(sheet, current, workbook, file, row)
        if row in within and (other is None or other.column_numbers == current.column_numbers):
            continue  # the same header again, read over where it stands
        if is_complete(other, workbook) and other is not None and len(_columns_of(other)) > 1:
            same = other.column_numbers == current.column_numbers and other.melted == current.melted
            if workbook.tables == "all":
                start = _title_above(sheet, row)
                _add(found, sheet, current, top, start - 1)
                top, current = start, other
            elif not same:
                where = cell_address(row, _left(other))
                what = "with other periods" if workbook.period else "its columns in another order"
                message = f"another table begins at {where}, {what}; give it a sheet of its own"
                found.findings.append(_several(sheet, other, message))
        elif row not in within and _is_foreign_header(sheet, header, workbook, row):
            _add(found, sheet, current, top, _title_above(sheet, row) - 1)
            below = {number: cells.where(cells.rows > row) for number, cells in sheet.columns.items()}
            rows = len(np.unique(np.concatenate([cells.rows for cells in below.values()])))
            found.unread += sum(int((cells.rows >= _title_above(sheet, row)).sum()) for cells in sheet.columns.values())
            found.findings.append(_other_table(sheet, row, sheet.row(row), rows, "below it"))
            return
    _add(found, sheet, current, top, LAST_ROW)


def _add(found: Regions, sheet: Sheet, header: Header, top: int, bottom: int) -> None:
    whole = top == 1 and bottom == LAST_ROW
    part = sheet if whole else _part(sheet, columns=list(sheet.columns), rows=(top, bottom))
    anchor = cell_address(header.top, _left(header)) if found.tables and header.column_numbers else ""
    found.tables.append(TableRegion(part, header, f"{sheet.name}!{anchor}" if anchor else sheet.name))


def _header_at(sheet: Sheet, current: Header, workbook: Workbook, file: str, row: int) -> Header | None:
    """The header of another table in a row; of a wide table, in this row and those next to it."""
    if not workbook.period:
        return header_at(sheet, workbook, row)
    own_rows = range(current.top, current.bottom + 1)
    for place in own_rows:
        if all(sheet.row(own - place + row) == sheet.row(own) for own in own_rows):
            return None  # the same header again, read over where it stands
    depth = current.bottom - current.top
    rows = (_title_above(sheet, max(row - depth, current.bottom + 1)), row + depth)
    return find_header(_part(sheet, columns=list(sheet.columns), rows=rows), workbook, file)


def _rows_after_gaps(sheet: Sheet, header: Header, workbook: Workbook) -> list[int]:
    """The rows that may be another header: below a blank row or a title under one, with texts in several columns."""
    if workbook.period:
        return _rows_with_names(sheet, header, workbook)
    held = np.zeros(max((int(cells.rows[-1]) for cells in sheet.columns.values() if len(cells)), default=0) + 2, bool)
    for cells in sheet.columns.values():
        held[cells.rows] = True
    starts: npt.NDArray[np.int64] = np.flatnonzero(held[1:] & ~held[:-1]) + 1
    starts = starts[starts > header.bottom + 1]
    if not len(starts):
        return []
    near = np.unique(np.concatenate([starts + step for step in range(_ROWS_UNDER_A_GAP)]))
    near = near[near < len(held)]
    near = near[held[near]]
    texts = np.zeros(len(held), np.int32)
    others = np.zeros(len(held), np.int32)
    for cells in sheet.columns.values():
        here = np.isin(cells.rows, near)
        if here.any():
            is_text = cells.kinds[here] == CellKind.TEXT
            if not sheet.typed:
                is_text = _without_digits(cells.texts.filter(pyarrow.array(here)))
            np.add.at(texts, cells.rows[here][is_text], 1)
            np.add.at(others, cells.rows[here][~is_text], 1)
    return [int(row) for row in near if texts[row] > 1 and not others[row]]


def _rows_with_names(sheet: Sheet, header: Header, workbook: Workbook) -> list[int]:
    """The rows of a wide table that name a column which stands beside its periods: they may be another header."""
    beside = header.titles.keys() & header.column_numbers.values()  # a column without a header has no title
    names = pyarrow.array(sorted({header.titles[number] for number in beside}), pyarrow.string())
    found: set[int] = set()
    for cells in sheet.columns.values():
        named = pc.is_in(cells.texts, names).to_numpy(zero_copy_only=False)
        found.update(int(row) for row in cells.rows[named & (cells.rows > header.bottom)])
    return sorted(found)


def _without_digits(texts: pyarrow.Array) -> npt.NDArray[np.bool_]:
    found: npt.NDArray[np.bool_] = pc.invert(pc.match_substring_regex(texts, "[0-9]")).to_numpy(zero_copy_only=False)
    return found


def _title_above(sheet: Sheet, row: int) -> int:
    """The first of the rows right over a header that hold one cell each, its title; the header's row without any."""
    while row > 1 and len(sheet.row(row - 1)) == 1:
        row -= 1
    return row


def _is_foreign_header(sheet: Sheet, header: Header, workbook: Workbook, row: int) -> bool:
    """Whether a row of words stands over numbers, where the contract's own columns hold numbers or dates."""
    texts = sheet.row(row)
    typed = {
        number for name, number in header.column_numbers.items()
        for column in workbook.columns if column.name == name and column.kind in _TYPED
    }  # fmt: skip
    no_value = {folded(text) for column in workbook.columns for text in column.na_values}
    words = {number for number, text in texts.items() if folded(text) and folded(text) not in no_value}
    own = {folded(text) for number, text in header.titles.items()}
    if not words & typed or len(words) < len(texts) or any(mark.isdigit() for text in texts.values() for mark in text):
        return False
    if all(folded(text) in own for text in texts.values()) or _names_a_total(workbook, texts):
        return False
    if any(len(folded(text)) < _SHORTEST_TITLE for text in texts.values()):
        return False
    under = [_has_digits(sheet.row(row + step), words & typed) for step in (1, 2)]
    return all(under) or (under[0] and _title_above(sheet, row) < row)


def _has_digits(cells: dict[int, str], numbers: set[int]) -> bool:
    return any(mark.isdigit() for number in numbers for mark in cells.get(number, ""))


def _names_a_total(workbook: Workbook, texts: dict[int, str]) -> bool:
    words = {folded(word) for word in workbook.totals}
    return any(folded(text) in words for text in texts.values())


def _other_table(sheet: Sheet, row: int, titles: dict[int, str], count: int, where: str) -> Finding:
    names = ", ".join(f"'{' '.join(text.split())}'" for text in list(titles.values())[:_NAMED_TITLES])
    more = " …" if len(titles) > _NAMED_TITLES else ""
    what = "filled cells" if where == "beside it" else "rows"
    message = f"another table stands {where} ({names}{more}); its {count:,} {what} were not read"
    place = cell_address(row, min(titles, default=1))
    return Finding(sheet.name, place, None, None, "another_table", message, "notice")


def _part(sheet: Sheet, columns: Sequence[int], rows: tuple[int, int] = (1, LAST_ROW)) -> Sheet:
    """A part of a sheet: some of its columns, and of these the rows from the first to the last given."""
    kept = {}
    for number in sorted(columns):
        cells = sheet.columns[number]
        cells = cells.where((cells.rows >= rows[0]) & (cells.rows <= rows[1]))
        if len(cells):
            kept[number] = cells
    return replace(sheet, columns=kept, _tops={})


def cells_below(sheet: Sheet, header: Header) -> int:
    """The filled cells under a header."""
    return sum(int((cells.rows > header.bottom).sum()) for cells in sheet.columns.values())
