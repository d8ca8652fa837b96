"""A liquor chain's prices by bottle, as numbers or as texts such as `$13 `. Invoices: `liquor_invoices.py`."""

import pandas as pd

from s2p_assets.columns import Number, Row, Text, code, money, number, row_rule, text
from s2p_assets.spreadsheet.contract import Workbook


class Price(Row):
    """One brand in one bottle size, with its prices."""

    brand: Text = code("Brand", says="Number of the brand and size")
    description: Text = text("Description", says="What it is called")
    price: Number = money("Price", says="Price of one bottle to consumers", unit="USD", gt=0)
    size: Text = text("Size", says="Size as on the label", optional=True)
    volume: Number = number("Volume", says="Size", unit="ml", optional=True, blanks=("", "Unknown"), gt=0)
    classification: Text = code("Classification", says="1: spirits, 2: wine", isin=("1", "2"))
    purchase_price: Number = money("PurchasePrice", says="What one bottle costs the chain", unit="USD", gt=0)
    vendor_number: Text = code("VendorNumber", says="Who it is bought from")
    vendor_name: Text = text("VendorName", says="The vendor's name")

    @row_rule("the bottle costs more than it sells for", at="purchase_price", severity="notice")
    def sells_above_cost(cls, rows: pd.DataFrame) -> "pd.Series[bool]":
        return rows["purchase_price"] <= rows["price"]


price_list = Workbook(
    rows=Price,
    found_at="bibitor_inventory/**/*PurchasePrices*.csv",
    owner="purchasing@example.com",
    key=("brand",),
    returns_up_to=0.01,
    ignores=("Unnamed: 0", "Unnamed: 0.1"),
)
