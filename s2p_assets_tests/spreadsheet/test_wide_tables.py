"""Promises about wide tables: periods in the header become rows, and every value keeps its own cell."""

import datetime as dt
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openpyxl
import psycopg
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from s2p_assets.contracts.columns import Code, Date, Integer, Money, Number, Row, Text, column
from s2p_assets.contracts.date_patterns import PeriodKind
from s2p_assets.contracts.findings import Finding, ReadResult
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.services.ingested_file import IngestedFile
from s2p_assets.spreadsheet.layout_changes import EarlierFile, with_layout_changes
from s2p_assets.spreadsheet.reading import read_file
from s2p_assets.spreadsheet.returned.copies import write_returned
from s2p_assets.spreadsheet.template import write_template
from s2p_assets.warehouse.files.archive import ArchivedFile
from s2p_assets.warehouse.files.ledger import ledger_entry
from s2p_assets.warehouse.files.load import load_file
from s2p_assets.warehouse.files.plan import dry_run, plan_load
from s2p_assets.warehouse.trace.tracer import Tracer

Table = Sequence[Any]
JAN, FEB, MAR, APR = (dt.date(2024, month, 1) for month in range(1, 5))


class Plan(Row):
    """What is planned to be sold of an article in a month."""

    __module__ = "shelf.acme_plan"

    sku: Code = column("SKU", "Article", description="The article")
    name: Text = column("Name", description="Its name", required=False, nullable=True)
    month: Date = column("Month", description="The month", from_header="month", year_from=("sheet", "file"))
    quantity: Integer = column("Quantity", "Menge", description="Pieces planned", melted=True, ge=0)


class Sales(Row):
    """What was sold of an article in a month."""

    __module__ = "shelf.acme_sales"

    sku: Code = column("SKU", description="The article")
    month: Date = column("Month", description="The month", from_header="month")
    quantity: Integer = column("Quantity", "Qty", description="Pieces", melted=True)
    revenue: Money = column("Revenue", description="What they were sold for", unit="EUR", melted=True)


PLAN = Workbook(rows=Plan, path="plans/*", owner="Ann", key=("sku", "month"))
SALES = Workbook(rows=Sales, path="sales/*", owner="Ann", key=("sku", "month"))


def periods_of(kind: PeriodKind, **options: Any) -> Workbook:
    """A contract of an article's values by period."""
    fields: dict[str, Any] = {
        "__module__": f"shelf.acme_{kind}",
        "__annotations__": {"sku": Code, "period": Date, "value": Number},
        "sku": column("SKU", description="The article"),
        "period": column("Period", description="When", from_header=kind, **options),
        "value": column("Value", description="How much", melted=True),
    }
    return Workbook(rows=type("Values", (Row,), fields), path="*", owner="Ann", key=("sku", "period"))


def book(folder: Path, rows: Table, *, name: str = "plan.xlsx", sheet: str = "Sheet1", merge: str = "") -> Path:
    made = openpyxl.Workbook()
    page = made.active
    assert isinstance(page, Worksheet)
    page.title = sheet
    for row in rows:
        page.append(row)
    for area in merge.split():
        page.merge_cells(area)
    made.save(folder / name)
    return folder / name


def read(path: Path, workbook: Workbook) -> ReadResult:
    """The file as read, all its cells accounted for."""
    reading = read_file(path, [workbook])
    cells = reading.cells
    assert cells.get("read", 0) == sum(cells.get(name, 0) for name in ("loaded", "returned", "ignored"))
    entry = ledger_entry(reading, ArchivedFile("x", 1, 1, Path("kept/x")), path.name, workbook)
    assert IngestedFile(path.name, entry, reading.rows).lost == ""
    return reading


def rows(reading: ReadResult, *names: str) -> list[tuple[Any, ...]]:
    assert reading.rows is not None, [finding.message for finding in reading.findings]
    return [tuple(row[name] for name in names) for row in reading.rows.to_pylist()]


def rejects(reading: ReadResult) -> list[tuple[str | None, str | None]]:
    return [(finding.cell, finding.column) for finding in reading.findings if finding.severity == "reject"]


def only(findings: Sequence[Finding], rule: str) -> Finding:
    (found,) = [finding for finding in findings if finding.rule == rule]
    return found


NAMES = ("sku", "month", "quantity")
GOOD = [("A100", JAN, 5), ("A100", FEB, 6), ("A200", JAN, 1)]


def test_months_in_the_header_become_rows_and_an_empty_cell_none(tmp_path: Path) -> None:
    table = [["SKU", "Jan 24", "Feb 24", "Total"], ["A100", 5, 6, 11], ["A200", 1, None, 1], ["Total", 6, 6, 12]]
    reading = read(book(tmp_path, table), PLAN)
    assert reading.verdict == "accepted"
    assert rows(reading, "sku", "month", "quantity") == GOOD
    assert rows(reading, "_row") == [(2,), (2,), (3,)]
    left_out = [finding for finding in reading.findings if finding.rule == "totals"]
    assert [(finding.cell, finding.severity) for finding in left_out] == [("D1", "notice"), ("A4", "notice")]
    assert "its 3 cells were left out" in left_out[0].message
    assert reading.cells["ignored"] == 3 + 3


@pytest.mark.parametrize(
    "header",
    [
        ["SKU", JAN, FEB],
        ["SKU", dt.date(2024, 1, 31), dt.date(2024, 2, 29)],
        ["SKU", dt.datetime(2024, 1, 1), dt.datetime(2024, 2, 1)],
        ["SKU", 202401, 202402],
        ["SKU", "Januar 2024", "Februar 2024"],
        ["SKU", "2024-01", "2024-02"],
        ["SKU", "Quantity Jan 24", "Quantity Feb 24"],
        ["SKU", "Jan 24\nMenge", "Feb 24\nMenge"],
        ["Article", "01/2024", "02/2024"],
    ],
    ids=str,
)
def test_the_header_may_hold_dates_or_texts(tmp_path: Path, header: list[Any]) -> None:
    reading = read(book(tmp_path, [header, ["A100", 5, 6], ["A200", 1, None]]), PLAN)
    assert rows(reading, "sku", "month", "quantity") == GOOD
    assert reading.findings == []


def test_a_csv_file_is_read_the_same(tmp_path: Path) -> None:
    path = tmp_path / "plan.csv"
    path.write_text("SKU;2024-01-01;2024-02-01;Total\nA100;5;6;11\nA200;1;;1\n")
    assert rows(read(path, PLAN), "sku", "month", "quantity") == GOOD


@pytest.mark.parametrize(
    ("kind", "header", "days"),
    [
        ("week", ["2024-W05", "2024-W06"], [dt.date(2024, 1, 29), dt.date(2024, 2, 5)]),
        ("week", ["KW 52 2024", "KW 1 2025"], [dt.date(2024, 12, 23), dt.date(2024, 12, 30)]),
        ("week", [dt.date(2024, 1, 29), dt.date(2024, 2, 5)], [dt.date(2024, 1, 29), dt.date(2024, 2, 5)]),
        ("quarter", ["Q1 2024", "Q2 2024"], [JAN, APR]),
        ("quarter", ["1. Quartal 24", "2. Quartal 24"], [JAN, APR]),
        ("year", [2023, 2024], [dt.date(2023, 1, 1), JAN]),
        ("year", ["2023", "2024"], [dt.date(2023, 1, 1), JAN]),
        ("day", [dt.date(2024, 1, 7), dt.date(2024, 1, 14)], [dt.date(2024, 1, 7), dt.date(2024, 1, 14)]),
    ],
    ids=str,
)
def test_weeks_quarters_years_and_days_are_periods_too(
    tmp_path: Path, kind: PeriodKind, header: list[Any], days: list[dt.date]
) -> None:
    reading = read(book(tmp_path, [["SKU", *header], ["A100", 5, 6]]), periods_of(kind))
    assert rows(reading, "period", "value") == [(days[0], 5), (days[1], 6)]
    assert reading.findings == []


BOTH = [("A100", JAN, 1, 10), ("A100", FEB, 2, 20)]


@pytest.mark.parametrize(
    ("table", "merge"),
    [
        ([[None, "Jan 24", None, "Feb 24"], ["SKU", "Quantity", "Revenue", "Qty", "Revenue"]], "B1:C1 D1:E1"),
        ([[None, "Jan 24", None, "Feb 24"], ["SKU", "Quantity", "Revenue", "Quantity", "Revenue"]], ""),
        (
            [["SKU", "Jan 24", None, "Feb 24"], [None, "Quantity", "Revenue", "Quantity", "Revenue"]],
            "A1:A2 B1:C1 D1:E1",
        ),
        ([[None, JAN, None, FEB], ["SKU", "Quantity", "Revenue (EUR)", "Quantity", "Revenue (EUR)"]], "B1:C1 D1:E1"),
        (
            [[None, 2024], [None, "Jan", None, "Feb"], ["SKU", "Quantity", "Revenue", "Quantity", "Revenue"]],
            "B1:E1 B2:C2 D2:E2",
        ),
        ([["SKU", "Quantity Jan 24", "Revenue Jan 24", "Feb 24 - Quantity", "Revenue (Feb 24)"]], ""),
    ],
)
def test_several_measures_stand_under_one_period(tmp_path: Path, table: list[list[Any]], merge: str) -> None:
    reading = read(book(tmp_path, [*table, ["A100", 1, 10, 2, 20]], merge=merge), SALES)
    assert rows(reading, "sku", "month", "quantity", "revenue") == BOTH
    assert reading.findings == []


def test_measures_may_stand_over_their_periods(tmp_path: Path) -> None:
    header = [[None, "Quantity", None, "Revenue"], ["SKU", "Jan 24", "Feb 24", "Jan 24", "Feb 24"]]
    reading = read(book(tmp_path, [*header, ["A100", 1, 2, 10, 20]], merge="B1:C1 D1:E1"), SALES)
    assert rows(reading, "sku", "month", "quantity", "revenue") == BOTH


def test_one_empty_value_beside_others_of_its_period_is_a_finding(tmp_path: Path) -> None:
    header = [[None, "Jan 24", None, "Feb 24"], ["SKU", "Quantity", "Revenue", "Quantity", "Revenue"]]
    reading = read(book(tmp_path, [*header, ["A100", 1, 10, None, 20], ["A200", 1, 10]]), SALES)
    assert rejects(reading) == [("D3", "quantity")]


def test_a_period_without_one_of_the_columns_is_named_once(tmp_path: Path) -> None:
    header = [[None, "Jan 24", None, "Feb 24"], ["SKU", "Quantity", "Revenue", "Quantity"]]
    reading = read(book(tmp_path, [*header, ["A100", 1, 10, 2], ["A200", 1, 10, 2]]), SALES)
    assert rejects(reading) == [("D1", "revenue")]


@pytest.mark.parametrize(
    ("table", "sheet", "name"),
    [
        ([["SKU", "Jan", "Feb"]], "Plan 2024", "plan.xlsx"),
        ([["SKU", "Jan", "Feb"]], "Sheet1", "Plan 2024.xlsx"),
        ([["SKU", "Jan", "Feb"]], "Plan 2024", "as of 2023.xlsx"),
        ([[None, 2024], ["SKU", "Jan", "Feb"]], "Plan 2023", "plan.xlsx"),
        ([[None, "Plan 2024"], ["SKU", "Jan", "Feb"]], "Plan 2023", "plan.xlsx"),
        ([[None, "Q1 2024"], ["SKU", "Jan", "Feb"]], "Sheet1", "plan.xlsx"),
    ],
)
def test_a_year_stands_over_the_periods_or_in_a_name(tmp_path: Path, table: list[Any], sheet: str, name: str) -> None:
    reading = read(book(tmp_path, [*table, ["A100", 5, 6], ["A200", 1]], sheet=sheet, name=name), PLAN)
    assert rows(reading, "sku", "month", "quantity") == GOOD


def test_each_year_over_its_periods_counts_for_these(tmp_path: Path) -> None:
    table = [[None, 2024, None, 2025], ["SKU", "KW 51", "KW 52", "KW 1"], ["A100", 1, 2, 3]]
    reading = read(book(tmp_path, table, merge="B1:C1"), periods_of("week"))
    assert rows(reading, "period") == [(dt.date(2024, 12, 16),), (dt.date(2024, 12, 23),), (dt.date(2024, 12, 30),)]


@pytest.mark.parametrize(
    ("kind", "header", "cell", "words"),
    [
        ("month", ["Jan", "Feb"], "B1", "has no year (2 such cells)"),
        ("month", ["Jan 24", "Marhc 24"], "C1", "cannot be read as a month"),
        ("month", ["Jan 24", "Feb 24 (old)"], "C1", "says '(old)' beside its month"),
        ("month", ["Jan 24", "Plan Feb 24"], "C1", "says 'Plan' beside its month"),
        ("month", ["Jan 24", "Jan 2024"], "C1", "is January 2024 like B1"),
        ("month", ["1/1/2024", "2/1/2024"], "C1", "may be 2 January 2024 or 1 February 2024"),
        ("month", [dt.date(2026, 1, 24), dt.date(2026, 2, 24)], "B1", "is 24 January 2026, not the first or last day"),
        ("month", ["Jan 24", "Feb 24", "Mar 42"], "D1", "lies years from the other months"),
        ("month", ["Jan 24", None, "Mar 24"], "C1", "has no header"),
        ("week", ["KW 53 2023"], "B1", "names a week that 2023 does not have"),
        ("week", [dt.date(2024, 1, 7)], "B1", "is a Sunday"),
        ("week", ["Jan 24", "Feb 24"], "C1", "names no week"),
        ("day", ["03.04.2024", "13.04.2024"], "B1", "may be 4 March 2024 or 3 April 2024"),
    ],
    ids=str,
)
def test_what_is_unclear_in_the_header_is_a_finding_at_its_cell(
    tmp_path: Path, kind: PeriodKind, header: list[Any], cell: str, words: str
) -> None:
    path = book(tmp_path, [["SKU", *header], ["A100", *range(1, len(header) + 1)]])
    contract = periods_of(kind)
    reading = read(path, contract)
    if words == "names no week":
        reading = read_file(path, [], others=[contract])
        assert "whose 'Period', 'Value' it lacks" in reading.findings[0].message
        return
    assert reading.verdict == "returned"
    finding = next(finding for finding in reading.findings if finding.severity == "reject")
    assert finding.cell == cell
    assert words in finding.message


def test_declared_formats_say_what_two_readings_leave_open(tmp_path: Path) -> None:
    path = book(tmp_path, [["SKU", "2/1/2024", "3/1/2024"], ["A100", 5, 6]])
    assert rows(read(path, periods_of("month", formats="%m/%d/%Y")), "period") == [(FEB,), (MAR,)]
    path = book(tmp_path, [["SKU", "KW 5", "KW 6"], ["A100", 5, 6]], sheet="2024")
    reading = read(path, periods_of("week", formats="KW %V", year_from="sheet"))
    assert rows(reading, "period") == [(dt.date(2024, 1, 29),), (dt.date(2024, 2, 5),)]


def test_weeks_that_begin_again_under_one_year_are_a_finding(tmp_path: Path) -> None:
    path = book(tmp_path, [["SKU", "KW 51", "KW 52", "KW 1"], ["A100", 1, 2, 3]], sheet="2024")
    reading = read(path, periods_of("week", year_from="sheet"))
    assert only(reading.findings, "period").cell == "D1"
    assert "of two years" in only(reading.findings, "period").message


@pytest.mark.parametrize("total", ["Total", "Summe", "Total 2024", "YTD", "Q1 2024", "Q1", "2024", "Gesamt (Stück)"])
def test_sums_between_and_after_the_periods_are_left_out_with_a_word(tmp_path: Path, total: str) -> None:
    path = book(tmp_path, [["SKU", "Jan 24", total, "Feb 24"], ["A100", 5, 11, 6], ["A200", 1, 1, None]])
    reading = read(path, PLAN)
    assert rows(reading, "sku", "month", "quantity") == GOOD
    assert (only(reading.findings, "totals").cell, reading.cells["ignored"]) == ("C1", 2)


def test_a_column_that_the_contract_ignores_is_left_out_without_a_word(tmp_path: Path) -> None:
    contract = Workbook(rows=Plan, path="*", owner="Ann", key=("sku", "month"), ignores=("Total", "Feb 24 (old)"))
    table = [["SKU", "Jan 24", "Feb 24", "Feb 24 (old)", "Total"], ["A100", 5, 6, 7, 11], ["A200", 1]]
    reading = read(book(tmp_path, table), contract)
    assert (rows(reading, "sku", "month", "quantity"), reading.findings) == (GOOD, [])
    assert reading.cells["ignored"] == 2


def test_an_unknown_column_and_a_text_over_the_periods_are_named(tmp_path: Path) -> None:
    table = [[None, "Revenue"], ["SKU", "Jan 24", "Feb 24", "Remark"], ["A100", 5, 6, "new"], ["A200", 1]]
    reading = read(book(tmp_path, table), PLAN)
    assert rows(reading, "sku", "month", "quantity") == GOOD
    assert only(reading.findings, "above_periods").cell == "B1"
    assert only(reading.findings, "unknown_column").cell == "D2"


def test_a_row_without_any_value_is_named_and_gives_none(tmp_path: Path) -> None:
    table = [["SKU", "Jan 24", "Feb 24"], ["Drinks"], ["A100", 5, 6], ["A200", 1, "-"], [], ["Source: planning"]]
    reading = read(book(tmp_path, table), PLAN)
    assert rows(reading, "sku", "month", "quantity") == GOOD
    assert only(reading.findings, "no_values").cell == "A2"
    assert "2 such rows" in only(reading.findings, "no_values").message


def test_each_finding_has_its_own_cell_and_is_said_once(tmp_path: Path) -> None:
    table = [
        ["SKU", "Jan 24", "Feb 24", "Mar 24"],
        ["A100", 1, "abc", 3],
        [None, 1, 2, 3],
        ["A300", -1, 2, "#"],
        ["A100", 1, 2, 3],
    ]
    reading = read(book(tmp_path, table), PLAN)
    found = [("C2", "quantity"), ("A3", "sku"), ("D4", "quantity"), ("B4", "quantity"), ("A5", "sku")]
    assert sorted(rejects(reading), key=str) == sorted(found, key=str)
    assert (reading.rows_read, reading.rows_returned) == (12, 12)


def test_good_months_of_a_row_load_while_a_bad_one_goes_back(tmp_path: Path) -> None:
    contract = Workbook(rows=Plan, path="*", owner="Ann", key=("sku", "month"), max_reject_rate=0.5)
    reading = read(book(tmp_path, [["SKU", "Jan 24", "Feb 24"], ["A100", 5, "abc"], ["A200", 1, "x"]]), contract)
    assert reading.verdict == "partly"
    assert rows(reading, "sku", "month", "quantity") == [("A100", JAN, 5), ("A200", JAN, 1)]
    assert (reading.rows_read, reading.rows_accepted, reading.rows_returned) == (4, 2, 2)
    assert (reading.cells["loaded"], reading.cells["returned"]) == (4, 2)


def test_a_marked_copy_marks_the_value_under_its_month(tmp_path: Path) -> None:
    path = book(tmp_path, [["SKU", "Jan 24", "Feb 24"], ["A100", 5, "abc"]])
    written = write_returned(path, read(path, PLAN), tmp_path / "marked.xlsx", name="plan.xlsx", owner="Ann")
    comment = openpyxl.load_workbook(written)["Sheet1"]["C2"].comment
    assert comment is not None
    assert "'abc' is not a quantity" in comment.text


@pytest.mark.parametrize(
    "contract",
    [
        PLAN,
        SALES,
        periods_of("week", formats="KW %V"),
        periods_of("quarter"),
        periods_of("year"),
        periods_of("day"),
        periods_of("month", formats="%d.%m.%Y"),
    ],
)
def test_a_template_that_is_filled_in_is_accepted(tmp_path: Path, contract: Workbook) -> None:
    path = write_template(contract, tmp_path / "template.xlsx", year=2026)
    filled = openpyxl.load_workbook(path)
    page = filled.worksheets[0]
    bottom = next(number for number, row in enumerate(page.iter_rows(values_only=True), 1) if "SKU" in row)
    for place in range(1, page.max_column + 1):
        page.cell(bottom + 1, place).value = {"SKU": "A100", "Name": "x"}.get(str(page.cell(bottom, place).value), 1)
    filled.save(path)
    reading = read(path, contract)
    assert (reading.verdict, reading.findings) == ("accepted", [])
    assert reading.rows_read >= 3


def test_next_months_columns_are_no_change_of_layout(tmp_path: Path) -> None:
    before = read(book(tmp_path, [["SKU", "Jan 24", "Feb 24"], ["A100", 5, 6]]), PLAN)
    after = read(book(tmp_path, [["SKU", "Feb 24", "Mar 24"], ["A100", 5, 6]]), PLAN)
    earlier = EarlierFile("plans/plan.xlsx", JAN, before.headers)
    assert with_layout_changes(after.findings, after.headers, [earlier], PLAN) == []


def load(conn: psycopg.Connection, path: Path, relative: str) -> ReadResult:
    reading = read(path, PLAN)
    content = path.read_bytes()
    kept = ArchivedFile(str(hash(content)), len(content), os.stat(path).st_mtime_ns, Path("kept/original"))
    load_file(conn, PLAN, ledger_entry(reading, kept, relative, PLAN), reading.rows)
    return reading


def test_a_stored_value_is_traced_to_its_own_cell(tmp_path: Path, conn: psycopg.Connection) -> None:
    load(conn, book(tmp_path, [["Plan"], ["SKU", "Jan 24", "Feb 24"], ["A100", 5, 6]]), "plans/plan.xlsx")
    traced = Tracer(conn, {("acme", "plan"): PLAN}).trace(("acme", "plan"), {"sku": "A100", "month": FEB}, NAMES)
    (row,) = traced.rows
    assert row.file is not None
    assert row.file.cells == {"sku": "A3", "month": "C2", "quantity": "C3"}
    assert row.file.row == 3


def test_a_plan_tells_which_months_a_file_would_change(tmp_path: Path, conn: psycopg.Connection) -> None:
    load(conn, book(tmp_path, [["SKU", "Jan 24", "Feb 24"], ["A100", 5, 6], ["A200", 1]]), "plans/plan.xlsx")
    reading = read(book(tmp_path, [["SKU", "Feb 24", "Mar 24"], ["A100", 7, 8], ["A200", 2]]), PLAN)
    kept = ArchivedFile("other", 1, 1, Path("kept/original"))
    assert reading.rows is not None
    with dry_run(conn):
        entry = ledger_entry(reading, kept, "plans/plan.xlsx", PLAN)
        told = plan_load(conn, PLAN, entry, reading.rows, on_share=True)
    assert (told.new, told.changed, told.withdrawn) == (2, 1, 2)


def test_a_key_without_the_period_is_a_fault_of_the_contract() -> None:
    with pytest.raises(TypeError, match="the key lacks 'month'"):
        Workbook(rows=Plan, path="*", owner="Ann", key=("sku",))


@pytest.mark.parametrize(
    ("kind", "header", "days"),
    [
        ("quarter", [["SKU", "Q1 FY24", "Q2 FY24"]], [dt.date(2023, 4, 1), dt.date(2023, 7, 1)]),
        ("quarter", [["", "FY24", ""], ["SKU", "Q3", "Q4"]], [dt.date(2023, 10, 1), JAN]),
        ("quarter", [["SKU", dt.date(2024, 4, 1), dt.date(2024, 7, 1)]], [APR, dt.date(2024, 7, 1)]),
        ("month", [["", "FY2024", ""], ["SKU", "Dec", "Jan"]], [dt.date(2023, 12, 1), JAN]),
        ("month", [["SKU", "P10 FY24", "P11 FY24"]], [JAN, FEB]),
        ("month", [["SKU", "Jan 24", "Feb 24"]], [JAN, FEB]),
        ("half", [["SKU", "H1 2023/24", "H2 2023/24"]], [dt.date(2023, 4, 1), dt.date(2023, 10, 1)]),
        ("year", [["SKU", "FY23", "FY24"]], [dt.date(2022, 4, 1), dt.date(2023, 4, 1)]),
    ],
)
def test_periods_of_a_fiscal_year_may_be_the_header(
    tmp_path: Path, kind: PeriodKind, header: list[list[Any]], days: list[dt.date]
) -> None:
    reading = read(book(tmp_path, [*header, ["A1", 5, 6]]), periods_of(kind, fiscal_year_start=4))
    assert rows(reading, "period", "value") == [(days[0], 5), (days[1], 6)]
    assert reading.findings == []


@pytest.mark.parametrize(
    ("kind", "header", "fiscal", "why"),
    [
        ("quarter", [["SKU", "Q1 FY24", "Q2 FY24"]], None, "the contract does not say by fiscal_year_start"),
        ("quarter", [["", "FY24", ""], ["SKU", "Q3", "Q4"]], None, "has no year"),
        ("month", [["", "2024", ""], ["SKU", "Apr", "May"]], 4, "in the row above, as 'FY2024'"),
        ("month", [["SKU", "2024-01", "2024-02"]], 4, "may be a month of the calendar or of the fiscal year"),
    ],
)
def test_whose_year_it_is_is_never_guessed(
    tmp_path: Path, kind: PeriodKind, header: list[list[Any]], fiscal: int | None, why: str
) -> None:
    reading = read(book(tmp_path, [*header, ["A1", 5, 6]]), periods_of(kind, fiscal_year_start=fiscal))
    assert reading.verdict == "returned"
    assert any(why in finding.message for finding in reading.findings), reading.findings


def test_half_years_may_be_the_header(tmp_path: Path) -> None:
    reading = read(book(tmp_path, [["SKU", "H1 2024", "H2 2024", "2024"], ["A1", 5, 6, 11]]), periods_of("half"))
    assert rows(reading, "period", "value") == [(JAN, 5), (dt.date(2024, 7, 1), 6)]
    assert [finding.rule for finding in reading.findings] == ["totals"]
    made = tmp_path / "template.xlsx"
    write_template(periods_of("half"), made, year=2024)
    page = openpyxl.load_workbook(made).worksheets[0]
    assert {cell.value for row in page.iter_rows(max_row=6) for cell in row} >= {"H1 2024", "H2 2024"}
