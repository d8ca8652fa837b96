"""The retail price list: prices, costs and terms by SKU and date. Their history is in `retail_products.py`."""

from s2p_assets import Code, Date, Frame, Integer, Money, Row, Series, Text, Workbook, column, row_rule


class PriceList(Row):
    """The prices, costs and purchasing terms of one SKU from a date on, as purchasing lists them."""

    sku: Code = column("SKU", "Item no.", "Item number", "Article", description="The company's own article number")
    description: Text = column(
        "Description", "Product", "Item name", description="What the article is called on offers"
    )
    category: Text = column("Category", "Product group", description="Product group", nullable=True, required=False)
    supplier: Text = column("Supplier", "Vendor", description="Who it is bought from", nullable=True, required=False)
    asin: Code = column(
        "ASIN", "Amazon ID", description="Amazon's number, if listed there", nullable=True, required=False
    )
    msrp: Money = column("MSRP", "Retail price", "List price", description="Price of one unit to consumers", ge=0)
    t2_cost: Money = column("T2 cost", "T2", "Dealer price", description="Price of one unit to tier-two dealers", ge=0)
    item_cost: Money = column("Item cost", "Cost", "Unit cost", description="What one unit costs the company", ge=0)
    pack_size: Integer = column(
        "Pack size",
        "Case pack",
        description="Units in a carton",
        nullable=True,
        required=False,
        ge=1,
    )
    minimum_order: Integer = column(
        "Minimum order", "MOQ", description="Fewest units that the supplier sells", nullable=True, required=False, ge=0
    )
    lead_time_days: Integer = column(
        "Lead time (days)", "Lead time", description="Days from order to receipt", nullable=True, required=False, ge=0
    )
    shelf_life_days: Integer = column(
        "Shelf life (days)",
        "Shelf life",
        description="Days from receipt until what is not sold perishes; none for what does not",
        nullable=True,
        required=False,
        ge=1,
    )
    effective_date: Date = column(
        "Effective date",
        "Effective from",
        "Valid from",
        description="First day of these prices; else the date in the sheet's or the file's name",
        formats=("%Y-%m-%d", "%m/%d/%Y", "%d.%m.%Y", "%Y%m%d"),
        value_from=("sheet", "file"),
    )

    @row_rule("item cost is above the MSRP", at="item_cost", severity="notice")
    def sells_above_cost(cls, rows: Frame) -> Series:
        return rows["item_cost"] <= rows["msrp"]


price_list = Workbook(
    rows=PriceList,
    path=("prices/**/*.xls*", "prices/**/*.csv"),
    owner="purchasing@example.com",
    key=("sku", "effective_date"),
    ordinary_change=0.5,
)
