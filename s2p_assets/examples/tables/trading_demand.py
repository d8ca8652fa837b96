"""The trading company's weekly demand by item, in the columns of `retail_demand.py`. Forecasts are not here."""

import pandas as pd

from s2p_assets import (
    Boolean,
    Code,
    Date,
    LineageRule,
    LineageRules,
    Money,
    NotYet,
    Number,
    Row,
    column,
    in_period,
    last_complete_week,
    same_key,
    table,
    week_of,
    weekly_panel,
)

TO_CONSUMERS = ("Retail", "E-Commerce")


class Demand(Row):
    """The demand for one item in one week, in units."""

    sku: Code = column(description="The item's number", derived_from="sales.item_code")
    week: Date = column(description="Monday of the week", derived_from="sales.sold_on")
    units: Number = column(description="Units sold less units returned", derived_from="sales.quantity")
    retail_units: Number = column(
        description="Of these, to shops and in the web shop", derived_from=("sales.quantity", "customers.channel")
    )
    wholesale_units: Number = column(
        description="Of these, to all others", derived_from=("sales.quantity", "customers.channel")
    )
    revenue: Money = column(
        description="Units at the list price less discount; none for an item without a price",
        nullable=True,
        derived_from=("sales.quantity", "sales.discount", "products.msrp"),
    )
    unit_price: Money = column(description="List price", nullable=True, derived_from="products.msrp")
    censored: Boolean = column(
        description="Never: nothing is known of the company's stock", derived_from="sales.sold_on"
    )


LINEAGE: LineageRules = {
    "sales": same_key(item_code="sku") & in_period("sold_on", "week", days=7),
    "customers": LineageRule("customer_id in (select customer_id from trading.sales where item_code = this.sku)"),
    "products": same_key("sku"),
}


@table(rows=Demand, key=("sku", "week"), owner="planning@example.com", lineage=LINEAGE)
def demand(sales: pd.DataFrame, customers: pd.DataFrame, products: pd.DataFrame) -> pd.DataFrame:
    """What was asked for: one row per item and week, units sold less returns.

    From an item's first sale to the last complete week; weeks without sales are there with 0 units.
    """
    if sales.empty:
        raise NotYet("no sales are loaded yet")
    channel = sales["customer_id"].map(customers.set_index("customer_id")["channel"])
    units = sales["quantity"].astype(float)
    retail_units = units.where(channel.isin(TO_CONSUMERS), 0.0)
    price = products.set_index("sku")["msrp"]
    sold = pd.DataFrame(
        {
            "sku": sales["item_code"],
            "week": week_of(sales["sold_on"]),
            "units": units,
            "retail_units": retail_units,
            "wholesale_units": units - retail_units,
            "paid_units": units * (1 - sales["discount"].fillna(0.0)),
        }
    )
    quantities = ["units", "retail_units", "wholesale_units", "paid_units"]
    rows = weekly_panel(sold, key="sku", quantities=quantities, until=last_complete_week(sales["sold_on"].max()))
    rows["unit_price"] = rows["sku"].map(price).astype(float)
    rows["revenue"] = (rows["paid_units"] * rows["unit_price"]).round(2)
    rows["censored"] = False
    return rows[["sku", "week", "units", "retail_units", "wholesale_units", "revenue", "unit_price", "censored"]]
