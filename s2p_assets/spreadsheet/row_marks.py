"""What people say with a row's look: struck through, filled with a colour, commented; as the contract takes it.

Which rows are set aside or go back is answered here; setting them aside is done in `table_rows`.
"""

import colorsys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from s2p_assets.contracts.workbook import RowHandling, Workbook
from s2p_assets.spreadsheet.grid import CellPosition, Cells, Ints, Sheet, cell_address
from s2p_assets.spreadsheet.header import Header

_SHOWN = 120


@dataclass(frozen=True)
class MarkedRow:
    """A row that bears a mark: at which cell, the mark's rule and what it is in words, and what the contract wants."""

    row: int
    cell: CellPosition
    rule: str
    mark: str
    handling: RowHandling


def marked_rows(
    sheet: Sheet, header: Header, workbook: Workbook, cells: Mapping[str, Cells], numbers: Ints
) -> list[MarkedRow]:
    """The rows among `numbers` that bear a mark which the contract does not simply read over.

    `cells`: contract column → its cells in these rows.
    """
    if not len(numbers):
        return []
    return [
        *(_struck(sheet, header, workbook, cells, numbers) if workbook.where_struck != "read" else ()),
        *(_filled(sheet, header, workbook, cells, numbers) if workbook.where_filled else ()),
        *(_commented(sheet, workbook, numbers) if workbook.where_commented != "read" else ()),
    ]


def _struck(
    sheet: Sheet, header: Header, workbook: Workbook, cells: Mapping[str, Cells], numbers: Ints
) -> Iterator[MarkedRow]:
    """Rows most cells of which are struck through; single cells are told, whatever is done with rows."""
    places = _with_style(header, cells, sheet.marks.struck)
    columns = set(header.column_numbers.values())
    known = set(numbers.tolist()) if sheet.marks.struck_cells else set()
    for row, column in sheet.marks.struck_cells:
        if row in known and column in columns:
            places.setdefault(row, set()).add(column)
    filled = _filled_cells(cells, places)
    for row in sorted(places):
        cell = (row, min(places[row]))
        if 2 * len(places[row]) >= filled[row]:
            yield MarkedRow(row, cell, "struck_row", "the row is struck through", workbook.where_struck)
        else:
            yield MarkedRow(row, cell, "struck_cell", "the cell is struck through", "notice")


def _filled(
    sheet: Sheet, header: Header, workbook: Workbook, cells: Mapping[str, Cells], numbers: Ints
) -> Iterator[MarkedRow]:
    """Rows most cells of which have a fill of which the contract says what it means."""
    for colour, handling in dict(workbook.where_filled).items():
        styles = frozenset(style for style, fill in sheet.marks.fills.items() if is_colour(fill, colour))
        places = _with_style(header, cells, styles)
        filled = _filled_cells(cells, places)
        for row in sorted(places):
            if 2 * len(places[row]) >= filled[row] and handling != "read":
                mark = "the row is filled with a colour" if colour == "any" else f"the row is filled with {colour}"
                yield MarkedRow(row, (row, min(places[row])), "filled_row", mark, handling)


def _commented(sheet: Sheet, workbook: Workbook, numbers: Ints) -> Iterator[MarkedRow]:
    known = set(numbers.tolist()) if sheet.marks.comments else set()
    for place in sorted(sheet.marks.comments):
        if place[0] in known:
            text = sheet.marks.comments[place]
            said = f"{text[:_SHOWN]}…" if len(text) > _SHOWN else text
            yield MarkedRow(place[0], place, "comment", f"the cell has a comment, '{said}'", workbook.where_commented)


def _with_style(header: Header, cells: Mapping[str, Cells], styles: frozenset[int]) -> dict[int, set[int]]:
    """Row → the sheet columns of its cells that have one of the styles."""
    found: dict[int, set[int]] = {}
    wanted = np.array(sorted(styles), np.int16)
    for name, held in cells.items() if styles else ():
        if held.formats is not None:
            for row in held.rows[np.isin(held.formats, wanted)].tolist():
                found.setdefault(row, set()).add(header.column_numbers[name])
    return found


def _filled_cells(cells: Mapping[str, Cells], rows: Mapping[int, object]) -> dict[int, int]:
    """How many cells of the table each of `rows` has."""
    counted = dict.fromkeys(rows, 0)
    wanted: npt.NDArray[np.int32] = np.array(sorted(rows), np.int32)
    for held in cells.values() if rows else ():
        for row in held.rows[np.isin(held.rows, wanted)].tolist():
            counted[row] += 1
    return counted


def is_colour(fill: str, colour: str) -> bool:
    """Whether a fill, `FFFF00`, is a colour: the same one as `#FFFF00`, one that people call `yellow`, or `any`."""
    return colour == "any" or colour.lstrip("#").upper() == fill or colour == colour_name(fill)


def colour_name(fill: str) -> str:
    """What people call a colour written as `RRGGBB`: `FFFF00` → `yellow`."""
    hue, light, saturation = colorsys.rgb_to_hls(*(int(fill[at : at + 2], 16) / 255 for at in (0, 2, 4)))
    if saturation < 0.15 or light < 0.06 or light > 0.97:
        return "black" if light < 0.15 else "white" if light > 0.97 else "grey"
    degrees = hue * 360
    names = ((15, "red"), (46, "orange"), (70, "yellow"), (165, "green"), (255, "blue"), (320, "purple"), (360, "red"))
    return next(name for end, name in names if degrees <= end)


def said_of(row: MarkedRow, count: int) -> str:
    """What the owner reads of a marked row and of how many there are."""
    done = {"notice": "it was read", "leave_out": "it was left out, as agreed", "reject": "mend or delete it"}
    many = {"notice": "such were read", "leave_out": "such rows were left out, as agreed", "reject": ""}
    if count > 1 and row.handling != "reject":
        return f"{row.mark}; {count:,} {many[row.handling]}"
    return f"{row.mark}; {done[row.handling]}"


def where(row: MarkedRow) -> str:
    """The address of the marked cell."""
    return cell_address(*row.cell)
