"""Rows of Arrow columns as PostgreSQL's binary COPY takes them, which costs the server a third less than CSV.

Sending them belongs to `copying.py`. The format: https://www.postgresql.org/docs/current/sql-copy.html
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow
import pyarrow.compute as pc

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"

_DAYS_TO_2000 = 10_957
_MICROSECONDS_TO_2000 = 946_684_800_000_000
_NUMERIC_SCALE = 10**4  # of a numeric behind the point, which is one of its digits to the base of 10,000
_LARGEST_NUMERIC = 1e11  # so that the 15 digits which a double keeps are enough
_NUMERIC = np.dtype([("digits", ">i2"), ("weight", ">i2"), ("sign", ">u2"), ("scale", ">i2"), ("digit", ">i2", 4)])
_EXACT_TYPES = {
    ("bigint", pyarrow.int64()),
    ("integer", pyarrow.int64()),
    ("double precision", pyarrow.float64()),
    ("numeric", pyarrow.float64()),
    ("date", pyarrow.date32()),
    ("timestamp without time zone", pyarrow.timestamp("us")),
    ("boolean", pyarrow.bool_()),
    ("text", pyarrow.string()),
}


def can_be_binary(tables: Iterable[pyarrow.Table], types: Sequence[str]) -> bool:
    """Whether every value of `tables` has an exact binary form in columns of these PostgreSQL types."""
    return all(
        (kind, column.type) in _EXACT_TYPES and all(_fits(chunk, kind) for chunk in column.chunks)
        for table in tables
        for kind, column in zip(types, table.columns, strict=True)
    )


def _fits(values: pyarrow.Array, kind: str) -> bool:
    if kind == "integer":
        plain = _filled(values)
        return not len(plain) or bool(plain.min() >= -(2**31) and plain.max() < 2**31)
    if kind == "numeric":
        amounts = np.abs(_filled(values))
        return bool(
            ((amounts < _LARGEST_NUMERIC) & (np.rint(amounts * _NUMERIC_SCALE) / _NUMERIC_SCALE == amounts)).all()
        )
    return True


def binary_rows(batch: pyarrow.RecordBatch, types: Sequence[str]) -> memoryview:
    """The rows of `batch`, whose columns go into columns of `types`; see `can_be_binary`."""
    parts: list[Any] = [len(types).to_bytes(2, "big")]
    for kind, values in zip(types, batch.columns, strict=True):
        parts += _text_parts(values) if kind == "text" else _length_and_value(values, _encoded(_filled(values), kind))
    joined = pc.binary_join_element_wise(*parts, b"")
    _, ends, data = joined.buffers()
    return memoryview(data)[: int(np.frombuffer(ends, np.int32)[len(joined)])]


def _filled(values: pyarrow.Array) -> npt.NDArray[Any]:
    """The values, as numbers where they are dates, with zeros for missing ones."""
    if pyarrow.types.is_temporal(values.type):
        values = values.view(pyarrow.int32() if values.type == pyarrow.date32() else pyarrow.int64())
    missing = False if pyarrow.types.is_boolean(values.type) else 0
    return pc.fill_null(values, missing).to_numpy(zero_copy_only=False)


def _encoded(values: npt.NDArray[Any], kind: str) -> npt.NDArray[Any]:
    if kind == "numeric":
        return _numerics(values)
    if kind == "date":
        return (values - _DAYS_TO_2000).astype(">i4")
    if kind == "timestamp without time zone":
        return (values - _MICROSECONDS_TO_2000).astype(">i8")
    return values.astype({"bigint": ">i8", "integer": ">i4", "double precision": ">f8", "boolean": "?"}[kind])


def _numerics(values: npt.NDArray[np.float64]) -> npt.NDArray[Any]:
    """Three digits to the base of 10,000 before the point and one behind it; PostgreSQL takes off the zeros."""
    parts = np.rint(np.abs(values) * _NUMERIC_SCALE).astype(np.int64)
    numerics = np.zeros(len(values), _NUMERIC)
    numerics["digits"], numerics["weight"] = 4, 2
    numerics["sign"] = np.where((values < 0) & (parts > 0), 0x4000, 0)
    numerics["scale"] = 4 - sum((parts % 10**zeros == 0).astype(np.int16) for zeros in range(1, 5))
    for place in (3, 2, 1, 0):
        parts, numerics["digit"][:, place] = np.divmod(parts, 10_000)
    return numerics


def _length_and_value(values: pyarrow.Array, binary: npt.NDArray[Any]) -> list[pyarrow.Array]:
    """Per row how long the value is, then the value; of a missing one only -1."""
    width = binary.dtype.itemsize
    if not values.null_count:
        rows = np.empty(len(binary), [("length", ">i4"), ("value", binary.dtype)])
        rows["length"], rows["value"] = width, binary
        return [_bytes(rows)]
    present = values.is_valid()
    lengths = np.where(present.to_numpy(zero_copy_only=False), width, -1).astype(">i4")
    return [_bytes(lengths), pc.if_else(present, _bytes(binary), b"")]


def _text_parts(values: pyarrow.Array) -> list[pyarrow.Array]:
    lengths = pc.fill_null(pc.binary_length(values), -1).to_numpy(zero_copy_only=False).astype(">i4")
    return [_bytes(lengths), pc.fill_null(values, "").cast(pyarrow.binary())]


def _bytes(rows: npt.NDArray[Any]) -> pyarrow.Array:
    """The bytes of each element as a value of its own."""
    ends = np.arange(len(rows) + 1, dtype=np.int32) * np.int32(rows.dtype.itemsize)
    return pyarrow.BinaryArray.from_buffers(
        pyarrow.binary(), len(rows), [None, pyarrow.py_buffer(ends), pyarrow.py_buffer(rows.tobytes())]
    )
