"""The tables that are derived from others, created and altered as they are declared.

Their content belongs to `store.py`; workbooks' tables are in `workbook_tables.py`.
"""

from collections.abc import Sequence

import psycopg
from psycopg import sql

from s2p_assets.contracts.columns import Column
from s2p_assets.warehouse.server.advisory_locks import advisory_lock
from s2p_assets.warehouse.tables.ddl import (
    ContractChanged,
    alter_table,
    create_table,
    explain_dependents,
    wanted_columns,
)
from s2p_assets.warehouse.tables.introspection import StoredColumn, key_columns, stored_columns
from s2p_assets.warehouse.tables.own_tables import ensure_own_tables


def ensure_derived_table(
    conn: psycopg.Connection,
    domain: str,
    name: str,
    columns: Sequence[Column],
    *,
    key: Sequence[str],
    description: str,
) -> None:
    """Bring the derived table `<domain>.<name>` to its declaration.

    Its content can be made again, so a changed type or key empties it (and `s2p.contents` forgets it). A column
    no longer declared is kept and stays empty. Raises ContractChanged when another view depends on it.
    """
    ensure_own_tables(conn)
    wanted = wanted_columns(columns)
    if _is_current(stored_columns(conn, domain, name), wanted) and key_columns(conn, domain, name) == tuple(key):
        return
    with conn.transaction():
        advisory_lock(conn, "tables")
        stored = stored_columns(conn, domain, name)
        types = {field.name: field.type for field in wanted}
        same = all(types.get(field.name, field.type) == field.type for field in stored)
        if stored and same and key_columns(conn, domain, name) == tuple(key):
            alter_table(conn, domain, name, stored=stored, wanted=wanted, description=description)
            return
        _drop_table(conn, domain, name)
        create_table(conn, domain, name, wanted, description)
        names = sql.SQL(", ").join(map(sql.Identifier, key))
        conn.execute(
            sql.SQL("create unique index on {} ({}) nulls not distinct").format(sql.Identifier(domain, name), names)
        )


def _is_current(stored: list[StoredColumn], wanted: list[StoredColumn]) -> bool:
    names = {field.name for field in wanted}
    surplus = [field for field in stored if field.name not in names]
    return set(wanted) <= set(stored) and not any(field.required for field in surplus)


def _drop_table(conn: psycopg.Connection, domain: str, name: str) -> None:
    try:
        conn.execute(sql.SQL("drop table if exists {}").format(sql.Identifier(domain, name)))
    except psycopg.errors.DependentObjectsStillExist as error:
        raise ContractChanged(explain_dependents(f"{domain}.{name}", error)) from None
    conn.execute("delete from s2p.contents where domain = %s and table_name = %s", (domain, name))
