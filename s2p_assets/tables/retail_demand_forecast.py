"""What will be asked for, by SKU and week, as the champion foresees it. What to order is `retail_reorder_plan`."""

import pandas as pd

from s2p_assets.learning.versions import Champion, foresee
from s2p_assets.learning.weekly_demand import UNDER_FORECAST, DemandForecast
from s2p_assets.warehouse.table import table


@table(rows=DemandForecast, key=("sku", "week"), owner="planning@example.com", under=UNDER_FORECAST)
def demand_forecast(demand_features: pd.DataFrame, demand_champion: Champion) -> pd.DataFrame:
    """The demand for every SKU in the next eight weeks, with the range that it will probably be in.

    The range is as wide as the champion's errors were in its backtests.
    """
    return foresee(demand_champion, demand_features, levels=(0.1, 0.5, 0.9))
