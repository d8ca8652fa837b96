"""Which files brought rows into workbooks' tables since a moment, for the question what changed.

The record of every file is in `ledger.py`; tracing one row belongs to the room `trace`.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
from psycopg.rows import class_row

from s2p_assets.warehouse.tables.own_tables import ensure_own_tables

_QUERY = """
select f.workbook, f.path, f.sha256, f.loaded_at, f.rows_accepted as rows, f.run_id,
    coalesce((select o.rows_accepted from s2p.files o where o.replaced_by = f.id order by o.id desc limit 1), 0)
        as before
from s2p.files f
where f.workbook = any(%s) and f.verdict in ('accepted', 'partly') and f.loaded_at > %s
order by f.loaded_at desc, f.id desc limit %s
"""
_COUNT_QUERY = """
select count(*) from s2p.files f
where f.workbook = any(%s) and f.verdict in ('accepted', 'partly') and f.loaded_at > %s
"""
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class NewlyLoaded:
    """A version of a file that was loaded. `before`: the rows of the version that it took the place of, 0 if new."""

    workbook: str
    path: str
    sha256: str
    loaded_at: dt.datetime
    rows: int
    run_id: str | None
    before: int


def newly_loaded(
    conn: psycopg.Connection, workbooks: Sequence[str], since: dt.datetime | None, most: int
) -> tuple[list[NewlyLoaded], int]:
    """The files of these workbooks loaded after `since` (None: ever), newest first, at most `most`; how many in all."""
    ensure_own_tables(conn)
    asked = (list(workbooks), since or _EPOCH)
    with conn.cursor(row_factory=class_row(NewlyLoaded)) as cursor:
        found = cursor.execute(_QUERY, (*asked, most)).fetchall()
    row = conn.execute(_COUNT_QUERY, asked).fetchone()
    return found, int(row[0]) if row else 0
