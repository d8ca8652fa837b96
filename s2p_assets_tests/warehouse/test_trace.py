"""Any stored value is walked back to the cell that it came from: the archived original holds it there."""

import csv
import datetime as dt
import functools
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.utils import coordinate_to_tuple

from s2p_assets.cli.printing.traces import number_lines, trace_lines
from s2p_assets.contracts.deliveries import DELIVERIES
from s2p_assets.publishing.editions.saved_numbers import read_saved_numbers
from s2p_assets.services.trace import TracedNumber, lineage_sources, trace_number
from s2p_assets.services.traced_models import models_behind
from s2p_assets.warehouse.tables import store
from s2p_assets.warehouse.trace.indexes import index_for_tracing
from s2p_assets.warehouse.trace.ledger_views import LEDGER_VIEWS
from s2p_assets.warehouse.trace.traced_rows import NotTraceable, SourceRows, TracedRow
from s2p_assets.warehouse.trace.tracer import Tracer
from s2p_assets_tests.retail_home import Company, Processed, nothing_set, sales

pytestmark = pytest.mark.long

SEED = 20261121
EMPTY = ("one_offs", "successors", "web_orders", "till_receipts", "erp_stock", "web_sales_by_day", "web_sales_features")
"""Workbooks that nobody at the sample company has had to write, and streams that nobody has pushed to."""
RETAIL = ("weekly_outlook", "reorder", "prices", "forecast_scorecard", "data_quality")
REPORTS = (*(f"retail_{name}" for name in RETAIL), "crm_pipeline", "f1_race_preview")


def traced(
    company: Company, place: tuple[str, str], where: dict[str, Any], *columns: str, most: int | None = 2
) -> SourceRows:
    with company.graph.ctx.warehouse.connect() as connection:
        sources = lineage_sources(company.graph.ctx.catalog)
        return Tracer(connection, sources, company.settings.archive).trace(place, where, columns, most=most)


def all_traced(company: Company, place: tuple[str, str], asked: list[tuple[dict[str, Any], str]]) -> list[SourceRows]:
    """The first path of one column of each row, over one connection."""
    sources, archive = lineage_sources(company.graph.ctx.catalog), company.settings.archive
    with company.graph.ctx.warehouse.connect() as connection:
        return [Tracer(connection, sources, archive).trace(place, where, (column,), most=1) for where, column in asked]


@pytest.fixture(scope="module")
def company(processed: Processed) -> Iterator[Company]:
    """The sample company with the other sample domains on its share."""
    with nothing_set():
        yield processed.with_other_domains()


def rows_of(company: Company, table: str, domain: str = "retail") -> list[dict[str, Any]]:
    declared = lineage_sources(company.graph.ctx.catalog)[domain, table]
    with company.graph.ctx.warehouse.connect() as connection:
        frame = store.read_rows(connection, domain, table, declared.columns)
    return [
        {str(name): value for name, value in row.items()}
        for row in frame.astype(object).where(frame.notna(), None).to_dict("records")
    ]


def leaves(group: SourceRows) -> Iterator[TracedRow]:
    """The rows of files at the end of every path."""
    for row in group.rows:
        if row.file:
            yield row
        for under in row.under:
            yield from leaves(under)


def written(archived: Path, sheet: str, cell: str) -> Any:
    """What stands in a cell, by a reader that s2p does not use for it."""
    row, column = coordinate_to_tuple(cell)
    if archived.suffix == ".csv":
        text = archived.read_bytes().decode("utf-8-sig")
        dialect = csv.Sniffer().sniff(text[:2000], delimiters=",;\t")
        return list(csv.reader(text.splitlines(), dialect))[row - 1][column - 1]
    return _opened(archived)[sheet].cell(row, column).value


@functools.cache
def _opened(archived: Path) -> openpyxl.Workbook:
    return openpyxl.load_workbook(archived, data_only=True)


def says_the_same(cell: Any, value: Any) -> bool:
    if isinstance(cell, dt.datetime):
        return bool(cell.date() == value)
    if isinstance(value, dt.date):
        parts = {part.lstrip("0") for part in str(cell).replace(".", "-").replace("/", "-").split("-")}
        return parts == {str(value.year), str(value.month), str(value.day)}
    if isinstance(value, str):
        return str(cell).strip() == value or str(cell).lstrip("0") == value.lstrip("0")
    number = str(cell).replace("€", "").replace("$", "").replace("EUR", "").replace("\N{NO-BREAK SPACE}", "").strip()
    if "," in number and number.rfind(",") > number.rfind("."):
        number = number.replace(".", "").replace(",", ".")
    return float(number.replace(",", "")) == pytest.approx(float(value))


def test_a_hundred_values_of_every_table_stand_in_the_cells_that_are_named(company: Company) -> None:
    chosen = random.Random(SEED)
    books = company.graph.ctx.catalog.workbooks.values()
    meant = {said: meant for book in books for column in book.columns for said, meant in column.replace}
    for (domain, table), declared in lineage_sources(company.graph.ctx.catalog).items():
        if table == DELIVERIES or (domain, table) in LEDGER_VIEWS:  # rows that are files, not made of cells
            continue
        rows = rows_of(company, table, domain)
        if table in EMPTY and not rows:
            continue
        asked = []
        for _ in range(100):
            row = chosen.choice(rows)
            column = chosen.choice([column.name for column in declared.columns if column.name not in declared.key])
            key = {name: row[name] for name in declared.key} or row
            asked.append(({name: value for name, value in key.items() if value is not None}, column))
        looked = 0
        for leaf in (leaf for found in all_traced(company, (domain, table), asked) for leaf in leaves(found)):
            assert leaf.file
            assert leaf.file.archived
            for name, cell in leaf.file.cells.items():
                looked += 1
                there = written(leaf.file.archived, leaf.file.sheet, cell)
                if leaf.values[name] is not None and meant.get(there) != leaf.values[name]:
                    assert says_the_same(there, leaf.values[name]), (table, leaf, there)
        assert looked > 50, table


@pytest.mark.parametrize(
    ("table", "column"),
    [("demand", "units"), ("demand", "retail_units"), ("demand", "wholesale_units"), ("stock_position", "on_hand")],
)
def test_what_lies_under_a_sum_adds_up_to_it(company: Company, table: str, column: str) -> None:
    declared = lineage_sources(company.graph.ctx.catalog)["retail", table]
    rows = rows_of(company, table)
    for row in random.Random(SEED).sample(rows, min(len(rows), 40)):
        (found,) = traced(company, ("retail", table), {name: row[name] for name in declared.key}, column).rows
        assert sum(group.total or 0 for group in found.under) == pytest.approx(row[column])


def test_a_price_is_traced_to_the_list_that_set_it(company: Company) -> None:
    for row in random.Random(SEED).sample(rows_of(company, "products"), 40):
        key = {name: row[name] for name in ("sku", "valid_from")}
        (found,) = traced(company, ("retail", "products"), key, "msrp").rows
        (group,) = found.under
        (leaf,) = group.rows
        assert float(leaf.values["msrp"]) == row["msrp"]


def test_the_price_of_a_week_to_come_is_traced_to_the_list_that_has_it(company: Company) -> None:
    ahead = [row for row in rows_of(company, "demand_features") if row["units"] is None]
    assert ahead
    for row in random.Random(SEED).sample(ahead, 10):
        key = {name: row[name] for name in ("sku", "week")}
        (leaf,) = leaves(traced(company, ("retail", "demand_features"), key, "unit_price"))
        assert leaf.file
        assert leaf.file.path.startswith("prices/")
        assert float(leaf.values["msrp"]) == row["unit_price"]


def test_a_forecast_is_traced_to_the_sales_that_its_model_learned_from(company: Company) -> None:
    row = rows_of(company, "demand_forecast")[0]
    found = traced(company, ("retail", "demand_forecast"), {name: row[name] for name in ("sku", "week")}, "mean")
    paths = {leaf.file.path.split("/")[0] for leaf in leaves(found) if leaf.file}
    assert "sales" in paths


def test_a_forecast_names_the_model_version_and_the_features_that_it_learned_from(company: Company) -> None:
    row = rows_of(company, "demand_forecast")[0]
    found = traced(company, ("retail", "demand_forecast"), {name: row[name] for name in ("sku", "week")}, "mean")
    (behind,) = models_behind(company.graph.ctx, [found], dt.datetime.now().astimezone())
    assert f"by {row['model']}, version {row['model_version']}" in behind.sentence
    assert "on retail.demand_features, version" in behind.sentence


def test_a_person_reads_where_a_number_comes_from(company: Company) -> None:
    row = next(row for row in rows_of(company, "demand") if row["retail_units"])
    key = {name: row[name] for name in ("sku", "week")}
    lines = [line for _, line in trace_lines(traced(company, ("retail", "demand"), key, "retail_units"))]
    assert (
        lines[0]
        == f"retail.demand sku={row['sku']} week={row['week']:%Y-%m-%d}: retail_units = {row['retail_units']:g}"
    )
    assert any("sales/retail/" in line and "›" in line for line in lines)
    assert any("original kept as" in line for line in lines)


def published(company: Company, wanted: str, report: str = "retail_weekly_outlook") -> TracedNumber:
    return trace_number(company.graph.ctx, report, wanted, edition=None, most=2)


@pytest.mark.parametrize(
    ("report", "wanted"),
    [
        *(("retail_weekly_outlook", wanted) for wanted in ("F1", "F3", "F4", "T2.1.2", "T3.1.2", "T4.1.3", "t5.1.4")),
        *(("retail_reorder", wanted) for wanted in ("F1", "F3", "F4", "T1.1.3", "T1.1.4", "T2.1.5", "T4.2.8")),
        *(("retail_data_quality", wanted) for wanted in ("F2", "T7.1.8")),
        *(("retail_forecast_scorecard", wanted) for wanted in ("F2", "F5", "T1.2.2", "T1.3.4", "T5.1.4")),
        ("retail_prices", "T2.1.4"),
    ],
)
def test_what_lies_under_a_reports_number_adds_up_to_it(company: Company, report: str, wanted: str) -> None:
    traced_number = published(company, wanted, report)
    (group,) = traced_number.under
    assert group.total == pytest.approx(float(traced_number.number.value))
    assert list(ends(group))


def ends(group: SourceRows) -> Iterator[TracedRow]:
    """Rows of files, and files themselves where the number is about files that nobody claims."""
    yield from leaves(group)
    yield from (row for row in group.rows if row.table == "retail.deliveries" and not row.under)


def test_rows_that_were_returned_are_traced_to_the_cells_that_were_found_bad(company: Company) -> None:
    found = published(company, "T1.1.6", "retail_data_quality")
    (group,) = found.under
    assert group.total == found.number.value
    refused = [leaf for leaf in leaves(group) if leaf.file and leaf.file.cells]
    for leaf in refused:
        assert leaf.file
        assert leaf.file.archived
        cell = leaf.file.cells["value"]
        assert says_the_same(written(leaf.file.archived, leaf.file.sheet, cell), leaf.values["value"])
        assert f"{leaf.file.sheet} › {cell} = {leaf.values['value']}, message = " in lines_of(found)
    assert refused


def test_rows_that_were_taken_are_traced_to_the_sheets_that_held_them(company: Company) -> None:
    (group,) = published(company, "F2", "retail_data_quality").under
    for row in group.rows:
        (sheets,) = row.under
        assert sheets.total == row.values["rows_accepted"]
        assert all(leaf.file and leaf.file.sheet for leaf in sheets.rows)


def lines_of(found: TracedNumber) -> str:
    return "\n".join(line for _, line in number_lines(found))


def test_how_many_files_there_are_is_traced_to_each_of_them_and_none_to_nothing(company: Company) -> None:
    (group,) = published(company, "F1", "retail_data_quality").under
    assert (group.count, group.total) == (published(company, "F1", "retail_data_quality").number.value, None)
    owners = read_saved_numbers(sorted((company.settings.home / "editions/retail_data_quality").glob("*.json"))[-1])
    settled = [row[owners["tables"][5]["names"].index("settled")] for row in owners["tables"][5]["rows"]]
    nothing = published(company, f"T6.{settled.index(0) + 1}.3", "retail_data_quality")
    assert [group.count for group in nothing.under] == [0]


def test_every_report_is_here(company: Company) -> None:
    assert set(company.graph.ctx.catalog.reports) == {*REPORTS}


@pytest.mark.parametrize("report", REPORTS)
def test_every_number_that_bears_an_id_is_traced_to_a_cell(company: Company, report: str) -> None:
    page = (company.settings.reports / report.replace("_", "-") / "latest.html").read_text(encoding="utf-8")
    ids = sorted({one for ids in re.findall(r'<a data-number="([^"]+)"', page) for one in ids.split()})
    assert len(ids) > 25
    for wanted in random.Random(SEED).sample(ids, min(len(ids), 100)):
        found = published(company, wanted, report)
        is_nothing = found.number.value == 0  # where nothing was sold, there is no cell that says so
        assert is_nothing or any(list(ends(group)) for group in found.under), wanted


def test_a_point_of_a_chart_bears_the_id_of_its_number_and_is_traced_to_cells(company: Company) -> None:
    page = (company.settings.reports / "retail-weekly-outlook" / "latest.html").read_text(encoding="utf-8")
    sold = re.findall(r"Units sold: ([0-9,]+) \[(C1\.\d+\.1)\]", page)
    assert len(sold) > 50
    for said, wanted in (sold[-1], sold[-9]):
        (group,) = published(company, wanted).under
        assert group.total == pytest.approx(float(said.replace(",", "")))
        assert list(leaves(group))
    for wanted in re.findall(r"Forecast: [0-9,]+ \[(C1\.\d+\.2)\]", page)[-1:]:
        assert published(company, wanted).under[0].table == "retail.total_forecast"
    scores = (company.settings.reports / "retail-forecast-scorecard" / "latest.html").read_text(encoding="utf-8")
    assert "[T1.1.2]" in scores


def test_excel_says_how_to_ask_where_a_number_is_from(company: Company) -> None:
    book = openpyxl.load_workbook(company.settings.reports / "retail-weekly-outlook" / "latest.xlsx")
    comments = [cell.comment.text for sheet in book for row in sheet for cell in row if cell.comment]
    assert "s2p trace retail_weekly_outlook F1 --edition 2026-03-29" in comments
    assert any("for example T8.1.3" in comment for comment in comments)
    sheet = book["What runs out first"]
    assert [sheet.cell(row, sheet.max_column).value for row in (4, 5, 6)] == ["Row", "T8.1", "T8.2"]


def test_a_number_that_an_edition_does_not_have_is_refused_with_those_it_has(company: Company) -> None:
    with pytest.raises(NotTraceable, match=r"2026-03-29 has F1 to F6, T2\.1\.1 to T2\.\d+\.8"):
        published(company, "F9")
    with pytest.raises(NotTraceable, match="no number that was made from stored values"):
        published(company, "T4.1.1")


def test_a_large_table_is_indexed_once_by_what_traces_look_for(company: Company) -> None:
    catalog = company.graph.ctx.catalog
    sold = catalog.workbooks["retail_wholesale_sales"]
    assert catalog.trace_indexes(sold) == [("ship_date",), ("sku", "ship_date")]
    assert catalog.trace_indexes(catalog.workbooks["retail_price_list"]) == [("sku", "effective_date")]
    assert catalog.trace_indexes(catalog.features["retail_demand_features"])[-1] == ("week",)
    query = (
        "select indexname from pg_indexes where tablename = 'wholesale_sales__rows' and strpos(indexname, '__by_') > 0"
    )
    with company.graph.ctx.warehouse.connect() as connection:
        assert connection.execute(query).fetchall() == []
        for _ in range(2):
            index_for_tracing(connection, sold, catalog.trace_indexes(sold), min_rows=10)
        found = sorted(name for (name,) in connection.execute(query))
    assert found == ["wholesale_sales__by_ship_date", "wholesale_sales__by_sku_ship_date"]


def test_a_value_is_traced_after_its_file_was_edited_moved_and_deleted(company: Company) -> None:
    """Comes last: what is made of sales is older than they are then."""
    share = company.settings.share
    file = sales(share / "sales/retail/traced.xlsx", 7, sku="TRC-1")
    company.ingest("retail_retail_sales")
    file = file.rename(share / "sales/retail/traced again.xlsx")
    company.ingest("retail_retail_sales")
    file.unlink()
    company.ingest("retail_retail_sales")
    found = traced(company, ("retail", "retail_sales"), {"sku": "TRC-1"}, "quantity")
    (leaf,) = leaves(found)
    assert leaf.file
    assert leaf.file.archived
    assert (leaf.file.cells, written(leaf.file.archived, leaf.file.sheet, "B2")) == ({"quantity": "B2"}, 7)
