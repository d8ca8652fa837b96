"""In which months open deals are won, by how long deals lived before. What each is worth: `crm_scored_pipeline`."""

import pandas as pd

from s2p_assets.columns import Day, Number, Row, Text, code, day, money, number, text
from s2p_assets.learning.remaining_life import ends_by_month, hazards
from s2p_assets.shelves import NotYet, Under, UnderEach
from s2p_assets.warehouse.table import table

MONTHS = 5
LIVED = ("opportunities.engage_date", "opportunities.close_date")


class WinForecast(Row):
    """An open deal in a month to come."""

    opportunity_id: Text = code(says="The deal's number in the CRM", of="scored_pipeline.opportunity_id")
    month: Day = day(says="First day of the month", of="scored_pipeline.moment")
    regional_office: Text = text(says="The team's office", of="scored_pipeline.regional_office")
    manager: Text = text(says="Who leads the agent's team", of="scored_pipeline.manager")
    product: Text = code(says="What is offered", of="scored_pipeline.product")
    ends: Number = number(says="How probably it ends in that month", of=LIVED, ge=0, le=1)
    wins: Number = number(
        says="How probably it is won in that month", of=("scored_pipeline.probability", *LIVED), ge=0, le=1
    )
    value: Number = money(
        says="What it is expected to bring in that month", of=("scored_pipeline.expected_value", *LIVED), ge=0
    )


UNDER: UnderEach = {
    "scored_pipeline": Under("opportunity_id = this.opportunity_id"),
    "opportunities": Under("engage_date is not null"),
}


@table(rows=WinForecast, key=("opportunity_id", "month"), owner="sales-operations@example.com", under=UNDER)
def win_forecast(scored_pipeline: pd.DataFrame, opportunities: pd.DataFrame) -> pd.DataFrame:
    """In which of the next five months each open deal is won, and what that brings, as probabilities.

    When deals end is told by how long all deals have lived; one that is older than any that ended is in no month.
    A deal in prospecting is taken as if its first talk were today.
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
