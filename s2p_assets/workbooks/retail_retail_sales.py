"""Sales to consumers, from the tills. Sales to dealers are in `retail_wholesale_sales.py`."""

from s2p_assets import Code, Date, Frame, Integer, Row, Series, Workbook, column, row_rule

DATE_FORMATS = ("%Y-%m-%d", "%m/%d/%Y", "%d.%m.%Y")


class RetailSale(Row):
    """Units of one SKU sold to consumers from one day to another, both included, as the tills counted them."""

    sku: Code = column("SKU", "Item no.", "Item number", "Article", description="The company's own article number")
    quantity: Integer = column(
        "Quantity", "Qty", "Units sold", "Units", description="Units sold less units brought back"
    )
    from_date: Date = column(
        "From date", "From", "Period start", description="First day of the period", formats=DATE_FORMATS
    )
    to_date: Date = column("To date", "To", "Period end", description="Last day of the period", formats=DATE_FORMATS)

    @row_rule("the period ends before it begins", at="to_date")
    def ends_after_it_begins(cls, rows: Frame) -> Series:
        return rows["to_date"] >= rows["from_date"]


retail_sales = Workbook(
    rows=RetailSale,
    path=("sales/retail/**/*.xls*", "sales/retail/**/*.csv"),
    owner="stores@example.com",
    key=("sku", "from_date", "to_date"),
    spans=("from_date", "to_date"),
    max_reject_rate=0.02,
    every="month",  # weeks or whole months, as the tills send them: by the 10th the month before is there
    by="10th",
    dated_by="to_date",
)
