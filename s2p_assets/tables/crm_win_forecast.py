"""In which months open deals will be won, from how long deals usually take. Single deals: `crm_scored_pipeline.py`."""

import pandas as pd

from s2p_assets import (
    Code,
    Date,
    LineageRules,
    Money,
    NotYet,
    Number,
    Row,
    Text,
    column,
    column_names,
    end_probability_by_month,
    has_value,
    hazard_rates,
    same_key,
    table,
)

MONTHS = 5
LIFETIMES = ("opportunities.engage_date", "opportunities.close_date")


class WinForecast(Row):
    """One open deal in one of the coming months."""

    opportunity_id: Code = column(
        description="The deal's number in the CRM", derived_from="scored_pipeline.opportunity_id"
    )
    month: Date = column(description="First day of the month", derived_from="scored_pipeline.as_of")
    regional_office: Text = column(description="The team's office", derived_from="scored_pipeline.regional_office")
    manager: Text = column(description="Who leads the agent's team", derived_from="scored_pipeline.manager")
    product: Code = column(description="What is offered", derived_from="scored_pipeline.product")
    end_probability: Number = column(
        description="Probability that it is closed in that month", derived_from=LIFETIMES, ge=0, le=1
    )
    win_probability: Number = column(
        description="Probability that it is won in that month",
        derived_from=("scored_pipeline.probability", *LIFETIMES),
        ge=0,
        le=1,
    )
    expected_value: Money = column(
        description="Value that it is expected to bring in that month",
        derived_from=("scored_pipeline.expected_value", *LIFETIMES),
        ge=0,
    )


LINEAGE: LineageRules = {
    "scored_pipeline": same_key("opportunity_id"),
    "opportunities": has_value("engage_date"),
}


@table(rows=WinForecast, key=("opportunity_id", "month"), owner="sales-operations@example.com", lineage=LINEAGE)
def win_forecast(scored_pipeline: pd.DataFrame, opportunities: pd.DataFrame) -> pd.DataFrame:
    """When open deals will be won, and what that brings: one row per open deal and month, for five months.

    The timing follows from how long deals took so far; a deal older than any that was closed appears in no month.
    A deal in prospecting counts as if its first talk were today.
    """
    if scored_pipeline.empty:
        raise NotYet("no deal is open")
    today = pd.Timestamp(scored_pipeline["as_of"].max())
    begun, ended = (pd.to_datetime(opportunities[name]) for name in ("engage_date", "close_date"))
    ages = (ended.fillna(today) - begun).dt.days.clip(lower=0)[begun.notna()]
    over = ended[begun.notna()].notna()
    open_ages = scored_pipeline.set_index("opportunity_id")["age_days"].astype(float).fillna(0)
    ends = end_probability_by_month(open_ages, today, hazard_rates(ages[over], ages[~over]), MONTHS)
    rows = (
        ends.reset_index()
        .melt("opportunity_id", var_name="month", value_name="end_probability")
        .merge(scored_pipeline, on="opportunity_id")
    )
    rows = rows.assign(
        win_probability=rows["end_probability"] * rows["probability"].astype(float),
        expected_value=(rows["end_probability"] * rows["expected_value"].astype(float)).round(2),
    )
    return rows[column_names(WinForecast)]
