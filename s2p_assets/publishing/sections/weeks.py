"""Weeks as weekly reports count them, each named by its Monday at midnight, and a week's total beside earlier ones.

What the totals are of belongs to the sections.
"""

from collections.abc import Iterable
from typing import Any

import pandas as pd

from s2p_assets.contracts.report import RelativeChange
from s2p_assets.publishing.sections.period_comparison import relative_changes, value_at

WEEK = pd.Timedelta(days=7)
YEAR = 52 * WEEK
WEEKS_SHOWN = 52
SPAN = 4
YEAR_EARLIER = "A year earlier means 52 weeks earlier, so that the same days of the week are compared."


def last_day(week: pd.Timestamp) -> pd.Timestamp:
    """The Sunday of a week."""
    return week + WEEK - pd.Timedelta(days=1)


def weeks_until(week: pd.Timestamp, count: int) -> list[pd.Timestamp]:
    """The last `count` weeks, `week` first and then backwards."""
    return [week - n * WEEK for n in range(count)]


def compared_with_earlier(totals: "pd.Series[Any]", week: pd.Timestamp) -> tuple[RelativeChange, ...]:
    """How a week's total compares with the week before and with the same week a year earlier."""
    earlier = {"the week before": week - WEEK, "a year earlier": week - YEAR}
    return relative_changes(
        value_at(totals, week), {than: value_at(totals, before) for than, before in earlier.items()}
    )


def known_total(totals: "pd.Series[Any]", weeks: Iterable[pd.Timestamp]) -> float | None:
    """The total of some weeks; None when one of them is not known."""
    values = totals.reindex(list(weeks))
    return None if values.empty or values.isna().any() else float(values.sum())
