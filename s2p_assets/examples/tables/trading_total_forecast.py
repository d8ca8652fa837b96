"""The trading company's forecast for all items together. Item by item it is in `trading_demand_forecast.py`."""

from s2p_assets import (
    Champion,
    Code,
    Date,
    Frame,
    Integer,
    Number,
    Row,
    Text,
    column,
    forecast_total,
    table,
    total_forecast_lineage,
)


class TotalForecast(Row):
    """The expected demand for all items together in one coming week, in units."""

    week: Date = column(description="Monday of the week", derived_from="demand_features.week")
    step: Integer = column(description="Weeks ahead", derived_from="demand_features.week", ge=1)
    mean: Number = column(description="Expected units, all added up", derived_from="demand_features.units", ge=0)
    q10: Number = column(
        description="The total is below this in 1 week of 10", derived_from="demand_features.units", ge=0
    )
    q50: Number = column(
        description="The total is below this in every other week", derived_from="demand_features.units", ge=0
    )
    q90: Number = column(
        description="The total is above this in 1 week of 10", derived_from="demand_features.units", ge=0
    )
    model: Text = column(description="The champion model that made it", derived_from="demand_features.units")
    model_version: Code = column(description="The version of that model", derived_from="demand_features.units")


LINEAGE = total_forecast_lineage("demand_features", target="units")


@table(rows=TotalForecast, key=("week",), owner="planning@example.com", lineage=LINEAGE)
def total_forecast(demand_features: Frame, demand_champion: Champion) -> Frame:
    """The demand expected for all items together: one row for each of the next eight weeks, with the total's own range.

    Errors of single items partly cancel out, so the ranges of the items added up would be far too wide.
    """
    return forecast_total(demand_champion, demand_features)
