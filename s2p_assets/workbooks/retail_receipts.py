"""Goods received from suppliers. Units still on order are in the stock counts, `retail_inventory.py`."""

from s2p_assets import Code, Date, Integer, Money, Row, Workbook, column


class Receipt(Row):
    """One line of a delivery from a supplier, as the goods-in desk wrote it down."""

    sku: Code = column("SKU", "Item no.", "Item number", "Article", description="The company's own article number")
    quantity: Integer = column("Quantity", "Qty", "Qty received", "Units", description="Units received", gt=0)
    cost: Money = column("Cost", "Unit cost", "Cost each", description="What one unit cost", ge=0)
    receive_date: Date = column(
        "Receive date", "Received", "Date", description="Day of receipt", formats=("%Y-%m-%d", "%m/%d/%Y", "%d.%m.%Y")
    )
    customer_po: Code = column(
        "Customer PO", "PO", "PO number", description="The order that was delivered", nullable=True
    )
    invoice_num: Code = column(
        "Invoice num", "Invoice", "Invoice no.", "Invoice #", description="The supplier's invoice"
    )


receipts = Workbook(
    rows=Receipt,
    path=("purchasing/**/*.xls*", "purchasing/**/*.csv"),
    owner="warehouse@example.com",
    key=("invoice_num", "sku", "receive_date"),
    max_reject_rate=0.02,
)
