"""Tables that dbt makes, read in the types that its project tells; and a version of their content, which nobody notes.

What a project holds is read in `catalog/dbt_shelf.py`.
"""

import psycopg
from psycopg import sql

from s2p_assets.contracts.dbt_model import DbtModel
from s2p_assets.warehouse.sql_tables.row_digests import RowDigest, row_hash
from s2p_assets.warehouse.tables.introspection import relation_kind
from s2p_assets.warehouse.tables.row_query import sql_name

ROW_NUMBER = "s2p_row"
"""Tells the rows of a model without a key apart, for as long as its content stays."""


def typed_rows(model: DbtModel, *, numbered: bool = True) -> str:
    """A from item: the rows in the declared types; those of a model without a key numbered in the order of all values.

    `numbered`: False where nobody asks for pages.
    """
    names = [sql_name(column.name) for column in model.columns]
    fields = [f"{name}::{column.postgres_type} as {name}" for name, column in zip(names, model.columns, strict=True)]
    if numbered and not model.key:
        fields.append(f"row_number() over (order by {', '.join(names)}) as {sql_name(ROW_NUMBER)}")
    return f"(select {', '.join(fields)} from {sql_name(model.domain, model.name)}) as {sql_name(model.full_name)}"  # noqa: S608  names alone


def dbt_version(conn: psycopg.Connection, model: DbtModel) -> tuple[str, int] | None:
    """(a version of the content, how many rows); None where dbt has not made it yet.

    By sums of the rows' hashes: two equal rows would leave an exclusive or as it was.
    """
    if relation_kind(conn, model.domain, model.name) is None:
        return None
    row = sql.SQL("row({})").format(sql.SQL(", ").join(sql.Identifier(column.name) for column in model.columns))
    query = sql.SQL("select coalesce(sum({}::numeric), 0), coalesce(sum({}::numeric), 0), count(*) from {}").format(
        row_hash(row, 1), row_hash(row, 2), typed_sql(model)
    )
    first, second, rows = conn.execute(query).fetchone() or (0, 0, 0)
    return RowDigest(int(first), int(second), rows).version(rows), rows


def typed_sql(model: DbtModel) -> sql.Composed:
    """As `typed_rows`, without numbers, for psycopg."""
    return sql.Composed([sql.SQL(typed_rows(model, numbered=False))])
