"""Costs of the trading company's items. Prices are in `trading_price_list.py`."""

from s2p_assets import Code, Money, Row, Workbook, column


class ItemCost(Row):
    """One item and what one unit costs the company."""

    item_code: Code = column("Item Code", description="The item's number")
    cost: Money = column("Cost", description="Cost of one unit", gt=0)


item_cost = Workbook(
    rows=ItemCost,
    path="price_and_revenue_xls/item cost*.xls",
    owner="purchasing@example.com",
    key=("item_code",),
    ordinary_change=0.5,
)
