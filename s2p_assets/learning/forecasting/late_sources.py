"""Until when each source of sales is known, and what is done with weeks of which some are not: late is not zero.

Which sources there are, and what is done with late ones, is for a company's shelf to say.
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd

from s2p_assets.learning.forecasting.demand import last_complete_week
from s2p_assets.learning.forecasting.present_level import undelivered_periods

LateSources = Literal["hold", "complete"]
CURRENT, HELD, COMPLETED, CLOSED = "current", "held", "completed", "closed"
CLOSED_AFTER = pd.Timedelta(weeks=13)
RECENT, WEEKS_OF_YEAR = 8, 52
MOST_MOVED = 2.0
"""An estimate follows the other sources up to so many times, or to as small a part, of what is usual."""
WEEK = pd.Timedelta(days=7)


def source_coverage(
    known_until: Mapping[str, dt.date | pd.Timestamp],
    *,
    late: LateSources = "hold",
    closed_after: pd.Timedelta = CLOSED_AFTER,
) -> pd.DataFrame:
    """Until when each source is known, and what is done with the weeks that it is behind the others.

    `known_until`: the last day that each source covers; a source without any is left out by the caller. One row per
    source: source, known_until, last_week (Monday of its last complete week), weeks_behind, treatment: `current`;
    `held`, as weeks are only told of that are complete in all; `completed`, as its part of later weeks is estimated;
    or `closed`, silent for longer than `closed_after`, so that its part of later weeks is 0.
    """
    days = pd.Series({name: pd.Timestamp(day).normalize() for name, day in known_until.items()}, dtype="datetime64[ns]")
    weeks = days.map(last_complete_week)
    behind = ((weeks.max() - weeks).dt.days // 7).astype(int)
    treatment = pd.Series(CURRENT, index=days.index).mask(behind > 0, HELD if late == "hold" else COMPLETED)
    treatment = treatment.mask((behind > 0) & (days.max() - days > closed_after), CLOSED)
    return pd.DataFrame(
        {
            "source": days.index,
            "known_until": days.to_numpy(),
            "last_week": weeks.to_numpy(),
            "weeks_behind": behind.to_numpy(),
            "treatment": treatment.to_numpy(),
        }
    )


def last_week_told(coverage: pd.DataFrame) -> pd.Timestamp:
    """The last week of which demand is told: of all sources that are waited for, or with estimates for the late."""
    waited_for = coverage[coverage["treatment"].isin((CURRENT, HELD))]
    return pd.Timestamp(waited_for["last_week"].min())


def complete_late_weeks(
    panel: pd.DataFrame, coverage: pd.DataFrame, quantities: Mapping[str, str], *, key: str
) -> pd.DataFrame:
    """`panel` with an estimate for every `completed` source in the weeks that it is behind.

    `panel`: one row per (key, week), gapless. `quantities`: source → its column of units. The estimate is a key's mean
    of the source's last 8 known weeks, times how the current sources stand in the week to these 8 weeks; what is known
    already is never lowered. A column is added: completed_units, how many of a row's units are such an estimate.
    """
    rows = panel.assign(completed_units=0.0)
    current = [quantities[name] for name in coverage.loc[coverage["treatment"] == CURRENT, "source"]]
    for late in coverage[coverage["treatment"] == COMPLETED].itertuples():
        column = quantities[str(late.source)]
        last: Any = late.last_week
        recent = rows[rows["week"].between(last - (RECENT - 1) * WEEK, last)]
        usual = rows[key].map(recent.groupby(key)[column].sum() / recent.groupby(key)["week"].nunique()).fillna(0.0)
        others = rows.groupby("week")[current].sum().sum(axis=1)
        level = others.loc[others.index.isin(recent["week"].unique())].mean()
        moved = (others / level).clip(1 / MOST_MOVED, MOST_MOVED) if level > 0 else others * 0.0 + 1.0
        estimate = usual.clip(lower=0.0) * rows["week"].map(moved).astype(float)
        added = (estimate - rows[column]).clip(lower=0.0).where(rows["week"] > last, 0.0)
        rows = rows.assign(**{column: rows[column] + added, "completed_units": rows["completed_units"] + added})
    return rows


def mark_undelivered(panel: pd.DataFrame, *, key: str, value: str, week: str = "week") -> "pd.Series[bool]":
    """Whether a row's week looks as if it had never been delivered, as far too few articles sold in it. Aligned.

    `panel`: one row per (key, week), gapless from a key's first row on. What far too few are is in `present_level.py`.
    """
    at, _ = pd.factorize(panel[week], sort=True)
    codes, keys = pd.factorize(panel[key])
    sold = np.full((at.max(initial=-1) + 1, len(keys)), np.nan)
    sold[at, codes] = panel[value].to_numpy("float64", na_value=np.nan)
    return pd.Series(undelivered_periods(sold, WEEKS_OF_YEAR)[at], index=panel.index)
