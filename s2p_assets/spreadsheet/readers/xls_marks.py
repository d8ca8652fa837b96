"""What an `.xls` says of its rows and cells besides their values: looks, comments, outlines, formulas, other workbooks.

Looks and comments are xlrd's; it keeps no formulas, so the file's own records are walked for them. Source: [MS-XLS].
"""

import re
import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pyarrow

from s2p_assets.spreadsheet.formulas import summed_up, volatile_function
from s2p_assets.spreadsheet.grid import CellKind, CellPosition, Cells, Marks
from s2p_assets.spreadsheet.readers.biff import records, workbook_stream
from s2p_assets.spreadsheet.readers.cell_list import Look
from s2p_assets.spreadsheet.readers.xlsx_marks import without_own_note

if TYPE_CHECKING:
    from xlrd.book import Book as XlrdBook
    from xlrd.sheet import Sheet as XlrdSheet

_BOUNDSHEET, _SUPBOOK, _CALCMODE, _SHEET_FLAGS, _SHARED = 0x0085, 0x01AE, 0x000D, 0x0081, 0x04BC
_TABLES = (0x0872, 0x0878)
_FORMULAS = (0x0006, 0x0206, 0x0406)
_ROW_SUMS_BELOW = 0x40
_BIFF5, _BIFF8 = 50, 80
_CODE_AT, _SHARED_CODE_AT = 22, 10
_POINTS_ELSEWHERE = 0x01
_OUTSIDE = "<<external>>!"
_MOST_FORMULAS = 200_000
# The tokens of formulas that tell something: SUM by itself, SUBTOTAL and its like, sums by `+`, functions of the
# moment, cells of other workbooks. Only formulas with one of them are put into words, unless all are wanted.
_TELLING = re.compile(
    rb"\x19[\x10-\x1f]|[\x21\x41\x61](?:\x3f|\x4a|\xdd)\x00|[\x22\x42\x62].(?:[\x00\x04-\x07\x4e\x94\xa9\xe3]\x00|\x58\x01|\xff\x00)"
    rb"|[\x39-\x3b\x59-\x5b\x79-\x7b]|\x03\Z",
    re.DOTALL,
)
Formula = tuple[CellPosition, bytes]


def style_looks(book: "XlrdBook") -> list[Look]:
    """How the cells of each style look, in the order of the styles."""
    looks = []
    for style in book.xf_list:
        font = book.font_list[style.font_index] if style.font_index < len(book.font_list) else None
        back = style.background
        fill = _colour(book, back.pattern_colour_index) if back is not None and back.fill_pattern else ""
        letters = _colour(book, font.colour_index) if font is not None else ""
        is_pale = bool(letters) and letters == (fill or "FFFFFF")
        looks.append(Look(bool(font and font.struck_out), "" if fill == "FFFFFF" else fill, is_pale))
    return looks


def _colour(book: "XlrdBook", index: int) -> str:
    found = book.colour_map.get(index)
    return "".join(f"{part:02X}" for part in found) if found else ""


def sheet_marks(book: "XlrdBook", sheet: "XlrdSheet") -> Marks:
    """What xlrd itself knows of a sheet."""
    struck_fonts = {place for place, font in enumerate(book.font_list) if getattr(font, "struck_out", 0)}
    struck = {
        (row + 1, column + 1)
        for (row, column), runs in (sheet.rich_text_runlist_map or {}).items()
        if any(font in struck_fonts for _, font in runs)
    }
    comments = {}
    for (row, column), note in (sheet.cell_note_map or {}).items():
        if text := without_own_note(note.text or "", note.author or ""):
            comments[row + 1, column + 1] = text
    return Marks(
        levels={row + 1: info.outline_level for row, info in sheet.rowinfo_map.items() if info.outline_level},
        struck_cells=struck,
        comments=comments,
        hidden_columns=[(number + 1, number + 1) for number, info in sheet.colinfo_map.items() if info.hidden],
        unseen=frozenset() if book.biff_version >= _BIFF5 else frozenset({"formulas"}),
    )


def note_formulas(book: "XlrdBook", content: bytes, marks: list[Marks]) -> None:
    """Adds to each sheet's marks what the formulas of the file say; those too damaged to walk say nothing."""
    try:
        stream = workbook_stream(content) if book.biff_version >= _BIFF5 else None
        starts, books = [], []
        for kind, body in records(stream) if stream else ():
            if kind == _BOUNDSHEET and not body[5]:
                starts.append(struct.unpack_from("<I", body)[0])
            elif kind == _SUPBOOK and (name := _book_name(body)):
                books.append(name)
        for start, found in zip(starts, marks, strict=False):
            found.other_books = {str(number): name for number, name in enumerate(books, 1)}
            _note_sheet(book, stream or b"", start, found)
    except (struct.error, IndexError, ValueError, UnicodeDecodeError):
        for found in marks:
            found.unseen |= {"formulas"}


def _book_name(body: bytes) -> str:
    """The file's name of another workbook; empty for the own one and for add-ins."""
    length = struct.unpack_from("<H", body, 2)[0]
    if len(body) <= 5 or length in (0x0401, 0x3A01):
        return ""
    is_wide = body[4] & 1
    path = body[5 : 5 + length * (1 + is_wide)].decode("utf-16-le" if is_wide else "latin-1", "replace")
    return re.split(r"[\x01-\x08\\/:]", path)[-1]


def _note_sheet(book: "XlrdBook", stream: bytes, start: int, found: Marks) -> None:
    formulas, shared = _formulas(stream, start, found)
    found.looks_outside = bool(found.other_books)
    all_wanted = (found.looks_outside or found.calculated_by_hand) and len(formulas) <= _MOST_FORMULAS
    texts: dict[int, dict[int, str]] = {}
    for place, code, is_shared in _in_full(formulas, shared):
        if not all_wanted and not _TELLING.search(code[2:]):
            continue
        text = _in_words(book, code, place, is_shared)
        if all_wanted:
            texts.setdefault(place[1], {})[place[0]] = text or "?"
        if function := summed_up(text, place[1]):
            found.summed_up.setdefault(place[0], {})[place[1]] = function
        if function := volatile_function(text):
            found.volatile.setdefault(place[1], {}).setdefault(function, []).append(place[0])
    found.formulas = {number: _as_cells(held) for number, held in texts.items()}


def _formulas(stream: bytes, start: int, found: Marks) -> tuple[list[Formula], dict[CellPosition, bytes]]:
    """The code of each formula of a sheet, and of those that cells share; `found` is told what else its records say."""
    formulas: list[Formula] = []
    shared: dict[CellPosition, bytes] = {}
    for kind, body in records(stream, start):
        if kind in _FORMULAS and len(body) > _CODE_AT:
            row, column = struct.unpack_from("<HH", body)
            formulas.append(((row + 1, column + 1), body[_CODE_AT - 2 :]))
        elif kind == _SHARED and formulas:
            shared[formulas[-1][0]] = body[_SHARED_CODE_AT - 2 :]
        elif kind == _CALCMODE:
            found.calculated_by_hand = body[:2] == b"\0\0"
        elif kind in _TABLES:
            found.table_totals += _table_totals(body)
        elif kind == _SHEET_FLAGS:
            found.summaries_above = not body[0] & _ROW_SUMS_BELOW
    return formulas, shared


def _table_totals(body: bytes) -> Iterator[tuple[int, int, int, str]]:
    """The total rows of a table, by its feature record: row, first and last column, what to call the table."""
    places = struct.unpack_from("<H", body, 19)[0]
    if len(body) >= 43 + 8 * places and places:
        _, last, left, right = struct.unpack_from("<4H", body, 27)
        for row in range(struct.unpack_from("<I", body, 39 + 8 * (places - 1) + 8)[0]):
            yield last - row + 1, left + 1, right + 1, "of the sheet"


def _in_full(formulas: list[Formula], shared: dict[CellPosition, bytes]) -> Iterator[tuple[CellPosition, bytes, bool]]:
    """Each cell's own code, with its length in front, and whether that is one which it shares with others."""
    for place, code in formulas:
        if code[2:3] == bytes([_POINTS_ELSEWHERE]) and len(code) >= 7:
            row, column = struct.unpack_from("<HH", code, 3)
            if (row + 1, column + 1) in shared:
                yield place, shared[row + 1, column + 1], True
        else:
            yield place, code, False


def _in_words(book: "XlrdBook", code: bytes, place: CellPosition, is_shared: bool) -> str:
    from xlrd.formula import FMLA_TYPE_CELL, FMLA_TYPE_SHARED, decompile_formula

    kind = FMLA_TYPE_SHARED if is_shared else FMLA_TYPE_CELL
    length = struct.unpack_from("<H", code)[0]
    try:
        text = decompile_formula(book, code[2:], length, kind, browx=place[0] - 1, bcolx=place[1] - 1)
    except Exception:  # xlrd asserts, and trips over what a damaged file holds
        return ""
    return re.sub(r"(?<=[0-9])\.0\b", "", str(text or "")).replace(_OUTSIDE, "[1]Sheet!")


def _as_cells(held: dict[int, str]) -> Cells:
    rows = np.array(sorted(held), np.int32)
    texts = pyarrow.array([held[row] for row in rows.tolist()], pyarrow.string())
    return Cells(rows, np.full(len(rows), CellKind.TEXT, np.int8), texts)
