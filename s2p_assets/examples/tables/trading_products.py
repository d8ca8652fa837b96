"""The trading company's products, joined from its price list and its costs. What they sell is not here."""

import pandas as pd

from s2p_assets.columns import Number, Row, Text, code, money, text
from s2p_assets.warehouse.table import table


class Product(Row):
    """One item with its price and cost."""

    sku: Text = code(says="The item's number", of="price_list.item_code")
    description: Text = text(says="What the item is called", of="price_list.item_name")
    category: Text = text(says="Product group", of="price_list.item_category")
    msrp: Number = money(says="List price of one unit", of="price_list.price")
    item_cost: Number = money(says="Cost of one unit, where known", optional=True, of="item_cost.cost")


@table(rows=Product, key=("sku",), owner="purchasing@example.com")
def products(price_list: pd.DataFrame, item_cost: pd.DataFrame) -> pd.DataFrame:
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
