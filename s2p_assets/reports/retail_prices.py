"""The letter on prices: what changed with the last price list, what that does to the margin, what sells below cost.

The history of prices is made by `tables/retail_products.py`.
"""

from s2p_assets import (
    Document,
    Frame,
    NotYet,
    PriceChanges,
    PriceList,
    ReportColumn,
    SalesChannel,
    SourceTable,
    Volumes,
    report,
    sections,
)

PRICES = {"msrp": "Consumer price", "t2_cost": "Dealer price", "item_cost": "Item cost"}
CHANNELS = (SalesChannel("retail_units", price="msrp"), SalesChannel("wholesale_units", price="t2_cost"))
TERMS = (
    ReportColumn("pack_size", "Pack size", "integer"),
    ReportColumn("minimum_order", "Minimum order", "integer"),
    ReportColumn("lead_time_days", "Lead time, days", "integer"),
)


@report(title="Price and margin changes", owner="purchasing@example.com", days_ahead=366)
def prices(products: Frame, demand: Frame) -> Document:
    """What changed with the last price list, the margin effect at current volumes, and every SKU sold below cost.

    One edition per price list; made again whenever prices or sales change.
    """
    if products.empty:
        raise NotYet("no price list has been loaded")
    price_list = PriceList("products", products, item="sku", prices=PRICES, cost="item_cost", channels=CHANNELS)
    volumes = Volumes(SourceTable("demand", demand), price_list)
    found = PriceChanges(price_list, volumes)
    return Document(
        title="Price and margin changes",
        as_of=found.newest.date(),
        headline=sections.price_changes.describe_changes(found),
        figures=sections.price_changes.change_figures(found, price="msrp"),
        sections=(
            sections.price_changes.what_changed(found),
            *sections.price_changes.offers_that_end(found),
            *sections.price_changes.other_terms(found, TERMS),
            *sections.price_changes.new_items(found, price="msrp"),
            sections.price_changes.sold_below_cost(found),
            sections.price_changes.lists_of_the_year(found),
        ),
        notes=volumes.notes(),
        action=sections.price_changes.what_to_review(found),
    )
