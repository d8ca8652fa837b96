"""The trading company's forecast of demand, by item and week. All items together: `trading_total_forecast.py`."""

import pandas as pd

from s2p_assets.learning.forecasting.weekly_demand import UNDER_FORECAST, DemandForecast
from s2p_assets.learning.versions import Champion, foresee
from s2p_assets.warehouse.table import table


@table(rows=DemandForecast, key=("sku", "week"), owner="planning@example.com", under=UNDER_FORECAST)
def demand_forecast(demand_features: pd.DataFrame, demand_champion: Champion) -> pd.DataFrame:
    """The demand expected in the next eight weeks: one row per item and week, with the range it will probably be in."""
    return foresee(demand_champion, demand_features)
