"""Goods received from suppliers. Units still on order are in the stock counts, `retail_inventory.py`."""

from s2p_assets.columns import Day, Number, Row, Text, Whole, code, day, money, whole
from s2p_assets.spreadsheet.contract import Workbook


class Receipt(Row):
    """One line of a delivery from a supplier, as the goods-in desk wrote it down."""

    sku: Text = code("SKU", "Item no.", "Item number", "Article", says="The company's own article number")
    quantity: Whole = whole("Quantity", "Qty", "Qty received", "Units", says="Units received", gt=0)
    cost: Number = money("Cost", "Unit cost", "Cost each", says="What one unit cost", ge=0)
    receive_date: Day = day(
        "Receive date", "Received", "Date", says="Day of receipt", written=("%Y-%m-%d", "%m/%d/%Y", "%d.%m.%Y")
    )
    customer_po: Text = code("Customer PO", "PO", "PO number", says="The order that was delivered", optional=True)
    invoice_num: Text = code("Invoice num", "Invoice", "Invoice no.", "Invoice #", says="The supplier's invoice")


receipts = Workbook(
    rows=Receipt,
    found_at=("purchasing/**/*.xls*", "purchasing/**/*.csv"),
    owner="warehouse@example.com",
    key=("invoice_num", "sku", "receive_date"),
    returns_up_to=0.02,
)
