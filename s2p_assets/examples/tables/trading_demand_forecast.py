"""What the trading company's customers will ask for, by item and week, as the champion foresees it."""

import pandas as pd

from s2p_assets.learning.forecasting.weekly_demand import UNDER_FORECAST, DemandForecast
from s2p_assets.learning.versions import Champion, foresee
from s2p_assets.warehouse.table import table


@table(rows=DemandForecast, key=("sku", "week"), owner="planning@example.com", under=UNDER_FORECAST)
def demand_forecast(demand_features: pd.DataFrame, demand_champion: Champion) -> pd.DataFrame:
    """The demand for every item in the next eight weeks, with the range that it will probably be in."""
    return foresee(demand_champion, demand_features)
