"""Where the tables of a workbook seem to stand, and which of them a contract is to be about.

What stands in their columns is understood in `column_types`.
"""

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from s2p_assets.contracts.columns import NA_VALUES
from s2p_assets.spreadsheet.grid import CellKind, Sheet, cell_address, column_letters
from s2p_assets.spreadsheet.header import folded
from s2p_assets.spreadsheet.header_search import joined_headers
from s2p_assets.spreadsheet.inferring.wide_tables import WideTable, find_wide_table
from s2p_assets.spreadsheet.limits import WorkbookUnreadable
from s2p_assets.spreadsheet.table_rows import is_unit

NO_TABLE = "no table was found: a row of column names with rows of values below it"
_BLANKS = frozenset(word.casefold() for word in NA_VALUES)
_SEARCHED_ROWS = 60
_LOOKED_BELOW = 10
_ENOUGH_BELOW = 3
_LEAST_SCORE = 1.5
_COMPARED_ROWS = 2_000


@dataclass(frozen=True, slots=True)
class LikelyTable:
    """Where a table seems to stand: the header row and its texts by column number.

    `nameless`: filled columns without a header, in or directly beside the table. `rows`: how many it seems to have.
    """

    sheet: Sheet
    header_row: int
    headers: dict[int, str]
    score: float
    rows: int
    nameless: list[int] = field(default_factory=list)
    wide: WideTable | None = None

    @property
    def names(self) -> frozenset[str]:
        """The folded headers; of a wide table, its periods count as one column."""
        names = frozenset(folded(text) for text in self.headers.values())
        return names | {f"by {self.wide.kind}", *self.wide.measures} if self.wide else names

    @property
    def units_row(self) -> int | None:
        """The row under the header that holds units over columns of numbers, if there is one."""
        row = self.header_row + 1
        texts = {number: text for number, text in self.sheet.row(row).items() if number in self.headers}
        over_numbers = any(_is_value(self.sheet, row + 1, number) for number in texts)
        return row if texts and over_numbers and all(is_unit(text.strip()) for text in texts.values()) else None


def _is_number(sheet: Sheet, row: int, number: int) -> bool:
    return bool(re.fullmatch(r"\s*[-+]?\d[\d.,' ]*\s*", sheet.row(row).get(number, "")))


def likely_table(sheet: Sheet, file: str = "") -> LikelyTable | None:
    """The first row of names that is nearly as good as the best one, None for a sheet without a table.

    `file`: the file's name, which may say the year of a wide table.
    """
    wide = find_wide_table(sheet, file)
    if wide is not None:
        return _wide_table(sheet, wide)
    candidates = sheet.first_rows(_SEARCHED_ROWS)
    scored = [(row, _header_score(sheet, row, candidates)) for row in candidates]
    best = max((score for _, score in scored), default=0.0)
    if best < _LEAST_SCORE:
        return None
    row = next(row for row, score in scored if score >= 0.8 * best)
    headers = _told_apart(sheet, row, {column: text for column, text in sheet.row(row).items() if folded(text)})
    below = [int((cells.rows > row).sum()) for number, cells in sheet.columns.items() if number in headers]
    rows = max(below, default=0)
    score = sum(below) * (0.5 if sheet.hidden else 1.0)
    return LikelyTable(sheet, row, headers, score, rows, list(_nameless(sheet, row, headers)))


def _told_apart(sheet: Sheet, row: int, headers: dict[int, str]) -> dict[int, str]:
    """The headers, those of one text with what stands over them: `Qty` under `Sales` becomes `Sales Qty`."""
    counts = Counter(map(folded, headers.values()))
    above = sheet.row(row - 1)
    if max(counts.values()) < 2 or not above:
        return headers
    joined = joined_headers(sheet, row - 1, row, {row - 1: above, row: sheet.row(row)})
    return {number: joined[number][0] if counts[folded(text)] > 1 else text for number, text in sorted(headers.items())}


def _wide_table(sheet: Sheet, wide: WideTable) -> LikelyTable:
    own = {*wide.beside, *wide.nameless, *wide.periods}
    columns = [cells for number, cells in sheet.columns.items() if number in own]
    below = [int((cells.rows > wide.bottom).sum()) for cells in columns]
    score = sum(below) * (0.5 if sheet.hidden else 1.0)
    return LikelyTable(sheet, wide.bottom, wide.beside, score, max(below, default=0), [*wide.nameless], wide)


def chosen_table(tables: Sequence[LikelyTable]) -> LikelyTable:
    """The one with the most data."""
    return max(tables, key=lambda found: found.score)


def _nameless(sheet: Sheet, row: int, headers: dict[int, str]) -> Iterator[int]:
    """The filled columns without a header that adjoin named ones, one by one."""
    known = set(headers)
    filled = [
        number
        for number, cells in sheet.columns.items()
        if number not in headers and (cells.rows > row).any() and cells.at(row) is None
    ]
    while adjoining := [number for number in filled if number not in known and known & _beside(sheet, number)]:
        known.update(adjoining)
    yield from sorted(known - set(headers))


def _beside(sheet: Sheet, number: int) -> set[int]:
    """The columns next to one, and behind a single empty one."""
    steps = ((-1, number - 1), (1, number + 1))
    return {beside if beside in sheet.columns else beside + step for step, beside in steps}


def first_of_several(table: LikelyTable) -> tuple[LikelyTable, bool]:
    """The first of tables with the same header that stand side by side, and whether there are several."""
    blocks: list[dict[int, str]] = []
    for number, text in sorted(table.headers.items()):
        if not blocks or number - 1 not in blocks[-1]:
            blocks.append({})
        blocks[-1][number] = text
    names = [[folded(text) for text in block.values()] for block in blocks]
    if len(blocks) < 2 or len(blocks[0]) < 2 or any(other != names[0] for other in names[1:]) or table.nameless:
        return table, False
    return replace(table, headers=blocks[0]), True


def _header_score(sheet: Sheet, row: int, candidates: Sequence[int]) -> float:
    """How many names the row holds, counted less where nothing stands below them."""
    texts = sheet.row(row)
    names = {
        column for column, text in texts.items() if sheet.kind(row, column) == CellKind.TEXT and _may_be_name(text)
    }
    if len({folded(texts[column]) for column in names}) < 2:
        return _LEAST_SCORE if names and _is_name_of_one_column(sheet, row) else 0.0
    below = [other for other in candidates if other > row][:_LOOKED_BELOW]
    filled = sum(sheet.kind(other, column) is not None for other in below for column in names)
    coverage = filled / (len(below) * len(names)) if below else 0.0
    return max(0.0, len(names) * (0.4 + 0.6 * coverage) - 0.5 * (len(texts) - len(names)))


def _is_name_of_one_column(sheet: Sheet, row: int) -> bool:
    """Whether a row is the first of a sheet's only column, and not like what is below: a word over numbers or codes."""
    if len(sheet.columns) != 1:
        return False
    number, cells = next(iter(sheet.columns.items()))
    if int(cells.rows[0]) != row or len(cells) <= _ENOUGH_BELOW:
        return False
    below = cells.texts[1:_SEARCHED_ROWS].to_pylist()
    others = [kind != CellKind.TEXT for kind in cells.kinds[1:_SEARCHED_ROWS]]
    have_digits = [any(mark.isdigit() for mark in str(text)) for text in below]
    name = sheet.row(row)[number]
    return all(others) or (all(have_digits) and not any(mark.isdigit() for mark in name))


def _may_be_name(text: str) -> bool:
    return len(text) <= 80 and any(mark.isalpha() for mark in text) and not re.match(r"\d[\d.,:/ -]*\d\b", text.strip())


def refuse_ambiguous(table: LikelyTable) -> None:
    """Raises WorkbookUnreadable for columns of one name, and for a second table below the first."""
    places: dict[str, list[int]] = {}
    for number, text in sorted(table.headers.items()):
        places.setdefault(folded(text), []).append(number)
    for numbers in places.values():
        if len(numbers) > 1:
            cells = " and ".join(cell_address(table.header_row, number) for number in numbers[:3])
            title = " ".join(table.headers[numbers[0]].split())
            raise WorkbookUnreadable(
                f"columns of sheet '{table.sheet.name}' cannot be told apart: '{title}' stands in {cells}; "
                "give each its own name, or each table its own sheet"
            )
    if below := _table_below(table):
        raise WorkbookUnreadable(
            f"sheet '{table.sheet.name}' holds two tables one below the other, with headers in rows "
            f"{table.header_row} and {below}; give each its own sheet"
        )


def _table_below(table: LikelyTable) -> int | None:
    """The row in which another header seems to stand: names after a blank row or a title, and rows below them.

    One of the names stands where the first table has numbers, or is a name of the first table beside others that are
    not.
    """
    for row in _rows_of_names(table):
        texts = table.sheet.row(row)
        above_numbers = any(_is_value(table.sheet, table.header_row + 1, number) for number in texts)
        again = any(folded(text) == folded(table.headers.get(number, "")) for number, text in texts.items())
        if above_numbers or again or _begins_words(table.sheet, row):
            return row
    return None


def _begins_words(sheet: Sheet, row: int) -> bool:
    """Whether a row of words without a digit stands over texts that all have one in some column: names over codes."""
    texts = sheet.row(row)
    if any(mark.isdigit() for text in texts.values() for mark in text):
        return False
    below = [sheet.row(row + step) for step in range(1, 1 + _ENOUGH_BELOW)]
    return any(
        all(any(mark.isdigit() for mark in cells.get(number, "")) for cells in below if cells)
        and sum(number in cells for cells in below) >= 2
        for number in texts
    )


def _rows_of_names(table: LikelyTable) -> Iterator[int]:
    """The rows of several names, other than the table's own, that follow a blank row or a title after one."""
    sheet = table.sheet
    used = np.unique(np.concatenate([cells.rows for cells in sheet.columns.values()]))
    after_blank = used[1:][np.diff(used) > 1]
    for first in after_blank[after_blank > table.header_row + 1].tolist()[:200]:
        row = first + 1 if len(sheet.row(first)) == 1 else first
        texts = sheet.row(row)
        is_names = len(texts) >= 2 and all(
            sheet.kind(row, number) == CellKind.TEXT and _may_be_name(text) and text.strip().casefold() not in _BLANKS
            for number, text in texts.items()
        )
        if is_names and len(sheet.row(row + 1)) >= 2 and not {folded(text) for text in texts.values()} <= table.names:
            yield int(row)


def remarks_on_gaps(table: LikelyTable) -> Iterator[str]:
    """What is to be checked of a blank row or column within the table, beyond which another one may stand."""
    row = next(_rows_of_names(table), None)
    if row is not None:
        yield f"row {row} follows a blank one and may be the header of another table: check what is read from there on"
    named = sorted({*table.headers, *table.nameless})
    gaps = [right for left, right in itertools.pairwise(named) if right - left > 1]
    if gaps and not table.wide:
        yield (
            f"column {column_letters(gaps[0] - 1)} is empty: what stands from {column_letters(gaps[0])} on may be "
            "another table; then give it its own sheet"
        )


def _is_value(sheet: Sheet, row: int, number: int) -> bool:
    kind = sheet.kind(row, number)
    return kind in (CellKind.NUMBER, CellKind.DATE, CellKind.ISO) or _is_number(sheet, row, number)


def is_copy_of(one: LikelyTable, other: LikelyTable) -> bool:
    """Whether most lines of the smaller of two tables with the same columns stand in the other too."""
    if one.names != other.names:
        return False
    lines, others = _lines(one), _lines(other)
    return bool(lines and others) and len(lines & others) * 2 > min(len(lines), len(others))


def _lines(table: LikelyTable) -> set[tuple[str, ...]]:
    order = sorted(table.headers, key=lambda number: folded(table.headers[number]))
    found: dict[int, dict[int, str]] = {}
    for number in order:
        cells = table.sheet.columns.get(number)
        if cells is None:
            continue
        rows, texts = cells.rows[:_COMPARED_ROWS].tolist(), cells.texts[:_COMPARED_ROWS].to_pylist()
        for row, text in zip(rows, texts, strict=True):
            if row > table.header_row:
                found.setdefault(row, {})[number] = str(text).strip()
    return {tuple(cells.get(number, "") for number in order) for cells in found.values()}


def name_of(number: int) -> str:
    """The name that a column without a header gets: `column_a`."""
    return f"column_{column_letters(number).lower()}"
