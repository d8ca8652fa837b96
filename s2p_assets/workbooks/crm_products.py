"""What the sales teams sell, and for how much. What was sold is in `crm_opportunities.py`."""

from s2p_assets.columns import Number, Row, Text, code, money, text
from s2p_assets.spreadsheet.contract import Workbook


class Product(Row):
    """A product with its list price."""

    product: Text = code("Product", "Product name", says="What it is called, as deals bear it")
    series: Text = text("Series", "Product series", says="The family that it belongs to")
    sales_price: Number = money("Sales price", "List price", says="What it costs by the list", gt=0)


products = Workbook(
    rows=Product,
    found_at=("crm/**/*product*.xls*", "crm/**/*product*.csv"),
    owner="sales-operations@example.com",
    key=("product",),
)
