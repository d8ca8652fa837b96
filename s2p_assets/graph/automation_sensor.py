"""The sensor that evaluates the automation conditions, and only when something has happened since it last did.

What the conditions say is in `automation`; a headless pass evaluates them by itself (`running/waves.py`).
"""

import logging
from collections.abc import Mapping
from typing import Any

import dagster as dg
import sqlalchemy
from dagster._core.definitions.sensor_definition import SensorExecutionData
from dagster._core.instance.utils import RUNLESS_RUN_ID
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable

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


class ReadEvents:
    """How far the event log was read by the evaluations of this process, and how many of them requested nothing."""

    def __init__(self) -> None:
        self.up_to = -1
        self.quiet = 0

    def is_settled(self, instance: dg.DagsterInstance) -> bool:
        """Whether nothing happened since; what happened is counted as read, as the caller will evaluate."""
        newest = newest_event(instance)
        if newest != self.up_to:
            if self.up_to < 0 or turned_since(instance, self.up_to):
                self.quiet = 0
            self.up_to = newest
        return self.quiet >= SETTLED


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


def automation_sensor(assets: int, run_tags: Mapping[str, str]) -> dg.SensorDefinition:
    """The one sensor for the conditions of so many assets.

    Dagster evaluates more than 500 in its daemon only, at every look.
    """
    kind = AutomationSensor if assets <= MOST_IN_CODE_SERVER else dg.AutomationConditionSensorDefinition
    return kind(
        AUTOMATION,
        target=dg.AssetSelection.all(),
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=0,  # at every look of the daemon: without news it costs nothing
        run_tags={**run_tags, **PAST_WHAT_IS_MADE},
    )
