"""The trading company's forecast for all items together. Item by item it is in `trading_demand_forecast.py`."""

import pandas as pd

from s2p_assets.contracts.columns import Code, Date, Integer, Number, Row, Text, column
from s2p_assets.contracts.table import table
from s2p_assets.learning.forecasting.forecasts import forecast_total
from s2p_assets.learning.forecasting.lineage import total_forecast_lineage
from s2p_assets.learning.versions import Champion


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
def total_forecast(demand_features: pd.DataFrame, demand_champion: Champion) -> pd.DataFrame:
    """The demand expected for all items together: one row for each of the next eight weeks, with the total's own range.

    Errors of single items partly cancel out, so the ranges of the items added up would be far too wide.
    """
    return forecast_total(demand_champion, demand_features)
