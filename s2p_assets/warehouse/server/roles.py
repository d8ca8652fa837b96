"""PostgreSQL's roles of s2p's own processes: who only reads, who writes rows; the owner of the tables is whom s2p is.

The role of people and programs that connect themselves is in `reader.py`; connections are opened in `warehouse.py`.
"""

import contextlib
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import conninfo, sql

from s2p_assets.warehouse.server.advisory_locks import advisory_lock

DOOR = "s2p_door"
"""Reads what API and screen show: the tables of every domain, and s2p's own but those of who may come in."""
WRITER = "s2p_writer"
"""Reads and writes rows, and neither makes, alters nor drops a table."""
RIGHTS = {DOOR: "select", WRITER: "select, insert, update, delete"}
OWN_SCHEMA = "s2p"
SECRET_TABLES = ("users", "sessions", "one_time_links", "tokens")
DAGSTER_SCHEMA = "dagster"
"""Whose runs and heartbeats the screen shows; s2p's own roles write nothing there."""
OTHERS = ("mlflow", "public", "information_schema")
PASSWORD_FILE = "roles.password"  # noqa: S105  where it is, not what

_READY = """
select count(*) = 2 from pg_roles where rolname = any(%s)
and has_schema_privilege(oid, (select oid from pg_namespace where nspname = 's2p'), 'usage')
"""


@dataclass(frozen=True)
class RoleAddresses:
    """The address for each kind of work; `lacking`: the line that says why both are the owner's, where they are."""

    reading: str
    writing: str
    lacking: str | None = None


def role_addresses(url: str, home: Path, *, embedded: bool) -> RoleAddresses:
    """The addresses of an installation whose roles are there; the owner's own where a role cannot log in.

    The embedded server knows its user by the socket; elsewhere the password lies in the home.
    """
    if embedded:
        return RoleAddresses(_as_role(url, DOOR), _as_role(url, WRITER))
    password = roles_password(home)
    found = RoleAddresses(_as_role(url, DOOR, password), _as_role(url, WRITER, password))
    try:
        for address in (found.reading, found.writing):
            psycopg.connect(address, connect_timeout=10).close()
    except psycopg.OperationalError as error:
        reason = str(error).splitlines()[0].rpartition("failed: ")[2].replace(password, "…")
        return RoleAddresses(url, url, f"{_LACKING}: {reason}; `s2p roles --sql` prints what makes them")
    return found


_LACKING = f"reads and writes as the owner of its tables, as it cannot log in as {DOOR} and {WRITER}"


def ensure_roles(conn: psycopg.Connection, home: Path, *, embedded: bool) -> None:
    """Make the two roles and let them at what is there and what comes, where that was not done yet.

    Costs one small query where it was. Where the owner may not make roles, those that somebody made are used, and
    nothing is done where there are none.
    """
    if _is_ready(conn):
        return
    with conn.transaction():
        advisory_lock(conn, "roles")
        if _is_ready(conn):
            return
        password = None if embedded else roles_password(home)
        for role in RIGHTS:
            if not _exists(conn, role):
                if not _may_make_roles(conn):
                    return
                _create_role(conn, role, password)
        for (schema,) in conn.execute(_SCHEMAS, (list(OTHERS),)).fetchall():
            grant_schema(conn, str(schema))


def _create_role(conn: psycopg.Connection, role: str, password: str | None) -> None:
    """Roles are a server's, locks a database's: another home of the same server may have made it meanwhile."""
    with contextlib.suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation), conn.transaction():
        conn.execute("set local password_encryption = 'scram-sha-256'")
        conn.execute(_create_statement(role, password))


_SCHEMAS = """
select nspname from pg_namespace
where nspname <> all(%s) and nspname !~ '^pg_' and pg_has_role(current_user, nspowner, 'usage')
"""


def create_schema(conn: psycopg.Connection, name: str) -> None:
    """Make a schema, with the rights of the roles, where they are there; nothing where it exists."""
    if conn.execute("select 1 from pg_namespace where nspname = %s", (name,)).fetchone():
        return
    conn.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(name)))
    grant_schema(conn, name)


def grant_schema(conn: psycopg.Connection, schema: str) -> None:
    """Let each role that is there at the tables of a schema, later ones too."""
    for role, rights in RIGHTS.items():
        if not _exists(conn, role) or (schema == DAGSTER_SCHEMA and role == WRITER):
            continue
        for statement in _grants(schema, role, rights):
            conn.execute(statement)


def _grants(schema: str, role: str, rights: str) -> Iterable[sql.Composed]:
    names = {"schema": sql.Identifier(schema), "role": sql.Identifier(role), "rights": sql.SQL(rights)}
    words = [
        "grant usage on schema {schema} to {role}",
        "grant {rights} on all tables in schema {schema} to {role}",
        "alter default privileges in schema {schema} grant {rights} on tables to {role}",
    ]
    if role == WRITER:
        words += [
            "grant usage on all sequences in schema {schema} to {role}",
            "alter default privileges in schema {schema} grant usage on sequences to {role}",
        ]
    yield from (sql.SQL(word).format(**names) for word in words)
    if schema == OWN_SCHEMA and role == DOOR:
        tables = sql.SQL(", ").join(sql.Identifier(schema, table) for table in SECRET_TABLES)
        yield sql.SQL("revoke all on {} from {}").format(tables, names["role"])


def roles_script(home: Path, owner: str) -> str:
    """What somebody who may make roles runs once; s2p itself, as `owner`, grants the rest at its next start."""
    from s2p_assets.warehouse.sql_tables.read_only import ROLE

    password, selecting = roles_password(home), sql.Identifier(ROLE)
    made = [_create_statement(role, password) for role in RIGHTS]
    made += [
        sql.SQL("create role {} nologin noinherit").format(selecting),
        sql.SQL("grant {} to {} with set true, inherit false").format(selecting, sql.Identifier(owner)),
    ]
    lines = [statement.as_string(None) + ";" for statement in made]
    return "\n".join([*lines, ""])


def roles_password(home: Path) -> str:
    """The password of both, made once and kept where only the user who runs s2p may read it."""
    return kept_password(home / PASSWORD_FILE)


def kept_password(file: Path) -> str:
    """The password in a file, made where there is none."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        held = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(held, "w") as target:
            target.write(secrets.token_urlsafe(24))
    return file.read_text().strip()


def _as_role(url: str, role: str, password: str | None = None) -> str:
    return conninfo.make_conninfo(url, user=role, **({"password": password} if password else {}))


def _is_ready(conn: psycopg.Connection) -> bool:
    row = conn.execute(_READY, (list(RIGHTS),)).fetchone()
    return bool(row and row[0])


def _exists(conn: psycopg.Connection, role: str) -> bool:
    return conn.execute("select 1 from pg_roles where rolname = %s", (role,)).fetchone() is not None


def _may_make_roles(conn: psycopg.Connection) -> bool:
    row = conn.execute("select rolsuper or rolcreaterole from pg_roles where rolname = current_user").fetchone()
    return bool(row and row[0])


def _create_statement(role: str, password: str | None) -> sql.Composed:
    made = "create role {} login" if password is None else "create role {} login password {}"
    return sql.SQL(made).format(sql.Identifier(role), *([] if password is None else [sql.Literal(password)]))
