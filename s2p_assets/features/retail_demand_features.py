"""What was known of the demand of each SKU before each week. What it will be is the models' business."""

import pandas as pd

from s2p_assets.learning.feature_set import feature_set
from s2p_assets.learning.model import Problem
from s2p_assets.learning.weekly_demand import UNDER_FEATURES, DemandFeatures, known_demand
from s2p_assets.warehouse.history import in_force

WEEKLY_DEMAND = Problem(
    entity="sku", time="week", target="units", censored="censored", price="unit_price", peers=("category",)
)


@feature_set(
    rows=DemandFeatures,
    entity=("sku",),
    event_time="week",
    owner="planning@example.com",
    by_entity=True,
    under=UNDER_FEATURES,
)
def demand_features(demand: pd.DataFrame, products: pd.DataFrame) -> pd.DataFrame:
    """Demand by SKU and week, with what was known of it when the week began: nothing from the week itself or later.

    Every week from a SKU's first row on is there, those without a row as 0 units. Weeks in which stock
    ran out count in the features as the mean of the eight weeks before that were not cut short.
    """
    rows = known_demand(demand, WEEKLY_DEMAND)
    return rows.assign(category=in_force(rows, products, ["sku"], "week", ["category"])["category"])
