"""CREATE, ALTER and COMMENT for tables that are made from declared columns.

What a workbook's or a derived table needs beyond its columns is in `workbook_tables.py` and `derived_tables.py`.
"""

from collections.abc import Iterable

import psycopg
from psycopg import sql

from s2p_assets.contracts.columns import Column
from s2p_assets.contracts.errors import MendableError
from s2p_assets.warehouse.server.roles import create_schema
from s2p_assets.warehouse.tables.introspection import StoredColumn

PG_CATALOG_TYPES = {"timestamp": "timestamp without time zone"}


class ContractChanged(MendableError):
    """Stored rows do not fit a changed declaration; one line that says which and what to do."""


def wanted_columns(columns: Iterable[Column]) -> list[StoredColumn]:
    return [
        StoredColumn(
            column.name,
            PG_CATALOG_TYPES.get(column.postgres_type, column.postgres_type),
            not column.nullable,
            f"{column.description} [{column.unit}]" if column.unit else column.description,
        )
        for column in columns
    ]


def create_table(
    conn: psycopg.Connection, domain: str, name: str, wanted: list[StoredColumn], description: str
) -> None:
    table = sql.Identifier(domain, name)
    columns = [sql.SQL("{} {}{}").format(sql.Identifier(f.name), column_type(f), _not_null(f)) for f in wanted]
    create_schema(conn, domain)
    conn.execute(sql.SQL("create table {} ({})").format(table, sql.SQL(", ").join(columns)))
    conn.execute(sql.SQL("comment on table {} is {}").format(table, sql.Literal(description)))
    for field in wanted:
        comment_on_column(conn, table, field)


def alter_table(
    conn: psycopg.Connection,
    domain: str,
    name: str,
    *,
    stored: list[StoredColumn],
    wanted: list[StoredColumn],
    description: str,
) -> None:
    table = sql.Identifier(domain, name)
    change = sql.SQL("alter table {} ").format(table)
    old = {field.name: field for field in stored}
    names = {field.name for field in wanted}
    for field in wanted:
        column = sql.Identifier(field.name)
        if field.name not in old:
            conn.execute(change + sql.SQL("add column {} {}").format(column, column_type(field)))
        elif old[field.name].type != field.type:
            conn.execute(
                change + sql.SQL("alter column {0} type {1} using {0}::{1}").format(column, column_type(field))
            )
        if field.required and _has_no_nulls(conn, table, column):
            conn.execute(change + sql.SQL("alter column {} set not null").format(column))
        elif not field.required:
            conn.execute(change + sql.SQL("alter column {} drop not null").format(column))
        comment_on_column(conn, table, field)
    for field in stored:
        if field.name not in names and field.required:
            conn.execute(change + sql.SQL("alter column {} drop not null").format(sql.Identifier(field.name)))
    conn.execute(sql.SQL("comment on table {} is {}").format(table, sql.Literal(description)))


def column_type(field: StoredColumn) -> sql.SQL:
    return sql.SQL(field.type)


def _not_null(field: StoredColumn) -> sql.SQL:
    return sql.SQL(" not null" if field.required else "")


def comment_on_column(conn: psycopg.Connection, table: sql.Identifier, field: StoredColumn) -> None:
    command = sql.SQL("comment on column {}.{} is {}")
    conn.execute(command.format(table, sql.Identifier(field.name), sql.Literal(field.description or None)))


def _has_no_nulls(conn: psycopg.Connection, table: sql.Identifier, name: sql.Identifier) -> bool:
    missing = sql.SQL("select 1 from {} where {} is null limit 1").format(table, name)
    return conn.execute(missing).fetchone() is None


def drop_indexes(conn: psycopg.Connection, domain: str, name: str, *, but_on: str = "") -> None:
    """`but_on`: the column of the indexes that stay."""
    query = "select indexname from pg_indexes where schemaname = %s and tablename = %s and strpos(indexdef, %s) = 0"
    for (index,) in conn.execute(query, (domain, name, f"({but_on})")).fetchall():
        conn.execute(sql.SQL("drop index {}").format(sql.Identifier(domain, index)))


def explain_dependents(table: str, error: psycopg.errors.DependentObjectsStillExist) -> str:
    detail = (error.diag.message_detail or "").splitlines()
    return f"{table} must be made anew, but {'; '.join(detail)}: drop that, run again, then create it anew"
