"""What is asked of a whole column of texts by the bytes that it lies in, which is ten times as quick as text by text.

A yes may be of bytes that belong to no text any more; then the texts are asked. Nothing here knows a cell.
"""

import numpy as np
import numpy.typing as npt
import pyarrow
import pyarrow.compute as pc

_NOT_ASCII = 0x80


def bytes_of(texts: pyarrow.Array) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.uint8]]:
    """Where each text begins and the last ends, and the bytes in which they stand."""
    _, ends, written = texts.buffers()
    if ends is None or written is None:
        return np.zeros(len(texts) + 1, np.int32), np.zeros(0, np.uint8)
    return np.frombuffer(ends, np.int32)[texts.offset :][: len(texts) + 1], np.frombuffer(written, np.uint8)


def _own_bytes(texts: pyarrow.Array) -> npt.NDArray[np.uint8]:
    offsets, written = bytes_of(texts)
    return written[int(offsets[0]) : int(offsets[-1])]


def first_bytes(texts: pyarrow.Array) -> npt.NDArray[np.uint8]:
    """The first byte of each text, 0 of an empty or missing one."""
    offsets, written = bytes_of(texts)
    return _at(written, offsets[:-1], offsets)


def last_bytes(texts: pyarrow.Array) -> npt.NDArray[np.uint8]:
    """The last byte of each text, 0 of an empty or missing one."""
    offsets, written = bytes_of(texts)
    return _at(written, offsets[1:] - 1, offsets)


def _at(
    written: npt.NDArray[np.uint8], places: npt.NDArray[np.int32], offsets: npt.NDArray[np.int32]
) -> npt.NDArray[np.uint8]:
    if not len(written):
        return np.zeros(len(places), np.uint8)
    found = written.take(places, mode="clip")
    found[offsets[1:] == offsets[:-1]] = 0
    return found


def may_be_blank(marks: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """By the first or last bytes of texts, those that may begin or end with a blank of some kind, or be empty."""
    return (marks <= ord(" ")) | (marks >= _NOT_ASCII)


def trimmed(texts: pyarrow.Array) -> pyarrow.Array:
    """The texts without blanks around them; themselves where none has any."""
    if may_be_blank(first_bytes(texts)).any() or may_be_blank(last_bytes(texts)).any():
        return pc.utf8_trim_whitespace(texts)
    return texts


def hold_any(texts: pyarrow.Array, marks: bytes) -> bool:
    """Whether one of `marks`, of ASCII, may stand in any of the texts."""
    held = _own_bytes(texts).tobytes()
    return any(held.find(mark) >= 0 for mark in marks)


def are_ascii(texts: pyarrow.Array) -> bool:
    """Whether all of the texts are of ASCII alone."""
    held = _own_bytes(texts)
    return not len(held) or int(held.max()) < _NOT_ASCII or bool(pc.all(pc.string_is_ascii(texts)).as_py())
