"""A sheet as its page shows it: the rows that matter, values as Excel shows them, which header may be which column."""

import datetime as dt
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from s2p_assets.contracts.columns import Code, Date, Integer, Money, Row, column
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.spreadsheet.reading import read_file
from s2p_assets.spreadsheet.sheet_view import ViewRequest, view_sheets


class Order(Row):
    """An order."""

    order_no: Code = column("Order no.", description="Number")
    article: Code = column("Article", description="Article")
    quantity: Integer = column("Quantity", description="Pieces")
    price: Money = column("Price", description="Price")
    ordered: Date = column("Ordered", description="Day")


ORDERS = Workbook(rows=Order, path="*.xlsx", owner="a@example.com", key=("order_no",))
HEADER = ["Order no.", "Article", "Quantity", "Price", "Ordered"]


def saved(folder: Path, header: list[str], count: int = 30, **more: Any) -> Path:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for title in more.get("above", ()):
        sheet.append([title])
    sheet.append(header)
    for number in range(count):
        values = [f"A-{number:03}", f"K{number}", number + 1, 1.5, dt.date(2026, 5, 1), "x"]
        sheet.append(values[: len(header)])
    path = folder / "a.xlsx"
    book.save(path)
    return path


def view_of(path: Path, cells: dict[str, list[tuple[int, int]]], **more: Any) -> Any:
    name, views = view_sheets(ViewRequest(path.name, ORDERS, cells, **more), path)
    assert name == ORDERS.full_name
    return views[0]


def test_the_rows_with_findings_are_shown_with_those_beside_them(tmp_path: Path) -> None:
    view = view_of(saved(tmp_path, HEADER, above=["Orders of May"]), {"Sheet": [(20, 3)]})
    assert view.header_row == 2
    assert [row for row, _ in view.rows] == [3, 4, 5, 18, 19, 20, 21, 22]
    assert view.rows[-3][1] == {1: "A-017", 2: "K17", 3: "18", 4: "1.5", 5: "2026-05-01"}
    assert (view.bad_rows, view.read_as[3], view.titles[3]) == (1, "quantity", "Quantity")


def test_many_rows_with_findings_are_shown_in_portions(tmp_path: Path) -> None:
    path = saved(tmp_path, HEADER, 200)
    cells = {"Sheet": [(row, 3) for row in range(2, 202)]}
    first, second = (view_of(path, cells, first=at, count=60) for at in (0, 60))
    assert [row for row, _ in first.rows] == list(range(2, 62))
    assert [row for row, _ in second.rows] == [2, 3, 4, *range(62, 122)]
    assert first.bad_rows == 200


@pytest.mark.parametrize(
    ("header", "lacking", "likely"),
    [
        (["Order no.", "Article", "Qty sold", "Price", "Ordered", "Remark"], "quantity", ("Qty sold",)),
        (["Order no.", "Item", "Qty sold", "Price", "Ordered", "Remark"], "article", ("Item", "Remark", "Qty sold")),
        (["Order no.", "Article", "Quantity", "Price", "Booked on"], "ordered", ("Booked on",)),
    ],
)
def test_a_header_may_be_a_column_by_its_looks_and_what_stands_under_it(
    tmp_path: Path, header: list[str], lacking: str, likely: tuple[str, ...]
) -> None:
    view = view_of(saved(tmp_path, header), {})
    found = next(one for one in view.lacking if one.name == lacking)
    assert set(found.likely) == set(likely)
    assert found.likely[0] == likely[0]


def test_a_file_that_nobody_claims_is_seen_by_the_nearest_contract(tmp_path: Path) -> None:
    path = saved(tmp_path, ["Order no.", "a", "b", "c", "d"])
    name, views = view_sheets(ViewRequest(path.name, None, {}, nearest=(ORDERS,)), path)
    assert name == ORDERS.full_name
    assert [one.title for one in views[0].lacking] == HEADER[1:]
    strange = saved(tmp_path, ["Plate", "Driver", "Kilometres"])
    name, views = view_sheets(ViewRequest(strange.name, None, {}, nearest=(ORDERS,)), strange)
    assert (name, views[0].rows[0][1]) == (None, {1: "Plate", 2: "Driver", 3: "Kilometres"})


def test_a_file_that_cannot_be_read_has_no_view(tmp_path: Path) -> None:
    broken = tmp_path / "a.xlsx"
    broken.write_bytes(b"PK\x03\x04")
    assert view_sheets(ViewRequest("a.xlsx", ORDERS, {}), broken) == (ORDERS.full_name, [])


def test_a_header_that_was_matched_is_read_as_its_column(tmp_path: Path) -> None:
    path = saved(tmp_path, ["Order no.", "Article", "Qty sold", "Price", "Ordered"])
    assert read_file(path, [ORDERS]).verdict == "returned"
    known = ORDERS.with_headers({"quantity": ["Qty sold"]})
    assert read_file(path, [known]).verdict == "accepted"
    assert [one.headers for one in ORDERS.columns][2] == ("Quantity",)
    assert known.full_name == ORDERS.full_name
