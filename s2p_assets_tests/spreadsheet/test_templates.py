"""Promises about the empty workbook that is made from a contract. How it is read back is the reader's."""

import datetime as dt
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from s2p_assets.contracts.columns import (
    Boolean,
    Code,
    Date,
    Integer,
    Money,
    Percent,
    Row,
    Text,
    column,
    row_rule,
)
from s2p_assets.contracts.findings import GUIDE_SHEET
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.spreadsheet.reading import read_file
from s2p_assets.spreadsheet.template import write_template

COUNTRIES = [f"Country, the {number}th" for number in range(40)]


class Offers(Row):
    """An offer for one article from a day on."""

    sku: Code = column(
        "SKU", "Item no.", description="The company's own article number", width=6, str_length={"max_value": 12}
    )
    state: Text = column("State", description="How far the offer is", isin=["open", "won", "lost"])
    country: Text = column("Country", description="Where it goes", isin=COUNTRIES, nullable=True)
    price: Money = column("Unit price (EUR)", description="Price of one unit", unit="EUR", ge=0, le=5000)
    quantity: Integer = column("Quantity", description="Units offered", gt=0)
    discount: Percent = column("Discount", description="Taken off the price", in_range={"min_value": 0, "max_value": 1})
    from_day: Date = column(
        "Valid from", description="First day", formats="%d.%m.%Y", ge=pd.Timestamp("2020-01-01"), nullable=True
    )
    binding: Boolean = column("Binding", description="Whether we are bound to it")

    @row_rule("a won offer is binding", at="binding")
    def won_is_binding(cls, rows: pd.DataFrame) -> "pd.Series[bool]":
        return (rows["state"] != "won") | rows["binding"]


OFFERS = Workbook(
    rows=Offers, path="offers/*.xlsx", owner="sales@example.com", key=("sku",), sheets="Offers *|Angebote"
)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_template(OFFERS, tmp_path_factory.mktemp("templates") / "offers.xlsx")


def sheets(template: Path) -> tuple[Worksheet, Worksheet]:
    book = openpyxl.load_workbook(template)
    return book.worksheets[0], book[GUIDE_SHEET]


def rules(template: Path) -> dict[str, DataValidation]:
    """Column letter → what Excel refuses there."""
    table, _ = sheets(template)
    return {str(rule.sqref).split(":")[0][0]: rule for rule in table.data_validations.dataValidation}


def test_the_first_sheet_has_the_preferred_headers_and_nothing_else(template: Path) -> None:
    table, _ = sheets(template)
    assert [[cell.value for cell in row] for row in table.iter_rows()] == [
        ["SKU", "State", "Country", "Unit price (EUR)", "Quantity", "Discount", "Valid from", "Binding"]
    ]
    assert table.freeze_panes == "A2"


def test_the_first_sheet_is_one_that_the_contract_looks_into(template: Path) -> None:
    assert sheets(template)[0].title == "Angebote"


def test_a_header_says_what_the_column_means_and_what_rules_it_has(template: Path) -> None:
    table, _ = sheets(template)
    price = table["D1"].comment.text
    assert "Price of one unit" in price
    assert "in EUR" in price
    assert "at least 0" in price
    assert "at most 5000" in price
    assert "Required in every row." in price
    assert "May be left empty." in table["C1"].comment.text


def test_required_columns_look_different_from_optional_ones(template: Path) -> None:
    table, _ = sheets(template)
    colours = {cell.value: cell.fill.fgColor.rgb for cell in table[1]}
    assert len({colours[name] for name in ("SKU", "State", "Quantity", "Binding")}) == 1
    assert colours["Country"] == colours["Valid from"] != colours["SKU"]


def test_cells_are_formatted_for_their_kind_of_value(template: Path) -> None:
    table, _ = sheets(template)
    formats = {letter: table.column_dimensions[letter].number_format for letter in "ADFG"}
    assert formats["A"] == "@"
    assert formats["D"] == "#,##0.00"
    assert formats["F"] == "0.0%"
    assert formats["G"] == "yyyy-mm-dd"


def test_excel_refuses_what_the_contract_would(template: Path) -> None:
    refused = rules(template)
    assert refused["B"].type == "list"
    assert refused["B"].formula1 == '"open,won,lost"'
    assert (refused["D"].type, refused["D"].formula1, refused["D"].formula2) == ("decimal", "0", "5000")
    assert refused["E"].type == "whole"
    assert (refused["F"].formula1, refused["F"].formula2) == ("0", "1")
    assert refused["G"].type == "date"
    assert float(refused["G"].formula1) == 43_831
    assert refused["H"].formula1 == '"yes,no"'
    assert "A" not in refused


def test_a_list_too_long_for_a_drop_down_stands_on_the_guide(template: Path) -> None:
    place = rules(template)["C"].formula1.replace("$", "")
    assert place.startswith(f"'{GUIDE_SHEET}'!")
    _, guide = sheets(template)
    assert [cell.value for (cell,) in guide[place.split("!")[1]]] == COUNTRIES


def test_the_guide_explains_every_column(template: Path) -> None:
    _, guide = sheets(template)
    rows = {str(row[0].value): [cell.value for cell in row] for row in guide.iter_rows()}
    assert rows["Unit price (EUR)"][1:7] == [
        "Price of one unit", "yes", "an amount of money, a number", "EUR", "at least 0\nat most 5000", "",
    ]  # fmt: skip
    assert rows["State"][6] == "open, won, lost"
    assert "DD.MM.YYYY" in rows["Valid from"][3]
    assert "a won offer is binding" in " ".join(rows)
    assert "sales@example.com" in " ".join(rows)


def test_an_empty_template_is_no_reason_to_complain(template: Path) -> None:
    reading = read_file(template, [OFFERS])
    assert reading.verdict == "accepted"
    assert reading.rows_read == 0


def test_a_template_filled_in_sensibly_is_accepted(template: Path, tmp_path: Path) -> None:
    book = openpyxl.load_workbook(template)
    table = book.worksheets[0]
    filled: list[list[Any]] = [
        ["000123", "won", COUNTRIES[3], 12.5, 3, 0.25, dt.date(2025, 3, 31), "yes"],
        ["000124", "open", None, 5000, 1, 0, "31.03.2025", "no"],
    ]
    for row in filled:
        table.append(row)
    book.save(tmp_path / "filled.xlsx")
    reading = read_file(tmp_path / "filled.xlsx", [OFFERS])
    assert [finding for finding in reading.findings if finding.severity == "reject"] == []
    assert reading.verdict == "accepted"
    assert reading.rows is not None
    assert reading.rows.column("sku").to_pylist() == ["000123", "000124"]
    assert reading.rows.column("from_day").to_pylist() == [dt.date(2025, 3, 31)] * 2


def test_a_template_is_the_same_bytes_every_time(template: Path, tmp_path: Path) -> None:
    again = write_template(OFFERS, tmp_path / "again" / "offers.xlsx")
    assert again.read_bytes() == template.read_bytes()
    assert [path.name for path in again.parent.iterdir()] == ["offers.xlsx"]
