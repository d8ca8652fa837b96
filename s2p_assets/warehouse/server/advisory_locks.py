"""Locks that sessions of PostgreSQL hold against each other.

Locks between processes on files belong to the rooms that need them.
"""

import psycopg


def advisory_lock(conn: psycopg.Connection, name: str) -> None:
    """Wait until no other transaction holds the lock on `name`; held to the end of the transaction."""
    conn.execute("select pg_advisory_xact_lock(hashtextextended(%s, 42))", (f"s2p {name}",))
