"""The workbook that is loaded for measurement: eight columns of most kinds, about ten rules, a key."""

import pandas as pd

from s2p_assets.columns import Day, Number, Row, Text, Whole, code, day, money, percent, row_rule, text, whole
from s2p_assets.spreadsheet.contract import Workbook

CHANNELS = ("shop", "web", "phone", "dealer")


class Sale(Row):
    """One line of one order."""

    order_no: Text = code("Order", says="Number of the order line", str_length={"min_value": 1, "max_value": 12})
    sold_on: Day = day("Day", says="Day of the sale")
    sku: Text = code("SKU", says="Article number", str_matches=r"^[A-Z]{2}-[0-9]{5}$")
    channel: Text = text("Channel", says="Where it was sold", isin=CHANNELS)
    quantity: Whole = whole("Quantity", says="Units", in_range={"min_value": 1, "max_value": 10_000})
    unit_price_eur: Number = money("Unit price", says="Price of a unit", unit="EUR", gt=0, le=100_000)
    discount: Number = percent("Discount", says="Share taken off", in_range={"min_value": 0, "max_value": 0.9})
    customer: Text = text("Customer", says="Who bought", optional=True)

    @row_rule("a dealer's discount is at most 60 %", at="discount")
    def dealers_get_less(cls, rows: pd.DataFrame) -> "pd.Series[bool]":
        return (rows["channel"] != "dealer") | (rows["discount"] <= 0.6)


sales = Workbook(
    rows=Sale,
    found_at="sales/**/*.xlsx",
    owner="sales@example.com",
    key=("order_no",),
    returns_up_to=0.5,
)
