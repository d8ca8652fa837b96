"""Files whose rows a person withdraws.

Rows that newer bytes replace are withdrawn in `versions.py`.
"""

from dataclasses import dataclass

import psycopg

from s2p_assets.warehouse.files.decisions import note_decision
from s2p_assets.warehouse.files.ledger import LedgerFile, ledger_files, ledger_path
from s2p_assets.warehouse.files.versions import ask_again, transfer_to_copies
from s2p_assets.warehouse.server.advisory_locks import advisory_lock
from s2p_assets.warehouse.tables.own_tables import ensure_own_tables
from s2p_assets.warehouse.tables.superseding import withdraw_rows


@dataclass(frozen=True, slots=True)
class WithdrawnFile:
    """A file whose rows were withdrawn. `restored`: older rows that are shown again.

    `kept_as`: another path with the same bytes, to which the rows were transferred; nothing was withdrawn then.
    """

    id: int
    path: str
    workbook: str
    rows: int
    restored: int
    kept_as: str | None


def withdraw_file(conn: psycopg.Connection, file: str | int) -> list[WithdrawnFile]:
    """Withdraw the rows of a file, named by path or ledger id, in one transaction. Unknown: an empty list.

    Older rows that it had superseded are shown again. The file is read again only when its bytes change. Where the
    same bytes lie on the share under another name, the rows are kept for that name.
    """
    ensure_own_tables(conn)
    which = (ledger_path(file), None) if isinstance(file, str) else (None, file)
    find = "select distinct workbook from s2p.files where path = %s or id = %s"
    forgotten = []
    for (workbook,) in conn.execute(find, which).fetchall():
        with conn.transaction():
            advisory_lock(conn, workbook)
            where = (
                "where (f.path = %s or f.id = %s) and f.workbook = %s and (f.is_loaded or f.status <> 'replaced')"
                " order by f.id"
            )
            forgotten += [_withdraw_version(conn, known) for known in ledger_files(conn, where, (*which, workbook))]
            ask_again(conn, workbook)
            note_decision(conn, workbook)
    return forgotten


def _withdraw_version(conn: psycopg.Connection, known: LedgerFile) -> WithdrawnFile:
    copies = transfer_to_copies(conn, [known.id]) if known.is_loaded else {}
    if known.id in copies:
        return WithdrawnFile(known.id, known.path, known.workbook, 0, 0, copies[known.id])
    rows, restored = withdraw_rows(conn, known.workbook, [known.id]) if known.is_loaded else (0, 0)
    conn.execute(
        "update s2p.files set is_loaded = false, withdrawn_at = case when is_loaded then now() else withdrawn_at end,"
        " status = case status when 'replaced' then status else 'forgotten' end where id = %s",
        (known.id,),
    )
    return WithdrawnFile(known.id, known.path, known.workbook, rows, restored, None)
