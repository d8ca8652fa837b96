"""What to order today, by SKU. The arithmetic of stock is in `inventory/replenishment.py`."""

import pandas as pd

from s2p_assets import (
    Champion,
    Code,
    Date,
    Integer,
    LineageRule,
    LineageRules,
    Money,
    Number,
    Percent,
    ReplenishmentPolicy,
    Row,
    Text,
    column,
    column_names,
    critical_ratio,
    order_choice,
    order_errors,
    plan_orders,
    run_out_dates,
    same_key,
    shifted_forecast,
    table,
    version_on,
)

LEAST_SERVICE, MOST_SERVICE = 0.80, 0.99
YEARS_SHOWN = 3
MEAN_DEMAND = "demand_forecast.order_mean"
SUPPLY = ("stock_position.on_hand", "stock_position.on_order")
MARGIN = ("products.t2_cost", "products.item_cost")
LEAD_TIME_DEMAND = (MEAN_DEMAND, "products.lead_time_days")
STOCK_LEVELS = (*LEAD_TIME_DEMAND, "order_backtest.serves", "demand_forecast.deviation", "demand_forecast.q90", *MARGIN)

LINEAGE: LineageRules = {
    "products": same_key("sku", valid_from="terms_valid_from"),
    "order_backtest": LineageRule("serves"),
}


class ReorderPlan(Row):
    """One SKU on the price list: its stock, its levels, and what to order today."""

    sku: Code = column(description="The company's own article number", derived_from="products.sku")
    description: Text = column(description="What the article is called on offers", derived_from="products.description")
    supplier: Text = column(description="Who it is bought from", nullable=True, derived_from="products.supplier")
    terms_valid_from: Date = column(
        description="First day of the prices and terms that it is planned with: those of the day of the stock",
        derived_from="products.valid_from",
    )
    on_hand: Number = column(
        description="Units in stock; none when never counted", nullable=True, derived_from="stock_position.on_hand"
    )
    on_order: Number = column(description="Units under way", nullable=True, derived_from="stock_position.on_order")
    lead_time_days: Integer = column(
        description="Days from order to receipt; 14 where the price list says nothing",
        derived_from="products.lead_time_days",
        ge=0,
    )
    demand_over_lead_time: Number = column(
        description="Expected demand over the lead time and the week to the next look, in units",
        derived_from=LEAD_TIME_DEMAND,
        ge=0,
    )
    service_level: Percent = column(
        description="How surely stock is to last: a unit's margin over that margin and three weeks of holding it, "
        "between 80 and 99 %; 95 % where a price is not known",
        derived_from=MARGIN,
        ge=LEAST_SERVICE,
        le=MOST_SERVICE,
    )
    safety_stock: Number = column(
        description="Units held against higher demand, for that service level", derived_from=STOCK_LEVELS, ge=0
    )
    reorder_point: Number = column(
        description="Order when stock and orders together are below this", derived_from=STOCK_LEVELS, ge=0
    )
    order_up_to: Number = column(
        description="Order up to this many units: 14 days above the reorder point, or less of what would perish",
        derived_from=(*STOCK_LEVELS, "products.shelf_life_days"),
        ge=0,
    )
    order_quantity: Integer = column(
        description="Units to order today, in whole packs; none while the stock is not known",
        nullable=True,
        derived_from=(*STOCK_LEVELS, *SUPPLY, "products.pack_size", "products.minimum_order"),
        ge=0,
    )
    pack_size: Integer = column(
        description="Units in a carton, 1 where the price list says nothing", derived_from="products.pack_size", ge=1
    )
    order_packs: Integer = column(
        description="Cartons to order today, as the supplier counts them",
        nullable=True,
        derived_from=(*STOCK_LEVELS, *SUPPLY, "products.pack_size", "products.minimum_order"),
        ge=0,
    )
    order_cost: Money = column(
        description="What that order costs",
        nullable=True,
        derived_from=(*STOCK_LEVELS, *SUPPLY, "products.pack_size", "products.minimum_order"),
    )
    days_of_cover: Number = column(
        description="Days that the stock lasts at the expected demand; none if over three years",
        nullable=True,
        derived_from=(MEAN_DEMAND, SUPPLY[0]),
    )
    runs_out_on: Date = column(
        description="The day on which the stock ends; none if not within three years",
        nullable=True,
        derived_from=(MEAN_DEMAND, SUPPLY[0], "stock_position.as_of"),
    )
    shortage_if_ordered: Number = column(
        description="Units expected short before an order of today could arrive; no order averts them",
        nullable=True,
        derived_from=(*LEAD_TIME_DEMAND, *SUPPLY),
        ge=0,
    )
    shortage_if_not_ordered: Number = column(
        description="Units expected short before an order of next week could arrive, if nothing is ordered today",
        nullable=True,
        derived_from=(*LEAD_TIME_DEMAND, *SUPPLY),
        ge=0,
    )
    cost_of_waiting: Money = column(
        description="What doing nothing today costs: the margin on the units that run short by it",
        nullable=True,
        derived_from=(*STOCK_LEVELS, *SUPPLY),
        ge=0,
    )


@table(rows=ReorderPlan, key=("sku",), owner="purchasing@example.com", lineage=LINEAGE)
def reorder_plan(
    demand_forecast: pd.DataFrame,
    stock_position: pd.DataFrame,
    products: pd.DataFrame,
    demand_champion: Champion,
    order_backtest: pd.DataFrame,
) -> pd.DataFrame:
    """What to order today: one row per SKU on the price list, with its stock, its reorder point and the order due.

    Stock and orders are to last until an order of next week could arrive: the more surely, the more a unit earns.
    Made anew with every forecast, stock count, receipt or sale.
    """
    as_of, policy = stock_position["as_of"].max(), _policy(order_backtest)
    terms = version_on(products, ["sku"], as_of).rename(columns={"valid_from": "terms_valid_from"})
    rows = terms.merge(stock_position, on="sku", how="left", validate="one_to_one")
    rows = rows.assign(
        lead_time_days=rows["lead_time_days"].astype(float).fillna(policy.usual_lead_days),
        pack_size=rows["pack_size"].astype(float).fillna(1),
        minimum_order=rows["minimum_order"].astype(float).fillna(0),
        service_level=_service_levels(rows, policy),
        shelf_life_days=rows["shelf_life_days"].astype(float),
        deviation=rows["sku"].map(demand_forecast.drop_duplicates("sku").set_index("sku")["deviation"]),
    )
    weeks = demand_forecast.pivot(index="sku", columns="step", values="order_mean").reindex(rows["sku"]).fillna(0.0)
    elapsed = (as_of + pd.Timedelta(days=1) - demand_forecast["week"].min()) / pd.Timedelta(weeks=1)
    means = shifted_forecast(weeks.to_numpy(float), elapsed if len(stock_position) else 0.0)
    errors = order_errors(demand_champion, demand_forecast, order_choice(order_backtest))
    rows = rows.join(plan_orders(rows, means, errors, policy, days_per_period=7))
    rows["order_cost"] = (rows["order_quantity"] * rows["item_cost"]).round(2)
    avoidable = rows["shortage_if_not_ordered"] - rows["shortage_if_ordered"]
    rows["cost_of_waiting"] = (avoidable * _unit_margin(rows)).round(2)
    rows["runs_out_on"] = run_out_dates(as_of, rows["days_of_cover"], within_days=YEARS_SHOWN * 365)
    rows["days_of_cover"] = rows["days_of_cover"].where(rows["days_of_cover"] <= YEARS_SHOWN * 365)
    rows["order_packs"] = rows["order_quantity"] / rows["pack_size"].clip(lower=1)
    whole = {"order_quantity": "Int64", "order_packs": "Int64", "lead_time_days": "int64", "pack_size": "int64"}
    return rows.astype(whole)[column_names(ReorderPlan)]


def _unit_margin(rows: pd.DataFrame) -> "pd.Series[float]":
    """What a unit not sold loses at the least: the dealers' price less its cost; missing where either is."""
    return (rows["t2_cost"].astype(float) - rows["item_cost"].astype(float)).clip(lower=0)


def _policy(order_backtest: pd.DataFrame) -> ReplenishmentPolicy:
    """The terms on which past orders were tried: those of today follow the same."""
    names = ("service_level", "review_days", "cover_days", "usual_lead_days", "holding_cost")
    return ReplenishmentPolicy(**{name: order_backtest[name].iloc[0].item() for name in names})


def _service_levels(rows: pd.DataFrame, policy: ReplenishmentPolicy) -> "pd.Series[float]":
    """Margin against the cost of holding a unit from one order to the next, in whole percents within the bounds."""
    held = rows["item_cost"].astype(float) * policy.holding_cost * policy.cycle_days / 365
    ratio = pd.Series(critical_ratio(_unit_margin(rows), held), index=rows.index)
    return ratio.fillna(policy.service_level).round(2).clip(LEAST_SERVICE, MOST_SERVICE)
