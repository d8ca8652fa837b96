"""How the rows that a select returned become the content of their table: only those that differ are written.

Running the select and checking what it returned is in `making.py`.
"""

from collections.abc import Callable, Sequence

import psycopg
from psycopg import sql

from s2p_assets.contracts.columns import Column
from s2p_assets.contracts.sql_table import SqlTable
from s2p_assets.warehouse.sql_tables.row_digests import Run
from s2p_assets.warehouse.tables.ddl import wanted_columns
from s2p_assets.warehouse.tables.introspection import stored_columns

RETURNED = sql.Identifier("pg_temp", "s2p_returned")
"""The rows that a select returned, until the transaction ends."""
STORED = sql.Identifier("pg_temp", "s2p_stored")
"""The rows of a part as they stand, each with its place."""
INDEXED_LATER = 20_000
"""Rows from which an empty table is filled quicker without its indexes, which are built afterwards."""
LOCK_WAIT = "200ms"
"""For those who read an empty table; after that it is filled with its indexes in place."""

Condition = Callable[[str], sql.Composable]
"""Which rows of an alias are meant."""


def names_of(columns: Sequence[Column]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(column.name) for column in columns)


def begin_returned(conn: psycopg.Connection, table: SqlTable) -> None:
    """An empty `RETURNED` with the columns of the table, without an index and without a log."""
    conn.execute(sql.SQL("drop table if exists {}").format(RETURNED))
    fields = sql.SQL(", ").join(
        sql.SQL("{} " + one.type + (" not null" if one.required else "")).format(sql.Identifier(one.name))
        for one in wanted_columns(table.columns)
    )
    conn.execute(sql.SQL("create temporary table s2p_returned ({}) on commit drop").format(fields))


def take_stored(run: Run, table: SqlTable, part: Condition) -> None:
    """Note in `STORED` which rows a part of the table has now, and where each is."""
    run(sql.SQL("drop table if exists {}").format(STORED))
    run(
        sql.SQL(
            "create temporary table s2p_stored on commit drop as select t.ctid as s2p_place, t.* from {} t where {}"
        ).format(sql.Identifier(table.domain, table.name), part("t"))
    )


def write_part(conn: psycopg.Connection, run: Run, table: SqlTable) -> int:
    """Make `RETURNED` the content of the part whose rows are in `STORED`; how many rows that then has.

    Rows that stand there as they were returned are not touched, so what is made from this table hears of no others.
    Raises psycopg.errors.UniqueViolation for a key that two rows have.
    """
    place, same = sql.Identifier(table.domain, table.name), _same(conn, table)
    gone = sql.SQL(
        "delete from {} where ctid = any(array(select s2p_place from {} t where"
        " not exists (select from {} m where {})))"
    )
    return _exchange(run, table, gone.format(place, STORED, RETURNED, same), STORED, same)


def write_whole(conn: psycopg.Connection, run: Run, table: SqlTable, rows: int) -> int:
    """As `write_part`, of the whole table, which is to have so many rows."""
    place = sql.Identifier(table.domain, table.name)
    if run(sql.SQL("select 1 from {} limit 1").format(place)).fetchone() is None:
        return _fill(conn, run, table, rows)
    same = _same(conn, table)
    gone = sql.SQL("delete from {} t where not exists (select from {} m where {})").format(place, RETURNED, same)
    return _exchange(run, table, gone, place, same)


def _exchange(run: Run, table: SqlTable, gone: sql.Composed, stored: sql.Identifier, same: sql.Composed) -> int:
    """Have rows go, and all come that are not among the `stored`; how many those are together."""
    before = run(sql.SQL("select count(*) from {}").format(stored)).fetchone() or (0,)
    lost = run(gone).rowcount
    come = sql.SQL("insert into {0} ({1}) select {1} from {2} m where not exists (select from {3} t where {4})")
    place = sql.Identifier(table.domain, table.name)
    return int(before[0]) - lost + run(come.format(place, names_of(table.columns), RETURNED, stored, same)).rowcount


def _same(conn: psycopg.Connection, table: SqlTable) -> sql.Composed:
    """Whether a stored row `t` is a returned one, `m`: PostgreSQL joins them by the key, or by their hash."""
    row = {alias: sql.SQL(", ").join(sql.Identifier(alias, one.name) for one in table.columns) for alias in "mt"}
    required = {one.name for one in table.columns if not one.nullable}
    if set(table.key) <= required:
        joined = sql.SQL(" and ").join(
            sql.SQL("{} = {}").format(sql.Identifier("m", name), sql.Identifier("t", name)) for name in table.key
        )
    else:
        joined = sql.SQL("hash_record_extended(row({}), 1) = hash_record_extended(row({}), 1)").format(
            row["m"], row["t"]
        )
    declared = {one.name for one in table.columns}
    surplus = [one.name for one in stored_columns(conn, table.domain, table.name) if one.name not in declared]
    empty = [sql.SQL(" and {} is null").format(sql.Identifier("t", name)) for name in surplus]
    return sql.SQL("{} and row({}) is not distinct from row({}){}").format(
        joined, row["m"], row["t"], sql.Composed(empty)
    )


def _fill(conn: psycopg.Connection, run: Run, table: SqlTable, rows: int) -> int:
    """Fill an empty table. Those who read it meanwhile wait, or, where they do not let go of it, it takes longer."""
    indexes = _taken_off(conn, table) if rows >= INDEXED_LATER else []
    place, names = sql.Identifier(table.domain, table.name), names_of(table.columns)
    count = run(sql.SQL("insert into {0} ({1}) select {1} from {2}").format(place, names, RETURNED)).rowcount
    for definition in indexes:
        run(sql.SQL(definition))
    return count


def _taken_off(conn: psycopg.Connection, table: SqlTable) -> list[str]:
    """Drop the indexes of a table, if nobody reads it now; the commands that build them again."""
    found = conn.execute(
        "select i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) from pg_index i"
        " where i.indrelid = %s::regclass and not exists (select from pg_constraint where conindid = i.indexrelid)",
        (sql.Identifier(table.domain, table.name).as_string(conn),),
    ).fetchall()
    try:
        with conn.transaction():
            conn.execute(sql.SQL("set local lock_timeout = {}").format(sql.Literal(LOCK_WAIT)))
            for name, _ in found:
                conn.execute(sql.SQL("drop index " + name))
            conn.execute("set local lock_timeout = 0")
    except psycopg.errors.LockNotAvailable:
        return []
    return [definition for _, definition in found]
