"""The trading company's forecast for all items together. Item by item it is in `trading_demand_forecast.py`."""

import pandas as pd

from s2p_assets.learning.forecasting.weekly_demand import UNDER_TOTAL, TotalForecast
from s2p_assets.learning.versions import Champion, foresee_total
from s2p_assets.warehouse.table import table


@table(rows=TotalForecast, key=("week",), owner="planning@example.com", under=UNDER_TOTAL)
def total_forecast(demand_features: pd.DataFrame, demand_champion: Champion) -> pd.DataFrame:
    """The demand expected for all items together: one row for each of the next eight weeks, with the total's own range.

    Errors of single items partly cancel out, so the ranges of the items added up would be far too wide.
    """
    return foresee_total(demand_champion, demand_features)
