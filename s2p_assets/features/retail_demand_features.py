"""What was known of the demand of each SKU before each week. What it will be is the models' business."""

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
from s2p_assets.learning import lags
from s2p_assets.learning.feature_set import feature_set
from s2p_assets.learning.model import Problem
from s2p_assets.learning.series import along, panel, regular, uncensor
from s2p_assets.warehouse.history import in_force

WEEKLY_DEMAND = Problem(
    entity="sku",
    time="week",
    target="units",
    every="W-MON",
    horizon=8,
    season_length=52,
    folds=3,
    step=4,
    censored="censored",
)
KNOWN = ("demand.units", "demand.censored")


class DemandFeatures(Row):
    """A SKU in a week: what was sold, and what was known of its demand when the week began."""

    sku: Text = code(says="The company's own article number", of="demand.sku")
    week: Day = day(says="Monday of the week", of="demand.week")
    units: Number = number(says="Units sold in the week less returns, not below 0: what is forecast", of="demand.units")
    censored: YesNo = yes_no(says="Whether stock ran out, so that sales understate demand", of="demand.censored")
    unit_price: Number = money(says="MSRP in force on the Monday", optional=True, of="demand.unit_price")
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


@feature_set(rows=DemandFeatures, entity=("sku",), event_time="week", owner="planning@example.com")
def demand_features(demand: pd.DataFrame, products: pd.DataFrame) -> pd.DataFrame:
    """Demand by SKU and week, with what was known of it when the week began: nothing from the week itself or later.

    Every week from a SKU's first row on is there, those without a row as 0 units. Weeks in which stock
    ran out count in the features as the mean of the eight weeks before that were not cut short.
    """
    sold = regular(demand[["sku", "week", "units", "censored", "unit_price"]], WEEKLY_DEMAND)
    units = lags.lag(panel(uncensor(sold, WEEKLY_DEMAND), WEEKLY_DEMAND).values, 1)
    price = lags.lag(lags.last_known(panel(sold, WEEKLY_DEMAND, "unit_price").values), 1)
    known = {f"lag_{weeks}": lags.lag(units, weeks - 1) for weeks in (1, 2, 4, 8, 52)}
    known |= {f"mean_{weeks}": lags.moving_mean(units, weeks) for weeks in (4, 13)}
    known |= {f"std_{weeks}": lags.moving_std(units, weeks) for weeks in (4, 13)}
    known |= {"zeros_13": lags.share_of_zeros(units, 13), "price_ratio": lags.ratio_to_usual(price, 13)}
    known |= {"weeks_since_first_sale": lags.age(units)}
    rows = sold.assign(**{name: along(values, sold, WEEKLY_DEMAND) for name, values in known.items()})
    rows["weeks_since_first_sale"] = rows["weeks_since_first_sale"].astype("Int64")
    rows["category"] = in_force(rows, products, ["sku"], "week", ["category"])["category"]
    return rows[list(DemandFeatures.to_schema().columns)]
