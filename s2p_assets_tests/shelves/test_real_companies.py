"""Three real companies through the whole graph: every file accounted for, every row loaded or returned, a report made.

How their workbooks are read cell by cell is tested in `spreadsheet/test_real_workbooks.py`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pytest
from psycopg import sql

from s2p_assets.definitions import Graph, build
from s2p_assets.graph.running.headless import process
from s2p_assets.settings import Settings
from s2p_assets.warehouse.files import ledger, summaries
from s2p_assets.warehouse.server.connection import connect
from s2p_assets.warehouse.tables import store
from s2p_assets_tests.shelves import real_companies as real
from s2p_assets_tests.shelves.real_companies import cells_by_rule

pytestmark = [pytest.mark.long, pytest.mark.skipif(not real.DATA.is_dir(), reason="the real workbooks are not here")]

DATABASE = "real_companies"


@dataclass
class Companies:
    """The three companies after one pass over their share."""

    settings: Settings
    graph: Graph
    status: dict[str, Any]

    def files(self) -> dict[str, ledger.LedgerFile]:
        """What the ledger says of each file, by its path."""
        with self.graph.ctx.warehouse.connect() as connection:
            return {
                path: file
                for workbook in self.graph.ctx.catalog.workbooks.values()
                for path, file in ledger.latest_versions(connection, workbook).items()
            }

    def rows(self, name: str) -> pd.DataFrame:
        """A stored table by its shelf file's name."""
        declared = (self.graph.ctx.catalog.workbooks | self.graph.ctx.catalog.tables)[name]
        with self.graph.ctx.warehouse.connect() as connection:
            return store.read_rows(connection, declared.domain, declared.name, declared.columns)


@pytest.fixture(scope="module")
def companies(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[Companies]:
    """The examples' shelves over the folder as it lies; marked copies and reports go elsewhere."""
    home = tmp_path_factory.mktemp("companies")
    with connect(database_url) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(DATABASE)))
    url = re.sub(r"/tests_\w+\?", f"/{DATABASE}?", database_url)
    settings = Settings(home=home, share=real.DATA, results=home, database_url=url, shelves=("s2p_assets.examples",))
    with pytest.MonkeyPatch.context() as patch:
        for name in ("S2P_HOME", "S2P_SHARE", "S2P_RESULTS", "S2P_DATABASE_URL", "S2P_SHELVES", "DAGSTER_HOME"):
            patch.setenv(name, "")
        graph = build(settings)
        status = process(graph.ctx, graph.definitions, lambda _: None)
        assert status["failures"] == []
        yield Companies(settings, graph, status)


@pytest.fixture(scope="module")
def raw_sales() -> pd.DataFrame:
    """The trading company's sales of all years, as pandas reads them."""
    rows = pd.concat([real.raw(name) for name in real.names() if real.kind(name) == "trading_sales"])
    return rows.assign(day=pd.to_datetime(rows["Date"], format="%m.%d.%Y"), units=rows["Qty"].astype(float))


def test_every_file_is_accounted_for(companies: Companies) -> None:
    files = companies.files()
    assert {path: file.workbook for path, file in files.items()} == {name: real.kind(name) for name in real.names()}
    unclaimed = [file["path"] for file in companies.status["unclaimed"]]
    assert not [path for path in unclaimed if path.startswith(tuple(f"{folder}/" for folder in real.FOLDERS))]
    assert all(book["waiting"] == 0 for book in companies.status["workbooks"])


def test_rows_loaded_and_rows_returned_are_those_that_pandas_counts(companies: Companies) -> None:
    for path, file in companies.files().items():
        counted = real.counted(path)
        told = (file.rows_read, file.rows_accepted, file.rows_returned)
        assert told == (counted.rows, counted.good, counted.bad), path


def test_every_returned_cell_breaks_a_rule_that_pandas_finds_broken_there(companies: Companies) -> None:
    with companies.graph.ctx.warehouse.connect() as connection:
        back = {file.path: file for file in summaries.returned_files(connection)}
    assert set(back) == {name for name in real.names() if real.counted(name).bad}
    for path, file in back.items():
        assert cells_by_rule(file.findings) == real.counted(path).cells, path
    assert all(file["copy"] for file in companies.status["sent_back"])


def test_a_table_holds_the_rows_of_its_files_and_of_two_vintages_each_brand_once(companies: Companies) -> None:
    names = real.names()
    for book in companies.graph.ctx.catalog.workbooks.values():
        rows = pd.concat([real.good(name) for name in names if real.kind(name) == book.full_name])
        expected = rows["Brand"].nunique() if book.full_name == "liquor_price_list" else len(rows)
        assert len(companies.rows(book.full_name)) == expected, book.full_name


def test_weekly_demand_holds_every_unit_sold_and_returned(companies: Companies, raw_sales: pd.DataFrame) -> None:
    demand = companies.rows("trading_demand")
    assert demand["units"].sum() == raw_sales["units"].sum()
    assert (demand["retail_units"] + demand["wholesale_units"]).sum() == pytest.approx(raw_sales["units"].sum())
    last = demand["week"].max()
    assert demand.loc[demand["week"] == last, "units"].sum() == raw_sales.loc[raw_sales["day"] >= last, "units"].sum()


def test_a_champion_of_six_forecasts_every_item_and_the_total_with_a_band(companies: Companies) -> None:
    items, total = companies.rows("trading_demand_forecast"), companies.rows("trading_total_forecast")
    assert set(items["sku"]) == set(companies.rows("trading_demand")["sku"])
    assert items.groupby("week")["mean"].sum().tolist() == pytest.approx(total.sort_values("week")["mean"].tolist())
    assert (total["q10"] < total["mean"]).all()
    assert (total["mean"] < total["q90"]).all()
    added_up = items.groupby("week")[["q10", "q90"]].sum().sum()
    assert total["q90"].sum() - total["q10"].sum() < added_up["q90"] - added_up["q10"]
    assert "of 6" in companies.status["models"][0]["why"]


def test_the_report_says_what_pandas_says_of_the_last_week(companies: Companies, raw_sales: pd.DataFrame) -> None:
    day, sold = raw_sales["day"], raw_sales["units"]
    week = day.max().normalize() - pd.Timedelta(days=6)
    now = int(sold[day >= week].sum())
    before = sold[(day >= week - pd.Timedelta(weeks=1)) & (day < week)].sum()
    back = int(-sold[(day >= week) & (sold < 0)].sum())
    year = int(sold[day.dt.year == week.year].sum())
    shelf = companies.settings.reports / "trading-weekly-outlook"
    assert {"latest.html", "latest.xlsx", f"{day.max():%Y-%m-%d}"} <= {path.name for path in shelf.iterdir()}
    page = (shelf / "latest.html").read_text(encoding="utf-8").replace("\N{NO-BREAK SPACE}", " ")
    assert f"{now:,} units sold in the week of 25 Dec 2023, {abs(now / before - 1):.1%}".replace("%", " %") in page
    assert f"{back:,} units came back." in page
    assert f"{year:,}" in page
    assert all(path in page for path in real.names() if real.kind(path).startswith("trading"))
