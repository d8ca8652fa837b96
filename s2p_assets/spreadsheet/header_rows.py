"""Rows among those of a table that bear its titles again, perhaps in another order, without a blank row before them.

Whether such a row is the header of another table is decided in `table_regions`.
"""

import numpy as np
import numpy.typing as npt
import pyarrow
import pyarrow.compute as pc

from s2p_assets.contracts.workbook import Workbook
from s2p_assets.spreadsheet.grid import CellKind, Cells, Sheet
from s2p_assets.spreadsheet.header import Header

_WORDS = ("text", "code", "boolean")
_FEWEST = 2


def rows_with_titles(sheet: Sheet, header: Header, workbook: Workbook) -> set[int]:
    """The rows under a header where a column of numbers or dates holds the title of one of the table's columns.

    Where the table has words alone, its first column is asked.
    """
    titles = pyarrow.array(sorted({header.titles[number].strip() for number in header.column_numbers.values()
                                   if number in header.titles}), pyarrow.string())  # fmt: skip
    kinds = {column.name: column.kind for column in workbook.columns}
    numbers = [number for name, number in header.column_numbers.items() if kinds[name] not in _WORDS]
    found: set[int] = set()
    for number in numbers or list(header.column_numbers.values())[:1]:
        cells = sheet.columns.get(number)
        if cells is None or not len(titles):
            continue
        words = np.flatnonzero((cells.rows > header.bottom) & _are_words(cells, sheet))
        if len(words):
            texts = pc.utf8_trim_whitespace(cells.texts.take(pyarrow.array(words)))
            named = pc.is_in(texts, titles).to_numpy(zero_copy_only=False)
            found.update(int(row) for row in cells.rows[words[named]])
    return {row for row in found if len(sheet.row(row)) >= _FEWEST}


def _are_words(cells: Cells, sheet: Sheet) -> npt.NDArray[np.bool_]:
    """Which cells are texts; in a file that knows texts alone, those that begin with no digit."""
    if sheet.typed:
        return cells.kinds == CellKind.TEXT
    offsets = np.frombuffer(cells.texts.buffers()[1], np.int32)[cells.texts.offset :][: len(cells.texts)]
    first = np.frombuffer(cells.texts.buffers()[2], np.uint8)[offsets]
    return first > ord("9")
