"""Files whose rows a person withdraws.

Rows that newer bytes replace are withdrawn in `file_versions.py`.
"""

from dataclasses import dataclass

import psycopg

from s2p_assets.warehouse.advisory_locks import lock
from s2p_assets.warehouse.file_versions import hand_over
from s2p_assets.warehouse.ledger import LedgerFile, ledger_files, ledger_path
from s2p_assets.warehouse.own_tables import prepare
from s2p_assets.warehouse.standing import withdraw


@dataclass(frozen=True, slots=True)
class Forgotten:
    """A file whose rows were withdrawn. `restored`: older rows that are shown again.

    `kept_as`: another path with the same bytes, to which the rows were transferred; nothing was withdrawn then.
    """

    id: int
    path: str
    workbook: str
    rows: int
    restored: int
    kept_as: str | None


def forget(conn: psycopg.Connection, file: str | int) -> list[Forgotten]:
    """Withdraw the rows of a file, named by path or ledger id, in one transaction. Unknown: an empty list.

    Older rows that it had superseded are shown again. The file is read again only when its bytes change. Where the
    same bytes lie on the share under another name, the rows are kept for that name.
    """
    prepare(conn)
    which = (ledger_path(file), None) if isinstance(file, str) else (None, file)
    find = "select distinct workbook from s2p.files where path = %s or id = %s"
    forgotten = []
    for (workbook,) in conn.execute(find, which).fetchall():
        with conn.transaction():
            lock(conn, workbook)
            where = (
                "where (f.path = %s or f.id = %s) and f.workbook = %s and (f.holds or f.status <> 'replaced')"
                " order by f.id"
            )
            forgotten += [_withdraw_version(conn, known) for known in ledger_files(conn, where, (*which, workbook))]
    return forgotten


def _withdraw_version(conn: psycopg.Connection, known: LedgerFile) -> Forgotten:
    copies = hand_over(conn, [known.id]) if known.holds else {}
    if known.id in copies:
        return Forgotten(known.id, known.path, known.workbook, 0, 0, copies[known.id])
    rows, restored = withdraw(conn, known.workbook, [known.id]) if known.holds else (0, 0)
    conn.execute(
        "update s2p.files set holds = false, left_at = case when holds then now() else left_at end,"
        " status = case status when 'replaced' then status else 'forgotten' end where id = %s",
        (known.id,),
    )
    return Forgotten(known.id, known.path, known.workbook, rows, restored, None)
