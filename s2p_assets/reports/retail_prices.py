"""The letter on prices: what changed with the last price list, what that does to the margin, what sells below cost.

The history of prices is made by `tables/retail_products.py`.
"""

import pandas as pd

from s2p_assets.contracts.derivation import NotYet
from s2p_assets.contracts.report import Document, ReportColumn, report
from s2p_assets.publishing.sections import price_changes
from s2p_assets.publishing.sections.price_lists import PriceChanges, PriceList, SalesChannel, Volumes
from s2p_assets.publishing.sections.source_table import SourceTable

PRICES = {"msrp": "Consumer price", "t2_cost": "Dealer price", "item_cost": "Item cost"}
CHANNELS = (SalesChannel("retail_units", price="msrp"), SalesChannel("wholesale_units", price="t2_cost"))
TERMS = (
    ReportColumn("pack_size", "Pack size", "integer"),
    ReportColumn("minimum_order", "Minimum order", "integer"),
    ReportColumn("lead_time_days", "Lead time, days", "integer"),
)


@report(title="Price and margin changes", owner="purchasing@example.com", days_ahead=366)
def prices(products: pd.DataFrame, demand: pd.DataFrame) -> Document:
    """What changed with the last price list, the margin effect at current volumes, and every SKU sold below cost.

    One edition per price list; made again whenever prices or sales change.
    """
    if products.empty:
        raise NotYet("no price list has been loaded")
    price_list = PriceList("products", products, prices=PRICES, cost="item_cost", channels=CHANNELS)
    volumes = Volumes(SourceTable("demand", demand), price_list)
    found = PriceChanges(price_list, volumes)
    return Document(
        title="Price and margin changes",
        as_of=found.newest.date(),
        headline=price_changes.describe_changes(found),
        figures=price_changes.change_figures(found, price="msrp"),
        sections=(
            price_changes.what_changed(found),
            *price_changes.other_terms(found, TERMS),
            *price_changes.new_items(found, price="msrp"),
            price_changes.sold_below_cost(found),
            price_changes.lists_of_the_year(found),
        ),
        notes=volumes.notes(),
    )
