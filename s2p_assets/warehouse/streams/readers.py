"""The processes that read streams, as they say of themselves: alive, and what keeps them from reading.

The reading is done elsewhere.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Literal

import psycopg

ReaderState = Literal["reading", "waiting"]
DEAD_SECONDS = 8
"""A process that has said nothing for so long no longer counts among those that share the reading."""
SILENT_SECONDS = 60
"""A process that has said nothing for so long is taken for ended."""


@dataclass(frozen=True, slots=True)
class StreamReader:
    """A process that reads a stream; `problem`: in one line what it waits for."""

    stream: str
    process: str
    state: ReaderState
    problem: str | None
    since: dt.datetime
    seen_at: dt.datetime


def say_reading(conn: psycopg.Connection, streams: list[str], process: str, problem: str | None) -> None:
    """Say that a process reads these streams, or what keeps it from that."""
    state = "waiting" if problem else "reading"
    with conn.cursor() as cursor:
        cursor.executemany(
            "insert into s2p.stream_readers (stream, process, state, problem) values (%s, %s, %s, %s)"
            " on conflict (stream, process) do update set seen_at = now(), problem = excluded.problem,"
            " state = excluded.state,"
            " since = case when stream_readers.state = excluded.state then stream_readers.since else now() end",
            [(stream, process, state, problem) for stream in streams],
        )


def say_ended(conn: psycopg.Connection, process: str) -> None:
    """Take back what a process said, and what those said that are long silent."""
    conn.execute("delete from s2p.stream_readers where process = %s or seen_at < now() - interval '1 day'", (process,))


def sharing_processes(conn: psycopg.Connection, streams: list[str]) -> list[str]:
    """The processes that share the reading of these streams, in an order that all of them know; one is the caller."""
    rows = conn.execute(
        "select process from s2p.stream_readers where stream = any(%s)"
        " and seen_at > now() - make_interval(secs => %s) group by 1 order by min(stream), 1",
        (streams, DEAD_SECONDS),
    )
    return [process for (process,) in rows]


def living_readers(conn: psycopg.Connection) -> list[StreamReader]:
    """The processes that were heard of lately."""
    rows = conn.execute(
        "select stream, process, state, problem, since, seen_at from s2p.stream_readers"
        " where seen_at > now() - make_interval(secs => %s) order by stream, process",
        (SILENT_SECONDS,),
    )
    return [StreamReader(*row) for row in rows]
