"""What PostgreSQL itself says of a table: its columns, its key, how many rows it has.

What a table should be is declared on the shelves; it is brought there by `ddl.py`.
"""

from dataclasses import dataclass

import psycopg
from psycopg import sql


@dataclass(frozen=True, slots=True)
class StoredColumn:
    """A column as the database has it, or should have it."""

    name: str
    type: str
    required: bool
    description: str


def table_oid(conn: psycopg.Connection, domain: str, name: str) -> int | None:
    row = conn.execute(
        "select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " where n.nspname = %s and c.relname = %s",
        (domain, name),
    ).fetchone()
    return row[0] if row else None


def relation_kind(conn: psycopg.Connection, domain: str, name: str) -> str | None:
    """PostgreSQL's letter for what stands under a name: r for a table, v for a view; None where nothing does."""
    row = conn.execute("select relkind::text from pg_class where oid = %s", (table_oid(conn, domain, name),)).fetchone()
    return str(row[0]) if row else None


def stored_columns(conn: psycopg.Connection, domain: str, name: str) -> list[StoredColumn]:
    rows = conn.execute(
        "select attname::text, format_type(atttypid, atttypmod), attnotnull,"
        " coalesce(col_description(attrelid, attnum), '')"
        " from pg_attribute where attrelid = %s and attnum > 0 and not attisdropped order by attnum",
        (table_oid(conn, domain, name),),
    )
    return [StoredColumn(*row) for row in rows]


def key_columns(conn: psycopg.Connection, domain: str, name: str) -> tuple[str, ...]:
    rows = conn.execute(
        "select a.attname::text from pg_index i, unnest(i.indkey::int[]) with ordinality k(attnum, place),"
        " pg_attribute a where i.indrelid = %s and i.indisunique and a.attrelid = i.indrelid and a.attnum = k.attnum"
        " order by k.place",
        (table_oid(conn, domain, name),),
    )
    return tuple(column for (column,) in rows)


def count_rows(conn: psycopg.Connection, domain: str, name: str) -> int:
    """How many rows a table or a workbook's view shows."""
    row = conn.execute(sql.SQL("select count(*) from {}").format(sql.Identifier(domain, name))).fetchone()
    return int(row[0]) if row else 0
