"""How the last export to each target went, as s2p itself notes it. What stands there, the target says."""

import datetime as dt
from dataclasses import dataclass

import psycopg

from s2p_assets.warehouse.tables.own_tables import ensure_own_tables


@dataclass(frozen=True, slots=True)
class ExportRecord:
    """Of a target: when it was last tried, which moment and content it holds, and since when it fails, and why."""

    target: str
    tried_at: dt.datetime
    moment: dt.datetime | None
    content: str | None
    failing_since: dt.datetime | None
    problem: str | None


def read_export(conn: psycopg.Connection, target: str) -> ExportRecord | None:
    """The record of a target, None before the first export."""
    ensure_own_tables(conn)
    query = "select target, tried_at, moment, content, failing_since, problem from s2p.exports where target = %s"
    row = conn.execute(query, (target,)).fetchone()
    return ExportRecord(*row) if row else None


def note_exported(conn: psycopg.Connection, target: str, moment: dt.datetime, content: str | None) -> None:
    """An export came to its end: the target holds what was so at `moment`."""
    conn.execute(
        "insert into s2p.exports (target, moment, content) values (%s, %s, %s) on conflict (target) do update"
        " set tried_at = now(), moment = excluded.moment, content = excluded.content, failing_since = null,"
        " problem = null",
        (target, moment, content),
    )


def note_failed(conn: psycopg.Connection, target: str, problem: str) -> None:
    """An export could not be done, for the reason given; what the target held before is still noted."""
    conn.execute(
        "insert into s2p.exports (target, failing_since, problem) values (%s, now(), %s) on conflict (target)"
        " do update set tried_at = now(), problem = excluded.problem,"
        " failing_since = coalesce(s2p.exports.failing_since, now())",
        (target, problem),
    )
