"""Rows of a sheet's XML, written in the plain way of nearly every program, cut into cells all at once.

A piece that holds anything else (formulas, inline texts, missing addresses) is refused whole; `xlsx` reads it then.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt
import pyarrow
import pyarrow.compute as pc

from s2p_assets.spreadsheet.grid import Ints

_Bytes = npt.NDArray[np.uint8]
_Places = npt.NDArray[np.int64]
_Words = npt.NDArray[np.uint64]

_ROW = np.uint64(int.from_bytes(b'<row r="', "little"))
_CELL = np.uint64(int.from_bytes(b'<c r="', "little"))
_SIX_BYTES = np.uint64(2**48 - 1)
_FIRST_BYTES = np.array([2 ** (8 * count) - 1 for count in range(9)], np.uint64)
_LT, _GT, _QUOTE, _SLASH = b'<>"/'
_A, _Z = b"AZ"
_WORD = 8


class _Tag(IntEnum):
    """What a tag is; one more stands for the same tag closed in itself."""

    OTHER = 0
    CELL = 1
    EMPTY_CELL = 2
    ROW = 3
    EMPTY_ROW = 4
    VALUE = 5
    END_OF_VALUE = 7
    END_OF_CELL = 9
    END_OF_ROW = 11


_NEXT = {
    _Tag.ROW: (_Tag.CELL, _Tag.EMPTY_CELL, _Tag.END_OF_ROW),
    _Tag.CELL: (_Tag.VALUE, _Tag.END_OF_CELL),
    _Tag.VALUE: (_Tag.END_OF_VALUE,),
    _Tag.END_OF_VALUE: (_Tag.END_OF_CELL,),
    _Tag.END_OF_CELL: (_Tag.CELL, _Tag.EMPTY_CELL, _Tag.END_OF_ROW),
    _Tag.EMPTY_CELL: (_Tag.CELL, _Tag.EMPTY_CELL, _Tag.END_OF_ROW),
    _Tag.END_OF_ROW: (_Tag.ROW, _Tag.EMPTY_ROW),
    _Tag.EMPTY_ROW: (_Tag.ROW, _Tag.EMPTY_ROW),
}
_TAGS = 13
_MAY_FOLLOW = np.zeros(_TAGS * _TAGS, dtype=bool)
for _tag, _others in _NEXT.items():
    _MAY_FOLLOW[[_tag * _TAGS + other for other in _others]] = True
_TAG_OF = np.zeros(1 << 16, np.uint8)  # by the two letters behind `<`
for _start, _tag in zip(
    (b"c ", b"ro", b"v>", b"/v", b"/c", b"/r"),
    (_Tag.CELL, _Tag.ROW, _Tag.VALUE, _Tag.END_OF_VALUE, _Tag.END_OF_CELL, _Tag.END_OF_ROW),
    strict=True,
):
    _TAG_OF[int.from_bytes(_start, "little")] = _tag


@dataclass(frozen=True, slots=True)
class PlainCells:
    """The cells of a piece that have a value, in the order written.

    `attributes`: per distinct text of what stands in the cell's tag behind its address, dictionary-encoded.
    `values`: the text between `<v>` and `</v>`. `numbers`: where they are known, the values of up to nine digits, -1
    for every other. `rows_are_noted`: whether a row may be said to be hidden or to have an outline level.
    """

    columns: Ints
    rows: Ints
    attributes: pyarrow.DictionaryArray
    values: pyarrow.Array
    numbers: Ints | None = None
    rows_are_noted: bool = True


def plain_cells(text: str) -> PlainCells | None:
    """The cells of whole rows, `text` being their XML; None where anything in it is not written in the plain way.

    Plain is `<row r="7" …><c r="B7" …><v>…</v></c><c …/></row>` with nothing in between.
    """
    data = text.encode() + b" " * _WORD
    letters = np.frombuffer(data, np.uint8)
    opens, closes = np.flatnonzero(letters == _LT), np.flatnonzero(letters == _GT)
    if not len(opens) or len(opens) != len(closes) or opens[0] or (closes <= opens).any():
        return None
    pairs = np.ndarray(len(letters) - 1, "<u2", data, strides=(1,))
    tags = _tags(pairs[opens + 1], letters[closes - 1] == _SLASH)
    if tags is None or not _is_close(tags, opens, closes):
        return None
    words = np.ndarray(len(letters) - _WORD + 1, "<u8", data, strides=(1,))
    starts_row = (tags == _Tag.ROW) | (tags == _Tag.EMPTY_ROW)
    rows = _row_numbers(words, opens[starts_row])
    if rows is None:
        return None
    values = np.flatnonzero(tags == _Tag.VALUE)
    cells = values - 1
    row_of = np.cumsum(starts_row)[cells] - 1
    numbers, written, lengths = rows
    addresses = _addresses(letters, words, opens[cells], written[row_of], lengths[row_of])
    if addresses is None:
        return None
    columns, ends = addresses
    return PlainCells(
        columns=columns,
        rows=numbers[row_of],
        attributes=pc.dictionary_encode(_between(data, ends, closes[cells])),
        values=_between(data, closes[values] + 1, opens[values + 1]),
        rows_are_noted=_say(data, opens[starts_row] + _WORD + lengths, closes[starts_row]),
    )


def _say(data: bytes, starts: _Places, ends: _Places) -> bool:
    """Whether one of these tags says `hidden=`, `outlineLevel=` or a height of 0."""
    different = " ".join(pc.unique(_between(data, starts, ends)).to_pylist())
    return "hidden=" in different or "outlineLevel=" in different or 'ht="0"' in different


def _tags(names: npt.NDArray[np.uint16], are_closed: npt.NDArray[np.bool_]) -> _Bytes | None:
    """What the tags are, by the two letters behind `<`; None unless they make rows of cells."""
    tags = _TAG_OF.take(names) + are_closed
    if tags[0] not in (_Tag.ROW, _Tag.EMPTY_ROW) or tags[-1] not in (_Tag.END_OF_ROW, _Tag.EMPTY_ROW):
        return None
    return tags if _MAY_FOLLOW.take(tags[:-1] * np.uint8(_TAGS) + tags[1:]).all() else None


def _is_close(tags: _Bytes, opens: _Places, closes: _Places) -> bool:
    """Whether there is no text but in values."""
    between = opens[1:] - closes[:-1]
    return bool(((between == 1) | ((tags[:-1] == _Tag.VALUE) & (between > 1))).all())


def _row_numbers(words: _Words, rows: _Places) -> tuple[Ints, _Words, _Places] | None:
    """Numbers of the rows, their digits with the quote behind as one word each, and how many letters that is."""
    if (words[rows] != _ROW).any():
        return None
    digits = words[rows + _WORD]
    letters = digits.view(np.uint8).reshape(-1, _WORD)
    quotes = letters == _QUOTE
    lengths = quotes.argmax(axis=1)
    behind = np.arange(_WORD) >= lengths[:, None]
    values = np.where(behind, 0, letters.astype(np.int32) - ord("0"))
    if not quotes.any(axis=1).all() or (values < 0).any() or (values > 9).any() or not lengths.all():
        return None
    scale = 10 ** np.maximum(lengths[:, None] - 1 - np.arange(_WORD), 0)
    numbers = (values * scale).sum(axis=1).astype(np.int32)
    return numbers, digits & _FIRST_BYTES[lengths + 1], lengths + 1


def _addresses(
    letters: _Bytes, words: _Words, cells: _Places, row_written: _Words, row_length: _Places
) -> tuple[Ints, _Places] | None:
    """The cells' column numbers and where their addresses end; None unless each bears the number of its row."""
    start = words[cells]
    if ((start & _SIX_BYTES) != _CELL).any():
        return None
    columns = np.zeros(len(cells), np.int32)
    count = np.zeros(len(cells), np.int64)
    for place in range(3):
        letter = letters[cells + 6 + place]
        is_letter = (letter >= _A) & (letter <= _Z) & (count == place)
        columns = np.where(is_letter, columns * 26 + letter - (_A - 1), columns)
        count += is_letter
    digits = cells + 6 + count
    if not count.all() or ((words[digits] & _FIRST_BYTES[row_length]) != row_written).any():
        return None
    return columns.astype(np.int32), digits + row_length


def _between(data: bytes, starts: _Places, ends: _Places) -> pyarrow.Array:
    """The texts of `data` from each start to its end: every second one of the texts that all these places part."""
    offsets = np.empty(2 * len(starts), np.int32)
    offsets[0::2], offsets[1::2] = starts, ends
    parted = pyarrow.StringArray.from_buffers(
        max(2 * len(starts) - 1, 0), pyarrow.py_buffer(offsets), pyarrow.py_buffer(data)
    )
    return parted.take(pyarrow.array(np.arange(0, len(parted), 2)))
