"""Daily exports of a web shop as CSV: order lines without a key, as public data sets of orders have them."""

from s2p_assets.contracts.columns import Code, Integer, Number, Row, Text, Timestamp, column
from s2p_assets.contracts.workbook import Workbook


class OrderLine(Row):
    """One line of an invoice."""

    invoice: Code = column("InvoiceNo", description="Number of the invoice; C before a cancelled one")
    stock_code: Code = column("StockCode", description="Article number")
    description: Text = column("Description", description="Name of the article", nullable=True)
    quantity: Integer = column("Quantity", description="Units; negative when returned")
    ordered_at: Timestamp = column("InvoiceDate", description="When", formats=("%Y-%m-%d %H:%M:%S",))
    unit_price: Number = column("UnitPrice", description="Price of a unit", ge=0)
    customer: Code = column("CustomerID", description="Who bought", nullable=True)
    country: Text = column("Country", description="Where to")


orders = Workbook(rows=OrderLine, path="orders/**/*.csv", owner="shop@example.com")
