"""What the ERP says there is in stock, followed in its own database. What people counted is in
`workbooks/retail_inventory.py`.
"""

from s2p_assets import Code, Integer, PostgresTable, Row, Stream, Timestamp, column


class ErpStock(Row):
    """The units of one SKU that the ERP says are free to sell."""

    sku: Code = column("SKU", "item", description="The company's own article number")
    quantity: Integer = column("Quantity", "on_hand", description="Units free to sell, with transship")
    changed_at: Timestamp = column("Changed at", description="When the ERP last changed it, by the company's clock")


erp_stock = Stream(
    rows=ErpStock,
    source=PostgresTable("public.stock", "erp"),
    owner="warehouse@example.com",
    key=("sku",),
    every="5 minutes",
)
