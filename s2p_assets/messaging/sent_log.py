"""A file beside the database in which every message that went out stands: what a database brought back from a backup,
or begun anew, learns from it is not told again.

The record of messages is in `record.py`; when the two are compared is decided in `delivery.py`.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from psycopg.types.json import Jsonb

LARGEST_BYTES, BLOCK_BYTES = 8 << 20, 1 << 16
"""A larger file loses its older half."""
KNOWN_SQL = "select 1 from s2p.messages where message_id = %s and state in ('sent', 'spooled', 'refused', 'withdrawn')"
SINCE_SQL: LiteralString = """
select g.message_id, g.recipient, g.state, g.created_at::text, g.settled_at::text,
    coalesce((select jsonb_agg(jsonb_build_object('kind', m.kind, 'key', m.key, 'owner', m.owner,
        'content', m.content, 'is_event', m.is_event, 'opened_at', m.opened_at) order by m.id)
        from s2p.message_matters t join s2p.matters m on m.id = t.matter where t.message = g.id), '[]')
from s2p.messages g where g.state in ('sent', 'spooled') and g.settled_at > coalesce(%s::timestamptz, '-infinity')
order by g.settled_at, g.id
"""
MESSAGE_SQL: LiteralString = """
insert into s2p.messages as g (message_id, recipient, state, created_at, settled_at, attempts)
values (%(message_id)s, %(recipient)s, %(state)s, %(created_at)s, %(settled_at)s, 1)
on conflict (message_id) do update set state = excluded.state, settled_at = excluded.settled_at, error = null
returning g.id
"""
MATTER_SQL: LiteralString = """
with known as (
    select id from s2p.matters where key = %(key)s order by cleared_at is null desc, id desc limit 1
), made as (
    insert into s2p.matters (kind, key, owner, content, is_event, opened_at, cleared_at)
    select %(kind)s, %(key)s, %(owner)s, %(content)s, %(is_event)s, %(opened_at)s, now()
    where not exists (select 1 from known) returning id
)
select id from known union all select id from made
"""


def append_sent(conn: psycopg.Connection, file: Path) -> None:
    """Add to the file what went out since its last line. A full disk is no reason to send anything again: the next
    round adds it.
    """
    last = next(_newest_first(file), None)
    sent = conn.execute(SINCE_SQL, (last["settled_at"] if last else None,)).fetchall()
    names = ("message_id", "recipient", "state", "created_at", "settled_at", "matters")
    lines = [json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False) + "\n" for row in sent]
    if not lines:
        return
    try:
        with file.open("a", encoding="utf-8") as written:
            written.writelines(lines)
            written.flush()
            os.fsync(written.fileno())
        _keep_small(file)
    except OSError:
        return


def recall_sent(conn: psycopg.Connection, file: Path) -> int:
    """Record what the file knows of and the database does not; how many messages. Mostly none, by its last line."""
    unknown = []
    for line in _newest_first(file):
        if conn.execute(KNOWN_SQL, (line["message_id"],)).fetchone():
            break
        unknown.append(line)
    for line in reversed(unknown):
        with conn.transaction():
            _record(conn, line)
    return len(unknown)


def _record(conn: psycopg.Connection, line: dict[str, Any]) -> None:
    """The message as sent, of matters that are open again by now, or over: opened within a day they are the same."""
    (message,) = conn.execute(MESSAGE_SQL, line).fetchone() or (None,)
    for matter in line["matters"]:
        (id_,) = conn.execute(MATTER_SQL, matter | {"content": Jsonb(matter["content"])}).fetchone() or (None,)
        conn.execute(
            "insert into s2p.message_matters (message, matter, recipient, is_spooled) values (%s, %s, %s, %s)"
            " on conflict do nothing",
            (message, id_, line["recipient"], line["state"] == "spooled"),
        )


def _newest_first(file: Path) -> Iterator[dict[str, Any]]:
    """The lines of the file; what a power cut left of one is none."""
    for line in _lines_from_the_end(file):
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict) and {"message_id", "settled_at", "matters"} <= found.keys():
            yield found


def _lines_from_the_end(file: Path) -> Iterator[bytes]:
    try:
        reading = file.open("rb")
    except FileNotFoundError:
        return
    with reading:
        left, rest = reading.seek(0, os.SEEK_END), b""
        while left:
            size = min(BLOCK_BYTES, left)
            left = reading.seek(left - size)
            rest, *lines = (reading.read(size) + rest).split(b"\n")
            yield from reversed(lines)
        yield rest


def _keep_small(file: Path) -> None:
    if file.stat().st_size <= LARGEST_BYTES:
        return
    lines = file.read_bytes().splitlines(keepends=True)
    beside = file.with_suffix(".tmp")
    beside.write_bytes(b"".join(lines[len(lines) // 2 :]))
    beside.replace(file)
