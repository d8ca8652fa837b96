"""Sales to consumers, from the tills. Sales to dealers are in `retail_wholesale_sales.py`."""

import pandas as pd

from s2p_assets.columns import Day, Row, Text, Whole, code, day, row_rule, whole
from s2p_assets.spreadsheet.contract import Workbook

DATE_FORMATS = ("%Y-%m-%d", "%m/%d/%Y", "%d.%m.%Y")


class RetailSale(Row):
    """Units of one SKU sold to consumers from one day to another, both included, as the tills counted them."""

    sku: Text = code("SKU", "Item no.", "Item number", "Article", says="The company's own article number")
    quantity: Whole = whole("Quantity", "Qty", "Units sold", "Units", says="Units sold less units brought back")
    from_date: Day = day("From date", "From", "Period start", says="First day of the period", written=DATE_FORMATS)
    to_date: Day = day("To date", "To", "Period end", says="Last day of the period", written=DATE_FORMATS)

    @row_rule("the period ends before it begins", at="to_date")
    def ends_after_it_begins(cls, rows: pd.DataFrame) -> "pd.Series[bool]":
        return rows["to_date"] >= rows["from_date"]


retail_sales = Workbook(
    rows=RetailSale,
    found_at=("sales/retail/**/*.xls*", "sales/retail/**/*.csv"),
    owner="stores@example.com",
    key=("sku", "from_date", "to_date"),
    returns_up_to=0.02,
)
