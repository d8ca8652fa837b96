"""What customers send back: a week's returns, their share of what went out, and the items that come back most.

Net sales belong to `weekly_sales`. `lines` have a column `week`, a Monday, `units` net of returns, and `returned`.
"""

import pandas as pd

from s2p_assets.contracts.report import Figure, NumberSource, ReportColumn, Section
from s2p_assets.publishing.document.wording import format_number, format_share, pluralize
from s2p_assets.publishing.sections.findings import first_of
from s2p_assets.publishing.sections.movers import ROWS_OF_MOVERS
from s2p_assets.publishing.sections.period_comparison import totals_by_period, value_at
from s2p_assets.publishing.sections.trade_tables import ItemTable
from s2p_assets.publishing.sections.weeks import WEEK, compared_with_earlier, last_day

WEEKS_OF_RETURNS = 13
MANY_RETURNS = 0.1


def units_returned(lines: pd.DataFrame, week: pd.Timestamp, *, column: str, day: str) -> Figure:
    """The headline number of the week's returns. `column`: where they are stored, each on a `day`."""
    returned = totals_by_period(lines, period="week", value="returned")
    here = lines[lines["week"] == week]
    went_out = float((here["units"] + here["returned"]).sum())
    return_rate = float(here["returned"].sum()) / went_out if went_out else 0.0
    return Figure(
        "Units returned in that week",
        value_at(returned, week) or 0.0,
        "integer",
        more_changes=compared_with_earlier(returned, week),
        better="lower",
        note=f"{format_share(return_rate)} of the units that went out",
        sources=(NumberSource(column, {day: slice(week, last_day(week))}),),
    )


def describe_returns(lines: pd.DataFrame, week: pd.Timestamp) -> str:
    """A sentence for the headline on the units that came back in a week."""
    returned = lines.loc[lines["week"] == week, "returned"].sum()
    return f"{pluralize(round(returned), 'unit')} came back." if returned else "Nothing came back."


def most_returned(lines: pd.DataFrame, week: pd.Timestamp, items: ItemTable) -> Section:
    """The ten items of which most units came back in the last 13 weeks, with their share of what went out."""
    recent = lines[lines["week"] > week - WEEKS_OF_RETURNS * WEEK]
    frame = recent.groupby(items.item, as_index=False, observed=True)[["units", "returned"]].sum()
    frame["went_out"] = frame["units"] + frame["returned"]
    frame["share"] = frame["returned"] / frame["went_out"].where(frame["went_out"] > 0)
    frame[items.label] = frame[items.item].map(items.labels)
    frame = frame[frame["returned"] > 0].sort_values(["returned", items.item], ascending=[False, True])
    return Section(
        title="What comes back most",
        says=first_of(frame, items.label, f"{format_number(frame['returned'].iloc[0])} units" if len(frame) else ""),
        description=f"Units returned in the last {WEEKS_OF_RETURNS} weeks, the items with most of them first.",
        frame=frame.head(ROWS_OF_MOVERS).reset_index(drop=True),
        columns=(
            *items.named,
            ReportColumn("returned", "Returned", "integer"),
            ReportColumn("went_out", "Went out", "integer"),
            ReportColumn("share", "Share returned", "percent", highlight_above=MANY_RETURNS),
        ),
        when_empty="Nothing came back.",
    )
