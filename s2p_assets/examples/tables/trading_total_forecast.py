"""The trading company's forecast for all items together. Item by item it is in `trading_demand_forecast.py`."""

import pandas as pd

from s2p_assets.columns import Day, Number, Row, Text, Whole, code, day, number, text, whole
from s2p_assets.learning.forecasting.forecasts import foresee_total
from s2p_assets.learning.forecasting.lineage import under_total_forecast
from s2p_assets.learning.versions import Champion
from s2p_assets.warehouse.table import table


class TotalForecast(Row):
    """The expected demand for all items together in one coming week, in units."""

    week: Day = day(says="Monday of the week", of="demand_features.week")
    step: Whole = whole(says="Weeks ahead", of="demand_features.week", ge=1)
    mean: Number = number(says="Expected units, all added up", of="demand_features.units", ge=0)
    q10: Number = number(says="The total is below this in 1 week of 10", of="demand_features.units", ge=0)
    q50: Number = number(says="The total is below this in every other week", of="demand_features.units", ge=0)
    q90: Number = number(says="The total is above this in 1 week of 10", of="demand_features.units", ge=0)
    model: Text = text(says="The champion model that made it", of="demand_features.units")
    model_version: Text = code(says="The version of that model", of="demand_features.units")


LINEAGE = under_total_forecast("demand_features", target="units")


@table(rows=TotalForecast, key=("week",), owner="planning@example.com", under=LINEAGE)
def total_forecast(demand_features: pd.DataFrame, demand_champion: Champion) -> pd.DataFrame:
    """The demand expected for all items together: one row for each of the next eight weeks, with the total's own range.

    Errors of single items partly cancel out, so the ranges of the items added up would be far too wide.
    """
    return foresee_total(demand_champion, demand_features)
