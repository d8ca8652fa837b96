"""The trading company's sales, one workbook a year. Prices are in `trading_price_list.py`."""

import pandas as pd

from s2p_assets.columns import Day, Number, Row, Text, Whole, code, day, percent, row_rule, text, whole
from s2p_assets.spreadsheet.contract import Workbook


class Sale(Row):
    """One line of an invoice or of a return. Lines have no number of their own and can be alike."""

    sold_on: Day = day("Date", says="Day of sale or return", written="%m.%d.%Y")
    invoice_num: Text = code("Invoice No.", says="Number of the invoice, where one was noted", optional=True)
    invoice_type: Text = text("Invoice Type", says="Sale or return", isin=("Invoice", "Return"))
    customer_id: Text = code("Customer ID", says="Who bought")
    item_code: Text = code("Item Code", says="The item's number")
    quantity: Whole = whole("Qty", says="Units; negative: returned", ne=0)
    discount: Number = percent("Discount", says="Share taken off the list price", optional=True, ge=0, le=1)

    @row_rule("a return has a negative quantity, an invoice a positive one", at="quantity")
    def returns_are_negative(cls, rows: pd.DataFrame) -> "pd.Series[bool]":
        return (rows["invoice_type"] == "Return") == (rows["quantity"] < 0)


sales = Workbook(
    rows=Sale,
    found_at="price_and_revenue_xls/Revenue Transactions*.xls",
    owner="sales@example.com",
)
