"""Running the graph: headless to the end (`s2p run`), or as servers under one supervisor (`s2p up`).

What an asset does and when it is due is decided elsewhere; both ways of running use the same conditions.
"""

import contextlib
import errno
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg
from dagster._core.definitions.asset_daemon_cursor import AssetDaemonCursor
from dagster._serdes import deserialize_value, serialize_value
from dagster_shared.error import SerializableErrorInfo

from s2p_assets.contracts.errors import MendableError
from s2p_assets.graph.assets.derived_assets import WAITS_FOR_DATA
from s2p_assets.graph.assets.shards import whole_range
from s2p_assets.graph.assets.workbook_assets import LEFT_FOR_LATER
from s2p_assets.graph.running.instance import WORKSPACE, environment, open_instance
from s2p_assets.graph.running.locks import UnfinishedRun, clean_up, servers_lock
from s2p_assets.graph.running.report_pages import serving_reports
from s2p_assets.settings import Settings
from s2p_assets.warehouse.server.connection import database_url
from s2p_assets.warehouse.server.unreachable import DatabaseUnreachable

STOPPING_SECONDS = 10.0
DATABASE_LOOK_SECONDS = 5.0
MAX_WAVES = 25
LONGEST_WAIT_SECONDS = 1800.0
SERVERS_LOOK_SECONDS = 1.0
CURSOR = "s2p_headless_cursor"

Progress = Callable[[str], None]


class PortTaken(MendableError):
    """The address for the Dagster UI is in use."""


@dataclass
class PassResult:
    """The runs of one headless pass, what went wrong in them (`asset: error`), and what is not there yet."""

    runs: list[dict[str, Any]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    waits: list[str] = field(default_factory=list)


def run_until_settled(
    defs: dg.Definitions,
    instance: dg.DagsterInstance,
    look: Callable[[], None],
    progress: Progress,
    tags: Mapping[str, str],
    servers: Callable[[], list[UnfinishedRun]] = list,
    longest_wait: float = LONGEST_WAIT_SECONDS,
    *,
    among: dg.AssetSelection | None = None,
    anew: bool = False,
) -> PassResult:
    """Look at the share, then make whatever the conditions request, wave by wave, until nothing is due.

    Each wave is one run in this process. The conditions' memory between two passes is kept in Dagster's
    storage, beside the daemon's own. `servers`: the unfinished runs of servers beside this process; what they are
    making is waited for, at most `longest_wait` seconds in all, and then named in `waits`. `among`: the assets whose
    conditions are asked, by default all; `anew`: some of them never were, and begin before the look.
    """
    finished = PassResult()
    listening = dg.Definitions.merge(defs, dg.Definitions(loggers={"console": _logger(progress, finished.waits)}))
    cursor, requested = _load_cursor(instance), set[dg.AssetKey]()
    if cursor is None or anew:
        cursor, requested = _evaluate(listening, instance, cursor, among)
    look()
    quiet, until = 0, time.monotonic() + longest_wait
    for _ in range(MAX_WAVES):
        cursor, due = _evaluate(listening, instance, cursor, among)
        requested |= due
        if requested:
            run_assets(listening, instance, requested, finished, tags)
            requested, quiet = set(), 0
        elif _wait_for(servers, until, progress):
            quiet = 0
        elif quiet:
            break
        else:
            quiet += 1
        instance.daemon_cursor_storage.set_cursor_values({CURSOR: serialize_value(cursor)})
    finished.waits += [
        f"s2p up is still making {work.said}; what follows from it comes by itself" for work in servers()
    ]
    return finished


def _wait_for(servers: Callable[[], list[UnfinishedRun]], until: float, progress: Progress) -> bool:
    """Whether servers were at work and have ended it; False as well when the time is up."""
    waited = False
    while (at_work := servers()) and time.monotonic() < until:
        waited = True
        progress(f"waiting for s2p up, which is making {'; '.join(work.said for work in at_work)}")
        time.sleep(SERVERS_LOOK_SECONDS)
    return waited and not at_work


def _load_cursor(instance: dg.DagsterInstance) -> AssetDaemonCursor | None:
    stored = instance.daemon_cursor_storage.get_cursor_values({CURSOR}).get(CURSOR)
    return deserialize_value(stored, AssetDaemonCursor) if stored else None


def _evaluate(
    defs: dg.Definitions,
    instance: dg.DagsterInstance,
    cursor: AssetDaemonCursor | None,
    among: dg.AssetSelection | None,
) -> tuple[AssetDaemonCursor, set[dg.AssetKey]]:
    result = dg.evaluate_automation_conditions(defs, instance, among, cursor=cursor)
    keys = defs.resolve_asset_graph().get_all_asset_keys()
    return result.cursor, {key for key in keys if result.get_num_requested(key)}


def run_assets(
    defs: dg.Definitions,
    instance: dg.DagsterInstance,
    keys: set[dg.AssetKey],
    finished: PassResult,
    tags: Mapping[str, str],
    ops: Mapping[str, Any] | None = None,
) -> None:
    """One run of these assets in this process, `ops` configured; what came of it is added to `finished`."""
    job = defs.resolve_implicit_global_asset_job_def()
    result = job.execute_in_process(
        # without the logger, Dagster's own console logger takes its place
        run_config={"loggers": {"console": {}}, "ops": dict(ops or {})},
        instance=instance,
        asset_selection=sorted(keys),
        raise_on_error=False,
        tags=dict(tags) | whole_range(defs, keys),
    )
    made = sorted(key.to_user_string() for key in keys)
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
    """Passes step starts and our own messages on to `progress`, and keeps what is said to wait."""

    def __init__(self, progress: Progress, waits: list[str]) -> None:
        super().__init__(logging.INFO)
        self.progress, self.waits = progress, waits

    def emit(self, record: logging.LogRecord) -> None:
        meta = getattr(record, "dagster_meta", {})
        event = meta.get("dagster_event")
        said = str(meta.get("orig_message", record.getMessage()))
        if WAITS_FOR_DATA in said or LEFT_FOR_LATER in said:
            self.waits.append(said)
        elif event is None and not said.startswith("Skipping step"):
            self.progress(said)
        elif event is not None and event.event_type_value == "STEP_START":
            self.progress(event.step_key.replace("__", " › ").replace("_", " "))


def _logger(progress: Progress, waits: list[str]) -> dg.LoggerDefinition:
    def make(_: dg.InitLoggerContext) -> logging.Logger:
        logger = logging.Logger("s2p.headless", logging.DEBUG)
        logger.addHandler(_StepHandler(progress, waits))
        return logger

    return dg.LoggerDefinition(make)


def require_port(host: str, port: int) -> None:
    """Raises PortTaken with what to do next when nothing can listen there."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortTaken(
                f"{host}:{port} cannot be used ({error.strerror}); stop what runs there or set S2P_PORT to a free port"
            ) from error


def serve(settings: Settings) -> int:
    """The webserver and the daemon until one of them ends or a person stops them; their exit code.

    Raises PortTaken, AlreadyUp and DatabaseUnreachable before anything is started.
    """
    require_port(settings.host, settings.port)
    with servers_lock(settings) as turn:
        with open_instance(settings) as instance:
            clean_up(settings, instance, headless=False)
        with serving_reports(settings):
            return _serve_dagster(settings, turn)


def _serve_dagster(settings: Settings, turn: int) -> int:
    place = environment(settings) | {"PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-m", "dagster", "dev", "--workspace", str(settings.dagster_home / WORKSPACE)]
    command += ["--host", settings.host, "--port", str(settings.port), "--log-level", "warning"]
    command += ["--code-server-log-level", "warning"]
    return supervise(settings, command, os.environ | place, turn)


def supervise(settings: Settings, command: Sequence[str], environ: Mapping[str, str], *held: int) -> int:
    """Run servers and all that they start until they end or a person stops them; their exit code.

    Meanwhile an embedded PostgreSQL that was killed is started again. `held`: file descriptors that they inherit.
    """
    stopped_at: list[float] = []

    def stop(*_: object) -> None:
        stopped_at.append(time.monotonic())

    # Handlers first: a signal that this process was told to ignore would be ignored by the servers as well.
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    servers = subprocess.Popen(command, env=environ, start_new_session=True, pass_fds=held)
    try:
        looked_at = time.monotonic()
        while servers.poll() is None and not stopped_at:
            time.sleep(0.2)
            if time.monotonic() - looked_at > DATABASE_LOOK_SECONDS:
                with contextlib.suppress(DatabaseUnreachable):
                    database_url(settings)  # starts an embedded PostgreSQL that was killed
                looked_at = time.monotonic()
        servers.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            servers.wait(STOPPING_SECONDS)
    finally:
        _end_group(servers.pid)
        for number, handler in before.items():
            signal.signal(number, handler)
    return 0 if stopped_at else servers.wait()


def _end_group(group: int) -> None:
    """End whatever the servers left behind, so that the port and the database are free."""
    deadline = time.monotonic() + STOPPING_SECONDS
    with contextlib.suppress(ProcessLookupError):
        while time.monotonic() < deadline:
            os.killpg(group, 0)
            time.sleep(0.2)
        os.killpg(group, signal.SIGKILL)
