"""What Dagster is making or has yet to start, in one plain line; read from its books without loading it.

What needs a person is in `attention.py`.
"""

import datetime as dt
import os
from collections.abc import Sequence
from typing import Any

import psycopg

BUSY_AT = 2.0
"""So many processes for each processor, and a computer is slow because of them."""
SILENT_SECONDS = 300.0

_THERE = "select to_regclass('dagster.runs') is not null and to_regclass('dagster.daemon_heartbeats') is not null"
_UNFINISHED = """
    select status in ('STARTED', 'CANCELING'), create_timestamp at time zone 'UTC' from dagster.runs
    where status in ('NOT_STARTED', 'QUEUED', 'STARTING', 'STARTED', 'CANCELING') order by create_timestamp
"""
_HEARD_OF = "select max(timestamp) at time zone 'UTC' from dagster.daemon_heartbeats"


def work_under_way(connection: psycopg.Connection, now: dt.datetime) -> dict[str, Any]:
    """`running` and `queued`: how many runs; `since`: when the first was asked for; `says`: all that in words.

    `since` and `says` are None where nothing is to be made.
    """
    row = connection.execute(_THERE).fetchone()
    runs = connection.execute(_UNFINISHED).fetchall() if row and row[0] else []
    running = [asked for is_running, asked in runs if is_running]
    queued = [asked for is_running, asked in runs if not is_running]
    heard = connection.execute(_HEARD_OF).fetchone() if runs else None
    return {
        "running": len(running),
        "queued": len(queued),
        "since": min(running + queued).isoformat() if runs else None,
        "says": line_of_work(running, queued, heard[0] if heard else None, os.getloadavg()[0], now) if runs else None,
    }


def line_of_work(
    running: Sequence[dt.datetime],
    queued: Sequence[dt.datetime],
    heard_of: dt.datetime | None,
    load: float,
    now: dt.datetime,
) -> str:
    """In words. `running`, `queued`: when each was asked for; `heard_of`: when the servers gave a sign of life."""
    parts = []
    if running:
        parts.append(f"{_runs(len(running), 'is', 'are')} under way, asked for {_ago(min(running), now)}")
    if queued:
        parts.append(f"{_runs(len(queued), 'waits', 'wait')} to start, asked for {_ago(min(queued), now)}")
    processors = os.cpu_count() or 1
    if queued and heard_of and (now - heard_of).total_seconds() > SILENT_SECONDS:
        parts.append(f"s2p up was last heard of {_ago(heard_of, now)}: start it, or use s2p run")
    elif load > BUSY_AT * processors:
        parts.append(f"this computer is busy (load {load:.0f} on {processors} processors), so it comes later")
    return "; ".join(parts)


def _runs(count: int, one: str, more: str) -> str:
    return f"{count:,} {'run' if count == 1 else 'runs'} {one if count == 1 else more}"


def _ago(then: dt.datetime, now: dt.datetime) -> str:
    minutes = max(0, round((now - then).total_seconds() / 60))
    if minutes < 1:
        return "just now"
    return f"{minutes} {'minute' if minutes == 1 else 'minutes'} ago" if minutes < 120 else f"{minutes // 60} hours ago"
