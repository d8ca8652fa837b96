"""What the CRM contracts accept, return and remark on, on tiny real files."""

import datetime as dt
from pathlib import Path
from typing import Any

import pyarrow
import pytest
import xlsxwriter

from s2p_assets.catalog.paths import matching_contracts
from s2p_assets.contracts.findings import ReadResult
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.spreadsheet.reading import read_file
from s2p_assets.workbooks.crm_accounts import accounts
from s2p_assets.workbooks.crm_opportunities import opportunities
from s2p_assets.workbooks.crm_products import products
from s2p_assets.workbooks.crm_sales_teams import sales_teams

BOOKS = (accounts, products, sales_teams, opportunities)
ENGAGED, CLOSED = dt.date(2017, 3, 1), dt.date(2017, 5, 4)
GOOD: dict[str, list[Any]] = {
    "crm_accounts": ["Acme", "retail", 1996, 1100.5, 2822, "Kenya", None],
    "crm_products": ["GTX Pro", "GTX", 4821],
    "crm_sales_teams": ["Ada", "Ben", "East"],
    "crm_opportunities": ["1C1I7A6R", "Ada", "GTX Pro", "Acme", "Won", ENGAGED, CLOSED, 4800],
}
THERE = {"sales_agent": ["Ada"], "product": ["GTX Pro"], "account": ["Acme"]}


def read(folder: Path, *deals: list[Any], there: dict[str, list[str]] | None = None, dates: str = "") -> ReadResult:
    """A workbook of deals, or with `dates` a CSV that writes them so."""
    headers = [column.headers[0] for column in opportunities.columns]
    path = folder / ("deals.csv" if dates else "deals.xlsx")
    if dates:
        lines = [[value.strftime(dates) if isinstance(value, dt.date) else value for value in deal] for deal in deals]
        rows = [",".join("" if value is None else str(value) for value in line) for line in (headers, *lines)]
        path.write_text("\n".join(rows))
    else:
        with xlsxwriter.Workbook(path, {"default_date_format": "yyyy-mm-dd"}) as workbook:
            sheet = workbook.add_worksheet("Deals")
            for number, row in enumerate((headers, *deals)):
                sheet.write_row(number, 0, row)
    known = {name: pyarrow.array(values, pyarrow.string()) for name, values in (there or THERE).items()}
    return read_file(path, [opportunities], reference_values={opportunities.full_name: known})


def deal(**values: Any) -> list[Any]:
    """The good deal with some values replaced."""
    good = GOOD["crm_opportunities"]
    return [values.get(column.name, value) for column, value in zip(opportunities.columns, good, strict=True)]


def rejects(reading: ReadResult) -> list[tuple[str | None, str, str]]:
    return [(found.cell, found.rule, found.message) for found in reading.findings if found.severity == "reject"]


@pytest.mark.parametrize("dates", ["", "%Y-%m-%d", "%m/%d/%Y"])
def test_dates_are_read_from_excel_iso_and_american_texts(tmp_path: Path, dates: str) -> None:
    reading = read(tmp_path, deal(), dates=dates)
    assert reading.rows is not None, reading.findings
    assert (reading.rows["engage_date"].to_pylist(), reading.rows["close_date"].to_pylist()) == ([ENGAGED], [CLOSED])


def test_another_spelling_of_a_product_is_taken_for_it_and_told_once(tmp_path: Path) -> None:
    reading = read(tmp_path, *(deal(opportunity_id=f"D{number}", product="GTXPro") for number in range(3)))
    assert reading.rows is not None
    assert reading.rows["product"].to_pylist() == ["GTX Pro"] * 3
    told = [(found.cell, found.severity, found.message) for found in reading.findings]
    assert told == [("C2", "notice", "'GTXPro' was read as 'GTX Pro', as agreed for this column (3 such cells)")]


def test_a_deal_without_an_account_refers_to_none(tmp_path: Path) -> None:
    assert read(tmp_path, deal(account=None)).verdict == "accepted"


def test_a_reference_to_nothing_is_named_with_its_cell_and_the_nearest_name(tmp_path: Path) -> None:
    reading = read(tmp_path, deal(), deal(opportunity_id="D2", account="Acmee", sales_agent="Zoe"))
    assert rejects(reading) == [
        ("B3", "references", "'Zoe' is not in the sales teams"),
        ("D3", "references", "'Acmee' is not in the accounts; did you mean 'Acme'?"),
    ]


def test_before_anything_was_loaded_there_the_file_waits_and_says_so_once(tmp_path: Path) -> None:
    reading = read(tmp_path, deal(), deal(opportunity_id="D2"), there=THERE | {"account": []})
    assert reading.verdict == "returned"
    assert [(cell, rule) for cell, rule, _ in rejects(reading)] == [(None, "references")]
    assert "read again by itself" in rejects(reading)[0][2]
    assert read(tmp_path, deal(account=None), there=THERE | {"account": []}).verdict == "accepted"


def test_a_company_may_belong_to_one_further_down_the_same_list(tmp_path: Path) -> None:
    path = tmp_path / "accounts.csv"
    lines = ["account,sector,subsidiary_of", "Small,retail,Acme", "Lost,retail,Nobody", "Acme,retail,"]
    names = "year_established,revenue,employees,office_location"
    path.write_text("\n".join(f"{line},{names if number == 0 else ',,,'}" for number, line in enumerate(lines)))
    known = {"crm_accounts": {"subsidiary_of": pyarrow.array([], pyarrow.string())}}
    reading = read_file(path, [accounts], reference_values=known)
    assert [(cell, rule) for cell, rule, _ in rejects(reading)] == [("C3", "references")]


@pytest.mark.parametrize(
    ("values", "cell"),
    [
        ({"close_date": None}, "G2"),
        ({"deal_stage": "Engaging", "close_date": None}, "H2"),
        ({"deal_stage": "Prospecting", "close_date": None, "close_value": None}, "F2"),
        ({"close_date": dt.date(2017, 2, 1)}, "G2"),
        ({"close_value": None}, "H2"),
    ],
)
def test_a_stage_and_its_dates_and_value_have_to_agree(tmp_path: Path, values: dict[str, Any], cell: str) -> None:
    found = [(where, rule) for where, rule, _ in rejects(read(tmp_path, deal(**values)))]
    assert found == [(cell, "row_rule")]


def test_a_lost_deal_that_brought_something_in_is_remarked_on(tmp_path: Path) -> None:
    reading = read(tmp_path, deal(deal_stage="Lost"))
    assert (reading.verdict, [found.severity for found in reading.findings]) == ("accepted", ["notice"])


@pytest.mark.parametrize(
    ("path", "book"),
    [
        ("crm/accounts.csv", accounts), ("crm/lists/Accounts 2017.xlsx", accounts), ("crm/products.csv", products),
        ("crm/Sales teams.xlsx", sales_teams), ("crm/sales_pipeline.csv", opportunities),
        ("crm/lf_copy/sales_pipeline.csv", opportunities), ("crm/Deals Q3.xlsx", opportunities),
    ],
)  # fmt: skip
def test_a_file_belongs_to_the_contract_that_looks_there(path: str, book: Workbook) -> None:
    assert matching_contracts(path, BOOKS) == (book,)
