"""Until when sales are known, by channel, and what is done about a late one. Demand itself: `retail_demand.py`."""

import pandas as pd

from s2p_assets import (
    Code,
    Date,
    Integer,
    LateSources,
    LineageRule,
    LineageRules,
    NotYet,
    Row,
    Text,
    column,
    on_day,
    source_coverage,
    table,
    until_day,
    week_of,
)

LATE: LateSources = "hold"
"""`hold`: demand is told up to the last week that every channel covers. `complete`: up to the newest, the part of the
late channel estimated from its last weeks and the others."""

RETAIL, WHOLESALE = "retail", "wholesale"
DAYS = ("retail_sales.to_date", "wholesale_sales.ship_date")


class SalesCoverage(Row):
    """Until when the sales of one channel are known."""

    source: Code = column(description="The channel", derived_from=DAYS)
    known_until: Date = column(description="The last day that its files cover", derived_from=DAYS)
    last_week: Date = column(description="Monday of the last week that it covers in full", derived_from=DAYS)
    weeks_behind: Integer = column(description="So many weeks more the others cover", derived_from=DAYS)
    treatment: Text = column(
        description="current; held: later weeks wait for it; completed: they hold an estimate for it; closed: silent "
        "for a quarter, so that it counts as 0",
        derived_from=DAYS,
    )


def _of(channel: str) -> LineageRule:
    return LineageRule(f"this.source = '{channel}'")


LINEAGE: LineageRules = {
    "retail_sales": _of(RETAIL) & on_day("to_date", "known_until"),
    "wholesale_sales": _of(WHOLESALE)
    & until_day("ship_date", "known_until")
    & LineageRule("ship_date >= this.last_week"),
}


@table(rows=SalesCoverage, key=("source",), owner="planning@example.com", lineage=LINEAGE)
def sales_coverage(retail_sales: pd.DataFrame, wholesale_sales: pd.DataFrame) -> pd.DataFrame:
    """Until when sales are known: one row per channel, with what is done with the weeks that one is behind the other.

    What is not known is not zero: later weeks are held open until the late channel's file comes, or completed by an
    estimate, as the shelf says.
    """
    return channel_coverage(retail_sales, wholesale_sales, LATE)


def channel_coverage(retail_sales: pd.DataFrame, wholesale_sales: pd.DataFrame, late: LateSources) -> pd.DataFrame:
    """`source_coverage` of both channels; of one that never sold anything there is no row. Raises NotYet without any.

    Shipments do not say which days they cover: the week of the last one counts as complete.
    """
    known = {
        RETAIL: retail_sales["to_date"].max(),
        WHOLESALE: week_of(wholesale_sales["ship_date"]).max() + pd.Timedelta(days=6),
    }
    known = {channel: day for channel, day in known.items() if pd.notna(day)}
    if not known:
        raise NotYet("no sales have been loaded")
    return source_coverage(known, late=late)
