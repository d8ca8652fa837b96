"""Invoices of the liquor chain's vendors. Prices by bottle are in `liquor_price_list.py`."""

import pandas as pd

from s2p_assets.columns import Day, Number, Row, Text, Whole, code, day, money, row_rule, text, whole
from s2p_assets.spreadsheet.contract import Workbook


class Invoice(Row):
    """One vendor's invoice for one purchase order."""

    vendor_number: Text = code("VendorNumber", says="The vendor's number")
    vendor_name: Text = text("VendorName", says="The vendor's name")
    invoice_date: Day = day("InvoiceDate", says="Day of the invoice", written="%Y-%m-%d")
    po_number: Text = code("PONumber", says="Number of the purchase order")
    po_date: Day = day("PODate", says="Day of the purchase order", written="%Y-%m-%d")
    pay_date: Day = day("PayDate", says="Day of payment", written="%Y-%m-%d")
    quantity: Whole = whole("Quantity", says="Bottles", gt=0)
    dollars: Number = money("Dollars", says="Amount without freight", unit="USD", ge=0)
    freight: Number = money("Freight", says="Freight", unit="USD", ge=0)
    approval: Text = text("Approval", says="Who approved it", optional=True, blanks=("", "None"))

    @row_rule("the invoice is older than its order", at="invoice_date")
    def invoiced_after_ordering(cls, rows: pd.DataFrame) -> "pd.Series[bool]":
        return rows["invoice_date"] >= rows["po_date"]

    @row_rule("the payment is older than its invoice", at="pay_date")
    def paid_after_invoicing(cls, rows: pd.DataFrame) -> "pd.Series[bool]":
        return rows["pay_date"] >= rows["invoice_date"]


invoices = Workbook(
    rows=Invoice,
    found_at="bibitor_inventory/InvoicePurchases*.csv",
    owner="accounts@example.com",
    key=("po_number",),
)
