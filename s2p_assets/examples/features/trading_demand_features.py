"""What was known of the trading company's demand before each week. Forecasts are the models' work."""

import pandas as pd

from s2p_assets.learning.feature_set import feature_set
from s2p_assets.learning.forecasting.weekly_demand import UNDER_FEATURES, DemandFeatures, known_demand
from s2p_assets.learning.model import Problem

WEEKLY_DEMAND = Problem(entity="sku", time="week", target="units")


@feature_set(
    rows=DemandFeatures,
    entity=("sku",),
    event_time="week",
    owner="planning@example.com",
    by_entity=True,
    under=UNDER_FEATURES,
)
def demand_features(demand: pd.DataFrame, products: pd.DataFrame) -> pd.DataFrame:
    """One row per item and week: its demand, and what was known of it when the week began, nothing of later days.

    A week in which more was returned than sold counts as 0 units. Prices and categories are those of the undated
    price list, the same for all years.
    """
    rows = known_demand(demand, WEEKLY_DEMAND)
    return rows.assign(category=rows["sku"].map(products.set_index("sku")["category"]))
