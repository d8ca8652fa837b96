"""Dagster's daemons that begin at once when something happens, and rest while nothing does.

Dagster's own ask every few seconds whether anything is due, at the same cost whether or not it is. What is due is
decided by the sensors and conditions.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any

import dagster as dg
from dagster._core.remote_representation.external import RemoteSensor
from dagster._core.scheduler.instigation import InstigatorType
from dagster._core.workspace.context import IWorkspaceProcessContext
from dagster._daemon.controller import create_daemons_from_instance
from dagster._daemon.daemon import DaemonIterator, SensorDaemon, SpanMarker
from dagster._daemon.freshness import FreshnessDaemon
from dagster._daemon.run_coordinator.queued_run_coordinator_daemon import QueuedRunCoordinatorDaemon
from dagster._daemon.sensor import _process_tick, execute_sensor_iteration, get_elapsed

from s2p_assets.graph.automation_sensor import AUTOMATION
from s2p_assets.graph.evaluations import newest_event, turned_since
from s2p_assets.graph.share_sensor import SHARE_DRIVE
from s2p_assets.services.context import open_context
from s2p_assets.services.share import look_at_share
from s2p_assets.settings import Settings
from s2p_assets.spreadsheet.share import ShareMissing, ShareScan

EVENTS_SECONDS = 0.5
Processes = IWorkspaceProcessContext[Any]
LOOKS_OF_ITS_TIME = 20
"""A look at a large share takes its time: at most this part of a processor's is spent on looks."""

REST_SECONDS = 30.0
FRESHNESS_SECONDS = 600
"""How often assets are looked at for being too old, which is a matter of days."""
DAGSTERS_SECONDS = 5.0
"""How often Dagster looks for sensors that are due, where a company has some of its own."""


@dataclass(frozen=True)
class Beats:
    """How often something happened: `looks` at which the share was not as before, `turns` after which a condition may
    hold, and `events` of any kind.
    """

    looks: int = 0
    turns: int = 0
    events: int = 0


class Pulse:
    """Wakes who waits for something to happen."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._beats = Beats()

    def beat(self, *, looks: int = 0, turns: int = 0, events: int = 0) -> None:
        with self._changed:
            now = self._beats
            self._beats = Beats(now.looks + looks, now.turns + turns, now.events + events)
            self._changed.notify_all()

    def wait(self, is_news: Callable[[Beats], bool], seconds: float) -> Beats:
        """Until there is news, at most so long; what there is then."""
        with self._changed:
            self._changed.wait_for(lambda: is_news(self._beats), seconds)
            return self._beats


class Rest:
    """A pause that somebody may end before its time."""

    def __init__(self) -> None:
        self._ended = threading.Event()

    def end(self) -> None:
        """The one that is on, or else the next."""
        self._ended.set()

    def rest(self, seconds: float) -> None:
        self._ended.wait(seconds)
        self._ended.clear()


class Watch:
    """Looks at the share and at the event log, and lets the pulse beat when something is new there."""

    def __init__(self, settings: Settings, instance: dg.DagsterInstance, pulse: Pulse) -> None:
        self._ctx, self._instance, self._pulse = open_context(settings), instance, pulse
        self._look: ShareScan | None = None
        self._read = 0
        self._rest = Rest()

    def start(self) -> None:
        for look, rest in ((self._look_at_share, time.sleep), (self._look_at_events, self._rest.rest)):
            threading.Thread(target=_for_ever, args=(look, rest), name="s2p watch", daemon=True).start()

    def look_at_events_now(self) -> None:
        """Somebody here has just written to the event log."""
        self._rest.end()

    def _look_at_share(self) -> float:
        """The sensor, which a change wakes, looks until the file stands still."""
        begun, worked = time.monotonic(), time.thread_time()
        now = None
        with contextlib.suppress(ShareMissing, OSError):
            now = look_at_share(self._ctx)
        before, self._look = self._look, now
        if now != before:
            self._pulse.beat(looks=1)
        waited, worked = time.monotonic() - begun, time.thread_time() - worked
        return max(self._ctx.settings.look_seconds, LOOKS_OF_ITS_TIME * worked, waited)

    def _look_at_events(self) -> float:
        newest = newest_event(self._instance)
        if newest != self._read:
            self._pulse.beat(events=1, turns=int(turned_since(self._instance, self._read)))
            self._read = newest
        return EVENTS_SECONDS


def _for_ever(look: Callable[[], float], rest: Callable[[float], None]) -> None:
    while True:
        pause = EVENTS_SECONDS
        with contextlib.suppress(Exception):  # a database or a drive that is away; whoever works there says so
            pause = look()
        rest(pause)


class PromptSensors(SensorDaemon):
    """Our sensors are evaluated when something happened that they tell of, others as ever.

    `evaluated`: called after each evaluation, which may have written to the event log.
    """

    def __init__(self, settings: Any, pulse: Pulse, evaluated: Callable[[], None]) -> None:
        super().__init__(settings)
        self._pulse, self._evaluated = pulse, evaluated
        self._ticks: dict[str, Future[Any]] = {}
        self._waiting: set[str] = set()

    def core_loop(self, workspace_process_context: Processes, shutdown_event: threading.Event) -> DaemonIterator:
        context, seen = workspace_process_context, Beats()
        while not shutdown_event.is_set():
            yield SpanMarker.START_SPAN
            yield from execute_sensor_iteration(
                context,
                self._logger,
                threadpool_executor=self._threadpool_executor,
                submit_threadpool_executor=self._submit_threadpool_executor,
                sensor_tick_futures=self._ticks,
            )
            until = time.monotonic() + (DAGSTERS_SECONDS if _has_hasty_sensors(context) else REST_SECONDS)
            while (left := until - time.monotonic()) > 0 and not shutdown_event.is_set():
                known = seen
                seen = self._pulse.wait(partial(_tells_a_sensor, known), min(left, 5.0))
                self._evaluate(context, {SHARE_DRIVE} if seen.looks != known.looks else set())
                self._evaluate(context, {AUTOMATION} if seen.turns != known.turns else set())
                yield None
            yield SpanMarker.END_SPAN

    def _evaluate(self, context: Processes, names: set[str]) -> None:
        """Evaluate these sensors after what they are at now."""
        if not names:
            return
        instance = context.instance
        states = {one.selector_id: one for one in instance.all_instigator_state(instigator_type=InstigatorType.SENSOR)}
        for sensor in _sensors(context):
            state = states.get(sensor.selector_id)
            if sensor.name not in names or state is None or not sensor.get_current_instigator_state(state).is_running:
                continue
            if sensor.name in self._waiting:
                continue  # it has not begun, and so will see what happened
            self._waiting.add(sensor.name)
            pool: Any = self._threadpool_executor
            before = self._ticks.get(sensor.selector_id)
            tick = self._ticks[sensor.selector_id] = pool.submit(self._tick, context, sensor, before)
            tick.add_done_callback(lambda _: self._evaluated())

    def _tick(self, context: Processes, sensor: RemoteSensor, before: Future[Any] | None) -> Any:
        """One evaluation. Dagster would pass over one that comes too soon after another; this one waits."""
        if before is not None:
            before.exception()  # what went wrong is told in the tick
        instance = context.instance
        state = instance.get_instigator_state(sensor.get_remote_origin_id(), sensor.selector_id)
        elapsed = get_elapsed(state) if state else None
        if elapsed is not None:
            time.sleep(max(0.0, min(sensor.min_interval_seconds - elapsed, sensor.min_interval_seconds)))
        self._waiting.discard(sensor.name)
        retention = instance.get_tick_retention_settings(InstigatorType.SENSOR)
        return _process_tick(context, self._logger, sensor, state, None, retention, self._submit_threadpool_executor)


def _tells_a_sensor(known: Beats, now: Beats) -> bool:
    return (now.looks, now.turns) != (known.looks, known.turns)


def _tells_the_queue(known: Beats, now: Beats) -> bool:
    return now.events != known.events


def _sensors(context: Processes) -> Iterator[RemoteSensor]:
    for entry in context.create_request_context().get_code_location_entries().values():
        if entry.code_location:
            for repository in entry.code_location.get_repositories().values():
                yield from repository.get_sensors()


def _has_hasty_sensors(context: Processes) -> bool:
    """Whether a sensor that nothing wakes is to be evaluated more often than we would."""
    others = (sensor for sensor in _sensors(context) if sensor.name not in (AUTOMATION, SHARE_DRIVE))
    return any(sensor.min_interval_seconds < REST_SECONDS for sensor in others)


class PromptQueue(QueuedRunCoordinatorDaemon):
    """Runs are started when they are asked for, or when another has ended."""

    def __init__(self, pulse: Pulse) -> None:
        super().__init__(interval_seconds=REST_SECONDS)
        self._pulse = pulse

    def core_loop(self, workspace_process_context: Processes, shutdown_event: threading.Event) -> DaemonIterator:
        seen = Beats()
        while not shutdown_event.is_set():
            known = seen
            seen = self._pulse.wait(partial(_tells_the_queue, known), 5.0)
            yield from self.run_iteration(workspace_process_context)
            yield None


def prompt_daemons(settings: Settings) -> Callable[[dg.DagsterInstance], Iterable[Any]]:
    """Dagster's daemons for an instance, of which those for sensors and for the queue are ours."""

    def made(instance: dg.DagsterInstance) -> Iterable[Any]:
        pulse = Pulse()
        watch = Watch(settings, instance, pulse)
        watch.start()
        for daemon in create_daemons_from_instance(instance):
            if isinstance(daemon, SensorDaemon):
                yield PromptSensors(instance.get_sensor_settings(), pulse, watch.look_at_events_now)
            elif isinstance(daemon, QueuedRunCoordinatorDaemon):
                yield PromptQueue(pulse)
            elif isinstance(daemon, FreshnessDaemon):
                yield FreshnessDaemon(FRESHNESS_SECONDS)
            else:
                yield daemon

    return made
