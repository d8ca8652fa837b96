"""Cells one by one, as readers of a whole file meet them, put into the columns that a `Sheet` is made of.

What stands in a cell, and of which kind it is, the reader says.
"""

import numpy as np
import pyarrow

from s2p_assets.spreadsheet.grid import CellKind, CellPosition, Cells, SheetWriter
from s2p_assets.spreadsheet.limits import MAX_CELLS, WorkbookUnreadable

GENERAL = "General"


class CellList:
    """The cells of one sheet, in whatever order they come."""

    def __init__(self) -> None:
        self._places: list[CellPosition] = []
        self._kinds: list[CellKind] = []
        self._styles: list[int] = []
        self._formats: dict[str, int] = {GENERAL: 0}
        self.texts: list[str] = []

    def take(self, place: CellPosition, kind: CellKind, text: str, number_format: str = GENERAL) -> None:
        """Takes one cell; of two at one place the later counts. Raises WorkbookUnreadable when there are too many."""
        if len(self.texts) >= MAX_CELLS:
            raise WorkbookUnreadable(f"the file has more than {MAX_CELLS:,} cells; split it into smaller workbooks")
        self._places.append(place)
        self._kinds.append(kind)
        self.texts.append(text)
        self._styles.append(self._formats.setdefault(number_format, len(self._formats)))

    @property
    def formats(self) -> list[str]:
        """The number formats of `Sheet.formats`."""
        return list(self._formats)

    def columns(self) -> dict[int, Cells]:
        """Column number → cells."""
        writer = SheetWriter()
        places = np.array(self._places, np.int32).reshape(-1, 2)
        styles = np.array(self._styles, np.int16)
        kinds = np.array(self._kinds, np.int8)
        writer.add(places[:, 1], Cells(places[:, 0], kinds, pyarrow.array(self.texts, pyarrow.string()), styles))
        return writer.columns()
