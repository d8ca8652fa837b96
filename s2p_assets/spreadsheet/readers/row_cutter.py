"""The cutter of a sheet's rows that is in use: the compiled one where it was made at install, else the pure one.

The pure cutter, `xlsx_rows`, is what the compiled one is held against, and reads whatever that refuses.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any, Literal

import numpy as np
import pyarrow

from s2p_assets.spreadsheet.readers.xlsx_rows import PlainCells, plain_cells

Cut = Callable[[str], tuple[Any, ...] | None]


def _compiled() -> Cut | None:
    try:
        made: Cut = import_module("s2p_assets.spreadsheet.readers._cut_rows").cut
    except ImportError:
        return None
    return made


class _InUse:
    cut: Cut | None = _compiled()


def use_cutter(*, compiled: bool) -> Literal["compiled", "pure"]:
    """Takes the compiled cutter where it is wanted and there is one; says which is in use now."""
    _InUse.cut = _compiled() if compiled else None
    return "compiled" if _InUse.cut else "pure"


def cut_cells(text: str) -> PlainCells | None:
    """As `plain_cells`; the cells may come ordered by column."""
    cut = _InUse.cut(text) if _InUse.cut else None
    if cut is None:
        return plain_cells(text)
    columns, rows, given, numbers, offsets, values, attributes = cut
    count = len(columns) // 4
    texts = pyarrow.StringArray.from_buffers(count, pyarrow.py_buffer(offsets), pyarrow.py_buffer(values))
    which = pyarrow.Array.from_buffers(pyarrow.int32(), count, [None, pyarrow.py_buffer(given)])
    return PlainCells(
        columns=np.frombuffer(columns, np.int32),
        rows=np.frombuffer(rows, np.int32),
        attributes=pyarrow.DictionaryArray.from_arrays(which, pyarrow.array(attributes, pyarrow.string())),
        values=texts,
        numbers=np.frombuffer(numbers, np.int32),
    )
