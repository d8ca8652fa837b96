"""Stock counts: units in the building, between buildings and on order. Stock of today: `retail_stock_position.py`."""

import pandas as pd

from s2p_assets.columns import Day, Row, Text, Whole, code, day, row_rule, whole
from s2p_assets.spreadsheet.contract import Workbook


class Inventory(Row):
    """The stock of one SKU at the end of one day, as counted in the warehouse."""

    sku: Text = code("SKU", "Item no.", "Item number", "Article", says="The company's own article number")
    in_building: Whole = whole("In building", "On hand", "Stock", says="Units in the building", ge=0)
    transship: Whole = whole("Transship", "In transit", says="Units on the way between buildings", ge=0)
    usable_supply_incl: Whole = whole(
        "Usable supply incl.", "Usable incl. transship", says="Units free to sell, those on the way included"
    )
    usable_supply_excl: Whole = whole(
        "Usable supply excl.",
        "Usable excl. transship",
        says="Units free to sell in the building; negative: owed",
    )
    on_order: Whole = whole("On order", "Open orders", says="Units ordered from the supplier, not yet received", ge=0)
    count_date: Day = day(
        "Count date",
        "Counted on",
        "As of",
        says="Day of the count; else the date in the sheet's or the file's name",
        written=("%Y-%m-%d", "%m/%d/%Y", "%d.%m.%Y", "%Y%m%d"),
        or_from=("sheet", "file"),
    )

    @row_rule("usable supply with transship is below that without it", at="usable_supply_incl", severity="notice")
    def transship_adds(cls, rows: pd.DataFrame) -> "pd.Series[bool]":
        return rows["usable_supply_incl"] >= rows["usable_supply_excl"]


inventory = Workbook(
    rows=Inventory,
    found_at=("inventory/**/*.xls*", "inventory/**/*.csv"),
    owner="warehouse@example.com",
    key=("sku", "count_date"),
)
