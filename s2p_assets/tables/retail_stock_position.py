"""What is in stock now, by SKU, as counted or as the ERP says since. What to order is in `retail_reorder_plan.py`."""

import pandas as pd

from s2p_assets import (
    Code,
    Date,
    LineageRules,
    Number,
    Row,
    after_day,
    column,
    column_names,
    in_period,
    on_day,
    only_newest,
    same_key,
    table,
    units_since,
    with_share,
)


class StockPosition(Row):
    """The stock of one SKU on the last day that is known, in units."""

    sku: Code = column(description="The company's own article number", derived_from=("inventory.sku", "erp_stock.sku"))
    as_of: Date = column(
        description="The last day with a count, a receipt or a sale, of any SKU",
        derived_from=(
            "inventory.count_date",
            "erp_stock.changed_at",
            "receipts.receive_date",
            "retail_sales.to_date",
            "wholesale_sales.ship_date",
        ),
    )
    counted_on: Date = column(
        description="Day of the last count, or on which the ERP changed it since",
        derived_from=("inventory.count_date", "erp_stock.changed_at"),
    )
    counted: Number = column(
        description="Units then free to sell, with transship",
        derived_from=("inventory.usable_supply_incl", "erp_stock.quantity"),
    )
    received_since: Number = column(description="Units received after the count", derived_from="receipts.quantity")
    sold_since: Number = column(
        description="Units sold after the count, less returns",
        derived_from=("retail_sales.quantity", "wholesale_sales.quantity"),
    )
    on_hand: Number = column(
        description="Counted, plus received, less sold",
        derived_from=(
            "inventory.usable_supply_incl",
            "erp_stock.quantity",
            "receipts.quantity",
            "retail_sales.quantity",
            "wholesale_sales.quantity",
        ),
    )
    on_order: Number = column(
        description="On order at the count, less what was received since; never below 0",
        derived_from=("inventory.on_order", "receipts.quantity"),
    )


SHARE_SINCE = "(to_date - greatest(from_date - 1, this.counted_on)) / (to_date - from_date + 1.0)"
"""The part of a till's period that lies after the count."""
RECEIVED = same_key("sku") & after_day("receive_date", "counted_on")
SOLD_RETAIL = same_key("sku") & after_day("to_date", "counted_on")
SOLD_WHOLESALE = same_key("sku") & after_day("ship_date", "counted_on")
LINEAGE: LineageRules = {
    "inventory": same_key("sku", count_date="counted_on"),
    "erp_stock": same_key("sku") & in_period("changed_at", "counted_on", days=1),
    ("on_order", "inventory"): same_key("sku") & only_newest("count_date"),
    "receipts": RECEIVED,
    "retail_sales": SOLD_RETAIL & with_share(f"-{SHARE_SINCE}"),
    "wholesale_sales": SOLD_WHOLESALE & with_share("-1"),
    ("sold_since", "retail_sales"): SOLD_RETAIL & with_share(SHARE_SINCE),
    ("sold_since", "wholesale_sales"): SOLD_WHOLESALE,
    ("on_order", "receipts"): RECEIVED & with_share("-1"),
    ("as_of", "inventory"): on_day("count_date", "as_of"),
    ("as_of", "erp_stock"): in_period("changed_at", "as_of", days=1),
    ("as_of", "receipts"): on_day("receive_date", "as_of"),
    ("as_of", "retail_sales"): on_day("to_date", "as_of"),
    ("as_of", "wholesale_sales"): on_day("ship_date", "as_of"),
}


@table(rows=StockPosition, key=("sku",), owner="warehouse@example.com", lineage=LINEAGE)
def stock_position(
    inventory: pd.DataFrame,
    receipts: pd.DataFrame,
    retail_sales: pd.DataFrame,
    wholesale_sales: pd.DataFrame,
    erp_stock: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """The stock of every SKU that was ever counted or is in the ERP, as of the last known day: one row per SKU.

    The newest count, or what the ERP says where it changed it on a later day; plus what was received and less what was
    sold after that day.
    """
    inventory = _with_erp(inventory, erp_stock)
    newest = inventory.sort_values("count_date", kind="stable").drop_duplicates("sku", keep="last").set_index("sku")
    rows = newest.rename(columns={"count_date": "counted_on", "usable_supply_incl": "counted"})
    counted_on = rows["counted_on"]
    received = _after(receipts, counted_on, "receive_date", "receive_date")
    sold = _after(retail_sales, counted_on, "from_date", "to_date").add(
        _after(wholesale_sales, counted_on, "ship_date", "ship_date")
    )
    last_days = [
        frame[column].max()
        for frame, column in (
            (inventory, "count_date"),
            (receipts, "receive_date"),
            (retail_sales, "to_date"),
            (wholesale_sales, "ship_date"),
        )
        if len(frame)
    ]
    rows["as_of"] = max(last_days, default=pd.NaT)
    rows["received_since"], rows["sold_since"] = received, sold
    rows["on_hand"] = rows["counted"] + received - sold
    rows["on_order"] = (rows["on_order"] - received).clip(lower=0)
    return rows.sort_index().reset_index()[column_names(StockPosition)]


def _with_erp(inventory: pd.DataFrame, erp_stock: pd.DataFrame | None) -> pd.DataFrame:
    """Counts, and what the ERP says of a SKU that it changed on a later day than the last count of it."""
    if erp_stock is None or erp_stock.empty:
        return inventory
    last = inventory.sort_values("count_date", kind="stable").drop_duplicates("sku", keep="last").set_index("sku")
    said = pd.DataFrame(
        {
            "sku": erp_stock["sku"],
            "count_date": erp_stock["changed_at"].dt.normalize().astype(inventory["count_date"].dtype),
            "usable_supply_incl": erp_stock["quantity"],
            "on_order": erp_stock["sku"].map(last["on_order"]).fillna(0).astype(inventory["on_order"].dtype),
        }
    )
    counted_on = said["sku"].map(last["count_date"])
    return pd.concat([inventory, said[~(said["count_date"] <= counted_on)]], ignore_index=True)


def _after(frame: pd.DataFrame, counted_on: "pd.Series[pd.Timestamp]", first: str, last: str) -> "pd.Series[float]":
    """Units per SKU that moved after its count; a period that the count lies in counts in part."""
    units = units_since(frame["quantity"], frame[first], frame[last], frame["sku"].map(counted_on))
    return units.groupby(frame["sku"]).sum().reindex(counted_on.index, fill_value=0.0)
