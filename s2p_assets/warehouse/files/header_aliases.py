"""Headers that people matched to columns of contracts, as the ledger remembers them.

How a header is found in a sheet is the spreadsheet room's; who may say so, the services'.
"""

import datetime as dt
from dataclasses import dataclass

import psycopg
from psycopg.rows import class_row

from s2p_assets.warehouse.files.decisions import note_decision
from s2p_assets.warehouse.tables.own_tables import ensure_own_tables

COLUMNS = "workbook, column_name, header, folded, added_by, added_at, taken_at"


@dataclass(frozen=True, slots=True)
class HeaderAlias:
    """`header` is `column_name` of `workbook`. `taken_at`: since when the contract's own file says so."""

    workbook: str
    column_name: str
    header: str
    folded: str
    added_by: str
    added_at: dt.datetime
    taken_at: dt.datetime | None


def list_aliases(conn: psycopg.Connection) -> list[HeaderAlias]:
    """All that are remembered, by workbook and column."""
    ensure_own_tables(conn)
    with conn.cursor(row_factory=class_row(HeaderAlias)) as cursor:
        query = f"select {COLUMNS} from s2p.header_aliases order by workbook, column_name, header"  # noqa: S608  a constant
        return cursor.execute(query).fetchall()


def remember_alias(
    conn: psycopg.Connection, workbook: str, column_name: str, header: str, folded: str, by: str
) -> None:
    """The header is that column from now on; files that came back for want of it are read again at the next look."""
    ensure_own_tables(conn)
    with conn.transaction():
        conn.execute(
            "insert into s2p.header_aliases (workbook, column_name, header, folded, added_by)"
            " values (%s, %s, %s, %s, %s) on conflict (workbook, folded) do update set"
            " column_name = excluded.column_name, header = excluded.header, added_by = excluded.added_by,"
            " added_at = now(), taken_at = null",
            (workbook, column_name, header, folded, by),
        )
        _read_again(conn, workbook)


def forget_alias(conn: psycopg.Connection, workbook: str, folded: str) -> bool:
    """Whether there was one; what was loaded by it stays."""
    ensure_own_tables(conn)
    done = conn.execute("delete from s2p.header_aliases where workbook = %s and folded = %s", (workbook, folded))
    return done.rowcount > 0


def note_taken(conn: psycopg.Connection, workbook: str, folded: str) -> None:
    """The contract's own file says it now."""
    conn.execute(
        "update s2p.header_aliases set taken_at = now() where workbook = %s and folded = %s", (workbook, folded)
    )


def _read_again(conn: psycopg.Connection, workbook: str) -> None:
    """An empty contract's version is another than today's, so that the next look reads the file."""
    done = conn.execute(
        "update s2p.files set contract_version = ''"
        " where workbook = %s and status = 'current' and verdict in ('returned', 'partly')",
        (workbook,),
    )
    if done.rowcount:
        note_decision(conn, workbook)
