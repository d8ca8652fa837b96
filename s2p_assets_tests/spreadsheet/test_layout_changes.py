"""What people are told when the columns of a workbook come, go or change their names between two deliveries."""

import datetime as dt
import os
from collections.abc import Sequence
from pathlib import Path

import openpyxl

from s2p_assets.catalog.loading import load_catalog
from s2p_assets.contracts import columns as c
from s2p_assets.contracts.findings import Finding
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.services.context import Context
from s2p_assets.services.ingest import ingest, store_ingest
from s2p_assets.services.ingested_file import Ingest
from s2p_assets.settings import Settings
from s2p_assets.spreadsheet.layout_changes import EarlierFile, with_layout_changes
from s2p_assets.spreadsheet.sandbox import Sandbox
from s2p_assets.warehouse.warehouse import Warehouse


class Orders(c.Row):
    """One order."""

    __module__ = "shelf.acme_orders"

    number: c.Code = c.column("Order no.", "Order", description="The order")
    quantity: c.Integer = c.column("Quantity", "Qty", description="Units")
    cost: c.Money = c.column("Cost", description="What one costs", nullable=True, required=False)


ORDERS = Workbook(rows=Orders, path="orders/*", owner="Ann", key=("number",), ignores=("Checked by",))
PLAIN = ("Order no.", "Quantity", "Cost")


def delivery(month: int, *headers: str) -> EarlierFile:
    return EarlierFile(f"orders/Orders {month}.xlsx", dt.date(2026, month, 1), {"Sheet": list(headers)})


def told(headers: Sequence[str], *before: EarlierFile, findings: Sequence[Finding] = ()) -> list[str]:
    """The messages, `before` given oldest first."""
    found = with_layout_changes(findings, {"March": list(headers)}, before[::-1], ORDERS)
    assert all(finding.severity == "notice" for finding in found if finding.rule == "layout")
    return [finding.message for finding in found]


def test_an_unchanged_layout_is_no_news() -> None:
    assert told(PLAIN, delivery(1, *PLAIN), delivery(2, *PLAIN)) == []
    assert told(("ORDER NO", "quantity ", "Cost (EUR)"), delivery(1, *PLAIN)) == []
    assert told(("Cost", "Order no.", "Quantity"), delivery(1, *PLAIN)) == []
    assert told(PLAIN) == []


def test_a_column_that_appears_is_named() -> None:
    assert told((*PLAIN, "Colour"), delivery(2, *PLAIN)) == [
        "'Colour' appeared; Orders 2.xlsx (2026-02-01) did not have it"
    ]


def test_a_column_that_vanishes_is_named_with_the_last_delivery_that_had_it() -> None:
    (finding,) = with_layout_changes([], {"March": ["Order no.", "Quantity"]}, [delivery(2, *PLAIN)], ORDERS)
    assert finding.message == "'Cost' vanished; last seen in Orders 2.xlsx (2026-02-01)"
    assert (finding.sheet, finding.column, finding.rule, finding.severity) == ("March", "cost", "layout", "notice")


def test_a_declared_column_under_another_name_is_renamed() -> None:
    assert told(("Order no.", "Quantity"), delivery(2, "Order no.", "Qty")) == ["'Qty' is now called 'Quantity'"]


def test_an_unknown_column_in_the_place_of_another_under_a_similar_name_is_perhaps_renamed() -> None:
    before = delivery(2, *PLAIN, "Colour", "Remark")
    assert told((*PLAIN, "Color", "Remark"), before) == [
        "'Colour' is perhaps renamed to 'Color'; 'Colour' was last seen in Orders 2.xlsx (2026-02-01)"
    ]
    assert told((*PLAIN, "Warehouse", "Remark"), before) == [
        "'Colour' vanished; last seen in Orders 2.xlsx (2026-02-01)",
        "'Warehouse' appeared; Orders 2.xlsx (2026-02-01) did not have it",
    ]


def test_layouts_of_colleagues_that_alternate_are_told_once() -> None:
    ann = ("Order no.", "Quantity", "Cost")
    ben = ("Order", "Qty", "Remark")
    before = [delivery(1, *ann)]
    assert len(told(ben, *before)) == 4
    before.append(delivery(2, *ben))
    for month in range(3, 12):
        layout = ann if month % 2 else ben
        assert told(layout, *before) == []
        before.append(delivery(month, *layout))


def test_one_file_that_is_saved_often_counts_as_one_delivery() -> None:
    other = delivery(1, *PLAIN, "Colour")
    assert told((*PLAIN, "Colour"), other, *[delivery(2, *PLAIN)] * 20) == []


def test_an_ignored_column_is_no_news() -> None:
    assert told((*PLAIN, "Checked by"), delivery(2, *PLAIN)) == []
    assert told(PLAIN, delivery(2, *PLAIN, "Checked by")) == []


def test_a_missing_required_column_says_which_delivery_had_it_last() -> None:
    missing = Finding("March", "A1", "quantity", None, "missing_column", "no column 'Quantity'; add it")
    assert told(("Order no.", "Cost"), delivery(1, "Order no.", "Qty", "Cost"), findings=[missing]) == [
        "no column 'Quantity'; add it; it was last seen as 'Qty' in Orders 1.xlsx (2026-01-01)"
    ]


def prices(file: Path, day: dt.datetime, headers: Sequence[str]) -> None:
    """A price list of its own SKU, written on `day`."""
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.append(headers)
    sheet.append(
        [{"MSRP": 20, "List price": 20, "T2 cost": 12, "Item cost": 8}.get(name, file.stem) for name in headers]
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    book.save(file)
    os.utime(file, (day.timestamp(), day.timestamp()))


def taken(settings: Settings, reader: Sandbox) -> Ingest:
    catalog, warehouse = load_catalog(settings.shelves), Warehouse(settings)
    workbook = catalog.workbooks["retail_price_list"]
    intake = ingest(Context(settings, catalog, warehouse), workbook, reader, progress=lambda _: None)
    with warehouse.connect() as connection:
        store_ingest(connection, workbook, intake, "run")
    return intake


def layout_of(intake: Ingest) -> dict[str, list[str]]:
    return {
        Path(entry.path).name: [
            finding.message for finding in entry.findings if "seen" in finding.message or finding.rule == "layout"
        ]
        for entry in intake.entries
    }


def test_files_of_one_look_and_of_later_ones_are_compared_in_the_order_in_which_they_were_written(
    tmp_path: Path, empty_database_url: str
) -> None:
    settings = Settings(home=tmp_path / "home", share=tmp_path / "share", database_url=empty_database_url)
    folder, names = settings.share / "prices", ["SKU", "Description", "MSRP", "T2 cost", "Item cost"]
    prices(folder / "Prices 2026-02-01.xlsx", dt.datetime(2026, 2, 1, 12).astimezone(), [*names, "Colour"])
    prices(folder / "Prices 2026-01-01.xlsx", dt.datetime(2026, 1, 1, 12).astimezone(), names)
    with Sandbox() as reader:
        assert layout_of(taken(settings, reader)) == {
            "Prices 2026-01-01.xlsx": [],
            "Prices 2026-02-01.xlsx": ["'Colour' appeared; Prices 2026-01-01.xlsx (2026-01-01) did not have it"],
        }
        names[2] = "List price"
        prices(folder / "Prices 2026-03-01.xlsx", dt.datetime(2026, 3, 1, 12).astimezone(), names)
        prices(folder / "Prices 2026-04-01.xlsx", dt.datetime(2026, 4, 1, 12).astimezone(), names[:4])
        march, april = layout_of(taken(settings, reader)).values()
    assert march == ["'MSRP' is now called 'List price'"]
    assert april[0].endswith("; it was last seen as 'Item cost' in Prices 2026-03-01.xlsx (2026-03-01)")
    assert len(april) == 1
