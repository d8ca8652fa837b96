"""Locks that sessions of PostgreSQL hold against each other.

Locks between processes on files belong to the rooms that need them.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg


def advisory_lock(conn: psycopg.Connection, name: str) -> None:
    """Wait until no other transaction holds the lock on `name`; held to the end of the transaction."""
    conn.execute("select pg_advisory_xact_lock(hashtextextended(%s, 42))", (f"s2p {name}",))


def take_session_lock(conn: psycopg.Connection, name: str) -> bool:
    """Whether this connection holds the lock on `name`, now or already; until it is closed."""
    held = conn.execute(
        "select 1 from pg_locks l where l.pid = pg_backend_pid() and l.locktype = 'advisory' and l.granted"
        " and (l.classid::int8 << 32) + l.objid::int8 = hashtextextended(%s, 42)",
        (f"s2p {name}",),
    ).fetchone()
    if held:
        return True
    (taken,) = conn.execute("select pg_try_advisory_lock(hashtextextended(%s, 42))", (f"s2p {name}",)).fetchone() or ()
    return bool(taken)


@contextmanager
def held_by_session(conn: psycopg.Connection, name: str) -> Iterator[bool]:
    """Whether the lock on `name` could be had, which this session then holds for as long as the block lasts."""
    key = (f"s2p {name}",)
    row = conn.execute("select pg_try_advisory_lock(hashtextextended(%s, 43))", key).fetchone()
    held = bool(row and row[0])
    try:
        yield held
    finally:
        if held and not conn.closed:
            conn.execute("select pg_advisory_unlock(hashtextextended(%s, 43))", key)
