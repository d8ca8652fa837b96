"""The forecast of demand for all SKUs together, by week. SKU by SKU it is in `retail_demand_forecast.py`."""

import pandas as pd

from s2p_assets.learning.forecasting.weekly_demand import UNDER_TOTAL, TotalForecast
from s2p_assets.learning.versions import Champion, foresee_total
from s2p_assets.warehouse.table import table


@table(rows=TotalForecast, key=("week",), owner="planning@example.com", under=UNDER_TOTAL)
def total_forecast(demand_features: pd.DataFrame, demand_champion: Champion) -> pd.DataFrame:
    """The demand expected for all SKUs together: one row for each of the next eight weeks, with the total's own range.

    Errors of single SKUs partly cancel out, so the ranges of the SKUs added up would be far too wide.
    """
    return foresee_total(demand_champion, demand_features)
