"""Running the graph: headless to the end (`s2p run`), or as servers under one supervisor (`s2p up`).

What an asset does and when it is due is decided elsewhere; both ways of running use the same conditions.
"""

import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import dagster as dg
from dagster._core.definitions.asset_daemon_cursor import AssetDaemonCursor
from dagster._serdes import deserialize_value, serialize_value

from s2p_assets.graph.instance import WORKSPACE, environment
from s2p_assets.graph.made_assets import WAITS
from s2p_assets.settings import Settings

STOPPING_SECONDS = 10.0
MOST_WAVES = 25
CURSOR = "s2p_headless_cursor"

Progress = Callable[[str], None]


class PortTaken(Exception):
    """The address for the Dagster UI is in use."""


@dataclass
class Finished:
    """The runs of one headless pass, what went wrong in them (`asset: error`), and what waits for more data."""

    runs: list[dict[str, Any]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    waits: list[str] = field(default_factory=list)


def run_until_settled(
    defs: dg.Definitions, instance: dg.DagsterInstance, look: Callable[[], None], progress: Progress
) -> Finished:
    """Look at the share, then make whatever the conditions request, wave by wave, until nothing is due.

    Each wave is one run in this process. The conditions' memory between two passes is kept in Dagster's
    storage, beside the daemon's own.
    """
    finished = Finished()
    listening = dg.Definitions.merge(defs, dg.Definitions(loggers={"console": _logger(progress, finished.waits)}))
    cursor, requested = _load_cursor(instance), set[dg.AssetKey]()
    if cursor is None:
        cursor, requested = _evaluate(listening, instance, None)
    look()
    quiet = 0
    for _ in range(MOST_WAVES):
        cursor, due = _evaluate(listening, instance, cursor)
        requested |= due
        if requested:
            _run(listening, instance, requested, finished)
            requested, quiet = set(), 0
        elif quiet:
            break
        else:
            quiet += 1
        instance.daemon_cursor_storage.set_cursor_values({CURSOR: serialize_value(cursor)})
    return finished


def _load_cursor(instance: dg.DagsterInstance) -> AssetDaemonCursor | None:
    stored = instance.daemon_cursor_storage.get_cursor_values({CURSOR}).get(CURSOR)
    return deserialize_value(stored, AssetDaemonCursor) if stored else None


def _evaluate(
    defs: dg.Definitions, instance: dg.DagsterInstance, cursor: AssetDaemonCursor | None
) -> tuple[AssetDaemonCursor, set[dg.AssetKey]]:
    result = dg.evaluate_automation_conditions(defs, instance, cursor=cursor)
    keys = defs.resolve_asset_graph().get_all_asset_keys()
    return result.cursor, {key for key in keys if result.get_num_requested(key)}


def _run(defs: dg.Definitions, instance: dg.DagsterInstance, keys: set[dg.AssetKey], finished: Finished) -> None:
    job = defs.resolve_implicit_global_asset_job_def()
    result = job.execute_in_process(
        run_config={"loggers": {"console": {}}},  # without this, Dagster's own console logger takes its place
        instance=instance,
        asset_selection=sorted(keys),
        raise_on_error=False,
    )
    made = sorted(key.to_user_string() for key in keys)
    finished.runs.append({"id": result.run_id, "status": result.dagster_run.status.value, "assets": made})
    for event in result.get_step_failure_events():
        error = event.step_failure_data.error
        cause = (error.cause or error) if error else None
        finished.failures.append(f"{event.step_key}: {(cause.message if cause else 'failed').strip()}")


class _StepHandler(logging.Handler):
    """Passes step starts and our own messages on to `progress`, and keeps what is said to wait."""

    def __init__(self, progress: Progress, waits: list[str]) -> None:
        super().__init__(logging.INFO)
        self.progress, self.waits = progress, waits

    def emit(self, record: logging.LogRecord) -> None:
        meta = getattr(record, "dagster_meta", {})
        event = meta.get("dagster_event")
        said = str(meta.get("orig_message", record.getMessage()))
        if WAITS in said:
            self.waits.append(said)
        elif event is None:
            self.progress(said)
        elif event.event_type_value == "STEP_START":
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
    """The webserver and the daemon until one of them ends or a person stops them; their exit code."""
    require_port(settings.host, settings.port)
    place = environment(settings) | {"PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-m", "dagster", "dev", "--workspace", str(settings.dagster_home / WORKSPACE)]
    command += ["--host", settings.host, "--port", str(settings.port), "--log-level", "warning"]
    command += ["--code-server-log-level", "warning"]
    servers = subprocess.Popen(command, env=os.environ | place, start_new_session=True)

    def stop(*_: object) -> None:
        servers.terminate()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        return servers.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _end_group(servers.pid)


def _end_group(group: int) -> None:
    """End whatever the servers left behind, so that the port and the database are free."""
    deadline = time.monotonic() + STOPPING_SECONDS
    with contextlib.suppress(ProcessLookupError):
        while time.monotonic() < deadline:
            os.killpg(group, 0)
            time.sleep(0.2)
        os.killpg(group, signal.SIGKILL)
