"""Making a SQL table: its select run by the role that may only read, its rows checked, and all stored at once.

Everything happens in one transaction: readers see the old rows until it ends, and nothing of it stays when it fails.
"""

import math
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql

from s2p_assets.contracts.sql_table import SqlTable
from s2p_assets.warehouse.server.advisory_locks import advisory_lock
from s2p_assets.warehouse.sql_tables import changed_keys
from s2p_assets.warehouse.sql_tables.changed_keys import KEYS, ChangedKeys
from s2p_assets.warehouse.sql_tables.read_only import (
    FUNCTION,
    ROLE,
    SqlTableFailed,
    check_select,
    define_function,
    ensure_role,
    failed,
    grant_sources,
    is_reader,
    select_text,
)
from s2p_assets.warehouse.sql_tables.row_digests import row_digest
from s2p_assets.warehouse.sql_tables.rules import broken_rules, broken_tests
from s2p_assets.warehouse.sql_tables.writing import (
    RETURNED,
    STORED,
    begin_returned,
    names_of,
    take_stored,
    write_part,
    write_whole,
)
from s2p_assets.warehouse.tables import store
from s2p_assets.warehouse.tables.derived_tables import ensure_derived_table
from s2p_assets.warehouse.tables.own_tables import ensure_own_tables
from s2p_assets.warehouse.trace.traced_rows import TableLocator

LARGEST_PART = 0.5
"""Of the rows of a table; where more than that are to be made again, all are."""
TESTED_ROWS = 3
WORK_MEMORY = "64MB"
"""For a sort or a hash of the select; PostgreSQL's own 4 MB send the groups of a million rows over the disk."""


class SqlTableBroken(SqlTableFailed):
    """The rows that a select returns break what is declared of them; `broken`: a sentence for each rule."""

    def __init__(self, table: SqlTable, broken: Sequence[str]) -> None:
        super().__init__(f"{table.file}: {broken[0]}; nothing was stored")
        self.broken = tuple(broken)


@dataclass(frozen=True, slots=True)
class MadeTable:
    """A SQL table as it is stored now.

    `changed`: whether it differs from what was stored before; `remade`: what was made again, in words.
    """

    rows: int
    version: str
    changed: bool
    remade: str


@dataclass
class _Making:
    """One making of a table in one transaction."""

    conn: psycopg.Connection
    table: SqlTable
    until: float = field(default=0.0)
    allowed: int = field(default=0)

    @property
    def place(self) -> sql.Identifier:
        return sql.Identifier(self.table.domain, self.table.name)

    def run(self, query: sql.Composable) -> psycopg.Cursor[Any]:
        """One statement, within what is left of the time that the table may take."""
        left = max(math.ceil(self.until - time.monotonic()), 0) * 1000 or 1
        if left != self.allowed:  # told once for all statements of the same second
            self.conn.execute(sql.SQL("set local statement_timeout = {}").format(sql.Literal(left)))
            self.allowed = left
        return self.conn.execute(sql.Composed([query]))


def make_sql_table(conn: psycopg.Connection, table: SqlTable, *, whole: bool = False) -> MadeTable:
    """Make the table what its select returns; where it is incremental, what changed below since the last time.

    `whole`: make all of it in any case. Raises SqlTableFailed for a select that fails or takes too long, and
    SqlTableBroken for rows that break their declaration; then all is as it was.
    """
    ensure_own_tables(conn)
    ensure_role(conn)
    text = select_text(table, table.text, conn, sql.Identifier)
    _grant(conn, table)
    check_select(conn, table, text, table.columns)
    ensure_derived_table(conn, table.domain, table.name, table.columns, key=table.key, description=table.description)
    making = _Making(conn, table, time.monotonic() + table.seconds)
    try:
        with conn.transaction():
            advisory_lock(conn, f"{table.domain}.{table.name}")
            conn.execute(sql.SQL("set local work_mem = {}").format(sql.Literal(WORK_MEMORY)))
            made = _made(making, text, whole)
            conn.execute("set local statement_timeout = 0")
    except psycopg.errors.QueryCanceled:
        message = (
            f"it took more than {table.seconds:,} seconds and was ended; write a longer `seconds:`, or a quicker select"
        )
        raise failed(table, message) from None
    except psycopg.errors.UniqueViolation as error:
        detail = re.sub(r" (already exists|is duplicated)\.$", "", error.diag.message_detail or "")
        raise SqlTableBroken(table, [f"more than one row for the key: {detail}"]) from None
    except psycopg.errors.NotNullViolation as error:
        line = f"column {error.diag.column_name!r} has no value in a row, and is not nullable"
        raise SqlTableBroken(table, [line]) from None
    except (psycopg.DataError, psycopg.ProgrammingError) as error:
        raise failed(table, error.diag.message_primary or str(error)) from None
    return made


def _grant(conn: psycopg.Connection, table: SqlTable) -> None:
    from s2p_assets.catalog.sql_shelf import named_tables

    places = {source.place for source in table.sources}
    for test in table.tests:
        places |= {source.place for source in named_tables(test.query, table.domain)}
    grant_sources(conn, sorted(places - {(table.domain, table.name)}), sql.Identifier)


def _made(making: _Making, text: str, whole: bool) -> MadeTable:
    conn, table = making.conn, making.table
    before = store.stored_version(conn, table.domain, table.name)
    keys = changed_keys.take(conn, table, before, whole=whole) if table.incremental else None
    if keys is not None and keys.count == 0 and before is not None:
        return MadeTable(_stored_rows(conn, table), before, changed=False, remade="nothing: nothing changed below")
    if keys is None or _is_most(making, keys):
        return _made_whole(making, text, before)
    return _made_in_part(making, text, keys, before)


def _stored_rows(conn: psycopg.Connection, table: SqlTable) -> int:
    query = "select rows from s2p.contents where domain = %s and table_name = %s"
    row = conn.execute(query, (table.domain, table.name)).fetchone()
    return int(row[0]) if row else 0


def _is_most(making: _Making, keys: ChangedKeys) -> bool:
    """Whether so many rows are to be made again that all are made as quickly."""
    if keys.count < changed_keys.FEW:
        return False
    query = sql.SQL("select count(*) from {} t where {}").format(making.place, keys.condition("t"))
    row = making.run(query).fetchone()
    return row is not None and row[0] > LARGEST_PART * _stored_rows(making.conn, making.table)


def _select(making: _Making, query: str) -> None:
    """Run the select as the role that may only read, and keep what it returns."""
    table = making.table
    define_function(making.conn, FUNCTION, table.columns, query)
    begin_returned(making.conn, table)
    command = sql.SQL("insert into {} ({}) select * from {}()").format(RETURNED, names_of(table.columns), FUNCTION)
    making.run(command)


def _made_whole(making: _Making, text: str, before: str | None) -> MadeTable:
    table = making.table
    _select(making, f"select {names_of(table.columns).as_string(making.conn)} from ({text}\n) q")
    digest = row_digest(making.run, RETURNED, table.columns)
    version = digest.version(digest.rows)
    if version != before:
        _expect(making, write_whole(making.conn, making.run, table, digest.rows), digest.rows)
        _set_version(making, version, digest.rows)
    _check(making)  # its rules may be others than those by which the same rows were good
    changed_keys.note_made(making.conn, table, digest, version, digest.rows)
    return MadeTable(digest.rows, version, changed=version != before, remade=f"all {digest.rows:,} rows")


def _made_in_part(making: _Making, text: str, keys: ChangedKeys, before: str | None) -> MadeTable:
    conn, table = making.conn, making.table
    take_stored(making.run, table, keys.condition)
    old = row_digest(making.run, STORED, table.columns)
    conn.execute(sql.SQL("grant select on {} to {}").format(KEYS, sql.Identifier(ROLE)))
    names, condition = names_of(table.columns).as_string(conn), keys.condition("q", pushed=True).as_string(conn)
    _select(making, f"select {names} from ({text}\n) q where {condition}")
    new = row_digest(making.run, RETURNED, table.columns)
    digest = keys.digest ^ old ^ new
    rows = keys.rows - old.rows + new.rows
    version = digest.version(rows)
    if version != before:
        _expect(making, write_part(conn, making.run, table), new.rows)
        store.set_version(conn, table, version, rows)  # what few rows are like, autovacuum looks at
    _check(making)
    changed_keys.note_made(conn, table, digest, version, rows)
    remade = f"{new.rows:,} of {rows:,} rows, of {keys.count:,} changed {' and '.join(table.incremental)}"
    return MadeTable(rows, version, changed=version != before, remade=remade)


def _expect(making: _Making, stored: int, returned: int) -> None:
    """Of two rows that are wholly equal one alone is stored, and the index of the key is silent."""
    if stored != returned:
        raise SqlTableBroken(making.table, [f"more than one row for the key: {_repeated_key(making)}"])


def _repeated_key(making: _Making) -> str:
    names = sql.SQL(", ").join(map(sql.Identifier, making.table.key))
    query = sql.SQL("select {0} from {1} group by {0} having count(*) > 1 limit 1").format(names, RETURNED)
    values = making.run(query).fetchone() or ()
    return f"Key ({', '.join(making.table.key)})=({', '.join(map(str, values))})"


def _check(making: _Making) -> None:
    """Raise SqlTableBroken for returned rows that break their declaration, or a test of the table that returns rows."""
    conn, table = making.conn, making.table
    broken = broken_rules(making.run, table, RETURNED)
    tests = []
    if table.tests:
        conn.execute(sql.SQL("grant select on {} to {}").format(making.place, sql.Identifier(ROLE)))
        conn.execute(
            sql.SQL("grant usage on schema {} to {}").format(sql.Identifier(table.domain), sql.Identifier(ROLE))
        )
    for number, test in enumerate(table.tests):
        text = select_text(table, test.query, conn, sql.Identifier)
        check_select(conn, table, text)
        name = sql.Identifier("pg_temp", f"s2p_test_{number}")
        conn.execute(
            sql.SQL(
                "create or replace function {}() returns setof text language sql stable security definer"
                " set search_path = pg_catalog, public, pg_temp as {}"
            ).format(name, sql.Literal(f"select q::text from ({text}\n) q limit {TESTED_ROWS}"))
        )
        conn.execute(sql.SQL("alter function {}() owner to {}").format(name, sql.Identifier(ROLE)))
        tests.append((test.name, sql.SQL("select * from {}()").format(name)))
    broken += broken_tests(making.run, table, tests)
    if broken:
        raise SqlTableBroken(table, broken)


def _set_version(making: _Making, version: str, rows: int) -> None:
    store.set_version(making.conn, making.table, version, rows)
    making.run(sql.SQL("analyze {}").format(making.place))


def run_select(conn: psycopg.Connection, table: SqlTable, place: sql.Identifier, locate: TableLocator) -> None:
    """Put what the select returns of the tables that `locate` names into `place`, which is there and empty.

    Raises SqlTableFailed.
    """
    reader = is_reader(conn)
    if not reader:
        ensure_role(conn)
        grant_sources(conn, [source.place for source in table.sources], locate)
    text, names = select_text(table, table.text, conn, locate), names_of(table.columns)
    check_select(conn, table, text, table.columns)
    making, query = (
        _Making(conn, table, time.monotonic() + table.seconds),
        f"select {names.as_string(conn)} from ({text}\n) q",
    )
    with conn.transaction():
        define_function(conn, FUNCTION, table.columns, query, None if reader else ROLE)
        making.run(sql.SQL("insert into {} ({}) select * from {}()").format(place, names, FUNCTION))
        conn.execute("set local statement_timeout = 0")
