"""What changed tables between two moments, as the ledger has it: files, entries, corrections, days of streams.

Which rows changed is told in `warehouse/tables/row_changes.py`.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from s2p_assets.contracts.stream import Stream
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.warehouse.tables.own_tables import ensure_own_tables
from s2p_assets.warehouse.tables.workbook_tables import rows_table

_FILES = """
with numbered as (
    select f.*, row_number() over (partition by workbook, path order by id) as number,
        loaded_at <= %(since)s and (withdrawn_at is null or withdrawn_at > %(since)s) as stood,
        loaded_at <= %(until)s and (withdrawn_at is null or withdrawn_at > %(until)s) as stands
    from s2p.files f where workbook = any(%(workbooks)s) and loaded_at is not null
), paths as (
    select workbook, path, array_agg(id) as files, min(owner) as owner, min(entered) as entered,
        max(number) filter (where stood) as version_before, max(number) filter (where stands) as version,
        max(case when stands then loaded_at else withdrawn_at end) as at,
        max(sha256) filter (where stands) as sha256
    from numbered where stood <> stands group by workbook, path
)
select p.files, p.workbook, p.path, coalesce(p.entered, 'file') as kind, p.version_before, p.version, p.at,
    coalesce(case when p.version is null then (
        select min(r.ended_by) from s2p.entry_rows r where r.path = p.path and r.ended_at <= %(until)s) end,
        e.made_by, (select h.handed_in_by from s2p.handed_in h where (h.path, h.sha256) = (p.path, p.sha256)),
        p.owner) as who,
    e.reason
from paths p left join s2p.entries e on e.path = p.path
order by p.at, p.workbook, p.path
"""


@dataclass(frozen=True, slots=True)
class Cause:
    """A file, entry, correction, day of a stream or champion that changed tables.

    `kind`: `file`, `entry`, `correction`, `stream` or `champion`. `version_before`, `version`: which version of it
    counted at the first and at the last moment, None for none. `who`: who entered or handed it in, else its owner.
    `files`: ids in the ledger.
    """

    files: list[int]
    workbook: str
    path: str
    kind: str
    version_before: int | None
    version: int | None
    at: dt.datetime
    who: str
    reason: str | None


def causes_between(
    conn: psycopg.Connection, workbooks: Sequence[Workbook], since: dt.datetime, until: dt.datetime
) -> list[Cause]:
    """What of these kinds of workbook and stream counted at one moment and not at the other, the oldest first."""
    ensure_own_tables(conn)
    asked = {"workbooks": [one.full_name for one in workbooks], "since": since, "until": until}
    with conn.cursor(row_factory=class_row(Cause)) as cursor:
        found = cursor.execute(_FILES, asked).fetchall()
    for stream in workbooks:
        if isinstance(stream, Stream):
            found += _grown_days(conn, stream, since, until)
    return found


def _grown_days(conn: psycopg.Connection, stream: Stream, since: dt.datetime, until: dt.datetime) -> list[Cause]:
    """The days of a stream that were there before, and to which events came."""
    query = sql.SQL(
        "select array[f.id] as files, f.workbook, f.path, 'stream' as kind, 1 as version_before, 1 as version,"
        " max(r._loaded_at) as at, f.owner as who, null as reason"
        " from {} r join s2p.files f on f.id = r._file"
        " where r._loaded_at > %(since)s and r._loaded_at <= %(until)s and f.loaded_at <= %(since)s"
        " group by f.id order by f.id"
    ).format(rows_table(stream.domain, stream.name))
    with conn.cursor(row_factory=class_row(Cause)) as cursor:
        return cursor.execute(query, {"since": since, "until": until}).fetchall()
