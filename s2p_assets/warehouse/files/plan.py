"""The plan of a load: what a file would change in its workbook's table, worked out and rolled back.

Loading it belongs to `load.py`; the rules by which rows are superseded are those of `superseding.py`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import PurePosixPath

import psycopg
import pyarrow
from psycopg import sql

from s2p_assets.contracts.workbook import Workbook
from s2p_assets.warehouse.files import ledger
from s2p_assets.warehouse.files.ledger import LedgerEntry, LedgerFile
from s2p_assets.warehouse.files.load import RowsRejected
from s2p_assets.warehouse.files.load_plan import PLANNED_ROWS, LoadPlan, PlannedPath
from s2p_assets.warehouse.files.recognition import find_known_version
from s2p_assets.warehouse.files.row_comparison import compare_by_content, compare_by_key
from s2p_assets.warehouse.files.versions import current_copies, latest_versions_at
from s2p_assets.warehouse.tables.copying import copy_in
from s2p_assets.warehouse.tables.own_tables import ensure_own_tables
from s2p_assets.warehouse.tables.workbook_rows import rows_of_file
from s2p_assets.warehouse.tables.workbook_tables import ensure_workbook_table, rows_table


@contextmanager
def dry_run(conn: psycopg.Connection) -> Iterator[None]:
    """A transaction that sees the database as of one moment and is rolled back at the end.

    s2p's own tables are brought up to date before: that is done by another connection, unseen from within.
    """
    ensure_own_tables(conn)
    with conn.transaction(force_rollback=True):
        conn.execute("set transaction isolation level repeatable read")
        yield


def plan_load(
    conn: psycopg.Connection, workbook: Workbook, entry: LedgerEntry, rows: pyarrow.Table, *, on_share: bool
) -> LoadPlan:
    """What `load_file` would do with these rows: the difference between what the table shows now and would show then.

    `on_share`: `entry.path` is a path on the share; else the file takes the place of a loaded file of its name, the
    newest where there are several. Must be called within `dry_run`. Raises RowsRefused and ContractChanged.
    """
    ensure_workbook_table(conn, workbook)
    planned_file = _planned_file(conn, workbook, entry.path, on_share)
    at = LedgerEntry(
        planned_file.path, entry.sha256, entry.size, entry.mtime_ns, entry.contract_version, "accepted", entry.owner
    )
    known, known_as = find_known_version(conn, workbook.full_name, at) or (None, None)
    nothing = LoadPlan(planned_file.path, planned_file.replaces, planned_file.namesakes, known, known_as)
    if known == "unchanged":
        return replace(nothing, unchanged=rows.num_rows)
    _copy_planned_rows(conn, workbook, entry, rows.slice(0, 0) if known else rows)
    differences = (
        compare_by_key(conn, workbook, entry, planned_file)
        if workbook.key
        else compare_by_content(conn, workbook, planned_file)
    )
    if known:
        differences["unchanged"] = rows.num_rows
    return replace(nothing, **differences)


def _planned_file(conn: psycopg.Connection, workbook: Workbook, path: str, on_share: bool) -> PlannedPath:
    namesakes: list[str] = []
    if not on_share:
        versions = ledger.latest_versions(conn, workbook)
        name = PurePosixPath(path).name.casefold()
        loaded = [file for file in versions.values() if PurePosixPath(file.path).name.casefold() == name]
        path, *namesakes = [file.path for file in sorted(loaded, key=_newest_loaded_first)] or [path]
    held = conn.execute(
        "select id from s2p.files where workbook = %s and path = %s and is_loaded", (workbook.full_name, path)
    ).fetchall()
    ids = [id_ for (id_,) in held]
    copies = {id_: copy for id_, _, copy, _, _ in current_copies(conn, ids, ids)}
    withdrawn = [id_ for (id_,) in held if id_ not in copies]
    replaces = latest_versions_at(conn, workbook.full_name, [path]).get(path)
    return PlannedPath(path, replaces, tuple(namesakes), withdrawn, copies)


def _newest_loaded_first(file: LedgerFile) -> tuple[bool, int, int]:
    return not file.is_loaded, -file.mtime_ns, -file.id


def _copy_planned_rows(conn: psycopg.Connection, workbook: Workbook, entry: LedgerEntry, rows: pyarrow.Table) -> None:
    stored = rows_table(workbook.domain, workbook.name)
    conn.execute(sql.SQL("create temporary table planned (like {}) on commit drop").format(stored))
    try:
        copy_in(conn, PLANNED_ROWS, [rows_of_file(rows, 0, workbook)])
    except (psycopg.DataError, psycopg.IntegrityError, pyarrow.ArrowInvalid, UnicodeError) as error:
        reason = " ".join(str(error).split())
        raise RowsRejected(f"{entry.path}: its rows cannot be stored ({reason}); correct the file") from None
    conn.execute(sql.SQL("analyze {}").format(PLANNED_ROWS))
    conn.execute("set local work_mem = '64MB'")
