"""What `s2p run` promises beside a living `s2p up`: it waits for what the servers make, or says what is not there."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from s2p_assets.graph.running.locks import headless_tags, servers_tags, unfinished_server_runs
from s2p_assets.graph.running.one_run import PassResult
from s2p_assets.graph.running.turns import servers_lock
from s2p_assets.graph.running.waves import HeadlessPass
from s2p_assets.settings import Settings


@dg.asset
def table() -> None:
    """What the servers make."""


@dg.asset(deps=[table], automation_condition=dg.AutomationCondition.eager())
def report() -> None:
    """What follows from it."""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", share=tmp_path / "share")


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as opened:
        yield opened


@pytest.fixture
def run(settings: Settings, instance: dg.DagsterInstance) -> dg.DagsterRun:
    """A run of the servers that is under way."""
    under_way = dg.DagsterRun(
        "servers",
        status=dg.DagsterRunStatus.STARTED,
        tags=servers_tags(settings),
        asset_selection=frozenset({table.key}),
    )
    return instance.add_run(under_way)


def headless(settings: Settings, instance: dg.DagsterInstance, longest_wait: float = 60.0) -> PassResult:
    waves = HeadlessPass(
        dg.Definitions([table, report]),
        instance,
        lambda _: None,
        headless_tags(settings),
        server_runs=lambda: unfinished_server_runs(settings, instance),
        longest_wait=longest_wait,
    )
    return waves.run(lambda: None)


def test_a_pass_with_nothing_new_is_one_quiet_evaluation(settings: Settings, instance: dg.DagsterInstance) -> None:
    def evaluations() -> int:
        waves = HeadlessPass(dg.Definitions([table, report]), instance, lambda _: None, headless_tags(settings))
        waves.run(lambda: None)
        return waves.evaluations

    evaluations()
    assert evaluations() == 1
    instance.report_runless_asset_event(dg.AssetMaterialization(table.key))
    assert evaluations() > 1
    assert evaluations() == 1


def test_what_the_servers_are_making_is_waited_for_and_what_follows_is_made(
    settings: Settings, instance: dg.DagsterInstance, run: dg.DagsterRun
) -> None:
    headless(settings, instance, longest_wait=0)

    def end() -> None:
        time.sleep(1)
        instance.report_runless_asset_event(dg.AssetMaterialization(table.key))
        instance.report_run_canceled(run)

    with servers_lock(settings):
        ending = threading.Thread(target=end)
        ending.start()
        finished = headless(settings, instance)
        ending.join()
    assert [made["assets"] for made in finished.runs] == [["report"]]
    assert finished.waits == []


def test_what_takes_the_servers_too_long_is_named(
    settings: Settings, instance: dg.DagsterInstance, run: dg.DagsterRun
) -> None:
    with servers_lock(settings):
        finished = headless(settings, instance, longest_wait=0)
    assert len(finished.waits) == 1
    assert f"s2p up is still making table (run {run.run_id[:8]})" in finished.waits[0]


def test_nobody_waits_for_servers_that_are_down(
    settings: Settings, instance: dg.DagsterInstance, run: dg.DagsterRun
) -> None:
    assert unfinished_server_runs(settings, instance) == []
    assert headless(settings, instance).waits == []
