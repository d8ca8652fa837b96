"""Which rows under a header are rows of the table: not blank ones, totals, repeated headers, units or notes.

What stands in the rows is read elsewhere.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow
import pyarrow.compute as pc

from s2p_assets.contracts.findings import Finding
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.spreadsheet.grid import CellKind, Cells, Ints, Sheet, cell_address, column_letters
from s2p_assets.spreadsheet.grouped_labels import filled_down, heading_rows, labels_not_filled_down, repeating_marks
from s2p_assets.spreadsheet.header import Header, folded, is_required, nearest_header
from s2p_assets.spreadsheet.row_marks import MarkedRow, marked_rows, said_of, where
from s2p_assets.spreadsheet.stale_values import stale_values
from s2p_assets.spreadsheet.text_bytes import first_bytes, may_be_blank
from s2p_assets.spreadsheet.total_rows import summing_rows
from s2p_assets.spreadsheet.truncation import cut_off
from s2p_assets.spreadsheet.unit_words import stated_unit

_UNITS = frozenset({"date", "text", "number", "code", "yyyymmdd", "ddmmyyyy", "mmddyyyy"})
MAX_NAMED_COLUMNS = 30


@dataclass
class TableRows:
    """The rows of one table.

    `row_numbers`: their row numbers; `cells`: per contract column, its cells in these rows; `filled`: per
    row, its non-empty cells in the table's columns. `below`: all non-empty cells below the header, as the
    file has them; `ignored`: those of rows and columns that a notice or the contract sets aside.
    `of_file`: findings about the whole file; `rejects`: one for each row that goes back as a whole.
    `filled_down`: per row, its values that stand in no cell of it but in one above.
    """

    sheet: Sheet
    header: Header
    row_numbers: Ints
    cells: dict[str, Cells]
    filled: npt.NDArray[np.int64]
    below: int
    ignored: int = 0
    notices: list[Finding] = field(default_factory=list)
    of_file: list[Finding] = field(default_factory=list)
    rejects: dict[int, Finding] = field(default_factory=dict)
    filled_down: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))


def table_rows(sheet: Sheet, header: Header, workbook: Workbook) -> TableRows:
    """The rows of `workbook`'s table under `header`, with a notice for whatever was passed over."""
    below = {number: cells.where(cells.rows > header.bottom) for number, cells in sheet.columns.items()}
    mapped = {name: below[number] for name, number in header.column_numbers.items() if number in below}
    numbers = _union(mapped)
    found = TableRows(sheet, header, numbers, mapped, _filled(mapped, numbers), sum(map(len, below.values())))
    for rule, message, rows in (
        ("repeated_header", "the header again", _repeated_headers(found)),
        ("units", "a row of units", _units(found, workbook)),
    ):
        _leave_out(found, rule, message, rows)
    _leave_out_totals(found, workbook, below)
    labels = dict(found.cells)
    headings = heading_rows(workbook, found.cells, found.row_numbers)
    _leave_out(found, "heading", "a heading, filled down over the rows below", headings)
    _leave_out(found, "note", "a note or heading", _notes(found, workbook))
    _heed_marks(found, workbook)
    _notice_unknown_columns(found, below, workbook)
    _notice_hidden_rows(found)
    found.notices += stale_values(sheet, header, found.cells)
    found.of_file += cut_off(sheet, header, workbook, found.cells, found.row_numbers)
    found.notices += labels_not_filled_down(sheet, header, workbook, found.cells, found.row_numbers)
    _fill_down(found, workbook, labels)
    return found


def _fill_down(found: TableRows, workbook: Workbook, labels: dict[str, Cells]) -> None:
    """Gives each empty cell of the columns that the contract fills down what stands above; `labels` hold headings."""
    found.filled_down = np.zeros(len(found.row_numbers), np.int64)
    for column in workbook.columns:
        if column.fill_down and column.name in labels:
            number = found.header.column_numbers[column.name]
            written = found.cells[column.name].rows
            held = labels[column.name].where(~repeating_marks(labels[column.name]))
            found.cells[column.name] = filled_down(held, found.row_numbers, number, found.sheet)
            new = np.setdiff1d(found.cells[column.name].rows, written)
            found.filled_down[np.searchsorted(found.row_numbers, new)] += 1


def _union(mapped: dict[str, Cells]) -> Ints:
    last = max((int(cells.rows[-1]) for cells in mapped.values() if len(cells)), default=0)
    held = np.zeros(last + 1, dtype=bool)
    for cells in mapped.values():
        held[cells.rows] = True
    return np.flatnonzero(held).astype(np.int32)


def _filled(mapped: dict[str, Cells], numbers: Ints) -> npt.NDArray[np.int64]:
    filled = np.zeros(len(numbers), np.int64)
    for cells in mapped.values():
        filled[positions_of(cells.rows, numbers)] += 1
    return filled


def _leave_out(found: TableRows, rule: str, message: str, rows: list[int]) -> None:
    """Takes `rows` out of the table and says so once."""
    if not rows:
        return
    _take_out(found, rows)
    first = found.sheet.row(rows[0])
    column = min(first, default=1)
    many = f"; {len(rows):,} such rows were not read" if len(rows) > 1 else "; it was not read as a row"
    found.notices.append(
        Finding(
            found.sheet.name, cell_address(rows[0], column), None, first.get(column), rule, f"{message}{many}", "notice"
        )
    )


def _take_out(found: TableRows, rows: list[int]) -> None:
    keep = ~np.isin(found.row_numbers, rows)
    found.ignored += int(found.filled[~keep].sum())
    found.row_numbers, found.filled = found.row_numbers[keep], found.filled[keep]
    found.cells = {name: cells.where(~np.isin(cells.rows, rows)) for name, cells in found.cells.items()}


def _repeated_headers(found: TableRows) -> list[int]:
    written = {
        name: found.sheet.row(found.header.bottom).get(found.header.column_numbers[name], "") for name in found.cells
    }
    candidates: dict[int, int] = {}
    for name, cells in found.cells.items():
        if written[name]:
            for row in cells.rows[_saying(cells.texts, written[name].strip())]:
                candidates[int(row)] = candidates.get(int(row), 0) + 1
    filled = dict(zip(found.row_numbers.tolist(), found.filled.tolist(), strict=True)) if candidates else {}
    rows = {row for row, count in candidates.items() if count == filled[row] and count >= min(2, len(written))}
    return sorted(rows | {row for last in rows for row in _above_again(found, last) if row in filled})


def _saying(texts: pyarrow.Array, words: str) -> npt.NDArray[np.int64]:
    """The positions of the texts that are `words`, but for blanks around them."""
    first = first_bytes(texts)
    places = np.flatnonzero((first == (words.encode()[:1] or b"\0")[0]) | may_be_blank(first))
    same = pc.equal(pc.utf8_trim_whitespace(texts.take(pyarrow.array(places))), words)
    return places[same.to_numpy(zero_copy_only=False)]


def _above_again(found: TableRows, row: int) -> Iterator[int]:
    """The rows over a repeated header that repeat what stands over the header itself: its first row, titles."""
    sheet, bottom = found.sheet, found.header.bottom
    for above in range(1, min(bottom, row - bottom)):
        if sheet.row(row - above) != sheet.row(bottom - above):
            break
        yield row - above
    if len(sheet.row(row - 1)) == 1 and not sheet.row(row - 2):
        yield row - 1


def _units(found: TableRows, workbook: Workbook) -> list[int]:
    row = found.header.bottom + 1
    if not len(found.row_numbers) or found.row_numbers[0] != row:
        return []
    texts = [text.strip() for text in found.sheet.row(row).values()]
    kinds = {found.sheet.kind(row, column) for column in found.sheet.row(row)}
    if kinds != {CellKind.TEXT} or not all(is_unit(text) for text in texts):
        return []
    words = {column.name for column in workbook.columns if column.kind in ("text", "code", "boolean")}
    if all(name in words for name, cells in found.cells.items() if cells.at(row) is not None):
        return []  # a size L, sold by pcs: words in columns of words
    return [row]


def is_unit(text: str) -> bool:
    """Whether the text is a unit, bare or in brackets: `kg`, `(EUR)`."""
    bracketed = (text[:1], text[-1:]) in {("(", ")"), ("[", "]")} and (
        "=" in text or not any(mark.isdigit() for mark in text[1:-1])
    )
    return bracketed or folded(text) in _UNITS or (not text.isdigit() and not stated_unit(text).rest)


def _leave_out_totals(found: TableRows, workbook: Workbook, below: dict[int, Cells]) -> None:
    """Takes the rows that sum up others out of the table; one that only has the name of a total is a finding."""
    summing = summing_rows(found.sheet, found.header, workbook, found.cells, found.row_numbers, below)
    for why in dict.fromkeys(row.why for row in summing if not row.doubtful):
        _leave_out(found, "totals", why, [row.row for row in summing if row.why == why and not row.doubtful])
    for row in (row.row for row in summing if row.doubtful):
        first = found.sheet.row(row)
        label = next((text for text in first.values() if any(map(str.isalpha, text))), "")
        message = (
            f"'{label}' looks like a row of totals, but its numbers are not those of the rows above; "
            f"correct or delete it. If it is a name, the contract says so with totals=()"
        )
        where = cell_address(row, min(first, default=1))
        found.rejects[row] = Finding(found.sheet.name, where, None, label, "totals", message)


def _heed_marks(found: TableRows, workbook: Workbook) -> None:
    """Does with rows that are struck through, filled or commented as the contract says, and tells of them."""
    marked = marked_rows(found.sheet, found.header, workbook, found.cells, found.row_numbers)
    groups: dict[tuple[str, str], list[MarkedRow]] = {}
    for row in marked:
        groups.setdefault((row.rule, row.handling), []).append(row)
    for (rule, handling), rows in groups.items():
        if handling == "reject":
            for row in rows:
                finding = Finding(found.sheet.name, where(row), None, None, rule, said_of(row, 1))
                found.rejects.setdefault(row.row, finding)
            continue
        if handling == "leave_out":
            _take_out(found, sorted({row.row for row in rows}))
        told = Finding(found.sheet.name, where(rows[0]), None, None, rule, said_of(rows[0], len(rows)), "notice")
        found.notices.append(told)
    found.rejects = {row: finding for row, finding in found.rejects.items() if row in found.row_numbers}


def _notes(found: TableRows, workbook: Workbook) -> list[int]:
    """Rows with one text alone: in a column that may be empty anywhere, or prose after the last full row."""
    required = {column.name for column in workbook.columns if is_required(column) and not column.nullable}
    here = required & found.cells.keys()
    if len(here) < 2 or not (found.filled == 1).any():
        return []
    full = found.row_numbers[found.filled > 1]
    last = int(full[-1]) if len(full) else 0
    alone = found.row_numbers[found.filled == 1]
    rows = []
    for name, cells in found.cells.items():
        for place in np.flatnonzero(np.isin(cells.rows, alone) & (cells.kinds == CellKind.TEXT)).tolist():
            row, text = int(cells.rows[place]), str(cells.texts[place].as_py()).strip()
            if name not in required or (row > last and _is_prose(text)):
                rows.append(row)
    return sorted(rows)


def _is_prose(text: str) -> bool:
    return " " in text or text[:1] in "*†‡" or text.endswith(":")


def _notice_hidden_rows(found: TableRows) -> None:
    hidden = found.row_numbers[np.isin(found.row_numbers, found.sheet.hidden_rows)]
    if len(hidden):
        message = "the row is hidden; it was read" if len(hidden) == 1 else f"{len(hidden):,} hidden rows were read"
        where = cell_address(int(hidden[0]), min(found.header.column_numbers.values(), default=1))
        found.notices.append(Finding(found.sheet.name, where, None, None, "hidden_row", message, "notice"))


def _notice_unknown_columns(found: TableRows, below: dict[int, Cells], workbook: Workbook) -> None:
    """Sets the cells of columns that the contract does not name aside, and says so unless it ignores them."""
    known = set(found.header.column_numbers.values())
    ignored = {folded(name) for name in workbook.ignores}
    nameless: list[tuple[int, int]] = []
    named: list[tuple[int, int]] = []
    for number, cells in below.items():
        title = found.header.titles.get(number, "")
        if number in known:
            continue
        found.ignored += len(cells)
        if folded(title) in ignored:
            continue
        is_nameless = not title or re.match(r"Unnamed: \d+", title)
        (nameless if is_nameless else named).append((number, len(cells)))
    found.notices += _unknown_columns(found, named)
    found.notices += _nameless_columns(found, [(number, count) for number, count in nameless if count])


def _unknown_columns(found: TableRows, named: list[tuple[int, int]]) -> Iterator[Finding]:
    """A notice for each of the first columns, by number and count of cells, and one for all others."""
    for number, count in named[:MAX_NAMED_COLUMNS]:
        title = " ".join(found.header.titles[number].split())
        lost = f"its {count:,} cells were" if count != 1 else "its one cell was"
        message = f"column '{title}' is not expected here; {lost} ignored{_name_hint(found, title)}"
        where = cell_address(found.header.bottom, number)
        yield Finding(found.sheet.name, where, title, title, "unknown_column", message, "notice")
    if more := named[MAX_NAMED_COLUMNS:]:
        total = sum(count for _, count in more)
        message = f"and {len(more):,} more columns are not expected here; cells ignored there: {total:,}"
        where = cell_address(found.header.bottom, more[0][0])
        yield Finding(found.sheet.name, where, None, None, "unknown_column", message, "notice")


def _nameless_columns(found: TableRows, filled: list[tuple[int, int]]) -> Iterator[Finding]:
    """One notice for all filled columns, by number and count of cells, that have no name."""
    if not filled:
        return
    names = ", ".join(column_letters(number) for number, _ in filled[:5]) + (" …" if len(filled) > 5 else "")
    total = sum(count for _, count in filled)
    columns = f"columns {names} have" if len(filled) > 1 else f"column {names} has"
    message = f"{columns} no name; cells ignored there: {total:,}"
    where = cell_address(found.header.bottom, filled[0][0])
    yield Finding(found.sheet.name, where, None, None, "unnamed_column", message, "notice")


def _name_hint(found: TableRows, title: str) -> str:
    """A hint for a column whose name comes near one that the sheet lacks and may lack."""
    for column in found.header.missing:
        if nearest_header(column, [title]):
            return f"; did you mean '{' '.join(column.headers[0].split())}'?"
    return ""


def spread_over_rows(values: pyarrow.Array, rows: Ints, numbers: Ints) -> pyarrow.Array:
    """`values`, which stand in `rows`, laid out over `row_numbers`, null where a row has none."""
    if len(rows) == len(numbers):
        return values
    position = np.full(len(numbers), -1, np.int64)
    position[positions_of(rows, numbers)] = np.arange(len(rows))
    return values.take(pyarrow.array(position, mask=position < 0))


def positions_of(rows: Ints, numbers: Ints) -> npt.NDArray[np.int64]:
    """Where `rows` stand in `row_numbers`, of which they are some; both ascend."""
    return np.arange(len(rows)) if len(rows) == len(numbers) else np.searchsorted(numbers, rows)
