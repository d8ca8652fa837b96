"""The select of a SQL table as a function that may read the tables it names, and can do nothing else.

It runs as a role without any right but to read; PostgreSQL refuses writing statements in a function that is stable,
and refuses to a function of another's rights to take up other rights. What it returns is stored in `making.py`.
"""

from collections.abc import Iterable
from itertools import pairwise

import psycopg
from psycopg import sql

from s2p_assets.catalog.sql_shelf import with_places
from s2p_assets.contracts.columns import Column
from s2p_assets.contracts.errors import MendableError
from s2p_assets.contracts.sql_table import SqlTable
from s2p_assets.warehouse.server.advisory_locks import advisory_lock
from s2p_assets.warehouse.server.roles import DOOR
from s2p_assets.warehouse.trace.traced_rows import TableLocator

ROLE = "s2p_select"
FUNCTION = sql.Identifier("pg_temp", "s2p_rows")
FITTING = {
    "text": ("text", "character varying", "character", "name", '"char"'),
    "double precision": ("double precision", "real", "numeric", "bigint", "integer", "smallint"),
    "numeric": ("numeric", "bigint", "integer", "smallint"),
    "bigint": ("bigint", "integer", "smallint"),
    "date": ("date",),
    "timestamp": ("timestamp without time zone", "date"),
    "boolean": ("boolean",),
}
"""Declared type → what a select may return for it: what becomes it without loss."""


class SqlTableFailed(MendableError):
    """A SQL table could not be made; one line with file, line and what to do. Nothing of it was stored."""


def failed(table: SqlTable, message: str, line: int | None = None) -> SqlTableFailed:
    where = f"{table.file}:{line}" if line else str(table.file)
    return SqlTableFailed(f"{where}: {message}; nothing was stored")


def ensure_role(conn: psycopg.Connection) -> None:
    """The role that may only read. Raises MendableError where this user of the database may make none."""
    with conn.transaction():
        advisory_lock(conn, "roles")
        if conn.execute("select 1 from pg_roles where rolname = %s", (ROLE,)).fetchone():
            return
        try:
            with conn.transaction():
                conn.execute(sql.SQL("create role {} nologin noinherit").format(sql.Identifier(ROLE)))
                conn.execute(
                    sql.SQL("grant {} to current_user with set true, inherit false").format(sql.Identifier(ROLE))
                )
        except (psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
            pass  # made meanwhile, from another database of the server
        except psycopg.errors.InsufficientPrivilege:
            raise MendableError(
                f"SQL tables are made by a role that may only read, and this user may not create it; have it made: "
                f"create role {ROLE} nologin; grant {ROLE} to {conn.info.user};"
            ) from None


def grant_sources(conn: psycopg.Connection, places: Iterable[tuple[str, str]], locate: TableLocator) -> None:
    """Let the role read these tables, and no others."""
    role = sql.Identifier(ROLE)
    for domain, name in places:
        place = locate(domain, name)
        is_own = place == sql.Identifier(domain, name)
        asked = "select has_table_privilege(%s, %s, 'select'), %s or has_schema_privilege(%s, %s, 'usage')"
        may = conn.execute(asked, (ROLE, place.as_string(conn), not is_own, ROLE, domain)).fetchone() or ()
        wanted = [sql.SQL("grant usage on schema {} to {}").format(sql.Identifier(domain), role)] if not may[1] else []
        wanted += [sql.SQL("grant select on {} to {}").format(place, role)] if not may[0] else []
        try:
            for grant in wanted:
                with conn.transaction():
                    conn.execute(grant)
        except psycopg.errors.InsufficientPrivilege:
            command = "; ".join(grant.as_string(conn) for grant in wanted)
            raise MendableError(
                f"{domain}.{name} is another user's, who has to let SQL tables read it: {command}"
            ) from None


def select_text(table: SqlTable, text: str, conn: psycopg.Connection, locate: TableLocator) -> str:
    """A query of the table's file, its names being those of tables of the database, line for line."""
    return with_places(text, table.domain, lambda domain, name: locate(domain, name).as_string(conn))


def check_select(conn: psycopg.Connection, table: SqlTable, text: str, columns: Iterable[Column] = ()) -> None:
    """Have PostgreSQL look at the select, and at what it returns, before anything runs. Raises SqlTableFailed."""
    refuse_volatile(conn, table, text)
    try:
        with conn.transaction():
            found = conn.execute(f"select * from ({text}\n) q limit 0".encode())
    except psycopg.Error as error:
        raise failed(table, *_told(error, text)) from None
    described = found.description or ()
    asked = "select format_type(one, null) from unnest(%s::oid[]) with ordinality t(one, place) order by place"
    types = [name for (name,) in conn.execute(asked, ([one.type_code for one in described],))] if columns else []
    returned = {one.name: name for one, name in zip(described, types, strict=False)}
    lines = dict(table.lines)
    for column in columns:
        given = returned[column.name]
        if given not in FITTING[column.postgres_type]:
            wanted = f"{column.kind.capitalize()} ({column.postgres_type})"
            message = f"column {column.name!r} is declared as {wanted}, and the select returns {given}; cast it"
            raise failed(table, message, lines.get(f"columns.{column.name}"))


def refuse_volatile(conn: psycopg.Connection, table: SqlTable, text: str) -> None:
    """Functions that do something, or return another value each time, have no place in a table."""
    import sqlglot

    tokens = sqlglot.tokenize(text, dialect="postgres")
    called = {
        one.text.lower(): text.count("\n", 0, one.start) + 1
        for one, after in pairwise(tokens)
        if after.token_type.name == "L_PAREN"
    }
    found = conn.execute(
        "select proname::text from pg_proc where proname = any(%s) and provolatile = 'v' order by 1", (list(called),)
    ).fetchone()
    if found:
        message = f"{found[0]}() writes, waits or returns another value each time; a table is made of what is stored"
        raise failed(table, message, called[found[0]])


def is_reader(conn: psycopg.Connection) -> bool:
    """Whether this connection is of the role of API and screen, which only reads anyway."""
    return conn.execute("select current_user").fetchone() == (DOOR,)


def define_function(
    conn: psycopg.Connection, name: sql.Identifier, columns: Iterable[Column], query: str, owner: str | None = ROLE
) -> None:
    """A function of this connection that returns the rows of a query, with the rights of `owner` alone.

    `owner`: None for whom this connection is.
    """
    fields = sql.SQL(", ").join(
        sql.SQL("{} " + one.postgres_type).format(sql.Identifier(f"_{at}")) for at, one in enumerate(columns)
    )
    conn.execute(sql.SQL("drop function if exists {}()").format(name))
    conn.execute(
        sql.SQL(
            "create or replace function {}() returns table ({}) language sql stable security definer"
            " set search_path = pg_catalog, public, pg_temp as {}"
        ).format(name, fields, sql.Literal(query))
    )
    if owner is not None:
        conn.execute(sql.SQL("alter function {}() owner to {}").format(name, sql.Identifier(owner)))


def _told(error: psycopg.Error, text: str) -> tuple[str, int | None]:
    """What PostgreSQL said, and the line of the select that it meant."""
    said = error.diag.message_primary or str(error).splitlines()[0]
    hint = f" ({error.diag.message_hint})" if error.diag.message_hint else ""
    position = error.diag.statement_position
    begin = len("select * from (")
    line = text.count("\n", 0, int(position) - 1 - begin) + 1 if position and int(position) > begin else None
    return f"{said}{hint}", line
