"""The servers of an installation under one supervisor (`s2p up`).

What an asset does and when it is due is decided elsewhere.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence

from s2p_assets.contracts.errors import MendableError
from s2p_assets.graph.running.dagster_home import environment
from s2p_assets.graph.running.door_process import serving_door
from s2p_assets.graph.running.fetch_process import fetching_elsewhere
from s2p_assets.graph.running.stream_process import reading_streams
from s2p_assets.graph.running.turns import servers_lock
from s2p_assets.settings import Settings
from s2p_assets.warehouse.server.connection import database_url
from s2p_assets.warehouse.server.unreachable import DatabaseUnreachable

STOPPING_SECONDS = 10.0
DATABASE_LOOK_SECONDS = 5.0
ZYGOTE = "s2p_assets.graph.running.zygote"
RESTARTS, WITHIN_SECONDS = 3, 60.0


class PortTaken(MendableError):
    """The address that s2p is to be served at is in use."""


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
    """The door, Dagster's web server and its daemon until one of them ends or a person stops them; their exit code.

    Raises PortTaken, AlreadyUp and DatabaseUnreachable before anything is started.
    """
    require_port(settings.host, settings.port)
    environ = os.environ | environment(settings)
    beside = (serving_door, reading_streams, fetching_elsewhere)
    with servers_lock(settings) as turn, contextlib.ExitStack() as running:
        for begin in beside:
            running.enter_context(begin(settings, environ))
        return _serve_dagster(settings, turn)


def _serve_dagster(settings: Settings, turn: int) -> int:
    place = environment(settings) | {"PYTHONWARNINGS": "ignore", "MALLOC_ARENA_MAX": "2"}
    ends_with_us, ours = os.pipe()
    try:
        command = [sys.executable, "-m", ZYGOTE, str(ends_with_us)]
        return supervise(settings, command, os.environ | place, turn, ends_with_us)
    finally:
        os.close(ends_with_us)
        os.close(ours)


def supervise(settings: Settings, command: Sequence[str], environ: Mapping[str, str], *held: int) -> int:
    """Run servers and all that they start until they end or a person stops them; their exit code.

    Servers that were killed begin again, and so does an embedded PostgreSQL that was. `held`: file descriptors that
    they inherit.
    """
    stopped_at: list[float] = []

    def stop(*_: object) -> None:
        stopped_at.append(time.monotonic())

    # Handlers first: a signal that this process was told to ignore would be ignored by the servers as well.
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    begun: deque[float] = deque(maxlen=RESTARTS)

    def start() -> "subprocess.Popen[bytes]":
        begun.append(time.monotonic())
        return subprocess.Popen(command, env=environ, start_new_session=True, pass_fds=held)

    servers = start()
    try:
        looked_at = time.monotonic()
        while not stopped_at:
            time.sleep(0.2)
            if servers.poll() is not None:
                if servers.returncode >= 0 or (len(begun) == RESTARTS and time.monotonic() - begun[0] < WITHIN_SECONDS):
                    break
                _end_group(servers.pid)
                servers = start()
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
