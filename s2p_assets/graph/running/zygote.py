"""The zygote of `s2p up`: a process that has imported what runs need, and forks every run and every server from itself.

What is forked begins warm and shares its memory. To be forked safely this process has no thread, no connection and no
PostgreSQL; what the forked processes do is in `forked.py`, who asks for runs in `run_launcher.py`.
"""

import contextlib
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from s2p_assets.graph.running import forked
from s2p_assets.graph.running.dagster_web import listening_for_web
from s2p_assets.graph.running.warm_pass import PASS, identity
from s2p_assets.graph.running.zygote_requests import requests_socket
from s2p_assets.settings import Settings, read_settings
from s2p_assets.spreadsheet.sandbox import keep_reader_ready

LOOK_SECONDS = 2.0
STOPPING_SECONDS, ANSWERING_SECONDS = 7.0, 1.0
RESTARTS, WITHIN_SECONDS = 5, 60.0
STATE = "S2P_ZYGOTE"
PRELOADED = (
    "dagster._cli.api",
    "dagster._daemon.controller",
    "dagster._grpc.server",
    "dagster_postgres",
    "pyarrow.compute",
    "pandera.backends.pandas.builtin_checks",
    "pandera.pandas",
    "pyarrow.parquet",
    "s2p_assets.spreadsheet.reading",
    "sqlalchemy.dialects.postgresql.psycopg2",
    "xlsxwriter",
)
"""What runs and servers import at first use, beside what the graph imports."""

Work = Callable[[], int]


@dataclass
class _Children:
    """The living children by process id: servers by their name, runs by theirs, and what only comes and goes."""

    servers: dict[int, str] = field(default_factory=dict)
    runs: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Asked:
    """Where runs are asked for, and where Dagster's web server is."""

    runs: socket.socket
    web: socket.socket


class Zygote:
    """`up`: readable when `s2p up` has ended. `lifeline`: as of `_end_with_parent`."""

    def __init__(self, settings: Settings, asked: _Asked, up: int, lifeline: tuple[int, int]) -> None:
        self.settings, self.asked, self.up, self.lifeline = settings, asked, up, lifeline
        self.children = _Children()
        self.restarts: deque[float] = deque(maxlen=RESTARTS)
        self.shelves, self.identity = shelf_files(settings), identity(settings)
        self.code: int | None = None
        self._woken = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def serve(self) -> int:
        """Until `s2p up` ends or says so, or a server ends again and again; the exit code."""
        signal.set_wakeup_fd(self._woken[1], warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
            signal.signal(number, self._signalled)
        self._start_servers()
        with selectors.DefaultSelector() as selector:
            for ready in (self.asked.runs, self.up, self._woken[0]):
                selector.register(ready, selectors.EVENT_READ)
            while self.code is None:
                self._hear_of_web(selector)
                heard = {key.fd for key, _ in selector.select(LOOK_SECONDS)}
                if self._woken[0] in heard:
                    _drain(self._woken[0])
                if self.up in heard:
                    self.code = 0
                self._reap()
                self._renew_if_shelves_changed()
                if self.asked.runs.fileno() in heard and self.code is None:
                    self._answer()
                if self.asked.web.fileno() in heard and self.code is None and not self._has_web:
                    show = partial(forked.show, self.settings, self.asked.web)
                    self.children.servers[self._fork(show, keeps=self.asked.web)] = forked.WEB_SERVER
        self._stop()
        return self.code

    @property
    def _has_web(self) -> bool:
        return forked.WEB_SERVER in self.children.servers.values()

    def _hear_of_web(self, selector: selectors.BaseSelector) -> None:
        """Who asks for the web server wakes this process while there is none."""
        hears = self.asked.web.fileno() in selector.get_map()
        if hears and self._has_web:
            selector.unregister(self.asked.web)
        elif not hears and not self._has_web:
            selector.register(self.asked.web, selectors.EVENT_READ)

    def _signalled(self, number: int, _: object) -> None:
        if number != signal.SIGCHLD:
            self.code = 0

    def _start_servers(self) -> None:
        for name, serve in forked.SERVERS.items():
            if name not in self.children.servers.values():
                self.children.servers[self._fork(partial(serve, self.settings))] = name

    def _reap(self) -> None:
        """What has ended: a server begins again, and of a run that did not end by itself it is said that it ended."""
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                pid, status = ended
                if run := self.children.runs.pop(pid, None):
                    with contextlib.suppress(ProcessLookupError, PermissionError):
                        os.killpg(pid, signal.SIGKILL)  # what it had started itself
                    if status and run != PASS:
                        self._fork(partial(forked.report_killed, self.settings, run))
                    continue
                server = self.children.servers.pop(pid, None)
                rests = server == forked.WEB_SERVER and not status  # as nobody asks for it any more
                if server and not rests and self.code is None:
                    self._restart()

    def _restart(self) -> None:
        now = time.monotonic()
        if len(self.restarts) == RESTARTS and now - self.restarts[0] < WITHIN_SECONDS:
            self.code = 1
            return
        self.restarts.append(now)
        self._start_servers()

    def _answer(self) -> None:
        connection, _ = self.asked.runs.accept()
        with connection, contextlib.suppress(OSError, ValueError, KeyError):
            connection.settimeout(5.0)
            with connection.makefile("rw", encoding="utf-8") as stream:
                asked = json.loads(stream.readline())
                if asked["do"] != PASS or not self._begins_pass(asked["run"], connection):
                    stream.write(json.dumps(self._do(asked, connection)) + "\n")

    def _do(self, asked: dict[str, str], connection: socket.socket) -> dict[str, Any]:
        run = asked["run"]
        pid = next((pid for pid, known in self.children.runs.items() if known == run), None)
        if asked["do"] == "start" and pid is None:
            pid = self._fork(partial(forked.execute_run, run), connection, group=True)
            self.children.runs[pid] = run
        elif asked["do"] == "stop" and pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        return {"pid": pid}

    def _begins_pass(self, of: str, connection: socket.socket) -> bool:
        """A headless pass for whoever asks, who is told by it; not for other settings or newer code."""
        if of != self.identity or shelf_files(self.settings) != self.shelves:
            return False
        pid = self._fork(partial(forked.make_pass, self.settings, connection), group=True)
        self.children.runs[pid] = PASS
        return True

    def _renew_if_shelves_changed(self) -> None:
        """Begin this process anew, with the code as it now is; its runs live on, and so does the web server."""
        now = shelf_files(self.settings)
        if now == self.shelves or self.code is not None or _newest(now) > time.time() - LOOK_SECONDS:
            return
        self.shelves = now
        for pid, name in list(self.children.servers.items()):
            if name in forked.SERVERS:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                del self.children.servers[pid]
        handed = [self.asked.runs.fileno(), self.asked.web.fileno(), self.up, *self.lifeline]
        for descriptor in handed:
            os.set_inheritable(descriptor, True)
        state = {"descriptors": handed, "servers": self.children.servers, "runs": self.children.runs}
        signal.set_wakeup_fd(-1)
        os.execve(  # noqa: S606  ourselves
            sys.executable, [sys.executable, "-m", __spec__.name], os.environ | {STATE: json.dumps(state)}
        )

    def _fork(
        self, work: Work, *unwanted: socket.socket, keeps: socket.socket | None = None, group: bool = False
    ) -> int:
        """A child that does `work`, and ends when this process does. `group`: in a process group of its own.

        Of our sockets it has the one that it `keeps`.
        """
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid:
            if group:
                with contextlib.suppress(OSError):
                    os.setpgid(pid, pid)
            return pid
        code = 1
        try:
            ours = [one for one in (self.asked.runs, self.asked.web) if one is not keeps]
            self._become_child([*unwanted, *ours], group=group)
            code = work()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 1
        except KeyboardInterrupt:
            code = 130
        except BaseException:
            traceback.print_exc()
        finally:
            with contextlib.suppress(OSError, ValueError):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)

    def _become_child(self, unwanted: list[socket.socket], *, group: bool) -> None:
        if group:
            os.setpgid(0, 0)
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
        for descriptor in (*self._woken, self.lifeline[1], self.up):
            os.close(descriptor)
        for one in unwanted:
            one.close()
        os.environ.pop(STATE, None)
        if group:
            keep_reader_ready()
        watch = threading.Thread(target=_end_with_parent, args=(self.lifeline[0], group), daemon=True)
        watch.start()

    def _stop(self) -> None:
        """Kill the runs: what they had not stored is made again. Who asks the code server ends before it does, for
        an answer that does not come would be an error, told at length where nothing is wrong.
        """
        for pid in self.children.runs:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
        asking = [pid for pid, name in self.children.servers.items() if name != forked.CODE_SERVER]
        end(asking, STOPPING_SECONDS)
        end(self.children.servers.keys() - set(asking), ANSWERING_SECONDS)


def end(children: Iterable[int], seconds: float) -> None:
    """Ask processes to end, and kill those that have not within `seconds`."""
    left, deadline = set(children), time.monotonic() + seconds
    for pid in left:
        os.kill(pid, signal.SIGTERM)
    while left:
        left = {pid for pid in left if os.waitpid(pid, os.WNOHANG)[0] == 0}
        if left and time.monotonic() > deadline:
            for pid in left:
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def _end_with_parent(lifeline: int, group: bool) -> None:
    """Nobody writes to the lifeline: reading ends when the last who could, the zygote, has ended."""
    os.read(lifeline, 1)
    if group:
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def _drain(descriptor: int) -> None:
    with contextlib.suppress(BlockingIOError):
        while os.read(descriptor, 1024):
            pass


ShelfFiles = dict[str, tuple[int, int]]


def shelf_files(settings: Settings) -> ShelfFiles:
    """Every file of code of the shelves' packages, with its time and size."""
    return {entry.path: (entry.stat().st_mtime_ns, entry.stat().st_size) for entry in _code(_packages(settings))}


def _packages(settings: Settings) -> Iterator[str]:
    for package in settings.shelves:
        module = sys.modules.get(package)
        yield from getattr(module, "__path__", ())


def _code(folders: Iterator[str]) -> Iterator["os.DirEntry[str]"]:
    for folder in folders:
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False) and not entry.name.startswith((".", "__")):
                    yield from _code(iter([entry.path]))
                elif entry.name.endswith((".py", ".sql")):
                    yield entry


def _newest(files: ShelfFiles) -> float:
    return max((time_ns for time_ns, _ in files.values()), default=0) / 1e9


def _import_what_is_needed(settings: Settings) -> None:
    """Imports come first, and what is imported is never looked at for garbage, so that it stays shared."""
    gc.disable()
    for module in PRELOADED:
        importlib.import_module(module)
    forked.load_definitions()
    forked.prepare_for_runs(settings)
    gc.collect()
    gc.freeze()
    gc.enable()


def become_zygote() -> int:
    """Arguments: the descriptor whose end says that `s2p up` has ended. After new code: none, but the state."""
    before = json.loads(os.environ.pop(STATE, "null"))
    settings = read_settings()
    _import_what_is_needed(settings)
    if before:
        runs, web, up, *lifeline = before["descriptors"]
        asked = _Asked(socket.socket(fileno=runs), socket.socket(fileno=web))
        zygote = Zygote(settings, asked, up, (lifeline[0], lifeline[1]))
        zygote.children.servers = {int(pid): name for pid, name in before["servers"].items()}
        zygote.children.runs = {int(pid): run for pid, run in before["runs"].items()}
        return zygote.serve()
    asked = _Asked(requests_socket(settings), listening_for_web(settings))
    zygote = Zygote(settings, asked, int(sys.argv[1]), os.pipe())
    forked.run_apart(lambda: forked.clean_up_after_the_killed(settings), zygote._fork)
    return zygote.serve()


if __name__ == "__main__":
    raise SystemExit(become_zygote())
