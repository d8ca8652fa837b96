"""Promises of the smallest report: it builds, renders, and its numbers lead to the cells of the workbook."""

import datetime as dt
import importlib
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import openpyxl
import pytest

from s2p_assets import examples
from s2p_assets.definitions import build
from s2p_assets.graph.running.headless import process
from s2p_assets.services.trace import trace_number
from s2p_assets.settings import Settings
from s2p_assets_tests.retail_home import Company, nothing_set

EXAMPLES = Path(examples.__file__).parent
SHELVES = (
    *(f"workbooks/trading_{name}.py" for name in ("sales", "customers", "price_list", "item_cost")),
    *("tables/trading_products.py", "tables/trading_demand.py", "reports/trading_best_sellers.py"),
)
SALES = (("A", 20), ("B", 8), ("B", -3))


@pytest.fixture
def company(tmp_path: Path, empty_database_url: str, folder: Path) -> Iterator[Company]:
    """The trading company with the shelves under its smallest report and one week of sales, processed."""
    for name in SHELVES:
        (tmp_path / "trading" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(EXAMPLES / name, tmp_path / "trading" / name)
    settings = Settings(
        home=folder / "home", share=folder / "share", database_url=empty_database_url, shelves=("trading",)
    )
    write_share(settings.share / "price_and_revenue_xls")
    with nothing_set() as patch:
        patch.syspath_prepend(tmp_path)
        company = Company(settings, build(settings))
        assert [str(fault) for fault in company.graph.ctx.catalog.faults] == []
        status = process(company.graph.ctx, company.graph.definitions, print)
        assert status["failures"] == []
        yield company
    for name in [name for name in sys.modules if name.partition(".")[0] == "trading"]:
        del sys.modules[name]
    importlib.invalidate_caches()


def write_share(folder: Path) -> None:
    """Two items, one customer, and sales of the week of Monday 24 June 2024."""
    folder.mkdir(parents=True)
    header = ("Customer ID", "Customer Name", "Continent Name", "Country", "Region", "Sales Rep.", "Channel")
    write(folder / "Customers.xls", header, [("C1", "The Shop", "Africa", "Egypt", "Cairo", "Nour", "Retail")])
    write(folder / "item cost.xls", ("Item Code", "Cost"), [("A", 4), ("B", 40)])
    listed = ("Item Code", "Item Category", "Item Type", "Item Name", "Unit", "Price")
    prices = [("A", "Goods", "Home", "Lamp", "pc", 10), ("B", "Goods", "Home", "Oven", "pc", 100)]
    write(folder / "Price List.xls", listed, prices)
    sold = ("Date", "Invoice No.", "Invoice Type", "Customer ID", "Item Code", "Qty", "Discount")
    lines = [
        (dt.date(2024, 6, 30), f"I{number}", "Invoice" if units > 0 else "Return", "C1", item, units, 0)
        for number, (item, units) in enumerate(SALES)
    ]
    write(folder / "Revenue Transactions 2024.xls", sold, lines)


def write(file: Path, header: tuple[str, ...], rows: Sequence[tuple[object, ...]]) -> None:
    book = openpyxl.Workbook()
    for row in (header, *rows):
        book.worksheets[0].append(row)
    with file.open("wb") as target:
        book.save(target)


def cells(company: Company, number: str) -> set[str]:
    """The cells that a number was made from."""
    found = trace_number(company.graph.ctx, "trading_best_sellers", number, most=None)
    cells: set[str] = set()
    waiting = [row for group in found.under for row in group.rows]
    while waiting:
        row = waiting.pop()
        waiting += [under for group in row.under for under in group.rows]
        cells |= set(row.file.cells.values()) if row.file else set()
    return cells


def test_it_is_written_as_a_page_whose_numbers_lead_to_their_cells(company: Company) -> None:
    page = (company.settings.reports / "trading-best-sellers/latest.html").read_text(encoding="utf-8")
    assert "Item A sold best, with 20 units." in page
    assert {"F2", "F3", "F4"} <= cells(company, "F1")
    assert {"F3", "F4"} <= cells(company, "T1.2.2")
    assert "F2" not in cells(company, "T1.2.2")


def test_it_is_as_short_as_the_page_on_adding_says() -> None:
    lines = (EXAMPLES / "reports/trading_best_sellers.py").read_text(encoding="utf-8").splitlines()
    assert len(lines) < 40
