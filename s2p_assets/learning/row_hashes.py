"""Hashes of a history's rows: how many are new since a model learned from it. What is enough, a contest says."""

from typing import Any, cast

import numpy as np
import pandas as pd

from s2p_assets.learning.remembered import MadeOfFrame

RowHashes = np.ndarray[tuple[int], np.dtype[np.uint64]]


def row_hashes(frame: pd.DataFrame) -> RowHashes:
    """One 64-bit hash per row of `frame`, in its order; equal rows have equal hashes in every process.

    The order of the columns and the width of a type do not count: 1, 1.0 and a decimal 1 are the same.
    """
    plain = pd.DataFrame({str(name): _plain(frame[name]) for name in sorted(frame.columns)}, index=frame.index)
    return cast("RowHashes", pd.util.hash_pandas_object(plain, index=False).to_numpy("uint64"))


def sorted_row_hashes(frame: pd.DataFrame) -> RowHashes:
    """The hashes of the rows of `frame`, sorted."""
    return cast("RowHashes", np.sort(row_hashes(frame)))


sorted_row_hashes_once = MadeOfFrame(sorted_row_hashes)
"""`sorted_row_hashes`, made once of a frame: every model of a contest asks for those of the same history."""


def count_new_rows(now: RowHashes, before: RowHashes) -> int:
    """How many rows of `now` were not in `before`: new rows and changed rows together."""
    return int((~np.isin(now, before)).sum())


def count_withdrawn_rows(now: RowHashes, before: RowHashes) -> int:
    """How many rows of `before` are not in `now` any more: withdrawn rows and changed rows together."""
    return count_new_rows(before, now)


def _plain(values: "pd.Series[Any]") -> "pd.Series[Any]":
    """Numbers and truth values as float64, days and moments as microseconds, all else as text; missing is missing."""
    kind = values.dtype
    if pd.api.types.is_numeric_dtype(kind) or pd.api.types.is_bool_dtype(kind):
        return pd.Series(values.to_numpy("float64", na_value=np.nan) + 0.0, index=values.index)
    if pd.api.types.is_datetime64_any_dtype(kind) or getattr(kind, "kind", "") == "M":
        return values.astype("datetime64[us]")
    if isinstance(kind, pd.CategoricalDtype) and not values.isna().any():
        return values.cat.rename_categories(list(map(str, kind.categories)))
    return values.astype("string[pyarrow]").fillna("\0").astype(object)
