"""Indexes that let a trace find the rows of one thing among millions, on the columns by which it asks.

Which columns those are follows from what is declared; a table's own keys are indexed in `schema.py`.
"""

from collections.abc import Iterable

import psycopg
from psycopg import sql

from s2p_assets.spreadsheet.contract import Workbook
from s2p_assets.warehouse.schema import lock, rows_table

WORTH_AN_INDEX = 100_000
"""Rows below which reading them all is as quick as an index, which every load would have to keep up."""


def index_for_tracing(
    conn: psycopg.Connection, workbook: Workbook, columns: Iterable[str], *, worth_it: int = WORTH_AN_INDEX
) -> None:
    """Index these columns of a workbook's rows, once it holds more than `worth_it`.

    The first column of its key is indexed already.
    """
    wanted = [name for name in columns if name != (*workbook.key, "")[0]]
    place = rows_table(workbook.domain, workbook.thing)
    if not wanted or not _has_more(conn, workbook, worth_it):
        return
    command = sql.SQL("create index if not exists {} on {} ({})")
    for name in wanted:
        index = f"{workbook.thing}__by_{name}"[:63]
        if not _is_there(conn, workbook.domain, index):
            with conn.transaction():
                lock(conn, workbook.name)
                conn.execute(command.format(sql.Identifier(index), place, sql.Identifier(name)))


def _has_more(conn: psycopg.Connection, workbook: Workbook, rows: int) -> bool:
    query = sql.SQL("select 1 from {} offset {} limit 1").format(
        rows_table(workbook.domain, workbook.thing), sql.Literal(rows)
    )
    return conn.execute(query).fetchone() is not None


def _is_there(conn: psycopg.Connection, domain: str, index: str) -> bool:
    query = "select 1 from pg_indexes where schemaname = %s and indexname = %s"
    return conn.execute(query, (domain, index)).fetchone() is not None
