"""What the trading company will sell of all items together. Item by item it is in `trading_demand_forecast.py`."""

import pandas as pd

from s2p_assets.learning.forecasting.weekly_demand import UNDER_TOTAL, TotalForecast
from s2p_assets.learning.versions import Champion, foresee_total
from s2p_assets.warehouse.table import table


@table(rows=TotalForecast, key=("week",), owner="planning@example.com", under=UNDER_TOTAL)
def total_forecast(demand_features: pd.DataFrame, demand_champion: Champion) -> pd.DataFrame:
    """The demand for all items together in the next eight weeks, with a range that is the total's own.

    Items seldom err in the same direction at once, so the ranges of the items added up would be far too wide.
    """
    return foresee_total(demand_champion, demand_features)
