"""Workbooks that nobody here wrote: what is loaded and returned adds up to what pandas counts in the raw files."""

from collections.abc import Iterator

import pandas as pd
import pyarrow
import pytest

from s2p_assets.catalog.paths import matching_contracts
from s2p_assets.catalog.shelves import read_shelf
from s2p_assets.contracts.columns import Column
from s2p_assets.contracts.findings import ReadResult
from s2p_assets.contracts.validation import conform, pandera_model
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.examples.tables.trading_demand import demand
from s2p_assets.examples.tables.trading_products import products
from s2p_assets.spreadsheet.sandbox import Sandbox
from s2p_assets_tests.shelves import real_companies as real
from s2p_assets_tests.shelves.real_companies import cells_by_rule

BOOKS = tuple(read_shelf(["s2p_assets.examples"], "workbooks", Workbook).items.values())

pytestmark = pytest.mark.skipif(not real.DATA.is_dir(), reason="the real workbooks are not here")


@pytest.fixture(scope="module")
def readings() -> Iterator[dict[str, ReadResult]]:
    with Sandbox(seconds=120, memory_mb=3072) as sandbox:
        yield {
            name: sandbox.read(real.DATA / name, matching_contracts(name, BOOKS), display_name=name)
            for name in real.names()
        }


def of(readings: dict[str, ReadResult], workbook: str) -> dict[str, ReadResult]:
    return {name: reading for name, reading in readings.items() if reading.workbook == workbook}


def loaded(readings: dict[str, ReadResult], workbook: str) -> pd.DataFrame:
    tables = [reading.rows for reading in of(readings, workbook).values() if reading.rows is not None]
    return pyarrow.concat_tables(tables).to_pandas()


def test_every_file_of_the_three_companies_is_claimed_and_read(readings: dict[str, ReadResult]) -> None:
    assert {name for name, reading in readings.items() if reading.workbook is None or reading.error} == set()
    assert {reading.workbook for reading in readings.values()} == {book.full_name for book in BOOKS}


def test_rows_in_are_rows_loaded_and_rows_returned_as_pandas_counts_them(readings: dict[str, ReadResult]) -> None:
    for name, reading in readings.items():
        counted = real.counted(name)
        assert reading.rows_read == counted.rows, name
        assert (reading.rows_accepted, reading.rows_returned) == (counted.good, counted.bad), name
        assert reading.rows_accepted == (reading.rows.num_rows if reading.rows is not None else 0), name


def test_every_rule_finds_the_cells_that_pandas_finds(readings: dict[str, ReadResult]) -> None:
    for name, reading in readings.items():
        assert cells_by_rule(reading.findings) == real.counted(name).cells, name


def test_trading_sales_add_up_by_year_with_returns_and_missing_invoice_numbers(readings: dict[str, ReadResult]) -> None:
    for name, reading in of(readings, "trading_sales").items():
        raw, rows = real.raw(name), reading.rows.to_pandas() if reading.rows is not None else pd.DataFrame()
        assert rows["quantity"].sum() == raw["Qty"].sum(), name
        assert (rows["quantity"] < 0).sum() == (raw["Invoice Type"] == "Return").sum(), name
        absent = raw["Invoice No."].isna().sum() if "Invoice No." in raw else len(raw)
        assert rows["invoice_num"].isna().sum() == absent, name
        assert rows["discount"].isna().sum() == raw["Discount"].isna().sum(), name
        month, day = raw["Date"].str.split(".").str[0].astype(int), raw["Date"].str.split(".").str[1].astype(int)
        assert [value.month for value in rows["sold_on"]] == month.tolist(), name
        assert [value.day for value in rows["sold_on"]] == day.tolist(), name


def test_item_codes_and_customer_numbers_keep_their_digits(readings: dict[str, ReadResult]) -> None:
    sales = loaded(readings, "trading_sales")
    assert set(sales["item_code"]) <= set(loaded(readings, "trading_price_list")["item_code"])
    assert set(sales["customer_id"]) == set(loaded(readings, "trading_customers")["customer_id"])


def test_electronics_orders_add_up_in_units_dollars_and_minutes(readings: dict[str, ReadResult]) -> None:
    for name, reading in of(readings, "electronics_sales").items():
        raw = real.raw(name)
        assert reading.rows is not None
        kept = reading.rows.to_pandas()
        assert kept["quantity"].sum() == raw["Quantity Ordered"].astype(int).sum(), name
        revenue = (raw["Quantity Ordered"].astype(int) * raw["Price Each"].astype(float)).sum()
        assert (kept["quantity"] * kept["unit_price"].astype(float)).sum() == pytest.approx(revenue), name
        ordered = pd.to_datetime(raw["Order Date"], format="%m/%d/%y %H:%M")
        assert (pd.to_datetime(kept["ordered_at"]).to_numpy() == ordered.to_numpy()).all(), name


def test_liquor_prices_are_read_alike_as_numbers_and_as_text(readings: dict[str, ReadResult]) -> None:
    for name, reading in of(readings, "liquor_price_list").items():
        good = real.good(name)
        assert reading.rows is not None
        kept = reading.rows.to_pandas()
        assert kept["price"].astype(float).tolist() == pytest.approx(real.amounts(good["Price"]).tolist()), name
        assert kept["purchase_price"].astype(float).tolist() == pytest.approx(
            real.amounts(good["PurchasePrice"]).tolist()
        ), name
        assert kept["vendor_name"].tolist() == good["VendorName"].str.strip().tolist(), name


def test_liquor_invoices_add_up(readings: dict[str, ReadResult]) -> None:
    (name,) = of(readings, "liquor_invoices")
    raw, rows = real.raw(name), loaded(readings, "liquor_invoices")
    assert len(rows) == len(raw)
    assert rows["dollars"].astype(float).sum() == pytest.approx(raw["Dollars"].astype(float).sum())
    assert rows["approval"].isna().sum() == (raw["Approval"] == "None").sum()
    assert [f"{value}" for value in rows["invoice_date"]] == raw["InvoiceDate"].tolist()


def as_handed(frame: pd.DataFrame, columns: tuple[Column, ...]) -> pd.DataFrame:
    """`frame` with days as timestamps and amounts as floats, as shelf functions get them."""
    days = {column.name: pd.to_datetime(frame[column.name]) for column in columns if column.kind == "date"}
    amounts = {
        column.name: frame[column.name].astype(float) for column in columns if column.kind in ("money", "percent")
    }
    return frame.assign(**days, **amounts)


def test_trading_demand_has_every_unit_and_the_revenue_of_the_price_list(readings: dict[str, ReadResult]) -> None:
    books = {book.name: book for book in BOOKS if book.domain == "trading"}
    handed = {table: as_handed(loaded(readings, book.full_name), book.columns) for table, book in books.items()}
    listed = conform(products.build(handed["price_list"], handed["item_cost"]), products.rows)
    pandera_model(products.rows).validate(listed)
    assert listed["item_cost"].notna().all()
    weekly = conform(
        demand.build(handed["sales"], handed["customers"], as_handed(listed, products.columns)), demand.rows
    )
    pandera_model(demand.rows).validate(weekly)
    assert not weekly.duplicated(["sku", "week"]).any()
    raw = pd.concat([real.raw(name) for name in of(readings, "trading_sales")])
    prices = real.raw(next(iter(of(readings, "trading_price_list")))).set_index("Item Code")["Price"]
    paid = raw["Qty"] * raw["Item Code"].map(prices) * (1 - raw["Discount"].astype(float).fillna(0))
    assert weekly["units"].sum() == raw["Qty"].sum()
    assert (weekly["retail_units"] + weekly["wholesale_units"]).sum() == pytest.approx(raw["Qty"].sum())
    assert weekly["revenue"].astype(float).sum() == pytest.approx(paid.sum(), rel=1e-6)
