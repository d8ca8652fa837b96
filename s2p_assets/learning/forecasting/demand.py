"""From sales to demand: weeks named by their Monday, periods spread over them, and weeks in which stock ran out.

Pure pandas: nothing here reads a file, forecasts, or knows whose sales they are.
"""

import datetime as dt
from collections.abc import Sequence

import pandas as pd

DAYS_OF_A_WEEK = 7


def week_of(days: "pd.Series[pd.Timestamp]") -> "pd.Series[pd.Timestamp]":
    """The Monday of each day's week, at midnight; missing days stay missing."""
    days = pd.to_datetime(days).dt.normalize()
    return days - pd.to_timedelta(days.dt.weekday, unit="D")


def last_complete_week(*known_until: dt.date | pd.Timestamp) -> pd.Timestamp:
    """The Monday of the last week that ended on or before the earliest of these days."""
    sunday = min(pd.Timestamp(day) for day in known_until).normalize() + pd.Timedelta(days=1)
    return sunday - pd.Timedelta(days=sunday.weekday() + DAYS_OF_A_WEEK)


def spread_over_weeks(periods: pd.DataFrame, *, first: str, last: str, quantities: Sequence[str]) -> pd.DataFrame:
    """Quantities of periods, shared out to weeks by the number of days in each.

    `periods`: one row per period; `first` and `last` are its days, both included. Returns one row per
    (period, week): the other columns, `week`, and the quantities, whose totals stay what they were.
    Raises ValueError when a period ends before it begins or has no day.
    """
    begin, end = pd.to_datetime(periods[first]), pd.to_datetime(periods[last])
    if not (end >= begin).all():
        raise ValueError(f"{int((~(end >= begin)).sum())} periods without a day: {last} is before {first} or missing")
    monday = week_of(begin)
    weeks = ((week_of(end) - monday).dt.days // DAYS_OF_A_WEEK + 1).to_numpy()
    spread = pd.DataFrame({"begin": begin, "end": end, "week": monday, "days": (end - begin).dt.days + 1})
    spread = spread.reset_index(drop=True)
    spread = spread.loc[spread.index.repeat(weeks)]
    spread["week"] += pd.to_timedelta(spread.groupby(level=0).cumcount() * DAYS_OF_A_WEEK, unit="D")
    sunday = spread["week"] + pd.Timedelta(days=DAYS_OF_A_WEEK - 1)
    inside = spread["end"].where(spread["end"] < sunday, sunday) - spread["begin"].where(
        spread["begin"] > spread["week"], spread["week"]
    )
    share = (inside.dt.days + 1) / spread["days"]
    rows = periods.drop(columns=[first, last]).reset_index(drop=True).loc[spread.index]
    for quantity in quantities:
        rows[quantity] = rows[quantity].astype(float) * share
    return rows.assign(week=spread["week"]).reset_index(drop=True)


def weekly_panel(
    weekly: pd.DataFrame, *, key: str, quantities: Sequence[str], until: dt.date | pd.Timestamp
) -> pd.DataFrame:
    """Every week of every key, from its first row to the week of `until`.

    `weekly`: any number of rows per (key, week); they are added up, so returns are netted. Returns one
    row per (key, week), ordered, with the quantities as floats; a week without rows is 0, not absent.
    Keys that begin after `until` are left out.
    """
    wanted = [key, "week", *quantities]
    totals = weekly[wanted].groupby([key, "week"], sort=True, observed=True)[list(quantities)].sum().reset_index()
    first = totals.groupby(key, sort=True, observed=True)["week"].min()
    first = first[first <= pd.Timestamp(until)]
    weeks = (pd.Timestamp(until) - first).dt.days // DAYS_OF_A_WEEK + 1
    panel = first.rename("week").reset_index()
    panel = panel.loc[panel.index.repeat(weeks.to_numpy())]
    panel["week"] += pd.to_timedelta(panel.groupby(level=0).cumcount() * DAYS_OF_A_WEEK, unit="D")
    panel = panel.merge(totals, on=[key, "week"], how="left")
    panel[list(quantities)] = panel[list(quantities)].astype(float).fillna(0.0)
    return panel[wanted]


def weekly_stock(flows: pd.DataFrame, counts: pd.DataFrame, *, key: str) -> "pd.Series[float]":
    """The stock at the end of each week, carried on from the last count; in units, missing before the first count.

    `flows`: one row per (key, week), gapless as `weekly_panel` makes it, with `flow`: units received less
    units sold. `counts`: one row per count with key, `day` (counted at its end) and `stock`.
    Within a week, movements are taken as even. The result is aligned with `flows`.
    """
    moved = flows.groupby(key, sort=False, observed=True)["flow"].cumsum()
    counted = counts[[key, "day", "stock"]].assign(week=week_of(counts["day"]))
    counted = counted.sort_values("day", kind="stable").drop_duplicates([key, "week"], keep="last")
    joined = flows[[key, "week", "flow"]].merge(counted, on=[key, "week"], how="left").set_axis(flows.index)
    days_left = DAYS_OF_A_WEEK - 1 - pd.to_datetime(joined["day"]).dt.weekday
    at_week_end = joined["stock"].astype(float) + joined["flow"] * days_left / DAYS_OF_A_WEEK
    return moved + (at_week_end - moved).groupby(flows[key], sort=False, observed=True).ffill()


def censored_weeks(flows: pd.DataFrame, counts: pd.DataFrame, *, key: str) -> "pd.Series[bool]":
    """Weeks in which sales understate demand because there was nothing to sell.

    A week is censored when a count in it found nothing, or when the stock between counts
    (`weekly_stock`, same arguments) begins or ends it below half a unit. Aligned with `flows`.
    """
    stock = weekly_stock(flows, counts, key=key)
    before = stock.groupby(flows[key], sort=False, observed=True).shift()
    empty = counts.loc[counts["stock"] <= 0, [key, "day"]]
    empty = empty.assign(week=week_of(empty["day"]), empty=True)[[key, "week", "empty"]].drop_duplicates()
    found_empty = flows[[key, "week"]].merge(empty, on=[key, "week"], how="left")["empty"].notna().to_numpy()
    return (stock < 0.5) | (before < 0.5) | found_empty


def units_since(
    quantity: "pd.Series[float]",
    first: "pd.Series[pd.Timestamp]",
    last: "pd.Series[pd.Timestamp]",
    day: "pd.Series[pd.Timestamp]",
) -> "pd.Series[float]":
    """The part of each quantity that falls after `day`, when it is even over the days from `first` to `last`.

    All four are aligned; 0 where `day` is missing.
    """
    length = (last - first).dt.days + 1
    after = (last - day).dt.days.clip(lower=0)
    share = (after / length).clip(upper=1.0).fillna(0.0)
    return quantity.astype(float) * share
