"""A web shop's orders by month, with header lines and empty rows in mid-table. It has no price list."""

from s2p_assets.columns import Moment, Number, Row, Text, Whole, code, moment, money, text, whole
from s2p_assets.spreadsheet.contract import Workbook


class Sale(Row):
    """One product of one order, from the shop's export. Some lines repeat; a repeat looks like a second purchase."""

    order_id: Text = code("Order ID", says="Number of the order", str_matches=r"^\d{6}$")
    product: Text = text("Product", says="What was bought")
    quantity: Whole = whole("Quantity Ordered", says="Units", gt=0)
    unit_price: Number = money("Price Each", says="Price of one unit, in US dollars", unit="USD", gt=0)
    ordered_at: Moment = moment("Order Date", says="When, in the shop's time", written="%m/%d/%y %H:%M")
    address: Text = text("Purchase Address", says="Where to")


sales = Workbook(
    rows=Sale,
    found_at="electronics_monthly_2019/Sales_*.csv",
    owner="shop@example.com",
)
