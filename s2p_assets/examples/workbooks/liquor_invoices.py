"""Invoices of the liquor chain's vendors. Prices by bottle are in `liquor_price_list.py`."""

from s2p_assets import Code, Date, Frame, Integer, Money, Row, Series, Text, Workbook, column, row_rule


class Invoice(Row):
    """One vendor's invoice for one purchase order."""

    vendor_number: Code = column("VendorNumber", description="The vendor's number")
    vendor_name: Text = column("VendorName", description="The vendor's name")
    invoice_date: Date = column("InvoiceDate", description="Day of the invoice", formats="%Y-%m-%d")
    po_number: Code = column("PONumber", description="Number of the purchase order")
    po_date: Date = column("PODate", description="Day of the purchase order", formats="%Y-%m-%d")
    pay_date: Date = column("PayDate", description="Day of payment", formats="%Y-%m-%d")
    quantity: Integer = column("Quantity", description="Bottles", gt=0)
    dollars: Money = column("Dollars", description="Amount without freight", unit="USD", ge=0)
    freight: Money = column("Freight", description="Freight", unit="USD", ge=0)
    approval: Text = column("Approval", description="Who approved it", nullable=True, na_values=("", "None"))

    @row_rule("the invoice is older than its order", at="invoice_date")
    def invoiced_after_ordering(cls, rows: Frame) -> Series:
        return rows["invoice_date"] >= rows["po_date"]

    @row_rule("the payment is older than its invoice", at="pay_date")
    def paid_after_invoicing(cls, rows: Frame) -> Series:
        return rows["pay_date"] >= rows["invoice_date"]


invoices = Workbook(
    rows=Invoice,
    path="bibitor_inventory/InvoicePurchases*.csv",
    owner="accounts@example.com",
    key=("po_number",),
)
