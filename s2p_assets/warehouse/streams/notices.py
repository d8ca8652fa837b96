"""What happened to a stream that is no fault of one row: events that are gone, a topic made anew, a new field.

Rows that came back are in `returned_events.py`.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.types.json import Jsonb


@dataclass(frozen=True, slots=True)
class StreamNotice:
    """One thing that was noticed, when first and when last."""

    stream: str
    kind: str
    sheet: str
    message: str
    noticed_at: dt.datetime
    last_at: dt.datetime


def note_stream(
    conn: psycopg.Connection, stream: str, kind: str, sheet: str, message: str, details: dict[str, Any] | None = None
) -> None:
    """Remember it; what was noticed before is only seen again."""
    conn.execute(
        "insert into s2p.stream_notices (stream, kind, sheet, message, details) values (%s, %s, %s, %s, %s)"
        " on conflict (stream, kind, sheet, message) do update set last_at = now()",
        (stream, kind, sheet, message, Jsonb(details or {})),
    )


def notices_since(conn: psycopg.Connection, since: dt.datetime, stream: str | None = None) -> list[StreamNotice]:
    """What was seen since a moment, the newest first."""
    rows = conn.execute(
        "select stream, kind, sheet, message, noticed_at, last_at from s2p.stream_notices"
        " where last_at >= %s and (%s::text is null or stream = %s) order by last_at desc, id desc",
        (since, stream, stream),
    )
    return [StreamNotice(*row) for row in rows]
