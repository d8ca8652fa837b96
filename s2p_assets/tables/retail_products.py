"""Products with the history of their prices and terms. The lists they come from are declared in `workbooks/`."""

from s2p_assets import (
    Boolean,
    Code,
    Date,
    Frame,
    Integer,
    LineageRules,
    Money,
    Row,
    Text,
    column,
    from_day,
    on_day,
    only_newest,
    same_key,
    table,
    until_day,
    versions,
)


class Product(Row):
    """One version of a SKU: its prices and terms from one day to another."""

    sku: Code = column(description="The company's own article number", derived_from="price_list.sku")
    description: Text = column(
        description="What the article is called on offers", derived_from="price_list.description"
    )
    category: Text = column(description="Product group", nullable=True, derived_from="price_list.category")
    supplier: Text = column(description="Who it is bought from", nullable=True, derived_from="price_list.supplier")
    asin: Code = column(description="Amazon's number, if listed there", nullable=True, derived_from="price_list.asin")
    msrp: Money = column(description="Price of one unit to consumers", derived_from="price_list.msrp", ge=0)
    t2_cost: Money = column(
        description="Price of one unit to tier-two dealers", derived_from="price_list.t2_cost", ge=0
    )
    item_cost: Money = column(description="What one unit costs the company", derived_from="price_list.item_cost", ge=0)
    pack_size: Integer = column(description="Units in a carton", nullable=True, derived_from="price_list.pack_size")
    minimum_order: Integer = column(
        description="Fewest units that the supplier sells", nullable=True, derived_from="price_list.minimum_order"
    )
    lead_time_days: Integer = column(
        description="Days from order to receipt", nullable=True, derived_from="price_list.lead_time_days"
    )
    shelf_life_days: Integer = column(
        description="Days from receipt until what is not sold perishes; none for what does not",
        nullable=True,
        derived_from="price_list.shelf_life_days",
    )
    valid_from: Date = column(description="First day of this version", derived_from="price_list.effective_date")
    valid_to: Date = column(
        description="Day on which the next version begins; none for the last",
        nullable=True,
        derived_from="price_list.effective_date",
    )
    is_current: Boolean = column(
        description="Whether no later version is known", derived_from="price_list.effective_date"
    )


TERMS = (
    "description",
    "category",
    "supplier",
    "asin",
    "msrp",
    "t2_cost",
    "item_cost",
    "pack_size",
    "minimum_order",
    "lead_time_days",
    "shelf_life_days",
)


LINEAGE: LineageRules = {
    "price_list": same_key("sku") & until_day("effective_date", "valid_from") & only_newest("effective_date"),
    ("valid_to", "price_list"): same_key("sku") & on_day("effective_date", "valid_to"),
    ("is_current", "price_list"): same_key("sku") & from_day("effective_date", "valid_from"),
}


@table(rows=Product, key=("sku", "valid_from"), owner="purchasing@example.com", lineage=LINEAGE)
def products(price_list: Frame) -> Frame:
    """Every SKU with its prices, costs and terms over time, from the price lists: one row per SKU and version.

    A new version begins only where a list changes something; a cell left blank means "as before".
    """
    return versions(price_list, key=["sku"], at="effective_date", attributes=TERMS)
