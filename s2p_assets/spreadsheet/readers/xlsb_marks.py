"""What an `.xlsb` says of its rows and cells besides their values: looks, comments, outlines, formulas.

Values come from calamine; this walks the parts' own records. Source: [MS-XLSB].
"""

import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow

from s2p_assets.spreadsheet.formulas import summed_up, volatile_function
from s2p_assets.spreadsheet.grid import CellKind, CellPosition, Cells, Marks, column_letters
from s2p_assets.spreadsheet.readers.cell_list import PLAIN, Look
from s2p_assets.spreadsheet.readers.xlsx_marks import PALETTE, without_own_note

_ROW, _FONT, _FILL, _STYLE, _COLUMN, _SHEET_FLAGS, _CALCULATION = 0, 43, 45, 47, 60, 147, 157
_OTHER_BOOK, _OWN_BOOK, _ADD_IN, _REFERENCES, _SAME_SHEET = 355, 357, 667, 362, 358
_FONTS, _FONTS_END, _FILLS, _FILLS_END, _STYLES, _STYLES_END = 611, 612, 603, 604, 617, 618
_AUTHOR, _COMMENT, _COMMENT_TEXT = 632, 635, 637
_CELLS = range(1, 12)
_VALUE_BYTES = {9: 8, 10: 1, 11: 1}
_TEXT_FORMULA = 8
_STRUCK, _ROW_SUMS_BELOW, _HIDDEN_COLUMN, _LEVEL = 0x08, 0x40, 0x01, 0x07
_NAMED = {4: "SUM", 5: "AVERAGE", 6: "MIN", 7: "MAX", 0: "COUNT", 169: "COUNTA", 227: "MEDIAN", 344: "SUBTOTAL"}
_NAMED |= {63: "RAND", 74: "NOW", 221: "TODAY", 78: "OFFSET", 148: "INDIRECT", 27: "ROUND"}
_OPERATORS = dict(enumerate(("+", "-", "*", "/", "^", "&", "<", "<=", "=", ">=", ">", "<>", " ", ",", ":"), 3))
_ARGUMENTS = {63: 0, 74: 0, 221: 0, 27: 2}
Records = Callable[[bytes], Iterator[tuple[int, bytes]]]


@dataclass
class BookFacts:
    """Of the whole workbook: how styles look, its other workbooks, which references lead there, how it calculates."""

    looks: list[Look] = field(default_factory=list)
    other_books: int = 0
    outside: frozenset[int] = frozenset()
    by_hand: bool = False


def book_facts(workbook: bytes, styles: bytes, records: Records) -> BookFacts:
    """What the parts of the workbook and of its styles say; nothing of what is too damaged to be made out."""
    try:
        return _book_facts(workbook, styles, records)
    except (struct.error, IndexError):
        return BookFacts()


def _book_facts(workbook: bytes, styles: bytes, records: Records) -> BookFacts:
    facts = BookFacts(_looks(styles, records))
    books: list[bool] = []
    for kind, body in records(workbook):
        if kind in (_OTHER_BOOK, _OWN_BOOK, _SAME_SHEET, _ADD_IN):
            books.append(kind == _OTHER_BOOK)
        elif kind == _REFERENCES:
            owners = [struct.unpack_from("<I", body, at)[0] for at in range(4, len(body) - 11, 12)]
            facts.outside = frozenset(n for n, owner in enumerate(owners) if owner < len(books) and books[owner])
        elif kind == _CALCULATION and len(body) >= 8:
            facts.by_hand = struct.unpack_from("<I", body, 4)[0] == 0
    facts.other_books = sum(books)
    return facts


def _looks(styles: bytes, records: Records) -> list[Look]:
    inside, fonts, fills, looks = 0, [], [], []
    for kind, body in records(styles):
        if kind in (_FONTS, _FILLS, _STYLES):
            inside = kind
        elif kind in (_FONTS_END, _FILLS_END, _STYLES_END):
            inside = 0
        elif kind == _FONT and inside == _FONTS:
            fonts.append((bool(body[2] & _STRUCK), _colour(body[12:20])))
        elif kind == _FILL and inside == _FILLS:
            pattern = struct.unpack_from("<I", body)[0]
            fills.append(_colour(body[4:12]) if pattern not in (0, 17) else "")
        elif kind == _STYLE and inside == _STYLES:
            font, fill = struct.unpack_from("<HH", body, 4)
            struck, letters = fonts[font] if font < len(fonts) else (False, "")
            back = fills[fill] if fill < len(fills) else ""
            looks.append(
                Look(struck, "" if back == "FFFFFF" else back, bool(letters) and letters == (back or "FFFFFF"))
            )
    return looks


def _colour(body: bytes) -> str:
    """A colour as `RRGGBB`; empty for one of the theme but white, and for the automatic one."""
    if len(body) < 8:
        return ""
    kind, index = body[0] >> 1, body[1]
    if kind == 1:
        place = index - 8 if index > 7 else index
        return PALETTE[place] if place < len(PALETTE) else ""
    if kind == 3 and not body[0] & 1:
        return "FFFFFF" if index == 0 else ""
    return body[4:7].hex().upper() if kind in (2, 3) else ""


class SheetNotes:
    """A sheet's marks, taken from its records one by one. `looks`: how the cells look that do not look plain."""

    def __init__(self, facts: BookFacts) -> None:
        self._facts = facts
        self._odd = {number: look for number, look in enumerate(facts.looks) if look != PLAIN}
        self._texts: dict[int, dict[int, str]] | None = {} if facts.by_hand or facts.other_books else None
        self._marks = Marks(calculated_by_hand=facts.by_hand, looks_outside=bool(facts.other_books))
        self._marks.other_books = {str(number): "" for number in range(1, facts.other_books + 1)}
        self.looks: dict[CellPosition, Look] = {}

    def take(self, kind: int, body: bytes, row: int) -> None:
        """Notes what a record of `row` says; one that cannot be made out is noted as unseen."""
        try:
            self._take(kind, body, row)
        except (struct.error, IndexError):
            self._marks.unseen |= {"struck", "fills", "formulas"}

    def _take(self, kind: int, body: bytes, row: int) -> None:
        if kind in _CELLS:
            column, style = struct.unpack_from("<II", body)
            if style & 0xFFFFFF in self._odd:
                self.looks[row, column + 1] = self._odd[style & 0xFFFFFF]
            if kind >= _TEXT_FORMULA:
                self._take_formula((row, column + 1), _formula(kind, body, self._facts.outside))
        elif kind == _ROW and len(body) > 11 and body[11] & _LEVEL:
            self._marks.levels[row] = body[11] & _LEVEL
        elif kind == _COLUMN and len(body) >= 18 and body[16] & _HIDDEN_COLUMN:
            first, last = struct.unpack_from("<II", body)
            self._marks.hidden_columns.append((first + 1, last + 1))
        elif kind == _SHEET_FLAGS and body:
            self._marks.summaries_above = not body[0] & _ROW_SUMS_BELOW

    def _take_formula(self, place: CellPosition, text: str) -> None:
        if function := summed_up(text, place[1]):
            self._marks.summed_up.setdefault(place[0], {})[place[1]] = function
        if function := volatile_function(text):
            self._marks.volatile.setdefault(place[1], {}).setdefault(function, []).append(place[0])
        if self._texts is not None:
            self._texts.setdefault(place[1], {})[place[0]] = text

    def marks(self, comments: bytes, records: Records) -> Marks:
        """All of them, with those of the sheet's part of comments."""
        self._marks.formulas = {number: _as_cells(held) for number, held in (self._texts or {}).items()}
        try:
            self._marks.comments = dict(_comments(comments, records))
        except (struct.error, IndexError):
            self._marks.unseen |= {"comments"}
        return self._marks


def _as_cells(held: dict[int, str]) -> Cells:
    rows = np.array(list(held), np.int32)
    return Cells(rows, np.full(len(rows), CellKind.TEXT, np.int8), pyarrow.array(list(held.values()), pyarrow.string()))


def _comments(part: bytes, records: Records) -> Iterator[tuple[CellPosition, str]]:
    authors, place, author = [], None, ""
    for kind, body in records(part):
        if kind == _AUTHOR:
            authors.append(_wide(body))
        elif kind == _COMMENT:
            number, row, _, column, _ = struct.unpack_from("<5I", body)
            place, author = (row + 1, column + 1), authors[number] if number < len(authors) else ""
        elif kind == _COMMENT_TEXT and place and (text := without_own_note(_wide(body[1:]), author)):
            yield place, text


def _wide(body: bytes) -> str:
    length = struct.unpack_from("<I", body)[0]
    return body[4 : 4 + 2 * length].decode("utf-16-le", "replace")


def _formula(kind: int, body: bytes, outside: frozenset[int]) -> str:
    """A cell's formula in words as far as it can be told: `SUM(C2:C9)`, `[1]Sheet!B2`; else `?`."""
    after = 8 + (4 + 2 * struct.unpack_from("<I", body, 8)[0] if kind == _TEXT_FORMULA else _VALUE_BYTES[kind]) + 2
    length = struct.unpack_from("<I", body, after)[0]
    try:
        return _in_words(body[after + 4 : after + 4 + length], outside)
    except (struct.error, IndexError, KeyError):
        return "?"


def _in_words(code: bytes, outside: frozenset[int]) -> str:
    """The tokens of a formula, which stand behind what they work on, as people write them."""
    held: list[str] = []
    at = 0
    while at < len(code):
        token, at = code[at], at + 1
        base = token & 0x1F | 0x20 if token & 0x60 else token
        if base in _OPERATORS:
            right, left = held.pop(), held.pop()
            held.append(f"{left}{_OPERATORS[base]}{right}")
        elif base == 0x15:
            held.append(f"({held.pop()})")
        elif base in (0x12, 0x13, 0x14, 0x16):
            held += ["0"] if base == 0x16 else []
        elif base == 0x19:
            at = _attribute(code, at, held)
        elif base in _CONSTANTS:
            at = _constant(code, at, base, held)
        elif base in (0x21, 0x22):
            at = _call(code, at, base, held)
        else:
            at = _reference(code, at, base, held, outside)
    return held[-1] if held else "?"


def _attribute(code: bytes, at: int, held: list[str]) -> int:
    if code[at] & 0x10:
        held.append(f"SUM({held.pop()})")
    count = struct.unpack_from("<H", code, at + 1)[0]
    return at + 3 + (2 * (count + 1) if code[at] & 0x04 else 0)


_CONSTANTS = (0x17, 0x1C, 0x1D, 0x1E, 0x1F)


def _constant(code: bytes, at: int, base: int, held: list[str]) -> int:
    if base == 0x17:
        held.append('""')
        return at + 2 + 2 * struct.unpack_from("<H", code, at)[0]
    held.append(str(struct.unpack_from("<H", code, at)[0]) if base == 0x1E else "0.5")
    return at + {0x1C: 1, 0x1D: 1, 0x1E: 2, 0x1F: 8}[base]


def _call(code: bytes, at: int, base: int, held: list[str]) -> int:
    count = code[at] if base == 0x22 else None
    number = struct.unpack_from("<H", code, at + (base == 0x22))[0] & 0x7FFF
    if count is None:
        count = _ARGUMENTS[number]
    given = held[len(held) - count :]
    del held[len(held) - count :]
    held.append(f"{_NAMED.get(number, 'F')}({','.join(given)})")
    return at + (3 if base == 0x22 else 2)


def _reference(code: bytes, at: int, base: int, held: list[str], outside: frozenset[int]) -> int:
    sheet = ""
    if base in (0x3A, 0x3B, 0x39):
        sheet = "[1]Sheet!" if struct.unpack_from("<H", code, at)[0] in outside else "Sheet!"
        at += 2
    if base in (0x24, 0x3A):
        row, column = struct.unpack_from("<IH", code, at)
        held.append(f"{sheet}{column_letters((column & 0x3FFF) + 1)}{row + 1}")
        return at + 6
    if base in (0x25, 0x3B):
        top, bottom, left, right = struct.unpack_from("<IIHH", code, at)
        first, last = column_letters((left & 0x3FFF) + 1), column_letters((right & 0x3FFF) + 1)
        held.append(f"{sheet}{first}{top + 1}:{last}{bottom + 1}")
        return at + 12
    if base in (0x23, 0x39):
        held.append(f"{sheet}name")
        return at + 4
    raise KeyError(base)


def comments_part(relations: str) -> str:
    """The part with a sheet's comments by its relations; empty for none."""
    found = re.search(r"<Relationship\b[^>]*?relationships/comments\"[^>]*>", relations)
    target = re.search(r'Target="([^"]*)"', found[0]) if found else None
    return target[1].lower() if target else ""
