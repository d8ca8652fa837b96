"""The version of a table's content: a hash of its values, whatever the order of its rows and columns.

Storing it beside the content belongs to `store.py`.
"""

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow
import pyarrow.compute as pc

ValueHashes = npt.NDArray[np.uint64]


def content_version(frame: pd.DataFrame) -> str:
    """A hash of the values in a frame, under their column names, whatever the order of its rows and columns.

    The same on every machine and in every process; the width of a number's type does not count, `nan` is missing.
    """
    return rows_version(pyarrow.Table.from_pandas(frame, preserve_index=False))


def rows_version(rows: pyarrow.Table) -> str:
    """Hash each row, sort the hashes, hash them again."""
    digest = hashlib.sha256(f"{rows.num_rows} rows\n".encode())
    mixed = np.zeros(rows.num_rows, dtype=np.uint64)
    for name in sorted(rows.column_names):
        digest.update(f"{name}\n".encode())
        mixed = _mix_bits(mixed * np.uint64(31) + _hashes(rows.column(name)))
    digest.update(np.sort(mixed).astype("<u8").tobytes())
    return digest.hexdigest()


def _hashes(values: pyarrow.ChunkedArray) -> ValueHashes:
    """One hash per value; missing ones have one of their own."""
    missing = np.asarray(values.is_null(nan_is_null=True))
    hashes = _hashes_of_present(values)
    hashes[missing] = np.uint64(0x5BD1E995A3C59AC3)
    return hashes


def _hashes_of_present(values: pyarrow.ChunkedArray) -> ValueHashes:
    kind = values.type
    if pyarrow.types.is_dictionary(kind):
        return _hashes_of_present(values.cast(kind.value_type))
    if pyarrow.types.is_boolean(kind) or pyarrow.types.is_integer(kind):
        return _mix_bits(_filled_array(values.cast(pyarrow.int64()), 0).view(np.uint64))
    if pyarrow.types.is_floating(kind):
        return _mix_bits((_filled_array(values.cast(pyarrow.float64()), 0.0) + 0.0).view(np.uint64))
    if pyarrow.types.is_date(kind) or pyarrow.types.is_timestamp(kind):
        moments = values.cast(pyarrow.timestamp("us"), safe=False)
        return _mix_bits(_filled_array(moments.cast(pyarrow.int64()), 0).view(np.uint64))
    return _hashes_of_texts(values.cast(pyarrow.string()))


def _hashes_of_texts(values: pyarrow.ChunkedArray) -> ValueHashes:
    encoded = pc.dictionary_encode(values.combine_chunks())
    words = np.asarray([*encoded.dictionary.to_pylist(), ""], dtype=object)
    hashes: ValueHashes = pd.util.hash_array(words, categorize=False)
    return hashes[_filled_array(encoded.indices, -1)]


def _filled_array(values: pyarrow.ChunkedArray, missing: float) -> npt.NDArray[Any]:
    return np.asarray(pc.fill_null(values, missing))


def _mix_bits(values: npt.NDArray[Any]) -> ValueHashes:
    """The finalizer of SplitMix64: every bit of a value reaches every bit of its hash (Steele et al., 2014)."""
    mixed: ValueHashes = values.astype(np.uint64)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
