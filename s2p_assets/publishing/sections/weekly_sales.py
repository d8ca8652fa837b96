"""A week's sales: headline numbers, a sentence, and tables by channel or group, against earlier weeks.

Forecasts belong to `forecast_outlook`, what moved between weeks to `movers`. Frames have a column `week`, a Monday.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from s2p_assets.contracts.report import Chart, Figure, NumberSource, ReportColumn, RowValue, Section
from s2p_assets.publishing.document.wording import (
    describe_change,
    format_date,
    format_share,
    format_signed_share,
    pluralize,
)
from s2p_assets.publishing.sections.findings import first_of
from s2p_assets.publishing.sections.period_comparison import (
    relative_change,
    relative_changes,
    totals_by_period,
    value_at,
)
from s2p_assets.publishing.sections.trade_tables import SalesTable
from s2p_assets.publishing.sections.weeks import SPAN, WEEK, WEEKS_SHOWN, YEAR, compared_with_earlier, weeks_until

GROUPS_DRAWN = 10
DRIVER_SHARE = 0.1
COMPARED = ["now", "before", "change", "year_before", "year_change"]


def describe_sales(units: "pd.Series[Any]", week: pd.Timestamp, *, channels: str = "") -> str:
    """A sentence for the headline from weekly totals of units. `channels`: as of `describe_channels`."""
    now = value_at(units, week)
    if now is None:
        return "No sales are in the data yet."
    changes = [describe_change(one) for one in compared_with_earlier(units, week)]
    if changes and channels and value_at(units, week - WEEK):
        changes[0] += f" ({channels})"
    compared = " and ".join(changes)
    return f"{pluralize(round(now), 'unit')} sold in the week of {format_date(week)}{compared and f', {compared}'}."


def describe_channels(sales: SalesTable, week: pd.Timestamp, columns: Mapping[str, str]) -> str:
    """What drove the week: `wholesale −57 %, retail +17 %` against the week before, the largest difference first.

    Empty where fewer than two channels can be compared, or none moved by a tenth. `columns`: as of `sales_by_channel`.
    """
    weekly = {name: totals_by_period(sales.rows, period="week", value=column) for column, name in columns.items()}
    moved = {name: (value_at(totals, week), value_at(totals, week - WEEK)) for name, totals in weekly.items()}
    shares = {name: relative_change(now, before) for name, (now, before) in moved.items()}
    known = {name: share for name, share in shares.items() if share is not None}
    if len(known) < 2 or max(abs(share) for share in known.values()) < DRIVER_SHARE:
        return ""
    largest_first = sorted(known, key=lambda name: -abs((moved[name][0] or 0) - (moved[name][1] or 0)))
    return ", ".join(f"{name.lower()} {format_signed_share(known[name])}" for name in largest_first)


def units_sold(units: "pd.Series[Any]", week: pd.Timestamp, *, column: str) -> Figure:
    """The headline number of the week's units, from weekly totals of the stored `column` ("sales.units")."""
    now, compared = value_at(units, week), compared_with_earlier(units, week)
    note = "no earlier week to compare with" if now is not None and not compared else ""
    return Figure(
        f"Units sold, week of {format_date(week)}",
        now,
        "integer",
        more_changes=compared,
        better="higher",
        note=note,
        sources=(NumberSource(column, {"week": week}),),
    )


def revenue(rows: pd.DataFrame, week: pd.Timestamp, *, by: str, noun: str, column: str) -> Figure:
    """The week's revenue; compared only between weeks in which the revenue of every sale is known.

    `rows`: `by`, week, units and revenue, which is missing where the price is not known. `noun`: what a `by` is called.
    `column`: where the revenue is stored.
    """
    weekly = totals_by_period(rows, period="week", value="revenue")
    unpriced = rows[rows["revenue"].isna() & (rows["units"].fillna(0) != 0)]
    this_week = unpriced[unpriced["week"] == week]
    complete = weekly[~weekly.index.isin(unpriced["week"])]
    note = f"without {pluralize(this_week[by].nunique(), noun)} sold at an unknown price" if len(this_week) else ""
    return Figure(
        "Revenue of that week",
        value_at(weekly, week),
        "money",
        more_changes=compared_with_earlier(complete, week),
        better="higher",
        note=note,
        sources=(NumberSource(column, {"week": week}),),
    )


def units_this_year(sales: pd.DataFrame, as_of: pd.Timestamp, *, day: str, units: str, column: str) -> Figure:
    """Net units from 1 January to `as_of`, against the same days of the year before.

    `sales`: one row per sale or return, with its `day` and `units`. `column`: where the units are stored.
    """

    def sold(last: pd.Timestamp) -> float:
        return float(sales.loc[sales[day].between(pd.Timestamp(last.year, 1, 1), last), units].sum())

    now, before = sold(as_of), sold(as_of - pd.DateOffset(years=1))
    return Figure(
        f"Units sold this year, to {format_date(as_of)}",
        now,
        "integer",
        more_changes=relative_changes(now, {f"the same days of {as_of.year - 1}": before}),
        better="higher",
        sources=(NumberSource(column, {day: slice(pd.Timestamp(as_of.year, 1, 1), as_of)}),),
    )


def compare_weeks(rows: pd.DataFrame, week: pd.Timestamp, *, by: str, value: str, weeks: int = 1) -> pd.DataFrame:
    """One row per `by`, in order of first appearance: its `value` in the last `weeks`, before them, and a year earlier.

    Columns: `by`, now, before, change, year_before, year_change. A span without any known value is missing.
    """
    ends = {"now": week, "before": week - weeks * WEEK, "year_before": week - YEAR}
    spans = {name: weeks_until(last, weeks) for name, last in ends.items()}
    sums = {
        name: totals_by_period(rows[rows["week"].isin(span)], period=by, value=value) for name, span in spans.items()
    }
    frame = pd.DataFrame(sums, index=pd.Index(rows[by].dropna().unique(), name=by), dtype="float64")
    for name, earlier in (("change", "before"), ("year_change", "year_before")):
        frame[name] = [relative_change(now, then) for now, then in zip(frame["now"], frame[earlier], strict=True)]
    return frame.reset_index()[[by, *COMPARED]].astype(dict.fromkeys(COMPARED, "float64"))


def sales_by_group(
    rows: pd.DataFrame,
    week: pd.Timestamp,
    by: str,
    *,
    description: str,
    more_columns: Sequence[ReportColumn] = (),
    chart_title: str = "",
) -> Section:
    """Groups such as countries, the largest first, over four weeks against those before and a year earlier.

    `rows`: `by`, week, units and the columns of `more_columns`, which are summed over the four weeks; one row per group
    and week. `by` is the heading too. `chart_title`: of a chart of the ten largest; without it there is none.
    """
    frame = compare_weeks(rows, week, by=by, value="units", weeks=SPAN)
    frame = frame.sort_values(["now", by], ascending=[False, True]).reset_index(drop=True)
    recent = rows[rows["week"] > week - SPAN * WEEK].groupby(by)
    for column in more_columns:
        frame[column.name] = frame[by].map(recent[column.name].sum()).fillna(0.0)
    return Section(
        title=f"Sales by {by}",
        says=_largest_share(frame, by),
        description=description,
        frame=frame,
        columns=(ReportColumn(by, by.capitalize()), *comparison_columns(week, None, SPAN), *more_columns),
        chart=Chart("bar", by, ("now", "before"), chart_title, frame=frame.head(GROUPS_DRAWN), format="integer")
        if chart_title
        else None,
    )


def _largest_share(frame: pd.DataFrame, by: str) -> str:
    total = float(frame["now"].sum())
    if frame.empty or not total > 0 or not frame["now"].iloc[0] > 0:
        return ""
    return first_of(frame, by, f"{format_share(float(frame['now'].iloc[0]) / total)} of the units")


def _moves_by_channel(frame: pd.DataFrame) -> str:
    """The change on the week before of the channels that sell most, two at most."""
    known = frame[frame["change"].notna()].sort_values("now", ascending=False, kind="stable").head(2)
    return ", ".join(
        f"{channel.lower()} {format_signed_share(change)}"
        for channel, change in zip(known["channel"], known["change"], strict=True)
    )


def comparison_columns(week: pd.Timestamp, source: NumberSource | None, weeks: int = 1) -> tuple[ReportColumn, ...]:
    """The report's columns of what `compare_weeks` gives, units for a week or for some weeks.

    `source`: the column that was added up, in the rows that belong to a row of the report, of any week; None where
    one column does not hold it.
    """
    many = weeks > 1
    now, before, year = (_in_weeks(source, last, weeks) for last in (week, week - weeks * WEEK, week - YEAR))
    return (
        ReportColumn("now", f"Last {weeks} weeks" if many else "Units", "integer", sources=now),
        ReportColumn("before", f"{weeks} weeks before" if many else "Week before", "integer", sources=before),
        ReportColumn("change", "Change", "percent", sources=now + before),
        ReportColumn("year_before", "Year earlier", "integer", sources=year),
        ReportColumn("year_change", "Change on year", "percent", sources=now + year),
    )


def _in_weeks(source: NumberSource | None, last: pd.Timestamp, weeks: int) -> tuple[NumberSource, ...]:
    if source is None:
        return ()
    return (NumberSource(source.column, {**source.where, "week": tuple(weeks_until(last, weeks))}),)


def sales_by_channel(sales: SalesTable, week: pd.Timestamp, columns: Mapping[str, str]) -> Section:
    """The week by channel, of a table with a column of units for each. `columns`: column → the channel's name."""
    renamed = sales.rows[["week", *columns]].rename(columns=dict(columns))
    rows = renamed.melt(id_vars="week", var_name="channel", value_name="units")
    return channels(rows, week, sources={name: f"{sales.name}.{column}" for column, name in columns.items()})


def channels(rows: pd.DataFrame, week: pd.Timestamp, *, sources: Mapping[str, str]) -> Section:
    """The week by channel, with a line a channel. `rows`: channel, week, units; a channel without units is left out.

    `sources`: channel → the stored column that its units are in; empty where they are in none of their own.
    """
    known = rows[rows["channel"].isin(rows.loc[rows["units"].notna(), "channel"])]
    names = tuple(known["channel"].unique())
    recent = known[(known["week"] > week - WEEKS_SHOWN * WEEK) & known["units"].notna()]
    drawn = {name: totals_by_period(recent[recent["channel"] == name], period="week", value="units") for name in names}
    compared = compare_weeks(known, week, by="channel", value="units")
    return Section(
        title="Sales by channel",
        says=_moves_by_channel(compared),
        description=f"Units sold in the week of {format_date(week)}, against the week before and the same week "
        "a year earlier.",
        frame=compared.assign(stored_in=lambda found: found["channel"].map(dict(sources))),
        columns=(
            ReportColumn("channel", "Channel"),
            *comparison_columns(week, NumberSource(RowValue("stored_in")) if sources else None),
        ),
        chart=Chart(
            "line",
            "week",
            names,
            "Units a week by channel",
            frame=pd.DataFrame(drawn).rename_axis("week").reset_index(),
            format="integer",
            sources={
                name: (NumberSource(sources[name], {"week": RowValue("week")}),) for name in names if name in sources
            },
        ),
        when_empty="No sales are in the data yet.",
    )
