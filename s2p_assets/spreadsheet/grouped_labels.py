"""Labels that stand for a group of rows: merged over them, in their first row alone, or in a heading row of their own.

Filled down where the contract says so, told where it does not. What the rows hold is read elsewhere.
"""

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt
import pyarrow
import pyarrow.compute as pc

from s2p_assets.contracts.columns import Column
from s2p_assets.contracts.findings import Finding
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.spreadsheet.cell_parser import CellError, cell_error
from s2p_assets.spreadsheet.grid import CellKind, Cells, Ints, Sheet, cell_address
from s2p_assets.spreadsheet.header import Header

_FEWEST_ROWS, _LONGEST_LABEL = 4, 40
_FULLEST_FIRST, _FULLEST_LATER, _EMPTIEST_LATER = 0.67, 0.5, 0.2
_MARKS = ('"', "\u201c", "\u201d", "\u201e", "\u2033", "\u3003", "\u02ba", "''", "´´", ",,")
_WORDS = ("ditto", "dito", "dto", "dto.", "idem", "id.", "as above", "same as above", "wie oben", "s.o.", "j.w.")
_FORMS = [form for word in _WORDS for form in (word, word.capitalize(), word.upper())]
_SAME_AS_ABOVE = pyarrow.array([*_MARKS, *_FORMS])


def repeating_marks(held: Cells) -> npt.NDArray[np.bool_]:
    """Which cells say no more than that they are as the one above: `"`, `dito`, `idem`."""
    texts = held.kinds == CellKind.TEXT
    if texts.any():
        texts &= pc.is_in(held.texts, _SAME_AS_ABOVE).to_numpy(zero_copy_only=False)
    return texts


def repeated_values(cells: Cells, column: Column) -> dict[int, CellError]:
    """The cells, by position, of a column of words or codes that stand for the one above, which is not filled down."""
    if column.kind not in ("text", "code"):
        return {}
    marks = repeating_marks(cells)
    if not marks.any() or marks[0]:
        return {}
    meant = {*column.na_values, *dict(column.replace)}
    found = {int(place): str(cells.texts[int(place)].as_py()).strip() for place in np.flatnonzero(marks)}
    message = f"means the value above; {_remedy(column)}"
    return {place: cell_error(text, column, message) for place, text in found.items() if text not in meant}


def heading_rows(workbook: Workbook, cells: Mapping[str, Cells], numbers: Ints) -> list[int]:
    """The rows that hold nothing but labels which are filled down, with rows of the table below."""
    labels = {column.name for column in workbook.columns if column.fill_down} & cells.keys()
    if not labels or labels == cells.keys():
        return []
    others = [held.rows for name, held in cells.items() if name not in labels]
    of_table = np.unique(np.concatenate(others))
    alone = np.setdiff1d(numbers, of_table)
    return [int(row) for row in alone if len(of_table) and row < of_table[-1]]


def filled_down(held: Cells, numbers: Ints, number: int, sheet: Sheet) -> Cells:
    """The cells of sheet column `number` in the rows `numbers`, an empty one with what stands above it.

    A label that is merged over some rows stands for these alone.
    """
    empty = np.setdiff1d(numbers, held.rows)
    source = np.searchsorted(held.rows, empty) - 1
    last_rows = {top: bottom for top, left, bottom, right in sheet.merged if left <= number <= right and bottom > top}
    reach = np.array([last_rows.get(row, np.iinfo(np.int32).max) for row in held.rows.tolist()], np.int64)
    below = source >= 0
    below[below] = empty[below] <= reach[source[below]]
    rows, take = np.concatenate([held.rows, empty[below]]), np.concatenate([np.arange(len(held)), source[below]])
    order = np.argsort(rows, kind="stable")
    order = order[np.isin(rows[order], numbers)]
    take = take[order]
    formats = None if held.formats is None else held.formats[take]
    return Cells(rows[order].astype(np.int32), held.kinds[take], held.texts.take(pyarrow.array(take)), formats)


def labels_not_filled_down(
    sheet: Sheet, header: Header, workbook: Workbook, cells: Mapping[str, Cells], numbers: Ints
) -> Iterator[Finding]:
    """A notice for each column that is merged over rows, or has labels in the first row of groups alone."""
    by_place = sorted(cells, key=lambda name: header.column_numbers[name])
    columns = {column.name: column for column in workbook.columns}
    leftmost = True
    for name in by_place:
        column, number = columns[name], header.column_numbers[name]
        if column.fill_down:
            continue
        merged = [
            (top, bottom)
            for top, left, bottom, right in sheet.merged
            if left <= number <= right and bottom > top > header.bottom and cells[name].at(top) is not None
        ]
        merged = [span for span in merged if _rows_in(numbers, span) > 1]
        if merged:
            yield _merged(sheet, column, number, cells[name], merged)
        elif _is_grouped(column, cells[name], numbers, leftmost=leftmost):
            yield _first_rows_only(sheet, column, number, cells[name])
        leftmost = leftmost and len(cells[name]) < len(numbers)


def _rows_in(numbers: Ints, span: tuple[int, int]) -> int:
    return int(np.searchsorted(numbers, span[1], side="right") - np.searchsorted(numbers, span[0]))


def _is_grouped(column: Column, held: Cells, numbers: Ints, *, leftmost: bool) -> bool:
    """Whether a column's cells look like labels in the first row of groups, and not like a column that may be empty."""
    share = len(held) / max(len(numbers), 1)
    if (
        len(numbers) < _FEWEST_ROWS
        or len(held) < 2
        or not 0 < share <= (_FULLEST_FIRST if leftmost else _FULLEST_LATER)
    ):
        return False
    if (
        column.kind not in ("text", "code", "date")
        or held.rows[0] != numbers[0]
        or (held.kinds == CellKind.ERROR).any()
    ):
        return False
    texts = pc.utf8_trim_whitespace(held.texts)
    if pc.any(pc.is_in(texts, pyarrow.array(column.na_values, pyarrow.string()))).as_py():
        return False
    if pc.max(pc.utf8_length(texts)).as_py() > _LONGEST_LABEL:
        return False
    places = np.searchsorted(numbers, held.rows)
    neighbours: npt.NDArray[np.bool_] = np.diff(places) == 1
    if leftmost:
        changes = pc.not_equal(texts[1:], texts[:-1])
        return bool(pc.all(changes).as_py()) and not bool(neighbours.all())
    return share >= _EMPTIEST_LATER and not bool(neighbours.any()) and pc.count_distinct(texts).as_py() == len(held)


def _merged(sheet: Sheet, column: Column, number: int, held: Cells, spans: list[tuple[int, int]]) -> Finding:
    top, bottom = min(spans)
    text = str(held.texts[held.at(top) or 0].as_py())
    over = f"{cell_address(top, number)}:{cell_address(bottom, number)}"
    more = f" ({len(spans):,} such cells)" if len(spans) > 1 else ""
    message = f"'{text}' is merged over {over} and was read in its first row alone{more}; {_remedy(column)}"
    return Finding(sheet.name, cell_address(top, number), column.name, text, "merged", message, "notice")


def _first_rows_only(sheet: Sheet, column: Column, number: int, held: Cells) -> Finding:
    text = str(held.texts[0].as_py())
    title = _title(column)
    message = f"'{title}' seems to be written in the first row of each group alone; {_remedy(column)}"
    where = cell_address(int(held.rows[0]), number)
    return Finding(sheet.name, where, column.name, text, "grouped", message, "notice")


def _remedy(column: Column) -> str:
    return f"write it in every row, or the contract says fill_down=True for '{_title(column)}'"


def _title(column: Column) -> str:
    return " ".join(column.headers[0].split())
