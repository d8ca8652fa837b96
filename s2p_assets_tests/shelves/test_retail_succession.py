"""Promises of predecessors and successors: history carries over in the new units, and a trace leads through it."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest

from s2p_assets.definitions import build
from s2p_assets.features.retail_demand_features import demand_features
from s2p_assets.graph.running.headless import process
from s2p_assets.learning.forecasting.supersession import SuccessionUnclear, carry_over, last_successors, leads_back
from s2p_assets.services.implausible import implausible_values
from s2p_assets.services.trace import lineage_sources
from s2p_assets.settings import Settings
from s2p_assets.spreadsheet.sandbox import Sandbox
from s2p_assets.tables.retail_demand import Demand, demand
from s2p_assets.warehouse.tables import store
from s2p_assets.warehouse.trace.tracer import Tracer
from s2p_assets.workbooks.retail_successors import successors
from s2p_assets_tests.retail_home import nothing_set

MONDAY = dt.date(2026, 1, 5)
WEEKS = 30
ODD_WEEK = 28


def pairs(*lines: tuple[str, str, float | None]) -> pd.DataFrame:
    return pd.DataFrame(lines, columns=["predecessor", "successor", "old_units_per_new"])


def week(number: int) -> pd.Timestamp:
    return pd.Timestamp(MONDAY) + pd.Timedelta(weeks=number)


def weekly(*lines: tuple[str, int, float, float, bool]) -> pd.DataFrame:
    rows = pd.DataFrame(lines, columns=["sku", "week", "units", "unit_price", "censored"])
    return rows.assign(week=rows["week"].map(week), revenue=rows["units"] * rows["unit_price"])


def carried(rows: pd.DataFrame, *lines: tuple[str, str, float | None]) -> pd.DataFrame:
    return carry_over(
        *(rows, pairs(*lines)),
        key="sku",
        quantities=["units"],
        prices=["unit_price"],
        amounts=["revenue"],
        flags=["censored"],
    )


def test_a_line_of_articles_ends_at_its_last_and_factors_multiply() -> None:
    line = last_successors(pairs(("A", "B", None), ("B", "C", 12.0), ("X", "C", 6.0)))
    assert line["successor"].to_dict() == {"A": "C", "B": "C", "X": "C"}
    assert line["old_units"].to_dict() == {"A": 12.0, "B": 12.0, "X": 6.0}


def test_pieces_become_cases_in_units_and_price_and_the_money_stays() -> None:
    rows = weekly(("EACH", 0, 24.0, 2.0, False), ("EACH", 1, 12.0, 2.0, True), ("CASE", 1, 3.0, 20.0, False))
    found = carried(rows, ("EACH", "CASE", 12.0)).set_index("week")
    assert set(found["sku"]) == {"CASE"}
    assert found["units"].tolist() == [2.0, 4.0]
    assert found["unit_price"].tolist() == [24.0, 20.0]
    assert found["revenue"].tolist() == [48.0, 84.0]
    assert found["censored"].tolist() == [False, False]
    assert found["carried_from"].tolist() == ["EACH", "EACH"]
    assert found["carried_units"].tolist() == ["12", "12"]


def test_what_belongs_to_no_line_is_as_it_was() -> None:
    rows = weekly(("A", 0, 1.0, 1.0, False), ("B", 0, 2.0, 1.0, False), ("OTHER", 0, 3.0, 1.0, True))
    found = carried(rows, ("A", "NEW", None))
    assert found.set_index("sku")["units"].to_dict() == {"B": 2.0, "NEW": 1.0, "OTHER": 3.0}
    assert found["carried_from"].notna().tolist() == [False, True, False]
    assert carried(rows)["carried_from"].isna().all()


def test_a_circle_is_refused_by_name() -> None:
    circle = pairs(("A", "B", None), ("B", "A", None), ("C", "A", None))
    assert leads_back(circle["predecessor"], circle["successor"]).tolist() == [True, True, False]
    with pytest.raises(SuccessionUnclear, match="A, B follow one another in a circle"):
        last_successors(circle)


def save(file: Path, header: list[str], rows: list[list[Any]]) -> Path:
    book = openpyxl.Workbook()
    for row in (header, *rows):
        book.worksheets[0].append(row)
    file.parent.mkdir(parents=True, exist_ok=True)
    book.save(file)
    return file


def test_the_clerk_hears_of_a_circle_in_its_cells(tmp_path: Path) -> None:
    file = save(tmp_path / "list.xlsx", ["Old SKU", "New SKU", "Factor"], [["A", "B", 1], ["B", "A", 1], ["C", "C", 1]])
    with Sandbox() as sandbox:
        reading = sandbox.read(file, [successors])
    assert [finding.cell for finding in reading.findings] == ["B2", "B3", "B4"]
    assert "cannot follow itself" in reading.findings[0].message


@pytest.fixture(scope="module")
def home(folder: Path, database_url: str) -> Iterator[Settings]:
    """A company with two articles, of which one was the other until its 20th week, in pieces."""
    share = folder / "share"
    sold = []
    for number in range(WEEKS):
        first = MONDAY + dt.timedelta(weeks=number)
        last = first + dt.timedelta(days=6)
        sold.append(["EACH", 24, first, last] if number < 20 else ["CASE", 2, first, last])
        sold.append(["LAMP", 2000 if number == ODD_WEEK else 5 + number % 3, first, last])
    save(share / "sales/retail/tills.xlsx", ["SKU", "Quantity", "From date", "To date"], sold)
    prices = [[sku, sku.title(), 9.0, 8.0, 7.0, MONDAY] for sku in ("EACH", "LAMP", "CASE")]
    save(share / "prices/list.xlsx", ["SKU", "Description", "MSRP", "T2 cost", "Item cost", "Effective date"], prices)
    save(share / "successors/list.xlsx", ["Old SKU", "New SKU", "Old units per new unit"], [["EACH", "CASE", 12]])
    with nothing_set():
        settings = Settings(home=folder / "home", share=share)
        graph = build(settings)
        process(graph.ctx, graph.definitions, lambda _: None)
        yield settings


@pytest.mark.long
def test_demand_goes_on_under_the_new_number_and_every_unit_is_traced_to_its_cell(home: Settings) -> None:
    ctx = build(home).ctx
    with ctx.warehouse.connect() as conn:
        rows = store.read_rows(conn, "retail", "demand", demand.columns)
        case = rows[rows["sku"] == "CASE"]
        assert set(rows["sku"]) == {"CASE", "LAMP"}
        assert len(case) == WEEKS
        assert set(case["units"].astype(float)) == {2.0}
        tracer = Tracer(conn, lineage_sources(ctx.catalog), home.archive)
        old = tracer.trace(("retail", "demand"), {"sku": "CASE", "week": MONDAY}, ("units",))
        groups = {group.table: group for group in old.rows[0].under}
        sold = groups["retail.retail_sales"]
        assert sold.count == 1
        assert sold.total == pytest.approx(2.0)
        assert sold.rows[0].values["quantity"] == 24
        assert groups["retail.successors"].rows[0].file is not None
        assert groups["retail.successors"].rows[0].values == {"old_units_per_new": 12.0}
        new = tracer.trace(("retail", "demand"), {"sku": "CASE", "week": MONDAY + dt.timedelta(weeks=25)}, ("units",))
        (own,) = [group for group in new.rows[0].under if group.count]
        assert own.table == "retail.retail_sales"
        assert own.total == pytest.approx(2.0)
    assert {column.name for column in demand.columns} == set(Demand.__annotations__)


@pytest.mark.long
def test_a_one_off_is_told_with_its_cell_and_damped_in_learning(home: Settings) -> None:
    ctx = build(home).ctx
    with ctx.warehouse.connect() as conn:
        (told,) = implausible_values(ctx, conn)
        features = store.read_rows(conn, "retail", "demand_features", demand_features.columns)
    odd = MONDAY + dt.timedelta(weeks=ODD_WEEK)
    assert (told.entity, told.time, told.value, told.counts_as) == ("LAMP", odd.isoformat(), 2000.0, 7.0)
    assert told.cells == (f"sales/retail/tills.xlsx › Sheet › B{2 * ODD_WEEK + 3} = 2000",)
    of_next = features[(features["sku"] == "LAMP") & (features["week"] == pd.Timestamp(odd + dt.timedelta(weeks=1)))]
    assert of_next["lag_1"].tolist() == [7.0]
