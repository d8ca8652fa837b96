"""Promises of reading a workbook: every row is found, every bad cell is named. Tiny real workbooks; no process."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pandera.pandas as pa
import pytest
import xlsxwriter

from s2p_assets.contracts.columns import (
    Boolean,
    Code,
    Date,
    Integer,
    Money,
    Number,
    Percent,
    Row,
    Text,
    Timestamp,
    column,
    row_rule,
)
from s2p_assets.contracts.findings import Finding, ReadResult
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.spreadsheet.book import open_book
from s2p_assets.spreadsheet.cell_parser import parse_cells
from s2p_assets.spreadsheet.grid import CellKind
from s2p_assets.spreadsheet.patterns import pattern_in_words
from s2p_assets.spreadsheet.reading import read_file


class PriceRow(Row):
    """One line of a price list."""

    sku: Code = column("SKU", "Item no", description="article", width=6, str_matches=r"^[A-Z0-9-]{3,}$")
    name: Text = column("Product name", description="what it is", nullable=True)
    price: Money = column("Price", "Unit price", description="list price", unit="EUR", ge=0)
    cost: Money = column("Cost", description="what we pay", unit="EUR", ge=0, nullable=True)
    quantity: Integer = column("Quantity", "Qty.", description="per box", ge=1)
    valid_from: Date = column("Valid from", description="from when", formats=("%d.%m.%Y", "%Y-%m-%d"))
    group: Text = column("Group", description="kind", isin=["Wine", "Beer", "Spirits"], nullable=True)

    @row_rule("the cost is above the price", at="price")
    def cost_below_price(cls, rows: pd.DataFrame) -> Any:
        return rows["cost"] <= rows["price"]

    @row_rule("a box of more than 100 is unusual", at="quantity", severity="notice")
    def usual_box(cls, rows: pd.DataFrame) -> Any:
        return rows["quantity"] <= 100


PRICES = Workbook(rows=PriceRow, path="prices/*.xls*", owner="prices@example.org", key=("sku", "valid_from"))
LENIENT = Workbook(rows=PriceRow, path="*", owner="prices@example.org", key=("sku", "valid_from"), max_reject_rate=0.5)


class MonthRow(Row):
    """One product and month."""

    month: Date = column("Month", description="month", value_from=("sheet", "file"), formats=("%Y-%m", "%B %Y"))
    sku: Code = column("SKU", description="article")
    units: Number = column("Units", description="sold", decimal=",")


MONTHS = Workbook(rows=MonthRow, path="months/**", owner="m@example.org", ignores=("Remarks",))


MAYBE = {"nullable": True, "required": False}


class KindRow(Row):
    """One row of every kind."""

    code: Code = column("Code", description="code")
    share: Percent = column("Share", description="share", **MAYBE)
    at: Timestamp = column("At", description="when", **MAYBE)
    active: Boolean = column("Active", description="on", **MAYBE)
    amount: Number = column("Amount", description="amount", **MAYBE)
    seen: Date = column("Seen", description="seen", **MAYBE)


KINDS = Workbook(rows=KindRow, path="*", owner="k@example.org", max_reject_rate=0.9)

HEADER = ["SKU", "Product name", "Price", "Cost", "Quantity", "Valid from", "Group"]
GOOD = ["AB-001", "Merlot", 9.5, 4.25, 6, dt.date(2024, 3, 1), "Wine"]


def workbook(path: Path, rows: Sequence[Sequence[Any]], *, sheet: str = "March") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    book = openpyxl.Workbook()
    page = book.active
    page.title = sheet
    for row in rows:
        page.append(list(row))
    book.save(path)
    return path


def prices(
    tmp_path: Path, *rows: Sequence[Any], contract: Workbook = PRICES, header: Sequence[Any] = HEADER
) -> ReadResult:
    return sound(read_file(workbook(tmp_path / "Prices.xlsx", [header, *rows]), [contract]))


def sound(reading: ReadResult) -> ReadResult:
    """Every reading's books balance."""
    assert reading.rows_read == reading.rows_accepted + reading.rows_returned
    assert (reading.rows.num_rows if reading.rows is not None else 0) == reading.rows_accepted
    assert (reading.verdict == "returned") == (reading.rows is None)
    if reading.cells:
        assert reading.cells["read"] == sum(counted(reading).values())
    return reading


def counted(reading: ReadResult) -> dict[str, int]:
    """What became of the file's cells."""
    return {name: reading.cells[name] for name in ("loaded", "returned", "ignored")}


def good(**changes: Any) -> list[Any]:
    values = dict(zip(["sku", "name", "price", "cost", "quantity", "valid_from", "group"], GOOD, strict=True))
    return list((values | changes).values())


def only(reading: ReadResult, severity: str = "reject") -> Finding:
    found = [finding for finding in reading.findings if finding.severity == severity]
    assert len(found) == 1, reading.findings
    return found[0]


def said(reading: ReadResult) -> dict[str | None, str]:
    return {finding.cell: finding.message for finding in reading.findings}


def test_a_clean_workbook_is_accepted_with_sheet_and_row(tmp_path: Path) -> None:
    reading = prices(tmp_path, GOOD, good(sku="AB-002"))
    assert (reading.verdict, reading.rows_accepted, reading.findings) == ("accepted", 2, [])
    assert reading.rows is not None
    assert reading.rows.to_pylist()[1] == {
        "sku": "AB-002", "name": "Merlot", "price": 9.5, "cost": 4.25, "quantity": 6,
        "valid_from": dt.date(2024, 3, 1), "group": "Wine", "_sheet": "March", "_row": 3,
    }  # fmt: skip
    assert reading.headers == {"March": HEADER}
    assert counted(reading) == {"loaded": 14, "returned": 0, "ignored": 0}


def test_a_text_in_a_number_column_is_named_by_its_cell(tmp_path: Path) -> None:
    reading = prices(tmp_path, GOOD, good(sku="AB-002", price="n/a"), good(sku="AB-003", price="ask us"))
    assert reading.verdict == "returned"
    assert counted(reading) == {"loaded": 0, "returned": 21, "ignored": 0}
    assert said(reading) == {"C3": "'n/a' is not a price", "C4": "'ask us' is not a price"}


def test_one_unreadable_cell_never_hides_another(tmp_path: Path) -> None:
    reading = prices(tmp_path, ["?", None, "x", 1, 2.5, "31/12/2024", "Wien"])
    assert said(reading) == {
        "A2": "'?' does not look like an SKU: 3 or more capital letters, digits or '-'",
        "C2": "'x' is not a price",
        "E2": "2.5 is not a whole number",
        "F2": "'31/12/2024' is not written as DD.MM.YYYY or YYYY-MM-DD",
        "G2": "'Wien' is not one of the values allowed; did you mean 'Wine'?",
    }


def test_a_day_that_there_is_not_is_told_as_one(tmp_path: Path) -> None:
    reading = prices(tmp_path, good(valid_from="31.02.2024"), good(sku="AB-003", valid_from="2023-02-29"))
    assert said(reading) == {
        "F2": "'31.02.2024' is a day that there is not",
        "F3": "'2023-02-29' is a day that there is not",
    }


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        (r"^\d{6}$", "6 digits"),
        (r"^[A-Z]{2}\d{3,}$", "2 capital letters, 3 or more digits"),
        (r"^\d+:\d\d\.\d+$", "1 or more digits, ':', 2 digits, '.', 1 or more digits"),
        (r"^SKU-[A-Z0-9-]{1,4}$", "'SKU-', 1 to 4 capital letters, digits or '-'"),
        (r"^\d\d-[A-Z]$", "2 digits, '-', a capital letter"),
        (r"^[+-]?\d+\$$", "at most 1 '+' or '-', 1 or more digits, '$'"),
        *[
            (pattern, None)
            for pattern in ("a", "^a", "^$", "^a|b$", "^(a)b$", "^.*$", "^[^a]$", r"^\w+$", "^[a-f]$", "^[äö]$")
        ],
    ],
)
def test_a_form_is_told_in_words_or_not_at_all(pattern: str, words: str | None) -> None:
    assert pattern_in_words(pattern) == words


def test_good_rows_load_where_the_contract_allows_part_of_a_file(tmp_path: Path) -> None:
    reading = prices(tmp_path, GOOD, good(sku="AB-002", price=-3, cost=None), contract=LENIENT)
    assert (reading.verdict, reading.rows_accepted, reading.rows_returned) == ("partly", 1, 1)
    assert only(reading).message == "-3 is below 0"
    assert counted(reading) == {"loaded": 7, "returned": 6, "ignored": 0}


def test_too_many_bad_rows_return_the_whole_file(tmp_path: Path) -> None:
    reading = prices(tmp_path, GOOD, good(sku="B", price=-3), good(sku="C", price=-3), contract=LENIENT)
    assert (reading.verdict, reading.rows_accepted, reading.rows_returned) == ("returned", 0, 3)


def test_an_empty_required_cell_is_named_and_an_empty_optional_one_is_not(tmp_path: Path) -> None:
    reading = prices(tmp_path, good(name=None, cost="-", quantity=None))
    assert (only(reading).cell, only(reading).message) == ("E2", "'Quantity' is empty")


def test_the_header_is_found_wherever_it_stands(tmp_path: Path) -> None:
    above: list[list[Any]] = [["Price list 2024"], [], [None, None, "for internal use"], []]
    rows = [[None, None, *row] for row in (HEADER, GOOD)]
    path = workbook(tmp_path / "p.xlsx", [*above, *rows])
    reading = sound(read_file(path, [PRICES]))
    assert reading.verdict == "accepted"
    assert reading.rows is not None
    assert reading.rows["_row"].to_pylist() == [6]


def test_header_names_match_without_case_accents_spacing_and_units(tmp_path: Path) -> None:
    header = ["item_no", "PRODUCT  NAME", "Unit\nPrice (EUR)", "cost [€]", "qty", "Válid From:", "group"]
    assert prices(tmp_path, GOOD, header=header).verdict == "accepted"


def test_a_header_of_two_rows_with_merged_cells_is_joined(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    page = book.active
    page.append(["Item", None, "Prices", None, "Quantity", "Valid", "Group"])
    page.append(["no", "Product name", "Price", "Cost", None, "from", None])
    page.append(GOOD)
    page.merge_cells("A1:B1")
    page.merge_cells("C1:D1")
    page.merge_cells("E1:E2")
    book.save(tmp_path / "two.xlsx")
    reading = sound(read_file(tmp_path / "two.xlsx", [PRICES]))
    assert (reading.verdict, reading.rows_read, reading.findings) == ("accepted", 1, [])


def test_what_is_no_row_is_passed_over_and_said(tmp_path: Path) -> None:
    units = [None, None, "EUR", "EUR", "pcs", None, None]
    totals = ["Total", None, 19.0, 8.5, 12, None, None]
    note = ["Source: ERP export of 1 March", *[None] * 6]
    reading = prices(tmp_path, units, GOOD, [], HEADER, good(sku="AB-002"), [], totals, [], note)
    assert (reading.verdict, reading.rows_accepted) == ("accepted", 2)
    rules = {finding.rule: (finding.cell, finding.severity) for finding in reading.findings}
    assert rules == {
        "units": ("C2", "notice"),
        "repeated_header": ("A5", "notice"),
        "totals": ("A8", "notice"),
        "note": ("A10", "notice"),
    }
    assert counted(reading) == {"loaded": 14, "returned": 0, "ignored": 3 + 7 + 4 + 1}


def test_a_product_that_begins_like_a_total_is_a_row(tmp_path: Path) -> None:
    reading = prices(tmp_path, good(sku="SUM-41"), good(sku="SUM 41"))
    assert reading.rows_read == 2


def test_a_missing_column_is_named_with_the_nearest_header(tmp_path: Path) -> None:
    header = ["SKU", "Product name", "Price", "Cost", "Quantty", "Valid from", "Group"]
    reading = prices(tmp_path, GOOD, header=header)
    finding = only(reading)
    assert reading.verdict == "returned"
    assert reading.workbook == PRICES.full_name
    assert (finding.cell, finding.column) == ("E1", "quantity")
    assert finding.message == ("the header (row 1) has no column 'Quantity'; did you mean 'Quantty'? Then rename it")


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    reading = prices(tmp_path, [*GOOD, 8.0], header=[*HEADER, "Price"])
    assert only(reading).message == "two columns are named 'Price' (C1 and H1); rename the one that is not meant"


def test_unknown_and_nameless_columns_are_notices(tmp_path: Path) -> None:
    reading = prices(tmp_path, [*GOOD, "x", 7], header=[*HEADER, "Shelf"])
    assert reading.verdict == "accepted"
    assert said(reading) == {
        "H1": "column 'Shelf' is not expected here; its one cell was ignored",
        "I1": "column I has no name; cells ignored there: 1",
    }
    assert counted(reading) == {"loaded": 7, "returned": 0, "ignored": 2}


@pytest.mark.parametrize(
    ("written", "price"),
    [
        ("1,234.50", 1234.5), ("(1,234.50)", -1234.5), ("12.5-", -12.5), ("€ 13", 13.0), ("13 EUR", 13.0),
        ("\u00a01 234.5\u00a0", 1234.5), ("\u22123", -3.0), ("1'234.5", 1234.5), ("1e3", 1000.0),
    ],
)  # fmt: skip
def test_numbers_written_as_text_are_read(tmp_path: Path, written: str, price: float) -> None:
    path = workbook(
        tmp_path / "k.xlsx", [["Code", "Amount", "Share"], ["a", written.replace("€", "").replace("EUR", ""), 1]]
    )
    reading = sound(read_file(path, [KINDS]))
    assert reading.rows is not None, reading.findings
    assert reading.rows["amount"].to_pylist() == [price]
    if price >= 0:
        read = prices(tmp_path, good(price=written, cost=None)).rows
        assert read is not None
        assert read["price"].to_pylist() == [price]


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("1,23", "'1,23' is ambiguous: a comma is not the decimal mark of this column"),
        ("1.234,50", "'1.234,50' is ambiguous: a comma is not the decimal mark of this column"),
        ("$13", "'$13' is in $, not in EUR"),
        ("USD 13", "'USD 13' is in USD, not in EUR"),
        ("12%", "'12%' is a share, not a number"),
        ("12..5", "'12..5' is not a price"),
        (True, "'TRUE' is not a price"),
        (dt.date(2024, 5, 1), "the cell holds the date 2024-05-01, not a price; format it as text or number"),
    ],
)
def test_numbers_that_could_mean_two_things_are_findings(tmp_path: Path, written: Any, message: str) -> None:
    assert only(prices(tmp_path, good(price=written))).message == message


def test_a_decimal_comma_is_read_where_the_contract_says_so(tmp_path: Path) -> None:
    rows: list[list[Any]] = [["SKU", "Units"], ["a", "1.234,5"], ["b", "0,5"], ["c", 7.25]]
    reading = sound(read_file(workbook(tmp_path / "x.xlsx", rows, sheet="2024-03"), [MONTHS]))
    assert reading.rows is not None, reading.findings
    assert reading.rows["units"].to_pylist() == [1234.5, 0.5, 7.25]
    assert reading.rows["month"].to_pylist() == [dt.date(2024, 3, 1)] * 3


def test_a_month_is_taken_from_the_sheet_or_the_file_name(tmp_path: Path) -> None:
    path = workbook(tmp_path / "hash", [["SKU", "Units"], ["a", 1]], sheet="Data")
    reading = sound(read_file(path, [MONTHS], display_name="months/Sales March 2024 v2.xlsx"))
    assert reading.rows is not None, reading.findings
    assert reading.rows["month"].to_pylist() == [dt.date(2024, 3, 1)]
    assert str(reading.file) == "months/Sales March 2024 v2.xlsx"
    lost = sound(read_file(path, [MONTHS], display_name="months/Sales.xlsx"))
    assert only(lost).message.startswith("the sheet has no column 'Month' and the sheet's name 'Data' and")


def test_every_sheet_with_the_header_is_read_and_hidden_ones_are_said(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.title = "Notes"
    book.active.append(["Written by the pricing team"])
    for name in ("2024-01", "2024-02"):
        page = book.create_sheet(name)
        page.append(["SKU", "Units", "Remarks"])
        page.append(["a", 5, "late"])
    book["2024-02"].sheet_state = "hidden"
    book.save(tmp_path / "m.xlsx")
    reading = sound(read_file(tmp_path / "m.xlsx", [MONTHS]))
    assert reading.rows is not None
    assert reading.rows["_sheet"].to_pylist() == ["2024-01", "2024-02"]
    assert [(finding.sheet, finding.rule) for finding in reading.findings] == [
        ("Notes", "sheet"),
        ("2024-02", "hidden_sheet"),
    ]


def test_a_sheet_with_a_misspelled_header_is_not_dropped_in_silence(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for name, header in (("2024-01", ["SKU", "Units"]), ("2024-02", ["SKU", "Unts"])):
        page = book.create_sheet(name)
        page.append(header)
        page.append(["a", 5])
    book.save(tmp_path / "m.xlsx")
    reading = sound(read_file(tmp_path / "m.xlsx", [MONTHS]))
    assert reading.verdict == "returned"
    assert only(reading).sheet == "2024-02"


def test_error_cells_are_findings_by_address(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "e.xlsx") as book:
        page = book.add_worksheet("March")
        page.write_row(0, 0, HEADER)
        page.write_row(1, 0, [*GOOD[:5], "2024-03-01", "Wine"])
        page.write_formula("C2", "=1/0", None, "#DIV/0!")
        page.write_formula("D2", "=NA()", None, "#N/A")
    reading = sound(read_file(tmp_path / "e.xlsx", [PRICES]))
    assert said(reading) == {
        "C2": "the cell holds the error #DIV/0!; correct its formula",
        "D2": "the cell holds the error #N/A; correct its formula",
    }


def test_a_formula_without_its_result_asks_to_be_saved_in_excel(tmp_path: Path) -> None:
    finding = only(prices(tmp_path, good(price="=1+1")))
    assert (finding.cell, finding.rule) == ("C2", "uncalculated")
    assert "open and save it in Excel" in finding.message


def test_codes_keep_their_text_and_get_their_zeros_back(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "c.xlsx") as book:
        page = book.add_worksheet()
        page.write_row(0, 0, ["Code", "Amount"])
        page.write_column(1, 0, [" 00123 ", 6080100101.0, 12.5])
        page.write_number("A5", 42, book.add_format({"num_format": "00000"}))
        page.write_number("A6", 1234567890123456789)
        page.write_datetime("A7", dt.datetime(2024, 3, 1), book.add_format({"num_format": "d-mmm"}))
    reading = sound(read_file(tmp_path / "c.xlsx", [KINDS]))
    assert reading.rows is not None
    assert reading.rows["code"].to_pylist() == ["00123", "6080100101", "12.5", "00042"]
    messages = said(reading)
    assert "is stored as a rounded number" in messages["A6"]
    assert messages["A7"] == "the cell holds the date 2024-03-01, not a code; format it as text or number"
    padded = prices(tmp_path, good(sku=123)).rows
    assert padded is not None
    assert padded["sku"].to_pylist() == ["000123"]


def test_dates_are_dates_only_when_the_cell_or_the_contract_says_so(tmp_path: Path) -> None:
    stamp = dt.datetime(2024, 3, 1, 13, 30)
    reading = prices(
        tmp_path, good(valid_from="01.03.2024"), good(sku="B-2", valid_from=stamp), good(sku="B-3", valid_from=45352)
    )
    assert said(reading) == {
        "F3": "2024-03-01 13:30 has a time of day; the column is for dates alone",
        "F4": "45352 is a number, not a date; format the cell as a date",
    }


def test_dates_count_from_1904_where_the_workbook_does(tmp_path: Path) -> None:
    for base in (False, True):
        with xlsxwriter.Workbook(tmp_path / f"{base}.xlsx", {"date_1904": base}) as book:
            page = book.add_worksheet()
            page.write_row(0, 0, ["Code", "Seen", "At"])
            page.write_string(1, 0, "a")
            page.write_datetime(1, 1, dt.datetime(2024, 2, 29), book.add_format({"num_format": "dd/mm/yyyy"}))
            page.write_datetime(1, 2, dt.datetime(2024, 2, 29, 23, 59, 59), book.add_format({"num_format": 22}))
        reading = sound(read_file(tmp_path / f"{base}.xlsx", [KINDS]))
        assert reading.rows is not None, reading.findings
        assert reading.rows["seen"].to_pylist() == [dt.date(2024, 2, 29)]
        assert reading.rows["at"].to_pylist() == [dt.datetime(2024, 2, 29, 23, 59, 59)]


def test_shares_and_words_of_yes_and_no_are_read(tmp_path: Path) -> None:
    rows: list[list[Any]] = [["Code", "Share", "Active"], ["a", 0.25, "Yes"], ["b", "25 %", True]]
    rows += [["c", "n/a", 0], ["d", 1, "maybe"]]
    reading = sound(read_file(workbook(tmp_path / "s.xlsx", rows), [KINDS]))
    assert reading.rows is not None
    assert reading.rows["share"].to_pylist() == [0.25, 0.25, None]
    assert reading.rows["active"].to_pylist() == [True, True, False]
    assert only(reading).message == "'maybe' is neither 'yes' nor 'no'"


def test_rules_over_a_row_are_reported_once_at_their_column(tmp_path: Path) -> None:
    reading = prices(tmp_path, good(cost=99), good(sku="AB-002", quantity=500, cost=None))
    assert [(f.cell, f.rule, f.message, f.severity) for f in reading.findings] == [
        ("C2", "row_rule", "the cost is above the price", "reject"),
        ("E3", "row_rule", "a box of more than 100 is unusual", "notice"),
    ]


class DealRow(Row):
    """One deal; when it began and ended goes with its stage."""

    deal: Code = column("Deal", description="deal", width=4)
    stage: Text = column("Stage", description="its stage", isin=["Open", "Won"])
    began: Date = column("Began", description="its first day", nullable=True, formats=("%Y-%m-%d",))
    ended: Date = column("Ended", description="its last day", nullable=True, formats=("%Y-%m-%d",))
    value: Number = column("Value", description="what it brought", nullable=True)

    @row_rule("a deal that is won has its first day", at="began")
    def won_deals_began(cls, rows: pd.DataFrame) -> Any:
        return (rows["stage"] != "Won") | rows["began"].notna()

    @row_rule("a deal that is won has its last day", at="ended")
    def won_deals_ended(cls, rows: pd.DataFrame) -> Any:
        return (rows.stage != "Won") | rows.ended.notna()


DEALS = Workbook(rows=DealRow, path="*", owner="deals@example.org", max_reject_rate=1)


@pytest.mark.parametrize(
    ("row", "found"),
    [
        (["D1", "Won", "soon", "2026-02-01", 3], [("C2", "formats")]),
        (["D1", "Won", "soon", None, 3], [("C2", "formats"), ("D2", "row_rule")]),
        (["D1", "Won", "2026-31-31", "n/b", 3], [("C2", "formats"), ("D2", "formats")]),
        (["D1", "Won", None, None, "many"], [("E2", "type"), ("C2", "row_rule"), ("D2", "row_rule")]),
        (["D1", None, None, None, 3], [("B2", "required")]),
    ],
    ids=["one", "one and another's absence", "both", "beside", "what it depends on"],
)
def test_a_cell_that_cannot_be_read_is_not_told_again_as_absent(
    tmp_path: Path, row: list[Any], found: list[tuple[str, str]]
) -> None:
    reading = read_file(workbook(tmp_path / "d.xlsx", [["Deal", "Stage", "Began", "Ended", "Value"], row]), [DEALS])
    assert [(one.cell, one.rule) for one in reading.findings] == found
    assert reading.rows_returned == 1


def test_the_same_key_twice_names_the_earlier_cell(tmp_path: Path) -> None:
    reading = prices(tmp_path, GOOD, good(sku="X-9"), GOOD)
    finding = only(reading)
    assert finding.cell == "A4"
    assert finding.message == "the same SKU and Valid from (AB-001, 2024-03-01) as in A2"


def test_a_header_without_rows_is_accepted_with_a_notice(tmp_path: Path) -> None:
    reading = prices(tmp_path)
    assert (reading.verdict, reading.rows_read, only(reading, "notice").rule) == ("accepted", 0, "no_rows")


def test_the_contract_whose_columns_are_found_gets_the_file(tmp_path: Path) -> None:
    path = workbook(tmp_path / "m.xlsx", [["SKU", "Units"], ["a", 5]], sheet="2024-03")
    assert read_file(path, [PRICES, MONTHS]).workbook == MONTHS.full_name
    stray = workbook(tmp_path / "n.xlsx", [["Invoice", "Vendor", "Quantity"], ["a", 5, 4]])
    reading = sound(read_file(stray, [MONTHS], others=[PRICES]))
    assert (reading.workbook, reading.verdict, reading.error) == (None, "returned", None)
    assert "nearest is" in only(reading).message
    assert "'SKU', 'Product name', 'Price'" in only(reading).message


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("comma.csv", "SKU,Units,Month\na,\"1.234,5\",2024-03\n"),
        ("semicolon.csv", "Export\n\nSKU;Units;Month\na;1.234,5;2024-03\n"),
        ("tab.tsv", "SKU\tUnits\tMonth\na\t1.234,5\t2024-03\n"),
        ("sep.csv", "sep=;\r\nSKU;Units;Month\r\na;1.234,5;2024-03\r\n"),
    ],
)  # fmt: skip
def test_delimited_text_is_read_whatever_its_delimiter(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8", newline="")
    reading = sound(read_file(tmp_path / name, [MONTHS]))
    assert reading.rows is not None, reading
    assert reading.rows.drop_columns(["_sheet", "_row"]).to_pylist() == [
        {"month": dt.date(2024, 3, 1), "sku": "a", "units": 1234.5}
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_delimited_text_is_decoded_by_what_it_is(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "x.csv").write_bytes("Code;Amount\nKäse;12.5\n".encode(encoding))
    reading = sound(read_file(tmp_path / "x.csv", [KINDS]))
    assert reading.rows is not None, reading
    assert reading.rows["code"].to_pylist() == ["Käse"]


def test_rows_of_delimited_text_are_numbered_as_excel_numbers_them(tmp_path: Path) -> None:
    content = 'Code,Amount\n"two\nlines",1\n\nb,x\nc,3\n'
    (tmp_path / "x.csv").write_text(content)
    reading = sound(read_file(tmp_path / "x.csv", [KINDS]))
    assert reading.rows is not None
    assert reading.rows["_row"].to_pylist() == [2, 5]
    assert only(reading).cell == "B4"


def test_a_csv_named_xls_is_read_with_a_notice_and_a_page_without_a_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.xls").write_text("Code,Amount\na,1\n")
    reading = sound(read_file(tmp_path / "x.xls", [KINDS]))
    assert reading.verdict == "accepted"
    assert only(reading, "notice").rule == "suffix"
    (tmp_path / "y.xls").write_text("<html><body>Please log in</body></html>")
    assert "web page" in str(read_file(tmp_path / "y.xls", [KINDS]).error)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "empty"),
        (b"\0" * 5000, "zeros"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git-lfs"),
        (b"PK\x03\x04 broken", "damaged"),
        (b"%PDF-1.7", "PDF"),
    ],
)
def test_what_is_no_workbook_is_refused_in_one_clear_line(tmp_path: Path, content: bytes, word: str) -> None:
    (tmp_path / "x.xlsx").write_bytes(content)
    reading = sound(read_file(tmp_path / "x.xlsx", [KINDS]))
    assert word in str(reading.error)
    assert "\n" not in str(reading.error)


def test_a_cell_may_hold_entities_line_breaks_and_rich_text(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "r.xlsx") as book:
        page = book.add_worksheet()
        page.write_row(0, 0, ["Code", "Amount"])
        page.write_string("A2", "a < b & c\n_x000D_ \x0b")
        page.write_rich_string("A3", "bold", book.add_format({"bold": True}), " & plain")
    reading = sound(read_file(tmp_path / "r.xlsx", [KINDS]))
    assert reading.rows is not None
    assert reading.rows["code"].to_pylist() == ["a < b & c\n_x000D_", "bold & plain"]


def test_a_rule_of_the_contracts_own_names_the_cell(tmp_path: Path) -> None:
    path = workbook(tmp_path / "x.xlsx", [["Name"], ["ok"], ["BAD"]])
    assert only(sound(read_file(path, [SHOUTING]))).message == "BAD: names are not shouted"


class ShoutingRow(Row):
    """One name."""

    name: Text = column("Name", description="name")

    @pa.check("name", name="quiet", error="names are not shouted")
    def quiet(cls, values: pd.Series) -> Any:
        return ~values.str.isupper()


SHOUTING = Workbook(rows=ShoutingRow, path="*", owner="s@example.org")


ODD_FILES = Path(__file__).parents[3] / "shared" / "data" / "odd_files"


@pytest.mark.skipif(not ODD_FILES.exists(), reason="the odd files are not here")
@pytest.mark.parametrize("suffix", ["xls", "xlsb", "xlsx", "ods"])
def test_error_cells_are_found_in_every_format(suffix: str) -> None:
    with open_book(ODD_FILES / "pandas" / f"test3.{suffix}") as book:
        sheet = next(iter(book.sheets()))
    assert sheet.kind(2, 1) == CellKind.ERROR
    assert sheet.row(2)[1] == "#N/A"


def test_a_quotation_mark_that_is_never_closed_swallows_no_rows_in_silence(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text('Code,Amount\na,1\n"b,2\nc,3\n')
    assert "in row 3 is never closed" in str(read_file(tmp_path / "x.csv", [KINDS]).error)


def test_rejected_rows_by_the_thousand_are_counted_in_full(tmp_path: Path) -> None:
    lines = "".join(f"c{number},x\n" for number in range(6000))
    (tmp_path / "x.csv").write_text("Code,Amount\n" + lines)
    reading = sound(read_file(tmp_path / "x.csv", [KINDS]))
    assert (reading.rows_returned, len(reading.findings)) == (6000, 5001)
    assert reading.findings[-1].message == "and 1,000 more like these"


@pytest.mark.skipif(not ODD_FILES.exists(), reason="the real price lists are not here")
def test_zeros_that_an_old_workbook_only_shows_are_kept() -> None:
    path = ODD_FILES.parent / "price_lists" / "auto_parts_ru" / "прайс.xls"
    with open_book(path) as book:
        sheet = next(iter(book.sheets()))
    cells = sheet.columns[2]
    parsed = parse_cells(cells, KINDS.columns[0], sheet)
    place = cells.at(318)
    assert place is not None
    assert (sheet.row(318)[2], parsed.values[place].as_py()) == ("1016600", "01016600")
