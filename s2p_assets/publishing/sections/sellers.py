"""The items that bring in most, and those in stock that bring in least for the money that lies in them.

What changed between weeks belongs to `movers`. Sales have a column `week`, a Monday.
"""

import pandas as pd

from s2p_assets.contracts.report import ReportColumn, Section
from s2p_assets.publishing.document.wording import format_share, money_in_text
from s2p_assets.publishing.sections.findings import first_of
from s2p_assets.publishing.sections.trade_tables import ItemTable, SalesTable, StockTable, same_row
from s2p_assets.publishing.sections.weeks import SPAN, weeks_until

ROWS_OF_SELLERS = 10


def top_sellers(sales: SalesTable, items: ItemTable, week: pd.Timestamp) -> Section:
    """The ten items with the largest revenue of the last four weeks."""
    rows = _sold(sales, items, week)
    total = rows[sales.revenue].sum()
    rows["share"] = rows[sales.revenue] / total if total > 0 else float("nan")
    best = rows[rows[sales.revenue] > 0].sort_values([sales.revenue, sales.item], ascending=[False, True])
    everything = sales.lineage(sales.revenue, {"week": tuple(weeks_until(week, SPAN))})
    shown = min(ROWS_OF_SELLERS, len(best))
    return Section(
        "Best sellers",
        f"The {shown} {items.noun}s with the largest revenue of the last {SPAN} weeks." if len(best) else "",
        best.head(ROWS_OF_SELLERS).reset_index(drop=True),
        (
            *items.named,
            *_sold_columns(sales, week),
            ReportColumn("share", "Share of all", "percent", sources=(everything,)),
        ),
        when_empty="No sales are in the data yet.",
        says=first_of(best, items.label, f"{format_share(best['share'].iloc[0])} of all revenue" if len(best) else ""),
    )


def slowest_sellers(sales: SalesTable, items: ItemTable, stock: StockTable, week: pd.Timestamp) -> Section:
    """The ten items in stock that sell least in four weeks for what their stock cost."""
    rows = _sold(sales, items, week)
    on_hand = rows[sales.item].map(stock.rows.set_index(stock.item)[stock.on_hand]).astype("float64").clip(lower=0)
    rows["stock_value"] = on_hand * rows[items.cost].astype("float64")
    lying = rows[rows["stock_value"] > 0].fillna({sales.units: 0.0, sales.revenue: 0.0})
    lying["per_stock"] = lying[sales.revenue] / lying["stock_value"]
    slow = lying.sort_values(["per_stock", "stock_value", sales.item], ascending=[True, False, True])
    value = (
        stock.lineage(stock.on_hand, same_row(stock.item)),
        items.lineage(items.cost, same_row(items.item, items.valid_from)),
    )
    return Section(
        "Slowest sellers in stock",
        f"The {items.noun}s that bring in least in {SPAN} weeks for the money that lies in their stock."
        if len(slow)
        else "",
        slow.head(ROWS_OF_SELLERS).reset_index(drop=True),
        (
            *items.named,
            *_sold_columns(sales, week),
            ReportColumn("stock_value", "Stock at cost", "money", sources=value),
        ),
        when_empty="No stock of a known cost is in the data yet.",
        says=first_of(
            slow,
            items.label,
            f"{money_in_text(slow['stock_value'].iloc[0])} in stock, {money_in_text(slow[sales.revenue].iloc[0])} sold"
            if len(slow)
            else "",
        ),
    )


def _sold(sales: SalesTable, items: ItemTable, week: pd.Timestamp) -> pd.DataFrame:
    """One row per item with its units and revenue of the last four weeks; missing where nothing is known."""
    recent = sales.rows[sales.rows["week"].isin(weeks_until(week, SPAN))]
    recent = recent.astype({sales.revenue: "float64", sales.units: "float64"})
    sold = recent.groupby(sales.item)[[sales.units, sales.revenue]].sum(min_count=1).reset_index()
    listed = items.rows[[items.item, items.valid_from, items.label, items.cost]]
    return listed.merge(sold, left_on=items.item, right_on=sales.item, how="left")


def _sold_columns(sales: SalesTable, week: pd.Timestamp) -> tuple[ReportColumn, ReportColumn]:
    where = same_row(sales.item) | {"week": tuple(weeks_until(week, SPAN))}
    return (
        ReportColumn(sales.units, "Units", "integer", sources=(sales.lineage(sales.units, where),)),
        ReportColumn(sales.revenue, "Revenue", "money", sources=(sales.lineage(sales.revenue, where),)),
    )
