"""The trading company's customers. Their purchases are in `trading_sales.py`."""

from s2p_assets.columns import Row, Text, code, text
from s2p_assets.spreadsheet.contract import Workbook


class Customer(Row):
    """One customer, where it is and who looks after it."""

    customer_id: Text = code("Customer ID", says="The customer's number")
    customer_name: Text = text("Customer Name", says="The customer's name")
    continent: Text = text("Continent Name", says="Continent")
    country: Text = text("Country", says="Country")
    region: Text = text("Region", says="Region or city")
    sales_rep: Text = text("Sales Rep.", says="Who looks after the customer")
    channel: Text = text("Channel", says="How it buys", isin=("Whole Sales", "Retail", "Key Accounts", "E-Commerce"))


customers = Workbook(
    rows=Customer,
    found_at="price_and_revenue_xls/Customers*.xls",
    owner="sales@example.com",
    key=("customer_id",),
)
