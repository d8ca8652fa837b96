"""Summaries of the ledger, by kind of workbook and of the share as a whole: counts, files returned, headers over time.

The record of one file is in `ledger.py`.
"""

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import psycopg
from psycopg import sql

from s2p_assets.contracts.findings import Finding
from s2p_assets.contracts.stream import STREAMS_FOLDER
from s2p_assets.remote_folder import MAIL_FOLDER, REMOTE_FOLDER
from s2p_assets.warehouse.files.ledger import FileVerdict
from s2p_assets.warehouse.tables.introspection import count_rows
from s2p_assets.warehouse.tables.own_tables import ensure_own_tables
from s2p_assets.warehouse.tables.workbook_tables import rows_table


@dataclass(frozen=True, slots=True)
class WorkbookSummary:
    """One kind of workbook in `s2p status`. `rows`: what its table shows; `files`: files whose rows are loaded."""

    name: str
    table: str
    files: int
    rows: int
    returned: int
    held: int
    waiting: int
    last_loaded: dt.datetime | None


def workbook_summaries(conn: psycopg.Connection, waiting: Mapping[str, int] | None = None) -> list[WorkbookSummary]:
    """Every kind of workbook that has a table; `waiting` gives the files still to be looked at, by workbook name."""
    ensure_own_tables(conn)
    kinds = conn.execute(
        "select w.name, w.domain, w.table_name, count(*) filter (where f.is_loaded),"
        " count(*) filter (where f.status = 'current' and f.verdict = 'returned'),"
        " count(*) filter (where f.status = 'current' and f.verdict = 'held'), max(f.loaded_at)"
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
            held=held,
            waiting=(waiting or {}).get(workbook, 0),
            last_loaded=last_loaded,
        )
        for workbook, domain, name, files, returned, held, last_loaded in kinds
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
    sha256: str
    rows_read: int
    findings: tuple[Finding, ...]


def returned_files(conn: psycopg.Connection) -> list[ReturnedFile]:
    """The files whose current version was returned or taken in part, by path; at most their first findings."""
    ensure_own_tables(conn)
    rows = conn.execute(
        "select workbook, path, verdict, owner, rows_returned, error, sha256, rows_read, findings from s2p.files"
        " where status = 'current' and verdict in ('returned', 'partly') order by path, workbook"
    )
    found = []
    for workbook, path, verdict, owner, returned, error, sha256, read, findings in rows:
        given = tuple(Finding(**finding) for finding in findings)
        found.append(ReturnedFile(workbook, path, verdict, owner, returned, error, sha256, read, given))
    return found


@dataclass(frozen=True, slots=True)
class HeldFile:
    """A file of which nothing is stored before a person has decided. `changes`: what its rows would change."""

    workbook: str
    path: str
    owner: str
    rows_held: int
    questions: list[str]
    changes: dict[str, Any]
    sha256: str


def find_held_files(conn: psycopg.Connection) -> list[HeldFile]:
    """The files that wait for a person's decision, by path."""
    ensure_own_tables(conn)
    rows = conn.execute(
        "select workbook, path, owner, rows_held, questions, changes, sha256 from s2p.files"
        " where status = 'current' and verdict = 'held' and confirmed_at is null order by path, workbook"
    )
    return [HeldFile(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class GoneFile:
    """A file that is gone from the share while its table still shows rows of it.

    `file`: its ledger id; `replaced_by`: the file on the share that took the place of most of its other rows.
    """

    file: int
    workbook: str
    path: str
    owner: str
    rows: int
    replaced_by: str | None


def find_gone_files(conn: psycopg.Connection, also: Mapping[str, Collection[str]] | None = None) -> list[GoneFile]:
    """The files whose rows nobody has decided to keep or to forget, by path.

    `also`: by workbook, paths that are gone since the ledger was last written.
    """
    ensure_own_tables(conn)
    missing = [(workbook, path) for workbook, paths in (also or {}).items() for path in paths]
    query = """
        select f.id, f.workbook, w.domain, w.table_name, f.path, f.owner
        from s2p.files f join s2p.workbooks w on w.name = f.workbook
        where f.is_loaded and f.kept_at is null and (
            exists (select 1 from s2p.files l where l.workbook = f.workbook and l.path = f.path and l.status = 'gone')
            or (f.workbook, f.path) in (select * from unnest(%s::text[], %s::text[])))
        order by f.path, f.workbook"""
    asked = ([workbook for workbook, _ in missing], [path for _, path in missing])
    found = []
    for id_, workbook, domain, table, path, owner in conn.execute(query, asked).fetchall():
        count = sql.SQL("select count(*) from {} where _file = %s and _superseded_by is null")
        (rows,) = conn.execute(count.format(rows_table(domain, table)), (id_,)).fetchone() or (0,)
        if rows:
            found.append(GoneFile(id_, workbook, path, owner, rows, _successor(conn, domain, table, id_)))
    return found


def _successor(conn: psycopg.Connection, domain: str, table: str, id_: int) -> str | None:
    query = sql.SQL(
        "select f.path from {} r join s2p.files f on f.id = r._superseded_by"
        " where r._file = %s and f.status = 'current'"
        " group by f.path order by count(*) desc, f.path limit 1"
    )
    row = conn.execute(query.format(rows_table(domain, table)), (id_,)).fetchone()
    return row[0] if row else None


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """A file that was loaded or withdrawn, and what that changed; see `change_record`."""

    id: int
    workbook: str
    path: str
    verdict: FileVerdict
    loaded_at: dt.datetime | None
    changes: dict[str, Any]


def changed_files(conn: psycopg.Connection, since: dt.datetime) -> list[ChangedFile]:
    """The versions of files that were loaded since a moment, went away as copies, or are the same as another one.

    The newest first.
    """
    ensure_own_tables(conn)
    rows = conn.execute(
        "select id, workbook, path, verdict, loaded_at, changes from s2p.files"
        " where changes <> '{}' and (verdict in ('accepted', 'partly') and (loaded_at >= %s"
        " or (withdrawn_at >= %s and changes ? 'went_with_copy_of'))"
        " or verdict = 'duplicate' and status = 'current' and first_seen >= %s) order by id desc",
        (since, since, since),
    )
    return [ChangedFile(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class ArrivedFile:
    """A version of a file, with its verdict and what it changed or would change."""

    id: int
    path: str
    verdict: FileVerdict
    owner: str
    rows_returned: int
    questions: list[str]
    changes: dict[str, Any]


class LoadedFile(NamedTuple):
    """A version of a file that was loaded as it is."""

    workbook: str
    path: str
    owner: str
    sha256: str
    rows: int


def loaded_files(conn: psycopg.Connection, since: dt.datetime) -> list[LoadedFile]:
    """The files that were loaded whole since a moment, by path."""
    ensure_own_tables(conn)
    rows = conn.execute(
        "select workbook, path, owner, sha256, rows_accepted from s2p.files where status = 'current' and is_loaded"
        " and verdict = 'accepted' and loaded_at >= %s and entered is null order by path, workbook",
        (since,),
    )
    return [LoadedFile(*row) for row in rows]


def domains_with_files(conn: psycopg.Connection) -> set[str]:
    """The domains of which a file was ever taken; nobody waits for files of the others."""
    ensure_own_tables(conn)
    query = "select distinct w.domain from s2p.workbooks w join s2p.files f on f.workbook = w.name"
    return {domain for (domain,) in conn.execute(query)}


def last_version(conn: psycopg.Connection) -> int:
    """The ledger id of the newest version of any file, 0 for none."""
    ensure_own_tables(conn)
    (newest,) = conn.execute("select coalesce(max(id), 0) from s2p.files").fetchone() or (0,)
    return int(newest)


def arrived_files(conn: psycopg.Connection, after: int) -> list[ArrivedFile]:
    """The versions of files with a greater ledger id than `after`, in the order in which they were recorded."""
    rows = conn.execute(
        "select id, path, verdict, owner, rows_returned, questions, changes from s2p.files"
        " where id > %s and not (verdict = 'accepted' and headers = '{}') order by id",
        (after,),
    )
    return [ArrivedFile(*row) for row in rows]


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
        " and verdict in ('accepted', 'partly') and status <> 'forgotten' and headers <> '{}' and entered is null),"
        " earlier as (select * from (select distinct on (path) * from taken where as_of_ns < %(oldest)s"
        " order by path, as_of_ns desc, id desc) last order by as_of_ns desc, id desc limit %(before)s)"
        " select path, as_of_ns, headers from"
        " (select * from earlier union all select * from taken where as_of_ns >= %(oldest)s and as_of_ns < %(newest)s)"
        " every order by as_of_ns desc, id desc"
    )
    known = {"workbook": workbook, "oldest": oldest_ns, "newest": newest_ns, "before": before}
    return [HeaderVersion(*row) for row in conn.execute(query, known)]


def count_current_files(conn: psycopg.Connection, below: str = "") -> int:
    """How many files lay on the share at the last look; `below`: in a folder of what lies elsewhere, `…/`."""
    ensure_own_tables(conn)
    elsewhere = [] if below else [f"{folder}/" for folder in (STREAMS_FOLDER, REMOTE_FOLDER, MAIL_FOLDER)]
    row = conn.execute(
        "select count(*) from s2p.files where status = 'current' and starts_with(path, %s)"
        " and not exists (select from unnest(%s::text[]) folder where starts_with(path, folder))",
        (below, elsewhere),
    ).fetchone()
    return int(row[0]) if row else 0
