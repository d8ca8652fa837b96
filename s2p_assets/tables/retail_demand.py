"""Weekly demand by SKU, made from sales. Forecasts of it are in `retail_demand_forecast.py`."""

import pandas as pd

from s2p_assets import (
    Boolean,
    Code,
    Date,
    LineageRule,
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

STREAMED = ("web_orders.quantity", "till_receipts.quantity")
SOLD = ("retail_sales.quantity", "wholesale_sales.quantity", *STREAMED)


class Demand(Row):
    """The demand for one SKU in one week, in units."""

    sku: Code = column(
        description="The company's own article number",
        derived_from=("retail_sales.sku", "wholesale_sales.sku", "web_orders.sku", "till_receipts.sku"),
    )
    week: Date = column(
        description="Monday of the week",
        derived_from=(
            *("retail_sales.from_date", "retail_sales.to_date", "wholesale_sales.ship_date"),
            *("web_orders.ordered_at", "till_receipts.sold_at"),
        ),
    )
    units: Number = column(
        description="Units sold less units returned, those of predecessors too",
        derived_from=(*SOLD, "successors.old_units_per_new"),
    )
    retail_units: Number = column(
        description="Of these, to consumers, by tills and web shop; long periods are spread by days",
        derived_from=(SOLD[0], *STREAMED),
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
NOT_TOLD = LineageRule(
    "not exists (select 1 from retail.retail_sales told where sold_at::date between told.from_date and told.to_date)"
)
"""A receipt of a day of which the tills' own workbook tells: the workbook has it, summed up."""
LINEAGE: LineageRules = {
    "retail_sales": LINE & in_units_of_last(overlapping("from_date", "to_date", "week", days=7), "sku"),
    "web_orders": LINE & in_units_of_last(in_period("ordered_at", "week", days=7), "sku"),
    "till_receipts": LINE & in_units_of_last(in_period("sold_at", "week", days=7) & NOT_TOLD, "sku"),
    "wholesale_sales": LINE & in_units_of_last(in_period("ship_date", "week", days=7), "sku"),
    "products": LINE & in_force_on("week", plus_days=3),
    "inventory": LINE & before_day("count_date", "week", plus_days=7) & only_newest("count_date"),
    ("censored", "retail_sales"): LINE & before_day("from_date", "week", plus_days=7),
    ("censored", "web_orders"): LINE & before_day("ordered_at", "week", plus_days=7),
    ("censored", "till_receipts"): LINE & before_day("sold_at", "week", plus_days=7) & NOT_TOLD,
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
    web_orders: pd.DataFrame | None = None,
    till_receipts: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """What was asked for: one row per SKU and week, units sold to consumers and dealers less returns.

    Each sale counts once: receipts of the tills count for the days of which their workbook does not tell yet.

    From a SKU's first sale to the last week that is complete in both channels, or in one where the shelf has
    the other's part estimated; weeks without sales are there with 0 units. Weeks in which stock ran out, by
    the counts or between them, are marked.
    A week beyond what its own past and its product group make plausible is marked, and damped in learning.
    What was sold of an article's predecessors is carried on under its number, in its units.
    """
    live = [_web_orders(web_orders), _untold_receipts(till_receipts, retail_sales)]
    sold = pd.concat([_sold_by_week(retail_sales, wholesale_sales), *live], ignore_index=True)
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


def _web_orders(web_orders: pd.DataFrame | None) -> pd.DataFrame:
    """Units of the web shop by SKU and week, any number of rows each; none without a web shop."""
    if web_orders is None or web_orders.empty:
        return pd.DataFrame()
    week = week_of(web_orders["ordered_at"].dt.normalize())
    return web_orders[["sku"]].assign(week=week, retail_units=web_orders["quantity"].astype(float))


def _untold_receipts(till_receipts: pd.DataFrame | None, retail_sales: pd.DataFrame) -> pd.DataFrame:
    """Units of receipts by SKU and week, of days that no period of the tills' workbook holds."""
    if till_receipts is None or till_receipts.empty:
        return pd.DataFrame()
    days = till_receipts["sold_at"].dt.normalize()
    periods = retail_sales[["from_date", "to_date"]].drop_duplicates()
    told = pd.Series(False, index=days.index)
    for first, last in periods.itertuples(index=False):
        told |= days.between(first, last)
    rows = till_receipts[~told]
    return rows[["sku"]].assign(week=week_of(days[~told]), retail_units=rows["quantity"].astype(float))


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
