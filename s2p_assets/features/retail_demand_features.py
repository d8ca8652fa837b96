"""What was known of the demand for each SKU before each week. Forecasts are the models' work."""

import pandas as pd

from s2p_assets.columns import (
    Day,
    Number,
    Row,
    Text,
    Whole,
    YesNo,
    code,
    day,
    money,
    number,
    percent,
    text,
    whole,
    yes_no,
)
from s2p_assets.learning.feature_set import feature_set
from s2p_assets.learning.forecasting.lineage import under_weekly_features
from s2p_assets.learning.forecasting.weekly_features import weekly_features, weeks_to_come
from s2p_assets.learning.model import Problem
from s2p_assets.lineage import Under, UnderEach, in_force_on, same_key
from s2p_assets.tables.retail_demand import list_price
from s2p_assets.warehouse.history import in_force

KNOWN = ("demand.units", "demand.censored")

WEEKLY_DEMAND = Problem(
    entity="sku",
    time="week",
    target="units",
    known=("unit_price",),
    censored="censored",
    price="unit_price",
    peers=("category",),
)


class DemandFeatures(Row):
    """One SKU in a past week, with what was known when the week began; or in a week to come, with its price."""

    sku: Text = code(says="The article's number", of="demand.sku")
    week: Day = day(says="Monday of the week", of="demand.week")
    units: Number = number(
        says="Units sold in the week less returns, not below 0: what is forecast; none for a week to come",
        optional=True,
        of="demand.units",
    )
    censored: YesNo = yes_no(says="Whether stock ran out, so that sales understate demand", of="demand.censored")
    unit_price: Number = money(
        says="List price in the week; of a week to come as the price list has it now",
        optional=True,
        of=("demand.unit_price", "products.msrp"),
    )
    category: Text = text(says="Product group by then", optional=True, of="products.category")
    lag_1: Number = number(says="Demand 1 week before, in units", optional=True, of=KNOWN)
    lag_2: Number = number(says="Demand 2 weeks before, in units", optional=True, of=KNOWN)
    lag_4: Number = number(says="Demand 4 weeks before, in units", optional=True, of=KNOWN)
    lag_8: Number = number(says="Demand 8 weeks before, in units", optional=True, of=KNOWN)
    lag_52: Number = number(says="Demand 52 weeks before, in units", optional=True, of=KNOWN)
    mean_4: Number = number(says="Mean demand of the 4 weeks before", optional=True, of=KNOWN)
    mean_13: Number = number(says="Mean demand of the 13 weeks before", optional=True, of=KNOWN)
    std_4: Number = number(says="Standard deviation of the 4 weeks before", optional=True, of=KNOWN)
    std_13: Number = number(says="Standard deviation of the 13 weeks before", optional=True, of=KNOWN)
    zeros_13: Number = percent(says="Share of the 13 weeks before without any demand", optional=True, of=KNOWN)
    price_ratio: Number = number(
        says="Price of the week before over the mean of its 13 weeks", optional=True, of="demand.unit_price"
    )
    weeks_since_first_sale: Whole = whole(
        says="Whole weeks from the first sale to the week before", optional=True, of="demand.units"
    )


LINEAGE: UnderEach = {
    **under_weekly_features("demand", entity="sku", week="week"),
    "products": same_key("sku") & in_force_on("week"),
    ("unit_price", "products"): Under("this.units is null") & same_key("sku") & in_force_on("week", plus_days=3),
}


@feature_set(
    rows=DemandFeatures,
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
    history = demand[["sku", "week", "units", "censored", "unit_price"]]
    known = weekly_features(history, WEEKLY_DEMAND, price="unit_price")
    ahead = weeks_to_come(known, WEEKLY_DEMAND)
    rows = pd.concat([known, ahead.assign(unit_price=list_price(ahead, products))], ignore_index=True)
    return rows.assign(category=in_force(rows, products, ["sku"], "week", ["category"])["category"])
