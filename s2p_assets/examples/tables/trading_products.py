"""The trading company's products, joined from its price list and its costs. What they sell is not here."""

from s2p_assets import Code, Frame, Money, Row, Text, column, table


class Product(Row):
    """One item with its price and cost."""

    sku: Code = column(description="The item's number", derived_from="price_list.item_code")
    description: Text = column(description="What the item is called", derived_from="price_list.item_name")
    category: Text = column(description="Product group", derived_from="price_list.item_category")
    msrp: Money = column(description="List price of one unit", derived_from="price_list.price")
    item_cost: Money = column(description="Cost of one unit, where known", nullable=True, derived_from="item_cost.cost")


@table(rows=Product, key=("sku",), owner="purchasing@example.com")
def products(price_list: Frame, item_cost: Frame) -> Frame:
    """Every item on the price list with its price and cost: one row per item.

    Neither list is dated, so there is no history: the newest file's prices hold for all years.
    """
    joined = price_list.merge(item_cost[["item_code", "cost"]], on="item_code", how="left")
    names = {
        "item_code": "sku",
        "item_name": "description",
        "item_category": "category",
        "price": "msrp",
        "cost": "item_cost",
    }
    return joined.rename(columns=names)[list(names.values())]
