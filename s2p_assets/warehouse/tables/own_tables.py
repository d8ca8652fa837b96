"""s2p's own tables, in the schema `s2p`: whether a database has them as this code knows them.

Their DDL is in `migrations/`, which is loaded only where something is lacking: importing Alembic takes half a second.
"""

import psycopg

from s2p_assets.contracts.errors import MendableError

HEAD = "0003"
"""The newest revision in `migrations/versions/`."""


class HomeTooNew(MendableError):
    """The tables were written by a newer s2p; one line with their revision and what to do."""


def ensure_own_tables(conn: psycopg.Connection) -> None:
    """Bring s2p's own tables to `HEAD`, from nothing or from an older revision. Several processes may at once.

    Costs one small query where they are there already. Raises HomeTooNew.
    """
    if _noted(conn) != note(HEAD):
        from s2p_assets.warehouse.migrations.upgrading import upgrade

        upgrade(conn)


def note(revision: str) -> str:
    """The comment on Alembic's table, which can be asked for in one query whether or not there is that table."""
    return f"The revision of s2p's own tables: {revision}"


def _noted(conn: psycopg.Connection) -> str | None:
    row = conn.execute("select obj_description(to_regclass('s2p.alembic_version'), 'pg_class')").fetchone()
    return row[0] if row else None
