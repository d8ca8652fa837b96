"""Costs of the trading company's items. Prices are in `trading_price_list.py`."""

from s2p_assets.columns import Number, Row, Text, code, money
from s2p_assets.spreadsheet.contract import Workbook


class ItemCost(Row):
    """One item and what one unit costs the company."""

    item_code: Text = code("Item Code", says="The item's number")
    cost: Number = money("Cost", says="Cost of one unit", gt=0)


item_cost = Workbook(
    rows=ItemCost,
    found_at="price_and_revenue_xls/item cost*.xls",
    owner="purchasing@example.com",
    key=("item_code",),
)
