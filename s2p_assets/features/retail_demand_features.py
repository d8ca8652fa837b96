"""What was known of the demand for each SKU before each week. Forecasts are the models' work."""

import pandas as pd

from s2p_assets import (
    Boolean,
    Code,
    Date,
    Integer,
    LineageRule,
    LineageRules,
    Money,
    Number,
    Percent,
    Row,
    Text,
    column,
    feature_set,
    in_force,
    in_force_on,
    same_key,
    weekly_feature_lineage,
    weekly_features,
    weeks_to_come,
)

KNOWN = ("demand.units", "demand.censored", "demand.plausible_units")


class DemandFeatures(Row):
    """One SKU in a past week, with what was known when the week began; or in a week to come, with its price."""

    sku: Code = column(description="The article's number", derived_from="demand.sku")
    week: Date = column(description="Monday of the week", derived_from="demand.week")
    units: Number = column(
        description="Units sold in the week less returns, not below 0: what is forecast; none for a week to come",
        nullable=True,
        derived_from="demand.units",
    )
    censored: Boolean = column(
        description="Whether stock ran out, so that sales understate demand", derived_from="demand.censored"
    )
    plausible_units: Number = column(
        description="What the week counts as in learning where its units are implausible; none for any other",
        nullable=True,
        derived_from="demand.plausible_units",
    )
    unit_price: Money = column(
        description="List price in the week; of a week to come as the price list has it now",
        nullable=True,
        derived_from=("demand.unit_price", "products.msrp"),
    )
    category: Text = column(description="Product group by then", nullable=True, derived_from="products.category")
    lag_1: Number = column(description="Demand 1 week before, in units", nullable=True, derived_from=KNOWN)
    lag_2: Number = column(description="Demand 2 weeks before, in units", nullable=True, derived_from=KNOWN)
    lag_4: Number = column(description="Demand 4 weeks before, in units", nullable=True, derived_from=KNOWN)
    lag_8: Number = column(description="Demand 8 weeks before, in units", nullable=True, derived_from=KNOWN)
    lag_52: Number = column(description="Demand 52 weeks before, in units", nullable=True, derived_from=KNOWN)
    mean_4: Number = column(description="Mean demand of the 4 weeks before", nullable=True, derived_from=KNOWN)
    mean_13: Number = column(description="Mean demand of the 13 weeks before", nullable=True, derived_from=KNOWN)
    std_4: Number = column(description="Standard deviation of the 4 weeks before", nullable=True, derived_from=KNOWN)
    std_13: Number = column(description="Standard deviation of the 13 weeks before", nullable=True, derived_from=KNOWN)
    zeros_13: Percent = column(
        description="Share of the 13 weeks before without any demand", nullable=True, derived_from=KNOWN
    )
    price_ratio: Number = column(
        description="Price of the week before over the mean of its 13 weeks",
        nullable=True,
        derived_from="demand.unit_price",
    )
    weeks_since_first_sale: Integer = column(
        description="Whole weeks from the first sale to the week before", nullable=True, derived_from="demand.units"
    )


LINEAGE: LineageRules = {
    **weekly_feature_lineage("demand", entity="sku", week="week"),
    "products": same_key("sku") & in_force_on("week"),
    ("unit_price", "products"): LineageRule("this.units is null") & same_key("sku") & in_force_on("week", plus_days=3),
}


@feature_set(
    rows=DemandFeatures,
    entity=("sku",),
    event_time="week",
    owner="planning@example.com",
    by_entity=True,
    lineage=LINEAGE,
)
def demand_features(demand: pd.DataFrame, products: pd.DataFrame) -> pd.DataFrame:
    """One row per SKU and week: its demand, and what was known of it when the week began, nothing of later days.

    Every week from a SKU's first row on is there, those without a row as 0 units. Weeks in which stock
    ran out count in the features as the mean of the eight weeks before that were not cut short, and
    implausible ones as what is plausible.
    The eight weeks to come follow, of which nothing is known but the price that the list has for them.
    """
    history = demand[["sku", "week", "units", "censored", "plausible_units", "unit_price"]]
    known = weekly_features(
        history,
        entity="sku",
        week="week",
        target="units",
        price="unit_price",
        censored="censored",
        damped="plausible_units",
    )
    ahead = weeks_to_come(known, entity="sku", week="week", weeks=8).assign(censored=False)
    msrp = in_force(ahead, products, ["sku"], "week", ["msrp"], plus_days=3)["msrp"].astype(float)
    rows = pd.concat([known, ahead.assign(unit_price=msrp)], ignore_index=True)
    return rows.assign(category=in_force(rows, products, ["sku"], "week", ["category"])["category"])
