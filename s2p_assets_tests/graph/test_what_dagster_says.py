"""What engineers see in Dagster says what people are told: too old, late, to be corrected, and by which file."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from s2p_assets.contracts.schedule import Expected, ExpectedPeriod
from s2p_assets.definitions import Graph, build
from s2p_assets.graph.asset_keys import FILES
from s2p_assets.graph.assets.delivery_assets import _nothing_late
from s2p_assets.graph.checks.open_corrections import correction_evaluations, file_partition
from s2p_assets.graph.evaluations import newest_event, touched_since, turned_since
from s2p_assets.graph.running.instance import withdraw_materializations
from s2p_assets.services.ingested_file import IngestedFile
from s2p_assets.settings import Settings
from s2p_assets.warehouse.files.expected import MissingFile
from s2p_assets_tests.benchmarks.week_company import OWNERS_OF_A_DOMAIN, Size, write_shelves


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    return build(Settings(home=tmp_path_factory.mktemp("home")))


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def test_what_is_expected_grows_too_old_and_so_does_what_is_made_of_it(graph: Graph) -> None:
    policies = {
        node.key.to_user_string(): node.freshness_policy
        for node in graph.definitions.resolve_asset_graph().asset_nodes
        if node.freshness_policy
    }
    windows = {name: policy.fail_window.to_timedelta().days for name, policy in policies.items()}  # type: ignore[attr-defined]
    assert windows["retail/retail_sales"] == 42  # a month, and by the 10th
    assert windows["retail/demand"] == windows["retail/weekly_outlook"] == min(windows.values())
    assert not [name for name in windows if "boosting" in name or "champion" in name or name.endswith("_sheet")]


def test_groups_are_small_enough_to_read(graph: Graph) -> None:
    nodes = list(graph.definitions.resolve_asset_graph().asset_nodes)
    sizes = {name: sum(node.group_name == name for node in nodes) for name in {node.group_name for node in nodes}}
    assert {name.partition("/")[2] for name in sizes if "/" in name} == {
        *("workbooks", "streams", "tables", "features", "models", "reports")
    }
    assert all("/" in name or name == "s2p" for name in sizes)


def test_a_report_page_begins_with_the_ways_to_the_report(graph: Graph) -> None:
    node = graph.definitions.resolve_asset_graph().get(dg.AssetKey(["retail", "weekly_outlook"]))
    assert (node.description or "").startswith("[Newest edition](http://127.0.0.1:3000/reports/retail-weekly-outlook/")


def test_who_is_late_is_named_with_whose_it_is() -> None:
    october = ExpectedPeriod(dt.date(2026, 10, 1), dt.date(2026, 10, 31), "October 2026")
    expected = Expected(october, dt.date(2026, 11, 10), "Berlin", is_late=True)
    late = _nothing_late([MissingFile("retail_sales", "till@example.com", expected)])
    assert not late.passed
    assert "sales of Berlin for October 2026" in str(late.metadata["late"].value)
    assert "till@example.com" in str(late.metadata["late"].value)
    assert _nothing_late([]).passed


def test_a_file_that_came_back_is_marked_with_the_way_to_its_copy(graph: Graph, tmp_path: Path) -> None:
    copy = graph.ctx.settings.returned / "prices/May.xlsx"
    copy.parent.mkdir(parents=True)
    copy.touch()
    bad = IngestedFile("prices/May.xlsx", None, problem="it is cut off")
    (said,) = correction_evaluations(graph.ctx, [bad])
    assert (said.partition, said.passed, said.description) == ("prices/May.xlsx", False, "it is cut off")
    assert str(said.metadata["marked copy"].value).endswith("/api/v1/files/marked-copy?path=prices%2FMay.xlsx")
    assert file_partition("a...b\n.xlsx") == "a_b_.xlsx"


def test_what_waits_for_its_owner_is_green_no_more_and_the_others_are(instance: dg.DagsterInstance) -> None:
    instance.add_dynamic_partitions("s2p_files", ["good", "bad"])
    for partition in ("good", "bad"):
        instance.report_runless_asset_event(dg.AssetMaterialization(FILES, partition=partition))
    withdraw_materializations(instance, FILES, ["bad"])
    assert instance.get_materialized_partitions(FILES) == {"good"}
    instance.report_runless_asset_event(dg.AssetMaterialization(FILES, partition="bad"))
    assert instance.get_materialized_partitions(FILES) == {"good", "bad"}


def test_that_something_grew_too_old_asks_for_no_evaluation(instance: dg.DagsterInstance) -> None:
    from dagster._core.definitions.freshness import FreshnessState, FreshnessStateChange

    before = newest_event(instance)
    states = {"previous_state": FreshnessState.PASS, "new_state": FreshnessState.FAIL}
    instance._report_runless_asset_event(FreshnessStateChange(key=FILES, state_change_timestamp=1.0, **states))
    assert newest_event(instance) > before
    assert not turned_since(instance, before)
    assert touched_since(instance, before).keys == set()


def test_two_domains_may_name_a_table_and_its_rows_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_shelves(tmp_path / "alike_shelves", Size(files=1, owners=OWNERS_OF_A_DOMAIN + 1, days=1, bursts=1))
    monkeypatch.syspath_prepend(tmp_path)
    settings = Settings(home=tmp_path / "home", share=tmp_path, shelves=("alike_shelves",))
    loaded = build(settings).definitions.get_repository_def()
    loaded.load_all_definitions()
    keys = loaded.asset_graph.get_all_asset_keys()
    assert {dg.AssetKey(["part1", "takings"]), dg.AssetKey(["part2", "takings"])} <= keys
