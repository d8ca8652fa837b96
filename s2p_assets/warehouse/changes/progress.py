"""How far a table of another database is followed, moved on with its rows; and when it has to be read anew.

Asking the other database is in `source.py`.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

import psycopg
from psycopg.types.json import Jsonb

from s2p_assets.warehouse.changes.pgoutput import Relation, lsn_number, lsn_text
from s2p_assets.warehouse.changes.source import SourceLook


@dataclass(frozen=True, slots=True)
class Followed:
    """A followed table. `position`: behind the last transaction that is stored, 0 before the first snapshot.

    `system`: the cluster and database, `relation`: the table's number there; `columns`: name → type, by number;
    `parts`: of a partitioned table, as `SourceLook` has them.
    """

    stream: str
    slot: str
    system: str = ""
    relation: int = 0
    columns: dict[str, int] = field(default_factory=dict)
    parts: dict[str, str] = field(default_factory=dict)
    contract_version: str = ""
    position: int = 0


@dataclass(frozen=True, slots=True)
class SourceSlot:
    """What a slot kept on the disk of its server when it was last looked at.

    `over_since`: since when that is too much; `room_bytes`: how much more its server bears, None: it fills its disk.
    """

    stream: str
    database: str
    slot: str
    status: str | None
    behind_bytes: int | None
    kept_bytes: int | None
    room_bytes: int | None
    over_since: dt.datetime | None
    looked_at: dt.datetime | None


def source_slots(conn: psycopg.Connection) -> list[SourceSlot]:
    """All slots, as last seen."""
    rows = conn.execute(
        "select stream, database, slot, status, behind_bytes, kept_bytes, room_bytes, over_since, looked_at"
        " from s2p.source_slots order by 1"
    )
    return [SourceSlot(*row) for row in rows]


def followed_table(conn: psycopg.Connection, stream: str) -> Followed | None:
    """How far it is followed; None for one that never was."""
    row = conn.execute(
        "select slot, coalesce(system, ''), coalesce(relation, 0), columns, parts, coalesce(contract_version, ''),"
        " coalesce(position::text, '0/0') from s2p.source_slots where stream = %s",
        (stream,),
    ).fetchone()
    if row is None:
        return None
    *known, position = row
    return Followed(stream, *known, lsn_number(position))


def followed_slots(conn: psycopg.Connection) -> list[tuple[str, str, str]]:
    """(stream, database, slot) of all that were ever followed."""
    return conn.execute("select stream, database, slot from s2p.source_slots order by 1").fetchall()


def begin_following(conn: psycopg.Connection, stream: str, database: str, slot: str) -> None:
    """Say that a slot is about to be made, so that it is known whatever happens then."""
    conn.execute(
        "insert into s2p.source_slots (stream, database, slot) values (%s, %s, %s) on conflict (stream)"
        " do update set database = excluded.database, slot = excluded.slot, position = null",
        (stream, database, slot),
    )


def stop_following(conn: psycopg.Connection, stream: str) -> None:
    """Its slot is gone; should it be declared again, it is read anew."""
    conn.execute("delete from s2p.source_slots where stream = %s", (stream,))


def lock_position(conn: psycopg.Connection, stream: str) -> int:
    """The position as it is stored, held until the end of the transaction."""
    row = conn.execute(
        "select coalesce(position::text, '0/0') from s2p.source_slots where stream = %s for update", (stream,)
    ).fetchone()
    return lsn_number(row[0]) if row else 0


def move_position(conn: psycopg.Connection, stream: str, position: int) -> None:
    """All transactions before a position are stored, in the transaction of the caller."""
    conn.execute("update s2p.source_slots set position = %s where stream = %s", (lsn_text(position), stream))


def note_snapshot(conn: psycopg.Connection, stream: str, look: SourceLook, version: str, begins: str) -> None:
    """The table was read as of where its slot begins, in the transaction of the caller."""
    assert look.relation is not None
    conn.execute(
        "update s2p.source_slots set system = %s, relation = %s, columns = %s, parts = %s, contract_version = %s,"
        " position = %s, snapshot_at = now() where stream = %s",
        (
            *(look.system, look.relation.oid, Jsonb(types_of(look.relation)), Jsonb(dict(look.parts))),
            *(version, begins, stream),
        ),
    )


def note_parts(conn: psycopg.Connection, stream: str, look: SourceLook) -> None:
    """Partitions that were made since, and held no row when they were first seen: what comes into them is told."""
    conn.execute("update s2p.source_slots set parts = %s where stream = %s", (Jsonb(dict(look.parts)), stream))


def note_columns(conn: psycopg.Connection, stream: str, relation: Relation) -> None:
    """The table's columns as they are now."""
    conn.execute("update s2p.source_slots set columns = %s where stream = %s", (Jsonb(types_of(relation)), stream))


def note_slot(conn: psycopg.Connection, stream: str, look: SourceLook, most_bytes: int) -> None:
    """What the slot keeps on the other server's disk, and since when that is more than it should."""
    slot = look.slot
    kept = slot.kept_bytes if slot else None
    conn.execute(
        "update s2p.source_slots set behind_bytes = %s, kept_bytes = %s, room_bytes = %s, status = %s,"
        " looked_at = now(), over_since = case when %s then coalesce(over_since, now()) end where stream = %s",
        (
            slot.behind_bytes if slot else None,
            kept,
            slot.room_bytes if slot else None,
            slot.status if slot else "dropped",
            slot is not None and is_over(slot.kept_bytes, slot.room_bytes, most_bytes),
            stream,
        ),
    )


def is_over(kept: int, room: int | None, most: int) -> bool:
    """Whether a slot keeps too much: more than is allowed, or more than half of what its server bears at all."""
    return kept > most or (room is not None and kept > max(room, 0))


def types_of(relation: Relation) -> dict[str, int]:
    """Name → number of its type, of each column."""
    return {one.name: one.type_oid for one in relation.columns}


def why_anew(known: Followed | None, look: SourceLook, version: str) -> str | None:
    """Why a table has to be read from the start, for people; "" for the first time, None where it can be read on."""
    if known is None or not known.position:
        return ""
    assert look.relation is not None
    if known.system != look.system:
        return "the address leads to another database than before"
    if known.relation != look.relation.oid:
        return "the table was dropped and made anew"
    if look.slot is None:
        return "its replication slot was dropped"
    if look.slot.status == "lost":
        return "its server has thrown away log that was not read yet (max_slot_wal_keep_size)"
    if look.slot.confirmed > known.position:
        return "its replication slot was moved on by somebody else"
    if look.log_end < known.position:
        return "the database was set back to an earlier state"
    if not look.is_published:
        return "the table was taken out of its publication"
    if known.contract_version != version:
        return "its contract changed"
    return changed_parts(known.parts, look)


def changed_parts(known: Mapping[str, str], look: SourceLook) -> str | None:
    """What happened to partitions that the log does not tell, for people; None where that is nothing."""
    for name in sorted(known.keys() - look.parts.keys()):
        return f"its partition {name} was taken away"
    for name, mark in sorted(look.parts.items()):
        if name in known and known[name] != mark:
            return f"its partition {name} was emptied, written anew or attached again"
        if name not in known and name in look.filled:
            return f"a partition {name} with rows was attached"
    return None
