"""Sales that come as events count in demand beside the workbooks, each once."""

import pandas as pd

from s2p_assets.tables import retail_demand


def receipts(*rows: tuple[str, str, int]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["sku", "sold_at", "quantity"])
    return frame.assign(sold_at=pd.to_datetime(frame["sold_at"]))


def told(*periods: tuple[str, str]) -> pd.DataFrame:
    frame = pd.DataFrame(periods, columns=["from_date", "to_date"])
    return frame.assign(from_date=pd.to_datetime(frame["from_date"]), to_date=pd.to_datetime(frame["to_date"]))


def test_a_receipt_counts_until_the_workbook_tells_of_its_day() -> None:
    live = receipts(("1", "2026-11-22 23:59", 1), ("1", "2026-11-23 00:00", 2), ("2", "2026-11-24 09:00", 4))
    counted = retail_demand._untold_receipts(live, told(("2026-11-16", "2026-11-22")))
    assert counted.values.tolist() == [
        ["1", pd.Timestamp("2026-11-23"), 2.0],
        ["2", pd.Timestamp("2026-11-23"), 4.0],
    ]
    assert len(retail_demand._untold_receipts(live, told(("2026-11-16", "2026-11-29")))) == 0
    assert retail_demand._untold_receipts(live, told())["retail_units"].sum() == 7


def test_without_streams_nothing_is_counted() -> None:
    none = receipts()
    assert retail_demand._web_orders(None).empty
    assert retail_demand._untold_receipts(none, told()).empty


def test_web_orders_count_in_the_week_of_their_order() -> None:
    orders = receipts(("1", "2026-11-29 23:30", 3), ("1", "2026-11-30 00:10", -1)).rename(
        columns={"sold_at": "ordered_at"}
    )
    counted = retail_demand._web_orders(orders)
    assert counted["week"].astype(str).tolist() == ["2026-11-23", "2026-11-30"]
    assert counted["retail_units"].tolist() == [3.0, -1.0]
