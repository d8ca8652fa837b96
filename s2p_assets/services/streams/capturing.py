"""Following tables of other PostgreSQL databases: a consistent snapshot first, then every change, each once.

The position in the log is kept with the rows, in one transaction; only then is the slot moved on. Either database, and
this process, may be away or killed at any moment. How changes become rows is in `changes.py`.
"""

import contextlib
import hashlib
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import psycopg

from s2p_assets.contracts.errors import MendableError
from s2p_assets.contracts.stream import PostgresTable, Stream
from s2p_assets.services.context import Context
from s2p_assets.services.errors import is_lost_database, one_line
from s2p_assets.services.logs import log_event
from s2p_assets.services.streams.changes import ChangeStore, ReadAnew, found_fields
from s2p_assets.warehouse.changes.pgoutput import Change, ChangeDecoder, Relation
from s2p_assets.warehouse.changes.progress import (
    Followed,
    begin_following,
    followed_slots,
    followed_table,
    lock_position,
    move_position,
    note_parts,
    note_slot,
    note_snapshot,
    stop_following,
    why_anew,
)
from s2p_assets.warehouse.changes.source import Source, SourceAway, SourceLook, SourceRefused
from s2p_assets.warehouse.server.advisory_locks import advisory_lock, take_session_lock
from s2p_assets.warehouse.streams.notices import note_stream
from s2p_assets.warehouse.streams.offsets import note_ends
from s2p_assets.warehouse.streams.readers import say_ended, say_reading
from s2p_assets.warehouse.tables.contract_versions import contract_version
from s2p_assets.warehouse.tables.workbook_tables import ensure_workbook_table

MESSAGES = 20_000
"""Of one look at the slot, about so many; a transaction is never cut."""
PAUSE_SECONDS, LONGEST_PAUSE = 0.3, 30.0
REST, SHORT_REST = 10, 2
"""A source is left alone for so many times the seconds that it just worked for s2p; for fewer where something came."""
LOOK_SECONDS, SAY_SECONDS, AGAIN_SECONDS = 10.0, 5.0, 3.0


class Overtaken(Exception):
    """Another process stored what this one was about to store."""


@dataclass
class ChangeCapture:
    """Follows one table for as long as `ended` is not set; of several processes one does, the others stand by."""

    ctx: Context
    stream: Stream
    ended: threading.Event
    stored: int = 0
    _problem: str | None = None
    _said_at: float = 0.0
    _said: str | None = ""
    _looked_at: float = 0.0
    _seen_end: int = 0
    _written: int = 0
    _source: Source = field(init=False)

    def __post_init__(self) -> None:
        self._source = source_followed(self.ctx, self.stream)

    def run(self) -> None:
        """Until `ended`."""
        while not self.ended.is_set():
            try:
                with psycopg.connect(self.ctx.warehouse.url, autocommit=True) as own:
                    own.execute("set synchronous_commit = on")
                    ensure_workbook_table(own, self.stream)
                    self._beside(own)
            except (psycopg.OperationalError, MendableError) as error:
                if not isinstance(error, MendableError) and not is_lost_database(error):
                    raise
                self._note(one_line(error) or "PostgreSQL went away")
                self.ctx.warehouse.__dict__.pop("url", None)
                self.ended.wait(AGAIN_SECONDS)

    def _beside(self, own: psycopg.Connection) -> None:
        """With s2p's own database at hand: follow, and wait where the other one cannot be followed."""
        while not self.ended.is_set():
            self._say(own)
            if not take_session_lock(own, f"follows {self.stream.full_name}"):
                self.ended.wait(SAY_SECONDS)
                continue
            try:
                with self._source.connect() as there:
                    self._follow(own, there)
            except (SourceAway, SourceRefused) as error:
                self._note(str(error))
                self._say(own)
                self.ended.wait(AGAIN_SECONDS)
            except ReadAnew as reason:
                self._begin_anew(own, str(reason))
            except Overtaken:
                self.ended.wait(AGAIN_SECONDS)
        with contextlib.suppress(psycopg.Error):
            say_ended(own, _process())

    def _follow(self, own: psycopg.Connection, there: psycopg.Connection) -> None:
        self._looked_at, self._seen_end, self._written = 0.0, 0, 0
        while not self.ended.is_set():
            if time.monotonic() - self._looked_at > LOOK_SECONDS:
                self._look(own, there)
            begun, before = time.monotonic(), self.stored
            moved = self._poll(own, there)
            self._note(None)
            self._say(own)
            spent = (time.monotonic() - begun) if moved is not None else 0.0
            rest = spent * (SHORT_REST if self.stored > before else REST)
            self.ended.wait(0 if moved else min(max(PAUSE_SECONDS, rest), LONGEST_PAUSE))

    def _look(self, own: psycopg.Connection, there: psycopg.Connection) -> None:
        """Whether the source is still what it was; what its slot keeps; read anew where that has to be."""
        name = self.stream.full_name
        look = self._source.look(there)
        self._require(look)
        known = followed_table(own, name)
        reason = why_anew(known, look, contract_version(self.stream))
        if reason is not None:
            self._read_snapshot(own, there, look, reason)
            look, known = self._source.look(there), followed_table(own, name)
        assert known is not None
        if look.parts != known.parts:
            note_parts(own, name, look)
        if look.slot and look.slot.confirmed < known.position:
            self._source.advance(there, known.position)
        note_slot(own, name, look, self.ctx.settings.slot_mb << 20)
        note_ends(own, name, [(self.stream.topic, 0, 0)])
        self._looked_at = time.monotonic()

    def _require(self, look: SourceLook) -> None:
        """Raises SourceRefused for a table that cannot be followed, before anything there is changed."""
        place = self._source.place
        if look.relation is None:
            raise SourceRefused(f"{place.database} has no table {place.table}, or s2p may not see it")
        fields = found_fields(self.stream, look.relation)
        key = {fields[name].partition(".")[0] for name in self.stream.key if name in fields}
        if len(key) < len(self.stream.key) or not key <= look.names_rows:
            named = ", ".join(sorted(look.names_rows)) or "nothing"
            raise SourceRefused(
                f"{place.database}: a deleted row of {place.table} is named by {named}, and the contract's key is "
                f"{', '.join(self.stream.key)}; give the table that primary key, or: "
                f"alter table {place.table} replica identity full"
            )

    def _read_snapshot(self, own: psycopg.Connection, there: psycopg.Connection, look: SourceLook, reason: str) -> None:
        """All rows as of the very moment at which a new slot begins, in one transaction of ours."""
        assert look.relation is not None
        name, source = self.stream.full_name, self._source
        fields = found_fields(self.stream, look.relation)
        if missing := [one.name for one in self.stream.columns if one.name not in fields]:
            raise SourceRefused(
                f"{source.place.database}: {source.place.table} has no column for {', '.join(missing)}; correct the "
                f"contract, or the table, which has {', '.join(one.name for one in look.relation.columns)}"
            )
        if reason:
            says = f"{source.place.table} is read anew: {reason}; rows that are gone there are taken back"
            note_stream(own, name, "read_anew", source.place.table, says)
        begin_following(own, name, source.place.database, source.slot)
        source.drop_slot(there)
        if not look.is_published:
            source.publish(there, look)
        with (
            source.new_slot() as (begins, snapshot),
            contextlib.closing(source.rows_at(there, snapshot, look.relation)) as told,
            own.transaction(),
        ):
            advisory_lock(own, name)
            store = ChangeStore(self.stream, own)
            store.meet(look.relation)
            rows = self._rows_at(told, begins, look.relation)
            store.take_snapshot(rows, Change("delete", {}, begins, 0, "", look.relation))
            note_snapshot(own, name, look, contract_version(self.stream), begins)
        self.stored += store.stored
        log_event("stream", f"{name}: {store.stored:,} rows stored of a snapshot", stream=name, rows=store.stored)

    def _rows_at(self, rows: Iterator[dict[str, Any]], begins: str, relation: Relation) -> Iterator[Change]:
        """The rows of a snapshot; of a long one it is said meanwhile that it is read."""
        for row in rows:
            if time.monotonic() - self._said_at > SAY_SECONDS:
                with self.ctx.warehouse.connect() as beside:
                    self._say(beside)
            yield Change("read", row, begins, 0, "", relation)

    def _begin_anew(self, own: psycopg.Connection, reason: str) -> None:
        with self._source.connect() as there:
            look = self._source.look(there)
            self._require(look)
            self._read_snapshot(own, there, look, reason)

    def _poll(self, own: psycopg.Connection, there: psycopg.Connection) -> bool | None:
        """Take what the slot says next and move it on; whether there may be more at once, None for nothing written.

        The slot moves on too where nothing was for us: else an idle table would hold the log of a busy database.
        """
        written, flushed = self._source.log_ends(there)
        if written == self._seen_end:
            return None
        until = written if flushed >= written else self._written if flushed >= self._written else 0
        self._written = written
        known = followed_table(own, self.stream.full_name)
        assert known is not None
        with contextlib.closing(self._source.peek(there, MESSAGES)) as messages:
            counted = _Counted(messages)
            position = self._take(own, known, counted, until)
        if position > known.position:
            self._source.advance(there, position)
        if counted.count >= MESSAGES:
            return True
        if until == written:
            self._seen_end = written
        return False

    def _take(self, own: psycopg.Connection, known: Followed, messages: "_Counted", until: int) -> int:
        """Store messages with the position behind them, which is `until` where they are all that the slot had to say.

        What was known already moves the position on too, and so does what was written there and is not for us.
        """
        first = next(messages, None)
        with own.transaction():
            advisory_lock(own, self.stream.full_name)
            if lock_position(own, self.stream.full_name) != known.position:
                raise Overtaken
            store = ChangeStore(self.stream, own, dict(known.columns))
            decoder = ChangeDecoder(known.position, self._meets_ours(store))
            if first is not None:
                store.take(self._ours(decoder.decode(chain([first], messages))))
            position = decoder.committed if messages.count >= MESSAGES else max(decoder.committed, until)
            if position != known.position:
                move_position(own, self.stream.full_name, position)
        self.stored += store.stored
        if store.stored:
            log_event(
                "stream",
                f"{self.stream.full_name}: {store.stored:,} rows stored",
                level=logging.DEBUG,
                stream=self.stream.full_name,
                rows=store.stored,
            )
        return position

    def _meets_ours(self, store: ChangeStore) -> Callable[[Relation], None]:
        """Of a partitioned table each partition is shown too, though its changes come as those of the whole."""

        def meet(relation: Relation) -> None:
            if relation.table == self._source.place.table:
                store.meet(relation)

        return meet

    def _ours(self, changes: Iterator[Change]) -> Iterator[Change]:
        for change in changes:
            if change.relation.table != self._source.place.table:
                raise ReadAnew(f"it is {change.relation.table} now, or its publication holds other tables too")
            yield change

    def _note(self, problem: str | None) -> None:
        if problem != self._problem:
            self._problem = problem
            if problem:
                log_event("stream", problem, level=logging.WARNING, stream=self.stream.full_name)

    def _say(self, own: psycopg.Connection) -> None:
        if self._problem != self._said or time.monotonic() - self._said_at > SAY_SECONDS:
            say_reading(own, [self.stream.full_name], _process(), self._problem)
            self._said, self._said_at = self._problem, time.monotonic()


class _Counted:
    """Messages, and how many there were."""

    def __init__(self, messages: Iterator[tuple[str, bytes]]) -> None:
        self._messages, self.count = messages, 0

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        return self

    def __next__(self) -> tuple[str, bytes]:
        message = next(self._messages)
        self.count += 1
        return message


def source_followed(ctx: Context, stream: Stream) -> Source:
    """The table that a stream follows, and what its slot is called there: of each installation another."""
    assert isinstance(stream.source, PostgresTable)
    url = ctx.settings.source_databases[stream.source.database].get_secret_value()
    home = f"{socket.gethostname()}:{ctx.settings.home.resolve()}"
    mark = hashlib.sha256(home.encode()).hexdigest()[:8]
    name = f"s2p_{mark}_{stream.full_name}".lower()[:63]
    return Source(stream.source, url, name, name)


def drop_forgotten_slots(ctx: Context, own: psycopg.Connection) -> None:
    """Slots of streams that no shelf declares any more: their servers would keep log for them for ever."""
    for name, database, slot in followed_slots(own):
        address = ctx.settings.source_databases.get(database)
        if name not in ctx.catalog.streams and address is not None:
            source = Source(PostgresTable("public.none", database), address.get_secret_value(), slot, slot)
            with contextlib.suppress(SourceAway), source.connect() as there:
                source.drop_slot(there)
                stop_following(own, name)
                says = f"no shelf declares {name} any more, so its replication slot at {database} was dropped"
                log_event("stream", says, level=logging.WARNING, stream=name)


def _process() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"
