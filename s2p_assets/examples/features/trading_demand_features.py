"""What was known of the trading company's demand before each week. Forecasts are the models' work."""

from s2p_assets import (
    Boolean,
    Code,
    Date,
    ForecastTask,
    Frame,
    Integer,
    Money,
    Number,
    Percent,
    Row,
    Text,
    column,
    feature_set,
    weekly_feature_lineage,
    weekly_features,
)

KNOWN = ("demand.units", "demand.censored")

WEEKLY_DEMAND = ForecastTask(entity="sku", time="week", target="units")


class DemandFeatures(Row):
    """One item in one week: what was sold, and what was known of its demand when the week began."""

    sku: Code = column(description="The article's number", derived_from="demand.sku")
    week: Date = column(description="Monday of the week", derived_from="demand.week")
    units: Number = column(
        description="Units sold in the week less returns, not below 0: what is forecast", derived_from="demand.units"
    )
    censored: Boolean = column(
        description="Whether stock ran out, so that sales understate demand", derived_from="demand.censored"
    )
    unit_price: Money = column(description="List price in the week", nullable=True, derived_from="demand.unit_price")
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


@feature_set(
    rows=DemandFeatures,
    entity=("sku",),
    event_time="week",
    owner="planning@example.com",
    by_entity=True,
    lineage=weekly_feature_lineage("demand", entity="sku", week="week"),
)
def demand_features(demand: Frame, products: Frame) -> Frame:
    """One row per item and week: its demand, and what was known of it when the week began, nothing of later days.

    A week in which more was returned than sold counts as 0 units. Prices and categories are those of the undated
    price list, the same for all years.
    """
    history = demand[["sku", "week", "units", "censored", "unit_price"]]
    rows = weekly_features(history, WEEKLY_DEMAND, price="unit_price")
    return rows.assign(category=rows["sku"].map(products.set_index("sku")["category"]))
