"""The history of records that change: versions with a first and a last day, and the version of a given day.

Pure pandas: nothing here reads a file, talks to a database or knows what the records are about.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd


def versions(frame: pd.DataFrame, key: Sequence[str], at: str, attributes: Sequence[str]) -> pd.DataFrame:
    """The versions of each record ("slowly changing dimension", type 2, after Kimball).

    `frame`: one row per (key, at) with all or some attributes known; of several, the last row counts.
    A missing attribute means "as before". Rows without a key or a day are no part of any history.

    Returns one row per version, ordered by key and day: the key, the attributes, `valid_from` (first
    day), `valid_to` (the day on which the next version begins, NaT for the last) and `is_current`.
    A version begins only where an attribute changes.
    """
    key, attributes = list(key), list(attributes)
    known = frame[[*key, at, *attributes]].dropna(subset=[*key, at])
    known = known.sort_values([*key, at], kind="stable").drop_duplicates([*key, at], keep="last")
    known[attributes] = known.groupby(key, sort=False)[attributes].ffill()
    earlier = known.groupby(key, sort=False)[attributes].shift()
    begins = ~known.duplicated(key)
    for attribute in attributes:
        begins |= _differ(known[attribute], earlier[attribute])
    history = known[begins].rename(columns={at: "valid_from"})
    history["valid_to"] = history.groupby(key, sort=False)["valid_from"].shift(-1)
    history["is_current"] = history["valid_to"].isna()
    return history[[*key, *attributes, "valid_from", "valid_to", "is_current"]].reset_index(drop=True)


def in_force(
    rows: pd.DataFrame,
    history: pd.DataFrame,
    key: Sequence[str],
    at: str,
    attributes: Sequence[str],
    *,
    plus_days: int = 0,
) -> pd.DataFrame:
    """The attributes of the version that was valid on each row's day, or so many days later.

    `rows`: any rows with the key and a day `at`. `history`: as `versions` returns it.
    Returns the attributes alone, in the order and with the index of `rows`; missing where no
    version had begun by that day.
    """
    wanted = pd.DataFrame({name: rows[name].to_numpy() for name in [*key, at]}).assign(_order=range(len(rows)))
    wanted[at] += np.timedelta64(plus_days, "D")
    valid = history[[*key, "valid_from", *attributes]].sort_values("valid_from", kind="stable")
    for name in key:
        wanted[name], valid[name] = wanted[name].astype(object), valid[name].astype(object)
    found = pd.merge_asof(
        wanted.sort_values(at, kind="stable"), valid, left_on=at, right_on="valid_from", by=list(key)
    ).sort_values("_order")
    return found[list(attributes)].set_axis(rows.index)


def version_on(history: pd.DataFrame, key: Sequence[str], day: pd.Timestamp | None) -> pd.DataFrame:
    """One row per record: the version that holds on `day`; of one that begins later, its first version.

    `history`: as `versions` returns it. Without a day (None, NaT) the last version that is known.
    """
    by_day = history.sort_values([*key, "valid_from"], kind="stable")
    if day is None or pd.isna(day):
        return by_day.drop_duplicates(key, keep="last").reset_index(drop=True)
    begun = by_day[pd.to_datetime(by_day["valid_from"]) <= day].drop_duplicates(key, keep="last")
    known = pd.concat([begun, by_day.drop_duplicates(key)]).drop_duplicates(key)
    return known.sort_values(list(key), kind="stable").reset_index(drop=True)


def _differ(values: "pd.Series[Any]", others: "pd.Series[Any]") -> "pd.Series[bool]":
    """Where two aligned columns differ; two missing values do not."""
    unequal = values.ne(others).astype("boolean").fillna(True).astype(bool)
    return unequal & ~(values.isna() & others.isna())
