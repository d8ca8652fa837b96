"""Which rows under a header are rows of the table: not blank ones, totals, repeated headers, units or notes.

What stands in the rows is read elsewhere.
"""

import re
import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow
import pyarrow.compute as pc

from s2p_assets.contracts.findings import Finding
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.spreadsheet.grid import CellKind, Cells, Ints, Sheet, cell_address, column_letters
from s2p_assets.spreadsheet.header import Header, folded, is_required, nearest_header

_UNIT_WORDS = (
    "eur euro usd gbp chf jpy pln sek nok dkk kg g t l ml m cm mm km m2 m3 pcs pc pieces piece stk stuck st "
    "units unit each ea days day weeks months hours h min box boxes pallets date text number code "
    "yyyymmdd ddmmyyyy mmddyyyy"
)
_UNITS = frozenset(_UNIT_WORDS.split())
MAX_NAMED_COLUMNS = 30


@dataclass
class TableRows:
    """The rows of one table.

    `row_numbers`: their row numbers; `cells`: per contract column, its cells in these rows; `filled`: per
    row, its non-empty cells in the table's columns. `below`: all non-empty cells below the header, as the
    file has them; `ignored`: those of rows and columns that a notice or the contract sets aside.
    """

    sheet: Sheet
    header: Header
    row_numbers: Ints
    cells: dict[str, Cells]
    filled: npt.NDArray[np.int64]
    below: int
    ignored: int = 0
    notices: list[Finding] = field(default_factory=list)


def table_rows(sheet: Sheet, header: Header, workbook: Workbook) -> TableRows:
    """The rows of `workbook`'s table under `header`, with a notice for whatever was passed over."""
    below = {number: cells.where(cells.rows > header.bottom) for number, cells in sheet.columns.items()}
    mapped = {name: below[number] for name, number in header.column_numbers.items() if number in below}
    numbers = _union(mapped)
    found = TableRows(sheet, header, numbers, mapped, _filled(mapped, numbers), sum(map(len, below.values())))
    for rule, message, rows in (
        ("repeated_header", "the header again", _repeated_headers(found)),
        ("units", "a row of units", _units(found, workbook)),
        ("totals", "a row of totals", _totals(found, below, workbook)),
    ):
        _leave_out(found, rule, message, rows)
    _leave_out(found, "note", "a note or heading", _notes(found, workbook))
    _notice_unknown_columns(found, below, workbook)
    _notice_hidden_rows(found)
    return found


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
    keep = ~np.isin(found.row_numbers, rows)
    found.ignored += int(found.filled[~keep].sum())
    found.row_numbers, found.filled = found.row_numbers[keep], found.filled[keep]
    found.cells = {name: cells.where(~np.isin(cells.rows, rows)) for name, cells in found.cells.items()}
    first = found.sheet.row(rows[0])
    column = min(first, default=1)
    many = f"; {len(rows):,} such rows were not read" if len(rows) > 1 else "; it was not read as a row"
    found.notices.append(
        Finding(
            found.sheet.name, cell_address(rows[0], column), None, first.get(column), rule, f"{message}{many}", "notice"
        )
    )


def _repeated_headers(found: TableRows) -> list[int]:
    written = {
        name: found.sheet.row(found.header.bottom).get(found.header.column_numbers[name], "") for name in found.cells
    }
    candidates: dict[int, int] = {}
    for name, cells in found.cells.items():
        if written[name]:
            same = pc.equal(pc.utf8_trim_whitespace(cells.texts), written[name].strip())
            for row in cells.rows[same.to_numpy(zero_copy_only=False)]:
                candidates[int(row)] = candidates.get(int(row), 0) + 1
    filled = dict(zip(found.row_numbers.tolist(), found.filled.tolist(), strict=True)) if candidates else {}
    rows = {row for row, count in candidates.items() if count == filled[row] and count >= min(2, len(written))}
    return sorted(rows | {row for last in rows for row in _above_again(found, last) if row in filled})


def _above_again(found: TableRows, row: int) -> Iterator[int]:
    """The rows over a repeated header that repeat what stands over the header itself: its first row, titles."""
    sheet, bottom = found.sheet, found.header.bottom
    for above in range(1, min(bottom, row - bottom)):
        if sheet.row(row - above) != sheet.row(bottom - above):
            break
        yield row - above


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
    return bracketed or text in ("€", "$", "£", "¥", "%", "#") or folded(text) in _UNITS


def _totals(found: TableRows, below: dict[int, Cells], workbook: Workbook) -> list[int]:
    """Rows whose first text is a word for a total, or begins with one while a required cell is empty."""
    words = [re.escape(word) for word in workbook.totals]
    if not words or not len(found.row_numbers):
        return []
    left, right = min(found.header.titles), max(found.header.titles)
    columns = [number for number in sorted(below) if left <= number <= right]
    exact = re.compile(rf"\W*(?:{'|'.join(words)})\W*", re.IGNORECASE)
    like_total = rf"(?i)^\W*(?:{'|'.join(words)})(?:\W|$)"
    known = set(found.row_numbers.tolist())
    rows: set[int] = set()
    for number in columns:
        cells = below[number].where(below[number].kinds == CellKind.TEXT)
        cells = cells.where(_may_begin_with(cells.texts, workbook.totals))
        like = pc.match_substring_regex(cells.texts, like_total).to_numpy(zero_copy_only=False)
        for place in np.flatnonzero(like):
            row = int(cells.rows[place])
            first = row in known and _first_text(below, columns, row) == number
            text = str(cells.texts[int(place)].as_py())
            if first and (exact.fullmatch(text) or _lacks_required(found, workbook, row)):
                rows.add(row)
    return sorted(rows)


def _may_begin_with(texts: pyarrow.Array, words: Sequence[str]) -> npt.NDArray[np.bool_]:
    """By their first letter, the texts that may begin with one of `words`, in whatever case, or with no letter."""
    if not len(texts):
        return np.zeros(0, dtype=bool)
    first = np.ones(256, dtype=bool)
    first[[ord(mark) for mark in string.ascii_letters + string.digits + "_"]] = False
    first[[ord(mark) for word in words for mark in (word[0].lower(), word[0].upper()) if mark.isascii()]] = True
    offsets = np.frombuffer(texts.buffers()[1], np.int32)[texts.offset :][: len(texts)]
    return first[np.frombuffer(texts.buffers()[2], np.uint8)[offsets]]


def _first_text(below: dict[int, Cells], columns: list[int], row: int) -> int | None:
    for number in columns:
        place = below[number].at(row)
        is_text = place is not None and below[number].kinds[place] == CellKind.TEXT
        if is_text and any(mark.isalpha() for mark in str(below[number].texts[place].as_py())):
            return number
    return None


def _lacks_required(found: TableRows, workbook: Workbook, row: int) -> bool:
    required = [column.name for column in workbook.columns if is_required(column) and not column.nullable]
    return any(name in found.cells and found.cells[name].at(row) is None for name in required)


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
