"""Tags: moments with a name, whose files are kept.

What else is kept, and what is not, is found in `unneeded.py`.
"""

import datetime as dt
from dataclasses import dataclass

import psycopg

from s2p_assets.warehouse.tables.own_tables import ensure_own_tables


@dataclass(frozen=True, slots=True)
class Tag:
    """A moment with a name: why, by whom and when it was given."""

    name: str
    moment: dt.datetime
    reason: str
    made_by: str
    made_at: dt.datetime


def read_tags(conn: psycopg.Connection) -> list[Tag]:
    """Every tag, the latest moment first."""
    ensure_own_tables(conn)
    query = "select name, moment, reason, made_by, made_at from s2p.tags order by moment desc, name"
    return [Tag(*row) for row in conn.execute(query)]


def add_tag(conn: psycopg.Connection, name: str, moment: dt.datetime, reason: str, made_by: str) -> bool:
    """Give a moment a name; False where that name is taken."""
    ensure_own_tables(conn)
    query = "insert into s2p.tags (name, moment, reason, made_by) values (%s, %s, %s, %s) on conflict do nothing"
    return conn.execute(query, (name, moment, reason, made_by)).rowcount == 1


def remove_tag(conn: psycopg.Connection, name: str) -> bool:
    """Take a name away; False where there is none such."""
    ensure_own_tables(conn)
    return conn.execute("delete from s2p.tags where name = %s", (name,)).rowcount == 1
