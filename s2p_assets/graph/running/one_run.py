"""One run of some assets in this process, and what came of it in plain lines.

Which assets are due is decided in `waves.py`.
"""

import errno
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import dagster as dg
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.execute_in_process import core_execute_in_process
from dagster_shared.error import SerializableErrorInfo

from s2p_assets.graph.assets.derived_assets import WAITS_FOR_DATA
from s2p_assets.graph.assets.shards import whole_range
from s2p_assets.graph.assets.workbook_assets import LEFT_FOR_LATER

Progress = Callable[[str], None]


@dataclass
class PassResult:
    """The runs of one headless pass, what went wrong in them (`asset: error`), and what is not there yet.

    `steps`: how many have begun, of `steps_due` that are known of; a later run may bring more.
    """

    runs: list[dict[str, Any]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    waits: list[str] = field(default_factory=list)
    steps: int = 0
    steps_due: int = 0


def run_assets(
    defs: dg.Definitions,
    instance: dg.DagsterInstance,
    keys: set[dg.AssetKey],
    finished: PassResult,
    tags: Mapping[str, str],
    ops: Mapping[str, Any] | None = None,
) -> None:
    """One run of these assets in this process, `ops` configured; what came of it is added to `finished`."""
    finished.steps_due = max(finished.steps_due, finished.steps + len(keys))
    job = defs.resolve_implicit_global_asset_job_def().get_subset(asset_selection=frozenset(keys))
    result = core_execute_in_process(  # `execute_in_process` would put an executor of its own in the place of ours
        # without the logger, Dagster's own console logger takes its place
        run_config={"loggers": {"console": {}}, "ops": dict(ops or {})},
        job=InMemoryJob(job),
        instance=instance,
        output_capturing_enabled=False,
        raise_on_error=False,
        run_tags=dict(tags) | whole_range(defs, keys),
        asset_selection=frozenset(keys),
    )
    passed = {event.step_key for event in result.all_events if event.is_step_skipped}
    made = sorted(key.to_user_string() for key in keys if key.to_python_identifier() not in passed)
    finished.runs.append({"id": result.run_id, "status": result.dagster_run.status.value, "assets": made})
    steps = {key.to_python_identifier() for key in keys}
    earlier = [line for line in finished.failures if line.partition(":")[0] not in steps]
    finished.failures = earlier + _failures(result)


def _failures(result: dg.ExecuteInProcessResult) -> list[str]:
    """`asset: error` for each step that failed, or for the run when it came to no step."""
    if result.success:
        return []
    steps = [
        f"{event.step_key}: {_on_one_line(event.step_failure_data.error)}" for event in result.get_step_failure_events()
    ]
    ends = [event.job_failure_data.error for event in result.all_events if event.is_job_failure]
    return steps or [f"run {result.run_id}: {_on_one_line(error)}" for error in ends or [None]]


def _on_one_line(error: SerializableErrorInfo | None) -> str:
    """The cause; our own errors without their class, for they say all there is to say."""
    cause = (error.cause or error) if error else None
    line = " ".join(cause.message.split()) if cause else "it failed without a reason; see the run in the Dagster UI"
    if line.startswith("s2p_assets."):
        line = line.partition(": ")[2]
    full = os.strerror(errno.ENOSPC)
    return f"{line}; make room on that disk, then run again" if full in line and "make room" not in line else line


class _StepHandler(logging.Handler):
    """Passes step starts, counted, and our own messages on to `progress`, and keeps what is said to wait."""

    def __init__(self, progress: Progress, finished: PassResult) -> None:
        super().__init__(logging.DEBUG)  # at which Dagster logs that a step starts
        self.progress, self.finished, self.step = progress, finished, ""

    def emit(self, record: logging.LogRecord) -> None:
        meta = getattr(record, "dagster_meta", {})
        event = meta.get("dagster_event")
        message = str(meta.get("orig_message", record.getMessage()))
        if WAITS_FOR_DATA in message or LEFT_FOR_LATER in message:
            self.finished.waits.append(message)
        elif event is None and record.levelno >= logging.INFO and not message.startswith("Skipping step"):
            self.progress(f"{self.step}: {message}" if self.step else message)
        elif event is not None and event.event_type_value == "STEP_START":
            self.finished.steps += 1
            name = event.step_key.replace("__", " › ").replace("_", " ")
            self.step = f"step {self.finished.steps} of {max(self.finished.steps, self.finished.steps_due)}, {name}"
            self.progress(self.step)


def progress_logger(progress: Progress, finished: PassResult) -> dg.LoggerDefinition:
    def make(_: dg.InitLoggerContext) -> logging.Logger:
        logger = logging.Logger("s2p.headless", logging.DEBUG)
        logger.addHandler(_StepHandler(progress, finished))
        return logger

    return dg.LoggerDefinition(make)
