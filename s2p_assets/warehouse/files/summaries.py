"""Summaries of the ledger, by kind of workbook and of the share as a whole: counts, files returned, headers over time.

The record of one file is in `ledger.py`.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import psycopg

from s2p_assets.contracts.findings import Finding
from s2p_assets.warehouse.files.ledger import FileVerdict
from s2p_assets.warehouse.tables.introspection import count_rows
from s2p_assets.warehouse.tables.own_tables import ensure_own_tables


@dataclass(frozen=True, slots=True)
class WorkbookSummary:
    """One kind of workbook in `s2p status`. `rows`: what its table shows; `files`: files whose rows are loaded."""

    name: str
    table: str
    files: int
    rows: int
    returned: int
    waiting: int
    last_loaded: dt.datetime | None


def workbook_summaries(conn: psycopg.Connection, waiting: Mapping[str, int] | None = None) -> list[WorkbookSummary]:
    """Every kind of workbook that has a table; `waiting` gives the files still to be looked at, by workbook name."""
    ensure_own_tables(conn)
    kinds = conn.execute(
        "select w.name, w.domain, w.table_name, count(*) filter (where f.is_loaded),"
        " count(*) filter (where f.status = 'current' and f.verdict = 'returned'), max(f.loaded_at)"
        " from s2p.workbooks w left join s2p.files f on f.workbook = w.name"
        " group by w.name order by w.name"
    ).fetchall()
    return [
        WorkbookSummary(
            name=workbook,
            table=f"{domain}.{name}",
            files=files,
            rows=count_rows(conn, domain, name),
            returned=returned,
            waiting=(waiting or {}).get(workbook, 0),
            last_loaded=last_loaded,
        )
        for workbook, domain, name, files, returned, last_loaded in kinds
    ]


@dataclass(frozen=True, slots=True)
class ReturnedFile:
    """A file on the share that its owner has to correct, wholly or in part."""

    workbook: str
    path: str
    verdict: FileVerdict
    owner: str
    rows_returned: int
    error: str | None
    findings: tuple[Finding, ...]


def returned_files(conn: psycopg.Connection) -> list[ReturnedFile]:
    """The files whose current version was returned or taken in part, by path; at most their first findings."""
    ensure_own_tables(conn)
    rows = conn.execute(
        "select workbook, path, verdict, owner, rows_returned, error, findings from s2p.files"
        " where status = 'current' and verdict in ('returned', 'partly') order by path, workbook"
    )
    return [
        ReturnedFile(workbook, path, verdict, owner, returned, error, tuple(Finding(**finding) for finding in findings))
        for workbook, path, verdict, owner, returned, error, findings in rows
    ]


class HeaderVersion(NamedTuple):
    """The headers of one version of a file that was taken: sheet → header cells as written.

    `as_of_ns`: when its bytes were written, Unix time in ns.
    """

    path: str
    as_of_ns: int
    headers: dict[str, list[str]]


def header_versions(
    conn: psycopg.Connection, workbook: str, oldest_ns: int, newest_ns: int, before: int
) -> list[HeaderVersion]:
    """The versions of files that were taken and written from `oldest_ns` to before `newest_ns`, newest first.

    After them, of those written earlier, the last version of each of the last `before` paths.
    """
    ensure_own_tables(conn)
    query = (
        "with taken as (select path, as_of_ns, headers, id from s2p.files where workbook = %(workbook)s"
        " and verdict in ('accepted', 'partly') and status <> 'forgotten' and headers <> '{}'),"
        " earlier as (select * from (select distinct on (path) * from taken where as_of_ns < %(oldest)s"
        " order by path, as_of_ns desc, id desc) last order by as_of_ns desc, id desc limit %(before)s)"
        " select path, as_of_ns, headers from"
        " (select * from earlier union all select * from taken where as_of_ns >= %(oldest)s and as_of_ns < %(newest)s)"
        " every order by as_of_ns desc, id desc"
    )
    known = {"workbook": workbook, "oldest": oldest_ns, "newest": newest_ns, "before": before}
    return [HeaderVersion(*row) for row in conn.execute(query, known)]


def count_current_files(conn: psycopg.Connection) -> int:
    """How many files lay on the share at the last look."""
    ensure_own_tables(conn)
    row = conn.execute("select count(*) from s2p.files where status = 'current'").fetchone()
    return int(row[0]) if row else 0
