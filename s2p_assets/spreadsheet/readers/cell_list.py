"""Cells one by one, as readers of a whole file meet them, put into the columns that a `Sheet` is made of.

What stands in a cell, and of which kind it is, the reader says.
"""

from typing import NamedTuple

import numpy as np
import pyarrow

from s2p_assets.spreadsheet.grid import CellKind, CellPosition, Cells, Marks, SheetWriter
from s2p_assets.spreadsheet.limits import MAX_CELLS, WorkbookUnreadable

GENERAL = "General"


class Look(NamedTuple):
    """How a cell looks: struck through, its fill as `RRGGBB`, letters of the colour of their background."""

    struck: bool = False
    fill: str = ""
    pale: bool = False


PLAIN = Look()


class CellList:
    """The cells of one sheet, in whatever order they come."""

    def __init__(self) -> None:
        self._places: list[CellPosition] = []
        self._kinds: list[CellKind] = []
        self._styles: list[int] = []
        self._formats: dict[tuple[str, Look], int] = {(GENERAL, PLAIN): 0}
        self.texts: list[str] = []

    def take(
        self, place: CellPosition, kind: CellKind, text: str, number_format: str = GENERAL, look: Look = PLAIN
    ) -> None:
        """Takes one cell; of two at one place the later counts. Raises WorkbookUnreadable when there are too many."""
        if len(self.texts) >= MAX_CELLS:
            raise WorkbookUnreadable(f"the file has more than {MAX_CELLS:,} cells; split it into smaller workbooks")
        self._places.append(place)
        self._kinds.append(kind)
        self.texts.append(text)
        self._styles.append(self._formats.setdefault((number_format, look), len(self._formats)))

    @property
    def formats(self) -> list[str]:
        """The number formats of `Sheet.formats`."""
        return [number_format for number_format, _ in self._formats]

    @property
    def styles(self) -> list[tuple[str, Look]]:
        """The same with the look of each."""
        return list(self._formats)

    def columns(self) -> dict[int, Cells]:
        """Column number → cells."""
        writer = SheetWriter()
        places = np.array(self._places, np.int32).reshape(-1, 2)
        styles = np.array(self._styles, np.int16)
        kinds = np.array(self._kinds, np.int8)
        writer.add(places[:, 1], Cells(places[:, 0], kinds, pyarrow.array(self.texts, pyarrow.string()), styles))
        return writer.columns()


def looks_of(styles: list[tuple[str, Look]], marks: Marks) -> Marks:
    """The marks with which of the styles that cells point to are struck through, filled, or not to be seen."""
    if any(look != PLAIN for _, look in styles):
        marks.struck = frozenset(number for number, (_, look) in enumerate(styles) if look.struck)
        marks.fills = {number: look.fill for number, (_, look) in enumerate(styles) if look.fill}
        marks.pale = frozenset(number for number, (_, look) in enumerate(styles) if look.pale)
    return marks
