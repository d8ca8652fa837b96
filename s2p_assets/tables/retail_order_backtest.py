"""How orders by each forecast would have served in past weeks. Today's orders are in `retail_reorder_plan.py`."""

import pandas as pd

from s2p_assets import (
    Boolean,
    Champion,
    Code,
    Integer,
    LineageRule,
    LineageRules,
    Number,
    Percent,
    ReplenishmentPolicy,
    Row,
    Text,
    backtests_on_same_folds,
    column,
    error_distribution,
    has_value,
    order_backtest_of,
    table,
    versions_on_same_folds,
    why_ordered_by,
)

POLICY = ReplenishmentPolicy(service_level=0.95, review_days=7, cover_days=14, usual_lead_days=14, holding_cost=0.25)
TRIED = ("demand_features.units", "products.lead_time_days", "products.shelf_life_days")
TERMS = ("service_level", "review_days", "cover_days", "usual_lead_days", "holding_cost")


LINEAGE: LineageRules = {"demand_features": has_value("units"), "products": LineageRule("is_current")}


class OrderBacktest(Row):
    """One forecast model: what orders that follow from it would have served in past weeks."""

    model: Text = column(description="The model", derived_from=TRIED[0])
    model_version: Code = column(description="The version of that model", derived_from=TRIED[0])
    serves: Boolean = column(description="Whether orders follow from it", derived_from=TRIED)
    fill: Percent = column(
        description="Share of the units asked for that stock would have been there for, at the service level",
        nullable=True,
        derived_from=TRIED,
    )
    days_of_stock: Number = column(
        description="Units in stock over units asked for a day, at that service level",
        nullable=True,
        derived_from=TRIED,
    )
    stock_at_same_fill: Number = column(
        description="Days of stock for the fill that the model in service kept, 98 % at most; waste counted as days of "
        "holding; none where that fill was not reached",
        nullable=True,
        derived_from=TRIED,
    )
    wasted: Percent = column(
        description="Units past their shelf life over units asked for; none where nothing perishes",
        nullable=True,
        derived_from=TRIED,
    )
    folds: Integer = column(description="From how many past weeks orders were tried", derived_from=TRIED, ge=0)
    because: Text = column(description="By which model is ordered and why, in a sentence", derived_from=TRIED)
    service_level: Percent = column(description="How surely stock is to last", derived_from=TRIED[0])
    review_days: Integer = column(description="Days from one look at the plan to the next", derived_from=TRIED[0])
    cover_days: Integer = column(description="Days of demand ordered on top, for fewer orders", derived_from=TRIED[0])
    usual_lead_days: Integer = column(
        description="Days from order to receipt where the price list says none", derived_from=TRIED[0]
    )
    holding_cost: Percent = column(
        description="What holding a unit for a year costs, of its cost", derived_from=TRIED[0]
    )


@table(rows=OrderBacktest, key=("model",), owner="purchasing@example.com", lineage=LINEAGE)
def order_backtest(demand_champion: Champion, products: pd.DataFrame) -> pd.DataFrame:
    """How orders that follow from each forecast would have served in past weeks: one row per model.

    Orders follow from the model in service, unless another's would have needed over 5 % less stock for the same fill,
    whichever past week is left out.
    """
    backtests = backtests_on_same_folds(demand_champion)
    errors = {name: error_distribution(rows, demand_champion.task) for name, rows in backtests.items()}
    terms = products.sort_values("valid_from", kind="stable").drop_duplicates("sku", keep="last").set_index("sku")
    standing = demand_champion.model_name
    found = order_backtest_of(backtests, errors, terms, POLICY, standing=standing, days_per_period=7)
    return found.assign(
        model=found["name"],
        model_version=found["name"].map(versions_on_same_folds(demand_champion)),
        because=why_ordered_by(found, standing),
        **{name: getattr(POLICY, name) for name in TERMS},
    ).drop(columns="name")
