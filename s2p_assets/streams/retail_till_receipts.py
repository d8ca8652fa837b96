"""Lines of receipts, as the tills push them within the day. What the tills report by week is in
`workbooks/retail_retail_sales.py`.
"""

from s2p_assets import Code, Integer, Money, Push, Row, Stream, Timestamp, column


class TillReceipt(Row):
    """One line of a receipt of a till; a return is a line with a negative quantity."""

    receipt_no: Code = column("Receipt", "receipt", description="Number of the receipt, which holds the till's own")
    line: Integer = column("Line", description="Number of the line on the receipt", ge=1)
    sku: Code = column("SKU", "item", description="The company's own article number")
    quantity: Integer = column("Quantity", "qty", description="Units sold; negative: brought back", ne=0)
    unit_price: Money = column("Unit price", "price", description="Price of one unit as paid", ge=0)
    sold_at: Timestamp = column("Sold at", "at", description="When it was paid, by the company's clock")


till_receipts = Stream(
    rows=TillReceipt,
    source=Push(),
    owner="stores@example.com",
    key=("receipt_no", "line"),
    every="5 minutes",
)
