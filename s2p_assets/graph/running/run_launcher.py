"""Starts runs in processes that the zygote forks, so that they begin warm.

What a run does belongs to its assets; the zygote is in `zygote.py`.
"""

from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.launcher import CheckRunHealthResult, DefaultRunLauncher, LaunchRunContext, WorkerStatus
from dagster._serdes import ConfigurableClassData

from s2p_assets.graph.running.zygote_requests import ZygoteGone, ask

LOCATION = "s2p"


class ForkingRunLauncher(DefaultRunLauncher):
    """Runs of s2p's own definitions are forked; those of code that a company loads beside it, started as ever."""

    def __init__(self, socket: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(inst_data=inst_data)
        self._socket = Path(socket)

    @classmethod
    def config_type(cls) -> Any:
        return {"socket": str}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> "ForkingRunLauncher":
        return cls(config_value["socket"], inst_data)

    def launch_run(self, context: LaunchRunContext) -> None:
        run = context.dagster_run
        if _location(run) != LOCATION:
            super().launch_run(context)
            return
        try:
            ask(self._socket, "start", run.run_id)
        except ZygoteGone as gone:  # as it is called by the queue, which then starts the run again after a while
            raise DagsterUserCodeUnreachableError(str(gone)) from gone

    def terminate(self, run_id: str) -> bool:
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            return False
        if _location(run) != LOCATION:
            return bool(super().terminate(run_id))  # type: ignore[no-untyped-call]
        self._instance.report_run_canceling(run)
        if ask(self._socket, "stop", run_id) is None:
            self._instance.report_run_canceled(run)
        return True

    @property
    def supports_check_run_worker_health(self) -> bool:
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        if _location(run) != LOCATION:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        try:
            found = ask(self._socket, "find", run.run_id)
        except ZygoteGone as gone:
            return CheckRunHealthResult(WorkerStatus.UNKNOWN, str(gone), transient=True)
        status = WorkerStatus.RUNNING if found else WorkerStatus.NOT_FOUND
        return CheckRunHealthResult(status, run_worker_id=str(found))


def _location(run: dg.DagsterRun) -> str:
    origin = run.remote_job_origin
    return origin.repository_origin.code_location_origin.location_name if origin else LOCATION
