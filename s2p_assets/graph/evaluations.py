"""Evaluating the automation conditions: of what happened since the last time and of what is above it, and no more.

What the conditions say is in `automation`; the servers evaluate them in `automation_sensor`, a headless pass in
`running/waves.py`.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from logging import Logger
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
    get_serializable_candidate_subset,
    get_serializable_true_subset,
)
from dagster._core.instance.utils import RUNLESS_RUN_ID
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable

RUN_ENDS = ("PIPELINE_SUCCESS", "PIPELINE_FAILURE", "PIPELINE_CANCELED")
"""The events after which a condition may hold that did not hold before, beside those of no run.

What a run makes is gone over when it has ended: until then nothing is requested that depends on what it makes.
"""

AGED = "FRESHNESS_STATE_CHANGE"
"""That an asset is fresh or too old, which no condition asks for."""

SETTLED = 2
"""So many evaluations of all assets in a row that request nothing: no further one would, until something happens. Of
what happened, one will do: what it saw of the events is what the next would see."""

ASKED_SECONDS = 600.0
"""What was asked for is gone over when its run ends; at the latest after so long, should it never begin."""


def newest_event(instance: dg.DagsterInstance) -> int:
    """The id of the newest event in Dagster's books."""
    return instance.event_log_storage.get_maximum_record_id() or 0


def turned_since(instance: dg.DagsterInstance, event: int) -> bool:
    """Whether a run has ended since, or something happened outside of runs: files on the share, a look by hand."""
    log: Any = instance.event_log_storage
    columns = SqlEventLogStorageTable.c
    outside = (columns.run_id == RUNLESS_RUN_ID) & (columns.dagster_event_type != AGED)
    telling = columns.dagster_event_type.in_(RUN_ENDS) | outside
    query = sqlalchemy.select(columns.id).where(columns.id > event, telling).limit(1)
    with log.index_connection() as connection:
        return connection.execute(query).first() is not None


@dataclass(frozen=True)
class Touched:
    """The assets of which something was written, or whose run has ended; None: it cannot be told.

    `booked`: whether the runs that ended are known to have ended, which is written a moment after the event.
    """

    keys: set[dg.AssetKey] | None
    booked: bool = True


def touched_since(instance: dg.DagsterInstance, event: int) -> Touched:
    """What happened since."""
    log: Any = instance.event_log_storage
    columns = SqlEventLogStorageTable.c
    since = columns.id > event
    with log.index_connection() as connection:
        about = since, columns.asset_key.is_not(None), columns.dagster_event_type != AGED
        named = connection.execute(sqlalchemy.select(columns.asset_key).where(*about))
        keys = {dg.AssetKey.from_db_string(row[0]) for row in named}
        ended = connection.execute(
            sqlalchemy.select(columns.run_id).where(since, columns.dagster_event_type.in_(RUN_ENDS))
        ).all()
        unnamed = connection.execute(
            sqlalchemy.select(columns.id).where(since, columns.run_id == RUNLESS_RUN_ID, columns.asset_key.is_(None))
        ).first()
    runs = instance.get_runs(dg.RunsFilter(run_ids=[row[0] for row in ended])) if ended else []
    booked = all(run.is_finished for run in runs)
    if unnamed or any(run.asset_selection is None for run in runs):
        return Touched(None, booked)
    return Touched({key for key in keys if key}.union(*(run.asset_selection or () for run in runs)), booked)


class Evaluations:
    """What the evaluations of this process know: how far the event log was read, and what is still to be gone over.

    `due`: the assets of which a condition may hold; None: all, as at first.
    """

    def __init__(self) -> None:
        self.up_to = -1
        self.quiet = 0
        self.due: set[dg.AssetKey] | None = None
        self.cursor: tuple[str | None, AssetDaemonCursor] | None = None
        self._asked_until = 0.0

    @classmethod
    def settled_at(cls, event: int) -> "Evaluations":
        """Those of a process that goes on from where, after this event, nothing was due."""
        known = cls()
        known.up_to, known.quiet = event, SETTLED
        return known

    def is_settled(self, instance: dg.DagsterInstance, graph: BaseAssetGraph[Any]) -> bool:
        """Whether nothing happened since; what happened is counted as read, as the caller will evaluate."""
        newest = newest_event(instance)
        if newest != self.up_to and (self.up_to < 0 or turned_since(instance, self.up_to)):
            touched = touched_since(instance, self.up_to) if self.up_to >= 0 else Touched(None)
            settled = self._is_quiet
            if touched.keys is None or (self.due is None and not settled):
                self.due = None
            else:
                self.due = _and_above(graph, touched.keys) | (set() if settled else self.due or set())
            self.quiet, self.up_to = 0 if touched.booked else -1, newest
            self._asked_until = 0.0
        return self._is_quiet or time.monotonic() < self._asked_until

    @property
    def _is_quiet(self) -> bool:
        return self.quiet >= (SETTLED if self.due is None else 1)

    def is_outdated(self, instance: dg.DagsterInstance) -> bool:
        """Whether something happened while it was evaluated, of which it may have seen one half and not the other."""
        return turned_since(instance, self.up_to)

    def evaluated(self, requested: Iterable[dg.AssetKey], graph: BaseAssetGraph[Any]) -> None:
        """Whatever was requested is gone over again, with what is above it."""
        again = _and_above(graph, requested)
        self.quiet = 0 if again else self.quiet + 1
        self._asked_until = time.monotonic() + ASKED_SECONDS if again else 0.0
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
        return [_why(result) for result in results if not result.true_subset.is_empty]


def _why(result: AutomationResult[Any]) -> AutomationConditionEvaluation[Any]:
    """How a condition came to hold: of a part that did not hold it is told that it did not, and not why."""
    parts = () if result.true_subset.is_empty else result.child_results
    return AutomationConditionEvaluation(
        condition_snapshot=result.condition.get_node_snapshot(result.condition_unique_id),
        true_subset=get_serializable_true_subset(result.true_subset),
        candidate_subset=get_serializable_candidate_subset(result._context.candidate_subset),
        subsets_with_metadata=result._subsets_with_metadata,
        metadata=result._metadata,
        start_timestamp=result._start_timestamp,
        end_timestamp=result._end_timestamp,
        child_evaluations=[_why(part) for part in parts],
    )


def _remembered(result: AutomationResult[Any]) -> AutomationConditionCursor[Any]:
    """What the next evaluation needs to know of this one."""
    return AutomationConditionCursor(
        previous_requested_subset=get_serializable_true_subset(result.true_subset),
        effective_timestamp=result._context.evaluation_time.timestamp(),
        last_event_id=result._context.max_storage_id,
        node_cursors_by_unique_id=result.get_child_node_cursors(),
        result_value_hash="",  # by which Dagster finds what looks otherwise than before
    )


@dataclass(frozen=True)
class Conditions:
    """The conditions of a graph's `selection` of assets. `tags`: of the runs that they ask for."""

    instance: dg.DagsterInstance
    graph: BaseAssetGraph[Any]
    selection: dg.AssetSelection
    logger: Logger
    tags: Mapping[str, str]
    emit_backfills: bool = False

    def evaluate(
        self, before: AssetDaemonCursor, due: set[dg.AssetKey] | None
    ) -> tuple[Sequence[dg.RunRequest], AssetDaemonCursor, Sequence[AutomationConditionEvaluation[Any]]]:
        """The runs asked for, what to remember, and how it came. `due`: the assets to evaluate, None for all.

        What is known of the others stays as it is.
        """
        evaluation = _Evaluation(
            evaluation_id=before.evaluation_id,
            instance=self.instance,
            asset_graph=self.graph,
            cursor=before,
            materialize_run_tags=self.tags,
            observe_run_tags={},
            auto_observe_asset_keys=set(),
            asset_selection=self.selection if due is None else dg.AssetSelection.assets(*due),
            emit_backfills=self.emit_backfills,
            default_condition=None,
            logger=self.logger,
        )
        requests, after, updated = evaluation.evaluate()
        return requests, after if due is None else _with_others(after, before, due), updated


def _with_others(after: AssetDaemonCursor, before: AssetDaemonCursor, due: set[dg.AssetKey]) -> AssetDaemonCursor:
    kept = {key: cursor for key, cursor in before.previous_condition_cursors_by_key.items() if key not in due}
    both = kept | dict(after.previous_condition_cursors_by_key)
    return replace(after, previous_condition_cursors=list(both.values()))
