"""The cutter of a sheet's rows that is in use: the compiled one where it was made at install, else the pure one.

The pure cutter, `xlsx_rows`, is what the compiled one is held against, and reads whatever that refuses.
"""

import numpy as np
import pyarrow

from s2p_assets.spreadsheet.readers.compiled_cutter import Cut, Cutter, compiled_cutter
from s2p_assets.spreadsheet.readers.xlsx_rows import PlainCells, plain_cells


class _InUse:
    cut: Cut | None = compiled_cutter()


def use_cutter(*, compiled: bool) -> Cutter:
    """Takes the compiled cutter where it is wanted and there is one; says which is in use now."""
    _InUse.cut = compiled_cutter() if compiled else None
    return "compiled" if _InUse.cut else "pure"


def cut_cells(text: str) -> PlainCells | None:
    """As `plain_cells`; the cells may come ordered by column."""
    cut = _InUse.cut(text) if _InUse.cut else None
    if cut is None:
        return plain_cells(text)
    columns, rows, given, numbers, offsets, values, attributes, are_noted = cut
    count = len(columns) // 4
    texts = pyarrow.StringArray.from_buffers(count, pyarrow.py_buffer(offsets), pyarrow.py_buffer(values))
    which = pyarrow.Array.from_buffers(pyarrow.int32(), count, [None, pyarrow.py_buffer(given)])
    return PlainCells(
        columns=np.frombuffer(columns, np.int32),
        rows=np.frombuffer(rows, np.int32),
        attributes=pyarrow.DictionaryArray.from_arrays(which, pyarrow.array(attributes, pyarrow.string())),
        values=texts,
        numbers=np.frombuffer(numbers, np.int32),
        rows_are_noted=bool(are_noted),
    )
