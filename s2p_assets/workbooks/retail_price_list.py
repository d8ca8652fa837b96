"""The retail price list: prices, costs and terms by SKU and date. Their history is in `retail_products.py`."""

import pandas as pd

from s2p_assets.columns import Day, Number, Row, Text, Whole, code, day, money, row_rule, text, whole
from s2p_assets.spreadsheet.contract import Workbook


class PriceList(Row):
    """The prices, costs and purchasing terms of one SKU from a date on, as purchasing lists them."""

    sku: Text = code("SKU", "Item no.", "Item number", "Article", says="The company's own article number")
    description: Text = text("Description", "Product", "Item name", says="What the article is called on offers")
    category: Text = text("Category", "Product group", says="Product group", optional=True, may_be_absent=True)
    supplier: Text = text("Supplier", "Vendor", says="Who it is bought from", optional=True, may_be_absent=True)
    asin: Text = code("ASIN", "Amazon ID", says="Amazon's number, if listed there", optional=True, may_be_absent=True)
    msrp: Number = money("MSRP", "Retail price", "List price", says="Price of one unit to consumers", ge=0)
    t2_cost: Number = money("T2 cost", "T2", "Dealer price", says="Price of one unit to tier-two dealers", ge=0)
    item_cost: Number = money("Item cost", "Cost", "Unit cost", says="What one unit costs the company", ge=0)
    pack_size: Whole = whole(
        "Pack size",
        "Case pack",
        says="Units in a carton",
        optional=True,
        may_be_absent=True,
        ge=1,
    )
    minimum_order: Whole = whole(
        "Minimum order", "MOQ", says="Fewest units that the supplier sells", optional=True, may_be_absent=True, ge=0
    )
    lead_time_days: Whole = whole(
        "Lead time (days)", "Lead time", says="Days from order to receipt", optional=True, may_be_absent=True, ge=0
    )
    effective_date: Day = day(
        "Effective date",
        "Effective from",
        "Valid from",
        says="First day of these prices; else the date in the sheet's or the file's name",
        written=("%Y-%m-%d", "%m/%d/%Y", "%d.%m.%Y", "%Y%m%d"),
        or_from=("sheet", "file"),
    )

    @row_rule("item cost is above the MSRP", at="item_cost", severity="notice")
    def sells_above_cost(cls, rows: pd.DataFrame) -> "pd.Series[bool]":
        return rows["item_cost"] <= rows["msrp"]


price_list = Workbook(
    rows=PriceList,
    found_at=("prices/**/*.xls*", "prices/**/*.csv"),
    owner="purchasing@example.com",
    key=("sku", "effective_date"),
)
