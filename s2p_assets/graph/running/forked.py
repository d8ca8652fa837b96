"""What the processes do that the zygote forks: serve the definitions, watch, show the Dagster UI, make a run.

When and how they are forked is in `zygote.py`.
"""

import datetime as dt
import importlib
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import yaml
from dagster._core.instance.ref import InstanceRef
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster._daemon import controller
from dagster._grpc import server_watcher
from dagster._utils.log import configure_loggers

from s2p_assets.graph.running.dagster_home import DAGSTERS_LOGS, WORKSPACE, patience, prepare_home
from s2p_assets.graph.running.dagster_web import host_behind_door
from s2p_assets.graph.running.freed_memory import keep_returning_memory
from s2p_assets.graph.running.instance import open_instance
from s2p_assets.graph.running.locks import ENDED_FROM_OUTSIDE, clean_up
from s2p_assets.graph.running.run_launcher import LOCATION, ForkingRunLauncher
from s2p_assets.graph.running.run_logs import RunLogs
from s2p_assets.graph.running.warm_pass import PassAsker
from s2p_assets.graph.running.zygote_requests import socket_file
from s2p_assets.learning.fingerprint import fingerprint_of
from s2p_assets.publishing.renderers.html import prepare_templates
from s2p_assets.services.context import open_context
from s2p_assets.services.errors import one_line
from s2p_assets.services.logs import start_log
from s2p_assets.services.spans import run_span
from s2p_assets.settings import Settings, read_settings
from s2p_assets.spreadsheet.sandbox import spare_reader_ended

DEFINITIONS = "s2p_assets.definitions"
SERVERS_WORKSPACE = "servers.yaml"
RUNS_LOG, PASS_LOG, LOG_BYTES = "runs.log", "run.log", 1 << 20
STOPPING_SECONDS = 20.0
CODE_SERVER_SECONDS = 600.0
READ_AGAIN_SECONDS = 3600
ANSWER_SECONDS, LOOK_SECONDS = 60, 2
"""Until a code server that does not answer is taken to be away, and between two looks whether it is still the same."""


def load_definitions() -> None:
    """Everything that is declared, so that whoever is forked finds it."""
    module: Any = importlib.import_module(DEFINITIONS)
    made: dg.Definitions = module.defs()
    made.get_repository_def().load_all_definitions()
    module.defs = made  # whoever is forked takes these, instead of declaring all once more


def prepare_for_runs(settings: Settings) -> None:
    """What every run would work out anew, of what cannot change without a new start: pages and learners' code."""
    prepare_templates()
    catalog = open_context(settings).catalog
    for contest in catalog.contests.values():
        for model in catalog.candidates(contest):
            fingerprint_of(model.build(), contest.task)


def run_apart(work: Callable[[], int], fork: Callable[[Callable[[], int]], int]) -> None:
    """`work` in a process of its own, to its end. Its failure is this one's."""
    _, status = os.waitpid(fork(work), 0)
    if status:
        raise SystemExit(1)


def clean_up_after_the_killed(settings: Settings) -> int:
    with open_instance(settings) as instance:
        clean_up(settings, instance, headless=False)
    return 0


def report_killed(settings: Settings, run_id: str) -> int:
    """Say in Dagster's books that a run ended, where it could not do so itself; it is then made again."""
    with open_instance(settings) as instance:
        run = instance.get_run_by_id(run_id)
        if run and not run.is_finished:
            instance.report_run_failed(run, ENDED_FROM_OUTSIDE)
    return 0


def execute_run(run_id: str) -> int:
    """One run to its end. What libraries say goes to a file; what the run says, into Dagster's books."""
    from dagster._cli.api import _execute_run_command_body
    from dagster._utils.interrupts import capture_interrupts

    _fresh_randomness()
    settings = read_settings()
    with (
        spare_reader_ended(),
        capture_interrupts(),
        dg.DagsterInstance.from_ref(servers_ref(settings)) as instance,
    ):
        start_log(settings.log_format, os.fdopen(os.dup(2), "w", buffering=1))
        _noise_apart(Path(instance.root_directory).parent / RUNS_LOG)
        with run_span(settings, run_id):
            return _execute_run_command_body(run_id, instance, lambda _: None, set_exit_code_on_failure=False)


def make_pass(settings: Settings, connection: socket.socket) -> int:
    """A headless pass for the one at the other end, who is told how it goes and what came of it.

    It is stopped when they go away, as it would be at their own terminal.
    """
    from s2p_assets.graph.running.headless import process

    _fresh_randomness()
    asker, begun = PassAsker(connection), dt.datetime.now(dt.UTC)
    asker.tell(pid=os.getpid())
    threading.Thread(target=_stop_with, args=(asker,), daemon=True).start()
    with spare_reader_ended():
        _noise_apart(settings.home / PASS_LOG)
        module: Any = importlib.import_module(DEFINITIONS)
        try:
            made = process(open_context(settings), module.defs, lambda text: asker.tell(progress=text))
        except Exception as error:
            if (says := one_line(error)) is None:
                raise
            asker.tell(failed=says)
            return 0
        told = {"begun": begun.isoformat(), "unclaimed": {file["path"]: file["says"] for file in made["unclaimed"]}}
        asker.tell(made=told | {name: made[name] for name in ("runs", "failures", "waits")})
    return 0


def _stop_with(asker: PassAsker) -> None:
    asker.wait_until_gone()
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(STOPPING_SECONDS)
    os.killpg(0, signal.SIGKILL)


def _fresh_randomness() -> None:
    """Forked processes would all draw the same numbers."""
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed()


def _noise_apart(file: Path) -> None:
    is_long = file.exists() and file.stat().st_size > LOG_BYTES
    log = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | (os.O_TRUNC if is_long else 0), 0o600)
    for stream in (1, 2):
        os.dup2(log, stream)
    os.close(log)


def serve_definitions(settings: Settings) -> int:
    """Dagster's code server, on a socket in the home."""
    from dagster._core.utils import FuturesAwareThreadPoolExecutor
    from dagster._grpc.server import DagsterApiServer, DagsterGrpcServer

    keep_returning_memory()
    logger = _logger("dagster.code_server")
    ended, workers = threading.Event(), FuturesAwareThreadPoolExecutor(max_workers=8)
    file = socket_file(settings, "code")
    file.unlink(missing_ok=True)
    servicer = DagsterApiServer(
        ended,
        logger,
        workers,
        loadable_target_origin=LoadableTargetOrigin(executable_path=sys.executable, module_name=DEFINITIONS),
        lazy_load_user_code=True,
        inject_env_vars_from_instance=True,
        instance_ref=servers_ref(settings),
        location_name=LOCATION,
    )
    DagsterGrpcServer(ended, servicer, logger, workers, host="localhost", socket=str(file)).serve()  # type: ignore[no-untyped-call]
    return 1


def watch(settings: Settings) -> int:
    """Dagster's daemon.

    It ends at once: what it has under way is taken up again as after a kill, while an orderly end of Dagster's takes
    five seconds, and tells at length of every tick that it cuts off.
    """
    from dagster._daemon.controller import daemon_controller_from_instance

    from s2p_assets.graph.running.daemons import prompt_daemons

    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    keep_returning_memory()
    _be_patient()
    _read_definitions_once(settings)
    _wait_for_definitions(settings)
    with dg.DagsterInstance.from_ref(servers_ref(settings)) as instance:
        load, daemons = _workspace(settings), prompt_daemons(settings)
        with daemon_controller_from_instance(
            instance, load, gen_daemons=daemons, log_level="warning", code_server_log_level="warning"
        ) as controller:
            controller.check_daemon_loop()
    return 1


def show(settings: Settings, listening: socket.socket) -> int:
    """Dagster's web server, behind the door, for as long as somebody asks for it."""
    from dagster._core.workspace.context import WorkspaceProcessContext
    from dagster_webserver.version import __version__

    keep_returning_memory()
    _logger("dagster-webserver")
    _be_patient()
    _wait_for_definitions(settings)
    with (
        dg.DagsterInstance.from_ref(servers_ref(settings)) as instance,
        WorkspaceProcessContext(
            instance, _workspace(settings), version=__version__, code_server_log_level="warning"
        ) as context,
    ):
        host_behind_door(context, listening)
    return 0


CODE_SERVER = "code server"
SERVERS: dict[str, Callable[[Settings], int]] = {
    CODE_SERVER: serve_definitions,
    "daemon": watch,
}
"""Those that always run, and begin anew with new code."""

WEB_SERVER = "web server"
"""Runs when it is asked for. It asks the code server, and so lives on when that begins anew."""


def _logger(name: str) -> logging.Logger:
    configure_loggers(log_level="WARNING")
    return logging.getLogger(name)


def servers_ref(settings: Settings) -> InstanceRef:
    """Dagster's instance with runs that are forked, unless an engineer named another launcher in `dagster.yaml`."""
    home = prepare_home(settings)
    configured: dict[str, Any] = yaml.safe_load((home / "dagster.yaml").read_text(encoding="utf-8")) or {}
    launcher = {
        "module": ForkingRunLauncher.__module__,
        "class": ForkingRunLauncher.__name__,
        "config": {"socket": str(socket_file(settings, "runs"))},
    }
    own: dict[str, Any] = {} if "run_launcher" in configured else {"run_launcher": launcher}
    logs = configured.get("compute_logs") or {}
    if logs.get("class") == DAGSTERS_LOGS:
        own["compute_logs"] = logs | {"module": RunLogs.__module__, "class": RunLogs.__name__}
    return InstanceRef.from_dir(str(home), overrides=own | patience(configured))


def _workspace(settings: Settings) -> WorkspaceFileTarget:
    """The workspace with our definitions as the code server gives them, and with whatever a company loads beside."""
    home = prepare_home(settings)
    loaded: dict[str, Any] = yaml.safe_load((home / WORKSPACE).read_text(encoding="utf-8"))
    served = {"host": "localhost", "socket": str(socket_file(settings, "code")), "location_name": LOCATION}
    loaded["load_from"] = [{"grpc_server": served} if _is_ours(one) else one for one in loaded["load_from"]]
    file = home / SERVERS_WORKSPACE
    beside = file.with_suffix(f".{os.getpid()}.tmp")
    beside.write_text(yaml.safe_dump(loaded), encoding="utf-8")
    beside.replace(file)
    return WorkspaceFileTarget(paths=[str(file)])


def _is_ours(location: dict[str, Any]) -> bool:
    module = location.get("python_module")
    return (module.get("module_name") if isinstance(module, dict) else module) == DEFINITIONS


def _be_patient() -> None:
    """Dagster gives a code server two seconds to answer, and then forgets its sensors and assets for a while."""
    server_watcher.REQUEST_TIMEOUT, server_watcher.WATCH_INTERVAL = ANSWER_SECONDS, LOOK_SECONDS


def _read_definitions_once(settings: Settings) -> None:
    """Dagster's daemon reads all definitions anew every minute; that ours are new, it is told when they are."""
    loaded: dict[str, Any] = yaml.safe_load((prepare_home(settings) / WORKSPACE).read_text(encoding="utf-8"))
    if all(map(_is_ours, loaded["load_from"])):
        controller.RELOAD_WORKSPACE_INTERVAL = READ_AGAIN_SECONDS


def _wait_for_definitions(settings: Settings) -> None:
    deadline, file = time.monotonic() + CODE_SERVER_SECONDS, socket_file(settings, "code")
    while time.monotonic() < deadline:
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(str(file)) == 0:
                return
        time.sleep(0.1)
