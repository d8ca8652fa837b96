"""Files whose bytes the ledger knows, and which therefore need not be read.

Files that are read are loaded by `load.py`.
"""

from dataclasses import replace
from typing import Literal

import psycopg

from s2p_assets.contracts.workbook import Workbook
from s2p_assets.warehouse.files.archive import ArchivedFile
from s2p_assets.warehouse.files.ledger import LedgerEntry, LedgerFile, ledger_files
from s2p_assets.warehouse.files.versions import insert_versions, latest_versions_at, rename_version, withdraw_versions
from s2p_assets.warehouse.server.advisory_locks import advisory_lock
from s2p_assets.warehouse.tables.contract_versions import contract_version
from s2p_assets.warehouse.tables.own_tables import ensure_own_tables

Recognition = Literal["unchanged", "duplicate", "renamed"]


def recognise_file(
    conn: psycopg.Connection, workbook: Workbook, path: str, kept: ArchivedFile, run_id: str | None = None
) -> Recognition | None:
    """Whether these bytes need not be read, because s2p knows them; the ledger is brought up to date.

    `unchanged`: touched, not changed. `duplicate`: another file on the share holds these rows already.
    `renamed`: the file that held them is gone (see `mark_gone`, which comes first), and this path takes its place.
    None: read the file.
    """
    ensure_own_tables(conn)
    seen = "select 1 from s2p.files where workbook = %s and sha256 = %s limit 1"
    if conn.execute(seen, (workbook.full_name, kept.sha256)).fetchone() is None:
        return None
    entry = LedgerEntry(
        path=path,
        sha256=kept.sha256,
        size=kept.size,
        mtime_ns=kept.mtime_ns,
        contract_version=contract_version(workbook),
        verdict="duplicate",
        owner=workbook.owner,
        run_id=run_id,
        archived=kept.archived,
        saved_ns=kept.saved_ns,
    )
    with conn.transaction():
        advisory_lock(conn, workbook.full_name)
        return recognise_entry(conn, workbook.full_name, entry)


def recognise_entry(conn: psycopg.Connection, workbook: str, entry: LedgerEntry) -> Recognition | None:
    """`recognise_file` for an entry of the ledger. Needs the workbook's lock."""
    found = find_known_version(conn, workbook, entry)
    if found is None:
        return None
    known, original = found
    if known == "unchanged":
        _update_stat(conn, original, entry)
        return known
    _supersede_path(conn, workbook, entry.path)
    if known == "renamed":
        rename_version(conn, original.id, entry.path, entry.size, entry.mtime_ns)
        return known
    changes = {"same_as": original.path}
    copy = replace(entry, verdict="duplicate", rows_accepted=0, findings=(), error=None, changes=changes)
    (id_,) = insert_versions(conn, workbook, [copy])
    conn.execute("update s2p.files set duplicate_of = %s where id = %s", (original.id, id_))
    return "duplicate"


def find_known_version(
    conn: psycopg.Connection, workbook: str, entry: LedgerEntry
) -> tuple[Recognition, LedgerFile] | None:
    """What `recognise_entry` would answer, and the file that it knows the bytes by; nothing is written."""
    latest = latest_versions_at(conn, workbook, [entry.path]).get(entry.path)
    if latest and _is_unchanged(latest, entry):
        return "unchanged", latest
    original = _loaded_version(conn, workbook, entry.sha256, entry.contract_version)
    if original is None or original.path == entry.path:
        return None
    return ("renamed" if original.status == "gone" else "duplicate"), original


def _loaded_version(conn: psycopg.Connection, workbook: str, sha256: str, version: str) -> LedgerFile | None:
    where = (
        "where f.workbook = %s and f.sha256 = %s and f.contract_version = %s and f.is_loaded and f.entered is null"
        " order by f.id limit 1"
    )
    return next(iter(ledger_files(conn, where, (workbook, sha256, version))), None)


def _is_unchanged(latest: LedgerFile, entry: LedgerEntry) -> bool:
    if latest.sha256 != entry.sha256 or latest.original_not_loaded:
        return False
    if latest.status == "forgotten":
        return True
    back_without_rows = latest.status == "gone" and not latest.is_loaded
    return latest.contract_version == entry.contract_version and not back_without_rows


def _update_stat(conn: psycopg.Connection, known: LedgerFile, entry: LedgerEntry) -> None:
    conn.execute(
        "update s2p.files set size = %s, mtime_ns = %s, kept_at = null,"
        " status = case status when 'gone' then 'current' else status end"
        " where id = %s",
        (entry.size, entry.mtime_ns, known.id),
    )


def _supersede_path(conn: psycopg.Connection, workbook: str, path: str) -> None:
    """The path has other bytes now: its version before is history, and so are its rows."""
    held = conn.execute(
        "select id from s2p.files where workbook = %s and path = %s and is_loaded", (workbook, path)
    ).fetchall()
    conn.execute(
        "update s2p.files set status = 'replaced' where workbook = %s and path = %s and status <> 'replaced'",
        (workbook, path),
    )
    withdraw_versions(conn, workbook, [id_ for (id_,) in held])
