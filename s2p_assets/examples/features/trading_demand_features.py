"""What was known of the trading company's demand before each week. Forecasts are the models' work."""

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
from s2p_assets.learning.forecasting.weekly_features import weekly_features
from s2p_assets.learning.model import Problem

KNOWN = ("demand.units", "demand.censored")

WEEKLY_DEMAND = Problem(entity="sku", time="week", target="units")


class DemandFeatures(Row):
    """One item in one week: what was sold, and what was known of its demand when the week began."""

    sku: Text = code(says="The article's number", of="demand.sku")
    week: Day = day(says="Monday of the week", of="demand.week")
    units: Number = number(says="Units sold in the week less returns, not below 0: what is forecast", of="demand.units")
    censored: YesNo = yes_no(says="Whether stock ran out, so that sales understate demand", of="demand.censored")
    unit_price: Number = money(says="List price in the week", optional=True, of="demand.unit_price")
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


@feature_set(
    rows=DemandFeatures,
    entity=("sku",),
    event_time="week",
    owner="planning@example.com",
    by_entity=True,
    under=under_weekly_features("demand", entity="sku", week="week"),
)
def demand_features(demand: pd.DataFrame, products: pd.DataFrame) -> pd.DataFrame:
    """One row per item and week: its demand, and what was known of it when the week began, nothing of later days.

    A week in which more was returned than sold counts as 0 units. Prices and categories are those of the undated
    price list, the same for all years.
    """
    history = demand[["sku", "week", "units", "censored", "unit_price"]]
    rows = weekly_features(history, WEEKLY_DEMAND, price="unit_price")
    return rows.assign(category=rows["sku"].map(products.set_index("sku")["category"]))
