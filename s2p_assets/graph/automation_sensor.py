"""The sensor that evaluates the automation conditions, and only when something has happened since it last did.

What the conditions say is in `automation`; a headless pass evaluates them by itself (`running/waves.py`).
"""

import logging
from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster._core.definitions.assets.graph.base_asset_graph import BaseAssetGraph
from dagster._core.definitions.sensor_definition import SensorExecutionData, wrap_sensor_evaluation
from dagster._daemon.asset_daemon import (
    asset_daemon_cursor_from_instigator_serialized_cursor,
)

from s2p_assets.graph.condition_cursors import CursorText
from s2p_assets.graph.evaluations import Conditions, Evaluations
from s2p_assets.graph.executor import PAST_WHAT_IS_MADE

AUTOMATION = "automation"
NOTHING_HAPPENED = "nothing happened since the last evaluation"
MOST_IN_CODE_SERVER = 500
EVALUATED_AGAIN = 2
"""So often an evaluation is made again because something happened meanwhile; what happens then counts the next time."""


class AutomationSensor(dg.AutomationConditionSensorDefinition):
    """Dagster's own sensor for conditions, evaluated in the code server, where it can tell what happened.

    An evaluation of a hundred assets costs two CPU seconds. A look at the newest event costs a millisecond, and after
    a run only the conditions of what it was about, and of what is made from that, can hold.
    """

    def __init__(self, name: str, **kwargs: Any) -> None:
        super().__init__(name, use_user_code_server=True, **kwargs)
        self._known, self._text = Evaluations(), CursorText()
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
        """Dagster's evaluation, of the assets that are due; what it knows of the others stays as it is.

        One during which something happened is not kept: a change is seen at one evaluation alone, and half of it may
        have been there.
        """
        graph, known = _graph(context), self._known
        if known.cursor is None or known.cursor[0] != context.cursor:
            known.cursor = context.cursor, asset_daemon_cursor_from_instigator_serialized_cursor(context.cursor, graph)
        conditions = Conditions(
            context.instance, graph, self.asset_selection, context.log, self.run_tags, self.emit_backfills
        )
        requests, after, updated = conditions.evaluate(known.cursor[1], known.due)
        for _ in range(EVALUATED_AGAIN):
            if not known.is_outdated(context.instance):
                break
            known.is_settled(context.instance, graph)
            requests, after, updated = conditions.evaluate(known.cursor[1], known.due)
        stored = self._text.write(after)
        known.cursor = stored, after
        return dg.SensorResult(run_requests=requests, cursor=stored, automation_condition_evaluations=updated)


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
        description="Asks for a run of what is due: content changed, a signal asks for training, a try failed.",
        target=dg.AssetSelection.all(),
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=1,  # at every look of the daemon: without news it costs nothing
        run_tags={**run_tags, **PAST_WHAT_IS_MADE},
    )
