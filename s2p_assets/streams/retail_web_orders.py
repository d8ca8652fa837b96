"""Lines of orders, as the web shop sends them to its Kafka topic."""

from s2p_assets import Code, Integer, Kafka, Money, Row, Stream, Timestamp, column


class WebOrder(Row):
    """One line of an order in the web shop; a cancellation is a line with a negative quantity."""

    order_no: Code = column("Order", "order", description="Number of the order")
    line: Integer = column("Line", description="Number of the line in the order", ge=1)
    sku: Code = column("SKU", "item", description="The company's own article number")
    quantity: Integer = column("Quantity", "qty", description="Units ordered; negative: cancelled", ne=0)
    unit_price: Money = column("Unit price", "price", description="Price of one unit as paid", ge=0)
    ordered_at: Timestamp = column("Ordered at", "at", description="When it was ordered, by the company's clock")


web_orders = Stream(
    rows=WebOrder,
    source=Kafka("web-orders"),
    owner="webshop@example.com",
    key=("order_no", "line"),
    every="5 minutes",
)
