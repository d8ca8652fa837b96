"""The trading company's customers. Their purchases are in `trading_sales.py`."""

from s2p_assets import Code, Row, Text, Workbook, column


class Customer(Row):
    """One customer, where it is and who looks after it."""

    customer_id: Code = column("Customer ID", description="The customer's number")
    customer_name: Text = column("Customer Name", description="The customer's name")
    continent: Text = column("Continent Name", description="Continent")
    country: Text = column("Country", description="Country")
    region: Text = column("Region", description="Region or city")
    sales_rep: Text = column("Sales Rep.", description="Who looks after the customer")
    channel: Text = column(
        "Channel", description="How it buys", isin=("Whole Sales", "Retail", "Key Accounts", "E-Commerce")
    )


customers = Workbook(
    rows=Customer,
    path="price_and_revenue_xls/Customers*.xls",
    owner="sales@example.com",
    key=("customer_id",),
)
