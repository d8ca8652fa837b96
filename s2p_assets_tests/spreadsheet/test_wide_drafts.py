"""Promises about first contracts of wide tables: `s2p new` recognises one, and what it drafts loads its own file."""

import datetime as dt
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from s2p_assets.contracts.columns import Row
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.spreadsheet.inferring.draft import infer_contract
from s2p_assets.spreadsheet.reading import read_file
from s2p_assets.spreadsheet.sandbox import Sandbox

SKUS = [[f"A{number:03}", f"Article {number}"] for number in range(8)]


def book(folder: Path, header: list[list[Any]], *, merge: str = "", name: str = "plan.xlsx") -> Path:
    made = openpyxl.Workbook()
    page = made.active
    assert isinstance(page, Worksheet)
    count = max(map(len, header)) - 2
    for row in [*header, *([*sku, *range(place, place + count)] for place, sku in enumerate(SKUS))]:
        page.append(row)
    for area in merge.split():
        page.merge_cells(area)
    made.save(folder / name)
    return folder / name


@pytest.fixture(scope="module")
def sandbox() -> Any:
    with Sandbox() as box:
        yield box


def drafted(path: Path, sandbox: Sandbox) -> Workbook:
    """The contract that is written for a file, as its source declares it; it loads that file without a question."""
    space: dict[str, Any] = {"__name__": "drafts.acme_plan"}
    source = infer_contract(path, "acme_plan", sandbox=sandbox)
    exec(compile(source, "acme_plan.py", "exec"), space)
    workbook = next(value for value in space.values() if isinstance(value, Workbook))
    assert issubclass(workbook.rows, Row)
    reading = read_file(path, [workbook])
    assert (reading.verdict, [finding.message for finding in reading.findings]) == ("accepted", []), source
    return workbook


MONTHS = [dt.date(2024, month, 1) for month in (1, 2, 3)]


@pytest.mark.parametrize(
    ("header", "merge", "kind", "melted", "ignores"),
    [
        ([["SKU", "Name", "Jan 24", "Feb 24", "Mrz 24", "Total"]], "", "month", ["value"], ("Total",)),
        ([["SKU", "Name", *MONTHS]], "", "month", ["value"], ()),
        ([["SKU", "Name", "2024-W05", "2024-W06", "2024-W07"]], "", "week", ["value"], ()),
        ([["SKU", "Name", "Q1 2024", "Q2 2024", "Q3 2024", "2024"]], "", "quarter", ["value"], ("2024",)),
        ([["SKU", "Name", 2021, 2022, 2023]], "", "year", ["value"], ()),
        ([["Plan"], [], ["SKU", "Name", "Jan 24", "Feb 24", "Mar 24"]], "", "month", ["value"], ()),
        ([[None, None, 2024], ["SKU", "Name", "Jan", "Feb", "Mar"]], "C1:E1", "month", ["value"], ()),
        (
            [[None, None, "Jan 24", None, "Feb 24", None, "Mar 24"], ["SKU", "Name", *["Qty", "Revenue"] * 3]],
            "C1:D1 E1:F1 G1:H1",
            "month",
            ["qty", "revenue"],
            (),
        ),
        (
            [[None, None, "Qty", None, None, "Revenue"], ["SKU", "Name", *["Jan 24", "Feb 24", "Mar 24"] * 2]],
            "C1:E1 F1:H1",
            "month",
            ["qty", "revenue"],
            (),
        ),
        ([["SKU", "Name", "Qty Jan 24", "Qty Feb 24", "Qty Mar 24"]], "", "month", ["qty"], ()),
    ],
    ids=str,
)
def test_a_wide_table_is_drafted_as_one(
    tmp_path: Path, sandbox: Sandbox, header: list[Any], merge: str, kind: str, melted: list[str], ignores: Any
) -> None:
    workbook = drafted(book(tmp_path, header, merge=merge), sandbox)
    assert workbook.period is not None
    assert (workbook.period.from_header, [column.name for column in workbook.melted]) == (kind, melted)
    assert (workbook.ignores, workbook.key) == (ignores, ("sku", kind))


@pytest.mark.parametrize(
    ("header", "kind", "options"),
    [
        ([["SKU", "Name", "P01 FY24", "P02 FY24", "P03 FY24"]], "month", {"fiscal_year_start": 1}),
        ([["SKU", "Name", "Q1 FY24", "Q2 FY24", "Q3 FY24"]], "quarter", {"fiscal_year_start": 1}),
        ([["SKU", "Name", "FY22", "FY23", "FY24"]], "year", {"fiscal_year_start": 1}),
        ([[None, None, "FY2024"], ["SKU", "Name", "P01", "P02", "P03"]], "month", {"fiscal_year_start": 1}),
        ([["SKU", "Name", "P11 FY24", "P12 FY24", "P13 FY24"]], "month", {"fiscal_weeks": "13 periods"}),
    ],
    ids=str,
)
def test_periods_of_a_fiscal_year_are_drafted_with_a_guess_to_correct(
    tmp_path: Path, sandbox: Sandbox, header: list[Any], kind: str, options: dict[str, Any]
) -> None:
    path = book(tmp_path, header)
    period = drafted(path, sandbox).period
    assert period is not None
    assert period.from_header == kind
    assert {name: getattr(period, name) for name in options} == options
    assert "the first day of your fiscal year is not in the file" in infer_contract(path, "acme_plan", sandbox=sandbox)


def test_the_year_is_taken_from_the_files_name_where_the_header_has_none(tmp_path: Path, sandbox: Sandbox) -> None:
    path = book(tmp_path, [["SKU", "Name", "KW 5", "KW 6", "KW 7"]], name="Plan 2024.xlsx")
    workbook = drafted(path, sandbox)
    assert workbook.period is not None
    assert (workbook.period.from_header, workbook.period.year_from) == ("week", ("file",))


def test_months_of_no_year_and_days_in_rows_are_no_wide_table(tmp_path: Path, sandbox: Sandbox) -> None:
    assert drafted(book(tmp_path, [["SKU", "Name", "Jan", "Feb", "Mar"]]), sandbox).period is None
    made = openpyxl.Workbook()
    page = made.active
    assert isinstance(page, Worksheet)
    page.append(["SKU", "Ordered", "Wanted", "Delivered", "Qty"])
    for number, (sku, _) in enumerate(SKUS, 1):
        page.append([sku, *(dt.date(2024, month, number) for month in (1, 2, 3)), number])
    made.save(tmp_path / "orders.xlsx")
    assert drafted(tmp_path / "orders.xlsx", sandbox).period is None


@pytest.mark.parametrize(
    "header",
    [
        [[None, None, "Jan 24", "Feb 24", "Mar 24"]],
        [["SKU", None, "Jan 24", "Feb 24", "Mar 24"]],
        [[None, "Name", "Jan 24", "Feb 24", "Mar 24", "Total"]],
        [[None, None, 2024], [None, None, "Jan", "Feb", "Mar"]],
    ],
)
def test_columns_without_a_header_beside_periods_are_kept(
    tmp_path: Path, sandbox: Sandbox, header: list[list[Any]]
) -> None:
    path = book(tmp_path, header)
    workbook = drafted(path, sandbox)
    assert (len(workbook.columns), workbook.period is not None) == (4, True)
    rows = read_file(path, [workbook]).rows
    assert rows is not None
    held = [rows[column.name].to_pylist() for column in workbook.columns[:2]]
    assert [tuple(each) for each in zip(*held, strict=True)][::3] == [tuple(sku) for sku in SKUS]
