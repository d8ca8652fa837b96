"""The trading company's sales, one workbook a year. Prices are in `trading_price_list.py`."""

from s2p_assets import Code, Date, Frame, Integer, Percent, Row, Series, Text, Workbook, column, row_rule


class Sale(Row):
    """One line of an invoice or of a return. Lines have no number of their own and can be alike."""

    sold_on: Date = column("Date", description="Day of sale or return", formats="%m.%d.%Y")
    invoice_num: Code = column("Invoice No.", description="Number of the invoice, where one was noted", nullable=True)
    invoice_type: Text = column("Invoice Type", description="Sale or return", isin=("Invoice", "Return"))
    customer_id: Code = column("Customer ID", description="Who bought")
    item_code: Code = column("Item Code", description="The item's number")
    quantity: Integer = column("Qty", description="Units; negative: returned", ne=0)
    discount: Percent = column("Discount", description="Share taken off the list price", nullable=True, ge=0, le=1)

    @row_rule("a return has a negative quantity, an invoice a positive one", at="quantity")
    def returns_are_negative(cls, rows: Frame) -> Series:
        return (rows["invoice_type"] == "Return") == (rows["quantity"] < 0)


sales = Workbook(
    rows=Sale,
    path="price_and_revenue_xls/Revenue Transactions*.xls",
    owner="sales@example.com",
)
