"""The sensor that evaluates the automation conditions, and only when something has happened since it last did.

What the conditions say is in `automation`; a headless pass evaluates them by itself (`running/waves.py`).
"""

import logging
from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster._core.definitions.sensor_definition import SensorExecutionData
from dagster._core.storage.event_log import EventLogStorage

Event = dg.DagsterEventType
CONDITIONS_READ = {
    Event.ASSET_MATERIALIZATION,
    Event.ASSET_OBSERVATION,
    Event.ASSET_CHECK_EVALUATION,
    Event.RUN_SUCCESS,
    Event.RUN_FAILURE,
    Event.RUN_CANCELED,
}
"""The events after which a condition may hold that did not hold before."""

NOTHING_HAPPENED = "nothing happened since the last evaluation"
EVENTS_LOOKED_AT = 200
"""Of those since the last evaluation; where there are more, one of them will matter."""

MOST_IN_CODE_SERVER = 500
SETTLED = 2
"""So many evaluations in a row that request nothing: no further one would, until something happens."""


class ReadEvents:
    """How far the event log was read by the evaluations of this process, and how many of them requested nothing."""

    def __init__(self) -> None:
        self.up_to = -1
        self.quiet = 0

    def is_settled(self, instance: dg.DagsterInstance) -> bool:
        """Whether nothing happened since; what happened is counted as read, as the caller will evaluate."""
        log = instance.event_log_storage
        newest = log.get_maximum_record_id() or 0
        if newest != self.up_to:
            if self.up_to < 0 or _happened(log, self.up_to):
                self.quiet = 0
            self.up_to = newest
        return self.quiet >= SETTLED


def _happened(log: EventLogStorage, since: int) -> bool:
    events = log.get_logs_for_all_runs_by_log_id(since, limit=EVENTS_LOOKED_AT).values()
    return len(events) == EVENTS_LOOKED_AT or any(
        event.is_dagster_event and event.dagster_event_type in CONDITIONS_READ for event in events
    )


class AutomationSensor(dg.AutomationConditionSensorDefinition):
    """Dagster's own sensor for conditions, evaluated in the code server, where it can tell that nothing happened.

    An evaluation of a hundred assets costs two CPU seconds; a look at the newest event a millisecond.
    """

    def __init__(self, name: str, **kwargs: Any) -> None:
        super().__init__(name, use_user_code_server=True, **kwargs)
        self._read = ReadEvents()

    def evaluate_tick(self, context: dg.SensorEvaluationContext) -> SensorExecutionData:
        if self._read.is_settled(context.instance):
            return SensorExecutionData(skip_message=NOTHING_HAPPENED, cursor=context.cursor)
        context.log.setLevel(logging.WARNING)  # it tells how many records it reads, at the terminal of `s2p up`
        found = super().evaluate_tick(context)
        self._read.quiet = 0 if found.run_requests else self._read.quiet + 1
        return found


def automation_sensor(assets: int, seconds: int, run_tags: Mapping[str, str]) -> dg.SensorDefinition:
    """The one sensor for the conditions of so many assets.

    Dagster evaluates more than 500 in its daemon only, at every look.
    """
    kind = AutomationSensor if assets <= MOST_IN_CODE_SERVER else dg.AutomationConditionSensorDefinition
    return kind(
        "automation",
        target=dg.AssetSelection.all(),
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=seconds,
        run_tags=run_tags,
    )
