"""The sensor that evaluates the automation conditions, and only when something has happened since it last did.

What the conditions say is in `automation`; a headless pass evaluates them by itself (`running/waves.py`).
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import dagster as dg
import sqlalchemy
from dagster._core.definitions.asset_daemon_cursor import AssetDaemonCursor
from dagster._core.definitions.assets.graph.base_asset_graph import BaseAssetGraph
from dagster._core.definitions.automation_tick_evaluation_context import AutomationTickEvaluationContext
from dagster._core.definitions.declarative_automation.automation_condition import AutomationResult
from dagster._core.definitions.declarative_automation.serialized_objects import (
    AutomationConditionCursor,
    AutomationConditionEvaluation,
    get_serializable_true_subset,
)
from dagster._core.definitions.sensor_definition import SensorExecutionData, wrap_sensor_evaluation
from dagster._core.instance.utils import RUNLESS_RUN_ID
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster._daemon.asset_daemon import (
    asset_daemon_cursor_from_instigator_serialized_cursor,
    asset_daemon_cursor_to_instigator_serialized_cursor,
)

from s2p_assets.graph.executor import PAST_WHAT_IS_MADE

AUTOMATION = "automation"
RUN_ENDS = ("PIPELINE_SUCCESS", "PIPELINE_FAILURE", "PIPELINE_CANCELED")
"""The events after which a condition may hold that did not hold before, beside those of no run.

What a run makes is gone over when it has ended: until then nothing is requested that depends on what it makes.
"""

NOTHING_HAPPENED = "nothing happened since the last evaluation"
MOST_IN_CODE_SERVER = 500
SETTLED = 2
"""So many evaluations in a row that request nothing: no further one would, until something happens."""


def newest_event(instance: dg.DagsterInstance) -> int:
    """The id of the newest event in Dagster's books."""
    return instance.event_log_storage.get_maximum_record_id() or 0


def turned_since(instance: dg.DagsterInstance, event: int) -> bool:
    """Whether a run has ended since, or something happened outside of runs: files on the share, a look by hand."""
    log: Any = instance.event_log_storage
    columns = SqlEventLogStorageTable.c
    telling = columns.dagster_event_type.in_(RUN_ENDS) | (columns.run_id == RUNLESS_RUN_ID)
    query = sqlalchemy.select(columns.id).where(columns.id > event, telling).limit(1)
    with log.index_connection() as connection:
        return connection.execute(query).first() is not None


def touched_since(instance: dg.DagsterInstance, event: int) -> set[dg.AssetKey] | None:
    """The assets of which something was written since, or whose run has ended; None: it cannot be told."""
    log: Any = instance.event_log_storage
    columns = SqlEventLogStorageTable.c
    since = columns.id > event
    with log.index_connection() as connection:
        named = connection.execute(sqlalchemy.select(columns.asset_key).where(since, columns.asset_key.is_not(None)))
        keys = {dg.AssetKey.from_db_string(row[0]) for row in named}
        ended = connection.execute(
            sqlalchemy.select(columns.run_id).where(since, columns.dagster_event_type.in_(RUN_ENDS))
        ).all()
        unnamed = connection.execute(
            sqlalchemy.select(columns.id).where(since, columns.run_id == RUNLESS_RUN_ID, columns.asset_key.is_(None))
        ).first()
    runs = instance.get_runs(dg.RunsFilter(run_ids=[row[0] for row in ended])) if ended else []
    if unnamed or any(run.asset_selection is None for run in runs):
        return None
    return {key for key in keys if key}.union(*(run.asset_selection or () for run in runs))


class Evaluations:
    """What the evaluations of this process know: how far the event log was read, and what is still to be gone over.

    `due`: the assets of which a condition may hold; None: all, as at first.
    """

    def __init__(self) -> None:
        self.up_to = -1
        self.quiet = 0
        self.due: set[dg.AssetKey] | None = None
        self.cursor: tuple[str | None, AssetDaemonCursor] | None = None

    def is_settled(self, instance: dg.DagsterInstance, graph: BaseAssetGraph[Any]) -> bool:
        """Whether nothing happened since; what happened is counted as read, as the caller will evaluate."""
        newest = newest_event(instance)
        if newest != self.up_to and (self.up_to < 0 or turned_since(instance, self.up_to)):
            touched = touched_since(instance, self.up_to) if self.up_to >= 0 else None
            settled = self.quiet >= SETTLED
            if touched is None or (self.due is None and not settled):
                self.due = None
            else:
                self.due = _and_above(graph, touched) | (set() if settled else self.due or set())
            self.quiet, self.up_to = 0, newest
        return self.quiet >= SETTLED

    def evaluated(self, requested: Iterable[dg.AssetKey], graph: BaseAssetGraph[Any]) -> None:
        """Whatever was requested is gone over again, with what is above it."""
        again = _and_above(graph, requested)
        self.quiet = 0 if again else self.quiet + 1
        if self.due is not None:
            self.due |= again


def _and_above(graph: BaseAssetGraph[Any], keys: Iterable[dg.AssetKey]) -> set[dg.AssetKey]:
    """These assets and all that is made from them, of those that are declared."""
    found: set[dg.AssetKey] = set()
    waiting = [key for key in keys if graph.has(key)]
    while waiting:
        key = waiting.pop()
        if key not in found:
            found.add(key)
            waiting.extend(graph.get(key).child_keys)
    return found


class _Evaluation(AutomationTickEvaluationContext):
    """Dagster's evaluation, of which is told how what was requested came to be requested.

    Dagster would tell it of whatever looks otherwise than before as well, which nobody asks for after each run: half of
    the work of an evaluation, and as much again where it is stored.
    """

    def _get_updated_cursor(self, results: Iterable[AutomationResult[Any]], observe_run_requests: Any) -> Any:
        return self.cursor.with_updates(
            evaluation_id=self._evaluation_id,
            condition_cursors=[_remembered(result) for result in results],
            newly_observe_requested_asset_keys=[],
            evaluation_timestamp=self._evaluator.evaluation_time.timestamp(),
            asset_graph=self.asset_graph,
        )

    def _get_updated_evaluations(
        self, results: Iterable[AutomationResult[Any]]
    ) -> Sequence[AutomationConditionEvaluation[Any]]:
        return [result.serializable_evaluation for result in results if not result.true_subset.is_empty]


def _remembered(result: AutomationResult[Any]) -> AutomationConditionCursor[Any]:
    """What the next evaluation needs to know of this one."""
    return AutomationConditionCursor(
        previous_requested_subset=get_serializable_true_subset(result.true_subset),
        effective_timestamp=result._context.evaluation_time.timestamp(),
        last_event_id=result._context.max_storage_id,
        node_cursors_by_unique_id=result.get_child_node_cursors(),
        result_value_hash="",  # by which Dagster finds what looks otherwise than before
    )


class AutomationSensor(dg.AutomationConditionSensorDefinition):
    """Dagster's own sensor for conditions, evaluated in the code server, where it can tell what happened.

    An evaluation of a hundred assets costs two CPU seconds. A look at the newest event costs a millisecond, and after
    a run only the conditions of what it was about, and of what is made from that, can hold.
    """

    def __init__(self, name: str, **kwargs: Any) -> None:
        super().__init__(name, use_user_code_server=True, **kwargs)
        self._known = Evaluations()
        self._evaluation_fn = wrap_sensor_evaluation(name, self._evaluate)

    def evaluate_tick(self, context: dg.SensorEvaluationContext) -> SensorExecutionData:
        graph = _graph(context)
        if self._known.is_settled(context.instance, graph):
            return SensorExecutionData(skip_message=NOTHING_HAPPENED, cursor=context.cursor)
        context.log.setLevel(logging.WARNING)  # it tells how many records it reads, at the terminal of `s2p up`
        found = super().evaluate_tick(context)
        requested = [key for request in found.run_requests or () for key in request.asset_selection or ()]
        self._known.evaluated(requested, graph)
        return found

    def _evaluate(self, context: dg.SensorEvaluationContext) -> dg.SensorResult:
        """Dagster's evaluation, of the assets that are due; what it knows of the others stays as it is."""
        graph, known, due = _graph(context), self._known, self._known.due
        if known.cursor is None or known.cursor[0] != context.cursor:
            known.cursor = context.cursor, asset_daemon_cursor_from_instigator_serialized_cursor(context.cursor, graph)
        before = known.cursor[1]
        evaluation = _Evaluation(
            evaluation_id=before.evaluation_id,
            instance=context.instance,
            asset_graph=graph,
            cursor=before,
            materialize_run_tags=self.run_tags,
            observe_run_tags={},
            auto_observe_asset_keys=set(),
            asset_selection=self.asset_selection if due is None else dg.AssetSelection.assets(*due),
            emit_backfills=self.emit_backfills,
            default_condition=None,
            logger=context.log,
        )
        requests, after, updated = evaluation.evaluate()
        if due is not None:
            after = _with_others(after, before, due)
        stored = asset_daemon_cursor_to_instigator_serialized_cursor(after)
        known.cursor = stored, after
        return dg.SensorResult(run_requests=requests, cursor=stored, automation_condition_evaluations=updated)


def _with_others(after: AssetDaemonCursor, before: AssetDaemonCursor, due: set[dg.AssetKey]) -> AssetDaemonCursor:
    kept = {key: cursor for key, cursor in before.previous_condition_cursors_by_key.items() if key not in due}
    both = kept | dict(after.previous_condition_cursors_by_key)
    return replace(after, previous_condition_cursors=list(both.values()))


def _graph(context: dg.SensorEvaluationContext) -> BaseAssetGraph[Any]:
    assert context.repository_def is not None
    return context.repository_def.asset_graph


def automation_sensor(assets: int, run_tags: Mapping[str, str]) -> dg.SensorDefinition:
    """The one sensor for the conditions of so many assets.

    Dagster evaluates more than 500 in its daemon only, at every look.
    """
    kind = AutomationSensor if assets <= MOST_IN_CODE_SERVER else dg.AutomationConditionSensorDefinition
    return kind(
        AUTOMATION,
        target=dg.AssetSelection.all(),
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=1,  # at every look of the daemon: without news it costs nothing
        run_tags={**run_tags, **PAST_WHAT_IS_MADE},
    )
