"""Weekly demand by SKU, made from sales. Forecasts of it are in `retail_demand_forecast.py`."""

import pandas as pd

from s2p_assets import (
    Boolean,
    Code,
    Date,
    LineageRules,
    Money,
    Number,
    Row,
    Text,
    before_day,
    carry_over,
    censored_weeks,
    column,
    column_names,
    complete_late_weeks,
    in_force,
    in_force_on,
    in_line,
    in_period,
    in_units_of_last,
    last_week_told,
    mark_one_offs,
    mark_undelivered,
    of_predecessors,
    only_newest,
    overlapping,
    spread_over_weeks,
    table,
    week_of,
    weekly_panel,
)

SOLD = ("retail_sales.quantity", "wholesale_sales.quantity")


class Demand(Row):
    """The demand for one SKU in one week, in units."""

    sku: Code = column(
        description="The company's own article number", derived_from=("retail_sales.sku", "wholesale_sales.sku")
    )
    week: Date = column(
        description="Monday of the week",
        derived_from=("retail_sales.from_date", "retail_sales.to_date", "wholesale_sales.ship_date"),
    )
    units: Number = column(
        description="Units sold less units returned, those of predecessors too",
        derived_from=(*SOLD, "successors.old_units_per_new"),
    )
    retail_units: Number = column(
        description="Of these, to consumers; long periods are spread by days", derived_from=SOLD[0]
    )
    wholesale_units: Number = column(description="Of these, to dealers", derived_from=SOLD[1])
    revenue: Money = column(
        description="Invoiced to dealers, plus units to consumers at the MSRP of the week; none while that is unknown",
        nullable=True,
        derived_from=(*SOLD, "wholesale_sales.unit_price", "products.msrp"),
    )
    unit_price: Money = column(
        description="MSRP in force on the Thursday, so for most of the week",
        nullable=True,
        derived_from="products.msrp",
    )
    censored: Boolean = column(
        description="Whether stock ran out in the week, or the week looks undelivered, so that sales understate demand",
        derived_from=(*SOLD, "inventory.usable_supply_excl", "inventory.count_date", "receipts.quantity"),
    )
    undelivered: Boolean = column(
        description="Whether so few SKUs sold in the week that its files have most likely not come, or not all of them",
        derived_from=SOLD,
    )
    completed_units: Number = column(
        description="Of the units, estimated for a channel whose files of the week have not come yet", derived_from=SOLD
    )
    one_off: Boolean = column(
        description="Whether the units are beyond what its own past and its product group make plausible, or called a "
        "one-off by a person",
        derived_from=(*SOLD, "one_offs.word"),
    )
    plausible_units: Number = column(
        description="What a one-off counts as in learning; none for any other week",
        nullable=True,
        derived_from=(*SOLD, "one_offs.word"),
    )
    carried_from: Text = column(
        description="The predecessors whose units are in the row, by the list of successors",
        nullable=True,
        derived_from="successors.predecessor",
    )
    carried_units: Text = column(
        description="How many units of each of these are one unit of the row",
        nullable=True,
        derived_from="successors.old_units_per_new",
    )


LINE = in_line("sku")
LINEAGE: LineageRules = {
    "retail_sales": LINE & in_units_of_last(overlapping("from_date", "to_date", "week", days=7), "sku"),
    "wholesale_sales": LINE & in_units_of_last(in_period("ship_date", "week", days=7), "sku"),
    "products": LINE & in_force_on("week", plus_days=3),
    "inventory": LINE & before_day("count_date", "week", plus_days=7) & only_newest("count_date"),
    ("censored", "retail_sales"): LINE & before_day("from_date", "week", plus_days=7),
    ("censored", "wholesale_sales"): LINE & before_day("ship_date", "week", plus_days=7),
    "receipts": LINE & before_day("receive_date", "week", plus_days=7),
    "successors": of_predecessors("predecessor"),
    "one_offs": LINE & in_period("week", "week", days=7),
}


@table(rows=Demand, key=("sku", "week"), owner="planning@example.com", lineage=LINEAGE)
def demand(
    retail_sales: pd.DataFrame,
    wholesale_sales: pd.DataFrame,
    inventory: pd.DataFrame,
    receipts: pd.DataFrame,
    products: pd.DataFrame,
    sales_coverage: pd.DataFrame,
    successors: pd.DataFrame | None = None,
    one_offs: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """What was asked for: one row per SKU and week, units sold to consumers and dealers less returns.

    From a SKU's first sale to the last week that is complete in both channels, or in one where the shelf has
    the other's part estimated; weeks without sales are there with 0 units. Weeks in which stock ran out, by
    the counts or between them, are marked.
    A week beyond what its own past and its product group make plausible is marked, and damped in learning.
    What was sold of an article's predecessors is carried on under its number, in its units.
    """
    sold = _sold_by_week(retail_sales, wholesale_sales)
    columns = ["retail_units", "wholesale_units", "wholesale_revenue"]
    rows = weekly_panel(sold, key="sku", quantities=columns, until=last_week_told(sales_coverage))
    units = {"retail": "retail_units", "wholesale": "wholesale_units"}
    rows = complete_late_weeks(rows, sales_coverage, units, key="sku")
    rows["units"] = rows["retail_units"] + rows["wholesale_units"]
    rows["unit_price"] = in_force(rows, products, ["sku"], "week", ["msrp"], plus_days=3)["msrp"].astype(float)
    retail_revenue = (rows["retail_units"] * rows["unit_price"]).mask(rows["retail_units"] == 0, 0.0)
    revenue = (retail_revenue + rows["wholesale_revenue"]).round(2)
    rows["revenue"] = revenue.mask(rows["completed_units"] > 0)
    rows["censored"] = _ran_out(rows, sold, inventory, receipts)
    rows = carry_over(
        rows.drop(columns="wholesale_revenue"),
        rows.head(0) if successors is None else successors,
        key="sku",
        quantities=["units", "retail_units", "wholesale_units", "completed_units"],
        prices=["unit_price"],
        amounts=["revenue"],
        flags=["censored"],
    )
    rows["undelivered"] = mark_undelivered(rows, key="sku", value="units")
    rows["censored"] |= rows["undelivered"]
    rows["category"] = rows["sku"].map(products.drop_duplicates("sku", keep="last").set_index("sku")["category"])
    found = mark_one_offs(rows, key="sku", value="units", peers="category", words=one_offs, censored="censored")
    return rows.assign(one_off=found["one_off"], plausible_units=found["counts_as"])[column_names(Demand)]


def _sold_by_week(retail_sales: pd.DataFrame, wholesale_sales: pd.DataFrame) -> pd.DataFrame:
    """Units and wholesale revenue by SKU and week, any number of rows each."""
    periods = retail_sales[["sku", "from_date", "to_date"]].assign(retail_units=retail_sales["quantity"])
    retail = spread_over_weeks(periods, first="from_date", last="to_date", quantities=["retail_units"])
    quantity = wholesale_sales["quantity"].astype(float)
    wholesale = wholesale_sales[["sku"]].assign(
        week=week_of(wholesale_sales["ship_date"]),
        wholesale_units=quantity,
        wholesale_revenue=quantity * wholesale_sales["unit_price"].astype(float),
    )
    return pd.concat([retail, wholesale], ignore_index=True)


def _ran_out(
    rows: pd.DataFrame, sold: pd.DataFrame, inventory: pd.DataFrame, receipts: pd.DataFrame
) -> "pd.Series[bool]":
    """Whether stock ran out, aligned with `rows`; False where nothing was ever counted."""
    received = receipts[["sku"]].assign(week=week_of(receipts["receive_date"]), flow=receipts["quantity"].astype(float))
    left = sold[["sku", "week"]].assign(flow=-sold["retail_units"].fillna(0) - sold["wholesale_units"].fillna(0))
    moved = pd.concat([received, left], ignore_index=True)
    flows = weekly_panel(moved, key="sku", quantities=["flow"], until=rows["week"].max())
    counts = inventory.rename(columns={"count_date": "day", "usable_supply_excl": "stock"})
    flows["censored"] = censored_weeks(flows, counts, key="sku")
    return rows[["sku", "week"]].merge(flows, on=["sku", "week"], how="left")["censored"].set_axis(rows.index)
