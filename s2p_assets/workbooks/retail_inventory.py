"""Stock counts: units in the building, between buildings and on order. Stock of today: `retail_stock_position.py`."""

from s2p_assets import Code, Date, Frame, Integer, Row, Series, Workbook, column, row_rule


class Inventory(Row):
    """The stock of one SKU at the end of one day, as counted in the warehouse."""

    sku: Code = column("SKU", "Item no.", "Item number", "Article", description="The company's own article number")
    in_building: Integer = column("In building", "On hand", "Stock", description="Units in the building", ge=0)
    transship: Integer = column("Transship", "In transit", description="Units on the way between buildings", ge=0)
    usable_supply_incl: Integer = column(
        "Usable supply incl.", "Usable incl. transship", description="Units free to sell, those on the way included"
    )
    usable_supply_excl: Integer = column(
        "Usable supply excl.",
        "Usable excl. transship",
        description="Units free to sell in the building; negative: owed",
    )
    on_order: Integer = column(
        "On order", "Open orders", description="Units ordered from the supplier, not yet received", ge=0
    )
    count_date: Date = column(
        "Count date",
        "Counted on",
        "As of",
        description="Day of the count; else the date in the sheet's or the file's name",
        formats=("%Y-%m-%d", "%m/%d/%Y", "%d.%m.%Y", "%Y%m%d"),
        value_from=("sheet", "file"),
    )

    @row_rule("usable supply with transship is below that without it", at="usable_supply_incl", severity="notice")
    def transship_adds(cls, rows: Frame) -> Series:
        return rows["usable_supply_incl"] >= rows["usable_supply_excl"]


inventory = Workbook(
    rows=Inventory,
    path=("inventory/**/*.xls*", "inventory/**/*.csv"),
    owner="warehouse@example.com",
    key=("sku", "count_date"),
)
