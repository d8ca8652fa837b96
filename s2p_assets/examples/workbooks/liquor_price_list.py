"""A liquor chain's prices by bottle, as numbers or as texts such as `$13 `. Invoices: `liquor_invoices.py`."""

from s2p_assets import Code, Frame, Money, Number, Row, Series, Text, Workbook, column, row_rule


class Price(Row):
    """One brand in one bottle size, with its prices."""

    brand: Code = column("Brand", description="Number of the brand and size")
    description: Text = column("Description", description="What it is called")
    price: Money = column("Price", description="Price of one bottle to consumers", unit="USD", gt=0)
    size: Text = column("Size", description="Size as on the label", nullable=True)
    volume: Number = column("Volume", description="Size", unit="ml", nullable=True, na_values=("", "Unknown"), gt=0)
    classification: Code = column("Classification", description="1: spirits, 2: wine", isin=("1", "2"))
    purchase_price: Money = column("PurchasePrice", description="What one bottle costs the chain", unit="USD", gt=0)
    vendor_number: Code = column("VendorNumber", description="Who it is bought from")
    vendor_name: Text = column("VendorName", description="The vendor's name")

    @row_rule("the bottle costs more than it sells for", at="purchase_price", severity="notice")
    def sells_above_cost(cls, rows: Frame) -> Series:
        return rows["purchase_price"] <= rows["price"]


price_list = Workbook(
    rows=Price,
    path="bibitor_inventory/**/*PurchasePrices*.csv",
    owner="purchasing@example.com",
    key=("brand",),
    ordinary_change=0.5,
    max_reject_rate=0.01,
    ignores=("Unnamed: 0", "Unnamed: 0.1"),
)
