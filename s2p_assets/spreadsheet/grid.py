"""The cells of a sheet as they stand in the file, column by column, whatever format the file has.

What a cell means to a contract is decided elsewhere; nothing here opens a file.
"""

import re
from dataclasses import dataclass, field, replace
from enum import IntEnum
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow
import pyarrow.compute as pc

from s2p_assets.spreadsheet.text_bytes import first_bytes, may_be_blank

LAST_ROW, LAST_COLUMN = 1_048_576, 16_384
CellPosition = tuple[int, int]
"""Row and column of a cell, 1-based."""

_ADDRESS = re.compile(r"\$?([A-Za-z]{1,3})\$?([0-9]{1,7})")


class CellKind(IntEnum):
    """How the file itself types a cell."""

    TEXT = 0
    NUMBER = 1
    DATE = 2  # a serial number under a date format
    ISO = 3  # a date in words of ISO 8601
    BOOL = 4
    ERROR = 5
    UNCALCULATED = 6  # a formula whose value was never stored
    DURATION = 7


MAX_TOP_CELLS = 200_000

Ints = npt.NDArray[np.int32]
Kinds = npt.NDArray[np.int8]


@dataclass(slots=True)
class Cells:
    """The non-empty cells of one column, in ascending row order.

    `rows`: 1-based row numbers. `texts`: what the file holds: a number's own digits, a text as
    written, a date's serial number or ISO form. `formats`: index into `Sheet.formats` per cell.
    """

    rows: Ints
    kinds: Kinds
    texts: pyarrow.Array
    formats: npt.NDArray[np.int16] | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def where(self, mask: npt.NDArray[np.bool_]) -> "Cells":
        """The cells for which `mask` holds."""
        if mask.all():
            return self
        formats = None if self.formats is None else self.formats[mask]
        return Cells(self.rows[mask], self.kinds[mask], self.texts.filter(pyarrow.array(mask)), formats)

    def at(self, row: int) -> int | None:
        """The position of the cell in `row`, if there is one."""
        place = int(np.searchsorted(self.rows, row))
        return place if place < len(self.rows) and self.rows[place] == row else None


@dataclass(slots=True)
class Marks:
    """What the file says of a sheet's rows and cells besides their values; empty where a format says nothing.

    `table_totals`: total rows of Excel tables, as (row, first column, last column, the table's name).
    `summed_up`: per row, the function with which a cell sums up its own column (`SUBTOTAL`, `SUM`), by column.
    `levels`: outline level of each grouped row; `summaries_above`: their summary rows stand above the details.
    `struck`, `fills`: of the styles that `Cells.formats` points to, those struck through, and the fill as `RRGGBB`.
    `struck_cells`: cells struck through within their text alone. `comments`: what people noted at cells.
    `pale`: of the styles, those whose letters have the colour of their background. `hidden_columns`: the numbers from
    and to of the columns that the file hides.
    `volatile`: per column, the rows whose formula calls a function that gives another value whenever it is calculated,
    by its name. `unseen`: which of `struck`, `fills`, `comments` and `formulas` could not be looked at in this file.
    `row_limit`: the last row that the format can have.
    `formulas`: the formulas as the file writes them, by column, kept where the workbook is `calculated_by_hand` or
    `looks_outside`, into others, whose file names `other_books` holds by the number that formulas call them by.
    `outside_names`: names that stand for cells of these. `outside`: per column, the rows whose values depend on them.
    """

    table_totals: list[tuple[int, int, int, str]] = field(default_factory=list)
    summed_up: dict[int, dict[int, str]] = field(default_factory=dict)
    levels: dict[int, int] = field(default_factory=dict)
    summaries_above: bool = False
    struck: frozenset[int] = frozenset()
    fills: dict[int, str] = field(default_factory=dict)
    struck_cells: set[CellPosition] = field(default_factory=set)
    comments: dict[CellPosition, str] = field(default_factory=dict)
    pale: frozenset[int] = frozenset()
    hidden_columns: list[tuple[int, int]] = field(default_factory=list)
    volatile: dict[int, dict[str, list[int]]] = field(default_factory=dict)
    unseen: frozenset[str] = frozenset()
    row_limit: int = LAST_ROW
    formulas: dict[int, Cells] = field(default_factory=dict)
    calculated_by_hand: bool = False
    looks_outside: bool = False
    other_books: dict[str, str] = field(default_factory=dict)
    outside_names: tuple[str, ...] = ()
    outside: dict[int, Ints] = field(default_factory=dict)


@dataclass(slots=True)
class Sheet:
    """One sheet: its columns by 1-based number, merged ranges as (top, left, bottom, right).

    `hidden_rows`: numbers of the rows that the file hides.
    `typed` is False where the file knows texts alone (CSV). `formats` are the number formats
    that `Cells.formats` points to. `starts_1904`: serial dates count from 1904. `marks`: what else the file says.
    `semicolons`: whether it is a text whose fields are parted so, as programs do whose decimals are commas.
    """

    name: str
    columns: dict[int, Cells] = field(default_factory=dict)
    hidden: bool = False
    typed: bool = True
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)
    hidden_rows: list[int] = field(default_factory=list)
    formats: list[str] = field(default_factory=list)
    starts_1904: bool = False
    marks: Marks = field(default_factory=Marks)
    semicolons: bool = False
    _tops: dict[int, dict[int, dict[int, str]]] = field(default_factory=dict, repr=False, compare=False)

    def __len__(self) -> int:
        return sum(len(cells) for cells in self.columns.values())

    def top(self, count: int) -> dict[int, dict[int, str]]:
        """The first `count` rows that hold anything, by number, as `row` gives them; fewer in a very wide sheet.

        Each count is read once.
        """
        if count not in self._tops:
            numbers = self.first_rows(min(count, max(50, MAX_TOP_CELLS // max(1, len(self.columns)))))
            found: dict[int, dict[int, str]] = {number: {} for number in numbers}
            for column in sorted(self.columns):
                cells = self.columns[column]
                last = int(np.searchsorted(cells.rows, numbers[-1], side="right"))
                for row, text in zip(cells.rows[:last].tolist(), cells.texts[:last].to_pylist(), strict=True):
                    found[row][column] = text
            self._tops[count] = found
        return self._tops[count]

    def first_rows(self, count: int) -> list[int]:
        """The numbers of the first `count` rows that hold anything."""
        heads = [cells.rows[:count] for cells in self.columns.values()]
        return [int(row) for row in np.unique(np.concatenate(heads))[:count]] if heads else []

    def row(self, number: int) -> dict[int, str]:
        """Column number → text of every non-empty cell in one row."""
        found = {}
        for column in sorted(self.columns):
            place = self.columns[column].at(number)
            if place is not None:
                found[column] = str(self.columns[column].texts[place].as_py())
        return found

    def kind(self, row: int, column: int) -> CellKind | None:
        """How the file types the cell, None for an empty one."""
        cells = self.columns.get(column)
        place = cells.at(row) if cells is not None else None
        return None if cells is None or place is None else CellKind(int(cells.kinds[place]))


@dataclass(frozen=True, slots=True)
class SharedTexts:
    """Of a batch of cells, those whose text stands once for the whole book: its place in `strings`, -1 for others.

    `strings` are the same for all batches of a sheet.
    """

    strings: pyarrow.Array
    indices: Ints

    def where(self, chosen: npt.NDArray[Any] | slice) -> "SharedTexts":
        """Those of some cells, or of all in another order."""
        return SharedTexts(self.strings, self.indices[chosen])

    def put_into(self, texts: pyarrow.Array) -> pyarrow.Array:
        """`texts` with the shared ones; where all are shared, they stay indices until the column is joined."""
        shared = self.indices >= 0
        if shared.all():
            return pyarrow.DictionaryArray.from_arrays(self.indices, self.strings)
        if not shared.any():
            return texts
        values = self.strings.take(pyarrow.array(self.indices[shared]))
        return pc.replace_with_mask(texts, pyarrow.array(shared), values)


class SheetWriter:
    """Collects cells in whatever order a reader meets them and puts them in columns."""

    def __init__(self) -> None:
        self._parts: dict[int, list[Cells]] = {}
        self._filled_strings: npt.NDArray[np.bool_] | None = None

    def add(self, columns: Ints, cells: Cells, shared: SharedTexts | None = None) -> None:
        """Takes a batch of cells that lie in `columns`, some of them with `shared` texts; blank texts are no cells."""
        filled = self._filled(cells, shared)
        if not filled.all():
            columns, cells = columns[filled], cells.where(filled)
            shared = shared.where(filled) if shared else None
        if not len(columns):
            return
        rows, kinds, texts, formats = cells.rows, cells.kinds, cells.texts, cells.formats
        if (columns[1:] < columns[:-1]).any():
            order = np.argsort(columns, kind="stable")
            columns, rows, kinds, texts = columns[order], rows[order], kinds[order], texts.take(pyarrow.array(order))
            formats = None if formats is None else formats[order]
            shared = shared.where(order) if shared else None
        starts = np.flatnonzero(np.diff(columns, prepend=columns[0] - 1))
        for number, start, stop in zip(columns[starts], starts, [*starts[1:], len(columns)], strict=True):
            part = slice(int(start), int(stop))
            held = shared.where(part).put_into(texts[part]) if shared else texts[part]
            self._parts.setdefault(int(number), []).append(
                Cells(rows[part], kinds[part], held, None if formats is None else formats[part])
            )

    def _filled(self, cells: Cells, shared: SharedTexts | None) -> npt.NDArray[np.bool_]:
        if shared is None:
            return _filled(cells)
        if self._filled_strings is None:
            self._filled_strings = _are_filled(shared.strings)
        return np.where(shared.indices >= 0, self._filled_strings[shared.indices], _filled(cells))

    def add_column(self, number: int, cells: Cells) -> None:
        """Takes a batch of cells that all lie in one column; blank texts are no cells."""
        kept = cells.where(_filled(cells))
        if len(kept):
            self._parts.setdefault(number, []).append(kept)

    def columns(self) -> dict[int, Cells]:
        """All cells taken so far, one `Cells` per column; a cell written twice counts as last written."""
        return {number: _joined(self._parts[number]) for number in sorted(self._parts)}


def _filled(cells: Cells) -> npt.NDArray[np.bool_]:
    """Which of the cells hold more than blanks; a formula without its value counts."""
    return _are_filled(cells.texts) | (cells.kinds == CellKind.UNCALCULATED)


def _are_filled(texts: pyarrow.Array) -> npt.NDArray[np.bool_]:
    if not texts.null_count and not may_be_blank(first_bytes(texts)).any():
        return np.ones(len(texts), dtype=bool)
    lengths = pc.binary_length(pc.utf8_trim_whitespace(texts)).to_numpy(zero_copy_only=False)
    return np.asarray(lengths > 0)


def _joined(parts: list[Cells]) -> Cells:
    texts = _joined_texts([part.texts for part in parts])
    if len(parts) == 1 and (np.diff(parts[0].rows) > 0).all():
        return replace(parts[0], texts=texts)
    rows = np.concatenate([part.rows for part in parts])
    kinds = np.concatenate([part.kinds for part in parts])
    formats = None
    if all(part.formats is not None for part in parts):
        formats = np.concatenate([part.formats for part in parts if part.formats is not None])
    if (np.diff(rows) > 0).all():
        return Cells(rows, kinds, texts, formats)
    _, last = np.unique(rows[::-1], return_index=True)
    order = len(rows) - 1 - last
    kept = None if formats is None else formats[order]
    return Cells(rows[order], kinds[order], texts.take(pyarrow.array(order)), kept)


def _joined_texts(parts: list[pyarrow.Array]) -> pyarrow.Array:
    """One array of texts, shared ones looked up all at once."""
    shared = [isinstance(part, pyarrow.DictionaryArray) for part in parts]
    if all(shared):
        return parts[0].dictionary.take(pyarrow.concat_arrays([part.indices for part in parts]))
    plain = [part.dictionary_decode() if one else part for part, one in zip(parts, shared, strict=True)]
    return plain[0] if len(plain) == 1 else pyarrow.concat_arrays(plain)


@lru_cache(maxsize=20_000)
def column_letters(column: int) -> str:
    """1 → `A`, 28 → `AB`."""
    name = ""
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(65 + rest) + name
    return name


def column_number(name: str) -> int:
    """`A` → 1, `AB` → 28."""
    number = 0
    for letter in name:
        number = number * 26 + ord(letter) - 64
    return number


def cell_address(row: int, column: int) -> str:
    """(5, 3) → `C5`."""
    return f"{column_letters(column)}{row}"


def parse_cell_address(cell: str | None) -> CellPosition | None:
    """`C5` → (5, 3); None for what is not the address of a cell that a sheet can have."""
    match = _ADDRESS.match(cell or "")
    if match is None:
        return None
    row, column = int(match[2]), column_number(match[1].upper())
    return (row, column) if 1 <= row <= LAST_ROW and column <= LAST_COLUMN else None
