"""Versions of files entered in the ledger: a new one in place of the one before, its rows withdrawn or transferred.

Which files need to be read is found in `share_changes.py` and `recognition.py`.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from s2p_assets.contracts.workbook import Workbook
from s2p_assets.warehouse.files.copy_names import originals_of
from s2p_assets.warehouse.files.ledger import LedgerEntry, LedgerFile, ledger_files, ledger_path
from s2p_assets.warehouse.server.advisory_locks import advisory_lock
from s2p_assets.warehouse.tables.own_tables import ensure_own_tables
from s2p_assets.warehouse.tables.superseding import withdraw_rows

MAX_FINDINGS_STORED = 1000


def record_unloaded(conn: psycopg.Connection, workbook: Workbook, entry: LedgerEntry) -> int:
    """Record a file that loads nothing; returns its ledger id. The rows of the path's previous version stay."""
    ensure_own_tables(conn)
    with conn.transaction():
        advisory_lock(conn, workbook.full_name)
        return insert_versions(conn, workbook.full_name, [entry])[0]


def mark_gone(conn: psycopg.Connection, workbook: Workbook, paths: Iterable[str]) -> int:
    """Record that these paths are no longer on the share; their rows stay. Returns how many were not gone before."""
    ensure_own_tables(conn)
    with conn.transaction():
        advisory_lock(conn, workbook.full_name)
        gone = conn.execute(
            "update s2p.files set status = 'gone' where workbook = %s and path = any(%s)"
            " and status in ('current', 'forgotten') returning id",
            (workbook.full_name, [ledger_path(path) for path in paths]),
        ).fetchall()
        transfer_to_copies(conn, [id_ for (id_,) in gone])
        if gone:
            _withdraw_gone_copies(conn, workbook.full_name)
            ask_again(conn, workbook.full_name)
        return len(gone)


def ask_again(conn: psycopg.Connection, workbook: str) -> None:
    """Have the held files of this kind read again, since what they were held for may have changed."""
    conn.execute(
        "update s2p.files set contract_version = '' where workbook = %s and status = 'current' and verdict = 'held'",
        (workbook,),
    )


def _withdraw_gone_copies(conn: psycopg.Connection, workbook: str) -> None:
    """A copy that goes away takes its rows along where the original is loaded; its record says so.

    A copy by a name that can mean other things, too, is one where it had rows in common with the original.
    """
    query = "select id, path, changes, status from s2p.files where workbook = %s and is_loaded and status <> 'replaced'"
    loaded = conn.execute(query, (workbook,)).fetchall()
    there = {path.casefold(): path for _, path, _, status in loaded if status == "current"}
    for id_, path, changes, status in loaded:
        if status != "gone":
            continue
        common = {other for word in ("supersedes", "gives_way_to", "common") for other in changes.get(word, {})}
        originals = ((there.get(original.casefold()), sure) for original, sure in originals_of(path).items())
        for original, sure in originals:
            if original and (sure or original in common):
                note = Jsonb({"went_with_copy_of": original})
                conn.execute("update s2p.files set changes = changes || %s where id = %s", (note, id_))
                withdraw_versions(conn, workbook, [id_])
                break


def insert_versions(conn: psycopg.Connection, workbook: str, entries: Sequence[LedgerEntry]) -> list[int]:
    """Insert these versions, each in place of its path's previous one; returns their ids. Needs the workbook's lock."""
    series = "select nextval(pg_get_serial_sequence('s2p.files', 'id')) from generate_series(1, %s)"
    ids = [int(id_) for (id_,) in conn.execute(series, (len(entries),))]
    forgotten = _forgotten(conn, workbook, entries)
    conn.execute(
        "update s2p.files f set status = 'replaced', replaced_by = n.id"
        " from unnest(%s::bigint[], %s::text[]) n(id, path)"
        " where f.workbook = %s and f.path = n.path and f.status <> 'replaced'",
        (ids, [entry.path for entry in entries], workbook),
    )
    with conn.cursor() as cursor:
        cursor.executemany(
            "insert into s2p.files (id, workbook, path, sha256, size, mtime_ns, as_of_ns, contract_version, verdict,"
            " rows_read, rows_accepted, rows_returned, findings,"
            " headers, column_letters, cells, rows_by_sheet, error, owner, run_id, archived, rows_held, questions,"
            " changes, entered)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s,"
            " %s)",
            [(id_, workbook, *_values(entry)) for id_, entry in zip(ids, entries, strict=True)],
        )
    _keep_decisions(conn, ids, forgotten)
    return ids


def _forgotten(conn: psycopg.Connection, workbook: str, entries: Sequence[LedgerEntry]) -> list[str]:
    """The paths of held files whose same bytes a person forgot."""
    held = [entry for entry in entries if entry.verdict == "held"]
    query = (
        "select f.path from s2p.files f join unnest(%s::text[], %s::text[]) n(path, sha256) using (path, sha256)"
        " where f.workbook = %s and f.status = 'forgotten'"
    )
    asked = ([entry.path for entry in held], [entry.sha256 for entry in held], workbook)
    return [path for (path,) in conn.execute(query, asked).fetchall()] if held else []


def _keep_decisions(conn: psycopg.Connection, ids: Sequence[int], forgotten: Sequence[str]) -> None:
    """A person accepted, or forgot, the same bytes while they were being read: that stands."""
    conn.execute(
        "update s2p.files set status = 'forgotten' where id = any(%s) and path = any(%s)", (list(ids), list(forgotten))
    )
    conn.execute(
        "update s2p.files n set confirmed_at = o.confirmed_at, contract_version = '' from s2p.files o"
        " where n.id = any(%s) and n.verdict = 'held' and o.replaced_by = n.id and o.verdict = 'held'"
        " and o.sha256 = n.sha256 and o.confirmed_at is not null",
        (list(ids),),
    )


def _values(entry: LedgerEntry) -> tuple[Any, ...]:
    return (
        *(entry.path, entry.sha256, entry.size, entry.mtime_ns, entry.as_of_ns, entry.contract_version, entry.verdict),
        *(entry.rows_read, entry.rows_accepted, entry.rows_returned),
        _json([asdict(finding) for finding in entry.findings[:MAX_FINDINGS_STORED]]),
        _json({sheet: list(cells) for sheet, cells in entry.headers.items()}),
        _json({sheet: dict(columns) for sheet, columns in entry.column_letters.items()}),
        _json(dict(entry.cells)),
        _json(dict(entry.rows_by_sheet)),
        None if entry.error is None else _text(entry.error),
        *(entry.owner, entry.run_id, entry.archived, entry.rows_held),
        _json(list(entry.questions)),
        _json(dict(entry.changes)),
        entry.entered,
    )


def _text(value: str) -> str:
    """What PostgreSQL can store: no NUL, no lone surrogate."""
    return value.encode("utf-8", "replace").decode("utf-8").replace("\x00", "\N{SYMBOL FOR NULL}")


def _json(value: Any) -> Jsonb:
    return Jsonb(value, dumps=lambda tree: _text(json.dumps(_storable(tree), ensure_ascii=False)))


def _storable(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {_text(str(name)): _storable(value) for name, value in tree.items()}
    if isinstance(tree, list):
        return [_storable(value) for value in tree]
    return _text(tree) if isinstance(tree, str) else tree


def latest_versions_at(conn: psycopg.Connection, workbook: str, paths: Sequence[str]) -> dict[str, LedgerFile]:
    """The newest version at each of these paths."""
    where = "where f.workbook = %s and f.path = any(%s) and f.status <> 'replaced'"
    return {file.path: file for file in ledger_files(conn, where, (workbook, list(paths)))}


def transfer_to_copies(
    conn: psycopg.Connection, files: Sequence[int], replaced: Collection[int] = ()
) -> dict[int, str]:
    """Transfer the rows of each of these files to another current file with the same bytes, where there is one.

    `replaced`: those of them whose paths have other bytes now. Returns ledger id → new path. Needs the workbook's lock.
    """
    copies = current_copies(conn, files, replaced)
    for id_, copy, path, size, mtime_ns in copies:
        conn.execute("update s2p.files set status = 'replaced', replaced_by = %s where id = %s", (id_, copy))
        rename_version(conn, id_, path, size, mtime_ns)
    return {id_: path for id_, _, path, _, _ in copies}


def current_copies(
    conn: psycopg.Connection, files: Sequence[int], replaced: Collection[int] = ()
) -> list[tuple[int, int, str, int, int]]:
    """For each of these files that holds rows and has a copy: its id; the copy's id, path, size and mtime in ns.

    Of a file that is `replaced`, copies by their names are none: they are older than what stands in its place.
    """
    found = conn.execute(
        "select f.path, f.id, d.id, d.path, d.size, d.mtime_ns from s2p.files f"
        " join s2p.files d on d.duplicate_of = f.id and d.verdict = 'duplicate' and d.status = 'current'"
        " where f.id = any(%s) and f.is_loaded order by f.id, d.id desc",
        (list(files),),
    ).fetchall()
    copies = {
        id_: (id_, *copy)
        for path, id_, *copy in found
        if id_ not in replaced or path.casefold() not in {one.casefold() for one in originals_of(copy[1])}
    }
    return list(copies.values())


def rename_version(conn: psycopg.Connection, id_: int, path: str, size: int, mtime_ns: int) -> None:
    conn.execute(
        "update s2p.files set path = %s, size = %s, mtime_ns = %s, status = 'current', replaced_by = null"
        " where id = %s",
        (path, size, mtime_ns, id_),
    )


def withdraw_versions(conn: psycopg.Connection, workbook: str, files: Sequence[int]) -> None:
    """Withdraw the rows of these versions, except where they are transferred to another file with the same bytes.

    Not to one whose name is that of a copy of a file that has other bytes now.
    """
    query = "select id from s2p.files where id = any(%s) and status = 'replaced'"
    replaced = {id_ for (id_,) in conn.execute(query, (list(files),)).fetchall()}
    copies = transfer_to_copies(conn, files, replaced)
    withdrawn = [id_ for id_ in files if id_ not in copies]
    withdraw_rows(conn, workbook, withdrawn)
    conn.execute(
        "update s2p.files set is_loaded = false, withdrawn_at = now() where id = any(%s) and is_loaded", (withdrawn,)
    )
