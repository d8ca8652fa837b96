"""Another PostgreSQL whose table is followed: its slot and publication, its rows as of one moment, what changed since.

All of it by SQL; only a slot whose snapshot others can read is made by the replication protocol's own command.
What is done with rows is for others, and how far they were stored is in `progress.py`.
"""

import contextlib
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql

from s2p_assets.contracts.errors import MendableError
from s2p_assets.contracts.stream import PostgresTable
from s2p_assets.warehouse.changes.pgoutput import (
    Relation,
    SourceColumn,
    lsn_number,
    lsn_text,
    row_of_texts,
    value_readers,
)

CONNECT_SECONDS = 10
FETCHED = 5_000
SESSION = "set datestyle = 'ISO'; set timezone = 'UTC'; set intervalstyle = 'iso_8601'; set extra_float_digits = 1"
"""So that values come as texts of one form, whatever the database is set to."""


class SourceAway(MendableError):
    """The other PostgreSQL does not answer, or not now; one line. What was stored is stored."""


class SourceRefused(MendableError):
    """The other PostgreSQL cannot be followed as it is; one line with what somebody has to do there."""


@dataclass(frozen=True, slots=True)
class SlotState:
    """A replication slot. `confirmed`: up to where its server forgets; `kept_bytes`: of log it keeps on disk for it.

    `status`: `reserved`, `extended`, `unreserved`, or `lost` where the log it needs is gone. `room_bytes`: how much
    more may be written before that happens, None where the server sets no bound and fills its disk.
    """

    confirmed: int
    kept_bytes: int
    behind_bytes: int
    status: str
    room_bytes: int | None
    active_pid: int | None


@dataclass(frozen=True, slots=True)
class SourceLook:
    """What a source is at a moment. `system`: its cluster and database; `relation`: None where there is no such table.

    `names_rows`: the columns that a deleted row is named by; `is_published`: whether the publication has the table.
    `parts`: of a partitioned table, each partition by name → a mark that is another one once it was attached or emptied
    since; `filled`: those of them that hold rows.
    """

    system: str
    log_end: int
    relation: Relation | None
    names_rows: frozenset[str]
    has_publication: bool
    is_published: bool
    slot: SlotState | None
    is_partitioned: bool = False
    parts: Mapping[str, str] = field(default_factory=dict)
    filled: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Source:
    """One table of another PostgreSQL, and the slot and the publication by which it is followed."""

    place: PostgresTable
    url: str
    slot: str
    publication: str

    @contextlib.contextmanager
    def asking(self) -> Iterator[None]:
        """What goes wrong at the other database while the block asks it is SourceAway, with its own words."""
        try:
            yield
        except psycopg.Error as error:
            says = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise SourceAway(f"{self.place.database}: {says}; it is asked again") from error

    def connect(self, **more: Any) -> psycopg.Connection:
        """A connection to it, which commits by itself. Raises SourceAway."""
        with self.asking():
            alive = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
            given: dict[str, Any] = {"connect_timeout": CONNECT_SECONDS, "application_name": "s2p"} | alive | more
            connection = psycopg.connect(self.url, autocommit=True, **given)
            if not more:
                connection.execute(SESSION)
            return connection

    def look(self, connection: psycopg.Connection) -> SourceLook:
        """What it is now. Raises SourceAway, and SourceRefused where it cannot be followed by log at all."""
        with self.asking():
            row = connection.execute(_LOOK, (self.publication, self.place.schema, self.place.name)).fetchone()
            assert row is not None
            wal_level, is_standby, system, has_publication, is_published, oid, identity, kind, heirs = row
            if is_standby:
                raise SourceRefused(f"{self.place.database} is a standby; let S2P_SOURCE_DATABASES name the primary")
            if wal_level != "logical":
                raise SourceRefused(
                    f"{self.place.database} writes no logical log (wal_level = {wal_level}): set wal_level = logical "
                    "in its postgresql.conf and start it anew"
                )
            if heirs:
                raise SourceRefused(
                    f"{self.place.database}: {heirs} inherits from {self.place.table}, and the log tells its rows"
                    " as its own; follow each of the tables by itself"
                )
            parts = list(connection.execute(_PARTS, (oid,))) if oid else []
            self._require_logged(parts)
            (end,) = connection.execute("select pg_current_wal_lsn()::text").fetchone() or ("0/0",)
            return SourceLook(
                system,
                lsn_number(end),
                self._relation(connection, oid) if oid else None,
                self._names_of_all(connection, [(oid, identity)] if oid and not parts else [one[3:5] for one in parts]),
                has_publication,
                is_published,
                self._slot(connection),
                kind == "p",
                {name: mark for name, mark, *_ in parts},
                self._filled(connection, [name for name, *_ in parts]),
            )

    def _require_logged(self, parts: Sequence[tuple[Any, ...]]) -> None:
        foreign = [name for name, _, kind, *_ in parts if kind != "r"]
        if foreign:
            raise SourceRefused(
                f"{self.place.database}: {foreign[0]}, a partition of {self.place.table}, lies on another server, so"
                " its changes are in no log here; follow the partitions that are here by themselves"
            )

    def _filled(self, connection: psycopg.Connection, parts: Sequence[str]) -> frozenset[str]:
        """Of partitions those that hold rows."""
        asked = sql.SQL(" union all ").join(
            sql.SQL("(select {} from only {} limit 1)").format(sql.Literal(name), sql.Identifier(*name.split(".", 1)))
            for name in parts
        )
        return frozenset(name for (name,) in connection.execute(asked)) if parts else frozenset()

    def _names_of_all(self, connection: psycopg.Connection, tables: Sequence[Sequence[Any]]) -> frozenset[str]:
        """The columns by which a deleted row is named, in each of these tables."""
        found = [self._names(connection, oid, identity) for oid, identity in tables]
        return frozenset.intersection(*found) if found else frozenset()

    def log_ends(self, connection: psycopg.Connection) -> tuple[int, int]:
        """Behind the last record of its log, and up to where that is on its disk and can be told."""
        with self.asking():
            row = connection.execute("select pg_current_wal_insert_lsn()::text, pg_current_wal_flush_lsn()::text")
            written, flushed = row.fetchone() or ("0/0", "0/0")
            return lsn_number(written), lsn_number(flushed)

    def _relation(self, connection: psycopg.Connection, oid: int) -> Relation:
        columns = connection.execute(
            "select attname::text, atttypid::int8 from pg_attribute where attrelid = %s and attnum > 0"
            " and not attisdropped and attgenerated = '' order by attnum",
            (oid,),
        )
        return Relation(oid, self.place.table, tuple(SourceColumn(*column) for column in columns))

    def _names(self, connection: psycopg.Connection, oid: int, identity: str) -> frozenset[str]:
        which = {"d": "i.indisprimary", "i": "i.indisreplident", "f": "true", "n": "false"}[identity]
        query = "select a.attname::text from pg_attribute a where a.attrelid = %s and a.attnum > 0"
        if identity != "f":
            query += f" and exists (select 1 from pg_index i where i.indrelid = a.attrelid and {which} and a.attnum = any(i.indkey))"  # noqa: S608, E501  parts of our own
        return frozenset(name for (name,) in connection.execute(query, (oid,)))

    def _slot(self, connection: psycopg.Connection) -> SlotState | None:
        row = connection.execute(
            "select confirmed_flush_lsn::text, coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), 0)::int8,"
            " coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn), 0)::int8, wal_status,"
            " safe_wal_size, active_pid from pg_replication_slots where slot_name = %s",
            (self.slot,),
        ).fetchone()
        if row is None:
            return None
        confirmed, *rest = row
        return SlotState(lsn_number(confirmed or "0/0"), *rest)

    def publish(self, connection: psycopg.Connection, look: SourceLook) -> None:
        """Have the table's changes published. Raises SourceRefused with the command, where s2p may not."""
        table = sql.Identifier(self.place.schema, self.place.name)
        name = sql.Identifier(self.publication)
        words = "drop publication if exists {0}; create publication {0} for table {1}"
        if look.is_partitioned:
            words += " with (publish_via_partition_root = true)"
        command = sql.SQL(words).format(name, table)
        with self.asking():
            try:
                connection.execute(command)
            except psycopg.errors.InsufficientPrivilege:
                says = f"{self.place.database}: s2p may not publish {self.place.table}; its owner runs once: "
                raise SourceRefused(says + command.as_string(connection)) from None

    def drop_slot(self, connection: psycopg.Connection) -> None:
        """Let the server forget the slot, where it is there."""
        with self.asking():
            connection.execute(
                "select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = %s",
                (self.slot,),
            )

    @contextlib.contextmanager
    def new_slot(self) -> Iterator[tuple[str, str]]:
        """Make the slot: where in the log it begins, and the name of the snapshot of just that moment.

        The snapshot can be read for as long as the block lasts.
        """
        with self.connect(replication="database") as connection:
            command = f'CREATE_REPLICATION_SLOT "{self.slot}" LOGICAL pgoutput EXPORT_SNAPSHOT'
            done = connection.pgconn.exec_(command.encode())
            if done.status != psycopg.pq.ExecStatus.TUPLES_OK:
                says = " ".join(done.error_message.decode("utf-8", "replace").split()).removeprefix("ERROR: ")
                raise SourceRefused(
                    f"{self.place.database} makes no replication slot: {says}; the user needs the right `replication`, "
                    "and the server a free slot (max_replication_slots)"
                )
            begins, snapshot = done.get_value(0, 1), done.get_value(0, 2)
            assert begins is not None
            assert snapshot is not None
            yield begins.decode(), snapshot.decode()

    def rows_at(
        self, connection: psycopg.Connection, snapshot: str, relation: Relation
    ) -> Generator[dict[str, Any], None, None]:
        """All rows of the table as of a snapshot, as JSON has them."""
        fields = value_readers(relation.columns)
        columns = sql.SQL(", ").join(sql.Identifier(one.name) for one in relation.columns)
        query = sql.SQL("copy (select {} from {}) to stdout").format(
            columns, sql.Identifier(self.place.schema, self.place.name)
        )
        with self.asking(), connection.transaction():
            connection.execute("set transaction isolation level repeatable read read only")
            connection.execute(sql.SQL("set transaction snapshot {}").format(sql.Literal(snapshot)))
            with connection.cursor() as cursor, cursor.copy(query) as copy:
                for texts in copy.rows():
                    yield row_of_texts(fields, texts)

    def peek(self, connection: psycopg.Connection, most: int) -> Generator[tuple[str, bytes], None, None]:
        """What the slot says next, up to the end of the transaction with which it is `most` messages, and stays there.

        Of one large transaction nothing is held here but what is being read.
        """
        query = (
            "select lsn::text, data from pg_logical_slot_peek_binary_changes(%s, null, %s,"
            " 'proto_version', '1', 'publication_names', %s)"
        )
        with self.asking(), connection.transaction(), connection.cursor("changes", binary=True) as cursor:
            cursor.itersize = FETCHED
            cursor.execute(query, (self.slot, most, sql.Identifier(self.publication).as_string(connection)))
            yield from cursor

    def advance(self, connection: psycopg.Connection, position: int) -> None:
        """Let the server forget what lies before a position."""
        with self.asking():
            connection.execute("select pg_replication_slot_advance(%s, %s::pg_lsn)", (self.slot, lsn_text(position)))


_LOOK = """
with asked as (select %s::text as publication, %s::text as schema, %s::text as name),
found as (
    select c.oid::int8, c.relreplident::text, c.relkind::text
    from pg_class c join pg_namespace n on n.oid = c.relnamespace, asked a
    where n.nspname = a.schema and c.relname = a.name and c.relkind in ('r', 'p')
)
select current_setting('wal_level'), pg_is_in_recovery(),
    (select system_identifier::text from pg_control_system()) || '/' || current_database(),
    exists (select 1 from pg_publication p where p.pubname = a.publication),
    exists (select 1 from pg_publication_tables t
        where t.pubname = a.publication and t.schemaname = a.schema and t.tablename = a.name),
    (select oid from found), (select relreplident from found), (select relkind from found),
    (select i.inhrelid::regclass::text from pg_inherits i join pg_class c on c.oid = i.inhparent
        where i.inhparent = (select oid from found) and c.relkind = 'r' limit 1)
from asked a
"""
_PARTS = """
with recursive tree as (
    select i.inhrelid, i.xmin::text as mark from pg_inherits i join pg_class c on c.oid = i.inhparent
    where i.inhparent = %s and c.relkind = 'p'
    union all
    select i.inhrelid, t.mark || '.' || i.xmin::text from pg_inherits i join tree t on t.inhrelid = i.inhparent
)
select n.nspname || '.' || c.relname, concat_ws(':', c.oid, t.mark, pg_relation_filenode(c.oid)), c.relkind::text,
    c.oid::int8, c.relreplident::text
from tree t join pg_class c on c.oid = t.inhrelid join pg_namespace n on n.oid = c.relnamespace where c.relkind <> 'p'
order by 1
"""
