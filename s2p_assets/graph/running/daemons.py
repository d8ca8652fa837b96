"""Dagster's daemons that begin at once when something happens, and rest while nothing does.

Dagster's own ask every few seconds whether anything is due, at the same cost whether or not it is. What is due is
decided by the sensors and conditions.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import dagster as dg
from dagster._core.workspace.context import IWorkspaceProcessContext
from dagster._daemon.controller import create_daemons_from_instance
from dagster._daemon.daemon import DaemonIterator, SensorDaemon, SpanMarker
from dagster._daemon.run_coordinator.queued_run_coordinator_daemon import QueuedRunCoordinatorDaemon
from dagster._daemon.sensor import execute_sensor_iteration

from s2p_assets.graph.automation_sensor import AUTOMATION, newest_event, turned_since
from s2p_assets.graph.share_sensor import SHARE_DRIVE
from s2p_assets.services.context import open_context
from s2p_assets.services.share import look_at_share
from s2p_assets.settings import Settings
from s2p_assets.spreadsheet.share import ShareMissing, ShareScan

EVENTS_SECONDS = 0.5
LOOKS_OF_ITS_TIME = 20
"""A look at a large share takes its time: at most this part of a processor's is spent on looks."""

REST_SECONDS = 30.0
DAGSTERS_SECONDS = 5.0
"""How often Dagster looks for sensors that are due, where a company has some of its own."""


class Pulse:
    """Counts what happened: `turns` after which a sensor may ask for something, and `events` of any kind."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self.turns = self.events = 0

    def beat(self, *, turned: bool) -> None:
        with self._changed:
            self.events += 1
            self.turns += turned
            self._changed.notify_all()

    def wait(self, what: Callable[[], int], seen: int, seconds: float) -> int:
        """Until there is more than was `seen`, at most `seconds`; the count then."""
        with self._changed:
            self._changed.wait_for(lambda: what() > seen, seconds)
            return what()


class Watch:
    """Looks at the share and at the event log, and lets the pulse beat when something is new there."""

    def __init__(self, settings: Settings, instance: dg.DagsterInstance, pulse: Pulse) -> None:
        self._ctx, self._instance, self._pulse = open_context(settings), instance, pulse
        self._looks: tuple[ShareScan | None, ShareScan | None] = (None, None)
        self._read = 0

    def start(self) -> None:
        for look in (self._look_at_share, self._look_at_events):
            threading.Thread(target=_for_ever, args=(look,), name="s2p watch", daemon=True).start()

    def _look_at_share(self) -> float:
        """A file is ready after two looks at which it stood still, so a change counts for as long as that."""
        begun, worked = time.monotonic(), time.thread_time()
        now = None
        with contextlib.suppress(ShareMissing, OSError):
            now = look_at_share(self._ctx)
        before, self._looks = self._looks, (self._looks[1], now)
        if any(now != look for look in before):
            self._pulse.beat(turned=True)
        waited, worked = time.monotonic() - begun, time.thread_time() - worked
        return max(self._ctx.settings.look_seconds, LOOKS_OF_ITS_TIME * worked, waited)

    def _look_at_events(self) -> float:
        newest = newest_event(self._instance)
        if newest != self._read:
            self._pulse.beat(turned=turned_since(self._instance, self._read))
            self._read = newest
        return EVENTS_SECONDS


def _for_ever(look: Callable[[], float]) -> None:
    while True:
        pause = EVENTS_SECONDS
        with contextlib.suppress(Exception):  # a database or a drive that is away; whoever works there says so
            pause = look()
        time.sleep(pause)


class PromptSensors(SensorDaemon):
    """Sensors are evaluated when something happened."""

    def __init__(self, settings: Any, pulse: Pulse) -> None:
        super().__init__(settings)
        self._pulse = pulse

    def core_loop(
        self, workspace_process_context: IWorkspaceProcessContext, shutdown_event: threading.Event
    ) -> DaemonIterator:
        futures: dict[str, Any] = {}
        seen = -1
        while True:
            rest = DAGSTERS_SECONDS if _has_other_sensors(workspace_process_context) else REST_SECONDS
            seen = self._pulse.wait(lambda: self._pulse.turns, seen, rest)
            if shutdown_event.is_set():
                return
            yield SpanMarker.START_SPAN
            yield from execute_sensor_iteration(
                workspace_process_context,
                self._logger,
                threadpool_executor=self._threadpool_executor,
                submit_threadpool_executor=self._submit_threadpool_executor,
                sensor_tick_futures=futures,
            )
            yield SpanMarker.END_SPAN
            for future in list(futures.values()):
                while not future.done():
                    shutdown_event.wait(0.05)
                    yield None


def _has_other_sensors(context: IWorkspaceProcessContext) -> bool:
    entries = context.create_request_context().get_code_location_entries().values()
    return any(
        sensor.name not in (AUTOMATION, SHARE_DRIVE)
        for entry in entries
        if entry.code_location
        for repository in entry.code_location.get_repositories().values()
        for sensor in repository.get_sensors()
    )


class PromptQueue(QueuedRunCoordinatorDaemon):
    """Runs are started when they are asked for, or when another has ended."""

    def __init__(self, pulse: Pulse) -> None:
        super().__init__(interval_seconds=REST_SECONDS)
        self._pulse = pulse

    def core_loop(
        self, workspace_process_context: IWorkspaceProcessContext, shutdown_event: threading.Event
    ) -> DaemonIterator:
        seen = -1
        while not shutdown_event.is_set():
            seen = self._pulse.wait(lambda: self._pulse.events, seen, REST_SECONDS)
            yield from self.run_iteration(workspace_process_context)
            yield None


def prompt_daemons(settings: Settings) -> Callable[[dg.DagsterInstance], Iterable[Any]]:
    """Dagster's daemons for an instance, of which those for sensors and for the queue are ours."""

    def made(instance: dg.DagsterInstance) -> Iterable[Any]:
        pulse = Pulse()
        Watch(settings, instance, pulse).start()
        for daemon in create_daemons_from_instance(instance):
            if isinstance(daemon, SensorDaemon):
                yield PromptSensors(instance.get_sensor_settings(), pulse)
            elif isinstance(daemon, QueuedRunCoordinatorDaemon):
                yield PromptQueue(pulse)
            else:
                yield daemon

    return made
