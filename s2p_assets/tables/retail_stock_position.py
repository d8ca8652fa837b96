"""What is in stock now, by SKU. What to order is in `retail_reorder_plan.py`."""

import pandas as pd

from s2p_assets.columns import Day, Number, Row, Text, code, day, number
from s2p_assets.learning.forecasting.demand import units_since
from s2p_assets.lineage import UnderEach, after_day, on_day, same_key, with_share
from s2p_assets.warehouse.table import table


class StockPosition(Row):
    """The stock of one SKU on the last day that is known, in units."""

    sku: Text = code(says="The company's own article number", of="inventory.sku")
    as_of: Day = day(
        says="The last day with a count, a receipt or a sale, of any SKU",
        of=("inventory.count_date", "receipts.receive_date", "retail_sales.to_date", "wholesale_sales.ship_date"),
    )
    counted_on: Day = day(says="Day of the last count", of="inventory.count_date")
    counted: Number = number(says="Units then free to sell, with transship", of="inventory.usable_supply_incl")
    received_since: Number = number(says="Units received after the count", of="receipts.quantity")
    sold_since: Number = number(
        says="Units sold after the count, less returns", of=("retail_sales.quantity", "wholesale_sales.quantity")
    )
    on_hand: Number = number(
        says="Counted, plus received, less sold",
        of=(
            "inventory.usable_supply_incl",
            "receipts.quantity",
            "retail_sales.quantity",
            "wholesale_sales.quantity",
        ),
    )
    on_order: Number = number(
        says="On order at the count, less what was received since; never below 0",
        of=("inventory.on_order", "receipts.quantity"),
    )


SHARE_SINCE = "(to_date - greatest(from_date - 1, this.counted_on)) / (to_date - from_date + 1.0)"
"""The part of a till's period that lies after the count."""
RECEIVED = same_key("sku") & after_day("receive_date", "counted_on")
SOLD_RETAIL = same_key("sku") & after_day("to_date", "counted_on")
SOLD_WHOLESALE = same_key("sku") & after_day("ship_date", "counted_on")
LINEAGE: UnderEach = {
    "inventory": same_key("sku", count_date="counted_on"),
    "receipts": RECEIVED,
    "retail_sales": SOLD_RETAIL & with_share(f"-{SHARE_SINCE}"),
    "wholesale_sales": SOLD_WHOLESALE & with_share("-1"),
    ("sold_since", "retail_sales"): SOLD_RETAIL & with_share(SHARE_SINCE),
    ("sold_since", "wholesale_sales"): SOLD_WHOLESALE,
    ("on_order", "receipts"): RECEIVED & with_share("-1"),
    ("as_of", "inventory"): on_day("count_date", "as_of"),
    ("as_of", "receipts"): on_day("receive_date", "as_of"),
    ("as_of", "retail_sales"): on_day("to_date", "as_of"),
    ("as_of", "wholesale_sales"): on_day("ship_date", "as_of"),
}


@table(rows=StockPosition, key=("sku",), owner="warehouse@example.com", under=LINEAGE)
def stock_position(
    inventory: pd.DataFrame, receipts: pd.DataFrame, retail_sales: pd.DataFrame, wholesale_sales: pd.DataFrame
) -> pd.DataFrame:
    """The stock of every SKU that was ever counted, as of the last known day: one row per SKU.

    The newest count, plus what was received and less what was sold after it.
    """
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
    return rows.sort_index().reset_index()[list(StockPosition.to_schema().columns)]


def _after(frame: pd.DataFrame, counted_on: "pd.Series[pd.Timestamp]", first: str, last: str) -> "pd.Series[float]":
    """Units per SKU that moved after its count; a period that the count lies in counts in part."""
    units = units_since(frame["quantity"], frame[first], frame[last], frame["sku"].map(counted_on))
    return units.groupby(frame["sku"]).sum().reindex(counted_on.index, fill_value=0.0)
