"""Running the revisions that a database lacks, by Alembic, in one transaction.

What each revision changes stands in `versions/`; when to run them is decided in `own_tables.py`.
"""

import threading
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg import conninfo, sql

from s2p_assets.warehouse.migrations.revisions import HEAD, HomeTooNew, note
from s2p_assets.warehouse.server.advisory_locks import advisory_lock

if TYPE_CHECKING:
    from sqlalchemy import Connection

SCHEMA = "s2p"

_one_at_a_time = threading.Lock()  # Alembic keeps what it works on in its modules


def upgrade(conn: psycopg.Connection, to: str = HEAD) -> str | None:
    """Bring the tables in the database of `conn` to a revision; the one that they were at, None for none.

    Waits for other processes that are at it. Works on a connection of its own, in one transaction: what is killed
    or fails has changed nothing. Raises HomeTooNew and psycopg.Error.
    """
    from sqlalchemy import NullPool, create_engine
    from sqlalchemy.exc import DBAPIError

    password = {"password": conn.info.password} if conn.info.password else {}
    address = conninfo.make_conninfo(conn.info.dsn, **password)
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(address), poolclass=NullPool)
    try:
        with _one_at_a_time, engine.begin() as connection:
            return _upgraded(connection, to)
    except DBAPIError as error:
        if isinstance(error.orig, psycopg.Error):
            raise error.orig from None
        raise


def found_revision(conn: psycopg.Connection) -> str | None:
    """The revision of s2p's tables, None where there are none or they are of 0.1.0. Raises HomeTooNew."""
    there = conn.execute("select to_regclass('s2p.alembic_version')").fetchone()
    if not there or there[0] is None:
        return None
    row = conn.execute("select version_num from s2p.alembic_version").fetchone()
    found = str(row[0]) if row else None
    known = {file.name[1:5] for file in (Path(__file__).parent / "versions").glob("r*.py")}
    if found is not None and found not in known:
        raise HomeTooNew(_too_new(found))
    return found


def _too_new(found: str) -> str:
    return (
        f"this home was written by a newer s2p (its tables are at revision {found}, this one knows {HEAD}); "
        "install that version, or use another S2P_HOME or S2P_DATABASE_URL"
    )


def driver(connection: "Connection") -> psycopg.Connection:
    """The psycopg connection behind SQLAlchemy's, in whose words revisions are written."""
    held = connection.connection.driver_connection
    assert isinstance(held, psycopg.Connection)
    return held


def _upgraded(connection: "Connection", to: str) -> str | None:
    from alembic import command
    from alembic.config import Config
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    advisory_lock(driver(connection), "own tables")
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    found = MigrationContext.configure(connection, opts={"version_table_schema": SCHEMA}).get_current_revision()
    if found is not None and found not in known:
        raise HomeTooNew(_too_new(found))
    if found is None:
        driver(connection).execute(f"create schema if not exists {SCHEMA}")
    command.upgrade(config, to)
    comment = sql.SQL("comment on table {} is {}")
    place = sql.Identifier(SCHEMA, "alembic_version")
    driver(connection).execute(comment.format(place, sql.Literal(note(to))))
    return found
