"""The workbook that is loaded for measurement: eight columns of most kinds, about ten rules, a key."""

from s2p_assets.contracts.columns import Code, Date, Integer, Money, Percent, Row, Text, column, row_rule
from s2p_assets.contracts.frames import Frame, Series
from s2p_assets.contracts.workbook import Workbook

CHANNELS = ("shop", "web", "phone", "dealer")


class Sale(Row):
    """One line of one order."""

    order_no: Code = column(
        "Order", description="Number of the order line", str_length={"min_value": 1, "max_value": 12}
    )
    sold_on: Date = column("Day", description="Day of the sale")
    sku: Code = column("SKU", description="Article number", str_matches=r"^[A-Z]{2}-[0-9]{5}$")
    channel: Text = column("Channel", description="Where it was sold", isin=CHANNELS)
    quantity: Integer = column("Quantity", description="Units", in_range={"min_value": 1, "max_value": 10_000})
    unit_price_eur: Money = column("Unit price", description="Price of a unit", unit="EUR", gt=0, le=100_000)
    discount: Percent = column("Discount", description="Share taken off", in_range={"min_value": 0, "max_value": 0.9})
    customer: Text = column("Customer", description="Who bought", nullable=True)

    @row_rule("a dealer's discount is at most 60 %", at="discount")
    def dealers_get_less(cls, rows: Frame) -> Series:
        return (rows["channel"] != "dealer") | (rows["discount"] <= 0.6)


sales = Workbook(
    rows=Sale,
    path="sales/**/*.xlsx",
    owner="sales@example.com",
    key=("order_no",),
    max_reject_rate=0.5,
)
