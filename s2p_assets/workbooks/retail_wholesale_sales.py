"""Sales to dealers, as invoiced. Sales to consumers are in `retail_retail_sales.py`."""

from s2p_assets.columns import Day, Number, Row, Text, Whole, code, day, money, whole
from s2p_assets.spreadsheet.contract import Workbook


class WholesaleSale(Row):
    """One line of an invoice to a dealer; a return is a line with a negative quantity."""

    sku: Text = code("SKU", "Item no.", "Item number", "Article", says="The company's own article number")
    quantity: Whole = whole("Quantity", "Qty", "Qty shipped", "Units", says="Units shipped; negative: returned", ne=0)
    unit_price: Number = money("Unit price", "Price", "Price each", says="Price of one unit on the invoice", ge=0)
    item_cost: Number = money("Item cost", "Cost", "Unit cost", says="What one unit cost the company", ge=0)
    customer_po: Text = code("Customer PO", "PO", "PO number", says="The dealer's order number", optional=True)
    ship_date: Day = day(
        "Ship date", "Shipped", "Date", says="Day of shipment or return", written=("%Y-%m-%d", "%m/%d/%Y", "%d.%m.%Y")
    )
    invoice_num: Text = code("Invoice num", "Invoice", "Invoice no.", "Invoice #", says="Number of the invoice")


wholesale_sales = Workbook(
    rows=WholesaleSale,
    found_at=("sales/wholesale/**/*.xls*", "sales/wholesale/**/*.csv"),
    owner="sales@example.com",
    key=("invoice_num", "sku"),
    returns_up_to=0.02,
)
