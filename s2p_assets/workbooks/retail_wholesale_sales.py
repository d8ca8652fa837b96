"""Sales to dealers, as invoiced. Sales to consumers are in `retail_retail_sales.py`."""

from s2p_assets import Code, Date, Integer, Money, Row, Workbook, column


class WholesaleSale(Row):
    """One line of an invoice to a dealer; a return is a line with a negative quantity."""

    sku: Code = column("SKU", "Item no.", "Item number", "Article", description="The company's own article number")
    quantity: Integer = column(
        "Quantity", "Qty", "Qty shipped", "Units", description="Units shipped; negative: returned", ne=0
    )
    unit_price: Money = column(
        "Unit price", "Price", "Price each", description="Price of one unit on the invoice", ge=0
    )
    item_cost: Money = column("Item cost", "Cost", "Unit cost", description="What one unit cost the company", ge=0)
    customer_po: Code = column("Customer PO", "PO", "PO number", description="The dealer's order number", nullable=True)
    ship_date: Date = column(
        "Ship date",
        "Shipped",
        "Date",
        description="Day of shipment or return",
        formats=("%Y-%m-%d", "%m/%d/%Y", "%d.%m.%Y"),
    )
    invoice_num: Code = column(
        "Invoice num", "Invoice", "Invoice no.", "Invoice #", description="Number of the invoice"
    )


wholesale_sales = Workbook(
    rows=WholesaleSale,
    path=("sales/wholesale/**/*.xls*", "sales/wholesale/**/*.csv"),
    owner="sales@example.com",
    key=("invoice_num", "sku"),
    max_reject_rate=0.02,
)
