"""A headless pass (`s2p run`): whatever the automation conditions request is made, wave by wave, until nothing is due.

What an asset does and when it is due is decided elsewhere; the daemon of `s2p up` evaluates the same conditions.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import dagster as dg
from dagster._core.definitions.asset_daemon_cursor import AssetDaemonCursor
from dagster._serdes import deserialize_value, serialize_value

from s2p_assets.graph.evaluations import Conditions, Evaluations, newest_event
from s2p_assets.graph.running.locks import UnfinishedRun
from s2p_assets.graph.running.one_run import PassResult, Progress, progress_logger, run_assets

MAX_WAVES = 25
LONGEST_WAIT_SECONDS = 1800.0
SERVERS_LOOK_SECONDS = 1.0
CURSOR = "s2p_headless_cursor"
SETTLED_AT = "s2p_headless_settled_at"
"""The newest event after which nothing was due."""

log = logging.getLogger(__name__)


@dataclass
class HeadlessPass:
    """The waves of one pass. Each is one run in this process.

    The conditions' memory between two passes is kept in Dagster's storage, beside the daemon's own. `tags`: of the
    runs.
    `selection`: the assets whose conditions are evaluated, by default all. `server_runs`: the unfinished runs of
    servers beside this process; they are waited for, at most `longest_wait` seconds in all, and then named in the
    result.
    """

    definitions: dg.Definitions
    instance: dg.DagsterInstance
    progress: Progress
    tags: Mapping[str, str]
    selection: dg.AssetSelection | None = None
    server_runs: Callable[[], list[UnfinishedRun]] = list
    longest_wait: float = LONGEST_WAIT_SECONDS
    result: PassResult = field(default_factory=PassResult)
    evaluations: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        loggers = {"console": progress_logger(self.progress, self.result)}
        self.definitions = dg.Definitions.merge(self.definitions, dg.Definitions(loggers=loggers))
        self._cursor = _stored_cursor(self.instance)
        self._settled_at = self.instance.daemon_cursor_storage.get_cursor_values({SETTLED_AT}).get(SETTLED_AT)
        self._known = Evaluations.settled_at(int(self._settled_at)) if self._settled_at else Evaluations()
        self._until = time.monotonic() + self.longest_wait

    def run(self, look: Callable[[], None], *, has_new_assets: bool = False) -> PassResult:
        """`look` at the share, then make what is due until two evaluations in a row request nothing.

        One will do where nothing happened since the pass before: code may have changed, and nothing else.
        `has_new_assets`: the conditions of some assets were never evaluated; they begin before the look.
        """
        requested: set[dg.AssetKey] = set()
        if self._cursor is None or has_new_assets:
            requested = self._evaluate()
        look()
        self._until = time.monotonic() + self.longest_wait
        quiet = int(str(newest_event(self.instance)) == self._settled_at)
        for _ in range(MAX_WAVES):
            read = str(newest_event(self.instance))
            requested |= self._evaluate()
            if requested:
                run_assets(self.definitions, self.instance, requested, self.result, self.tags)
                requested, quiet = set(), 0
            elif self._waited_for_servers():
                quiet = 0
            elif quiet:
                self._keep_cursor(settled_at=read)
                break
            else:
                quiet += 1
            self._keep_cursor()
        self.result.waits += [
            f"s2p up is still making {run.label}; what follows from it comes by itself" for run in self.server_runs()
        ]
        return self.result

    def _keep_cursor(self, settled_at: str | None = None) -> None:
        storage = self.instance.daemon_cursor_storage
        storage.set_cursor_values({CURSOR: serialize_value(self._cursor)})
        if settled_at:
            storage.set_cursor_values({SETTLED_AT: settled_at})

    def _evaluate(self) -> set[dg.AssetKey]:
        """The assets that are requested now. The first time all are gone over, as code may have changed."""
        graph = self.definitions.resolve_asset_graph()
        self._known.is_settled(self.instance, graph)
        due = self._known.due if self.evaluations else None
        self.evaluations += 1
        conditions = Conditions(self.instance, graph, self.selection or dg.AssetSelection.all(), log, {})
        requests, self._cursor, _ = conditions.evaluate(self._cursor or AssetDaemonCursor.empty(), due)
        requested = {key for request in requests for key in request.asset_selection or ()}
        self._known.evaluated(requested, graph)
        return requested

    def _waited_for_servers(self) -> bool:
        """Whether servers were at work and have ended it; False as well when the time is up."""
        waited = False
        while (runs := self.server_runs()) and time.monotonic() < self._until:
            waited = True
            self.progress(f"waiting for s2p up, which is making {'; '.join(run.label for run in runs)}")
            time.sleep(SERVERS_LOOK_SECONDS)
        return waited and not runs


def _stored_cursor(instance: dg.DagsterInstance) -> AssetDaemonCursor | None:
    stored = instance.daemon_cursor_storage.get_cursor_values({CURSOR}).get(CURSOR)
    return deserialize_value(stored, AssetDaemonCursor) if stored else None
