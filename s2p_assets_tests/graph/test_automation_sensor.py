"""When the automation conditions are evaluated: as long as something happens, and at rest not at all."""

from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.asset_daemon_cursor import AssetDaemonCursor
from dagster._core.events import DagsterEvent
from dagster._core.test_utils import create_run_for_test
from dagster._daemon.asset_daemon import asset_daemon_cursor_from_instigator_serialized_cursor

from s2p_assets.graph import automation_sensor as tested
from s2p_assets.graph import evaluations
from s2p_assets.graph.automation_sensor import NOTHING_HAPPENED, AutomationSensor, automation_sensor
from s2p_assets.graph.evaluations import SETTLED, Conditions, Evaluations
from s2p_assets.graph.running.one_run import PassResult, run_assets

SOURCE = dg.AssetKey("source")


@dg.asset(deps=[SOURCE], automation_condition=dg.AutomationCondition.any_deps_updated())
def table() -> None: ...


@dg.asset(deps=[table])
def report() -> None: ...


@dg.asset
def elsewhere() -> None: ...


class Ticks:
    """The sensor's ticks on an instance, each handed the cursor of the one before, as the daemon does."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.instance = instance
        sensor = automation_sensor(1, {"team": "acme"})
        assert isinstance(sensor, AutomationSensor)
        self.sensor = sensor
        self.definitions = dg.Definitions([dg.AssetSpec(SOURCE), table], sensors=[sensor])
        self.cursor: str | None = None

    def tick(self) -> str:
        """`evaluated`, `skipped`, or the asset that is requested."""
        repository = self.definitions.get_repository_def()
        context = dg.build_sensor_context(self.instance, cursor=self.cursor, repository_def=repository)
        found = self.sensor.evaluate_tick(context)
        self.cursor = found.cursor
        if found.run_requests:
            (request,) = found.run_requests
            assert request.tags["team"] == "acme"
            return str([key.to_user_string() for key in request.asset_selection or []])
        return "skipped" if found.skip_message == NOTHING_HAPPENED else "evaluated"


def test_at_rest_the_conditions_are_not_evaluated() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        ticks = Ticks(instance)
        assert [ticks.tick() for _ in range(SETTLED + 3)] == ["evaluated"] * SETTLED + ["skipped"] * 3


def test_what_happens_at_rest_is_seen_at_the_next_look() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        ticks = Ticks(instance)
        while ticks.tick() != "skipped":
            pass
        instance.report_runless_asset_event(dg.AssetMaterialization(SOURCE))
        assert ticks.tick() == "['table']"
        assert ticks.tick() == "skipped", "until what was asked for is made"
        run_assets(ticks.definitions, instance, {table.key}, PassResult(), {})
        assert [ticks.tick(), ticks.tick()] == ["evaluated", "skipped"]


def test_what_is_asked_for_and_never_begins_is_gone_over_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluations, "ASKED_SECONDS", 0.0)
    with dg.DagsterInstance.ephemeral() as instance:
        ticks = Ticks(instance)
        while ticks.tick() != "skipped":
            pass
        instance.report_runless_asset_event(dg.AssetMaterialization(SOURCE))
        assert [ticks.tick() for _ in range(3)] == ["['table']", "evaluated", "skipped"]


def test_a_run_that_ended_and_does_not_stand_as_ended_yet_is_gone_over_twice() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        ticks = Ticks(instance)
        while ticks.tick() != "skipped":
            pass
        run = create_run_for_test(instance, asset_selection=frozenset({table.key}), status=dg.DagsterRunStatus.STARTED)
        ended = DagsterEvent("PIPELINE_SUCCESS", "a job", message="it ended")
        instance.event_log_storage.store_event(  # the first half of what happens when a run ends
            dg.EventLogEntry(None, "debug", "", run.run_id, 0.0, None, "a job", ended)  # type: ignore[no-untyped-call]
        )
        assert [ticks.tick() for _ in range(3)] == ["evaluated", "evaluated", "skipped"]


def test_an_evaluation_during_which_something_happened_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        ticks = Ticks(instance)
        while ticks.tick() != "skipped":
            pass
        instance.report_runless_asset_event(dg.AssetMaterialization("another"))
        evaluate, seen = Conditions.evaluate, []

        def and_meanwhile(self: Conditions, before: Any, due: set[dg.AssetKey] | None) -> Any:
            found = evaluate(self, before, due)
            seen.append(due)
            if len(seen) == 1:
                instance.report_runless_asset_event(dg.AssetMaterialization(SOURCE))
            return found

        monkeypatch.setattr(Conditions, "evaluate", and_meanwhile)
        assert ticks.tick() == "['table']"
        assert seen == [set(), {SOURCE, table.key}]


def test_what_is_remembered_is_written_as_dagster_writes_it() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        ticks = Ticks(instance)
        for _ in range(2):  # the second time from what was written before
            instance.report_runless_asset_event(dg.AssetMaterialization(SOURCE))
            ticks.tick()
            _, after = ticks.sensor._known.cursor or (None, AssetDaemonCursor.empty())
            graph = ticks.definitions.resolve_asset_graph()
            assert ticks.cursor is not None
            assert asset_daemon_cursor_from_instigator_serialized_cursor(ticks.cursor, graph) == after
            assert after.previous_condition_cursors


def test_a_new_process_evaluates_with_the_cursor_of_the_one_before() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        before = Ticks(instance)
        while before.tick() != "skipped":
            pass
        instance.report_runless_asset_event(dg.AssetMaterialization(SOURCE))
        after = Ticks(instance)
        after.cursor = before.cursor
        assert after.tick() == "['table']"


def test_only_what_happened_and_what_is_above_it_is_gone_over() -> None:
    graph = dg.Definitions([dg.AssetSpec(SOURCE), table, report, elsewhere]).resolve_asset_graph()
    with dg.DagsterInstance.ephemeral() as instance:
        known = Evaluations()
        assert not known.is_settled(instance, graph)
        assert known.due is None, "at first everything is"
        for _ in range(SETTLED):
            known.evaluated([], graph)
        assert known.is_settled(instance, graph)
        instance.report_runless_asset_event(dg.AssetMaterialization(SOURCE))
        assert not known.is_settled(instance, graph)
        assert known.due == {SOURCE, table.key, report.key}


def test_an_asset_that_is_no_longer_declared_is_no_trouble() -> None:
    graph = dg.Definitions([elsewhere]).resolve_asset_graph()
    with dg.DagsterInstance.ephemeral() as instance:
        known = Evaluations()
        known.is_settled(instance, graph)
        for _ in range(SETTLED):
            known.evaluated([], graph)
        instance.report_runless_asset_event(dg.AssetMaterialization(SOURCE))
        assert not known.is_settled(instance, graph)
        assert known.due == set()


def test_more_assets_than_a_code_server_evaluates_are_left_to_the_daemon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tested, "MOST_IN_CODE_SERVER", 10)
    assert isinstance(automation_sensor(10, {}), AutomationSensor)
    assert not isinstance(automation_sensor(11, {}), AutomationSensor)
