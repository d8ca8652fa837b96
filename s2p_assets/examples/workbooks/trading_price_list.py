"""The trading company's price list, undated. Costs are in `trading_item_cost.py`."""

from s2p_assets.columns import Number, Row, Text, code, money, text
from s2p_assets.spreadsheet.contract import Workbook


class Price(Row):
    """One item and its price."""

    item_code: Text = code("Item Code", says="The item's number")
    item_category: Text = text("Item Category", says="Product group")
    item_type: Text = text("Item Type", says="Kind of item within its group")
    item_name: Text = text("Item Name", says="What the item is called")
    unit: Text = text("Unit", says="What is counted, such as pieces")
    price: Number = money("Price", says="List price of one unit", gt=0)


price_list = Workbook(
    rows=Price,
    found_at="price_and_revenue_xls/Price List*.xls",
    owner="purchasing@example.com",
    key=("item_code",),
)
