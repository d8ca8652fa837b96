"""Indexes that let a trace find the rows of one thing among millions, on the columns by which it asks.

Which columns those are follows from what is declared; a table's own keys are indexed with it in the room `tables`.
"""

from collections.abc import Iterable

import psycopg
from psycopg import sql

from s2p_assets.contracts.workbook import Workbook
from s2p_assets.warehouse.server.advisory_locks import advisory_lock
from s2p_assets.warehouse.tables.table_declaration import TableDeclaration
from s2p_assets.warehouse.tables.workbook_tables import rows_table

MIN_ROWS_TO_INDEX = 100_000
"""Rows below which reading them all is as quick as an index, which every load would have to keep up."""


def index_for_tracing(
    conn: psycopg.Connection,
    source: Workbook | TableDeclaration,
    columns: Iterable[tuple[str, ...]],
    *,
    min_rows: int = MIN_ROWS_TO_INDEX,
) -> None:
    """Make these indexes on a workbook's rows or a derived table, once it holds more than `min_rows`.

    Columns that its key begins with are indexed already.
    """
    wanted = [names for names in columns if names != source.key[: len(names)]]
    is_workbook = isinstance(source, Workbook)
    place = rows_table(source.domain, source.name) if is_workbook else sql.Identifier(source.domain, source.name)
    if not wanted or not has_more_rows(conn, place, min_rows):
        return
    for names in wanted:
        index = f"{source.name}__by_{'_'.join(names)}"[:63]
        ensure_index(conn, source.domain, index, place, sql.SQL(", ").join(map(sql.Identifier, names)))


def has_more_rows(conn: psycopg.Connection, place: sql.Identifier, rows: int) -> bool:
    """Whether a table holds more than so many rows; of a large one not all are counted."""
    query = sql.SQL("select 1 from {} offset {} limit 1").format(place, sql.Literal(rows))
    return conn.execute(query).fetchone() is not None


def ensure_index(
    conn: psycopg.Connection, domain: str, index: str, place: sql.Identifier, terms: sql.Composable
) -> None:
    """Have this index on a table of the domain, unless it is there."""
    query = "select 1 from pg_indexes where schemaname = %s and indexname = %s"
    if conn.execute(query, (domain, index)).fetchone() is None:
        with conn.transaction():
            advisory_lock(conn, f"{domain}.{index}")
            command = sql.SQL("create index if not exists {} on {} ({})")
            conn.execute(command.format(sql.Identifier(index), place, terms))
