"""In which months open deals will be won, from how long deals usually take. Single deals: `crm_scored_pipeline.py`."""

import pandas as pd

from s2p_assets.columns import Day, Number, Row, Text, code, day, money, number, text
from s2p_assets.learning.remaining_life import ends_by_month, hazards
from s2p_assets.lineage import UnderEach, has_value, same_key
from s2p_assets.shelves import NotYet
from s2p_assets.warehouse.table import table

MONTHS = 5
LIFETIMES = ("opportunities.engage_date", "opportunities.close_date")


class WinForecast(Row):
    """One open deal in one of the coming months."""

    opportunity_id: Text = code(says="The deal's number in the CRM", of="scored_pipeline.opportunity_id")
    month: Day = day(says="First day of the month", of="scored_pipeline.moment")
    regional_office: Text = text(says="The team's office", of="scored_pipeline.regional_office")
    manager: Text = text(says="Who leads the agent's team", of="scored_pipeline.manager")
    product: Text = code(says="What is offered", of="scored_pipeline.product")
    ends: Number = number(says="Probability that it is closed in that month", of=LIFETIMES, ge=0, le=1)
    wins: Number = number(
        says="Probability that it is won in that month", of=("scored_pipeline.probability", *LIFETIMES), ge=0, le=1
    )
    value: Number = money(
        says="Value that it is expected to bring in that month", of=("scored_pipeline.expected_value", *LIFETIMES), ge=0
    )


LINEAGE: UnderEach = {
    "scored_pipeline": same_key("opportunity_id"),
    "opportunities": has_value("engage_date"),
}


@table(rows=WinForecast, key=("opportunity_id", "month"), owner="sales-operations@example.com", under=LINEAGE)
def win_forecast(scored_pipeline: pd.DataFrame, opportunities: pd.DataFrame) -> pd.DataFrame:
    """When open deals will be won, and what that brings: one row per open deal and month, for five months.

    The timing follows from how long deals took so far; a deal older than any that was closed appears in no month.
    A deal in prospecting counts as if its first talk were today.
    """
    if scored_pipeline.empty:
        raise NotYet("no deal is open")
    today = pd.Timestamp(scored_pipeline["moment"].max())
    begun, ended = (pd.to_datetime(opportunities[name]) for name in ("engage_date", "close_date"))
    ages = (ended.fillna(today) - begun).dt.days.clip(lower=0)[begun.notna()]
    over = ended[begun.notna()].notna()
    open_ages = scored_pipeline.set_index("opportunity_id")["age_days"].astype(float).fillna(0)
    ends = ends_by_month(open_ages, today, hazards(ages[over], ages[~over]), MONTHS)
    rows = (
        ends.reset_index()
        .melt("opportunity_id", var_name="month", value_name="ends")
        .merge(scored_pipeline, on="opportunity_id")
    )
    rows = rows.assign(
        wins=rows["ends"] * rows["probability"].astype(float),
        value=(rows["ends"] * rows["expected_value"].astype(float)).round(2),
    )
    return rows[list(WinForecast.to_schema().columns)]
