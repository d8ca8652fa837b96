"""The champion's forecast of demand, by SKU and week. What to order is in `retail_reorder_plan.py`."""

import pandas as pd

from s2p_assets.learning.forecasting.weekly_demand import UNDER_FORECAST, DemandForecast, not_sold_yet
from s2p_assets.learning.versions import Champion, foresee
from s2p_assets.warehouse.table import table


@table(rows=DemandForecast, key=("sku", "week"), owner="planning@example.com", under=UNDER_FORECAST)
def demand_forecast(demand_features: pd.DataFrame, demand_champion: Champion, products: pd.DataFrame) -> pd.DataFrame:
    """The demand expected in the next eight weeks: one row per SKU and week, with a range.

    The range is as wide as the champion's errors were in its backtests. An article new on the price list is forecast
    from how those of its category and price began; one without sales for long counts as discontinued.
    """
    listed = not_sold_yet(products, demand_features, demand_champion.problem)
    return foresee(demand_champion, demand_features, listed=listed, levels=(0.1, 0.5, 0.9))
