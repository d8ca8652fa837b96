"""Rows of events into the table of their stream, with their offsets, the events themselves and what came back, in one
transaction: whatever is killed, each row is there once.

Judging events is for others; how far a topic was read is told by `offsets.py`.
"""

import datetime as dt
import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import psycopg
import pyarrow
import pyarrow.compute as pc
from psycopg import sql

from s2p_assets.contracts.columns import Column
from s2p_assets.contracts.stream import STREAMS_FOLDER, Stream
from s2p_assets.warehouse.changes.applying import apply_changes
from s2p_assets.warehouse.server.advisory_locks import advisory_lock
from s2p_assets.warehouse.streams.kept_events import packed
from s2p_assets.warehouse.streams.offsets import Partition
from s2p_assets.warehouse.streams.returned_events import BadEvent, add_returned
from s2p_assets.warehouse.tables.contract_versions import contract_version
from s2p_assets.warehouse.tables.copying import copy_in
from s2p_assets.warehouse.tables.keys import key_expressions
from s2p_assets.warehouse.tables.workbook_rows import rows_of_file
from s2p_assets.warehouse.tables.workbook_tables import rows_table


@dataclass(frozen=True, slots=True)
class PartitionEvents:
    """Events of one partition in the order of their offsets; None for one that is too large to keep."""

    partition: Partition
    offsets: Sequence[int]
    events: Sequence[bytes | None]
    event_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class JudgedEvents:
    """Events of several partitions and what their rows are: `rows`, the good ones, with `_sheet` and `_row`.

    `gone`: of a table elsewhere, the keys that went, with the same.
    """

    parts: Sequence[PartitionEvents]
    rows: pyarrow.Table
    bad: Sequence[BadEvent] = ()
    gone: pyarrow.Table | None = None


@dataclass(frozen=True, slots=True)
class StoredEvents:
    """What became of events: `events` = `rows` + `repeated` + `returned` + `replayed`.

    `repeated`: rows that were there already, with the same values; `replaced`: of `rows`, those that took the place of
    another; `replayed`: events that had been stored before, by their offsets.
    """

    events: int = 0
    rows: int = 0
    repeated: int = 0
    replaced: int = 0
    returned: int = 0
    replayed: int = 0
    next_offsets: Mapping[tuple[str, int], int] = field(default_factory=dict)


def store_events(conn: psycopg.Connection, stream: Stream, judged: JudgedEvents) -> StoredEvents:
    """Store what is new of judged events and move the offsets on, all or nothing."""
    with conn.transaction():
        advisory_lock(conn, stream.full_name)
        known = _locked(conn, stream, [part.partition for part in judged.parts])
        judged, replayed = _not_replayed(judged, known)
        if not judged.parts:
            return StoredEvents(replayed, replayed=replayed, next_offsets=known)
        day = ledger_day(conn, stream)
        stored = _store(conn, stream, judged, day)
        moved = _move_on(conn, stream, judged.parts)
    counted = {name: stored[name] for name in ("rows", "repeated", "replaced")}
    events = sum(len(part.offsets) for part in judged.parts)
    return StoredEvents(
        events + replayed, returned=len(judged.bad), replayed=replayed, next_offsets=known | moved, **counted
    )


def store_captured(conn: psycopg.Connection, stream: Stream, judged: JudgedEvents) -> dict[str, int]:
    """Store changes of a table elsewhere and move the offset on, within the transaction and the lock of the caller."""
    counts = _store(conn, stream, judged, ledger_day(conn, stream))
    _move_on(conn, stream, judged.parts)
    return counts


def _locked(conn: psycopg.Connection, stream: Stream, partitions: Sequence[Partition]) -> dict[tuple[str, int], int]:
    """(topic, partition) → the offset up to which it is stored, held until the end of the transaction.

    A partition that was begun anew by another process since is stored up to the end, as far as this one is asked.
    """
    rows = conn.execute(
        "select o.topic, o.partition, o.generation, o.next_offset from s2p.stream_offsets o"
        " join unnest(%s::text[], %s::int[]) w(topic, partition) using (topic, partition)"
        " where o.stream = %s order by o.topic, o.partition for update of o",
        ([one.topic for one in partitions], [one.partition for one in partitions], stream.full_name),
    ).fetchall()
    generations = {(one.topic, one.partition): one.generation for one in partitions}
    return {
        (topic, partition): offset if generation == generations[topic, partition] else 2**62
        for topic, partition, generation, offset in rows
    }


def _not_replayed(judged: JudgedEvents, known: Mapping[tuple[str, int], int]) -> tuple[JudgedEvents, int]:
    """What of judged events is not stored yet; how many are."""
    begun = {part.partition.sheet: known[part.partition.topic, part.partition.partition] for part in judged.parts}
    if all(part.offsets[0] >= begun[part.partition.sheet] for part in judged.parts):
        return judged, 0
    parts, replayed = [], 0
    for part in judged.parts:
        first = int(np.searchsorted(np.asarray(part.offsets), begun[part.partition.sheet]))
        replayed += first
        if first < len(part.offsets):
            parts.append(PartitionEvents(part.partition, part.offsets[first:], part.events[first:], part.event_at))
    sheets = judged.rows.column("_sheet").to_pylist()
    least = np.array([begun[sheet] for sheet in sheets], np.int64)
    rows = judged.rows.filter(pyarrow.array(judged.rows.column("_row").to_numpy() >= least))
    bad = [one for one in judged.bad if one.row >= begun[one.sheet]]
    return JudgedEvents(parts, rows, bad), replayed


def ledger_day(conn: psycopg.Connection, stream: Stream) -> int:
    """The ledger id of today's events of a stream; a day that was forgotten is followed by another."""
    today = dt.datetime.now(dt.UTC).date().isoformat()
    place = f"{STREAMS_FOLDER}/{stream.full_name}/{today}"
    there = conn.execute(
        "select id, path, status from s2p.files where workbook = %s and (path = %s or starts_with(path, %s))"
        " order by id desc limit 1",
        (stream.full_name, place, f"{place} ("),
    ).fetchone()
    if there and there[2] == "current":
        return int(there[0])
    number = int(there[1].rpartition("(")[2].rstrip(")")) if there and there[1] != place else 1
    path = f"{place} ({number + 1})" if there else place
    now = time.time_ns()
    row = conn.execute(
        "insert into s2p.files (workbook, path, sha256, size, mtime_ns, as_of_ns, contract_version, verdict, owner,"
        " is_loaded, loaded_at) values (%s, %s, %s, 0, %s, %s, %s, 'accepted', %s, true, now()) returning id",
        (
            stream.full_name,
            path,
            hashlib.sha256(f"{path} {now}".encode()).hexdigest(),
            now,
            now,
            contract_version(stream),
            stream.owner,
        ),
    ).fetchone()
    assert row is not None
    return int(row[0])


def _store(conn: psycopg.Connection, stream: Stream, judged: JudgedEvents, day: int) -> dict[str, int]:
    if judged.gone is None:
        counts = add_rows(conn, stream, judged.rows, day)
    else:
        counts = apply_changes(conn, stream, judged.rows, judged.gone, day)
    if judged.bad:
        add_returned(conn, stream.full_name, stream.owner, contract_version(stream), [(day, one) for one in judged.bad])
    _keep_batches(conn, stream, judged, day)
    events = sum(len(part.offsets) for part in judged.parts)
    size = sum(len(event or b"") for part in judged.parts for event in part.events)
    conn.execute(
        "update s2p.files set rows_read = rows_read + %s, rows_accepted = rows_accepted + %s,"
        " rows_returned = rows_returned + %s, size = size + %s where id = %s",
        (events, counts["rows"], len(judged.bad), size, day),
    )
    return counts


def add_rows(
    conn: psycopg.Connection, stream: Stream, rows: pyarrow.Table, day: int, came_at: dt.datetime | None = None
) -> dict[str, int]:
    """Store rows that are new; those with the key of another take its place. How many were stored and repeated.

    `came_at`: when their events came, where that was a while ago: a row that was stored since stays in its place.
    """
    if stream.is_captured:
        gone = rows.schema.empty_table()
        return apply_changes(conn, stream, rows, gone, day, may_be_old=came_at is not None)
    rows, repeated = _last_of_each_key(rows, stream)
    stands = _standing(conn, stream, rows)
    alike = {
        number
        for number, (_, stored_at, values) in stands.items()
        if (came_at and stored_at > came_at) or _says_the_same(rows, number, values, stream.columns)
    }
    if alike:
        mask = np.ones(rows.num_rows, bool)
        mask[list(alike)] = False
        rows = rows.filter(pyarrow.array(mask))
    gives_way = [place for number, (place, *_) in stands.items() if number not in alike]
    if gives_way:
        conn.execute(
            sql.SQL("update {} set _superseded_by = %s where ctid = any(%s::tid[])").format(
                rows_table(stream.domain, stream.name)
            ),
            (day, gives_way),
        )
    if rows.num_rows:
        copy_in(conn, rows_table(stream.domain, stream.name), [rows_of_file(rows, day, stream)])
    return {"rows": rows.num_rows, "repeated": repeated + len(alike), "replaced": len(gives_way)}


def _last_of_each_key(rows: pyarrow.Table, stream: Stream) -> tuple[pyarrow.Table, int]:
    """Of rows with the same key the one that came last; how many are left out."""
    if not stream.key or rows.num_rows < 2:
        return rows, 0
    numbered = rows.select(list(stream.key)).append_column("n", pyarrow.array(np.arange(rows.num_rows)))
    last = numbered.group_by(list(stream.key)).aggregate([("n", "max")]).column("n_max")
    if len(last) == rows.num_rows:
        return rows, 0
    return rows.take(last.combine_chunks().take(pc.sort_indices(last))), rows.num_rows - len(last)


def _standing(
    conn: psycopg.Connection, stream: Stream, rows: pyarrow.Table
) -> dict[int, tuple[str, dt.datetime, tuple[Any, ...]]]:
    """For those of `rows` whose key a row has that counts: its number → place, moment and values of that row."""
    if not stream.key or not rows.num_rows:
        return {}
    declared = {column.name: column for column in stream.columns}
    terms = (key_expressions(stream.columns, stream.key, alias) for alias in ("k", "r"))
    query = sql.SQL(
        "select k._number, r.ctid::text, r._loaded_at, {columns}"
        " from unnest({given}) with ordinality k({names}, _number)"
        " join {rows} r on {equal} where r._superseded_by is null"
    ).format(
        columns=sql.SQL(", ").join(sql.Identifier("r", column.name) for column in stream.columns),
        given=sql.SQL(", ").join(
            sql.SQL("%s::" + declared[name].postgres_type + "[]")
            for name in stream.key  # kinds are our own
        ),
        names=sql.SQL(", ").join(map(sql.Identifier, stream.key)),
        rows=rows_table(stream.domain, stream.name),
        equal=sql.SQL(" and ").join(sql.SQL("{} = {}").format(one, other) for one, other in zip(*terms, strict=True)),
    )
    found = conn.execute(query, [rows.column(name).to_pylist() for name in stream.key])
    return {number - 1: (place, stored_at, tuple(values)) for number, place, stored_at, *values in found}


def _says_the_same(rows: pyarrow.Table, number: int, values: Sequence[Any], columns: Sequence[Column]) -> bool:
    given = (rows.column(column.name)[number].as_py() for column in columns)
    return all(
        one is other is None or (one is not None and other is not None and type(one)(other) == one)
        if column.kind == "money"
        else one == other
        for one, other, column in zip(given, values, columns, strict=True)
    )


def _keep_batches(conn: psycopg.Connection, stream: Stream, judged: JudgedEvents, day: int) -> None:
    counted: dict[str, list[int]] = {part.partition.sheet: [0, 0] for part in judged.parts}
    for count in judged.rows.column("_sheet").value_counts().to_pylist():
        counted[count["values"]][0] = count["counts"]
    for one in judged.bad:
        counted[one.sheet][1] += 1
    with conn.cursor() as cursor:
        cursor.executemany(
            "insert into s2p.stream_batches (stream, file, sheet, first_offset, last_offset, events, rows, repeated,"
            " returned, content) values (%s, %s, %s, %s, %s, %s, %s, 0, %s, %b)",
            [
                (
                    stream.full_name,
                    day,
                    part.partition.sheet,
                    int(part.offsets[0]),
                    int(part.offsets[-1]),
                    len(part.offsets),
                    *counted[part.partition.sheet],
                    packed(part.offsets, part.events),
                )
                for part in judged.parts
            ],
        )


def _move_on(conn: psycopg.Connection, stream: Stream, parts: Sequence[PartitionEvents]) -> dict[tuple[str, int], int]:
    moved = {(part.partition.topic, part.partition.partition): int(part.offsets[-1]) + 1 for part in parts}
    with conn.cursor() as cursor:
        cursor.executemany(
            "update s2p.stream_offsets set next_offset = %s, stored_at = now(), event_at = coalesce(%s, event_at),"
            " end_offset = greatest(end_offset, %s) where (stream, topic, partition) = (%s, %s, %s)",
            [
                (
                    moved[part.partition.topic, part.partition.partition],
                    part.event_at,
                    moved[part.partition.topic, part.partition.partition],
                    stream.full_name,
                    part.partition.topic,
                    part.partition.partition,
                )
                for part in parts
            ],
        )
    return moved
