"""What was known of the demand of each SKU before each week. What it will be is the models' business."""

import pandas as pd

from s2p_assets.columns import Number, money, number
from s2p_assets.learning.feature_set import feature_set
from s2p_assets.learning.forecasting.weekly_demand import UNDER_FEATURES, DemandFeatures, known_demand, weeks_to_come
from s2p_assets.learning.model import Problem
from s2p_assets.shelves import Under, UnderEach
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
    """A SKU in a week that is over, with what was known of it when it began; or in a week to come, with its price."""

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


UNDER: UnderEach = {
    **UNDER_FEATURES,
    "products": Under("sku = this.sku and valid_from <= this.week and coalesce(valid_to > this.week, true)"),
    ("unit_price", "products"): Under(
        "sku = this.sku and this.units is null"
        " and valid_from <= this.week + 3 and coalesce(valid_to > this.week + 3, true)"
    ),
}


@feature_set(
    rows=KnownDemand,
    entity=("sku",),
    event_time="week",
    owner="planning@example.com",
    by_entity=True,
    under=UNDER,
)
def demand_features(demand: pd.DataFrame, products: pd.DataFrame) -> pd.DataFrame:
    """Demand by SKU and week, with what was known of it when the week began: nothing from the week itself or later.

    Every week from a SKU's first row on is there, those without a row as 0 units. Weeks in which stock
    ran out count in the features as the mean of the eight weeks before that were not cut short.
    The eight weeks to come follow, of which nothing is known but the price that the list has for them.
    """
    known = known_demand(demand, WEEKLY_DEMAND)
    ahead = weeks_to_come(known, WEEKLY_DEMAND)
    rows = pd.concat([known, ahead.assign(unit_price=list_price(ahead, products))], ignore_index=True)
    return rows.assign(category=in_force(rows, products, ["sku"], "week", ["category"])["category"])
