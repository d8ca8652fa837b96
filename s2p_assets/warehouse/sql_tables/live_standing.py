"""How the tables stand that follow streams by the second: when each was last made, and what keeps it from that.

Making them is in `making.py`, when in `services/streams/live_tables.py`.
"""

import datetime as dt
from dataclasses import dataclass

import psycopg


@dataclass(frozen=True, slots=True)
class LiveStanding:
    """One table by its full name. `problem`: in one line, since `since`; `seconds`: how long its last making took."""

    name: str
    problem: str | None
    since: dt.datetime
    made_at: dt.datetime | None
    seconds: float | None


def live_standings(conn: psycopg.Connection) -> dict[str, LiveStanding]:
    """By name, all that were ever made or tried."""
    rows = conn.execute("select name, problem, since, made_at, seconds from s2p.live_tables")
    return {row[0]: LiveStanding(*row) for row in rows}


def note_live_table(conn: psycopg.Connection, name: str, problem: str | None, seconds: float) -> None:
    """A table was made just now, or could not be."""
    conn.execute(
        "insert into s2p.live_tables as l (name, problem, made_at, seconds)"
        " values (%(name)s, %(problem)s, case when %(problem)s::text is null then now() end, %(seconds)s)"
        " on conflict (name) do update set problem = excluded.problem, seconds = excluded.seconds,"
        " made_at = coalesce(excluded.made_at, l.made_at), since = case when (l.problem is null)"
        " = (excluded.problem is null) then l.since else now() end",
        {"name": name, "problem": problem, "seconds": seconds},
    )
