"""How the steps of a run follow each other: what people wait for first, and past what is made already.

All steps are made in the process of the run, one after the other. Which assets a run is about is decided by the
conditions in `automation.py`: everything above the sheets that changed, for only the run itself finds out how far up
the change goes.
"""

import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluation,
    AssetCheckEvaluationTargetMaterializationData,
)
from dagster._core.definitions.data_version import (
    CODE_VERSION_TAG,
    DATA_VERSION_TAG,
    extract_data_version_from_entry,
    get_input_data_version_tag,
)
from dagster._core.events import DagsterEvent, EngineEventData
from dagster._core.execution.api import ExecuteRunWithPlanIterable
from dagster._core.execution.context.system import PlanExecutionContext, PlanOrchestrationContext
from dagster._core.execution.context_creation_job import PlanExecutionContextManager
from dagster._core.execution.plan.active import ActiveExecution
from dagster._core.execution.plan.execute_plan import inner_plan_execution_iterator
from dagster._core.execution.plan.instance_concurrency_context import InstanceConcurrencyContext
from dagster._core.execution.plan.outputs import StepOutputHandle
from dagster._core.execution.plan.plan import ExecutionPlan
from dagster._core.execution.plan.step import ExecutionStep
from dagster._core.execution.retries import RetryMode
from dagster._core.execution.step_dependency_config import StepDependencyConfig
from dagster._core.executor.base import Executor
from dagster_shared.record import replace

from s2p_assets.services.logs import log_event
from s2p_assets.services.spans import past_span

PAST_WHAT_IS_MADE = {"s2p/past_what_is_made": "yes"}
"""The tag of a run that was asked for by the conditions, not by a person, who wants to see it made."""

MADE_OF_ITS_INPUTS = {"s2p/made_of_its_inputs": "yes"}
"""The tag of a step whose asset follows from its code and what its inputs hold, and from nothing else."""

WHATEVER_FAILS = {"s2p/whatever_fails": "yes"}
"""The tag of a step that is made when those before it have ended, however they did."""

PRIORITY = "dagster/priority"
THIS_RUN_AND_THE_LAST = 2

FailedBefore = Callable[[str], bool]


class MadeAlready:
    """Knows of each step's asset whether it was last made by the same code from the same content of its inputs, and
    passed its blocking checks.
    """

    def __init__(self, context: PlanExecutionContext, plan: ExecutionPlan, failed_before: FailedBefore) -> None:
        self._layer, self._failed_before = context.job_def.asset_layer, failed_before
        made = [key for step in plan.steps if (key := self._key(step)) is not None]
        needed = {dependency for key in made for dependency in self._layer.asset_graph.get(key).parent_keys}
        records = context.instance.get_asset_records([*{*made, *needed}]) if made else []
        self._tags: dict[dg.AssetKey, Mapping[str, str]] = {}
        self._about: dict[dg.AssetKey, AssetCheckEvaluationTargetMaterializationData] = {}
        for record in records:
            newest = record.asset_entry.last_materialization_record
            if newest and newest.event_log_entry.asset_materialization:
                version = extract_data_version_from_entry(newest.event_log_entry)
                tags = dict(newest.event_log_entry.asset_materialization.tags or {})
                key, entry = record.asset_entry.asset_key, newest.event_log_entry
                self._about[key] = AssetCheckEvaluationTargetMaterializationData(
                    storage_id=newest.storage_id, run_id=entry.run_id, timestamp=entry.timestamp
                )
                self._tags[key] = tags | ({DATA_VERSION_TAG: version.value} if version else {})

        self._said: dict[dg.AssetCheckKey, AssetCheckEvaluation | None] = {}
        self._log, self._run_id = context.instance.event_log_storage, context.run_id

    def note(self, event: DagsterEvent) -> None:
        """What a step of this run has made."""
        if event.is_step_materialization:
            made = event.step_materialization_data.materialization
            self._tags[made.asset_key] = made.tags or {}

    def is_made(self, step: ExecutionStep) -> bool:
        key = self._key(step)
        if key is None or key not in self._tags:
            return False
        node, was = self._layer.asset_graph.get(key), self._tags[key]
        return (
            was.get(CODE_VERSION_TAG) == node.code_version
            and all(self._is_same(was, parent) for parent in node.parent_keys)
            and not self._failed_before(step.key)
            and all(last and (last.passed or not last.blocking) for last in self.checks(step))
        )

    def _is_same(self, was: Mapping[str, str], parent: dg.AssetKey) -> bool:
        now = self._tags.get(parent, {}).get(DATA_VERSION_TAG)
        return now is not None and was.get(get_input_data_version_tag(parent)) == now

    def checks(self, step: ExecutionStep) -> list[AssetCheckEvaluation | None]:
        """What the checks of a step said at its last attempt; None for one that did not get so far as to say it."""
        keys = [output.properties.asset_check_key for output in step.step_outputs]
        return [self._last(key) for key in keys if key is not None]

    def _last(self, check: dg.AssetCheckKey) -> AssetCheckEvaluation | None:
        if check not in self._said:
            history = self._log.get_asset_check_execution_history(check, limit=THIS_RUN_AND_THE_LAST)
            records = [record for record in history if record.run_id != self._run_id]
            event = records[0].event.dagster_event if records and records[0].event else None
            said = event is not None and event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION
            if event is None or not said:
                self._said[check] = None
            else:  # to Dagster it counts only if it is about the newest materialization
                about = self._about.get(check.asset_key)
                self._said[check] = replace(event.asset_check_evaluation_data, target_materialization_data=about)
        return self._said[check]

    def _key(self, step: Any) -> dg.AssetKey | None:
        """The asset of a step that may be passed over."""
        if not isinstance(step, ExecutionStep) or not MADE_OF_ITS_INPUTS.items() <= (step.tags or {}).items():
            return None
        keys = {output.properties.asset_key for output in step.step_outputs} - {None}
        return next(iter(keys)) if len(keys) == 1 else None


class _Execution(ActiveExecution):
    """Dagster's book of the steps to come, in which a step can have been made before the run.

    Of one that was, it is said that it is skipped, and what its checks say still stands: without that they would count
    as not evaluated.
    """

    made_already: MadeAlready | None = None

    def get_next_step(self) -> ExecutionStep | None:
        self._passed: list[ExecutionStep] = []
        step = super().get_next_step()
        while step is not None and self.made_already is not None and self.made_already.is_made(step):
            for output in step.step_outputs:
                self.mark_step_produced_output(StepOutputHandle(step.key, output.name))
            self.mark_success(step.key)
            self._passed.append(step)
            step = None if self.is_complete else super().get_next_step()
        return step

    def concurrency_event_iterator(self, plan_context: Any) -> Iterator[DagsterEvent]:
        for step in self._passed:
            context = plan_context.for_step(step)
            for said in self.made_already.checks(step) if self.made_already else ():
                if said is not None:
                    yield DagsterEvent.asset_check_evaluation(context, said)
            yield DagsterEvent.step_skipped_event(context)
        yield from super().concurrency_event_iterator(plan_context)

    def handle_event(self, dagster_event: DagsterEvent) -> None:
        super().handle_event(dagster_event)
        if self.made_already is not None:
            self.made_already.note(dagster_event)

    def _update(self) -> None:
        super()._update()
        for waiting in (self._pending_abandon, self._pending_skip):
            for key in [key for key in waiting if WHATEVER_FAILS.items() <= self._tags_of(key)]:
                waiting.remove(key)
                self._executable.append(key)

    def _tags_of(self, key: str) -> Any:
        return (self.get_step_by_key(key).tags or {}).items()


class _Plan(ExecutionPlan):
    """Dagster's plan of a run, begun with our book of it."""

    made_already: MadeAlready | None

    def start(self, retry_mode: RetryMode, *arguments: Any, **named: Any) -> ActiveExecution:
        execution = _Execution(self, retry_mode, *arguments, **named)
        execution.made_already = self.made_already
        return execution


class InOrderOfUrgency(Executor):
    """`failed_before`: whether the last attempt at a step failed, so that what it made before does not count."""

    def __init__(self, failed_before: FailedBefore) -> None:
        self._failed_before = failed_before

    @property
    def retries(self) -> RetryMode:
        return RetryMode.DISABLED

    @property
    def step_dependency_config(self) -> StepDependencyConfig:
        return StepDependencyConfig.default()

    def execute(self, plan_context: PlanOrchestrationContext, execution_plan: ExecutionPlan) -> Iterator[DagsterEvent]:
        about = EngineEventData.in_process(os.getpid(), execution_plan.step_keys_to_execute)
        yield DagsterEvent.engine_event(plan_context, f"Steps are made in process {os.getpid()}", about)
        yield from ExecuteRunWithPlanIterable(
            execution_plan=execution_plan,
            iterator=self._steps,
            execution_context_manager=PlanExecutionContextManager(
                job=plan_context.job,
                retry_mode=plan_context.retry_mode,
                execution_plan=execution_plan,
                run_config=plan_context.run_config,
                dagster_run=plan_context.dagster_run,
                instance=plan_context.instance,
                raise_on_error=plan_context.raise_on_error,
                output_capture=plan_context.output_capture,
                step_dependency_config=self.step_dependency_config,
            ),
        )

    def _steps(self, job_context: PlanExecutionContext, execution_plan: ExecutionPlan) -> Iterator[DagsterEvent]:
        ours = _Plan(*execution_plan)
        may_pass = PAST_WHAT_IS_MADE.items() <= job_context.run_tags.items()
        ours.made_already = MadeAlready(job_context, execution_plan, self._failed_before) if may_pass else None
        with InstanceConcurrencyContext(job_context.instance, job_context.dagster_run) as concurrency:
            yield from _traced(inner_plan_execution_iterator(job_context, ours, concurrency), job_context.run_id)


def _traced(events: Iterator[DagsterEvent], run_id: str) -> Iterator[DagsterEvent]:
    """The events of a run; for each step that ends a span, and of one that failed a line in the log."""
    begun: dict[str | None, int] = {}
    for event in events:
        if event.event_type == dg.DagsterEventType.STEP_START:
            begun[event.step_key] = time.time_ns()
        elif event.is_step_success or event.is_step_failure:
            past_span(
                "step", begun.pop(event.step_key, time.time_ns()), step=event.step_key, failed=event.is_step_failure
            )
        if event.is_step_failure:
            says = f"{event.step_key} failed: {_first_line(event)}"
            log_event("step failed", says, level=logging.ERROR, step=event.step_key, run_id=run_id)
        yield event


def _first_line(event: DagsterEvent) -> str:
    error = event.step_failure_data.error
    cause = (error.cause or error) if error else None
    return " ".join(cause.message.split())[:300] if cause else "see its run in Dagster"


def in_order_of_urgency(failed_before: FailedBefore) -> dg.ExecutorDefinition:
    """The executor of all runs. `failed_before`: as of `InOrderOfUrgency`."""

    @dg.executor(name="in_order_of_urgency")
    def executor(_: dg.InitExecutorContext) -> Executor:
        return InOrderOfUrgency(failed_before)

    return executor
