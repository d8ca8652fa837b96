"""Products with the history of their prices and terms. The lists they come from are declared in `workbooks/`."""

import pandas as pd

from s2p_assets.columns import Day, Number, Row, Text, Whole, YesNo, code, day, money, text, whole, yes_no
from s2p_assets.lineage import UnderEach, from_day, on_day, only_newest, same_key, until_day
from s2p_assets.warehouse.history import versions
from s2p_assets.warehouse.table import table


class Product(Row):
    """One version of a SKU: its prices and terms from one day to another."""

    sku: Text = code(says="The company's own article number", of="price_list.sku")
    description: Text = text(says="What the article is called on offers", of="price_list.description")
    category: Text = text(says="Product group", optional=True, of="price_list.category")
    supplier: Text = text(says="Who it is bought from", optional=True, of="price_list.supplier")
    asin: Text = code(says="Amazon's number, if listed there", optional=True, of="price_list.asin")
    msrp: Number = money(says="Price of one unit to consumers", of="price_list.msrp", ge=0)
    t2_cost: Number = money(says="Price of one unit to tier-two dealers", of="price_list.t2_cost", ge=0)
    item_cost: Number = money(says="What one unit costs the company", of="price_list.item_cost", ge=0)
    pack_size: Whole = whole(says="Units in a carton", optional=True, of="price_list.pack_size")
    minimum_order: Whole = whole(
        says="Fewest units that the supplier sells", optional=True, of="price_list.minimum_order"
    )
    lead_time_days: Whole = whole(says="Days from order to receipt", optional=True, of="price_list.lead_time_days")
    valid_from: Day = day(says="First day of this version", of="price_list.effective_date")
    valid_to: Day = day(
        says="Day on which the next version begins; none for the last", optional=True, of="price_list.effective_date"
    )
    is_current: YesNo = yes_no(says="Whether no later version is known", of="price_list.effective_date")


TERMS = (
    "description",
    "category",
    "supplier",
    "asin",
    "msrp",
    "t2_cost",
    "item_cost",
    "pack_size",
    "minimum_order",
    "lead_time_days",
)


LINEAGE: UnderEach = {
    "price_list": same_key("sku") & until_day("effective_date", "valid_from") & only_newest("effective_date"),
    ("valid_to", "price_list"): same_key("sku") & on_day("effective_date", "valid_to"),
    ("is_current", "price_list"): same_key("sku") & from_day("effective_date", "valid_from"),
}


@table(rows=Product, key=("sku", "valid_from"), owner="purchasing@example.com", under=LINEAGE)
def products(price_list: pd.DataFrame) -> pd.DataFrame:
    """Every SKU with its prices, costs and terms over time, from the price lists: one row per SKU and version.

    A new version begins only where a list changes something; a cell left blank means "as before".
    """
    return versions(price_list, key=["sku"], at="effective_date", attributes=TERMS)
