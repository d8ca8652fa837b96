"""What a person decides about a file: a held one is accepted, the rows of one that is gone are kept.

Withdrawing a file's rows is in `withdrawal.py`; why files are held, in `holding.py`.
"""

import psycopg

from s2p_assets.warehouse.files.ledger import ledger_path
from s2p_assets.warehouse.tables.own_tables import ensure_own_tables


def confirm_file(conn: psycopg.Connection, path: str) -> dict[str, list[str]]:
    """Accept a held file as it is: the next look reads it again and loads it.

    Workbook → the questions that are answered by that; none: it is not held.
    """
    found = _decide(
        conn,
        path,
        "update s2p.files set confirmed_at = now(), contract_version = ''"
        " where path = %s and status = 'current' and verdict = 'held' returning workbook",
    )
    query = "select workbook, questions from s2p.files where path = %s and status = 'current' and verdict = 'held'"
    asked = conn.execute(query, (ledger_path(path),)).fetchall()
    return {workbook: questions for workbook, questions in asked if workbook in found}


def held_version(conn: psycopg.Connection, path: str) -> tuple[int, int] | None:
    """Size and date of the held file of this path; None where none is held."""
    ensure_own_tables(conn)
    query = "select size, mtime_ns from s2p.files where path = %s and status = 'current' and verdict = 'held' limit 1"
    return conn.execute(query, (ledger_path(path),)).fetchone()


def keep_rows(conn: psycopg.Connection, path: str) -> list[str]:
    """Keep the rows of a file that is gone from the share, told of no more. The workbooks; none: it is not gone."""
    return _decide(
        conn,
        path,
        "update s2p.files f set kept_at = now() where path = %s and is_loaded and (status = 'gone' or exists"
        " (select 1 from s2p.files l where l.workbook = f.workbook and l.path = f.path and l.status = 'gone'))"
        " returning workbook",
    )


def note_decision(conn: psycopg.Connection, workbook: str) -> None:
    """Have the next look go over this kind of workbook, although nothing changed on the share."""
    conn.execute("update s2p.workbooks set decided_at = now() where name = %s", (workbook,))


def take_decisions(conn: psycopg.Connection, workbook: str) -> None:
    """Record that a look goes over this kind of workbook."""
    conn.execute("update s2p.workbooks set decided_at = null where name = %s and decided_at is not null", (workbook,))


def is_decided(conn: psycopg.Connection, workbook: str) -> bool:
    """Whether a person decided something about its files since the last look."""
    ensure_own_tables(conn)
    query = "select 1 from s2p.workbooks where name = %s and decided_at is not null"
    return conn.execute(query, (workbook,)).fetchone() is not None


def database_clock_ns(conn: psycopg.Connection) -> int:
    """The time by the clock that decisions are dated by, Unix time in ns."""
    row = conn.execute("select (extract(epoch from clock_timestamp()) * 1e9)::bigint").fetchone()
    return int(row[0]) if row else 0


def _decide(conn: psycopg.Connection, path: str, command: str) -> list[str]:
    ensure_own_tables(conn)
    with conn.transaction():
        found = sorted({workbook for (workbook,) in conn.execute(command, (ledger_path(path),)).fetchall()})
        for workbook in found:
            note_decision(conn, workbook)
    return found
