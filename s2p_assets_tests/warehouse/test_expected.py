"""Promises of files that have not come: told by sender and period, from what is loaded, and gone when they come."""

import datetime as dt
import hashlib
from dataclasses import replace

import pandas as pd
import psycopg
import pyarrow
import pytest

from s2p_assets.contracts import columns as c
from s2p_assets.contracts.columns import DeclarationError, columns_of
from s2p_assets.contracts.deliveries import FileDelivery
from s2p_assets.contracts.validation import conform
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.publishing.sections.deliveries import Deliveries, describe_deliveries, late_and_missing
from s2p_assets.publishing.sections.source_table import SourceTable
from s2p_assets.warehouse.files.deliveries import delivery_rows
from s2p_assets.warehouse.files.expected import MissingFile, missing_files, with_missing
from s2p_assets.warehouse.files.ledger import LedgerEntry
from s2p_assets.warehouse.files.load import load_file
from s2p_assets.warehouse.tables.contract_versions import contract_version

TODAY = dt.date(2026, 11, 6)


class Sale(c.Row):
    """What one shop sold on one day."""

    __module__ = "shelf.acme_shop_sales"

    shop: c.Code = c.column(description="Which shop")
    day: c.Date = c.column(description="On which day")


BY_SHOP = Workbook(
    rows=Sale, path="sales/*", owner="Ann", every="month", by="5th", one_per="shop", dated_by="day", key=("shop", "day")
)
BY_PATH = replace(BY_SHOP, one_per={"Berlin": "sales/berlin*", "Hamburg": "sales/hamburg*"}, dated_by=None)


def load(conn: psycopg.Connection, path: str, saved: dt.date, *rows: tuple[str, dt.date]) -> None:
    shops, days = zip(*rows, strict=True)
    table = pyarrow.table(
        {
            "shop": pyarrow.array(shops, pyarrow.string()),
            "day": pyarrow.array(days, pyarrow.date32()),
            "_sheet": pyarrow.array(["March"] * len(rows), pyarrow.string()),
            "_row": pyarrow.array(range(2, len(rows) + 2), pyarrow.int64()),
        }
    )
    at = int(dt.datetime(saved.year, saved.month, saved.day, 12, tzinfo=dt.UTC).timestamp() * 1e9)
    content = hashlib.sha256(path.encode()).hexdigest()
    entry = LedgerEntry(path, content, 1, at, contract_version(BY_SHOP), "accepted", "Ann", headers={"March": ["Shop"]})
    load_file(conn, BY_SHOP, entry, table)


def names(missing: list[MissingFile]) -> list[str]:
    return [file.name for file in missing]


def test_a_shop_that_has_not_sent_is_named_with_its_month_until_its_rows_are_there(conn: psycopg.Connection) -> None:
    september, october = dt.date(2026, 9, 30), dt.date(2026, 10, 30)
    load(conn, "sales/berlin.xlsx", october, ("Berlin", september), ("Berlin", october))
    load(conn, "sales/hamburg.xlsx", october, ("Hamburg", september))
    missing = missing_files(conn, [BY_SHOP], TODAY)
    assert names(missing) == ["shop sales of Hamburg for October 2026"]
    assert missing[0].owner == "Ann"
    assert missing[0].sentence == "expected by 5 November 2026, and nothing of it is loaded"
    assert not missing_files(conn, [BY_SHOP], dt.date(2026, 11, 5))
    load(conn, "sales/hamburg late.xlsx", TODAY, ("Hamburg", october))
    assert not missing_files(conn, [BY_SHOP], TODAY)


def test_without_a_column_of_dates_the_day_of_saving_and_the_path_say_who_sent_for_when(
    conn: psycopg.Connection,
) -> None:
    load(conn, "sales/berlin 10.xlsx", dt.date(2026, 11, 3), ("Berlin", dt.date(2026, 10, 30)))
    assert names(missing_files(conn, [BY_PATH], TODAY)) == ["shop sales of Hamburg for October 2026"]


def test_the_place_in_a_path_names_senders_that_became_known_by_their_first_file(conn: psycopg.Connection) -> None:
    by_name = replace(BY_SHOP, one_per="sales/{shop} 2*", dated_by="day")
    for shop in ("Berlin", "hamburg", "Kiel Süd"):
        load(conn, f"sales/{shop} 2026-09.xlsx", TODAY, (shop, dt.date(2026, 9, 30)))
    load(conn, "sales/berlin 2026-10.xlsx", TODAY, ("Berlin", dt.date(2026, 10, 30)))
    load(conn, "sales/hamburg 2026-10.xlsx", TODAY, ("Hamburg", dt.date(2026, 10, 30)))
    assert names(missing_files(conn, [by_name], TODAY)) == ["shop sales of Kiel Süd for October 2026"]
    folders = replace(BY_SHOP, one_per="**/{shop}/*", dated_by="day")
    assert names(missing_files(conn, [folders], TODAY)) == []
    with pytest.raises(DeclarationError, match="needs one place in braces"):
        replace(BY_SHOP, one_per="sales/{shop}/{month}*")


def test_a_sender_whose_first_file_is_of_a_period_that_is_not_due_is_awaited_from_then_on(
    conn: psycopg.Connection,
) -> None:
    load(conn, "sales/berlin.xlsx", TODAY, ("Berlin", dt.date(2026, 11, 4)))
    assert names(missing_files(conn, [BY_SHOP], TODAY)) == []
    assert names(missing_files(conn, [BY_SHOP], dt.date(2027, 1, 8))) == ["shop sales of Berlin for December 2026"]


def test_what_is_expected_of_nobody_is_not_missing(conn: psycopg.Connection) -> None:
    assert not missing_files(conn, [replace(BY_SHOP, every=None, by="", one_per=None, dated_by=None)], TODAY)
    assert names(missing_files(conn, [replace(BY_SHOP, one_per=None)], TODAY)) == ["shop sales for October 2026"]


def test_the_report_on_data_quality_tells_what_is_missing_apart_from_what_waits(conn: psycopg.Connection) -> None:
    load(conn, "sales/berlin.xlsx", TODAY, ("Berlin", dt.date(2026, 9, 30)))
    came = delivery_rows(conn, ["acme_shop_sales"], ["lost.txt"])
    frame = conform(with_missing(came, missing_files(conn, [BY_SHOP], TODAY)), FileDelivery)
    assert list(frame.columns) == [column.name for column in columns_of(FileDelivery)]
    deliveries = Deliveries(SourceTable("deliveries", frame, key=("path", "version")))
    assert deliveries.open_files.empty
    assert len(deliveries.current) == 1
    assert "1 file that is expected did not come" in describe_deliveries(deliveries)
    listed = late_and_missing(deliveries).frame
    assert isinstance(listed, pd.DataFrame)
    assert listed["path"].tolist() == ["shop sales of Berlin for October 2026"]
    assert listed["problem"].tolist() == ["expected by 5 November 2026, and nothing of it is loaded"]
