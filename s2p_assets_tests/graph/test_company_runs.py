"""What the graph promises from the share to the report, run headless on real workbooks and a real PostgreSQL."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import openpyxl
import pytest

from s2p_assets.graph.asset_keys import EXPECTED, FILES
from s2p_assets.graph.checks.open_corrections import NOTHING_TO_CORRECT
from s2p_assets.graph.running.headless import process
from s2p_assets.graph.running.instance import open_instance
from s2p_assets.samples import retail_share
from s2p_assets.services.status import forget_file
from s2p_assets_tests.retail_home import Company, sales

pytestmark = pytest.mark.long


@pytest.fixture
def instance(company: Company) -> Iterator[dg.DagsterInstance]:
    with open_instance(company.settings) as opened:
        yield opened


def metadata(instance: dg.DagsterInstance, *path: str) -> dict[str, Any]:
    event = instance.get_latest_materialization_event(dg.AssetKey(list(path)))
    assert event is not None
    assert event.asset_materialization is not None
    return dict(event.asset_materialization.metadata)


def test_the_first_pass_reaches_the_report(company: Company) -> None:
    reports = list((company.settings.reports / "retail-weekly-outlook").iterdir())
    assert {"latest.html", "latest.xlsx", "2026-03-29"} <= {path.name for path in reports}
    assert (company.settings.reports / "index.html").exists()


def test_each_planted_fault_comes_back_and_the_rest_is_loaded(company: Company) -> None:
    graph = company.graph
    status = process(graph.ctx, graph.definitions, lambda _: None)
    back = {file["path"]: file for file in status["sent_back"]}
    unclaimed = {file["path"]: file["says"] for file in status["unclaimed"]}
    assert set(back) | set(unclaimed) == {fault.path for fault in retail_share.MISTAKES}
    assert all(Path(file["copy"]).exists() for file in back.values())
    assert "none of its columns is known here" in unclaimed["Warehouse rota.xlsx"]
    assert all(book["waiting"] == 0 for book in status["workbooks"])


def test_a_pass_over_an_unchanged_share_makes_nothing(company: Company) -> None:
    assert company.made() == []


def test_a_file_becomes_late_by_the_passing_of_time_alone(company: Company, instance: dg.DagsterInstance) -> None:
    """A month ago other periods were due; no file has come since, and what tells of missing files is made again."""
    reported = dg.AssetMaterialization(EXPECTED, tags={"dagster/data_version": "what was due a month ago"})
    instance.report_runless_asset_event(reported)
    assert "retail/deliveries" in company.made()
    assert company.made() == []


def test_people_find_every_file_in_the_catalogue(company: Company, instance: dg.DagsterInstance) -> None:
    partitions = set(instance.get_dynamic_partitions("s2p_files"))
    on_share = {str(file.relative_to(company.settings.share)) for file in company.settings.share.glob("prices/*.xlsx")}
    assert on_share <= partitions
    bad = "prices/New prices (draft).xlsx"
    event = instance.fetch_observations(dg.AssetRecordsFilter(FILES, asset_partitions=[bad]), limit=1).records[0]
    assert event.asset_observation is not None
    shown = event.asset_observation.metadata
    assert shown["verdict"].value == "returned"
    assert "E8" in str(shown["findings"].value)
    assert str(shown["marked copy"].value).endswith("/files/marked-copy?path=prices%2FNew%20prices%20%28draft%29.xlsx")
    green = instance.get_materialized_partitions(FILES)
    assert bad not in green
    assert on_share - {bad} <= green
    check = dg.AssetCheckKey(FILES, NOTHING_TO_CORRECT)
    history = instance.event_log_storage.get_asset_check_execution_history(check, limit=500)
    failed = {record.partition for record in history if record.evaluation and not record.evaluation.passed}
    assert bad in failed
    assert not failed & green


def test_a_file_can_be_taken_again_by_its_name(company: Company, instance: dg.DagsterInstance) -> None:
    path = "prices/New prices (draft).xlsx"
    (company.settings.returned / path).unlink()
    job = company.graph.definitions.resolve_implicit_global_asset_job_def()
    config = {"ops": {"retail__price_list_sheet": {"config": {"files": [path]}}}}
    keys = [dg.AssetKey(["retail", "price_list_sheet"]), dg.AssetKey(["retail", "price_list"])]
    assert job.execute_in_process(instance=instance, run_config=config, asset_selection=keys).success
    assert (company.settings.returned / path).exists()


def test_engineers_see_schema_lineage_rows_and_a_preview(company: Company, instance: dg.DagsterInstance) -> None:
    shown = metadata(instance, "retail", "products")
    lineage = shown["dagster/column_lineage"].value.deps_by_column
    assert lineage["msrp"][0].asset_key == dg.AssetKey(["retail", "price_list"])
    assert shown["dagster/row_count"].value > 0
    assert "sku" in shown["preview"].value
    spec = company.graph.definitions.resolve_asset_graph().get(dg.AssetKey(["retail", "products"]))
    assert {column.name for column in spec.metadata["dagster/column_schema"].columns} >= {"sku", "valid_from"}
    assert spec.owners
    assert spec.kinds
    assert spec.description


def test_a_report_shows_its_picture_and_where_it_lies(instance: dg.DagsterInstance, company: Company) -> None:
    shown = metadata(instance, "retail", "weekly_outlook")
    assert Path(shown["path"].value).is_file()
    assert re.search(r"\]\(http://127\.0\.0\.1:\d+/reports/retail-weekly-outlook/.+\.png\)$", shown["picture"].value)
    assert shown["report"].value.startswith("http://127.0.0.1:")


def test_a_model_says_why_it_was_trained_and_from_what(instance: dg.DagsterInstance, company: Company) -> None:
    shown = metadata(instance, "retail", "demand_boosting")
    assert shown["why"].value.startswith("first training, on ")
    assert "retail_retail_sales" in shown["workbooks"].value
    assert "Wholesale 2026-03.xlsx" in shown["loaded since"].value
    assert shown["rows new or changed"].value == shown["rows learned from"].value
    made = instance.fetch_materializations(dg.AssetKey(["retail", "demand_features"]), limit=100).records
    versions = {
        one.tags.get("dagster/data_version") for record in made if (one := record.asset_materialization) and one.tags
    }
    assert shown["feature version"].value in versions


@dataclass
class Dropped:
    """What one pass made of many files at once: units sold before and after it, and its runs."""

    company: Company
    before: float
    after: float
    runs: list[dict[str, Any]]

    def file(self, name: str) -> Path:
        return self.company.settings.share / "sales/retail" / name

    @property
    def copy_of_the_wrong(self) -> Path:
        return self.company.settings.returned / "sales/retail/wrong.xlsx"


@pytest.fixture(scope="module")
def dropped(company: Company) -> Dropped:
    folder = company.settings.share / "sales/retail"
    sales(folder / "touched.xlsx", 5)
    sales(folder / "original.xlsx", 7, "TWICE-1")
    sales(folder / "corrected.xlsx", 10, "CORRECTED-1")
    sales(folder / "mistake.xlsx", 1000, "MISTAKE-1")
    for number in range(40):
        sales(folder / f"batch/{number}.xlsx", 1, f"BATCH-{number}")
    file = sales(folder / "wrong.xlsx", 100, "WRONG-1")
    book = openpyxl.load_workbook(file)
    book.worksheets[0]["B2"] = "a few"
    book.save(file)
    before = company.units("retail_sales")
    runs = company.run()["runs"]
    return Dropped(company, before, company.units("retail_sales"), runs)


def test_many_files_dropped_at_once_are_one_run_for_their_kind(dropped: Dropped) -> None:
    assert dropped.after == dropped.before + 5 + 7 + 10 + 1000 + 40
    assert sum("retail/retail_sales_sheet" in run["assets"] for run in dropped.runs) == 1


def test_a_touched_file_stops_at_its_table(dropped: Dropped) -> None:
    dropped.file("touched.xlsx").touch()
    assert dropped.company.made() == ["retail/deliveries", "retail/retail_sales", "retail/retail_sales_sheet"]


@pytest.fixture(scope="module")
def mended(dropped: Dropped) -> Dropped:
    """The same after a copy, two corrections and a file forgotten, in one more pass."""
    assert dropped.copy_of_the_wrong.exists()
    shutil.copy(dropped.file("original.xlsx"), dropped.file("copy of original.xlsx"))
    sales(dropped.file("corrected.xlsx"), 14, "CORRECTED-1")
    sales(dropped.file("wrong.xlsx"), 3, "WRONG-1")
    company = dropped.company
    assert forget_file(company.graph.ctx, "sales/retail/mistake.xlsx") == 1
    runs = company.run()["runs"]
    return Dropped(company, dropped.after, company.units("retail_sales"), runs)


def test_the_same_content_under_another_name_is_not_counted_twice(mended: Dropped) -> None:
    assert mended.company.units("retail_sales", "TWICE-1") == 7


def test_new_bytes_replace_exactly_that_files_rows(mended: Dropped) -> None:
    assert mended.company.units("retail_sales", "CORRECTED-1") == 14
    assert mended.after == mended.before + 4 + 3 - 1000


def test_a_corrected_file_clears_its_marked_copy(mended: Dropped) -> None:
    assert not mended.copy_of_the_wrong.exists()
    assert mended.company.units("retail_sales", "WRONG-1") == 3


def test_a_forgotten_files_rows_are_withdrawn(mended: Dropped) -> None:
    assert mended.company.units("retail_sales", "MISTAKE-1") == 0
