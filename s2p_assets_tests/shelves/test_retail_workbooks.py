"""What the retail contracts accept, return and remark on, on tiny real workbooks."""

import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from s2p_assets.catalog.paths import matching_contracts
from s2p_assets.contracts.findings import ReadResult
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.spreadsheet.sandbox import Sandbox
from s2p_assets.workbooks.retail_inventory import inventory
from s2p_assets.workbooks.retail_price_list import price_list
from s2p_assets.workbooks.retail_receipts import receipts
from s2p_assets.workbooks.retail_retail_sales import retail_sales
from s2p_assets.workbooks.retail_wholesale_sales import wholesale_sales

BOOKS = (price_list, wholesale_sales, retail_sales, receipts, inventory)
DAY = dt.date(2024, 3, 1)
GOOD: dict[str, list[Any]] = {
    "retail_price_list": ["0041", "Lamp", "Light", "Bright", None, 19.99, 12.5, 8, 6, 12, 30, 400, DAY],
    "retail_wholesale_sales": ["0041", 3, 12.5, 8.0, "PO1", DAY, "I1"],
    "retail_retail_sales": ["0041", 3, DAY, DAY],
    "retail_receipts": ["0041", 30, 8.0, DAY, "PO1", "S1"],
    "retail_inventory": ["0041", 10, 2, 12, 10, 0, DAY],
    "retail_successors": ["0041", "0042", 12, "pieces became cases"],
    "retail_one_offs": ["0041", DAY, "one_off", "an order for a trade fair"],
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(seconds=60, memory_mb=2048) as reader:
        yield reader


def written(path: Path, book: Workbook, rows: Sequence[Sequence[Any]], headers: Sequence[str] | None = None) -> Path:
    with xlsxwriter.Workbook(path, {"default_date_format": "yyyy-mm-dd"}) as workbook:
        sheet = workbook.add_worksheet("Data")
        sheet.write_row(0, 0, headers or [column.headers[0] for column in book.columns])
        for number, row in enumerate(rows, start=1):
            sheet.write_row(number, 0, row)
    return path


def changed(book: Workbook, **values: Any) -> list[Any]:
    """The good row of `book` with some values replaced."""
    return [values.get(column.name, good) for column, good in zip(book.columns, GOOD[book.full_name], strict=True)]


def rejects(reading: ReadResult) -> list[tuple[str | None, str | None]]:
    return [(finding.cell, finding.column) for finding in reading.findings if finding.severity == "reject"]


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.name)
def test_a_workbook_with_the_template_headers_is_accepted(sandbox: Sandbox, book: Workbook, tmp_path: Path) -> None:
    reading = sandbox.read(written(tmp_path / "a.xlsx", book, [GOOD[book.full_name]]), BOOKS)
    assert (reading.workbook, reading.verdict, reading.rows_accepted) == (book.full_name, "accepted", 1)
    assert reading.findings == []
    assert reading.rows is not None
    assert reading.rows["sku"].to_pylist() == ["0041"]


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.name)
def test_every_other_name_of_a_column_is_known_and_belongs_to_one_column(
    sandbox: Sandbox, book: Workbook, tmp_path: Path
) -> None:
    every = [name.casefold() for column in book.columns for name in column.headers]
    assert len(every) == len(set(every))
    headers = [column.headers[-1] for column in book.columns]
    assert (
        sandbox.read(written(tmp_path / "a.xlsx", book, [GOOD[book.full_name]], headers), [book]).verdict == "accepted"
    )


@pytest.mark.parametrize(
    ("book", "column", "bad"),
    [
        (price_list, "msrp", -1), (price_list, "t2_cost", "n/a"), (price_list, "item_cost", -0.01),
        (price_list, "pack_size", 0), (price_list, "lead_time_days", 2.5), (price_list, "effective_date", "31.02.2024"),
        (price_list, "description", None),
        (wholesale_sales, "quantity", 0), (wholesale_sales, "quantity", "ten"), (wholesale_sales, "unit_price", -5),
        (wholesale_sales, "ship_date", "soon"), (wholesale_sales, "invoice_num", None),
        (retail_sales, "quantity", 1.5), (retail_sales, "to_date", dt.date(2024, 2, 1)), (retail_sales, "sku", None),
        (receipts, "quantity", -3), (receipts, "cost", -1), (receipts, "receive_date", None),
        (inventory, "in_building", -1), (inventory, "on_order", "some"), (inventory, "transship", -2),
    ],
)  # fmt: skip
def test_a_bad_cell_is_named(sandbox: Sandbox, book: Workbook, column: str, bad: Any, tmp_path: Path) -> None:
    rows = [GOOD[book.full_name], changed(book, **{"sku": "0042", column: bad})]
    reading = sandbox.read(written(tmp_path / "a.xlsx", book, rows), [book])
    letter = "ABCDEFGHIJKLM"[[known.name for known in book.columns].index(column)]
    assert rejects(reading) == [(f"{letter}3", column)]
    assert reading.verdict == "returned"


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.name)
def test_the_same_key_twice_is_a_finding(sandbox: Sandbox, book: Workbook, tmp_path: Path) -> None:
    reading = sandbox.read(written(tmp_path / "a.xlsx", book, [GOOD[book.full_name]] * 2), [book])
    assert [finding.rule for finding in reading.findings] == ["key"]
    assert [finding.cell for finding in reading.findings] in (["A3"], ["G3"], ["F3"])


def test_a_cost_above_the_price_is_remarked_on_and_loaded(sandbox: Sandbox, tmp_path: Path) -> None:
    reading = sandbox.read(written(tmp_path / "a.xlsx", price_list, [changed(price_list, item_cost=25)]), [price_list])
    assert reading.verdict == "accepted"
    assert [(finding.cell, finding.severity) for finding in reading.findings] == [("H2", "notice")]


def test_returns_are_sales_of_fewer_than_none(sandbox: Sandbox, tmp_path: Path) -> None:
    for book in (wholesale_sales, retail_sales):
        assert (
            sandbox.read(written(tmp_path / "a.xlsx", book, [changed(book, quantity=-2)]), [book]).verdict == "accepted"
        )


def test_owed_stock_is_accepted(sandbox: Sandbox, tmp_path: Path) -> None:
    owed = changed(inventory, in_building=0, transship=0, usable_supply_incl=-4, usable_supply_excl=-4)
    assert sandbox.read(written(tmp_path / "a.xlsx", inventory, [owed]), [inventory]).verdict == "accepted"


@pytest.mark.parametrize("name", ["Stock 2024-03-31.xlsx", "stock_20240331_v2.xlsx", "Stock count 31.03.2024.xlsx"])
def test_a_count_without_dates_is_dated_by_its_file(sandbox: Sandbox, name: str, tmp_path: Path) -> None:
    headers = [column.headers[0] for column in inventory.columns[:-1]]
    path = written(tmp_path / name, inventory, [GOOD["retail_inventory"][:-1]], headers)
    reading = sandbox.read(path, [inventory])
    assert reading.rows is not None, reading.findings
    assert reading.rows["count_date"].to_pylist() == [dt.date(2024, 3, 31)]


def test_a_list_with_prices_alone_is_enough(sandbox: Sandbox, tmp_path: Path) -> None:
    headers = ["SKU", "Description", "MSRP", "T2 cost", "Item cost", "Effective date"]
    path = written(tmp_path / "a.xlsx", price_list, [["0041", "Lamp", 19.99, 12.5, 8, DAY]], headers)
    assert sandbox.read(path, [price_list]).verdict == "accepted"


def test_a_long_export_loads_without_its_few_bad_lines(sandbox: Sandbox, tmp_path: Path) -> None:
    rows = [changed(wholesale_sales, invoice_num=f"I{number}") for number in range(100)]
    rows[50][1] = "ten"
    reading = sandbox.read(written(tmp_path / "a.xlsx", wholesale_sales, rows), [wholesale_sales])
    assert (reading.verdict, reading.rows_accepted, reading.rows_returned) == ("partly", 99, 1)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("prices/List.xlsx", "retail_price_list"), ("Prices/2024/a/List.XLS", "retail_price_list"),
        ("sales/wholesale/2024/March.csv", "retail_wholesale_sales"),
        ("sales/retail/tills.xlsm", "retail_retail_sales"),
        ("purchasing/in.xlsx", "retail_receipts"), ("inventory/count.xlsb", "retail_inventory"),
    ],
)  # fmt: skip
def test_a_file_belongs_to_the_contract_that_looks_there(path: str, name: str) -> None:
    assert [book.full_name for book in matching_contracts(path, BOOKS)] == [name]


def test_owners_can_be_written_to_and_every_column_says_what_it_is() -> None:
    for book in BOOKS:
        assert book.owner.endswith("@example.com")
        assert book.description
        assert all(column.description for column in book.columns)
        assert set(book.key) <= {column.name for column in book.columns}
