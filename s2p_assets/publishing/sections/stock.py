"""Stock on hand: what it cost, when it was counted, and how far that counting goes.

What is to be ordered, and what runs out before it comes, belongs to `order_plan`.
"""

from collections.abc import Iterator

import pandas as pd

from s2p_assets.contracts.derivation import NotYet
from s2p_assets.contracts.report import Figure
from s2p_assets.publishing.document.wording import format_date, pluralize
from s2p_assets.publishing.sections.trade_tables import ItemTable, SalesTable, StockTable, known_sum


def last_week(sales: SalesTable, stock: StockTable) -> pd.Timestamp:
    """The Monday of the last week with sales, else of the week of the last count. Raises NotYet without either."""
    newest = sales.rows.loc[sales.rows[sales.units].notna(), "week"].max()
    if pd.isna(newest):
        counted_on = pd.to_datetime(stock.rows[stock.counted_on]).max()
        if pd.isna(counted_on):
            raise NotYet("no week of sales and no stock count: there is nothing to report on yet")
        newest = counted_on.normalize() - pd.Timedelta(days=counted_on.weekday())
    return pd.Timestamp(newest)


def stock_at_cost(stock: StockTable, items: ItemTable) -> Figure:
    """The headline number of what the stock on hand cost, without that of unknown cost."""
    costs = items.rows.set_index(items.item)[items.cost]
    on_hand = stock.rows[stock.on_hand]
    value = on_hand.clip(lower=0).astype("float64") * stock.rows[stock.item].map(costs)
    priced = {
        items.item: tuple(items.rows[items.item]),
        items.valid_from: tuple(items.rows[items.valid_from].dropna().unique()),
    }
    unknown = int((value.isna() & (on_hand > 0)).sum())
    return Figure(
        "Stock on hand, at cost",
        known_sum(value),
        "money",
        note=f"without {pluralize(unknown, items.noun)} of unknown cost" if unknown else "",
        sources=(stock.lineage(stock.on_hand), items.lineage(items.cost, priced)),
    )


def stock_notes(sales: SalesTable, stock: StockTable, week: pd.Timestamp, *, noun: str) -> Iterator[str]:
    """Notes on items that ran out of stock in a week, if there are any, and on when stock was counted."""
    this_week = sales.rows[sales.rows["week"] == week]
    out = int(this_week[sales.stocked_out].fillna(False).astype(bool).sum())
    if out:
        yield f"{pluralize(out, noun)} ran out of stock during the week; their sales are less than the demand."
    counts = pd.to_datetime(stock.rows[stock.counted_on]).dropna()
    if counts.empty:
        yield "No stock count is in the data."
        return
    oldest, newest = counts.min(), counts.max()
    if oldest == newest:
        yield f"Stock was counted on {format_date(newest)} and carried on with what was received and sold since."
    else:
        days = f"between {format_date(oldest)} and {format_date(newest)}"
        yield f"Stock was counted {days}; each {noun}'s last count is carried on with what was received and sold since."
