"""Rows of workbooks into their tables, and their files into the ledger, in one transaction.

Files that need no reading are recognised in `recognition.py`; which rows are superseded, in `superseding.py`.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import psycopg
import pyarrow

from s2p_assets.contracts.workbook import Workbook
from s2p_assets.warehouse.files import recognition, versions
from s2p_assets.warehouse.files.ledger import LedgerEntry
from s2p_assets.warehouse.server.advisory_locks import advisory_lock
from s2p_assets.warehouse.tables.copying import copy_in
from s2p_assets.warehouse.tables.superseding import Supersession, mark_superseded
from s2p_assets.warehouse.tables.workbook_rows import rows_of_file
from s2p_assets.warehouse.tables.workbook_tables import (
    analyze_rows,
    deferred_indexes,
    ensure_workbook_table,
    rows_table,
)

MANY_ROWS = 10_000  # worth an analyze, and indexes that are built at once

LoadOutcome = Literal["loaded", "unchanged", "duplicate", "returned", "held", "refused"]
UNLOADED = ("returned", "held")
"""Verdicts that leave the rows of the path's previous version."""


class RowsRejected(Exception):
    """The database does not take the rows of a file; one line with the file and the reason."""


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What loading one file did.

    `rows`: rows that it holds in the table now, superseded ones too. `superseded`: rows of other files that it
    superseded, by path; `superseded_by`: rows of it that newer files supersede, by path.
    `outcome`: `loaded`; `unchanged`: it was loaded already; `duplicate`: another path holds the same bytes;
    `returned`: there was nothing to load; `held`: a person is asked first;
    `refused`: see `error`.
    """

    file_id: int
    path: str
    outcome: LoadOutcome
    rows: int = 0
    superseded: dict[str, int] = field(default_factory=dict)
    superseded_by: dict[str, int] = field(default_factory=dict)
    error: str | None = None


def load_file(
    conn: psycopg.Connection, workbook: Workbook, entry: LedgerEntry, rows: pyarrow.Table | None
) -> LoadResult:
    """Replace the rows of the path's previous version by those of this file, and record the file in the ledger.

    `rows`: the contract's columns, `_sheet` and `_row`, as in `Reading.rows`; None loads nothing. A returned or held
    file leaves the rows of the version before. Loading the same bytes again, under this name or another, loads nothing.
    All or nothing, also when the process is killed. Raises RowsRefused; the ledger then records that too.
    """
    (loaded,) = load_files(conn, workbook, [(entry, rows)])
    if loaded.outcome == "refused":
        raise RowsRejected(loaded.error)
    return loaded


def load_files(
    conn: psycopg.Connection, workbook: Workbook, files: Sequence[tuple[LedgerEntry, pyarrow.Table | None]]
) -> list[LoadResult]:
    """`load_file` for many files at the cost of one, in the order given; each path once.

    When the database refuses the rows of one, only that file is left out: its outcome is `refused`.
    """
    if len({entry.path for entry, _ in files}) < len(files):
        raise ValueError(f"{workbook.full_name}: the same path twice in one load")
    ensure_workbook_table(conn, workbook)
    try:
        return _load(conn, workbook, files)
    except (psycopg.DataError, psycopg.IntegrityError, pyarrow.ArrowInvalid, UnicodeError) as error:
        if len(files) > 1:
            return [loaded for file in files for loaded in load_files(conn, workbook, [file])]
        return [_record_rejection(conn, workbook, files[0][0], error)]


def _record_rejection(conn: psycopg.Connection, workbook: Workbook, entry: LedgerEntry, error: Exception) -> LoadResult:
    reason = " ".join(str(error).split())
    message = f"{entry.path}: its rows cannot be stored ({reason}); correct the file and drop it again"
    cells = {"read": entry.cells.get("read", 0), "loaded": 0, "ignored": entry.cells.get("ignored", 0)}
    cells["returned"] = cells["read"] - cells["ignored"]
    nothing = replace(entry, rows_accepted=0, rows_returned=entry.rows_read, headers={}, column_letters={}, cells=cells)
    returned = replace(nothing, verdict="returned", error=message)
    id_ = versions.record_unloaded(conn, workbook, returned)
    return LoadResult(id_, entry.path, "refused", error=message)


def _load(
    conn: psycopg.Connection, workbook: Workbook, files: Sequence[tuple[LedgerEntry, pyarrow.Table | None]]
) -> list[LoadResult]:
    with conn.transaction():
        advisory_lock(conn, workbook.full_name)
        known = _already_loaded(conn, workbook, [entry for entry, _ in files])
        new = [(entry, rows) for entry, rows in files if entry.path not in known]
        ids = dict(zip((entry.path for entry, _ in new), _record_files(conn, workbook, new), strict=True))
        holding = {ids[entry.path]: rows for entry, rows in new if rows is not None}
        copies = _copies(new, ids)
        for path in copies:
            del holding[ids[path]]
        settled = _copy_rows(conn, workbook, holding)
        _mark_copies(conn, {ids[path]: original for path, original in copies.items()})
        paths = _paths(conn, settled)
    held = {entry.path for entry, _ in new if entry.verdict == "held"}
    results = {
        path: _with_superseded(LoadResult(id_, path, "loaded", holding[id_].num_rows), settled, paths)
        if id_ in holding
        else LoadResult(id_, path, "duplicate" if path in copies else "held" if path in held else "returned")
        for path, id_ in ids.items()
    }
    return [known.get(entry.path) or results[entry.path] for entry, _ in files]


def _already_loaded(
    conn: psycopg.Connection, workbook: Workbook, entries: Sequence[LedgerEntry]
) -> dict[str, LoadResult]:
    """The files whose bytes are loaded, which may have been loaded since they were read.

    Not one of which another number of rows is accepted now: it was read again because what it refers to was loaded.
    """
    held = conn.execute(
        "select sha256, contract_version, path, rows_accepted from s2p.files"
        " where workbook = %s and sha256 = any(%s) and is_loaded",
        (workbook.full_name, [entry.sha256 for entry in entries]),
    ).fetchall()
    bytes_held = {(sha256, version) for sha256, version, *_ in held}
    rows_held = {(sha256, path): rows for sha256, _, path, rows in held}
    known = _forgotten_since(conn, workbook, entries)
    for entry in entries:
        as_before = rows_held.get((entry.sha256, entry.path), entry.rows_accepted) == entry.rows_accepted
        if (entry.sha256, entry.contract_version) in bytes_held and as_before:
            loaded = _recognised(conn, workbook, entry)
            if loaded:
                known[entry.path] = loaded
    return known


def _forgotten_since(
    conn: psycopg.Connection, workbook: Workbook, entries: Sequence[LedgerEntry]
) -> dict[str, LoadResult]:
    """The files that a person forgot after the look began in which they were read: they stay forgotten."""
    query = (
        "select f.path, f.id from s2p.files f join unnest(%s::text[], %s::text[], %s::bigint[]) n(path, sha256, looked)"
        " using (path, sha256) where f.workbook = %s and f.status = 'forgotten'"
        " and extract(epoch from f.withdrawn_at) * 1e9 > n.looked"
    )
    asked = [[getattr(entry, name) for entry in entries] for name in ("path", "sha256", "looked_ns")]
    found = conn.execute(query, (*asked, workbook.full_name)).fetchall()
    return {path: LoadResult(id_, path, "unchanged") for path, id_ in found}


def _recognised(conn: psycopg.Connection, workbook: Workbook, entry: LedgerEntry) -> LoadResult | None:
    outcome = recognition.recognise_entry(conn, workbook.full_name, entry)
    if outcome is None:
        return None
    file = versions.latest_versions_at(conn, workbook.full_name, [entry.path])[entry.path]
    if outcome == "duplicate":
        return LoadResult(file.id, entry.path, "duplicate")
    return LoadResult(file.id, entry.path, "unchanged", file.rows_accepted if file.is_loaded else 0)


def _copies(new: Sequence[tuple[LedgerEntry, pyarrow.Table | None]], ids: dict[str, int]) -> dict[str, int]:
    """Files of this load with the same bytes as an earlier one of it: path → id of that one."""
    first: dict[str, int] = {}
    copies = {}
    for entry, rows in new:
        if rows is not None and first.setdefault(entry.sha256, ids[entry.path]) != ids[entry.path]:
            copies[entry.path] = first[entry.sha256]
    return copies


def _mark_copies(conn: psycopg.Connection, originals: dict[int, int]) -> None:
    for copy, original in originals.items():
        conn.execute(
            "update s2p.files f set verdict = 'duplicate', duplicate_of = o.id, rows_accepted = 0,"
            " changes = jsonb_build_object('same_as', o.path) from s2p.files o where o.id = %s and f.id = %s",
            (original, copy),
        )


def _record_files(
    conn: psycopg.Connection, workbook: Workbook, new: Sequence[tuple[LedgerEntry, pyarrow.Table | None]]
) -> list[int]:
    """Record the files in the ledger and withdraw the rows that they replace."""
    replacing = [entry.path for entry, rows in new if rows is not None or entry.verdict not in UNLOADED]
    held = conn.execute(
        "select id from s2p.files where workbook = %s and path = any(%s) and is_loaded", (workbook.full_name, replacing)
    ).fetchall()
    ids = versions.insert_versions(conn, workbook.full_name, [entry for entry, _ in new]) if new else []
    versions.withdraw_versions(conn, workbook.full_name, [id_ for (id_,) in held])
    return ids


def _copy_rows(conn: psycopg.Connection, workbook: Workbook, holding: dict[int, pyarrow.Table]) -> list[Supersession]:
    if not holding:
        return []
    ids = list(holding)
    place = rows_table(workbook.domain, workbook.name)
    tables = [rows_of_file(table, id_, workbook) for id_, table in holding.items()]
    are_many = sum(table.num_rows for table in tables) >= MANY_ROWS
    with deferred_indexes(conn, workbook) if are_many else contextlib.nullcontext():
        copy_in(conn, place, tables)
    conn.execute("update s2p.files set is_loaded = true, loaded_at = now() where id = any(%s)", (ids,))
    if are_many:
        analyze_rows(conn, workbook)
    others = conn.execute(
        "select 1 from s2p.files where workbook = %s and is_loaded and id <> all(%s) limit 1", (workbook.full_name, ids)
    ).fetchone()
    return mark_superseded(conn, workbook, ids) if others or _may_repeat(tables, workbook) else []


def _may_repeat(tables: Sequence[pyarrow.Table], workbook: Workbook) -> bool:
    """Whether two of these files may hold the same key; never in one file, as reading it has made sure."""
    if len(tables) < 2 or not workbook.key:
        return False
    keys = pyarrow.concat_tables([table.select(list(workbook.key)) for table in tables])
    if any(pyarrow.types.is_floating(kind) for kind in keys.schema.types):
        return True  # 0 and -0 are the same key to PostgreSQL alone
    return keys.group_by(keys.column_names).aggregate([]).num_rows < keys.num_rows


def _paths(conn: psycopg.Connection, settled: Sequence[Supersession]) -> dict[int, str]:
    ids = list({id_ for change in settled for id_ in (change.loser, change.winner)})
    return dict(conn.execute("select id, path from s2p.files where id = any(%s)", (ids,)).fetchall())


def _with_superseded(loaded: LoadResult, settled: Sequence[Supersession], paths: dict[int, str]) -> LoadResult:
    return replace(
        loaded,
        superseded={paths[change.loser]: change.rows for change in settled if change.winner == loaded.file_id},
        superseded_by={paths[change.winner]: change.rows for change in settled if change.loser == loaded.file_id},
    )
