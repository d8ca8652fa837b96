"""The trading company's price list, undated. Costs are in `trading_item_cost.py`."""

from s2p_assets import Code, Money, Row, Text, Workbook, column


class Price(Row):
    """One item and its price."""

    item_code: Code = column("Item Code", description="The item's number")
    item_category: Text = column("Item Category", description="Product group")
    item_type: Text = column("Item Type", description="Kind of item within its group")
    item_name: Text = column("Item Name", description="What the item is called")
    unit: Text = column("Unit", description="What is counted, such as pieces")
    price: Money = column("Price", description="List price of one unit", gt=0)


price_list = Workbook(
    rows=Price,
    path="price_and_revenue_xls/Price List*.xls",
    owner="purchasing@example.com",
    key=("item_code",),
    ordinary_change=0.5,
)
