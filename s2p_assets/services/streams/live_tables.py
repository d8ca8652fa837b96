"""SQL tables with `every`: made again by the process that reads streams, seconds after the events that they are of.

The tables and their selects are those that Dagster's runs make, and so are the rows; only what events touched is made.
"""

import contextlib
import logging
import threading
import time
from dataclasses import dataclass, field

import psycopg

from s2p_assets.contracts.errors import MendableError
from s2p_assets.contracts.sql_table import SqlTable
from s2p_assets.services.context import Context
from s2p_assets.services.errors import is_lost_database, one_line
from s2p_assets.services.logs import log_event
from s2p_assets.warehouse.server.advisory_locks import take_session_lock
from s2p_assets.warehouse.sql_tables.changed_keys import index_followed, was_touched
from s2p_assets.warehouse.sql_tables.live_standing import note_live_table
from s2p_assets.warehouse.sql_tables.making import make_sql_table
from s2p_assets.warehouse.tables.workbook_tables import ensure_workbook_table

AGAIN_SECONDS = 5.0
REST = 1
"""A table rests for so many times the seconds that making it took, where its pace is shorter: events go first."""
FAILED_SECONDS = 60.0
SAID_SECONDS = 30.0
"""How often it is noted that a table was made, while all is well."""


@dataclass
class LiveTables:
    """Makes them for as long as `ended` is not set; of several processes one does, the others stand by."""

    ctx: Context
    ended: threading.Event
    stored: int = 0
    _ready: set[str] = field(default_factory=set)
    _due: dict[str, float] = field(default_factory=dict)
    _said: dict[str, str | None] = field(default_factory=dict)
    _noted: dict[str, float] = field(default_factory=dict)

    def run(self) -> None:
        """Until `ended`."""
        while not self.ended.is_set():
            try:
                with self.ctx.warehouse.connect() as connection:
                    self._beside(connection)
            except (psycopg.Error, MendableError) as error:
                if not isinstance(error, MendableError) and not is_lost_database(error):
                    raise
                self._say("PostgreSQL", one_line(error) or "PostgreSQL went away")
                self.ctx.warehouse.__dict__.pop("url", None)
                self.ended.wait(AGAIN_SECONDS)

    def _beside(self, connection: psycopg.Connection) -> None:
        tables = self.ctx.catalog.live_tables
        while not self.ended.is_set():
            if not take_session_lock(connection, "makes tables live"):
                self.ended.wait(AGAIN_SECONDS)
                continue
            for table in tables:
                if self._due.get(table.full_name, 0.0) <= time.monotonic():
                    self.make(connection, table)
            soonest = min((self._due[table.full_name] for table in tables), default=0.0)
            self.ended.wait(min(max(soonest - time.monotonic(), 0.1), AGAIN_SECONDS))

    def make(self, connection: psycopg.Connection, table: SqlTable) -> None:
        """Make a table, where something below it changed. What is wrong with it is noted, and it is tried again."""
        begun, name = time.monotonic(), table.full_name
        try:
            if name not in self._ready:
                self._prepare(connection, table)
            if name not in self._ready or was_touched(connection, table):
                make_sql_table(connection, table)
                self._note(connection, name, None, time.monotonic() - begun)
            self._ready.add(name)
            rest = max(float(table.every), (1 + REST) * (time.monotonic() - begun))
        except (MendableError, psycopg.Error) as error:
            if is_lost_database(error):
                raise
            self._note(connection, name, one_line(error) or type(error).__name__, time.monotonic() - begun)
            rest = FAILED_SECONDS
        self._due[name] = begun + rest

    def _prepare(self, connection: psycopg.Connection, table: SqlTable) -> None:
        for source in table.sources:
            stream = self.ctx.catalog.streams.get(f"{source.domain}_{source.name}")
            if stream is not None:
                ensure_workbook_table(connection, stream)
        with contextlib.suppress(psycopg.errors.UndefinedTable):
            index_followed(connection, table)

    def _note(self, connection: psycopg.Connection, name: str, problem: str | None, seconds: float) -> None:
        """How the table stands, for who asks elsewhere; the log says once what is wrong."""
        now, is_known = time.monotonic(), name in self._said and self._said[name] == problem
        if not is_known or now - self._noted.get(name, 0.0) > SAID_SECONDS:
            note_live_table(connection, name, problem, seconds)
            self._noted[name] = now
        if problem:
            self._say(name, problem)
        self._said[name] = problem

    def _say(self, name: str, says: str) -> None:
        if self._said.get(name) != says:
            self._said[name] = says
            log_event("stream", f"{name} is not made live: {says}", level=logging.WARNING, table=name)
