"""Comparing periods: how much more or less, and what moved most.

Which periods are compared, and what a report makes of it, belongs to the report.
"""

from collections.abc import Collection, Hashable, Mapping
from typing import Any

import pandas as pd

from s2p_assets.contracts.report import RelativeChange


def relative_change(now: float | None, before: float | None) -> float | None:
    """The change from `before` to `now` as a share of `before`; None when either is missing or `before` is not above 0.

    A share of nothing, or of a negative number, says nothing.
    """
    if now is None or before is None or pd.isna(now) or pd.isna(before) or before <= 0:
        return None
    return float(now) / float(before) - 1


def relative_changes(now: float | None, befores: Mapping[str, float | None]) -> tuple[RelativeChange, ...]:
    """The changes that are known: `relative_changes(12, {"the week before": 10})` is 0.2 against "the week before"."""
    shares = {than: relative_change(now, before) for than, before in befores.items()}
    return tuple(RelativeChange(share, than) for than, share in shares.items() if share is not None)


def totals_by_period(frame: pd.DataFrame, *, period: str, value: str) -> "pd.Series[Any]":
    """The sum of `value` in each period, in order; a period in which every value is missing is missing."""
    known = frame[frame[period].notna()]
    numbers = pd.to_numeric(known[value], errors="coerce").astype("float64")
    return numbers.groupby(known[period]).sum(min_count=1).sort_index()


def value_at(totals: "pd.Series[Any]", period: Hashable) -> float | None:
    """The total of a period; None when there is none."""
    value = totals.get(period)
    return None if value is None or pd.isna(value) else float(value)


def compare_spans(
    frame: pd.DataFrame, *, by: str, period: str, value: str, now: Collection[Any], before: Collection[Any]
) -> pd.DataFrame:
    """What moved between two spans of periods: one row per `by` that has a value in either, largest gain first.

    Columns: `by`, now and before (sums of `value`; nothing counts as 0), difference, change (a share of before;
    missing where before is not above 0). Equal differences are ordered by `by`.
    """
    sums = {
        name: _sums(frame[frame[period].isin(list(periods))], by, value)
        for name, periods in (("now", now), ("before", before))
    }
    moved = pd.DataFrame(sums).astype("float64").fillna(0.0).rename_axis(by).reset_index()
    moved["difference"] = moved["now"] - moved["before"]
    moved["change"] = (moved["difference"] / moved["before"]).where(moved["before"] > 0)
    return moved.sort_values(["difference", by], ascending=[False, True]).reset_index(drop=True)


def _sums(rows: pd.DataFrame, by: str, value: str) -> "pd.Series[Any]":
    known = rows[rows[by].notna()]
    return pd.to_numeric(known[value], errors="coerce").astype("float64").groupby(known[by].astype(object)).sum()


def largest_gains(moved: pd.DataFrame, count: int) -> pd.DataFrame:
    """The `count` rows of `compare_spans` that gained most."""
    return moved[moved["difference"] > 0].head(count).reset_index(drop=True)


def largest_losses(moved: pd.DataFrame, count: int) -> pd.DataFrame:
    """The `count` rows of `compare_spans` that lost most, the largest loss first."""
    fallen = moved[moved["difference"] < 0]
    return fallen.sort_values("difference", kind="stable").head(count).reset_index(drop=True)
