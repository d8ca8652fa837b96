"""What was known of the demand for each SKU before each week. Forecasts are the models' work."""

import pandas as pd

from s2p_assets.columns import Number, money, number
from s2p_assets.learning.feature_set import feature_set
from s2p_assets.learning.forecasting.weekly_demand import UNDER_FEATURES, DemandFeatures, known_demand, weeks_to_come
from s2p_assets.learning.model import Problem
from s2p_assets.lineage import Under, UnderEach, in_force_on, same_key
from s2p_assets.tables.retail_demand import list_price
from s2p_assets.warehouse.history import in_force

WEEKLY_DEMAND = Problem(
    entity="sku",
    time="week",
    target="units",
    known=("unit_price",),
    censored="censored",
    price="unit_price",
    peers=("category",),
)


class KnownDemand(DemandFeatures):
    """One SKU in a past week, with what was known when the week began; or in a week to come, with its price."""

    units: Number = number(
        says="Units sold in the week less returns, not below 0: what is forecast; none for a week to come",
        optional=True,
        of="demand.units",
    )
    unit_price: Number = money(
        says="List price in the week; of a week to come as the price list has it now",
        optional=True,
        of=("demand.unit_price", "products.msrp"),
    )


LINEAGE: UnderEach = {
    **UNDER_FEATURES,
    "products": same_key("sku") & in_force_on("week"),
    ("unit_price", "products"): Under("this.units is null") & same_key("sku") & in_force_on("week", plus_days=3),
}


@feature_set(
    rows=KnownDemand,
    entity=("sku",),
    event_time="week",
    owner="planning@example.com",
    by_entity=True,
    under=LINEAGE,
)
def demand_features(demand: pd.DataFrame, products: pd.DataFrame) -> pd.DataFrame:
    """One row per SKU and week: its demand, and what was known of it when the week began, nothing of later days.

    Every week from a SKU's first row on is there, those without a row as 0 units. Weeks in which stock
    ran out count in the features as the mean of the eight weeks before that were not cut short.
    The eight weeks to come follow, of which nothing is known but the price that the list has for them.
    """
    known = known_demand(demand, WEEKLY_DEMAND)
    ahead = weeks_to_come(known, WEEKLY_DEMAND)
    rows = pd.concat([known, ahead.assign(unit_price=list_price(ahead, products))], ignore_index=True)
    return rows.assign(category=in_force(rows, products, ["sku"], "week", ["category"])["category"])
