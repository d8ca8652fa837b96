"""A web shop's orders by month, with header lines and empty rows in mid-table. It has no price list."""

from s2p_assets import Code, Integer, Money, Row, Text, Timestamp, Workbook, column


class Sale(Row):
    """One product of one order, from the shop's export. Some lines repeat; a repeat looks like a second purchase."""

    order_id: Code = column("Order ID", description="Number of the order", str_matches=r"^\d{6}$")
    product: Text = column("Product", description="What was bought")
    quantity: Integer = column("Quantity Ordered", description="Units", gt=0)
    unit_price: Money = column("Price Each", description="Price of one unit, in US dollars", unit="USD", gt=0)
    ordered_at: Timestamp = column("Order Date", description="When, in the shop's time", formats="%m/%d/%y %H:%M")
    address: Text = column("Purchase Address", description="Where to")


sales = Workbook(
    rows=Sale,
    path="electronics_monthly_2019/Sales_*.csv",
    owner="shop@example.com",
)
