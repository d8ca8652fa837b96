"""The products that the sales teams sell, with list prices. Deals are in `crm_opportunities.py`."""

from s2p_assets.columns import Number, Row, Text, code, money, text
from s2p_assets.spreadsheet.contract import Workbook


class Product(Row):
    """One product with its list price, from the CRM."""

    product: Text = code("Product", "Product name", says="The product's name, as in the deals")
    series: Text = text("Series", "Product series", says="Product family")
    sales_price: Number = money("Sales price", "List price", says="List price", gt=0)


products = Workbook(
    rows=Product,
    found_at=("crm/**/*product*.xls*", "crm/**/*product*.csv"),
    owner="sales-operations@example.com",
    key=("product",),
)
