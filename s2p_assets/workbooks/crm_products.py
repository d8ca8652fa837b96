"""The products that the sales teams sell, with list prices. Deals are in `crm_opportunities.py`."""

from s2p_assets import Code, Money, Row, Text, Workbook, column


class Product(Row):
    """One product with its list price, from the CRM."""

    product: Code = column("Product", "Product name", description="The product's name, as in the deals")
    series: Text = column("Series", "Product series", description="Product family")
    sales_price: Money = column("Sales price", "List price", description="List price", gt=0)


products = Workbook(
    rows=Product,
    path=("crm/**/*product*.xls*", "crm/**/*product*.csv"),
    owner="sales-operations@example.com",
    key=("product",),
    ordinary_change=0.5,
)
